// Who belongs on the pitch, and who is a spectator, a coach, a piece of a board, or a mark taken for the ball.
#ifndef TL_FILL_BELONG_H
#define TL_FILL_BELONG_H

#include "pitch/pitch.h"
#include "track/track.h"

// What the sightings of one track said so far. {0} = nothing yet.
typedef struct TlBelonging {
    float on, off; ///< fading counts of key frames on and off the pitch (a ball: elsewhere, and beside the pitch or on
                   ///< a mark)
    int is_judged;
    int64_t judged; ///< last key frame on which it was
    int64_t near;   ///< last of them on which it was near the pitch or nobody could tell, later by gaps
} TlBelonging;

// Where a picture's point stands on the pitch: 0, or -1 when that is nowhere.
int tl_stands(const TlPitchView *view, double x, double y, double *gx, double *gy);
// Takes the sighting of a key frame in. 1 when it stands where it belongs, 0 when not or nobody can tell.
int tl_belong_add(TlBelonging *belonging, const TlPitchModel *pitch, const TlPitchView *view, const TlTracked *seen,
                  int64_t frame, double fps);
int tl_belong_is_shown(const TlBelonging *belonging, int class_id, double fps);

// For single pictures, where no track speaks for a box: the share of its score to believe, 1 = all of it. Half of
// whoever stands clearly off the pitch, of a box higher than any person, and of a ball just beside the pitch (a spare
// one; one that seems far off is in the air); seven tenths of a ball on a penalty mark, which mostly is the mark.
float tl_belong_share(const TlPitchModel *pitch, const TlPitchView *view, const float bbox[4], int class_id);

#endif
