// Lenses, views and cameras against an independent pinhole model.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include "synthetic.h"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

// The exact view of a synthetic camera: its homography from four points without the lens, and the lens.
static TlPitchView exact_view(const Synthetic *s)
{
    static const double ground[4][2] = {{10, 5}, {95, 5}, {80, 60}, {20, 60}};
    Synthetic straight = *s;
    double picture[4][2];
    TlPitchView view = {.lens = s->lens, .width = s->width, .height = s->height};
    straight.lens = 0;
    for (int i = 0; i < 4; i++)
        assert_true(synthetic_see(&straight, ground[i][0], ground[i][1], &picture[i][0], &picture[i][1]));
    assert_int_equal(tl_homography_dlt((const double(*)[2])picture, ground, NULL, 4, view.straight), 0);
    return view;
}

static void views_match_the_pinhole(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        Synthetic s = synthetic_camera(i, 1920, 1080);
        TlPitchView view = exact_view(&s);
        near(synthetic_error_px(&s, &view, NULL), 0, 1e-5);
    }
}

static void ground_and_picture_are_inverse(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        TlPitchView view = exact_view(&s);
        for (int k = 0; k < 50; k++) {
            double u = 1280 * uniform(), v = 720 * uniform(), x, y, a, b;
            if (tl_view_ground(&view, u, v, &x, &y))
                continue;
            assert_int_equal(tl_view_picture(&view, x, y, &a, &b), 0);
            near(a, u, 1e-6);
            near(b, v, 1e-6);
        }
    }
}

static void sky_is_no_ground(void **state)
{
    Synthetic s = synthetic_camera(10, 1280, 720);
    TlPitchView view = exact_view(&s);
    double x = 7, y = 8;

    (void)state;
    assert_int_equal(tl_view_ground(&view, 640, -2000, &x, &y), -1);
    near(x, 7, 0);
    near(y, 8, 0);
    assert_int_equal(tl_view_picture(&view, s.place[0], s.place[1] + 30, &x, &y), -1); // behind the camera
    memset(view.straight, 0, sizeof view.straight);
    assert_int_equal(tl_view_picture(&view, 50, 30, &x, &y), -1);
    assert_int_equal(tl_view_ground(&view, NAN, 30, &x, &y), -1);
}

static void camera_of_a_homography(void **state)
{
    TlCameraPose pose;

    (void)state;
    for (int i = 0; i < 60; i++) {
        Synthetic s = synthetic_camera(i, 1920, 1080);
        s.lens = 0;
        TlPitchView view = exact_view(&s);
        assert_int_equal(tl_pitch_camera(view.straight, s.width, s.height, &pose), 0);
        near(pose.focal_px, s.focal_px, 1e-3);
        for (int k = 0; k < 3; k++)
            near(pose.position_m[k], s.place[k], 1e-5);
        near(pose.roll, s.roll, 1e-7);
        near(pose.tilt, atan2(s.place[2], hypot(s.look[0] - s.place[0], s.look[1] - s.place[1])), 1e-7);
        near(pose.pan, atan2(s.look[0] - s.place[0], s.place[1] - s.look[1]), 1e-7);
        near(pose.residual, 0, 1e-7);
    }
    assert_int_equal(tl_pitch_camera((const double[9]){0}, 1920, 1080, &pose), -1);
    assert_int_equal(tl_pitch_camera((const double[9]){1, 0, 0, 0, 1, 0, 0, 0, 1}, 0, 0, &pose), -1);
}

