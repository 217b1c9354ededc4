// Stands as mitred slopes around the pitch with one crowd texture, a wall in front, and advertising boards with words
// of invented brands. See synth_stadium.h.
#include "render/synth_stadium.h"

#include <math.h>
#include <string.h>

#include "render/canvas_pixel.h"
#include "render/glyphs.h"

#define SEAT_TEXEL_M  0.1
#define BOARD_TEXEL_M 0.03
#define WALL_M        1.3 // height of the wall before the first row
#define GAP_M         2.6 // between boards and wall

enum { CROWD_WIDTH = 2048, CROWD_HEIGHT = 256, BOARD_WIDTH = 4096, BOARD_HEIGHT = 32, WALL_SAMPLES = 96 };

static void block(TlTexture *texture, int x, int y, int w, int h, uint32_t colour)
{
    for (int row = y < 0 ? 0 : y; row < y + h && row < texture->height; row++)
        for (int i = x; i < x + w; i++)
            texture->level[0][(size_t)row * (size_t)texture->width + (size_t)(i & (texture->width - 1))] = colour;
}

// One seat: taken by a spectator (trunk, head, sometimes arms up) or empty. Rows of the texture go up the stand.
static void seat(TlTexture *texture, const TlLook *look, TlRandom *random, int x, int y, double fill)
{
    double light = tl_random_range(random, 0.6, 1.05);
    block(texture, x, y, 5, 4, tl_colour_shade(look->seat, light * 0.9));
    if (!tl_random_chance(random, fill))
        return;
    static const uint8_t plain[6][3] = {{40, 42, 50},  {90, 92, 100},   {30, 40, 80},
                                        {130, 60, 56}, {176, 170, 160}, {70, 90, 70}};
    const uint8_t *c = plain[tl_random_int(random, 6)];
    uint32_t coat = tl_random_chance(random, look->crowd_unity)
                        ? look->crowd[tl_random_chance(random, 0.6) ? 0 : tl_random_int(random, 4)]
                        : tl_colour(c[0], c[1], c[2]);
    int tan = tl_random_int(random, 80);
    uint32_t skin = tl_colour(214 - tan, 160 - tan * 0.8, 130 - tan * 0.7);
    int shift = tl_random_int(random, 2);
    block(texture, x + shift, y + 1, 4, 5, tl_colour_shade(tl_colour_mix(coat, tl_colour(70, 70, 74), 0.35), light));
    block(texture, x + shift + 1, y + 6, 2, 2, tl_colour_shade(skin, light));
    block(texture, x + shift + 1, y + 8, 2, 1, tl_colour_shade(tl_colour(40, 34, 30), light));
}

static void make_crowd(TlTexture *texture, const TlLook *look, TlRandom *random)
{
    block(texture, 0, 0, CROWD_WIDTH, CROWD_HEIGHT, tl_colour_shade(look->wall, 0.55));
    int aisle = 120 + tl_random_int(random, 60);
    for (int y = 0; y + 9 < CROWD_HEIGHT; y += 9) {
        for (int x = 0; x + 5 < CROWD_WIDTH; x += 6) {
            if (x % aisle < 10) {
                block(texture, x, y, 6, 9, tl_colour_shade(look->wall, y % 18 ? 0.8 : 0.95));
                continue;
            }
            // fans gather, sections stay empty
            double section = look->crowd_fill + (x / aisle * 37 % 11 - 5) * 0.03 * (1 - look->crowd_fill) * 6;
            seat(texture, look, random, x, y, section);
        }
    }
    for (size_t i = 0; i < (size_t)CROWD_WIDTH * CROWD_HEIGHT; i++)
        texture->level[0][i] = tl_colour_shade(texture->level[0][i], look->light.exposure * look->crowd_light);
    tl_texture_make_levels(texture);
}

static void make_word(TlRandom *random, char word[10])
{
    static const char *const syllable[12] = {"VO", "RA",  "LI",  "TEN", "KO",  "MAR",
                                             "SU", "DEX", "PAN", "ZE",  "NOR", "FI"};
    int n = 2 + tl_random_int(random, 2), at = 0;
    for (int i = 0; i < n; i++)
        for (const char *c = syllable[tl_random_int(random, 12)]; *c && at < 9; c++)
            word[at++] = *c;
    word[at] = 0;
}

