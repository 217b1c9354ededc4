// What the heads of this folder share; not for other folders.
#ifndef TL_POST_DECODE_H
#define TL_POST_DECODE_H

#include "post/post.h"

extern const TlHeadOps tl_head_centers, tl_head_points, tl_head_yolo_detect, tl_head_yolo_pose;

// Boxes before suppression: the best TL_CANDIDATE_MAX of whatever comes, on the caller's stack (60 kB).
enum { TL_CANDIDATE_MAX = 2048, TL_BALL_MAX = 3 };

typedef struct TlCandidate {
    TlDetection detection;
    int order; ///< ties of the score go to the lower one
} TlCandidate;

typedef struct TlCandidates {
    int count; ///< set to 0 before the first add
    TlCandidate item[TL_CANDIDATE_MAX];
} TlCandidates;

// Adds a box of network pixels, undone to source pixels; dropped when it lies outside the picture or a number is not
// finite. order must differ between candidates.
void tl_candidates_add(TlCandidates *candidates, const TlLetterbox *box, const float xyxy[4], float score, int class_id,
                       int order);
// Sorts, suppresses at params->iou, keeps at most TL_BALL_MAX balls and params->max_detections boxes, cut to the
// picture.
void tl_candidates_finish(TlCandidates *candidates, const TlLetterbox *box, const TlPostParams *params,
                          TlDetections *out);

void tl_cut_to_picture(const TlLetterbox *box, float bbox[4]);

// Balls get the size that the people around them let expect, halfway (ball_size.c); share is that of a person's height,
// 0 = leave them. Only people who are in `detections` count, from a score of 0.3 on; pictures of fewer than five are
// left alone, as are balls that the edge of the picture cuts. Works in place, without allocation.
void tl_ball_sizes(TlDetections *detections, const TlLetterbox *box, float share);

// A point of network pixels becomes one of source pixels, 0,0,0 when it is outside the picture or not finite.
void tl_point_emit(TlPoint *point, const TlLetterbox *box, float x, float y, float confidence);

// Output by name, NULL when there is none or it is not f32 of that many channels (0 = any).
const TlTensor *tl_output_find(const TlTensor *const *outputs, int count, const char *name, int64_t channels);

float tl_sigmoid(float logit);
float tl_logit(float probability); // -FLT_MAX (0 and below) .. infinity (1 and above)

// touchline.width, touchline.height and a fixed input's size; 0 when they make no sense.
int tl_meta_house_size(const TlModelMeta *meta, int *width, int *height);
// "0.3,0.4" into values[0..count): missing ones keep what they had. Also "ball=0.3" by names[i] where names are given.
void tl_meta_floats(const TlModelMeta *meta, const char *key, const char *const *names, float *values, int count);

#endif
