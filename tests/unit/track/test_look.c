// Shirt colours: found where they are in both input layouts, not taken from whoever stands in front.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/look.h"

enum { W = 320, H = 192, N = 2 }; // network picture

static uint8_t g_s2d[N * 6 * (H / 2) * (W / 2)];
static float g_rgb[N * 3 * H * W];

static void paint(int n, int x1, int y1, int x2, int y2, const int yuv[3], const float rgb[3])
{
    for (int y = y1; y < y2; y++)
        for (int x = x1; x < x2; x++) {
            uint8_t *cell = g_s2d + (size_t)n * 6 * (H / 2) * (W / 2) + (size_t)(y / 2) * (W / 2) + (size_t)(x / 2);
            size_t plane = (H / 2) * (W / 2);
            cell[plane * (size_t)(2 * (y & 1) + (x & 1))] = (uint8_t)yuv[0];
            cell[plane * 4] = (uint8_t)yuv[1];
            cell[plane * 5] = (uint8_t)yuv[2];
            for (int c = 0; c < 3; c++)
                g_rgb[((size_t)(n * 3 + c) * H + (size_t)y) * W + (size_t)x] = rgb[c];
        }
}

static const int g_grass[3] = {100, 110, 110}, g_red[3] = {76, 85, 255}, g_blue[3] = {29, 255, 107};
static const float g_grass_rgb[3] = {0.3f, 0.5f, 0.25f}, g_red_rgb[3] = {1, 0, 0}, g_blue_rgb[3] = {0, 0, 1};

static TlTensor s2d(void)
{
    return (TlTensor){.data = g_s2d, .dtype = TL_DTYPE_U8, .rank = 4, .dim = {N, 6, H / 2, W / 2}};
}

static TlTensor rgb(void)
{
    return (TlTensor){.data = g_rgb, .dtype = TL_DTYPE_F32, .rank = 4, .dim = {N, 3, H, W}};
}

// A source of twice the size, shifted by the letterbox: people at (100,100) red and (300,100) blue, 40 x 100 px.
static void make(TlLetterbox *box, TlDetections *d)
{
    *box = (TlLetterbox){.net_width = W, .net_height = H, .offset_y = 6, .scale_x = 0.5f, .scale_y = 0.5f};
    paint(0, 0, 0, W, H, g_red, g_red_rgb);
    paint(1, 0, 0, W, H, g_grass, g_grass_rgb);
    paint(1, 50, 56, 70, 106, g_red, g_red_rgb);
    paint(1, 150, 56, 170, 106, g_blue, g_blue_rgb);
    memset(d, 0, sizeof *d);
    d->count = 3;
    d->item[0] = (TlDetection){.bbox = {100, 100, 140, 200}, .score = 0.9f, .class_id = TL_CLASS_PLAYER};
    d->item[1] = (TlDetection){.bbox = {300, 100, 340, 200}, .score = 0.8f, .class_id = TL_CLASS_GOALKEEPER};
    d->item[2] = (TlDetection){.bbox = {200, 100, 240, 200}, .score = 0.7f, .class_id = TL_CLASS_BALL};
}

static void check(const uint8_t look[4], const int yuv[3])
{
    assert_int_equal(look[3], 1);
    for (int k = 0; k < 3; k++)
        assert_true(abs(look[k] - yuv[k]) <= 2);
}

static void test_both_layouts(void **state)
{
    (void)state;
    static TlDetections d;
    TlLetterbox box;
    TlTensor planes = s2d(), colours = rgb();
    make(&box, &d);
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    check(d.look[0], g_red);
    check(d.look[1], g_blue);
    assert_int_equal(d.look[2][3], 0);
    make(&box, &d);
    tl_look_measure(&colours, TL_PRE_RGB_F32, 1, &box, &d);
    check(d.look[0], g_red);
    check(d.look[1], g_blue);
}

