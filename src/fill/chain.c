// Boxes of all frames out of the boxes of key frames.
//
// In: tracked key frames. Out: for any frame between them the box of every track. Positions are taken relative to the
// camera: the motion of the picture between two key frames is the similarity that most tracks agree on, a box between
// two sightings is carried along by it and shares only its own rest of the way evenly. Sightings are smoothed by robust
// local linear regression over both sides (Cleveland 1979, LOWESS), which takes away the detector's jitter without any
// lag.
#include "fill/chain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "track/motion.h"

enum { NEIGHBOURS_MAX = 64 };

#define CENTRE_REACH_S 0.22
#define SIZE_REACH_S   0.45
#define PERSON_SPEED   7.0   // box heights per second: nobody runs faster, a longer way is a wrong link
#define BALL_SPEED     160.0 // of its own box
#define BLIND_BASE_S   0.3   // way over which the speed is taken where nothing will be seen any more
#define BLIND_BALL_S   0.4   // so long is a ball believed to go on
#define FADE_S         2.0   // the speed of what is not seen any more falls to 1/e
#define OUTLIER        0.06  // of the box height: residuals beyond it count less and less

typedef struct Similarity {
    double scale, tx, ty;
} Similarity;

int tl_chain_init(TlChain *chain, int capacity, double fps, int gap_frames, int hold_frames)
{
    *chain = (TlChain){.capacity = capacity, .fps = fps, .gap_frames = gap_frames, .hold_frames = hold_frames};
    chain->key = tl_calloc((size_t)capacity, sizeof(TlKeyFrame));
    return chain->key ? 0 : -1;
}

void tl_chain_deinit(TlChain *chain)
{
    tl_free(&chain->key);
}

void tl_chain_reset(TlChain *chain)
{
    chain->first = chain->end = 0;
    chain->is_blind = 0;
}

double tl_fading_way(double frames, double fps)
{
    return FADE_S * fps * -expm1(-frames / (FADE_S * fps));
}

TlKeyFrame *tl_chain_key(TlChain *chain, int64_t number)
{
    return &chain->key[number % chain->capacity];
}

static int64_t pack(int64_t number, int item)
{
    return number * TL_OBJECT_MAX + item;
}

TlSight *tl_chain_sight(TlChain *chain, int64_t place, int64_t *number)
{
    if (place < 0 || place / TL_OBJECT_MAX < chain->first || place / TL_OBJECT_MAX >= chain->end)
        return NULL;
    *number = place / TL_OBJECT_MAX;
    return &tl_chain_key(chain, *number)->item[place % TL_OBJECT_MAX];
}

// --- building

static void link_back(TlChain *chain, int64_t number, int item)
{
    TlKeyFrame *key = tl_chain_key(chain, number);
    TlSight *sight = &key->item[item];
    for (int64_t n = number - 1; n >= chain->first; n--) {
        TlKeyFrame *before = tl_chain_key(chain, n);
        if (before->shot != key->shot || key->frame - before->frame > chain->gap_frames)
            return;
        for (int i = 0; i < before->count; i++)
            if (before->item[i].seen.id == sight->seen.id) {
                before->item[i].next = pack(number, item);
                sight->prev = pack(n, i);
                return;
            }
    }
}

static TlMotionPoint centre_of(const float b[4])
{
    return (TlMotionPoint){
        .x = 0.5 * ((double)b[0] + b[2]), .y = 0.5 * ((double)b[1] + b[3]), .size = (double)b[3] - b[1]};
}

