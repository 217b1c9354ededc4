// Filling by hand-made key frames: every frame once and in order, boxes between and beyond key frames, gaps, cuts, what
// is shown and what not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "fill/fill.h"

enum { FRAMES = 200 };

static TlFillParams basic(void)
{
    return (TlFillParams){.width = 1280, .height = 720, .fps = 25, .tracking = 1};
}

static void put(TlTrackedFrame *frame, int id, double cx, double cy, double h, int class_id)
{
    TlTracked *t = &frame->item[frame->count++];
    *t = (TlTracked){.id = id, .class_id = class_id, .score = 0.8f, .confirmed = 1};
    t->bbox[0] = (float)(cx - 0.2 * h);
    t->bbox[1] = (float)(cy - 0.5 * h);
    t->bbox[2] = (float)(cx + 0.2 * h);
    t->bbox[3] = (float)(cy + 0.5 * h);
}

typedef struct Clip {
    int length, stride;
    int cut;        // a scene change before this frame, 0 = none
    int gap[2];     // track 1 is not seen on key frames within [gap0, gap1)
    double pan;     // px per frame of the whole picture
    int with_crowd; // six more people, so that the camera can be told from a player
    int class_flip; // track 1 is called referee until this frame
} Clip;

static double true_x(const Clip *c, int id, int frame)
{
    return 300 + 90 * (id - 1) + (id == 1 ? 3 : id % 3 - 1) * (double)frame + c->pan * frame;
}

static double true_y(int id)
{
    return 250 + 30 * (id % 5);
}

static void key_frame(const Clip *c, int frame, TlTrackedFrame *out)
{
    out->count = 0;
    int shot = c->cut && frame >= c->cut ? 100 : 0;
    if (frame < c->gap[0] || frame >= c->gap[1])
        put(out, 1 + shot, true_x(c, 1, frame), true_y(1), 80,
            frame < c->class_flip ? TL_CLASS_REFEREE : TL_CLASS_PLAYER);
    for (int id = 2; c->with_crowd && id <= 7; id++)
        put(out, id + shot, true_x(c, id, frame), true_y(id), 80, TL_CLASS_PLAYER);
}

// Runs a clip; checks what holds for every clip. Returns the number of records.
static int run(const TlFillParams *params, const Clip *c, TlRecord *records)
{
    static TlTrackedFrame tracked;
    TlFill *fill = tl_fill_create(params);
    assert_non_null(fill);
    int out = 0, waiting = 0, window = (int)ceil((params->window_s > 0 ? params->window_s : 1.2) * params->fps);
    uint64_t before = tl_alloc_count();
    for (int frame = 0; frame <= c->length; frame++) {
        TlFillInput input = {.frame = frame, .time_s = frame / params->fps, .cut = c->cut && frame == c->cut};
        if (frame % c->stride == 0) {
            key_frame(c, frame, &tracked);
            input.player_key = 1;
            input.tracked = &tracked;
        }
        if (frame < c->length) {
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
            waiting++;
        } else {
            tl_fill_finish(fill);
        }
        assert_true(waiting <= window);
        int ret;
        while ((ret = tl_fill_next(fill, &records[out])) == TL_OK) {
            const TlRecord *r = &records[out];
            assert_int_equal(r->frame, out);
            assert_true(fabs(r->time_s - out / params->fps) < 1e-9);
            assert_int_equal(r->filled, out % c->stride != 0);
            for (int i = 0; i < r->object_count; i++) {
                const TlObject *o = &r->objects[i];
                assert_true(i == 0 || o->id > r->objects[i - 1].id || o->id == -1);
                assert_true(o->bbox[0] >= 0 && o->bbox[1] >= 0 && o->bbox[2] <= 1280 && o->bbox[3] <= 720);
                assert_true(o->bbox[2] > o->bbox[0] && o->bbox[3] > o->bbox[1]);
            }
            out++;
            waiting--;
        }
        assert_int_equal(ret, frame < c->length ? TL_EAGAIN : TL_EOF);
    }
    assert_int_equal(tl_alloc_count(), before);
    tl_fill_destroy(&fill);
    assert_null(fill);
    return out;
}

