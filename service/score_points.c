// Keypoints. In: a checked answer; out: HOMOGRAPHY, FIT, INSIDE, STABILITY, CONSISTENCY and SCALE.
//
// The validator fits a homography from the picture to its own drawing of the pitch (centimetres), of which x is
// stretched to the picture's width over 7000 and y to its height over 12000; thresholds and errors are in those units.
// The drawing is no real pitch: exact points of a real picture leave errors of some px, which costs a little FIT.
#include <math.h>
#include <string.h>

#include "pitch/pitch.h"
#include "score_internal.h"

enum { SUBSETS = 120 };
static const double APART_PX = 25, DRAWING_LENGTH = 12000, DRAWING_WIDTH = 7000;

static const double DRAWING[TL_POINT_COUNT][2] = {
    {0, 0},        {0, 1450},     {0, 2584},     {0, 4416},    {0, 5550},     {0, 7000},     {550, 2584},
    {550, 4416},   {1100, 3500},  {2015, 1450},  {2015, 2584}, {2015, 4416},  {2015, 5550},  {6000, 0},
    {6000, 2585},  {6000, 4415},  {6000, 7000},  {9985, 1450}, {9985, 2584},  {9985, 4416},  {9985, 5550},
    {10900, 3500}, {11450, 2584}, {11450, 4416}, {12000, 0},   {12000, 1450}, {12000, 2584}, {12000, 4416},
    {12000, 5550}, {12000, 7000}, {5085, 3500},  {6915, 3500}};

// What one frame gives.
typedef struct Fit {
    int ok, counted;
    double inlier_share, error; ///< mean over all counted points
    double homography[9];
} Fit;

typedef struct Sums {
    int64_t fitted, objects, outside, pairs, stable_pairs, few;
    double fit, inside, scale, consistency, difference, error;
} Sums;

static int is_set(const double p[2])
{
    return p[0] != 0 || p[1] != 0;
}

int tl_score_counted(const TlScoreJob *job, const TlAnswerFrame *frame, int index[TL_POINT_COUNT])
{
    int n = 0;
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const double *p = frame->point[i];
        int apart = 1;
        if (!is_set(p) || p[0] < 0 || p[1] < 0 || p[0] >= job->params->width || p[1] >= job->params->height)
            continue;
        for (int j = 0; j < n && apart; j++)
            apart = hypot(p[0] - frame->point[index[j]][0], p[1] - frame->point[index[j]][1]) >= APART_PX;
        if (apart)
            index[n++] = i;
    }
    return n;
}

// --- the homography

typedef struct Pairs {
    int n;
    double from[TL_POINT_COUNT][2], to[TL_POINT_COUNT][2];
    double threshold;
} Pairs;

static double error_of(const Pairs *pairs, const double h[9], int i)
{
    double x, y;
    tl_homography_apply(h, pairs->from[i][0], pairs->from[i][1], &x, &y);
    double error = hypot(x - pairs->to[i][0], y - pairs->to[i][1]);
    return isfinite(error) ? error : 1e9;
}

static int count_inliers(const Pairs *pairs, const double h[9], int inlier[TL_POINT_COUNT])
{
    int n = 0;
    for (int i = 0; i < pairs->n; i++)
        if (error_of(pairs, h, i) <= pairs->threshold)
            inlier[n++] = i;
    return n;
}

static int fit_subset(const Pairs *pairs, const int *index, int n, double h[9])
{
    double from[TL_POINT_COUNT][2], to[TL_POINT_COUNT][2];
    for (int i = 0; i < n; i++) {
        memcpy(from[i], pairs->from[index[i]], sizeof from[i]);
        memcpy(to[i], pairs->to[index[i]], sizeof to[i]);
    }
    return tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, NULL, n, h);
}

// Four different numbers below n, the same for the same state.
static void draw_four(uint32_t *state, int n, int index[4])
{
    for (int i = 0; i < 4; i++) {
        int again = 1;
        while (again) {
            *state = *state * 1664525u + 1013904223u;
            index[i] = (int)((*state >> 8) % (uint32_t)n);
            again = 0;
            for (int j = 0; j < i; j++)
                again |= index[i] == index[j];
        }
    }
}

