// The tracker: detections of key frames in order -> ids.
//
// In: boxes with scores, source frame numbers, optionally the motion of the picture. Out: the same boxes with ids and
// classes, voted by the network and the kits (roles.c). Association in two stages as in ByteTrack (Zhang et al. 2022):
// sure boxes first, then the weak ones for tracks that found none, so that a player in a crowd keeps his id; camera
// motion is taken out before (BoT-SORT, Aharon et al. 2022). Times are seconds of the source, so any stride and frame
// rate works alike. Everything is allocated at create.
#include "track/track.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "track/ball.h"
#include "track/life.h"
#include "track/motion.h"
#include "track/roles.h"

enum {
    HISTORY = 1 << 15,
    RECENT_MISSES = 3,
    LOOKS_FEW = 3,
    TEAMS_IN_SIGHT = 5,
    STAGE_HIGH = 1,
    STAGE_LOW = 2,
    EVER = 1 << 30
};

#define STILL_SHARE  0.05 // person heights per key frame: a slower camera is taken to stand still
#define LOOK_SHARE   0.08 // of the newest sighting in the mean colour of a shirt
#define DOUBLE_IOU   0.6
#define DOUBLE_LIMIT 3 // key frames that two tracks may share one player

// What is remembered of an id after its track has ended.
typedef struct Memory {
    int32_t id;
    uint8_t confirmed, class_id, team;
} Memory;

struct TlTracker {
    TlTrackerParams params;
    TlTrack track[TL_TRACK_MAX];
    TlBall ball;
    TlMatcher matcher;
    TlDetections people; // of this key frame, checked
    unsigned char use[TL_DETECTION_MAX];
    TlMotionPoint from[TL_TRACK_MAX], to[TL_DETECTION_MAX];
    double pan[2];    // px/s of the picture, as last seen
    double person_px; // typical height of a person
    TlRoles roles;
    int64_t last_frame;
    int started;
    int32_t next_id;
    Memory history[HISTORY];
};

// --- creation

static float positive_or(float value, float fallback)
{
    return value > 0 && value <= 1 ? value : fallback;
}

TlTracker *tl_tracker_create(const TlTrackerParams *params)
{
    TlTracker *t = tl_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    if (params)
        t->params = *params;
    TlTrackerParams *p = &t->params;
    p->fps = isfinite(p->fps) && p->fps > 0 ? fmin(fmax(p->fps, 1), 1000) : 25;
    p->keep_s = isfinite(p->keep_s) && p->keep_s > 0 ? p->keep_s : 2.0;
    p->width = p->width > 0 ? p->width : 1920;
    p->height = p->height > 0 ? p->height : 1080;
    p->low = positive_or(p->low, 0.1f);
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        p->high[c] = positive_or(p->high[c], 0.4f);
    if (tl_matcher_init(&t->matcher) < 0 || tl_ball_init(&t->ball) < 0)
        tl_tracker_destroy(&t);
    else
        tl_tracker_reset(t);
    return t;
}

void tl_tracker_destroy(TlTracker **tracker)
{
    if (!tracker || !*tracker)
        return;
    tl_matcher_deinit(&(*tracker)->matcher);
    tl_ball_deinit(&(*tracker)->ball);
    tl_free(tracker);
}

static void end_all(TlTracker *t)
{
    for (int i = 0; i < TL_TRACK_MAX; i++)
        t->track[i].state = TL_TRACK_FREE;
    tl_ball_reset(&t->ball);
    t->pan[0] = t->pan[1] = 0;
}

void tl_tracker_reset(TlTracker *t)
{
    end_all(t);
    memset(t->history, 0, sizeof t->history);
    t->roles = (TlRoles){0};
    t->next_id = 1;
    t->started = 0;
    t->person_px = t->params.height / 12.0;
}

// --- memory of ids

static Memory *remember(TlTracker *t, int32_t id)
{
    return &t->history[id % HISTORY];
}

static void note(TlTracker *t, int32_t id, int confirmed, int class_id)
{
    Memory *m = remember(t, id);
    uint8_t team = m->id == id ? m->team : 0;
    *m = (Memory){.id = id, .confirmed = (uint8_t)confirmed, .class_id = (uint8_t)class_id, .team = team};
}

static void note_teams(TlTracker *t)
{
    for (int i = 0; i < TL_TRACK_MAX; i++)
        if (t->track[i].state != TL_TRACK_FREE && t->track[i].detection >= 0)
            remember(t, t->track[i].id)->team = (uint8_t)t->track[i].team;
}

