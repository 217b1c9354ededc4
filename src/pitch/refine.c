// Levenberg-Marquardt on the reprojection error in the picture, for points and for places on lines.
//
// In: measurements and a first G (pitch -> picture). Out: G with the least robust error and its covariance. Method:
// Hartley & Zisserman, "Multiple View Geometry", ch. 4.2 and app. 6; Cauchy loss by reweighting. Both sides are moved
// to the centre of the measurements and scaled, so that fixing the last entry to 1 is always legal (the centre is in
// front of the camera) and the eight parameters are of like size.
#include "pitch/solve.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { P = 8 }; // parameters

int tl_orient(double g[9])
{
    double det = tl_homography_determinant(g);
    if (!isfinite(det) || det == 0)
        return -1;
    if (det < 0)
        for (int i = 0; i < 9; i++)
            g[i] = -g[i];
    return 0;
}

int tl_see(const double g[9], double x, double y, double *u, double *v)
{
    double w = g[6] * x + g[7] * y + g[8];
    if (!(w > 0))
        return -1;
    *u = (g[0] * x + g[1] * y + g[2]) / w;
    *v = (g[3] * x + g[4] * y + g[5]) / w;
    return isfinite(*u) && isfinite(*v) ? 0 : -1;
}

// The solver's frame: X = (x - origin) * scale on the pitch, U = (u - picture_origin) * picture_scale.
typedef struct Frame {
    double origin[2], scale, picture_origin[2], picture_scale;
} Frame;

static int frame_of(const TlObservation *o, int n, Frame *f)
{
    double sum = 0, c[4] = {0}, spread[2] = {0};
    for (int i = 0; i < n; i++) {
        sum += o[i].weight;
        c[0] += o[i].weight * o[i].x;
        c[1] += o[i].weight * o[i].y;
        c[2] += o[i].weight * o[i].u;
        c[3] += o[i].weight * o[i].v;
    }
    if (!(sum > 0) || !isfinite(sum))
        return -1;
    for (int i = 0; i < 4; i++)
        c[i] /= sum;
    for (int i = 0; i < n; i++) {
        spread[0] += o[i].weight * (pow(o[i].x - c[0], 2) + pow(o[i].y - c[1], 2));
        spread[1] += o[i].weight * (pow(o[i].u - c[2], 2) + pow(o[i].v - c[3], 2));
    }
    if (!(spread[0] > 0) || !(spread[1] > 0))
        return -1;
    *f = (Frame){{c[0], c[1]}, sqrt(2 * sum / spread[0]), {c[2], c[3]}, sqrt(2 * sum / spread[1])};
    return isfinite(f->scale) && isfinite(f->picture_scale) ? 0 : -1;
}

static int into_frame(const Frame *f, const double g[9], double out[9])
{
    const double picture[9] = {f->picture_scale,
                               0,
                               -f->picture_scale * f->picture_origin[0],
                               0,
                               f->picture_scale,
                               -f->picture_scale * f->picture_origin[1],
                               0,
                               0,
                               1};
    const double pitch[9] = {1 / f->scale, 0, f->origin[0], 0, 1 / f->scale, f->origin[1], 0, 0, 1};
    double half[9];
    tl_homography_multiply(picture, g, half);
    tl_homography_multiply(half, pitch, out);
    if (!(out[8] > 0) || !isfinite(out[8]))
        return -1;
    for (int i = 0; i < 9; i++)
        out[i] /= out[8];
    return 0;
}

static void out_of_frame(const Frame *f, const double g[9], double out[9])
{
    const double picture[9] = {
        1 / f->picture_scale, 0, f->picture_origin[0], 0, 1 / f->picture_scale, f->picture_origin[1], 0, 0, 1};
    const double pitch[9] = {f->scale, 0, -f->scale * f->origin[0], 0, f->scale, -f->scale * f->origin[1], 0, 0, 1};
    double half[9];
    tl_homography_multiply(picture, g, half);
    tl_homography_multiply(half, pitch, out);
}

