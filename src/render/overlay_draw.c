// Drawing of the overlay, see overlay_draw.h. The style is the one that users of sports analytics know (supervision,
// roboflow/sports): an ellipse at the feet that is open at the back, the id in a filled label, a triangle over the
// ball. Added here: the pitch lines and numbered points as the homography sees them, dashes where a frame was filled
// between key frames, and a frame counter.
#include "render/overlay_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/glyphs.h"

#define PIECE_M 2.0 // pitch lines are projected in pieces, so that they may leave the picture anywhere

// 0xRRGGBB
enum {
    INK_GOALKEEPER = 0xff6347,
    INK_PLAYER = 0x00bfff,
    INK_TEAMLESS = 0xa4b0b8,
    INK_REFEREE = TL_INK_REFEREE,
    INK_BALL = 0xff1493,
    INK_LINE = 0xff4fd8,
    INK_POINT = 0xff1493,
    INK_DARK = 0x101418,
    INK_LIGHT = 0xffffff,
    INK_SHADE = 0x000000
};

int tl_overlay_pen_init(TlOverlayPen *pen, int width, int height, double length_m, double width_m)
{
    memset(pen, 0, sizeof(*pen));
    if (tl_paint_init(&pen->paint, width, height) < 0)
        return TL_ENOMEM;
    tl_pitch_model_init(&pen->pitch, length_m, width_m);
    int count = tl_pitch_segments(&pen->pitch, pen->segment, TL_OVERLAY_SEGMENT_MAX);
    pen->segment_count = count < TL_OVERLAY_SEGMENT_MAX ? count : TL_OVERLAY_SEGMENT_MAX;
    pen->unit = height / 720.0;
    pen->text = fmax(10.5 * pen->unit, 7.5);
    return TL_OK;
}

void tl_overlay_pen_deinit(TlOverlayPen *pen)
{
    tl_paint_deinit(&pen->paint);
}

static double thickness(const TlOverlayPen *pen, double at_720)
{
    return fmax(at_720 * pen->unit, 1);
}

// Third component of a homography at a point: its sign tells the side of the horizon.
static double side_of(const double h[9], double x, double y)
{
    return h[6] * x + h[7] * y + h[8];
}

// The camera of a record, ready for drawing.
typedef struct Eye {
    TlPitchView view;
    double to_picture[9]; // pitch -> straightened picture, signed so that the seen side has w > 0
    double least;         // of w: nearer to the horizon nothing is drawn
} Eye;

static int open_eye(const TlPaint *paint, const TlRecord *record, Eye *eye)
{
    double x, y, foot[2];
    if (tl_view_from_record(record, paint->width, paint->height, &eye->view) ||
        tl_homography_invert(eye->view.straight, eye->to_picture) ||
        tl_lens_straighten(eye->view.lens, paint->width, paint->height, paint->width * 0.5, paint->height, &x, &y))
        return -1;
    // the grass at the bottom of the picture is on the side that is seen
    tl_homography_apply(eye->view.straight, x, y, &foot[0], &foot[1]);
    double seen = side_of(eye->to_picture, foot[0], foot[1]);
    if (!isfinite(seen) || seen == 0)
        return -1;
    for (int i = 0; seen < 0 && i < 9; i++)
        eye->to_picture[i] = -eye->to_picture[i];
    eye->least = 0.02 * fabs(seen);
    return 0;
}

static int see(const Eye *eye, double x, double y, double out[2])
{
    double sx, sy;
    if (!(side_of(eye->to_picture, x, y) > eye->least))
        return -1;
    tl_homography_apply(eye->to_picture, x, y, &sx, &sy);
    return tl_lens_bend(eye->view.lens, eye->view.width, eye->view.height, sx, sy, &out[0], &out[1]);
}

