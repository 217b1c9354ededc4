// Overlay and synthetic videos: 4:2:0 pictures -> H.264 in MP4.
//
// libx264 at "veryfast" and constant quality (MPEG-4 part 2 where libav was built without it); the index is moved to
// the front so that browsers start at once. Time stamps are those of the source, in a fine unit of which the frame
// duration is a whole multiple, so that a constant rate stays exactly that.
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "media/libav.h"
#include "media/media.h"

enum { ENCODER_THREADS = 2, DEFAULT_CRF = 21, CRF_MAX = 51, KEY_FRAME_S = 2, GAP_MAX_S = 3600 };

static const double DEFAULT_FPS = 25;
static const double CLOCK_ERROR_S = 1.1e-3; // of a time difference in containers that count milliseconds

struct TlEncoder {
    TlOutfile *file;
    char path[TL_PATH_SIZE];
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVFrame *picture; // padded to even sides
    AVPacket *packet;
    int width, height; // of the pictures that come
    AVRational rate;
    int64_t frame_ticks; // frame duration in units of codec->time_base
    int64_t frames, last_ticks;
    double first_s;
};

// 29.97 is 30000/1001 and not 2997/100 (SMPTE rates); others become the nearest fraction.
static AVRational exact_rate(double fps)
{
    if (!(fps > 0.01 && fps < 1000))
        fps = DEFAULT_FPS;
    double whole = round(fps), ntsc = round(fps * 1.001);
    if (fabs(fps - whole) < 1e-4 * fps)
        return (AVRational){(int)whole, 1};
    if (fabs(fps - ntsc / 1.001) < 1e-4 * fps)
        return (AVRational){(int)ntsc * 1000, 1001};
    return av_d2q(fps, 100000);
}

static int fail_write(const TlEncoder *encoder, int error, TlDiag *diag)
{
    char text[AV_ERROR_MAX_STRING_SIZE];

    return tl_fail(diag, tl_libav_code(error, TL_EIO), "cannot write '%s': %s", encoder->path,
                   tl_libav_text(text, sizeof text, error));
}

static int check_params(const TlEncoder *encoder, const TlEncoderParams *params, TlDiag *diag)
{
    int width = encoder->width, height = encoder->height;

    if (params->crf < 0 || params->crf > CRF_MAX)
        return tl_fail(diag, TL_EUSAGE, "quality %d of '%s' is not within 0..%d", params->crf, encoder->path, CRF_MAX);
    if (width < TL_SIDE_MIN || height < TL_SIDE_MIN || width > TL_SIDE_MAX || height > TL_SIDE_MAX ||
        (int64_t)width * height > TL_PIXELS_MAX)
        return tl_fail(diag, TL_ELIMIT, "a video '%s' of %dx%d cannot be written", encoder->path, width, height);
    return TL_OK;
}

static int open_file(TlEncoder *encoder, const TlEncoderParams *params, TlDiag *diag)
{
    struct stat status;
    char url[TL_PATH_SIZE * 3];
    int ret = tl_outfile_open(&encoder->file, params->path, params->overwrite, diag);

    if (ret < 0)
        return ret;
    const char *temp = tl_outfile_temp_path(encoder->file);
    if (tl_outfile_stream(encoder->file) == stdout || stat(temp, &status) < 0 || !S_ISREG(status.st_mode))
        return tl_fail(diag, TL_EUSAGE, "the video needs a file to be written to: '%s' is none", encoder->path);
    // The prefix keeps libav from taking a name with a colon for an address.
    snprintf(url, sizeof url, "file:%s", temp);
    if (avformat_alloc_output_context2(&encoder->format, NULL, "mp4", url) < 0)
        return tl_fail(diag, TL_ENOMEM, "out of memory for writing '%s'", encoder->path);
    ret = avio_open2(&encoder->format->pb, url, AVIO_FLAG_WRITE, NULL, NULL);
    return ret < 0 ? fail_write(encoder, ret, diag) : TL_OK;
}

// The finest time base up to 1/finest that divides the frame duration.
static void set_time_base(TlEncoder *encoder, int finest)
{
    AVRational rate = encoder->rate;
    int factor = rate.num < finest ? finest / rate.num : 1;

    encoder->codec->time_base = (AVRational){1, rate.num * factor};
    encoder->codec->framerate = rate;
    encoder->frame_ticks = (int64_t)rate.den * factor;
}

