// The robust fit on synthetic broadcast cameras: scatter, outliers, impossible and poisoned input, near frames.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pitch/solve.h"
#include "synthetic.h"

static TlPitchModel model;

static TlPitchFit fit_points(const TlPoint points[32], int width, int height)
{
    TlPitchFitParams params = {.width = width, .height = height};
    TlPitchFit fit;
    tl_pitch_fit(&model, points, &params, &fit);
    return fit;
}

static void exact_points(void **state)
{
    TlPoint points[32];

    (void)state;
    for (int i = 0; i < 120; i++) {
        Synthetic s = synthetic_camera(i, 1920, 1080);
        int n = synthetic_points(&s, &model, 0, points);
        if (n < 6)
            continue;
        TlPitchFit fit = fit_points(points, 1920, 1080);
        double mean;
        assert_true(fit.valid);
        assert_int_equal(fit.inliers, n);
        synthetic_error_px(&s, &fit.view, &mean);
        if (!(mean < 5)) // what the priors bend where no point is seen
            fail_msg("camera %d: mean error %.3f px", i, mean);
        assert_true(fit.rms_px < 1);
    }
}

// What is thought of a camera before it is fitted depends on where the first guess stands and looks.
static void behind_a_goal_or_beside_the_pitch(void **state)
{
    (void)state;
    for (int i = 0; i < 90; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        TlPoint points[32];
        TlCamera camera;
        double away = i % 2 ? 105 : 0; // the other goal
        int behind = s.place[0] < 0;
        if (behind && away > 0)
            s.place[0] = 105 - s.place[0], s.look[0] = 105 - s.look[0];
        s.lens = 0;
        if (synthetic_points(&s, &model, 0, points) < 6)
            continue;
        TlPitchFit fit = fit_points(points, 1280, 720);
        assert_int_equal(tl_camera_from_homography(fit.view.straight, fit.view.lens, 1280, 720, &camera), 0);
        TlCameraPrior prior = tl_camera_any(&model, &camera);
        assert_int_equal(prior.position[0] < 0, behind && away == 0);
        assert_int_equal(prior.position[0] > 105, behind && away > 0);
    }
    assert_true(tl_camera_any(&model, NULL).position[0] == 52.5);
}

static void scatter(void **state)
{
    TlPoint points[32];
    double sum = 0;
    int cameras = 0, invalid = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        int n = synthetic_points(&s, &model, 3, points);
        if (n < 8)
            continue;
        TlPitchFit fit = fit_points(points, 1280, 720);
        double mean;
        cameras++;
        invalid += !fit.valid;
        if (!fit.valid)
            continue;
        synthetic_error_px(&s, &fit.view, &mean);
        assert_true(mean < 40);
        sum += mean;
    }
    print_message("scatter of 3 px: mean error %.2f px, %d of %d refused\n", sum / cameras, invalid, cameras);
    assert_true(sum / cameras < 4);
    assert_true(invalid * 50 <= cameras);
}

static void a_third_are_outliers(void **state)
{
    TlPoint points[32];
    int cameras = 0, right = 0, wrong = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        int n = synthetic_points(&s, &model, 2, points), bad = 0;
        if (n < 10)
            continue;
        for (int k = 0; k < 32; k++)
            if (points[k].confidence > 0 && bad < n * 3 / 10 && uniform() < 0.5) {
                points[k].x = (float)(1280 * uniform());
                points[k].y = (float)(720 * uniform());
                bad++;
            }
        TlPitchFit fit = fit_points(points, 1280, 720);
        double mean = INFINITY;
        if (fit.valid)
            synthetic_error_px(&s, &fit.view, &mean);
        cameras++;
        right += mean < 12;
        wrong += fit.valid && !(mean < 40);
    }
    print_message("30 %% outliers: %d of %d right, %d wrong\n", right, cameras, wrong);
    assert_true(right >= cameras * 95 / 100);
    assert_true(wrong <= cameras / 100);
}

// The network took left for right: the labels are those of the flipped picture.
static void mirrored_labels_are_refused(void **state)
{
    TlPoint points[32], swapped[32];

    (void)state;
    for (int i = 0; i < 100; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        if (synthetic_points(&s, &model, i % 2, points) < 6)
            continue;
        for (int k = 0; k < 32; k++)
            swapped[tl_pitch_mirror[k]] = points[k];
        TlPitchFit fit = fit_points(swapped, 1280, 720);
        assert_true(!fit.valid || fit.inliers < 6);
    }
}

// Point of the same pitch turned by half a turn.
static int turned(int k)
{
    double x = 105 - model.point[k][0], y = 68 - model.point[k][1];
    for (int j = 0; j < 32; j++)
        if (hypot(model.point[j][0] - x, model.point[j][1] - y) < 1e-6)
            return j;
    return -1;
}