static TlRecord g_records[FRAMES + 1];

// The box of track 1, by its place.
static const TlObject *find(int frame, double cx)
{
    for (int i = 0; i < g_records[frame].object_count; i++) {
        const TlObject *o = &g_records[frame].objects[i];
        if (fabs(0.5 * (o->bbox[0] + o->bbox[2]) - cx) < 20 && fabs(0.5 * (o->bbox[1] + o->bbox[3]) - true_y(1)) < 5)
            return o;
    }
    return NULL;
}

// A steady walk is answered exactly on every frame, at any stride, under a panning camera too.
static void test_steady_walk(void **state)
{
    (void)state;
    for (int stride = 1; stride <= 6; stride++)
        for (int pan = 0; pan <= 1; pan++) {
            Clip c = {.length = 150, .stride = stride, .pan = 2.0 * pan, .with_crowd = 1};
            TlFillParams p = basic();
            assert_int_equal(run(&p, &c, g_records), 150);
            int32_t id = find(0, 300)->id;
            for (int frame = 0; frame < 150; frame++) {
                double x = true_x(&c, 1, frame);
                const TlObject *o = find(frame, x);
                assert_non_null(o);
                assert_int_equal(o->id, id);
                assert_int_equal(o->filled, frame % stride != 0);
                assert_true(fabs(0.5 * (o->bbox[0] + o->bbox[2]) - x) < 0.6);
                assert_true(fabs(o->bbox[3] - true_y(1) - 40) < 0.5);
                assert_true(fabs(o->score - 0.8f) < 1e-6);
                assert_int_equal(o->has_pitch, 0);
            }
        }
}

// A gap is bridged from both sides along the camera's way, not across a picture that moved on.
static void test_gap(void **state)
{
    (void)state;
    Clip c = {.length = 120, .stride = 2, .gap = {50, 66}, .pan = -2, .with_crowd = 1};
    TlFillParams p = basic();
    run(&p, &c, g_records);
    for (int frame = 0; frame < 120; frame++) {
        const TlObject *o = find(frame, true_x(&c, 1, frame));
        assert_non_null(o);
        assert_int_equal(o->filled, frame % 2 != 0 || (frame >= 50 && frame < 66));
        assert_true(fabs(0.5 * (o->bbox[0] + o->bbox[2]) - true_x(&c, 1, frame)) < 1.5);
    }
    p.gap_frames = 8; // now it is too long
    run(&p, &c, g_records);
    for (int frame = 51; frame < 65; frame++)
        assert_null(find(frame, true_x(&c, 1, frame)));
    assert_non_null(find(48, true_x(&c, 1, 48)));
    assert_non_null(find(66, true_x(&c, 1, 66)));
}

// The camera stops and goes on within the gap: only the others can tell.
static void test_gap_follows_camera(void **state)
{
    (void)state;
    static TlTrackedFrame tracked;
    static TlRecord record;
    TlFillParams p = basic();
    TlFill *fill = tl_fill_create(&p);
    double shift = 0;
    int checked = 0;
    for (int frame = 0; frame <= 100; frame++) {
        if (frame >= 40 && frame < 50)
            shift += 15; // a jerk of ten frames
        tracked.count = 0;
        for (int id = 1; id <= 7; id++)
            if (id > 1 || frame < 40 || frame >= 60)
                put(&tracked, id, 200 + 100 * id + shift, true_y(id), 80, TL_CLASS_PLAYER);
        TlFillInput input = {.frame = frame, .player_key = 1, .tracked = &tracked};
        if (frame < 100)
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        else
            tl_fill_finish(fill);
        while (tl_fill_next(fill, &record) == TL_OK) {
            double moved = 15 * fmin(fmax((double)record.frame - 39, 0), 10);
            assert_int_equal(record.object_count, 7);
            assert_true(fabs(0.5 * (record.objects[0].bbox[0] + record.objects[0].bbox[2]) - 300 - moved) < 8);
            checked++;
        }
    }
    assert_int_equal(checked, 100);
    tl_fill_destroy(&fill);
}

