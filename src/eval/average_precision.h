// Average precision of boxes as COCO defines it.
#ifndef TL_EVAL_AVERAGE_PRECISION_H
#define TL_EVAL_AVERAGE_PRECISION_H

#include <touchline/error.h>

typedef struct TlEvalBox {
    int picture;   ///< index of the picture; boxes are sorted by it
    double box[4]; ///< x, y, width, height; any unit, the same on both sides
    double score;  ///< of a prediction
} TlEvalBox;

typedef struct TlEvalCurve {
    double ap50, ap50_95;     ///< -1 without a labelled box
    double precision, recall; ///< at the threshold, -1 when undefined
    int instances, predictions;
} TlEvalCurve;

// One class over all pictures. Both lists sorted by picture; within a picture in any order (predictions that tie keep
// their order). threshold: working point. TL_ENOMEM. Source: Lin et al. 2014 and the reference evaluator's behaviour
// (101 recall steps, at most 100 predictions a picture, a later label wins an equal overlap).
TL_NODISCARD int tl_eval_average_precision(const TlEvalBox *truth, int truth_count, const TlEvalBox *predicted,
                                           int predicted_count, double threshold, TlEvalCurve *curve);

#endif
