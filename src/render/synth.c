// The synthetic match: play, camera and drawing put together, and the truth from the same geometry.
//
// In: TlSynthParams. Out: a 4:2:0 picture and a TlRecord for each frame. A frame is drawn back to front: stands, grass
// and lines, (blur of the moving camera), shadows, then figures, ball and goals by distance, then graphics. Boxes are
// those of the drawn pixels; the owner map of the canvas tells how much of a figure is still seen.
#include <math.h>
#include <string.h>

#include <touchline/render.h>

#include "base/mem.h"
#include "pitch/pitch.h"
#include "render/canvas.h"
#include "render/synth_camera.h"
#include "render/synth_figure.h"
#include "render/synth_ground.h"
#include "render/synth_look.h"
#include "render/synth_match.h"
#include "render/synth_stadium.h"

#define BALL_M     0.11
#define SEEN_SHARE 0.3 // of a figure's pixels must be visible to be in the truth

enum { THING_MAX = TL_AGENT_MAX + 4, EXTRA_MAX = 24 };

// Something to draw, sorted by distance.
typedef struct Thing {
    double depth;
    int index; ///< agent; -1 ball; -2, -3 goals
} Thing;

struct TlSynth {
    TlSynthParams params;
    TlCanvas canvas;
    TlMatch match;
    TlLook look;
    TlGround ground;
    TlStadium stadium;
    TlDirector director;
    TlPitchModel pitch;
    double player[TL_AGENT_MAX][2], player_speed[TL_AGENT_MAX][2]; ///< for the director
    TlSkeleton skeleton[TL_AGENT_MAX];
    TlSpriteStat stat[TL_AGENT_MAX + 1]; ///< the last one is the ball's
    TlFigure extra[EXTRA_MAX];           ///< people who are not in the truth
    TlPerson extra_person[EXTRA_MAX];
    TlKit extra_kit[EXTRA_MAX];
    int extra_count, extra_behind; ///< the first ones stand behind the boards
    int64_t frame, frames;
};

static TlScene scene_of(TlSynth *synth)
{
    for (int i = 0; i < synth->match.agent_count; i++) {
        memcpy(synth->player[i], synth->match.agent[i].at, sizeof(synth->player[i]));
        memcpy(synth->player_speed[i], synth->match.agent[i].speed, sizeof(synth->player_speed[i]));
    }
    return (TlScene){
        .ball = {synth->match.ball[0], synth->match.ball[1]},
        .ball_speed = {synth->match.ball_speed[0], synth->match.ball_speed[1]},
        .player = synth->player,
        .player_speed = synth->player_speed,
        .player_count = synth->match.outfield,
    };
}

// Stewards and photographers behind the boards, staff before the main stand.
static void add_extras(TlSynth *synth)
{
    TlRandom random = tl_random_stream(synth->params.seed, 61);
    const TlLook *look = &synth->look;
    int staff = look->bench * 3, stewards = look->stewards;
    for (int i = 0; i < stewards + staff && i < EXTRA_MAX; i++) {
        TlFigure *figure = &synth->extra[i];
        int behind = i < stewards;
        uint32_t coat = behind ? (tl_random_chance(&random, 0.6) ? tl_colour(235, 190, 30) : tl_colour(40, 44, 60))
                               : tl_colour(30 + tl_random_int(&random, 60), 34, 44);
        synth->extra_person[i] = look->person[tl_random_int(&random, synth->match.agent_count)];
        synth->extra_person[i].number = 0;
        synth->extra_kit[i] =
            (TlKit){coat, coat, coat, tl_colour(30, 32, 40), tl_colour(28, 30, 36), coat, TL_PATTERN_PLAIN};
        figure->person = &synth->extra_person[i];
        figure->kit = &synth->extra_kit[i];
        figure->pose = TL_POSE_STAND;
        figure->at[0] = behind ? tl_random_range(&random, -4, 109) : 52.5 + tl_random_normal(&random) * 16;
        figure->at[1] =
            behind ? -look->board_far_m - tl_random_range(&random, 0.6, 1.6) : tl_random_range(&random, 69.8, 72.5);
        figure->heading = (behind ? 1 : -1) * (TL_PI / 2 + tl_random_normal(&random) * 0.5);
        figure->stride = tl_random_range(&random, 0, 6);
        synth->extra_count++;
        synth->extra_behind += behind;
    }
}

