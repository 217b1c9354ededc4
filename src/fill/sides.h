// Inside the fill folder: which team defends which goal.
#ifndef TL_FILL_SIDES_H
#define TL_FILL_SIDES_H

#include <stdint.h>

// All zero = nothing seen yet.
typedef struct TlSides {
    int left_team;    ///< 1 or 2: defends the goal at x = 0; 0 = not known
    double balance;   ///< metre seconds for team 1 on the left (> 0) or on the right
    double sum_x[2];  ///< of the players of a key frame, while it is looked at
    int count[2];     ///< how many they are
    int64_t frame;    ///< of the last key frame
    uint8_t has_seen; ///< there was one, with its camera
} TlSides;

// A player of team 1 or 2 stands at x metres.
void tl_sides_add(TlSides *sides, int team, double x);
// All players of this key frame were added.
void tl_sides_step(TlSides *sides, int64_t frame, double fps);
// Team of a goalkeeper who stands at x on a pitch of this length: whose goal is near; 0 when none is, or nobody knows.
int tl_sides_keeper(const TlSides *sides, double x, double length_m);

#endif
