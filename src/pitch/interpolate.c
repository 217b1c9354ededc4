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

static double distance_from_unit(const double m[9])
{
    double sum = 0;
    for (int i = 0; i < 9; i++)
        sum += (m[i] - (i % 4 == 0)) * (m[i] - (i % 4 == 0));
    return sqrt(sum);
}

// True inverse (tl_homography_invert rescales).
static int invert3(const double m[9], double out[9])
{
    double det = tl_homography_determinant(m);
    if (!(fabs(det) > 1e-12) || !isfinite(det))
        return -1;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int r0 = (j + 1) % 3, r1 = (j + 2) % 3, c0 = (i + 1) % 3, c1 = (i + 2) % 3;
            out[3 * i + j] = (m[3 * r0 + c0] * m[3 * r1 + c1] - m[3 * r0 + c1] * m[3 * r1 + c0]) / det;
        }
    return 0;
}

// Principal square root by the product of Denman and Beavers. -1 when there is none.
static int square_root(double m[9])
{
    double z[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, my[9], mz[9];
    for (int round = 0; round < 20; round++) {
        double change = 0;
        if (invert3(m, my) || invert3(z, mz))
            return -1;
        for (int i = 0; i < 9; i++) {
            double next = (m[i] + mz[i]) / 2;
            change = fmax(change, fabs(next - m[i]));
            m[i] = next;
            z[i] = (z[i] + my[i]) / 2;
        }
        if (change < 1e-14)
            return 0;
    }
    return -1;
}

// m <- m^t for m with determinant 1: square roots until it is near the unit matrix, log m = 2 artanh((m - 1) / (m +
// 1)), exponential series, and the squarings undone.
static int power(double m[9], double t)
{
    double plus[9], minus[9], inverse[9], x[9], square[9], term[9], next[9];
    int roots = 0;
    for (; distance_from_unit(m) > 0.2; roots++)
        if (roots > 8 || square_root(m))
            return -1;
    for (int i = 0; i < 9; i++) {
        plus[i] = m[i] + (i % 4 == 0);
        minus[i] = m[i] - (i % 4 == 0);
    }
    if (invert3(plus, inverse))
        return -1;
    tl_homography_multiply(minus, inverse, x);
    tl_homography_multiply(x, x, square);
    double logarithm[9] = {0};
    memcpy(term, x, sizeof term);
    for (int k = 1; k < 20; k += 2) {
        for (int i = 0; i < 9; i++)
            logarithm[i] += 2 * t * term[i] / k;
        tl_homography_multiply(term, square, next);
        memcpy(term, next, sizeof term);
    }
    for (int i = 0; i < 9; i++)
        m[i] = term[i] = i % 4 == 0;
    for (int k = 1; k < 20; k++) {
        tl_homography_multiply(term, logarithm, next);
        for (int i = 0; i < 9; i++) {
            term[i] = next[i] / k;
            m[i] += term[i];
        }
    }
    while (roots-- > 0) {
        tl_homography_multiply(m, m, next);
        memcpy(m, next, sizeof next);
    }
    return isfinite(distance_from_unit(m)) ? 0 : -1;
}

int tl_homography_interpolate(const double a[9], const double b[9], double t, int width, int height, double out[9])
{
    double in_a[ROWS * COLUMNS][2], in_b[ROWS * COLUMNS][2], m[9], half[9], back[9];
    const double to_unit[9] = {2.0 / width, 0, -1, 0, 2.0 / width, -1.0 * height / width, 0, 0, 1};
    const double from_unit[9] = {width / 2.0, 0, width / 2.0, 0, width / 2.0, height / 2.0, 0, 0, 1};

    if (!isfinite(t) || fabs(t) > 100 || common_ground(a, b, width, height, in_a, in_b) < 4 ||
        common_ground(b, a, width, height, in_b, in_a) < 4)
        return -1;
    // picture b -> picture a, in picture coordinates of size 1, determinant 1
    if (picture_to_picture(b, a, m))
        return -1;
    tl_homography_multiply(to_unit, m, half);
    tl_homography_multiply(half, from_unit, m);
    double scale = cbrt(tl_homography_determinant(m));
    for (int i = 0; i < 9; i++)
        m[i] /= scale;
    if (power(m, t))
        return -1;
    tl_homography_multiply(from_unit, m, half);
    tl_homography_multiply(half, to_unit, back);
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
