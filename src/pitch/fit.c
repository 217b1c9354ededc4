// The fit of one frame: points in, plausible view out.
//
// In: the 32 points with confidences, perhaps the view of a near frame and the luma. Out: TlPitchFit. The way: all
// points together, and when they do not agree RANSAC's best sets and the near frame, give first homographies. Each is
// polished, turned into a camera with a lens, and fitted again to the points it explains, with what is known of cameras
// at football grounds (or of this one, from the near frame) as a prior. It must pass the gates and be certain enough in
// the middle of the picture; the one that explains the points best wins. A plain homography stays when no camera can
// follow the points (stretched or cropped pictures).
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

#define POINT_SIGMA_SHARE 0.0025 // of the width: scatter of a network's point
#define SIGMA_MOST_SHARE  0.08   // of the width: uncertainty of the fit within the middle of the picture
#define INLIER_SHARE      0.01

// What a near frame tells: standard deviations of the camera's place (with a known lens, without), lens and log zoom.
#define NEAR_PLACE_SD_M       0.3
#define NEAR_PLACE_PLAIN_SD_M 3.0
#define NEAR_LENS_SD          0.03
#define NEAR_ZOOM_SD          0.2
#define NEAR_SWING_SHARE      0.35 // of the width, that two or three points may claim

enum { PAIRS_OF = 8, FOLLOW_HITS = 40, DENY_BELOW = 8, DENY_LOOKED = 60 };
#define DENY_SHARE   0.2
#define GOOD_SHARE   0.5
#define JUMP_GAIN    0.12 // share of lines that a leap of the camera must gain
#define PLAIN_GAIN   0.08
#define FOLLOW_SHARE 0.55
#define CAMERA_LIKE  0.02 // residual of the camera of a homography

// What stays the same over the candidates of a frame.
typedef struct Job {
    const TlPitchModel *model;
    const TlPitchFitParams *params;
    double inlier_px, sigma_px;
    TlSeen seen;
} Job;

typedef struct Found {
    int valid;
    TlPitchView view;
    TlCamera camera; ///< when has_camera
    int has_camera;
    TlCameraPrior prior; ///< that it was fitted with
    TlLineJudgement lines;
    uint32_t mask;
    double score;
} Found;

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

static int inliers_of(uint32_t mask)
{
    return __builtin_popcount(mask);
}

static int observe(const Job *job, uint32_t mask, TlObservation *out)
{
    int n = 0;
    for (int i = 0; i < job->seen.count; i++)
        if (mask & UINT32_C(1) << i)
            out[n++] = (TlObservation){.x = job->seen.pitch[i][0],
                                       .y = job->seen.pitch[i][1],
                                       .u = job->seen.picture[i][0],
                                       .v = job->seen.picture[i][1],
                                       .weight = job->seen.confidence[i] / (job->sigma_px * job->sigma_px),
                                       .scale_px = job->inlier_px / 2};
    return n;
}

// Inliers and score (as tl_candidate_score) of a camera.
static void score_camera(const Job *job, const TlSolver *solver, const TlCamera *camera, double inlier_px,
                         uint32_t *mask, double *score)
{
    *mask = 0;
    *score = 0;
    for (int i = 0; i < job->seen.count; i++) {
        double place[2], share = 1;
        if (!solver->see(solver->context, camera, job->seen.pitch[i][0], job->seen.pitch[i][1], place, NULL))
            share = pow(hypot(place[0] - job->seen.picture[i][0], place[1] - job->seen.picture[i][1]) / inlier_px, 2);
        if (share < 1)
            *mask |= UINT32_C(1) << i;
        *score += job->seen.confidence[i] * fmin(share, 1);
    }
}

// Levenberg-Marquardt on the inliers, which are chosen anew after it, until they stay the same.
static int polish(const Job *job, TlCandidate *candidate)
{
    TlObservation observations[TL_POINT_COUNT];
    for (int round = 0; round < 3; round++) {
        uint32_t before = candidate->mask;
        int n = observe(job, before, observations);
        if (tl_homography_refine(observations, n, 10, candidate->g, NULL))
            return -1;
        tl_candidate_score(&job->seen, job->inlier_px, candidate);
        if (candidate->mask == before)
            break;
    }
    return 0;
}

