// Close-ups: when a second look is worth it, and what of both looks stays.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post_util.h"

static const TlLetterbox letterbox = {.src_width = 1280, .src_height = 720, .scale_x = 0.5f, .scale_y = 0.5f};
static const TlPostParams params = {.tallest = 0.25f, .max_detections = TL_DETECTION_MAX};

static void add(TlDetections *d, int class_id, float score, float x1, float y1, float x2, float y2)
{
    d->look[d->count][3] = 1;
    d->look[d->count][0] = (uint8_t)(100 * score);
    d->class_score[d->count][class_id] = score;
    d->place[d->count] = (int)x1;
    d->item[d->count++] = (TlDetection){.bbox = {x1, y1, x2, y2}, .score = score, .class_id = class_id};
}

// The same of the copy, which is a third of the picture in its own corner.
static void add_again(TlDetections *d, int class_id, float score, float x1, float y1, float x2, float y2)
{
    add(d, class_id, score, x1 / 3, y1 / 3, x2 / 3, y2 / 3);
}

static void is_likely_where_hardly_anybody_is_seen(void **state)
{
    (void)state;
    static TlDetections d;
    d.count = 0;
    assert_true(tl_close_up_is_likely(&d, &params));
    assert_false(tl_close_up_is_likely(&d, &(TlPostParams){.max_detections = 300})); // the model does not ask for it
    assert_false(tl_close_up_is_likely(&d, &(TlPostParams){.tallest = 0.25f, .max_detections = 5})); // a user wants few
    for (int i = 0; i < 20; i++)
        add(&d, i % 2 ? TL_CLASS_BALL : TL_CLASS_PLAYER, i % 2 ? 0.9f : 0.35f, 40 * (float)i, 300, 40 * (float)i + 20,
            350);
    assert_true(tl_close_up_is_likely(&d, &params)); // balls and weak boxes are nobody
    for (int i = 0; i < 6; i++)
        add(&d, TL_CLASS_GOALKEEPER + i % 3, 0.6f, 90 * (float)i, 100, 90 * (float)i + 20, 150);
    assert_false(tl_close_up_is_likely(&d, &params));
}

static void expect(const TlDetections *out, const float expected[][6], int count)
{
    assert_int_equal(out->count, count);
    for (int i = 0; i < count; i++) {
        const TlDetection *d = &out->item[i];
        assert_float_equal(d->score, expected[i][0], 1e-6);
        assert_int_equal(d->class_id, expected[i][1]);
        for (int k = 0; k < 4; k++)
            assert_float_equal(d->bbox[k], expected[i][2 + k], 0.01);
        assert_int_equal(out->look[i][0], (int)(100 * d->score)); // what belongs to a box comes along
        assert_float_equal(out->class_score[i][d->class_id], d->score, 1e-6);
    }
}

static void joins_both_looks(void **state)
{
    (void)state;
    static TlDetections seen, again, out;
    seen.count = again.count = 0;
    add(&seen, TL_CLASS_PLAYER, 0.9f, 900, 300, 960, 450);  // confirmed
    add(&seen, TL_CLASS_PLAYER, 0.8f, 410, 600, 440, 640);  // a shoe
    add(&seen, TL_CLASS_BALL, 0.7f, 20, 20, 30, 30);        // a spot of light
    add(&seen, TL_CLASS_REFEREE, 0.5f, 610, 450, 670, 600); // confirmed, though not by class
    add(&seen, TL_CLASS_PLAYER, 0.2f, 310, 110, 500, 600);  // nearly the whole of somebody tall
    add_again(&again, TL_CLASS_GOALKEEPER, 0.6f, 300, 100, 500, 640);
    add_again(&again, TL_CLASS_PLAYER, 0.55f, 904, 304, 960, 452);
    add_again(&again, TL_CLASS_PLAYER, 0.5f, 612, 450, 670, 604);
    add_again(&again, TL_CLASS_PLAYER, 0.45f, 100, 100, 150, 270);   // not tall, and the first look saw nobody
    add_again(&again, TL_CLASS_BALL, 0.4f, 700, 300, 900, 500);      // of no ball is that the size
    add_again(&again, TL_CLASS_PLAYER, 0.35f, 1278, 100, 1500, 600); // beside the picture
    add_again(&again, TL_CLASS_PLAYER, 0.3f, 1000, 500, 1200, 1100); // cut by its edge
    tl_close_up_join(&seen, &again, &letterbox, &params, &out);
    static const float expected[][6] = {{0.9f, TL_CLASS_PLAYER, 900, 300, 960, 450},
                                        {0.6f, TL_CLASS_GOALKEEPER, 300, 100, 500, 640},
                                        {0.5f, TL_CLASS_REFEREE, 610, 450, 670, 600},
                                        {0.3f, TL_CLASS_PLAYER, 1000, 500, 1200, 720}};
    expect(&out, expected, 4);
}

// A view of few people from afar: what is too small for the copy stays.
static void nobody_tall(void **state)
{
    (void)state;
    static TlDetections seen, again, out;
    seen.count = again.count = 0;
    add(&seen, TL_CLASS_PLAYER, 0.9f, 900, 300, 930, 370);
    add(&seen, TL_CLASS_PLAYER, 0.8f, 410, 500, 460, 640); // would be seen
    add(&seen, TL_CLASS_BALL, 0.7f, 20, 20, 30, 30);
    add_again(&again, TL_CLASS_PLAYER, 0.5f, 100, 100, 150, 270);
    tl_close_up_join(&seen, &again, &letterbox, &params, &out);
    static const float expected[][6] = {{0.9f, TL_CLASS_PLAYER, 900, 300, 930, 370},
                                        {0.7f, TL_CLASS_BALL, 20, 20, 30, 30}};
    expect(&out, expected, 2);
}

static void never_more_than_wanted(void **state)
{
    (void)state;
    static TlDetections seen, again, out;
    seen.count = again.count = 0;
    for (int i = 0; i < TL_DETECTION_MAX; i++) {
        float x = 4 * (float)i, low = i % 2 ? 150 : 300; // every other one is tall, the others are the same
        add(&seen, TL_CLASS_PLAYER, 0.3f, x, 0, x + 4, 150);
        add_again(&again, TL_CLASS_PLAYER, 0.5f, x, 0, x + 4, low);
    }
    tl_close_up_join(&seen, &again, &letterbox, &params, &out);
    assert_int_equal(out.count, TL_DETECTION_MAX);
    tl_close_up_join(&seen, &seen, &letterbox, &(TlPostParams){.tallest = 0.25f, .max_detections = 7}, &out);
    assert_int_equal(out.count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_likely_where_hardly_anybody_is_seen),
        cmocka_unit_test(joins_both_looks),
        cmocka_unit_test(nobody_tall),
        cmocka_unit_test(never_more_than_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
