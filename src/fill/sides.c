// Which team defends which goal.
//
// In: where the players of both teams stand on key frames. Out: the team on the left. Whoever defends a goal is nearer
// to it on the average, the offside law sees to that; of those few whom a picture shows it is not always true, nor in
// every moment. So the difference of the two means is summed up over time, small ones (a corner, a melee) left out, and
// what is known is given up only for much evidence: half-time. SoccerNet's baseline takes the means over a whole clip
// (tracklab, the team with the smaller mean x is left).
#include "fill/sides.h"

#include <math.h>

#define PLAYERS_LEAST 3    // of each team in one picture
#define SMALL_M       3.0  // differences that say nothing
#define LARGE_M       15.0 // or not more
#define SURE_MS       4.0  // metre seconds that settle it
#define CHANGE_MS     20.0 // of the opposite that unsettle it
#define MOST_MS       60.0
#define STEP_S        0.5
#define KEEPER_SHARE  0.25 // of the pitch that belongs to a goalkeeper

void tl_sides_add(TlSides *sides, int team, double x)
{
    if (team < 1 || team > 2 || !isfinite(x))
        return;
    sides->sum_x[team - 1] += x;
    sides->count[team - 1]++;
}

static double evidence(const TlSides *sides)
{
    if (sides->count[0] < PLAYERS_LEAST || sides->count[1] < PLAYERS_LEAST)
        return 0;
    double apart = sides->sum_x[1] / sides->count[1] - sides->sum_x[0] / sides->count[0];
    return copysign(fmin(fmax(fabs(apart) - SMALL_M, 0), LARGE_M), apart);
}

void tl_sides_step(TlSides *sides, int64_t frame, double fps)
{
    double dt = sides->has_seen ? fmin(fmax((double)(frame - sides->frame) / fps, 0), STEP_S) : 0;
    sides->balance = fmin(fmax(sides->balance + dt * evidence(sides), -MOST_MS), MOST_MS);
    sides->frame = frame;
    sides->has_seen = 1;
    sides->sum_x[0] = sides->sum_x[1] = 0;
    sides->count[0] = sides->count[1] = 0;
    double limit = sides->left_team ? CHANGE_MS : SURE_MS;
    if (fabs(sides->balance) >= limit)
        sides->left_team = sides->balance > 0 ? 1 : 2;
}

int tl_sides_keeper(const TlSides *sides, double x, double length_m)
{
    if (!sides->left_team || !isfinite(x))
        return 0;
    return x < KEEPER_SHARE * length_m         ? sides->left_team
           : x > (1 - KEEPER_SHARE) * length_m ? 3 - sides->left_team
                                               : 0;
}