static int check(const TlSynthParams *p, TlDiag *diag)
{
    if (!(p->seconds >= 0 && p->seconds <= 86400))
        return tl_fail(diag, TL_EUSAGE, "length of the synthetic match must be 0 to 86400 seconds");
    if (!(p->fps == 0 || (p->fps >= 1 && p->fps <= 240)))
        return tl_fail(diag, TL_EUSAGE, "frame rate of the synthetic match must be 1 to 240");
    if ((p->width || p->height) && (p->width < 64 || p->height < 64 || p->width > 7680 || p->height > 4320))
        return tl_fail(diag, TL_EUSAGE, "picture of the synthetic match must be 64x64 to 7680x4320 pixels, not %dx%d",
                       p->width, p->height);
    if (p->camera < 0 || p->camera >= TL_CAMERA_COUNT)
        return tl_fail(diag, TL_EUSAGE, "unknown camera of the synthetic match");
    if (p->players < 0 || p->players > 100)
        return tl_fail(diag, TL_EUSAGE, "a synthetic match has 0 to 100 outfield players");
    return TL_OK;
}

int tl_synth_open(TlSynth **out, const TlSynthParams *params, TlDiag *diag)
{
    *out = NULL;
    TlSynthParams p = params ? *params : (TlSynthParams){0};
    int ret = check(&p, diag);
    if (ret < 0)
        return ret;
    p.seconds = p.seconds > 0 ? p.seconds : 10;
    p.fps = p.fps > 0 ? p.fps : 25;
    p.width = p.width ? p.width : 1280;
    p.height = p.height ? p.height : 720;
    p.players = p.players ? p.players : 20;
    TlSynth *synth = tl_calloc(1, sizeof(*synth));
    if (!synth)
        return tl_fail(diag, TL_ENOMEM, "out of memory");
    synth->params = p;
    synth->frames = (int64_t)(p.seconds * p.fps + 0.5);
    synth->frames = synth->frames > 0 ? synth->frames : 1;
    tl_pitch_model_init(&synth->pitch, TL_PITCH_LENGTH_M, TL_PITCH_WIDTH_M);
    tl_look_init(&synth->look, p.seed, NULL);
    tl_match_init(&synth->match, p.seed, p.players, synth->look.assistants);
    tl_look_init(&synth->look, p.seed, &synth->match);
    TlScene scene = scene_of(synth);
    tl_director_init(&synth->director, p.camera, p.seed, p.width, p.height, p.fps, &scene);
    add_extras(synth);
    if (tl_canvas_init(&synth->canvas, p.width, p.height) < 0 ||
        tl_ground_init(&synth->ground, &synth->look, p.seed) < 0 ||
        tl_stadium_init(&synth->stadium, &synth->look, p.seed) < 0) {
        tl_synth_close(&synth);
        return tl_fail(diag, TL_ENOMEM, "out of memory for a synthetic match of %dx%d pixels", p.width, p.height);
    }
    *out = synth;
    return TL_OK;
}

void tl_synth_close(TlSynth **synth)
{
    if (!synth || !*synth)
        return;
    tl_canvas_deinit(&(*synth)->canvas);
    tl_ground_deinit(&(*synth)->ground);
    tl_stadium_deinit(&(*synth)->stadium);
    tl_free(synth);
}

void tl_synth_info(const TlSynth *synth, TlStreamInfo *info)
{
    memset(info, 0, sizeof(*info));
    info->width = synth->params.width;
    info->height = synth->params.height;
    info->fps = synth->params.fps;
    info->frame_count_estimate = synth->frames;
    (void)tl_strcpy(info->source, sizeof(info->source), "synthetic match");
}

static TlFigure figure_of(const TlSynth *synth, int index)
{
    static const int pose[4] = {TL_POSE_RUN, TL_POSE_KEEPER, TL_POSE_STAND, TL_POSE_FLAG};
    const TlAgent *agent = &synth->match.agent[index];
    int kit = agent->role == TL_ROLE_PLAYER ? agent->team : agent->role == TL_ROLE_KEEPER ? 2 + agent->team : 4;
    return (TlFigure){
        .at = {agent->at[0], agent->at[1]},
        .speed = {agent->speed[0], agent->speed[1]},
        .heading = agent->heading,
        .stride = agent->stride,
        .kick = agent->kick,
        .pose = pose[agent->role],
        .person = &synth->look.person[index],
        .kit = &synth->look.kit[kit],
    };
}

