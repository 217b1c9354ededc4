// Skeleton and drawing of one figure, see synth_figure.h.
//
// The gait is the usual two-parameter one: thighs swing as a sine whose amplitude grows with speed, a knee bends while
// its leg comes forward, arms swing against the legs; the body is set so that the lower foot touches the ground.
#include "render/synth_figure.h"

#include <math.h>
#include <string.h>

#include "render/glyphs.h"

#define THIGH_M 0.45
#define SHIN_M  0.44
#define ARM_M   0.29
#define FORE_M  0.26
#define HEAD_M  0.105

// Body frame: ahead, to the left, up.
static void put(const TlFigure *figure, double ahead, double left, double up, double point[3])
{
    double c = tl_cos(figure->heading), s = tl_sin(figure->heading);
    point[0] = figure->at[0] + c * ahead - s * left;
    point[1] = figure->at[1] + s * ahead + c * left;
    point[2] = up;
}

typedef struct Gait {
    double run, speed, lean, drop, spread;
} Gait;

static void leg(const TlFigure *figure, const Gait *gait, int side, double size, double hip_up, double local[4][3])
{
    double phase = figure->stride + (side ? TL_PI : 0), hip_left = side ? -0.09 : 0.09;
    double swing = gait->speed < 0.3 ? 0.06 : 0.26 + 0.075 * gait->speed;
    double thigh = 0.08 * gait->run + swing * tl_sin(phase) + gait->drop;
    double knee = 0.1 + 2 * gait->drop +
                  (0.35 + 1.35 * gait->run) * fmax(0, tl_cos(phase + 0.35)) * (gait->speed < 0.3 ? 0.1 : 1);
    if (side && figure->kick > 0) {
        thigh += (0.9 - thigh) * 0.8 * tl_sin(figure->kick * TL_PI); // through the ball
        knee *= 0.5;
    }
    double shin = thigh - knee, out = (side ? -1 : 1) * gait->spread;
    const double hip[3] = {0, hip_left * size, hip_up};
    double k[3] = {hip[0] + tl_sin(thigh) * THIGH_M * size, hip[1] + out * 0.6,
                   hip[2] - tl_cos(thigh) * THIGH_M * size};
    double a[3] = {k[0] + tl_sin(shin) * SHIN_M * size, k[1] + out * 0.5, k[2] - tl_cos(shin) * SHIN_M * size};
    double foot = shin * 0.7; // the foot gives way at the ankle
    double t[3] = {a[0] + tl_cos(foot) * 0.17 * size, a[1], a[2] - 0.05 + tl_sin(foot) * 0.17 * size};
    memcpy(local[0], hip, sizeof(hip));
    memcpy(local[1], k, sizeof(k));
    memcpy(local[2], a, sizeof(a));
    memcpy(local[3], t, sizeof(t));
}

static void arm(const TlFigure *figure, const Gait *gait, int side, double size, const double shoulder[3],
                double local[2][3])
{
    double phase = figure->stride + (side ? 0 : TL_PI), sign = side ? -1 : 1;
    double swing = (0.12 + 0.62 * gait->run) * tl_sin(phase), bend = 0.25 + 1.2 * gait->run,
           out = 0.07 + 0.06 * gait->run;
    if (figure->pose == TL_POSE_KEEPER) {
        swing = 0.35, bend = 0.7, out = 0.16;
    } else if (figure->pose == TL_POSE_FLAG && side) {
        swing = 0.1, bend = 0.1, out = 0.12;
    }
    local[0][0] = shoulder[0] + tl_sin(swing) * ARM_M * size;
    local[0][1] = shoulder[1] + sign * out;
    local[0][2] = shoulder[2] - tl_cos(swing) * ARM_M * size;
    local[1][0] = local[0][0] + tl_sin(swing + bend) * FORE_M * size;
    local[1][1] = local[0][1] + sign * out * 0.2;
    local[1][2] = local[0][2] - tl_cos(swing + bend) * FORE_M * size;
}

