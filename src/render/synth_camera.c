// Pinhole projection and the director of the synthetic match. See synth_camera.h.
//
// The main camera is steered as an operator steers it: the aimed-at point runs after the ball as a damped spring with
// some lead, keeps off the ends of the pitch, and the zoom changes now and then.
#include "render/synth_camera.h"

#include <math.h>
#include <string.h>

#include <touchline/render.h>

#define NEAR_M 0.5

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void tl_view_init(TlView *view, const double place[3], double pan, double tilt, double roll, double focal_px, int width,
                  int height)
{
    double sp = tl_sin(pan), cp = tl_cos(pan), st = tl_sin(tilt), ct = tl_cos(tilt), sr = tl_sin(roll),
           cr = tl_cos(roll);
    const double ahead[3] = {sp * ct, -cp * ct, -st};
    const double right[3] = {cp, sp, 0}, up[3] = {sp * st, -cp * st, ct};
    memcpy(view->place, place, sizeof(view->place));
    memcpy(view->ahead, ahead, sizeof(ahead));
    for (int i = 0; i < 3; i++) {
        view->right[i] = cr * right[i] + sr * up[i];
        view->up[i] = cr * up[i] - sr * right[i];
    }
    view->focal_px = focal_px;
    view->width = width;
    view->height = height;
    view->centre[0] = width * 0.5;
    view->centre[1] = height * 0.5;
}

int tl_view_project(const TlView *view, const double point[3], double px[2], double *depth)
{
    const double d[3] = {point[0] - view->place[0], point[1] - view->place[1], point[2] - view->place[2]};
    double z = dot(d, view->ahead);
    if (depth)
        *depth = z;
    if (z < NEAR_M * 0.99)
        return 0;
    px[0] = view->centre[0] + view->focal_px * dot(d, view->right) / z;
    px[1] = view->centre[1] - view->focal_px * dot(d, view->up) / z;
    return 1;
}

double tl_view_scale(const TlView *view, const double point[3])
{
    const double d[3] = {point[0] - view->place[0], point[1] - view->place[1], point[2] - view->place[2]};
    double z = dot(d, view->ahead);
    return z > NEAR_M ? view->focal_px / z : 0;
}

// Inverse with its scale kept (adjugate over determinant).
static void invert3(const double h[9], double out[9])
{
    double c0 = h[4] * h[8] - h[5] * h[7], c1 = h[5] * h[6] - h[3] * h[8], c2 = h[3] * h[7] - h[4] * h[6];
    double det = h[0] * c0 + h[1] * c1 + h[2] * c2, k = det != 0 ? 1 / det : 0;
    out[0] = c0 * k;
    out[1] = (h[2] * h[7] - h[1] * h[8]) * k;
    out[2] = (h[1] * h[5] - h[2] * h[4]) * k;
    out[3] = c1 * k;
    out[4] = (h[0] * h[8] - h[2] * h[6]) * k;
    out[5] = (h[2] * h[3] - h[0] * h[5]) * k;
    out[6] = c2 * k;
    out[7] = (h[1] * h[6] - h[0] * h[7]) * k;
    out[8] = (h[0] * h[4] - h[1] * h[3]) * k;
}

void tl_view_plane(const TlView *view, const double origin[3], const double a[3], const double b[3],
                   double to_picture[9], double from_picture[9])
{
    const double d[3] = {origin[0] - view->place[0], origin[1] - view->place[1], origin[2] - view->place[2]};
    const double *column[3] = {a, b, d};
    double h[9];
    for (int i = 0; i < 3; i++) {
        double z = dot(column[i], view->ahead);
        h[i] = view->focal_px * dot(column[i], view->right) + view->centre[0] * z;
        h[3 + i] = -view->focal_px * dot(column[i], view->up) + view->centre[1] * z;
        h[6 + i] = z;
    }
    invert3(h, from_picture);
    if (to_picture)
        memcpy(to_picture, h, sizeof(h));
}

int tl_view_polygon(const TlView *view, const double (*corner)[3], int n, double (*px)[2])
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const double *p = corner[i], *q = corner[(i + 1) % n];
        double zp = 0, zq = 0, ignored[2];
        if (tl_view_project(view, p, px[count], &zp) && zp >= NEAR_M)
            count++;
        (void)tl_view_project(view, q, ignored, &zq);
        if ((zp >= NEAR_M) != (zq >= NEAR_M)) {
            double t = (NEAR_M - zp) / (zq - zp);
            const double cut[3] = {p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1]), p[2] + t * (q[2] - p[2])};
            if (count <= n && tl_view_project(view, cut, px[count], NULL))
                count++;
        }
    }
    return count >= 3 ? count : 0;
}