// A shot that ends leaves no time to be sure: whoever was seen on its last key frame counts.
void tl_tracker_finish(TlTracker *t)
{
    for (int i = 0; i < TL_TRACK_MAX; i++) {
        const TlTrack *track = &t->track[i];
        if (track->state == TL_TRACK_TENTATIVE && track->misses == 0 && track->doubled == 0)
            note(t, track->id, 1, track->class_id);
    }
}

int tl_tracker_confirmed(const TlTracker *t, int32_t id)
{
    const Memory *m = &t->history[id > 0 ? id % HISTORY : 0];
    return id > 0 && m->id == id && m->confirmed;
}

int tl_tracker_class(const TlTracker *t, int32_t id)
{
    const Memory *m = &t->history[id > 0 ? id % HISTORY : 0];
    return id > 0 && m->id == id ? m->class_id : TL_CLASS_PLAYER;
}

int tl_tracker_team(const TlTracker *t, int32_t id)
{
    const Memory *m = &t->history[id > 0 ? id % HISTORY : 0];
    return id > 0 && m->id == id ? m->team : 0;
}

// --- one key frame

static int usable(const TlTracker *t, const TlDetection *d)
{
    for (int i = 0; i < 4; i++)
        if (!isfinite(d->bbox[i]) || fabsf(d->bbox[i]) > 65536.0f)
            return 0;
    if (!(d->score >= t->params.low && d->score <= 1.0f) || d->class_id < 0 || d->class_id >= TL_CLASS_COUNT)
        return 0;
    return d->bbox[2] - d->bbox[0] >= 1.0f && d->bbox[3] - d->bbox[1] >= 1.0f && d->bbox[2] > 0 && d->bbox[3] > 0 &&
           d->bbox[0] < (float)t->params.width && d->bbox[1] < (float)t->params.height;
}

// Splits the detections into people (with their stage) and ball candidates; drops what makes no sense.
static int sort_out(TlTracker *t, const TlDetections *in, const TlDetection *balls[TL_BALL_CANDIDATES])
{
    int ball_count = 0;
    t->people.count = 0;
    for (int i = 0; in && i < in->count && i < TL_DETECTION_MAX; i++) {
        const TlDetection *d = &in->item[i];
        if (!usable(t, d))
            continue;
        if (d->class_id == TL_CLASS_BALL) {
            if (ball_count < TL_BALL_CANDIDATES)
                balls[ball_count++] = d;
            continue;
        }
        t->use[t->people.count] = d->score >= t->params.high[d->class_id] ? STAGE_HIGH : STAGE_LOW;
        memcpy(t->people.look[t->people.count], in->look[i], sizeof in->look[i]);
        memcpy(t->people.class_score[t->people.count], in->class_score[i], sizeof in->class_score[i]);
        t->people.item[t->people.count++] = *d;
    }
    return ball_count;
}

static TlMotionPoint centre(const float bbox[4])
{
    return (TlMotionPoint){.x = 0.5 * ((double)bbox[0] + bbox[2]),
                           .y = 0.5 * ((double)bbox[1] + bbox[3]),
                           .size = (double)bbox[3] - bbox[1]};
}

static void predict(TlTracker *t, double dt)
{
    for (int i = 0; i < TL_TRACK_MAX; i++) {
        TlTrack *track = &t->track[i];
        track->detection = -1;
        if (track->state != TL_TRACK_FREE)
            tl_box_filter_predict(&track->filter, dt, track->misses > 0, &tl_noise_person);
    }
}

static void find_motion(TlTracker *t, const double *camera, double dt, double motion[9])
{
    if (camera && tl_motion_sane(camera, t->params.width, t->params.height)) {
        memcpy(motion, camera, 9 * sizeof *motion);
    } else {
        int from = 0, to = 0;
        for (int i = 0; i < TL_TRACK_MAX; i++) {
            const TlTrack *track = &t->track[i];
            if (track->state == TL_TRACK_FREE || track->misses > 1)
                continue;
            t->from[from++] = (TlMotionPoint){track->filter.cx.x, track->filter.cy.x, exp(track->filter.log_h.x)};
        }
        for (int i = 0; i < t->people.count; i++)
            if (t->use[i] == STAGE_HIGH)
                t->to[to++] = centre(t->people.item[i].bbox);
        const double guess[2] = {t->pan[0] * dt, t->pan[1] * dt};
        if (tl_motion_search(t->from, from, t->to, to, guess, motion) < 3) {
            t->pan[0] *= 0.5;
            t->pan[1] *= 0.5;
            return;
        }
    }
    double x = 0.5 * t->params.width, y = 0.5 * t->params.height, mx = x, my = y;
    tl_motion_apply(motion, &mx, &my);
    double step = hypot(mx - x, my - y) + fabs(tl_motion_scale(motion, x, y) - 1) * x;
    if (!camera && step < STILL_SHARE * t->person_px) {
        tl_motion_identity(motion); // players who all drift one way, not the camera
        mx = x;
        my = y;
    }
    t->pan[0] = dt > 0 ? (mx - x) / dt : 0;
    t->pan[1] = dt > 0 ? (my - y) / dt : 0;
}

