// Heads of ultralytics exports: hand-made tensors of every layout, class names, a plain reference on random tensors,
// poison.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/decode.h"
#include "post_util.h"

static const char four_names[] = "{0: 'ball', 1: 'goalkeeper', 2: 'player', 3: 'referee'}";

static TlModelMeta *detect_meta(const char *names, int64_t rows, int64_t anchors)
{
    const char *const pairs[] = {"task", "detect", "names", names, "imgsz", "[384, 640]", NULL};
    TlModelMeta *meta = make_meta(pairs);
    set_meta_input(meta, TL_DTYPE_F32, -1, 3, -1, -1);
    add_meta_output(meta, "output0", 3, -1, rows, anchors, 0);
    return meta;
}

static TlPostParams params_of(const char *names)
{
    TlPostParams params = {0};
    int width, height;
    TlModelMeta *meta = detect_meta(names, -1, -1);
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 1);
    free(meta);
    return params;
}

static void detections(const TlTensor *t, int n, const TlLetterbox *box, const TlPostParams *params, TlDetections *out)
{
    tl_head_yolo_detect.detections(&t, 1, n, box, params, out);
}

static void points(const TlTensor *t, int n, const TlLetterbox *box, float threshold, TlPoint out[TL_POINT_COUNT])
{
    TlPostParams params = {.point_threshold = threshold};
    tl_head_yolo_pose.points(&t, 1, n, box, &params, out);
}

static void names_become_our_classes(void **state)
{
    (void)state;
    const struct {
        const char *names;
        int count;
        int8_t want[8];
    } cases[] = {
        {four_names, 4, {0, 1, 2, 3}},
        {"{0: 'Player', 1: 'Football', 2: 'Goalie', 3: 'main referee', 4: 'staff'}", 5, {2, 0, 1, 3, -1}},
        {"{\"0\": \"person\", \"1\": \"sports ball\"}", 2, {2, 0}},
        {"['referee', 'ball', \"player's shadow\"]", 3, {3, 0, 2}},
        {"{3: 'ball', 1: 'person'}", 4, {-1, 2, -1, 0}},
        {"{0: '0', 1: '1', 2: '2', 3: '3'}", 4, {0, 1, 2, 3}}, // no name known, but four classes
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TlPostParams params = params_of(cases[i].names);
        assert_int_equal(params.class_count, cases[i].count);
        assert_memory_equal(params.class_map, cases[i].want, (size_t)cases[i].count);
    }
    TlPostParams params;
    int width, height;
    const char *const useless[] = {
        "", "{}", "{0: 'cat', 1: 'dog'}", "{0: 'ball", "{999999999999: 'ball'}", "{-1: 'dog'}", "'"};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        TlModelMeta *meta = detect_meta(useless[i], -1, -1);
        int matched = tl_head_yolo_detect.match(meta, 0, &params, &width, &height);
        assert_int_equal(matched, i == 3); // a cut text still names its class
        free(meta);
    }
}

static void shapes_are_matched(void **state)
{
    (void)state;
    TlPostParams params;
    int width = 0, height = 0;
    TlModelMeta *meta = detect_meta(four_names, 8, 8400);
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 1);
    assert_int_equal(width, 640);
    assert_int_equal(height, 384);
    assert_float_equal(params.iou, 0.7, 1e-7);
    assert_int_equal(tl_head_yolo_detect.match(meta, 1, &params, &width, &height), 0);
    assert_int_equal(tl_head_yolo_pose.match(meta, 1, &params, &width, &height), 0);
    set_meta_input(meta, TL_DTYPE_F32, 1, 3, 320, 512);
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 1);
    assert_int_equal(width, 512);
    assert_int_equal(height, 320);
    meta->output[0].dim[1] = 84; // 80 classes do not fit four names
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 0);
    meta->output[0].dim[1] = 300;
    meta->output[0].dim[2] = 6;
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 1);
    meta->output[0].rank = 4;
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 0);
    meta->output[0].rank = 3;
    snprintf(meta->item[0].key, sizeof meta->item[0].key, "head");
    snprintf(meta->item[0].value, sizeof meta->item[0].value, "RTDETRDecoder");
    assert_int_equal(tl_head_yolo_detect.match(meta, 0, &params, &width, &height), 0);
    free(meta);
}

