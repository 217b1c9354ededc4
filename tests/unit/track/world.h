// A synthetic match for tests of tracking and filling: people and a ball in metres, a broadcast camera that pans and
// zooms after the ball, and a detector with misses, false alarms, jitter and occlusion. Header only; everything from
// one seed.
#ifndef TL_TESTS_WORLD_H
#define TL_TESTS_WORLD_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "post/post.h"

enum { WORLD_MAX = 40, WORLD_BALL_ID = 100000, WORLD_SPECTATOR_ID = 50000 };

typedef struct WorldParams {
    unsigned seed;
    double fps;
    int players;    // outfield players; two goalkeepers and three referees come on top
    int spectators; // people who stand 7 m behind the far touchline
    int still_camera;
    double pan;          // how fast the camera follows, 1 = broadcast
    double miss;         // chance that a detection is missing
    double false_alarms; // per frame
    double jitter;       // of the centre, box heights; the size jitters by 1.5 times as much
    double wrong_class;  // chance of another person class
    int shirts;          // the detector also tells the colour of shirts: two teams, goalkeepers, referees
    int spot;            // the detector takes the penalty spot for the ball, with a high score
} WorldParams;

typedef struct WorldTruth {
    int id, class_id;
    float bbox[4];
    double pitch[2]; // m
} WorldTruth;

typedef struct WorldPerson {
    int class_id;
    double x, y, vx, vy, tx, ty, until, pace;
    int visit;         // how often he came into the picture anew, after more than a second outside
    int64_t last_seen; // frame
} WorldPerson;

typedef struct World {
    WorldParams params;
    uint64_t state;
    int64_t frame;
    int count;
    WorldPerson person[WORLD_MAX];
    double ball[2], ball_v[2], ball_until;
    int holder;
    double look_x, look_v, zoom, to_picture[9]; // pitch m -> picture px
    int truth_count;
    WorldTruth truth[WORLD_MAX + 1];
    double spot_px[2];
} World;

enum { WORLD_WIDTH = 1280, WORLD_HEIGHT = 720 };

static inline double world_random(World *w) // xorshift64*, 0..1
{
    w->state ^= w->state >> 12;
    w->state ^= w->state << 25;
    w->state ^= w->state >> 27;
    return (double)((w->state * 0x2545F4914F6CDD1DULL) >> 11) / 9007199254740992.0;
}

static inline double world_gauss(World *w)
{
    double a = world_random(w), b = world_random(w);
    return sqrt(-2 * log(a + 1e-12)) * cos(2 * M_PI * b);
}

// Places a point (metres, z up) in the picture.
static inline void world_see(const World *w, double x, double y, double z, double *u, double *v)
{
    static const double eye[3] = {52.5, 98, 18}; // behind the near touchline, at half length
    double ax = w->look_x - eye[0], ay = 30 - eye[1], az = -eye[2];
    double n = sqrt(ax * ax + ay * ay + az * az), m = hypot(ax, ay);
    double f[3] = {ax / n, ay / n, az / n}, r[3] = {-ay / m, ax / m, 0};
    double d[3] = {r[1] * f[2], -r[0] * f[2], r[0] * f[1] - r[1] * f[0]};
    double p[3] = {x - eye[0], y - eye[1], z - eye[2]};
    double depth = p[0] * f[0] + p[1] * f[1] + p[2] * f[2], focal = 1850 * w->zoom;
    *u = WORLD_WIDTH / 2.0 + focal * (p[0] * r[0] + p[1] * r[1]) / depth;
    *v = WORLD_HEIGHT / 2.0 + focal * (p[0] * d[0] + p[1] * d[1] + p[2] * d[2]) / depth;
}