static void measure_motion(TlChain *chain, int64_t number)
{
    TlKeyFrame *key = tl_chain_key(chain, number);
    TlMotionPoint from[TL_OBJECT_MAX], to[TL_OBJECT_MAX];
    int n = 0;
    key->scale = 1;
    key->tx = key->ty = 0;
    for (int i = 0; i < key->count; i++) {
        int64_t before;
        const TlSight *prev = tl_chain_sight(chain, key->item[i].prev, &before);
        if (!prev || before != number - 1 || prev->seen.class_id == TL_CLASS_BALL)
            continue;
        from[n] = centre_of(prev->seen.bbox);
        to[n++] = centre_of(key->item[i].seen.bbox);
    }
    double motion[9];
    if (n < 3 || tl_motion_fit(from, to, n, motion) < 3)
        return;
    key->scale = motion[0];
    key->tx = motion[2];
    key->ty = motion[5];
}

void tl_chain_push(TlChain *chain, int64_t frame, int32_t shot, const TlTrackedFrame *tracked)
{
    int64_t number = chain->end++;
    if (chain->end - chain->first > chain->capacity)
        chain->first++;
    TlKeyFrame *key = tl_chain_key(chain, number);
    key->frame = frame;
    key->shot = shot;
    key->judged = key->placed = 0;
    key->count = 0;
    for (int i = 0; i < tracked->count && i < TL_OBJECT_MAX; i++) {
        const TlTracked *t = &tracked->item[i];
        if (!isfinite(t->bbox[0]) || !isfinite(t->bbox[1]) || !(t->bbox[2] > t->bbox[0]) ||
            !(t->bbox[3] > t->bbox[1]) || !isfinite(t->bbox[2]) || !isfinite(t->bbox[3]))
            continue;
        TlSight *sight = &key->item[key->count];
        sight->seen = *t;
        sight->prev = sight->next = -1;
        sight->smoothed = sight->stands = 0;
        link_back(chain, number, key->count++);
    }
    measure_motion(chain, number);
}

// --- motion of the picture

static Similarity step_forward(const TlKeyFrame *key, Similarity s) // ... and then into key
{
    return (Similarity){key->scale * s.scale, key->scale * s.tx + key->tx, key->scale * s.ty + key->ty};
}

static Similarity step_back(const TlKeyFrame *key, Similarity s) // ... and then from key to the one before
{
    return (Similarity){s.scale / key->scale, (s.tx - key->tx) / key->scale, (s.ty - key->ty) / key->scale};
}

// From the picture of key `from` to that of key `to`.
static Similarity between(TlChain *chain, int64_t from, int64_t to)
{
    Similarity s = {1, 0, 0};
    for (int64_t n = from + 1; n <= to; n++)
        s = step_forward(tl_chain_key(chain, n), s);
    for (int64_t n = from; n > to; n--)
        s = step_back(tl_chain_key(chain, n), s);
    return s;
}

// --- smoothing

typedef struct Sample {
    double dt, cx, cy, log_w, log_h, trust;
} Sample;

static Sample sample_of(const TlSight *sight, double dt, Similarity s)
{
    const float *b = sight->seen.bbox;
    return (Sample){.dt = dt,
                    .cx = s.scale * 0.5 * ((double)b[0] + b[2]) + s.tx,
                    .cy = s.scale * 0.5 * ((double)b[1] + b[3]) + s.ty,
                    .log_w = log(s.scale * ((double)b[2] - b[0])),
                    .log_h = log(s.scale * ((double)b[3] - b[1])),
                    .trust = 0.3 + sight->seen.score};
}

// The sighting and its neighbours in time, in the picture of its own key frame.
static int gather(TlChain *chain, int64_t number, TlSight *sight, Sample *out)
{
    double now = (double)tl_chain_key(chain, number)->frame;
    int count = 0;
    out[count++] = sample_of(sight, 0, (Similarity){1, 0, 0});
    for (int side = 0; side < 2; side++) {
        int64_t at = number, next;
        Similarity s = {1, 0, 0};
        const TlSight *walk = tl_chain_sight(chain, side ? sight->next : sight->prev, &next);
        while (walk && count < NEIGHBOURS_MAX / 2 * (side + 1)) {
            double dt = ((double)tl_chain_key(chain, next)->frame - now) / chain->fps;
            if (fabs(dt) >= SIZE_REACH_S)
                break;
            Similarity step = between(chain, next, at);
            s = (Similarity){s.scale * step.scale, s.scale * step.tx + s.tx, s.scale * step.ty + s.ty};
            out[count++] = sample_of(walk, dt, s);
            at = next;
            walk = tl_chain_sight(chain, side ? walk->next : walk->prev, &next);
        }
    }
    return count;
}

