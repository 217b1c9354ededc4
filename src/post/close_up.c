// Close-ups.
//
// A network that was trained on wide views finds nobody who fills the picture, but takes shoes, hands and the ball for
// far people. In a copy shrunk to a third those who fill it are as large as people of a wide view, and who is not very
// small can still be seen. In: what was found in the picture and in the copy. Out: the tall ones of the copy, and of
// the picture what may stay beside them.
#include <string.h>

#include "post/decode.h"

enum { FEW = 6 };                      // of a wide view more are seen
static const float sure = 0.4f;        // people with lower scores do not count
static const float same = 0.4f;        // overlap of one person's boxes in both
static const float visible = 0.1f;     // of the picture's height: who is smaller is not seen in the copy
static const float least_share = 0.1f; // of the copy's area must be left of a box that the edge cuts

int tl_close_up_is_likely(const TlDetections *seen, const TlPostParams *params)
{
    int people = 0;
    for (int i = 0; i < seen->count; i++)
        people += seen->item[i].class_id != TL_CLASS_BALL && seen->item[i].score >= sure;
    return params->tallest > 0 && params->max_detections >= FEW && people < FEW;
}

// From the copy to the picture, cut to it. 0 when hardly anything is left of it.
static int enlarge(const TlLetterbox *box, float bbox[4])
{
    float whole = TL_CLOSE_UP_FACTOR * TL_CLOSE_UP_FACTOR * (bbox[2] - bbox[0]) * (bbox[3] - bbox[1]);
    for (int k = 0; k < 4; k++)
        bbox[k] *= TL_CLOSE_UP_FACTOR;
    tl_cut_to_picture(box, bbox);
    return (bbox[2] - bbox[0]) * (bbox[3] - bbox[1]) > least_share * whole;
}

static void append(TlDetections *out, const TlDetections *from, int i)
{
    out->item[out->count] = from->item[i];
    memcpy(out->look[out->count], from->look[i], sizeof from->look[i]);
    memcpy(out->class_score[out->count], from->class_score[i], sizeof from->class_score[i]);
    out->count++;
}

static float height_of(const TlDetection *d)
{
    return d->bbox[3] - d->bbox[1];
}

// Whether a box of the picture stays: the copy shows it as well, or cannot and shows nobody tall either.
static int may_stay(const TlDetection *one, const TlDetections *again, const unsigned char *tall, int tall_count,
                    const TlLetterbox *box)
{
    int is_ball = one->class_id == TL_CLASS_BALL;
    for (int i = 0; i < again->count; i++)
        if (!tall[i] && (again->item[i].class_id == TL_CLASS_BALL) == is_ball &&
            tl_iou(again->item[i].bbox, one->bbox) > same)
            return 1;
    return tall_count == 0 && (is_ball || height_of(one) < visible * (float)box->src_height);
}

void tl_close_up_join(const TlDetections *seen, TlDetections *again, const TlLetterbox *box, const TlPostParams *params,
                      TlDetections *out)
{
    unsigned char tall[TL_DETECTION_MAX];
    int tall_count = 0;
    for (int i = 0; i < again->count; i++) {
        TlDetection *d = &again->item[i];
        tall[i] = enlarge(box, d->bbox) && d->class_id != TL_CLASS_BALL &&
                  height_of(d) > params->tallest * (float)box->src_height;
        tall_count += tall[i];
    }
    out->count = 0;
    for (int i = 0, k = 0; (i < seen->count || k < again->count) && out->count < params->max_detections;) {
        int from_copy = i == seen->count || (k < again->count && again->item[k].score > seen->item[i].score);
        if (from_copy && tall[k])
            append(out, again, k);
        if (!from_copy && may_stay(&seen->item[i], again, tall, tall_count, box))
            append(out, seen, i);
        i += !from_copy;
        k += from_copy;
    }
}
