// The pitch: its 32 points and lines in metres, and the camera's homography from points seen in the picture.
#ifndef TL_PITCH_PITCH_H
#define TL_PITCH_PITCH_H

#include <touchline/result.h>

#include "media/media.h"

typedef struct TlPitchModel {
    double length_m, width_m;
    double point[TL_POINT_COUNT][2]; ///< metres; 10, 11, 18, 19 = where the penalty arc meets the penalty-area line
} TlPitchModel;

void tl_pitch_model_init(TlPitchModel *model, double length_m, double width_m); // 0 = 105 and 68
double tl_pitch_outside_m(const TlPitchModel *model, double x, double y); // how far a place is off the pitch, 0 on it
// The painted lines as polylines (arcs in short pieces): segment i as x1,y1,x2,y2 in metres. Returns the number of
// segments; writes at most max. For drawing and for line refinement.
int tl_pitch_segments(const TlPitchModel *model, double (*segments)[4], int max);
extern const int
    tl_pitch_mirror[TL_POINT_COUNT]; ///< index of the point that a left-right flip of the picture turns it into

// --- homographies: 3x3, row by row
void tl_homography_apply(const double h[9], double x, double y, double *out_x, double *out_y); // infinite when w is 0
int tl_homography_invert(const double h[9], double out[9]);                                    // -1 when singular
void tl_homography_multiply(const double a[9], const double b[9], double out[9]); // out = a b; may not alias
// Normalised DLT (Hartley 1997) of n >= 4 pairs from -> to with weights (NULL = 1). -1 when degenerate.
int tl_homography_dlt(const double (*from)[2], const double (*to)[2], const double *weight, int n, double out[9]);

// The homography between two fits a (t = 0) and b (t = 1) of one moving camera, t inside or a little outside 0..1. A
// camera that turns evenly comes out exactly, one that zooms or travels nearly so. t = 0 gives a, t = 1 gives b, and a
// and b may change places with t and 1 - t. -1 when the two pictures have no ground in common or one is singular; then
// treat the pair as a cut. Ground points need not lie on the pitch, so players' feet may be moved by out^-1 too.
int tl_homography_interpolate(const double a[9], const double b[9], double t, int width, int height, double out[9]);
// How far apart two homographies are: the ground seen in the picture through the one, drawn in the picture of the
// other, root mean square displacement in px over a grid. It is the camera's motion between two frames, or the
// disagreement of two fits of one frame. Symmetric. INFINITY when they have no ground in common or one is singular.
double tl_homography_distance_px(const double a[9], const double b[9], int width, int height);
// Where a ground point at (x, y) in the picture of `a` lies in the picture of `b`. -1 above the horizon.
int tl_homography_carry(const double a[9], const double b[9], double x, double y, double *out_x, double *out_y);

// --- views: a homography and the lens
//
// Wide broadcast lenses bow straight lines by 10 to 20 px at 1920 (barrel distortion, the more the wider the zoom),
// which no homography can follow. A view straightens the picture first: with r the distance from the picture's centre
// in picture widths, a place at r is moved to r / (1 + lens r^2) (division model, Fitzgibbon 2001), and `straight`
// takes the result to the pitch. lens = 0 leaves a plain homography, so a view made of any homography is {h, 0, width,
// height}.
typedef struct TlPitchView {
    double straight[9]; ///< straightened px -> m
    double lens;        ///< negative = barrel
    int width, height;
} TlPitchView;

