// Homographies: apply, invert, multiply, and the normalised direct linear transform.
//
// Method: Hartley, "In defense of the eight-point algorithm", 1997, and Hartley & Zisserman, "Multiple View Geometry",
// alg. 4.2: both sides are moved and scaled to mean 0 and mean distance sqrt 2, the vector h that minimises |A h| is
// the eigenvector of A^T A with the smallest eigenvalue (cyclic Jacobi in double; normalised, A^T A loses no digit that
// matters at picture accuracy). Exactly four pairs are solved in closed form. Results carry h[8] = 1, or unit norm when
// h[8] is near 0 (the point (0, 0) on the horizon).
#include "pitch/solve.h"

#include <float.h>
#include <math.h>
#include <string.h>

void tl_homography_apply(const double h[9], double x, double y, double *out_x, double *out_y)
{
    double w = h[6] * x + h[7] * y + h[8];
    if (w == 0) {
        *out_x = *out_y = INFINITY;
        return;
    }
    *out_x = (h[0] * x + h[1] * y + h[2]) / w;
    *out_y = (h[3] * x + h[4] * y + h[5]) / w;
}

double tl_homography_determinant(const double h[9])
{
    return h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) + h[2] * (h[3] * h[7] - h[4] * h[6]);
}

static double norm9(const double h[9])
{
    double sum = 0;
    for (int i = 0; i < 9; i++)
        sum += h[i] * h[i];
    return sqrt(sum);
}

int tl_homography_normalise(double h[9])
{
    double norm = norm9(h);
    if (!(norm > 0) || !isfinite(norm))
        return -1;
    // With h[8] that small the other entries would lose digits in a text form with few decimals.
    double scale = fabs(h[8]) > 1e-9 * norm ? h[8] : norm;
    for (int i = 0; i < 9; i++)
        h[i] /= scale;
    return 0;
}

int tl_homography_invert(const double h[9], double out[9])
{
    double norm = norm9(h), unit[9];
    if (!(norm > 0) || !isfinite(norm))
        return -1;
    // Columns and rows of a homography differ by orders of magnitude (px against 1/px), so a test of the bare
    // determinant says nothing: scale the rows and then the columns to unit length first.
    double row[3], column[3];
    for (int i = 0; i < 3; i++) {
        row[i] = sqrt(h[3 * i] * h[3 * i] + h[3 * i + 1] * h[3 * i + 1] + h[3 * i + 2] * h[3 * i + 2]);
        if (!(row[i] > 0))
            return -1;
    }
    for (int j = 0; j < 3; j++) {
        double sum = 0;
        for (int i = 0; i < 3; i++)
            sum += h[3 * i + j] / row[i] * (h[3 * i + j] / row[i]);
        column[j] = sqrt(sum);
        if (!(column[j] > 0))
            return -1;
    }
    for (int i = 0; i < 9; i++)
        unit[i] = h[i] / row[i / 3] / column[i % 3];
    double det = tl_homography_determinant(unit);
    if (!(fabs(det) > 1e-13))
        return -1;
    double inverse[9] = {
        unit[4] * unit[8] - unit[5] * unit[7], unit[2] * unit[7] - unit[1] * unit[8],
        unit[1] * unit[5] - unit[2] * unit[4], unit[5] * unit[6] - unit[3] * unit[8],
        unit[0] * unit[8] - unit[2] * unit[6], unit[2] * unit[3] - unit[0] * unit[5],
        unit[3] * unit[7] - unit[4] * unit[6], unit[1] * unit[6] - unit[0] * unit[7],
        unit[0] * unit[4] - unit[1] * unit[3],
    };
    for (int i = 0; i < 9; i++)
        out[i] = inverse[i] / det / column[i / 3] / row[i % 3];
    return tl_homography_normalise(out);
}

void tl_homography_multiply(const double a[9], const double b[9], double out[9])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
}

// Maps the unit square's corners (projective basis) to four points: columns scaled so that their sum is the fourth one.
// -1 when three of the points lie on a line.
static int basis_to_points(const double (*p)[2], double out[9])
{
    double m[9] = {p[0][0], p[1][0], p[2][0], p[0][1], p[1][1], p[2][1], 1, 1, 1};
    double area = tl_homography_determinant(m);
    double extent = 0;
    for (int i = 1; i < 4; i++)
        extent = fmax(extent, fmax(fabs(p[i][0] - p[0][0]), fabs(p[i][1] - p[0][1])));
    double least = 1e-9 * extent * extent;
    // Barycentric weights of the fourth point, Cramer's rule.
    double weight[3];
    for (int k = 0; k < 3; k++) {
        double replaced[9];
        memcpy(replaced, m, sizeof m);
        replaced[k] = p[3][0];
        replaced[3 + k] = p[3][1];
        weight[k] = tl_homography_determinant(replaced);
        if (!(fabs(weight[k]) > least))
            return -1;
    }
    if (!(fabs(area) > least))
        return -1;
    for (int i = 0; i < 9; i++)
        out[i] = m[i] * weight[i % 3] / area;
    return 0;
}

int tl_homography_four(const double (*from)[2], const double (*to)[2], double out[9])
{
    double a[9], b[9], a_inverse[9];
    if (basis_to_points(from, a) || basis_to_points(to, b) || tl_homography_invert(a, a_inverse))
        return -1;
    tl_homography_multiply(b, a_inverse, out);
    return tl_homography_normalise(out);
}