// Nothing reaches over a cut; each side is held for some frames only.
static void test_cut(void **state)
{
    (void)state;
    Clip c = {.length = 120, .stride = 4, .cut = 62, .with_crowd = 1};
    TlFillParams p = basic();
    run(&p, &c, g_records);
    int32_t most = 0;
    for (int frame = 0; frame < 62; frame++)
        for (int i = 0; i < g_records[frame].object_count; i++)
            most = g_records[frame].objects[i].id > most ? g_records[frame].objects[i].id : most;
    assert_int_equal(most, 7); // small ids in order of appearance
    for (int frame = 0; frame < 120; frame++) {
        assert_int_equal(g_records[frame].object_count, 7); // 61 is held forward, 62 and 63 backward
        for (int i = 0; i < 7; i++)
            assert_int_equal(g_records[frame].objects[i].id > most, frame >= 62);
    }
    assert_true(g_records[63].objects[0].filled);
}

// Frames behind the last key frame go on at the same speed, but not for ever.
static void test_end_of_clip(void **state)
{
    (void)state;
    static TlTrackedFrame tracked;
    Clip c = {.length = 60, .stride = 2};
    TlFillParams p = basic();
    TlFill *fill = tl_fill_create(&p);
    int out = 0;
    for (int frame = 0; frame < 100; frame++) {
        key_frame(&c, frame, &tracked);
        TlFillInput input = {.frame = frame, .player_key = frame <= 60 && frame % 2 == 0, .tracked = &tracked};
        if (tl_fill_push(fill, &input) == TL_ELIMIT) { // a full window asks for its records to be taken
            assert_int_equal(tl_fill_next(fill, &g_records[out++]), TL_OK);
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        }
    }
    tl_fill_finish(fill);
    while (tl_fill_next(fill, &g_records[out]) == TL_OK)
        out++;
    assert_int_equal(out, 100);
    assert_int_equal(tl_fill_next(fill, &g_records[out]), TL_EOF);
    for (int frame = 61; frame <= 64; frame++) {
        const TlObject *o = find(frame, true_x(&c, 1, frame));
        assert_non_null(o);
        assert_true(o->filled);
        assert_true(fabs(0.5 * (o->bbox[0] + o->bbox[2]) - true_x(&c, 1, frame)) < 1);
    }
    assert_int_equal(g_records[75].object_count, 0);
    tl_fill_destroy(&fill);
}

// Unconfirmed tracks never show, tracks confirmed later show from their first box on.
static void test_confirmation_and_class(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame tracked;
    TlTrackerParams tp = {.width = 1280, .height = 720, .fps = 25};
    TlTracker *tracker = tl_tracker_create(&tp);
    TlFillParams p = basic();
    p.tracker = tracker;
    TlFill *fill = tl_fill_create(&p);
    int out = 0;
    for (int frame = 0; frame <= 80; frame++) {
        d.count = 0;
        // A referee who is called a player in his first frames, and an alarm that is seen twice.
        d.item[d.count++] = (TlDetection){{400, 300, 430, 380}, 0.6f, frame < 4 ? TL_CLASS_PLAYER : TL_CLASS_REFEREE};
        if (frame == 30 || frame == 31)
            d.item[d.count++] = (TlDetection){{900, 300, 930, 380}, 0.45f, TL_CLASS_PLAYER};
        if (frame >= 60)
            d.item[d.count++] = (TlDetection){{700, 200, 730, 280}, 0.6f, TL_CLASS_PLAYER};
        tl_tracker_update(tracker, frame, &d, NULL, 0, &tracked);
        TlFillInput input = {.frame = frame, .player_key = 1, .tracked = &tracked};
        if (frame < 80)
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        else
            tl_fill_finish(fill);
        while (tl_fill_next(fill, &g_records[out]) == TL_OK)
            out++;
    }
    assert_int_equal(out, 80);
    for (int frame = 0; frame < 80; frame++) {
        assert_int_equal(g_records[frame].object_count, frame < 60 ? 1 : 2);
        assert_int_equal(g_records[frame].objects[0].class_id, TL_CLASS_REFEREE); // corrected before it left
        assert_int_equal(g_records[frame].objects[0].id, 1);
    }
    assert_int_equal(g_records[60].objects[1].id, 2); // the alarm has used up no id
    tl_fill_destroy(&fill);
    tl_tracker_destroy(&tracker);
}