static void warp_all(TlTracker *t, const double motion[9])
{
    for (int i = 0; i < TL_TRACK_MAX; i++)
        if (t->track[i].state != TL_TRACK_FREE)
            tl_box_filter_warp(&t->track[i].filter, motion);
}

static void associate(TlTracker *t)
{
    static const TlMatchParams high = {.gate = 50, .miss = 20}, low = {.gate = 9, .miss = 14},
                               fresh = {.gate = 20, .miss = 16};
    TlMatcher *m = &t->matcher;
    tl_matcher_run(m, t->track, TL_TRACK_CONFIRMED, EVER, &t->people, t->use, STAGE_HIGH, &high);
    tl_matcher_run(m, t->track, TL_TRACK_CONFIRMED, RECENT_MISSES, &t->people, t->use, STAGE_LOW, &low);
    tl_matcher_run(m, t->track, TL_TRACK_TENTATIVE, EVER, &t->people, t->use, STAGE_HIGH, &fresh);
}

static void remember_look(TlTrack *track, const uint8_t look[4])
{
    if (!look[3])
        return;
    track->looks++;
    double share = fmax(1.0 / track->looks, LOOK_SHARE);
    for (int k = 0; k < 3; k++)
        track->look[k] += share * (look[k] - track->look[k]);
}

static void follow(TlTracker *t, TlTrack *track, int64_t frame, double dt)
{
    const TlDetection *d = &t->people.item[track->detection];
    tl_box_filter_update(&track->filter, d->bbox, &tl_noise_person);
    track->hits++;
    track->misses = 0;
    track->last_frame = frame;
    track->evidence += d->score / t->params.high[d->class_id];
    tl_roles_vote(track, d, t->people.class_score[track->detection], dt);
    tl_roles_decide(track);
    remember_look(track, t->people.look[track->detection]);
    if (track->state == TL_TRACK_TENTATIVE && track->doubled == 0 && track->hits >= (track->evidence > 3.2 ? 2 : 3))
        track->state = TL_TRACK_CONFIRMED;
    note(t, track->id, track->state == TL_TRACK_CONFIRMED, track->class_id);
}

static void unseen(const TlTracker *t, TlTrack *track, int64_t frame)
{
    track->misses++;
    double lost_s = (double)(frame - track->last_frame) / t->params.fps;
    if (track->state == TL_TRACK_TENTATIVE ? track->misses > 1 : lost_s > t->params.keep_s)
        track->state = TL_TRACK_FREE;
}

// Two tracks that live on boxes of one player: the younger one ends after a few key frames.
static void drop_doubles(TlTracker *t)
{
    for (int i = 0; i < TL_TRACK_MAX; i++) {
        TlTrack *a = &t->track[i];
        int on_top = 0;
        for (int k = 0; k < TL_TRACK_MAX && a->state != TL_TRACK_FREE && a->detection >= 0 && !on_top; k++) {
            const TlTrack *b = &t->track[k];
            if (k == i || b->state != TL_TRACK_CONFIRMED || b->detection < 0 || b->hits < a->hits ||
                (b->hits == a->hits && b->id > a->id))
                continue;
            const float *p = t->people.item[a->detection].bbox, *q = t->people.item[b->detection].bbox;
            float limit = a->state == TL_TRACK_TENTATIVE ? 0.45f : (float)DOUBLE_IOU;
            on_top = tl_iou(p, q) > limit || (a->state == TL_TRACK_TENTATIVE && tl_box_cover(p, q) > 0.85f);
        }
        if (a->state == TL_TRACK_FREE || a->detection < 0)
            continue;
        a->doubled = on_top ? a->doubled + 1 : 0;
        if (a->doubled >= DOUBLE_LIMIT)
            a->state = TL_TRACK_FREE;
    }
}

static int covered(const TlTracker *t, const TlDetection *d)
{
    for (int i = 0; i < TL_TRACK_MAX; i++) {
        const TlTrack *track = &t->track[i];
        if (track->state == TL_TRACK_FREE || track->detection < 0)
            continue;
        if (tl_iou(d->bbox, t->people.item[track->detection].bbox) > (float)DOUBLE_IOU)
            return 1;
    }
    return 0;
}

