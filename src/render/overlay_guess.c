// Two teams by shirt colour, see overlay_guess.h.
//
// In: shirts of players, one a frame and id. For each the running mean of the track is kept; then the pair of kits that
// explains the tracks best (Lloyd's two-means with odd shirts left out, started from every pair). Once enough people
// were measured the pair is locked: close-ups, replays and changes of light may then move the centres a little. A track
// belongs to the team that most of its samples were nearer to, with a margin before it changes.
#include "render/overlay_guess.h"

#include <math.h>
#include <string.h>

#define LUMA_WEIGHT 0.6f
#define SAME_SHIRT  TL_SAME_SHIRT
#define RECENT      100   // frames
#define FEWEST      5     // players before teams are told apart
#define MATURE      15    // samples that make the colour of a track trustworthy
#define SHIRT_MAX   40    // tracks that are compared
#define LOCK_COUNT  8     // tracks of that kind that lock the kits
#define FOLLOW      0.01f // share of the way that a locked centre goes in a frame
#define DRIFT       18.0f // a locked centre moves no farther than this
#define MEMORY      100 // votes; more are halved, so that an id that jumped to an opponent changes its team in the end
#define MARGIN      4   // votes beyond a tie, and a fifth of all, that a track needs to change its team

float tl_shirt_distance(const float a[3], const float b[3])
{
    float y = (a[0] - b[0]) * LUMA_WEIGHT, u = a[1] - b[1], v = a[2] - b[2];
    return sqrtf(y * y + u * u + v * v);
}

static int recent(const TlGuessPerson *person, int64_t frame)
{
    return person->samples > 0 && frame - person->seen <= RECENT && person->seen <= frame;
}

static int nearest(const TlGuess *guess, const float colour[3])
{
    return tl_shirt_distance(colour, guess->centre[0]) <= tl_shirt_distance(colour, guess->centre[1]) ? 0 : 1;
}

// One more sample of a track, and its vote. A tie, or little more, keeps the team.
void tl_guess_add(TlGuess *guess, int32_t id, int64_t frame, const float colour[3])
{
    TlGuessPerson *person = &guess->person[id & (TL_GUESS_PERSONS - 1)];
    if (person->id != id || person->samples == 0)
        *person = (TlGuessPerson){.id = id, .team = -1};
    float share = person->samples < 12 ? 1.0f / (float)(person->samples + 1) : 0.08f;
    for (int i = 0; i < 3; i++)
        person->colour[i] += (colour[i] - person->colour[i]) * share;
    person->samples++;
    person->seen = frame;
    if (!guess->ready)
        return;
    int vote = nearest(guess, colour);
    if (++person->votes[vote] > MEMORY)
        person->votes[0] /= 2, person->votes[1] /= 2;
    if (person->team < 0)
        person->team = vote;
    else if (person->votes[!person->team] - person->votes[person->team] >=
             MARGIN + (person->votes[0] + person->votes[1]) / 5)
        person->team = !person->team;
}

// Votes counted before the centres were known, or known well, are worth nothing: begin with the mean.
static void vote_again(TlGuess *guess)
{
    for (int i = 0; i < TL_GUESS_PERSONS; i++) {
        TlGuessPerson *person = &guess->person[i];
        if (!person->samples)
            continue;
        person->team = nearest(guess, person->colour);
        person->votes[person->team] = person->samples < MATURE ? person->samples : MATURE;
        person->votes[!person->team] = 0;
    }
}

// Locked centres follow the shirts seen lately a little, but stay near the kits that were measured; shirts that are
// like neither do not move them.
static void move_centres(TlGuess *guess, int64_t frame)
{
    float sum[2][3] = {{0}};
    int count[2] = {0};
    for (int i = 0; i < TL_GUESS_PERSONS; i++) {
        const TlGuessPerson *person = &guess->person[i];
        if (!recent(person, frame))
            continue;
        int team = nearest(guess, person->colour);
        if (tl_shirt_distance(person->colour, guess->measured[team]) > 2 * DRIFT)
            continue;
        count[team]++;
        for (int k = 0; k < 3; k++)
            sum[team][k] += person->colour[k];
    }
    for (int team = 0; team < 2; team++) {
        float to[3];
        for (int k = 0; k < 3 && count[team]; k++)
            to[k] = guess->centre[team][k] + (sum[team][k] / (float)count[team] - guess->centre[team][k]) * FOLLOW;
        if (count[team] && tl_shirt_distance(to, guess->measured[team]) <= DRIFT)
            memcpy(guess->centre[team], to, sizeof(to));
    }
}

