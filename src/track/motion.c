// Camera motion from boxes alone.
//
// In: centres and heights of boxes in two key frames. Out: a similarity that carries most of them over.
// A pan moves all boxes alike while the players' own steps differ, so the shift that most pairs of similar boxes agree
// on is the camera's (Hough voting over pair displacements), and iterated nearest-neighbour fits with shrinking reach
// sharpen it (trimmed ICP, Chetverikov et al. 2002). Players who all run one way bias the estimate by their speed; that
// does no harm here, because prediction and measurement are biased alike.
#include "track/motion.h"

#include <math.h>

enum { GRID = 64, PEAKS = 2, ROUNDS = 4, POINT_MAX = 512 };

void tl_motion_identity(double motion[9])
{
    tl_motion_similarity(1, 0, 0, motion);
}

void tl_motion_similarity(double scale, double tx, double ty, double motion[9])
{
    const double m[9] = {scale, 0, tx, 0, scale, ty, 0, 0, 1};
    for (int i = 0; i < 9; i++)
        motion[i] = m[i];
}

void tl_motion_apply(const double m[9], double *x, double *y)
{
    double w = m[6] * *x + m[7] * *y + m[8];
    double px = (m[0] * *x + m[1] * *y + m[2]) / w, py = (m[3] * *x + m[4] * *y + m[5]) / w;
    if (!isfinite(px) || !isfinite(py))
        return;
    *x = px;
    *y = py;
}

double tl_motion_scale(const double m[9], double x, double y)
{
    double w = m[6] * x + m[7] * y + m[8];
    double px = (m[0] * x + m[1] * y + m[2]) / w, py = (m[3] * x + m[4] * y + m[5]) / w;
    double a = (m[0] - px * m[6]) / w, b = (m[1] - px * m[7]) / w;
    double c = (m[3] - py * m[6]) / w, d = (m[4] - py * m[7]) / w;
    double scale = sqrt(fabs(a * d - b * c));
    return isfinite(scale) ? fmin(fmax(scale, 0.25), 4.0) : 1.0;
}

int tl_motion_sane(const double m[9], int width, int height)
{
    static const double place[5][2] = {{0.5, 0.5}, {0.1, 0.3}, {0.9, 0.3}, {0.1, 0.9}, {0.9, 0.9}};
    for (int i = 0; i < 9; i++)
        if (!isfinite(m[i]))
            return 0;
    double sign = m[6] * 0.5 * width + m[7] * 0.5 * height + m[8];
    for (int i = 0; i < 5; i++) {
        double x = place[i][0] * width, y = place[i][1] * height, w = m[6] * x + m[7] * y + m[8];
        if (!(w * sign > 0))
            return 0;
        double px = (m[0] * x + m[1] * y + m[2]) / w, py = (m[3] * x + m[4] * y + m[5]) / w;
        double det = ((m[0] - px * m[6]) * (m[4] - py * m[7]) - (m[1] - px * m[7]) * (m[3] - py * m[6])) / (w * w);
        if (!(det > 0.4 && det < 2.5) || !(fabs(px - x) < width && fabs(py - y) < height))
            return 0;
    }
    return 1;
}

// --- fits

// Weighted least squares of to = scale * from + shift; scale stays 1 while the points are few or close together.
static int fit_weighted(const TlMotionPoint *from, const TlMotionPoint *to, const double *weight, int n,
                        double motion[9])
{
    double sum = 0, fx = 0, fy = 0, tx = 0, ty = 0, size = 0;
    for (int i = 0; i < n; i++) {
        sum += weight[i];
        fx += weight[i] * from[i].x;
        fy += weight[i] * from[i].y;
        tx += weight[i] * to[i].x;
        ty += weight[i] * to[i].y;
        size += weight[i] * from[i].size;
    }
    if (!(sum > 1e-9))
        return -1;
    fx /= sum, fy /= sum, tx /= sum, ty /= sum, size /= sum;
    // The prior "scale is 1" weighs as much as two points three heights off the centre that do not zoom.
    double cross = 0, square = 0, prior = 2 * 9.0 * size * size;
    for (int i = 0; i < n; i++) {
        double ax = from[i].x - fx, ay = from[i].y - fy;
        cross += weight[i] * (ax * (to[i].x - tx) + ay * (to[i].y - ty));
        square += weight[i] * (ax * ax + ay * ay);
    }
    double scale = sum >= 4 ? (cross + prior) / (square + prior) : 1.0;
    scale = fmin(fmax(scale, 0.75), 1.33);
    tl_motion_similarity(scale, tx - scale * fx, ty - scale * fy, motion);
    return 0;
}

static double residual(const double motion[9], const TlMotionPoint *from, const TlMotionPoint *to)
{
    double x = from->x, y = from->y;
    tl_motion_apply(motion, &x, &y);
    return hypot(x - to->x, y - to->y) / fmax(0.5 * (from->size + to->size), 1.0);
}

static double tukey(double r, double reach)
{
    double q = r / reach;
    return q < 1 ? (1 - q * q) * (1 - q * q) : 0;
}

static double median(double *value, int n)
{
    for (int i = 1; i < n; i++) {
        double v = value[i];
        int k = i;
        for (; k > 0 && value[k - 1] > v; k--)
            value[k] = value[k - 1];
        value[k] = v;
    }
    return n & 1 ? value[n / 2] : 0.5 * (value[n / 2 - 1] + value[n / 2]);
}

