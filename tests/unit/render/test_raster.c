// The coverage rasteriser against closed forms and brute force, and the stroke font.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "render/glyphs.h"
#include "render/raster.h"
#include "render/synth_random.h"

enum { SIZE = 64 };

// Sweeps the raster into a picture of shares 0..1.
static void sweep(TlRaster *raster, double out[SIZE][SIZE])
{
    int y, x, count;
    memset(out, 0, sizeof(double) * SIZE * SIZE);
    while (tl_raster_row(raster, &y, &x, &count)) {
        assert_in_range(y, 0, SIZE - 1);
        assert_true(x >= 0 && count > 0 && x + count <= SIZE);
        for (int i = 0; i < count; i++)
            out[y][x + i] = raster->coverage[i] / 255.0;
    }
}

static double sum_of(double out[SIZE][SIZE])
{
    double sum = 0;
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            sum += out[y][x];
    return sum;
}

static int inside_triangle(const double t[3][2], double x, double y)
{
    int positive = 0, negative = 0;
    for (int i = 0; i < 3; i++) {
        const double *a = t[i], *b = t[(i + 1) % 3];
        double cross = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
        positive += cross > 0;
        negative += cross < 0;
    }
    return !positive || !negative;
}

static void rectangle_has_exact_shares(void **state)
{
    (void)state;
    TlRaster raster;
    double out[SIZE][SIZE];
    const double box[4][2] = {{10.25, 5.5}, {20.75, 5.5}, {20.75, 9}, {10.25, 9}};
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    tl_raster_polygon(&raster, box, 4);
    sweep(&raster, out);
    assert_float_equal(out[5][10], 0.375, 0.004);
    assert_float_equal(out[5][15], 0.5, 0.004);
    assert_float_equal(out[7][15], 1.0, 0.004);
    assert_float_equal(out[7][20], 0.75, 0.004);
    assert_float_equal(out[7][21], 0.0, 0.004);
    assert_float_equal(out[9][15], 0.0, 0.004);
    assert_float_equal(sum_of(out), 10.5 * 3.5, 0.2);
    tl_raster_deinit(&raster);
}

// Triangles anywhere, also far outside the clip box, against 16x16 samples a pixel.
static void triangles_match_supersampling(void **state)
{
    (void)state;
    enum { SAMPLES = 16 };
    TlRaster raster;
    TlRandom random = tl_random_stream(3, 3);
    static double out[SIZE][SIZE];
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    for (int round = 0; round < 60; round++) {
        double t[3][2], reach = round % 3 == 0 ? 400 : 40;
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 2; k++)
                t[i][k] = 32 + tl_random_range(&random, -reach, reach);
        tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
        tl_raster_polygon(&raster, (const double(*)[2])t, 3);
        sweep(&raster, out);
        for (int y = 0; y < SIZE; y += 3)
            for (int x = 0; x < SIZE; x += 3) {
                int hits = 0;
                for (int k = 0; k < SAMPLES * SAMPLES; k++)
                    hits += inside_triangle((const double(*)[2])t, x + (k % SAMPLES + 0.5) / SAMPLES,
                                            y + (k / SAMPLES + 0.5) / SAMPLES);
                assert_float_equal(out[y][x], hits / (double)(SAMPLES * SAMPLES), 0.06);
            }
    }
    tl_raster_deinit(&raster);
}

static void disc_has_the_area_of_a_disc(void **state)
{
    (void)state;
    TlRaster raster;
    double out[SIZE][SIZE];
    const double at[2] = {31.3, 30.7}, to[2] = {45.3, 30.7};
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    tl_raster_capsule(&raster, at, 10, at, 10);
    sweep(&raster, out);
    assert_float_equal(sum_of(out), M_PI * 100, 314 * 0.04); // a 16-gon lies inside the circle
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    tl_raster_capsule(&raster, at, 5, to, 5);
    sweep(&raster, out);
    assert_float_equal(sum_of(out), M_PI * 25 + 14 * 10, 219 * 0.03);
    tl_raster_deinit(&raster);
}

static void overlapping_shapes_are_a_union(void **state)
{
    (void)state;
    TlRaster raster;
    double out[SIZE][SIZE];
    const double a[4][2] = {{10, 10}, {30, 10}, {30, 20}, {10, 20}}, b[4][2] = {{20, 10}, {20, 20}, {40, 20}, {40, 10}};
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    tl_raster_polygon(&raster, a, 4); // one clockwise, one not
    tl_raster_polygon(&raster, b, 4);
    sweep(&raster, out);
    assert_float_equal(sum_of(out), 300, 0.5);
    assert_float_equal(out[15][25], 1, 0.004);
    tl_raster_deinit(&raster);
}

