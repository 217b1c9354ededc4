// Sprites of the canvas: a figure is drawn into a small premultiplied picture of its own, blurred along its motion, and
// then laid onto the canvas; the owner map remembers who is seen where. See canvas.h.
#include <math.h>
#include <string.h>

#include "render/canvas.h"
#include "render/canvas_pixel.h"

enum { MARGIN = 240, BLUR_TAPS_MAX = 33 };

void tl_sprite_begin(TlCanvas *canvas, double x0, double y0, double x1, double y1)
{
    TlSprite *sprite = &canvas->sprite;
    double low_x = fmax(floor(x0), -MARGIN), low_y = fmax(floor(y0), -MARGIN);
    double high_x = fmin(ceil(x1), canvas->width + MARGIN), high_y = fmin(ceil(y1), canvas->height + MARGIN);
    sprite->width = sprite->height = 0;
    sprite->x0 = sprite->y0 = 0;
    if (high_x > low_x && high_y > low_y) {
        sprite->x0 = (int)low_x;
        sprite->y0 = (int)low_y;
        sprite->width = (int)(high_x - low_x);
        sprite->height = (int)(high_y - low_y);
    }
    memset(sprite->pixel, 0, (size_t)sprite->width * (size_t)sprite->height * sizeof(uint32_t));
    tl_raster_begin(&canvas->raster, sprite->x0, sprite->y0, sprite->x0 + sprite->width, sprite->y0 + sprite->height);
}

void tl_sprite_fill(TlCanvas *canvas, uint32_t colour, double strength)
{
    TlSprite *sprite = &canvas->sprite;
    uint32_t scale = (uint32_t)(fmin(fmax(strength, 0), 1) * 257);
    int y, x, count;
    colour |= 0xff000000u;
    while (tl_raster_row(&canvas->raster, &y, &x, &count)) {
        uint32_t *pixel = sprite->pixel + (size_t)(y - sprite->y0) * (size_t)sprite->width + (x - sprite->x0);
        const uint8_t *coverage = canvas->raster.coverage;
        for (int i = 0; i < count; i++)
            if (coverage[i])
                pixel[i] = tl_pixel_lerp(pixel[i], colour, coverage[i] * scale >> 8);
    }
    tl_raster_begin(&canvas->raster, sprite->x0, sprite->y0, sprite->x0 + sprite->width, sprite->y0 + sprite->height);
}

// Mean of taps spread along the vector, which is short beside the sprite.
void tl_sprite_blur(TlCanvas *canvas, double dx, double dy)
{
    TlSprite *sprite = &canvas->sprite;
    double length = sqrt(dx * dx + dy * dy);
    if (length < 1.2)
        return;
    int taps = (int)length + 1, offset_x[BLUR_TAPS_MAX], offset_y[BLUR_TAPS_MAX];
    taps = taps > BLUR_TAPS_MAX ? BLUR_TAPS_MAX : taps;
    for (int i = 0; i < taps; i++) {
        double along = (i + 0.5) / taps - 0.5;
        offset_x[i] = (int)floor(dx * along + 0.5);
        offset_y[i] = (int)floor(dy * along + 0.5);
    }
    for (int y = 0; y < sprite->height; y++) {
        for (int x = 0; x < sprite->width; x++) {
            uint32_t sum[4] = {0};
            for (int i = 0; i < taps; i++) {
                int from_x = x + offset_x[i], from_y = y + offset_y[i];
                if (from_x < 0 || from_y < 0 || from_x >= sprite->width || from_y >= sprite->height)
                    continue;
                uint32_t p = sprite->pixel[(size_t)from_y * (size_t)sprite->width + from_x];
                sum[0] += p & 255;
                sum[1] += p >> 8 & 255;
                sum[2] += p >> 16 & 255;
                sum[3] += p >> 24;
            }
            uint32_t n = (uint32_t)taps;
            sprite->spare[(size_t)y * (size_t)sprite->width + x] =
                sum[0] / n | sum[1] / n << 8 | sum[2] / n << 16 | sum[3] / n << 24;
        }
    }
    uint32_t *swap = sprite->pixel;
    sprite->pixel = sprite->spare;
    sprite->spare = swap;
}

void tl_sprite_put(TlCanvas *canvas, uint8_t owner, TlSpriteStat *stat)
{
    TlSprite *sprite = &canvas->sprite;
    // What counts as drawn: a third as dense as the densest part, so that thin feet and the streak of a fast ball
    // count.
    uint32_t dense = 0;
    for (size_t i = 0; i < (size_t)sprite->width * (size_t)sprite->height; i++)
        dense = sprite->pixel[i] >> 24 > dense ? sprite->pixel[i] >> 24 : dense;
    uint32_t enough = dense / 3 > 24 ? dense / 3 : 24;
    TlSpriteStat seen = {0, 1 << 30, 1 << 30, -(1 << 30), -(1 << 30)};
    for (int row = 0; row < sprite->height; row++) {
        int y = sprite->y0 + row, first = 1 << 30, last = -1;
        const uint32_t *from = sprite->pixel + (size_t)row * (size_t)sprite->width;
        for (int i = 0; i < sprite->width; i++) {
            uint32_t alpha = from[i] >> 24;
            if (!alpha)
                continue;
            int x = sprite->x0 + i, inside = x >= 0 && y >= 0 && x < canvas->width && y < canvas->height;
            size_t at = inside ? (size_t)y * (size_t)canvas->width + (size_t)x : 0;
            if (inside)
                canvas->pixel[at] = tl_pixel_over(canvas->pixel[at], from[i]);
            if (alpha < enough)
                continue;
            if (inside && owner != TL_OWNER_NONE)
                canvas->owner[at] = owner;
            seen.pixels++;
            first = first < x ? first : x;
            last = x;
        }
        if (last < first)
            continue;
        seen.x0 = seen.x0 < first ? seen.x0 : first;
        seen.x1 = seen.x1 > last + 1 ? seen.x1 : last + 1;
        seen.y0 = seen.y0 < y ? seen.y0 : y;
        seen.y1 = y + 1;
    }
    if (stat)
        *stat = seen;
}