// Derivatives of the place (U, V) of (X, Y) by the eight parameters; -1 behind the camera.
static int derive(const double g[9], double x, double y, double place[2], double du[P], double dv[P])
{
    double w = g[6] * x + g[7] * y + g[8];
    if (!(w > 1e-6))
        return -1;
    double r = 1 / w;
    place[0] = (g[0] * x + g[1] * y + g[2]) * r;
    place[1] = (g[3] * x + g[4] * y + g[5]) * r;
    const double base[3] = {x * r, y * r, r};
    for (int k = 0; k < 3; k++) {
        du[k] = base[k], du[3 + k] = 0;
        dv[k] = 0, dv[3 + k] = base[k];
    }
    for (int k = 0; k < 2; k++) {
        du[6 + k] = -place[0] * base[k];
        dv[6 + k] = -place[1] * base[k];
    }
    return 0;
}

static double loss(const TlObservation *o, double squared)
{
    double c2 = o->scale_px * o->scale_px;
    return o->weight * c2 * log1p(squared / c2);
}

// What a measurement behind the camera costs: a residual of a hundred robust scales.
static double loss_behind(const TlObservation *o)
{
    return loss(o, 1e4 * o->scale_px * o->scale_px);
}

static double cost_of(const TlObservation *o, int n, const Frame *f, const double g[9])
{
    double cost = 0;
    for (int i = 0; i < n; i++) {
        double x = (o[i].x - f->origin[0]) * f->scale, y = (o[i].y - f->origin[1]) * f->scale;
        double w = g[6] * x + g[7] * y + g[8];
        if (!(w > 1e-6)) {
            cost += loss_behind(&o[i]);
            continue;
        }
        double du = (g[0] * x + g[1] * y + g[2]) / w / f->picture_scale + f->picture_origin[0] - o[i].u;
        double dv = (g[3] * x + g[4] * y + g[5]) / w / f->picture_scale + f->picture_origin[1] - o[i].v;
        double along = o[i].nx * du + o[i].ny * dv;
        cost += loss(&o[i], o[i].nx != 0 || o[i].ny != 0 ? along * along : du * du + dv * dv);
    }
    return cost;
}

static void accumulate(double m[P * P], double b[P], const double row[P], double residual, double weight)
{
    for (int i = 0; i < P; i++) {
        double wr = weight * row[i];
        b[i] -= wr * residual;
        for (int j = 0; j <= i; j++)
            m[P * i + j] += wr * row[j];
    }
}

// Normal equations in the units of the solver's frame, weights turned so that residuals count in px.
static void normal_equations(const TlObservation *o, int n, const Frame *f, const double g[9], double m[P * P],
                             double b[P])
{
    double px = 1 / f->picture_scale;
    memset(m, 0, sizeof(double) * P * P);
    memset(b, 0, sizeof(double) * P);
    for (int i = 0; i < n; i++) {
        double place[2], du[P], dv[P];
        if (derive(g, (o[i].x - f->origin[0]) * f->scale, (o[i].y - f->origin[1]) * f->scale, place, du, dv))
            continue;
        double ru = place[0] - (o[i].u - f->picture_origin[0]) * f->picture_scale;
        double rv = place[1] - (o[i].v - f->picture_origin[1]) * f->picture_scale;
        double c2 = o[i].scale_px * o[i].scale_px;
        if (o[i].nx != 0 || o[i].ny != 0) {
            double along = o[i].nx * ru + o[i].ny * rv;
            for (int k = 0; k < P; k++)
                du[k] = o[i].nx * du[k] + o[i].ny * dv[k];
            accumulate(m, b, du, along, px * px * o[i].weight / (1 + along * along * px * px / c2));
        } else {
            double weight = px * px * o[i].weight / (1 + (ru * ru + rv * rv) * px * px / c2);
            accumulate(m, b, du, ru, weight);
            accumulate(m, b, dv, rv, weight);
        }
    }
}