static int open_codec(TlEncoder *encoder, const TlEncoderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    const AVCodec *av_codec = avcodec_find_encoder_by_name("libx264");
    int is_x264 = av_codec != NULL, crf = params->crf ? params->crf : DEFAULT_CRF;

    if (!av_codec)
        av_codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    AVCodecContext *codec = encoder->codec = av_codec ? avcodec_alloc_context3(av_codec) : NULL;
    if (!codec)
        return tl_fail(diag, TL_EINTERNAL, "this libav has no encoder for MP4 video");
    codec->width = (encoder->width + 1) & ~1;
    codec->height = (encoder->height + 1) & ~1;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    if (info->sar_num > 0 && info->sar_den > 0)
        codec->sample_aspect_ratio = (AVRational){info->sar_num, info->sar_den};
    set_time_base(encoder, is_x264 ? 90000 : 65535); // MPEG-4 part 2 stores it in 16 bits
    codec->gop_size = (int)ceil(av_q2d(encoder->rate) * KEY_FRAME_S);
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (is_x264) {
        codec->thread_count = ENCODER_THREADS;
        av_opt_set(codec->priv_data, "preset", "veryfast", 0);
        av_opt_set_double(codec->priv_data, "crf", crf, 0);
        // x264 164 reads memory it has not written there: the bytes would differ from run to run.
        av_opt_set_int(codec->priv_data, "mbtree", 0, 0);
    } else {
        codec->flags |= AV_CODEC_FLAG_QSCALE; // 1..31, about the same look at half the number
        codec->global_quality = FF_QP2LAMBDA * (crf > 13 ? (crf - 9) / 4 : 1);
    }
    int ret = avcodec_open2(codec, av_codec, NULL);
    if (ret < 0)
        return tl_fail(diag, tl_libav_code(ret, TL_ELIMIT), "the encoder %s does not accept pictures of %dx%d",
                       av_codec->name, encoder->width, encoder->height);
    return TL_OK;
}

static int open_stream(TlEncoder *encoder, TlDiag *diag)
{
    const AVCodecContext *codec = encoder->codec;
    AVDictionary *options = NULL;
    AVStream *stream = encoder->stream = avformat_new_stream(encoder->format, NULL);

    encoder->packet = av_packet_alloc();
    encoder->picture = av_frame_alloc();
    if (!codec || !stream || !encoder->packet || !encoder->picture ||
        avcodec_parameters_from_context(stream->codecpar, codec) < 0)
        return tl_fail(diag, TL_ENOMEM, "out of memory for writing '%s'", encoder->path);
    encoder->picture->width = codec->width;
    encoder->picture->height = codec->height;
    encoder->picture->format = AV_PIX_FMT_YUV420P;
    if (av_frame_get_buffer(encoder->picture, 0) < 0)
        return tl_fail(diag, TL_ENOMEM, "out of memory for writing '%s'", encoder->path);
    stream->time_base = codec->time_base;
    stream->avg_frame_rate = encoder->rate;
    stream->sample_aspect_ratio = codec->sample_aspect_ratio;
    av_dict_set(&options, "movflags", "faststart", 0);
    int ret = avformat_write_header(encoder->format, &options);
    av_dict_free(&options);
    return ret < 0 ? fail_write(encoder, ret, diag) : TL_OK;
}

int tl_encoder_open(TlEncoder **out, const TlEncoderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    TlEncoder *encoder = tl_calloc(1, sizeof *encoder);
    int ret;

    *out = NULL;
    if (!encoder)
        return tl_fail(diag, TL_ENOMEM, "out of memory for writing '%.200s'", params->path);
    tl_libav_init();
    tl_strcpy(encoder->path, sizeof encoder->path, params->path);
    encoder->width = info->width;
    encoder->height = info->height;
    encoder->rate = exact_rate(info->fps);
    if ((ret = check_params(encoder, params, diag)) < 0 || (ret = open_file(encoder, params, diag)) < 0 ||
        (ret = open_codec(encoder, params, info, diag)) < 0 || (ret = open_stream(encoder, diag)) < 0)
        tl_encoder_abort(&encoder);
    *out = encoder;
    return ret;
}

// Copies a plane and repeats its last column and row up to the padded size.
static void copy_plane(uint8_t *target, int target_stride, const uint8_t *source, int stride, int width, int height,
                       int padded_width, int padded_height)
{
    for (int y = 0; y < padded_height; y++) {
        const uint8_t *from = source + (ptrdiff_t)(y < height ? y : height - 1) * stride;
        uint8_t *to = target + (ptrdiff_t)y * target_stride;
        memcpy(to, from, (size_t)width);
        memset(to + width, from[width - 1], (size_t)(padded_width - width));
    }
}

