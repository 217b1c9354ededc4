// Two teams by shirt colour, see overlay_teams.h.
//
// In: boxes of players and the picture. For each player the mean colour of the trunk without grass-coloured pixels,
// kept as a running mean of the track; then the pair of kits that explains the tracks best (Lloyd's two-means with odd
// shirts left out, started from every pair). Once enough people were measured the pair is locked: close-ups, replays
// and changes of light may then move the centres a little, but never the inks. A track belongs to the team that most of
// its samples were nearer to, with a margin before it changes. The grass is the most frequent chroma of the picture.
#include "render/overlay_teams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LUMA_WEIGHT 0.6f
#define SAME_SHIRT  22.0f // nearer means one team, or no difference that can be seen
#define GRASS_REACH 14    // chroma steps
#define RECENT      100   // frames
#define FEWEST      5     // players before teams are told apart
#define MATURE      15    // samples that make the colour of a track trustworthy
#define SHIRT_MAX   40    // tracks that are compared
#define LOCK_COUNT  8     // tracks of that kind that lock the kits
#define FOLLOW      0.01f // share of the way that a locked centre goes in a frame
#define DRIFT       18.0f // a locked centre moves no farther than this
#define MEMORY      100 // votes; more are halved, so that an id that jumped to an opponent changes its team in the end
#define MARGIN      4   // votes beyond a tie, and a fifth of all, that a track needs to change its team

static float distance(const float a[3], const float b[3])
{
    float y = (a[0] - b[0]) * LUMA_WEIGHT, u = a[1] - b[1], v = a[2] - b[2];
    return sqrtf(y * y + u * u + v * v);
}

static void find_grass(TlTeams *teams, const TlPicture *picture)
{
    int columns = (picture->width + 1) / 2, rows = (picture->height + 1) / 2, most = -1;
    memset(teams->histogram, 0, sizeof(teams->histogram));
    for (int y = rows / 4; y < rows; y += 8)
        for (int x = 0; x < columns; x += 8) {
            int u = picture->plane[1][(ptrdiff_t)y * picture->stride[1] + x] >> 3;
            int v = picture->plane[2][(ptrdiff_t)y * picture->stride[2] + x] >> 3;
            if (teams->histogram[u][v] < UINT16_MAX)
                teams->histogram[u][v]++;
        }
    for (int u = 0; u < 32; u++)
        for (int v = 0; v < 32; v++)
            if (teams->histogram[u][v] > most) {
                most = teams->histogram[u][v];
                teams->grass[0] = u * 8 + 4;
                teams->grass[1] = v * 8 + 4;
            }
}

static int clamp(float v, int low, int high)
{
    return v < (float)low ? low : v > (float)high ? high : (int)v;
}

static int chroma_distance(const TlTeams *teams, int u, int v)
{
    return abs(u - teams->grass[0]) + abs(v - teams->grass[1]);
}

// Mean colour of the upper trunk, from the half that is least like grass: in small pictures the chroma of a figure is
// mixed with the grass around it. 0 when too little of it is not grass.
static int sample_shirt(const TlTeams *teams, const TlPicture *picture, const float box[4], float colour[3])
{
    float w = box[2] - box[0], h = box[3] - box[1];
    int columns = (picture->width + 1) / 2, rows = (picture->height + 1) / 2;
    int x0 = clamp((box[0] + 0.28f * w) / 2, 0, columns), x1 = clamp((box[0] + 0.72f * w) / 2 + 1, 0, columns);
    int y0 = clamp((box[1] + 0.18f * h) / 2, 0, rows), y1 = clamp((box[1] + 0.45f * h) / 2 + 1, 0, rows);
    int step = 1 + (x1 - x0) / 24, least = GRASS_REACH;
    for (int pass = 0; pass < 2; pass++) {
        long sum[3] = {0}, far = 0, count = 0;
        for (int y = y0; y < y1; y += step)
            for (int x = x0; x < x1; x += step) {
                int u = picture->plane[1][(ptrdiff_t)y * picture->stride[1] + x];
                int v = picture->plane[2][(ptrdiff_t)y * picture->stride[2] + x], d = chroma_distance(teams, u, v);
                if (d < least)
                    continue;
                sum[0] += picture->plane[0][(ptrdiff_t)(2 * y) * picture->stride[0] + 2 * x];
                sum[1] += u;
                sum[2] += v;
                far += d;
                count++;
            }
        if (count < 2)
            return 0;
        least = (int)(far / count);
        for (int i = 0; i < 3; i++)
            colour[i] = (float)sum[i] / (float)count;
    }
    return 1;
}