static int make_boards(TlTexture *texture, const TlLook *look, TlRandom *random)
{
    TlRaster raster;
    if (tl_raster_init(&raster, BOARD_WIDTH, BOARD_HEIGHT) < 0)
        return TL_ENOMEM;
    int calm = tl_random_chance(random, 0.5);
    for (int x = 0; x < BOARD_WIDTH;) {
        int width = 170 + tl_random_int(random, 200), which = tl_random_int(random, 6);
        uint32_t any = tl_random_u32(random);
        uint32_t ground =
            which < 3 && calm ? look->bug_colour[which] : tl_colour(any & 255, any >> 8 & 255, any >> 16 & 255);
        if (which == 5)
            ground = tl_colour(236, 236, 236);
        uint32_t ink = (ground & 255) > 125 ? tl_colour(20, 24, 60) : tl_colour(245, 245, 245);
        width = x + width > BOARD_WIDTH ? BOARD_WIDTH - x : width;
        block(texture, x, 0, width, BOARD_HEIGHT, ground);
        char word[10];
        make_word(random, word);
        double height = tl_random_range(random, 14, 20), length = tl_text_width(word, height);
        for (double left = x + 14; left + length < x + width - 6; left += length + 40) {
            tl_raster_begin(&raster, 0, 0, BOARD_WIDTH, BOARD_HEIGHT);
            tl_text_raster(&raster, word, left, (BOARD_HEIGHT - height) / 2, height, height * 0.2);
            int row, first, count;
            while (tl_raster_row(&raster, &row, &first, &count)) {
                // the texture's rows go up
                uint32_t *to = texture->level[0] + (size_t)(BOARD_HEIGHT - 1 - row) * BOARD_WIDTH + first;
                for (int i = 0; i < count; i++)
                    to[i] = tl_pixel_lerp(to[i], ink, raster.coverage[i]);
            }
        }
        x += width;
    }
    double glow = look->boards_moving ? 1.1 : look->light.exposure * 0.9;
    for (size_t i = 0; i < (size_t)BOARD_WIDTH * BOARD_HEIGHT; i++)
        texture->level[0][i] = tl_colour_shade(texture->level[0][i], glow);
    tl_texture_make_levels(texture);
    tl_raster_deinit(&raster);
    return TL_OK;
}

int tl_stadium_init(TlStadium *stadium, const TlLook *look, unsigned seed)
{
    memset(stadium, 0, sizeof(*stadium));
    TlRandom random = tl_random_stream(seed, 51);
    if (tl_texture_init(&stadium->crowd, CROWD_WIDTH, CROWD_HEIGHT) < 0 ||
        tl_texture_init(&stadium->boards, BOARD_WIDTH, BOARD_HEIGHT) < 0) {
        tl_stadium_deinit(stadium);
        return TL_ENOMEM;
    }
    make_crowd(&stadium->crowd, look, &random);
    if (make_boards(&stadium->boards, look, &random) < 0) {
        tl_stadium_deinit(stadium);
        return TL_ENOMEM;
    }
    stadium->near_m = 9;
    stadium->dark = tl_colour_shade(look->wall, 0.4);
    return TL_OK;
}

void tl_stadium_deinit(TlStadium *stadium)
{
    tl_texture_deinit(&stadium->crowd);
    tl_texture_deinit(&stadium->boards);
}

// Puts a flat polygon in space into the raster. 0 when it is not seen.
static int outline(const TlView *view, TlCanvas *canvas, const double (*corner)[3], int n)
{
    double px[8][2];
    tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
    int count = tl_view_polygon(view, corner, n, px);
    if (count)
        tl_raster_polygon(&canvas->raster, (const double(*)[2])px, count);
    return count;
}

static void textured(const TlView *view, TlCanvas *canvas, const double (*corner)[3], const TlTexture *texture,
                     const double origin[3], const double a[3], const double b[3], double shade)
{
    TlPlane plane = {.texture = texture, .repeat = 1, .shade = shade};
    if (!outline(view, canvas, corner, 4))
        return;
    tl_view_plane(view, origin, a, b, NULL, plane.m);
    tl_canvas_plane(canvas, &plane, 0);
}

// One side of the bowl in its own frame: `along` runs beside the pitch, `out` away from it, from the corner `start`.
typedef struct Side {
    double start[2], along[2], out[2], length;
} Side;

