// Blending of coverage into 4:2:0 planes, see paint.h. A chroma pixel gets the mean coverage of its four luma pixels,
// so coloured edges stay as soft as in luma.
#include "render/paint.h"

#include <string.h>

#include "base/mem.h"
#include "render/glyphs.h"

int tl_paint_init(TlPaint *paint, int width, int height)
{
    memset(paint, 0, sizeof(*paint));
    paint->width = width;
    paint->height = height;
    for (int i = 0; i < 3; i++) {
        int columns = i ? (width + 1) / 2 : width, rows = i ? (height + 1) / 2 : height;
        paint->stride[i] = (columns + 63) & ~63;
        paint->plane[i] = tl_calloc((size_t)paint->stride[i] * (size_t)rows, 1);
    }
    paint->chroma_share = tl_calloc((size_t)width / 2 + 2, sizeof(uint16_t));
    if (!paint->plane[0] || !paint->plane[1] || !paint->plane[2] || !paint->chroma_share ||
        tl_raster_init(&paint->raster, width, height) < 0) {
        tl_paint_deinit(paint);
        return TL_ENOMEM;
    }
    return TL_OK;
}

void tl_paint_deinit(TlPaint *paint)
{
    for (int i = 0; i < 3; i++)
        tl_free(&paint->plane[i]);
    tl_free(&paint->chroma_share);
    tl_raster_deinit(&paint->raster);
}

void tl_paint_copy(TlPaint *paint, const TlPicture *picture)
{
    for (int i = 0; i < 3; i++) {
        int columns = i ? (paint->width + 1) / 2 : paint->width, rows = i ? (paint->height + 1) / 2 : paint->height;
        for (int y = 0; y < rows; y++)
            memcpy(paint->plane[i] + (size_t)y * (size_t)paint->stride[i],
                   picture->plane[i] + (ptrdiff_t)y * picture->stride[i], (size_t)columns);
    }
}

void tl_paint_picture(const TlPaint *paint, TlPicture *picture)
{
    *picture = (TlPicture){.width = paint->width,
                           .height = paint->height,
                           .plane = {paint->plane[0], paint->plane[1], paint->plane[2]},
                           .stride = {paint->stride[0], paint->stride[1], paint->stride[2]}};
}

TlInk tl_ink(unsigned rgb)
{
    double r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255, luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return (TlInk){(uint8_t)(16 + luma * 219 / 255 + 0.5), (uint8_t)(128 + (b - luma) / 1.8556 * 224 / 255 + 0.5),
                   (uint8_t)(128 + (r - luma) / 1.5748 * 224 / 255 + 0.5)};
}

void tl_paint_begin(TlPaint *paint)
{
    tl_raster_begin(&paint->raster, 0, 0, paint->width, paint->height);
}

static uint8_t blend(uint8_t from, uint8_t to, int share) // share 0..256
{
    return (uint8_t)((from * (256 - share) + to * share + 128) >> 8);
}

static void flush_chroma(TlPaint *paint, int row, int from, int to, TlInk ink, int scale)
{
    uint8_t *u = paint->plane[1] + (size_t)row * (size_t)paint->stride[1];
    uint8_t *v = paint->plane[2] + (size_t)row * (size_t)paint->stride[2];
    for (int x = from; x < to; x++) {
        int share = paint->chroma_share[x] * scale >> 10; // sum of four 0..255 -> 0..256
        paint->chroma_share[x] = 0;
        if (share) {
            u[x] = blend(u[x], ink.u, share);
            v[x] = blend(v[x], ink.v, share);
        }
    }
}

void tl_paint_fill(TlPaint *paint, TlInk ink, double strength)
{
    int scale = (int)((strength < 0 ? 0 : strength > 1 ? 1 : strength) * 257), y, x, count;
    int chroma_row = -1, from = 0, to = 0;
    while (tl_raster_row(&paint->raster, &y, &x, &count)) {
        const uint8_t *coverage = paint->raster.coverage;
        uint8_t *luma = paint->plane[0] + (size_t)y * (size_t)paint->stride[0];
        if (y / 2 != chroma_row) {
            if (chroma_row >= 0)
                flush_chroma(paint, chroma_row, from, to, ink, scale);
            chroma_row = y / 2;
            from = x / 2;
            to = (x + count + 1) / 2;
        }
        from = x / 2 < from ? x / 2 : from;
        to = (x + count + 1) / 2 > to ? (x + count + 1) / 2 : to;
        // the last row and column of an odd picture stand for two
        int twice_y = y + 1 == paint->height && !(y & 1) ? 2 : 1;
        for (int i = 0; i < count; i++) {
            if (!coverage[i])
                continue;
            luma[x + i] = blend(luma[x + i], ink.y, coverage[i] * scale >> 8);
            int twice_x = x + i + 1 == paint->width && !((x + i) & 1) ? 2 : 1;
            paint->chroma_share[(x + i) / 2] =
                (uint16_t)(paint->chroma_share[(x + i) / 2] + coverage[i] * twice_x * twice_y);
        }
    }
    if (chroma_row >= 0)
        flush_chroma(paint, chroma_row, from, to, ink, scale);
}

void tl_paint_box(TlPaint *paint, double x, double y, double w, double h, TlInk ink, double strength)
{
    const double corner[4][2] = {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}};
    tl_paint_begin(paint);
    tl_raster_polygon(&paint->raster, corner, 4);
    tl_paint_fill(paint, ink, strength);
}

void tl_paint_text(TlPaint *paint, const char *text, double x, double y, double height, TlInk ink)
{
    tl_paint_begin(paint);
    tl_text_raster(&paint->raster, text, x - tl_text_width(text, height) * 0.5, y, height, height * 0.17);
    tl_paint_fill(paint, ink, 1);
}
