// Kit colours measured from the picture, so that the overlay shows two teams in their own colours.
#ifndef TL_RENDER_OVERLAY_TEAMS_H
#define TL_RENDER_OVERLAY_TEAMS_H

#include <touchline/result.h>
#include <touchline/session.h>

#include "render/overlay_guess.h"
#include "render/paint.h"

enum { TL_INK_REFEREE = 0xffd700 };

typedef struct TlTeams {
    int told; ///< a record had teams: nothing is guessed any more
    TlGuess guess;
    float kit[2][3]; ///< mean shirt of each team: Y, U, V
    int samples[2];  ///< shirts in it
    int ready;       ///< both have one
    int locked;      ///< enough people were measured: inks stay for the rest of the clip
    TlInk ink[2];
    uint16_t histogram[32][32]; ///< chroma of the picture, to know the grass
    int grass[2];
} TlTeams;

// Looks at the shirts of one frame, until enough were seen.
void tl_teams_see(TlTeams *teams, const TlRecord *record, const TlPicture *picture);

// Team to draw somebody in: of the data, or guessed while the data has none at all. 1, 2, or 0.
int tl_teams_of(const TlTeams *teams, const TlObject *object);

// Colour to draw a team (1 or 2) with: near its kit, but never too near to the grass or to the other team's. 0 when not
// known.
int tl_teams_ink(const TlTeams *teams, int team, TlInk *ink);

#endif