// Random sample consensus, then a fit to all inliers of the best sample.
static int robust_fit(const Pairs *pairs, double h[9])
{
    int inlier[TL_POINT_COUNT], best[TL_POINT_COUNT], best_count = 0, four[4] = {0, 1, 2, 3};
    uint32_t state = 1;
    double trial[9];
    for (int i = 0; i < SUBSETS && best_count < pairs->n; i++) {
        if (pairs->n > 4)
            draw_four(&state, pairs->n, four);
        if (fit_subset(pairs, four, 4, trial) < 0)
            continue;
        int n = count_inliers(pairs, trial, inlier);
        if (n > best_count) {
            best_count = n;
            memcpy(best, inlier, sizeof best);
        }
        if (pairs->n == 4)
            break;
    }
    return best_count >= 4 ? fit_subset(pairs, best, best_count, h) : -1;
}

static Fit fit_frame(const TlScoreJob *job, const TlAnswerFrame *frame)
{
    Fit fit = {0};
    Pairs pairs = {.threshold = fmax(0.01 * job->params->width, 12)};
    int index[TL_POINT_COUNT], inlier[TL_POINT_COUNT];
    pairs.n = fit.counted = tl_score_counted(job, frame, index);
    if (pairs.n < 4)
        return fit;
    for (int i = 0; i < pairs.n; i++) {
        memcpy(pairs.from[i], frame->point[index[i]], sizeof pairs.from[i]);
        pairs.to[i][0] = DRAWING[index[i]][0] * job->params->width / DRAWING_WIDTH;
        pairs.to[i][1] = DRAWING[index[i]][1] * job->params->height / DRAWING_LENGTH;
    }
    if (robust_fit(&pairs, fit.homography) < 0)
        return fit;
    fit.ok = 1;
    fit.inlier_share = (double)count_inliers(&pairs, fit.homography, inlier) / pairs.n;
    for (int i = 0; i < pairs.n; i++)
        fit.error += error_of(&pairs, fit.homography, i) / pairs.n;
    return fit;
}

// --- what hangs on it

static double share_inside(const Fit *fit, const TlAnswerFrame *frame, Sums *sums)
{
    int inside = 0, all = 0;
    for (int i = 0; i < frame->object_count; i++) {
        const TlAnswerObject *o = &frame->objects[i];
        double x, y;
        if (!tl_score_box_counts(o))
            continue;
        tl_homography_apply(fit->homography, (o->bbox[0] + o->bbox[2]) / 2, (o->bbox[1] + o->bbox[3]) / 2, &x, &y);
        inside += x >= 0 && y >= 0 && x <= DRAWING_LENGTH && y <= DRAWING_WIDTH;
        all++;
    }
    sums->objects += all;
    sums->outside += all - inside;
    return all ? (double)inside / all : 0;
}

static double mean_distance(const double (*points)[2], int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            sum += hypot(points[i][0] - points[j][0], points[i][1] - points[j][1]);
    return n > 1 ? sum / (n * (n - 1) / 2.0) : 0;
}

// Mean distance between points over that between objects, at most 1.5.
static double scale_ratio(const TlScoreJob *job, const TlAnswerFrame *frame)
{
    static _Thread_local double centre[TL_ANSWER_OBJECTS_MAX][2];
    double points[TL_POINT_COUNT][2];
    int index[TL_POINT_COUNT], n = tl_score_counted(job, frame, index), objects = 0;
    for (int i = 0; i < n; i++)
        memcpy(points[i], frame->point[index[i]], sizeof points[i]);
    for (int i = 0; i < frame->object_count; i++) {
        const TlAnswerObject *o = &frame->objects[i];
        if (!tl_score_box_counts(o))
            continue;
        centre[objects][0] = (o->bbox[0] + o->bbox[2]) / 2;
        centre[objects++][1] = (o->bbox[1] + o->bbox[3]) / 2;
    }
    if (n < 2 || objects < 2)
        return 1;
    return fmin(mean_distance((const double(*)[2])points, n) /
                    (mean_distance((const double(*)[2])centre, objects) + 1e-6),
                1.5);
}

// --- from frame to frame

// Mean relative change of the distances between points that both frames have; negative when there are not two.
static double distance_change(const TlAnswerFrame *a, const TlAnswerFrame *b)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < TL_POINT_COUNT; i++)
        for (int j = 0; j < i; j++) {
            if (!is_set(a->point[i]) || !is_set(a->point[j]) || !is_set(b->point[i]) || !is_set(b->point[j]))
                continue;
            double before = hypot(a->point[i][0] - a->point[j][0], a->point[i][1] - a->point[j][1]);
            double now = hypot(b->point[i][0] - b->point[j][0], b->point[i][1] - b->point[j][1]);
            sum += fabs(before - now) / (before + 1e-6);
            n++;
        }
    return n ? sum / n : -1;
}