// The homography of the ground, from the pictures of three points and the direction of view (exact: columns are the
// projections of the axes).
static inline void world_homography(World *w)
{
    static const double eye[3] = {52.5, 98, 18};
    double ax = w->look_x - eye[0], ay = 30 - eye[1], az = -eye[2];
    double n = sqrt(ax * ax + ay * ay + az * az), m = hypot(ax, ay);
    double f[3] = {ax / n, ay / n, az / n}, r[3] = {-ay / m, ax / m, 0};
    double d[3] = {r[1] * f[2], -r[0] * f[2], r[0] * f[1] - r[1] * f[0]};
    double focal = 1850 * w->zoom, cu = WORLD_WIDTH / 2.0, cv = WORLD_HEIGHT / 2.0;
    for (int c = 0; c < 3; c++) {
        double a = c < 2 ? r[c] : -(r[0] * eye[0] + r[1] * eye[1] + r[2] * eye[2]);
        double b = c < 2 ? d[c] : -(d[0] * eye[0] + d[1] * eye[1] + d[2] * eye[2]);
        double e = c < 2 ? f[c] : -(f[0] * eye[0] + f[1] * eye[1] + f[2] * eye[2]);
        w->to_picture[c] = focal * a + cu * e;
        w->to_picture[3 + c] = focal * b + cv * e;
        w->to_picture[6 + c] = e;
    }
}

static inline void world_init(World *w, const WorldParams *params)
{
    memset(w, 0, sizeof *w);
    w->params = *params;
    w->state = 0x9E3779B97F4A7C15ULL ^ ((uint64_t)params->seed * 0xD1B54A32D192ED03ULL);
    for (int i = 0; i < 8; i++)
        world_random(w);
    int n = params->players;
    for (int i = 0; i < n + 5 + params->spectators && i < WORLD_MAX; i++) {
        WorldPerson *p = &w->person[w->count++];
        p->class_id = i < n       ? TL_CLASS_PLAYER
                      : i < n + 2 ? TL_CLASS_GOALKEEPER
                      : i < n + 5 ? TL_CLASS_REFEREE
                                  : TL_CLASS_PLAYER;
        p->x = i < n ? 15 + 75 * world_random(w) : i == n ? 4 : i == n + 1 ? 101 : 52;
        p->y = i < n ? 4 + 60 * world_random(w) : i < n + 2 ? 34 : i == n + 2 ? 30 : i == n + 3 ? -0.7 : 68.7;
        if (i >= n + 5) {
            p->x = 30 + 6 * (i - n - 5);
            p->y = -7;
        }
        p->tx = p->x;
        p->ty = p->y;
    }
    w->ball[0] = w->look_x = 52.5;
    w->ball[1] = 34;
    w->zoom = 1;
    w->frame = -1;
}

static inline void world_move_person(World *w, int i, double dt, double now)
{
    WorldPerson *p = &w->person[i];
    int n = w->params.players;
    if (i >= n + 5)
        return; // spectators
    if (now >= p->until) {
        p->until = now + 0.6 + 3 * world_random(w);
        p->pace = 1.5 + 7 * world_random(w) * world_random(w);
        if (i < n) {
            double side = w->ball[0] + 34 * (world_random(w) - 0.5);
            p->tx = fmin(fmax(side, 2), 103);
            p->ty = fmin(fmax(w->ball[1] + 50 * (world_random(w) - 0.5), 1), 67);
        } else if (i < n + 2) {
            p->ty = 34 + 8 * (world_random(w) - 0.5);
        } else {
            p->tx = fmin(fmax(w->ball[0] + 10 * (world_random(w) - 0.5), 1), 104);
            p->ty = i == n + 2 ? 20 + 28 * world_random(w) : p->y;
        }
    }
    double dx = p->tx - p->x, dy = p->ty - p->y, distance = hypot(dx, dy), speed = fmin(p->pace, 1.5 * distance);
    double wx = distance > 0.1 ? dx / distance * speed : 0, wy = distance > 0.1 ? dy / distance * speed : 0;
    double ax = wx - p->vx, ay = wy - p->vy, a = hypot(ax, ay), limit = 4.0 * dt;
    double share = a > limit ? limit / a : 1;
    p->vx += share * ax;
    p->vy += share * ay;
    p->x += p->vx * dt;
    p->y += p->vy * dt;
}

