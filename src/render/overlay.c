// Overlay video: the answer drawn onto the source picture.
//
// In: records and their pictures, in order. Out: an H.264 file of the same size and rate. The style is the one that
// users of sports analytics know (supervision, roboflow/sports): an ellipse at the feet that is open at the back, the
// id in a filled label, a triangle over the ball. Added here: the pitch lines and numbered points as the homography
// sees them, dashes where a frame was filled between key frames, and a frame counter.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <touchline/render.h>

#include "base/mem.h"
#include "media/media.h"
#include "pitch/pitch.h"
#include "render/glyphs.h"
#include "render/paint.h"

enum { SEGMENT_MAX = 512 };
#define PIECE_M 2.0 // pitch lines are projected in pieces, so that they may leave the picture anywhere

typedef struct Palette {
    TlInk class_ink[TL_CLASS_COUNT], text_dark, text_light, line, point, ball, shade;
} Palette;

struct TlOverlay {
    TlEncoder *encoder;
    TlPaint paint;
    TlPitchModel pitch;
    double segment[SEGMENT_MAX][4];
    int segment_count;
    double unit; ///< 1 at 720 lines
    double text; ///< height of capitals, px
    Palette palette;
};

static void set_palette(Palette *palette)
{
    palette->class_ink[TL_CLASS_BALL] = tl_ink(0xffffff);
    palette->class_ink[TL_CLASS_GOALKEEPER] = tl_ink(0xff6347);
    palette->class_ink[TL_CLASS_PLAYER] = tl_ink(0x00bfff);
    palette->class_ink[TL_CLASS_REFEREE] = tl_ink(0xffd700);
    palette->text_dark = tl_ink(0x101418);
    palette->text_light = tl_ink(0xffffff);
    palette->line = tl_ink(0xff4fd8);
    palette->point = tl_ink(0xff1493);
    palette->ball = tl_ink(0xff1493);
    palette->shade = tl_ink(0x000000);
}

int tl_overlay_open(TlOverlay **out, const TlRenderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    *out = NULL;
    if (!params || !params->path || !params->path[0])
        return tl_fail(diag, TL_EUSAGE, "an overlay video needs a file name");
    if (info->width < 16 || info->height < 16 || info->width > 16384 || info->height > 16384)
        return tl_fail(diag, TL_ELIMIT, "cannot draw on pictures of %dx%d pixels", info->width, info->height);
    TlOverlay *overlay = tl_calloc(1, sizeof(*overlay));
    if (!overlay || tl_paint_init(&overlay->paint, info->width, info->height) < 0) {
        tl_free(&overlay);
        return tl_fail(diag, TL_ENOMEM, "out of memory for an overlay of %dx%d pixels", info->width, info->height);
    }
    tl_pitch_model_init(&overlay->pitch, params->pitch_length_m, params->pitch_width_m);
    int count = tl_pitch_segments(&overlay->pitch, overlay->segment, SEGMENT_MAX);
    overlay->segment_count = count < SEGMENT_MAX ? count : SEGMENT_MAX;
    overlay->unit = info->height / 720.0;
    overlay->text = fmax(11.5 * overlay->unit, 8);
    set_palette(&overlay->palette);
    const TlEncoderParams encoder = {.path = params->path, .overwrite = params->overwrite};
    int ret = tl_encoder_open(&overlay->encoder, &encoder, info, diag);
    if (ret < 0) {
        tl_overlay_abort(&overlay);
        return ret;
    }
    *out = overlay;
    return TL_OK;
}

static double thickness(const TlOverlay *overlay, double at_720)
{
    return fmax(at_720 * overlay->unit, 1);
}

static int usable_homography(const TlRecord *record, double to_picture[9])
{
    if (!record->has_homography)
        return 0;
    for (int i = 0; i < 9; i++)
        if (!isfinite(record->homography[i]))
            return 0;
    return tl_homography_invert(record->homography, to_picture) == 0;
}

// Third component of a homography at a point: its sign tells the side of the horizon.
static double side_of(const double h[9], double x, double y)
{
    return h[6] * x + h[7] * y + h[8];
}