static void nearest_homography(void **state)
{
    TlPitchModel model;
    double flat[9];

    (void)state;
    tl_pitch_model_init(&model, 0, 0);
    for (int i = 0; i < 60; i++) {
        Synthetic s = synthetic_camera(i, 1920, 1080);
        TlPitchView view = exact_view(&s);
        assert_int_equal(tl_view_homography(&model, &view, flat), 0);
        TlPitchView plain = {.width = s.width, .height = s.height};
        memcpy(plain.straight, flat, sizeof flat);
        double mean, mean_straight;
        synthetic_error_px(&s, &plain, &mean);
        if (s.lens == 0) {
            near(mean, 0, 1e-4);
            continue;
        }
        TlPitchView ignorant = view; // the lens simply forgotten
        ignorant.lens = 0;
        synthetic_error_px(&s, &ignorant, &mean_straight);
        assert_true(mean < 12 && mean < mean_straight);
    }
}

static void between_views(void **state)
{
    Synthetic s = synthetic_camera(3, 1920, 1080), t = s;
    TlPitchView a, b, out;

    (void)state;
    t.look[0] += 4;
    t.lens = s.lens / 2;
    a = exact_view(&s);
    b = exact_view(&t);
    assert_int_equal(tl_view_interpolate(&a, &b, 0, &out), 0);
    near(tl_view_distance_px(&a, &out), 0, 1e-6);
    assert_int_equal(tl_view_interpolate(&a, &b, 1, &out), 0);
    near(tl_view_distance_px(&b, &out), 0, 1e-6);
    assert_int_equal(tl_view_interpolate(&a, &b, 0.5, &out), 0);
    near(out.lens, 0.75 * s.lens, 1e-12);
    Synthetic middle = s;
    middle.look[0] += 2;
    middle.lens = 0.75 * s.lens;
    near(synthetic_error_px(&middle, &out, NULL), 0, 2);
    assert_true(tl_view_distance_px(&a, &b) > 20);
    b.width = 1280;
    assert_int_equal(tl_view_interpolate(&a, &b, 0.5, &out), -1);
}

static void projected_points(void **state)
{
    TlPitchModel model;
    TlPoint seen[32], out[32], plain[32];

    (void)state;
    tl_pitch_model_init(&model, 0, 0);
    for (int i = 0; i < 40; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        TlPitchView view = exact_view(&s);
        synthetic_points(&s, &model, 0, seen);
        TlPoint all[32];
        memcpy(all, seen, sizeof all);
        int gone = -1;
        for (int k = 0; k < 32; k++)
            if (seen[k].confidence > 0)
                gone = k;
        memset(&seen[gone], 0, sizeof *seen);
        tl_pitch_project_view(&model, &view, seen, out);
        for (int k = 0; k < 32; k++) {
            near(out[k].x, all[k].x, 1e-2);
            near(out[k].y, all[k].y, 1e-2);
            assert_true(out[k].confidence >= 0 && out[k].confidence <= 1);
            assert_true((out[k].confidence > 0) == (all[k].confidence > 0));
            if (k != gone && all[k].confidence > 0)
                near(out[k].confidence, 0.9F, 1e-6);
        }
        assert_true(out[gone].confidence < 0.9F); // implied, not seen
        if (s.lens == 0) {
            tl_pitch_project(&model, view.straight, seen, 1280, 720, plain);
            assert_memory_equal(plain, out, sizeof out);
        }
        tl_pitch_project_view(&model, &view, NULL, out);
        assert_true(out[gone].confidence > 0);
    }
    static const double poison[9] = {NAN, 1, 2, 3, 4, 5, 6, 7, 8};
    tl_pitch_project(&model, poison, seen, 1280, 720, out);
    for (int k = 0; k < 32; k++)
        assert_true(out[k].x == 0 && out[k].y == 0 && out[k].confidence == 0);
    tl_pitch_project(&model, NULL, seen, 1280, 720, out);
    assert_true(out[14].confidence == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_match_the_pinhole), cmocka_unit_test(ground_and_picture_are_inverse),
        cmocka_unit_test(sky_is_no_ground),        cmocka_unit_test(camera_of_a_homography),
        cmocka_unit_test(nearest_homography),      cmocka_unit_test(between_views),
        cmocka_unit_test(projected_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
