// Goals with nets, corner flags and the score graphics of the synthetic match. See synth_stadium.h.
#include <math.h>
#include <string.h>

#include "render/glyphs.h"
#include "render/synth_stadium.h"

#define POST_M 0.06
#define BAR_M  2.44
#define HALF_M 3.66
#define FLAG_M 1.5

// A rod in space into the raster; at least `least_px` wide so that it does not vanish.
static void rod(const TlView *view, TlRaster *raster, const double a[3], const double b[3], double radius_m,
                double least_px)
{
    double pa[2], pb[2], sa = tl_view_scale(view, a), sb = tl_view_scale(view, b);
    if (!tl_view_project(view, a, pa, NULL) || !tl_view_project(view, b, pb, NULL))
        return;
    tl_raster_capsule(raster, pa, fmax(sa * radius_m, least_px * 0.5), pb, fmax(sb * radius_m, least_px * 0.5));
}

// Strings of one panel of the net between two edges.
static void panel(const TlView *view, TlRaster *raster, const double edge[2][2][3], int across, int down)
{
    double a[3], b[3];
    for (int i = 0; i <= across; i++) {
        for (int k = 0; k < 3; k++) {
            a[k] = edge[0][0][k] + (edge[0][1][k] - edge[0][0][k]) * i / across;
            b[k] = edge[1][0][k] + (edge[1][1][k] - edge[1][0][k]) * i / across;
        }
        rod(view, raster, a, b, 0.008, 0.5);
    }
    for (int i = 0; i <= down; i++) {
        for (int k = 0; k < 3; k++) {
            a[k] = edge[0][0][k] + (edge[1][0][k] - edge[0][0][k]) * i / down;
            b[k] = edge[0][1][k] + (edge[1][1][k] - edge[0][1][k]) * i / down;
        }
        rod(view, raster, a, b, 0.008, 0.5);
    }
}

void tl_props_goal(const TlLook *look, int end, const TlView *view, TlCanvas *canvas)
{
    double x = end ? 105 : 0, out = end ? 1 : -1, low = 34 - HALF_M, high = 34 + HALF_M;
    const double bar[2][3] = {{x, low, BAR_M}, {x, high, BAR_M}}, foot[2][3] = {{x, low, 0}, {x, high, 0}};
    const double top[2][3] = {{x + out * 1.1, low, BAR_M}, {x + out * 1.1, high, BAR_M}};
    const double ground[2][3] = {{x + out * 2.1, low, 0}, {x + out * 2.1, high, 0}};
    double px[2];
    const double middle[3] = {x, 34, 1};
    if (!tl_view_project(view, middle, px, NULL) || px[0] < -2.0 * view->width || px[0] > 3.0 * view->width)
        return;
    TlRaster *raster = &canvas->raster;
    double edges[4][2][2][3];
    memcpy(edges[0][0], top, sizeof(top)), memcpy(edges[0][1], ground, sizeof(ground));
    memcpy(edges[1][0], bar, sizeof(bar)), memcpy(edges[1][1], top, sizeof(top));
    for (int i = 0; i < 2; i++) { // sides: front post to back, top to bottom
        memcpy(edges[2 + i][0][0], bar[i], sizeof(bar[i])), memcpy(edges[2 + i][0][1], top[i], sizeof(top[i]));
        memcpy(edges[2 + i][1][0], foot[i], sizeof(foot[i])), memcpy(edges[2 + i][1][1], ground[i], sizeof(ground[i]));
    }
    static const int count[4][2] = {{18, 7}, {18, 3}, {5, 7}, {5, 7}};
    for (int i = 0; i < 4; i++) {
        tl_raster_begin(raster, 0, 0, canvas->width, canvas->height);
        panel(view, raster, (const double(*)[2][3])edges[i], count[i][0], count[i][1]);
        tl_canvas_fill(canvas, tl_colour_shade(tl_colour(225, 228, 230), look->light.exposure), 0.3);
    }
    tl_raster_begin(raster, 0, 0, canvas->width, canvas->height);
    for (int i = 0; i < 2; i++) {
        rod(view, raster, foot[i], bar[i], POST_M, 1.2);
        rod(view, raster, bar[i], top[i], POST_M * 0.5, 0.7);
        rod(view, raster, top[i], ground[i], POST_M * 0.4, 0.6);
    }
    rod(view, raster, bar[0], bar[1], POST_M, 1.2);
    tl_canvas_fill(canvas, tl_colour_shade(tl_colour(238, 240, 240), look->light.exposure), 0.95);
}

