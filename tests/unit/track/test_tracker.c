// The tracker on synthetic matches with a panning camera, misses, false alarms and occlusion: ids that last,
// determinism, no allocation, and input that no detector should give.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "score.h"
#include "track/track.h"
#include "world.h"

static const TlTrackerParams g_params = {
    .width = WORLD_WIDTH, .height = WORLD_HEIGHT, .fps = 25, .high = {0.4f, 0.4f, 0.4f, 0.4f}, .low = 0.15f};
static const WorldParams g_world = {
    .fps = 25, .players = 20, .pan = 1, .miss = 0.15, .false_alarms = 0.4, .jitter = 0.04, .wrong_class = 0.1};

static void check_frame(const TlTrackedFrame *frame)
{
    int balls = 0;
    for (int i = 0; i < frame->count; i++) {
        const TlTracked *t = &frame->item[i];
        assert_true(t->id > 0 && (i == 0 || t->id > frame->item[i - 1].id)); // unique and ascending
        assert_in_range(t->class_id, 0, TL_CLASS_COUNT - 1);
        for (int k = 0; k < 4; k++)
            assert_true(isfinite(t->bbox[k]));
        balls += t->class_id == TL_CLASS_BALL;
    }
    assert_true(balls <= 1);
}

static void add_scores(Score *people, Score *ball, const World *w, const TlTrackedFrame *out)
{
    ScoreBox truth[WORLD_MAX], answer[TL_OBJECT_MAX], true_ball[1], seen_ball[1];
    int n = 0, m = 0, nb = 0, mb = 0;
    for (int i = 0; i < w->truth_count; i++) {
        ScoreBox box = {.id = w->truth[i].id};
        memcpy(box.bbox, w->truth[i].bbox, sizeof box.bbox);
        for (int k = 0; k < 4 && w->truth[i].class_id == TL_CLASS_BALL; k++)
            box.bbox[k] += k < 2 ? -5 : 5; // the ball is too small for an overlap: within some pixels
        if (w->truth[i].class_id == TL_CLASS_BALL)
            true_ball[nb++] = box;
        else
            truth[n++] = box;
    }
    for (int i = 0; i < out->count; i++) {
        ScoreBox box = {.id = out->item[i].id};
        memcpy(box.bbox, out->item[i].bbox, sizeof box.bbox);
        for (int k = 0; k < 4 && out->item[i].class_id == TL_CLASS_BALL; k++)
            box.bbox[k] += k < 2 ? -5 : 5;
        if (!out->item[i].confirmed)
            continue;
        if (out->item[i].class_id == TL_CLASS_BALL)
            seen_ball[mb++] = box;
        else
            answer[m++] = box;
    }
    score_frame(people, truth, n, answer, m);
    score_frame(ball, true_ball, nb, seen_ball, mb);
}

typedef struct Figures {
    double mota, idf1, switches, ball_mota, precision, right_class;
} Figures;

static Figures play(const WorldParams *params, int stride, const char *name)
{
    static World w;
    static TlDetections d;
    static TlTrackedFrame out;
    Figures sum = {0};
    enum { SEEDS = 3 };
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        WorldParams p = *params;
        p.seed = seed;
        Score people, ball;
        score_init(&people);
        score_init(&ball);
        world_init(&w, &p);
        TlTracker *t = tl_tracker_create(&g_params);
        long classes = 0, right = 0;
        uint64_t before = tl_alloc_count();
        for (int frame = 0; frame < 750; frame++) {
            world_step(&w);
            if (frame % stride)
                continue;
            world_detect(&w, &d);
            tl_tracker_update(t, frame, &d, NULL, 0, &out);
            check_frame(&out);
            add_scores(&people, &ball, &w, &out);
            for (int i = 0; i < out.count && frame > 100; i++)
                for (int k = 0; k < w.truth_count; k++)
                    if (score_iou(out.item[i].bbox, w.truth[k].bbox) > 0.75) {
                        classes++;
                        right += out.item[i].class_id == w.truth[k].class_id;
                    }
        }
        assert_int_equal(tl_alloc_count(), before);
        if (seed == SEEDS && name)
            score_print(&people, name);
        sum.mota += score_mota(&people) / SEEDS;
        sum.idf1 += score_idf1(&people) / SEEDS;
        sum.switches += 1000.0 * (double)people.switches / 750 / SEEDS;
        sum.precision += (double)people.hits / (double)people.answers / SEEDS;
        sum.ball_mota += score_mota(&ball) / SEEDS;
        sum.right_class += (double)right / (double)classes / SEEDS;
        tl_tracker_destroy(&t);
        score_deinit(&people);
        score_deinit(&ball);
    }
    if (name)
        printf("%s: MOTA %.3f IDF1 %.3f, %.1f switches per 1000 frames, precision %.3f, class %.3f, ball MOTA %.3f\n",
               name, sum.mota, sum.idf1, sum.switches, sum.precision, sum.right_class, sum.ball_mota);
    return sum;
}

