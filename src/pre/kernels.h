// Row kernels of the pre-processing: a table per instruction set, filled from low to high.
//
// Everything is integer arithmetic with one fixed order of rounding, so all variants give the same bytes. Samples are
// handled as (value - 128): then a weighted column sum fits int16 for unsigned 8-bit weights that sum to at most 255,
// which is what the byte and word multiply-add instructions want. Horizontal weights sum to about 2^shift / (vertical
// sum).
#ifndef TL_PRE_KERNELS_H
#define TL_PRE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    TL_PRE_TOTAL_MAX = 255, ///< largest sum of the vertical weights of an output
    TL_PRE_ROW_PAD = 128,   ///< samples that must be readable behind a row of column sums
    TL_PRE_FINE_SHIFT = 6,  ///< fraction bits of horz_fine's outputs
};

// Weights of one axis: output i is the sum over t < used[i] of weight[i * stride + t] * source[start[i] + t].
typedef struct TlTaps {
    int count;             ///< outputs
    int total;             ///< sum of the weights of every output
    int stride;            ///< weights of an output in memory, 4 or a multiple of 8; those behind used[i] are 0
    int pairs;             ///< pairs of taps that the widest output needs
    int pair_stride;       ///< count rounded up to a multiple of 16
    int narrow;            ///< 1 when any 16 outputs in a row (from a multiple of 16) read at most 64 samples
    int32_t *start, *used; ///< [pair_stride], 0 behind count
    int16_t *weight;       ///< [pair_stride][stride]
    uint32_t *pair;        ///< [pairs][pair_stride]: weights 2p and 2p+1 of an output in the low and high half
} TlTaps;

enum TlTapsKind {
    TL_TAPS_SCALE = 0, ///< area average when shrinking, bilinear when enlarging
    TL_TAPS_BILINEAR,  ///< bilinear always
};

// source_size -> scaled_size is the ratio of the axis (luma); the plane has `samples` samples and `count` outputs are
// made. halved: taps are found on the luma axis and then read from a plane of half the samples (each sample serves
// two).
typedef struct TlTapsParams {
    int kind;
    int source_size, scaled_size;
    int samples, count;
    int halved;
    int total; ///< 0 = a multiple of this ratio's exact sum, or the largest legal one when that is too large
} TlTapsParams;

// Returns 0 or TL_ENOMEM. taps must be {0}.
int tl_taps_init(TlTaps *taps, const TlTapsParams *params);
void tl_taps_deinit(TlTaps *taps);

// Integer YUV -> RGB: full = ((luma coefficient) * y + ...) in units of 1 / (255 * scale).
typedef struct TlRgbMatrix {
    int16_t y, v_r, u_g, v_g, u_b; ///< 13 fraction bits
    int32_t offset;                ///< added to each channel: what the (value - 128) form and the black level need
} TlRgbMatrix;

typedef struct TlPreKernels {
    const char *name;
    // acc[x] = sum over t < n of weight[t] * (rows[t][x] - 128), x < width.
    void (*vert)(int16_t *acc, const uint8_t *const *rows, const int16_t *weight, int n, int width);
    // dst[i] = 128 + (sum of taps over acc + half) >> shift. acc needs TL_PRE_ROW_PAD readable samples behind its end.
    void (*horz)(uint8_t *dst, const int16_t *acc, const TlTaps *taps, int shift);
    // The same without the 128 and with TL_PRE_FINE_SHIFT more fraction bits kept.
    void (*horz_fine)(int16_t *dst, const int16_t *acc, const TlTaps *taps, int shift);
    // dst[x] = (sum of the 2x2 block + 2) / 4 of rows a and b, x < count.
    void (*box2)(uint8_t *dst, const uint8_t *a, const uint8_t *b, int count);
    // even[x] = row[2x], odd[x] = row[2x + 1], x < count.
    void (*split)(uint8_t *even, uint8_t *odd, const uint8_t *row, int count);
    // Rows of horz_fine -> planar RGB 0..1.
    void (*rgb)(float *const rgb[3], const int16_t *const yuv[3], const TlRgbMatrix *matrix, int count);
} TlPreKernels;

extern const TlPreKernels tl_pre_kernels_c;
#if defined(__x86_64__)
extern const TlPreKernels tl_pre_kernels_avx2;
extern const TlPreKernels tl_pre_kernels_avx512;
#endif

// The best table that this processor and cpumask allow.
const TlPreKernels *tl_pre_kernels(unsigned cpumask);

enum { TL_RGB_FRACTION = 13 };
// 1.0 in the integer units of TlRgbMatrix sums.
#define TL_RGB_ONE (255 << (TL_PRE_FINE_SHIFT + TL_RGB_FRACTION))

#endif