// Labels turned by half a turn are a camera on the far side, which by the definition of the labels cannot be.
static void turned_labels_are_refused(void **state)
{
    TlPoint points[32], other[32];

    (void)state;
    for (int i = 0; i < 100; i++) {
        Synthetic s = synthetic_camera(i, 1280, 720);
        if (s.place[0] < 0 || synthetic_points(&s, &model, 1, points) < 6)
            continue;
        for (int k = 0; k < 32; k++)
            other[turned(k)] = points[k];
        assert_false(fit_points(other, 1280, 720).valid);
        // The picture upside down is no picture either.
        for (int k = 0; k < 32; k++)
            if (points[k].confidence > 0) {
                points[k].x = 1280 - points[k].x;
                points[k].y = 720 - points[k].y;
            }
        assert_false(fit_points(points, 1280, 720).valid);
    }
}

static void too_little_to_go_on(void **state)
{
    Synthetic s = synthetic_camera(3, 1280, 720);
    TlPoint points[32], few[32] = {{0}};
    static const int on_halfway[] = {13, 14, 15, 16};

    (void)state;
    s.look[0] = 52.5;
    s.focal_px = 700;
    synthetic_points(&s, &model, 0, points);
    assert_false(fit_points(few, 1280, 720).valid);
    few[14] = points[14], few[15] = points[15], few[30] = points[30];
    assert_false(fit_points(few, 1280, 720).valid); // three
    memset(few, 0, sizeof few);
    for (int k = 0; k < 4; k++)
        few[on_halfway[k]] = points[on_halfway[k]];
    assert_false(fit_points(few, 1280, 720).valid); // four on a line
    for (int k = 0; k < 32; k++)
        few[k] = (TlPoint){640, 360, 1}; // all on one place
    assert_false(fit_points(few, 1280, 720).valid);
    assert_false(fit_points(points, 0, 0).valid);
    assert_false(fit_points(points, -5, 720).valid);
}

static void four_good_points(void **state)
{
    Synthetic s = synthetic_camera(4, 1280, 720);
    static const int corners[] = {13, 16, 30, 31};
    TlPoint points[32], few[32] = {{0}};
    TlPitchFit fit;

    (void)state;
    s.look[0] = 52.5;
    s.focal_px = 800;
    s.lens = 0;
    synthetic_points(&s, &model, 0, points);
    for (int k = 0; k < 4; k++) {
        assert_true(points[corners[k]].confidence > 0);
        few[corners[k]] = points[corners[k]];
    }
    fit = fit_points(few, 1280, 720);
    assert_true(fit.valid);
    assert_int_equal(fit.inliers, 4);
    for (int k = 0; k < 4; k++) {
        double u, v;
        assert_int_equal(tl_view_picture(&fit.view, model.point[corners[k]][0], model.point[corners[k]][1], &u, &v), 0);
        assert_true(hypot(u - few[corners[k]].x, v - few[corners[k]].y) < 2);
    }
    TlPitchFitParams params = {.width = 1280, .height = 720, .min_inliers = 6};
    tl_pitch_fit(&model, few, &params, &fit);
    assert_false(fit.valid);
}

static void poison(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e30F, -1e30F, 0};
    Synthetic s = synthetic_camera(5, 1280, 720);
    TlPoint points[32], clean[32];

    (void)state;
    synthetic_points(&s, &model, 0, clean);
    TlPitchFit expected = fit_points(clean, 1280, 720);
    assert_true(expected.valid);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        // Points that were not seen now claim nonsense: nothing changes.
        memcpy(points, clean, sizeof points);
        for (int k = 0; k < 32; k++)
            if (points[k].confidence == 0) {
                points[k] = (TlPoint){bad[i], bad[i], 1};
                if (bad[i] == 0)
                    points[k] = (TlPoint){50, 50, NAN};
            }
        TlPitchFit fit = fit_points(points, 1280, 720);
        assert_memory_equal(&fit, &expected, sizeof fit);
        for (int k = 0; k < 32; k++) // and nothing but nonsense
            points[k] = (TlPoint){bad[i], bad[i], bad[i]};
        assert_false(fit_points(points, 1280, 720).valid);
    }
    static const double broken[9] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    TlPitchView broken_view = {.lens = NAN, .width = 1280, .height = 720};
    memcpy(broken_view.straight, broken, sizeof broken);
    TlPitchFitParams params = {.width = 1280, .height = 720, .prior = broken};
    TlPitchFit fit;
    tl_pitch_fit(&model, clean, &params, &fit);
    assert_true(fit.valid);
    params = (TlPitchFitParams){.width = 1280, .height = 720, .prior_view = &broken_view};
    tl_pitch_fit(&model, clean, &params, &fit);
    assert_true(fit.valid);
    for (int i = 0; i < 9; i++)
        assert_true(isfinite(fit.homography[i]));
}

// Random points must not make a pitch out of thin air.
static void noise_is_no_pitch(void **state)
{
    int valid = 0;

    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        TlPoint points[32] = {{0}};
        int n = 4 + (int)(29 * uniform());
        for (int k = 0; k < n; k++)
            points[(k * 7 + trial) % 32] = (TlPoint){(float)(1280 * uniform()), (float)(720 * uniform()), 0.5F};
        valid += fit_points(points, 1280, 720).valid;
    }
    print_message("random points: %d of 300 look like a pitch\n", valid);
    assert_true(valid <= 15);
}

