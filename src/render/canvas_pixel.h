// Arithmetic on packed pixels: four 8-bit lanes at once in two 32-bit halves.
#ifndef TL_RENDER_CANVAS_PIXEL_H
#define TL_RENDER_CANVAS_PIXEL_H

#include <stdint.h>

// The loops over pixels profit from the vectoriser, which -O2 of gcc leaves at its shyest setting.
#if defined(__GNUC__) && !defined(__clang__)
#define TL_PIXEL_LOOPS __attribute__((optimize("O3")))
#else
#define TL_PIXEL_LOOPS
#endif

#define TL_LANES 0x00ff00ffu

// a + (b - a) * f / 256 in each lane, f 0..256.
static inline uint32_t tl_pixel_lerp(uint32_t a, uint32_t b, uint32_t f)
{
    uint32_t low = ((a & TL_LANES) * (256 - f) + (b & TL_LANES) * f) >> 8 & TL_LANES;
    uint32_t high = (((a >> 8) & TL_LANES) * (256 - f) + ((b >> 8) & TL_LANES) * f) & ~TL_LANES;
    return low | high;
}

// Premultiplied source over destination.
static inline uint32_t tl_pixel_over(uint32_t below, uint32_t above)
{
    uint32_t alpha = above >> 24, rest = 256 - alpha - (alpha >> 7);
    uint32_t low = ((below & TL_LANES) * rest) >> 8 & TL_LANES;
    uint32_t high = ((below >> 8) & TL_LANES) * rest & ~TL_LANES;
    return above + (low | high);
}

static inline uint32_t tl_pixel_pack(int y, int u, int v)
{
    return (uint32_t)(y < 0     ? 0
                      : y > 255 ? 255
                                : y) |
           (uint32_t)(u < 0     ? 0
                      : u > 255 ? 255
                                : u)
               << 8 |
           (uint32_t)(v < 0     ? 0
                      : v > 255 ? 255
                                : v)
               << 16 |
           0xff000000u;
}

// Light times factor / 128 (0..511), chroma kept.
static inline uint32_t tl_pixel_light(uint32_t p, uint32_t factor)
{
    uint32_t y = ((p & 0xff) * factor) >> 7;
    return (p & 0xffffff00u) | (y > 255 ? 255 : y);
}

#endif
