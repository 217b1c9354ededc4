// Overlay video: the answer drawn onto the source picture.
//
// In: records and their pictures, in order. Out: an H.264 file of the same size and rate, written whole or not at all.
// The drawing is in overlay_draw.c.
#include <touchline/render.h>

#include "base/mem.h"
#include "media/media.h"
#include "render/overlay_draw.h"

struct TlOverlay {
    TlEncoder *encoder;
    TlOverlayPen pen;
};

int tl_overlay_open(TlOverlay **out, const TlRenderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    *out = NULL;
    if (!params || !params->path || !params->path[0])
        return tl_fail(diag, TL_EUSAGE, "an overlay video needs a file name");
    if (info->width < 16 || info->height < 16 || info->width > 16384 || info->height > 16384)
        return tl_fail(diag, TL_ELIMIT, "cannot draw on pictures of %dx%d pixels", info->width, info->height);
    TlOverlay *overlay = tl_calloc(1, sizeof(*overlay));
    if (!overlay || tl_overlay_pen_init(&overlay->pen, info->width, info->height, params->pitch_length_m,
                                        params->pitch_width_m) < 0) {
        tl_free(&overlay);
        return tl_fail(diag, TL_ENOMEM, "out of memory for an overlay of %dx%d pixels", info->width, info->height);
    }
    const TlEncoderParams encoder = {.path = params->path, .overwrite = params->overwrite};
    int ret = tl_encoder_open(&overlay->encoder, &encoder, info, diag);
    if (ret < 0) {
        tl_overlay_abort(&overlay);
        return ret;
    }
    *out = overlay;
    return TL_OK;
}

int tl_overlay_write(TlOverlay *overlay, const TlRecord *record, const TlPicture *picture, TlDiag *diag)
{
    const TlPaint *paint = &overlay->pen.paint;
    TlPicture done;
    if (!picture || picture->width != paint->width || picture->height != paint->height || !picture->plane[0])
        return tl_fail(diag, TL_EUSAGE, "the overlay of %dx%d pixels got a picture of another size", paint->width,
                       paint->height);
    tl_overlay_pen_draw(&overlay->pen, record, picture, &done);
    return tl_encoder_write(overlay->encoder, &done, record->time_s, diag);
}

static void destroy(TlOverlay **overlay)
{
    tl_overlay_pen_deinit(&(*overlay)->pen);
    tl_free(overlay);
}

int tl_overlay_commit(TlOverlay **overlay, TlDiag *diag)
{
    if (!overlay || !*overlay)
        return TL_OK;
    int ret = tl_encoder_commit(&(*overlay)->encoder, diag);
    destroy(overlay);
    return ret;
}

void tl_overlay_abort(TlOverlay **overlay)
{
    if (!overlay || !*overlay)
        return;
    tl_encoder_abort(&(*overlay)->encoder);
    destroy(overlay);
}
