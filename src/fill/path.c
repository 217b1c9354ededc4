// The camera's path.
//
// In: fits of pitch-key frames, some of them wrong. Out: a view for any frame near enough to good ones. Four ground
// points that a near fit sees well are followed through the pictures of all fits around; their places in the picture
// run smoothly, while the nine numbers of a homography do not. A fit whose places leave the way of its neighbours
// (the parabola with the most fits near it, over all triples; Fischler & Bolles 1981) is dropped; the others are
// smoothed by robust local quadratic regression, and the four smoothed places give the homography back.
#include "fill/path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fill/chain.h"

enum { AROUND_MAX = 24, JUDGES_MAX = 10, CORNERS = 4, PLACES = 2 * CORNERS };

#define JUDGE_S      0.45 // neighbours that judge a fit
#define SMOOTH_S     0.35 // reach of the regression
#define JUDGE_FITS   3.1  // ... or as many fits, whichever is more
#define SMOOTH_FITS  2.2
#define JUMP         0.02  // of the picture width: a smaller step aside is never an outlier
#define PACE         2.0   // picture widths per second that no camera exceeds
#define BRIDGE_FITS  2.5   // a longer way to the next good fit than so many intervals is a gap
#define BLIND_BASE_S 0.3   // way over which the camera's speed is taken where no fit follows
#define RIDGE_SPEED  1e-4  // (error of a fit of weight 1 / usual speed of the picture)^2, s^2
#define RIDGE_ACCEL  4e-4  // ... / usual half acceleration, s^4
#define TOLERANCE    0.003 // of the picture width: fits farther beside the way count less and less

int tl_path_init(TlPath *path, int capacity)
{
    *path = (TlPath){.capacity = capacity};
    path->fit = tl_calloc((size_t)capacity, sizeof(TlPathFit));
    return path->fit ? 0 : -1;
}

void tl_path_deinit(TlPath *path)
{
    tl_free(&path->fit);
}

void tl_path_reset(TlPath *path)
{
    path->first = path->end = path->reversals = 0;
    path->is_blind = 0;
}

static TlPathFit *fit_at(const TlPath *path, int64_t number)
{
    return &path->fit[number % path->capacity];
}

void tl_path_push(TlPath *path, int64_t frame, int32_t shot, const TlPitchFit *fit, const TlPoint *seen)
{
    if (!path->fit)
        return; // never initialised
    int64_t number = path->end++;
    if (path->end - path->first > path->capacity)
        path->first++;
    TlPathFit *f = fit_at(path, number);
    const TlPathFit *before = path->end - 1 > path->first ? fit_at(path, number - 1) : NULL;
    path->newest = frame;
    if (before && before->shot == shot)
        path->spacing = (double)(frame - before->frame);
    *f = (TlPathFit){.frame = frame, .shot = shot, .valid = fit && fit->valid};
    if (seen)
        memcpy(f->seen, seen, sizeof f->seen);
    if (!fit || !fit->valid)
        return;
    f->view = fit->view;
    if (f->view.width <= 0 || f->view.height <= 0) { // a fit without a lens
        f->view = (TlPitchView){.width = path->width, .height = path->height};
        memcpy(f->view.straight, fit->homography, sizeof f->view.straight);
    }
    for (int i = 0; i < 9; i++)
        f->valid = f->valid && isfinite(f->view.straight[i]);
    double rms = isfinite(fit->rms_px) && fit->rms_px > 0 ? fit->rms_px / (0.002 * path->width) : 0;
    f->weight = fmin(fmax(fit->inliers, 4), 16) / (1 + rms * rms);
}

// Time over which fits know of each other: the given one, but at least that of a few fits where they are far apart.
static double reach_s(const TlPath *path, double least_s, double fits)
{
    return fmax(least_s, fits * path->spacing / path->fps);
}

// --- places of four ground points in the pictures of several fits

