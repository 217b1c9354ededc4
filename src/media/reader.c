// The reader: one input -> numbered, timed, upright 4:2:0 frames of one size.
//
// Joins the parts of this folder: a decoder (decoder.c) for a video, or one after the other for a folder of pictures
// (images.c); planes handed on by reference when they can be (frame_pool.c) and converted when not (convert.c).
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/display.h>

#include <touchline/log.h>

#include "base/clock.h"
#include "base/mem.h"
#include "media/convert.h"
#include "media/decoder.h"
#include "media/frame_pool.h"
#include "media/images.h"
#include "media/libav.h"

static const double FOLDER_FPS = 25; // of a folder of pictures: the convention of ffmpeg
static const double JUMP_S = 10;     // a gap larger than this in a broadcast stream is a new clock, not a pause

// Presentation times to seconds from the first frame, always growing.
typedef struct Timeline {
    double unit_s, frame_s; // of the time stamps; of one frame where stamps are missing
    int may_jump;           // the container is known for discontinuities
    int has_last, has_offset;
    double offset_s, last_s;
} Timeline;

struct TlReader {
    TlReaderParams params;
    char input[TL_PATH_SIZE];
    struct TlByteSource bytes;
    TlStreamInfo info;
    TlDecoder decoder;
    TlImageList images; // of a folder, else empty
    int images_begun;   // one of the frames that are to be handed out had pixels
    AVFrame *picture;
    int orientation; // of the stream
    TlFramePool *shells;
    TlConverter converter;
    Timeline timeline;
    int64_t next_index;
    TlFrame *first; // decoded by open, not yet handed out
    int ended;      // the code that every further call gives
};

// Seconds of a frame. Stamps that are missing or do not grow are replaced by one frame after the last.
static double timeline_next(Timeline *line, int64_t pts)
{
    double stamp_s = pts == AV_NOPTS_VALUE ? 0 : (double)pts * line->unit_s;
    double guess_s = line->has_last ? line->last_s + line->frame_s : 0;
    double time_s = guess_s;

    if (pts != AV_NOPTS_VALUE && !line->has_offset) {
        line->offset_s = stamp_s - guess_s;
        line->has_offset = 1;
    } else if (pts != AV_NOPTS_VALUE) {
        time_s = stamp_s - line->offset_s;
        if (line->has_last && (time_s <= line->last_s || (line->may_jump && time_s > line->last_s + JUMP_S))) {
            time_s = guess_s;
            line->offset_s = stamp_s - guess_s;
        }
    }
    line->last_s = time_s;
    line->has_last = 1;
    return time_s;
}

static int is_wanted(void *opaque, int64_t index)
{
    const TlReader *reader = opaque;

    // The first picture gives the size of all; it is decoded before this is ever asked.
    if (index < reader->params.first || (reader->params.end > 0 && index >= reader->params.end))
        return 0;
    return !reader->params.want || reader->params.want(reader->params.want_opaque, index);
}

