// Coverage rasteriser, see raster.h. Every edge adds to each row it crosses the area between itself and the right
// border, split over the pixels it passes; the running sum of a row is then the covered share of each pixel.
#include "render/raster.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { CAPSULE_STEPS = 16, ARC_STEPS = 48 };

int tl_raster_init(TlRaster *raster, int max_width, int max_height)
{
    memset(raster, 0, sizeof(*raster));
    raster->max_width = max_width;
    raster->max_height = max_height;
    raster->stride = max_width + 2;
    raster->area = tl_calloc((size_t)raster->stride * (size_t)max_height, sizeof(float));
    raster->coverage = tl_calloc((size_t)raster->stride, 1);
    raster->row_min = tl_calloc((size_t)max_height, sizeof(int));
    raster->row_max = tl_calloc((size_t)max_height, sizeof(int));
    if (!raster->area || !raster->coverage || !raster->row_min || !raster->row_max) {
        tl_raster_deinit(raster);
        return TL_ENOMEM;
    }
    for (int i = 0; i < max_height; i++) {
        raster->row_min[i] = raster->stride;
        raster->row_max[i] = -1;
    }
    return TL_OK;
}

void tl_raster_deinit(TlRaster *raster)
{
    tl_free(&raster->area);
    tl_free(&raster->coverage);
    tl_free(&raster->row_min);
    tl_free(&raster->row_max);
}

void tl_raster_begin(TlRaster *raster, int x0, int y0, int x1, int y1)
{
    raster->x0 = x0;
    raster->y0 = y0;
    raster->x1 = x1 > x0 + raster->max_width ? x0 + raster->max_width : x1;
    raster->y1 = y1 > y0 + raster->max_height ? y0 + raster->max_height : y1;
    raster->first_row = raster->max_height;
    raster->end_row = 0;
}

static void touch(TlRaster *raster, int row, int from, int to)
{
    if (from < raster->row_min[row])
        raster->row_min[row] = from;
    if (to > raster->row_max[row])
        raster->row_max[row] = to;
}

// One piece of an edge inside one row: x from xa to xb (0..width), signed height.
static void add_piece(TlRaster *raster, int row, double xa, double xb, double height)
{
    float *area = raster->area + (size_t)row * (size_t)raster->stride;
    double left = xa < xb ? xa : xb, right = xa < xb ? xb : xa;
    int first = (int)left, last = (int)right;
    if (first == last) {
        double share = 1.0 - ((left + right) * 0.5 - first);
        area[first] += (float)(height * share);
        area[first + 1] += (float)(height * (1.0 - share));
        touch(raster, row, first, first + 1);
        return;
    }
    double slope = height / (right - left), sum = 0.0, covered = 0.0;
    for (int x = first; x <= last; x++) {
        double from = x == first ? left : x, to = x == last ? right : x + 1;
        double part = slope * (to - from);
        // share of this pixel covered by everything up to here
        double here = sum + part * (1.0 - ((from + to) * 0.5 - x));
        area[x] += (float)(here - covered);
        covered = here;
        sum += part;
    }
    area[last + 1] += (float)(height - covered);
    touch(raster, row, first, last + 1);
}

// An edge whose x lies inside 0..width all the way.
static void add_inner_edge(TlRaster *raster, double xa, double ya, double xb, double yb)
{
    double sign = 1.0;
    if (ya > yb) {
        double t = xa;
        xa = xb, xb = t, t = ya, ya = yb, yb = t, sign = -1.0;
    }
    if (yb - ya < 1e-9)
        return;
    double slope = (xb - xa) / (yb - ya), width = raster->x1 - raster->x0;
    int first = (int)ya, last = (int)yb;
    if (last >= raster->y1 - raster->y0)
        last = raster->y1 - raster->y0 - 1;
    for (int row = first; row <= last; row++) {
        double top = row > ya ? row : ya, bottom = row + 1 < yb ? row + 1 : yb;
        if (bottom <= top)
            continue;
        double x_top = xa + (top - ya) * slope, x_bottom = xa + (bottom - ya) * slope;
        x_top = x_top < 0 ? 0 : x_top > width ? width : x_top;
        x_bottom = x_bottom < 0 ? 0 : x_bottom > width ? width : x_bottom;
        add_piece(raster, row, x_top, x_bottom, sign * (bottom - top));
    }
    if (first < raster->first_row)
        raster->first_row = first;
    if (last + 1 > raster->end_row)
        raster->end_row = last + 1;
}