static int recent(const TlTeamsPerson *person, int64_t frame)
{
    return person->samples > 0 && frame - person->seen <= RECENT && person->seen <= frame;
}

static int nearest(const TlTeams *teams, const float colour[3])
{
    return distance(colour, teams->centre[0]) <= distance(colour, teams->centre[1]) ? 0 : 1;
}

// One more sample of a track, and its vote. A tie, or little more, keeps the team.
static void remember(TlTeams *teams, int32_t id, int64_t frame, const float colour[3])
{
    TlTeamsPerson *person = &teams->person[id & (TL_TEAMS_PERSONS - 1)];
    if (person->id != id || person->samples == 0)
        *person = (TlTeamsPerson){.id = id, .team = -1};
    float share = person->samples < 12 ? 1.0f / (float)(person->samples + 1) : 0.08f;
    for (int i = 0; i < 3; i++)
        person->colour[i] += (colour[i] - person->colour[i]) * share;
    person->samples++;
    person->seen = frame;
    if (!teams->ready)
        return;
    int vote = nearest(teams, colour);
    if (++person->votes[vote] > MEMORY)
        person->votes[0] /= 2, person->votes[1] /= 2;
    if (person->team < 0)
        person->team = vote;
    else if (person->votes[!person->team] - person->votes[person->team] >=
             MARGIN + (person->votes[0] + person->votes[1]) / 5)
        person->team = !person->team;
}

// Votes counted before the centres were known, or known well, are worth nothing: begin with the mean.
static void vote_again(TlTeams *teams)
{
    for (int i = 0; i < TL_TEAMS_PERSONS; i++) {
        TlTeamsPerson *person = &teams->person[i];
        if (!person->samples)
            continue;
        person->team = nearest(teams, person->colour);
        person->votes[person->team] = person->samples < MATURE ? person->samples : MATURE;
        person->votes[!person->team] = 0;
    }
}

// Locked centres follow the shirts seen lately a little, but stay near the kits that were measured; shirts that are
// like neither do not move them.
static void move_centres(TlTeams *teams, int64_t frame)
{
    float sum[2][3] = {{0}};
    int count[2] = {0};
    for (int i = 0; i < TL_TEAMS_PERSONS; i++) {
        const TlTeamsPerson *person = &teams->person[i];
        if (!recent(person, frame))
            continue;
        int team = nearest(teams, person->colour);
        if (distance(person->colour, teams->measured[team]) > 2 * DRIFT)
            continue;
        count[team]++;
        for (int k = 0; k < 3; k++)
            sum[team][k] += person->colour[k];
    }
    for (int team = 0; team < 2; team++) {
        float to[3];
        for (int k = 0; k < 3 && count[team]; k++)
            to[k] = teams->centre[team][k] + (sum[team][k] / (float)count[team] - teams->centre[team][k]) * FOLLOW;
        if (count[team] && distance(to, teams->measured[team]) <= DRIFT)
            memcpy(teams->centre[team], to, sizeof(to));
    }
}

