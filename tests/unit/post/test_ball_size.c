// Sizes of balls: closed form on people of a known perspective, who does not count, and when nothing may change.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/decode.h"
#include "post_util.h"

static const TlLetterbox letterbox = {.src_width = 1920, .src_height = 1080};
static const float share = 0.21f;

static void add(TlDetections *d, int class_id, float score, float x, float foot, float width, float height)
{
    d->item[d->count++] = (TlDetection){
        .bbox = {x - 0.5f * width, foot - height, x + 0.5f * width, foot}, .score = score, .class_id = class_id};
}

// Height of somebody whose feet are in row y: a camera that looks at the horizon in row -200.
static float height_at(float y)
{
    return 0.1f * (y + 200);
}

static void add_people(TlDetections *d, int count)
{
    for (int i = 0; i < count; i++) {
        float foot = 250 + 700.0f * (float)i / (float)(count - 1);
        add(d, TL_CLASS_GOALKEEPER + i % 3, 0.9f, 200 + 100 * (float)i, foot, 25, height_at(foot));
    }
}

static double side_of(const TlDetection *d)
{
    return sqrt(((double)d->bbox[2] - d->bbox[0]) * ((double)d->bbox[3] - d->bbox[1]));
}

static void meets_the_people_halfway(void **state)
{
    (void)state;
    for (float foot = 300; foot <= 900; foot += 150) {
        TlDetections d = {.count = 0};
        add_people(&d, 12);
        add(&d, TL_CLASS_BALL, 0.5f, 800, foot, 9, 16);
        tl_ball_sizes(&d, &letterbox, share);
        const TlDetection *ball = &d.item[12];
        // the slope is held back a little, so a twentieth is allowed
        double expected = sqrt(12.0 * share * height_at(foot));
        assert_true(fabs(side_of(ball) / expected - 1) < 0.05);
        assert_float_equal(0.5f * (ball->bbox[0] + ball->bbox[2]), 800, 1e-3);
        assert_float_equal(0.5f * (ball->bbox[1] + ball->bbox[3]), foot - 8, 1e-3);
        assert_float_equal((ball->bbox[2] - ball->bbox[0]) / (ball->bbox[3] - ball->bbox[1]), 9.0 / 16, 1e-3);
        for (int i = 0; i < 12; i++)
            assert_float_equal(d.item[i].bbox[3] - d.item[i].bbox[1], height_at(d.item[i].bbox[3]), 1e-3);
    }
}

// Two rows of six people each around row 500, `near` px tall in the lower row, `far` px in the upper one; the ball's
// own box is 10 px wide and high, its lower edge at `foot`. Returns its side.
static double side_beside(float rows, float far, float near, float score, float foot)
{
    TlDetections d = {.count = 0};
    for (int i = 0; i < 12; i++)
        add(&d, TL_CLASS_PLAYER, i % 2 ? score : 0.9f, 300 + 60 * (float)i, 500 + (i % 2 ? 0.5f : -0.5f) * rows, 30,
            i % 2 ? near : far);
    add(&d, TL_CLASS_BALL, 0.5f, 300, foot, 10, 10);
    tl_ball_sizes(&d, &letterbox, share);
    return side_of(&d.item[12]);
}

static void a_slope_is_held_back_and_bounded(void **state)
{
    (void)state;
    // One row, two sizes: 40 px in one row of the picture would be a person of 20000 px at row 1000. The slope that is
    // left is 20 * 0.5 / (0.25 + 21.6^2) px a row.
    double slope = 10 / (0.25 + 21.6 * 21.6);
    assert_float_equal(side_beside(1, 60, 100, 0.9f, 1000), sqrt(10 * share * (80 + 500 * slope)), 0.01);
    assert_float_equal(side_beside(1, 60, 100, 0.9f, 400), sqrt(10 * share * (80 - 100 * slope)), 0.01);
    // 60 px in 200 rows: 600 rows on everybody would be of 247 px, twice as tall as the mean, and nobody is
    assert_float_equal(side_beside(200, 50, 110, 0.9f, 1070), sqrt(10 * share * 1.6 * 80), 0.01);
    assert_float_equal(side_beside(200, 50, 110, 0.9f, 20), sqrt(10 * share * 0.6 * 80), 0.01);
    // nobody grows with the distance
    assert_float_equal(side_beside(200, 110, 50, 0.9f, 900), sqrt(10 * share * 80), 0.01);
    // the doubtful half of them counts by the square of the score
    double a = 0.81, b = 0.16, mean = (a * 60 + b * 100) / (a + b);
    assert_float_equal(side_beside(0, 60, 100, 0.4f, 500), sqrt(10 * share * mean), 0.01);
}

