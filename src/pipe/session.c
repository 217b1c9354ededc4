// A session: the one page that wires the stages. See session_internal.h for the threads.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "pipe/session_bytes.h"
#include "pipe/session_internal.h"

enum { RECORD_QUEUE = 32, PUSH_QUEUE = 8, CANCEL_CHECK_MS = 100, ITEMS_MAX = 4096 };
static const double PICTURE_QUEUE_BYTES = 192e6; // pictures that may wait for the networks, whatever their size
// Of a class's threshold: boxes with such scores continue a track (ByteTrack's second stage).
static const float LOW_SCORE_SHARE = 0.7f;

// --- opening the networks

// Makes the folder and the one above it. A cache that cannot be made is no error: it is not used.
static const char *usable_cache_dir(char *path)
{
    char parent[TL_PATH_SIZE];
    if (!path[0])
        return NULL;
    (void)tl_strcpy(parent, sizeof parent, path);
    char *slash = strrchr(parent, '/');
    if (slash && slash > parent) {
        *slash = 0;
        (void)mkdir(parent, 0755);
    }
    (void)mkdir(path, 0755);
    return access(path, W_OK | X_OK) == 0 ? path : NULL;
}

static int open_network(TlSession *s, int want_points, TlNetwork **out, TlDiag *diag)
{
    TlOptions *options = &s->options;
    char path[TL_PATH_SIZE], cache[TL_PATH_SIZE];
    const char *given = want_points ? options->pitch_model : options->player_model;
    int ret = TL_OK;
    if (given[0])
        (void)tl_strcpy(path, sizeof path, given);
    else if ((ret = tl_model_path(want_points ? "pitch.onnx" : "players.onnx", path, sizeof path, diag)) < 0)
        return ret;
    tl_cache_dir(options, cache, sizeof cache);
    TlNetworkParams params = {.model = path,
                              .want_points = want_points,
                              .options = options,
                              .cache_dir = usable_cache_dir(cache),
                              .threads = s->threads};
    if ((ret = tl_network_open(out, &params, diag)) < 0)
        return ret;
    const char *base = strrchr(path, '/');
    char *name = want_points ? s->info.pitch_model : s->info.player_model;
    (void)tl_strcpy(name, sizeof s->info.player_model, base ? base + 1 : path);
    return TL_OK;
}

// Thresholds: the model's own unless the user gave one.
static void choose_thresholds(TlSession *s)
{
    const TlOptions *options = &s->options;
    s->player_post = *tl_network_defaults(s->player);
    s->pitch_post = s->pitch ? *tl_network_defaults(s->pitch) : (TlPostParams){0};
    double conf = options->fast_mode && options->conf_threshold < 0 ? 0.40 : options->conf_threshold;
    int most = options->fast_mode && options->max_detections > 120 ? 120 : options->max_detections;
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        if (conf >= 0)
            s->player_post.threshold[c] = (float)conf;
    if (options->iou_threshold >= 0)
        s->player_post.iou = (float)options->iou_threshold;
    s->player_post.per_class = options->per_class_nms;
    s->player_post.max_detections = most < TL_DETECTION_MAX ? most : TL_DETECTION_MAX;
    s->track_post = s->player_post;
    for (int c = 0; c < TL_CLASS_COUNT; c++) // a user's threshold is the least score of all that is shown
        if (conf < 0 && !options->disable_tracking)
            s->track_post.threshold[c] *= LOW_SCORE_SHARE;
}

int tl_session_open(TlSession **out, const TlOptions *options, TlDiag *diag)
{
    *out = NULL;
    int ret = TL_OK;
    TlSession *s = tl_calloc(1, sizeof *s);
    if (!s)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a session");
    if (options)
        s->options = *options;
    else
        tl_options_default(&s->options);
    s->threads = s->options.threads > 0 ? s->options.threads : tl_cpu_count();
    tl_pitch_model_init(&s->pitch_model, s->options.pitch_length_m, s->options.pitch_width_m);
    if ((ret = open_network(s, 0, &s->player, diag)) < 0)
        goto fail;
    if (!s->options.skip_pitch && (ret = open_network(s, 1, &s->pitch, diag)) < 0)
        goto fail;
    choose_thresholds(s);
    *out = s;
    return TL_OK;
fail:
    tl_session_close(&s);
    return ret;
}

