// Places along a track, by a camera straight above with ten pixels a metre, so that every expectation is a closed form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "fill/feet.h"

enum { FPS = 25, FRAMES = 100, HEIGHT_PX = 60 };

static const TlPitchView above = {.straight = {0.1, 0, 0, 0, 0.1, 0, 0, 0, 1}, .width = 1280, .height = 720};

typedef struct Walk {
    int stride, class_id;
    double from[2], speed[2]; // m, m/s
    double flicker_px;        // the lower edge is so much too low and too high in turn
    int short_frame;          // this frame's box ends at the knees, -1 = none
    double short_px;
    int leap_frame; // from here on the track is on somebody else, so far away, -1 = none
    double leap_m;
    int gap[2]; // no sighting within
} Walk;

static Walk steady(int stride)
{
    return (Walk){.stride = stride,
                  .class_id = TL_CLASS_PLAYER,
                  .from = {20, 30},
                  .speed = {4, -2},
                  .short_frame = -1,
                  .leap_frame = -1,
                  .gap = {-1, -1}};
}

static void true_place(const Walk *w, double frame, double out[2])
{
    for (int k = 0; k < 2; k++)
        out[k] = w->from[k] + w->speed[k] * frame / FPS;
    if (w->leap_frame >= 0 && frame >= w->leap_frame)
        out[0] += w->leap_m;
}

// The lower edge (of a ball: the centre) of the box is where the walk is, but for what is wrong on purpose.
static void sight(TlChain *chain, const Walk *w, int frame)
{
    TlTrackedFrame seen = {.count = 1};
    double place[2], size = w->class_id == TL_CLASS_BALL ? 8 : HEIGHT_PX;
    true_place(w, frame, place);
    double x = 10 * place[0], y = 10 * place[1] + (frame / w->stride % 2 ? 1 : -1) * w->flicker_px;
    y += w->class_id == TL_CLASS_BALL ? size / 2 : 0;
    y -= frame == w->short_frame ? w->short_px : 0;
    seen.item[0] = (TlTracked){.id = 1, .class_id = w->class_id, .score = 0.7f, .confirmed = 1};
    seen.item[0].bbox[0] = (float)(x - size / 4);
    seen.item[0].bbox[1] = (float)(y - size);
    seen.item[0].bbox[2] = (float)(x + size / 4);
    seen.item[0].bbox[3] = (float)y;
    tl_chain_push(chain, frame, 0, &seen);
    tl_feet_stand(tl_chain_key(chain, chain->end - 1), &above);
}

typedef struct Answer {
    int known;
    double place[2];
} Answer;

// All frames; unknown where there is no box or no place.
static void run(const Walk *w, Answer answer[FRAMES])
{
    TlChain chain;
    TlChainBox box;
    assert_int_equal(tl_chain_init(&chain, FRAMES, FPS, FPS, 5), 0);
    for (int frame = 0; frame < FRAMES; frame += w->stride)
        if (frame <= w->gap[0] || frame >= w->gap[1])
            sight(&chain, w, frame);
    uint64_t before = tl_alloc_count();
    for (int frame = 0; frame < FRAMES; frame++) {
        memset(&answer[frame], 0, sizeof answer[frame]);
        if (tl_chain_boxes(&chain, frame, 0, &box, 1) == 1)
            answer[frame].known = tl_feet_place(&chain, frame, &box, answer[frame].place) == 0;
    }
    assert_int_equal(tl_alloc_count(), before);
    tl_chain_deinit(&chain);
}

static double error_m(const Walk *w, const Answer *a, int frame)
{
    double place[2];
    true_place(w, frame, place);
    return hypot(a[frame].place[0] - place[0], a[frame].place[1] - place[1]);
}

static double speed_m_s(const Answer *a, int frame)
{
    return hypot(a[frame + 1].place[0] - a[frame].place[0], a[frame + 1].place[1] - a[frame].place[1]) * FPS;
}

// A steady walk lies on the line of the regression, but for the ridge, which takes some cm at its ends. Beyond the last
// sighting it goes on, unless too few sightings tell its speed.
static void test_steady_walk(void **state)
{
    (void)state;
    Answer a[FRAMES];
    for (int stride = 1; stride <= 10; stride++)
        for (int ball = 0; ball < 2; ball++) {
            Walk w = steady(stride);
            w.class_id = ball ? TL_CLASS_BALL : TL_CLASS_PLAYER;
            run(&w, a);
            for (int frame = 0; frame < FRAMES; frame++) {
                if (frame > (FRAMES - 1) / stride * stride + 5)
                    continue; // the box is not held so far
                assert_true(a[frame].known);
                int last = (FRAMES - 1) / stride * stride, end = frame < 15 || frame > last - 15;
                assert_true(error_m(&w, a, frame) < (frame > last ? 1 : end ? 0.2 : 0.05));
            }
        }
}

// Edges that flicker by 4 px would be 0.8 m from sighting to sighting, 20 m/s: smoothed, the walk keeps its 4.5 m/s.
static void test_flicker(void **state)
{
    (void)state;
    Answer a[FRAMES];
    Walk w = steady(1);
    w.flicker_px = 4;
    run(&w, a);
    for (int frame = 15; frame < FRAMES - 16; frame++) {
        assert_true(error_m(&w, a, frame) < 0.06);
        assert_true(fabs(speed_m_s(a, frame) - hypot(4, 2)) < 0.5);
    }
}