static void begin(TlTracker *t, int64_t frame)
{
    int slot = 0;
    for (int k = 0; k < t->people.count; k++) {
        const TlDetection *d = &t->people.item[k];
        if (t->use[k] != STAGE_HIGH || covered(t, d))
            continue;
        while (slot < TL_TRACK_MAX && t->track[slot].state != TL_TRACK_FREE)
            slot++;
        if (slot == TL_TRACK_MAX)
            return;
        TlTrack *track = &t->track[slot];
        *track = (TlTrack){.id = t->next_id++,
                           .state = TL_TRACK_TENTATIVE,
                           .last_frame = frame,
                           .hits = 1,
                           .evidence = d->score / t->params.high[d->class_id],
                           .class_id = d->class_id,
                           .detection = k};
        tl_roles_vote(track, d, t->people.class_score[k], 0);
        tl_box_filter_init(&track->filter, d->bbox, &tl_noise_person);
        remember_look(track, t->people.look[k]);
        note(t, track->id, 0, track->class_id);
    }
}

static void measure_people(TlTracker *t)
{
    double sum = 0, weight = 0;
    for (int i = 0; i < TL_TRACK_MAX; i++) {
        if (t->track[i].state != TL_TRACK_CONFIRMED || t->track[i].detection < 0)
            continue;
        sum += exp(t->track[i].filter.log_h.x);
        weight += 1;
    }
    if (weight >= 3)
        t->person_px += 0.3 * (sum / weight - t->person_px);
}

// --- output

static void emit(TlTrackedFrame *out, int32_t id, int class_id, const TlDetection *d, int confirmed)
{
    if (out->count == TL_OBJECT_MAX)
        return;
    int at = out->count++;
    for (; at > 0 && out->item[at - 1].id > id; at--)
        out->item[at] = out->item[at - 1];
    out->item[at] = (TlTracked){.id = id, .class_id = class_id, .score = d->score, .confirmed = (uint8_t)confirmed};
    memcpy(out->item[at].bbox, d->bbox, sizeof d->bbox);
}

static void emit_people(const TlTracker *t, TlTrackedFrame *out)
{
    static const int order[2] = {TL_TRACK_CONFIRMED, TL_TRACK_TENTATIVE};
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < TL_TRACK_MAX; i++) {
            const TlTrack *track = &t->track[i];
            if (track->state == order[pass] && track->detection >= 0)
                emit(out, track->id, track->class_id, &t->people.item[track->detection], pass == 0);
        }
}

static void update_ball(TlTracker *t, const TlDetection *const *balls, int count, double dt, const double motion[9],
                        TlTrackedFrame *out)
{
    const TlBallStep step = {.dt = dt,
                             .px_per_m = t->person_px / 1.8,
                             .keep_s = t->params.keep_s,
                             .motion = motion,
                             .high = t->params.high[TL_CLASS_BALL],
                             .next_id = &t->next_id};
    const TlBallPath *path = tl_ball_update(&t->ball, balls, count, &step);
    if (!path)
        return;
    note(t, path->id, path->confirmed, TL_CLASS_BALL);
    emit(out, path->id, TL_CLASS_BALL, balls[path->candidate], path->confirmed);
}

void tl_tracker_update(TlTracker *t, int64_t frame_index, const TlDetections *detections, const double *camera, int cut,
                       TlTrackedFrame *out)
{
    const TlDetection *balls[TL_BALL_CANDIDATES];
    double motion[9];
    out->count = 0;
    if (cut || !t->started || frame_index <= t->last_frame) { // frames that do not ascend are another clip
        tl_tracker_finish(t);
        end_all(t);
    }
    double dt = t->started && frame_index > t->last_frame ? (double)(frame_index - t->last_frame) / t->params.fps
                                                          : 1.0 / t->params.fps;
    dt = fmin(dt, 4 * t->params.keep_s);
    t->started = 1;
    t->last_frame = frame_index;

    int ball_count = sort_out(t, detections, balls);
    predict(t, dt);
    find_motion(t, camera, dt, motion);
    warp_all(t, motion);
    associate(t);
    for (int i = 0; i < TL_TRACK_MAX; i++) {
        TlTrack *track = &t->track[i];
        if (track->state == TL_TRACK_FREE)
            continue;
        if (track->detection >= 0)
            follow(t, track, frame_index, dt);
        else
            unseen(t, track, frame_index);
    }
    drop_doubles(t);
    begin(t, frame_index);
    tl_roles_learn(&t->roles, t->track, TL_TRACK_MAX, dt);
    note_teams(t);
    measure_people(t);
    update_ball(t, balls, ball_count, dt, motion, out);
    emit_people(t, out);
}
