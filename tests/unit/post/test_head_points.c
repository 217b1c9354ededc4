// Head "points": random maps against a plain reference, both offset layouts, poison, round trip through letterboxes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/decode.h"
#include "post_util.h"

static void decode(const TlTensor *heat, const TlTensor *offset, int n, const TlLetterbox *box, float threshold,
                   TlPoint out[TL_POINT_COUNT])
{
    const TlTensor *outputs[2] = {offset, heat};
    TlPostParams params = {.point_threshold = threshold};
    tl_head_points.points(outputs, 2, n, box, &params, out);
}

static void points_come_back_exactly(void **state)
{
    (void)state;
    TlPoint out[TL_POINT_COUNT];
    const int sizes[][2] = {{1280, 720}, {1920, 1080}, {853, 479}, {480, 288}};
    for (size_t s = 0; s < 4; s++) {
        for (int own = 0; own < 2; own++) {
            TlLetterbox lb;
            TlTensor heat = make_tensor("heat", 4, 2, 32, 36, 60),
                     offset = make_tensor("offset", 4, 2, own ? 64 : 2, 36, 60);
            fill_tensor(&heat, -12);
            tl_letterbox_init(&lb, sizes[s][0], sizes[s][1], 480, 288, TL_PRE_TOP_LEFT);
            for (int p = 0; p < TL_POINT_COUNT; p++) {
                double x = (0.02 + 0.03 * p) * sizes[s][0], y = (0.98 - 0.03 * p) * sizes[s][1];
                double nx = x * lb.in_width / lb.src_width / 8, ny = y * lb.in_height / lb.src_height / 8;
                int cx = (int)floor(nx), cy = (int)floor(ny);
                *at4(&heat, 1, p, cy, cx) = (float)log(0.9 / 0.1);
                *at4(&offset, 1, own ? 2 * p : 0, cy, cx) = (float)(nx - cx - 0.5);
                *at4(&offset, 1, own ? 2 * p + 1 : 1, cy, cx) = (float)(ny - cy - 0.5);
            }
            decode(&heat, &offset, 0, &lb, 0.3f, out);
            for (int p = 0; p < TL_POINT_COUNT; p++)
                assert_true(out[p].x == 0 && out[p].y == 0 && out[p].confidence == 0);
            decode(&heat, &offset, 1, &lb, 0.3f, out);
            for (int p = 0; p < TL_POINT_COUNT; p++) {
                assert_float_equal(out[p].x, (0.02 + 0.03 * p) * sizes[s][0], 2e-3);
                assert_float_equal(out[p].y, (0.98 - 0.03 * p) * sizes[s][1], 2e-3);
                assert_float_equal(out[p].confidence, 0.9, 1e-6);
            }
            free(heat.data);
            free(offset.data);
        }
    }
}

static void random_maps_match_the_reference(void **state)
{
    (void)state;
    TlPoint out[TL_POINT_COUNT];
    TlLetterbox lb;
    uint32_t seed = 5;
    const float poison[] = {NAN, INFINITY, -INFINITY};
    for (int round = 0; round < 40; round++) {
        int rows = 3 + (int)(next_random(&seed) % 30), cols = 3 + (int)(next_random(&seed) % 50);
        TlTensor heat = make_tensor("heat", 4, 1, 32, rows, cols), offset = make_tensor("offset", 4, 1, 2, rows, cols);
        tl_letterbox_init(&lb, 20 * cols, 20 * rows, 8 * cols, 8 * rows, TL_PRE_TOP_LEFT);
        for (int i = 0; i < 32 * rows * cols; i++)
            ((float *)heat.data)[i] = floorf(uniform(&seed, -90, 20)) / 10; // coarse: many ties
        for (int i = 0; i < 2 * rows * cols; i++)
            ((float *)offset.data)[i] = uniform(&seed, -0.5f, 0.5f);
        for (int i = 0; i < 40; i++)
            ((float *)heat.data)[next_random(&seed) % (unsigned)(32 * rows * cols)] = poison[i % 3];
        float threshold = uniform(&seed, 0.1f, 0.95f);
        decode(&heat, &offset, 0, &lb, threshold, out);
        for (int p = 0; p < TL_POINT_COUNT; p++) {
            int best_x = -1, best_y = -1;
            for (int y = 0; y < rows; y++) {
                for (int x = 0; x < cols; x++) {
                    float v = *at4(&heat, 0, p, y, x);
                    if (isfinite(v) && sigmoid_of(v) >= threshold &&
                        (best_x < 0 || v > *at4(&heat, 0, p, best_y, best_x))) {
                        best_x = x;
                        best_y = y;
                    }
                }
            }
            if (best_x < 0) {
                assert_true(out[p].confidence == 0 && out[p].x == 0);
                continue;
            }
            assert_float_equal(out[p].confidence, sigmoid_of(*at4(&heat, 0, p, best_y, best_x)), 1e-6);
            assert_float_equal(out[p].x, (best_x + 0.5 + *at4(&offset, 0, 0, best_y, best_x)) * 20, 1e-3);
            assert_float_equal(out[p].y, (best_y + 0.5 + *at4(&offset, 0, 1, best_y, best_x)) * 20, 1e-3);
        }
        free(heat.data);
        free(offset.data);
    }
}

