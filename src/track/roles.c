// Who is goalkeeper, player and referee.
//
// In: what the network says at each sighting of a track, and the mean colour of its shirt. Out: the class of the track.
// The network's shares are summed over the track's life and fade slowly; the kits of the clip are learnt from everybody
// seen so far (kits.c); both together give the class (Bayes' rule, the shares as prior). What the kits led to is never
// counted as a vote, so that an error cannot feed on itself, and a class changes only for a clear majority, which has
// to be clearer every time.
#include "track/roles.h"

#include <math.h>
#include <string.h>

enum { LOOKS_FEW = 3, TEAMS_IN_SIGHT = 5 };

#define VOTE_FADE_S  30.0
#define MAJORITY     1.25 // times the votes of the class so far
#define STUBBORN     0.5  // more with every change
#define TRIFLE       0.4  // votes
#define LOOKS_SURE   10.0 // sightings after which the mean colour of a shirt is known
#define KIT_FADE_S   60.0 // of shirts that taught the kits
#define KIT_SEARCH_S 1.0  // between two searches for better kits
#define KIT_NEAR     8.0  // squared spreads: wears a kit
#define ODD_FADE_S   10.0 // of what the shirt of a track has shown: backs differ from fronts, and nobody changes it

void tl_roles_vote(TlTrack *track, const TlDetection *detection, const float class_score[TL_CLASS_COUNT], double dt)
{
    double fade = exp(-dt / VOTE_FADE_S), share[3];
    tl_class_shares(detection, class_score, share);
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        track->vote[c] *= fade;
    for (int k = 0; k < 3; k++)
        track->vote[TL_CLASS_GOALKEEPER + k] += detection->score * share[k];
}

static double votes_of(const TlTrack *track)
{
    double sum = 0;
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        sum += track->vote[c];
    return sum;
}

void tl_roles_decide(TlTrack *track)
{
    double share[3], sum = votes_of(track);
    int now = track->class_id - TL_CLASS_GOALKEEPER, best = now;
    for (int k = 0; k < 3; k++)
        share[k] = track->vote[TL_CLASS_GOALKEEPER + k];
    tl_kits_judge(track->odd, share);
    for (int k = 0; k < 3; k++)
        if (share[k] > share[best])
            best = k;
    if (best == now || sum * share[best] <= (MAJORITY + STUBBORN * track->changes) * sum * share[now] + TRIFLE)
        return;
    track->class_id = TL_CLASS_GOALKEEPER + best;
    track->changes++;
}

// The place of a track's shirt; a new one takes that of the shirt that counts least.
static TlShirt *shirt_of(TlRoles *roles, int32_t id)
{
    int least = 0;
    for (int i = 0; i < TL_SHIRT_MAX; i++) {
        if (roles->id[i] == id)
            return &roles->shirt[i];
        if (roles->shirt[i].weight < roles->shirt[least].weight)
            least = i;
    }
    roles->id[least] = id;
    return &roles->shirt[least];
}

static int shows_shirt(const TlTrack *track)
{
    return track->state != TL_TRACK_FREE && track->detection >= 0 && track->looks >= LOOKS_FEW;
}

// By the network's votes alone: what was concluded from the kits must not teach them.
static void take_shirt(TlRoles *roles, const TlTrack *track)
{
    TlShirt *shirt = shirt_of(roles, track->id);
    double votes = votes_of(track);
    memcpy(shirt->yuv, track->look, sizeof shirt->yuv);
    shirt->weight = votes > 0 ? track->vote[TL_CLASS_PLAYER] / votes * fmin(track->looks / LOOKS_SURE, 1) : 0;
}

static void judge_shirt(const TlRoles *roles, TlTrack *track, double dt)
{
    double odd = tl_kits_odd(&roles->kits, track->look);
    track->odds++;
    track->odd += fmax(1.0 / track->odds, 1 - exp(-dt / ODD_FADE_S)) * (odd - track->odd);
}

// The kits speak only while enough people wear them: a bench or a crowd is no match, and in a close-up the light is
// another.
void tl_roles_learn(TlRoles *roles, TlTrack *tracks, int count, double dt)
{
    double fade = exp(-dt / KIT_FADE_S);
    int near = 0;
    for (int i = 0; i < TL_SHIRT_MAX; i++)
        roles->shirt[i].weight *= fade;
    for (int i = 0; i < count; i++)
        if (shows_shirt(&tracks[i]))
            take_shirt(roles, &tracks[i]);
    roles->unsearched_s += dt;
    int search = roles->unsearched_s >= KIT_SEARCH_S;
    if (search)
        roles->unsearched_s = 0;
    if (!tl_kits_fit(&roles->kits, roles->shirt, TL_SHIRT_MAX, search))
        return;
    for (int i = 0; i < count; i++)
        near += shows_shirt(&tracks[i]) && tl_kits_distance(&roles->kits, tracks[i].look) < KIT_NEAR;
    for (int i = 0; i < count && near >= TEAMS_IN_SIGHT; i++)
        if (shows_shirt(&tracks[i]))
            judge_shirt(roles, &tracks[i], dt);
}
