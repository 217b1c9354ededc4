// What an answer would be worth, as far as that can be told without the validator's networks.
//
// Each part follows the reference validator's scoring (docs/scoring.md) and lies in 0..1. What is different:
// all frames count instead of those that its picture classifier takes for football; painted lines are found by white
// top-hat on grass without the Hough step; classes of boxes (its CLIP network) are not judged at all.
#ifndef TL_SERVICE_SCORE_H
#define TL_SERVICE_SCORE_H

#include "answer.h"

enum TlScorePartId {
    TL_SCORE_COVERAGE = 0, ///< frames with an object, of 70 %
    TL_SCORE_BOXES,        ///< what the rules of size and area leave
    TL_SCORE_HOMOGRAPHY,   ///< frames where the points give a homography, of 40 %
    TL_SCORE_FIT,          ///< inliers and reprojection error of those
    TL_SCORE_ON_LINE,      ///< points near painted lines; needs the video
    TL_SCORE_INSIDE,       ///< objects that lie on the pitch
    TL_SCORE_STABILITY,    ///< distances between points from frame to frame
    TL_SCORE_CONSISTENCY,  ///< the points themselves from frame to frame
    TL_SCORE_SCALE,        ///< spread of the points against that of the objects
    TL_SCORE_PLAYERS,      ///< moves of the players
    TL_SCORE_PART_COUNT
};

typedef struct TlScorePart {
    const char *name;
    double value;  ///< 0..1; negative: not measured
    char why[256]; ///< one sentence: the figures behind it and what makes it low
} TlScorePart;

enum { TL_RIVAL_COUNT = 5 };

typedef struct TlScore {
    TlScorePart part[TL_SCORE_PART_COUNT];
    double keypoints;                     ///< the parts put together; without ON_LINE that part counts 0.5
    double boxes_ceiling;                 ///< bounding-box score if every class were right
    double rival_s[TL_RIVAL_COUNT];       ///< fastest rival
    double speed[TL_RIVAL_COUNT];         ///< speed score against it; only with seconds
    double final_ceiling[TL_RIVAL_COUNT]; ///< 0.65 quality + 0.35 speed, classes all right
    int has_seconds, line_frames;         ///< line_frames: pictures looked at
} TlScore;

typedef struct TlScoreParams {
    int64_t frames;    ///< of the video, 0 = highest number of the answer plus one
    int width, height; ///< picture px
    double seconds;    ///< that the validator waited, 0 = unknown
    const char *video; ///< file for ON_LINE, NULL = not measured
    int samples;       ///< pictures looked at, 0 = 12
} TlScoreParams;

// The answer must have gone through tl_answer_check. TL_ENOMEM, errors of tl_reader_open for the video.
TL_NODISCARD int tl_score(const TlAnswer *answer, const TlScoreParams *params, TlScore *score, TlDiag *diag);

// The validator's speed score of `seconds` when the fastest valid answer took `fastest`.
double tl_score_speed(double seconds, double fastest);

#endif