// Ground points below the picture's corners where this fit is well conditioned. -1 when there are none.
static int choose_ground(const TlPitchView *view, double ground[CORNERS][2])
{
    static const double top[4] = {0.25, 0.4, 0.55, 0.7};
    for (int i = 0; i < 4; i++) {
        const double y[2] = {top[i] * view->height, 0.95 * view->height};
        int good = 1;
        for (int k = 0; k < CORNERS && good; k++) {
            double x = (k & 1 ? 0.88 : 0.12) * view->width, above_x, above_y;
            good = tl_view_ground(view, x, y[k >> 1], &ground[k][0], &ground[k][1]) == 0 &&
                   tl_view_ground(view, x, y[k >> 1] - 0.1 * view->height, &above_x, &above_y) == 0 &&
                   hypot(ground[k][0] - above_x, ground[k][1] - above_y) < 40;
        }
        if (good)
            return 0;
    }
    return -1;
}

static int places_of(const TlPath *path, const TlPitchView *view, const double ground[CORNERS][2], double out[PLACES])
{
    for (int k = 0; k < CORNERS; k++) {
        if (tl_view_picture(view, ground[k][0], ground[k][1], &out[2 * k], &out[2 * k + 1]) < 0)
            return -1;
        if (!(fabs(out[2 * k]) < 4.0 * path->width && fabs(out[2 * k + 1]) < 4.0 * path->height))
            return -1;
    }
    return 0;
}

static double square(double x)
{
    return x * x;
}

static double worst_offset(const double a[PLACES], const double b[PLACES])
{
    double worst = 0;
    for (int k = 0; k < CORNERS; k++)
        worst = fmax(worst, square(a[2 * k] - b[2 * k]) + square(a[2 * k + 1] - b[2 * k + 1]));
    return sqrt(worst);
}

// --- outliers

typedef struct Around {
    int count;
    int64_t number[AROUND_MAX];
    double time[AROUND_MAX]; // s, relative to the middle
    double place[AROUND_MAX][PLACES];
    double weight[AROUND_MAX];
} Around;

// Valid fits of the shot within reach_s of frame (nearest first in each direction), seen against the given ground.
static void look_around(const TlPath *path, int64_t frame, int32_t shot, double within_s, int accepted_only,
                        const double ground[CORNERS][2], Around *around)
{
    int limit = accepted_only ? AROUND_MAX : JUDGES_MAX;
    int64_t middle = path->end - 1;
    around->count = 0;
    while (middle >= path->first && fit_at(path, middle)->frame > frame)
        middle--;
    for (int side = 0; side < 2; side++) {
        int most = side ? limit : limit / 2;
        for (int64_t n = middle + side; n >= path->first && n < path->end && around->count < most; n += side ? 1 : -1) {
            const TlPathFit *f = fit_at(path, n);
            double time = (double)(f->frame - frame) / path->fps;
            if (f->shot != shot || fabs(time) > within_s)
                break;
            if (!f->valid || (accepted_only && !f->accepted))
                continue;
            int i = around->count;
            if (places_of(path, &f->view, ground, around->place[i]) < 0)
                continue;
            around->number[i] = n;
            around->time[i] = time;
            around->weight[i] = f->weight;
            around->count++;
        }
    }
}

// Residuals of all fits to the way through fits a, b and c (a parabola) or, with c < 0, to the straight one through a
// and b.
static void residuals(const Around *around, int a, int b, int c, double *out)
{
    const double *t = around->time;
    for (int i = 0; i < around->count; i++) {
        double la, lb, lc = 0, on_way[PLACES]; // Lagrange's polynomials
        if (c < 0) {
            la = (t[i] - t[b]) / (t[a] - t[b]);
            lb = (t[i] - t[a]) / (t[b] - t[a]);
        } else {
            la = (t[i] - t[b]) * (t[i] - t[c]) / ((t[a] - t[b]) * (t[a] - t[c]));
            lb = (t[i] - t[a]) * (t[i] - t[c]) / ((t[b] - t[a]) * (t[b] - t[c]));
            lc = (t[i] - t[a]) * (t[i] - t[b]) / ((t[c] - t[a]) * (t[c] - t[b]));
        }
        for (int k = 0; k < PLACES; k++)
            on_way[k] = la * around->place[a][k] + lb * around->place[b][k] + (c < 0 ? 0 : lc * around->place[c][k]);
        out[i] = worst_offset(on_way, around->place[i]);
    }
}

static int too_fast(const TlPath *path, const Around *around, int a, int b)
{
    double seconds = fabs(around->time[a] - around->time[b]);
    return worst_offset(around->place[a], around->place[b]) > path->width * (PACE * seconds + JUMP);
}