void tl_figure_skeleton(const TlFigure *figure, TlSkeleton *skeleton)
{
    double size = figure->person->height_m / 1.8;
    double speed = sqrt(figure->speed[0] * figure->speed[0] + figure->speed[1] * figure->speed[1]);
    Gait gait = {.run = tl_clamp((speed - 0.8) / 5.5, 0, 1), .speed = speed};
    gait.lean = 0.04 + 0.2 * gait.run;
    if (figure->pose == TL_POSE_KEEPER && speed < 2.5) {
        gait.drop = 0.3;
        gait.lean = 0.35;
        gait.spread = 0.14;
    } else if (speed < 0.6) {
        gait.spread = 0.05;
    }
    double legs[2][4][3], low = 1e9;
    for (int side = 0; side < 2; side++) {
        leg(figure, &gait, side, size, 0, legs[side]);
        low = fmin(low, fmin(legs[side][2][2] - 0.07 * size, legs[side][3][2] - 0.03 * size));
    }
    // both feet leave the ground for a moment when running
    double hop = 0.07 * gait.run * fabs(tl_sin(figure->stride)) * (gait.run > 0.4);
    double hip_up = -low + hop, waist = 0.55 * size;
    skeleton->size = size;
    for (int side = 0; side < 2; side++) {
        static const int first[4] = {TL_JOINT_HIP, TL_JOINT_KNEE, TL_JOINT_ANKLE, TL_JOINT_TOE};
        for (int i = 0; i < 4; i++)
            put(figure, legs[side][i][0], legs[side][i][1], legs[side][i][2] + hip_up,
                skeleton->joint[first[i] + side]);
        double twist = 0.09 * gait.run * tl_sin(figure->stride) * (side ? 1 : -1), local[2][3];
        const double shoulder[3] = {tl_sin(gait.lean) * waist + twist, (side ? -0.172 : 0.172) * size,
                                    hip_up + 0.02 + tl_cos(gait.lean) * waist - 0.03};
        put(figure, shoulder[0], shoulder[1], shoulder[2], skeleton->joint[TL_JOINT_SHOULDER + side]);
        arm(figure, &gait, side, size, shoulder, local);
        put(figure, local[0][0], local[0][1], local[0][2], skeleton->joint[TL_JOINT_ELBOW + side]);
        put(figure, local[1][0], local[1][1], local[1][2], skeleton->joint[TL_JOINT_HAND + side]);
    }
    double neck = tl_sin(gait.lean) * waist, up = hip_up + tl_cos(gait.lean) * waist;
    put(figure, 0, 0, hip_up, skeleton->joint[TL_JOINT_PELVIS]);
    put(figure, neck, 0, up + 0.03 * size, skeleton->joint[TL_JOINT_NECK]);
    put(figure, neck + 0.05 * size, 0, up + 0.185 * size, skeleton->joint[TL_JOINT_HEAD]);
}

// Shadow of one limb on the ground as seen from a light: an outline in metres, then projected.
static void shadow_limb(const double a[3], const double b[3], double radius, const double shift[2], const TlView *view,
                        TlRaster *raster)
{
    double pa[2] = {a[0] + shift[0] * a[2], a[1] + shift[1] * a[2]},
           pb[2] = {b[0] + shift[0] * b[2], b[1] + shift[1] * b[2]};
    double dx = pb[0] - pa[0], dy = pb[1] - pa[1], length = sqrt(dx * dx + dy * dy);
    double ux = length > 1e-6 ? dx / length * radius : radius, uy = length > 1e-6 ? dy / length * radius : 0;
    const double corner[8][3] = {
        {pa[0] - uy, pa[1] + ux, 0},
        {pa[0] - ux, pa[1] - uy, 0},
        {pa[0] + uy, pa[1] - ux, 0},
        {pb[0] + uy, pb[1] - ux, 0},
        {pb[0] + 0.7 * (ux + uy), pb[1] + 0.7 * (uy - ux), 0},
        {pb[0] + ux, pb[1] + uy, 0},
        {pb[0] + 0.7 * (ux - uy), pb[1] + 0.7 * (uy + ux), 0},
        {pb[0] - uy, pb[1] + ux, 0},
    };
    double px[10][2];
    int n = tl_view_polygon(view, corner, 8, px);
    if (n)
        tl_raster_polygon(raster, (const double(*)[2])px, n);
}