static void place(const Side *side, double s, double d, double z, double point[3])
{
    point[0] = side->start[0] + side->along[0] * s + side->out[0] * d;
    point[1] = side->start[1] + side->along[1] * s + side->out[1] * d;
    point[2] = z;
}

static void slope(const TlStadium *stadium, const Side *side, const TlView *view, TlCanvas *canvas, double d0,
                  double z0, double d1, double z1, double shift, double shade)
{
    double corner[4][3], origin[3];
    place(side, -d0, d0, z0, corner[0]);
    place(side, side->length + d0, d0, z0, corner[1]);
    place(side, side->length + d1, d1, z1, corner[2]);
    place(side, -d1, d1, z1, corner[3]);
    place(side, -shift, d0, z0, origin);
    double run = d1 - d0, rise = z1 - z0, size = sqrt(run * run + rise * rise);
    const double a[3] = {side->along[0] * SEAT_TEXEL_M, side->along[1] * SEAT_TEXEL_M, 0};
    const double b[3] = {side->out[0] * run / size * SEAT_TEXEL_M, side->out[1] * run / size * SEAT_TEXEL_M,
                         rise / size * SEAT_TEXEL_M};
    textured(view, canvas, (const double(*)[3])corner, &stadium->crowd, origin, a, b, shade);
}

static void wall(const Side *side, const TlView *view, TlCanvas *canvas, double d, double z0, double z1,
                 uint32_t colour)
{
    double corner[4][3];
    place(side, -d, d, z0, corner[0]);
    place(side, side->length + d, d, z0, corner[1]);
    place(side, side->length + d, d, z1, corner[2]);
    place(side, -d, d, z1, corner[3]);
    if (outline(view, canvas, (const double(*)[3])corner, 4))
        tl_canvas_fill(canvas, colour, 1);
}

int tl_stadium_ground_top(const TlStadium *stadium, const TlLook *look, const TlView *view)
{
    double x0 = -look->board_end_m - GAP_M, x1 = 105 - x0, y0 = -look->board_far_m - GAP_M, y1 = 68 + stadium->near_m;
    double top = view->height;
    for (int i = 0; i < 4 * WALL_SAMPLES; i++) { // along the feet of the four walls
        double t = (i / 4 + 0.5) / WALL_SAMPLES, px[2];
        const double foot[3] = {i % 4 < 2    ? x0 + (x1 - x0) * t
                                : i % 4 == 2 ? x0
                                             : x1,
                                i % 4 >= 2 ? y0 + (y1 - y0) * t
                                : i % 4    ? y1
                                           : y0,
                                0};
        if (tl_view_project(view, foot, px, NULL) && px[0] > -0.1 * view->width && px[0] < 1.1 * view->width)
            top = fmin(top, px[1]);
    }
    double margin = view->height * 0.02; // between two samples
    return top - margin > 0 ? (int)(top - margin) : 0;
}

void tl_stadium_draw_stands(const TlStadium *stadium, const TlLook *look, const TlView *view, TlCanvas *canvas)
{
    double far = look->board_far_m + GAP_M, end = look->board_end_m + GAP_M, near = stadium->near_m;
    double width = 68 + far + near, length = 105 + 2 * end;
    const Side side[4] = {
        {{-end, -far}, {1, 0}, {0, -1}, length},
        {{-end, 68 + near}, {0, -1}, {-1, 0}, width},
        {{105 + end, -far}, {0, 1}, {1, 0}, width},
        {{105 + end, 68 + near}, {-1, 0}, {0, 1}, length},
    };
    // Of the side that the camera stands on only the lower seats are drawn, passing well below it.
    for (int i = 0; i < 4; i++) {
        double back =
            (view->place[0] - side[i].start[0]) * side[i].out[0] + (view->place[1] - side[i].start[1]) * side[i].out[1];
        int from_here = back > 4;
        double rise = from_here ? tl_clamp((view->place[2] - 4) / fmax(back, 6) * 0.8, 0.1, 0.6) : 0.52;
        double deep = from_here ? 40 : 15, top = WALL_M + rise * deep, light = i == 0 ? 1 : 0.9;
        if (!from_here) {
            slope(stadium, &side[i], view, canvas, deep + 2, top + 3, deep + 2 + 22, top + 3 + 15, 31.0 * i + 17,
                  light * 0.8);
            wall(&side[i], view, canvas, deep + 1, top - 0.5, top + 3.2, tl_colour_shade(look->wall, 0.75));
            wall(&side[i], view, canvas, deep + 0.9, top + 1.7, top + 3, tl_colour_shade(look->bug_colour[0], 0.8));
        }
        slope(stadium, &side[i], view, canvas, 0, WALL_M, deep, top, 47.0 * i, light);
        wall(&side[i], view, canvas, 0, 0, WALL_M, tl_colour_shade(look->wall, from_here ? 0.45 : 0.9));
    }
}

