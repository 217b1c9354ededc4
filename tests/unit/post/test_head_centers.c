// Head "centers": random maps against a plain double reference, plateaus, poison, exact round trip through letterboxes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/decode.h"
#include "post_util.h"

typedef struct Net {
    TlTensor heat, box;
    const TlTensor *outputs[2];
} Net;

static Net make_net(int n, int rows, int cols)
{
    Net net = {make_tensor("heat", 4, n, 4, rows, cols), make_tensor("box", 4, n, 4, rows, cols), {0}};
    fill_tensor(&net.heat, -12);
    return net;
}

static void decode(Net *net, int n, const TlLetterbox *box, const TlPostParams *params, TlDetections *out)
{
    net->outputs[0] = &net->box; // found by name, not by place
    net->outputs[1] = &net->heat;
    tl_head_centers.detections(net->outputs, 2, n, box, params, out);
}

static void free_net(Net *net)
{
    free(net->heat.data);
    free(net->box.data);
}

static TlPostParams all(float threshold, float iou)
{
    return (TlPostParams){.threshold = {threshold, threshold, threshold, threshold}, .iou = iou, .max_detections = 300};
}

// Puts an object of source pixels where a perfect network would.
static void put_object(Net *net, int n, const TlLetterbox *lb, int class_id, const double box[4], double score)
{
    double stride_x = (double)lb->net_width / (double)net->heat.dim[3],
           stride_y = (double)lb->net_height / (double)net->heat.dim[2];
    double sx = (double)lb->in_width / lb->src_width, sy = (double)lb->in_height / lb->src_height;
    double cx = (0.5 * (box[0] + box[2]) * sx + lb->offset_x) / stride_x;
    double cy = (0.5 * (box[1] + box[3]) * sy + lb->offset_y) / stride_y;
    int x = (int)floor(cx), y = (int)floor(cy);
    *at4(&net->heat, n, class_id, y, x) = (float)log(score / (1 - score));
    *at4(&net->box, n, 0, y, x) = (float)log((box[2] - box[0]) * sx);
    *at4(&net->box, n, 1, y, x) = (float)log((box[3] - box[1]) * sy);
    *at4(&net->box, n, 2, y, x) = (float)(cx - x - 0.5);
    *at4(&net->box, n, 3, y, x) = (float)(cy - y - 0.5);
}

static void boxes_come_back_exactly(void **state)
{
    (void)state;
    static TlDetections out;
    const int sizes[][4] = {{1280, 720, 640, 384}, {1920, 1080, 640, 384}, {640, 360, 640, 384}, {853, 479, 640, 384},
                            {360, 640, 640, 384},  {3840, 1600, 320, 192}, {100, 50, 640, 384}};
    TlPostParams params = all(0.3f, 0.55f);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int anchor = TL_PRE_TOP_LEFT; anchor <= TL_PRE_CENTRE; anchor++) {
            TlLetterbox lb;
            Net net = make_net(2, sizes[s][3] / 4, sizes[s][2] / 4);
            tl_letterbox_init(&lb, sizes[s][0], sizes[s][1], sizes[s][2], sizes[s][3], anchor);
            double w = sizes[s][0], h = sizes[s][1];
            const double player[4] = {0.31 * w, 0.42 * h, 0.35 * w, 0.58 * h},
                         ball[4] = {0.6 * w, 0.7 * h, 0.62 * w, 0.73 * h};
            put_object(&net, 1, &lb, TL_CLASS_PLAYER, player, 0.8);
            put_object(&net, 1, &lb, TL_CLASS_BALL, ball, 0.4);
            decode(&net, 0, &lb, &params, &out);
            assert_int_equal(out.count, 0);
            decode(&net, 1, &lb, &params, &out);
            assert_int_equal(out.count, 2);
            assert_int_equal(out.item[0].class_id, TL_CLASS_PLAYER);
            assert_int_equal(out.item[1].class_id, TL_CLASS_BALL);
            assert_float_equal(out.item[0].score, 0.8, 1e-6);
            for (int i = 0; i < 4; i++) {
                assert_float_equal(out.item[0].bbox[i], player[i], 2e-4 * w / sizes[s][2] * 10);
                assert_float_equal(out.item[1].bbox[i], ball[i], 2e-4 * w / sizes[s][2] * 10);
            }
            free_net(&net);
        }
    }
}

