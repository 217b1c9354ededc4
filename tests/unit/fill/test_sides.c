// Which team defends which goal, from where the players of both stand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "fill/sides.h"

enum { FPS = 25 };

// Key frames of so many seconds in which team 2 stands `apart` metres to the right of team 1.
static void play(TlSides *sides, double seconds, double apart, int players)
{
    int64_t from = sides->has_seen ? sides->frame : 0;
    for (int k = 1; k <= (int)lround(seconds * FPS / 2); k++) {
        for (int i = 0; i < players; i++) {
            tl_sides_add(sides, 1, 40 + 2 * i);
            tl_sides_add(sides, 2, 40 + 2 * i + apart);
        }
        tl_sides_step(sides, from + 2 * (int64_t)k, FPS);
    }
}

static void test_left(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        TlSides sides = {0};
        play(&sides, 0.2, sign * 8.0, 6);
        assert_int_equal(sides.left_team, 0); // too early
        play(&sides, 1, sign * 8.0, 6);
        assert_int_equal(sides.left_team, sign > 0 ? 1 : 2);
        play(&sides, 2, sign * -8.0, 6); // a counter-attack
        assert_int_equal(sides.left_team, sign > 0 ? 1 : 2);
    }
}

static void test_half_time(void **state)
{
    (void)state;
    TlSides sides = {0};
    play(&sides, 600, 10, 8);
    assert_int_equal(sides.left_team, 1);
    play(&sides, 30, -10, 8);
    assert_int_equal(sides.left_team, 2);
}

static void test_nothing_to_tell(void **state)
{
    (void)state;
    TlSides sides = {0};
    play(&sides, 60, 2.5, 8); // both about the same place
    play(&sides, 60, 20, 2);  // two of each
    for (int i = 0; i < 20; i++) {
        tl_sides_add(&sides, 1, NAN);
        tl_sides_add(&sides, 0, 10);
        tl_sides_add(&sides, 3, 90);
        tl_sides_add(&sides, -1, 90);
        tl_sides_step(&sides, sides.frame + (i % 2 ? 1000000 : -1000000), FPS);
    }
    assert_int_equal(sides.left_team, 0);
    assert_int_equal(tl_sides_keeper(&sides, 3, 105), 0);
}

static void test_keepers(void **state)
{
    (void)state;
    TlSides sides = {.left_team = 2};
    assert_int_equal(tl_sides_keeper(&sides, 5, 105), 2);
    assert_int_equal(tl_sides_keeper(&sides, -1, 105), 2);
    assert_int_equal(tl_sides_keeper(&sides, 100, 105), 1);
    assert_int_equal(tl_sides_keeper(&sides, 52, 105), 0);
    assert_int_equal(tl_sides_keeper(&sides, NAN, 105), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_half_time),
        cmocka_unit_test(test_nothing_to_tell),
        cmocka_unit_test(test_keepers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
