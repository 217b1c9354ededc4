// Kit colours measured from the picture, so that the overlay shows two teams in their own colours.
#ifndef TL_RENDER_OVERLAY_TEAMS_H
#define TL_RENDER_OVERLAY_TEAMS_H

#include <touchline/result.h>
#include <touchline/session.h>

#include "render/paint.h"

enum { TL_TEAMS_PERSONS = 256, TL_INK_REFEREE = 0xffd700 };

typedef struct TlTeamsPerson {
    int32_t id;
    int64_t seen; ///< frame of the last sample
    int samples;
    float colour[3];    ///< running mean of the shirt: Y, U, V
    int votes[2], team; ///< samples nearer to each team over the life of the track, and the team they decided
} TlTeamsPerson;

typedef struct TlTeams {
    TlTeamsPerson person[TL_TEAMS_PERSONS]; ///< by id modulo the size
    float centre[2][3];                     ///< shirts of the two teams
    int ready;                              ///< centres are known and differ
    int locked;                             ///< enough people were measured: inks stay for the rest of the clip
    float measured[2][3];                   ///< centres when they were locked
    TlInk ink[2];                           ///< of the locked teams
    uint16_t histogram[32][32];             ///< chroma of the picture, to know the grass
    int grass[2];
} TlTeams;

// Looks at the shirts of one frame. The order of the two teams stays the same from their first sight on, and so do
// their inks once enough people were measured.
void tl_teams_see(TlTeams *teams, const TlRecord *record, const TlPicture *picture);

// Team of a player: 0, 1, or -1 when not known.
int tl_teams_of(const TlTeams *teams, int32_t id);

// Colour to draw a team with: near its kit, but never too near to the grass or to the other team. 0 when not known.
int tl_teams_ink(const TlTeams *teams, int team, TlInk *ink);

#endif