// A box carries what the other classes say at its place, also when their peak is a cell away, and nothing from farther.
static void doubt_goes_with_the_box(void **state)
{
    (void)state;
    static TlDetections out;
    TlPostParams params = all(0.3f, 0.55f);
    TlLetterbox lb;
    tl_letterbox_init(&lb, 640, 384, 640, 384, TL_PRE_TOP_LEFT);
    Net net = make_net(1, 96, 160);
    const double first[4] = {100, 100, 120, 150}, second[4] = {300, 200, 320, 250};
    put_object(&net, 0, &lb, TL_CLASS_PLAYER, first, 0.6);
    put_object(&net, 0, &lb, TL_CLASS_REFEREE, second, 0.5);
    int x = 110 / 4, y = 125 / 4;
    *at4(&net.heat, 0, TL_CLASS_REFEREE, y, x + 1) = logf(0.25f / 0.75f);
    *at4(&net.heat, 0, TL_CLASS_GOALKEEPER, y, x + 3) = logf(0.25f / 0.75f);
    *at4(&net.heat, 0, TL_CLASS_GOALKEEPER, y - 1, x) = NAN;
    decode(&net, 0, &lb, &params, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.item[0].class_id, TL_CLASS_PLAYER);
    assert_float_equal(out.class_score[0][TL_CLASS_PLAYER], 0.6, 1e-5);
    assert_float_equal(out.class_score[0][TL_CLASS_REFEREE], 0.25, 1e-5);
    assert_true(out.class_score[0][TL_CLASS_GOALKEEPER] < 0.1f);
    assert_float_equal(out.class_score[1][TL_CLASS_REFEREE], 0.5, 1e-5);
    assert_true(out.class_score[1][TL_CLASS_PLAYER] < 0.1f);
    free_net(&net);
}

// A ball at somebody's feet: where the network has boxes of balls, the ball is read there and the person is not.
static void a_ball_has_its_own_box(void **state)
{
    (void)state;
    static TlDetections out;
    TlPostParams params = all(0.3f, 0.55f);
    TlLetterbox lb;
    tl_letterbox_init(&lb, 640, 384, 640, 384, TL_PRE_TOP_LEFT);
    Net net = make_net(1, 96, 160), balls = make_net(1, 96, 160);
    const double player[4] = {100, 100, 120, 150}, ball[4] = {107, 122, 113, 128};
    put_object(&balls, 0, &lb, TL_CLASS_BALL, ball, 0.7);
    put_object(&net, 0, &lb, TL_CLASS_PLAYER, player, 0.6);
    *at4(&net.heat, 0, TL_CLASS_BALL, 125 / 4, 110 / 4) = logf(0.7f / 0.3f);
    snprintf(balls.box.name, sizeof balls.box.name, "ball_box");
    const TlTensor *outputs[] = {&balls.box, &net.heat, &net.box};
    tl_head_centers.detections(outputs, 3, 0, &lb, &params, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.item[0].class_id, TL_CLASS_BALL);
    for (int i = 0; i < 4; i++) {
        assert_float_equal(out.item[0].bbox[i], ball[i], 1e-3);
        assert_float_equal(out.item[1].bbox[i], player[i], 1e-3);
    }
    balls.box.dim[2] = 95; // of another shape: nothing rather than something wrong
    tl_head_centers.detections(outputs, 3, 0, &lb, &params, &out);
    assert_int_equal(out.count, 0);
    free_net(&net);
    free_net(&balls);
}

