// Row kernels for AVX2.
//
// In and out: see kernels.h. Rows shorter than a vector go to the C kernels; a tail is done by repeating the last full
// vector, so nothing is read or written outside the rows.
#include <immintrin.h>

#include "pre/kernels.h"

static __m256i load(const void *p)
{
    return _mm256_loadu_si256(p);
}

// Two halves from two places.
static __m256i load_halves(const void *low, const void *high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
}

static void vert_block(int16_t *acc, const uint8_t *const *rows, const int16_t *weight, int n, int x)
{
    const __m256i bias = _mm256_set1_epi8((char)0x80);
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int t = 0; t < n; t += 2) {
        int second = t + 1 < n;
        int pair = weight[t] | (second ? weight[t + 1] << 8 : 0);
        __m256i a = _mm256_xor_si256(load(rows[t] + x), bias);
        __m256i b = _mm256_xor_si256(load(rows[t + second] + x), bias);
        __m256i w = _mm256_set1_epi16((int16_t)pair);
        low = _mm256_add_epi16(low, _mm256_maddubs_epi16(w, _mm256_unpacklo_epi8(a, b)));
        high = _mm256_add_epi16(high, _mm256_maddubs_epi16(w, _mm256_unpackhi_epi8(a, b)));
    }
    _mm256_storeu_si256((void *)(acc + x), _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((void *)(acc + x + 16), _mm256_permute2x128_si256(low, high, 0x31));
}

static void vert(int16_t *acc, const uint8_t *const *rows, const int16_t *weight, int n, int width)
{
    if (width < 32) {
        tl_pre_kernels_c.vert(acc, rows, weight, n, width);
        return;
    }
    for (int x = 0; x + 32 <= width; x += 32)
        vert_block(acc, rows, weight, n, x);
    if (width & 31)
        vert_block(acc, rows, weight, n, width - 32);
}

// Four samples each from two places.
static __m128i load_quads(const int16_t *low, const int16_t *high)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)low), _mm_loadl_epi64((const void *)high));
}

// Outputs i..i+7 of at most four taps each.
static __m256i weigh4(const int16_t *acc, const TlTaps *taps, int i)
{
    const int32_t *s = taps->start + i;
    const int16_t *w = taps->weight + 4 * (size_t)i;
    __m256i a = _mm256_set_m128i(load_quads(acc + s[4], acc + s[5]), load_quads(acc + s[0], acc + s[1]));
    __m256i b = _mm256_set_m128i(load_quads(acc + s[6], acc + s[7]), load_quads(acc + s[2], acc + s[3]));
    a = _mm256_madd_epi16(a, load_halves(w, w + 16));
    b = _mm256_madd_epi16(b, load_halves(w + 8, w + 24));
    return _mm256_hadd_epi32(a, b);
}

// Outputs i..i+7 as dot products of 8 (or 16, 24 ...) neighbouring samples each.
static __m256i weigh8(const int16_t *acc, const TlTaps *taps, int i)
{
    const size_t stride = (size_t)taps->stride;
    __m256i sum[4];
    for (int j = 0; j < 4; j++) {
        const int16_t *a = acc + taps->start[i + j], *b = acc + taps->start[i + j + 4];
        const int16_t *wa = taps->weight + (size_t)(i + j) * stride, *wb = wa + 4 * stride;
        sum[j] = _mm256_madd_epi16(load_halves(a, b), load_halves(wa, wb));
        for (size_t t = 8; t < stride; t += 8)
            sum[j] =
                _mm256_add_epi32(sum[j], _mm256_madd_epi16(load_halves(a + t, b + t), load_halves(wa + t, wb + t)));
    }
    return _mm256_hadd_epi32(_mm256_hadd_epi32(sum[0], sum[1]), _mm256_hadd_epi32(sum[2], sum[3]));
}

// Eight outputs, rounded, as words.
static __m128i weigh(const int16_t *acc, const TlTaps *taps, int i, __m256i half, __m128i shift)
{
    __m256i sum = taps->stride == 4 ? weigh4(acc, taps, i) : weigh8(acc, taps, i);
    sum = _mm256_sra_epi32(_mm256_add_epi32(sum, half), shift);
    return _mm_packs_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
}

static void horz(uint8_t *dst, const int16_t *acc, const TlTaps *taps, int shift)
{
    const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
    const __m128i bits = _mm_cvtsi32_si128(shift), bias = _mm_set1_epi8((char)0x80);
    for (int i = 0; i < taps->count; i += 8) {
        __m128i words = weigh(acc, taps, i, half, bits);
        __m128i bytes = _mm_xor_si128(_mm_packs_epi16(words, words), bias);
        uint8_t tail[16];
        int left = taps->count - i;
        if (left >= 8) {
            _mm_storel_epi64((void *)(dst + i), bytes);
            continue;
        }
        _mm_storeu_si128((void *)tail, bytes);
        for (int j = 0; j < left; j++)
            dst[i + j] = tail[j];
    }
}