static void test_one_ball_and_limits(void **state)
{
    (void)state;
    static TlTrackedFrame tracked;
    static TlRecord record;
    TlFillParams p = basic();
    p.max_objects = 10;
    p.min_score[TL_CLASS_GOALKEEPER] = 0.9f;
    TlFill *fill = tl_fill_create(&p);
    for (int frame = 0; frame < 10; frame++) {
        tracked.count = 0;
        for (int id = 1; id <= 60; id++)
            put(&tracked, id, 20 * id, 100 + 8 * id, 40, id == 60 ? TL_CLASS_GOALKEEPER : TL_CLASS_PLAYER);
        put(&tracked, 61, 300 + frame, 600, 10, TL_CLASS_BALL);
        put(&tracked, 62, 800, 640, 10, TL_CLASS_BALL);
        tracked.item[60].score = 0.3f;
        tracked.item[61].score = 0.2f;
        TlFillInput input = {.frame = frame, .player_key = 1, .tracked = &tracked};
        assert_int_equal(tl_fill_push(fill, &input), TL_OK);
    }
    tl_fill_finish(fill);
    for (int frame = 0; frame < 10; frame++) {
        int balls = 0;
        assert_int_equal(tl_fill_next(fill, &record), TL_OK);
        assert_int_equal(record.object_count, 10);
        for (int i = 0; i < 10; i++) {
            balls += record.objects[i].class_id == TL_CLASS_BALL;
            assert_int_not_equal(record.objects[i].class_id, TL_CLASS_GOALKEEPER); // under its min_score
            if (record.objects[i].class_id == TL_CLASS_BALL)
                assert_true(record.objects[i].bbox[0] < 400);
        }
        assert_int_equal(balls, 1);
    }
    tl_fill_destroy(&fill);
}

// While the ball is hidden on one key frame, something else that is seen there does not take its place.
static void test_another_ball_for_a_moment(void **state)
{
    (void)state;
    static TlTrackedFrame tracked;
    static TlRecord record;
    TlFillParams p = basic();
    TlFill *fill = tl_fill_create(&p);
    int out = 0;
    for (int frame = 0; frame <= 60; frame++) {
        int other = frame == 20 || frame == 36;
        tracked.count = 0;
        put(&tracked, other ? 8 : 7, other ? 900 : 300 + 2 * frame, 600, 10, TL_CLASS_BALL);
        TlFillInput input = {.frame = frame, .player_key = frame % 4 == 0, .tracked = &tracked};
        if (frame < 60)
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        else
            tl_fill_finish(fill);
        for (; tl_fill_next(fill, &record) == TL_OK; out++) {
            assert_int_equal(record.object_count, 1);
            assert_true(fabs(record.objects[0].bbox[0] - (300 + 2.0 * out - 2)) < 3);
            assert_int_equal(record.objects[0].filled, out % 4 || out == 20 || out == 36);
        }
    }
    assert_int_equal(out, 60);
    tl_fill_destroy(&fill);
}

static void test_without_tracking(void **state)
{
    (void)state;
    Clip c = {.length = 30, .stride = 3, .with_crowd = 1};
    TlFillParams p = basic();
    p.tracking = 0;
    run(&p, &c, g_records);
    for (int frame = 0; frame < 30; frame++) {
        assert_int_equal(g_records[frame].object_count, frame % 3 ? 0 : 7);
        for (int i = 0; i < g_records[frame].object_count; i++)
            assert_int_equal(g_records[frame].objects[i].id, -1);
    }
}

