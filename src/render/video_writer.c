// Plain video file out of pictures: a thin public face of the encoder in src/media. Written whole or not at all.
// The rate is constant.
#include <touchline/render.h>

#include <math.h>

#include "base/mem.h"
#include "media/media.h"

struct TlVideoWriter {
    TlEncoder *encoder;
};

int tl_video_writer_open(TlVideoWriter **out, const TlRenderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    *out = NULL;
    if (!params || !params->path || !params->path[0])
        return tl_fail(diag, TL_EUSAGE, "a video file needs a name");
    TlVideoWriter *writer = tl_calloc(1, sizeof(*writer));
    if (!writer)
        return tl_fail(diag, TL_ENOMEM, "out of memory");
    // Nearly clean: what reads this file judges against an exact truth.
    const TlEncoderParams encoder = {.path = params->path, .overwrite = params->overwrite, .crf = 17};
    int ret = tl_encoder_open(&writer->encoder, &encoder, info, diag);
    if (ret < 0) {
        tl_free(&writer);
        return ret;
    }
    *out = writer;
    return TL_OK;
}

int tl_video_writer_write(TlVideoWriter *writer, const TlPicture *picture, TlDiag *diag)
{
    return tl_encoder_write(writer->encoder, picture, NAN, diag);
}

int tl_video_writer_commit(TlVideoWriter **writer, TlDiag *diag)
{
    if (!writer || !*writer)
        return TL_OK;
    int ret = tl_encoder_commit(&(*writer)->encoder, diag);
    tl_free(writer);
    return ret;
}

void tl_video_writer_abort(TlVideoWriter **writer)
{
    if (!writer || !*writer)
        return;
    tl_encoder_abort(&(*writer)->encoder);
    tl_free(writer);
}
