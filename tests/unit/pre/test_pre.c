// Pre-processing against a brute-force reference in double precision: exact footprint integrals for area averaging,
// sample centres for bilinear, the colour matrices of the standards from their constants.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "pre/pre.h"

typedef struct Image {
    TlPicture picture;
    uint8_t *plane[3]; ///< blocks that end with the last pixel of the last row
} Image;

static uint32_t state = 11;

static uint32_t random_u32(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static Image make_image(int width, int height, int flat)
{
    Image image = {.picture = {.width = width, .height = height}};
    for (int i = 0; i < 3; i++) {
        int w = i ? (width + 1) / 2 : width, h = i ? (height + 1) / 2 : height, stride = w + 5;
        size_t size = (size_t)stride * (size_t)(h - 1) + (size_t)w;
        uint8_t *p = malloc(size);
        assert_non_null(p);
        for (size_t k = 0; k < size; k++)
            p[k] = flat >= 0 ? (uint8_t)flat : (uint8_t)random_u32();
        image.plane[i] = p;
        image.picture.plane[i] = p;
        image.picture.stride[i] = stride;
    }
    return image;
}

static void free_image(Image *image)
{
    for (int i = 0; i < 3; i++)
        free(image->plane[i]);
}

static double sample(const TlPicture *p, int plane, int x, int y)
{
    int w = plane ? (p->width + 1) / 2 : p->width, h = plane ? (p->height + 1) / 2 : p->height;
    x = x < 0 ? 0 : x >= w ? w - 1 : x;
    y = y < 0 ? 0 : y >= h ? h - 1 : y;
    return p->plane[plane][y * p->stride[plane] + x];
}

static double overlap(double a0, double a1, double b0, double b1)
{
    double low = a0 > b0 ? a0 : b0, high = a1 < b1 ? a1 : b1;
    return high > low ? high - low : 0;
}

// Mean over the footprint of pixel (x, y) of the scaled plane.
static double area(const TlPicture *p, int plane, int x, int y, double step_x, double step_y)
{
    int w = plane ? (p->width + 1) / 2 : p->width, h = plane ? (p->height + 1) / 2 : p->height;
    double x0 = x * step_x, x1 = fmin(x0 + step_x, w), y0 = y * step_y, y1 = fmin(y0 + step_y, h), sum = 0, weight = 0;
    for (int v = (int)y0; v < y1; v++)
        for (int u = (int)x0; u < x1; u++) {
            double part = overlap(x0, x1, u, u + 1) * overlap(y0, y1, v, v + 1);
            sum += part * sample(p, plane, u, v);
            weight += part;
        }
    return sum / weight;
}

// Bilinear with the border repeated; halved: coordinates on the luma grid, each chroma sample stands for two.
static double bilinear(const TlPicture *p, int plane, int x, int y, double step_x, double step_y, int halved)
{
    double cx = (x + 0.5) * step_x - 0.5, cy = (y + 0.5) * step_y - 0.5, sum = 0;
    int w = halved || !plane ? p->width : (p->width + 1) / 2, h = halved || !plane ? p->height : (p->height + 1) / 2;
    cx = fmin(fmax(cx, 0), w - 1);
    cy = fmin(fmax(cy, 0), h - 1);
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            int u = (int)cx + i, v = (int)cy + j;
            double part = (i ? cx - floor(cx) : 1 - cx + floor(cx)) * (j ? cy - floor(cy) : 1 - cy + floor(cy));
            if (part > 0)
                sum += part * sample(p, plane, halved ? u / 2 : u, halved ? v / 2 : v);
        }
    return sum;
}

static double scaled(const TlPicture *p, const TlLetterbox *box, int plane, int x, int y)
{
    double step_x = (double)box->src_width / box->in_width, step_y = (double)box->src_height / box->in_height;
    if (step_x >= 1 && step_y >= 1)
        return area(p, plane, x, y, step_x, step_y);
    return bilinear(p, plane, x, y, step_x, step_y, 0);
}

