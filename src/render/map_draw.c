// Cairo drawing of the pitch map, see map_draw.h. Text comes from the own stroke font, so that the picture does not
// depend on the fonts of the machine.
#include "render/map_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/glyphs.h"

enum { SEGMENT_MAX = 512 };
#define MARGIN_PX 60.0
#define LEGEND_PX 70.0
#define DISC_PX   12.0
#define BALL_PX   7.0
#define BEYOND_M  4.5 // how far outside the lines somebody may stand and still be drawn

double tl_map_x(const TlMapSheet *sheet, double x_m)
{
    return sheet->left + x_m * sheet->scale;
}

double tl_map_y(const TlMapSheet *sheet, double y_m)
{
    return sheet->top + y_m * sheet->scale;
}

int tl_map_inside(const TlMapSheet *sheet, const float pitch[2])
{
    return isfinite(pitch[0]) && isfinite(pitch[1]) && pitch[0] >= -BEYOND_M &&
           pitch[0] <= sheet->pitch.length_m + BEYOND_M && pitch[1] >= -BEYOND_M &&
           pitch[1] <= sheet->pitch.width_m + BEYOND_M;
}

void tl_map_colour(int class_id, int team, double rgb[3])
{
    static const double colour[TL_CLASS_COUNT][3] = {
        {1, 1, 1}, {1, 0.39, 0.28}, {0.74, 0.8, 0.84}, {1, 0.84, 0}}; // the others as in the overlay
    static const double kit[2][3] = {{0, 0.75, 1}, {1, 0.3, 0.74}};   // told apart by the colour-blind, too
    int known = class_id >= 0 && class_id < TL_CLASS_COUNT;
    int has_kit = class_id == TL_CLASS_PLAYER && (team == 1 || team == 2);
    memcpy(rgb, has_kit ? kit[team - 1] : colour[known ? class_id : TL_CLASS_PLAYER], sizeof(colour[0]));
}

static void draw_stroke(void *opaque, const double a[2], const double b[2])
{
    cairo_t *cairo = opaque;
    cairo_move_to(cairo, a[0], a[1]);
    cairo_line_to(cairo, b[0], b[1]);
}

// Text with its left end at x and the top of its capitals at y, in the current colour.
static void draw_text(cairo_t *cairo, const char *text, double x, double y, double height)
{
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_set_line_width(cairo, height * 0.16);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    tl_text_strokes(text, height, draw_stroke, cairo);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_grass(TlMapSheet *sheet, cairo_t *cairo)
{
    double stripe = 5.25 * sheet->scale, length = sheet->pitch.length_m * sheet->scale,
           width = sheet->pitch.width_m * sheet->scale;
    cairo_set_source_rgb(cairo, 0.09, 0.30, 0.14);
    cairo_paint(cairo);
    for (int i = 0; i * stripe < length; i++) {
        double light = i & 1 ? 0 : 0.025;
        cairo_set_source_rgb(cairo, 0.13 + light, 0.42 + light, 0.18 + light);
        cairo_rectangle(cairo, sheet->left + i * stripe, sheet->top, fmin(stripe, length - i * stripe), width);
        cairo_fill(cairo);
    }
}

static void draw_lines(TlMapSheet *sheet, cairo_t *cairo)
{
    double segment[SEGMENT_MAX][4];
    int count = tl_pitch_segments(&sheet->pitch, segment, SEGMENT_MAX);
    cairo_set_source_rgb(cairo, 0.95, 0.97, 0.95);
    cairo_set_line_width(cairo, 2);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    for (int i = 0; i < count && i < SEGMENT_MAX; i++) {
        cairo_move_to(cairo, tl_map_x(sheet, segment[i][0]), tl_map_y(sheet, segment[i][1]));
        cairo_line_to(cairo, tl_map_x(sheet, segment[i][2]), tl_map_y(sheet, segment[i][3]));
    }
    cairo_stroke(cairo);
    double middle = sheet->pitch.width_m / 2, length = sheet->pitch.length_m;
    const double spot[3] = {11, length / 2, length - 11};
    for (int i = 0; i < 3; i++) {
        cairo_arc(cairo, tl_map_x(sheet, spot[i]), tl_map_y(sheet, middle), 3, 0, 2 * M_PI);
        cairo_fill(cairo);
    }
    for (int end = 0; end < 2; end++) { // goals, 7.32 m wide and drawn 2 m deep
        cairo_rectangle(cairo, tl_map_x(sheet, end ? length : -2), tl_map_y(sheet, middle - 3.66), 2 * sheet->scale,
                        7.32 * sheet->scale);
        cairo_stroke(cairo);
    }
}

int tl_map_sheet_init(TlMapSheet *sheet, double length_m, double width_m)
{
    memset(sheet, 0, sizeof(*sheet));
    tl_pitch_model_init(&sheet->pitch, length_m, width_m);
    double across = (TL_MAP_WIDTH - 2 * MARGIN_PX) / sheet->pitch.length_m;
    double down = (TL_MAP_HEIGHT - LEGEND_PX - 2 * MARGIN_PX) / sheet->pitch.width_m;
    sheet->scale = fmin(across, down);
    sheet->left = (TL_MAP_WIDTH - sheet->pitch.length_m * sheet->scale) / 2;
    sheet->top = (TL_MAP_HEIGHT - LEGEND_PX - sheet->pitch.width_m * sheet->scale) / 2;
    sheet->base = cairo_image_surface_create(CAIRO_FORMAT_RGB24, TL_MAP_WIDTH, TL_MAP_HEIGHT);
    sheet->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, TL_MAP_WIDTH, TL_MAP_HEIGHT);
    cairo_t *cairo = cairo_create(sheet->base);
    sheet->cairo = cairo_create(sheet->surface);
    draw_grass(sheet, cairo);
    draw_lines(sheet, cairo);
    int failed = cairo_status(cairo) != CAIRO_STATUS_SUCCESS || cairo_status(sheet->cairo) != CAIRO_STATUS_SUCCESS;
    cairo_destroy(cairo);
    if (failed) {
        tl_map_sheet_deinit(sheet);
        return TL_ENOMEM;
    }
    tl_map_sheet_clear(sheet);
    return TL_OK;
}

