// Grass seen from above as one texture (mowing, patches, worn goalmouths, the roof's shadow), a repeated grain of
// blades, and the lines of the laws of the game, 12 cm wide, as polygons in space so that their edges lie where the
// truth says.
#include "render/synth_ground.h"

#include <math.h>
#include <string.h>

#include "pitch/pitch.h"
#include "render/canvas_pixel.h"

#define TEXEL_M     0.125
#define LEFT_M      (-11.5) // world place of the texture's corner
#define TOP_M       (-30.0)
#define BLADE_M     0.04 // texel of the grain
#define LINE_HALF_M 0.06

enum { GRASS_WIDTH = 1024, GRASS_HEIGHT = 1024, BLADE_SIZE = 512 };

static double lattice(int x, int y, uint32_t seed)
{
    return (double)(tl_mix64((uint64_t)(uint32_t)x << 32 ^ (uint32_t)y ^ (uint64_t)seed * 0x9e3779b97f4a7c15u) >> 40) *
           (1.0 / 16777216.0);
}

double tl_value_noise(double x, double y, uint32_t seed)
{
    double fx = floor(x), fy = floor(y), u = x - fx, v = y - fy;
    int ix = (int)fx, iy = (int)fy;
    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    double top = lattice(ix, iy, seed) * (1 - u) + lattice(ix + 1, iy, seed) * u;
    double bottom = lattice(ix, iy + 1, seed) * (1 - u) + lattice(ix + 1, iy + 1, seed) * u;
    return top * (1 - v) + bottom * v;
}

// 0 = dark, 1 = light stripe; edges a few decimetres soft.
static double stripe(double metres, double width)
{
    double phase = metres / (2 * width);
    phase -= floor(phase);
    double edge = fabs(phase - 0.5) * 2 * width - width * 0.5; // metres from the edge of a stripe
    return tl_clamp(edge / 0.3 + 0.5, 0, 1);
}

static double mowing(const TlLook *look, double x, double y)
{
    double a = stripe(x, look->mowing_m);
    switch (look->mowing) {
    case TL_MOWING_ACROSS:
        return a;
    case TL_MOWING_CHECKS: {
        double b = stripe(y - 34, look->mowing_m * 1.24);
        return 0.5 * a + 0.5 * b;
    }
    case TL_MOWING_RINGS:
        return stripe(sqrt((x - 52.5) * (x - 52.5) + (y - 34) * (y - 34)), look->mowing_m);
    default:
        return 0.5;
    }
}

static double worn(const TlLook *look, double x, double y, uint32_t seed)
{
    double goal = fabs(x - 52.5) - 49, side = (y - 34) / 6.5;
    double there = 1 - tl_clamp(goal * goal / 12 + side * side, 0, 1);
    double spot = fabs(x - 52.5) - 41.5;
    there += 0.5 * (1 - tl_clamp((spot * spot + (y - 34) * (y - 34)) / 4, 0, 1));
    return look->wear * there * tl_value_noise(x * 1.3, y * 1.3, seed + 5);
}

static uint32_t grass_at(const TlLook *look, double x, double y, uint32_t seed)
{
    double large = tl_value_noise(x / 9, y / 9, seed) - 0.5, middle = tl_value_noise(x / 1.7, y / 1.7, seed + 1) - 0.5;
    double small = tl_value_noise(x / 0.45, y / 0.45, seed + 2) - 0.5;
    int outside = x < -3.2 || x > 108.2 || y < -2.2 || y > 70.2;
    uint32_t colour = outside ? look->apron : tl_colour_mix(look->grass_dark, look->grass_light, mowing(look, x, y));
    double earth = outside ? 0 : worn(look, x, y, seed);
    if (earth > 0.05)
        colour = tl_colour_mix(colour, tl_colour(146, 138, 84), fmin(earth, 0.7));
    double light = 1 + large * 0.10 + middle * 0.045 + small * (0.02 + look->grass_grain * 0.5);
    return tl_colour_shade(colour, light * tl_light_at(&look->light, x, y) * look->light.exposure);
}

static void add_line(TlGround *ground, double x1, double y1, double x2, double y2)
{
    if (ground->line_count >= TL_LINE_MAX)
        return;
    const double line[4] = {x1, y1, x2, y2};
    memcpy(ground->line[ground->line_count++], line, sizeof(line));
}

