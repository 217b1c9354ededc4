// Evaluation of detections and pitch points against labels.
#ifndef TOUCHLINE_EVAL_H
#define TOUCHLINE_EVAL_H

#include <touchline/result.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TL_EVAL_MATCH_SIZE = 64, TL_EVAL_MATCH_MAX = 64 };

typedef struct TlEvalParams {
    const char *predictions; ///< JSON Lines of `touchline detect`
    const char *truth;       ///< folder of YOLO label files, named as the pictures: boxes or one box and 32 points
    float threshold[TL_CLASS_COUNT]; ///< working point of precision and recall, 0..1
    double pitch_length_m;           ///< 0 = 105
    double pitch_width_m;            ///< 0 = 68
} TlEvalParams;

// Boxes of one class.
typedef struct TlEvalClass {
    int instances, predictions; ///< labelled boxes; predicted ones (at most 100 a picture, as COCO counts)
    double ap50, ap50_95;       ///< average precision, 0..1; -1 without a labelled box
    double precision, recall;   ///< at the working threshold and IoU 0.5; -1 when undefined
} TlEvalClass;

// Pitch points. Distances in the picture are of labelled points that were predicted, those on the grass of all labelled
// points of pictures with a homography; medians and percentiles over all of them, -1 without any.
typedef struct TlEvalPitch {
    int pictures, with_homography, points, found;
    double median_share, p95_share; ///< distance in the picture as a share of its width
    double median_m, p95_m;         ///< distance on the grass through the predicted homography, metres
} TlEvalPitch;

typedef struct TlEvalReport {
    char name[TL_EVAL_MATCH_SIZE]; ///< match (file name up to the first '_'), "all" for the first row
    int pictures;                  ///< with labels
    int without_prediction;        ///< of them: count as pictures in which nothing was found
    TlEvalClass box[TL_CLASS_COUNT];
    TlEvalPitch pitch;
} TlEvalReport;

// Reads both sides and fills reports[0] for everything and one row for each match, up to `size` rows. *count receives
// the number of rows. Pictures without a label file are left out; a label file without a prediction counts as a picture
// in which nothing was found. Errors: TL_ENOENT, TL_EFORMAT (with file and line), TL_EEMPTY (no picture on both sides),
// TL_ENOMEM.
TL_API TL_NODISCARD int tl_eval_detections(const TlEvalParams *params, TlEvalReport *reports, int size, int *count,
                                           TlDiag *diag);

#ifdef __cplusplus
}
#endif
#endif
