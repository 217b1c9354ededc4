// Two teams guessed from shirts alone, for the overlay of clips whose data has no teams.
#ifndef TL_RENDER_OVERLAY_GUESS_H
#define TL_RENDER_OVERLAY_GUESS_H

#include <stdint.h>

enum { TL_GUESS_PERSONS = 256 };

#define TL_SAME_SHIRT 22.0f // nearer means no difference that can be seen

typedef struct TlGuessPerson {
    int32_t id;
    int64_t seen; ///< frame of the last sample
    int samples;
    float colour[3];    ///< running mean of the shirt: Y, U, V
    int votes[2], team; ///< samples nearer to each team over the life of the track, and the team they decided
} TlGuessPerson;

typedef struct TlGuess {
    TlGuessPerson person[TL_GUESS_PERSONS]; ///< by id modulo the size
    float centre[2][3];                     ///< shirts of the two teams
    int ready;                              ///< centres are known and differ
    int locked;                             ///< enough people were measured
    float measured[2][3];                   ///< centres when they were locked
} TlGuess;

float tl_shirt_distance(const float a[3], const float b[3]); // of Y, U, V; see TL_SAME_SHIRT

// A shirt (Y, U, V) seen on a track, id >= 0.
void tl_guess_add(TlGuess *guess, int32_t id, int64_t frame, const float colour[3]);
// All shirts of this frame were added.
void tl_guess_step(TlGuess *guess, int64_t frame);
// Team of a track: 1 or 2, in an order that stays, or 0 when not known. It may change.
int tl_guess_team(const TlGuess *guess, int32_t id);

#endif
