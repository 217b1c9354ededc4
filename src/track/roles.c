// Who is goalkeeper, player and referee, and who plays in which team.
//
// In: what the network says at each sighting of a track, and the mean colour of its shirt. Out: class and team of the
// track.
// The network's shares are summed over the track's life and fade slowly; the kits of the clip are learnt from everybody
// seen so far (kits.c); both together give the class (Bayes' rule, the shares as prior). What the kits led to is never
// counted as a vote, so that an error cannot feed on itself, and a class changes only for a clear majority, which has
// to be clearer every time. A team is given once, when the shirt was clearly one kit's for a quarter of a second; all
// that can happen to it is that it is taken away.
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
#define TEAM_NEAR    9.0  // squared spreads: may tell of a team
#define TEAM_APART   8.0  // that one kit has to be nearer than the other to count in full
#define TEAM_SURE_S  0.24 // of such sightings
#define TEAM_MOST_S  0.96 // that are remembered: so long does an id that went to an opponent keep its team
#define TEAM_STEP_S  0.2  // most that one sighting counts
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
    roles->team[least] = 0;
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
    roles->team[shirt - roles->shirt] = (uint8_t)track->team;
    shirt->weight = votes > 0 ? track->vote[TL_CLASS_PLAYER] / votes * fmin(track->looks / LOOKS_SURE, 1) : 0;
}

static void judge_shirt(const TlRoles *roles, TlTrack *track, double dt)
{
    double odd = tl_kits_odd(&roles->kits, track->look);
    track->odds++;
    track->odd += fmax(1.0 / track->odds, 1 - exp(-dt / ODD_FADE_S)) * (odd - track->odd);
}

// A search may find the kits in the other order; what was said of the teams stays true.
static void keep_order(TlRoles *roles)
{
    double agree = 0, distance[2];
    for (int i = 0; i < TL_SHIRT_MAX; i++) {
        if (!roles->team[i])
            continue;
        tl_kits_distances(&roles->kits, roles->shirt[i].yuv, distance);
        agree +=
            (distance[1] < distance[0]) == (roles->team[i] == 2) ? roles->shirt[i].weight : -roles->shirt[i].weight;
    }
    if (agree < 0)
        tl_kits_swap(&roles->kits);
}

static void judge_team(const TlRoles *roles, TlTrack *track, double dt)
{
    double distance[2];
    tl_kits_distances(&roles->kits, track->look, distance);
    if (track->looks == track->team_looks || fmin(distance[0], distance[1]) > TEAM_NEAR)
        return;
    track->team_looks = track->looks;
    double clear = fmin(fmax((distance[0] - distance[1]) / TEAM_APART, -1), 1);
    track->team_s = fmin(fmax(track->team_s + clear * fmin(dt, TEAM_STEP_S), -TEAM_MOST_S), TEAM_MOST_S);
    if (track->team && (track->team == 2 ? track->team_s : -track->team_s) < 0) {
        track->team = 0;
        track->team_lost = 1;
    }
    if (!track->team && !track->team_lost && fabs(track->team_s) > TEAM_SURE_S - 1e-9)
        track->team = track->team_s > 0 ? 2 : 1;
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
    keep_order(roles);
    for (int i = 0; i < count; i++)
        near += shows_shirt(&tracks[i]) && tl_kits_distance(&roles->kits, tracks[i].look) < KIT_NEAR;
    for (int i = 0; i < count && near >= TEAMS_IN_SIGHT; i++)
        if (shows_shirt(&tracks[i])) {
            judge_shirt(roles, &tracks[i], dt);
            judge_team(roles, &tracks[i], dt);
        }
}