// --- a clip

void tl_session_end_clip(TlSession *s)
{
    atomic_store(&s->cancel, 1);
    if (s->pushed)
        tl_queue_close(s->pushed);
    if (s->items)
        tl_queue_close(s->items);
    if (s->records)
        tl_queue_close(s->records);
    if (s->player)
        tl_network_abort(s->player);
    if (s->pitch)
        tl_network_abort(s->pitch);
    if (s->decode_running)
        pthread_join(s->decode_thread, NULL);
    if (s->result_running)
        pthread_join(s->result_thread, NULL);
    s->decode_running = s->result_running = 0;
    TlAnswer *answer = &s->answer;
    while (s->records && tl_queue_try_pop(s->records, answer) == TL_OK)
        tl_frame_unref(&answer->picture);
    TlItem item;
    while (s->items && tl_queue_try_pop(s->items, &item) == TL_OK)
        tl_frame_unref(&item.picture);
    TlFrame *frame;
    while (s->pushed && tl_queue_try_pop(s->pushed, &frame) == TL_OK)
        tl_frame_unref(&frame);
    tl_frame_unref(&s->shown);
    tl_queue_destroy(&s->records);
    tl_queue_destroy(&s->items);
    tl_queue_destroy(&s->pushed);
    tl_frame_pool_destroy(&s->push_pool);
    tl_reader_close(&s->reader);
    tl_fill_destroy(&s->fill);
    tl_tracker_destroy(&s->tracker);
    tl_free(&s->kept);
}

void tl_session_reset_clip(TlSession *s)
{
    s->ended = s->end_code = 0;
    s->pushed_count = 0;
    s->scene = (TlScene){0};
    s->next_look = 0;
    s->decode_diag = s->result_diag = (TlDiag){0};
    s->cut_pending = 0;
    s->timed_out = 0;
    s->keys_seen = s->keys_run = 0;
    s->keys_pitch = -1;
    s->answer.last = 0;
    s->must_fill = 0;
    atomic_store(&s->wait_until_us, 0);
    s->last_fit.valid = 0;
    s->kept_first = s->kept_count = 0;
    s->decode_s = s->pre_s = s->post_s = s->track_s = s->pitch_s = s->fill_s = s->first_record_s = s->wall_s = 0;
    s->frames = s->key_frames = s->pitch_frames = 0;
    atomic_store(&s->cancel, 0);
    atomic_store(&s->time_budget_hit, 0);
    s->start_us = tl_now_us();
}

static int create_trackers(TlSession *s, TlDiag *diag)
{
    TlTrackerParams tracker = {.width = s->info.width, .height = s->info.height, .fps = s->info.fps, .low = 1.0f};
    for (int c = 0; c < TL_CLASS_COUNT; c++) {
        tracker.high[c] = s->player_post.threshold[c];
        tracker.low = fminf(tracker.low, s->track_post.threshold[c]);
    }
    s->tracker = tl_tracker_create(&tracker);
    TlFillParams fill = {.width = s->info.width,
                         .height = s->info.height,
                         .fps = s->info.fps,
                         .tracking = !s->options.disable_tracking,
                         .pitch = &s->pitch_model,
                         .tracker = s->tracker,
                         .max_objects =
                             s->options.max_detections < TL_OBJECT_MAX ? s->options.max_detections : TL_OBJECT_MAX};
    s->fill = s->tracker ? tl_fill_create(&fill) : NULL;
    return s->fill ? TL_OK : tl_fail(diag, TL_ENOMEM, "out of memory for the tracker");
}