// A box that ends at the knees, 2 m off on the ground, moves nobody by more than a few cm.
static void test_short_box(void **state)
{
    (void)state;
    Answer a[FRAMES];
    Walk w = steady(2);
    w.short_frame = 50;
    w.short_px = 20;
    run(&w, a);
    for (int frame = 30; frame < 70; frame++)
        assert_true(error_m(&w, a, frame) < 0.15);
}

// The track goes over to somebody 8 m away. No place is given that nobody could have run to; well before and after all
// is as it was.
static void test_leap(void **state)
{
    (void)state;
    Answer a[FRAMES];
    Walk w = steady(2);
    w.leap_frame = 50;
    w.leap_m = 8;
    run(&w, a);
    int unknown = 0;
    for (int frame = 15; frame < FRAMES - 16; frame++) {
        unknown += !a[frame].known;
        if (frame < 34 || frame > 66) {
            assert_true(a[frame].known);
            assert_true(error_m(&w, a, frame) < 0.05);
        } else if (a[frame].known && a[frame + 1].known) {
            assert_true(speed_m_s(a, frame) < 15); // a leap of 8 m in a frame is 200 m/s
        }
    }
    assert_in_range(unknown, 1, 25);
}

// Across a gap the way is straight, from the one end to the other; too far for anybody's legs it is not known.
static void test_gap(void **state)
{
    (void)state;
    Answer a[FRAMES];
    Walk w = steady(2);
    w.gap[0] = 40;
    w.gap[1] = 60;
    run(&w, a);
    for (int frame = 40; frame <= 60; frame++) {
        double t = (frame - 40) / 20.0;
        assert_true(a[frame].known);
        for (int k = 0; k < 2; k++)
            assert_true(fabs(a[frame].place[k] - a[40].place[k] - t * (a[60].place[k] - a[40].place[k])) < 1e-9);
        assert_true(error_m(&w, a, frame) < 0.05);
    }
    w.leap_frame = 50; // 12 m in 0.8 s: box and place
    w.leap_m = 12;
    run(&w, a);
    for (int frame = 42; frame < 60; frame++)
        assert_false(a[frame].known);
}

// Feet below the picture say little: sightings from before count, and where there are none the picture's edge is given.
static void test_feet_below_the_picture(void **state)
{
    (void)state;
    TlKeyFrame key = {.count = 2};
    const float whole[4] = {300, 600, 330, 660}, cut[4] = {300, 660, 330, 719.5f};
    memcpy(key.item[0].seen.bbox, whole, sizeof whole);
    memcpy(key.item[1].seen.bbox, cut, sizeof cut);
    for (int i = 0; i < 2; i++)
        key.item[i].seen.class_id = TL_CLASS_PLAYER;
    tl_feet_stand(&key, &above);
    assert_true(key.item[0].stands && key.item[1].stands);
    assert_true(fabs(key.item[0].ground[0] - 31.5) < 1e-9 && fabs(key.item[0].ground[1] - 66) < 1e-9);
    assert_true(fabs(key.item[0].error_m - hypot(0.04 * 6, 0.1)) < 1e-6);
    assert_true(key.item[1].error_m > 2);
}

// No camera, or one in whose picture a pixel is a mile: nobody stands anywhere.
static void test_nothing_invented(void **state)
{
    (void)state;
    static const TlPitchView bad[] = {
        {.straight = {0}, .width = 1280, .height = 720},
        {.straight = {NAN, 0, 0, 0, 1, 0, 0, 0, 1}, .width = 1280, .height = 720},
        {.straight = {100, 0, 0, 0, 100, 0, 0, 0, 1}, .width = 1280, .height = 720}, // 100 m a pixel
        {.straight = {0.1, 0, 0, 0, 0.1, 0, 0, 0.0025, -1}, .width = 1280, .height = 720}};
    TlKeyFrame key = {.count = 1};
    TlChain chain;
    TlChainBox box = {.sight = 0};
    double place[2];
    const float b[4] = {300, 340, 330, 399}; // the horizon of the last one is at 400
    memcpy(key.item[0].seen.bbox, b, sizeof b);
    key.item[0].seen.class_id = TL_CLASS_PLAYER;
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        tl_feet_stand(&key, i ? &bad[i - 1] : NULL);
        assert_false(key.item[0].stands);
    }
    assert_int_equal(tl_chain_init(&chain, 4, FPS, FPS, 5), 0);
    assert_int_equal(tl_feet_place(&chain, 0, &box, place), -1); // no such sighting
    TlTrackedFrame seen = {.count = 1, .item = {{.id = 1, .class_id = TL_CLASS_PLAYER, .score = 1}}};
    memcpy(seen.item[0].bbox, b, sizeof b);
    tl_chain_push(&chain, 0, 0, &seen);
    tl_feet_stand(tl_chain_key(&chain, 0), NULL);
    assert_int_equal(tl_feet_place(&chain, 0, &box, place), -1);
    tl_chain_deinit(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_walk),
        cmocka_unit_test(test_flicker),
        cmocka_unit_test(test_short_box),
        cmocka_unit_test(test_leap),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_feet_below_the_picture),
        cmocka_unit_test(test_nothing_invented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
