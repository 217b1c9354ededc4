// Row kernels for AVX-512 (F, BW, DQ, VL).
//
// In and out: see kernels.h. Tails are masked loads and stores. The horizontal pass makes 16 outputs at a time: when
// they read at most 64 neighbouring samples these sit in two registers and a word permutation picks the taps, otherwise
// (large ratios) a gather does.
#include <immintrin.h>

#include "pre/kernels.h"

static __mmask64 first(int n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

static void vert(int16_t *acc, const uint8_t *const *rows, const int16_t *weight, int n, int width)
{
    const __m512i bias = _mm512_set1_epi8((char)0x80);
    const __m512i order_low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i order_high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (int x = 0; x < width; x += 64) {
        __mmask64 mask = first(width - x);
        __m512i low = _mm512_setzero_si512(), high = low;
        for (int t = 0; t < n; t += 2) {
            int second = t + 1 < n;
            int pair = weight[t] | (second ? weight[t + 1] << 8 : 0);
            __m512i a = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, rows[t] + x), bias);
            __m512i b = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, rows[t + second] + x), bias);
            __m512i w = _mm512_set1_epi16((int16_t)pair);
            low = _mm512_add_epi16(low, _mm512_maddubs_epi16(w, _mm512_unpacklo_epi8(a, b)));
            high = _mm512_add_epi16(high, _mm512_maddubs_epi16(w, _mm512_unpackhi_epi8(a, b)));
        }
        _mm512_mask_storeu_epi16(acc + x, (__mmask32)mask, _mm512_permutex2var_epi64(low, order_low, high));
        if (mask >> 32)
            _mm512_mask_storeu_epi16(acc + x + 32, (__mmask32)(mask >> 32),
                                     _mm512_permutex2var_epi64(low, order_high, high));
    }
}

// Outputs i..i+15 before rounding.
static __m512i weigh_near(const int16_t *acc, const TlTaps *taps, int i)
{
    const int16_t *base = acc + taps->start[i];
    __m512i low = _mm512_loadu_si512(base), high = _mm512_loadu_si512(base + 32), sum = _mm512_setzero_si512();
    __m512i index = _mm512_sub_epi32(_mm512_loadu_si512(taps->start + i), _mm512_set1_epi32(taps->start[i]));
    index = _mm512_or_si512(index, _mm512_slli_epi32(_mm512_add_epi32(index, _mm512_set1_epi32(1)), 16));
    for (int p = 0; p < taps->pairs; p++) {
        __m512i weight = _mm512_loadu_si512(taps->pair + (size_t)p * (size_t)taps->pair_stride + i);
        __m512i sample = _mm512_permutex2var_epi16(low, index, high);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(sample, weight));
        index = _mm512_add_epi16(index, _mm512_set1_epi16(2));
    }
    return sum;
}

static __m512i weigh_far(const int16_t *acc, const TlTaps *taps, int i)
{
    __m512i index = _mm512_loadu_si512(taps->start + i), sum = _mm512_setzero_si512();
    for (int p = 0; p < taps->pairs; p++) {
        __m512i weight = _mm512_loadu_si512(taps->pair + (size_t)p * (size_t)taps->pair_stride + i);
        __m512i sample = _mm512_i32gather_epi32(index, acc + 2 * p, 2);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(sample, weight));
    }
    return sum;
}

static __m512i weigh(const int16_t *acc, const TlTaps *taps, int i, int shift)
{
    __m512i sum = taps->narrow ? weigh_near(acc, taps, i) : weigh_far(acc, taps, i);
    sum = _mm512_add_epi32(sum, _mm512_set1_epi32(1 << (shift - 1)));
    return _mm512_sra_epi32(sum, _mm_cvtsi32_si128(shift));
}

static void horz(uint8_t *dst, const int16_t *acc, const TlTaps *taps, int shift)
{
    for (int i = 0; i < taps->count; i += 16) {
        __m128i bytes = _mm_xor_si128(_mm512_cvtepi32_epi8(weigh(acc, taps, i, shift)), _mm_set1_epi8((char)0x80));
        _mm_mask_storeu_epi8(dst + i, (__mmask16)first(taps->count - i), bytes);
    }
}

