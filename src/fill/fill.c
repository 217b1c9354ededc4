// Filling: key frames in, a record of every frame out.
//
// A frame waits in a window until everything that may still change its answer has arrived: the next sighting of each
// track, the votes on its class, the fits after it, a cut. Boxes come from chain.c, the camera from path.c; here they
// are put together: only confirmed tracks, one ball, nobody who stands off the pitch, small ids in order of appearance.
#include "fill/fill.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "fill/belong.h"
#include "fill/chain.h"
#include "fill/feet.h"
#include "fill/graphics.h"
#include "fill/path.h"
#include "fill/sides.h"

enum { FACE_COUNT = 1 << 14, BOX_MAX = 512, WINDOW_MIN = 2, WINDOW_MAX = 600 };

#define MARGIN_M     8.0  // pitch coordinates are given this far outside
#define PAN_SPEED    0.03 // picture widths per second
#define BALL_REACH_S 0.5  // around a frame: of two balls the one that is seen more is the ball
#define SETTLE_S     0.3  // after that the camera of a frame is known to a few pixels
#define DOUBLE_IOU   0.75 // an interpolated box that lies so much on a detected one is the same person

typedef struct TlSlot {
    int64_t frame;
    double time_s;
    int32_t shot;
    uint8_t player_key;
} TlSlot;

// What is known of a track over its life.
typedef struct Face {
    int32_t id, shown;
    float best_score;
    TlBelonging belonging;
    int keeper_of; ///< team whose goal he was seen to keep
    TlStill still;
} Face;

struct TlFill {
    TlFillParams params;
    TlPitchModel pitch;
    TlSlot *slot; // ring of waiting frames
    int capacity, first, count;
    int finished;
    int32_t shot, next_shown, ball_shown, ball_shot;
    TlChain chain;
    TlPath path;
    TlGraphics graphics;
    TlSides sides;
    int64_t last_key; ///< frame of the last key frame
    Face face[FACE_COUNT];
    TlChainBox box[BOX_MAX];
};

// --- creation

TlFill *tl_fill_create(const TlFillParams *params)
{
    TlFill *f = tl_calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    if (params)
        f->params = *params;
    TlFillParams *p = &f->params;
    p->width = p->width > 0 ? p->width : 1920;
    p->height = p->height > 0 ? p->height : 1080;
    p->fps = isfinite(p->fps) && p->fps > 0 ? fmin(fmax(p->fps, 1), 1000) : 25;
    p->window_s = isfinite(p->window_s) && p->window_s > 0 ? p->window_s : 1.2;
    p->max_objects = p->max_objects > 0 && p->max_objects < TL_OBJECT_MAX ? p->max_objects : TL_OBJECT_MAX;
    if (p->pitch)
        f->pitch = *p->pitch;
    else
        tl_pitch_model_init(&f->pitch, 0, 0);
    f->capacity = (int)fmin(fmax(ceil(p->window_s * p->fps), WINDOW_MIN), WINDOW_MAX);
    int gap = p->gap_frames > 0 ? p->gap_frames : (int)lround(p->fps);
    gap = gap < f->capacity ? gap : f->capacity - 1;
    int hold = (int)fmax(lround(0.2 * p->fps), 4);
    f->slot = tl_calloc((size_t)f->capacity, sizeof(TlSlot));
    int keys = 2 * f->capacity + 8, failed = !f->slot;
    failed |= tl_chain_init(&f->chain, keys, p->fps, gap, hold) < 0;
    failed |= tl_path_init(&f->path, keys) < 0;
    f->path.width = p->width;
    f->path.height = p->height;
    f->path.fps = p->fps;
    f->path.gap_frames = gap;
    f->path.hold_frames = hold;
    if (failed)
        tl_fill_destroy(&f);
    else
        tl_fill_reset(f);
    return f;
}

void tl_fill_destroy(TlFill **fill)
{
    if (!fill || !*fill)
        return;
    tl_free(&(*fill)->slot);
    tl_chain_deinit(&(*fill)->chain);
    tl_path_deinit(&(*fill)->path);
    tl_free(fill);
}

