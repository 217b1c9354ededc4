// A small stroke font: capitals, digits and a few signs as lines on a grid. The same on every machine, legible at any
// size, and independent of installed fonts.
#ifndef TL_RENDER_GLYPHS_H
#define TL_RENDER_GLYPHS_H

#include "render/raster.h"

// Width of a text whose capitals are `height` high, in the same unit, from the first to the last ink.
double tl_text_width(const char *text, double height);

// One stroke of a text: called with both ends relative to the left end of the base line's cap-height box (y down, 0 at
// the top of capitals). Lower-case letters are drawn as capitals, unknown signs as blanks.
typedef void TlStroke(void *opaque, const double a[2], const double b[2]);
void tl_text_strokes(const char *text, double height, TlStroke *stroke, void *opaque);

// Adds the text to a raster: left end x, top y of the capitals, pen of the given thickness with round ends.
void tl_text_raster(TlRaster *raster, const char *text, double x, double y, double height, double thickness);

#endif
