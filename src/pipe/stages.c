// The two threads of a clip. In: frames of the reader (or pushed pictures); out: records in frame order.
//
// The decoder's thread never waits for an answer and the results' thread touches pixels only for the line
// refinement and to shrink close-ups, so while a batch runs the next pictures are decoded and scaled.
#include <math.h>

#include "base/clock.h"
#include "pipe/session_internal.h"

enum { CANCEL_CHECK_MS = 100, KEYS_TO_JUDGE = 8 };
static const double QUIET_S = 0.5;      // after a cut
static const double BUDGET_SHARE = 0.9; // of what is left of the time budget; the rest is for the last answers

// --- decode thread

static int next_frame(TlSession *s, TlFrame **frame)
{
    int64_t begin = tl_now_us();
    int ret;
    if (s->reader) {
        ret = tl_reader_next(s->reader, frame, &s->decode_diag);
    } else {
        while ((ret = tl_queue_pop_for(s->pushed, frame, CANCEL_CHECK_MS)) == TL_EAGAIN && !atomic_load(&s->cancel))
            ;
        if (ret == TL_EAGAIN || (ret == TL_EOF && atomic_load(&s->cancel)))
            ret = tl_fail(&s->decode_diag, TL_EINTERRUPTED, "interrupted");
    }
    s->decode_s += tl_us_to_s(tl_now_us() - begin);
    return ret;
}

// Starts batches that are only partly filled. The results' thread takes answers in frame order, so whoever is about to
// wait for it must not sit on a frame that it needs.
static int flush_networks(TlSession *s)
{
    int ret = tl_network_flush(s->player, &s->decode_diag);
    if (s->pitch && ret == TL_OK)
        ret = tl_network_flush(s->pitch, &s->decode_diag);
    return ret;
}

// Seconds that the networks may still use; *worked_s: what was used otherwise than for waiting for bytes.
static double budget_left_s(const TlSession *s, double *worked_s)
{
    double budget = s->options.time_budget_s, spent = tl_us_to_s(tl_now_us() - s->start_us);
    *worked_s = spent - (s->reader ? tl_reader_waited_s(s->reader) : 0);
    return fmax(budget - spent, TL_BUDGET_LEAST * budget - *worked_s);
}

// Whether the networks may see this key frame. While the time budget cannot be kept at the plan's stride, only every
// n-th of its key frames is used, so that the clip is covered to its end; once it is spent, none.
static int within_budget(TlSession *s, int64_t frame)
{
    double worked_s, left_s;
    s->keys_seen++;
    if (s->options.time_budget_s <= 0)
        return 1;
    if ((left_s = budget_left_s(s, &worked_s)) <= 0)
        atomic_store(&s->time_budget_hit, 1);
    if (atomic_load(&s->time_budget_hit))
        return 0;
    int64_t left = s->plan.last_estimate - frame, most = (int64_t)(s->info.fps / s->plan.stride), every = 1;
    if (left > 0 && s->keys_run >= KEYS_TO_JUDGE) {
        double affordable = left_s * BUDGET_SHARE / (worked_s / (double)s->keys_run);
        every = (int64_t)ceil((double)(left / s->plan.stride) / fmax(affordable, 1));
        every = every > most && most > 0 ? most : every;
    }
    return s->keys_seen % (every > 0 ? every : 1) == 0;
}

// The pitch network sees every pitch_stride-th key frame of the plan, the next one used when that one was left out, the
// first of a scene and the last frame.
static int pitch_is_due(TlSession *s, int64_t frame, int cut)
{
    int64_t due = s->keys_pitch < 0 || s->keys_seen - s->keys_pitch >= s->plan.pitch_stride;
    if (cut)
        s->keys_pitch = s->keys_seen;
    if (cut || (!due && frame != s->plan.last_estimate))
        return cut;
    s->keys_pitch = s->keys_seen - (s->keys_pitch < 0 ? 0 : (s->keys_seen - s->keys_pitch) % s->plan.pitch_stride);
    return 1;
}