static void draw_pitch(TlOverlayPen *pen, const TlRecord *record)
{
    Eye eye;
    TlPaint *paint = &pen->paint;
    double half = thickness(pen, 1.7) * 0.5;
    if (open_eye(paint, record, &eye))
        return;
    tl_paint_begin(paint);
    for (int i = 0; i < pen->segment_count; i++) {
        const double *s = pen->segment[i];
        double dx = s[2] - s[0], dy = s[3] - s[1];
        int pieces = (int)ceil(sqrt(dx * dx + dy * dy) / PIECE_M);
        for (int k = 0; k < pieces; k++) {
            double x0 = s[0] + dx * k / pieces, y0 = s[1] + dy * k / pieces;
            double x1 = s[0] + dx * (k + 1) / pieces, y1 = s[1] + dy * (k + 1) / pieces, a[2], b[2];
            if (see(&eye, x0, y0, a) || see(&eye, x1, y1, b))
                continue;
            double length = sqrt((b[0] - a[0]) * (b[0] - a[0]) + (b[1] - a[1]) * (b[1] - a[1]));
            if (!(length > 1e-6 && length < 1e5))
                continue;
            double nx = -(b[1] - a[1]) / length * half, ny = (b[0] - a[0]) / length * half;
            const double quad[4][2] = {
                {a[0] + nx, a[1] + ny}, {b[0] + nx, b[1] + ny}, {b[0] - nx, b[1] - ny}, {a[0] - nx, a[1] - ny}};
            tl_raster_polygon(&paint->raster, quad, 4);
        }
    }
    tl_paint_fill(paint, tl_ink(INK_LINE), 0.6);
}

static void draw_points(TlOverlayPen *pen, const TlRecord *record)
{
    TlPaint *paint = &pen->paint;
    double r = fmax(3.2 * pen->unit, 1.8), height = fmax(8 * pen->unit, 6);
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const TlPoint *p = &record->points[i];
        if (!(p->confidence > 0) || !isfinite(p->x) || !isfinite(p->y))
            continue;
        const double at[2] = {p->x, p->y};
        char text[4];
        snprintf(text, sizeof(text), "%d", i & 31);
        tl_paint_begin(paint);
        tl_raster_capsule(&paint->raster, at, r + pen->unit, at, r + pen->unit);
        tl_paint_fill(paint, tl_ink(INK_LIGHT), 0.9);
        tl_paint_begin(paint);
        tl_raster_capsule(&paint->raster, at, r, at, r);
        tl_paint_fill(paint, tl_ink(INK_POINT), 1);
        tl_paint_text(paint, text, at[0] + r + tl_text_width(text, height) * 0.5 + 3 * pen->unit, at[1] - height - r,
                      height, tl_ink(INK_LIGHT));
    }
}

static void draw_label(TlOverlayPen *pen, const char *text, double x, double y, TlInk ground)
{
    double height = pen->text, pad = height * 0.35, width = tl_text_width(text, height);
    TlInk ink = ground.y > 110 ? tl_ink(INK_DARK) : tl_ink(INK_LIGHT);
    tl_paint_box(&pen->paint, x - width * 0.5 - pad, y, width + 2 * pad, height + 2 * pad, ground, 0.92);
    tl_paint_text(&pen->paint, text, x, y + pad, height, ink);
}

static TlInk ink_of(const TlOverlayPen *pen, const TlObject *object)
{
    TlInk ink = tl_ink(object->class_id == TL_CLASS_GOALKEEPER ? INK_GOALKEEPER
                       : object->class_id == TL_CLASS_REFEREE  ? INK_REFEREE
                                                               : INK_PLAYER);
    int has_ink = tl_teams_ink(&pen->teams, tl_teams_of(&pen->teams, object), &ink);
    if (object->class_id == TL_CLASS_PLAYER && !has_ink && pen->teams.ready)
        ink = tl_ink(INK_TEAMLESS);
    return ink;
}