static void draw_pitch(TlOverlay *overlay, const TlRecord *record)
{
    double g[9], foot[2];
    TlPaint *paint = &overlay->paint;
    if (!usable_homography(record, g))
        return;
    // the grass at the bottom of the picture is on the side that is seen
    tl_homography_apply(record->homography, paint->width * 0.5, paint->height, &foot[0], &foot[1]);
    double seen = side_of(g, foot[0], foot[1]), pen = thickness(overlay, 1.7) * 0.5;
    if (!isfinite(seen) || seen == 0)
        return;
    double least = fabs(seen) * 0.02;
    tl_paint_begin(paint);
    for (int i = 0; i < overlay->segment_count; i++) {
        const double *s = overlay->segment[i];
        double dx = s[2] - s[0], dy = s[3] - s[1];
        int pieces = (int)ceil(sqrt(dx * dx + dy * dy) / PIECE_M);
        for (int k = 0; k < pieces; k++) {
            double x0 = s[0] + dx * k / pieces, y0 = s[1] + dy * k / pieces;
            double x1 = s[0] + dx * (k + 1) / pieces, y1 = s[1] + dy * (k + 1) / pieces, a[2], b[2];
            if (side_of(g, x0, y0) * seen <= least * fabs(seen) || side_of(g, x1, y1) * seen <= least * fabs(seen))
                continue;
            tl_homography_apply(g, x0, y0, &a[0], &a[1]);
            tl_homography_apply(g, x1, y1, &b[0], &b[1]);
            double length = sqrt((b[0] - a[0]) * (b[0] - a[0]) + (b[1] - a[1]) * (b[1] - a[1]));
            if (!(length > 1e-6 && length < 1e5))
                continue;
            double nx = -(b[1] - a[1]) / length * pen, ny = (b[0] - a[0]) / length * pen;
            const double quad[4][2] = {
                {a[0] + nx, a[1] + ny}, {b[0] + nx, b[1] + ny}, {b[0] - nx, b[1] - ny}, {a[0] - nx, a[1] - ny}};
            tl_raster_polygon(&paint->raster, quad, 4);
        }
    }
    tl_paint_fill(paint, overlay->palette.line, 0.6);
}

static void draw_points(TlOverlay *overlay, const TlRecord *record)
{
    TlPaint *paint = &overlay->paint;
    double r = fmax(3.2 * overlay->unit, 1.8), height = fmax(8 * overlay->unit, 6);
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const TlPoint *p = &record->points[i];
        if (!(p->confidence > 0) || !isfinite(p->x) || !isfinite(p->y))
            continue;
        const double at[2] = {p->x, p->y};
        char text[4];
        snprintf(text, sizeof(text), "%d", i & 31);
        tl_paint_begin(paint);
        tl_raster_capsule(&paint->raster, at, r + overlay->unit, at, r + overlay->unit);
        tl_paint_fill(paint, overlay->palette.text_light, 0.9);
        tl_paint_begin(paint);
        tl_raster_capsule(&paint->raster, at, r, at, r);
        tl_paint_fill(paint, overlay->palette.point, 1);
        tl_paint_text(paint, text, at[0] + r + tl_text_width(text, height) * 0.5 + 3 * overlay->unit,
                      at[1] - height - r, height, overlay->palette.text_light);
    }
}

static void draw_label(TlOverlay *overlay, const char *text, double x, double y, TlInk ground)
{
    double height = overlay->text, pad = height * 0.35, width = tl_text_width(text, height);
    TlInk ink = ground.y > 110 ? overlay->palette.text_dark : overlay->palette.text_light;
    tl_paint_box(&overlay->paint, x - width * 0.5 - pad, y, width + 2 * pad, height + 2 * pad, ground, 0.92);
    tl_paint_text(&overlay->paint, text, x, y + pad, height, ink);
}

static void draw_person(TlOverlay *overlay, const TlObject *object, int dashed)
{
    TlPaint *paint = &overlay->paint;
    TlInk ink = overlay->palette.class_ink[object->class_id];
    double width = object->bbox[2] - object->bbox[0], height = object->bbox[3] - object->bbox[1];
    const double centre[2] = {(object->bbox[0] + object->bbox[2]) * 0.5, object->bbox[3]};
    // The height of a box changes less with the stride than its width.
    double rx = fmax(0.5 * width + 0.16 * height, 5 * overlay->unit), ry = 0.35 * rx, pen = thickness(overlay, 2.2);
    double from = -45 * M_PI / 180, to = 235 * M_PI / 180;
    for (int pass = 0; pass < 2; pass++) { // a dark rim first, for contrast on light kits and lines
        tl_paint_begin(paint);
        double wide = pass ? pen : pen + thickness(overlay, 1.4);
        enum { DASHES = 9 };
        for (int i = 0; dashed && i < DASHES; i++) {
            double a = from + (to - from) * i / (DASHES - 0.45);
            tl_raster_arc(&paint->raster, centre, rx, ry, a, a + (to - from) * 0.55 / DASHES, wide);
        }
        if (!dashed)
            tl_raster_arc(&paint->raster, centre, rx, ry, from, to, wide);
        tl_paint_fill(paint, pass ? ink : overlay->palette.shade, pass ? 1 : 0.35);
    }
    if (object->id >= 0) {
        char text[12];
        snprintf(text, sizeof(text), "%d", (int)object->id);
        draw_label(overlay, text, centre[0], centre[1] + ry + 2 * overlay->unit, ink);
    }
}

