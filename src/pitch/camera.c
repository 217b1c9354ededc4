// The camera of a homography: focal length, place, pan, tilt, roll.
//
// In: picture -> pitch homography and the picture size; pixels are taken as square and the principal point as the
// centre. Out: the nearest real camera. Method: G = s K [r1 r2 t] (Zhang 2000); r1 and r2 are orthonormal, which gives
// two linear equations for 1 / f^2, solved by least squares. Far away or steep cameras hardly show their focal length,
// so it is kept within sane bounds and what then remains of the two equations is reported as the residual.
#include "pitch/solve.h"

#include <math.h>

#define FOCAL_LEAST 0.35 // of the width: 110 degrees of view
#define FOCAL_MOST  30.0 // 1.9 degrees

static double dot3(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross3(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

// Columns of G in units of the picture's width, origin in its centre.
static int centred_columns(const double homography[9], int width, int height, double column[3][3])
{
    double g[9];
    if (width <= 0 || height <= 0 || tl_homography_invert(homography, g) || tl_orient(g))
        return -1;
    for (int j = 0; j < 3; j++) {
        column[j][0] = (g[j] - width * 0.5 * g[6 + j]) / width;
        column[j][1] = (g[3 + j] - height * 0.5 * g[6 + j]) / width;
        column[j][2] = g[6 + j];
    }
    return 0;
}

static double focal_of(double column[3][3])
{
    const double *p = column[0], *q = column[1];
    double a[2] = {-(p[0] * q[0] + p[1] * q[1]), -(p[0] * p[0] + p[1] * p[1] - q[0] * q[0] - q[1] * q[1]) / 2};
    double b[2] = {p[2] * q[2], (p[2] * p[2] - q[2] * q[2]) / 2};
    double above = a[0] * b[0] + a[1] * b[1], below = b[0] * b[0] + b[1] * b[1];
    if (!(above > 0))
        return FOCAL_MOST;
    double squared = below > 0 ? above / below : INFINITY;
    return fmin(fmax(sqrt(squared), FOCAL_LEAST), FOCAL_MOST);
}

int tl_pitch_camera(const double homography[9], int width, int height, TlCameraPose *pose)
{
    double c[3][3], r3[3];
    if (centred_columns(homography, width, height, c))
        return -1;
    double focal = focal_of(c);
    for (int j = 0; j < 3; j++) {
        c[j][0] /= focal;
        c[j][1] /= focal;
    }
    double length1 = sqrt(dot3(c[0], c[0])), length2 = sqrt(dot3(c[1], c[1]));
    double scale = sqrt(length1 * length2);
    if (!(scale > 0) || !isfinite(scale))
        return -1;
    double skew = dot3(c[0], c[1]) / (scale * scale), stretch = (length1 - length2) / scale;
    pose->residual = sqrt(skew * skew + stretch * stretch);
    // The rotation nearest to the two columns: turn both by half the angle that is missing, symmetrically.
    for (int k = 0; k < 3; k++) {
        double sum = c[0][k] / length1 + c[1][k] / length2, difference = c[0][k] / length1 - c[1][k] / length2;
        c[0][k] = sum;
        c[1][k] = difference;
        c[2][k] /= scale;
    }
    double sum = sqrt(2 * dot3(c[0], c[0])), difference = sqrt(2 * dot3(c[1], c[1]));
    if (!(sum > 1e-9) || !(difference > 1e-9))
        return -1;
    for (int k = 0; k < 3; k++) {
        double s = c[0][k] / sum, d = c[1][k] / difference;
        c[0][k] = s + d;
        c[1][k] = s - d;
    }
    cross3(c[0], c[1], r3);
    pose->focal_px = focal * width;
    pose->position_m[0] = -dot3(c[0], c[2]);
    pose->position_m[1] = -dot3(c[1], c[2]);
    pose->position_m[2] = dot3(r3, c[2]); // the third axis points into the ground
    pose->pan = atan2(c[0][2], -c[1][2]);
    pose->tilt = asin(fmin(fmax(r3[2], -1), 1));
    const double level[3] = {cos(pose->pan), sin(pose->pan), 0}, forward[3] = {c[0][2], c[1][2], r3[2]};
    const double right[3] = {c[0][0], c[1][0], r3[0]};
    double down[3];
    cross3(forward, level, down);
    pose->roll = atan2(dot3(right, down), dot3(right, level));
    return 0;
}