void tl_figure_shadow(const TlFigure *figure, const TlSkeleton *skeleton, const TlLight *light, const TlView *view,
                      TlCanvas *canvas)
{
    const double(*j)[3] = skeleton->joint;
    static const double none[2] = {0, 0};
    double lit = tl_light_at(light, figure->at[0], figure->at[1]) >= 0.99 ? 1 : 0.15;
    const double foot[3] = {figure->at[0], figure->at[1], 0}, beside[3] = {figure->at[0] + 0.05, figure->at[1], 0};
    tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
    shadow_limb(foot, beside, 0.3, none, view, &canvas->raster); // the sky that the body hides
    tl_canvas_darken(canvas, light->sources == 0 ? 0.22 : 0.12);
    for (int i = 0; i < light->sources; i++) {
        const double *shift = light->shift[i];
        tl_raster_begin(&canvas->raster, 0, 0, canvas->width, canvas->height);
        for (int side = 0; side < 2; side++) {
            shadow_limb(j[TL_JOINT_HIP + side], j[TL_JOINT_KNEE + side], 0.08, shift, view, &canvas->raster);
            shadow_limb(j[TL_JOINT_KNEE + side], j[TL_JOINT_ANKLE + side], 0.06, shift, view, &canvas->raster);
            shadow_limb(j[TL_JOINT_SHOULDER + side], j[TL_JOINT_ELBOW + side], 0.05, shift, view, &canvas->raster);
            shadow_limb(j[TL_JOINT_ELBOW + side], j[TL_JOINT_HAND + side], 0.04, shift, view, &canvas->raster);
        }
        shadow_limb(j[TL_JOINT_PELVIS], j[TL_JOINT_NECK], 0.17, shift, view, &canvas->raster);
        shadow_limb(j[TL_JOINT_NECK], j[TL_JOINT_HEAD], 0.1, shift, view, &canvas->raster);
        tl_canvas_darken(canvas, light->depth[i] * lit);
    }
}

// What drawing a figure needs, projected.
typedef struct Paint {
    TlCanvas *canvas;
    double px[TL_JOINT_COUNT][2], depth[TL_JOINT_COUNT];
    double scale;  ///< pixels per metre
    double light;  ///< factor on colours
    double facing; ///< 1 = towards the camera, -1 = away
    double side;   ///< how much of the shoulders' width is seen, 0..1
    const TlKit *kit;
    const TlPerson *person;
} Paint;

static void limb(const Paint *paint, const double a[2], double ra, const double b[2], double rb, uint32_t colour,
                 double light)
{
    TlRaster *raster = &paint->canvas->raster;
    double s = paint->scale * paint->person->bulk, least = 0.35;
    double wide_a = fmax(ra * s, least), wide_b = fmax(rb * s, least);
    if (wide_a < 1.6) { // too thin for form
        tl_raster_capsule(raster, a, wide_a, b, wide_b);
        tl_sprite_fill(paint->canvas, tl_colour_shade(colour, light * paint->light * 0.93), 1);
        return;
    }
    tl_raster_capsule(raster, a, wide_a, b, wide_b);
    tl_sprite_fill(paint->canvas, tl_colour_shade(colour, light * paint->light * 0.78), 1);
    int bands = wide_a > 8 ? 5 : 1; // from the dark rim to the lit side
    for (int i = 1; i <= bands; i++) {
        double off = 0.22 * i / bands, part = 1 - 0.24 * i / bands, share = 0.78 + 0.22 * i / bands;
        const double la[2] = {a[0] - wide_a * off, a[1] - wide_a * off * 0.5};
        const double lb[2] = {b[0] - wide_b * off, b[1] - wide_b * off * 0.5};
        tl_raster_capsule(raster, la, wide_a * part, lb, wide_b * part);
        tl_sprite_fill(paint->canvas, tl_colour_shade(colour, light * paint->light * share), 0.85);
    }
}

static void between(const double a[2], const double b[2], double t, double out[2])
{
    out[0] = a[0] + (b[0] - a[0]) * t;
    out[1] = a[1] + (b[1] - a[1]) * t;
}