void tl_fill_reset(TlFill *f)
{
    f->first = f->count = f->finished = 0;
    f->shot = 0;
    f->next_shown = 1;
    f->ball_shown = 0;
    f->ball_shot = -1;
    f->graphics = (TlGraphics){0};
    f->sides = (TlSides){0};
    f->last_key = 0;
    memset(f->face, 0, sizeof f->face);
    tl_chain_reset(&f->chain);
    tl_path_reset(&f->path);
}

// --- in

static Face *face_of(TlFill *f, int32_t id)
{
    Face *face = &f->face[(uint32_t)id % FACE_COUNT];
    if (face->id != id)
        *face = (Face){.id = id};
    return face;
}

static void watch_graphics(TlFill *f)
{
    const TlKeyFrame *key = tl_chain_key(&f->chain, f->chain.end - 1);
    double dx = (key->scale - 1) * 0.5 * f->params.width + key->tx;
    double dy = (key->scale - 1) * 0.5 * f->params.height + key->ty;
    double seconds = (double)(key->frame - f->last_key) / f->params.fps;
    // Slower than that it may be the drift of the estimate and not the camera.
    if (hypot(dx, dy) > PAN_SPEED * f->params.width * seconds)
        tl_graphics_move(&f->graphics, dx, dy);
    f->last_key = key->frame;
    for (int i = 0; i < key->count; i++)
        tl_graphics_watch(&f->graphics, &face_of(f, key->item[i].seen.id)->still, key->item[i].seen.bbox, key->frame);
}

int tl_fill_push(TlFill *f, const TlFillInput *input)
{
    if (f->count == f->capacity)
        return TL_ELIMIT;
    f->shot += input->cut != 0;
    f->chain.is_blind |= input->blind;
    f->path.is_blind |= input->blind;
    TlSlot *slot = &f->slot[(f->first + f->count++) % f->capacity];
    *slot = (TlSlot){.frame = input->frame, .time_s = input->time_s, .shot = f->shot};
    slot->player_key = input->player_key && input->tracked;
    if (slot->player_key) {
        tl_chain_push(&f->chain, input->frame, f->shot, input->tracked);
        for (int i = 0; i < input->tracked->count && i < TL_OBJECT_MAX; i++) {
            Face *face = face_of(f, input->tracked->item[i].id);
            face->best_score = fmaxf(face->best_score, input->tracked->item[i].score);
        }
        watch_graphics(f);
    }
    if (input->pitch_key)
        tl_path_push(&f->path, input->frame, f->shot, input->fit, input->points);
    return TL_OK;
}

void tl_fill_finish(TlFill *f)
{
    f->finished = 1;
}

// --- who stands where

static int class_of(const TlFill *f, int32_t id, int class_id)
{
    return f->params.tracker ? tl_tracker_class(f->params.tracker, id) : class_id;
}

// What a sighting tells of the sides: where a team plays, or whose goal this is.
static void judge_side(TlFill *f, const TlPitchView *view, const TlTracked *t, Face *face)
{
    double x, y, gx, gy;
    int class_id = class_of(f, t->id, t->class_id);
    if (!f->params.tracker || (class_id != TL_CLASS_PLAYER && class_id != TL_CLASS_GOALKEEPER))
        return;
    tl_ground_pixel(t->bbox, class_id, &x, &y);
    if (tl_stands(view, x, y, &gx, &gy))
        return;
    if (class_id == TL_CLASS_PLAYER)
        tl_sides_add(&f->sides, tl_tracker_team(f->params.tracker, t->id), gx);
    else if (!face->keeper_of)
        face->keeper_of = tl_sides_keeper(&f->sides, gx, f->pitch.length_m);
}

// Counts for every sighting of a key frame whether it is on the pitch.
static void judge_key(TlFill *f, TlKeyFrame *key)
{
    TlPitchView view;
    key->judged = 1;
    if (tl_path_view(&f->path, key->frame, key->shot, &view) < 0)
        return;
    for (int i = 0; i < key->count; i++) {
        const TlTracked *t = &key->item[i].seen;
        Face *face = face_of(f, t->id);
        if (tl_belong_add(&face->belonging, &f->pitch, &view, t, key->frame, f->params.fps))
            judge_side(f, &view, t, face);
    }
    tl_sides_step(&f->sides, key->frame, f->params.fps);
}