static void who_is_cut_or_doubtful_does_not_count(void **state)
{
    (void)state;
    TlDetections d = {.count = 0};
    add_people(&d, 5);
    TlDetections with = d;
    add(&d, TL_CLASS_BALL, 0.5f, 900, 600, 10, 10);
    add(&with, TL_CLASS_PLAYER, 0.9f, 10, 700, 30, 20);    // cut on the left
    add(&with, TL_CLASS_PLAYER, 0.9f, 900, 1080, 30, 300); // cut below
    add(&with, TL_CLASS_PLAYER, 0.2f, 1000, 600, 30, 600); // hardly anybody
    add(&with, TL_CLASS_BALL, 0.9f, 1000, 700, 300, 600);  // no person
    add(&with, TL_CLASS_BALL, 0.5f, 900, 600, 10, 10);
    tl_ball_sizes(&d, &letterbox, share);
    tl_ball_sizes(&with, &letterbox, share);
    assert_float_equal(side_of(&d.item[5]), side_of(&with.item[9]), 1e-4);
    assert_true(fabs(side_of(&d.item[5]) - 10) > 1);
}

static void stays_when_nothing_is_known(void **state)
{
    (void)state;
    for (int people = 4; people <= 5; people++) {
        TlDetections d = {.count = 0};
        add_people(&d, people);
        add(&d, TL_CLASS_BALL, 0.5f, 900, 600, 10, 10);
        TlDetections before = d;
        tl_ball_sizes(&d, &letterbox, people == 4 ? share : 0);
        assert_memory_equal(&d, &before, sizeof d);
    }
}

static void stays_inside_the_picture(void **state)
{
    (void)state;
    TlDetections d = {.count = 0};
    add_people(&d, 8);
    add(&d, TL_CLASS_BALL, 0.5f, 1915, 1075, 4, 4); // grows over the corner
    add(&d, TL_CLASS_BALL, 0.5f, 1919, 700, 2, 20); // the rest of a cut one
    TlDetections before = d;
    tl_ball_sizes(&d, &letterbox, share);
    const float *b = d.item[8].bbox;
    assert_true(b[0] < 1913 && b[1] < 1071 && b[2] == 1920);
    assert_true(b[3] > 1075 && b[3] <= 1080);
    assert_memory_equal(&d.item[9], &before.item[9], sizeof d.item[9]);
}

static void tiny_people_leave_a_box(void **state)
{
    (void)state;
    TlDetections d = {.count = 0};
    for (int i = 0; i < 6; i++)
        add(&d, TL_CLASS_PLAYER, 0.9f, 300 + 60 * (float)i, 500, 1e-4f, 1e-4f);
    add(&d, TL_CLASS_BALL, 0.5f, 900, 600, 10, 10);
    tl_ball_sizes(&d, &letterbox, share);
    assert_float_equal(side_of(&d.item[6]), 10, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meets_the_people_halfway),
        cmocka_unit_test(a_slope_is_held_back_and_bounded),
        cmocka_unit_test(who_is_cut_or_doubtful_does_not_count),
        cmocka_unit_test(stays_when_nothing_is_known),
        cmocka_unit_test(stays_inside_the_picture),
        cmocka_unit_test(tiny_people_leave_a_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