// Value of plane (0..2) at (x, y) of the network picture (chroma at half size), padding included.
static double expected_yuv(const TlPicture *p, const TlLetterbox *box, int plane, int x, int y)
{
    int half = plane > 0, left = half ? box->offset_x / 2 : box->offset_x,
        top = half ? box->offset_y / 2 : box->offset_y;
    int w = half ? (box->in_width + 1) / 2 : box->in_width, h = half ? (box->in_height + 1) / 2 : box->in_height;
    if (x < left || y < top || x >= left + w || y >= top + h)
        return half ? 128 : 16;
    return scaled(p, box, plane, x - left, y - top);
}

// The largest distance of the u8 output from the reference.
static double check_s2d(const TlPicture *p, const TlLetterbox *box, const uint8_t *out)
{
    int w = box->net_width / 2, h = box->net_height / 2;
    double worst = 0;
    for (int c = 0; c < 6; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double e = c < 4 ? expected_yuv(p, box, 0, 2 * x + (c & 1), 2 * y + (c >> 1))
                                 : expected_yuv(p, box, c - 3, x, y);
                worst = fmax(worst, fabs(e - out[(c * h + y) * w + x]));
            }
    return worst;
}

static const unsigned masks[] = {0, TL_CPU_AVX2, TL_CPU_AVX2 | TL_CPU_AVX512};

// Runs a size through all instruction sets: same bytes, nothing outside dst, within `tolerance` of the reference.
static void check_size(int sw, int sh, int nw, int nh, int anchor, double tolerance)
{
    TlLetterbox box;
    tl_letterbox_init(&box, sw, sh, nw, nh, anchor);
    Image image = make_image(sw, sh, -1);
    size_t size = (size_t)nw * (size_t)nh * 3 / 2;
    uint8_t *first = NULL;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        uint8_t *out = malloc(size);
        assert_non_null(out);
        memset(out, 0xee, size);
        TlPre *pre = tl_pre_create(&box, TL_PRE_YUV_S2D, masks[i]);
        assert_non_null(pre);
        tl_pre_run(pre, &image.picture, out);
        if (first) {
            assert_memory_equal(first, out, size);
            free(out);
        } else {
            first = out;
            double worst = check_s2d(&image.picture, &box, out);
            if (worst > tolerance)
                print_error("%dx%d -> %dx%d: off by %.4f\n", sw, sh, nw, nh, worst);
            assert_true(worst <= tolerance);
        }
        tl_pre_destroy(&pre);
        assert_null(pre);
    }
    free(first);
    free_image(&image);
}

static void test_exact_ratios(void **opaque)
{
    (void)opaque;
    // 2:1, 8:3, 3:1, 4:1, 6:1, copy: exact up to rounding to a whole level
    check_size(1280, 720, 640, 384, TL_PRE_TOP_LEFT, 0.5 + 1e-9);
    check_size(1280, 720, 480, 288, TL_PRE_TOP_LEFT, 0.5 + 1e-9);
    check_size(1920, 1080, 640, 384, TL_PRE_TOP_LEFT, 0.52);
    check_size(1920, 1080, 480, 288, TL_PRE_TOP_LEFT, 0.5 + 1e-9);
    check_size(3840, 2160, 640, 384, TL_PRE_TOP_LEFT, 0.52);
    check_size(640, 360, 640, 384, TL_PRE_TOP_LEFT, 0);
}

static void test_other_sizes(void **opaque)
{
    (void)opaque;
    static const int sizes[][2] = {{850, 478},  {1279, 719}, {1281, 721}, {720, 576}, {854, 480},
                                   {1366, 768}, {720, 1280}, {641, 361},  {16, 16},   {17, 33},
                                   {322, 182},  {3, 500},    {2000, 17},  {1278, 718}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int anchor = TL_PRE_TOP_LEFT; anchor <= TL_PRE_CENTRE; anchor++) {
            check_size(sizes[i][0], sizes[i][1], 640, 384, anchor, 1.5);
            check_size(sizes[i][0], sizes[i][1], 96, 64, anchor, 1.5);
        }
    // noise under footprints of a hundred pixels whose weights have to be rounded is the worst that can be
    for (int round = 0; round < 60; round++)
        check_size(2 + (int)(random_u32() % 300), 2 + (int)(random_u32() % 300), 2 + 2 * (int)(random_u32() % 60),
                   2 + 2 * (int)(random_u32() % 60), round & 1, 3);
}