// Key frames whose camera is settled are judged once, ahead of the frame that is being answered.
static void judge_ahead(TlFill *f, const TlSlot *slot)
{
    int64_t newest = f->slot[(f->first + f->count - 1) % f->capacity].frame;
    int64_t settled = newest - (int64_t)(SETTLE_S * f->params.fps);
    for (int64_t n = f->chain.first; n < f->chain.end; n++) {
        TlKeyFrame *key = tl_chain_key(&f->chain, n);
        if (!key->judged && (f->finished || key->shot < f->shot || key->frame <= settled || key->frame <= slot->frame))
            judge_key(f, key);
    }
}

static void stand(TlFill *f, TlKeyFrame *key)
{
    TlPitchView view;
    int is_known = tl_path_view(&f->path, key->frame, key->shot, &view) == 0;
    tl_feet_stand(key, is_known ? &view : NULL);
    key->placed = 1;
    key->placed_by = f->path.reversals;
}

// Puts the boxes of all key frames on the pitch that move the places of this frame: when they first do, again when
// fits have turned out wrong, and on their own frame, when all fits are there that its camera needs.
static void place_around(TlFill *f, const TlSlot *slot)
{
    int64_t reach = (int64_t)ceil(TL_FEET_REACH_S * f->params.fps);
    for (int64_t n = f->chain.first; n < f->chain.end; n++) {
        TlKeyFrame *key = tl_chain_key(&f->chain, n);
        if (key->shot == slot->shot && key->frame >= slot->frame - reach && key->frame <= slot->frame + reach &&
            (!key->placed || key->placed_by != f->path.reversals || key->frame == slot->frame))
            stand(f, key);
    }
}

// --- out

static int is_shown(TlFill *f, const TlChainBox *box, Face *face, int class_id, int64_t frame)
{
    int confirmed = f->params.tracker ? tl_tracker_confirmed(f->params.tracker, box->id) : box->confirmed;
    if (!confirmed || face->best_score < f->params.min_score[class_id] ||
        tl_graphics_is(&f->graphics, &face->still, frame, f->params.fps))
        return 0;
    return tl_belong_is_shown(&face->belonging, class_id, f->params.fps);
}

// Cuts a box to the picture. 0 when too little is left of it.
static int cut_box(const TlFill *f, const double in[4], int filled, float out[4])
{
    double w = f->params.width, h = f->params.height, area = (in[2] - in[0]) * (in[3] - in[1]);
    double x1 = fmin(fmax(in[0], 0), w), y1 = fmin(fmax(in[1], 0), h);
    double x2 = fmin(fmax(in[2], 0), w), y2 = fmin(fmax(in[3], 0), h);
    if (!(x2 - x1 >= 1 && y2 - y1 >= 1) || (filled && (x2 - x1) * (y2 - y1) < 0.4 * area))
        return 0;
    out[0] = (float)x1;
    out[1] = (float)y1;
    out[2] = (float)x2;
    out[3] = (float)y2;
    return 1;
}

// How often a track was seen on the key frames around a frame of the same shot.
static int sightings(TlFill *f, const TlSlot *slot, int32_t id)
{
    int64_t reach = (int64_t)ceil(BALL_REACH_S * f->params.fps);
    int count = 0;
    for (int64_t n = f->chain.first; n < f->chain.end; n++) {
        const TlKeyFrame *key = tl_chain_key(&f->chain, n);
        if (key->shot != slot->shot || key->frame < slot->frame - reach || key->frame > slot->frame + reach)
            continue;
        for (int i = 0; i < key->count; i++)
            count += key->item[i].seen.id == id;
    }
    return count;
}

