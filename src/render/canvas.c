// Packed-pixel canvas of the synthetic match: memory, flat fills, textured planes. See canvas.h.
//
// A plane in space maps to the picture by a homography, so a texture lookup needs one division per pixel; dividing at
// every sixteenth pixel and going straight between is off by far less than a texel (the usual span subdivision).
#include "render/canvas.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "render/canvas_pixel.h"
#include "render/synth_random.h"

enum { SPAN = 16, NOISE_SIZE = 1 << 16, SPRITE_MARGIN = 512 };

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
static int cut_row(const TlCanvas *canvas, int y, int *x, int *count, const uint8_t **coverage)
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

void tl_canvas_fill(TlCanvas *canvas, uint32_t colour, double strength)
{
    uint32_t scale = (uint32_t)(tl_clamp(strength, 0, 1) * 257);
    int y, x, count;
    while (tl_raster_row(&canvas->raster, &y, &x, &count)) {
        const uint8_t *coverage = canvas->raster.coverage;
        if (!cut_row(canvas, y, &x, &count, &coverage))
            continue;
        uint32_t *pixel = canvas->pixel + (size_t)y * (size_t)canvas->width + x;
        for (int i = 0; i < count; i++)
            if (coverage[i])
                pixel[i] = tl_pixel_lerp(pixel[i], colour, coverage[i] * scale >> 8);
    }
}

void tl_canvas_lime(TlCanvas *canvas, double gain, double strength)
{
    uint32_t scale = (uint32_t)(tl_clamp(strength, 0, 1) * 257), factor = (uint32_t)(tl_clamp(gain, 1, 8) * 256);
    int y, x, count;
    while (tl_raster_row(&canvas->raster, &y, &x, &count)) {
        const uint8_t *coverage = canvas->raster.coverage;
        if (!cut_row(canvas, y, &x, &count, &coverage))
            continue;
        uint32_t *pixel = canvas->pixel + (size_t)y * (size_t)canvas->width + x;
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
    int y, x, count;
    while (tl_raster_row(&canvas->raster, &y, &x, &count)) {
        const uint8_t *coverage = canvas->raster.coverage;
        if (!cut_row(canvas, y, &x, &count, &coverage))
            continue;
        uint32_t *pixel = canvas->pixel + (size_t)y * (size_t)canvas->width + x;
        for (int i = 0; i < count; i++)
            if (coverage[i])
                pixel[i] = tl_pixel_light(pixel[i], 128 - (coverage[i] * scale >> 8));
    }
}

int tl_texture_init(TlTexture *texture, int width, int height)
{
    memset(texture, 0, sizeof(*texture));
    texture->width = width;
    texture->height = height;
    for (int i = 0; i < TL_TEXTURE_LEVELS && width >> i >= 4 && height >> i >= 4; i++, texture->levels++) {
        texture->level[i] = tl_calloc((size_t)(width >> i) * (size_t)(height >> i), sizeof(uint32_t));
        if (!texture->level[i]) {
            tl_texture_deinit(texture);
            return TL_ENOMEM;
        }
    }
    return TL_OK;
}

void tl_texture_deinit(TlTexture *texture)
{
    for (int i = 0; i < TL_TEXTURE_LEVELS; i++)
        tl_free(&texture->level[i]);
}

void tl_texture_make_levels(TlTexture *texture)
{
    for (int i = 1; i < texture->levels; i++) {
        int width = texture->width >> i, height = texture->height >> i;
        const uint32_t *from = texture->level[i - 1];
        uint32_t *to = texture->level[i];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                const uint32_t *p = from + (size_t)(2 * y) * (size_t)(2 * width) + 2 * x;
                uint32_t top = tl_pixel_lerp(p[0], p[1], 128);
                uint32_t bottom = tl_pixel_lerp(p[2 * width], p[2 * width + 1], 128);
                to[(size_t)y * (size_t)width + x] = tl_pixel_lerp(top, bottom, 128);
            }
        }
    }
}

// Bilinear lookup; s, t in 16.16 texels of level 0.
static inline uint32_t sample(const TlTexture *texture, int level, int32_t s, int32_t t, int repeat_x, int repeat_y)
{
    int width = texture->width >> level, height = texture->height >> level;
    s = (s >> level) - 0x8000;
    t = (t >> level) - 0x8000;
    int x = s >> 16, y = t >> 16, x1 = x + 1, y1 = y + 1;
    if (repeat_x) {
        x &= width - 1;
        x1 &= width - 1;
    } else {
        x = x < 0 ? 0 : x >= width ? width - 1 : x;
        x1 = x1 < 0 ? 0 : x1 >= width ? width - 1 : x1;
    }
    if (repeat_y) {
        y &= height - 1;
        y1 &= height - 1;
    } else {
        y = y < 0 ? 0 : y >= height ? height - 1 : y;
        y1 = y1 < 0 ? 0 : y1 >= height ? height - 1 : y1;
    }
    const uint32_t *top = texture->level[level] + (size_t)y * (size_t)width;
    const uint32_t *bottom = texture->level[level] + (size_t)y1 * (size_t)width;
    uint32_t fx = (uint32_t)s >> 8 & 255, fy = (uint32_t)t >> 8 & 255;
    return tl_pixel_lerp(tl_pixel_lerp(top[x], top[x1], fx), tl_pixel_lerp(bottom[x], bottom[x1], fx), fy);
}