// A flat picture stays flat at every level, whatever the ratio: weight sums are exact.
static void test_flat(void **opaque)
{
    (void)opaque;
    static const int sizes[][2] = {{1280, 720}, {853, 479}, {320, 181}, {77, 999}};
    static const int levels[] = {0, 1, 16, 127, 128, 129, 235, 254, 255};
    uint8_t *out = malloc(480 * 288 * 3 / 2);
    assert_non_null(out);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
            Image image = make_image(sizes[s][0], sizes[s][1], levels[l]);
            TlLetterbox box;
            tl_letterbox_init(&box, sizes[s][0], sizes[s][1], 480, 288, TL_PRE_TOP_LEFT);
            TlPre *pre = tl_pre_create(&box, TL_PRE_YUV_S2D, ~0u);
            assert_non_null(pre);
            tl_pre_run(pre, &image.picture, out);
            assert_true(check_s2d(&image.picture, &box, out) < 1e-6);
            tl_pre_destroy(&pre);
            free_image(&image);
        }
    free(out);
}

static double clamp01(double v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

// Largest distance of the f32 output from the reference, in units of 1/255.
static double check_rgb(const TlPicture *p, const TlLetterbox *box, const float *out)
{
    double kr = p->height < 720 ? 0.299 : 0.2126, kb = p->height < 720 ? 0.114 : 0.0722, kg = 1 - kr - kb, worst = 0;
    double step_x = (double)box->src_width / box->in_width, step_y = (double)box->src_height / box->in_height;
    size_t size = (size_t)box->net_width * (size_t)box->net_height;
    for (int y = 0; y < box->net_height; y++)
        for (int x = 0; x < box->net_width; x++) {
            int u = x - box->offset_x, v = y - box->offset_y;
            double rgb[3] = {114 / 255.0, 114 / 255.0, 114 / 255.0};
            if (u >= 0 && v >= 0 && u < box->in_width && v < box->in_height) {
                double luma = (bilinear(p, 0, u, v, step_x, step_y, 0) - 16) / 219;
                double cb = (bilinear(p, 1, u, v, step_x, step_y, 1) - 128) / 224;
                double cr = (bilinear(p, 2, u, v, step_x, step_y, 1) - 128) / 224;
                rgb[0] = clamp01(luma + 2 * (1 - kr) * cr);
                rgb[2] = clamp01(luma + 2 * (1 - kb) * cb);
                rgb[1] = clamp01(luma - 2 * (1 - kr) * kr / kg * cr - 2 * (1 - kb) * kb / kg * cb);
            }
            for (int c = 0; c < 3; c++)
                worst =
                    fmax(worst,
                         fabs(rgb[c] - (double)out[(size_t)c * size + (size_t)y * (size_t)box->net_width + (size_t)x]));
        }
    return worst * 255;
}

static void check_rgb_size(int sw, int sh, int nw, int nh, double tolerance)
{
    TlLetterbox box;
    tl_letterbox_init(&box, sw, sh, nw, nh, TL_PRE_CENTRE);
    Image image = make_image(sw, sh, -1);
    size_t size = (size_t)nw * (size_t)nh * 3 * sizeof(float);
    float *first = malloc(size), *out = malloc(size);
    assert_true(first && out);
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        TlPre *pre = tl_pre_create(&box, TL_PRE_RGB_F32, masks[i]);
        assert_non_null(pre);
        tl_pre_run(pre, &image.picture, i ? out : first);
        tl_pre_destroy(&pre);
        if (i)
            assert_memory_equal(first, out, size);
    }
    double worst = check_rgb(&image.picture, &box, first);
    if (worst > tolerance)
        print_error("%dx%d -> %dx%d: off by %.4f of 255\n", sw, sh, nw, nh, worst);
    assert_true(worst <= tolerance);
    free(first);
    free(out);
    free_image(&image);
}