static void draw_leg(const Paint *paint, int side, double light)
{
    const double *hip = paint->px[TL_JOINT_HIP + side], *knee = paint->px[TL_JOINT_KNEE + side];
    const double *ankle = paint->px[TL_JOINT_ANKLE + side], *toe = paint->px[TL_JOINT_TOE + side];
    double sock[2], hem[2];
    between(knee, ankle, 0.18, sock);
    between(hip, knee, 0.62, hem);
    limb(paint, hip, 0.085, knee, 0.058, paint->person->skin, light * 0.95);
    limb(paint, knee, 0.056, sock, 0.06, paint->person->skin, light * 0.95);
    limb(paint, sock, 0.062, ankle, 0.043, paint->kit->socks, light);
    limb(paint, ankle, 0.048, toe, 0.038, paint->person->boots, light);
    limb(paint, hip, 0.11, hem, 0.102, paint->kit->shorts, light);
}

static void draw_arm(const Paint *paint, int side, double light, int gloves)
{
    const double *shoulder = paint->px[TL_JOINT_SHOULDER + side], *elbow = paint->px[TL_JOINT_ELBOW + side];
    const double *hand = paint->px[TL_JOINT_HAND + side];
    double cuff[2];
    between(shoulder, elbow, 0.75, cuff);
    limb(paint, elbow, 0.042, hand, 0.036, gloves ? paint->kit->sleeve : paint->person->skin, light * 0.95);
    limb(paint, hand, gloves ? 0.06 : 0.042, hand, gloves ? 0.06 : 0.042,
         gloves ? paint->kit->number : paint->person->skin, light);
    limb(paint, cuff, 0.045, elbow, 0.043, gloves ? paint->kit->sleeve : paint->person->skin, light * 0.95);
    limb(paint, shoulder, 0.068, cuff, 0.06, paint->kit->sleeve, light);
}

// A band of the trunk: u across -1..1, v from the waist 0 to the neck 1.
static void trunk_point(const Paint *paint, double u, double v, double out[2])
{
    // widths up the trunk seen from the front: hips, waist, ribs, chest, shoulders, their slope, neck
    static const double half[7] = {0.152, 0.140, 0.150, 0.172, 0.188, 0.176, 0.085};
    double at = tl_clamp(v, 0, 1) * 6;
    int i = at >= 6 ? 5 : (int)at;
    double front = half[i] + (half[i + 1] - half[i]) * (at - i), deep = v > 0.85 ? 0.115 * (1 - (v - 0.85) * 3) : 0.115;
    double width = sqrt(front * front * paint->side * paint->side + deep * deep * (1 - paint->side * paint->side));
    between(paint->px[TL_JOINT_PELVIS], paint->px[TL_JOINT_NECK], v * 1.02 - 0.08, out);
    out[0] += u * width * paint->scale * paint->person->bulk;
}

static void trunk_band(const Paint *paint, double u0, double u1, double v0, double v1, uint32_t colour, double strength)
{
    enum { STEPS = 12 };
    double corner[2 * (STEPS + 1)][2];
    for (int i = 0; i <= STEPS; i++) {
        double v = v0 + (v1 - v0) * i / STEPS;
        trunk_point(paint, u0, v, corner[i]);
        trunk_point(paint, u1, v, corner[2 * STEPS + 1 - i]);
    }
    tl_raster_polygon(&paint->canvas->raster, (const double(*)[2])corner, 2 * (STEPS + 1));
    tl_sprite_fill(paint->canvas, tl_colour_shade(colour, paint->light), strength);
}

static void draw_pattern(const Paint *paint)
{
    const TlKit *kit = paint->kit;
    switch (kit->pattern) {
    case TL_PATTERN_STRIPES:
        for (int i = 0; i < 3; i++)
            trunk_band(paint, -0.78 + i * 0.6, -0.42 + i * 0.6, 0, 0.97, kit->second, 1);
        break;
    case TL_PATTERN_HOOPS:
        for (int i = 0; i < 3; i++)
            trunk_band(paint, -1, 1, 0.12 + i * 0.3, 0.27 + i * 0.3, kit->second, 1);
        break;
    case TL_PATTERN_HALVES:
        trunk_band(paint, paint->facing > 0 ? 0 : -1, paint->facing > 0 ? 1 : 0, 0, 0.98, kit->second, 1);
        break;
    case TL_PATTERN_SASH: {
        double corner[4][2];
        trunk_point(paint, -0.9, 0.95, corner[0]);
        trunk_point(paint, -0.3, 0.98, corner[1]);
        trunk_point(paint, 0.95, 0.1, corner[2]);
        trunk_point(paint, 0.4, 0.02, corner[3]);
        tl_raster_polygon(&paint->canvas->raster, (const double(*)[2])corner, 4);
        tl_sprite_fill(paint->canvas, tl_colour_shade(kit->second, paint->light), 1);
        break;
    }
    default:
        break;
    }
}

