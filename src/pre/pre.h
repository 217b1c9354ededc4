// Pre-processing: YUV 4:2:0 picture -> network input, letterboxed, in one pass over the pixels.
//
// Two layouts. YUV_S2D (house networks): u8 [6,H/2,W/2], channels 0..3 = Y at (2y,2x),(2y,2x+1),(2y+1,2x),(2y+1,2x+1),
// 4 = U, 5 = V; padding Y=16, U=V=128; no colour conversion. RGB (ultralytics exports): f32 [3,H,W] RGB 0..1,
// BT.601/709 by size, padding 114/255. Scaling is area averaging when shrinking, bilinear when enlarging. The plain C
// kernels are the truth; *_avx2.c and *_avx512.c must give the same bytes for u8 and agree to 1e-6 for f32.
#ifndef TL_PRE_PRE_H
#define TL_PRE_PRE_H

#include <touchline/session.h>

enum TlPreLayout { TL_PRE_YUV_S2D = 0, TL_PRE_RGB_F32 };
enum TlPreAnchor { TL_PRE_TOP_LEFT = 0, TL_PRE_CENTRE }; // where the picture lies in the letterbox

// source = (net - offset) / scale, both axes alike. Picture coordinates as in result.h.
typedef struct TlLetterbox {
    int net_width, net_height; ///< network picture size px
    int src_width, src_height; ///< px
    int in_width, in_height;   ///< size of the scaled picture inside the letterbox px
    int offset_x, offset_y;    ///< its top left px
    float scale_x, scale_y; ///< in_width / src_width, in_height / src_height (rounded sizes: they may differ a little)
} TlLetterbox;

void tl_letterbox_init(TlLetterbox *box, int src_width, int src_height, int net_width, int net_height, int anchor);
void tl_letterbox_undo(const TlLetterbox *box, float *x, float *y); // network px -> source px

typedef struct TlPre TlPre;

// Builds tables for one letterbox and layout. cpumask limits the instruction sets. NULL when out of memory or when the
// letterbox is not one that tl_letterbox_init makes (for YUV_S2D the network sizes must be even).
// Thread-safety: one call of run at a time per TlPre (it owns scratch rows).
TlPre *tl_pre_create(const TlLetterbox *box, int layout, unsigned cpumask);
// Writes one sample to dst (dense, 6*H/2*W/2 bytes or 3*H*W floats). The picture has the letterbox's source size;
// nothing outside its planes' rows is read. No allocation.
void tl_pre_run(TlPre *pre, const TlPicture *picture, void *dst);
void tl_pre_destroy(TlPre **pre);

// Shrinks a sample of layout YUV_S2D to 1/factor in place, by area averaging: the copy lies at the top left, the rest
// is padding. A pixel (x, y) of the copy is the mean of the factor x factor ones from (factor x, factor y) on. width
// and height are the network picture's (even), factor >= 2.
void tl_pre_shrink(uint8_t *sample, int width, int height, int factor);

#endif
