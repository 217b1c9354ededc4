// Post-processing: raw network outputs -> boxes and points in source pixels.
//
// Heads, chosen by the file's own metadata and output shapes (tl_head_find):
//   centers  house player net: heat [N,4,h,w] logits, box [N,4,h,w] (log w, log h, dx, dy), ball_box alike
//   points   house pitch net: heat [N,32,h,w] logits, offset [N,2,h,w]
//   yolo     ultralytics YOLOv8/YOLO11 detect [N,4+C,A] and pose [N,5+96,A]; YOLO26 and end-to-end exports [N,D,6(+96)]
// Registering a head = one file and one line in post.c.
#ifndef TL_POST_POST_H
#define TL_POST_POST_H

#include <touchline/result.h>

#include "infer/infer.h"
#include "pre/pre.h"

typedef struct TlDetection {
    float bbox[4]; ///< source px, cut to the picture
    float score;
    int class_id; ///< enum TlClass
} TlDetection;

enum { TL_DETECTION_MAX = 300, TL_MODEL_CLASS_MAX = 128 };

typedef struct TlDetections {
    int count;
    TlDetection item[TL_DETECTION_MAX]; ///< descending score
    // Y, U, V of each one's shirt and 1, or 0 when not known: filled by tl_look_measure, heads leave it alone.
    uint8_t look[TL_DETECTION_MAX][4];
    // Scores of all classes at the place of the box (the network's doubt), all 0 when the head knows no other than its
    // own: filled by heads.
    float class_score[TL_DETECTION_MAX][TL_CLASS_COUNT];
    int place[TL_DETECTION_MAX]; ///< the heads' own: where in the output a box came from
} TlDetections;

typedef struct TlPostParams {
    float threshold[TL_CLASS_COUNT]; ///< lowest score kept per class (the tracker's low threshold may be below the
                                     ///< shown one)
    float point_threshold;           ///< points below it become 0,0,0
    float iou;                       ///< NMS
    int per_class;                   ///< NMS within a class only: somebody may be listed as player and as referee
    int max_detections;              ///< <= TL_DETECTION_MAX
    float ball_share; ///< size of a ball's box as a share of a person's height, 0 = the model does not say
    float tallest;    ///< share of the picture's height up to which the model finds people, 0 = it does not say
    // Filled by match for models with classes of their own; keep them when changing the thresholds.
    int class_count;                      ///< classes of the model, 0 = ours
    int8_t class_map[TL_MODEL_CLASS_MAX]; ///< class of the model -> enum TlClass, -1 = not wanted
} TlPostParams;

typedef struct TlHeadOps {
    const char *name;
    int layout, anchor; ///< enum TlPreLayout, TlPreAnchor the head expects
    // 1 when the model is for this head; fills the model's own thresholds and default input size.
    int (*match)(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height);
    // Decode sample n of the outputs. Either may be NULL. NaN and infinities in a tensor are dropped, never passed on.
    void (*detections)(const TlTensor *const *outputs, int output_count, int n, const TlLetterbox *box,
                       const TlPostParams *params, TlDetections *out);
    void (*points)(const TlTensor *const *outputs, int output_count, int n, const TlLetterbox *box,
                   const TlPostParams *params, TlPoint out[TL_POINT_COUNT]);
} TlHeadOps;

// Head for a model, NULL with a sentence when none fits (TL_EMODEL: "expected ... got ..."). want_points 0 = player
// model.
const TlHeadOps *tl_head_find(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height,
                              TlDiag *diag);

// Close-ups (close_up.c): people taller than params->tallest are found in a copy of the picture shrunk to a third.
enum { TL_CLOSE_UP_FACTOR = 3 };
// Whether the picture should be looked at again: the model names its limit and found hardly anybody within it.
int tl_close_up_is_likely(const TlDetections *seen, const TlPostParams *params);
// Joins what was found in the picture and in the shrunk copy: the tall ones of the copy, and of the picture what the
// copy shows, too; where it shows nobody tall, also what is too small for it. `again` is of the copy, which lies at the
// input's top left as the picture did, decoded as if it were the picture; its boxes are enlarged in place. place[] of
// the joined ones means nothing.
void tl_close_up_join(const TlDetections *seen, TlDetections *again, const TlLetterbox *box, const TlPostParams *params,
                      TlDetections *out);

float tl_iou(const float a[4], const float b[4]);

#endif