static void test_rgb(void **opaque)
{
    (void)opaque;
    check_rgb_size(1280, 720, 640, 384, 0.1);
    check_rgb_size(1920, 1080, 640, 640, 0.1);
    check_rgb_size(640, 360, 640, 384, 0.1);
    check_rgb_size(320, 180, 640, 384, 0.1);
    check_rgb_size(850, 478, 640, 384, 2);
    check_rgb_size(101, 57, 64, 33, 2);
    check_rgb_size(17, 31, 96, 96, 2);
}

static void test_refuses_bad_boxes(void **opaque)
{
    (void)opaque;
    TlLetterbox box;
    tl_letterbox_init(&box, 1280, 720, 641, 384, TL_PRE_TOP_LEFT);
    assert_null(tl_pre_create(&box, TL_PRE_YUV_S2D, ~0u));
    box = (TlLetterbox){0};
    assert_null(tl_pre_create(&box, TL_PRE_RGB_F32, ~0u));
    TlPre *none = NULL;
    tl_pre_destroy(&none);
}

static void test_run_allocates_nothing(void **opaque)
{
    (void)opaque;
    Image image = make_image(1280, 720, -1);
    TlLetterbox box;
    tl_letterbox_init(&box, 1280, 720, 480, 288, TL_PRE_TOP_LEFT);
    TlPre *pre = tl_pre_create(&box, TL_PRE_YUV_S2D, ~0u);
    uint8_t *out = malloc(480 * 288 * 3 / 2);
    assert_true(pre && out);
    uint64_t before = tl_alloc_count();
    tl_pre_run(pre, &image.picture, out);
    assert_int_equal(tl_alloc_count(), before);
    tl_pre_destroy(&pre);
    free(out);
    free_image(&image);
}

// Every pixel of the copy is the mean of its square, the rest padding: against another buffer, channel by channel.
static void test_shrink(void **opaque)
{
    (void)opaque;
    enum { W = 46, H = 28, QUARTER = W / 2 * (H / 2) };
    for (int factor = 2; factor <= 5; factor++) {
        uint8_t sample[6 * QUARTER], before[6 * QUARTER];
        for (int i = 0; i < 6 * QUARTER; i++)
            sample[i] = before[i] = (uint8_t)random_u32();
        tl_pre_shrink(sample, W, H, factor);
        for (int c = 0; c < 6; c++)
            for (int y = 0; y < H / 2; y++)
                for (int x = 0; x < W / 2; x++) {
                    int is_luma = c < 4, px = is_luma ? 2 * x + c % 2 : x, py = is_luma ? 2 * y + c / 2 : y;
                    int w = is_luma ? W : W / 2, h = is_luma ? H : H / 2, expected = is_luma ? 16 : 128;
                    double sum = 0;
                    for (int k = 0; k < factor * factor && px < w / factor && py < h / factor; k++) {
                        int sx = px * factor + k % factor, sy = py * factor + k / factor;
                        sum += is_luma ? before[(sy % 2 * 2 + sx % 2) * QUARTER + sy / 2 * (W / 2) + sx / 2]
                                       : before[c * QUARTER + sy * (W / 2) + sx];
                    }
                    if (px < w / factor && py < h / factor)
                        expected = (int)floor(sum / (factor * factor) + 0.5);
                    assert_int_equal(sample[c * QUARTER + y * (W / 2) + x], expected);
                }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_ratios),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_rgb),
        cmocka_unit_test(test_refuses_bad_boxes),
        cmocka_unit_test(test_run_allocates_nothing),
        cmocka_unit_test(test_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