// Puts a picture; when that has to wait for an answer, everything the answers depend on is started first.
static int put(TlSession *s, TlNetwork *network, const TlFrame *frame, TlTicket *ticket)
{
    int ret = tl_network_full(network) ? flush_networks(s) : TL_OK;
    return ret == TL_OK ? tl_network_put(network, &frame->picture, ticket, &s->decode_diag) : ret;
}

// Whether a scene begins with this frame. Looked at are key frames and those that come with pixels whoever wants them,
// so that an overlay changes nothing; after a cut only key frames for a while: in a storm of flashes every frame would
// be one.
static int begins_scene(TlSession *s, const TlFrame *frame, int is_key)
{
    if (!is_key && (frame->is_spare || frame->index < s->next_look))
        return 0;
    int cut = tl_scene_update(&s->scene, &frame->picture);
    if (cut)
        s->next_look = frame->index + (int64_t)(QUIET_S * s->info.fps);
    return cut;
}

// The networks see the key frames of the plan and the first frame of every scene.
static int feed_networks(TlSession *s, const TlFrame *frame, TlItem *item)
{
    int64_t begin = tl_now_us();
    int ret = TL_OK, is_key = tl_plan_is_key(&s->plan, frame->index);
    item->cut = (uint8_t)begins_scene(s, frame, is_key);
    if ((is_key || item->cut) && within_budget(s, frame->index)) {
        s->keys_run++;
        item->player_key = 1;
        item->pitch_key = s->pitch && pitch_is_due(s, frame->index, item->cut);
        ret = put(s, s->player, frame, &item->player);
        if (ret == TL_OK && item->pitch_key)
            ret = put(s, s->pitch, frame, &item->pitch);
    }
    s->pre_s += tl_us_to_s(tl_now_us() - begin);
    return ret;
}

static int push_item(TlSession *s, const TlItem *item)
{
    int ret = tl_queue_push_for(s->items, item, 0);
    if (ret == TL_EAGAIN && (ret = flush_networks(s)) == TL_OK)
        while ((ret = tl_queue_push_for(s->items, item, CANCEL_CHECK_MS)) == TL_EAGAIN && !atomic_load(&s->cancel))
            ;
    return ret == TL_OK ? TL_OK : tl_fail(&s->decode_diag, TL_EINTERRUPTED, "interrupted");
}

// The input is over, well or badly: what came of it is answered.
static int is_end_of_input(int code)
{
    return code == TL_EOF || code == TL_ETRUNCATED || code == TL_ENET || code == TL_ETIMEOUT || code == TL_EIO;
}

// The networks are done and there is no time left for counting frames by decoding them: the index has to do. Bytes that
// keep coming (a clip of many minutes) would hold the answer for as long as they take.
static int is_out_of_time(const TlSession *s)
{
    int64_t until_us = atomic_load(&s->wait_until_us);
    double spent = tl_us_to_s(tl_now_us() - s->start_us), budget = s->options.time_budget_s;
    return budget > 0 && spent >= TL_BUDGET_MOST * budget && tl_now_us() >= until_us && s->must_fill &&
           !s->keep_pictures && s->info.frame_count_estimate > 0;
}

// The source brings no more: frames that the container promises are answered all the same. The code the clip ends with.
static int fill_promised(TlSession *s, int64_t next, double time_s, int code)
{
    double frame_s = 1 / (s->info.fps > 0 ? s->info.fps : 25);
    int64_t until_us = atomic_load(&s->wait_until_us);
    int ret = TL_OK;
    if (s->info.frame_count_estimate <= 0)
        return code;
    for (int64_t i = 0; ret == TL_OK && next + i <= s->plan.last_estimate; i++) {
        TlItem item = {.frame = next + i, .time_s = time_s + (double)i * frame_s, .blind = 1};
        ret = push_item(s, &item);
    }
    if (code != TL_ETIMEOUT || until_us == 0 || tl_now_us() < until_us)
        return ret == TL_OK ? code : ret;
    atomic_store(&s->time_budget_hit, 1); // that is no fault but what the budget is for
    return ret == TL_OK ? TL_EOF : ret;
}