// The detector misses 15 % and hides whoever is covered, so nobody can reach 1: with perfect ids IDF1 would be near
// 0.90.
static void test_matches(void **state)
{
    (void)state;
    static const struct {
        int stride;
        double mota, idf1, switches;
    } bar[] = {{1, 0.75, 0.70, 55}, {2, 0.75, 0.66, 55}, {3, 0.75, 0.66, 55}, {4, 0.74, 0.66, 60}};
    for (size_t i = 0; i < sizeof bar / sizeof *bar; i++) {
        char name[32];
        snprintf(name, sizeof name, "stride %d", bar[i].stride);
        Figures f = play(&g_world, bar[i].stride, name);
        assert_true(f.mota > bar[i].mota);
        assert_true(f.idf1 > bar[i].idf1);
        assert_true(f.switches < bar[i].switches);
        assert_true(f.precision > 0.95);
        assert_true(f.right_class > 0.97); // one detection in 15 has a wrong class
    }
}

// A good detector and fewer crossings: ids must simply hold, also while the camera swings fast.
static void test_easy_match(void **state)
{
    (void)state;
    WorldParams p = g_world;
    p.players = 8;
    p.miss = 0.03;
    p.false_alarms = 0.1;
    p.jitter = 0.02;
    p.pan = 1.3;
    for (int stride = 1; stride <= 4; stride++) {
        char name[32];
        snprintf(name, sizeof name, "easy, stride %d", stride);
        Figures f = play(&p, stride, name);
        assert_true(f.idf1 > 0.90);
        assert_true(f.mota > 0.93);
        assert_true(f.switches < 4);
    }
}

// With the colour of shirts players of two teams are not mistaken for each other after they have crossed.
static void test_shirts(void **state)
{
    (void)state;
    WorldParams p = g_world;
    double gain = 0;
    for (int stride = 1; stride <= 4; stride++) {
        char name[32];
        snprintf(name, sizeof name, "shirts, stride %d", stride);
        p.shirts = 0;
        double without = play(&p, stride, NULL).idf1;
        p.shirts = 1;
        Figures with = play(&p, stride, name);
        gain += (with.idf1 - without) / 4;
        assert_true(with.idf1 > 0.74);
    }
    assert_true(gain > 0.03);
}

// The penalty spot is "seen" in nine frames of ten with a higher score than the ball.
static void test_ball_and_spot(void **state)
{
    (void)state;
    WorldParams p = g_world;
    p.spot = 1;
    p.still_camera = 1;
    p.miss = 0.1;
    Figures f = play(&p, 2, "penalty spot");
    assert_true(f.ball_mota > 0.7);
}