// Aims a camera at a point on the ground so that span_m metres lie across the picture there.
static void aim(TlDirector *director, const double place[3], const double at[3], double span_m, double roll)
{
    const double d[3] = {at[0] - place[0], at[1] - place[1], at[2] - place[2]};
    double flat = sqrt(d[0] * d[0] + d[1] * d[1]), distance = sqrt(flat * flat + d[2] * d[2]);
    tl_view_init(&director->view, place, tl_atan2(d[0], -d[1]), tl_atan2(-d[2], flat), roll,
                 director->width * distance / span_m, director->width, director->height);
}

static void begin_shot(TlDirector *director, const TlScene *scene, int shot)
{
    TlRandom *random = &director->random;
    director->shot = shot;
    director->cut = 1;
    director->target[0] = scene->ball[0] * 0.8 + 52.5 * 0.2;
    director->target[1] = scene->ball[1] * 0.6 + 34 * 0.4;
    director->target_speed[0] = director->target_speed[1] = 0;
    director->shot_left_s = tl_random_range(random, shot == TL_SHOT_CLOSE ? 1.5 : 2.5, shot == TL_SHOT_CLOSE ? 3 : 5);
    director->zoom_left_s = tl_random_range(random, 2, 5);
    director->end = scene->ball[0] > 52.5;
    director->span_m = director->span_goal_m =
        shot == TL_SHOT_TIGHT ? tl_random_range(random, 20, 30) : director->wide_span_m;
    // The close-up takes the player nearest to the ball.
    double best = 1e30;
    for (int i = 0; i < scene->player_count; i++) {
        double dx = scene->player[i][0] - scene->ball[0], dy = scene->player[i][1] - scene->ball[1];
        if (dx * dx + dy * dy < best) {
            best = dx * dx + dy * dy;
            director->close_player = i;
        }
    }
    if (shot == TL_SHOT_CLOSE && scene->player_count > 0)
        memcpy(director->target, scene->player[director->close_player], sizeof(director->target));
}

static void place_view(TlDirector *director)
{
    double aspect = director->height / (double)director->width;
    if (director->shot == TL_SHOT_BEHIND_GOAL) {
        double far = director->end ? 105 + director->back_m : -director->back_m;
        double x = director->end ? 105 - director->ahead_m : director->ahead_m;
        const double place[3] = {far, 34 + director->aside_m + director->wander[0], director->height_m};
        const double at[3] = {x + (director->target[0] - x) * 0.2, 34 + (director->target[1] - 34) * 0.4, 0};
        aim(director, place, at, director->end_span_m, director->camera == TL_CAMERA_BEHIND ? director->roll : 0);
    } else if (director->shot == TL_SHOT_CLOSE) {
        // A camera beside the pitch, low; its field holds about one and a half players.
        const double place[3] = {52.5 + (director->target[0] - 52.5) * 0.5, 74, 2.2};
        const double at[3] = {director->target[0], director->target[1], 1.05};
        aim(director, place, at, 2.7 / aspect, 0);
    } else {
        const double at[3] = {director->target[0] + director->wander[0], director->target[1] + director->wander[1], 0};
        aim(director, director->stand, at, director->span_m, director->roll);
    }
}

void tl_director_init(TlDirector *director, int camera, unsigned seed, int width, int height, double fps,
                      const TlScene *scene)
{
    memset(director, 0, sizeof(*director));
    TlRandom *random = &director->random;
    *random = tl_random_stream(seed, 11);
    director->camera = camera;
    director->width = width;
    director->height = height;
    director->fps = fps;
    double far = tl_random_range(random, 20, 55);
    director->stand[0] = 52.5 + tl_random_normal(random) * 2.5;
    director->stand[1] = 68 + far;
    director->stand[2] = tl_clamp(far * tl_random_range(random, 0.36, 0.62), 10, 30);
    director->roll = tl_random_normal(random) * 0.006;
    director->wide_span_m = tl_random_range(random, 40, 82);
    director->back_m = 22;
    director->height_m = 15;
    director->ahead_m = 28;
    director->end_span_m = 68;
    begin_shot(director, scene, camera == TL_CAMERA_BEHIND ? TL_SHOT_BEHIND_GOAL : TL_SHOT_WIDE);
    if (camera == TL_CAMERA_BEHIND) { // a tactical camera: anywhere from the lower seats to a crane
        director->end = tl_random_chance(random, 0.5);
        director->back_m = tl_random_range(random, 12, 60);
        director->aside_m = tl_random_normal(random) * 7;
        director->height_m = director->back_m * tl_random_range(random, 0.45, 1.1);
        director->height_m = tl_clamp(director->height_m, 8, 45);
        director->ahead_m = tl_random_range(random, 18, 48);
        director->end_span_m = tl_random_range(random, 55, 105);
        director->target[0] = director->end ? 105 - director->ahead_m : director->ahead_m;
        director->target[1] = tl_random_range(random, 26, 42);
    } else if (camera == TL_CAMERA_STATIC) {
        static const double spot[4] = {52.5, 24, 81, 52.5};
        director->target[0] = spot[tl_random_int(random, 4)];
        director->target[0] += tl_random_normal(random) * 2;
        director->target[1] = tl_random_range(random, 28, 40);
        director->span_m = tl_random_range(random, 62, 98);
    }
    place_view(director);
    director->before = director->view;
}