static void board(const TlStadium *stadium, const TlLook *look, const TlView *view, TlCanvas *canvas,
                  const double from[2], const double to[2], double shift, int back)
{
    double h = look->board_height_m,
           length = sqrt((to[0] - from[0]) * (to[0] - from[0]) + (to[1] - from[1]) * (to[1] - from[1]));
    const double corner[4][3] = {{from[0], from[1], 0}, {to[0], to[1], 0}, {to[0], to[1], h}, {from[0], from[1], h}};
    double ux = (to[0] - from[0]) / length, uy = (to[1] - from[1]) / length;
    const double a[3] = {ux * BOARD_TEXEL_M, uy * BOARD_TEXEL_M, 0}, b[3] = {0, 0, h / BOARD_HEIGHT};
    const double origin[3] = {from[0] - ux * shift, from[1] - uy * shift, 0};
    if (back) {
        if (outline(view, canvas, corner, 4))
            tl_canvas_fill(canvas, stadium->dark, 1);
        return;
    }
    textured(view, canvas, corner, &stadium->boards, origin, a, b, 1);
}

void tl_stadium_draw_boards(const TlStadium *stadium, const TlLook *look, const TlView *view, int close, double time_s,
                            TlCanvas *canvas)
{
    double far = -look->board_far_m, left = -look->board_end_m, right = 105 + look->board_end_m, near = 68 + 6.5;
    double shift = look->boards_moving ? floor(time_s / 0.04) * 0.04 * 1.6 : 0;
    shift -= floor(shift / 122.88) * 122.88;
    const double corner[4][2] = {{left, far}, {right, far}, {right, near}, {left, near}};
    board(stadium, look, view, canvas, corner[0], corner[1], shift, 0);
    board(stadium, look, view, canvas, corner[3], corner[0], 30 + shift, view->place[0] < left);
    board(stadium, look, view, canvas, corner[1], corner[2], 60 + shift, view->place[0] > right);
    if (!close) // seen from behind by the main camera, from the front by the others
        board(stadium, look, view, canvas, corner[2], corner[3], 90 + shift, view->place[1] > near);
}

// A box standing on the ground: its front (towards the pitch), roof and back, as far as they are seen.
static void bench(const TlView *view, TlCanvas *canvas, double x0, double x1, double y0, double y1, double height,
                  uint32_t roof, uint32_t front)
{
    const double face[4][3] = {{x0, y0, 0}, {x1, y0, 0}, {x1, y0 + 0.5, height}, {x0, y0 + 0.5, height}};
    const double top[4][3] = {
        {x0, y0 + 0.5, height}, {x1, y0 + 0.5, height}, {x1, y1, height * 0.93}, {x0, y1, height * 0.93}};
    const double rear[4][3] = {{x0, y1, 0}, {x1, y1, 0}, {x1, y1, height * 0.93}, {x0, y1, height * 0.93}};
    int behind = view->place[1] > y1;
    if (outline(view, canvas, behind ? rear : face, 4))
        tl_canvas_fill(canvas, front, 1);
    if (outline(view, canvas, top, 4))
        tl_canvas_fill(canvas, roof, 1);
}

void tl_stadium_draw_benches(const TlStadium *stadium, const TlLook *look, const TlView *view, TlCanvas *canvas)
{
    if (!look->bench)
        return;
    double light = look->light.exposure;
    uint32_t roof = tl_colour_shade(tl_colour_mix(look->bug_colour[1], tl_colour(200, 204, 208), 0.35), light);
    for (int i = 0; i < 2; i++) {
        double x = 52.5 + (i ? 7 : -19);
        bench(view, canvas, x, x + 12, 72.8, 74.3, 2.0, roof, stadium->dark);
    }
    bench(view, canvas, 50.5, 54.5, 72.6, 73.6, 1.1, tl_colour_shade(look->wall, light), stadium->dark);
}
