// Opening of inputs: container, choice of the stream, limits, decoder.
//
// Only the bytes of the one source are ever read: playlists and containers that refer to other files or addresses are
// refused, since a video from the network must not make this program open local files. The format is told from the
// content, never from the name, so that a text named .mp4 is called what it is.
#include "media/decoder.h"

#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/mem.h>

#include "base/cpu.h"
#include "media/container.h"
#include "media/libav.h"

enum {
    PROBE_BYTES = 8 * 1024 * 1024, // read ahead at most to learn about the streams
    ANALYZE_US = 3 * 1000 * 1000,  // and this much playing time
    STREAMS_MAX = 64,
    STREAMS_OF_STRANGERS = 8, // each may have an index of its own in memory
};

static int refuse_open(AVFormatContext *format, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *pb = NULL;
    return AVERROR(EPERM);
}

// The sentence for a container that libav does not open.
static int explain_open(TlDecoder *decoder, int error, TlDiag *diag)
{
    TlSource *source = &decoder->source;
    const char *name = source->name;

    if (tl_source_is_cancelled(source))
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted while opening %s", name);
    if (tl_source_error(source))
        return tl_fail(diag, tl_source_error(source), "reading %s failed", name);
    if (error == AVERROR(ENOMEM))
        return tl_fail(diag, TL_ENOMEM, "out of memory while opening %s", name);
    int state = tl_container_mp4_state(source);
    if (state == TL_MP4_NO_INDEX || (source->is_mp4 && !source->can_seek))
        return tl_fail(diag, TL_ETRUNCATED, "%s is cut off: its index (moov) is missing", name);
    if (state == TL_MP4_CUT_INDEX)
        return tl_fail(diag, TL_ETRUNCATED, "%s is cut off within its index (moov)", name);
    return tl_fail(diag, TL_EFORMAT, "%s is not a video or picture that can be read", name);
}

// Formats that are only lists of other files or addresses.
static int is_playlist(const AVInputFormat *format)
{
    static const char *const names[] = {"hls", "dash", "concat", "concatf", "imf", "sdp", "rtsp", "vapoursynth", NULL};

    for (int i = 0; names[i]; i++)
        if (av_match_name(names[i], format->name))
            return 1;
    return (format->flags & AVFMT_NOFILE) != 0;
}

void tl_media_limit_allocation(size_t bytes)
{
    av_max_alloc(bytes);
}

static int open_container(TlDecoder *decoder, TlDiag *diag)
{
    const AVInputFormat *found = NULL;
    AVDictionary *options = NULL;
    int ret = av_probe_input_buffer2(decoder->source.pb, &found, NULL, NULL, 0, 0);

    if (ret < 0)
        return explain_open(decoder, ret, diag);
    if (is_playlist(found))
        return tl_fail(diag, TL_EFORMAT, "%s is a playlist (%s), not a video", decoder->source.name, found->name);
    decoder->format = avformat_alloc_context();
    if (!decoder->format)
        return tl_fail(diag, TL_ENOMEM, "out of memory while opening %s", decoder->source.name);
    decoder->format->pb = decoder->source.pb;
    decoder->format->interrupt_callback = decoder->source.interrupt;
    decoder->format->io_open = refuse_open;
    decoder->format->probesize = PROBE_BYTES;
    decoder->format->max_analyze_duration = ANALYZE_US;
    decoder->format->max_streams = decoder->source.bytes.read ? STREAMS_OF_STRANGERS : STREAMS_MAX;
    // For the nested contexts of playlist demuxers, which do not inherit io_open.
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    ret = avformat_open_input(&decoder->format, NULL, found, &options);
    av_dict_free(&options);
    if (ret == AVERROR(ENOMEM) && decoder->source.bytes.read)
        return tl_fail(diag, TL_ELIMIT, "%s has too many streams, or too many frames in its index",
                       decoder->source.name);
    if (ret < 0)
        return explain_open(decoder, ret, diag);
    decoder->head_end = avio_tell(decoder->source.pb);
    return TL_OK;
}

// Codecs of single pictures say what size they have only while decoding: see limit_buffer.
static int is_picture_codec(enum AVCodecID id)
{
    const AVCodecDescriptor *codec = avcodec_descriptor_get(id);

    return codec && codec->mime_types && codec->mime_types[0] && !strncmp(codec->mime_types[0], "image/", 6);
}

static int probe_streams(TlDecoder *decoder, TlDiag *diag)
{
    AVDictionary *options[STREAMS_MAX] = {NULL};
    unsigned count = decoder->format->nb_streams;

    // libav decodes a few frames here; the limit keeps it from allocating absurd ones.
    for (unsigned i = 0; i < count && i < STREAMS_MAX; i++)
        av_dict_set_int(&options[i], "max_pixels", TL_PIXELS_MAX, 0);
    int ret = count > STREAMS_MAX ? AVERROR_INVALIDDATA : avformat_find_stream_info(decoder->format, options);
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        av_dict_free(&options[i]);
    return ret < 0 ? explain_open(decoder, ret, diag) : TL_OK;
}

