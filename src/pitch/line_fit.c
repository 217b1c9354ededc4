// The camera pulled onto the painted lines.
//
// In: a camera (or plain homography) that is right to within one percent of the picture's width, the points that it
// explains, and the picture. Out: the camera that fits points and lines together, or nothing when the picture does not
// agree better with it than before. Method: line places are searched in a narrowing circle around the camera of the
// round before, then points and places are fitted together with a Cauchy loss that narrows alike (graduated
// non-convexity), so that places on players, boards or a neighbouring line lose their weight.
#include "pitch/solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3, HITS_LEAST = 24 };

// Shares of the picture's width.
static const double reach_share[ROUNDS] = {0.010, 0.005, 0.003};
static const double scale_share[ROUNDS] = {0.0030, 0.0015, 0.0008};
#define LINE_SIGMA_SHARE 0.0012
#define TIGHT_SHARE      0.0015

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// How well the hits agree with the view that they were searched with.
static void judge(const TlPitchView *view, const TlObservation *hits, int n, TlLineJudgement *out)
{
    double offset[TL_LINE_HITS_MAX];
    out->hits = n;
    out->tight = 0;
    for (int i = 0; i < n; i++) {
        double u, v;
        offset[i] = INFINITY;
        if (!tl_view_picture(view, hits[i].x, hits[i].y, &u, &v))
            offset[i] = fabs((u - hits[i].u) * hits[i].nx + (v - hits[i].v) * hits[i].ny);
        out->tight += offset[i] < TIGHT_SHARE * view->width;
    }
    qsort(offset, (size_t)n, sizeof *offset, by_value);
    out->median_px = n ? offset[n / 2] : 0;
}

static int solve_round(const TlLineFit *job, const TlObservation *all, int n, TlCamera *camera, TlPitchView *view)
{
    double g[9];
    if (camera) {
        TlSolver solver = tl_camera_solver(job->context);
        return tl_solve(&solver, all, n, 4, camera, NULL) ||
                       tl_camera_view(camera, job->context->width, job->context->height, view)
                   ? -1
                   : 0;
    }
    if (tl_homography_invert(view->straight, g) || tl_homography_refine(all, n, 4, g, NULL))
        return -1;
    return tl_homography_invert(g, view->straight);
}

int tl_line_fit(TlLineFit *job, TlCamera *camera, TlPitchView *view)
{
    TlObservation all[TL_POINT_COUNT + TL_LINE_HITS_MAX];
    TlObservation *hits = all + job->point_count;
    TlCamera moved = camera ? *camera : (TlCamera){0};
    TlPitchView at = *view;
    double width = view->width, sigma = LINE_SIGMA_SHARE * width;

    memcpy(all, job->points, sizeof *all * (size_t)job->point_count);
    for (int round = 0; round < ROUNDS; round++) {
        int looked, n = tl_line_observe(job->model, job->picture, &at, reach_share[round] * width, hits,
                                        TL_LINE_HITS_MAX, &looked);
        if (round == 0) {
            judge(&at, hits, n, &job->before);
            job->before.looked = looked;
        }
        if (n < HITS_LEAST)
            return -1;
        for (int i = 0; i < n; i++) {
            hits[i].weight /= sigma * sigma;
            hits[i].scale_px = scale_share[round] * width;
        }
        if (solve_round(job, all, job->point_count + n, camera ? &moved : NULL, &at))
            return -1;
        if (round == ROUNDS - 1) {
            judge(&at, hits, n, &job->after);
            job->after.looked = looked;
        }
    }
    if (job->after.tight <= job->before.tight)
        return -1;
    if (camera)
        *camera = moved;
    *view = at;
    return 0;
}