static void horz_fine(int16_t *dst, const int16_t *acc, const TlTaps *taps, int shift)
{
    shift -= TL_PRE_FINE_SHIFT;
    const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
    const __m128i bits = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < taps->count; i += 8) {
        __m128i words = weigh(acc, taps, i, half, bits);
        int16_t tail[8];
        int left = taps->count - i;
        if (left >= 8) {
            _mm_storeu_si128((void *)(dst + i), words);
            continue;
        }
        _mm_storeu_si128((void *)tail, words);
        for (int j = 0; j < left; j++)
            dst[i + j] = tail[j];
    }
}

static void box2_block(uint8_t *dst, const uint8_t *a, const uint8_t *b, int x)
{
    const __m256i one = _mm256_set1_epi8(1), two = _mm256_set1_epi16(2);
    __m256i sum[2];
    for (int k = 0; k < 2; k++) {
        __m256i top = _mm256_maddubs_epi16(load(a + 2 * x + 32 * k), one);
        __m256i bottom = _mm256_maddubs_epi16(load(b + 2 * x + 32 * k), one);
        sum[k] = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(top, bottom), two), 2);
    }
    __m256i packed = _mm256_packus_epi16(sum[0], sum[1]);
    _mm256_storeu_si256((void *)(dst + x), _mm256_permute4x64_epi64(packed, 0xd8));
}

static void box2(uint8_t *dst, const uint8_t *a, const uint8_t *b, int count)
{
    if (count < 32) {
        tl_pre_kernels_c.box2(dst, a, b, count);
        return;
    }
    for (int x = 0; x + 32 <= count; x += 32)
        box2_block(dst, a, b, x);
    if (count & 31)
        box2_block(dst, a, b, count - 32);
}

static void split_block(uint8_t *even, uint8_t *odd, const uint8_t *row, int x)
{
    const __m256i low = _mm256_set1_epi16(0xff);
    __m256i a = load(row + 2 * x), b = load(row + 2 * x + 32);
    __m256i e = _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
    __m256i o = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
    _mm256_storeu_si256((void *)(even + x), _mm256_permute4x64_epi64(e, 0xd8));
    _mm256_storeu_si256((void *)(odd + x), _mm256_permute4x64_epi64(o, 0xd8));
}

static void split(uint8_t *even, uint8_t *odd, const uint8_t *row, int count)
{
    if (count < 32) {
        tl_pre_kernels_c.split(even, odd, row, count);
        return;
    }
    for (int x = 0; x + 32 <= count; x += 32)
        split_block(even, odd, row, x);
    if (count & 31)
        split_block(even, odd, row, count - 32);
}

static void store_unit(float *dst, __m256i sum)
{
    sum = _mm256_min_epi32(_mm256_max_epi32(sum, _mm256_setzero_si256()), _mm256_set1_epi32(TL_RGB_ONE));
    _mm256_storeu_ps(dst, _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(1.0f / (float)TL_RGB_ONE)));
}

static __m256i pair_of(int16_t low, int16_t high)
{
    return _mm256_set1_epi32((int)((uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16));
}

// Eight pixels. y | v and y | u pairs feed one multiply-add each; green needs v and u both, so y goes with v there.
static void rgb_block(float *const out[3], const int16_t *const yuv[3], const TlRgbMatrix *m, int x)
{
    const __m256i offset = _mm256_set1_epi32(m->offset);
    __m256i y = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(yuv[0] + x)));
    __m256i u = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(yuv[1] + x))), 16);
    __m256i v = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(yuv[2] + x))), 16);
    __m256i yv = _mm256_or_si256(y, v), yu = _mm256_or_si256(y, u);
    __m256i green =
        _mm256_add_epi32(_mm256_madd_epi16(yv, pair_of(m->y, m->v_g)), _mm256_madd_epi16(u, pair_of(0, m->u_g)));
    store_unit(out[0] + x, _mm256_add_epi32(_mm256_madd_epi16(yv, pair_of(m->y, m->v_r)), offset));
    store_unit(out[1] + x, _mm256_add_epi32(green, offset));
    store_unit(out[2] + x, _mm256_add_epi32(_mm256_madd_epi16(yu, pair_of(m->y, m->u_b)), offset));
}

static void rgb(float *const out[3], const int16_t *const yuv[3], const TlRgbMatrix *matrix, int count)
{
    if (count < 8) {
        tl_pre_kernels_c.rgb(out, yuv, matrix, count);
        return;
    }
    for (int x = 0; x + 8 <= count; x += 8)
        rgb_block(out, yuv, matrix, x);
    if (count & 7)
        rgb_block(out, yuv, matrix, count - 8);
}

const TlPreKernels tl_pre_kernels_avx2 = {"avx2", vert, horz, horz_fine, box2, split, rgb};
