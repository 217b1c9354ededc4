// Inside the pitch folder: solvers shared by the stages of the fit.
//
// G is the homography pitch m -> picture px, signed so that det > 0. A picture that is not mirrored then has w > 0 for
// everything in front of the camera, because the local change of orientation is det(G) / w^3.
#ifndef TL_PITCH_SOLVE_H
#define TL_PITCH_SOLVE_H

#include <stddef.h>

#include "pitch/pitch.h"

// --- homography.c
double tl_homography_determinant(const double h[9]);
int tl_homography_normalise(double h[9]); // h[8] = 1, or unit norm when that is near 0; -1 when zero or not finite
// Exactly four pairs; -1 when three of them lie on a line on either side.
int tl_homography_four(const double (*from)[2], const double (*to)[2], double out[9]);

// --- solver.c
enum { TL_PARAMETERS = 8, TL_PRIORS_MAX = 10 };

// One measurement: ground place (x, y) seen at (u, v). With a normal only the offset along it counts (a place somewhere
// on a line), without (0, 0) both coordinates do.
typedef struct TlObservation {
    double x, y;     ///< m
    double u, v;     ///< px
    double nx, ny;   ///< unit normal in the picture or 0, 0
    double weight;   ///< 1 / variance in px^2, times confidence
    double scale_px; ///< of the Cauchy loss: residuals well above it hardly count
} TlObservation;

// A camera model of eight parameters.
typedef struct TlSolver {
    size_t size;         ///< bytes of a state, at most 256
    const void *context; ///< handed to see and prior
    // Place of a ground point in the picture, px, and its derivatives when d is not NULL; -1 when it cannot be seen.
    int (*see)(const void *context, const void *state, double x, double y, double place[2], double (*d)[TL_PARAMETERS]);
    void (*step)(const void *state, const double change[TL_PARAMETERS], void *next);
    // Residuals in standard deviations and their derivatives; returns their number. May be NULL.
    int (*prior)(const void *context, const void *state, double residual[TL_PRIORS_MAX], double (*row)[TL_PARAMETERS]);
} TlSolver;

typedef struct TlSolution {
    double cost, data_cost; ///< robust sums of squares at the end, with and without the prior
    double covariance[TL_PARAMETERS * TL_PARAMETERS];
} TlSolution;

// Improves state. -1 when the measurements (and the prior) do not fix it. solution may be NULL.
int tl_solve(const TlSolver *solver, const TlObservation *observations, int n, int iterations, void *state,
             TlSolution *solution);
double tl_solve_cost(const TlSolver *solver, const TlObservation *observations, int n, const void *state);
// Standard deviation in px of the place of ground point (x, y) in the picture.
double tl_solve_sigma_px(const TlSolver *solver, const void *state, const TlSolution *solution, double x, double y);

// --- refine.c
// Least robust error of a plain homography. G in and out. -1 when there are too few measurements, they do not fix G, or
// their centre lies behind the camera; G is then untouched. cost may be NULL.
int tl_homography_refine(const TlObservation *observations, int n, int iterations, double g[9], double *cost);
// Signs G so that det > 0. -1 when singular.
int tl_orient(double g[9]);
// Place of (x, y) in the picture by an oriented G; -1 behind the camera.
int tl_see(const double g[9], double x, double y, double *u, double *v);

// --- camera.c
// A camera on the ground of the pitch. World axes: x and y of the pitch, z into the ground; rows of the rotation are
// the picture's right, down and the way the camera looks.
typedef struct TlCamera {
    double log_focal; ///< of focal length / picture width
    double rotation[9];
    double position[3];
    double lens; ///< as TlPitchView
} TlCamera;

// What is thought of the camera before it is seen. sd 0 = nothing known.
typedef struct TlCameraPrior {
    double log_focal, log_focal_sd, position[3], position_sd[3], lens, lens_sd, near_lens, near_lens_sd, roll_sd;
    int lens_by_zoom; ///< the lens may bend more, and inwards, where the zoom is wide
} TlCameraPrior;

typedef struct TlCameraContext {
    int width, height;
    TlCameraPrior prior;
} TlCameraContext;

int tl_camera_from_homography(const double straight[9], double lens, int width, int height, TlCamera *camera);
int tl_camera_view(const TlCamera *camera, int width, int height, TlPitchView *view);
// Any camera at any football ground: beside the pitch, or behind a goal when the first guess (may be NULL) is there and
// looks along the pitch.
TlCameraPrior tl_camera_any(const TlPitchModel *model, const TlCamera *guess);
TlSolver tl_camera_solver(const TlCameraContext *context); ///< state: TlCamera

// --- ransac.c
// The points that were seen, without gaps.
typedef struct TlSeen {
    int count;
    int index[TL_POINT_COUNT];       ///< of the pitch point
    double pitch[TL_POINT_COUNT][2]; ///< m
    double picture[TL_POINT_COUNT][2];
    double confidence[TL_POINT_COUNT];
} TlSeen;

enum { TL_CANDIDATE_MAX = 8 };

typedef struct TlCandidate {
    double g[9];
    double score;  ///< MSAC: sum of confidence * min(r^2 / T^2, 1); lower is better
    uint32_t mask; ///< inliers, bit i = seen point i
} TlCandidate;

void tl_candidate_score(const TlSeen *seen, double inlier_px, TlCandidate *candidate); // fills score and mask
// Best candidates with different inlier sets, best first. Returns their number. Deterministic.
int tl_ransac(const TlSeen *seen, double inlier_px, TlCandidate candidates[TL_CANDIDATE_MAX]);

// --- gates.c
// 0 when the view can be a picture of the pitch taken by a person or a mast, else the number of the gate that refused
// it.
int tl_gate(const TlPitchModel *model, const TlPitchView *view);

// --- lines.c
enum { TL_LINE_HITS_MAX = 480 };

// Places where the picture shows a painted line within reach_px of where the view expects it: observations with
// normals, weight 0..1 (the caller scales it and sets scale_px). Returns their number; *looked = places searched.
int tl_line_observe(const TlPitchModel *model, const TlPicture *picture, const TlPitchView *view, double reach_px,
                    TlObservation *out, int max, int *looked);

// --- line_fit.c
typedef struct TlLineJudgement {
    int looked; ///< places searched
    int hits;   ///< where a line was found
    int tight;  ///< hits so near that they confirm the view
    double median_px;
} TlLineJudgement;

typedef struct TlLineFit {
    const TlPitchModel *model;
    const TlPicture *picture;
    const TlCameraContext *context; ///< for a camera
    const TlObservation *points;    ///< that hold the view where no line is
    int point_count;
    TlLineJudgement before, after; ///< filled in
} TlLineFit;

// camera may be NULL: then view is a plain homography. Both move together. -1, untouched, when nothing is gained.
int tl_line_fit(TlLineFit *job, TlCamera *camera, TlPitchView *view);

#endif
