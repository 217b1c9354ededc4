// The canvas of the synthetic match: packed Y,U,V pixels, sprites with alpha, textured planes, and the way to a
// picture.
//
// A pixel is one 32-bit word, Y in the low byte, then U, V and alpha (of sprites, premultiplied). Keeping 4:4:4 until
// the end lets everything be blended once; canvas_finish then makes 4:2:0 planes with lens softness and sensor noise.
#ifndef TL_RENDER_CANVAS_H
#define TL_RENDER_CANVAS_H

#include <stdint.h>

#include <touchline/session.h>

#include "render/raster.h"

enum { TL_TEXTURE_LEVELS = 5, TL_OWNER_NONE = 0 };

// Power-of-two repeated or clamped texture with coarser levels, each half of the one before.
typedef struct TlTexture {
    uint32_t *level[TL_TEXTURE_LEVELS];
    int width, height; ///< of level 0; powers of two
    int levels;
} TlTexture;

typedef struct TlSprite {
    uint32_t *pixel, *spare; ///< premultiplied, rows of `width`
    size_t capacity;         ///< pixels
    int x0, y0, width, height;
} TlSprite;

typedef struct TlCanvas {
    int width, height;
    uint32_t *pixel; ///< rows of `width`
    uint8_t *owner;  ///< who is seen at a pixel: TL_OWNER_NONE or the number given to canvas_sprite
    TlRaster raster; ///< shared by everything that draws here
    TlSprite sprite; ///< room for one sprite at a time
    uint32_t *spare; ///< a second canvas for blurs
    uint16_t *sums;  ///< running sums of blurs, 4 x width
    uint8_t *luma;   ///< planes of the finished picture
    uint8_t *chroma[2];
    uint8_t *soft; ///< luma before softness
    int8_t *noise; ///< table of random offsets, deviation 16
    int stride, chroma_stride;
} TlCanvas;

TL_NODISCARD int tl_canvas_init(TlCanvas *canvas, int width, int height);
void tl_canvas_deinit(TlCanvas *canvas);

uint32_t tl_colour(double r, double g, double b);         // 0..255 sRGB -> opaque BT.709 limited-range pixel
uint32_t tl_colour_shade(uint32_t colour, double factor); // scales light, keeps hue
uint32_t tl_colour_mix(uint32_t a, uint32_t b, double share_of_b);

// Fills what the raster holds with a colour; `strength` 0..1 scales the coverage. Empties the raster.
void tl_canvas_fill(TlCanvas *canvas, uint32_t colour, double strength);
// Paints what the raster holds white as lime on grass is: light is multiplied by gain (so that shade stays shade),
// colour goes to neutral.
void tl_canvas_lime(TlCanvas *canvas, double gain, double strength);
// Multiplies the light of what the raster holds by (1 - strength): a shadow.
void tl_canvas_darken(TlCanvas *canvas, double strength);

// Cuts a row of coverage to the canvas. 0 when nothing of it lies inside.
int tl_canvas_cut_row(const TlCanvas *canvas, int y, int *x, int *count, const uint8_t **coverage);

TL_NODISCARD int tl_texture_init(TlTexture *texture, int width, int height);
void tl_texture_deinit(TlTexture *texture);
void tl_texture_make_levels(TlTexture *texture); // from level 0

// Picture -> texel transform of a plane in space. texel = m * (px, py, 1) dehomogenised, at level 0.
typedef struct TlPlane {
    const TlTexture *texture;
    const TlTexture *detail; ///< multiplies light (128 = 1) at its own scale, NULL = none
    double m[9];
    double detail_scale; ///< detail texels per base texel
    int repeat;          ///< 1: texture repeats in x, else it is clamped; y is always clamped
    double shade;        ///< light factor, 1 = as in the texture
} TlPlane;

// Fills what the raster holds or, when the plane has a detail texture, every pixel from row `top` down: the ground.
// Pixels behind the camera are left alone.
void tl_canvas_plane(TlCanvas *canvas, const TlPlane *plane, int top);

// Blurs the whole canvas by a moving camera, length in pixels along x and y.
void tl_canvas_blur(TlCanvas *canvas, double dx, double dy);
// Blurs the whole canvas like a lens out of focus.
void tl_canvas_defocus(TlCanvas *canvas, int radius);

// Sprites: begin an empty one covering the box (cut to the canvas plus a margin), fill shapes, blur, put on the canvas.
void tl_sprite_begin(TlCanvas *canvas, double x0, double y0, double x1, double y1);
void tl_sprite_fill(TlCanvas *canvas, uint32_t colour, double strength); // what the raster holds
void tl_sprite_blur(TlCanvas *canvas, double dx, double dy);

typedef struct TlSpriteStat {
    int pixels;         ///< opaque pixels, also those outside the picture
    int x0, y0, x1, y1; ///< tight box of the opaque pixels, not cut to the picture
} TlSpriteStat;
// owner TL_OWNER_NONE keeps who is seen; stat may be NULL.
void tl_sprite_put(TlCanvas *canvas, uint8_t owner, TlSpriteStat *stat);

// softness: -0.3 (sharpened) .. 1 (soft); noise: deviation in luma steps. frame selects the noise.
void tl_canvas_finish(TlCanvas *canvas, double softness, double noise, uint64_t frame, TlPicture *picture);

#endif