static int level_for(double texels_per_pixel_squared, int levels)
{
    int level = 0;
    while (level < levels - 1 && texels_per_pixel_squared > 2.0) {
        texels_per_pixel_squared *= 0.25;
        level++;
    }
    return level;
}

static int32_t to_fixed(double texel)
{
    return (int32_t)(tl_clamp(texel, -32000, 32000) * 65536.0);
}

// Texel coordinates at a picture point; 0 when the plane is behind the camera there.
static int locate(const double *m, double px, double py, double *s, double *t, double *depth)
{
    double w = m[6] * px + m[7] * py + m[8];
    if (w < 1e-6)
        return 0;
    *depth = 1.0 / w;
    *s = (m[0] * px + m[1] * py + m[2]) * *depth;
    *t = (m[3] * px + m[4] * py + m[5]) * *depth;
    return 1;
}

static void plane_span(uint32_t *pixel, const uint8_t *coverage, int count, const TlPlane *plane, double px, double py)
{
    const double *m = plane->m;
    double s0, t0, d0, s1, t1, d1;
    if (!locate(m, px, py, &s0, &t0, &d0) || !locate(m, px + count, py, &s1, &t1, &d1))
        return;
    double s_x = (m[0] - s0 * m[6]) * d0, s_y = (m[1] - s0 * m[7]) * d0;
    double t_x = (m[3] - t0 * m[6]) * d0, t_y = (m[4] - t0 * m[7]) * d0;
    double area = fabs(s_x * t_y - s_y * t_x);
    int level = level_for(area, plane->texture->levels);
    int32_t s = to_fixed(s0), t = to_fixed(t0);
    int32_t ds = (to_fixed(s1) - s) / count, dt = (to_fixed(t1) - t) / count;
    uint32_t shade = (uint32_t)(plane->shade * 128);
    int detail_level = 0;
    double k = plane->detail_scale;
    uint32_t du = 0, dv = 0, u = 0, v = 0;
    if (plane->detail) {
        detail_level = level_for(area * k * k, plane->detail->levels);
        // wraps around: only the position within the repeated tile matters
        u = (uint32_t)(int64_t)(s0 * k * 65536.0), v = (uint32_t)(int64_t)(t0 * k * 65536.0);
        du = (uint32_t)(int64_t)((s1 - s0) * k * 65536.0 / count);
        dv = (uint32_t)(int64_t)((t1 - t0) * k * 65536.0 / count);
    }
    for (int i = 0; i < count; i++, s += ds, t += dt, u += du, v += dv) {
        if (coverage && !coverage[i])
            continue;
        uint32_t colour = sample(plane->texture, level, s, t, plane->repeat, 0), light = shade;
        if (plane->detail)
            light = (light *
                     (sample(plane->detail, detail_level, (int32_t)(u & 0x7fffffff), (int32_t)(v & 0x7fffffff), 1, 1) &
                      255)) >>
                    7;
        colour = tl_pixel_light(colour, light);
        pixel[i] = coverage ? tl_pixel_lerp(pixel[i], colour, coverage[i] + (coverage[i] >> 7)) : colour;
    }
}

static void plane_row(TlCanvas *canvas, const TlPlane *plane, int y, int x, int count, const uint8_t *coverage)
{
    uint32_t *pixel = canvas->pixel + (size_t)y * (size_t)canvas->width;
    for (int i = 0; i < count; i += SPAN) {
        int n = count - i < SPAN ? count - i : SPAN;
        plane_span(pixel + x + i, coverage ? coverage + i : NULL, n, plane, x + i + 0.5, y + 0.5);
    }
}

void tl_canvas_plane(TlCanvas *canvas, const TlPlane *plane, int whole, int top)
{
    int y, x, count;
    if (whole) {
        for (y = top < 0 ? 0 : top; y < canvas->height; y++)
            plane_row(canvas, plane, y, 0, canvas->width, NULL);
        return;
    }
    while (tl_raster_row(&canvas->raster, &y, &x, &count)) {
        const uint8_t *coverage = canvas->raster.coverage;
        if (cut_row(canvas, y, &x, &count, &coverage))
            plane_row(canvas, plane, y, x, count, coverage);
    }
}
