// Motion model of tracked boxes.
//
// In: boxes in source px with the seconds between them. Out: predicted boxes with their uncertainty.
// Constant-velocity Kalman filter with white-noise acceleration (Bar-Shalom, Estimation with Applications to Tracking
// and Navigation, 6.3.2). The axes are independent, so every matrix is 2x2 and written out. Noise is scaled by the box
// height, which stands for the 1.8 m of a person: the same figures then hold at any zoom, picture size and frame rate.
// The picture's own motion is taken out by warping the state (Aharon et al., BoT-SORT, 2022).
#include "track/kalman.h"

#include <math.h>

#include "track/motion.h"

#define OUTLIER 4.0  // squared standard deviations
#define DEPTH   0.33 // steps towards the camera look that much shorter than steps across, as seen from a stand

// A player accelerates by about 2-4 m/s^2 and may run 9 m/s; boxes of running people jitter by some 4 % of their
// height.
const TlBoxNoise tl_noise_person = {
    .speed = 1.8, .accel = 1.0, .centre = 0.05, .size = 0.10, .size_walk = 0.25, .damping = 0.6};

void tl_axis_init(TlAxis *axis, double x, double position_var, double velocity_var)
{
    *axis = (TlAxis){.x = x, .pxx = position_var, .pvv = velocity_var};
}

void tl_axis_predict(TlAxis *axis, double dt, double accel, double keep)
{
    axis->x += axis->v * dt;
    axis->v *= keep;
    axis->pxx += dt * (2.0 * axis->pxv + dt * axis->pvv) + accel * dt * dt * dt / 3.0;
    axis->pxv += dt * axis->pvv + accel * dt * dt / 2.0;
    axis->pvv += accel * dt;
}

void tl_axis_walk(TlAxis *axis, double dt, double rate)
{
    axis->pxx += rate * dt;
}

void tl_axis_update(TlAxis *axis, double z, double var)
{
    double s = axis->pxx + var;
    if (!(s > 0))
        return;
    double residual = z - axis->x, surprise = residual * residual / s;
    if (surprise > OUTLIER) // Huber: a measurement that far off is worth less
        s = axis->pxx + var * surprise / OUTLIER;
    double kx = axis->pxx / s, kv = axis->pxv / s;
    axis->x += kx * residual;
    axis->v += kv * residual;
    axis->pvv -= kv * axis->pxv;
    axis->pxv *= 1.0 - kx;
    axis->pxx *= 1.0 - kx;
}

static void measure(const float bbox[4], double z[4])
{
    z[0] = 0.5 * ((double)bbox[0] + bbox[2]);
    z[1] = 0.5 * ((double)bbox[1] + bbox[3]);
    z[2] = log(fmax((double)bbox[2] - bbox[0], 0.5));
    z[3] = log(fmax((double)bbox[3] - bbox[1], 0.5));
}

void tl_box_filter_init(TlBoxFilter *filter, const float bbox[4], const TlBoxNoise *noise)
{
    double z[4];
    measure(bbox, z);
    double height = exp(z[3]), position = noise->centre * height, speed = noise->speed * height;
    tl_axis_init(&filter->cx, z[0], position * position, speed * speed);
    tl_axis_init(&filter->cy, z[1], position * position, DEPTH * DEPTH * speed * speed);
    tl_axis_init(&filter->log_w, z[2], noise->size * noise->size, 0);
    tl_axis_init(&filter->log_h, z[3], noise->size * noise->size, 0);
}

void tl_box_filter_predict(TlBoxFilter *filter, double dt, int lost, const TlBoxNoise *noise)
{
    double height = exp(filter->log_h.x), accel = noise->accel * height * height;
    double keep = lost ? exp(-dt / noise->damping) : 1.0;
    tl_axis_predict(&filter->cx, dt, accel, keep);
    tl_axis_predict(&filter->cy, dt, DEPTH * DEPTH * accel, keep);
    tl_axis_walk(&filter->log_w, dt, noise->size_walk * noise->size_walk);
    tl_axis_walk(&filter->log_h, dt, noise->size_walk * noise->size_walk);
}

void tl_box_filter_update(TlBoxFilter *filter, const float bbox[4], const TlBoxNoise *noise)
{
    double z[4];
    measure(bbox, z);
    double height = exp(filter->log_h.x), var = noise->centre * noise->centre * height * height;
    tl_axis_update(&filter->cx, z[0], var);
    tl_axis_update(&filter->cy, z[1], var);
    tl_axis_update(&filter->log_w, z[2], noise->size * noise->size);
    tl_axis_update(&filter->log_h, z[3], noise->size * noise->size);
}

static void scale_axis(TlAxis *axis, double scale)
{
    axis->v *= scale;
    axis->pxx *= scale * scale;
    axis->pxv *= scale * scale;
    axis->pvv *= scale * scale;
}

void tl_box_filter_warp(TlBoxFilter *filter, const double motion[9])
{
    double scale = tl_motion_scale(motion, filter->cx.x, filter->cy.x);
    tl_motion_apply(motion, &filter->cx.x, &filter->cy.x);
    scale_axis(&filter->cx, scale);
    scale_axis(&filter->cy, scale);
    filter->log_w.x += log(scale);
    filter->log_h.x += log(scale);
}

void tl_box_filter_box(const TlBoxFilter *filter, float bbox[4])
{
    double w = exp(filter->log_w.x), h = exp(filter->log_h.x);
    bbox[0] = (float)(filter->cx.x - 0.5 * w);
    bbox[1] = (float)(filter->cy.x - 0.5 * h);
    bbox[2] = (float)(filter->cx.x + 0.5 * w);
    bbox[3] = (float)(filter->cy.x + 0.5 * h);
}