static void draw_trunk(const Paint *paint, int with_number)
{
    double hip[2], other[2];
    between(paint->px[TL_JOINT_HIP], paint->px[TL_JOINT_PELVIS], 0.4, hip);
    between(paint->px[TL_JOINT_HIP + 1], paint->px[TL_JOINT_PELVIS], 0.4, other);
    limb(paint, hip, 0.115, other, 0.115, paint->kit->shorts, 0.97);
    limb(paint, paint->px[TL_JOINT_NECK], 0.06, paint->px[TL_JOINT_HEAD], 0.05, paint->person->skin, 0.85);
    trunk_band(paint, -1, 1, 0, 1, paint->kit->shirt, 1);
    draw_pattern(paint);
    if (paint->scale > 9) { // the side away from the light
        int bands = paint->scale > 60 ? 6 : 2;
        for (int i = 0; i < bands; i++)
            trunk_band(paint, 0.1 + 0.8 * i / bands, 1, 0, 1, tl_colour(10, 12, 20), 0.34 / bands);
        trunk_band(paint, -1, 1, 0, 0.2, tl_colour(10, 12, 20), 0.08);
    }
    if (with_number && paint->facing < -0.2 && paint->scale > 17) {
        char text[3] = {(char)('0' + paint->person->number / 10), (char)('0' + paint->person->number % 10), 0};
        const char *shown = text[0] == '0' ? text + 1 : text;
        double middle[2], height = 0.21 * paint->scale, width = tl_text_width(shown, height);
        trunk_point(paint, 0, 0.78, middle);
        tl_text_raster(&paint->canvas->raster, shown, middle[0] - width * 0.5, middle[1], height, height * 0.2);
        tl_sprite_fill(paint->canvas, tl_colour_shade(paint->kit->number, paint->light), 0.9);
    }
}

static void draw_head(const Paint *paint, const double ahead_px[2])
{
    const double *head = paint->px[TL_JOINT_HEAD];
    double r = HEAD_M * paint->scale;
    const double hair[2] = {head[0] - ahead_px[0] * 0.02, head[1] - r * 0.22};
    const double face[2] = {head[0] + ahead_px[0] * 0.05, head[1] + ahead_px[1] * 0.05 + r * 0.16};
    const double chin[2] = {face[0], face[1] + r * 0.25};
    tl_raster_capsule(&paint->canvas->raster, hair, r, head, r * 0.92);
    tl_sprite_fill(paint->canvas, tl_colour_shade(paint->person->hair, paint->light), 1);
    if (paint->facing > -0.55) {
        tl_raster_capsule(&paint->canvas->raster, face, r * 0.76, chin, r * 0.66);
        tl_sprite_fill(paint->canvas, tl_colour_shade(paint->person->skin, paint->light), 1);
    } else { // the neck below the hair
        tl_raster_capsule(&paint->canvas->raster, chin, r * 0.5, chin, r * 0.5);
        tl_sprite_fill(paint->canvas, tl_colour_shade(paint->person->skin, paint->light * 0.85), 1);
    }
}