void *tl_session_decode_main(void *opaque)
{
    TlSession *s = opaque;
    int64_t next = s->plan.first;
    double time_s = 0;
    int ret = TL_OK;
    while (ret == TL_OK) {
        TlFrame *frame = NULL;
        if (atomic_load(&s->cancel)) {
            ret = tl_fail(&s->decode_diag, TL_EINTERRUPTED, "interrupted");
            break;
        }
        if (is_out_of_time(s)) {
            ret = TL_ETIMEOUT;
            break;
        }
        if ((ret = next_frame(s, &frame)) < 0)
            break;
        TlItem item = {.frame = frame->index, .time_s = frame->time_s};
        if (frame->picture.width > 0)
            ret = feed_networks(s, frame, &item);
        item.blind = (uint8_t)atomic_load(&s->time_budget_hit);
        next = frame->index + 1;
        time_s = frame->time_s + 1 / (s->info.fps > 0 ? s->info.fps : 25);
        if (ret == TL_OK && frame->picture.width > 0 && (s->keep_pictures || item.pitch_key))
            item.picture = tl_frame_ref(frame);
        if (ret == TL_OK && (ret = push_item(s, &item)) < 0)
            tl_frame_unref(&item.picture);
        tl_frame_unref(&frame);
    }
    if (is_end_of_input(ret)) {
        int flushed = flush_networks(s);
        ret = flushed < 0 ? flushed : ret == TL_EOF || !s->must_fill ? ret : fill_promised(s, next, time_s, ret);
    }
    if (!is_end_of_input(ret)) {
        tl_network_abort(s->player);
        if (s->pitch)
            tl_network_abort(s->pitch);
    }
    if (s->pushed)
        tl_queue_close(s->pushed); // nobody takes pictures any more: a push that waits fails
    TlItem last = {.last = 1, .code = ret};
    (void)!tl_queue_push(s->items, &last); // fails only when the session is being closed; the other thread always pops
    return NULL;
}

// --- result thread

// No pitch was seen since the last cut, and there is time to look twice.
static int may_be_close(TlSession *s)
{
    return s->pitch && !s->last_fit.valid && !atomic_load(&s->time_budget_hit);
}

static int run_trackers(TlSession *s, const TlItem *item, TlFillInput *input)
{
    s->cut_pending |= item->cut;
    if (!item->player_key)
        return TL_OK;
    int ret = tl_network_detections(s->player, item->player, &s->track_post, may_be_close(s), &s->detections,
                                    &s->result_diag);
    if (ret < 0)
        return ret;
    int64_t begin = tl_now_us();
    tl_tracker_update(s->tracker, item->frame, &s->detections, NULL, s->cut_pending, &s->tracked);
    s->track_s += tl_us_to_s(tl_now_us() - begin);
    s->cut_pending = 0;
    s->key_frames++;
    input->player_key = 1;
    input->tracked = &s->tracked;
    return TL_OK;
}

static int run_pitch(TlSession *s, const TlItem *item, TlFillInput *input)
{
    if (item->cut)
        s->last_fit.valid = 0; // the near frame belongs to another shot
    if (!item->pitch_key)
        return TL_OK;
    int ret = tl_network_points(s->pitch, item->pitch, &s->pitch_post, s->points, &s->result_diag);
    if (ret < 0)
        return ret;
    int64_t begin = tl_now_us();
    TlPitchFitParams params = {.width = s->info.width,
                               .height = s->info.height,
                               .prior_view = s->last_fit.valid ? &s->last_fit.view : NULL,
                               .picture = item->picture ? &item->picture->picture : NULL};
    tl_pitch_fit(&s->pitch_model, s->points, &params, &s->fit);
    if (s->fit.valid)
        s->last_fit = s->fit; // a frame without a fit does not make the camera before it wrong
    s->pitch_s += tl_us_to_s(tl_now_us() - begin);
    s->pitch_frames++;
    input->pitch_key = 1;
    input->fit = &s->fit;
    input->points = s->points;
    return TL_OK;
}

