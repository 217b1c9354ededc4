// Synthetic cameras for the tests of the pitch: written anew from the pinhole equations, sharing nothing with the
// library.
//
// World: x and y as on the pitch, z up. A camera stands at `place` and looks at a point of the ground.
#ifndef TL_TESTS_PITCH_SYNTHETIC_H
#define TL_TESTS_PITCH_SYNTHETIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "pitch/pitch.h"

typedef struct Synthetic {
    double place[3], look[2], focal_px, roll, lens;
    int width, height;
} Synthetic;

static inline void synthetic_axes(const Synthetic *s, double right[3], double down[3], double forward[3])
{
    double dx = s->look[0] - s->place[0], dy = s->look[1] - s->place[1], dz = -s->place[2];
    double length = sqrt(dx * dx + dy * dy + dz * dz), flat = sqrt(dx * dx + dy * dy);
    forward[0] = dx / length, forward[1] = dy / length, forward[2] = dz / length;
    // Seen from above with y towards the near side, right of a view direction (a, b) is (-b, a).
    double level[3] = {-dy / flat, dx / flat, 0};
    // Forward turned a quarter downwards within its vertical plane.
    double lower[3] = {dx / flat * dz / length, dy / flat * dz / length, -flat / length};
    for (int k = 0; k < 3; k++) {
        right[k] = cos(s->roll) * level[k] + sin(s->roll) * lower[k];
        down[k] = -sin(s->roll) * level[k] + cos(s->roll) * lower[k];
    }
}

// Where the camera shows a ground point; 0 when it lies behind.
static inline int synthetic_see(const Synthetic *s, double x, double y, double *u, double *v)
{
    double right[3], down[3], forward[3], q[3] = {x - s->place[0], y - s->place[1], -s->place[2]}, a = 0, b = 0, c = 0;
    synthetic_axes(s, right, down, forward);
    for (int k = 0; k < 3; k++) {
        a += q[k] * right[k];
        b += q[k] * down[k];
        c += q[k] * forward[k];
    }
    if (c <= 0.01)
        return 0;
    double px = a / c * s->focal_px / s->width, py = b / c * s->focal_px / s->width, r = hypot(px, py), bent = r;
    // r = bent / (1 + lens bent^2) by bisection: independent of the closed form under test.
    if (s->lens != 0 && r > 0) {
        double low = 0, high = 4 * r;
        if (s->lens > 0)
            high = 1 / sqrt(s->lens);
        for (int i = 0; i < 200; i++) {
            bent = (low + high) / 2;
            double below = 1 + s->lens * bent * bent;
            if (below <= 0 || bent / below > r)
                high = bent;
            else
                low = bent;
        }
    }
    double factor = r > 0 ? bent / r : 1;
    *u = s->width * (0.5 + px * factor);
    *v = s->height * 0.5 + s->width * py * factor;
    return 1;
}

// Deterministic random numbers.
static uint64_t synthetic_state = 88172645463325252u;

static inline double uniform(void)
{
    synthetic_state ^= synthetic_state << 13;
    synthetic_state ^= synthetic_state >> 7;
    synthetic_state ^= synthetic_state << 17;
    return (double)(synthetic_state >> 11) * 0x1p-53;
}

static inline double gaussian(void)
{
    return sqrt(-2 * log(uniform() + 1e-300)) * cos(2 * M_PI * uniform());
}

// The points as a network would say them: those inside the picture, with scatter. Returns their number.
static inline int synthetic_points(const Synthetic *s, const TlPitchModel *model, double scatter_px, TlPoint points[32])
{
    int n = 0;
    memset(points, 0, 32 * sizeof *points);
    for (int i = 0; i < 32; i++) {
        double u, v;
        if (!synthetic_see(s, model->point[i][0], model->point[i][1], &u, &v) || u < 0 || v < 0 || u >= s->width ||
            v >= s->height)
            continue;
        points[i] = (TlPoint){(float)(u + scatter_px * gaussian()), (float)(v + scatter_px * gaussian()), 0.9F};
        n++;
    }
    return n;
}

// Largest and mean error in px of a view at the ground points of a 5 m grid that the camera shows.
static inline double synthetic_error_px(const Synthetic *s, const TlPitchView *view, double *mean)
{
    double worst = 0, sum = 0;
    int n = 0;
    for (double x = 0; x <= 105; x += 5)
        for (double y = 0; y <= 68; y += 4) {
            double u, v, a, b;
            if (!synthetic_see(s, x, y, &u, &v) || u < 0 || v < 0 || u >= s->width || v >= s->height)
                continue;
            double error = tl_view_picture(view, x, y, &a, &b) ? 1e4 : hypot(a - u, b - v);
            worst = fmax(worst, error);
            sum += error;
            n++;
        }
    if (mean)
        *mean = n ? sum / n : 0;
    return worst;
}

// The i-th of a family of broadcast cameras: pans over the pitch, zooms, rolls a little, some with a lens, some behind
// a goal.
static inline Synthetic synthetic_camera(int i, int width, int height)
{
    Synthetic s = {.width = width, .height = height};
    double pan = (i % 7) / 6.0, zoom = (i / 7 % 5) / 4.0;
    s.place[0] = 52.5 + (i % 3 - 1) * 3;
    s.place[1] = 68 + 28 + i % 4 * 4;
    s.place[2] = 13 + i % 5 * 2;
    s.look[0] = 15 + 75 * pan;
    s.look[1] = 30 + i % 2 * 6;
    s.focal_px = width * (0.75 + 0.6 * zoom);
    s.roll = (i % 5 - 2) * 0.01;
    s.lens = i % 3 == 0 ? -0.15 * (1 - zoom) : 0;
    if (i % 9 == 8) {
        s.place[0] = -28, s.place[1] = 34 + i % 5, s.place[2] = 11;
        s.look[0] = 20, s.look[1] = 34;
        s.focal_px = width * 0.8;
    }
    return s;
}

#endif