static void follow(TlDirector *director, const TlScene *scene, double dt)
{
    TlRandom *random = &director->random;
    double aim_at[2];
    if (director->shot == TL_SHOT_CLOSE && scene->player_count > 0) {
        memcpy(aim_at, scene->player[director->close_player], sizeof(aim_at));
    } else {
        double reach = director->span_m * 0.42;
        aim_at[0] = tl_clamp(scene->ball[0] + scene->ball_speed[0] * 0.5, reach - 6, 105 + 6 - reach);
        aim_at[1] = 34 + (tl_clamp(scene->ball[1], 0, 68) - 34) * (director->shot == TL_SHOT_TIGHT ? 0.9 : 0.5) - 1;
    }
    double stiffness = director->shot == TL_SHOT_CLOSE ? 60 : 4.5, damping = 2 * sqrt(stiffness) * 0.95;
    for (int i = 0; i < 2; i++) {
        double pull = stiffness * (aim_at[i] - director->target[i]) - damping * director->target_speed[i];
        if (director->shot == TL_SHOT_CLOSE && scene->player_count > 0)
            pull += damping * scene->player_speed[director->close_player][i];
        director->target_speed[i] += pull * dt;
        director->target[i] += director->target_speed[i] * dt;
        director->wander[i] += (tl_random_normal(random) * 0.12 - director->wander[i] * 0.6) * dt * 4;
    }
    director->zoom_left_s -= dt;
    if (director->zoom_left_s < 0) {
        director->zoom_left_s = tl_random_range(random, 2, 6);
        director->span_goal_m = director->shot == TL_SHOT_TIGHT
                                    ? tl_random_range(random, 20, 30)
                                    : tl_clamp(director->wide_span_m * tl_random_range(random, 0.75, 1.2), 36, 90);
    }
    double change = (director->span_goal_m - director->span_m) * 0.8;
    director->span_m += tl_clamp(change, -9, 9) * dt;
}

void tl_director_next(TlDirector *director, const TlScene *scene, double exposure_s)
{
    double dt = 1.0 / director->fps;
    TlView last = director->view;
    director->cut = 0;
    if (director->camera == TL_CAMERA_STATIC || director->camera == TL_CAMERA_BEHIND) {
        director->before = director->view;
        return;
    }
    director->shot_left_s -= dt;
    if (director->camera == TL_CAMERA_CUT && director->shot_left_s < 0) {
        // wide between all others, as a broadcast does
        static const int other[4] = {TL_SHOT_TIGHT, TL_SHOT_CLOSE, TL_SHOT_BEHIND_GOAL, TL_SHOT_TIGHT};
        int next = director->shot == TL_SHOT_WIDE ? other[tl_random_int(&director->random, 4)] : TL_SHOT_WIDE;
        begin_shot(director, scene, next);
        place_view(director);
        director->before = director->view;
        return;
    }
    int steps = dt > 0.02 ? (int)ceil(dt / 0.02) : 1;
    for (int i = 0; i < steps; i++)
        follow(director, scene, dt / steps);
    place_view(director);
    // The view at the beginning of the exposure, for motion blur: the motion since the last frame goes on evenly.
    double share = tl_clamp(exposure_s / dt, 0, 1);
    director->before = director->view;
    for (int i = 0; i < 3; i++) {
        director->before.place[i] += (last.place[i] - director->view.place[i]) * share;
        director->before.right[i] += (last.right[i] - director->view.right[i]) * share;
        director->before.up[i] += (last.up[i] - director->view.up[i]) * share;
        director->before.ahead[i] += (last.ahead[i] - director->view.ahead[i]) * share;
    }
    director->before.focal_px += (last.focal_px - director->view.focal_px) * share;
}