static void poison_and_padding_are_dropped(void **state)
{
    (void)state;
    TlPoint out[TL_POINT_COUNT];
    TlLetterbox lb;
    TlTensor heat = make_tensor("heat", 4, 1, 32, 36, 60), offset = make_tensor("offset", 4, 1, 2, 36, 60);
    const float poison[] = {NAN, INFINITY, -INFINITY};
    tl_letterbox_init(&lb, 1280, 720, 480, 288, TL_PRE_TOP_LEFT); // rows from 270 px on are padding
    for (int i = 0; i < 3; i++) {
        fill_tensor(&heat, poison[i]);
        decode(&heat, &offset, 0, &lb, 0, out);
        for (int p = 0; p < TL_POINT_COUNT; p++)
            assert_true(out[p].confidence == 0);
        fill_tensor(&heat, 1);
        fill_tensor(&offset, poison[i]);
        decode(&heat, &offset, 0, &lb, 0.5f, out);
        for (int p = 0; p < TL_POINT_COUNT; p++)
            assert_true(out[p].confidence == 0 && out[p].x == 0 && out[p].y == 0);
    }
    fill_tensor(&heat, -5);
    fill_tensor(&offset, 0);
    *at4(&heat, 0, 3, 34, 10) = 4; // y = 276 px
    *at4(&heat, 0, 4, 33, 10) = 4; // y = 268 px
    decode(&heat, &offset, 0, &lb, 0.5f, out);
    assert_true(out[3].confidence == 0);
    assert_float_equal(out[4].y, 268.0 * 720 / 270, 1e-3);
    heat.dim[1] = 31;
    decode(&heat, &offset, 0, &lb, 0.5f, out);
    assert_true(out[4].confidence == 0);
    free(heat.data);
    free(offset.data);
}

static void metadata_is_matched(void **state)
{
    (void)state;
    TlPostParams params = {0};
    int width = 0, height = 0;
    const char *const pairs[] = {
        "touchline.head", "points", "touchline.width", "480", "touchline.height", "288", "touchline.thresholds",
        "0.45",           NULL};
    TlModelMeta *meta = make_meta(pairs);
    set_meta_input(meta, TL_DTYPE_U8, -1, 6, -1, -1);
    add_meta_output(meta, "heat", 4, -1, 32, -1, -1);
    add_meta_output(meta, "offset", 4, -1, 64, -1, -1);
    assert_int_equal(tl_head_points.match(meta, 0, &params, &width, &height), 0);
    assert_int_equal(tl_head_points.match(meta, 1, &params, &width, &height), 1);
    assert_int_equal(width, 480);
    assert_int_equal(height, 288);
    assert_float_equal(params.point_threshold, 0.45, 1e-7);
    meta->output[1].dim[1] = 3;
    assert_int_equal(tl_head_points.match(meta, 1, &params, &width, &height), 0);
    meta->output[1].dim[1] = 2;
    snprintf(meta->item[1].value, sizeof meta->item[1].value, "-480");
    assert_int_equal(tl_head_points.match(meta, 1, &params, &width, &height), 0);
    free(meta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_come_back_exactly),
        cmocka_unit_test(random_maps_match_the_reference),
        cmocka_unit_test(poison_and_padding_are_dropped),
        cmocka_unit_test(metadata_is_matched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
