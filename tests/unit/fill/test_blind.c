// What becomes of a clip once nothing is seen any more (a spent time budget): boxes and camera go on along their last
// motion, slower and slower, to the very end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "../track/world.h"
#include "fill/fill.h"

enum { WIDTH = 1280, HEIGHT = 720, SEEN = 60, FRAMES = 300, PEOPLE = 7 };

static const double FPS = 25, FADE_S = 2; // the speed falls to 1/e in so long
static TlRecord g_record[FRAMES];

static void put(TlTrackedFrame *frame, int id, double cx, double cy, double h, int class_id)
{
    TlTracked *t = &frame->item[frame->count++];
    *t = (TlTracked){.id = id, .class_id = class_id, .score = 0.8f, .confirmed = 1};
    t->bbox[0] = (float)(cx - 0.2 * h);
    t->bbox[1] = (float)(cy - 0.5 * h);
    t->bbox[2] = (float)(cx + 0.2 * h);
    t->bbox[3] = (float)(cy + 0.5 * h);
}

// Everybody at a speed of his own, the picture as a whole at `pan` px a frame.
static double way_of(int id, double frames, double pan)
{
    return (pan + 0.5 * (id % 3 - 1)) * frames;
}

static double start_of(int id)
{
    return 300 + 90 * id;
}

// The key frames end at SEEN; key frames every `stride`.
static void play(int stride, double pan, int is_blind)
{
    static TlTrackedFrame tracked;
    TlFillParams params = {.width = WIDTH, .height = HEIGHT, .fps = FPS, .tracking = 1};
    TlFill *fill = tl_fill_create(&params);
    int out = 0;
    assert_non_null(fill);
    for (int frame = 0; frame <= FRAMES; frame++) {
        TlFillInput input = {.frame = frame, .time_s = frame / FPS, .blind = is_blind && frame > SEEN};
        if (frame <= SEEN && frame % stride == 0) {
            tracked.count = 0;
            for (int id = 1; id <= PEOPLE; id++)
                put(&tracked, id, start_of(id) + way_of(id, frame, pan), 250 + 30 * (id % 5), 80, TL_CLASS_PLAYER);
            put(&tracked, 9, 640 + 4.0 * frame, 600, 12, TL_CLASS_BALL);
            input.player_key = 1;
            input.tracked = &tracked;
        }
        if (frame < FRAMES)
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        else
            tl_fill_finish(fill);
        for (; out < FRAMES && tl_fill_next(fill, &g_record[out]) == TL_OK; out++)
            assert_int_equal(g_record[out].frame, out);
    }
    assert_int_equal(out, FRAMES);
    tl_fill_destroy(&fill);
}

static int has_ball(const TlRecord *r)
{
    for (int i = 0; i < r->object_count; i++)
        if (r->objects[i].class_id == TL_CLASS_BALL)
            return 1;
    return 0;
}

static double middle(const TlObject *o)
{
    return 0.5 * ((double)o->bbox[0] + o->bbox[2]);
}

static void boxes_go_on_and_come_to_rest(void **state)
{
    (void)state;
    for (int stride = 1; stride <= 12; stride += stride == 1 ? 1 : 5) {
        int last = SEEN / stride * stride;
        double pan = -1.0;
        play(stride, pan, 1);
        for (int frame = 0; frame < FRAMES; frame++) {
            const TlRecord *r = &g_record[frame];
            double ahead = frame - last, fading = FADE_S * FPS * (1 - exp(-ahead / (FADE_S * FPS)));
            int ball = has_ball(r);
            assert_int_equal(r->object_count - ball, PEOPLE);
            assert_int_equal(ball, ahead <= 0.4 * FPS);
            for (int i = 0; i < PEOPLE; i++) {
                const TlObject *o = &r->objects[i];
                int id = i + 1;
                assert_int_equal(o->class_id, TL_CLASS_PLAYER);
                double frames = ahead <= 0 ? frame : last + fading;
                assert_true(fabs(middle(o) - start_of(id) - way_of(id, frames, pan)) < 1);
                if (ahead <= 0)
                    continue;
                assert_true(o->filled && r->filled);
                assert_true(fabs(o->score - 0.8 * pow(2, -ahead / FPS)) < 1e-3);
            }
        }
    }
}

static void who_leaves_the_picture_is_gone(void **state)
{
    (void)state;
    play(2, 12, 1);
    assert_int_equal(g_record[SEEN].object_count > 0, 1);
    for (int frame = SEEN + 1; frame < FRAMES; frame++)
        for (int i = 0; i < g_record[frame].object_count; i++) {
            const TlObject *o = &g_record[frame].objects[i];
            assert_true(o->bbox[0] >= 0 && o->bbox[2] <= WIDTH && o->bbox[0] < o->bbox[2]);
        }
    assert_true(g_record[FRAMES - 1].object_count < PEOPLE);
}

