// Letterbox: sizes that ultralytics gives, and the way back to source pixels.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pre/pre.h"

static TlLetterbox make(int sw, int sh, int nw, int nh, int anchor)
{
    TlLetterbox box;
    tl_letterbox_init(&box, sw, sh, nw, nh, anchor);
    return box;
}

// Expected values from ultralytics.data.augment.LetterBox: new_unpad, left, top.
static void test_sizes(void **opaque)
{
    (void)opaque;
    static const struct {
        int sw, sh, nw, nh, iw, ih, left, top;
    } rows[] = {
        {1280, 720, 640, 384, 640, 360, 0, 12},   {1280, 720, 480, 288, 480, 270, 0, 9},
        {1920, 1080, 640, 640, 640, 360, 0, 140}, {640, 360, 640, 384, 640, 360, 0, 12},
        {850, 478, 640, 384, 640, 360, 0, 12},    {720, 1280, 640, 384, 216, 384, 212, 0},
        {1279, 719, 640, 384, 640, 360, 0, 12},   {16, 16, 640, 384, 384, 384, 128, 0},
        {640, 361, 640, 384, 640, 361, 0, 11},    {5, 1000, 640, 384, 2, 384, 319, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TlLetterbox box = make(rows[i].sw, rows[i].sh, rows[i].nw, rows[i].nh, TL_PRE_CENTRE);
        assert_int_equal(box.in_width, rows[i].iw);
        assert_int_equal(box.in_height, rows[i].ih);
        assert_int_equal(box.offset_x, rows[i].left);
        assert_int_equal(box.offset_y, rows[i].top);
        box = make(rows[i].sw, rows[i].sh, rows[i].nw, rows[i].nh, TL_PRE_TOP_LEFT);
        assert_int_equal(box.in_width, rows[i].iw);
        assert_int_equal(box.offset_x, 0);
        assert_int_equal(box.offset_y, 0);
    }
}

static void test_undo_is_inverse(void **opaque)
{
    (void)opaque;
    for (int sw = 16; sw < 3000; sw += 97) {
        for (int sh = 16; sh < 2000; sh += 83) {
            TlLetterbox box = make(sw, sh, 640, 384, (sw + sh) & 1);
            float x = (float)box.offset_x, y = (float)box.offset_y;
            tl_letterbox_undo(&box, &x, &y);
            assert_true(x == 0 && y == 0);
            x = (float)(box.offset_x + box.in_width), y = (float)(box.offset_y + box.in_height);
            tl_letterbox_undo(&box, &x, &y);
            assert_float_equal(x, sw, 1e-3 * sw);
            assert_float_equal(y, sh, 1e-3 * sh);
            assert_true(box.offset_x + box.in_width <= 640 && box.offset_y + box.in_height <= 384);
            assert_true(box.in_width == 640 || box.in_height == 384);
        }
    }
}

static void test_extreme_sizes(void **opaque)
{
    (void)opaque;
    TlLetterbox box = make(16384, 16, 640, 384, TL_PRE_TOP_LEFT);
    assert_int_equal(box.in_height, 1);
    box = make(0, 0, 640, 384, TL_PRE_CENTRE);
    assert_true(box.in_width >= 1 && box.in_height >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_undo_is_inverse),
        cmocka_unit_test(test_extreme_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