// Cuts an edge at a vertical border; what lies beyond it is laid onto the border, so that the areas stay right.
static void add_edge(TlRaster *raster, double xa, double ya, double xb, double yb)
{
    double width = raster->x1 - raster->x0, height = raster->y1 - raster->y0;
    xa -= raster->x0, xb -= raster->x0, ya -= raster->y0, yb -= raster->y0;
    if ((ya <= 0 && yb <= 0) || (ya >= height && yb >= height) || ya == yb || width <= 0)
        return;
    double slope = (xb - xa) / (yb - ya);
    double y_low = ya < yb ? ya : yb, y_high = ya < yb ? yb : ya;
    double y_from = y_low < 0 ? 0 : y_low, y_to = y_high > height ? height : y_high;
    double cut[4] = {y_from, y_from, y_to, y_to};
    if (slope != 0.0) {
        double at_left = ya - xa / slope, at_right = ya + (width - xa) / slope;
        double early = at_left < at_right ? at_left : at_right, late = at_left < at_right ? at_right : at_left;
        cut[1] = early < y_from ? y_from : early > y_to ? y_to : early;
        cut[2] = late < y_from ? y_from : late > y_to ? y_to : late;
    }
    for (int i = 0; i < 3; i++) {
        if (cut[i + 1] - cut[i] < 1e-9)
            continue;
        double middle = xa + ((cut[i] + cut[i + 1]) * 0.5 - ya) * slope;
        double from = xa + (cut[i] - ya) * slope, to = xa + (cut[i + 1] - ya) * slope;
        if (middle >= width)
            from = to = width;
        else if (middle <= 0)
            from = to = 0;
        if (ya < yb)
            add_inner_edge(raster, from, cut[i], to, cut[i + 1]);
        else
            add_inner_edge(raster, to, cut[i + 1], from, cut[i]);
    }
}

void tl_raster_polygon(TlRaster *raster, const double (*corner)[2], int n)
{
    double twice_area = 0.0;
    for (int i = 0; i < n; i++) {
        const double *a = corner[i], *b = corner[(i + 1) % n];
        if (!(fabs(a[0]) < 1e7 && fabs(a[1]) < 1e7))
            return;
        twice_area += a[0] * b[1] - b[0] * a[1];
    }
    for (int i = 0; i < n; i++) {
        const double *a = corner[i], *b = corner[(i + 1) % n];
        if (twice_area < 0)
            add_edge(raster, a[0], a[1], b[0], b[1]);
        else
            add_edge(raster, b[0], b[1], a[0], a[1]);
    }
}

void tl_raster_capsule(TlRaster *raster, const double a[2], double ra, const double b[2], double rb)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], length = sqrt(dx * dx + dy * dy);
    double ux = length > 1e-9 ? dx / length : 1.0, uy = length > 1e-9 ? dy / length : 0.0;
    // Half circles as fixed rotations of the axis: no trigonometry, the same on every machine.
    static const double turn[CAPSULE_STEPS / 2 + 1][2] = {
        {0, 1},  {0.38268343, 0.92387953},  {0.70710678, 0.70710678},  {0.92387953, 0.38268343},
        {1, 0},  {0.92387953, -0.38268343}, {0.70710678, -0.70710678}, {0.38268343, -0.92387953},
        {0, -1},
    };
    double corner[CAPSULE_STEPS + 2][2];
    int n = 0;
    for (int i = 0; i <= CAPSULE_STEPS / 2; i++, n++) {
        corner[n][0] = b[0] + rb * (turn[i][0] * ux - turn[i][1] * uy);
        corner[n][1] = b[1] + rb * (turn[i][0] * uy + turn[i][1] * ux);
    }
    for (int i = 0; i <= CAPSULE_STEPS / 2; i++, n++) {
        corner[n][0] = a[0] - ra * (turn[i][0] * ux - turn[i][1] * uy);
        corner[n][1] = a[1] - ra * (turn[i][0] * uy + turn[i][1] * ux);
    }
    tl_raster_polygon(raster, (const double(*)[2])corner, n);
}

void tl_raster_arc(TlRaster *raster, const double centre[2], double rx, double ry, double from, double to,
                   double thickness)
{
    double inner_x = rx - thickness * 0.5 > 0 ? rx - thickness * 0.5 : 0;
    double inner_y = ry - thickness * 0.5 > 0 ? ry - thickness * 0.5 : 0;
    double last[4] = {0};
    for (int i = 0; i <= ARC_STEPS; i++) {
        double angle = from + (to - from) * i / ARC_STEPS, c = cos(angle), s = sin(angle);
        double now[4] = {centre[0] + c * (rx + thickness * 0.5), centre[1] + s * (ry + thickness * 0.5),
                         centre[0] + c * inner_x, centre[1] + s * inner_y};
        if (i > 0) {
            const double quad[4][2] = {{last[0], last[1]}, {now[0], now[1]}, {now[2], now[3]}, {last[2], last[3]}};
            tl_raster_polygon(raster, quad, 4);
        }
        memcpy(last, now, sizeof(last));
    }
}

int tl_raster_row(TlRaster *raster, int *y, int *x, int *count)
{
    while (raster->first_row < raster->end_row) {
        int row = raster->first_row++, from = raster->row_min[row], to = raster->row_max[row];
        if (from > to)
            continue;
        float *area = raster->area + (size_t)row * (size_t)raster->stride;
        float sum = 0.0f;
        int width = raster->x1 - raster->x0;
        for (int i = from; i <= to; i++) {
            sum += area[i];
            area[i] = 0.0f;
            float share = sum < 0 ? -sum : sum;
            raster->coverage[i - from] = share >= 1.0f ? 255 : (uint8_t)(share * 255.0f + 0.5f);
        }
        raster->row_min[row] = raster->stride;
        raster->row_max[row] = -1;
        *count = (to < width ? to + 1 : width) - from;
        if (*count <= 0)
            continue;
        *x = raster->x0 + from;
        *y = raster->y0 + row;
        return 1;
    }
    return 0;
}
