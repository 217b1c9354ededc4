// Non-maximum suppression: one box a person.
//
// In: boxes with scores. Out: those that no better box covers, descending score. Greedy, as in R. Girshick's NMS and
// torchvision.ops.nms: a box goes when its IoU with a kept one is above the limit. Goalkeeper, player and referee are
// one kind here (a person has one class) unless evaluation asks for each class by itself; the ball is its own. Ties are
// broken by order, so the result depends on nothing but the input.
#include <math.h>
#include <string.h>

#include "post/decode.h"

float tl_iou(const float a[4], const float b[4])
{
    float width = fminf(a[2], b[2]) - fmaxf(a[0], b[0]);
    float height = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (!(width > 0) || !(height > 0))
        return 0;
    float common = width * height;
    float both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common;
    return both > 0 ? common / both : 0;
}

static int is_covered(const TlDetections *kept, const TlDetection *box, float iou, int per_class)
{
    int is_ball = box->class_id == TL_CLASS_BALL;
    for (int i = 0; i < kept->count; i++) {
        const TlDetection *other = &kept->item[i];
        int rivals = per_class ? other->class_id == box->class_id : (other->class_id == TL_CLASS_BALL) == is_ball;
        if (rivals && tl_iou(other->bbox, box->bbox) > iou)
            return 1;
    }
    return 0;
}

static int is_better(const TlCandidate *a, const TlCandidate *b)
{
    if (a->detection.score != b->detection.score)
        return a->detection.score > b->detection.score;
    return a->order < b->order;
}

// Moves item[i] down until both its children are better: a heap with the worst on top.
static void sift_down(TlCandidate *item, int count, int i)
{
    TlCandidate moved = item[i];
    for (int child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && is_better(&item[child], &item[child + 1]))
            child++;
        if (!is_better(&moved, &item[child]))
            break;
        item[i] = item[child];
    }
    item[i] = moved;
}

static void make_heap(TlCandidate *item, int count)
{
    for (int i = count / 2 - 1; i >= 0; i--)
        sift_down(item, count, i);
}

void tl_candidates_add(TlCandidates *candidates, const TlLetterbox *box, const float xyxy[4], float score, int class_id,
                       int order)
{
    TlCandidate new = {.order = order};
    float *b = new.detection.bbox;
    float width = (float)box->src_width, height = (float)box->src_height;
    memcpy(b, xyxy, sizeof new.detection.bbox);
    tl_letterbox_undo(box, &b[0], &b[1]);
    tl_letterbox_undo(box, &b[2], &b[3]);
    if (!isfinite(b[0]) || !isfinite(b[1]) || !isfinite(b[2]) || !isfinite(b[3]) || !isfinite(score))
        return;
    if (fmaxf(b[0], 0) >= fminf(b[2], width) || fmaxf(b[1], 0) >= fminf(b[3], height))
        return;
    new.detection.score = score;
    new.detection.class_id = class_id;
    if (candidates->count < TL_CANDIDATE_MAX) {
        candidates->item[candidates->count++] = new;
        if (candidates->count == TL_CANDIDATE_MAX)
            make_heap(candidates->item, candidates->count);
    } else if (is_better(&new, &candidates->item[0])) {
        candidates->item[0] = new;
        sift_down(candidates->item, candidates->count, 0);
    }
}

void tl_cut_to_picture(const TlLetterbox *box, float b[4])
{
    float most[2] = {(float)box->src_width, (float)box->src_height};
    for (int k = 0; k < 4; k++)
        b[k] = fminf(fmaxf(b[k], 0), most[k % 2]);
}

void tl_candidates_finish(TlCandidates *candidates, const TlLetterbox *box, const TlPostParams *params,
                          TlDetections *out)
{
    TlCandidate *item = candidates->item;
    int balls = 0;
    int most = params->max_detections < TL_DETECTION_MAX ? params->max_detections : TL_DETECTION_MAX;
    make_heap(item, candidates->count);
    for (int left = candidates->count - 1; left > 0; left--) { // heap sort: the worst moves to the end
        TlCandidate worst = item[0];
        item[0] = item[left];
        item[left] = worst;
        sift_down(item, left, 0);
    }
    out->count = 0;
    for (int i = 0; i < candidates->count && out->count < most; i++) {
        const TlDetection *detection = &item[i].detection;
        int is_ball = detection->class_id == TL_CLASS_BALL;
        if ((is_ball && balls == TL_BALL_MAX) || is_covered(out, detection, params->iou, params->per_class))
            continue;
        balls += is_ball;
        memset(out->class_score[out->count], 0, sizeof out->class_score[0]);
        out->place[out->count] = item[i].order;
        out->item[out->count++] = *detection;
    }
    for (int i = 0; i < out->count; i++) // only now: the overlap of two boxes at the edge is that of the whole boxes
        tl_cut_to_picture(box, out->item[i].bbox);
}
