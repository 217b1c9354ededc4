// Row kernels in plain C: the truth that the other variants are checked against, byte for byte.
//
// In and out: see kernels.h. Also picks the table for a processor.
#include "pre/kernels.h"

#include "base/cpu.h"

static void vert(int16_t *acc, const uint8_t *const *rows, const int16_t *weight, int n, int width)
{
    for (int x = 0; x < width; x++) {
        int sum = 0;
        for (int t = 0; t < n; t++)
            sum += weight[t] * (rows[t][x] - 128);
        acc[x] = (int16_t)sum;
    }
}

static int32_t weigh(const int16_t *acc, const TlTaps *taps, int i, int shift)
{
    int32_t sum = 1 << (shift - 1);
    for (int t = 0; t < taps->used[i]; t++)
        sum += taps->weight[(size_t)i * (size_t)taps->stride + (size_t)t] * acc[taps->start[i] + t];
    return sum >> shift;
}

static void horz(uint8_t *dst, const int16_t *acc, const TlTaps *taps, int shift)
{
    for (int i = 0; i < taps->count; i++)
        dst[i] = (uint8_t)(128 + weigh(acc, taps, i, shift));
}

static void horz_fine(int16_t *dst, const int16_t *acc, const TlTaps *taps, int shift)
{
    for (int i = 0; i < taps->count; i++)
        dst[i] = (int16_t)weigh(acc, taps, i, shift - TL_PRE_FINE_SHIFT);
}

static void box2(uint8_t *dst, const uint8_t *a, const uint8_t *b, int count)
{
    for (int x = 0; x < count; x++)
        dst[x] = (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
}

static void split(uint8_t *even, uint8_t *odd, const uint8_t *row, int count)
{
    for (int x = 0; x < count; x++) {
        even[x] = row[2 * x];
        odd[x] = row[2 * x + 1];
    }
}

static float unit(int32_t sum)
{
    sum = sum < 0 ? 0 : sum > TL_RGB_ONE ? TL_RGB_ONE : sum;
    return (float)sum * (1.0f / (float)TL_RGB_ONE);
}

static void rgb(float *const out[3], const int16_t *const yuv[3], const TlRgbMatrix *m, int count)
{
    for (int x = 0; x < count; x++) {
        int32_t y = m->y * yuv[0][x] + m->offset, u = yuv[1][x], v = yuv[2][x];
        out[0][x] = unit(y + m->v_r * v);
        out[1][x] = unit(y + m->u_g * u + m->v_g * v);
        out[2][x] = unit(y + m->u_b * u);
    }
}

const TlPreKernels tl_pre_kernels_c = {"c", vert, horz, horz_fine, box2, split, rgb};

const TlPreKernels *tl_pre_kernels(unsigned cpumask)
{
    const TlPreKernels *kernels = &tl_pre_kernels_c;
#if defined(__x86_64__)
    unsigned flags = tl_cpu_flags() & cpumask;
    if (flags & TL_CPU_AVX2)
        kernels = &tl_pre_kernels_avx2;
    if (flags & TL_CPU_AVX512)
        kernels = &tl_pre_kernels_avx512;
#else
    (void)cpumask;
#endif
    return kernels;
}