static void test_determinism(void **state)
{
    (void)state;
    static World w;
    static TlDetections d;
    static TlTrackedFrame a, b;
    WorldParams p = g_world;
    p.seed = 7;
    world_init(&w, &p);
    TlTracker *first = tl_tracker_create(&g_params), *second = tl_tracker_create(&g_params);
    world_step(&w);
    world_detect(&w, &d);
    tl_tracker_update(second, 0, &d, NULL, 0, &b);
    tl_tracker_reset(second); // a reset tracker is a new one
    for (int frame = 0; frame < 300; frame++) {
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        tl_tracker_update(first, frame, &d, NULL, frame == 200, &a);
        tl_tracker_update(second, frame, &d, NULL, frame == 200, &b);
        assert_memory_equal(&a, &b, sizeof a);
        world_step(&w);
        world_detect(&w, &d);
    }
    tl_tracker_destroy(&first);
    tl_tracker_destroy(&second);
    assert_null(first);
}

static void set_detection(TlDetections *d, float x, float y, float h, float score, int class_id)
{
    TlDetection *item = &d->item[d->count++];
    *item = (TlDetection){.bbox = {x, y, x + 0.4f * h, y + h}, .score = score, .class_id = class_id};
}

// Ids end at a cut and are not used again; a track lost for a second is found again under its id.
static void test_cut_and_return(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame out;
    TlTracker *t = tl_tracker_create(&g_params);
    int32_t id = 0;
    for (int frame = 0; frame < 40; frame++) {
        d.count = 0;
        if (frame < 10 || frame >= 30)
            set_detection(&d, 400 + (float)frame, 300, 80, 0.8f, TL_CLASS_PLAYER);
        tl_tracker_update(t, frame, &d, NULL, 0, &out);
        assert_int_equal(out.count, d.count);
        if (frame == 5)
            id = out.item[0].id;
        if (d.count && frame > 5) {
            assert_int_equal(out.item[0].id, id);
            assert_true(out.item[0].confirmed);
        }
    }
    assert_true(tl_tracker_confirmed(t, id));
    for (int frame = 40; frame < 50; frame++) {
        tl_tracker_update(t, frame, &d, NULL, frame == 40, &out);
        assert_true(out.item[0].id > id);
    }
    assert_true(tl_tracker_confirmed(t, id)); // still known after its end
    assert_int_equal(tl_tracker_class(t, id), TL_CLASS_PLAYER);
    assert_false(tl_tracker_confirmed(t, 0));
    assert_false(tl_tracker_confirmed(t, -5));
    assert_false(tl_tracker_confirmed(t, 100000));
    tl_tracker_destroy(&t);
}

static void test_single_alarm_stays_unconfirmed(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame out;
    TlTracker *t = tl_tracker_create(&g_params);
    set_detection(&d, 400, 300, 80, 0.9f, TL_CLASS_PLAYER);
    tl_tracker_update(t, 0, &d, NULL, 0, &out);
    assert_int_equal(out.count, 1);
    int32_t id = out.item[0].id;
    d.count = 0;
    for (int frame = 1; frame < 10; frame++)
        tl_tracker_update(t, frame, &d, NULL, 0, &out);
    assert_false(tl_tracker_confirmed(t, id));
    set_detection(&d, 400, 300, 80, 0.2f, TL_CLASS_PLAYER); // below high: never begins a track
    for (int frame = 10; frame < 20; frame++) {
        tl_tracker_update(t, frame, &d, NULL, 0, &out);
        assert_int_equal(out.count, 0);
    }
    tl_tracker_destroy(&t);
}

// A weak detection keeps a known player alive; the class follows the weight of votes and not the last word.
static void test_low_scores_and_votes(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame out;
    TlTracker *t = tl_tracker_create(&g_params);
    for (int frame = 0; frame < 60; frame++) {
        d.count = 0;
        int wrong = frame % 5 == 4;
        set_detection(&d, 300 + 2 * (float)frame, 200, 90, frame % 3 == 2 ? 0.2f : 0.7f,
                      wrong ? TL_CLASS_REFEREE : TL_CLASS_GOALKEEPER);
        tl_tracker_update(t, frame, &d, NULL, 0, &out);
        assert_true(out.count == 1 || frame == 2); // frame 2 is weak before the track is confirmed
        for (int i = 0; i < out.count; i++) {
            assert_int_equal(out.item[i].id, 1);
            assert_int_equal(out.item[i].class_id, TL_CLASS_GOALKEEPER);
        }
    }
    assert_int_equal(tl_tracker_class(t, 1), TL_CLASS_GOALKEEPER);
    tl_tracker_destroy(&t);
}