// The best video stream that is not the cover picture of a sound file.
static int choose_stream(TlDecoder *decoder, TlDiag *diag)
{
    AVFormatContext *format = decoder->format;

    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC)
            format->streams[i]->codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
    int index = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (index < 0)
        return tl_fail(diag, TL_ENOVIDEO, "there is no video stream in %s", decoder->source.name);
    for (unsigned i = 0; i < format->nb_streams; i++)
        format->streams[i]->discard = (int)i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    decoder->stream = format->streams[index];
    return TL_OK;
}

static int check_size(const TlDecoder *decoder, TlDiag *diag)
{
    int width = decoder->stream->codecpar->width, height = decoder->stream->codecpar->height;

    if (width <= 0 || height <= 0)
        return TL_OK; // known after the first picture
    if (width > TL_SIDE_MAX || height > TL_SIDE_MAX || (int64_t)width * height > TL_PIXELS_MAX)
        return tl_fail(diag, TL_ELIMIT, "the picture of %s is too large: %dx%d (limits: side %d, %d megapixels)",
                       decoder->source.name, width, height, TL_SIDE_MAX, TL_PIXELS_MAX / 1000000);
    if (width < TL_SIDE_MIN || height < TL_SIDE_MIN)
        return tl_fail(diag, TL_ELIMIT, "the picture of %s is too small: %dx%d (smallest: %dx%d)", decoder->source.name,
                       width, height, TL_SIDE_MIN, TL_SIDE_MIN);
    return TL_OK;
}

// avcodec's buffers, unless the picture is too large. max_pixels would do the same but cannot be told from damage.
static int limit_buffer(AVCodecContext *codec, AVFrame *picture, int flags)
{
    TlDecoder *decoder = codec->opaque;

    if (picture->width > TL_SIDE_MAX || picture->height > TL_SIDE_MAX ||
        (int64_t)picture->width * picture->height > TL_PIXELS_MAX) {
        decoder->picture_too_large = 1;
        return AVERROR_INVALIDDATA;
    }
    return avcodec_default_get_buffer2(codec, picture, flags);
}

// A JPEG in a file of its own: half of one is no picture, while a video of such frames goes on behind a damaged one.
// Others give out no half pictures anyway, and would refuse whole ones for trifles (a colour profile, a TIFF strip).
static int is_single_jpeg(const TlDecoder *decoder)
{
    return decoder->stream->codecpar->codec_id == AV_CODEC_ID_MJPEG &&
           !strcmp(decoder->format->iformat->name, "jpeg_pipe");
}

static int open_codec(TlDecoder *decoder, TlDiag *diag)
{
    enum AVCodecID id = decoder->stream->codecpar->codec_id;
    const AVCodec *av_codec = avcodec_find_decoder(id);

    if (!av_codec)
        return tl_fail(diag, TL_EFORMAT, "there is no decoder for the video of %s (%s)", decoder->source.name,
                       avcodec_get_name(id));
    int threads = decoder->params.threads > 0 ? decoder->params.threads : tl_cpu_count();
    AVCodecContext *codec = decoder->codec = avcodec_alloc_context3(av_codec);

    if (!codec || avcodec_parameters_to_context(codec, decoder->stream->codecpar) < 0)
        return tl_fail(diag, TL_ENOMEM, "out of memory for decoding %s", decoder->source.name);
    codec->pkt_timebase = decoder->stream->time_base;
    codec->thread_type = FF_THREAD_FRAME;
    codec->thread_count = threads < TL_DECODE_THREADS_MAX ? threads : TL_DECODE_THREADS_MAX;
    if (is_picture_codec(id)) {
        codec->thread_count = 1;
        codec->opaque = decoder;
        codec->get_buffer2 = limit_buffer;
    } else {
        codec->max_pixels = TL_PIXELS_MAX;
    }
    if (is_single_jpeg(decoder))
        codec->err_recognition |= AV_EF_EXPLODE;
    int ret = avcodec_open2(codec, av_codec, NULL);
    if (ret < 0)
        return tl_fail(diag, tl_libav_code(ret, TL_EFORMAT), "the %s decoder does not accept the video of %s",
                       av_codec->name, decoder->source.name);
    return TL_OK;
}

