// The play of the synthetic match: where everybody and the ball are, frame by frame. Rendering knows nothing of
// football.
#ifndef TL_RENDER_SYNTH_MATCH_H
#define TL_RENDER_SYNTH_MATCH_H

#include "render/synth_random.h"

enum { TL_AGENT_MAX = 112, TL_PITCH_LENGTH_M = 105, TL_PITCH_WIDTH_M = 68 };

enum TlRole { TL_ROLE_PLAYER, TL_ROLE_KEEPER, TL_ROLE_REFEREE, TL_ROLE_ASSISTANT };

typedef struct TlAgent {
    int role, team; ///< team 0 attacks towards x = 105, team 1 towards 0; 2 = officials
    double at[2], speed[2];
    double heading;   ///< radians, direction the chest points: x = cos, y = sin
    double stride;    ///< phase of the gait, radians
    double home[2];   ///< place in the formation, 0..1 of depth (own goal first) and width
    double top_speed; ///< m/s
    double wander[2];
    double kick; ///< 1 at a kick, falls to 0 in a third of a second
} TlAgent;

typedef struct TlMatch {
    TlRandom random;
    TlAgent agent[TL_AGENT_MAX];
    int agent_count, outfield, keeper[2], referee;
    double ball[3], ball_speed[3];
    double ball_turn; ///< rolled angle, radians
    int owner;        ///< who has the ball at his feet, -1 = nobody
    int receiver;     ///< for whom it was meant, -1
    int last_kicker;
    double hold_s, dead_s, flight_s;
} TlMatch;

// players: outfield players of both teams together. assistants: 0 or 2.
void tl_match_init(TlMatch *match, unsigned seed, int players, int assistants);
void tl_match_step(TlMatch *match, double dt); // any dt, cut into steps of 20 ms at most

#endif
