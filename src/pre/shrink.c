// A smaller copy of a picture inside its own tensor.
//
// In and out: one u8 sample in YUV 2x2 space-to-depth. Shrinking what the network has seen already needs neither the
// decoded picture nor a second buffer: a pixel is written where all that it would overwrite has been read.
#include <string.h>

#include "pre/pre.h"

enum { PAD_LUMA = 16, PAD_CHROMA = 128 };

typedef struct Plane {
    uint8_t *cells; ///< [4, height / 2, width / 2] in space-to-depth, shift 1, or [1, height, width], shift 0
    int width, height, shift;
} Plane;

static uint8_t *pixel(const Plane *p, int x, int y)
{
    int mask = (1 << p->shift) - 1, columns = p->width >> p->shift, rows = p->height >> p->shift;
    int channel = ((y & mask) << p->shift) + (x & mask);
    return p->cells + ((size_t)channel * (size_t)rows + (size_t)(y >> p->shift)) * (size_t)columns +
           (size_t)(x >> p->shift);
}

static uint8_t mean(const Plane *p, int x, int y, int factor)
{
    unsigned sum = 0, n = (unsigned)(factor * factor);
    for (int dy = 0; dy < factor; dy++)
        for (int dx = 0; dx < factor; dx++)
            sum += *pixel(p, x * factor + dx, y * factor + dy);
    return (uint8_t)((sum + n / 2) / n);
}

static void shrink_plane(const Plane *p, int factor, uint8_t pad)
{
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            *pixel(p, x, y) = x < p->width / factor && y < p->height / factor ? mean(p, x, y, factor) : pad;
}

void tl_pre_shrink(uint8_t *sample, int width, int height, int factor)
{
    size_t quarter = (size_t)(width / 2) * (size_t)(height / 2);
    shrink_plane(&(Plane){sample, width, height, 1}, factor, PAD_LUMA);
    for (size_t c = 4; c < 6; c++)
        shrink_plane(&(Plane){sample + c * quarter, width / 2, height / 2, 0}, factor, PAD_CHROMA);
}