// 1 for points that stay where they were, 0 for points that jump; frames without any point agree.
static double consistency(const TlScoreJob *job, const TlAnswerFrame *a, const TlAnswerFrame *b)
{
    double sum = 0;
    int both = 0, any = 0;
    if (a->point_count != TL_POINT_COUNT || b->point_count != TL_POINT_COUNT)
        return 0;
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        any += is_set(a->point[i]) || is_set(b->point[i]);
        if (!is_set(a->point[i]) || !is_set(b->point[i]))
            continue;
        sum += hypot((a->point[i][0] - b->point[i][0]) / job->params->width,
                     (a->point[i][1] - b->point[i][1]) / job->params->height);
        both++;
    }
    return !any ? 1 : both ? tl_score_logistic(sum / both) : 0;
}

static void add_pair(const TlScoreJob *job, const TlAnswerFrame *a, const TlAnswerFrame *b, Sums *sums)
{
    double change = distance_change(a, b);
    if (b->number - a->number > 1)
        return; // the missing frame counts 0
    sums->pairs++;
    sums->consistency += consistency(job, a, b);
    if (change >= 0) {
        sums->difference += change;
        sums->stable_pairs++;
    }
}

static void add_frame(const TlScoreJob *job, const TlAnswerFrame *frame, Sums *sums)
{
    Fit fit = fit_frame(job, frame);
    sums->few += fit.counted < 4;
    if (!fit.ok)
        return;
    sums->fitted++;
    sums->error += fit.error;
    sums->fit += (fit.inlier_share + fmax(0, 1 - fit.error / 100)) / 2;
    sums->inside += share_inside(&fit, frame, sums);
    sums->scale += scale_ratio(job, frame);
}

static void set_parts(TlScoreJob *job, const Sums *s)
{
    double fitted = s->fitted ? (double)s->fitted : 1, frames = job->expected > 0 ? (double)job->expected : 1;
    double pairs = job->expected > 1 ? (double)(job->expected - 1) : 1;
    tl_score_set(job, TL_SCORE_HOMOGRAPHY, (double)s->fitted / frames / 0.4,
                 "%lld of %lld frame%s give%s a homography, %lld ha%s fewer than 4 points that count; 40 %% are enough",
                 (long long)s->fitted, (long long)job->expected, job->expected == 1 ? "" : "s",
                 s->fitted == 1 ? "s" : "", (long long)s->few, s->few == 1 ? "s" : "ve");
    tl_score_set(job, TL_SCORE_FIT, s->fit / fitted,
                 "mean error %.1f against the validator's drawing, which is no real pitch: some px remain for exact "
                 "points",
                 s->error / fitted);
    tl_score_set(job, TL_SCORE_INSIDE, s->inside / fitted,
                 "%lld of %lld box%s lie%s outside the pitch by the points; a frame without a box that counts gives 0",
                 (long long)s->outside, (long long)s->objects, s->objects == 1 ? "" : "es", s->outside == 1 ? "s" : "");
    tl_score_set(job, TL_SCORE_STABILITY, s->stable_pairs ? exp(-10 * s->difference / (double)s->stable_pairs) : 0.5,
                 "distances between points change by %.2f %% from frame to frame",
                 s->stable_pairs ? 100 * s->difference / (double)s->stable_pairs : 0.0);
    tl_score_set(
        job, TL_SCORE_CONSISTENCY, s->consistency / pairs,
        "%.0f of %.0f pairs of frames agree; points that come and go, and pans faster than 2 %% of the picture "
        "a frame, cost",
        s->consistency, pairs);
    tl_score_set(job, TL_SCORE_SCALE, s->fitted ? s->scale / fitted : 0,
                 "points are spread %.2f times as far as the objects; below 1 costs",
                 s->fitted ? s->scale / fitted : 0);
}

void tl_score_points(TlScoreJob *job)
{
    Sums sums = {0};
    for (int64_t i = 0; i < job->answer->frame_count; i++) {
        const TlAnswerFrame *frame = &job->answer->frames[i];
        add_frame(job, frame, &sums);
        if (i > 0)
            add_pair(job, frame - 1, frame, &sums);
    }
    set_parts(job, &sums);
}
