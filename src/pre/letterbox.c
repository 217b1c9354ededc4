// Letterbox: the largest copy of the picture, aspect kept, that fits into the network's input; the rest is padding.
//
// In: sizes. Out: where the scaled picture lies and the way back to source pixels. Sizes and offsets are rounded
// exactly as ultralytics' LetterBox does (round half to even of size x ratio; half of the border minus 0.1), so that
// exported networks see the picture where they saw it in training.
#include "pre/pre.h"

#include <math.h>

static int at_least_one(double value)
{
    return value < 1 ? 1 : (int)value;
}

void tl_letterbox_init(TlLetterbox *box, int src_width, int src_height, int net_width, int net_height, int anchor)
{
    src_width = src_width < 1 ? 1 : src_width;
    src_height = src_height < 1 ? 1 : src_height;
    double ratio_y = (double)net_height / src_height;
    double ratio_x = (double)net_width / src_width;
    double ratio = ratio_y < ratio_x ? ratio_y : ratio_x;

    *box = (TlLetterbox){
        .net_width = net_width,
        .net_height = net_height,
        .src_width = src_width,
        .src_height = src_height,
        .in_width = at_least_one(nearbyint(src_width * ratio)),
        .in_height = at_least_one(nearbyint(src_height * ratio)),
    };
    if (anchor == TL_PRE_CENTRE) {
        box->offset_x = (int)nearbyint((net_width - box->in_width) / 2.0 - 0.1);
        box->offset_y = (int)nearbyint((net_height - box->in_height) / 2.0 - 0.1);
    }
    box->scale_x = (float)box->in_width / (float)src_width;
    box->scale_y = (float)box->in_height / (float)src_height;
}

void tl_letterbox_undo(const TlLetterbox *box, float *x, float *y)
{
    *x = (*x - (float)box->offset_x) / box->scale_x;
    *y = (*y - (float)box->offset_y) / box->scale_y;
}