static void horz_fine(int16_t *dst, const int16_t *acc, const TlTaps *taps, int shift)
{
    for (int i = 0; i < taps->count; i += 16) {
        __m256i words = _mm512_cvtepi32_epi16(weigh(acc, taps, i, shift - TL_PRE_FINE_SHIFT));
        _mm256_mask_storeu_epi16(dst + i, (__mmask16)first(taps->count - i), words);
    }
}

static __m512i box2_half(const uint8_t *a, const uint8_t *b, __mmask64 mask)
{
    const __m512i one = _mm512_set1_epi8(1);
    __m512i top = _mm512_maddubs_epi16(_mm512_maskz_loadu_epi8(mask, a), one);
    __m512i bottom = _mm512_maddubs_epi16(_mm512_maskz_loadu_epi8(mask, b), one);
    return _mm512_srli_epi16(_mm512_add_epi16(_mm512_add_epi16(top, bottom), _mm512_set1_epi16(2)), 2);
}

static void box2(uint8_t *dst, const uint8_t *a, const uint8_t *b, int count)
{
    for (int x = 0; x < count; x += 32) {
        __m512i sum = box2_half(a + 2 * x, b + 2 * x, first(2 * (count - x)));
        _mm256_mask_storeu_epi8(dst + x, (__mmask32)first(count - x), _mm512_cvtepi16_epi8(sum));
    }
}

static void split(uint8_t *even, uint8_t *odd, const uint8_t *row, int count)
{
    for (int x = 0; x < count; x += 32) {
        __m512i pairs = _mm512_maskz_loadu_epi8(first(2 * (count - x)), row + 2 * x);
        __mmask32 mask = (__mmask32)first(count - x);
        _mm256_mask_storeu_epi8(even + x, mask, _mm512_cvtepi16_epi8(pairs));
        _mm256_mask_storeu_epi8(odd + x, mask, _mm512_cvtepi16_epi8(_mm512_srli_epi16(pairs, 8)));
    }
}

static void store_unit(float *dst, __mmask16 mask, __m512i sum)
{
    sum = _mm512_min_epi32(_mm512_max_epi32(sum, _mm512_setzero_si512()), _mm512_set1_epi32(TL_RGB_ONE));
    _mm512_mask_storeu_ps(dst, mask, _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(1.0f / (float)TL_RGB_ONE)));
}

static __m512i pair_of(int16_t low, int16_t high)
{
    return _mm512_set1_epi32((int)((uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16));
}

static __m512i load_words(const int16_t *row, __mmask16 mask)
{
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, row));
}

static void rgb(float *const out[3], const int16_t *const yuv[3], const TlRgbMatrix *m, int count)
{
    const __m512i offset = _mm512_set1_epi32(m->offset);
    for (int x = 0; x < count; x += 16) {
        __mmask16 mask = (__mmask16)first(count - x);
        __m512i y = load_words(yuv[0] + x, mask);
        __m512i u = _mm512_slli_epi32(load_words(yuv[1] + x, mask), 16);
        __m512i v = _mm512_slli_epi32(load_words(yuv[2] + x, mask), 16);
        __m512i yv = _mm512_or_si512(y, v), yu = _mm512_or_si512(y, u);
        __m512i green =
            _mm512_add_epi32(_mm512_madd_epi16(yv, pair_of(m->y, m->v_g)), _mm512_madd_epi16(u, pair_of(0, m->u_g)));
        store_unit(out[0] + x, mask, _mm512_add_epi32(_mm512_madd_epi16(yv, pair_of(m->y, m->v_r)), offset));
        store_unit(out[1] + x, mask, _mm512_add_epi32(green, offset));
        store_unit(out[2] + x, mask, _mm512_add_epi32(_mm512_madd_epi16(yu, pair_of(m->y, m->u_b)), offset));
    }
}

const TlPreKernels tl_pre_kernels_avx512 = {"avx512", vert, horz, horz_fine, box2, split, rgb};