// Moves finished packets into the file. picture NULL: the last ones.
static int encode(TlEncoder *encoder, const AVFrame *picture, TlDiag *diag)
{
    int ret = avcodec_send_frame(encoder->codec, picture);

    while (ret >= 0) {
        ret = avcodec_receive_packet(encoder->codec, encoder->packet);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return TL_OK;
        if (ret < 0)
            break;
        encoder->packet->duration = encoder->frame_ticks;
        av_packet_rescale_ts(encoder->packet, encoder->codec->time_base, encoder->stream->time_base);
        encoder->packet->stream_index = encoder->stream->index;
        ret = av_interleaved_write_frame(encoder->format, encoder->packet);
    }
    return fail_write(encoder, ret, diag);
}

// Time of the next frame in units of the codec's time base, always growing.
static int64_t next_ticks(TlEncoder *encoder, double time_s)
{
    double fps = av_q2d(encoder->rate), tick_s = av_q2d(encoder->codec->time_base);

    if (!encoder->frames++) {
        encoder->first_s = time_s;
        return encoder->last_ticks = 0;
    }
    double from_first_s = time_s - encoder->first_s, since_last_s = from_first_s - (double)encoder->last_ticks * tick_s;
    int64_t ticks = encoder->last_ticks + encoder->frame_ticks;
    if (since_last_s > 0 && since_last_s < GAP_MAX_S) { // false for NaN
        double whole = round(from_first_s * fps);
        int is_on_grid = fabs(from_first_s - whole / fps) <= fmin(CLOCK_ERROR_S, 0.25 / fps);
        ticks = is_on_grid ? (int64_t)whole * encoder->frame_ticks : llround(from_first_s / tick_s);
    }
    if (ticks <= encoder->last_ticks)
        ticks = encoder->last_ticks + 1;
    return encoder->last_ticks = ticks;
}

int tl_encoder_write(TlEncoder *encoder, const TlPicture *picture, double time_s, TlDiag *diag)
{
    AVFrame *frame = encoder->picture;

    if (picture->width != encoder->width || picture->height != encoder->height)
        return tl_fail(diag, TL_EUSAGE, "a picture of %dx%d does not fit the video '%s' of %dx%d", picture->width,
                       picture->height, encoder->path, encoder->width, encoder->height);
    // The encoder may still hold the last one.
    if (av_frame_make_writable(frame) < 0)
        return tl_fail(diag, TL_ENOMEM, "out of memory for writing '%s'", encoder->path);
    for (int i = 0; i < 3; i++) {
        int width = i ? (picture->width + 1) / 2 : picture->width,
            height = i ? (picture->height + 1) / 2 : picture->height;
        copy_plane(frame->data[i], frame->linesize[i], picture->plane[i], picture->stride[i], width, height,
                   i ? frame->width / 2 : frame->width, i ? frame->height / 2 : frame->height);
    }
    frame->pts = next_ticks(encoder, time_s);
    return encode(encoder, frame, diag);
}

static void free_codec(TlEncoder *encoder)
{
    avcodec_free_context(&encoder->codec);
    av_frame_free(&encoder->picture);
    av_packet_free(&encoder->packet);
    if (encoder->format)
        avio_closep(&encoder->format->pb);
    avformat_free_context(encoder->format);
    encoder->format = NULL;
}

static int finish(TlEncoder *encoder, TlDiag *diag)
{
    int ret = encode(encoder, NULL, diag);

    if (ret < 0)
        return ret;
    int error = av_write_trailer(encoder->format);
    int close_error = avio_closep(&encoder->format->pb);
    if (error >= 0)
        error = close_error;
    return error < 0 ? fail_write(encoder, error, diag) : TL_OK;
}

int tl_encoder_commit(TlEncoder **out, TlDiag *diag)
{
    TlEncoder *encoder = *out;
    int ret = finish(encoder, diag);

    if (ret >= 0) {
        free_codec(encoder);
        ret = tl_outfile_commit(&encoder->file, diag);
    }
    tl_encoder_abort(out);
    return ret;
}

void tl_encoder_abort(TlEncoder **out)
{
    if (!out || !*out)
        return;
    TlEncoder *encoder = *out;
    free_codec(encoder);
    tl_outfile_abort(&encoder->file);
    tl_free(out);
}