static void draw_person(TlOverlayPen *pen, const TlObject *object, int dashed)
{
    TlPaint *paint = &pen->paint;
    TlInk ink = ink_of(pen, object);
    double width = object->bbox[2] - object->bbox[0], height = object->bbox[3] - object->bbox[1];
    const double centre[2] = {(object->bbox[0] + object->bbox[2]) * 0.5, object->bbox[3]};
    // The height of a box changes less with the stride than its width.
    double rx = fmax(0.5 * width + 0.16 * height, 5 * pen->unit), ry = 0.35 * rx, line = thickness(pen, 2.4);
    double from = -45 * M_PI / 180, to = 235 * M_PI / 180;
    TlInk rim = tl_ink(ink.y > 70 ? INK_SHADE : INK_LIGHT);
    for (int pass = 0; pass < 2; pass++) { // a rim first, for contrast with lines and grass
        tl_paint_begin(paint);
        double wide = pass ? line : line + thickness(pen, 1.4);
        enum { DASHES = 9 };
        for (int i = 0; dashed && i < DASHES; i++) {
            double a = from + (to - from) * i / (DASHES - 0.45);
            tl_raster_arc(&paint->raster, centre, rx, ry, a, a + (to - from) * 0.55 / DASHES, wide);
        }
        if (!dashed)
            tl_raster_arc(&paint->raster, centre, rx, ry, from, to, wide);
        tl_paint_fill(paint, pass ? ink : rim, pass ? 1 : ink.y > 70 ? 0.4 : 0.8);
    }
    if (object->id >= 0) {
        char text[12];
        snprintf(text, sizeof(text), "%d", (int)object->id);
        draw_label(pen, text, centre[0], centre[1] + ry + 2 * pen->unit, ink);
    }
}

static void draw_ball(TlOverlayPen *pen, const TlObject *object, int dashed)
{
    TlPaint *paint = &pen->paint;
    double x = (object->bbox[0] + object->bbox[2]) * 0.5, y = object->bbox[1] - 3 * pen->unit;
    double half = fmax(9 * pen->unit, 5), high = half * 1.5;
    for (int pass = 0; pass < 2; pass++) {
        double grow = pass ? 0 : thickness(pen, 1.6);
        const double corner[3][2] = {
            {x, y + grow}, {x - half - grow, y - high - grow}, {x + half + grow, y - high - grow}};
        tl_paint_begin(paint);
        tl_raster_polygon(&paint->raster, corner, 3);
        tl_paint_fill(paint, pass ? tl_ink(INK_BALL) : tl_ink(INK_LIGHT), 1);
    }
    if (dashed) // filled between key frames: hollow
        tl_paint_box(paint, x - half * 0.35, y - high * 0.85, half * 0.7, high * 0.4, tl_ink(INK_LIGHT), 1);
}

static int drawable(const TlOverlayPen *pen, const TlObject *object)
{
    const float *b = object->bbox;
    for (int i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabsf(b[i]) > 4.0f * 16384)
            return 0;
    return object->class_id >= 0 && object->class_id < TL_CLASS_COUNT && b[2] > b[0] && b[3] > b[1] && b[2] > 0 &&
           b[3] > 0 && b[0] < pen->paint.width && b[1] < pen->paint.height;
}

static void draw_counter(TlOverlayPen *pen, const TlRecord *record)
{
    char text[64];
    double time_s = isfinite(record->time_s) && fabs(record->time_s) < 1e9 ? record->time_s : 0;
    snprintf(text, sizeof(text), "%lld  %.2f", (long long)record->frame, time_s);
    double height = pen->text * 0.85, pad = height * 0.5, width = tl_text_width(text, height);
    double x = 10 * pen->unit, y = pen->paint.height - 10 * pen->unit - height - 2 * pad;
    tl_paint_box(&pen->paint, x, y, width + 2 * pad, height + 2 * pad, tl_ink(INK_SHADE), 0.55);
    tl_paint_text(&pen->paint, text, x + pad + width * 0.5, y + pad, height, tl_ink(INK_LIGHT));
}

void tl_overlay_pen_draw(TlOverlayPen *pen, const TlRecord *record, const TlPicture *picture, TlPicture *done)
{
    int count = record->object_count < 0               ? 0
                : record->object_count > TL_OBJECT_MAX ? TL_OBJECT_MAX
                                                       : record->object_count;
    tl_paint_copy(&pen->paint, picture);
    tl_teams_see(&pen->teams, record, picture);
    draw_pitch(pen, record);
    draw_points(pen, record);
    for (int pass = 0; pass < 2; pass++) // the ball last
        for (int i = 0; i < count; i++) {
            const TlObject *object = &record->objects[i];
            if (!drawable(pen, object) || (object->class_id == TL_CLASS_BALL) != pass)
                continue;
            if (pass)
                draw_ball(pen, object, record->filled || object->filled);
            else
                draw_person(pen, object, record->filled || object->filled);
        }
    draw_counter(pen, record);
    tl_paint_picture(&pen->paint, done);
}
