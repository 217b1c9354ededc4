// The two sides of an evaluation, read into memory: what was labelled and what was predicted, picture by picture.
#ifndef TL_EVAL_SAMPLES_H
#define TL_EVAL_SAMPLES_H

#include <touchline/result.h>

#include "eval/average_precision.h"

enum { TL_SAMPLE_NAME = 128 };

typedef struct TlLabelPoint {
    double x, y; ///< fractions of the picture
    int visible;
} TlLabelPoint;

typedef struct TlSample {
    char name[TL_SAMPLE_NAME]; ///< file name without folder and ending
    int width, height;         ///< pixels of the predicted picture, 0 = no prediction
    int labelled;              ///< a label file exists
    int has_points;            ///< the label holds pitch points
    TlLabelPoint label[TL_POINT_COUNT];
    TlPoint predicted[TL_POINT_COUNT]; ///< pixels
    int has_homography;
    double homography[9];
} TlSample;

// Boxes in fractions of the picture, by class; TlEvalBox.picture is an index into samples.
typedef struct TlSamples {
    TlSample *sample; ///< sorted by name
    int count, capacity;
    struct TlBoxList {
        TlEvalBox *box;
        int count, capacity;
    } truth[TL_CLASS_COUNT], predicted[TL_CLASS_COUNT];
} TlSamples;

// Legal as {0}; deinit frees everything, also after a failed read.
TL_NODISCARD int tl_samples_read(TlSamples *samples, const char *predictions, const char *truth, TlDiag *diag);
void tl_samples_deinit(TlSamples *samples);

#endif