// 1 when the camera is known well enough on the visible pitch around the middle of the picture.
static int certain(const Job *job, const TlSolver *solver, const TlCamera *camera, const TlPitchView *view,
                   const TlSolution *solution)
{
    for (int corner = 0; corner < 4; corner++) {
        double u = view->width * (corner & 1 ? 0.75 : 0.25), v = view->height * (corner & 2 ? 0.8 : 0.4), x, y;
        if (tl_view_ground(view, u, v, &x, &y) || x < 0 || y < 0 || x > job->model->length_m || y > job->model->width_m)
            continue;
        if (!(tl_solve_sigma_px(solver, camera, solution, x, y) < SIGMA_MOST_SHARE * view->width))
            return 0;
    }
    return 1;
}

static int least_inliers(const Job *job)
{
    return job->params->min_inliers > 4 ? job->params->min_inliers : 4;
}

// Fits the camera, starting at *camera, to the points it explains. -1 when it is not plausible.
static int fit_camera(const Job *job, const TlCameraPrior *prior, uint32_t mask, int least, TlCamera *camera,
                      Found *found)
{
    const TlPitchFitParams *p = job->params;
    TlCameraContext context = {p->width, p->height, *prior};
    TlSolver solver = tl_camera_solver(&context);
    TlObservation observations[TL_POINT_COUNT];
    TlSolution solution;

    for (int round = 0; round < 4; round++) {
        uint32_t before = mask;
        int n = observe(job, mask, observations);
        if (tl_solve(&solver, observations, n, 15, camera, &solution))
            return -1;
        score_camera(job, &solver, camera, job->inlier_px, &mask, &found->score);
        if (mask == before)
            break;
    }
    if (tl_camera_view(camera, p->width, p->height, &found->view) || inliers_of(mask) < least ||
        tl_gate(job->model, &found->view) || !certain(job, &solver, camera, &found->view, &solution))
        return -1;
    found->camera = *camera;
    found->has_camera = 1;
    found->prior = *prior;
    found->mask = mask;
    found->valid = 1;
    return 0;
}

static int plain(const Job *job, const TlCandidate *candidate, Found *found)
{
    found->view = (TlPitchView){.width = job->params->width, .height = job->params->height};
    if (inliers_of(candidate->mask) < least_inliers(job) + 2 ||
        tl_homography_invert(candidate->g, found->view.straight) || tl_gate(job->model, &found->view))
        return -1;
    found->mask = candidate->mask;
    found->score = candidate->score;
    found->valid = 1;
    return 0;
}

// What a camera may explain the points worse than a plain homography does, before the latter is believed.
static double allowance(const Job *job)
{
    return 0.5 + 0.02 * job->seen.count;
}