static void draw_ball_shadow(TlSynth *synth, const TlView *view)
{
    const TlLight *light = &synth->look.light;
    const double *ball = synth->match.ball;
    double lit = tl_light_at(light, ball[0], ball[1]) >= 0.99 ? 1 : 0.3;
    for (int i = 0; i < light->sources || i == 0; i++) {
        double z = ball[2] + BALL_M, x = ball[0] + (light->sources ? light->shift[i][0] * z : 0);
        double y = ball[1] + (light->sources ? light->shift[i][1] * z : 0), corner[8][3], px[10][2];
        for (int k = 0; k < 8; k++) {
            corner[k][0] = x + BALL_M * 1.1 * tl_cos(k * TL_PI / 4);
            corner[k][1] = y + BALL_M * 1.1 * tl_sin(k * TL_PI / 4);
            corner[k][2] = 0;
        }
        int n = tl_view_polygon(view, (const double(*)[3])corner, 8, px);
        tl_raster_begin(&synth->canvas.raster, 0, 0, synth->canvas.width, synth->canvas.height);
        if (n)
            tl_raster_polygon(&synth->canvas.raster, (const double(*)[2])px, n);
        tl_canvas_darken(&synth->canvas, light->sources ? light->depth[i] * lit : 0.2);
    }
}

static void draw_ball(TlSynth *synth, const TlView *view, const TlView *before, double exposure_s)
{
    const TlMatch *match = &synth->match;
    TlCanvas *canvas = &synth->canvas;
    TlSpriteStat *stat = &synth->stat[TL_AGENT_MAX];
    const double at[3] = {match->ball[0], match->ball[1], match->ball[2] + BALL_M};
    double was[3], px[2], then[2], blur[2] = {0, 0};
    memset(stat, 0, sizeof(*stat));
    for (int k = 0; k < 3; k++)
        was[k] = at[k] - match->ball_speed[k] * exposure_s;
    if (!tl_view_project(view, at, px, NULL))
        return;
    if (tl_view_project(before, was, then, NULL)) {
        blur[0] = px[0] - then[0];
        blur[1] = px[1] - then[1];
    }
    // a white ball shines over its rim on any sensor, and its label holds that rim
    double r = fmax(tl_view_scale(view, at) * BALL_M * 1.15 + 0.25, 1.2), wide = r + 2 + fabs(blur[0]) * 0.5,
           high = r + 2 + fabs(blur[1]) * 0.5;
    double light = tl_light_at(&synth->look.light, at[0], at[1]) * synth->look.light.exposure;
    tl_sprite_begin(canvas, px[0] - wide, px[1] - high, px[0] + wide, px[1] + high);
    tl_raster_capsule(&canvas->raster, px, r, px, r);
    tl_sprite_fill(canvas, tl_colour_shade(tl_colour(190, 192, 196), light), 1);
    const double lit[2] = {px[0] - r * 0.15, px[1] - r * 0.2};
    tl_raster_capsule(&canvas->raster, lit, r * 0.78, lit, r * 0.78);
    tl_sprite_fill(canvas, tl_colour_shade(tl_colour(244, 244, 244), light), 0.9);
    for (int i = 0; i < 5 && r > 1.8; i++) { // dark patches that turn with the ball
        double turn = match->ball_turn + i * 2 * TL_PI / 5, depth = tl_cos(turn);
        const double patch[2] = {px[0] + r * 0.72 * tl_sin(turn), px[1] + r * (i & 1 ? 0.35 : -0.3)};
        if (depth <= 0.1)
            continue;
        tl_raster_capsule(&canvas->raster, patch, r * 0.24 * depth, patch, r * 0.24 * depth);
        tl_sprite_fill(canvas, tl_colour_shade(tl_colour(40, 42, 50), light), 0.75);
    }
    tl_sprite_blur(canvas, blur[0], blur[1]);
    tl_sprite_put(canvas, (uint8_t)(TL_AGENT_MAX + 1), stat);
    if (stat->pixels > 0)
        stat->x0--, stat->y0--, stat->x1++, stat->y1++;
}