int tl_motion_fit(const TlMotionPoint *from, const TlMotionPoint *to, int n, double motion[9])
{
    static const double reach[ROUNDS] = {2.0, 1.0, 0.6, 0.5};
    double dx[POINT_MAX], dy[POINT_MAX], weight[POINT_MAX];
    n = n > POINT_MAX ? POINT_MAX : n;
    tl_motion_identity(motion);
    if (n < 1)
        return 0;
    for (int i = 0; i < n; i++) {
        dx[i] = to[i].x - from[i].x;
        dy[i] = to[i].y - from[i].y;
    }
    tl_motion_similarity(1, median(dx, n), median(dy, n), motion);
    if (n < 3)
        return n;
    int agree = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double next[9];
        agree = 0;
        for (int i = 0; i < n; i++) {
            weight[i] = tukey(residual(motion, &from[i], &to[i]), reach[round]);
            agree += weight[i] > 0;
        }
        if (agree < 3 || fit_weighted(from, to, weight, n, next) < 0)
            break;
        for (int i = 0; i < 9; i++)
            motion[i] = next[i];
    }
    return agree;
}

// --- search

static int alike(const TlMotionPoint *a, const TlMotionPoint *b)
{
    return a->size < 1.35 * b->size && b->size < 1.35 * a->size;
}

// Follows one candidate to its nearest fit. Returns its score: pairs found, each counted by how well it lies.
static double refine(const TlMotionPoint *from, int n, const TlMotionPoint *to, int m, double motion[9], int *support)
{
    static const double reach[ROUNDS + 1] = {1.0, 0.8, 0.6, 0.5, 0.5};
    TlMotionPoint a[POINT_MAX], b[POINT_MAX];
    double weight[POINT_MAX], score = 0;
    for (int round = 0; round <= ROUNDS; round++) {
        int count = 0;
        score = 0;
        for (int i = 0; i < n; i++) {
            int best = -1;
            double nearest = reach[round];
            for (int k = 0; k < m; k++) {
                if (!alike(&from[i], &to[k]))
                    continue;
                double r = residual(motion, &from[i], &to[k]);
                if (r < nearest) {
                    nearest = r;
                    best = k;
                }
            }
            if (best < 0)
                continue;
            a[count] = from[i];
            b[count] = to[best];
            weight[count] = tukey(nearest, reach[round]);
            score += weight[count++];
        }
        *support = count;
        if (round == ROUNDS || count == 0 || fit_weighted(a, b, weight, count, motion) < 0)
            break;
    }
    return score;
}

// Shifts that many pairs agree on: the fullest cells of a histogram of displacements.
static int vote(const TlMotionPoint *from, int n, const TlMotionPoint *to, int m, double peak[PEAKS][2])
{
    float grid[GRID][GRID] = {{0}};
    double mean = 0;
    for (int i = 0; i < n; i++)
        mean += from[i].size / n;
    double cell = fmax(0.4 * mean, 1.0);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++) {
            double gx = (to[k].x - from[i].x) / cell + GRID / 2, gy = (to[k].y - from[i].y) / cell + GRID / 2;
            if (alike(&from[i], &to[k]) && gx >= 1 && gy >= 1 && gx < GRID - 1 && gy < GRID - 1)
                grid[(int)gy][(int)gx] += 1;
        }
    int found = 0;
    for (; found < PEAKS; found++) {
        float top = 2.5f; // three neighbours at least
        int px = -1, py = -1;
        for (int y = 1; y < GRID - 1; y++)
            for (int x = 1; x < GRID - 1; x++) {
                float sum = 0;
                for (int d = 0; d < 9; d++)
                    sum += grid[y + d / 3 - 1][x + d % 3 - 1];
                sum += 0.5f * grid[y][x];
                if (sum > top) {
                    top = sum;
                    px = x;
                    py = y;
                }
            }
        if (px < 0)
            break;
        for (int d = 0; d < 9; d++)
            grid[py + d / 3 - 1][px + d % 3 - 1] = 0;
        peak[found][0] = (px + 0.5 - GRID / 2) * cell;
        peak[found][1] = (py + 0.5 - GRID / 2) * cell;
    }
    return found;
}

int tl_motion_search(const TlMotionPoint *from, int from_count, const TlMotionPoint *to, int to_count,
                     const double guess[2], double motion[9])
{
    double start[PEAKS + 2][2] = {{guess[0], guess[1]}, {0, 0}}, best_score = 0;
    int n = from_count > POINT_MAX ? POINT_MAX : from_count, m = to_count, best_support = 0;
    tl_motion_identity(motion);
    if (n < 3 || m < 3)
        return 0;
    int fewer = n < m ? n : m, starts = 2;
    for (int s = 0; s < starts; s++) {
        double candidate[9];
        int support;
        tl_motion_similarity(1, start[s][0], start[s][1], candidate);
        double score = refine(from, n, to, m, candidate, &support);
        if (score > best_score * 1.1 + (s ? 0.3 : 0)) { // what is expected wins a draw
            best_score = score;
            best_support = support;
            for (int i = 0; i < 9; i++)
                motion[i] = candidate[i];
        }
        if (s == 1 && best_score < 0.6 * fewer) // neither as before nor at rest: look everywhere
            starts += vote(from, n, to, m, start + 2);
    }
    if (best_support < 3 || best_score < 0.2 * fewer) {
        tl_motion_identity(motion);
        return 0;
    }
    return best_support;
}
