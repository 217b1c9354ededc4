// Close-ups.
//
// A network that was trained on wide views finds nobody who fills the picture, but takes shoes, hands and the ball for
// far people. In a copy shrunk to a third those who fill it are as large as people of a wide view, and who is smaller
// can still be seen. In: what was found in the picture and in the copy. Out: the large ones of the copy, and of the
// picture what the copy confirms.
#include <math.h>
#include <string.h>

#include "post/post.h"

enum { FEW = 6 };                      // of a wide view more are seen
static const float sure = 0.4f;        // people with lower scores do not count
static const float same = 0.4f;        // overlap of one person's boxes in both
static const float least_share = 0.1f; // of the copy's area must be left of a box that the edge cuts

int tl_close_up_is_likely(const TlDetections *seen, const TlPostParams *params)
{
    int people = 0;
    for (int i = 0; i < seen->count; i++)
        people += seen->item[i].class_id != TL_CLASS_BALL && seen->item[i].score >= sure;
    return params->tallest > 0 && people < FEW;
}

// From the copy to the picture, cut to it. 0 when most of the box lies outside.
static int enlarge(const TlLetterbox *box, float bbox[4])
{
    float most[4] = {(float)box->src_width, (float)box->src_height, (float)box->src_width, (float)box->src_height};
    float offset[2] = {(float)box->offset_x / box->scale_x, (float)box->offset_y / box->scale_y}, out[4];
    for (int k = 0; k < 4; k++) {
        out[k] = TL_CLOSE_UP_FACTOR * bbox[k] + (TL_CLOSE_UP_FACTOR - 1) * offset[k % 2];
        bbox[k] = fminf(fmaxf(out[k], 0), most[k]);
    }
    return (bbox[2] - bbox[0]) * (bbox[3] - bbox[1]) > least_share * (out[2] - out[0]) * (out[3] - out[1]);
}

static int has_same(const TlDetections *d, const TlDetection *one)
{
    for (int i = 0; i < d->count; i++)
        if ((d->item[i].class_id == TL_CLASS_BALL) == (one->class_id == TL_CLASS_BALL) &&
            tl_iou(d->item[i].bbox, one->bbox) > same)
            return 1;
    return 0;
}

static void append(TlDetections *out, const TlDetections *from, int i)
{
    out->item[out->count] = from->item[i];
    out->place[out->count] = from->place[i];
    memcpy(out->look[out->count], from->look[i], sizeof from->look[i]);
    memcpy(out->class_score[out->count], from->class_score[i], sizeof from->class_score[i]);
    out->count++;
}

static int is_tall(const TlDetection *d, const TlLetterbox *box, const TlPostParams *params)
{
    return d->class_id != TL_CLASS_BALL && d->bbox[3] - d->bbox[1] > params->tallest * (float)box->src_height;
}

void tl_close_up_join(const TlDetections *seen, TlDetections *again, const TlLetterbox *box, const TlPostParams *params,
                      TlDetections *out)
{
    int is_inside[TL_DETECTION_MAX];
    for (int i = 0; i < again->count; i++)
        is_inside[i] = enlarge(box, again->item[i].bbox);
    out->count = 0;
    for (int i = 0, k = 0; (i < seen->count || k < again->count) && out->count < TL_DETECTION_MAX;) {
        int from_copy = i == seen->count || (k < again->count && again->item[k].score > seen->item[i].score);
        if (!from_copy && has_same(again, &seen->item[i]))
            append(out, seen, i);
        if (from_copy && is_inside[k] && is_tall(&again->item[k], box, params) && !has_same(seen, &again->item[k]))
            append(out, again, k);
        i += !from_copy;
        k += from_copy;
    }
}