static void draw_extras(TlSynth *synth, int from, int to, const TlView *view, const TlView *before, double exposure_s)
{
    for (int i = from; i < to; i++) {
        TlSkeleton skeleton;
        tl_figure_skeleton(&synth->extra[i], &skeleton);
        tl_figure_draw(&synth->extra[i], &skeleton, &synth->look.light, view, before, exposure_s, TL_OWNER_NONE,
                       &synth->canvas, NULL);
    }
}

// Far to near; a stable insertion sort, as the order changes little between frames.
static int sort_things(const TlSynth *synth, const TlView *view, Thing *thing)
{
    int count = 0, agents = synth->match.agent_count;
    for (int i = -3; i < agents; i++) {
        const double goal[3] = {i == -2 ? -1 : 106, 34, 0};
        const double ball[3] = {synth->match.ball[0], synth->match.ball[1], 0};
        const double agent[3] = {i >= 0 ? synth->match.agent[i].at[0] : 0, i >= 0 ? synth->match.agent[i].at[1] : 0, 0};
        double px[2], depth = 0;
        (void)tl_view_project(view, i >= 0 ? agent : i == -1 ? ball : goal, px, &depth);
        int at = count++;
        for (; at > 0 && thing[at - 1].depth < depth; at--)
            thing[at] = thing[at - 1];
        thing[at] = (Thing){depth, i};
    }
    return count;
}

static void draw(TlSynth *synth, double exposure_s, double time_s)
{
    const TlDirector *director = &synth->director;
    const TlView *view = &director->view, *before = &director->before;
    TlCanvas *canvas = &synth->canvas;
    const TlLook *look = &synth->look;
    int close = director->shot == TL_SHOT_CLOSE;
    memset(canvas->owner, TL_OWNER_NONE, (size_t)canvas->width * (size_t)canvas->height);
    int top = tl_stadium_ground_top(&synth->stadium, look, view);
    for (size_t i = 0; i < (size_t)canvas->width * (size_t)canvas->height; i++)
        canvas->pixel[i] = look->roof;
    tl_ground_draw(&synth->ground, look, view, top, canvas);
    tl_stadium_draw_stands(&synth->stadium, look, view, canvas);
    draw_extras(synth, 0, synth->extra_behind, view, before, exposure_s);
    tl_stadium_draw_boards(&synth->stadium, look, view, close, time_s, canvas);
    if (!close)
        tl_stadium_draw_benches(&synth->stadium, look, view, canvas);
    if (close)
        tl_canvas_defocus(canvas, canvas->height / 90);
    const double ahead[3] = {view->place[0] + view->ahead[0] * 50, view->place[1] + view->ahead[1] * 50,
                             view->place[2] + view->ahead[2] * 50};
    double now[2], then[2];
    if (tl_view_project(view, ahead, now, NULL) && tl_view_project(before, ahead, then, NULL))
        tl_canvas_blur(canvas, now[0] - then[0], now[1] - then[1]);
    tl_props_corner_flags(look, view, canvas);
    Thing thing[THING_MAX];
    int count = sort_things(synth, view, thing);
    for (int i = 0; i < synth->match.agent_count; i++) {
        TlFigure figure = figure_of(synth, i);
        tl_figure_skeleton(&figure, &synth->skeleton[i]);
        tl_figure_shadow(&figure, &synth->skeleton[i], &look->light, view, canvas);
    }
    draw_ball_shadow(synth, view);
    for (int i = 0; i < count; i++) {
        int index = thing[i].index;
        if (index == -1) {
            draw_ball(synth, view, before, exposure_s);
        } else if (index < -1) {
            tl_props_goal(look, index == -3, view, canvas);
        } else {
            TlFigure figure = figure_of(synth, index);
            tl_figure_draw(&figure, &synth->skeleton[index], &look->light, view, before, exposure_s, index + 1, canvas,
                           &synth->stat[index]);
        }
    }
    if (!close)
        draw_extras(synth, synth->extra_behind, synth->extra_count, view, before, exposure_s);
    tl_props_score_bug(look, time_s, canvas);
}

