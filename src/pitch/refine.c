// Refinement of a plain homography by its reprojection error in the picture.
//
// In: measurements and a first G (pitch -> picture). Out: the G with the least robust error. The model for solver.c:
// eight entries of G, with both sides moved to the centre of the measurements and scaled, so that fixing the last entry
// to 1 is always legal (the centre is in front of the camera) and the parameters are of like size.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

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

static int see(const void *context, const void *state, double x, double y, double place[2], double (*d)[TL_PARAMETERS])
{
    const Frame *f = context;
    const double *g = state;
    x = (x - f->origin[0]) * f->scale;
    y = (y - f->origin[1]) * f->scale;
    double w = g[6] * x + g[7] * y + g[8], px = 1 / f->picture_scale;
    if (!(w > 1e-6))
        return -1;
    double u = (g[0] * x + g[1] * y + g[2]) / w, v = (g[3] * x + g[4] * y + g[5]) / w;
    place[0] = u * px + f->picture_origin[0];
    place[1] = v * px + f->picture_origin[1];
    if (!d)
        return 0;
    const double base[3] = {px * x / w, px * y / w, px / w};
    for (int k = 0; k < 3; k++) {
        d[0][k] = base[k], d[0][3 + k] = 0;
        d[1][k] = 0, d[1][3 + k] = base[k];
    }
    for (int k = 0; k < 2; k++) {
        d[0][6 + k] = -u * base[k];
        d[1][6 + k] = -v * base[k];
    }
    return 0;
}

static void step(const void *state, const double change[TL_PARAMETERS], void *next)
{
    const double *g = state;
    double *out = next;
    for (int i = 0; i < TL_PARAMETERS; i++)
        out[i] = g[i] + change[i];
    out[8] = 1;
}

int tl_homography_refine(const TlObservation *observations, int n, int iterations, double g[9], double *cost)
{
    Frame frame;
    TlSolution solution;
    const TlSolver solver = {.size = 9 * sizeof(double), .context = &frame, .see = see, .step = step};
    double own[9];

    if (n < 4 || frame_of(observations, n, &frame) || tl_orient(g) || into_frame(&frame, g, own) ||
        tl_solve(&solver, observations, n, iterations, own, &solution))
        return -1;
    if (cost)
        *cost = solution.cost;
    out_of_frame(&frame, own, g);
    return tl_orient(g);
}