static void draw_ball(TlOverlay *overlay, const TlObject *object, int dashed)
{
    TlPaint *paint = &overlay->paint;
    double x = (object->bbox[0] + object->bbox[2]) * 0.5, y = object->bbox[1] - 3 * overlay->unit;
    double half = fmax(9 * overlay->unit, 5), high = half * 1.5;
    for (int pass = 0; pass < 2; pass++) {
        double grow = pass ? 0 : thickness(overlay, 1.6);
        const double corner[3][2] = {
            {x, y + grow}, {x - half - grow, y - high - grow}, {x + half + grow, y - high - grow}};
        tl_paint_begin(paint);
        tl_raster_polygon(&paint->raster, corner, 3);
        tl_paint_fill(paint, pass ? overlay->palette.ball : overlay->palette.text_light, 1);
    }
    if (dashed) // filled between key frames: hollow
        tl_paint_box(paint, x - half * 0.35, y - high * 0.85, half * 0.7, high * 0.4, overlay->palette.text_light, 1);
}

static int drawable(const TlOverlay *overlay, const TlObject *object)
{
    const float *b = object->bbox;
    for (int i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabsf(b[i]) > 4.0f * 16384)
            return 0;
    return object->class_id >= 0 && object->class_id < TL_CLASS_COUNT && b[2] > b[0] && b[3] > b[1] && b[2] > 0 &&
           b[3] > 0 && b[0] < overlay->paint.width && b[1] < overlay->paint.height;
}

static void draw_counter(TlOverlay *overlay, const TlRecord *record)
{
    char text[64];
    double time_s = isfinite(record->time_s) && fabs(record->time_s) < 1e9 ? record->time_s : 0;
    snprintf(text, sizeof(text), "%lld  %.2f", (long long)record->frame, time_s);
    double height = overlay->text * 0.85, pad = height * 0.5, width = tl_text_width(text, height);
    double x = 10 * overlay->unit, y = overlay->paint.height - 10 * overlay->unit - height - 2 * pad;
    tl_paint_box(&overlay->paint, x, y, width + 2 * pad, height + 2 * pad, overlay->palette.shade, 0.55);
    tl_paint_text(&overlay->paint, text, x + pad + width * 0.5, y + pad, height, overlay->palette.text_light);
}

int tl_overlay_write(TlOverlay *overlay, const TlRecord *record, const TlPicture *picture, TlDiag *diag)
{
    TlPicture done;
    if (!picture || picture->width != overlay->paint.width || picture->height != overlay->paint.height ||
        !picture->plane[0])
        return tl_fail(diag, TL_EUSAGE, "the overlay of %dx%d pixels got a picture of another size",
                       overlay->paint.width, overlay->paint.height);
    tl_paint_copy(&overlay->paint, picture);
    draw_pitch(overlay, record);
    draw_points(overlay, record);
    int count = record->object_count < 0               ? 0
                : record->object_count > TL_OBJECT_MAX ? TL_OBJECT_MAX
                                                       : record->object_count;
    for (int pass = 0; pass < 2; pass++) // the ball last
        for (int i = 0; i < count; i++) {
            const TlObject *object = &record->objects[i];
            if (!drawable(overlay, object) || (object->class_id == TL_CLASS_BALL) != pass)
                continue;
            if (pass)
                draw_ball(overlay, object, record->filled || object->filled);
            else
                draw_person(overlay, object, record->filled || object->filled);
        }
    draw_counter(overlay, record);
    tl_paint_picture(&overlay->paint, &done);
    return tl_encoder_write(overlay->encoder, &done, diag);
}

static void destroy(TlOverlay **overlay)
{
    tl_paint_deinit(&(*overlay)->paint);
    tl_free(overlay);
}

int tl_overlay_commit(TlOverlay **overlay, TlDiag *diag)
{
    if (!overlay || !*overlay)
        return TL_OK;
    int ret = tl_encoder_commit(&(*overlay)->encoder, diag);
    destroy(overlay);
    return ret;
}

void tl_overlay_abort(TlOverlay **overlay)
{
    if (!overlay || !*overlay)
        return;
    tl_encoder_abort(&(*overlay)->encoder);
    destroy(overlay);
}