// Queues long enough that batches fill, short enough for large pictures.
static int create_queues(TlSession *s, TlDiag *diag)
{
    double picture_bytes = 1.5 * s->info.width * s->info.height;
    // Room for two batches of the players' network, so that one fills while the other runs; shorter queues are legal (a
    // batch is started early when they are full) but slower.
    size_t least = 2 + 2 * (size_t)tl_network_batch(s->player) * (size_t)s->plan.stride;
    least = least < ITEMS_MAX ? least : ITEMS_MAX;
    size_t capacity = (size_t)s->options.prefetch_frames;
    if ((double)capacity * picture_bytes > PICTURE_QUEUE_BYTES)
        capacity = (size_t)(PICTURE_QUEUE_BYTES / picture_bytes);
    capacity = capacity > least ? capacity : least;
    s->items = tl_queue_create(capacity, sizeof(TlItem));
    s->records = tl_queue_create(RECORD_QUEUE, sizeof(TlAnswer));
    s->kept_capacity = (size_t)(4 * fmax(s->info.fps, 25)) + 256;
    s->kept = s->keep_pictures ? tl_calloc(s->kept_capacity, sizeof(TlFrame *)) : NULL;
    if (!s->items || !s->records || (s->keep_pictures && !s->kept))
        return tl_fail(diag, TL_ENOMEM, "out of memory for the queues");
    return TL_OK;
}

static int start_threads(TlSession *s, TlDiag *diag)
{
    s->decode_running = pthread_create(&s->decode_thread, NULL, tl_session_decode_main, s) == 0;
    if (!s->decode_running)
        return tl_fail(diag, TL_ENOMEM, "no thread could be started");
    pthread_setname_np(s->decode_thread, "tl-decode");
    s->result_running = pthread_create(&s->result_thread, NULL, tl_session_result_main, s) == 0;
    if (!s->result_running)
        return tl_fail(diag, TL_ENOMEM, "no thread could be started");
    pthread_setname_np(s->result_thread, "tl-result");
    return TL_OK;
}

// The common part of both ways to begin; info and plan are known.
static int begin_clip(TlSession *s, TlDiag *diag)
{
    int ret;
    tl_plan_resolve(&s->plan, &s->options, &s->info);
    tl_options_describe(&s->options, s->info.settings, sizeof s->info.settings);
    unsigned cpumask = s->options.cpumask;
    if ((ret = tl_network_begin(s->player, s->info.width, s->info.height, cpumask, &s->cancel, diag)) < 0 ||
        (s->pitch &&
         (ret = tl_network_begin(s->pitch, s->info.width, s->info.height, cpumask, &s->cancel, diag)) < 0) ||
        (ret = create_trackers(s, diag)) < 0 || (ret = create_queues(s, diag)) < 0 ||
        (ret = start_threads(s, diag)) < 0)
        tl_session_end_clip(s);
    return ret;
}

static int want_frame(void *opaque, int64_t index)
{
    const TlSession *s = opaque;
    if (s->keep_pictures)
        return 1;
    return tl_plan_is_key(&s->plan, index) && !atomic_load(&s->time_budget_hit);
}

// Model names stay, everything else is the new source's.
static void set_info(TlSession *s, const TlStreamInfo *source)
{
    TlStreamInfo info = *source;
    memcpy(info.player_model, s->info.player_model, sizeof info.player_model);
    memcpy(info.pitch_model, s->info.pitch_model, sizeof info.pitch_model);
    s->info = info;
}

