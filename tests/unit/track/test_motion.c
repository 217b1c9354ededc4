// Kalman axes against their closed form, and camera motion from boxes against the motion that made them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "track/kalman.h"
#include "track/motion.h"

static uint64_t g_state = 362436069362436069ULL;

static double uniform(void)
{
    g_state ^= g_state << 13;
    g_state ^= g_state >> 7;
    g_state ^= g_state << 17;
    return (double)(g_state >> 11) / 9007199254740992.0;
}

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.9g is not %.9g (+- %g)", a, b, tolerance);
}

// One long step of white-noise acceleration is the same as many short ones.
static void test_axis_steps(void **state)
{
    (void)state;
    TlAxis once, often;
    tl_axis_init(&once, 10, 4, 9);
    once.v = 3;
    often = once;
    tl_axis_predict(&once, 0.4, 2.5, 1);
    for (int i = 0; i < 8; i++)
        tl_axis_predict(&often, 0.05, 2.5, 1);
    near(often.x, 11.2, 1e-12);
    near(often.x, once.x, 1e-12);
    near(often.pxx, once.pxx, 1e-12);
    near(often.pxv, once.pxv, 1e-12);
    near(often.pvv, once.pvv, 1e-12);
    near(once.pxx, 4 + 0.16 * 9 + 2.5 * 0.064 / 3, 1e-12);
    near(once.pvv, 9 + 2.5 * 0.4, 1e-12);
}

static void test_axis_update(void **state)
{
    (void)state;
    TlAxis axis;
    tl_axis_init(&axis, 0, 1, 0);
    tl_axis_update(&axis, 1, 1);
    near(axis.x, 0.5, 1e-12);
    near(axis.pxx, 0.5, 1e-12);
    tl_axis_init(&axis, 0, 1, 0);
    tl_axis_update(&axis, 100, 1); // an outlier may not carry the state away
    assert_true(axis.x > 0 && axis.x < 10);
    tl_axis_init(&axis, 0, 1, 100);
    for (int i = 1; i <= 60; i++) {
        tl_axis_predict(&axis, 0.04, 0.1, 1);
        tl_axis_update(&axis, 7.0 * 0.04 * i, 0.25);
    }
    near(axis.v, 7, 0.1);
    near(axis.x, 7 * 2.4, 0.05);
    assert_true(axis.pxx > 0 && axis.pvv > 0 && axis.pxx * axis.pvv > axis.pxv * axis.pxv);
}

static void test_box_filter(void **state)
{
    (void)state;
    TlBoxFilter f;
    const float box[4] = {100, 200, 130, 280};
    float out[4];
    tl_box_filter_init(&f, box, &tl_noise_person);
    tl_box_filter_box(&f, out);
    for (int i = 0; i < 4; i++)
        near(out[i], box[i], 1e-3);
    double zoom[9];
    tl_motion_similarity(1.1, 20, -5, zoom);
    tl_box_filter_warp(&f, zoom);
    tl_box_filter_box(&f, out);
    for (int i = 0; i < 4; i++)
        near(out[i], 1.1 * box[i] + (i & 1 ? -5 : 20), 1e-3);
    for (int i = 0; i < 500; i++)
        tl_box_filter_predict(&f, 0.04, 1, &tl_noise_person);
    tl_box_filter_box(&f, out);
    assert_true(isfinite(out[0]) && out[2] > out[0]);
}

static void make_players(TlMotionPoint *p, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (TlMotionPoint){1280 * uniform(), 150 + 500 * uniform(), 40 + 40 * uniform()};
}

// Everybody moves a little on his own; some vanish, some appear.
static int move_players(const TlMotionPoint *from, int n, double scale, double tx, double ty, TlMotionPoint *to)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (uniform() < 0.2)
            continue;
        to[count++] = (TlMotionPoint){scale * from[i].x + tx + 10 * (uniform() - 0.5),
                                      scale * from[i].y + ty + 6 * (uniform() - 0.5), scale * from[i].size};
    }
    for (int i = 0; i < 3; i++)
        to[count++] = (TlMotionPoint){1280 * uniform(), 150 + 500 * uniform(), 40 + 40 * uniform()};
    return count;
}

static void test_search(void **state)
{
    (void)state;
    int good = 0;
    for (int trial = 0; trial < 200; trial++) {
        TlMotionPoint from[22], to[32];
        double motion[9], scale = 0.97 + 0.06 * uniform(), tx = 400 * (uniform() - 0.5), ty = 60 * (uniform() - 0.5);
        const double guess[2] = {0, 0}; // nobody knows that the camera began to turn
        make_players(from, 22);
        int m = move_players(from, 22, scale, tx, ty, to);
        int found = tl_motion_search(from, 22, to, m, guess, motion);
        double x = 640, y = 400;
        tl_motion_apply(motion, &x, &y);
        good += found >= 8 && hypot(x - (scale * 640 + tx), y - (scale * 400 + ty)) < 8;
    }
    assert_true(good >= 196);
}

static void test_fit(void **state)
{
    (void)state;
    for (int trial = 0; trial < 100; trial++) {
        TlMotionPoint from[20], to[20];
        double motion[9], tx = 300 * (uniform() - 0.5);
        make_players(from, 20);
        for (int i = 0; i < 20; i++) {
            to[i] = (TlMotionPoint){1.02 * from[i].x + tx + 4 * (uniform() - 0.5), 1.02 * from[i].y - 7, from[i].size};
            if (i < 5)
                to[i].x += 400; // wrong pairs
        }
        assert_true(tl_motion_fit(from, to, 20, motion) >= 14);
        double x = 700, y = 300;
        tl_motion_apply(motion, &x, &y);
        near(x, 1.02 * 700 + tx, 5);
        near(y, 1.02 * 300 - 7, 3);
    }
    TlMotionPoint a[2] = {{10, 10, 50}, {30, 10, 50}}, b[2] = {{14, 11, 50}, {38, 11, 50}};
    double motion[9];
    assert_int_equal(tl_motion_fit(a, b, 2, motion), 2);
    near(motion[0], 1, 0);
    near(motion[2], 6, 1e-12);
    assert_int_equal(tl_motion_fit(a, b, 0, motion), 0);
    near(motion[2], 0, 0);
}

static void test_sane(void **state)
{
    (void)state;
    double m[9];
    tl_motion_identity(m);
    assert_true(tl_motion_sane(m, 1280, 720));
    tl_motion_similarity(1.1, -300, 20, m);
    assert_true(tl_motion_sane(m, 1280, 720));
    tl_motion_similarity(1, 3000, 0, m);
    assert_false(tl_motion_sane(m, 1280, 720));
    tl_motion_similarity(-1, 0, 0, m);
    m[4] = 1; // mirror
    assert_false(tl_motion_sane(m, 1280, 720));
    tl_motion_similarity((double)NAN, 0, 0, m);
    assert_false(tl_motion_sane(m, 1280, 720));
    tl_motion_identity(m);
    m[6] = 0.01; // horizon through the picture
    m[8] = -3;
    assert_false(tl_motion_sane(m, 1280, 720));
    double x = 5, y = 6;
    m[6] = m[7] = m[8] = 0;
    tl_motion_apply(m, &x, &y);
    near(x, 5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_axis_steps), cmocka_unit_test(test_axis_update),
                                       cmocka_unit_test(test_box_filter), cmocka_unit_test(test_search),
                                       cmocka_unit_test(test_fit),        cmocka_unit_test(test_sane)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