static inline void world_move_ball(World *w, double dt, double now)
{
    const WorldPerson *h = &w->person[w->holder];
    if (w->params.players < 2)
        return;
    if (hypot(h->x - w->ball[0], h->y - w->ball[1]) < 1.5 && now >= w->ball_until) { // at a foot: dribble, then pass
        w->ball_until = now + 0.8 + 1.5 * world_random(w);
        w->holder = (int)(world_random(w) * w->params.players);
        h = &w->person[w->holder];
    }
    double dx = h->x - w->ball[0], dy = h->y - w->ball[1], distance = hypot(dx, dy) + 1e-9;
    double speed = fmin(4 + 0.8 * distance, 20);
    w->ball[0] += dx / distance * fmin(speed * dt, distance);
    w->ball[1] += dy / distance * fmin(speed * dt, distance);
}

static inline void world_add_truth(World *w, int id, int class_id, double x, double y)
{
    double u, v, top_u, top_v;
    world_see(w, x, y, 0, &u, &v);
    world_see(w, x, y, class_id == TL_CLASS_BALL ? 0.24 : 1.8, &top_u, &top_v);
    double h = v - top_v, half = class_id == TL_CLASS_BALL ? 0.5 * h : 0.2 * h;
    float box[4] = {(float)(u - half), (float)top_v, (float)(u + half), (float)v};
    if (u < 0 || u > WORLD_WIDTH || 0.5 * (v + top_v) < 0 || 0.5 * (v + top_v) > WORLD_HEIGHT)
        return;
    WorldTruth *t = &w->truth[w->truth_count++];
    *t = (WorldTruth){.id = id, .class_id = class_id, .pitch = {x, y}};
    for (int i = 0; i < 4; i++)
        t->bbox[i] = fminf(fmaxf(box[i], 0), i & 1 ? WORLD_HEIGHT : WORLD_WIDTH);
}

// Moves on by a frame; truth[] then holds everybody in the picture (spectators too, with ids of their own).
static inline void world_step(World *w)
{
    double dt = 1.0 / w->params.fps, now = (double)++w->frame * dt;
    if (w->frame > 0) {
        for (int i = 0; i < w->count; i++)
            world_move_person(w, i, dt, now);
        world_move_ball(w, dt, now);
        if (!w->params.still_camera) {
            double want = w->params.pan * 1.2 * (fmin(fmax(w->ball[0], 18), 87) - w->look_x);
            double change = fmin(fmax(want - w->look_v, -18 * dt), 18 * dt);
            w->look_v += change;
            w->look_x += w->look_v * dt;
            w->zoom = 1 + 0.12 * sin(0.5 * now);
        }
    }
    world_homography(w);
    world_see(w, 11, 34, 0, &w->spot_px[0], &w->spot_px[1]);
    w->truth_count = 0;
    for (int i = 0; i < w->count; i++) {
        WorldPerson *p = &w->person[i];
        int before = w->truth_count, spectator = i >= w->params.players + 5;
        world_add_truth(w, spectator ? WORLD_SPECTATOR_ID + i : i + 1, p->class_id, p->x, p->y);
        if (w->truth_count == before)
            continue;
        p->visit += w->frame - p->last_seen > w->params.fps;
        p->last_seen = w->frame;
        w->truth[before].id += 100 * p->visit; // whoever is gone that long is allowed to come back under another id
    }
    world_add_truth(w, WORLD_BALL_ID, TL_CLASS_BALL, w->ball[0], w->ball[1]);
}

static inline float world_overlap(const float a[4], const float b[4])
{
    float x = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), y = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (x <= 0 || y <= 0)
        return 0;
    return x * y / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - x * y);
}