// Number of fits near the way (parabola or straight) that has the most of them; on_it: whether `self` is one.
static int consensus(const TlPath *path, const Around *around, int curved, int self, int *on_it)
{
    int n = around->count, most = 0;
    double least = INFINITY, offset[AROUND_MAX], limit = (curved ? JUMP : 2 * JUMP) * path->width;
    *on_it = 0;
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++) {
            if (too_fast(path, around, a, b))
                continue;
            for (int c = curved ? b + 1 : -1; c < (curved ? n : 0); c++) {
                int count = 0;
                double sum = 0;
                residuals(around, a, b, c, offset);
                for (int i = 0; i < n; i++) {
                    count += offset[i] < limit;
                    sum += fmin(offset[i], limit);
                }
                if (sum >= least)
                    continue;
                least = sum;
                most = count;
                *on_it = offset[self] < limit;
            }
        }
    return most;
}

// Whether fit `self` lies on the way of its neighbours. A parabola needs four of them to say anything.
static int on_common_way(const TlPath *path, const Around *around, int self)
{
    int n = around->count, on_it, most = n >= 5 ? consensus(path, around, 1, self, &on_it) : 0;
    if (most >= 4 && 2 * most >= n)
        return on_it;
    most = consensus(path, around, 0, self, &on_it);
    return on_it && most >= 2 && 2 * most >= n;
}

// Pitch-key frames of the shot around a frame, seen or not.
static int tried_around(const TlPath *path, int64_t frame, int32_t shot, double within_s)
{
    int count = 0;
    for (int64_t n = path->first; n < path->end; n++) {
        const TlPathFit *f = fit_at(path, n);
        count += f->shot == shot && fabs((double)(f->frame - frame)) <= within_s * path->fps;
    }
    return count;
}

static void find_verdict(const TlPath *path, int64_t number)
{
    TlPathFit *f = fit_at(path, number);
    double ground[CORNERS][2];
    Around around;
    double within_s = reach_s(path, JUDGE_S, JUDGE_FITS);
    int64_t reach = f->frame + (int64_t)(within_s * path->fps);
    if (!f->valid || (f->judged && (f->judged_by == path->newest || f->judged_by > reach)))
        return; // nothing new that could change the verdict
    f->judged = 1;
    f->judged_by = path->newest;
    f->accepted = 0;
    if (choose_ground(&f->view, ground) < 0)
        return;
    look_around(path, f->frame, f->shot, within_s, 0, ground, &around);
    int self = -1;
    for (int i = 0; i < around.count; i++)
        if (around.number[i] == number)
            self = i;
    if (self < 0)
        return;
    if (around.count == 1) // alone: believed only where hardly anybody could have agreed with it
        f->accepted = tried_around(path, f->frame, f->shot, within_s) <= 3;
    else
        f->accepted = (uint8_t)on_common_way(path, &around, self);
}

static void judge(TlPath *path, int64_t number)
{
    const TlPathFit *f = fit_at(path, number);
    int was_judged = f->judged, was_accepted = f->accepted;
    find_verdict(path, number);
    path->reversals += was_judged && f->accepted != was_accepted;
}

// --- smoothing

// Parabola from the normal equations. Two ridges say how fast a camera turns at most and how fast it takes up speed, so
// that few or one-sided fits give a straight or a constant way without a switch between models.
static void solve(const double s[5], const double y[3], double coefficient[3])
{
    double m11 = s[2] + RIDGE_SPEED, m22 = s[4] + RIDGE_ACCEL;
    double c00 = m11 * m22 - s[3] * s[3], c01 = s[2] * s[3] - s[1] * m22, c02 = s[1] * s[3] - s[2] * m11;
    double c11 = s[0] * m22 - s[2] * s[2], c12 = s[1] * s[2] - s[0] * s[3], c22 = s[0] * m11 - s[1] * s[1];
    double det = s[0] * c00 + s[1] * c01 + s[2] * c02;
    coefficient[0] = (y[0] * c00 + y[1] * c01 + y[2] * c02) / det;
    coefficient[1] = (y[0] * c01 + y[1] * c11 + y[2] * c12) / det;
    coefficient[2] = (y[0] * c02 + y[1] * c12 + y[2] * c22) / det;
}

