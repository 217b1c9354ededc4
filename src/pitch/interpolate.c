// Between homographies of one moving camera: interpolation, distance, and carrying a place from picture to picture.
//
// In: two picture -> pitch homographies of the same camera. All three work through b^-1 a, which takes a place of the
// ground in picture a to its place in picture b; nothing here needs the pitch's own coordinates or size.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 5, ROWS = 5 };

// a -> b between pictures, signed so that what both see in front of the camera has w > 0.
static int picture_to_picture(const double a[9], const double b[9], double out[9])
{
    double inverse[9];
    if (tl_homography_invert(b, inverse))
        return -1;
    tl_homography_multiply(inverse, a, out);
    return tl_orient(out);
}

// 1 when the place lies on the ground side of the horizon of an upright camera.
static int on_ground(const double h[9], double x, double y)
{
    double w = h[6] * x + h[7] * y + h[8];
    return tl_homography_determinant(h) < 0 ? w < 0 : w > 0;
}

int tl_homography_carry(const double a[9], const double b[9], double x, double y, double *out_x, double *out_y)
{
    double m[9];
    if (picture_to_picture(a, b, m) || !on_ground(a, x, y))
        return -1;
    return tl_see(m, x, y, out_x, out_y);
}

// Places of picture a on the ground, kept a little below the horizon (where small errors of b would blow up), with
// their places in picture b. The grid runs over [0,1] x [0,1] of the picture. Returns their number.
static int common_ground(const double a[9], const double b[9], int width, int height, double (*in_a)[2],
                         double (*in_b)[2])
{
    double m[9];
    int n = 0;
    if (picture_to_picture(a, b, m))
        return 0;
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            double x = width * (double)column / (COLUMNS - 1), y = height * (double)row / (ROWS - 1), u, v;
            if (!on_ground(a, x, y) || !on_ground(a, x, y - 0.05 * height) || tl_see(m, x, y, &u, &v))
                continue;
            if (!on_ground(b, u, v) || fabs(u - width * 0.5) > 2.0 * width || fabs(v - height * 0.5) > 2.0 * height)
                continue;
            in_a[n][0] = x, in_a[n][1] = y;
            in_b[n][0] = u, in_b[n][1] = v;
            n++;
        }
    return n;
}

int tl_homography_interpolate(const double a[9], const double b[9], double t, int width, int height, double out[9])
{
    double in_a[2 * ROWS * COLUMNS][2], in_b[2 * ROWS * COLUMNS][2];
    // Half of the places come from each picture, so that swapping a and b gives the same path.
    int first = common_ground(a, b, width, height, in_a, in_b);
    int second = common_ground(b, a, width, height, in_b + first, in_a + first);
    int n = first + second;

    if (first < 4 || second < 4 || !isfinite(t))
        return -1;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            in_b[i][k] = (1 - t) * in_a[i][k] + t * in_b[i][k];
    // out = a after (picture at t -> picture a): fitted between pictures, where both sides have like units.
    double back[9];
    if (tl_homography_dlt((const double(*)[2])in_b, (const double(*)[2])in_a, NULL, n, back))
        return -1;
    tl_homography_multiply(a, back, out);
    return tl_homography_normalise(out);
}

double tl_homography_distance_px(const double a[9], const double b[9], int width, int height)
{
    double from[ROWS * COLUMNS][2], to[ROWS * COLUMNS][2], sum = 0;
    int n = 0;
    for (int turn = 0; turn < 2; turn++) {
        int here = common_ground(turn ? b : a, turn ? a : b, width, height, from, to);
        if (here < 3)
            return INFINITY;
        for (int i = 0; i < here; i++)
            sum +=
                (from[i][0] - to[i][0]) * (from[i][0] - to[i][0]) + (from[i][1] - to[i][1]) * (from[i][1] - to[i][1]);
        n += here;
    }
    return sqrt(sum / n);
}