static inline int world_emit(World *w, TlDetections *out, const float box[4], int class_id, double score)
{
    TlDetection d = {.class_id = class_id, .score = (float)fmin(fmax(score, 0.02), 0.99)};
    // Now and then a box is well off: an arm, a shadow or half of a neighbour is taken in.
    double h = box[3] - box[1], jitter = w->params.jitter * h * (world_random(w) < 0.06 ? 4 : 1);
    double mx = jitter * world_gauss(w), my = jitter * world_gauss(w);
    double mw = 0.75 * w->params.jitter * world_gauss(w), mh = 0.75 * w->params.jitter * world_gauss(w);
    double half_w = 0.5 * (box[2] - box[0]) * exp(2 * mw), half_h = 0.5 * h * exp(mh);
    double cx = 0.5 * (box[0] + box[2]) + mx, cy = 0.5 * (box[1] + box[3]) + my;
    const double edge[4] = {cx - half_w, cy - half_h, cx + half_w, cy + half_h};
    for (int i = 0; i < 4; i++)
        d.bbox[i] = (float)fmin(fmax(edge[i], 0), i & 1 ? WORLD_HEIGHT : WORLD_WIDTH);
    int at = out->count++;
    for (; at > 0 && out->item[at - 1].score < d.score; at--) {
        out->item[at] = out->item[at - 1];
        memcpy(out->look[at], out->look[at - 1], sizeof out->look[at]);
    }
    out->item[at] = d;
    memset(out->look[at], 0, sizeof out->look[at]);
    return at;
}

// A shirt in sun, shade and motion; with a wrong piece of somebody else or of the grass now and then.
static inline void world_shirt(World *w, int person, uint8_t look[4])
{
    static const double shirt[4][3] = {{190, 128, 128}, {55, 138, 122}, {120, 90, 160}, {170, 80, 140}};
    int n = w->params.players, kind = person < n / 2 ? 0 : person < n ? 1 : person < n + 2 ? 2 : 3;
    if (world_random(w) < 0.04)
        kind = (int)(4 * world_random(w));
    for (int k = 0; k < 3; k++)
        look[k] = (uint8_t)fmin(fmax(shirt[kind][k] + (k ? 5 : 18) * world_gauss(w), 0), 255);
    look[3] = 1;
}

// What a detector makes of the frame.
static inline void world_detect(World *w, TlDetections *out)
{
    const WorldParams *p = &w->params;
    out->count = 0;
    for (int i = 0; i < w->truth_count; i++) {
        const WorldTruth *t = &w->truth[i];
        double score = 0.72 + 0.13 * world_gauss(w), hidden = 0;
        for (int k = 0; k < w->truth_count; k++) // somebody nearer the camera stands before him
            if (k != i && w->truth[k].class_id != TL_CLASS_BALL && w->truth[k].bbox[3] > t->bbox[3])
                hidden = fmax(hidden, world_overlap(t->bbox, w->truth[k].bbox));
        int class_id = t->class_id;
        if (class_id == TL_CLASS_BALL)
            score -= 0.2;
        else if (world_random(w) < p->wrong_class)
            class_id = 1 + (int)(3 * world_random(w));
        int seen = world_random(w) >= (class_id == TL_CLASS_BALL ? 2 * p->miss : p->miss);
        if (hidden > 0.5)
            seen = 0; // non-maximum suppression
        if (hidden > 0.25)
            score -= 0.3;
        if (!seen || class_id > TL_CLASS_REFEREE)
            continue;
        int at = world_emit(w, out, t->bbox, class_id, score);
        if (w->params.shirts && t->class_id != TL_CLASS_BALL && t->id < WORLD_SPECTATOR_ID && hidden < 0.15)
            world_shirt(w, (t->id - 1) % 100, out->look[at]);
    }
    double alarms = p->false_alarms;
    while (world_random(w) < alarms) {
        double x = WORLD_WIDTH * world_random(w), y = WORLD_HEIGHT * (0.2 + 0.7 * world_random(w)),
               h = 25 + 40 * world_random(w);
        float box[4] = {(float)x, (float)y, (float)(x + 0.4 * h), (float)(y + h)};
        world_emit(w, out, box, TL_CLASS_PLAYER, 0.45 + 0.12 * world_gauss(w));
        alarms -= 1;
    }
    if (p->spot && w->spot_px[0] > 0 && w->spot_px[0] < WORLD_WIDTH && world_random(w) < 0.9) {
        float x = (float)w->spot_px[0], y = (float)w->spot_px[1], box[4] = {x - 3, y - 3, x + 3, y + 3};
        world_emit(w, out, box, TL_CLASS_BALL, 0.8);
    }
}

#endif