int tl_ground_init(TlGround *ground, const TlLook *look, unsigned seed)
{
    memset(ground, 0, sizeof(*ground));
    if (tl_texture_init(&ground->grass, GRASS_WIDTH, GRASS_HEIGHT) < 0 ||
        tl_texture_init(&ground->blades, BLADE_SIZE, BLADE_SIZE) < 0) {
        tl_ground_deinit(ground);
        return TL_ENOMEM;
    }
    for (int y = 0; y < GRASS_HEIGHT; y++)
        for (int x = 0; x < GRASS_WIDTH; x++)
            ground->grass.level[0][y * GRASS_WIDTH + x] =
                grass_at(look, LEFT_M + (x + 0.5) * TEXEL_M, TOP_M + (y + 0.5) * TEXEL_M, seed * 77u + 13u);
    tl_texture_make_levels(&ground->grass);
    TlRandom random = tl_random_stream(seed, 41);
    double last = 0;
    for (int i = 0; i < BLADE_SIZE * BLADE_SIZE; i++) {
        last = last * 0.45 + tl_random_normal(&random) * 0.9; // blades lie along the mower's way
        ground->blades.level[0][i] = (uint32_t)tl_clamp(128 * (1 + last * look->grass_grain) + 0.5, 40, 240);
    }
    tl_texture_make_levels(&ground->blades);
    TlPitchModel model;
    tl_pitch_model_init(&model, TL_PITCH_LENGTH_M, TL_PITCH_WIDTH_M);
    ground->line_count = tl_pitch_segments(&model, ground->line, TL_LINE_MAX);
    ground->line_count = ground->line_count > TL_LINE_MAX ? TL_LINE_MAX : ground->line_count;
    static const double corner[4][4] = {{0, 0, 1, 1}, {105, 0, -1, 1}, {105, 68, -1, -1}, {0, 68, 1, -1}};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 6; k++) { // quarter circles of 1 m at the corners
            double a = k * TL_PI / 12, b = (k + 1) * TL_PI / 12;
            add_line(ground, corner[i][0] + corner[i][2] * tl_cos(a), corner[i][1] + corner[i][3] * tl_sin(a),
                     corner[i][0] + corner[i][2] * tl_cos(b), corner[i][1] + corner[i][3] * tl_sin(b));
        }
    return TL_OK;
}

void tl_ground_deinit(TlGround *ground)
{
    tl_texture_deinit(&ground->grass);
    tl_texture_deinit(&ground->blades);
}

static void add_line_polygon(const double line[4], const TlView *view, TlRaster *raster)
{
    double dx = line[2] - line[0], dy = line[3] - line[1], length = sqrt(dx * dx + dy * dy);
    if (length <= 0)
        return;
    // half a width longer at each end: corners close
    double ux = dx / length * LINE_HALF_M, uy = dy / length * LINE_HALF_M, end = length > 3 ? 1 : 0.15;
    const double corner[4][3] = {
        {line[0] - uy - ux * end, line[1] + ux - uy * end, 0},
        {line[2] - uy + ux * end, line[3] + ux + uy * end, 0},
        {line[2] + uy + ux * end, line[3] - ux + uy * end, 0},
        {line[0] + uy - ux * end, line[1] - ux - uy * end, 0},
    };
    double px[6][2];
    int n = tl_view_polygon(view, corner, 4, px);
    if (n)
        tl_raster_polygon(raster, (const double(*)[2])px, n);
}

static void add_spot(double x, double y, const TlView *view, TlRaster *raster)
{
    double corner[12][3], px[14][2];
    for (int i = 0; i < 12; i++) {
        corner[i][0] = x + 0.11 * tl_cos(i * TL_PI / 6);
        corner[i][1] = y + 0.11 * tl_sin(i * TL_PI / 6);
        corner[i][2] = 0;
    }
    int n = tl_view_polygon(view, (const double(*)[3])corner, 12, px);
    if (n)
        tl_raster_polygon(raster, (const double(*)[2])px, n);
}

void tl_ground_draw(const TlGround *ground, const TlLook *look, const TlView *view, int top, TlCanvas *canvas)
{
    static const double a[3] = {TEXEL_M, 0, 0}, b[3] = {0, TEXEL_M, 0}, origin[3] = {LEFT_M, TOP_M, 0};
    TlPlane plane = {
        .texture = &ground->grass, .detail = &ground->blades, .detail_scale = TEXEL_M / BLADE_M, .shade = 1};
    tl_view_plane(view, origin, a, b, NULL, plane.m);
    tl_canvas_plane(canvas, &plane, top);
    tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
    for (int i = 0; i < ground->line_count; i++)
        add_line_polygon(ground->line[i], view, &canvas->raster);
    add_spot(11, 34, view, &canvas->raster);
    add_spot(94, 34, view, &canvas->raster);
    add_spot(52.5, 34, view, &canvas->raster);
    double grass = (tl_colour_mix(look->grass_dark, look->grass_light, 0.5) & 255) - 16.0;
    tl_canvas_lime(canvas, ((look->line & 255) - 16.0) / fmax(grass, 10), look->line_strength);
}
