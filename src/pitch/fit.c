// The fit of one frame: points in, plausible homography out.
//
// In: the 32 points with confidences, perhaps a homography of a near frame and the luma. Out: TlPitchFit. The way: if
// all points agree with their own least-squares solution it is taken; else RANSAC gives candidates, joined by the
// prior. Each candidate is polished by Levenberg-Marquardt on the inliers and must pass the gates and be certain enough
// everywhere in the visible part; the one that explains the points best wins.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

#define POINT_SIGMA_SHARE 0.0025 // of the width: scatter of a network's point
#define SIGMA_MOST_SHARE  0.03   // of the width: uncertainty of the fit at the seen points' surroundings
#define INLIER_SHARE      0.01

static int usable(const TlPoint *p, int width, int height)
{
    return p->confidence > 0 && isfinite(p->confidence) && isfinite(p->x) && isfinite(p->y) &&
           fabsf(p->x - (float)width * 0.5f) < 1.5f * (float)width &&
           fabsf(p->y - (float)height * 0.5f) < 1.5f * (float)height;
}

static void collect(const TlPitchModel *model, const TlPoint *points, int width, int height, TlSeen *seen)
{
    seen->count = 0;
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        if (!usable(&points[i], width, height))
            continue;
        int k = seen->count++;
        seen->index[k] = i;
        memcpy(seen->pitch[k], model->point[i], sizeof seen->pitch[k]);
        seen->picture[k][0] = points[i].x;
        seen->picture[k][1] = points[i].y;
        seen->confidence[k] = fmin(fmax(points[i].confidence, 0.05), 1);
    }
}

// What stays the same over the candidates of a frame.
typedef struct Job {
    const TlPitchModel *model;
    const TlPitchFitParams *params;
    double inlier_px, sigma_px;
    TlSeen seen;
} Job;

static int observe(const Job *job, uint32_t mask, double scale_px, TlObservation *out)
{
    int n = 0;
    for (int i = 0; i < job->seen.count; i++)
        if (mask & UINT32_C(1) << i)
            out[n++] = (TlObservation){.x = job->seen.pitch[i][0],
                                       .y = job->seen.pitch[i][1],
                                       .u = job->seen.picture[i][0],
                                       .v = job->seen.picture[i][1],
                                       .weight = job->seen.confidence[i] / (job->sigma_px * job->sigma_px),
                                       .scale_px = scale_px};
    return n;
}

// Levenberg-Marquardt on the inliers, which are chosen anew after it, until they stay the same.
static int polish(const Job *job, TlCandidate *candidate, TlRefinement *info)
{
    TlObservation observations[TL_POINT_COUNT];
    for (int round = 0; round < 5; round++) {
        uint32_t before = candidate->mask;
        int n = observe(job, before, job->inlier_px / 2, observations);
        if (tl_refine(observations, n, 20, candidate->g, info))
            return -1;
        tl_candidate_score(&job->seen, job->inlier_px, candidate);
        if (candidate->mask == before)
            break;
    }
    return 0;
}

// 1 when the points fix the camera well enough: at the seen points and in the corners of their surroundings.
static int certain(const Job *job, const TlCandidate *candidate, const TlRefinement *info)
{
    double most = SIGMA_MOST_SHARE * job->params->width;
    double homography[9];
    if (tl_homography_invert(candidate->g, homography))
        return 0;
    double det = tl_homography_determinant(homography);
    for (int corner = 0; corner < 4; corner++) {
        double u = job->params->width * (corner & 1 ? 0.75 : 0.25), v = job->params->height * (corner & 2 ? 0.8 : 0.4);
        double x, y;
        if ((homography[6] * u + homography[7] * v + homography[8]) * det <= 0)
            continue;
        tl_homography_apply(homography, u, v, &x, &y);
        if (x < 0 || y < 0 || x > job->model->length_m || y > job->model->width_m)
            continue;
        if (!(tl_refine_sigma_px(info, x, y) < most))
            return 0;
    }
    return 1;
}