// Ten people and a candidate for the ball; returns whether a ball came out near it, by way of *id.
static int show_ball(TlTracker *t, int frame, float x, float y, float score, int32_t *id)
{
    static TlDetections d;
    static TlTrackedFrame out;
    d.count = 0;
    for (int i = 0; i < 10; i++)
        set_detection(&d, 100 + 110 * (float)i, 200 + 30 * (float)(i % 4), 80, 0.8f, TL_CLASS_PLAYER);
    if (score > 0)
        set_detection(&d, x, y, 10, score, TL_CLASS_BALL);
    tl_tracker_update(t, frame, &d, NULL, 0, &out);
    for (int i = 0; i < out.count; i++)
        if (out.item[i].class_id == TL_CLASS_BALL && fabs(out.item[i].bbox[0] - x + 2) < 8) {
            *id = out.item[i].id;
            return 1;
        }
    return 0;
}

// A ball that scores low for a while is the ball still, and no other one; a low score elsewhere, or long after, is
// none, nor is one that lies in one place.
static void test_low_scores_of_the_ball(void **state)
{
    (void)state;
    int32_t first = 0, id = 0;
    TlTracker *t = tl_tracker_create(&g_params);
    for (int frame = 0; frame < 20; frame++)
        assert_false(show_ball(t, frame, 300 + 6 * (float)frame, 450, 0.3f, &id)); // begins nothing
    for (int frame = 20; frame < 40; frame++)
        assert_true(show_ball(t, frame, 300 + 6 * (float)frame, 450, 0.8f, &first));
    for (int frame = 40; frame < 60; frame++) {
        assert_true(show_ball(t, frame, 300 + 6 * (float)frame, 450, 0.3f, &id));
        assert_int_equal(id, first);
    }
    assert_false(show_ball(t, 60, 660 + 70, 450, 0.3f, &id)); // so far it goes by a kick only
    assert_true(show_ball(t, 61, 666 + 70, 450, 0.8f, &id));
    assert_int_equal(id, first);
    for (int frame = 62; frame < 72; frame++)
        (void)show_ball(t, frame, 0, 0, 0, &id);
    assert_false(show_ball(t, 72, 300 + 6 * 72, 450, 0.3f, &id)); // seen too long ago
    tl_tracker_destroy(&t);

    t = tl_tracker_create(&g_params);
    int shown = 0;
    for (int frame = 0; frame < 200; frame++)
        shown = show_ball(t, frame, 600, 450, frame < 10 ? 0.8f : 0.3f, &id);
    assert_false(shown);
    tl_tracker_destroy(&t);
}

// Two boxes on one player do not live on as two tracks.
static void test_double_boxes(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame out;
    TlTracker *t = tl_tracker_create(&g_params);
    for (int frame = 0; frame < 40; frame++) {
        d.count = 0;
        set_detection(&d, 300 + 3 * (float)frame, 200, 90, 0.8f, TL_CLASS_PLAYER);
        if (frame >= 10 && frame % 2)
            set_detection(&d, 303 + 3 * (float)frame, 208, 90, 0.6f, TL_CLASS_PLAYER);
        tl_tracker_update(t, frame, &d, NULL, 0, &out);
        for (int i = 0; i < out.count; i++)
            assert_true(out.item[i].id == 1 || !out.item[i].confirmed);
    }
    for (int32_t id = 2; id < 40; id++)
        assert_false(tl_tracker_confirmed(t, id));
    tl_tracker_destroy(&t);
}

