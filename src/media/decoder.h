// Demuxer and decoder of one input: pictures in presentation order, left-out ones in their place.
#ifndef TL_MEDIA_DECODER_H
#define TL_MEDIA_DECODER_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/nal.h"
#include "media/schedule.h"
#include "media/source_io.h"

enum { TL_WAITING_MAX = 32 };

typedef struct TlDecoderParams {
    const char *input;
    const struct TlByteSource *bytes;
    const atomic_int *cancel;
    const _Atomic int64_t *wait_until_us;
    int threads;                              ///< 0 = cores
    int (*want)(void *opaque, int64_t index); ///< NULL = every frame is decoded
    void *want_opaque;
} TlDecoderParams;

// A packet that waits for the decision whether it is needed.
typedef struct TlWaiting {
    AVPacket *packet;
    int64_t pts;
    int32_t epoch;
    uint8_t is_scheduled, is_droppable;
} TlWaiting;

// Legal as {0} to tl_decoder_deinit. Must not move in memory while open.
typedef struct TlDecoder {
    TlDecoderParams params;
    TlSource source;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVFrame *picture; ///< decoded, waits for its turn
    int has_picture;
    AVPacket *packet;

    int64_t head_end; ///< where the reading of the container's head stopped, in bytes

    int can_skip; ///< packets are scheduled and may be dropped
    TlNalFormat nal;
    TlSchedule schedule;
    TlWaiting waiting[TL_WAITING_MAX]; ///< ring, decoding order
    int waiting_first, waiting_count;
    int64_t packets_since_key; ///< from the first key frame on

    int64_t packets;       ///< read for this stream
    int64_t frames;        ///< delivered, left-out ones included
    int64_t errors_in_row; ///< decoder errors since the last picture
    int64_t reads_failed;  ///< in a row
    int read_error;        ///< libav's number of the last failed read
    int last_is_cut;       ///< the last packet is shorter than the container says
    int picture_too_large; ///< a picture was refused for its size
    int at_end, is_draining;
} TlDecoder;

// Opens input and decoder; no picture is decoded yet. Errors as tl_reader_open. Clean up with tl_decoder_deinit in any
// case.
TL_NODISCARD int tl_decoder_open(TlDecoder *decoder, const TlDecoderParams *params, TlDiag *diag);

// The next picture in presentation order: moved into *picture, or picture left blank (width 0) when it was left out.
// *pts in time_base units or AV_NOPTS_VALUE. TL_EOF, or what ended the input too early.
TL_NODISCARD int tl_decoder_next(TlDecoder *decoder, AVFrame *picture, int64_t *pts, TlDiag *diag);

double tl_decoder_fps(const TlDecoder *decoder);          ///< 0 unknown
int64_t tl_decoder_frame_count(const TlDecoder *decoder); ///< by the container, 0 unknown

// Where in the file the shown frames lie, bytes [begin,end), by the index of an MP4. 0 for other containers.
int tl_decoder_data_range(const TlDecoder *decoder, int64_t *begin, int64_t *end);
void tl_decoder_deinit(TlDecoder *decoder);

#endif
