// The slow path: any picture of libav -> upright 8-bit 4:2:0 of one size.
#ifndef TL_MEDIA_CONVERT_H
#define TL_MEDIA_CONVERT_H

#include <libavutil/frame.h>

#include "media/media.h"

struct SwsContext;

// How to turn a picture upright: first transposed, then mirrored in x, then in y.
enum TlOrientation { TL_TRANSPOSE = 1, TL_MIRROR_X = 2, TL_MIRROR_Y = 4 };

// Orientation of a 3x3 display matrix (16.16 fixed point, ISO/IEC 14496-12, 6.2.2), rounded to quarter turns and
// mirrors. NULL = upright.
int tl_orientation(const int32_t *matrix);

// 8-bit 4:2:0 planes of this size that can be handed on as they are.
int tl_is_plain(const AVFrame *picture, int width, int height);

// Legal as {0}. Grows its buffers on first use.
typedef struct TlConverter {
    int width, height; ///< of every result
    struct SwsContext *scaler;
    struct TlScalerKey {
        int from_width, from_height, from_format, from_full, to_width, to_height, to_full;
    } key;          ///< what the scaler was made for
    AVFrame *lying; ///< converted but not yet turned upright
    TlFramePool *pool;
} TlConverter;

// A new frame with the converted picture. Full-range YUV keeps its range, RGB becomes BT.601 of limited range.
// Errors: TL_ENOMEM, TL_EFORMAT (a pixel format that cannot be converted).
TL_NODISCARD int tl_convert(TlConverter *converter, const AVFrame *picture, int orientation, TlFrame **out,
                            TlDiag *diag);
void tl_converter_deinit(TlConverter *converter);

#endif