static int project_figure(const TlFigure *figure, const TlSkeleton *skeleton, const TlLight *light, const TlView *view,
                          Paint *paint, double box[4])
{
    const double foot[3] = {figure->at[0], figure->at[1], 0.9};
    box[0] = box[1] = 1e9, box[2] = box[3] = -1e9;
    paint->scale = tl_view_scale(view, foot);
    for (int i = 0; i < TL_JOINT_COUNT; i++) {
        if (!tl_view_project(view, skeleton->joint[i], paint->px[i], &paint->depth[i]))
            return 0;
        box[0] = fmin(box[0], paint->px[i][0]), box[2] = fmax(box[2], paint->px[i][0]);
        box[1] = fmin(box[1], paint->px[i][1]), box[3] = fmax(box[3], paint->px[i][1]);
    }
    double reach = 0.2 * paint->scale + 3;
    box[0] -= reach, box[1] -= reach, box[2] += reach, box[3] += reach;
    double c = tl_cos(figure->heading), s = tl_sin(figure->heading);
    double to_x = view->place[0] - figure->at[0], to_y = view->place[1] - figure->at[1];
    double far = sqrt(to_x * to_x + to_y * to_y);
    paint->facing = far > 0 ? (c * to_x + s * to_y) / far : 1;
    paint->side = fabs(paint->facing);
    paint->kit = figure->kit;
    paint->person = figure->person;
    paint->light = tl_light_at(light, figure->at[0], figure->at[1]) * light->exposure * (paint->facing > 0 ? 1 : 0.96);
    return box[2] > -200 && box[0] < view->width + 200 && box[3] > -200 && box[1] < view->height + 200;
}

void tl_figure_draw(const TlFigure *figure, const TlSkeleton *skeleton, const TlLight *light, const TlView *view,
                    const TlView *before, double exposure_s, int owner, TlCanvas *canvas, TlSpriteStat *stat)
{
    Paint paint = {.canvas = canvas};
    double box[4], now[2], then[2], blur[2] = {0, 0};
    if (stat)
        memset(stat, 0, sizeof(*stat));
    if (!project_figure(figure, skeleton, light, view, &paint, box))
        return;
    const double waist[3] = {figure->at[0], figure->at[1], 1};
    const double was[3] = {figure->at[0] - figure->speed[0] * exposure_s, figure->at[1] - figure->speed[1] * exposure_s,
                           1};
    if (tl_view_project(view, waist, now, NULL) && tl_view_project(before, was, then, NULL)) {
        blur[0] = now[0] - then[0];
        blur[1] = now[1] - then[1];
    }
    double margin_x = fabs(blur[0]) * 0.5, margin_y = fabs(blur[1]) * 0.5;
    tl_sprite_begin(canvas, box[0] - margin_x, box[1] - margin_y, box[2] + margin_x, box[3] + margin_y);
    double c = tl_cos(figure->heading), s = tl_sin(figure->heading);
    const double ahead_px[2] = {(c * view->right[0] + s * view->right[1]) * paint.scale,
                                -(c * view->up[0] + s * view->up[1]) * paint.scale};
    int far_leg = paint.depth[TL_JOINT_HIP] > paint.depth[TL_JOINT_HIP + 1] ? 0 : 1;
    int far_arm = paint.depth[TL_JOINT_SHOULDER] > paint.depth[TL_JOINT_SHOULDER + 1] ? 0 : 1;
    int gloves = figure->pose == TL_POSE_KEEPER;
    draw_arm(&paint, far_arm, 0.85, gloves);
    draw_leg(&paint, far_leg, 0.86);
    draw_leg(&paint, !far_leg, 1);
    draw_trunk(&paint, figure->pose == TL_POSE_RUN);
    draw_head(&paint, ahead_px);
    draw_arm(&paint, !far_arm, 1, gloves);
    if (figure->pose == TL_POSE_FLAG) {
        const double *hand = paint.px[TL_JOINT_HAND + 1];
        const double tip[2] = {hand[0] + 0.08 * paint.scale, hand[1] + 0.55 * paint.scale};
        const double cloth[3][2] = {{hand[0] + 0.02 * paint.scale, hand[1] + 0.14 * paint.scale},
                                    {tip[0], tip[1]},
                                    {tip[0] + 0.3 * paint.scale, tip[1] - 0.2 * paint.scale}};
        tl_raster_polygon(&canvas->raster, cloth, 3);
        tl_sprite_fill(canvas, tl_colour_shade(tl_colour(240, 90, 30), paint.light), 1);
    }
    tl_sprite_blur(canvas, blur[0], blur[1]);
    tl_sprite_put(canvas, (uint8_t)owner, stat);
}