void tl_props_corner_flags(const TlLook *look, const TlView *view, TlCanvas *canvas)
{
    for (int i = 0; i < 4; i++) {
        double x = i & 1 ? 105 : 0, y = i & 2 ? 68 : 0;
        const double foot[3] = {x, y, 0}, tip[3] = {x, y, FLAG_M};
        const double flag[3][3] = {{x, y, FLAG_M}, {x + 0.42, y + 0.1, FLAG_M - 0.16}, {x, y, FLAG_M - 0.34}};
        double px[5][2];
        tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
        rod(view, &canvas->raster, foot, tip, 0.02, 0.8);
        tl_canvas_fill(canvas, tl_colour_shade(tl_colour(236, 236, 220), look->light.exposure), 0.9);
        int n = tl_view_polygon(view, flag, 3, px);
        tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
        if (n)
            tl_raster_polygon(&canvas->raster, (const double(*)[2])px, n);
        tl_canvas_fill(canvas, tl_colour_shade(look->bug_colour[1], look->light.exposure), 1);
    }
}

static void box(TlCanvas *canvas, double x, double y, double w, double h, uint32_t colour, double strength)
{
    const double corner[4][2] = {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}};
    tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
    tl_raster_polygon(&canvas->raster, corner, 4);
    tl_canvas_fill(canvas, colour, strength);
    for (int row = (int)y; row < (int)(y + h) && row < canvas->height; row++) // graphics hide who is behind
        for (int i = (int)x; i < (int)(x + w) && i < canvas->width; i++)
            if (row >= 0 && i >= 0)
                canvas->owner[(size_t)row * (size_t)canvas->width + (size_t)i] = TL_OWNER_NONE;
}

static void label(TlCanvas *canvas, const char *text, double x, double y, double h, uint32_t ground)
{
    tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
    tl_text_raster(&canvas->raster, text, x - tl_text_width(text, h) / 2, y - h / 2, h, h * 0.17);
    tl_canvas_fill(canvas, (ground & 255) > 125 ? tl_colour(16, 18, 30) : tl_colour(240, 240, 240), 1);
}

void tl_props_score_bug(const TlLook *look, double time_s, TlCanvas *canvas)
{
    if (!look->score_bug)
        return;
    double unit = canvas->height / 720.0, h = 30 * unit, x = 70 * unit, y = 40 * unit;
    uint32_t dark = tl_colour(18, 20, 28), white = tl_colour(236, 238, 240);
    if (look->score_bug == 2)
        x = canvas->width - 70 * unit - 330 * unit;
    box(canvas, x, y, 96 * unit, h, look->bug_colour[0], 0.95);
    box(canvas, x + 96 * unit, y, 84 * unit, h, look->score_bug == 3 ? white : dark, 0.95);
    box(canvas, x + 180 * unit, y, 96 * unit, h, look->bug_colour[1], 0.95);
    label(canvas, look->name[0], x + 48 * unit, y + h / 2, 14 * unit, look->bug_colour[0]);
    label(canvas, look->name[1], x + 228 * unit, y + h / 2, 14 * unit, look->bug_colour[1]);
    int seconds = 371 + (int)time_s + (int)(look->bug_colour[2] & 1023);
    const char score[4] = {(char)('0' + (look->bug_colour[2] & 3)), '-', (char)('0' + (look->bug_colour[1] >> 9 & 1)),
                           0};
    label(canvas, score, x + 138 * unit, y + h / 2, 15 * unit, look->score_bug == 3 ? white : dark);
    char clock[6] = {(char)('0' + seconds / 600 % 10), (char)('0' + seconds / 60 % 10), ':',
                     (char)('0' + seconds / 10 % 6),   (char)('0' + seconds % 10),      0};
    double clock_x = look->score_bug == 1 ? x + 276 * unit : x;
    double clock_y = look->score_bug == 1 ? y : y + h;
    box(canvas, clock_x, clock_y, 74 * unit, h * 0.94, look->bug_colour[2], 0.95);
    label(canvas, clock, clock_x + 37 * unit, clock_y + h * 0.47, 13 * unit, look->bug_colour[2]);
}