// Lower Cholesky factor in place; -1 when not positive definite (relative to the diagonal).
static int factor(double m[P * P])
{
    for (int j = 0; j < P; j++) {
        double diagonal = m[P * j + j], d = diagonal;
        for (int k = 0; k < j; k++)
            d -= m[P * j + k] * m[P * j + k];
        if (!(d > 1e-13 * diagonal))
            return -1;
        m[P * j + j] = sqrt(d);
        for (int i = j + 1; i < P; i++) {
            double s = m[P * i + j];
            for (int k = 0; k < j; k++)
                s -= m[P * i + k] * m[P * j + k];
            m[P * i + j] = s / m[P * j + j];
        }
    }
    return 0;
}

static void substitute(const double l[P * P], const double b[P], double x[P])
{
    for (int i = 0; i < P; i++) {
        x[i] = b[i];
        for (int k = 0; k < i; k++)
            x[i] -= l[P * i + k] * x[k];
        x[i] /= l[P * i + i];
    }
    for (int i = P - 1; i >= 0; i--) {
        for (int k = i + 1; k < P; k++)
            x[i] -= l[P * k + i] * x[k];
        x[i] /= l[P * i + i];
    }
}

static int descend(const TlObservation *o, int n, const Frame *f, int iterations, double g[9], double *final_cost)
{
    double cost = cost_of(o, n, f, g), lambda = 1e-4;
    for (int round = 0; round < iterations; round++) {
        double m[P * P], b[P], damped[P * P], step[P], next[9];
        normal_equations(o, n, f, g, m, b);
        int better = 0, tiny = 0;
        while (!better && lambda < 1e8) {
            memcpy(damped, m, sizeof m);
            for (int i = 0; i < P; i++)
                damped[P * i + i] *= 1 + lambda;
            if (factor(damped)) {
                lambda = fmax(lambda * 10, 1e-6);
                continue;
            }
            substitute(damped, b, step);
            double length = 0;
            for (int i = 0; i < P; i++) {
                next[i] = g[i] + step[i];
                length = fmax(length, fabs(step[i]));
            }
            next[8] = 1;
            double next_cost = cost_of(o, n, f, next);
            better = next_cost <= cost;
            tiny = length < 1e-12 || (better && cost - next_cost <= 1e-10 * cost);
            if (better) {
                memcpy(g, next, sizeof next);
                cost = next_cost;
                lambda = fmax(lambda * 0.1, 1e-12);
            } else if (tiny) {
                break;
            } else {
                lambda *= 10;
            }
        }
        if (!better || tiny)
            break;
    }
    *final_cost = cost;
    return isfinite(cost) ? 0 : -1;
}

int tl_refine(const TlObservation *observations, int n, int iterations, double g[9], TlRefinement *info)
{
    Frame frame;
    double own[9], m[P * P], b[P], cost;
    if (n < 4 || frame_of(observations, n, &frame) || tl_orient(g) || into_frame(&frame, g, own))
        return -1;
    if (descend(observations, n, &frame, iterations, own, &cost))
        return -1;
    normal_equations(observations, n, &frame, own, m, b);
    if (factor(m))
        return -1;
    if (info) {
        info->cost = cost;
        for (int k = 0; k < P; k++) {
            double unit[P] = {0};
            unit[k] = 1;
            substitute(m, unit, info->covariance + P * k);
        }
        memcpy(info->g, own, sizeof own);
        memcpy(info->origin, frame.origin, sizeof frame.origin);
        info->scale = frame.scale;
        info->picture_scale = frame.picture_scale;
    }
    out_of_frame(&frame, own, g);
    return tl_orient(g);
}

double tl_refine_sigma_px(const TlRefinement *info, double x, double y)
{
    double place[2], d[2][P], variance = 0;
    if (derive(info->g, (x - info->origin[0]) * info->scale, (y - info->origin[1]) * info->scale, place, d[0], d[1]))
        return INFINITY;
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < P; i++)
            for (int j = 0; j < P; j++)
                variance += d[axis][i] * info->covariance[P * i + j] * d[axis][j];
    return sqrt(fmax(variance, 0)) / info->picture_scale;
}