static void near_frames_help(void **state)
{
    TlPoint points[32], few[32];
    int tried = 0, found = 0;
    double sum = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        Synthetic before = synthetic_camera(i, 1280, 720), s = before;
        synthetic_points(&before, &model, 1, points);
        TlPitchFit last = fit_points(points, 1280, 720), fit;
        if (!last.valid)
            continue;
        s.look[0] += 2;
        s.focal_px *= 1.03;
        if (synthetic_points(&s, &model, 1, points) < 6)
            continue;
        memset(few, 0, sizeof few);
        int kept = 0;
        for (int k = 31; k >= 0 && kept < 3; k--) // three points, spread over the list
            if (points[k].confidence > 0 && (k % 5 == i % 5 || k % 5 == (i + 2) % 5)) {
                few[k] = points[k];
                kept++;
            }
        if (kept < 3)
            continue;
        assert_false(fit_points(few, 1280, 720).valid);
        TlPitchFitParams params = {.width = 1280, .height = 720, .prior_view = &last.view};
        tl_pitch_fit(&model, few, &params, &fit);
        tried++;
        if (!fit.valid)
            continue;
        double mean;
        synthetic_error_px(&s, &fit.view, &mean);
        found++;
        sum += mean;
        assert_true(mean < 40);
    }
    print_message("three points and a near frame: %d of %d, mean error %.1f px\n", found, tried, sum / found);
    assert_true(tried > 20 && found > tried * 8 / 10);
    assert_true(sum / found < 8);
}

// A near frame of another camera must not pull a good fit away.
static void a_false_near_frame_does_no_harm(void **state)
{
    TlPoint points[32];

    (void)state;
    for (int i = 0; i < 60; i++) {
        Synthetic other = synthetic_camera(8, 1280, 720), s = synthetic_camera(i, 1280, 720);
        synthetic_points(&other, &model, 0, points);
        TlPitchFit wrong = fit_points(points, 1280, 720), fit;
        assert_true(wrong.valid);
        if (s.place[0] < 0 || synthetic_points(&s, &model, 1, points) < 8)
            continue;
        double alone, mean;
        TlPitchFit plain = fit_points(points, 1280, 720);
        TlPitchFitParams params = {.width = 1280, .height = 720, .prior_view = &wrong.view};
        tl_pitch_fit(&model, points, &params, &fit);
        assert_int_equal(fit.valid, plain.valid);
        synthetic_error_px(&s, &plain.view, &alone);
        synthetic_error_px(&s, &fit.view, &mean);
        assert_true(mean < alone + 2);
    }
}

// Pictures stretched to a square (as some data sets are) have no camera with square pixels; a homography still fits.
static void stretched_pictures(void **state)
{
    TlPoint points[32];
    int good = 0, tried = 0;

    (void)state;
    for (int i = 0; i < 40; i++) {
        Synthetic s = synthetic_camera(i, 1920, 1080);
        s.lens = 0;
        int n = synthetic_points(&s, &model, 0.5, points);
        if (n < 10)
            continue;
        for (int k = 0; k < 32; k++) {
            points[k].x *= 1280.0F / 1920;
            points[k].y *= 1280.0F / 1080;
        }
        TlPitchFit fit = fit_points(points, 1280, 1280);
        tried++;
        if (!fit.valid || fit.inliers < n)
            continue;
        good += fit.rms_px < 2.5;
    }
    assert_true(good >= tried * 9 / 10);
}

static void same_in_same_out_without_memory(void **state)
{
    TlPoint points[32];
    Synthetic s = synthetic_camera(17, 1280, 720);
    TlPitchFit first, again;

    (void)state;
    synthetic_points(&s, &model, 4, points);
    points[14].x += 200;
    uint64_t before = tl_alloc_count();
    first = fit_points(points, 1280, 720);
    for (int i = 0; i < 5; i++) {
        again = fit_points(points, 1280, 720);
        assert_memory_equal(&first, &again, sizeof first);
    }
    assert_int_equal(tl_alloc_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_points),
        cmocka_unit_test(behind_a_goal_or_beside_the_pitch),
        cmocka_unit_test(scatter),
        cmocka_unit_test(a_third_are_outliers),
        cmocka_unit_test(mirrored_labels_are_refused),
        cmocka_unit_test(turned_labels_are_refused),
        cmocka_unit_test(too_little_to_go_on),
        cmocka_unit_test(four_good_points),
        cmocka_unit_test(poison),
        cmocka_unit_test(noise_is_no_pitch),
        cmocka_unit_test(near_frames_help),
        cmocka_unit_test(a_false_near_frame_does_no_harm),
        cmocka_unit_test(stretched_pictures),
        cmocka_unit_test(same_in_same_out_without_memory),
    };
    tl_pitch_model_init(&model, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