// Dropping needs one packet to be one frame: not so with two fields of interlaced H.264.
static int prepare_skipping(TlDecoder *decoder, TlDiag *diag)
{
    const AVCodecParameters *par = decoder->stream->codecpar;
    int codec = TL_NAL_NONE;

    if (par->codec_id == AV_CODEC_ID_H264 && par->field_order == AV_FIELD_PROGRESSIVE)
        codec = TL_NAL_H264;
    else if (par->codec_id == AV_CODEC_ID_HEVC)
        codec = TL_NAL_HEVC;
    tl_nal_format_init(&decoder->nal, codec, par->extradata, par->extradata_size > 0 ? (size_t)par->extradata_size : 0);
    if (!decoder->params.want || decoder->nal.codec == TL_NAL_NONE)
        return TL_OK;
    for (int i = 0; i < TL_WAITING_MAX; i++)
        if (!(decoder->waiting[i].packet = av_packet_alloc()))
            return tl_fail(diag, TL_ENOMEM, "out of memory for decoding %s", decoder->source.name);
    decoder->can_skip = 1;
    return TL_OK;
}

int tl_decoder_open(TlDecoder *decoder, const TlDecoderParams *params, TlDiag *diag)
{
    int ret;

    *decoder = (TlDecoder){.params = *params};
    if ((ret = tl_source_open(&decoder->source, params->input, params->bytes, params->cancel, diag)) < 0)
        return ret;
    decoder->source.wait_until_us = params->wait_until_us;
    decoder->packet = av_packet_alloc();
    decoder->picture = av_frame_alloc();
    if (!decoder->packet || !decoder->picture)
        return tl_fail(diag, TL_ENOMEM, "out of memory for decoding %s", decoder->source.name);
    if ((ret = tl_source_peek(&decoder->source, diag)) < 0 || (ret = open_container(decoder, diag)) < 0 ||
        (ret = probe_streams(decoder, diag)) < 0 || (ret = choose_stream(decoder, diag)) < 0 ||
        (ret = check_size(decoder, diag)) < 0 || (ret = open_codec(decoder, diag)) < 0)
        return ret;
    return prepare_skipping(decoder, diag);
}

// The average rate, unless the stream's base rate is nearly the same: then that is the rate meant (60 and not 59.98).
double tl_decoder_fps(const TlDecoder *decoder)
{
    double average = av_q2d(decoder->stream->avg_frame_rate.den ? decoder->stream->avg_frame_rate : (AVRational){0, 1});
    double base = av_q2d(decoder->stream->r_frame_rate.den ? decoder->stream->r_frame_rate : (AVRational){0, 1});

    if (average <= 0 || average > 1000)
        average = base > 0 && base <= 1000 ? base : 0;
    return average > 0 && base > 0 && base / average > 0.99 && base / average < 1.01 ? base : average;
}

// Frames that MP4's index promises, those outside the edit list (decoded but never shown) left out; 0 for others.
static int64_t count_indexed(const TlDecoder *decoder)
{
    int entries = avformat_index_get_entries_count(decoder->stream);
    int64_t shown = 0;

    // Only where the whole index stands in the file: elsewhere entries are key frames or come while reading.
    if (!strstr(decoder->format->iformat->name, "mp4") || entries < decoder->stream->nb_frames)
        return 0;
    for (int i = 0; i < entries; i++)
        shown += !(avformat_index_get_entry(decoder->stream, i)->flags & AVINDEX_DISCARD_FRAME);
    return decoder->stream->nb_frames > 0 ? shown : 0;
}

int tl_decoder_data_range(const TlDecoder *decoder, int64_t *begin, int64_t *end)
{
    if (!decoder->format || !decoder->stream || !strstr(decoder->format->iformat->name, "mp4"))
        return 0;
    *begin = INT64_MAX;
    *end = 0;
    for (int i = 0; i < avformat_index_get_entries_count(decoder->stream); i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(decoder->stream, i);
        if (entry->flags & AVINDEX_DISCARD_FRAME || entry->pos < 0)
            continue;
        int64_t size = entry->size > 0 ? entry->size : 0; // a damaged index may name negative ones
        *begin = FFMIN(*begin, entry->pos);
        *end = FFMAX(*end, entry->pos > INT64_MAX - size ? INT64_MAX : entry->pos + size);
    }
    return *end > 0;
}

int64_t tl_decoder_frame_count(const TlDecoder *decoder)
{
    const AVStream *stream = decoder->stream;
    int64_t indexed = count_indexed(decoder);

    if (indexed > 0)
        return indexed;
    if (stream->nb_frames > 0)
        return stream->nb_frames;
    if (stream->duration > 0)
        return (int64_t)((double)stream->duration * av_q2d(stream->time_base) * tl_decoder_fps(decoder) + 0.5);
    if (decoder->format->duration > 0)
        return (int64_t)((double)decoder->format->duration / AV_TIME_BASE * tl_decoder_fps(decoder) + 0.5);
    return 0;
}

void tl_decoder_deinit(TlDecoder *decoder)
{
    avcodec_free_context(&decoder->codec);
    avformat_close_input(&decoder->format);
    tl_source_close(&decoder->source);
    for (int i = 0; i < TL_WAITING_MAX; i++)
        av_packet_free(&decoder->waiting[i].packet);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->picture);
    *decoder = (TlDecoder){.source.fd = -1};
}