static void test_given_camera(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame out;
    TlTracker *t = tl_tracker_create(&g_params);
    for (int frame = 0; frame < 20; frame++) { // a lone player while the camera jumps 90 px a frame
        const double camera[9] = {1, 0, frame % 2 ? 90 : -90, 0, 1, 0, 0, 0, 1};
        d.count = 0;
        set_detection(&d, 500 + (frame % 2 ? 90 : 0), 300, 60, 0.8f, TL_CLASS_PLAYER);
        tl_tracker_update(t, frame, &d, camera, 0, &out);
        assert_int_equal(out.count, 1);
        assert_int_equal(out.item[0].id, 1);
    }
    const double wrong[4][9] = {
        {0}, {(double)NAN, 0, 0, 0, 1, 0, 0, 0, 1}, {1e9, 0, 0, 0, 1, 0, 0, 0, 1}, {-1, 0, 0, 0, 1, 0, 0, 0, 1}};
    for (int i = 0; i < 4; i++) {
        tl_tracker_update(t, 20 + i, &d, wrong[i], 0, &out);
        assert_int_equal(out.item[0].id, 1);
    }
    tl_tracker_destroy(&t);
}

static void test_hostile(void **state)
{
    (void)state;
    static TlDetections d;
    static TlTrackedFrame out;
    static World dice;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0, -1, 5e5f};
    dice.state = 12345;
    TlTracker *t = tl_tracker_create(&g_params);
    int64_t frame = -50;
    for (int round = 0; round < 120; round++) {
        d.count = round % 3 == 0 ? TL_DETECTION_MAX : (int)(TL_DETECTION_MAX * world_random(&dice));
        for (int i = 0; i < d.count; i++) {
            float h = 20 + 100 * (float)world_random(&dice);
            float x = 1280 * (float)world_random(&dice), y = 720 * (float)world_random(&dice);
            d.item[i] = (TlDetection){.bbox = {x, y, x + 0.4f * h, y + h},
                                      .score = (float)world_random(&dice),
                                      .class_id = (int)(4 * world_random(&dice))};
            if (round % 2 && world_random(&dice) < 0.5)
                d.item[i].bbox[(int)(4 * world_random(&dice))] = bad[(int)(8 * world_random(&dice))];
            if (round % 5 == 1 && i % 7 == 0) {
                d.item[i].score = bad[i % 8];
                d.item[i].class_id = i % 2 ? -7 : 99;
            }
        }
        frame += round % 10 == 9 ? -3 : 1 + (int64_t)(1000 * (round % 11 == 0)); // also backwards and far ahead
        tl_tracker_update(t, frame, &d, NULL, round % 40 == 39, &out);
        check_frame(&out);
        assert_true(out.count <= TL_OBJECT_MAX);
    }
    d.count = TL_DETECTION_MAX; // 300 times the same box
    for (int i = 0; i < d.count; i++)
        d.item[i] = (TlDetection){.bbox = {500, 300, 530, 380}, .score = 0.9f, .class_id = TL_CLASS_PLAYER};
    for (int i = 0; i < 20; i++) {
        tl_tracker_update(t, ++frame, &d, NULL, 0, &out);
        check_frame(&out);
    }
    int confirmed = 0;
    for (int i = 0; i < out.count; i++)
        confirmed += out.item[i].confirmed;
    assert_true(confirmed <= 1);
    tl_tracker_update(t, ++frame, NULL, NULL, 0, &out);
    assert_int_equal(out.count, 0);
    tl_tracker_destroy(&t);
    t = tl_tracker_create(NULL);
    assert_non_null(t);
    tl_tracker_update(t, 0, &d, NULL, 0, &out);
    tl_tracker_destroy(&t);
    tl_tracker_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_easy_match),
        cmocka_unit_test(test_shirts),
        cmocka_unit_test(test_ball_and_spot),
        cmocka_unit_test(test_determinism),
        cmocka_unit_test(test_cut_and_return),
        cmocka_unit_test(test_single_alarm_stays_unconfirmed),
        cmocka_unit_test(test_low_scores_and_votes),
        cmocka_unit_test(test_low_scores_of_the_ball),
        cmocka_unit_test(test_double_boxes),
        cmocka_unit_test(test_given_camera),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