double tl_tricube(double dt, double reach)
{
    double q = fabs(dt) / reach;
    if (q >= 1)
        return 0;
    q = 1 - q * q * q;
    return q * q * q;
}

// Value at dt = 0 of the weighted line through the samples' field. Two rounds: the second trusts outliers less.
static double regress(const Sample *sample, const double *value, int n, double reach, double tolerance, int with_slope)
{
    double level = value[0], slope = 0;
    for (int round = 0; round < 2; round++) {
        double w0 = 0, w1 = 0, w2 = 0, y0 = 0, y1 = 0;
        for (int i = 0; i < n; i++) {
            double w = tl_tricube(sample[i].dt, reach) * sample[i].trust;
            if (round > 0) {
                double r = fabs(value[i] - level - slope * sample[i].dt);
                w *= r > tolerance ? tolerance / r : 1;
            }
            w0 += w;
            w1 += w * sample[i].dt;
            w2 += w * sample[i].dt * sample[i].dt;
            y0 += w * value[i];
            y1 += w * value[i] * sample[i].dt;
        }
        double det = w0 * w2 - w1 * w1;
        if (with_slope && det > 1e-4 * w0 * w0 * reach * reach) {
            level = (w2 * y0 - w1 * y1) / det;
            slope = (w0 * y1 - w1 * y0) / det;
        } else {
            level = y0 / w0;
            slope = 0;
        }
    }
    return level;
}

static void smooth(TlChain *chain, int64_t number, TlSight *sight)
{
    Sample sample[NEIGHBOURS_MAX];
    double cx[NEIGHBOURS_MAX], cy[NEIGHBOURS_MAX], w[NEIGHBOURS_MAX], h[NEIGHBOURS_MAX];
    if (sight->smoothed)
        return;
    sight->smoothed = 1;
    int n = sight->seen.class_id == TL_CLASS_BALL ? 1 : gather(chain, number, sight, sample);
    if (n == 1) // the ball turns too sharply to be smoothed
        sample[0] = sample_of(sight, 0, (Similarity){1, 0, 0});
    for (int i = 0; i < n; i++) {
        cx[i] = sample[i].cx;
        cy[i] = sample[i].cy;
        w[i] = sample[i].log_w;
        h[i] = sample[i].log_h;
    }
    if (n < 1)
        return;
    double tolerance = OUTLIER * exp(h[0]);
    sight->smooth[0] = regress(sample, cx, n, CENTRE_REACH_S, tolerance, 1);
    sight->smooth[1] = regress(sample, cy, n, CENTRE_REACH_S, tolerance, 1);
    sight->smooth[2] = exp(regress(sample, w, n, SIZE_REACH_S, 2 * OUTLIER, 0));
    sight->smooth[3] = exp(regress(sample, h, n, SIZE_REACH_S, OUTLIER, 0));
}

// --- boxes

static void set_box(TlChainBox *out, const TlSight *sight, double cx, double cy, double w, double h)
{
    out->id = sight->seen.id;
    out->class_id = sight->seen.class_id;
    out->confirmed = sight->seen.confirmed;
    out->score = sight->seen.score;
    out->box[0] = cx - 0.5 * w;
    out->box[1] = cy - 0.5 * h;
    out->box[2] = cx + 0.5 * w;
    out->box[3] = cy + 0.5 * h;
}

