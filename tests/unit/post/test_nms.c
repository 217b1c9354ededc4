// Suppression: IoU in closed form, greedy NMS against a plain O(n^2) double reference on random boxes, class kinds,
// limits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/decode.h"
#include "post_util.h"

static void iou_in_closed_form(void **state)
{
    (void)state;
    const float a[4] = {0, 0, 2, 2}, b[4] = {1, 1, 3, 3}, far[4] = {5, 5, 6, 6}, touching[4] = {2, 0, 4, 2};
    const float inside[4] = {0.5f, 0.5f, 1.5f, 1.5f}, flat[4] = {1, 1, 1, 5}, nan[4] = {NAN, 0, 1, 1};
    assert_float_equal(tl_iou(a, a), 1, 0);
    assert_float_equal(tl_iou(a, b), 1.0 / 7, 1e-7);
    assert_float_equal(tl_iou(a, inside), 0.25, 1e-7);
    assert_float_equal(tl_iou(a, far), 0, 0);
    assert_float_equal(tl_iou(a, touching), 0, 0);
    assert_float_equal(tl_iou(a, flat), 0, 0);
    assert_false(isnan(tl_iou(a, nan)));
}

static double iou_reference(const float *a, const float *b)
{
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (w <= 0 || h <= 0)
        return 0;
    double area_a = ((double)a[2] - a[0]) * ((double)a[3] - a[1]),
           area_b = ((double)b[2] - b[0]) * ((double)b[3] - b[1]);
    return w * h / (area_a + area_b - w * h);
}

static TlDetection random_box(uint32_t *seed)
{
    float x = uniform(seed, 0, 90), y = uniform(seed, 0, 90);
    return (TlDetection){.bbox = {x, y, x + uniform(seed, 5, 40), y + uniform(seed, 5, 40)},
                         .score = (float)(next_random(seed) % 50) / 50, // many ties
                         .class_id = (int)(next_random(seed) % 4)};
}

static int are_rivals(int a, int b, int per_class)
{
    return per_class ? a == b : (a == 0) == (b == 0);
}

// Repeatedly takes the best box that is left and strikes out what it covers; of balls so many as there may be.
static int nms_reference(const TlDetection *in, int count, double iou, int per_class, TlDetection *out)
{
    int gone[TL_DETECTION_MAX] = {0}, kept = 0, balls = 0;
    for (;;) {
        int best = -1;
        for (int i = 0; i < count; i++)
            if (!gone[i] && (best < 0 || in[i].score > in[best].score))
                best = i;
        if (best < 0)
            return kept;
        gone[best] = 1;
        if (in[best].class_id == TL_CLASS_BALL && balls++ >= TL_BALL_MAX)
            continue;
        out[kept++] = in[best];
        for (int i = 0; i < count; i++)
            if (are_rivals(in[i].class_id, in[best].class_id, per_class) &&
                iou_reference(in[i].bbox, in[best].bbox) > iou)
                gone[i] = 1;
    }
}

static void suppress(const TlDetection *in, int count, float iou, int per_class, TlDetections *out)
{
    static TlCandidates candidates;
    TlLetterbox box;
    TlPostParams params = {.iou = iou, .per_class = per_class, .max_detections = TL_DETECTION_MAX};
    tl_letterbox_init(&box, 1000, 1000, 1000, 1000, TL_PRE_TOP_LEFT);
    candidates.count = 0;
    for (int i = 0; i < count; i++)
        tl_candidates_add(&candidates, &box, in[i].bbox, in[i].score, in[i].class_id, i);
    tl_candidates_finish(&candidates, &box, &params, out);
}

static void same_as_the_reference(void **state)
{
    (void)state;
    static TlDetections d;
    static TlDetection in[TL_DETECTION_MAX], want[TL_DETECTION_MAX];
    uint32_t seed = 3;
    for (int round = 0; round < 200; round++) {
        int count = (int)(next_random(&seed) % (TL_DETECTION_MAX + 1));
        float iou = uniform(&seed, 0.1f, 0.9f);
        for (int i = 0; i < count; i++)
            in[i] = random_box(&seed);
        int kept = nms_reference(in, count, iou, round % 2, want);
        suppress(in, count, iou, round % 2, &d);
        assert_int_equal(d.count, kept);
        assert_memory_equal(d.item, want, (size_t)kept * sizeof *want);
    }
}

static void one_box_a_person_but_the_ball_stays(void **state)
{
    (void)state;
    static TlDetections d;
    const TlDetection in[] = {{{10, 10, 20, 40}, 0.5f, TL_CLASS_REFEREE},
                              {{10, 10, 20, 40}, 0.9f, TL_CLASS_PLAYER},
                              {{10, 11, 20, 41}, 0.7f, TL_CLASS_GOALKEEPER},
                              {{10, 10, 20, 40}, 0.2f, TL_CLASS_BALL},
                              {{40, 10, 50, 40}, 0.1f, TL_CLASS_REFEREE}};
    suppress(in, 5, 0.5f, 0, &d);
    assert_int_equal(d.count, 3);
    assert_int_equal(d.item[0].class_id, TL_CLASS_PLAYER);
    assert_int_equal(d.item[1].class_id, TL_CLASS_BALL);
    assert_int_equal(d.item[2].class_id, TL_CLASS_REFEREE);
    suppress(in, 5, 0.5f, 1, &d);
    assert_int_equal(d.count, 5);
}

