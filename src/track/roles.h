// Inside the track folder: class and team of a track, from the network's votes and the kits of the clip.
#ifndef TL_TRACK_ROLES_H
#define TL_TRACK_ROLES_H

#include "track/kits.h"
#include "track/life.h"

// What is known of the shirts of a clip. All zero = nothing yet.
typedef struct TlRoles {
    TlKits kits;
    TlShirt shirt[TL_SHIRT_MAX]; ///< of the clip's people, living tracks and ended ones
    int32_t id[TL_SHIRT_MAX];    ///< whose
    uint8_t team[TL_SHIRT_MAX];  ///< his team
    double unsearched_s;         ///< since the kits were last searched for
} TlRoles;

// Counts a detection for its track, dt seconds after the one before.
void tl_roles_vote(TlTrack *track, const TlDetection *detection, const float class_score[TL_CLASS_COUNT], double dt);
// Sets class_id by all votes so far and the shirt.
void tl_roles_decide(TlTrack *track);
// Learns from the tracks seen on a key frame, dt seconds after the one before, and tells each how odd its shirt is and
// which team wears it.
void tl_roles_learn(TlRoles *roles, TlTrack *tracks, int count, double dt);

#endif
