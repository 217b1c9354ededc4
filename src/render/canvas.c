// Packed-pixel canvas of the synthetic match: memory, colours, flat fills, shadows. See canvas.h.
#include "render/canvas.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "render/canvas_pixel.h"
#include "render/synth_random.h"

enum { NOISE_SIZE = 1 << 16, SPRITE_MARGIN = 512 };

int tl_canvas_init(TlCanvas *canvas, int width, int height)
{
    memset(canvas, 0, sizeof(*canvas));
    size_t pixels = (size_t)width * (size_t)height;
    canvas->width = width;
    canvas->height = height;
    canvas->stride = (width + 63) & ~63;
    canvas->chroma_stride = ((width + 1) / 2 + 63) & ~63;
    size_t chroma = (size_t)canvas->chroma_stride * (size_t)((height + 1) / 2);
    canvas->pixel = tl_calloc(pixels, sizeof(uint32_t));
    canvas->spare = tl_calloc(pixels, sizeof(uint32_t));
    canvas->sums = tl_calloc((size_t)width * 4, sizeof(uint16_t));
    canvas->owner = tl_calloc(pixels, 1);
    canvas->luma = tl_calloc((size_t)canvas->stride * (size_t)height, 1);
    canvas->soft = tl_calloc((size_t)canvas->stride * (size_t)height, 1);
    canvas->chroma[0] = tl_calloc(chroma, 1);
    canvas->chroma[1] = tl_calloc(chroma, 1);
    canvas->noise = tl_calloc(NOISE_SIZE, 1);
    canvas->sprite.capacity = ((size_t)width + SPRITE_MARGIN) * ((size_t)height + SPRITE_MARGIN);
    canvas->sprite.pixel = tl_calloc(canvas->sprite.capacity, sizeof(uint32_t));
    canvas->sprite.spare = tl_calloc(canvas->sprite.capacity, sizeof(uint32_t));
    if (!canvas->pixel || !canvas->spare || !canvas->sums || !canvas->owner || !canvas->luma || !canvas->soft ||
        !canvas->chroma[0] || !canvas->chroma[1] || !canvas->noise || !canvas->sprite.pixel || !canvas->sprite.spare ||
        tl_raster_init(&canvas->raster, width + SPRITE_MARGIN, height + SPRITE_MARGIN) < 0) {
        tl_canvas_deinit(canvas);
        return TL_ENOMEM;
    }
    // Neighbours share a part of their noise, as after a compressing camera link.
    TlRandom random = tl_random_stream(7, 7);
    double last = 0;
    for (int i = 0; i < NOISE_SIZE; i++) {
        double now = tl_random_normal(&random) * 16;
        canvas->noise[i] = (int8_t)tl_clamp(now * 0.87 + last * 0.5, -127, 127);
        last = now;
    }
    return TL_OK;
}

void tl_canvas_deinit(TlCanvas *canvas)
{
    tl_free(&canvas->pixel);
    tl_free(&canvas->spare);
    tl_free(&canvas->sums);
    tl_free(&canvas->owner);
    tl_free(&canvas->luma);
    tl_free(&canvas->soft);
    tl_free(&canvas->chroma[0]);
    tl_free(&canvas->chroma[1]);
    tl_free(&canvas->noise);
    tl_free(&canvas->sprite.pixel);
    tl_free(&canvas->sprite.spare);
    tl_raster_deinit(&canvas->raster);
}

uint32_t tl_colour(double r, double g, double b)
{
    double luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    double y = 16 + luma * (219.0 / 255), u = 128 + (b - luma) / 1.8556 * (224.0 / 255),
           v = 128 + (r - luma) / 1.5748 * (224.0 / 255);
    return tl_pixel_pack((int)(y + 0.5), (int)(u + 0.5), (int)(v + 0.5));
}

uint32_t tl_colour_shade(uint32_t colour, double factor)
{
    double y = 16 + ((int)(colour & 255) - 16) * factor;
    double chroma = factor > 1 ? 1 : factor;
    double u = 128 + ((int)(colour >> 8 & 255) - 128) * chroma, v = 128 + ((int)(colour >> 16 & 255) - 128) * chroma;
    return tl_pixel_pack((int)tl_clamp(y + 0.5, 1, 250), (int)(u + 0.5), (int)(v + 0.5));
}

uint32_t tl_colour_mix(uint32_t a, uint32_t b, double share_of_b)
{
    return tl_pixel_lerp(a, b, (uint32_t)(tl_clamp(share_of_b, 0, 1) * 256)) | 0xff000000u;
}

// Cuts a row of coverage to the canvas. 0 when nothing of it lies inside.
int tl_canvas_cut_row(const TlCanvas *canvas, int y, int *x, int *count, const uint8_t **coverage)
{
    int skip = *x < 0 ? -*x : 0;
    if (y < 0 || y >= canvas->height || skip >= *count)
        return 0;
    *x += skip;
    *count -= skip;
    *coverage += skip;
    if (*x + *count > canvas->width)
        *count = canvas->width - *x;
    return *count > 0;
}

// The next row of the shape that was rasterised, cut to the canvas: its pixels and how much of each is covered.
static uint32_t *next_row(TlCanvas *canvas, int *count, const uint8_t **coverage)
{
    int y, x;
    while (tl_raster_row(&canvas->raster, &y, &x, count)) {
        *coverage = canvas->raster.coverage;
        if (tl_canvas_cut_row(canvas, y, &x, count, coverage))
            return canvas->pixel + (size_t)y * (size_t)canvas->width + x;
    }
    return NULL;
}

void tl_canvas_fill(TlCanvas *canvas, uint32_t colour, double strength)
{
    uint32_t scale = (uint32_t)(tl_clamp(strength, 0, 1) * 257);
    const uint8_t *coverage;
    uint32_t *pixel;
    int count;
    while ((pixel = next_row(canvas, &count, &coverage))) {
        for (int i = 0; i < count; i++)
            if (coverage[i])
                pixel[i] = tl_pixel_lerp(pixel[i], colour, coverage[i] * scale >> 8);
    }
}

void tl_canvas_lime(TlCanvas *canvas, double gain, double strength)
{
    uint32_t scale = (uint32_t)(tl_clamp(strength, 0, 1) * 257), factor = (uint32_t)(tl_clamp(gain, 1, 8) * 256);
    const uint8_t *coverage;
    uint32_t *pixel;
    int count;
    while ((pixel = next_row(canvas, &count, &coverage))) {
        for (int i = 0; i < count; i++) {
            if (!coverage[i])
                continue;
            uint32_t luma = pixel[i] & 255, light = 16 + ((luma > 16 ? luma - 16 : 0) * factor >> 8);
            uint32_t lime = (light > 240 ? 240 : light) | 0xff7e7e00u;
            pixel[i] = tl_pixel_lerp(pixel[i], lime, coverage[i] * scale >> 8);
        }
    }
}

void tl_canvas_darken(TlCanvas *canvas, double strength)
{
    uint32_t scale = (uint32_t)(tl_clamp(strength, 0, 1) * 128);
    const uint8_t *coverage;
    uint32_t *pixel;
    int count;
    while ((pixel = next_row(canvas, &count, &coverage))) {
        for (int i = 0; i < count; i++)
            if (coverage[i])
                pixel[i] = tl_pixel_light(pixel[i], 128 - (coverage[i] * scale >> 8));
    }
}