// Without the word that nothing follows (a clip that simply ends) nothing is invented.
static void only_when_told(void **state)
{
    (void)state;
    play(2, 0, 0);
    assert_int_equal(g_record[SEEN + 20].object_count, 0);
}

static void make_fit(const World *w, TlPitchFit *fit)
{
    static const double corner[4][2] = {{180, 240}, {1100, 240}, {180, 680}, {1100, 680}};
    double ground[4][2], inverse[9];
    tl_homography_invert(w->to_picture, inverse);
    *fit = (TlPitchFit){.inliers = 9, .rms_px = 1, .valid = 1};
    for (int i = 0; i < 4; i++)
        tl_homography_apply(inverse, corner[i][0], corner[i][1], &ground[i][0], &ground[i][1]);
    assert_int_equal(
        tl_homography_dlt((const double(*)[2])corner, (const double(*)[2])ground, NULL, 4, fit->homography), 0);
}

// Where a ground point of frame SEEN is in the picture of another frame.
static void seen_at(const TlRecord *r, double gx, double gy, double *x, double *y)
{
    double inverse[9];
    assert_int_equal(r->has_homography, 1);
    assert_int_equal(tl_homography_invert(r->homography, inverse), 0);
    tl_homography_apply(inverse, gx, gy, x, y);
}

// Where people stand is where box and camera put them.
static void check_places(const TlRecord *r)
{
    double gx, gy;
    int placed = 0;
    for (int i = 0; r->frame > SEEN && i < r->object_count; i++) {
        const TlObject *o = &r->objects[i];
        tl_homography_apply(r->homography, middle(o), o->bbox[3], &gx, &gy);
        placed += o->has_pitch;
        assert_true(!o->has_pitch || hypot(gx - o->pitch[0], gy - o->pitch[1]) < 0.2);
    }
    assert_true(r->frame <= SEEN || r->frame > SEEN + 50 || placed >= 3);
}

static void camera_goes_on_and_comes_to_rest(void **state)
{
    (void)state;
    static World w;
    static World truth[FRAMES];
    TlPitchModel model;
    TlPitchFit fit;
    TlPoint points[TL_POINT_COUNT] = {{0}};
    WorldParams world = {.seed = 5, .fps = 25, .players = 12, .pan = 1};
    tl_pitch_model_init(&model, 0, 0);
    TlFillParams params = {.width = WORLD_WIDTH, .height = WORLD_HEIGHT, .fps = FPS, .tracking = 1, .pitch = &model};
    TlFill *fill = tl_fill_create(&params);
    int out = 0;
    world_init(&w, &world);
    for (int frame = 0; frame <= FRAMES; frame++) {
        TlFillInput input = {.frame = frame, .time_s = frame / FPS, .blind = frame > SEEN};
        world_step(&w);
        if (frame < FRAMES)
            truth[frame] = w;
        if (frame <= SEEN && frame % 4 == 0) {
            static TlTrackedFrame tracked;
            make_fit(&w, &fit);
            tracked.count = 0;
            for (int id = 1; id <= PEOPLE; id++)
                put(&tracked, id, start_of(id) + way_of(id, frame, 1), 350 + 30 * (id % 5), 80, TL_CLASS_PLAYER);
            input.player_key = 1;
            input.tracked = &tracked;
            input.pitch_key = 1;
            input.fit = &fit;
            input.points = points;
        }
        if (frame < FRAMES)
            assert_int_equal(tl_fill_push(fill, &input), TL_OK);
        else
            tl_fill_finish(fill);
        for (; out < FRAMES && tl_fill_next(fill, &g_record[out]) == TL_OK; out++)
            assert_int_equal(g_record[out].frame, out);
    }
    assert_int_equal(out, FRAMES);
    double inverse[9], gx, gy, x, y, before = 0, step = 0, least = 0;
    tl_homography_invert(truth[SEEN].to_picture, inverse);
    tl_homography_apply(inverse, 640, 400, &gx, &gy);
    for (int frame = SEEN; frame < FRAMES; frame++) {
        seen_at(&g_record[frame], gx, gy, &x, &y);
        double true_x, true_y;
        tl_homography_apply(truth[frame].to_picture, gx, gy, &true_x, &true_y);
        if (frame <= SEEN + 5) // a fifth of a second ahead it is nearly right
            assert_true(hypot(x - true_x, y - true_y) < 25);
        if (frame == SEEN + 1)
            step = fabs(x - before);
        least = fabs(x - before);
        before = x;
        check_places(&g_record[frame]);
        int shown = 0;
        for (int i = 0; i < TL_POINT_COUNT; i++)
            shown += g_record[frame].points[i].confidence > 0;
        assert_true(frame > SEEN + 25 || shown >= 4);
    }
    assert_true(least <= step + 1e-6 && least < 0.2); // it rests in the end
    tl_fill_destroy(&fill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_go_on_and_come_to_rest),
        cmocka_unit_test(who_leaves_the_picture_is_gone),
        cmocka_unit_test(only_when_told),
        cmocka_unit_test(camera_goes_on_and_comes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