static int start_reader(TlSession *s, const char *input, struct TlByteSource *bytes, TlDiag *diag)
{
    tl_session_end_clip(s);
    tl_session_reset_clip(s);
    int ret = tl_plan_range(&s->plan, s->options.frames, diag);
    if (ret < 0)
        return ret;
    s->must_fill = bytes != NULL;
    double budget_us = s->options.time_budget_s * 1e6;
    atomic_store(&s->wait_until_us, budget_us > 0 ? s->start_us + (int64_t)(TL_BUDGET_MOST * budget_us) : 0);
    // The plan's stride is not known before the size and rate are: until then every frame is wanted.
    s->plan.stride = 1;
    s->plan.last_estimate = -1;
    TlReaderParams reader = {.input = bytes ? NULL : input,
                             .threads = s->threads,
                             .first = s->plan.first,
                             .end = s->plan.end,
                             .cancel = &s->cancel,
                             .bytes = bytes,
                             .wait_until_us = &s->wait_until_us,
                             .want = want_frame,
                             .want_opaque = s};
    ret = tl_reader_open(&s->reader, &reader, diag);
    if (ret == TL_ETIMEOUT && bytes && budget_us > 0) {
        tl_diag_clear(diag);
        tl_fail(diag, ret, "no picture came within %g s", TL_BUDGET_MOST * s->options.time_budget_s);
    }
    if (ret < 0)
        return ret;
    if (budget_us > 0) // who comes late still gets a little time
        atomic_store(&s->wait_until_us,
                     (int64_t)fmax((double)s->start_us + budget_us, (double)tl_now_us() + TL_BUDGET_LEAST * budget_us));
    TlStreamInfo info = {0};
    tl_reader_info(s->reader, &info);
    (void)tl_strcpy(info.source, sizeof info.source, input);
    set_info(s, &info);
    return begin_clip(s, diag);
}

int tl_session_start(TlSession *s, const char *input, TlDiag *diag)
{
    return start_reader(s, input, NULL, diag);
}

int tl_session_start_bytes(TlSession *s, const char *name, struct TlByteSource *bytes, TlDiag *diag)
{
    return start_reader(s, name, bytes, diag);
}

int tl_session_start_push(TlSession *s, const TlStreamInfo *info, TlDiag *diag)
{
    tl_session_end_clip(s);
    tl_session_reset_clip(s);
    if (info->width < 16 || info->height < 16 || info->width > 16384 || info->height > 16384)
        return tl_fail(diag, TL_ELIMIT, "a picture of %dx%d is outside 16..16384 pixels", info->width, info->height);
    set_info(s, info);
    if (!(s->info.fps >= 0 && s->info.fps <= 1000))
        s->info.fps = 0;
    s->plan.first = s->plan.end = 0;
    s->push_pool = tl_frame_pool_create(info->width, info->height);
    s->pushed = tl_queue_create(PUSH_QUEUE, sizeof(TlFrame *));
    if (!s->push_pool || !s->pushed) {
        tl_session_end_clip(s);
        return tl_fail(diag, TL_ENOMEM, "out of memory for pushed pictures");
    }
    return begin_clip(s, diag);
}

static void copy_plane(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int width, int height)
{
    for (int y = 0; y < height; y++)
        memcpy(dst + (ptrdiff_t)y * dst_stride, src + (ptrdiff_t)y * src_stride, (size_t)width);
}

int tl_session_push(TlSession *s, const TlPicture *picture, double time_s, TlDiag *diag)
{
    if (!s->pushed)
        return tl_fail(diag, TL_EUSAGE, "pictures can be pushed only after tl_session_start_push");
    if (picture->width != s->info.width || picture->height != s->info.height)
        return tl_fail(diag, TL_EUSAGE, "the clip is %dx%d, the picture %dx%d", s->info.width, s->info.height,
                       picture->width, picture->height);
    for (int p = 0; p < 3; p++)
        if (!picture->plane[p] || picture->stride[p] < (p ? (picture->width + 1) / 2 : picture->width))
            return tl_fail(diag, TL_EUSAGE, "plane %d of the picture is missing or its stride too small", p);
    TlPicture copy;
    TlFrame *frame = tl_frame_pool_acquire(s->push_pool, &copy);
    if (!frame)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a picture");
    for (int p = 0; p < 3; p++) {
        int w = p ? (copy.width + 1) / 2 : copy.width, h = p ? (copy.height + 1) / 2 : copy.height;
        copy_plane((uint8_t *)(uintptr_t)copy.plane[p], copy.stride[p], picture->plane[p], picture->stride[p], w, h);
    }
    frame->index = s->pushed_count++;
    frame->time_s = time_s;
    if (tl_queue_push(s->pushed, &frame) < 0) {
        tl_frame_unref(&frame);
        return tl_fail(diag, TL_EINTERRUPTED, "the clip has ended");
    }
    return TL_OK;
}

