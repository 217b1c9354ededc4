// The camera behind a homography, and the camera as a model for the solver.
//
// In: a picture -> pitch homography (straightened px); pixels are square, the principal point is the picture's centre.
// Out: focal length, place, pan, tilt, roll. Method: G = s K [r1 r2 t] (Zhang 2000): r1 and r2 are orthonormal, which
// gives two linear equations for f^2. Far or steep cameras hardly show their focal length, so it is kept within sane
// bounds; what then remains of the two equations is reported as the residual. The model has as many parameters as a
// homography (focal length, three angles, place, one coefficient of the lens), but they are those that real cameras
// have.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

#define FOCAL_LEAST 0.35 // of the width: 110 degrees of view
#define FOCAL_MOST  30.0 // 1.9 degrees
#define ALONG_LEAST 1.5  // of a camera in the seats or on a crane behind a goal: it looks along the pitch

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

// Two unit vectors made orthogonal by turning both by the same angle: the nearest rotation's first columns.
static int orthogonalise(double a[3], double b[3])
{
    double sum[3], difference[3];
    for (int k = 0; k < 3; k++) {
        sum[k] = a[k] + b[k];
        difference[k] = a[k] - b[k];
    }
    double s = sqrt(2 * dot3(sum, sum)), d = sqrt(2 * dot3(difference, difference));
    if (!(s > 1e-9) || !(d > 1e-9))
        return -1;
    for (int k = 0; k < 3; k++) {
        a[k] = sum[k] / s + difference[k] / d;
        b[k] = sum[k] / s - difference[k] / d;
    }
    return 0;
}

static int decompose(const double homography[9], int width, int height, TlCamera *camera, double *residual)
{
    double c[3][3], third[3];
    if (centred_columns(homography, width, height, c))
        return -1;
    double focal = focal_of(c);
    for (int j = 0; j < 3; j++) {
        c[j][0] /= focal;
        c[j][1] /= focal;
    }
    double length[2] = {sqrt(dot3(c[0], c[0])), sqrt(dot3(c[1], c[1]))}, scale = sqrt(length[0] * length[1]);
    if (!(scale > 0) || !isfinite(scale))
        return -1;
    double skew = dot3(c[0], c[1]) / (scale * scale), stretch = (length[0] - length[1]) / scale;
    *residual = sqrt(skew * skew + stretch * stretch);
    for (int k = 0; k < 3; k++) {
        c[0][k] /= length[0];
        c[1][k] /= length[1];
        c[2][k] /= scale;
    }
    if (orthogonalise(c[0], c[1]))
        return -1;
    cross3(c[0], c[1], third);
    camera->log_focal = log(focal);
    camera->lens = 0;
    for (int k = 0; k < 3; k++) {
        camera->rotation[3 * k] = c[0][k];
        camera->rotation[3 * k + 1] = c[1][k];
        camera->rotation[3 * k + 2] = third[k];
    }
    camera->position[0] = -dot3(c[0], c[2]);
    camera->position[1] = -dot3(c[1], c[2]);
    camera->position[2] = -dot3(third, c[2]);
    return 0;
}

int tl_pitch_camera(const double homography[9], int width, int height, TlCameraPose *pose)
{
    TlCamera camera;
    double down[3];
    if (decompose(homography, width, height, &camera, &pose->residual))
        return -1;
    const double *right = camera.rotation, *forward = camera.rotation + 6;
    pose->focal_px = exp(camera.log_focal) * width;
    pose->position_m[0] = camera.position[0];
    pose->position_m[1] = camera.position[1];
    pose->position_m[2] = -camera.position[2];
    pose->pan = atan2(forward[0], -forward[1]);
    pose->tilt = asin(fmin(fmax(forward[2], -1), 1));
    const double level[3] = {cos(pose->pan), sin(pose->pan), 0};
    cross3(forward, level, down);
    pose->roll = atan2(dot3(right, down), dot3(right, level));
    return 0;
}

int tl_camera_from_homography(const double straight[9], double lens, int width, int height, TlCamera *camera)
{
    double residual;
    if (decompose(straight, width, height, camera, &residual))
        return -1;
    camera->lens = lens;
    return 0;
}

int tl_camera_view(const TlCamera *camera, int width, int height, TlPitchView *view)
{
    const double *r = camera->rotation;
    double f = exp(camera->log_focal) * width, g[9];
    for (int j = 0; j < 3; j++) {
        double column[3];
        for (int k = 0; k < 3; k++)
            column[k] = j < 2 ? r[3 * k + j] : -dot3(r + 3 * k, camera->position);
        g[j] = f * column[0] + width * 0.5 * column[2];
        g[3 + j] = f * column[1] + height * 0.5 * column[2];
        g[6 + j] = column[2];
    }
    view->lens = camera->lens;
    view->width = width;
    view->height = height;
    return tl_homography_invert(g, view->straight);
}

TlCameraPrior tl_camera_any(const TlPitchModel *model, const TlCamera *guess)
{
    TlCameraPrior prior = {.log_focal = 0,
                           .log_focal_sd = 0.7,
                           .position = {model->length_m / 2, model->width_m / 2 + 60, -17},
                           .position_sd = {35, 45, 9},
                           .lens = 0,
                           .lens_sd = 0.045,
                           .lens_by_zoom = 1,
                           .roll_sd = 0.03};
    if (!guess)
        return prior;
    const double *place = guess->position, *forward = guess->rotation + 6;
    double along = place[0] < 0 ? forward[0] : place[0] > model->length_m ? -forward[0] : 0;
    if (along > ALONG_LEAST * fabs(forward[1]) && place[1] > 0 && place[1] < model->width_m) {
        const double behind[3] = {place[0] < 0 ? -35 : model->length_m + 35, model->width_m / 2, -22};
        const double sd[3] = {25, 12, 12};
        memcpy(prior.position, behind, sizeof behind);
        memcpy(prior.position_sd, sd, sizeof sd);
    }
    return prior;
}