static void absurd_corners_leave_nothing_behind(void **state)
{
    (void)state;
    TlRaster raster;
    double out[SIZE][SIZE];
    const double bad[4][3][2] = {{{NAN, 1}, {5, 5}, {9, 1}},
                                 {{INFINITY, 1}, {5, 5}, {9, 1}},
                                 {{1e300, 1}, {5, 5}, {9, 1}},
                                 {{5, 5}, {5, 5}, {5, 5}}};
    const double far_away[4][2] = {{-9e6, -9e6}, {9e6, -9e6}, {9e6, 9e6}, {-9e6, 9e6}};
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    for (int i = 0; i < 4; i++) {
        tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
        tl_raster_polygon(&raster, bad[i], 3);
        sweep(&raster, out);
        assert_float_equal(sum_of(out), 0, 1e-9);
    }
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    tl_raster_polygon(&raster, far_away, 4); // covers everything
    sweep(&raster, out);
    assert_float_equal(sum_of(out), SIZE * SIZE, 1);
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    sweep(&raster, out);
    assert_float_equal(sum_of(out), 0, 1e-9);
    for (int i = 0; i < raster.stride * raster.max_height; i++)
        assert_true(raster.area[i] == 0.0f);
    tl_raster_deinit(&raster);
}

static void nothing_is_allocated_while_drawing(void **state)
{
    (void)state;
    TlRaster raster;
    double out[SIZE][SIZE];
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    uint64_t before = tl_alloc_count();
    tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
    tl_text_raster(&raster, "touchline 0123456789", 1, 10, 20, 3);
    sweep(&raster, out);
    assert_int_equal(tl_alloc_count(), before);
    tl_raster_deinit(&raster);
}

// Each sign of the font leaves ink inside its cell, and no two digits or letters look the same.
static void glyphs_are_legible(void **state)
{
    (void)state;
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ:.-+/%()=#?!,";
    static double shape[sizeof(signs)][SIZE][SIZE];
    TlRaster raster;
    assert_int_equal(tl_raster_init(&raster, SIZE, SIZE), TL_OK);
    for (size_t i = 0; signs[i]; i++) {
        const char text[2] = {signs[i], 0};
        tl_raster_begin(&raster, 0, 0, SIZE, SIZE);
        tl_text_raster(&raster, text, 10, 10, 30, 3);
        sweep(&raster, shape[i]);
        assert_true(sum_of(shape[i]) > 5);
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++)
                if (y < 8 || y > 41 || x < 8 || x > 31)
                    assert_float_equal(shape[i][y][x], 0, 1e-9);
        for (size_t k = 0; k < i; k++) {
            double difference = 0;
            for (int y = 0; y < SIZE; y++)
                for (int x = 0; x < SIZE; x++)
                    difference += fabs(shape[i][y][x] - shape[k][y][x]);
            assert_true(difference > 8);
        }
    }
    assert_float_equal(tl_text_width("", 12), 0, 0);
    assert_float_equal(tl_text_width("11", 6), 4 + 1.9 + 4, 1e-9);
    tl_raster_deinit(&raster);
}

static void angles_match_the_library(void **state)
{
    (void)state;
    for (double a = -40; a < 40; a += 0.0173) {
        assert_true(fabs(tl_sin(a) - sin(a)) < 1e-8);
        assert_true(fabs(tl_cos(a) - cos(a)) < 1e-8);
    }
    for (double a = -3.14; a < 3.14; a += 0.0173)
        assert_true(fabs(tl_atan2(3 * sin(a), 3 * cos(a)) - a) < 1e-6);
    assert_true(tl_atan2(0, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rectangle_has_exact_shares),
        cmocka_unit_test(triangles_match_supersampling),
        cmocka_unit_test(disc_has_the_area_of_a_disc),
        cmocka_unit_test(overlapping_shapes_are_a_union),
        cmocka_unit_test(absurd_corners_leave_nothing_behind),
        cmocka_unit_test(nothing_is_allocated_while_drawing),
        cmocka_unit_test(glyphs_are_legible),
        cmocka_unit_test(angles_match_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
