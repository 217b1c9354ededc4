// Anti-aliased filling of polygons by exact area coverage.
//
// Shapes are added as directed edges to an accumulation buffer of signed areas; one running sum along a row then gives
// the coverage of every pixel (the method of modern font rasterisers, e.g. FreeType's "smooth" and font-rs). Shapes
// wound the same way form a union; tl_raster_polygon turns every simple polygon to the same winding. No allocation
// after init.
#ifndef TL_RENDER_RASTER_H
#define TL_RENDER_RASTER_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

typedef struct TlRaster {
    float *area;            ///< signed areas, rows of `stride`, all zero between two sweeps
    uint8_t *coverage;      ///< one row of coverage, 0..255
    int *row_min, *row_max; ///< touched columns of each row, empty when min > max
    int stride, max_width, max_height;
    int x0, y0, x1, y1;     ///< clip box in pixels, half open
    int first_row, end_row; ///< touched rows relative to y0
} TlRaster;

// Room for clip boxes up to max_width x max_height. TL_ENOMEM.
TL_NODISCARD int tl_raster_init(TlRaster *raster, int max_width, int max_height);
void tl_raster_deinit(TlRaster *raster);

// Sets the clip box (cut to the room there is) and starts an empty shape. Call again only after a sweep.
void tl_raster_begin(TlRaster *raster, int x0, int y0, int x1, int y1);

// Adds a simple polygon of n >= 3 corners in pixels. Polygons with a coordinate that is not finite or absurdly far away
// are left out.
void tl_raster_polygon(TlRaster *raster, const double (*corner)[2], int n);

// Adds a line from a to b with round ends, radius ra at a and rb at b (a tapered limb; a disc when a == b).
void tl_raster_capsule(TlRaster *raster, const double a[2], double ra, const double b[2], double rb);

// Adds the boundary of an ellipse arc (angles in radians, y down, from < to) as a band of the given thickness.
void tl_raster_arc(TlRaster *raster, const double centre[2], double rx, double ry, double from, double to,
                   double thickness);

// The next touched row: its y, first column and coverage of *count pixels from there. 0 when the shape is used up (the
// buffer is empty again). Use as `while (tl_raster_row(r, &y, &x, &count)) ... r->coverage[0..count)`.
int tl_raster_row(TlRaster *raster, int *y, int *x, int *count);

#endif
