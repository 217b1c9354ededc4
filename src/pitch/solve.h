// Inside the pitch folder: solvers shared by the stages of the fit.
//
// G is the homography pitch m -> picture px, signed so that det > 0. A picture that is not mirrored then has w > 0 for
// everything in front of the camera, because the local change of orientation is det(G) / w^3.
#ifndef TL_PITCH_SOLVE_H
#define TL_PITCH_SOLVE_H

#include "pitch/pitch.h"

enum { TL_OBSERVATION_MAX = TL_POINT_COUNT + 512 };

// --- homography.c
double tl_homography_determinant(const double h[9]);
int tl_homography_normalise(double h[9]); // h[8] = 1, or unit norm when that is near 0; -1 when zero or not finite
// Exactly four pairs; -1 when three of them lie on a line on either side.
int tl_homography_four(const double (*from)[2], const double (*to)[2], double out[9]);

// --- refine.c
// One measurement: ground place (x, y) seen at (u, v). With a normal only the offset along it counts (a place somewhere
// on a line), without (0, 0) both coordinates do.
typedef struct TlObservation {
    double x, y;     ///< m
    double u, v;     ///< px
    double nx, ny;   ///< unit normal in the picture or 0, 0
    double weight;   ///< 1 / variance in px^2, times confidence
    double scale_px; ///< of the Cauchy loss: residuals well above it hardly count
} TlObservation;

typedef struct TlRefinement {
    double cost;           ///< robust sum of squares at the end
    double covariance[64]; ///< of the eight parameters in the solver's own frame
    double g[9];           ///< G in that frame
    double origin[2], scale, picture_scale;
} TlRefinement;

// Levenberg-Marquardt on the picture residuals, Cauchy loss. G in and out. -1 when there are too few measurements, they
// do not fix G, or their centre lies behind the camera; G is then untouched. info may be NULL.
int tl_refine(const TlObservation *observations, int n, int iterations, double g[9], TlRefinement *info);
// Standard deviation in px of the place of ground point (x, y) in the picture, by the covariance.
double tl_refine_sigma_px(const TlRefinement *info, double x, double y);
// Signs G so that det > 0. -1 when singular.
int tl_orient(double g[9]);
// Place of (x, y) in the picture by an oriented G; -1 behind the camera.
int tl_see(const double g[9], double x, double y, double *u, double *v);

// --- view.c
// The lens alone: place in the picture -> straightened place, and back. -1 outside what the lens can show.
int tl_lens_straighten(double lens, int width, int height, double x, double y, double *sx, double *sy);
int tl_lens_bend(double lens, int width, int height, double sx, double sy, double *x, double *y);

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
// 0 when G can be a picture of the pitch taken by a person or a mast, else the number of the gate that refused it.
int tl_gate(const TlPitchModel *model, const double g[9], int width, int height);

// --- lines.c
typedef struct TlLineFit {
    double g[9];
    int hits;                   ///< places where a painted line was found
    int expected;               ///< places looked at
    double before_px, after_px; ///< median distance of the hits from the lines
} TlLineFit;

// Pulls G onto the painted lines of the picture. 0 when it got better, -1 when G is better left alone.
int tl_line_refine(const TlPitchModel *model, const TlPicture *picture, const TlSeen *seen, uint32_t inliers,
                   const double g[9], double search_px, TlLineFit *fit);

#endif
