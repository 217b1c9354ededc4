// Inside the track folder: one tracked person, and who is matched to which box.
#ifndef TL_TRACK_LIFE_H
#define TL_TRACK_LIFE_H

#include "track/assign.h"
#include "track/kalman.h"
#include "track/look.h"
#include "track/track.h"

enum TlTrackState { TL_TRACK_FREE = 0, TL_TRACK_TENTATIVE, TL_TRACK_CONFIRMED };

typedef struct TlTrack {
    int32_t id;
    int state;                   ///< enum TlTrackState
    TlBoxFilter filter;          ///< predicted to the current key frame while matching
    int64_t last_frame;          ///< source frame of the last detection
    int hits, misses;            ///< detections so far; key frames since the last one
    double evidence;             ///< sum of score / threshold, decides how soon it is confirmed
    double vote[TL_CLASS_COUNT]; ///< of the network alone
    int class_id;
    double look[3]; ///< mean Y, U, V of the shirt over the last sightings
    int looks;      ///< sightings that showed it
    double odd;     ///< log likelihood ratio that it is neither team's, mean over the sightings beside the kits
    int odds;       ///< of which there were so many
    int changes;    ///< of class_id
    int team;       ///< 1 or 2 as soon as that is sure, 0 before
    int team_lost;  ///< the shirt became the other team's: the id went to somebody else, and has no team any more
    double team_s;  ///< seconds for which the shirt was clearly the second team's (< 0: the first one's), bounded
    int team_looks; ///< looks that were counted there
    int detection;  ///< index of this key frame's detection or -1
    int doubled;    ///< key frames in a row on top of an older track
} TlTrack;

// Scratch of the matcher, taken once.
typedef struct TlMatcher {
    TlAssign *assign;
    double *cost; // [TL_TRACK_MAX * TL_DETECTION_MAX]
    double miss[TL_TRACK_MAX];
    int row[TL_TRACK_MAX], col[TL_DETECTION_MAX], taken[TL_TRACK_MAX];
} TlMatcher;

typedef struct TlMatchParams {
    double gate; ///< largest squared Mahalanobis distance of the centre
    double miss; ///< price of leaving a track alone
} TlMatchParams;

int tl_matcher_init(TlMatcher *matcher); // -1 when out of memory
void tl_matcher_deinit(TlMatcher *matcher);

// Pairs the free tracks of the given state (at most max_misses key frames unseen) with the detections whose use[]
// equals `stage`. Pairs are written into track.detection; use[] of taken detections becomes 0. Returns the number of
// pairs.
int tl_matcher_run(TlMatcher *matcher, TlTrack *tracks, int state, int max_misses, const TlDetections *detections,
                   unsigned char *use, int stage, const TlMatchParams *params);

float tl_box_cover(const float a[4], const float b[4]); // intersection / smaller area

#endif