// A logo stays in its place while the picture pans, its box strays now and then; it goes, the players stay.
static void test_logo(void **state)
{
    (void)state;
    static TlTrackedFrame tracked;
    static TlRecord record;
    TlFillParams p = basic();
    TlFill *fill = tl_fill_create(&p);
    int logo = 0, people = 0;
    for (int frame = 0; frame <= 200; frame++) {
        tracked.count = 0;
        for (int id = 1; id <= 8; id++)
            put(&tracked, id, 1100 - 100 * id + 4.0 * frame, true_y(id), 60, TL_CLASS_PLAYER);
        put(&tracked, 9, 60 + frame % 2, frame == 30 ? 680 : frame < 120 ? 660 : 667, 60, TL_CLASS_PLAYER);
        TlFillInput input = {.frame = frame, .player_key = 1, .tracked = &tracked};
        if (frame < 200)
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        else
            tl_fill_finish(fill);
        while (tl_fill_next(fill, &record) == TL_OK)
            for (int i = 0; i < record.object_count; i++) {
                logo += record.objects[i].bbox[1] > 590 && record.frame > 20; // the camera has to turn first
                people += record.objects[i].bbox[1] < 590;
            }
    }
    assert_int_equal(logo, 0);
    assert_true(people > 1000);
    tl_fill_destroy(&fill);
}

static void test_hostile(void **state)
{
    (void)state;
    static TlTrackedFrame tracked;
    static TlRecord record;
    TlPitchFit fit = {.valid = 1};
    static const double sizes[] = {0, 1, NAN, -5, 1e12};
    for (int trial = 0; trial < 5; trial++) {
        TlFillParams p = {.fps = sizes[trial], .window_s = sizes[4 - trial], .tracking = 1, .max_objects = 1 << 30};
        TlFill *fill = tl_fill_create(&p);
        assert_non_null(fill);
        assert_int_equal(tl_fill_next(fill, &record), TL_EAGAIN);
        int out = 0, pushed = 0;
        for (int frame = 0; frame < 60; frame++) {
            tracked.count = TL_OBJECT_MAX;
            for (int i = 0; i < TL_OBJECT_MAX; i++) {
                tracked.item[i] =
                    (TlTracked){.id = i * (frame % 7 ? 1 : -1), .class_id = i % 9 - 2, .score = 2, .confirmed = 1};
                for (int k = 0; k < 4; k++)
                    tracked.item[i].bbox[k] = (float)((frame * 37 + i * 91 + k * 53) % 3000 - 900);
                if (i % 5 == 0)
                    tracked.item[i].bbox[frame % 4] = frame % 2 ? NAN : INFINITY;
            }
            for (int k = 0; k < 9; k++)
                fit.homography[k] = frame % 3 == 0 ? NAN : frame % 3 == 1 ? 0 : sin(frame + k * 7);
            fit.rms_px = NAN;
            TlFillInput input = {.frame = frame, .player_key = 1, .pitch_key = 1, .cut = frame % 20 == 19, .fit = &fit};
            input.tracked = frame % 11 ? &tracked : NULL;
            pushed += tl_fill_push(fill, &input) == TL_OK;
            while (tl_fill_next(fill, &record) == TL_OK) {
                out++;
                assert_in_range(record.object_count, 0, TL_OBJECT_MAX);
                for (int i = 0; i < record.object_count; i++)
                    for (int k = 0; k < 4; k++)
                        assert_true(isfinite(record.objects[i].bbox[k]));
                for (int k = 0; k < 9; k++)
                    assert_true(isfinite(record.homography[k]));
            }
        }
        tl_fill_finish(fill);
        while (tl_fill_next(fill, &record) == TL_OK)
            out++;
        assert_int_equal(pushed, 60);
        assert_int_equal(out, 60);
        tl_fill_reset(fill);
        assert_int_equal(tl_fill_next(fill, &record), TL_EAGAIN);
        tl_fill_finish(fill);
        assert_int_equal(tl_fill_next(fill, &record), TL_EOF);
        tl_fill_destroy(&fill);
        tl_fill_destroy(&fill);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_walk),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_gap_follows_camera),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_end_of_clip),
        cmocka_unit_test(test_confirmation_and_class),
        cmocka_unit_test(test_one_ball_and_limits),
        cmocka_unit_test(test_another_ball_for_a_moment),
        cmocka_unit_test(test_without_tracking),
        cmocka_unit_test(test_logo),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
