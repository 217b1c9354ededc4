// Single pictures: the stages in a row, on the caller's thread, without a track before or a frame after.
//
// In: an image file. Out: a record of its objects, points and homography. The kits of the picture stand in for what a
// clip would teach about who is a goalkeeper or a referee.
#include <math.h>
#include <string.h>

#include "fill/belong.h"
#include "media/images.h"
#include "pipe/session_internal.h"
#include "track/kits.h"

// Where people stand and the ball is, in metres.
static void place_objects(const TlPitchView *view, TlRecord *record)
{
    for (int i = 0; i < record->object_count; i++) {
        TlObject *o = &record->objects[i];
        double x, y, gx, gy;
        tl_ground_pixel(o->bbox, o->class_id, &x, &y);
        if (tl_view_ground(view, x, y, &gx, &gy) || !isfinite((float)gx) || !isfinite((float)gy))
            continue;
        o->pitch[0] = (float)gx;
        o->pitch[1] = (float)gy;
        o->has_pitch = 1;
    }
}

// Scores by place. The order stays by score, and what then misses its threshold goes.
static void doubt_places(const TlSession *s, TlRecord *record)
{
    int count = 0;
    for (int i = 0; i < record->object_count; i++) {
        TlObject o = record->objects[i];
        float share = tl_belong_share(&s->pitch_model, &s->fit.view, o.bbox, o.class_id);
        o.score *= share;
        if (share < 1 && o.score < s->player_post.threshold[o.class_id])
            continue;
        int at = count++;
        for (; at > 0 && record->objects[at - 1].score < o.score; at--)
            record->objects[at] = record->objects[at - 1];
        record->objects[at] = o;
    }
    record->object_count = count;
}

// One picture through one network up to where its answer can be taken.
static int feed(TlSession *s, TlNetwork *network, const TlPicture *picture, TlTicket *ticket, TlDiag *diag)
{
    int ret = tl_network_begin(network, picture->width, picture->height, s->options.cpumask, &s->cancel, diag);
    if (ret == TL_OK)
        ret = tl_network_put(network, picture, ticket, diag);
    return ret == TL_OK ? tl_network_flush(network, diag) : ret;
}

static int fit_pitch(TlSession *s, const TlPicture *picture, TlRecord *record, TlDiag *diag)
{
    TlPitchFitParams params = {.width = picture->width, .height = picture->height, .picture = picture};
    TlTicket ticket = {0};
    int ret = feed(s, s->pitch, picture, &ticket, diag);
    if (ret < 0 || (ret = tl_network_points(s->pitch, ticket, &s->pitch_post, s->points, diag)) < 0)
        return ret;
    tl_pitch_fit(&s->pitch_model, s->points, &params, &s->fit);
    memcpy(record->points, s->points, sizeof record->points);
    if (s->fit.valid) {
        record->has_homography = 1;
        memcpy(record->homography, s->fit.homography, sizeof record->homography);
        tl_view_to_record(&s->fit.view, record);
        tl_pitch_project_view(&s->pitch_model, &s->fit.view, s->points, record->points);
    }
    return TL_OK;
}

static int detect_frame(TlSession *s, const TlFrame *frame, TlRecord *record, TlDiag *diag)
{
    const TlPicture *picture = &frame->picture;
    TlTicket ticket = {0};
    s->fit.valid = 0;
    int ret = s->pitch ? fit_pitch(s, picture, record, diag) : TL_OK;
    if (ret == TL_OK)
        ret = feed(s, s->player, picture, &ticket, diag);
    if (ret == TL_OK)
        ret =
            tl_network_detections(s->player, ticket, &s->player_post, s->pitch && !s->fit.valid, &s->detections, diag);
    if (ret < 0)
        return ret;
    tl_kits_correct(&s->detections, s->player_post.per_class);
    for (int i = 0; i < s->detections.count && i < TL_OBJECT_MAX; i++) {
        const TlDetection *d = &s->detections.item[i];
        TlObject *o = &record->objects[record->object_count++];
        *o = (TlObject){.id = -1, .class_id = d->class_id, .score = d->score};
        memcpy(o->bbox, d->bbox, sizeof o->bbox);
    }
    if (s->fit.valid) {
        place_objects(&s->fit.view, record);
        doubt_places(s, record);
    }
    return TL_OK;
}

int tl_session_detect(TlSession *s, const char *path, TlRecord *record, int *width, int *height, TlDiag *diag)
{
    tl_session_end_clip(s);
    tl_session_reset_clip(s);
    memset(record, 0, sizeof *record);
    TlReaderParams params = {.input = path, .threads = 1, .end = 1, .cancel = &s->cancel};
    TlFrame *frame = NULL;
    int ret = tl_reader_open(&s->reader, &params, diag);
    if (ret == TL_OK)
        ret = tl_reader_next(s->reader, &frame, diag);
    if (ret == TL_OK) {
        *width = frame->picture.width;
        *height = frame->picture.height;
        ret = detect_frame(s, frame, record, diag);
    } else if (ret == TL_EOF) {
        ret = tl_fail(diag, TL_EEMPTY, "'%s' holds no picture", path);
    }
    tl_frame_unref(&frame);
    tl_reader_close(&s->reader);
    return ret;
}

int tl_list_pictures(const char *folder, int (*take)(void *opaque, const char *path, TlDiag *diag), void *opaque,
                     TlDiag *diag)
{
    TlImageList images;
    int ret = tl_image_list_init(&images, folder, diag);
    if (ret < 0)
        return ret;
    for (size_t i = 0; i < images.count && ret >= 0; i++)
        ret = take(opaque, images.paths[i], diag);
    tl_image_list_deinit(&images);
    return ret;
}