// Keeps one ball: of two paths the one that is seen more around this frame, so that what is taken for the ball while
// that is hidden for a moment does not take its place. Then a detected one before a filled one, then the surer one.
static void keep_one_ball(TlFill *f, const TlSlot *slot, TlRecord *record)
{
    int best = -1, kept = 0, most = 0;
    for (int i = 0; i < record->object_count; i++) {
        const TlObject *o = &record->objects[i], *b = best < 0 ? NULL : &record->objects[best];
        if (o->class_id != TL_CLASS_BALL)
            continue;
        int seen = sightings(f, slot, o->id);
        if (!b || seen > most ||
            (seen == most && (o->filled < b->filled || (o->filled == b->filled && o->score > b->score)))) {
            best = i;
            most = seen;
        }
    }
    for (int i = 0; i < record->object_count; i++)
        if (record->objects[i].class_id != TL_CLASS_BALL || i == best)
            record->objects[kept++] = record->objects[i];
    record->object_count = kept;
}

// A filled box that lies on a detected one is a track that lost its player to another.
static void drop_doubles(TlRecord *record)
{
    int kept = 0;
    for (int i = 0; i < record->object_count; i++) {
        const TlObject *o = &record->objects[i];
        int twice = 0;
        for (int k = 0; k < record->object_count && o->filled && o->class_id != TL_CLASS_BALL && !twice; k++)
            twice = k != i && !record->objects[k].filled && record->objects[k].class_id != TL_CLASS_BALL &&
                    tl_iou(o->bbox, record->objects[k].bbox) > (float)DOUBLE_IOU;
        if (!twice)
            record->objects[kept++] = *o;
    }
    record->object_count = kept;
}

// The surest max_objects stay, the ball always.
static void keep_best(const TlFill *f, TlRecord *record)
{
    while (record->object_count > f->params.max_objects) {
        int worst = 0;
        for (int i = 1; i < record->object_count; i++) {
            const TlObject *o = &record->objects[i], *w = &record->objects[worst];
            if (w->class_id == TL_CLASS_BALL || (o->class_id != TL_CLASS_BALL && o->score <= w->score))
                worst = i;
        }
        record->objects[worst] = record->objects[--record->object_count];
    }
}

// Ids as the reader sees them: in order of appearance, one for the ball of a shot.
static int32_t shown_id(TlFill *f, int32_t id, int class_id, int32_t shot)
{
    if (class_id == TL_CLASS_BALL) {
        if (f->ball_shot != shot)
            f->ball_shown = f->next_shown++;
        f->ball_shot = shot;
        return f->ball_shown;
    }
    Face *face = face_of(f, id);
    if (!face->shown)
        face->shown = f->next_shown++;
    return face->shown;
}

static void sort_by_id(TlRecord *record)
{
    for (int i = 1; i < record->object_count; i++) {
        TlObject o = record->objects[i];
        int k = i;
        for (; k > 0 && record->objects[k - 1].id > o.id; k--)
            record->objects[k] = record->objects[k - 1];
        record->objects[k] = o;
    }
}

static void set_place(const TlFill *f, TlObject *o, double x, double y)
{
    if (tl_pitch_outside_m(&f->pitch, x, y) > MARGIN_M)
        return;
    o->pitch[0] = (float)x;
    o->pitch[1] = (float)y;
    o->has_pitch = 1;
}

// Boxes and camera of such a frame are carried on, and so people stand where these two say.
static int is_carried_on(const TlFill *f, const TlSlot *slot)
{
    return f->chain.is_blind && slot->frame > f->last_key;
}

// While no pitch was seen nobody knows who stands on it: a bench or the boards beside it would be a team.
static int team_of(TlFill *f, int32_t id, int class_id)
{
    if (!f->sides.has_seen)
        return 0;
    if (class_id == TL_CLASS_GOALKEEPER)
        return face_of(f, id)->keeper_of;
    return class_id == TL_CLASS_PLAYER && f->params.tracker ? tl_tracker_team(f->params.tracker, id) : 0;
}

