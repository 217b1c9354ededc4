// One axis of a constant-velocity Kalman filter in seconds, and the four axes of a box.
#ifndef TL_TRACK_KALMAN_H
#define TL_TRACK_KALMAN_H

// Position and velocity with their covariance. Plain data; a random walk is an axis whose velocity stays 0.
typedef struct TlAxis {
    double x, v;          ///< px, px/s
    double pxx, pxv, pvv; ///< px^2, px^2/s, px^2/s^2
} TlAxis;

void tl_axis_init(TlAxis *axis, double x, double position_var, double velocity_var);
// Moves dt seconds ahead. accel: spectral density of the acceleration noise, px^2/s^3. The velocity is multiplied by
// keep (1 = constant velocity): of something that is out of sight it is worth less every second.
void tl_axis_predict(TlAxis *axis, double dt, double accel, double keep);
void tl_axis_walk(TlAxis *axis, double dt, double rate); // random walk, px^2/s
void tl_axis_update(TlAxis *axis, double z, double var);

// A box: centre with velocity, size as a random walk of log width and log height.
typedef struct TlBoxFilter {
    TlAxis cx, cy, log_w, log_h;
} TlBoxFilter;

// What may be asked of a motion model, all relative to the box height: one set for people, one for the ball.
typedef struct TlBoxNoise {
    double speed;     ///< first guess of the speed, heights/s (one sigma)
    double accel;     ///< heights^2/s^3
    double centre;    ///< measurement of the centre, heights (one sigma)
    double size;      ///< measurement of the log size (one sigma)
    double size_walk; ///< change of the log size per sqrt(s) (one sigma)
    double damping;   ///< time constant after which a lost velocity has faded, s
} TlBoxNoise;

extern const TlBoxNoise tl_noise_person;

void tl_box_filter_init(TlBoxFilter *filter, const float bbox[4], const TlBoxNoise *noise);
void tl_box_filter_predict(TlBoxFilter *filter, double dt, int lost, const TlBoxNoise *noise);
void tl_box_filter_update(TlBoxFilter *filter, const float bbox[4], const TlBoxNoise *noise);
// Moves the filter along with the picture (a homography previous px -> current px).
void tl_box_filter_warp(TlBoxFilter *filter, const double motion[9]);
void tl_box_filter_box(const TlBoxFilter *filter, float bbox[4]);

#endif
