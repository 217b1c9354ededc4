// Who belongs on the pitch, seen straight from above at ten pixels a metre, the pitch's corner at (100, 100).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fill/belong.h"

enum { FPS = 25 };

static TlPitchModel model;
static const TlPitchView view = {.straight = {0.1, 0, -10, 0, 0.1, -10, 0, 0, 1}, .width = 1280, .height = 900};

// A person of so many pixels whose feet are at a place of the pitch.
static TlTracked person(int class_id, double x, double y, double height)
{
    TlTracked t = {.id = 1, .class_id = class_id, .score = 0.8f, .confirmed = 1};
    t.bbox[0] = (float)(100 + 10 * x - 4);
    t.bbox[1] = (float)(100 + 10 * y - height);
    t.bbox[2] = (float)(100 + 10 * x + 4);
    t.bbox[3] = (float)(100 + 10 * y);
    return t;
}

// `seconds` of five sightings a second from frame `from` on; returns the frame behind.
static int64_t stay(TlBelonging *b, TlTracked t, double seconds, int64_t from)
{
    for (int i = 0; i < (int)(5 * seconds); i++, from += FPS / 5)
        (void)tl_belong_add(b, &model, &view, &t, from, FPS);
    return from;
}

static int shown(const TlBelonging *b, int class_id)
{
    return tl_belong_is_shown(b, class_id, FPS);
}

static void on_the_pitch(void **state)
{
    TlBelonging b = {0};
    TlTracked t = person(TL_CLASS_PLAYER, 30, 20, 18);
    (void)state;
    assert_true(shown(&b, TL_CLASS_PLAYER)); // nothing known
    assert_int_equal(tl_belong_add(&b, &model, &view, &t, 0, FPS), 1);
    stay(&b, t, 60, 1);
    assert_true(shown(&b, TL_CLASS_PLAYER));
}

static void spectators(void **state)
{
    TlBelonging b = {0};
    (void)state;
    int64_t at = stay(&b, person(TL_CLASS_PLAYER, 30, -5, 18), 2, 0);
    assert_false(shown(&b, TL_CLASS_PLAYER));
    stay(&b, person(TL_CLASS_PLAYER, 30, 2, 18), 8, at); // runs on
    assert_true(shown(&b, TL_CLASS_PLAYER));
}

static void a_box_of_four_metres_is_a_board(void **state)
{
    TlBelonging person_high = {0}, high = {0};
    (void)state;
    stay(&person_high, person(TL_CLASS_PLAYER, 30, -2, 25), 2, 0);
    stay(&high, person(TL_CLASS_PLAYER, 30, -2, 40), 2, 0);
    assert_true(shown(&person_high, TL_CLASS_PLAYER));
    assert_false(shown(&high, TL_CLASS_PLAYER));
}

// A throw-in does not take so long. Assistants stay there, and so may referees.
static void a_coach_stands_beside_the_line(void **state)
{
    TlBelonging thrower = {0}, coach = {0}, assistant = {0};
    (void)state;
    stay(&thrower, person(TL_CLASS_PLAYER, 30, -2, 18), 6, 0);
    assert_true(shown(&thrower, TL_CLASS_PLAYER));
    int64_t at = stay(&coach, person(TL_CLASS_PLAYER, 30, -2, 18), 10, 0);
    assert_false(shown(&coach, TL_CLASS_PLAYER));
    assert_false(shown(&coach, TL_CLASS_GOALKEEPER));
    stay(&coach, person(TL_CLASS_PLAYER, 30, 0.5, 18), 0.2, at); // a substitute comes on
    assert_true(shown(&coach, TL_CLASS_PLAYER));
    stay(&assistant, person(TL_CLASS_REFEREE, 30, -2, 18), 60, 0);
    assert_true(shown(&assistant, TL_CLASS_REFEREE));
}

// A minute without a camera says nothing, nor do feet that the picture cuts off.
static void no_camera_no_judgement(void **state)
{
    TlBelonging b = {0};
    (void)state;
    stay(&b, person(TL_CLASS_PLAYER, 30, -2, 18), 4, 0);
    assert_true(shown(&b, TL_CLASS_PLAYER));
    int64_t at = stay(&b, person(TL_CLASS_PLAYER, 30, -2, 18), 1, 60 * FPS);
    assert_true(shown(&b, TL_CLASS_PLAYER));
    stay(&b, person(TL_CLASS_PLAYER, 30, -2, 18), 5, at);
    assert_false(shown(&b, TL_CLASS_PLAYER));
    TlTracked cut = person(TL_CLASS_PLAYER, 30, 80, 18); // feet on the picture's lower edge
    assert_int_equal(tl_belong_add(&b, &model, &view, &cut, 120 * FPS, FPS), 0);
    assert_true(shown(&b, TL_CLASS_PLAYER));
}