static void tracked_objects(TlFill *f, const TlSlot *slot, TlRecord *record)
{
    int count = tl_chain_boxes(&f->chain, slot->frame, slot->shot, f->box, BOX_MAX);
    for (int i = 0; i < count && record->object_count < TL_OBJECT_MAX; i++) {
        const TlChainBox *box = &f->box[i];
        int class_id = class_of(f, box->id, box->class_id);
        if (class_id < 0 || class_id >= TL_CLASS_COUNT || !is_shown(f, box, face_of(f, box->id), class_id, slot->frame))
            continue;
        TlObject *o = &record->objects[record->object_count];
        *o = (TlObject){.id = box->id, .class_id = class_id, .score = box->score, .filled = box->filled};
        o->team = (uint8_t)team_of(f, box->id, class_id);
        // Where the camera is not known, answer_camera() takes the place away again.
        double place[2];
        if (!is_carried_on(f, slot) && tl_feet_place(&f->chain, slot->frame, box, place) == 0)
            set_place(f, o, place[0], place[1]);
        record->object_count += cut_box(f, box->box, box->filled, o->bbox);
    }
    keep_one_ball(f, slot, record);
    drop_doubles(record);
    keep_best(f, record);
    for (int i = 0; i < record->object_count; i++)
        record->objects[i].id = shown_id(f, record->objects[i].id, record->objects[i].class_id, slot->shot);
    sort_by_id(record);
}

// Without tracking: the boxes of key frames as they came, no ids.
static void plain_objects(TlFill *f, const TlSlot *slot, TlRecord *record)
{
    for (int64_t n = f->chain.first; n < f->chain.end; n++) {
        const TlKeyFrame *key = tl_chain_key(&f->chain, n);
        for (int i = 0; key->frame == slot->frame && i < key->count; i++) {
            const TlTracked *t = &key->item[i].seen;
            const double box[4] = {t->bbox[0], t->bbox[1], t->bbox[2], t->bbox[3]};
            TlObject *o = &record->objects[record->object_count];
            if (t->class_id < 0 || t->class_id >= TL_CLASS_COUNT || t->score < f->params.min_score[t->class_id])
                continue;
            *o = (TlObject){.id = -1, .class_id = t->class_id, .score = t->score};
            record->object_count += cut_box(f, box, 0, o->bbox);
        }
    }
    keep_best(f, record);
}

// Without tracking, or where both are carried on: each by the box of the frame.
static void place_on_pitch(const TlFill *f, const TlPitchView *view, TlRecord *record)
{
    for (int i = 0; i < record->object_count; i++) {
        TlObject *o = &record->objects[i];
        double x, y, gx, gy;
        tl_ground_pixel(o->bbox, o->class_id, &x, &y);
        if (tl_stands(view, x, y, &gx, &gy) == 0)
            set_place(f, o, gx, gy);
    }
}

static void answer_camera(TlFill *f, const TlSlot *slot, TlRecord *record)
{
    TlPitchView view;
    TlPoint seen[TL_POINT_COUNT];
    if (tl_path_view(&f->path, slot->frame, slot->shot, &view) < 0 ||
        tl_view_homography(&f->pitch, &view, record->homography) < 0) {
        memset(record->homography, 0, sizeof record->homography);
        for (int i = 0; i < record->object_count; i++)
            record->objects[i].has_pitch = 0;
        return;
    }
    record->has_homography = 1;
    tl_view_to_record(&view, record);
    tl_path_seen(&f->path, slot->frame, slot->shot, &view, seen);
    tl_pitch_project_view(&f->pitch, &view, seen, record->points);
    if (!f->params.tracking || is_carried_on(f, slot))
        place_on_pitch(f, &view, record);
}

// A frame may leave when the window behind it is full, when its shot is over, or when no more frames come.
static int is_ready(const TlFill *f)
{
    return f->finished || f->count == f->capacity || f->slot[f->first].shot < f->shot;
}

int tl_fill_next(TlFill *f, TlRecord *record)
{
    if (f->count == 0)
        return f->finished ? TL_EOF : TL_EAGAIN;
    if (!is_ready(f))
        return TL_EAGAIN;
    const TlSlot *slot = &f->slot[f->first];
    memset(record, 0, sizeof *record);
    record->frame = slot->frame;
    record->time_s = slot->time_s;
    record->filled = !slot->player_key;
    if (f->params.tracking) {
        judge_ahead(f, slot);
        place_around(f, slot);
        tracked_objects(f, slot, record);
    } else {
        plain_objects(f, slot, record);
    }
    answer_camera(f, slot, record);
    record->left_team = (uint8_t)f->sides.left_team;
    f->first = (f->first + 1) % f->capacity;
    f->count--;
    return TL_OK;
}