static int inliers_of(uint32_t mask)
{
    return __builtin_popcount(mask);
}

// Polishes and judges; the best plausible candidate so far stays in *best.
static void consider(const Job *job, TlCandidate candidate, TlCandidate *best, int *found)
{
    TlRefinement info;
    int least = job->params->min_inliers > 4 ? job->params->min_inliers : 4;
    if (polish(job, &candidate, &info) || inliers_of(candidate.mask) < least)
        return;
    if (*found && candidate.score >= best->score)
        return;
    if (tl_gate(job->model, candidate.g, job->params->width, job->params->height) || !certain(job, &candidate, &info))
        return;
    *best = candidate;
    *found = 1;
}

// All points together, first as they are.
static int candidate_of_all(const Job *job, TlCandidate *candidate)
{
    const TlSeen *seen = &job->seen;
    if (tl_homography_dlt((const double(*)[2])seen->pitch, (const double(*)[2])seen->picture, seen->confidence,
                          seen->count, candidate->g) ||
        tl_orient(candidate->g))
        return -1;
    candidate->mask = seen->count == 32 ? UINT32_MAX : (UINT32_C(1) << seen->count) - 1;
    return 0;
}

static void candidate_of_prior(const Job *job, TlCandidate *best, int *found)
{
    TlCandidate candidate;
    if (!job->params->prior || tl_homography_invert(job->params->prior, candidate.g) || tl_orient(candidate.g))
        return;
    // The camera has moved since: look for inliers in a wider circle first.
    tl_candidate_score(&job->seen, 3 * job->inlier_px, &candidate);
    if (inliers_of(candidate.mask) >= 4)
        consider(job, candidate, best, found);
}

static int search(const Job *job, TlCandidate *best)
{
    TlCandidate candidates[TL_CANDIDATE_MAX], all;
    int found = 0;
    if (job->seen.count < 4)
        return 0;
    if (!candidate_of_all(job, &all)) {
        consider(job, all, best, &found);
        if (found && inliers_of(best->mask) == job->seen.count)
            return 1;
    }
    int count = tl_ransac(&job->seen, job->inlier_px, candidates);
    for (int i = 0; i < count; i++)
        consider(job, candidates[i], best, &found);
    candidate_of_prior(job, best, &found);
    return found;
}

static double rms_of(const TlSeen *seen, const TlCandidate *candidate)
{
    double sum = 0, u, v;
    int n = 0;
    for (int i = 0; i < seen->count; i++)
        if (candidate->mask & UINT32_C(1) << i && !tl_see(candidate->g, seen->pitch[i][0], seen->pitch[i][1], &u, &v)) {
            sum += (u - seen->picture[i][0]) * (u - seen->picture[i][0]) +
                   (v - seen->picture[i][1]) * (v - seen->picture[i][1]);
            n++;
        }
    return n ? sqrt(sum / n) : 0;
}

void tl_pitch_fit(const TlPitchModel *model, const TlPoint points[TL_POINT_COUNT], const TlPitchFitParams *params,
                  TlPitchFit *fit)
{
    Job job = {.model = model, .params = params};
    TlCandidate best;

    memset(fit, 0, sizeof *fit);
    if (params->width <= 0 || params->height <= 0)
        return;
    job.inlier_px = params->inlier_px > 0 ? params->inlier_px : INLIER_SHARE * params->width;
    job.sigma_px = POINT_SIGMA_SHARE * params->width;
    collect(model, points, params->width, params->height, &job.seen);
    if (!search(&job, &best) || tl_homography_invert(best.g, fit->homography))
        return;
    memcpy(fit->view.straight, fit->homography, sizeof fit->homography);
    fit->view.width = params->width;
    fit->view.height = params->height;
    fit->valid = 1;
    fit->inliers = inliers_of(best.mask);
    fit->rms_px = rms_of(&job.seen, &best);
}