// How badly two kits explain the shirts; one odd shirt counts little, so that a referee does not become a team.
static float misfit(const TlGuessPerson *const *shirt, int count, float kit[2][3])
{
    float sum = 0;
    for (int i = 0; i < count; i++) {
        float d = fminf(tl_shirt_distance(shirt[i]->colour, kit[0]), tl_shirt_distance(shirt[i]->colour, kit[1]));
        sum += fminf(d, 1.5f * SAME_SHIRT);
    }
    return sum;
}

static void refine(const TlGuessPerson *const *shirt, int count, float kit[2][3])
{
    for (int round = 0; round < 4; round++) {
        float sum[2][3] = {{0}};
        int members[2] = {0};
        for (int i = 0; i < count; i++) {
            const float *colour = shirt[i]->colour;
            int team = tl_shirt_distance(colour, kit[0]) <= tl_shirt_distance(colour, kit[1]) ? 0 : 1;
            if (tl_shirt_distance(colour, kit[team]) > 2 * SAME_SHIRT)
                continue;
            members[team]++;
            for (int k = 0; k < 3; k++)
                sum[team][k] += colour[k];
        }
        for (int team = 0; team < 2; team++)
            for (int k = 0; k < 3 && members[team]; k++)
                kit[team][k] = sum[team][k] / (float)members[team];
    }
}

// The two kits that explain the shirts best, all pairs of shirts tried as a start. 0 when there are no two.
static int find_kits(const TlGuessPerson *const *shirt, int count, float found[2][3])
{
    float best = INFINITY, kit[2][3];
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) {
            memcpy(kit[0], shirt[k]->colour, sizeof(kit[0]));
            memcpy(kit[1], shirt[i]->colour, sizeof(kit[1]));
            refine(shirt, count, kit);
            float cost = tl_shirt_distance(kit[0], kit[1]) > SAME_SHIRT ? misfit(shirt, count, kit) : INFINITY;
            if (cost < best) {
                best = cost;
                memcpy(found, kit, sizeof(kit));
            }
        }
    return isfinite(best);
}

// Takes measured kits as the teams; the team that was the first stays the first.
static void take_kits(TlGuess *guess, float kit[2][3])
{
    float same = tl_shirt_distance(kit[0], guess->centre[0]) + tl_shirt_distance(kit[1], guess->centre[1]);
    float other = tl_shirt_distance(kit[0], guess->centre[1]) + tl_shirt_distance(kit[1], guess->centre[0]);
    int swap = guess->ready && other < same;
    for (int team = 0; team < 2; team++)
        memcpy(guess->centre[team], kit[team ^ swap], sizeof(kit[0]));
    memcpy(guess->measured, guess->centre, sizeof(guess->centre));
    guess->ready = 1;
    vote_again(guess);
}

// Until enough was seen the kits are measured anew in each frame; then they are locked.
static void measure(TlGuess *guess)
{
    const TlGuessPerson *shirt[SHIRT_MAX];
    int count = 0, mature = 0, most = 0;
    float kit[2][3];
    for (int i = 0; i < TL_GUESS_PERSONS && count < SHIRT_MAX; i++) {
        const TlGuessPerson *person = &guess->person[i];
        if (!person->samples)
            continue;
        shirt[count++] = person;
        mature += person->samples >= MATURE;
        most = person->samples > most ? person->samples : most;
    }
    int enough = mature >= LOCK_COUNT || (mature >= FEWEST && most >= 4 * MATURE);
    for (int i = 0; enough && i < count; i++) // short tracks are often no players at all
        if (shirt[i]->samples < MATURE)
            shirt[i--] = shirt[--count];
    if (count < FEWEST || !find_kits(shirt, count, kit))
        return;
    take_kits(guess, kit);
    guess->locked = enough;
}

void tl_guess_step(TlGuess *guess, int64_t frame)
{
    if (guess->locked)
        move_centres(guess, frame);
    else
        measure(guess);
}

int tl_guess_team(const TlGuess *guess, int32_t id)
{
    if (!guess->ready || id < 0)
        return 0;
    const TlGuessPerson *person = &guess->person[id & (TL_GUESS_PERSONS - 1)];
    return person->samples > 0 && person->id == id ? person->team + 1 : 0;
}