// Polishes and judges a first homography; the best plausible result so far stays in *best.
static void consider(const Job *job, TlCandidate candidate, Found *best)
{
    TlCamera camera;
    Found by_camera = {0}, by_plain = {0};
    if (polish(job, &candidate))
        return;
    double homography[9];
    if (!tl_homography_invert(candidate.g, homography) &&
        !tl_camera_from_homography(homography, 0, job->params->width, job->params->height, &camera)) {
        TlCameraPrior prior = tl_camera_any(job->model, &camera);
        (void)fit_camera(job, &prior, candidate.mask, least_inliers(job), &camera, &by_camera);
    }
    if (by_camera.valid && (!best->valid || by_camera.score < best->score))
        *best = by_camera;
    if (!best->valid || candidate.score + allowance(job) < best->score)
        if (!plain(job, &candidate, &by_plain))
            *best = by_plain;
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

static void search(const Job *job, Found *best)
{
    TlCandidate candidates[TL_CANDIDATE_MAX], all;
    if (job->seen.count < 4)
        return;
    if (!candidate_of_all(job, &all)) {
        consider(job, all, best);
        // When four of five points agree, the loss has already dealt with the fifth.
        int agree = best->valid ? inliers_of(best->mask) : 0;
        if (agree == job->seen.count || (agree >= 8 && 5 * agree >= 4 * job->seen.count))
            return;
    }
    int count = tl_ransac(&job->seen, job->inlier_px, candidates);
    for (int i = 0; i < count; i++)
        consider(job, candidates[i], best);
}

// The camera of the near frame and what it says about this one: the mast stays where it is and so does the lens.
static int near_camera(const Job *job, TlCamera *camera, TlCameraPrior *prior)
{
    const TlPitchFitParams *p = job->params;
    const TlPitchView *view = p->prior_view;
    const double *homography = view ? view->straight : p->prior;
    if (!homography || (view && (view->width != p->width || view->height != p->height)) ||
        tl_camera_from_homography(homography, view ? view->lens : 0, p->width, p->height, camera))
        return -1;
    double place_sd = view ? NEAR_PLACE_SD_M : NEAR_PLACE_PLAIN_SD_M;
    *prior = tl_camera_any(job->model, NULL);
    prior->log_focal = camera->log_focal;
    prior->log_focal_sd = NEAR_ZOOM_SD;
    for (int k = 0; k < 3; k++) {
        prior->position[k] = camera->position[k];
        prior->position_sd[k] = place_sd;
    }
    if (view) {
        prior->near_lens = camera->lens;
        prior->near_lens_sd = NEAR_LENS_SD;
    }
    return 0;
}

// Turns and zooms the near camera so that two points fit, for every pair, and leaves the best start in *camera.
static uint32_t best_pair(const Job *job, const TlCameraPrior *prior, TlCamera *camera)
{
    TlCameraContext context = {job->params->width, job->params->height, *prior};
    TlSolver solver = tl_camera_solver(&context);
    TlCamera start = *camera;
    double best, score;
    uint32_t best_mask, mask;

    score_camera(job, &solver, camera, 2 * job->inlier_px, &best_mask, &best);
    int pairs_of = job->seen.count < PAIRS_OF ? job->seen.count : PAIRS_OF;
    for (int a = 0; a < pairs_of; a++)
        for (int b = a + 1; b < pairs_of; b++) {
            TlObservation pair[2];
            TlCamera turned = start;
            (void)observe(job, UINT32_C(1) << a | UINT32_C(1) << b, pair);
            pair[0].scale_px = pair[1].scale_px = job->params->width; // no loss of faith while it swings round
            if (tl_solve(&solver, pair, 2, 10, &turned, NULL))
                continue;
            score_camera(job, &solver, &turned, 2 * job->inlier_px, &mask, &score);
            if (score < best) {
                best = score;
                best_mask = mask;
                *camera = turned;
            }
        }
    return best_mask;
}

// What the near frame knows. Two or three points are enough then, if the camera has not swung far.
static void search_near(const Job *job, const Found *alone, Found *found)
{
    TlCamera camera;
    TlCameraPrior prior;
    if (near_camera(job, &camera, &prior) || job->seen.count < 2)
        return;
    uint32_t mask = alone->mask;
    if (alone->valid && alone->has_camera)
        camera = alone->camera;
    else
        mask = best_pair(job, &prior, &camera);
    if (fit_camera(job, &prior, mask, 2, &camera, found) || inliers_of(found->mask) >= least_inliers(job))
        return;
    TlPitchView near = {.width = job->params->width, .height = job->params->height};
    if (job->params->prior_view)
        near = *job->params->prior_view;
    else
        memcpy(near.straight, job->params->prior, sizeof near.straight);
    if (3 * inliers_of(found->mask) < 2 * job->seen.count ||
        !(tl_view_distance_px(&near, &found->view) < NEAR_SWING_SHARE * job->params->width))
        found->valid = 0;
}

static double rms_of(const TlSeen *seen, const Found *found)
{
    double sum = 0, u, v;
    int n = 0;
    for (int i = 0; i < seen->count; i++)
        if (found->mask & UINT32_C(1) << i &&
            !tl_view_picture(&found->view, seen->pitch[i][0], seen->pitch[i][1], &u, &v)) {
            sum += (u - seen->picture[i][0]) * (u - seen->picture[i][0]) +
                   (v - seen->picture[i][1]) * (v - seen->picture[i][1]);
            n++;
        }
    return n ? sqrt(sum / n) : 0;
}

// Pulls the result onto the painted lines when the picture agrees, and notes how well it does.
static void sharpen(const Job *job, Found *found)
{
    TlObservation points[TL_POINT_COUNT];
    TlCameraContext context = {job->params->width, job->params->height, found->prior};
    TlLineFit lines = {.model = job->model, .picture = job->params->picture, .context = &context, .points = points};
    Found moved = *found;

    lines.point_count = observe(job, found->mask, points);
    if (tl_line_fit(&lines, found->has_camera ? &moved.camera : NULL, &moved.view) ||
        tl_gate(job->model, &moved.view)) {
        found->lines = lines.before;
        return;
    }
    *found = moved;
    found->lines = lines.after;
}

static double share_of(const Found *found)
{
    return found->lines.looked > 0 ? (double)found->lines.tight / found->lines.looked : 0;
}

// Few points and hardly a line where lines should be: the points lied. On labelled frames right fits find 34 to 80 % of
// the lines, fits to wrong points hardly ever a third.
static int denied_by_lines(const Found *found)
{
    return inliers_of(found->mask) < DENY_BELOW && found->lines.looked >= DENY_LOOKED && share_of(found) < DENY_SHARE;
}

// No points worth the name, but a near frame and a picture: the lines alone may tell that the camera still looks there.
// A near homography that is no camera's is followed as it is.
static void follow_lines(const Job *job, Found *found)
{
    const TlPitchView *near = job->params->prior_view;
    TlCameraPose pose;
    if (near_camera(job, &found->camera, &found->prior))
        return;
    found->has_camera =
        !near || tl_pitch_camera(near->straight, near->width, near->height, &pose) || pose.residual < CAMERA_LIKE;
    if (!found->has_camera)
        found->view = *near;
    else if (tl_camera_view(&found->camera, job->params->width, job->params->height, &found->view))
        return;
    sharpen(job, found);
    found->valid =
        found->lines.tight >= FOLLOW_HITS && share_of(found) >= FOLLOW_SHARE && !tl_gate(job->model, &found->view);
}

// The picture was filmed from a screen, cropped or stretched when a bare homography finds clearly more lines.
static void sharpen_plain(const Job *job, Found *best)
{
    TlCandidate candidate = {.mask = best->mask};
    Found bare = {0};
    double g[9];
    if (tl_homography_invert(best->view.straight, g))
        return;
    memcpy(candidate.g, g, sizeof g);
    if (tl_orient(candidate.g) || polish(job, &candidate) || plain(job, &candidate, &bare))
        return;
    sharpen(job, &bare);
    if (share_of(&bare) > share_of(best) + PLAIN_GAIN)
        *best = bare;
}

// Lines decide between what the points alone say and what the near frame adds. The near frame has the benefit of the
// doubt: a mast does not jump.
static Found decide_by_lines(const Job *job, const Found *alone, const Found *near)
{
    Found best = near->valid ? *near : *alone, other = *alone;
    if (!best.valid) {
        follow_lines(job, &best);
        return best;
    }
    sharpen(job, &best);
    if (near->valid && alone->valid && (alone->score + allowance(job) < near->score || share_of(&best) < GOOD_SHARE)) {
        sharpen(job, &other);
        if (share_of(&other) > share_of(&best) + JUMP_GAIN)
            best = other;
    }
    if (best.has_camera && share_of(&best) < GOOD_SHARE && best.lines.looked >= DENY_LOOKED)
        sharpen_plain(job, &best);
    best.valid = !denied_by_lines(&best);
    return best;
}

void tl_pitch_fit(const TlPitchModel *model, const TlPoint points[TL_POINT_COUNT], const TlPitchFitParams *params,
                  TlPitchFit *fit)
{
    Job job = {.model = model, .params = params};
    Found alone = {0}, near = {0}, best;

    memset(fit, 0, sizeof *fit);
    if (params->width <= 0 || params->height <= 0)
        return;
    job.inlier_px = params->inlier_px > 0 ? params->inlier_px : INLIER_SHARE * params->width;
    job.sigma_px = POINT_SIGMA_SHARE * params->width;
    collect(model, points, params->width, params->height, &job.seen);
    search(&job, &alone);
    search_near(&job, &alone, &near);
    if (params->picture && params->picture->plane[0])
        best = decide_by_lines(&job, &alone, &near);
    else
        best = near.valid && (!alone.valid || near.score < alone.score + allowance(&job)) ? near : alone;
    if (!best.valid || tl_view_homography(model, &best.view, fit->homography))
        return;
    fit->lines_looked = best.lines.looked;
    fit->lines_seen = best.lines.tight;
    fit->view = best.view;
    fit->valid = 1;
    fit->inliers = inliers_of(best.mask);
    fit->rms_px = rms_of(&job.seen, &best);
}
