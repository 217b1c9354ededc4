// Inside the track folder: the one ball.
//
// Several paths are kept side by side and the most believable one is the ball.
#ifndef TL_TRACK_BALL_H
#define TL_TRACK_BALL_H

#include "track/assign.h"
#include "track/kalman.h"
#include "track/track.h"

enum { TL_BALL_PATHS = 12, TL_BALL_CANDIDATES = 24 };

typedef struct TlBallPath {
    int32_t id;       ///< 0 = free
    TlAxis x, y;      ///< centre, px
    double anchor[2]; ///< where it came to rest, moved along with the picture
    double still_s;   ///< time since it left its anchor's surroundings
    double belief;    ///< fading sum of scores
    int hits;
    double unseen_s;
    int candidate; ///< this key frame's candidate or -1
    int strides;   ///< anchors left in a hurry, in a row
    uint8_t moved; ///< no marking
    uint8_t confirmed;
} TlBallPath;

typedef struct TlBall {
    TlBallPath path[TL_BALL_PATHS];
    int32_t chosen; ///< id of the path that is the ball, 0 = none
    TlAssign *assign;
} TlBall;

typedef struct TlBallStep {
    double dt;       ///< s since the previous key frame
    double px_per_m; ///< size of things in this picture
    double keep_s;
    const double *motion; ///< of the picture, 9 numbers
    float high;           ///< score that begins a path, or goes on as a kick or after a rest
    int32_t *next_id;
} TlBallStep;

int tl_ball_init(TlBall *ball); // -1 when out of memory
void tl_ball_deinit(TlBall *ball);
void tl_ball_reset(TlBall *ball);
// Takes the ball candidates of a key frame. Returns the path to be shown (its candidate is >= 0) or NULL: the ball
// itself, or, while that is not seen, the best other path, which is shown only if it turns out to be the ball later.
const TlBallPath *tl_ball_update(TlBall *ball, const TlDetection *const *candidates, int count, const TlBallStep *step);

#endif