int tl_session_finish(TlSession *s, TlDiag *diag)
{
    if (!s->pushed)
        return tl_fail(diag, TL_EUSAGE, "nothing to finish: no clip of pushed pictures is open");
    tl_queue_close(s->pushed);
    return TL_OK;
}

// The next answer, or the mark of the end. Watches the clock meanwhile: a clip that takes too long is cancelled.
static int next_answer(TlSession *s, TlAnswer *answer)
{
    double timeout_s = s->options.processing_timeout_s;
    int ret;
    while ((ret = tl_queue_pop_for(s->records, answer, CANCEL_CHECK_MS)) == TL_EAGAIN) {
        if (timeout_s > 0 && !s->timed_out && tl_us_to_s(tl_now_us() - s->start_us) > timeout_s) {
            s->timed_out = 1;
            atomic_store(&s->cancel, 1);
        }
    }
    return ret;
}

int tl_session_next(TlSession *s, TlRecord *record, TlPicture *picture, TlDiag *diag)
{
    tl_frame_unref(&s->shown);
    if (picture)
        memset(picture, 0, sizeof *picture);
    if (!s->records)
        return tl_fail(diag, TL_EUSAGE, "no clip was started");
    TlAnswer answer;
    if (!s->ended && next_answer(s, &answer) == TL_OK) {
        if (!answer.last) {
            *record = answer.record;
            s->shown = answer.picture;
            if (picture && s->shown)
                *picture = s->shown->picture;
            return TL_OK;
        }
        s->ended = 1;
        s->end_code = answer.code;
    }
    if (s->end_code == TL_EOF)
        return TL_EOF;
    if (s->timed_out)
        return tl_fail(diag, TL_ETIMEOUT, "the clip took longer than %g s", s->options.processing_timeout_s);
    // When both threads failed with one code, the decoder's is the cause and the other its echo.
    const TlDiag *why = s->decode_diag.code == s->end_code ? &s->decode_diag : &s->result_diag;
    int code = s->end_code ? s->end_code : TL_EINTERRUPTED;
    return tl_fail(diag, code, "%s", why->text[0] ? why->text : tl_error_text(code));
}

// --- small things

const TlStreamInfo *tl_session_info(const TlSession *s)
{
    return &s->info;
}

void tl_session_keep_pictures(TlSession *s, int should_keep)
{
    s->keep_pictures = should_keep != 0;
}

void tl_session_stop(TlSession *s)
{
    tl_session_end_clip(s);
}

void tl_session_cancel(TlSession *s)
{
    atomic_store(&s->cancel, 1);
}

void tl_session_stats(const TlSession *s, TlStats *stats)
{
    *stats = (TlStats){.frames = s->frames,
                       .key_frames = s->key_frames,
                       .pitch_frames = s->pitch_frames,
                       .wall_s = s->wall_s,
                       .first_record_s = s->first_record_s,
                       .decode_s = s->decode_s,
                       .track_s = s->track_s,
                       .pitch_s = s->pitch_s,
                       .fill_s = s->fill_s,
                       .player_infer_s = tl_network_wait_s(s->player),
                       .pitch_infer_s = s->pitch ? tl_network_wait_s(s->pitch) : 0,
                       .time_budget_hit = (uint8_t)atomic_load(&s->time_budget_hit)};
    stats->wait_infer_s = stats->player_infer_s + stats->pitch_infer_s;
    // Both stages wait for the networks, and tracking and pitch run inside the second one: each second counts once.
    double put_wait_s = tl_network_put_wait_s(s->player) + (s->pitch ? tl_network_put_wait_s(s->pitch) : 0);
    stats->pre_s = fmax(0, s->pre_s - put_wait_s);
    stats->post_s = fmax(0, s->post_s - stats->wait_infer_s - s->track_s - s->pitch_s);
}

void tl_session_close(TlSession **session)
{
    TlSession *s = *session;
    if (!s)
        return;
    tl_session_end_clip(s);
    tl_network_close(&s->player);
    tl_network_close(&s->pitch);
    tl_free(session);
}

const char *tl_version(void)
{
    return TL_VERSION;
}