static void a_ball_on_a_mark(void **state)
{
    TlBelonging lies = {0}, rolls = {0};
    TlTracked ball = person(TL_CLASS_BALL, 11, 34.2, 4);
    (void)state;
    stay(&lies, ball, 3, 0);
    assert_false(shown(&lies, TL_CLASS_BALL));
    stay(&rolls, person(TL_CLASS_BALL, 14, 34, 4), 3, 0);
    assert_true(shown(&rolls, TL_CLASS_BALL));
}

static void a_spare_ball(void **state)
{
    TlBelonging spare = {0}, near = {0}, out = {0}, high = {0};
    (void)state;
    stay(&spare, person(TL_CLASS_BALL, 30, -3, 4), 3, 0);
    assert_false(shown(&spare, TL_CLASS_BALL));
    stay(&near, person(TL_CLASS_BALL, 30, -1.2, 4), 3, 0);
    assert_false(shown(&near, TL_CLASS_BALL));
    int64_t at = stay(&out, person(TL_CLASS_BALL, 30, 3, 4), 3, 0);
    stay(&out, person(TL_CLASS_BALL, 30, -3, 4), 2, at); // played over the line
    assert_true(shown(&out, TL_CLASS_BALL));
    stay(&high, person(TL_CLASS_BALL, 30, -9, 4), 3, 0);
    assert_true(shown(&high, TL_CLASS_BALL));
}

static float share(int class_id, double x, double y, double height)
{
    TlTracked t = person(class_id, x, y, height);
    if (class_id == TL_CLASS_BALL) { // its centre is its place
        t.bbox[1] = (float)(100 + 10 * y - 1);
        t.bbox[3] = (float)(100 + 10 * y + 1);
    }
    return tl_belong_share(&model, &view, t.bbox, class_id);
}

static void single_pictures(void **state)
{
    (void)state;
    const double tall = 18;
    assert_float_equal(share(TL_CLASS_PLAYER, 30, 20, tall), 1, 0);
    assert_float_equal(share(TL_CLASS_PLAYER, 30, -1.4, tall), 1, 0);
    assert_float_equal(share(TL_CLASS_PLAYER, 30, -1.6, tall), 0.5, 0);
    assert_float_equal(share(TL_CLASS_GOALKEEPER, 107, 34, tall), 0.5, 0);
    assert_float_equal(share(TL_CLASS_REFEREE, 30, 70.8, tall), 1, 0);
    assert_float_equal(share(TL_CLASS_REFEREE, 30, 71.2, tall), 0.5, 0);
    assert_float_equal(share(TL_CLASS_PLAYER, 30, 20, 34), 0.5, 0); // 3.4 m
    assert_float_equal(share(TL_CLASS_BALL, 30, 20, 2), 1, 0);
    assert_float_equal(share(TL_CLASS_BALL, 30, 71, 2), 0.5, 0);
    assert_float_equal(share(TL_CLASS_BALL, 30, 77, 2), 1, 0); // in the air
    assert_float_equal(share(TL_CLASS_BALL, 11.3, 34, 2), 0.7f, 0);
    assert_float_equal(share(TL_CLASS_BALL, 94, 34.3, 2), 0.7f, 0);
    assert_float_equal(share(TL_CLASS_BALL, 11, 34.6, 2), 1, 0);
    assert_float_equal(share(TL_CLASS_BALL, 52.5, 34, 2), 1, 0); // the kick-off
    // a low camera far away, a pixel is 0.8 m: 2.4 m may be an error of the box
    const TlPitchView flat = {.straight = {0.1, 0, -10, 0, 0.8, -80, 0, 0, 1}, .width = 1280, .height = 900};
    const float perhaps[4] = {400, 80, 408, 97.2f}, clearly[4] = {400, 80, 408, 96.5f};
    assert_float_equal(tl_belong_share(&model, &flat, perhaps, TL_CLASS_PLAYER), 1, 0);
    assert_float_equal(tl_belong_share(&model, &flat, clearly, TL_CLASS_PLAYER), 0.5, 0);
    // feet below the picture
    const float cut[4] = {400, 860, 420, 900};
    assert_float_equal(tl_belong_share(&model, &view, cut, TL_CLASS_PLAYER), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_pitch),
        cmocka_unit_test(spectators),
        cmocka_unit_test(a_box_of_four_metres_is_a_board),
        cmocka_unit_test(a_coach_stands_beside_the_line),
        cmocka_unit_test(no_camera_no_judgement),
        cmocka_unit_test(a_ball_on_a_mark),
        cmocka_unit_test(a_spare_ball),
        cmocka_unit_test(single_pictures),
    };
    tl_pitch_model_init(&model, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