static int open_decoder(TlReader *reader, const char *path, TlDiag *diag)
{
    TlDecoderParams params = {
        .input = path,
        .bytes = reader->params.bytes,
        .cancel = reader->params.cancel,
        .wait_until_us = reader->params.wait_until_us,
        .threads = reader->params.threads,
        .want = reader->params.want || reader->params.first > 0 ? is_wanted : NULL,
        .want_opaque = reader,
    };
    int ret = tl_decoder_open(&reader->decoder, &params, diag);

    if (ret < 0)
        return ret;
    const int32_t *matrix = (int32_t *)av_stream_get_side_data(reader->decoder.stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    reader->orientation = tl_orientation(matrix);
    return TL_OK;
}

// Cameras write the orientation of photographs into each picture, of videos into the stream.
static int picture_orientation(const TlReader *reader)
{
    const AVFrameSideData *side = av_frame_get_side_data(reader->picture, AV_FRAME_DATA_DISPLAYMATRIX);

    return side ? tl_orientation((const int32_t *)side->data) : reader->orientation;
}

static int set_size(TlReader *reader, int orientation, TlDiag *diag)
{
    int width = reader->picture->width, height = reader->picture->height;
    const char *name = reader->decoder.source.name;

    if (width < TL_SIDE_MIN || height < TL_SIDE_MIN)
        return tl_fail(diag, TL_ELIMIT, "the picture of %s is too small: %dx%d (smallest: %dx%d)", name, width, height,
                       TL_SIDE_MIN, TL_SIDE_MIN);
    if (width > TL_SIDE_MAX || height > TL_SIDE_MAX)
        return tl_fail(diag, TL_ELIMIT, "the picture of %s is too large: %dx%d (largest side: %d)", name, width, height,
                       TL_SIDE_MAX);
    reader->info.width = orientation & TL_TRANSPOSE ? height : width;
    reader->info.height = orientation & TL_TRANSPOSE ? width : height;
    reader->converter.width = reader->info.width;
    reader->converter.height = reader->info.height;
    return TL_OK;
}

// reader->picture as a frame; a blank picture gives a frame without pixels.
static int make_frame(TlReader *reader, int64_t pts, TlFrame **out, TlDiag *diag)
{
    AVFrame *picture = reader->picture;
    int is_blank = picture->width == 0, orientation = is_blank ? 0 : picture_orientation(reader), ret = TL_OK;

    if (!is_blank && !reader->info.width && (ret = set_size(reader, orientation, diag)) < 0)
        return ret;
    if (is_blank || (!orientation && tl_is_plain(picture, reader->info.width, reader->info.height))) {
        *out = tl_frame_pool_wrap(reader->shells, is_blank ? NULL : picture);
        if (!*out)
            return tl_fail(diag, TL_ENOMEM, "out of memory for a frame");
    } else {
        ret = tl_convert(&reader->converter, picture, orientation, out, diag);
        av_frame_unref(picture);
        if (ret < 0)
            return ret;
    }
    (*out)->is_spare = (uint8_t)(reader->images.count ? reader->next_index > 0 : reader->decoder.schedule.is_spare);
    (*out)->index = reader->next_index++;
    (*out)->time_s = timeline_next(&reader->timeline, pts);
    return TL_OK;
}

static int read_image(TlReader *reader, const char *path, TlDiag *diag)
{
    int64_t unused;

    tl_decoder_deinit(&reader->decoder);
    int ret = open_decoder(reader, path, diag);
    if (ret >= 0)
        ret = tl_decoder_next(&reader->decoder, reader->picture, &unused, diag);
    if (ret >= 0 && !reader->info.width)
        ret = set_size(reader, picture_orientation(reader), diag);
    if (ret < 0)
        av_frame_unref(reader->picture);
    return ret;
}

// Next picture of a folder. One that cannot be read keeps its number but has no pixels; that is no reason to stop. The
// size and the first frame that is handed out need a picture whoever wants it; when none can be read, the reason of the
// last one is that of all.
static int next_image(TlReader *reader, int64_t *pts, TlDiag *diag)
{
    int64_t index = reader->next_index, last = (int64_t)reader->images.count - 1;
    int is_needed = !reader->info.width || (!reader->images_begun && index >= reader->params.first);
    TlDiag why = {0};

    *pts = AV_NOPTS_VALUE;
    if (tl_source_is_cancelled(&(TlSource){.cancel = reader->params.cancel}))
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted after %lld picture%s of '%.200s'", (long long)index,
                       index == 1 ? "" : "s", reader->input);
    if (index > last)
        return TL_EOF;
    if (!is_needed && !is_wanted(reader, index))
        return TL_OK;
    int ret = read_image(reader, reader->images.paths[index], &why);
    if (ret < 0 && ((index == last && !reader->info.width) || ret == TL_EINTERRUPTED || ret == TL_ENOMEM))
        return tl_fail(diag, ret, "%s", why.text);
    if (ret < 0)
        tl_log(TL_LOG_WARNING, "frame %lld left out: %s", (long long)index, why.text);
    else if (index >= reader->params.first)
        reader->images_begun = 1;
    return TL_OK;
}

static int next_frame(TlReader *reader, TlFrame **out, TlDiag *diag)
{
    int64_t pts = AV_NOPTS_VALUE;
    int ret = reader->images.count ? next_image(reader, &pts, diag)
                                   : tl_decoder_next(&reader->decoder, reader->picture, &pts, diag);

    return ret < 0 ? ret : make_frame(reader, pts, out, diag);
}