// Everything a peak is, written as slowly as possible.
static int reference(const Net *net, int n, const TlLetterbox *lb, const TlPostParams *params, TlDetections *out)
{
    int rows = (int)net->heat.dim[2], cols = (int)net->heat.dim[3];
    out->count = 0;
    for (int c = 0; c < 4; c++) {
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < cols; x++) {
                double v = *at4(&net->heat, n, c, y, x);
                int peak = isfinite(v) && sigmoid_of(v) >= params->threshold[c];
                for (int k = 0; k < 9; k++) {
                    int ny = y + k / 3 - 1, nx = x + k % 3 - 1;
                    if (k == 4 || ny < 0 || nx < 0 || ny >= rows || nx >= cols)
                        continue;
                    double other = *at4(&net->heat, n, c, ny, nx);
                    if (isfinite(other) && (other > v || (other == v && k < 4)))
                        peak = 0;
                }
                if (!peak)
                    continue;
                double w = exp(*at4(&net->box, n, 0, y, x)), h = exp(*at4(&net->box, n, 1, y, x));
                double cx = (x + 0.5 + *at4(&net->box, n, 2, y, x)) * 4,
                       cy = (y + 0.5 + *at4(&net->box, n, 3, y, x)) * 4;
                double sx = (double)lb->in_width / lb->src_width, sy = (double)lb->in_height / lb->src_height;
                double b[4] = {(cx - w / 2) / sx, (cy - h / 2) / sy, (cx + w / 2) / sx, (cy + h / 2) / sy};
                b[0] = fmax(b[0], 0);
                b[1] = fmax(b[1], 0);
                b[2] = fmin(b[2], lb->src_width);
                b[3] = fmin(b[3], lb->src_height);
                if (b[0] >= b[2] || b[1] >= b[3] || out->count == TL_DETECTION_MAX)
                    continue;
                out->item[out->count++] =
                    (TlDetection){{(float)b[0], (float)b[1], (float)b[2], (float)b[3]}, (float)sigmoid_of(v), c};
            }
        }
    }
    return out->count;
}