// One weighted fit of all places over time.
static void fit_way(const Around *around, const double *weight, double way[PLACES][3])
{
    double s[5] = {0}, y[PLACES][3] = {{0}};
    for (int i = 0; i < around->count; i++) {
        double t = around->time[i], power = weight[i];
        for (int k = 0; k < 5; k++, power *= t)
            s[k] += power;
        for (int k = 0; k < PLACES; k++) {
            double part = weight[i] * around->place[i][k];
            y[k][0] += part;
            y[k][1] += part * t;
            y[k][2] += part * t * t;
        }
    }
    for (int k = 0; k < PLACES; k++)
        solve(s, y[k], way[k]);
}

// Values at time 0 of all places. Two further rounds trust fits less that lie beside the way found first; what weight
// is left to each fit comes back in around.
static void regress(const TlPath *path, Around *around, double reach, double out[PLACES])
{
    double kernel[AROUND_MAX], way[PLACES][3];
    for (int i = 0; i < around->count; i++) {
        double q = fmin(fabs(around->time[i]) / reach, 1);
        q = 1 - q * q * q;
        kernel[i] = around->weight[i] *= q * q * q + 1e-6;
    }
    for (int round = 0; round < 3; round++) {
        fit_way(around, around->weight, way);
        for (int i = 0; i < around->count; i++) {
            double t = around->time[i], on_way[PLACES], tolerance = TOLERANCE * path->width;
            for (int k = 0; k < PLACES; k++)
                on_way[k] = way[k][0] + t * (way[k][1] + t * way[k][2]);
            double off = worst_offset(around->place[i], on_way);
            around->weight[i] = kernel[i] * (off > tolerance ? tolerance / off : 1);
        }
    }
    for (int k = 0; k < PLACES; k++)
        out[k] = way[k][0];
}

static int straighten(double lens, const TlPath *path, double *x, double *y)
{
    double cx = 0.5 * path->width, cy = 0.5 * path->height, dx = *x - cx, dy = *y - cy;
    double below = 1 + lens * (dx * dx + dy * dy) / ((double)path->width * path->width);
    if (!(below > 0.05))
        return -1;
    *x = cx + dx / below;
    *y = cy + dy / below;
    return 0;
}

// View whose picture shows the ground points at the given places.
static int view_from(const TlPath *path, const Around *around, const double ground[CORNERS][2], double place[PLACES],
                     TlPitchView *view)
{
    double lens = 0, sum = 0, from[CORNERS][2];
    for (int i = 0; i < around->count; i++) {
        lens += around->weight[i] * fit_at(path, around->number[i])->view.lens;
        sum += around->weight[i];
    }
    *view = (TlPitchView){.lens = lens / sum, .width = path->width, .height = path->height};
    for (int k = 0; k < CORNERS; k++) {
        from[k][0] = place[2 * k];
        from[k][1] = place[2 * k + 1];
        if (straighten(view->lens, path, &from[k][0], &from[k][1]) < 0)
            return -1;
    }
    return tl_homography_dlt((const double(*)[2])from, ground, NULL, CORNERS, view->straight);
}

// Nearest accepted fits at or before and at or after a frame; -1 where there is none.
static void neighbours(TlPath *path, int64_t frame, int32_t shot, int64_t *before, int64_t *after)
{
    *before = *after = -1;
    for (int64_t n = path->first; n < path->end; n++) {
        const TlPathFit *f = fit_at(path, n);
        if (f->shot != shot || !f->valid || llabs(f->frame - frame) > path->gap_frames + (int64_t)path->fps)
            continue;
        judge(path, n);
        if (!f->accepted)
            continue;
        if (f->frame <= frame)
            *before = n;
        if (f->frame >= frame && *after < 0)
            *after = n;
    }
}

// Camera of a frame near the accepted fit `middle`.
static int smooth_view(const TlPath *path, int64_t frame, int32_t shot, int64_t middle, TlPitchView *view)
{
    double ground[CORNERS][2], place[PLACES], reach = reach_s(path, SMOOTH_S, SMOOTH_FITS);
    Around around;
    if (choose_ground(&fit_at(path, middle)->view, ground) < 0)
        return -1;
    look_around(path, frame, shot, reach, 1, ground, &around);
    if (around.count == 0)
        return -1;
    regress(path, &around, reach, place);
    return view_from(path, &around, ground, place, view);
}