static void fill_info(TlReader *reader)
{
    TlStreamInfo *info = &reader->info;
    const TlDecoder *decoder = &reader->decoder;

    tl_strcpy(info->source, sizeof info->source, reader->params.input ? reader->input : decoder->source.name);
    if (reader->images.count) {
        info->fps = FOLDER_FPS;
        info->frame_count_estimate = (int64_t)reader->images.count;
    } else {
        info->fps = tl_decoder_fps(decoder);
        info->frame_count_estimate = tl_decoder_frame_count(decoder);
        AVRational sar = av_guess_sample_aspect_ratio(decoder->format, decoder->stream, NULL);
        int is_turned = reader->orientation & TL_TRANSPOSE;
        if (sar.num > 0 && sar.den > 0) {
            info->sar_num = is_turned ? sar.den : sar.num;
            info->sar_den = is_turned ? sar.num : sar.den;
        }
        reader->timeline.unit_s = av_q2d(decoder->stream->time_base);
        reader->timeline.may_jump = (decoder->format->iformat->flags & AVFMT_TS_DISCONT) != 0;
    }
    reader->timeline.frame_s = 1 / (info->fps > 0 ? info->fps : FOLDER_FPS);
}

static int open_input(TlReader *reader, TlDiag *diag)
{
    struct stat status;
    const char *input = reader->params.input;

    if (input && !reader->params.bytes && strcmp(input, "-") != 0 && !stat(input, &status) && S_ISDIR(status.st_mode)) {
        int ret = tl_image_list_init(&reader->images, input, diag);
        if (ret < 0)
            return ret;
    } else {
        int ret = open_decoder(reader, input, diag);
        if (ret < 0)
            return ret;
    }
    fill_info(reader);
    int ret = next_frame(reader, &reader->first, diag);
    // pictures of a folder before the first that can be read
    while (ret == TL_OK && reader->images.count && !reader->first->picture.width) {
        tl_frame_unref(&reader->first);
        ret = next_frame(reader, &reader->first, diag);
    }
    return ret == TL_EOF ? tl_fail(diag, TL_EEMPTY, "there is no frame in '%.200s'", reader->input) : ret;
}

static int copy_params(TlReader *reader, const TlReaderParams *params, TlDiag *diag)
{
    reader->params = *params;
    if (params->input && tl_strcpy(reader->input, sizeof reader->input, params->input) < 0)
        return tl_fail(diag, TL_ELIMIT, "the name of the input '%.60s...' is too long", params->input);
    if (params->input)
        reader->params.input = reader->input;
    if (params->bytes) {
        reader->bytes = *params->bytes;
        reader->params.bytes = &reader->bytes;
    }
    reader->picture = av_frame_alloc();
    reader->shells = tl_frame_pool_create_shells();
    if (!reader->picture || !reader->shells)
        return tl_fail(diag, TL_ENOMEM, "out of memory for reading '%.200s'", reader->input);
    return TL_OK;
}

int tl_reader_open(TlReader **out, const TlReaderParams *params, TlDiag *diag)
{
    TlReader *reader = tl_calloc(1, sizeof *reader);

    *out = NULL;
    if (!reader)
        return tl_fail(diag, TL_ENOMEM, "out of memory for reading");
    tl_libav_init();
    reader->decoder.source.fd = -1;
    int ret = copy_params(reader, params, diag);
    if (ret >= 0)
        ret = open_input(reader, diag);
    if (ret < 0)
        tl_reader_close(&reader);
    *out = reader;
    return ret;
}

void tl_reader_info(const TlReader *reader, TlStreamInfo *info)
{
    *info = reader->info;
}

int tl_reader_next(TlReader *reader, TlFrame **frame, TlDiag *diag)
{
    int64_t end = reader->params.end;

    *frame = NULL;
    if (reader->ended)
        return reader->ended == TL_EOF ? TL_EOF : tl_fail(diag, reader->ended, "the input has ended already");
    for (;;) {
        TlFrame *next = reader->first;
        reader->first = NULL;
        if (end > 0 && !next && reader->next_index >= end)
            return reader->ended = TL_EOF;
        int ret = next ? TL_OK : next_frame(reader, &next, diag);
        if (ret < 0)
            return reader->ended = ret;
        int is_missing = reader->images.count && !reader->images_begun; // nothing before it could stand in for it
        if (next->index >= reader->params.first && (end <= 0 || next->index < end) && !is_missing) {
            *frame = next;
            return TL_OK;
        }
        tl_frame_unref(&next);
    }
}

double tl_reader_waited_s(const TlReader *reader)
{
    return tl_us_to_s(reader->decoder.source.waited_us);
}

void tl_reader_close(TlReader **out)
{
    if (!out || !*out)
        return;
    TlReader *reader = *out;
    tl_frame_unref(&reader->first);
    tl_decoder_deinit(&reader->decoder);
    tl_image_list_deinit(&reader->images);
    tl_converter_deinit(&reader->converter);
    tl_frame_pool_destroy(&reader->shells);
    av_frame_free(&reader->picture);
    tl_free(out);
}