// Picture -> pitch: -1 above the horizon (gx, gy untouched).
int tl_view_ground(const TlPitchView *view, double x, double y, double *gx, double *gy);
// The pixel of a box that stands for its place on the pitch: middle of the lower edge, of the ball its centre.
void tl_ground_pixel(const float bbox[4], int class_id, double *x, double *y);
// Pitch -> picture: -1 behind the camera or outside what the lens can show. The place may lie outside the picture.
int tl_view_picture(const TlPitchView *view, double gx, double gy, double *x, double *y);
// The lens alone: place in the picture -> straightened place, and back. -1 outside what the lens can show.
int tl_lens_straighten(double lens, int width, int height, double x, double y, double *sx, double *sy);
int tl_lens_bend(double lens, int width, int height, double sx, double sy, double *x, double *y);
// Between two views of one moving camera, as tl_homography_interpolate.
int tl_view_interpolate(const TlPitchView *a, const TlPitchView *b, double t, TlPitchView *out);
// As tl_homography_distance_px.
double tl_view_distance_px(const TlPitchView *a, const TlPitchView *b);
// The plain homography (picture px -> m) that comes nearest to the view over the visible part of the pitch: what a
// record carries. -1 when no pitch is visible.
int tl_view_homography(const TlPitchModel *model, const TlPitchView *view, double out[9]);

// The view that a record carries, and the other way round (the flat homography of a record is set apart). -1 when the
// record has none or it is not finite.
int tl_view_from_record(const TlRecord *record, int width, int height, TlPitchView *out);
void tl_view_to_record(const TlPitchView *view, TlRecord *record);

// The camera of a homography, when pixels are square and the principal point is the picture's centre.
typedef struct TlCameraPose {
    double focal_px;
    double position_m[3];   ///< x, y as on the pitch, z = height above the grass
    double pan, tilt, roll; ///< radians: 0 = looks along -y (across the pitch, away from the near side), right
                            ///< positive; tilt below the horizontal; roll clockwise
    double residual;        ///< how badly the homography fits a camera without skew, 0 = exactly
} TlCameraPose;
// -1 when no such camera exists (mirrored, singular) or the focal length cannot be seen (camera straight down).
int tl_pitch_camera(const double homography[9], int width, int height, TlCameraPose *pose);

typedef struct TlPitchFit {
    uint8_t valid;
    double homography[9]; ///< picture px -> pitch m: the best without a lens, for the record
    TlPitchView view;     ///< the same with the lens: more exact, for points, feet, lines and for interpolation
    int inliers;
    double rms_px;                ///< of the inliers, measured in the picture
    int lines_looked, lines_seen; ///< places of painted lines looked at and found on their place; 0 without a picture
} TlPitchFit;

typedef struct TlPitchFitParams {
    int width, height;             ///< picture px
    double inlier_px;              ///< 0 = 1 % of the width
    int min_inliers;               ///< 0 = 4 well spread points
    const double *prior;           ///< homography of a near frame (picture px -> m) or NULL; used as one more candidate
    const TlPitchView *prior_view; ///< instead of prior, better: its camera's place and lens are known
    const TlPicture *picture;      ///< luma for line refinement, or NULL
} TlPitchFitParams;

// Robust fit: least squares over all points, else RANSAC over minimal sets (all of them when few, seeded and
// deterministic otherwise); Levenberg-Marquardt on the reprojection error in the picture, weighted by confidence, for a
// camera with a lens, or for a bare homography where no camera can follow (stretched or filmed from a screen); gates of
// plausibility (no mirror, upright, height, distance, enough pitch visible at a sane scale). A near frame makes two or
// three points enough, with a picture even none. With a picture the result is pulled onto the painted lines, which
// takes about 1 ms and halves the error on the grass, and few points that no line confirms are refused. points: zero
// confidence = not seen. Allocates nothing. fit->valid 0 when nothing plausible was found. Never fails. Thread-safety:
// safe.
void tl_pitch_fit(const TlPitchModel *model, const TlPoint points[TL_POINT_COUNT], const TlPitchFitParams *params,
                  TlPitchFit *fit);

// The 32 points as answered: model points through the homography where they lie inside the picture (confidence from the
// network where it saw the point, else a lower one for points that the fit implies); 0,0,0 elsewhere.
void tl_pitch_project(const TlPitchModel *model, const double homography[9], const TlPoint seen[TL_POINT_COUNT],
                      int width, int height, TlPoint out[TL_POINT_COUNT]);
// The same through a view.
void tl_pitch_project_view(const TlPitchModel *model, const TlPitchView *view, const TlPoint seen[TL_POINT_COUNT],
                           TlPoint out[TL_POINT_COUNT]);

#endif
