// Every kernel table of this machine against the C kernels: random rows of every length, canaries on both sides of the
// destination, source rows that end where the memory ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "pre/kernels.h"

enum { CANARY = 64, LONGEST = 700, TAP_ROWS = 40 };

static uint32_t state = 7;

static uint32_t random_u32(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

// A block of exactly this size, so that a sanitizer sees one byte too far; extremes are frequent.
static uint8_t *random_bytes(size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    assert_non_null(data);
    uint32_t mood = random_u32() % 4;
    for (size_t i = 0; i < size; i++) {
        uint32_t r = random_u32();
        data[i] = mood == 0 ? (uint8_t)(r & 1 ? 255 : 0) : mood == 1 ? 0 : mood == 2 ? 255 : (uint8_t)(r >> 8);
    }
    return data;
}

// Destination of `bytes` bytes between canaries.
typedef struct Guarded {
    uint8_t *block;
    void *at;
    size_t bytes;
} Guarded;

static Guarded guarded(size_t bytes)
{
    Guarded g = {.block = malloc(bytes + 2 * CANARY), .bytes = bytes};
    assert_non_null(g.block);
    memset(g.block, 0xa5, bytes + 2 * CANARY);
    g.at = g.block + CANARY;
    return g;
}

static void check_equal(Guarded *expected, Guarded *got)
{
    assert_memory_equal(expected->block, got->block, expected->bytes + 2 * CANARY);
    for (int i = 0; i < CANARY; i++) {
        assert_int_equal(got->block[i], 0xa5);
        assert_int_equal(got->block[CANARY + got->bytes + (size_t)i], 0xa5);
    }
    free(expected->block);
    free(got->block);
}

static void check_vert(const TlPreKernels *k, int width, int n)
{
    const uint8_t *rows[TAP_ROWS];
    int16_t weight[TAP_ROWS] = {0};
    for (int t = 0; t < n; t++)
        rows[t] = random_bytes((size_t)width);
    for (int left = TL_PRE_TOTAL_MAX; left > 0; left--)
        weight[n == 1 ? 0 : random_u32() % (uint32_t)n]++;
    Guarded a = guarded((size_t)width * 2), b = guarded((size_t)width * 2);
    tl_pre_kernels_c.vert(a.at, rows, weight, n, width);
    k->vert(b.at, rows, weight, n, width);
    check_equal(&a, &b);
    for (int t = 0; t < n; t++)
        free((void *)rows[t]);
}

static void check_vert_all(const TlPreKernels *k)
{
    for (int width = 1; width < 270; width++)
        for (int n = 1; n < 6; n++)
            check_vert(k, width, n);
    check_vert(k, LONGEST, TAP_ROWS);
    check_vert(k, LONGEST, TAP_ROWS - 1);
}

static void check_horz(const TlPreKernels *k, int source, int scaled, int kind)
{
    TlTaps taps = {0};
    TlTapsParams params = {
        .kind = kind, .source_size = source, .scaled_size = scaled, .samples = source, .count = scaled};
    params.total = 16384 + (int)(random_u32() % 16384);
    int shift = 22, limit = (127 << shift) / params.total; // as in use: outputs fit a byte
    limit = limit < 32640 ? limit : 32640;
    assert_int_equal(tl_taps_init(&taps, &params), 0);
    size_t readable = (size_t)source + TL_PRE_ROW_PAD + (size_t)taps.stride;
    int16_t *acc = malloc(readable * sizeof *acc);
    assert_non_null(acc);
    for (size_t i = 0; i < readable; i++) {
        acc[i] = (int16_t)((int)(random_u32() % (2 * (unsigned)limit + 1)) - limit);
        if (random_u32() % 4 == 0)
            acc[i] = (int16_t)(random_u32() & 1 ? limit : -limit);
    }
    Guarded a = guarded((size_t)scaled), b = guarded((size_t)scaled);
    tl_pre_kernels_c.horz(a.at, acc, &taps, shift);
    k->horz(b.at, acc, &taps, shift);
    check_equal(&a, &b);
    a = guarded((size_t)scaled * 2), b = guarded((size_t)scaled * 2);
    tl_pre_kernels_c.horz_fine(a.at, acc, &taps, shift);
    k->horz_fine(b.at, acc, &taps, shift);
    check_equal(&a, &b);
    free(acc);
    tl_taps_deinit(&taps);
}

static void check_horz_all(const TlPreKernels *k)
{
    static const int pairs[][2] = {{1280, 480}, {1280, 640}, {1920, 640}, {1920, 480}, {3840, 640}, {640, 360},
                                   {3840, 480}, {500, 17},   {640, 960},  {1, 1},      {1, 33},     {2, 1},
                                   {1000, 1},   {850, 640},  {333, 111},  {4096, 160}, {17, 16},    {16, 17}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int kind = TL_TAPS_SCALE; kind <= TL_TAPS_BILINEAR; kind++)
            check_horz(k, pairs[i][0], pairs[i][1], kind);
    for (int round = 0; round < 300; round++)
        check_horz(k, 1 + (int)(random_u32() % LONGEST), 1 + (int)(random_u32() % 200), (int)(random_u32() & 1));
}

static void check_pairs_all(const TlPreKernels *k)
{
    for (int count = 1; count < 270; count++) {
        uint8_t *a = random_bytes(2 * (size_t)count), *b = random_bytes(2 * (size_t)count);
        Guarded expected = guarded((size_t)count), got = guarded((size_t)count);
        tl_pre_kernels_c.box2(expected.at, a, b, count);
        k->box2(got.at, a, b, count);
        check_equal(&expected, &got);
        Guarded even[2] = {guarded((size_t)count), guarded((size_t)count)};
        Guarded odd[2] = {guarded((size_t)count), guarded((size_t)count)};
        tl_pre_kernels_c.split(even[0].at, odd[0].at, a, count);
        k->split(even[1].at, odd[1].at, a, count);
        check_equal(&even[0], &even[1]);
        check_equal(&odd[0], &odd[1]);
        free(a);
        free(b);
    }
}

static void check_rgb_all(const TlPreKernels *k)
{
    const TlRgbMatrix matrix = {9539, 13075, -3209, -6660, 16525, 9539 * (112 << TL_PRE_FINE_SHIFT)};
    for (int count = 1; count < 100; count++) {
        Guarded expected[3], got[3];
        float *to[2][3];
        int16_t *row[3];
        for (int c = 0; c < 3; c++) {
            row[c] = malloc((size_t)count * sizeof *row[c]);
            assert_non_null(row[c]);
            for (int i = 0; i < count; i++)
                row[c][i] = (int16_t)((int)(random_u32() % 16321) - 8192);
            expected[c] = guarded((size_t)count * sizeof(float));
            got[c] = guarded((size_t)count * sizeof(float));
            to[0][c] = expected[c].at;
            to[1][c] = got[c].at;
        }
        const int16_t *const from[3] = {row[0], row[1], row[2]};
        tl_pre_kernels_c.rgb(to[0], from, &matrix, count);
        k->rgb(to[1], from, &matrix, count);
        for (int c = 0; c < 3; c++) {
            check_equal(&expected[c], &got[c]);
            free(row[c]);
        }
    }
}

static void check_table(unsigned flag)
{
    const TlPreKernels *k = tl_pre_kernels(flag);
    if (!(tl_cpu_flags() & flag)) {
        print_message("this processor lacks the instruction set: skipped\n");
        skip();
    }
    assert_ptr_not_equal(k, &tl_pre_kernels_c);
    check_vert_all(k);
    check_horz_all(k);
    check_pairs_all(k);
    check_rgb_all(k);
}

static void test_avx2(void **opaque)
{
    (void)opaque;
    check_table(TL_CPU_AVX2);
}

static void test_avx512(void **opaque)
{
    (void)opaque;
    check_table(TL_CPU_AVX512);
}

static void test_mask_limits(void **opaque)
{
    (void)opaque;
    assert_ptr_equal(tl_pre_kernels(0), &tl_pre_kernels_c);
    assert_non_null(tl_pre_kernels(~0u)->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask_limits),
        cmocka_unit_test(test_avx2),
        cmocka_unit_test(test_avx512),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