static int visible_pixels(const TlCanvas *canvas, const float box[4], int owner)
{
    int seen = 0;
    for (int y = (int)box[1]; y < (int)box[3]; y++)
        for (int x = (int)box[0]; x < (int)box[2]; x++)
            seen += canvas->owner[(size_t)y * (size_t)canvas->width + (size_t)x] == owner;
    return seen;
}

static void add_object(const TlSynth *synth, TlRecord *truth, const TlSpriteStat *stat, int owner, int class_id,
                       int team, const double at[2])
{
    const TlCanvas *canvas = &synth->canvas;
    if (stat->pixels < 1 || truth->object_count >= TL_OBJECT_MAX)
        return;
    TlObject object = {.id = owner, .class_id = class_id, .score = 1, .has_pitch = 1, .team = (uint8_t)team};
    object.bbox[0] = (float)(stat->x0 > 0 ? stat->x0 : 0);
    object.bbox[1] = (float)(stat->y0 > 0 ? stat->y0 : 0);
    object.bbox[2] = (float)(stat->x1 < canvas->width ? stat->x1 : canvas->width);
    object.bbox[3] = (float)(stat->y1 < canvas->height ? stat->y1 : canvas->height);
    if (object.bbox[0] >= object.bbox[2] || object.bbox[1] >= object.bbox[3])
        return;
    if (visible_pixels(canvas, object.bbox, owner) < SEEN_SHARE * stat->pixels)
        return;
    object.pitch[0] = (float)at[0];
    object.pitch[1] = (float)at[1];
    truth->objects[truth->object_count++] = object;
}

static void make_truth(const TlSynth *synth, TlRecord *truth)
{
    static const int class_of[4] = {TL_CLASS_PLAYER, TL_CLASS_GOALKEEPER, TL_CLASS_REFEREE, TL_CLASS_REFEREE};
    const TlView *view = &synth->director.view;
    memset(truth, 0, sizeof(*truth));
    truth->frame = synth->frame;
    truth->time_s = (double)synth->frame / synth->params.fps;
    truth->left_team = 1;
    for (int i = 0; i < synth->match.agent_count; i++) {
        const TlAgent *agent = &synth->match.agent[i];
        int team = agent->role == TL_ROLE_PLAYER || agent->role == TL_ROLE_KEEPER ? agent->team + 1 : 0;
        add_object(synth, truth, &synth->stat[i], i + 1, class_of[agent->role], team, agent->at);
    }
    add_object(synth, truth, &synth->stat[TL_AGENT_MAX], TL_AGENT_MAX + 1, TL_CLASS_BALL, 0, synth->match.ball);
    if (synth->director.shot == TL_SHOT_CLOSE) // the pitch is out of focus and out of view
        return;
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const double point[3] = {synth->pitch.point[i][0], synth->pitch.point[i][1], 0};
        double px[2];
        if (tl_view_project(view, point, px, NULL) && px[0] >= 0 && px[1] >= 0 && px[0] < view->width &&
            px[1] < view->height)
            truth->points[i] = (TlPoint){(float)px[0], (float)px[1], 1};
    }
    static const double origin[3] = {0, 0, 0}, a[3] = {1, 0, 0}, b[3] = {0, 1, 0};
    tl_view_plane(view, origin, a, b, NULL, truth->homography);
    double last = truth->homography[8];
    for (int i = 0; i < 9 && fabs(last) > 1e-12; i++)
        truth->homography[i] /= last;
    truth->has_homography = 1;
}

int tl_synth_next(TlSynth *synth, TlPicture *picture, TlRecord *truth, TlDiag *diag)
{
    (void)diag;
    if (synth->frame >= synth->frames)
        return TL_EOF;
    double exposure_s = synth->look.exposure_share / synth->params.fps;
    exposure_s = exposure_s > 0.02 ? 0.02 : exposure_s;
    if (synth->frame > 0) {
        tl_match_step(&synth->match, 1.0 / synth->params.fps);
        TlScene scene = scene_of(synth);
        tl_director_next(&synth->director, &scene, exposure_s);
    }
    draw(synth, exposure_s, (double)synth->frame / synth->params.fps);
    if (truth)
        make_truth(synth, truth);
    TlPicture done;
    tl_canvas_finish(&synth->canvas, synth->look.softness, synth->look.noise, (uint64_t)synth->frame, &done);
    if (picture)
        *picture = done;
    synth->frame++;
    return TL_OK;
}
