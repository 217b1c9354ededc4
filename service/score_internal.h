// The parts of tl_score, file by file.
#ifndef TL_SERVICE_SCORE_INTERNAL_H
#define TL_SERVICE_SCORE_INTERNAL_H

#include "score.h"

typedef struct TlScoreJob {
    const TlAnswer *answer;
    const TlScoreParams *params;
    int64_t expected; ///< frames of the video
    TlScore *score;
} TlScoreJob;

// Points that count: not (0,0), inside the picture, 25 px from every earlier one. Returns their number.
int tl_score_counted(const TlScoreJob *job, const TlAnswerFrame *frame, int index[TL_POINT_COUNT]);

// Logistic of a normalised distance: 1 well below 2 % of the picture, 0 well above.
double tl_score_logistic(double distance);

// Fills a part.
void tl_score_set(TlScoreJob *job, int part, double value, const char *fmt, ...) TL_PRINTF(4, 5);

void tl_score_boxes(TlScoreJob *job);  // COVERAGE, BOXES
void tl_score_points(TlScoreJob *job); // HOMOGRAPHY, FIT, INSIDE, STABILITY, CONSISTENCY, SCALE
void tl_score_players(TlScoreJob *job);
TL_NODISCARD int tl_score_lines(TlScoreJob *job, TlDiag *diag); // ON_LINE

// Box rules of the validator: large enough and below the top 150 px. ball: size does not matter.
int tl_score_box_counts(const TlAnswerObject *object);

#endif