static void seen_box(TlChain *chain, int64_t number, TlSight *sight, TlChainBox *out)
{
    smooth(chain, number, sight);
    set_box(out, sight, sight->smooth[0], sight->smooth[1], sight->smooth[2], sight->smooth[3]);
    out->filled = 0;
}

// Where the camera alone carries a point of key `from` until `frame`, which lies between from and key `last`.
static void carry(TlChain *chain, int64_t from, int64_t last, int64_t frame, double *x, double *y, double *scale)
{
    *scale = 1;
    for (int64_t n = from + 1; n <= last; n++) {
        const TlKeyFrame *key = tl_chain_key(chain, n), *before = tl_chain_key(chain, n - 1);
        double nx = key->scale * *x + key->tx, ny = key->scale * *y + key->ty, t = 1;
        if (key->frame > frame)
            t = (double)(frame - before->frame) / (double)(key->frame - before->frame);
        *x += t * (nx - *x);
        *y += t * (ny - *y);
        *scale *= 1 + t * (key->scale - 1);
        if (key->frame >= frame)
            return;
    }
}

// Between two sightings. 0 when the way from the one to the other is not believable.
static int bridge(TlChain *chain, int64_t a, TlSight *left, int64_t b, TlSight *right, int64_t frame, TlChainBox *out)
{
    smooth(chain, a, left);
    smooth(chain, b, right);
    int64_t begin = tl_chain_key(chain, a)->frame, end = tl_chain_key(chain, b)->frame;
    double t = (double)(frame - begin) / (double)(end - begin), scale, x = left->smooth[0], y = left->smooth[1];
    double all_x = x, all_y = y, all_scale, seconds = (double)(end - begin) / chain->fps;
    carry(chain, a, b, end, &all_x, &all_y, &all_scale);
    double own_x = right->smooth[0] - all_x, own_y = right->smooth[1] - all_y;
    double limit = left->seen.class_id == TL_CLASS_BALL ? BALL_SPEED : PERSON_SPEED;
    if (hypot(own_x, own_y) > right->smooth[3] * (limit * seconds + 0.5))
        return 0;
    carry(chain, a, b, frame, &x, &y, &scale);
    // The rest of the way and of the growth is the person's own and is shared evenly over the gap.
    double rest = t * scale / all_scale;
    double w = left->smooth[2] * scale * pow(right->smooth[2] / (left->smooth[2] * all_scale), t);
    double h = left->smooth[3] * scale * pow(right->smooth[3] / (left->smooth[3] * all_scale), t);
    set_box(out, left, x + rest * own_x, y + rest * own_y, w, h);
    out->score = fminf(left->seen.score, right->seen.score);
    out->confirmed = left->seen.confirmed | right->seen.confirmed;
    out->filled = 1;
    return 1;
}

// Beyond the last (or before the first) key frame of a shot: on at the speed it had there.
static void hold(TlChain *chain, int64_t number, TlSight *sight, int64_t frame, TlChainBox *out)
{
    int64_t other, at = tl_chain_key(chain, number)->frame;
    int64_t place = frame > at ? sight->prev : sight->next;
    TlSight *neighbour = tl_chain_sight(chain, place, &other);
    double vx = 0, vy = 0, ahead = (double)(frame - at);
    smooth(chain, number, sight);
    if (neighbour) {
        smooth(chain, other, neighbour);
        double frames = (double)(at - tl_chain_key(chain, other)->frame);
        vx = (sight->smooth[0] - neighbour->smooth[0]) / frames;
        vy = (sight->smooth[1] - neighbour->smooth[1]) / frames;
    }
    set_box(out, sight, sight->smooth[0] + vx * ahead, sight->smooth[1] + vy * ahead, sight->smooth[2],
            sight->smooth[3]);
    out->filled = 1;
}