// Parameters: log f, turns about the camera's own right, down and forward axes, place x, y, z, lens.
static int see(const void *context, const void *state, double x, double y, double place[2], double (*d)[TL_PARAMETERS])
{
    const TlCameraContext *size = context;
    const TlCamera *camera = state;
    const double *r = camera->rotation;
    const double from[3] = {x - camera->position[0], y - camera->position[1], -camera->position[2]};
    const double q[3] = {dot3(r, from), dot3(r + 3, from), dot3(r + 6, from)};
    if (!(q[2] > 1e-3))
        return -1;
    double f = exp(camera->log_focal), a = f * q[0] / q[2], b = f * q[1] / q[2];
    double squared = a * a + b * b, root = 1 - 4 * camera->lens * squared;
    if (!(root > 1e-4))
        return -1;
    root = sqrt(root);
    double bend = 2 / (1 + root);
    place[0] = size->width * (0.5 + a * bend);
    place[1] = size->height * 0.5 + size->width * b * bend;
    if (!d)
        return 0;
    // Derivatives of the straight place (a, b), then of the bend.
    double da[TL_PARAMETERS], db[TL_PARAMETERS], z = f / q[2];
    const double turn[3][3] = {{0, -q[2], q[1]}, {q[2], 0, -q[0]}, {-q[1], q[0], 0}};
    da[0] = a, db[0] = b;
    for (int k = 0; k < 3; k++) {
        da[1 + k] = z * turn[k][0] - a / q[2] * turn[k][2];
        db[1 + k] = z * turn[k][1] - b / q[2] * turn[k][2];
        da[4 + k] = -z * r[k] + a / q[2] * r[6 + k];
        db[4 + k] = -z * r[3 + k] + b / q[2] * r[6 + k];
    }
    double by_square = camera->lens * bend * bend / root, by_lens = squared * bend * bend / root;
    for (int k = 0; k < 7; k++) {
        double change = by_square * 2 * (a * da[k] + b * db[k]);
        d[0][k] = size->width * (da[k] * bend + a * change);
        d[1][k] = size->width * (db[k] * bend + b * change);
    }
    d[0][7] = size->width * a * by_lens;
    d[1][7] = size->width * b * by_lens;
    return 0;
}

// R <- exp([w]x) R by Rodrigues' formula.
static void turn_by(const double w[3], const double r[9], double out[9])
{
    double angle = sqrt(dot3(w, w)), s = angle > 1e-12 ? sin(angle) / angle : 1;
    double c = angle > 1e-6 ? (1 - cos(angle)) / (angle * angle) : 0.5;
    for (int j = 0; j < 3; j++) {
        const double v[3] = {r[j], r[3 + j], r[6 + j]};
        double wv[3], wwv[3];
        cross3(w, v, wv);
        cross3(w, wv, wwv);
        for (int k = 0; k < 3; k++)
            out[3 * k + j] = v[k] + s * wv[k] + c * wwv[k];
    }
}

static void step(const void *state, const double change[TL_PARAMETERS], void *next)
{
    const TlCamera *from = state;
    TlCamera *to = next;
    to->log_focal = fmin(fmax(from->log_focal + change[0], log(FOCAL_LEAST)), log(FOCAL_MOST));
    turn_by(change + 1, from->rotation, to->rotation);
    for (int k = 0; k < 3; k++)
        to->position[k] = from->position[k] + change[4 + k];
    to->lens = fmin(fmax(from->lens + change[7], -0.6), 0.4);
}

static void add_prior(double value, double mean, double sd, int parameter, double *residual, double *row, int *n)
{
    if (!(sd > 0))
        return;
    residual[*n] = (value - mean) / sd;
    memset(row + *n * TL_PARAMETERS, 0, sizeof(double) * TL_PARAMETERS);
    row[*n * TL_PARAMETERS + parameter] = 1 / sd;
    ++*n;
}

static int prior(const void *context, const void *state, double residual[TL_PRIORS_MAX], double (*row)[TL_PARAMETERS])
{
    const TlCameraPrior *p = &((const TlCameraContext *)context)->prior;
    const TlCamera *camera = state;
    int n = 0;
    add_prior(camera->log_focal, p->log_focal, p->log_focal_sd, 0, residual, (double *)row, &n);
    for (int k = 0; k < 3; k++)
        add_prior(camera->position[k], p->position[k], p->position_sd[k], 4 + k, residual, (double *)row, &n);
    // Zoom lenses bend at their wide end and hardly at the long one.
    double wide = p->lens_by_zoom ? exp(-2.5 * (exp(camera->log_focal) - 0.7)) : 0;
    add_prior(camera->lens, p->lens - 0.12 * wide, p->lens_sd + 0.10 * wide, 7, residual, (double *)row, &n);
    add_prior(camera->lens, p->near_lens, p->near_lens_sd, 7, residual, (double *)row, &n);
    if (p->roll_sd > 0) { // how far the picture's right side points into the ground
        residual[n] = camera->rotation[2] / p->roll_sd;
        memset(row[n], 0, sizeof row[n]);
        row[n][2] = camera->rotation[8] / p->roll_sd;
        row[n][3] = -camera->rotation[5] / p->roll_sd;
        n++;
    }
    return n;
}

TlSolver tl_camera_solver(const TlCameraContext *context)
{
    return (TlSolver){.size = sizeof(TlCamera), .context = context, .see = see, .step = step, .prior = prior};
}