static int by_score(const void *a, const void *b)
{
    float x = ((const TlDetection *)a)->score, y = ((const TlDetection *)b)->score;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void random_maps_match_the_reference(void **state)
{
    (void)state;
    static TlDetections out, want;
    uint32_t seed = 11;
    TlLetterbox lb;
    for (int round = 0; round < 30; round++) {
        int rows = 5 + (int)(next_random(&seed) % 12), cols = 5 + (int)(next_random(&seed) % 40);
        Net net = make_net(1, rows, cols);
        tl_letterbox_init(&lb, 1280, 1280 * rows / cols, cols * 4, rows * 4, TL_PRE_TOP_LEFT);
        for (int i = 0; i < 4 * rows * cols; i++) {
            ((float *)net.heat.data)[i] = uniform(&seed, -12, 2);
            ((float *)net.box.data)[i] = uniform(&seed, -0.5f, 2);
        }
        for (int i = 0; i < 10; i++) {
            const float poison[] = {NAN, INFINITY, -INFINITY};
            ((float *)net.heat.data)[next_random(&seed) % (unsigned)(4 * rows * cols)] = poison[i % 3];
        }
        TlPostParams params = all(uniform(&seed, 0.05f, 0.8f), 1.0f); // nothing is suppressed
        params.threshold[TL_CLASS_BALL] = 2;                          // no balls: their number is limited
        decode(&net, 0, &lb, &params, &out);
        assert_int_equal(out.count, reference(&net, 0, &lb, &params, &want));
        qsort(want.item, (size_t)want.count, sizeof *want.item, by_score);
        for (int i = 0; i < out.count; i++) {
            assert_int_equal(out.item[i].class_id, want.item[i].class_id);
            assert_float_equal(out.item[i].score, want.item[i].score, 1e-6);
            for (int k = 0; k < 4; k++)
                assert_float_equal(out.item[i].bbox[k], want.item[i].bbox[k], 2e-3);
        }
        free_net(&net);
    }
}

static void a_plateau_counts_once(void **state)
{
    (void)state;
    static TlDetections out;
    TlLetterbox lb;
    Net net = make_net(1, 16, 16);
    TlPostParams params = all(0.3f, 1.0f);
    tl_letterbox_init(&lb, 64, 64, 64, 64, TL_PRE_TOP_LEFT);
    for (int y = 4; y < 6; y++)
        for (int x = 7; x < 9; x++)
            *at4(&net.heat, 0, TL_CLASS_PLAYER, y, x) = 3;
    decode(&net, 0, &lb, &params, &out);
    assert_int_equal(out.count, 1);
    assert_float_equal(0.5f * (out.item[0].bbox[0] + out.item[0].bbox[2]), 7.5 * 4, 1e-4);
    assert_float_equal(0.5f * (out.item[0].bbox[1] + out.item[0].bbox[3]), 4.5 * 4, 1e-4);
    free_net(&net);
}

static void poison_is_dropped(void **state)
{
    (void)state;
    static TlDetections out;
    TlLetterbox lb;
    const float poison[] = {NAN, INFINITY, -INFINITY};
    TlPostParams params = all(0.0f, 0.5f);
    tl_letterbox_init(&lb, 64, 64, 64, 64, TL_PRE_TOP_LEFT);
    for (int i = 0; i < 3; i++) {
        Net net = make_net(1, 16, 16);
        fill_tensor(&net.heat, poison[i]);
        decode(&net, 0, &lb, &params, &out);
        assert_int_equal(out.count, 0);
        fill_tensor(&net.heat, 1);
        for (int row = 0; row < 4; row++) {
            fill_tensor(&net.box, 1);
            for (int y = 0; y < 16; y++)
                for (int x = 0; x < 16; x++)
                    *at4(&net.box, 0, row, y, x) = poison[i];
            decode(&net, 0, &lb, &params, &out);
            assert_int_equal(out.count, 0);
        }
        fill_tensor(&net.box, 80); // e^80 pixels
        decode(&net, 0, &lb, &params, &out);
        assert_int_equal(out.count, 0);
        free_net(&net);
    }
}

static void people_tell_the_size_of_a_ball(void **state)
{
    (void)state;
    static TlDetections own, blended;
    TlLetterbox lb;
    Net net = make_net(1, 40, 64);
    TlPostParams params = all(0.3f, 0.5f);
    tl_letterbox_init(&lb, 256, 160, 256, 160, TL_PRE_TOP_LEFT);
    for (int i = 0; i < 6; i++) { // six people of 8 x 40 px in one row
        *at4(&net.heat, 0, TL_CLASS_PLAYER, 20, 4 + 8 * i) = 3;
        *at4(&net.box, 0, 0, 20, 4 + 8 * i) = logf(8);
        *at4(&net.box, 0, 1, 20, 4 + 8 * i) = logf(40);
    }
    *at4(&net.heat, 0, TL_CLASS_BALL, 28, 30) = 2;
    *at4(&net.box, 0, 0, 28, 30) = *at4(&net.box, 0, 1, 28, 30) = logf(4);
    decode(&net, 0, &lb, &params, &own);
    params.ball_share = 0.225f; // 9 px: halfway between 4 and 9 is 6
    decode(&net, 0, &lb, &params, &blended);
    assert_int_equal(own.count, 7);
    assert_int_equal(blended.count, 7);
    for (int i = 0; i < 6; i++)
        assert_memory_equal(&own.item[i], &blended.item[i], sizeof own.item[i]);
    assert_float_equal(own.item[6].bbox[2] - own.item[6].bbox[0], 4, 1e-4);
    assert_float_equal(blended.item[6].bbox[2] - blended.item[6].bbox[0], 6, 1e-4);
    assert_float_equal(blended.item[6].bbox[3] - blended.item[6].bbox[1], 6, 1e-4);
    free_net(&net);
}

static void wrong_shapes_give_nothing(void **state)
{
    (void)state;
    TlDetections out = {.count = 5};
    TlLetterbox lb;
    TlPostParams params = all(0, 0.5f);
    tl_letterbox_init(&lb, 64, 64, 64, 64, TL_PRE_TOP_LEFT);
    Net net = make_net(1, 16, 16);
    fill_tensor(&net.heat, 1);
    decode(&net, 1, &lb, &params, &out); // no such sample
    assert_int_equal(out.count, 0);
    net.box.dim[3] = 15;
    decode(&net, 0, &lb, &params, &out);
    assert_int_equal(out.count, 0);
    net.box.dim[3] = 16;
    snprintf(net.box.name, sizeof net.box.name, "size");
    decode(&net, 0, &lb, &params, &out);
    assert_int_equal(out.count, 0);
    free_net(&net);
}

static void metadata_is_matched(void **state)
{
    (void)state;
    TlPostParams params = {0};
    int width = 0, height = 0;
    const char *const pairs[] = {
        "touchline.head",   "centers", "touchline.width", "640", "touchline.height", "384", "touchline.thresholds",
        "0.2,0.35,0.4,0.3", NULL};
    TlModelMeta *meta = make_meta(pairs);
    set_meta_input(meta, TL_DTYPE_U8, -1, 6, -1, -1);
    assert_int_equal(tl_head_centers.match(meta, 0, &params, &width, &height), 0); // no outputs
    add_meta_output(meta, "heat", 4, -1, 4, -1, -1);
    add_meta_output(meta, "box", 4, -1, 4, -1, -1);
    assert_int_equal(tl_head_centers.match(meta, 1, &params, &width, &height), 0);
    assert_int_equal(width, 0);
    assert_int_equal(tl_head_centers.match(meta, 0, &params, &width, &height), 1);
    assert_int_equal(width, 640);
    assert_int_equal(height, 384);
    assert_float_equal(params.threshold[TL_CLASS_BALL], 0.2, 1e-7);
    assert_float_equal(params.threshold[TL_CLASS_GOALKEEPER], 0.35, 1e-7);
    assert_float_equal(params.threshold[TL_CLASS_REFEREE], 0.3, 1e-7);
    set_meta_input(meta, TL_DTYPE_U8, 1, 6, 96, 160); // fixed: wins
    assert_int_equal(tl_head_centers.match(meta, 0, &params, &width, &height), 1);
    assert_int_equal(width, 320);
    assert_int_equal(height, 192);
    snprintf(meta->item[3].value, sizeof meta->item[3].value, "referee=0.7, ball=0.1,junk=0.5,player=9");
    assert_int_equal(tl_head_centers.match(meta, 0, &params, &width, &height), 1);
    assert_float_equal(params.threshold[TL_CLASS_BALL], 0.1, 1e-7);
    assert_float_equal(params.threshold[TL_CLASS_REFEREE], 0.7, 1e-7);
    assert_float_equal(params.threshold[TL_CLASS_PLAYER], 0.3, 1e-7); // the default
    assert_float_equal(params.ball_share, 0, 0);
    snprintf(meta->item[3].key, sizeof meta->item[3].key, "touchline.ball_share");
    snprintf(meta->item[3].value, sizeof meta->item[3].value, "0.21");
    assert_int_equal(tl_head_centers.match(meta, 0, &params, &width, &height), 1);
    assert_float_equal(params.ball_share, 0.21, 1e-7);
    free(meta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_come_back_exactly),
        cmocka_unit_test(doubt_goes_with_the_box),
        cmocka_unit_test(a_ball_has_its_own_box),
        cmocka_unit_test(people_tell_the_size_of_a_ball),
        cmocka_unit_test(random_maps_match_the_reference),
        cmocka_unit_test(a_plateau_counts_once),
        cmocka_unit_test(poison_is_dropped),
        cmocka_unit_test(wrong_shapes_give_nothing),
        cmocka_unit_test(metadata_is_matched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
