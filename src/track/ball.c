// The ball: small, fast, often missed, and often confused with a penalty spot, a boot or a head.
//
// In: ball candidates of a key frame. Out: at most one of them. Each sure candidate continues a path or begins one; a
// path gathers belief from scores along a plausible way and loses it with time, and one that rests in the
// (camera-compensated) picture gathers little, so a marking with a high score does not win against a moving ball with a
// lower one. The choice has hysteresis. A small multiple-hypothesis tracker without a tree (Blackman, "Multiple
// hypothesis tracking", 2004).
#include "track/ball.h"

#include <math.h>

#include "track/motion.h"

enum { MOVING_STRIDES = 3 };

#define SPEED      12.0 // first guess, m/s
#define ACCEL      14.0 // m/s per sqrt(s): rolling and flying with touches in between
#define KICK_SPEED 34.0 // nothing on a pitch is faster, m/s
#define CENTRE_M   0.20 // measurement, m
#define GATE       9.0
#define FADE_S     0.8
#define REST_M     0.6 // a path that stays within this is at rest
#define REST_S     0.8
#define REST_SHARE 0.25 // of the score that a resting path gathers
#define MOVING_M   2.5  // m/s: what was as fast as this over three strides is no marking
#define MARKING_S  1.5
#define FORGET_S   5.0  // at rest for so long it is as good as a marking again
#define FRESH_S    0.2  // of key frames missed
#define STEP_S     0.08 // a key frame interval that counts once

int tl_ball_init(TlBall *ball)
{
    ball->assign = tl_assign_create(TL_BALL_PATHS, TL_BALL_CANDIDATES);
    return ball->assign ? 0 : -1;
}

void tl_ball_deinit(TlBall *ball)
{
    tl_assign_destroy(&ball->assign);
}

void tl_ball_reset(TlBall *ball)
{
    for (int i = 0; i < TL_BALL_PATHS; i++)
        ball->path[i] = (TlBallPath){0};
    ball->chosen = 0;
}

static void warp(TlBallPath *path, const double motion[9])
{
    double scale = tl_motion_scale(motion, path->x.x, path->y.x);
    tl_motion_apply(motion, &path->x.x, &path->y.x);
    tl_motion_apply(motion, &path->anchor[0], &path->anchor[1]);
    path->x.v *= scale;
    path->y.v *= scale;
}

static void predict(TlBall *ball, const TlBallStep *step)
{
    double accel = ACCEL * step->px_per_m;
    for (int i = 0; i < TL_BALL_PATHS; i++) {
        TlBallPath *path = &ball->path[i];
        path->candidate = -1;
        if (!path->id)
            continue;
        double keep = path->unseen_s > 0 ? exp(-step->dt / 0.5) : 1;
        tl_axis_predict(&path->x, step->dt, accel * accel, keep);
        tl_axis_predict(&path->y, step->dt, accel * accel, keep);
        warp(path, step->motion);
    }
}

// What scores too low to begin a path may continue the ball itself that was missed for a moment only and has not come
// to rest: at somebody's feet it scores low, but so do shoes and marks.
static int may_continue(const TlBall *ball, const TlBallPath *path)
{
    return path->id == ball->chosen && path->unseen_s <= FRESH_S && path->still_s <= MARKING_S;
}

// Squared Mahalanobis distance, or, out of that gate but within the reach of a hard kick, a dear constant and more.
static double price(const TlBall *ball, const TlBallPath *path, const TlDetection *d, const TlBallStep *step)
{
    int is_sure = d->score >= step->high;
    if (!path->id || (!is_sure && !may_continue(ball, path)))
        return INFINITY;
    double dx = 0.5 * ((double)d->bbox[0] + d->bbox[2]) - path->x.x;
    double dy = 0.5 * ((double)d->bbox[1] + d->bbox[3]) - path->y.x;
    double noise = CENTRE_M * step->px_per_m, distance = dx * dx / (path->x.pxx + noise * noise);
    distance += dy * dy / (path->y.pxx + noise * noise);
    double unseen = step->dt + path->unseen_s, reach = (KICK_SPEED * fmin(unseen, 0.4) + 1.0) * step->px_per_m;
    double kick = GATE + 4.0 * hypot(dx, dy) / reach;
    double least = distance < GATE ? distance : is_sure && hypot(dx, dy) < reach ? kick : INFINITY;
    return least + 3.0 * (1.0 - d->score);
}

static void associate(TlBall *ball, const TlDetection *const *candidates, int count, const TlBallStep *step, int *owner)
{
    double cost[TL_BALL_PATHS * TL_BALL_CANDIDATES], miss[TL_BALL_PATHS];
    int taken[TL_BALL_PATHS];
    for (int i = 0; i < TL_BALL_PATHS; i++) {
        for (int k = 0; k < count; k++)
            cost[i * count + k] = price(ball, &ball->path[i], candidates[k], step);
        // Well-believed paths come first when two want the same candidate.
        miss[i] = 16.0 + fmin(fmax(ball->path[i].belief, 0), 4.0);
    }
    tl_assign_solve(ball->assign, cost, TL_BALL_PATHS, count, miss, taken, owner);
    for (int i = 0; i < TL_BALL_PATHS; i++)
        ball->path[i].candidate = taken[i];
}