static void pose_shapes_are_matched(void **state)
{
    (void)state;
    const struct {
        const char *shape;
        int64_t rows, columns;
        int fits;
    } cases[] = {{"[32, 3]", 101, 8400, 1}, {"[32, 2]", 69, 8400, 1}, {"[32, 3]", 300, 102, 1}, {"[32, 2]", 300, 70, 1},
                 {"[32, 3]", -1, -1, 1},    {"[17, 3]", -1, -1, 0},   {"[17, 3]", 56, 8400, 0}, {"[17, 3]", 300, 57, 0},
                 {"[32, 3]", 102, 8400, 1}, {"[32, 3]", 1, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TlPostParams params;
        int width, height;
        const char *const pairs[] = {"task", "pose", "kpt_shape", cases[i].shape, NULL};
        TlModelMeta *meta = make_meta(pairs);
        set_meta_input(meta, TL_DTYPE_F32, -1, 3, -1, -1);
        add_meta_output(meta, "output0", 3, -1, cases[i].rows, cases[i].columns, 0);
        assert_int_equal(tl_head_yolo_pose.match(meta, 1, &params, &width, &height), cases[i].fits);
        if (cases[i].fits) {
            assert_int_equal(width, 640);
            assert_int_equal(height, 640);
        }
        free(meta);
    }
}

// A picture of 1280x720 in 640x640, centred: scale 1/2, 140 px of padding above.
static void put_anchor(TlTensor *t, int a, float cx, float cy, float w, float h, int class_id, float score)
{
    *at3(t, 0, 0, a) = cx;
    *at3(t, 0, 1, a) = cy;
    *at3(t, 0, 2, a) = w;
    *at3(t, 0, 3, a) = h;
    *at3(t, 0, 4 + class_id, a) = score;
}

static void raw_boxes_come_back(void **state)
{
    (void)state;
    static TlDetections out;
    TlLetterbox box;
    TlPostParams params = params_of("{0: 'player', 1: 'ball', 2: 'coach'}");
    TlTensor t = make_tensor("output0", 3, 1, 7, 8400, 0);
    tl_letterbox_init(&box, 1280, 720, 640, 640, TL_PRE_CENTRE);
    put_anchor(&t, 100, 50, 200, 20, 40, 0, 0.9f);
    put_anchor(&t, 101, 51, 200, 20, 40, 0, 0.8f);    // IoU .90: suppressed
    put_anchor(&t, 8399, 300, 300, 4, 4, 1, 0.3f);    // the ball, last anchor
    put_anchor(&t, 5000, 400, 300, 20, 40, 2, 0.95f); // a coach is not ours
    *at3(&t, 0, 4, 5000) = 0.6f;                      // and not a player, because the coach is likelier
    put_anchor(&t, 200, 500, 200, 20, 40, 0, 0.2f);   // below the threshold
    *at3(&t, 0, 5, 100) = 0.1f;                       // a little like a ball
    *at3(&t, 0, 6, 100) = 0.2f;
    detections(&t, 0, &box, &params, &out);
    assert_int_equal(out.count, 2);
    const float man[4] = {80, 80, 120, 160}, ball[4] = {596, 316, 604, 324};
    for (int i = 0; i < 4; i++) {
        assert_float_equal(out.item[0].bbox[i], man[i], 1e-3);
        assert_float_equal(out.item[1].bbox[i], ball[i], 1e-3);
    }
    assert_int_equal(out.item[0].class_id, TL_CLASS_PLAYER);
    assert_int_equal(out.item[1].class_id, TL_CLASS_BALL);
    assert_float_equal(out.item[0].score, 0.9, 0);
    const float doubt[TL_CLASS_COUNT] = {[TL_CLASS_BALL] = 0.1f, [TL_CLASS_PLAYER] = 0.9f}; // the coach is nobody
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        assert_float_equal(out.class_score[0][c], doubt[c], 0);
    free(t.data);
}

static void end_to_end_boxes_come_back(void **state)
{
    (void)state;
    static TlDetections out;
    TlLetterbox box;
    TlPostParams params = params_of(four_names);
    TlTensor t = make_tensor("output0", 3, 2, 300, 6, 0);
    tl_letterbox_init(&box, 1280, 720, 640, 640, TL_PRE_CENTRE);
    const float rows[][6] = {{40, 180, 60, 220, 0.9f, 2},   {40, 180, 60, 220, 0.5f, 3}, // same man twice
                             {298, 298, 302, 302, 0.6f, 0}, {100, 180, 120, 220, 0.1f, 2},
                             {100, 180, 120, 220, 0.9f, 7}, {100, 180, 120, 220, 0.9f, NAN},
                             {100, 180, 120, 220, 7, 2}};
    memcpy(at3(&t, 1, 0, 0), rows, sizeof rows);
    detections(&t, 0, &box, &params, &out);
    assert_int_equal(out.count, 0);
    detections(&t, 1, &box, &params, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.item[0].class_id, TL_CLASS_PLAYER);
    assert_float_equal(out.item[0].bbox[1], 80, 1e-3);
    assert_int_equal(out.item[1].class_id, TL_CLASS_BALL);
    assert_float_equal(out.item[1].bbox[2], 604, 1e-3);
    free(t.data);
}

static void random_tensors_match_the_reference(void **state)
{
    (void)state;
    static TlDetections out;
    uint32_t seed = 21;
    TlLetterbox box;
    TlPostParams params = params_of(four_names);
    params.iou = 1;
    params.max_detections = TL_DETECTION_MAX;
    tl_letterbox_init(&box, 640, 640, 640, 640, TL_PRE_CENTRE);
    for (int round = 0; round < 20; round++) {
        int anchors = 1 + (int)(next_random(&seed) % 300);
        TlTensor t = make_tensor("output0", 3, 1, 8, anchors, 0);
        int want = 0;
        for (int a = 0; a < anchors; a++) {
            for (int row = 0; row < 8; row++)
                *at3(&t, 0, row, a) = row < 2   ? uniform(&seed, 50, 590)
                                      : row < 4 ? uniform(&seed, 5, 40)
                                                : uniform(&seed, 0, 1);
            *at3(&t, 0, 4, a) = 0; // no balls: their number is limited
            if (a % 17 == 3)
                *at3(&t, 0, a % 8, a) = NAN;
        }
        for (int c = 0; c < TL_CLASS_COUNT; c++)
            params.threshold[c] = uniform(&seed, 0.3f, 0.9f);
        detections(&t, 0, &box, &params, &out);
        for (int a = 0; a < anchors; a++) {
            int best = -1, finite = 1;
            for (int row = 0; row < 4; row++)
                finite &= isfinite(*at3(&t, 0, row, a)) != 0;
            for (int c = 0; c < 4; c++)
                if (!isnan(*at3(&t, 0, 4 + c, a)) && (best < 0 || *at3(&t, 0, 4 + c, a) > *at3(&t, 0, 4 + best, a)))
                    best = c;
            float score = *at3(&t, 0, 4 + best, a);
            if (!finite || score < params.threshold[best])
                continue;
            want++;
            int found = 0; // scores are distinct: find the box by its score
            for (int i = 0; i < out.count; i++) {
                if (out.item[i].score != score)
                    continue;
                found++;
                assert_int_equal(out.item[i].class_id, best);
                assert_float_equal(out.item[i].bbox[0], *at3(&t, 0, 0, a) - *at3(&t, 0, 2, a) / 2, 1e-3);
                assert_float_equal(out.item[i].bbox[3], *at3(&t, 0, 1, a) + *at3(&t, 0, 3, a) / 2, 1e-3);
            }
            assert_int_equal(found, 1);
        }
        assert_int_equal(out.count, want);
        free(t.data);
    }
}

static void points_of_the_best_pitch(void **state)
{
    (void)state;
    TlPoint out[TL_POINT_COUNT];
    TlLetterbox box;
    tl_letterbox_init(&box, 1280, 720, 640, 640, TL_PRE_CENTRE);
    for (int numbers = 2; numbers <= 3; numbers++) {
        int rows = 5 + 32 * numbers;
        TlTensor raw = make_tensor("output0", 3, 1, rows, 8400, 0),
                 e2e = make_tensor("output0", 3, 1, 300, rows + 1, 0);
        for (int pass = 0; pass < 2; pass++) { // the second pitch is surer
            int a = pass ? 4000 : 17;
            float score = pass ? 0.9f : 0.4f;
            *at3(&raw, 0, 4, a) = score;
            *at3(&e2e, 0, pass ? 1 : 0, 4) = score;
            for (int p = 0; p < TL_POINT_COUNT; p++) {
                float v[3] = {(float)(100 * pass + 10 * p), (float)(150 + 5 * p), p == 7 ? 0.2f : 0.8f};
                if (p == 9)
                    v[0] = NAN;
                if (p == 11)
                    v[1] = 100; // in the padding
                for (int k = 0; k < numbers; k++) {
                    *at3(&raw, 0, 5 + p * numbers + k, a) = v[k];
                    *at3(&e2e, 0, pass ? 1 : 0, 6 + p * numbers + k) = v[k];
                }
            }
        }
        for (int kind = 0; kind < 2; kind++) {
            points(kind ? &e2e : &raw, 0, &box, 0.5f, out);
            for (int p = 0; p < TL_POINT_COUNT; p++) {
                if (p == 9 || p == 11 || (p == 7 && numbers == 3)) {
                    assert_true(out[p].x == 0 && out[p].y == 0 && out[p].confidence == 0);
                    continue;
                }
                assert_float_equal(out[p].x, 2.0 * (100 + 10 * p), 1e-3);
                assert_float_equal(out[p].y, 2.0 * (10 + 5 * p), 1e-3);
                assert_float_equal(out[p].confidence, numbers == 3 ? 0.8 : 0.9, 1e-6);
            }
        }
        fill_tensor(&raw, 0.1f); // no pitch at all
        points(&raw, 0, &box, 0, out);
        assert_true(out[0].confidence == 0);
        fill_tensor(&raw, NAN);
        points(&raw, 0, &box, 0, out);
        assert_true(out[0].confidence == 0);
        free(raw.data);
        free(e2e.data);
    }
}

static void wrong_shapes_give_nothing(void **state)
{
    (void)state;
    TlDetections out = {.count = 3};
    TlPoint p[TL_POINT_COUNT];
    TlLetterbox box;
    TlPostParams params = params_of(four_names);
    TlTensor t = make_tensor("output0", 3, 1, 4, 100, 0);
    tl_letterbox_init(&box, 64, 64, 64, 64, TL_PRE_CENTRE);
    fill_tensor(&t, 0.9f);
    detections(&t, 0, &box, &params, &out);
    assert_int_equal(out.count, 0);
    points(&t, 0, &box, 0, p);
    assert_true(p[0].confidence == 0);
    detections(&t, 1, &box, &params, &out);
    assert_int_equal(out.count, 0);
    t.rank = 2;
    detections(&t, 0, &box, &params, &out);
    assert_int_equal(out.count, 0);
    free(t.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_our_classes),   cmocka_unit_test(shapes_are_matched),
        cmocka_unit_test(pose_shapes_are_matched),    cmocka_unit_test(raw_boxes_come_back),
        cmocka_unit_test(end_to_end_boxes_come_back), cmocka_unit_test(random_tensors_match_the_reference),
        cmocka_unit_test(points_of_the_best_pitch),   cmocka_unit_test(wrong_shapes_give_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
