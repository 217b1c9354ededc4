// Colours of the two teams, see overlay_teams.h.
//
// In: a record, which tells who plays in which team (or does not: then overlay_guess.c does), and its picture. Of each
// player of a team the mean colour of the trunk without grass-coloured pixels is taken, and these make the mean of the
// team. Once enough people were measured the inks are locked: close-ups, replays and changes of light do not touch
// them. The grass is the most frequent chroma of the picture.
#include "render/overlay_teams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRASS_REACH 14  // chroma steps
#define FEWEST      3   // samples of each team before it has a colour
#define ENOUGH      150 // after which the inks stay

enum { INK_FIRST = 0x00bfff, INK_SECOND = 0xff1493 }; // of kits that cannot be shown

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

static void add(TlTeams *teams, int team, const float colour[3])
{
    float share = 1.0f / (float)++teams->samples[team];
    for (int i = 0; i < 3; i++)
        teams->kit[team][i] += (colour[i] - teams->kit[team][i]) * share;
}

static int shows_shirt(const TlObject *object)
{
    const float *b = object->bbox;
    for (int i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabsf(b[i]) > 1e6f)
            return 0;
    return object->class_id == TL_CLASS_PLAYER && object->id >= 0 && b[2] > b[0] && b[3] > b[1];
}

// From the first record that tells of teams on, nothing is guessed any more.
static void listen(TlTeams *teams, const TlRecord *record, int count)
{
    for (int i = 0; i < count && !teams->told; i++)
        if (record->objects[i].team) {
            memset(teams->kit, 0, sizeof(teams->kit));
            memset(teams->samples, 0, sizeof(teams->samples));
            teams->locked = teams->ready = 0;
            teams->told = 1;
        }
}

int tl_teams_of(const TlTeams *teams, const TlObject *object)
{
    if (object->class_id != TL_CLASS_PLAYER)
        return 0;
    return teams->told ? object->team : tl_guess_team(&teams->guess, object->id);
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
    if (kit[bright][0] - kit[dark][0] < TL_SAME_SHIRT)
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

static int is_green(const TlTeams *teams, const float shown[3])
{
    float du = shown[1] - 128, dv = shown[2] - 128, size = sqrtf(du * du + dv * dv);
    float gu = (float)teams->grass[0] - 128, gv = (float)teams->grass[1] - 128, grass = sqrtf(gu * gu + gv * gv);
    // a kit of the hue of the grass (within some 26 degrees) would drown in it; white and black never do
    return size > 20 && (du * gu + dv * gv) > 0.9f * size * grass;
}

static TlInk ink_from(const float yuv[3])
{
    return (TlInk){(uint8_t)yuv[0], (uint8_t)yuv[1], (uint8_t)yuv[2]};
}

// Of the pair for kits that cannot be shown: the one that is farther from the colour of the other team.
static TlInk far_ink(const float other[3])
{
    float away[2];
    for (int i = 0; i < 2; i++) {
        TlInk ink = tl_ink(i ? INK_SECOND : INK_FIRST);
        const float yuv[3] = {ink.y, ink.u, ink.v};
        away[i] = tl_shirt_distance(yuv, other);
    }
    return tl_ink(away[1] > away[0] ? INK_SECOND : INK_FIRST);
}

static void choose_inks(TlTeams *teams)
{
    float shown[2][3];
    for (int i = 0; i < 2; i++) {
        strengthen(teams->kit[i], shown[i]);
        leave_yellow_to_referees(shown[i]);
    }
    if (tl_shirt_distance(shown[0], shown[1]) < 30)
        spread(teams->kit, shown);
    int green[2] = {is_green(teams, shown[0]), is_green(teams, shown[1])};
    int alike = tl_shirt_distance(shown[0], shown[1]) < 30 || (green[0] && green[1]);
    for (int i = 0; i < 2; i++)
        teams->ink[i] = alike ? tl_ink(i ? INK_SECOND : INK_FIRST) : green[i] ? far_ink(shown[!i]) : ink_from(shown[i]);
}

static void measure_told(TlTeams *teams)
{
    int fewer = teams->samples[0] < teams->samples[1] ? teams->samples[0] : teams->samples[1];
    teams->locked = fewer >= ENOUGH;
    teams->ready = fewer >= FEWEST;
    if (teams->ready)
        choose_inks(teams);
}

static void measure_guess(TlTeams *teams, int64_t frame)
{
    tl_guess_step(&teams->guess, frame);
    if (teams->locked || !teams->guess.ready)
        return;
    memcpy(teams->kit, teams->guess.centre, sizeof(teams->kit));
    choose_inks(teams);
    teams->ready = 1;
    teams->locked = teams->guess.locked;
}

void tl_teams_see(TlTeams *teams, const TlRecord *record, const TlPicture *picture)
{
    int count = record->object_count < 0               ? 0
                : record->object_count > TL_OBJECT_MAX ? TL_OBJECT_MAX
                                                       : record->object_count;
    listen(teams, record, count);
    if (teams->locked && teams->told)
        return;
    find_grass(teams, picture);
    for (int i = 0; i < count; i++) {
        const TlObject *object = &record->objects[i];
        float colour[3];
        if (!shows_shirt(object) || !sample_shirt(teams, picture, object->bbox, colour))
            continue;
        if (!teams->told)
            tl_guess_add(&teams->guess, object->id, record->frame, colour);
        else if (object->team == 1 || object->team == 2)
            add(teams, object->team - 1, colour);
    }
    if (teams->told)
        measure_told(teams);
    else
        measure_guess(teams, record->frame);
}

int tl_teams_ink(const TlTeams *teams, int team, TlInk *ink)
{
    if (!teams->ready || team < 1 || team > 2)
        return 0;
    *ink = teams->ink[team - 1];
    return 1;
}