static void test_covered_and_edge(void **state)
{
    (void)state;
    static TlDetections d;
    TlLetterbox box;
    TlTensor planes = s2d();
    make(&box, &d);
    d.item[1] = (TlDetection){.bbox = {110, 120, 150, 220}, .score = 0.8f, .class_id = TL_CLASS_PLAYER};
    d.item[2] = (TlDetection){.bbox = {-30, 100, 10, 200}, .score = 0.7f, .class_id = TL_CLASS_PLAYER};
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    assert_int_equal(d.look[0][3], 0); // behind the second one
    assert_int_equal(d.look[1][3], 1);
    assert_int_equal(d.look[2][3], 0);
    d.count = 1;
    d.item[0] = (TlDetection){.bbox = {100, 100, 103, 106}, .score = 0.8f, .class_id = TL_CLASS_PLAYER};
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    assert_int_equal(d.look[0][3], 0); // too small
    d.item[0] = (TlDetection){.bbox = {2, 2, 620, 370}, .score = 0.8f, .class_id = TL_CLASS_PLAYER};
    paint(1, 0, 0, W, H, g_grass, g_grass_rgb);
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    check(d.look[0], g_grass); // a huge one is sampled
}

// Somebody else's box hides nobody when it is hardly believed, nor does a second box of the same person.
static void test_who_covers(void **state)
{
    (void)state;
    static TlDetections d;
    TlLetterbox box;
    TlTensor planes = s2d();
    make(&box, &d);
    d.item[1] = (TlDetection){.bbox = {110, 120, 150, 220}, .score = 0.2f, .class_id = TL_CLASS_PLAYER};
    d.item[2] = (TlDetection){.bbox = {101, 101, 141, 201}, .score = 0.7f, .class_id = TL_CLASS_REFEREE};
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    check(d.look[0], g_red);
    check(d.look[2], g_red);
    d.item[1].score = 0.8f;
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    assert_int_equal(d.look[0][3], 0);
    assert_int_equal(d.look[2][3], 0);
}

// Far players are a few cells: each counts by how much of it lies in the trunk.
static void test_small(void **state)
{
    (void)state;
    static TlDetections d;
    TlLetterbox box;
    TlTensor planes = s2d();
    make(&box, &d);
    paint(1, 100, 100, 110, 104, g_red, g_red_rgb);
    paint(1, 100, 104, 110, 120, g_blue, g_blue_rgb);
    d.count = 1; // net px 101..109, 100..120: the trunk is 103.72..106.28, 103.6..110
    d.item[0] = (TlDetection){.bbox = {202, 188, 218, 228}, .score = 0.8f, .class_id = TL_CLASS_PLAYER};
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    int mixed[3];
    for (int k = 0; k < 3; k++)
        mixed[k] = (int)lrint((0.4 * g_red[k] + 6.0 * g_blue[k]) / 6.4);
    check(d.look[0], mixed);
}

static void test_wrong_input(void **state)
{
    (void)state;
    static TlDetections d;
    TlLetterbox box;
    make(&box, &d);
    TlTensor planes = s2d();
    tl_look_measure(NULL, TL_PRE_YUV_S2D, 0, &box, &d);
    assert_int_equal(d.look[0][3], 0);
    tl_look_measure(&planes, TL_PRE_YUV_S2D, N, &box, &d);
    assert_int_equal(d.look[0][3], 0);
    tl_look_measure(&planes, TL_PRE_RGB_F32, 0, &box, &d);
    assert_int_equal(d.look[0][3], 0);
    d.item[0].bbox[2] = NAN;
    d.item[1].bbox[3] = INFINITY;
    tl_look_measure(&planes, TL_PRE_YUV_S2D, 1, &box, &d);
    assert_int_equal(d.look[0][3], 0);
    assert_int_equal(d.look[1][3], 0);
}

static void test_distance(void **state)
{
    (void)state;
    const double white[3] = {190, 128, 128}, shade[3] = {170, 128, 128}, dark[3] = {50, 128, 128},
                 red[3] = {90, 110, 190};
    assert_true(tl_look_distance(white, white) == 0);
    assert_true(tl_look_distance(white, shade) < 2);
    assert_true(tl_look_distance(white, dark) > 25);
    assert_true(tl_look_distance(dark, red) > 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_layouts), cmocka_unit_test(test_covered_and_edge),
                                       cmocka_unit_test(test_who_covers),   cmocka_unit_test(test_small),
                                       cmocka_unit_test(test_wrong_input),  cmocka_unit_test(test_distance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