void tl_map_sheet_deinit(TlMapSheet *sheet)
{
    if (sheet->cairo)
        cairo_destroy(sheet->cairo);
    if (sheet->surface)
        cairo_surface_destroy(sheet->surface);
    if (sheet->base)
        cairo_surface_destroy(sheet->base);
    sheet->cairo = NULL;
    sheet->surface = sheet->base = NULL;
}

void tl_map_sheet_clear(TlMapSheet *sheet)
{
    cairo_set_source_surface(sheet->cairo, sheet->base, 0, 0);
    cairo_set_operator(sheet->cairo, CAIRO_OPERATOR_SOURCE);
    cairo_paint(sheet->cairo);
    cairo_set_operator(sheet->cairo, CAIRO_OPERATOR_OVER);
}

void tl_map_piece(TlMapSheet *sheet, const float a[2], const float b[2], const TlMapMark *mark, double alpha)
{
    double rgb[3];
    cairo_t *cairo = sheet->cairo;
    tl_map_colour(mark->class_id, mark->team, rgb);
    cairo_set_source_rgba(cairo, rgb[0], rgb[1], rgb[2], alpha);
    cairo_set_line_width(cairo, mark->class_id == TL_CLASS_BALL ? 1.6 : 2.4);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
    cairo_move_to(cairo, tl_map_x(sheet, a[0]), tl_map_y(sheet, a[1]));
    cairo_line_to(cairo, tl_map_x(sheet, b[0]), tl_map_y(sheet, b[1]));
    cairo_stroke(cairo);
}

void tl_map_disc(TlMapSheet *sheet, const float at[2], const TlMapMark *mark)
{
    double rgb[3], x = tl_map_x(sheet, at[0]), y = tl_map_y(sheet, at[1]);
    int is_ball = mark->class_id == TL_CLASS_BALL, has_rim = mark->class_id == TL_CLASS_GOALKEEPER && mark->team;
    cairo_t *cairo = sheet->cairo;
    if (has_rim) {
        tl_map_colour(TL_CLASS_PLAYER, mark->team, rgb);
        cairo_arc(cairo, x, y, DISC_PX + 4, 0, 2 * M_PI);
        cairo_set_source_rgb(cairo, rgb[0], rgb[1], rgb[2]);
        cairo_fill(cairo);
    }
    tl_map_colour(mark->class_id, mark->team, rgb);
    cairo_arc(cairo, x, y, is_ball ? BALL_PX : DISC_PX, 0, 2 * M_PI);
    cairo_set_source_rgb(cairo, rgb[0], rgb[1], rgb[2]);
    cairo_fill_preserve(cairo);
    cairo_set_source_rgb(cairo, 0.05, 0.06, 0.08);
    cairo_set_line_width(cairo, 2);
    cairo_stroke(cairo);
    if (is_ball || mark->id < 0)
        return;
    char text[12];
    snprintf(text, sizeof(text), "%d", (int)mark->id);
    double height = mark->id > 99 ? 7 : 9;
    draw_text(cairo, text, x - tl_text_width(text, height) / 2, y - height / 2, height);
}

void tl_map_legend(TlMapSheet *sheet, const char *text, int has_teams, int left_team)
{
    static const TlMapMark row[] = {{.class_id = TL_CLASS_PLAYER, .team = 1},
                                    {.class_id = TL_CLASS_PLAYER, .team = 2},
                                    {.class_id = TL_CLASS_PLAYER},
                                    {.class_id = TL_CLASS_GOALKEEPER},
                                    {.class_id = TL_CLASS_REFEREE},
                                    {.class_id = TL_CLASS_BALL}};
    cairo_t *cairo = sheet->cairo;
    double x = sheet->left, y = TL_MAP_HEIGHT - LEGEND_PX + 18, height = 12;
    cairo_set_source_rgb(cairo, 0.06, 0.20, 0.10);
    cairo_rectangle(cairo, 0, TL_MAP_HEIGHT - LEGEND_PX, TL_MAP_WIDTH, LEGEND_PX);
    cairo_fill(cairo);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char name[32];
        double rgb[3], radius = row[i].class_id == TL_CLASS_BALL ? BALL_PX : 9;
        if (row[i].class_id == TL_CLASS_PLAYER && (row[i].team != 0) != has_teams)
            continue;
        if (row[i].team)
            snprintf(name, sizeof(name), "team %d%s", row[i].team,
                     !left_team                 ? ""
                     : left_team == row[i].team ? ", left"
                                                : ", right");
        else
            snprintf(name, sizeof(name), "%s", tl_class_name(row[i].class_id));
        tl_map_colour(row[i].class_id, row[i].team, rgb);
        cairo_arc(cairo, x + 9, y + height / 2, radius, 0, 2 * M_PI);
        cairo_set_source_rgb(cairo, rgb[0], rgb[1], rgb[2]);
        cairo_fill(cairo);
        cairo_set_source_rgb(cairo, 0.92, 0.95, 0.92);
        draw_text(cairo, name, x + 26, y, height);
        x += 26 + tl_text_width(name, height) + 34;
    }
    double right = TL_MAP_WIDTH - sheet->left;
    draw_text(cairo, text, right - tl_text_width(text, height), y, height);
}
