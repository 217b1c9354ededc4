// Textures and textured planes of the canvas, see canvas.h.
//
// A plane in space maps to the picture by a homography, so a texture lookup needs one division per pixel; dividing at
// every sixteenth pixel and going straight between is off by far less than a texel (the usual span subdivision).
// Coarser levels are chosen by the area of texture under a pixel, so that far rows do not flicker.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "render/canvas.h"
#include "render/canvas_pixel.h"
#include "render/synth_random.h"

enum { SPAN = 16 };

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
static inline uint32_t sample(const TlTexture *texture, int level, int32_t s, int32_t t, int repeat)
{
    int width = texture->width >> level, height = texture->height >> level;
    s = (s >> level) - 0x8000;
    t = (t >> level) - 0x8000;
    int x = s >> 16, y = t >> 16, x1 = x + 1, y1 = y + 1;
    if (repeat) {
        x &= width - 1;
        x1 &= width - 1;
    } else {
        x = x < 0 ? 0 : x >= width ? width - 1 : x;
        x1 = x1 < 0 ? 0 : x1 >= width ? width - 1 : x1;
    }
    y = y < 0 ? 0 : y >= height ? height - 1 : y;
    y1 = y1 < 0 ? 0 : y1 >= height ? height - 1 : y1;
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

// A straight walk over texels that stands for `count` pixels; coordinates in 16.16 texels of level 0.
typedef struct Walk {
    int32_t s, t, ds, dt;
    int level;
    uint32_t u, v, du, dv; ///< over the repeated grain; only the position within its tile matters, so it may wrap
    int grain_level;
} Walk;

static int begin_walk(const TlPlane *plane, double px, double py, int count, Walk *walk)
{
    const double *m = plane->m;
    double s0, t0, d0, s1, t1, d1, k = plane->detail_scale;
    if (!locate(m, px, py, &s0, &t0, &d0) || !locate(m, px + count, py, &s1, &t1, &d1))
        return 0;
    double s_x = (m[0] - s0 * m[6]) * d0, s_y = (m[1] - s0 * m[7]) * d0;
    double t_x = (m[3] - t0 * m[6]) * d0, t_y = (m[4] - t0 * m[7]) * d0;
    double area = fabs(s_x * t_y - s_y * t_x);
    walk->level = level_for(area, plane->texture->levels);
    walk->s = to_fixed(s0), walk->t = to_fixed(t0);
    walk->ds = (to_fixed(s1) - walk->s) / count, walk->dt = (to_fixed(t1) - walk->t) / count;
    if (!plane->detail)
        return 1;
    walk->grain_level = level_for(area * k * k, plane->detail->levels);
    walk->u = (uint32_t)(int64_t)(s0 * k * 65536.0), walk->v = (uint32_t)(int64_t)(t0 * k * 65536.0);
    walk->du = (uint32_t)(int64_t)((s1 - s0) * k * 65536.0 / count);
    walk->dv = (uint32_t)(int64_t)((t1 - t0) * k * 65536.0 / count);
    return 1;
}

// Under partial coverage, edges included: walls, stands, boards.
static void cover_span(uint32_t *pixel, const uint8_t *coverage, int count, const TlPlane *plane, Walk walk)
{
    uint32_t shade = (uint32_t)(plane->shade * 128);
    for (int i = 0; i < count; i++, walk.s += walk.ds, walk.t += walk.dt) {
        if (!coverage[i])
            continue;
        uint32_t colour = tl_pixel_light(sample(plane->texture, walk.level, walk.s, walk.t, plane->repeat), shade);
        pixel[i] = tl_pixel_lerp(pixel[i], colour, coverage[i] + (coverage[i] >> 7));
    }
}

// Light of the grain, bilinear, one channel only.
static inline uint32_t grain(const TlTexture *texture, int level, uint32_t u, uint32_t v)
{
    uint32_t width = (uint32_t)texture->width >> level, mask_y = ((uint32_t)texture->height >> level) - 1;
    u >>= level, v >>= level;
    uint32_t x = u >> 16 & (width - 1), y = v >> 16 & mask_y, x1 = (x + 1) & (width - 1), y1 = (y + 1) & mask_y;
    uint32_t fx = u >> 8 & 255, fy = v >> 8 & 255;
    const uint32_t *top = texture->level[level] + y * width, *bottom = texture->level[level] + y1 * width;
    uint32_t a = (top[x] & 255) * (256 - fx) + (top[x1] & 255) * fx;
    uint32_t b = (bottom[x] & 255) * (256 - fx) + (bottom[x1] & 255) * fx;
    return (a * (256 - fy) + b * fy) >> 16;
}

// The ground: no coverage, grain on top. Where a texel is wider than two pixels, two pixels share its colour; the grain
// gives each its own.
static void ground_span(uint32_t *pixel, int count, const TlPlane *plane, Walk walk)
{
    int32_t step = walk.ds < 0 ? -walk.ds : walk.ds;
    int pair = walk.level == 0 && step < 1 << 15;
    if (!plane->texture || !plane->detail)
        return;
    uint32_t colour = 0;
    for (int i = 0; i < count; i++, walk.s += walk.ds, walk.t += walk.dt, walk.u += walk.du, walk.v += walk.dv) {
        if (!pair || !(i & 1))
            colour = sample(plane->texture, walk.level, walk.s, walk.t, 0);
        pixel[i] = tl_pixel_light(colour, grain(plane->detail, walk.grain_level, walk.u, walk.v));
    }
}

static void plane_row(TlCanvas *canvas, const TlPlane *plane, int y, int x, int count, const uint8_t *coverage)
{
    uint32_t *pixel = canvas->pixel + (size_t)y * (size_t)canvas->width;
    for (int i = 0; i < count; i += SPAN) {
        int n = count - i < SPAN ? count - i : SPAN;
        Walk walk;
        if (!begin_walk(plane, x + i + 0.5, y + 0.5, n, &walk))
            continue;
        if (coverage)
            cover_span(pixel + x + i, coverage + i, n, plane, walk);
        else
            ground_span(pixel + x + i, n, plane, walk);
    }
}

void tl_canvas_plane(TlCanvas *canvas, const TlPlane *plane, int top)
{
    int y, x, count;
    if (plane->detail) {
        for (y = top < 0 ? 0 : top; y < canvas->height; y++)
            plane_row(canvas, plane, y, 0, canvas->width, NULL);
        return;
    }
    while (tl_raster_row(&canvas->raster, &y, &x, &count)) {
        const uint8_t *coverage = canvas->raster.coverage;
        if (tl_canvas_cut_row(canvas, y, &x, &count, &coverage))
            plane_row(canvas, plane, y, x, count, coverage);
    }
}