// Similarity that brings weighted points to mean 0 and mean distance sqrt 2. -1 when all lie on one place.
static int normalising(const double (*p)[2], const double *weight, int n, double *cx, double *cy, double *scale)
{
    double sum = 0, x = 0, y = 0, distance = 0;
    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1;
        sum += w;
        x += w * p[i][0];
        y += w * p[i][1];
    }
    if (!(sum > 0) || !isfinite(sum) || !isfinite(x) || !isfinite(y))
        return -1;
    *cx = x / sum;
    *cy = y / sum;
    for (int i = 0; i < n; i++)
        distance += (weight ? weight[i] : 1) * hypot(p[i][0] - *cx, p[i][1] - *cy);
    *scale = M_SQRT2 * sum / distance;
    return distance > 0 && isfinite(*scale) ? 0 : -1;
}

static void add_row(double m[81], const double row[9], double weight)
{
    for (int i = 0; i < 9; i++)
        for (int j = i; j < 9; j++)
            m[9 * i + j] += weight * row[i] * row[j];
}

// Eigenvalues (left on the diagonal of m) and eigenvectors (columns of v) of a symmetric 9x9 matrix, cyclic Jacobi.
static void jacobi9(double m[81], double v[81])
{
    for (int i = 0; i < 81; i++)
        v[i] = i % 10 == 0;
    for (int sweep = 0; sweep < 30; sweep++) {
        double off = 0, diagonal = 0;
        for (int i = 0; i < 9; i++)
            for (int j = 0; j < 9; j++)
                *(i == j ? &diagonal : &off) += m[9 * i + j] * m[9 * i + j];
        if (off <= 1e-32 * diagonal)
            return;
        for (int p = 0; p < 8; p++)
            for (int q = p + 1; q < 9; q++) {
                double apq = m[9 * p + q];
                if (apq == 0)
                    continue;
                double theta = (m[10 * q] - m[10 * p]) / (2 * apq);
                double t = copysign(1.0, theta) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < 9; k++) {
                    double kp = m[9 * k + p], kq = m[9 * k + q];
                    m[9 * k + p] = c * kp - s * kq;
                    m[9 * k + q] = s * kp + c * kq;
                }
                for (int k = 0; k < 9; k++) {
                    double pk = m[9 * p + k], qk = m[9 * q + k];
                    m[9 * p + k] = c * pk - s * qk;
                    m[9 * q + k] = s * pk + c * qk;
                    double vp = v[9 * k + p], vq = v[9 * k + q];
                    v[9 * k + p] = c * vp - s * vq;
                    v[9 * k + q] = s * vp + c * vq;
                }
            }
    }
}

// The vector with the least |A h|; -1 when it is not unique (fewer than 8 independent rows).
static int null_vector(double m[81], double h[9])
{
    double v[81];
    int least = 0, second = -1;
    double most = 0;
    for (int i = 0; i < 9; i++)
        for (int j = 0; j < i; j++)
            m[9 * i + j] = m[9 * j + i];
    jacobi9(m, v);
    for (int i = 1; i < 9; i++)
        if (m[10 * i] < m[10 * least])
            least = i;
    for (int i = 0; i < 9; i++) {
        most = fmax(most, m[10 * i]);
        if (i != least && (second < 0 || m[10 * i] < m[10 * second]))
            second = i;
    }
    if (!(m[10 * second] > 1e-12 * most))
        return -1;
    for (int i = 0; i < 9; i++)
        h[i] = v[9 * i + least];
    return 0;
}

int tl_homography_dlt(const double (*from)[2], const double (*to)[2], const double *weight, int n, double out[9])
{
    double fx, fy, fs, tx, ty, ts, m[81] = {0}, h[9];
    int used = 0;

    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1;
        if (!isfinite(from[i][0]) || !isfinite(from[i][1]) || !isfinite(to[i][0]) || !isfinite(to[i][1]) ||
            !isfinite(w) || w < 0)
            return -1;
        used += w > 0;
    }
    if (used < 4 || normalising(from, weight, n, &fx, &fy, &fs) || normalising(to, weight, n, &tx, &ty, &ts))
        return -1;
    if (n == 4)
        return tl_homography_four(from, to, out);
    for (int i = 0; i < n; i++) {
        double x = (from[i][0] - fx) * fs, y = (from[i][1] - fy) * fs;
        double u = (to[i][0] - tx) * ts, v = (to[i][1] - ty) * ts, w = weight ? weight[i] : 1;
        add_row(m, (const double[9]){x, y, 1, 0, 0, 0, -u * x, -u * y, -u}, w);
        add_row(m, (const double[9]){0, 0, 0, x, y, 1, -v * x, -v * y, -v}, w);
    }
    if (null_vector(m, h))
        return -1;
    const double left[9] = {1 / ts, 0, tx, 0, 1 / ts, ty, 0, 0, 1};
    const double right[9] = {fs, 0, -fs * fx, 0, fs, -fs * fy, 0, 0, 1};
    double half[9], inverse[9];
    tl_homography_multiply(left, h, half);
    tl_homography_multiply(half, right, out);
    return tl_homography_invert(h, inverse) || tl_homography_normalise(out) ? -1 : 0;
}
