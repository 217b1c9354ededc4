// Motion of the picture between two key frames, seen from what moves in it.
//
// A motion is a homography previous px -> current px (9 numbers, row by row), most often a similarity without rotation.
#ifndef TL_TRACK_MOTION_H
#define TL_TRACK_MOTION_H

typedef struct TlMotionPoint {
    double x, y; ///< centre of a box, px
    double size; ///< its height, px: residuals are measured in it
} TlMotionPoint;

void tl_motion_identity(double motion[9]);
void tl_motion_similarity(double scale, double tx, double ty, double motion[9]); // x' = scale x + tx
void tl_motion_apply(const double motion[9], double *x, double *y); // leaves the point alone when it maps to infinity
double tl_motion_scale(const double motion[9], double x, double y); // local enlargement, within 0.25..4
// 1 when it could be a camera between two near frames: finite, no mirror, mild zoom, not more than a picture away.
int tl_motion_sane(const double motion[9], int width, int height);

// Robust similarity of n known pairs from -> to (iteratively reweighted). Returns the number of pairs that agree; below
// 3 motion is the median shift (n 1 or 2) or the identity (n 0).
int tl_motion_fit(const TlMotionPoint *from, const TlMotionPoint *to, int n, double motion[9]);

// The motion when nobody knows which point went where. guess: expected shift px (of the camera's speed so far). Returns
// the number of points that found a partner; motion is the identity when that is below 3 or too few to be believed.
int tl_motion_search(const TlMotionPoint *from, int from_count, const TlMotionPoint *to, int to_count,
                     const double guess[2], double motion[9]);

#endif