static void keep(TlSession *s, TlFrame *picture)
{
    s->kept[(s->kept_first + s->kept_count++) % s->kept_capacity] = picture;
}

// Every record gets a picture: a frame that came without pixels shows the one before it.
static void keep_picture(TlSession *s, TlItem *item)
{
    if (item->picture) {
        tl_frame_unref(&s->last_picture);
        s->last_picture = tl_frame_ref(item->picture);
    }
    keep(s, item->picture ? item->picture : s->last_picture ? tl_frame_ref(s->last_picture) : NULL);
    item->picture = NULL;
}

static TlFrame *kept_next(TlSession *s)
{
    if (s->kept_count == 0)
        return NULL;
    TlFrame *picture = s->kept[s->kept_first];
    s->kept_first = (s->kept_first + 1) % s->kept_capacity;
    s->kept_count--;
    return picture;
}

// Hands every record that is complete to the caller's queue.
static int drain_fill(TlSession *s)
{
    int ret;
    for (;;) {
        int64_t begin = tl_now_us();
        ret = tl_fill_next(s->fill, &s->answer.record);
        s->fill_s += tl_us_to_s(tl_now_us() - begin);
        if (ret < 0)
            return ret == TL_EAGAIN || ret == TL_EOF ? TL_OK : ret;
        s->answer.picture = s->keep_pictures ? kept_next(s) : NULL;
        if (s->frames++ == 0)
            s->first_record_s = tl_us_to_s(tl_now_us() - s->start_us);
        if (tl_queue_push(s->records, &s->answer) < 0) {
            tl_frame_unref(&s->answer.picture);
            return TL_EINTERRUPTED;
        }
    }
}

static int answer_item(TlSession *s, TlItem *item)
{
    TlFillInput input = {.frame = item->frame, .time_s = item->time_s, .cut = item->cut, .blind = item->blind};
    int64_t begin = tl_now_us();
    int ret = run_pitch(s, item, &input); // first: where the pitch is seen, nothing is a close-up
    if (ret == TL_OK)
        ret = run_trackers(s, item, &input);
    s->post_s += tl_us_to_s(tl_now_us() - begin);
    if (ret < 0)
        return ret;
    if (s->keep_pictures) {
        if (s->kept_count == s->kept_capacity)
            return tl_fail(&s->result_diag, TL_EINTERNAL, "more pictures wait than the window holds");
        keep_picture(s, item);
    }
    begin = tl_now_us();
    ret = tl_fill_push(s->fill, &input);
    s->fill_s += tl_us_to_s(tl_now_us() - begin);
    if (ret < 0)
        return tl_fail(&s->result_diag, ret, "the window of frames is full");
    return drain_fill(s);
}

void *tl_session_result_main(void *opaque)
{
    TlSession *s = opaque;
    TlItem item = {0};
    int ret = TL_OK;
    while (tl_queue_pop(s->items, &item) == TL_OK && !item.last) {
        if (ret == TL_OK && (ret = answer_item(s, &item)) < 0) {
            atomic_store(&s->cancel, 1); // the decoder need not go on; items still queued are dropped here
            tl_network_abort(s->player);
            if (s->pitch)
                tl_network_abort(s->pitch);
        }
        tl_frame_unref(&item.picture);
    }
    if (ret == TL_OK && item.last && is_end_of_input(item.code)) {
        tl_tracker_finish(s->tracker);
        tl_fill_finish(s->fill);
        ret = drain_fill(s);
    }
    while (s->kept_count > 0) {
        TlFrame *picture = kept_next(s);
        tl_frame_unref(&picture);
    }
    tl_frame_unref(&s->last_picture);
    s->wall_s = tl_us_to_s(tl_now_us() - s->start_us);
    s->answer.picture = NULL;
    s->answer.last = 1;
    // An abort makes every later answer fail with TL_EINTERRUPTED; what caused it is the code that counts.
    s->answer.code = ret < 0 && ret != TL_EINTERRUPTED ? ret : item.last ? item.code : TL_EINTERRUPTED;
    (void)!tl_queue_push(s->records, &s->answer);
    return NULL;
}
