// Drawing straight onto planar 4:2:0 pictures: shapes of the coverage rasteriser blended into luma and chroma. Only
// touched pixels change, nothing is allocated after init.
#ifndef TL_RENDER_PAINT_H
#define TL_RENDER_PAINT_H

#include <stdint.h>

#include <touchline/session.h>

#include "render/raster.h"

typedef struct TlPaint {
    int width, height;
    uint8_t *plane[3]; ///< own memory
    int stride[3];
    TlRaster raster;
    uint16_t *chroma_share; ///< coverage of one row of chroma pixels, sum of up to four
} TlPaint;

typedef struct TlInk {
    uint8_t y, u, v;
} TlInk;

TL_NODISCARD int tl_paint_init(TlPaint *paint, int width, int height);
void tl_paint_deinit(TlPaint *paint);
void tl_paint_copy(TlPaint *paint, const TlPicture *picture); // of the same size
void tl_paint_picture(const TlPaint *paint, TlPicture *picture);

TlInk tl_ink(unsigned rgb); // 0xRRGGBB -> BT.709 limited range

// A shape: begin, add to paint->raster, fill (which empties the raster).
void tl_paint_begin(TlPaint *paint);
void tl_paint_fill(TlPaint *paint, TlInk ink, double strength);

void tl_paint_box(TlPaint *paint, double x, double y, double w, double h, TlInk ink, double strength);
// Text centred on x with its capitals between y and y + height.
void tl_paint_text(TlPaint *paint, const char *text, double x, double y, double height, TlInk ink);

#endif