// More candidates than there is room for: the best ones survive, whatever the order they come in.
static void the_best_candidates_survive(void **state)
{
    (void)state;
    static TlCandidates candidates;
    static TlDetections out, again;
    TlLetterbox box;
    TlPostParams params = {.iou = 1, .max_detections = TL_DETECTION_MAX};
    tl_letterbox_init(&box, 10000, 100, 10000, 100, TL_PRE_TOP_LEFT);
    enum { COUNT = 5000 };
    for (int pass = 0; pass < 2; pass++) {
        candidates.count = 0;
        for (int k = 0; k < COUNT; k++) {
            int i = pass ? COUNT - 1 - k : k;
            float score = (float)(i * 7919 % COUNT / 2) / COUNT; // each score twice
            const float xyxy[4] = {(float)i, 0, (float)i + 1, 10};
            tl_candidates_add(&candidates, &box, xyxy, score, TL_CLASS_PLAYER, i);
        }
        assert_int_equal(candidates.count, TL_CANDIDATE_MAX);
        tl_candidates_finish(&candidates, &box, &params, pass ? &again : &out);
    }
    assert_int_equal(out.count, TL_DETECTION_MAX);
    assert_memory_equal(&out, &again, sizeof out);
    for (int i = 0; i < out.count; i++)
        assert_float_equal(out.item[i].score, (float)(COUNT / 2 - 1 - i / 2) / COUNT, 1e-7);
    assert_true(out.item[0].bbox[0] < out.item[1].bbox[0]); // equal scores: lower order first
}

static void limits_hold(void **state)
{
    (void)state;
    static TlCandidates candidates;
    static TlDetections out;
    TlLetterbox box;
    tl_letterbox_init(&box, 1280, 720, 640, 384, TL_PRE_TOP_LEFT);
    candidates.count = 0;
    for (int i = 0; i < 20; i++) {
        const float ball[4] = {(float)(10 * i), 5, (float)(10 * i + 4), 9};
        const float man[4] = {(float)(10 * i), 50, (float)(10 * i + 4), 70};
        tl_candidates_add(&candidates, &box, ball, 0.9f, TL_CLASS_BALL, 2 * i);
        tl_candidates_add(&candidates, &box, man, 0.5f, TL_CLASS_PLAYER, 2 * i + 1);
    }
    TlPostParams params = {.iou = 0.5f, .max_detections = 10};
    tl_candidates_finish(&candidates, &box, &params, &out);
    assert_int_equal(out.count, 10);
    int balls = 0;
    for (int i = 0; i < out.count; i++)
        balls += out.item[i].class_id == TL_CLASS_BALL;
    assert_int_equal(balls, TL_BALL_MAX);
    params.max_detections = 0;
    tl_candidates_finish(&candidates, &box, &params, &out);
    assert_int_equal(out.count, 0);
}

static void boxes_are_cut_to_the_picture_or_dropped(void **state)
{
    (void)state;
    static TlCandidates c;
    TlLetterbox box;
    tl_letterbox_init(&box, 1280, 720, 640, 384, TL_PRE_TOP_LEFT); // the picture covers 640x360
    const float partly[4] = {-10, 300, 20, 384}, outside[4] = {10, 361, 20, 380}, turned[4] = {20, 20, 10, 10};
    const float nan[4] = {10, NAN, 20, 20}, infinite[4] = {10, 10, INFINITY, 20};
    c.count = 0;
    tl_candidates_add(&c, &box, outside, 0.5f, 1, 0);
    tl_candidates_add(&c, &box, turned, 0.5f, 1, 1);
    tl_candidates_add(&c, &box, nan, 0.5f, 1, 2);
    tl_candidates_add(&c, &box, infinite, 0.5f, 1, 3);
    tl_candidates_add(&c, &box, partly, NAN, 1, 4);
    assert_int_equal(c.count, 0);
    tl_candidates_add(&c, &box, partly, 0.5f, 1, 5);
    const float covered[4] = {-9, 301, 20, 384}; // cut, the two would be less alike
    tl_candidates_add(&c, &box, covered, 0.4f, 1, 6);
    assert_int_equal(c.count, 2);
    static TlDetections out;
    TlPostParams params = {.iou = 0.93f, .max_detections = 10};
    tl_candidates_finish(&c, &box, &params, &out);
    const float want[4] = {0, 600, 40, 720};
    assert_int_equal(out.count, 1);
    for (int i = 0; i < 4; i++)
        assert_float_equal(out.item[0].bbox[i], want[i], 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iou_in_closed_form),
        cmocka_unit_test(same_as_the_reference),
        cmocka_unit_test(one_box_a_person_but_the_ball_stays),
        cmocka_unit_test(the_best_candidates_survive),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(boxes_are_cut_to_the_picture_or_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