// The last accepted fit of a shot that lies at or before `frame`, -1 = none.
static int64_t last_accepted(TlPath *path, int64_t frame, int32_t shot)
{
    for (int64_t n = path->end - 1; n >= path->first && fit_at(path, n)->shot == shot; n--) {
        judge(path, n);
        if (fit_at(path, n)->valid && fit_at(path, n)->accepted && fit_at(path, n)->frame <= frame)
            return n;
    }
    return -1;
}

// Nothing is known of the frame or of what follows it: the picture goes on as it last moved, slower and slower.
static int carry_on(TlPath *path, int64_t frame, int32_t shot, TlPitchView *view)
{
    int64_t last = last_accepted(path, frame, shot);
    if (last < 0 || path->newest - fit_at(path, last)->frame > path->gap_frames)
        return -1; // the pitch was out of sight
    int64_t at = fit_at(path, last)->frame;
    int64_t back = last_accepted(path, at - (int64_t)(BLIND_BASE_S * path->fps), shot);
    double ground[CORNERS][2], place[PLACES], before[PLACES];
    Around self = {.count = 1, .number = {last}, .weight = {1}};
    TlPitchView past;
    if (smooth_view(path, at, shot, last, view) < 0)
        return -1;
    if (back < 0 || at - fit_at(path, back)->frame > path->gap_frames ||
        smooth_view(path, fit_at(path, back)->frame, shot, back, &past) < 0 || choose_ground(view, ground) < 0 ||
        places_of(path, view, ground, place) < 0 || places_of(path, &past, ground, before) < 0)
        return 0; // no telling how it moved: it rests
    double ahead = tl_fading_way((double)(frame - at), path->fps) / (double)(at - fit_at(path, back)->frame);
    TlPitchView gone = *view;
    for (int k = 0; k < PLACES; k++)
        place[k] += ahead * (place[k] - before[k]);
    if (view_from(path, &self, ground, place, &gone) == 0)
        *view = gone;
    return 0;
}

int tl_path_view(TlPath *path, int64_t frame, int32_t shot, TlPitchView *view)
{
    int64_t before, after;
    if (path->is_blind && frame > path->newest)
        return carry_on(path, frame, shot, view);
    neighbours(path, frame, shot, &before, &after);
    if (before < 0 && after < 0)
        return -1;
    int64_t begin = before < 0 ? INT32_MIN : fit_at(path, before)->frame;
    int64_t end = after < 0 ? INT32_MAX : fit_at(path, after)->frame;
    int64_t middle = frame - begin <= end - frame ? before : after;
    if (end - begin > path->gap_frames) // too far to be bridged: carried on for a few frames on either side
        return llabs(fit_at(path, middle)->frame - frame) <= path->hold_frames
                   ? smooth_view(path, frame, shot, middle, view)
                   : -1;
    if ((double)(end - begin) <= BRIDGE_FITS * path->spacing || frame == begin || frame == end)
        return smooth_view(path, frame, shot, middle, view);
    // Within a gap a parabola through what lies around it would swing; from one end evenly to the other it does not.
    TlPitchView from, to;
    if (smooth_view(path, begin, shot, before, &from) < 0 || smooth_view(path, end, shot, after, &to) < 0)
        return -1;
    return tl_view_interpolate(&from, &to, (double)(frame - begin) / (double)(end - begin), view);
}

void tl_path_seen(TlPath *path, int64_t frame, int32_t shot, const TlPitchView *view, TlPoint out[TL_POINT_COUNT])
{
    int64_t before, after;
    memset(out, 0, TL_POINT_COUNT * sizeof *out);
    if (path->is_blind && frame > path->newest) {
        before = last_accepted(path, frame, shot);
        after = -1;
    } else {
        neighbours(path, frame, shot, &before, &after);
    }
    if (before < 0 && after < 0)
        return;
    int later = before < 0 || (after >= 0 && fit_at(path, after)->frame - frame < frame - fit_at(path, before)->frame);
    const TlPathFit *f = fit_at(path, later ? after : before);
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        double gx, gy, x, y;
        if (!(f->seen[i].confidence > 0) || tl_view_ground(&f->view, f->seen[i].x, f->seen[i].y, &gx, &gy) < 0 ||
            tl_view_picture(view, gx, gy, &x, &y) < 0)
            continue;
        out[i] = (TlPoint){(float)x, (float)y, f->seen[i].confidence};
    }
}