// How badly two kits explain the shirts; one odd shirt counts little, so that a referee does not become a team.
static float misfit(const TlTeamsPerson *const *shirt, int count, float kit[2][3])
{
    float sum = 0;
    for (int i = 0; i < count; i++) {
        float d = fminf(distance(shirt[i]->colour, kit[0]), distance(shirt[i]->colour, kit[1]));
        sum += fminf(d, 1.5f * SAME_SHIRT);
    }
    return sum;
}

static void refine(const TlTeamsPerson *const *shirt, int count, float kit[2][3])
{
    for (int round = 0; round < 4; round++) {
        float sum[2][3] = {{0}};
        int members[2] = {0};
        for (int i = 0; i < count; i++) {
            const float *colour = shirt[i]->colour;
            int team = distance(colour, kit[0]) <= distance(colour, kit[1]) ? 0 : 1;
            if (distance(colour, kit[team]) > 2 * SAME_SHIRT)
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
static int find_kits(const TlTeamsPerson *const *shirt, int count, float found[2][3])
{
    float best = INFINITY, kit[2][3];
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) {
            memcpy(kit[0], shirt[k]->colour, sizeof(kit[0]));
            memcpy(kit[1], shirt[i]->colour, sizeof(kit[1]));
            refine(shirt, count, kit);
            float cost = distance(kit[0], kit[1]) > SAME_SHIRT ? misfit(shirt, count, kit) : INFINITY;
            if (cost < best) {
                best = cost;
                memcpy(found, kit, sizeof(kit));
            }
        }
    return isfinite(best);
}

// Takes measured kits as the teams; the team that was the first stays the first.
static void take_kits(TlTeams *teams, float kit[2][3])
{
    float same = distance(kit[0], teams->centre[0]) + distance(kit[1], teams->centre[1]);
    float other = distance(kit[0], teams->centre[1]) + distance(kit[1], teams->centre[0]);
    int swap = teams->ready && other < same;
    for (int team = 0; team < 2; team++)
        memcpy(teams->centre[team], kit[team ^ swap], sizeof(kit[0]));
    memcpy(teams->measured, teams->centre, sizeof(teams->centre));
    teams->ready = 1;
    vote_again(teams);
}

// Until enough was seen the kits are measured anew in each frame; then they are locked.
static void measure(TlTeams *teams)
{
    const TlTeamsPerson *shirt[SHIRT_MAX];
    int count = 0, mature = 0, most = 0;
    float kit[2][3];
    for (int i = 0; i < TL_TEAMS_PERSONS && count < SHIRT_MAX; i++) {
        const TlTeamsPerson *person = &teams->person[i];
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
    take_kits(teams, kit);
    for (int team = 0; enough && team < 2; team++)
        (void)tl_teams_ink(teams, team, &teams->ink[team]);
    teams->locked = enough;
}

void tl_teams_see(TlTeams *teams, const TlRecord *record, const TlPicture *picture)
{
    int count = record->object_count < 0               ? 0
                : record->object_count > TL_OBJECT_MAX ? TL_OBJECT_MAX
                                                       : record->object_count;
    find_grass(teams, picture);
    for (int i = 0; i < count; i++) {
        const TlObject *object = &record->objects[i];
        float colour[3];
        int good = object->class_id == TL_CLASS_PLAYER && object->id >= 0;
        for (int k = 0; k < 4; k++)
            good = good && isfinite(object->bbox[k]) && fabsf(object->bbox[k]) < 1e6f;
        if (good && object->bbox[2] > object->bbox[0] && object->bbox[3] > object->bbox[1] &&
            sample_shirt(teams, picture, object->bbox, colour))
            remember(teams, object->id, record->frame, colour);
    }
    if (teams->locked)
        move_centres(teams, record->frame);
    else
        measure(teams);
}

int tl_teams_of(const TlTeams *teams, int32_t id)
{
    if (!teams->ready || id < 0)
        return -1;
    const TlTeamsPerson *person = &teams->person[id & (TL_TEAMS_PERSONS - 1)];
    return person->samples > 0 && person->id == id ? person->team : -1;
}

// A chroma as strong as inks are: means over folds, skin and subsampled chroma are pale.
static void strong_chroma(float du, float dv, float out[3])
{
    float size = sqrtf(du * du + dv * dv), goal = fmaxf(55, fminf(92, size * 1.5f));
    out[1] = 128 + du * goal / size;
    out[2] = 128 + dv * goal / size;
}

// A kit's colour made stronger, as means over folds, skin and subsampled chroma are pale and dark.
static void strengthen(const float kit[3], float out[3])
{
    float du = kit[1] - 128, dv = kit[2] - 128, size = sqrtf(du * du + dv * dv);
    if (size < (kit[0] > 140 ? 18 : 9)) { // white, grey and black kits: spread the light
        out[0] = kit[0] > 105 ? 215 : 30;
        out[1] = out[2] = 128;
        return;
    }
    out[0] = fmaxf(60, fminf(205, kit[0] * 1.25f));
    strong_chroma(du, dv, out);
}

// Both kits would be shown in one grey: the brighter becomes white and the reference for the other's hue, as haze,
// lamps and the grass around small figures tint both alike.
static void spread(float kit[2][3], float shown[2][3])
{
    int bright = kit[1][0] > kit[0][0], dark = !bright;
    float du = kit[dark][1] - kit[bright][1], dv = kit[dark][2] - kit[bright][2];
    if (kit[bright][0] - kit[dark][0] < SAME_SHIRT)
        return;
    shown[bright][0] = 215;
    shown[bright][1] = shown[bright][2] = 128;
    shown[dark][0] = 30;
    shown[dark][1] = shown[dark][2] = 128;
    if (sqrtf(du * du + dv * dv) < 9)
        return;
    shown[dark][0] = fmaxf(60, kit[dark][0] * 0.6f);
    strong_chroma(du, dv, shown[dark]);
}

// A yellow team keeps its hue, but darker: bright yellow are the marks of referees.
static void leave_yellow_to_referees(float shown[3])
{
    TlInk taken = tl_ink(TL_INK_REFEREE);
    float du = shown[1] - 128, dv = shown[2] - 128, size = sqrtf(du * du + dv * dv);
    float tu = (float)taken.u - 128, tv = (float)taken.v - 128;
    if (size > 20 && du * tu + dv * tv > 0.97f * size * sqrtf(tu * tu + tv * tv))
        shown[0] = fminf(shown[0], 105);
}

int tl_teams_ink(const TlTeams *teams, int team, TlInk *ink)
{
    float kit[2][3];
    if (!teams->ready || team < 0 || team > 1)
        return 0;
    if (teams->locked) {
        *ink = teams->ink[team];
        return 1;
    }
    float shown[2][3];
    for (int i = 0; i < 2; i++)
        strengthen(teams->centre[i], shown[i]);
    for (int i = 0; i < 2; i++)
        leave_yellow_to_referees(shown[i]);
    memcpy(kit, teams->centre, sizeof(kit));
    if (distance(shown[0], shown[1]) < 30)
        spread(kit, shown);
    float du = shown[team][1] - 128, dv = shown[team][2] - 128, size = sqrtf(du * du + dv * dv);
    float gu = (float)teams->grass[0] - 128, gv = (float)teams->grass[1] - 128, grass = sqrtf(gu * gu + gv * gv);
    // a kit of the hue of the grass (within some 18 degrees) would drown in it; white and black never do
    int green = size > 20 && (du * gu + dv * gv) > 0.95f * size * grass;
    if (green || distance(shown[0], shown[1]) < 30) {
        *ink = tl_ink(team ? 0x00bfff : 0xff1493);
        return 1;
    }
    *ink = (TlInk){(uint8_t)shown[team][0], (uint8_t)shown[team][1], (uint8_t)shown[team][2]};
    return 1;
}