// The last sight of a track for good: its way of the last moments (camera and all) goes on and dies away, the score
// halves every second. Over one interval of key frames alone the jitter of two boxes would be taken for speed.
static void carry_on(TlChain *chain, int64_t number, TlSight *sight, int64_t frame, TlChainBox *out)
{
    int64_t at = tl_chain_key(chain, number)->frame, other = number;
    double vx = 0, vy = 0, ahead = tl_fading_way((double)(frame - at), chain->fps);
    TlSight *back = sight, *walk;
    while ((double)(at - tl_chain_key(chain, other)->frame) < BLIND_BASE_S * chain->fps &&
           (walk = tl_chain_sight(chain, back->prev, &other)))
        back = walk;
    smooth(chain, number, sight);
    if (back != sight) {
        smooth(chain, other, back);
        double frames = (double)(at - tl_chain_key(chain, other)->frame);
        vx = (sight->smooth[0] - back->smooth[0]) / frames;
        vy = (sight->smooth[1] - back->smooth[1]) / frames;
    }
    set_box(out, sight, sight->smooth[0] + vx * ahead, sight->smooth[1] + vy * ahead, sight->smooth[2],
            sight->smooth[3]);
    out->score *= (float)exp2((double)(at - frame) / chain->fps);
    out->filled = 1;
}

// Number of the last key frame at or before the frame, first - 1 when there is none.
static int64_t key_before(TlChain *chain, int64_t frame)
{
    int64_t n = chain->end - 1;
    while (n >= chain->first && tl_chain_key(chain, n)->frame > frame)
        n--;
    return n;
}

static int in_shot(TlChain *chain, int64_t number, int32_t shot)
{
    return number >= chain->first && number < chain->end && tl_chain_key(chain, number)->shot == shot;
}

// Boxes of a frame outside the key frames of its shot.
static int held_boxes(TlChain *chain, int64_t number, int64_t frame, TlChainBox *out, int max)
{
    TlKeyFrame *key = tl_chain_key(chain, number);
    int count = 0;
    if (chain->is_blind && frame > key->frame && number == chain->end - 1) {
        int ball_is_gone = (double)(frame - key->frame) > BLIND_BALL_S * chain->fps;
        for (int i = 0; i < key->count && count < max; i++) {
            if (key->item[i].seen.class_id == TL_CLASS_BALL && ball_is_gone)
                continue;
            carry_on(chain, number, &key->item[i], frame, &out[count]);
            out[count++].sight = pack(number, i);
        }
        return count;
    }
    if (llabs(frame - key->frame) > chain->hold_frames)
        return 0;
    for (int i = 0; i < key->count && count < max; i++) {
        hold(chain, number, &key->item[i], frame, &out[count]);
        out[count++].sight = pack(number, i);
    }
    return count;
}

int tl_chain_boxes(TlChain *chain, int64_t frame, int32_t shot, TlChainBox *out, int max)
{
    int64_t last = key_before(chain, frame);
    int count = 0;
    if (!in_shot(chain, last, shot))
        return in_shot(chain, last + 1, shot) ? held_boxes(chain, last + 1, frame, out, max) : 0;
    TlKeyFrame *key = tl_chain_key(chain, last);
    int exact = key->frame == frame;
    if (!exact && !in_shot(chain, last + 1, shot))
        return held_boxes(chain, last, frame, out, max);
    for (int i = 0; exact && i < key->count && count < max; i++) {
        seen_box(chain, last, &key->item[i], &out[count]);
        out[count++].sight = pack(last, i);
    }
    for (int64_t n = exact ? last - 1 : last; in_shot(chain, n, shot) && count < max; n--) {
        TlKeyFrame *from = tl_chain_key(chain, n);
        if (frame - from->frame > chain->gap_frames)
            break;
        for (int i = 0; i < from->count && count < max; i++) {
            int64_t to;
            TlSight *right = tl_chain_sight(chain, from->item[i].next, &to);
            if (!right || to <= last)
                continue;
            out[count].sight = pack(n, i);
            count += bridge(chain, n, &from->item[i], to, right, frame, &out[count]);
        }
    }
    return count;
}