// Counts how long it has been at rest, and whether it ever went some metres without one.
static void rest(TlBallPath *path, const TlBallStep *step)
{
    double away = hypot(path->x.x - path->anchor[0], path->y.x - path->anchor[1]);
    path->still_s += step->dt;
    if (path->still_s > FORGET_S)
        path->moved = 0;
    if (away <= REST_M * step->px_per_m + 2.0)
        return;
    path->strides = away > MOVING_M * step->px_per_m * path->still_s ? path->strides + 1 : 0;
    path->moved |= path->strides >= MOVING_STRIDES;
    path->anchor[0] = path->x.x;
    path->anchor[1] = path->y.x;
    path->still_s = 0;
}

static void follow(TlBallPath *path, const TlDetection *d, const TlBallStep *step)
{
    double cx = 0.5 * ((double)d->bbox[0] + d->bbox[2]), cy = 0.5 * ((double)d->bbox[1] + d->bbox[3]);
    double noise = CENTRE_M * step->px_per_m, gain = d->score * fmin(step->dt, 0.24) / STEP_S;
    double dx = cx - path->x.x, dy = cy - path->y.x;
    if (dx * dx / (path->x.pxx + noise * noise) + dy * dy / (path->y.pxx + noise * noise) > GATE) {
        double speed = SPEED * step->px_per_m; // kicked: what was known of its speed is void
        path->x.pvv = path->y.pvv = speed * speed;
        path->x.pxx = path->y.pxx = 4 * speed * speed * step->dt * step->dt;
        path->x.pxv = path->y.pxv = 0.5 * speed * speed * step->dt;
        gain *= 0.5;
    }
    tl_axis_update(&path->x, cx, noise * noise);
    tl_axis_update(&path->y, cy, noise * noise);
    rest(path, step);
    path->belief += path->still_s > REST_S ? REST_SHARE * gain : gain;
    path->unseen_s = 0;
    path->hits++;
}

static void begin(TlBall *ball, const TlDetection *d, int candidate, const TlBallStep *step)
{
    TlBallPath *free_path = NULL;
    for (int i = 0; i < TL_BALL_PATHS && !free_path; i++)
        if (!ball->path[i].id)
            free_path = &ball->path[i];
    if (!free_path)
        return;
    double cx = 0.5 * ((double)d->bbox[0] + d->bbox[2]), cy = 0.5 * ((double)d->bbox[1] + d->bbox[3]);
    double noise = CENTRE_M * step->px_per_m, speed = SPEED * step->px_per_m;
    *free_path = (TlBallPath){.id = (*step->next_id)++, .anchor = {cx, cy}, .hits = 1, .candidate = candidate};
    free_path->belief = d->score;
    tl_axis_init(&free_path->x, cx, noise * noise, speed * speed);
    tl_axis_init(&free_path->y, cy, noise * noise, speed * speed);
}

static TlBallPath *choose(TlBall *ball)
{
    TlBallPath *best = NULL, *chosen = NULL;
    for (int i = 0; i < TL_BALL_PATHS; i++) {
        TlBallPath *path = &ball->path[i];
        if (!path->id)
            continue;
        if (path->id == ball->chosen)
            chosen = path;
        if (path->hits >= 2 && (!best || path->belief > best->belief))
            best = path;
    }
    if (chosen && (!best || best == chosen || best->belief < 1.3 * chosen->belief + 0.2))
        return chosen;
    ball->chosen = best ? best->id : 0;
    return best;
}

const TlBallPath *tl_ball_update(TlBall *ball, const TlDetection *const *candidates, int count, const TlBallStep *step)
{
    int owner[TL_BALL_CANDIDATES];
    count = count > TL_BALL_CANDIDATES ? TL_BALL_CANDIDATES : count;
    predict(ball, step);
    associate(ball, candidates, count, step, owner);
    double fade = exp(-step->dt / FADE_S);
    for (int i = 0; i < TL_BALL_PATHS; i++) {
        TlBallPath *path = &ball->path[i];
        if (!path->id)
            continue;
        path->belief *= fade;
        if (path->candidate >= 0)
            follow(path, candidates[path->candidate], step);
        else if ((path->unseen_s += step->dt) > (path->hits < 3 ? 0.4 : 1.0) * step->keep_s)
            path->id = 0;
    }
    for (int k = 0; k < count; k++)
        if (owner[k] < 0 && candidates[k]->score >= step->high)
            begin(ball, candidates[k], k, step);
    TlBallPath *chosen = choose(ball);
    if (chosen) // a path that has been at rest all its life is a marking until it moves
        chosen->confirmed = chosen->moved || chosen->still_s <= MARKING_S;
    if (chosen && chosen->candidate >= 0)
        return chosen;
    const TlBallPath *shown = NULL;
    for (int i = 0; i < TL_BALL_PATHS; i++)
        if (ball->path[i].id && ball->path[i].candidate >= 0 && (!shown || ball->path[i].belief > shown->belief))
            shown = &ball->path[i];
    return shown;
}
