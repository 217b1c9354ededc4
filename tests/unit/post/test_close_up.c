// Close-ups: when a second look is worth it, and what of both looks stays.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post_util.h"

// A picture that the letterbox halves, 40 px from its top; the copy is a third of that from the input's corner.
static const TlLetterbox letterbox = {.net_width = 640,
                                      .net_height = 440,
                                      .src_width = 1280,
                                      .src_height = 720,
                                      .in_width = 640,
                                      .in_height = 360,
                                      .offset_y = 40,
                                      .scale_x = 0.5f,
                                      .scale_y = 0.5f};
static const TlPostParams params = {.tallest = 0.25f};

static void add(TlDetections *d, int class_id, float score, float x1, float y1, float x2, float y2)
{
    d->look[d->count][3] = 1;
    d->look[d->count][0] = (uint8_t)(100 * score);
    d->class_score[d->count][class_id] = score;
    d->place[d->count] = (int)x1;
    d->item[d->count++] = (TlDetection){.bbox = {x1, y1, x2, y2}, .score = score, .class_id = class_id};
}

// The same of the copy, from source pixels: what the letterbox makes of them, shrunk, and undone as if it were whole.
static void add_again(TlDetections *d, int class_id, float score, float x1, float y1, float x2, float y2)
{
    float corner[4] = {x1, y1, x2, y2};
    for (int k = 0; k < 4; k += 2) {
        corner[k] = (corner[k] * 0.5f) / TL_CLOSE_UP_FACTOR;
        corner[k + 1] = (corner[k + 1] * 0.5f + 40) / TL_CLOSE_UP_FACTOR;
        tl_letterbox_undo(&letterbox, &corner[k], &corner[k + 1]);
    }
    add(d, class_id, score, corner[0], corner[1], corner[2], corner[3]);
}

static void is_likely_where_hardly_anybody_is_seen(void **state)
{
    (void)state;
    static TlDetections d;
    d.count = 0;
    assert_true(tl_close_up_is_likely(&d, &params));
    assert_false(tl_close_up_is_likely(&d, &(TlPostParams){0})); // the model does not ask for it
    for (int i = 0; i < 20; i++)
        add(&d, i % 2 ? TL_CLASS_BALL : TL_CLASS_PLAYER, i % 2 ? 0.9f : 0.35f, 40 * (float)i, 300, 40 * (float)i + 20,
            350);
    assert_true(tl_close_up_is_likely(&d, &params)); // balls and weak boxes are nobody
    for (int i = 0; i < 6; i++)
        add(&d, TL_CLASS_GOALKEEPER + i % 3, 0.6f, 90 * (float)i, 100, 90 * (float)i + 20, 150);
    assert_false(tl_close_up_is_likely(&d, &params));
}

static void joins_both_looks(void **state)
{
    (void)state;
    static TlDetections seen, again, out;
    seen.count = again.count = 0;
    add(&seen, TL_CLASS_PLAYER, 0.9f, 900, 300, 960, 450);  // confirmed
    add(&seen, TL_CLASS_PLAYER, 0.8f, 410, 600, 440, 640);  // a shoe
    add(&seen, TL_CLASS_BALL, 0.7f, 20, 20, 30, 30);        // a spot of light
    add(&seen, TL_CLASS_REFEREE, 0.5f, 610, 400, 700, 600); // confirmed, though not by class
    add_again(&again, TL_CLASS_GOALKEEPER, 0.6f, 300, 100, 500, 640);
    add_again(&again, TL_CLASS_PLAYER, 0.55f, 904, 304, 960, 452);
    add_again(&again, TL_CLASS_PLAYER, 0.5f, 612, 400, 700, 604);
    add_again(&again, TL_CLASS_PLAYER, 0.45f, 100, 100, 150, 270);   // not tall, and the first look saw nobody
    add_again(&again, TL_CLASS_BALL, 0.4f, 700, 300, 900, 500);      // of no ball is that the size
    add_again(&again, TL_CLASS_PLAYER, 0.35f, 1278, 100, 1500, 600); // beside the picture
    add_again(&again, TL_CLASS_PLAYER, 0.3f, 1000, 500, 1200, 1100); // cut by its edge
    tl_close_up_join(&seen, &again, &letterbox, &params, &out);
    static const float expected[][6] = {{0.9f, TL_CLASS_PLAYER, 900, 300, 960, 450},
                                        {0.6f, TL_CLASS_GOALKEEPER, 300, 100, 500, 640},
                                        {0.5f, TL_CLASS_REFEREE, 610, 400, 700, 600},
                                        {0.3f, TL_CLASS_PLAYER, 1000, 500, 1200, 720}};
    assert_int_equal(out.count, 4);
    for (int i = 0; i < 4; i++) {
        const TlDetection *d = &out.item[i];
        assert_float_equal(d->score, expected[i][0], 1e-6);
        assert_int_equal(d->class_id, expected[i][1]);
        for (int k = 0; k < 4; k++)
            assert_float_equal(d->bbox[k], expected[i][2 + k], 0.01);
        assert_int_equal(out.look[i][0], (int)(100 * d->score)); // what belongs to a box comes along
        assert_float_equal(out.class_score[i][d->class_id], d->score, 1e-6);
    }
}

static void never_more_than_fit(void **state)
{
    (void)state;
    static TlDetections seen, again, out;
    seen.count = again.count = 0;
    for (int i = 0; i < TL_DETECTION_MAX; i++) {
        float x = 4 * (float)i;
        add(&seen, TL_CLASS_PLAYER, 0.3f, x, 0, x + 4, 200);
        add_again(&again, TL_CLASS_PLAYER, 0.5f, x, i % 2 ? 300 : 0, x + 4, i % 2 ? 600 : 200);
    }
    tl_close_up_join(&seen, &again, &letterbox, &params, &out);
    assert_int_equal(out.count, TL_DETECTION_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_likely_where_hardly_anybody_is_seen),
        cmocka_unit_test(joins_both_looks),
        cmocka_unit_test(never_more_than_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
