// The whole pipeline with scripted networks: pushed pictures in, records out, and what must hold for each of them.
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pipe/scene.h"
#include "pitch/pitch.h"
#include "touchline/session.h"

enum { WIDTH = 1280, HEIGHT = 720, PLAYERS = 6 };

static char folder[] = "/tmp/touchline-session-XXXXXX";
static uint8_t luma[WIDTH * HEIGHT], chroma[WIDTH * HEIGHT / 4];

// Player p walks 2 px a frame to the right, the picture stands still.
static void box_at(int p, int frame, double box[4])
{
    box[0] = 150 + 160 * p + 2.0 * frame;
    box[1] = 300 + 40 * (p % 3);
    box[2] = box[0] + 30;
    box[3] = box[1] + 40;
}

// A camera on the main stand, 14 m high and 22 m behind the touchline, that looks at the centre spot: metres -> pixels.
static void pitch_to_picture(double x, double y, double *px, double *py)
{
    const double height = 14, back = 56, focal_px = 1300, norm = sqrt(height * height + back * back);
    double to_x = x - 52.5, to_y = y - 34 - back, to_z = -height;
    double depth = (-back * to_y - height * to_z) / norm, down = (height * to_y - back * to_z) / norm;
    *px = WIDTH / 2.0 + focal_px * to_x / depth;
    *py = HEIGHT / 2.0 + focal_px * down / depth;
}

typedef struct Case {
    int frames, stride, batch, threads, keep;
    double budget_s;
    const char *extra; // more lines of the player script
    int extra_frames;  // and all of its frames
    int skip_pitch, no_pitch, pitch_stride, prefetch;
    double timeout_s, conf;
    int disable_tracking;
} Case;

static void write_player_script(const char *path, const Case *c)
{
    FILE *f = fopen(path, "w");
    fprintf(f, "touchline-script 1\nhead centers\nsize 640 384\nsource %d %d\n", WIDTH, HEIGHT);
    fprintf(f, "thresholds ball=0.3,goalkeeper=0.3,player=0.3,referee=0.3\n%s", c->extra ? c->extra : "");
    for (int k = 0; k < c->frames && !c->extra_frames; k += c->stride) {
        fprintf(f, "frame\n");
        for (int p = 0; p < PLAYERS; p++) {
            double b[4];
            box_at(p, k, b);
            fprintf(f, "box player %g %g %g %g 0.9\n", b[0], b[1], b[2], b[3]);
        }
    }
    fclose(f);
}

static void write_pitch_script(const char *path, const Case *c)
{
    TlPitchModel model;
    FILE *f = fopen(path, "w");
    fprintf(f, "touchline-script 1\nhead points\nsize 480 288\nsource %d %d\nloop\nframe\n", WIDTH, HEIGHT);
    tl_pitch_model_init(&model, 0, 0);
    for (int i = 0; i < TL_POINT_COUNT && !c->no_pitch; i++) {
        double x, y;
        pitch_to_picture(model.point[i][0], model.point[i][1], &x, &y);
        if (x > 0 && y > 0 && x < WIDTH && y < HEIGHT)
            fprintf(f, "point %d %g %g 0.95\n", i, x, y);
    }
    fclose(f);
}

static char player_path[256], pitch_path[256];

static TlSession *open_case(const Case *c, TlDiag *diag)
{
    TlOptions options;
    TlSession *session = NULL;
    snprintf(player_path, sizeof player_path, "%s/players.script", folder);
    snprintf(pitch_path, sizeof pitch_path, "%s/pitch.script", folder);
    write_player_script(player_path, c);
    write_pitch_script(pitch_path, c);
    tl_options_default(&options);
    snprintf(options.player_model, sizeof options.player_model, "%s", player_path);
    snprintf(options.pitch_model, sizeof options.pitch_model, "%s", pitch_path);
    options.frame_stride = c->stride;
    options.batch_size = c->batch;
    options.threads = c->threads;
    options.time_budget_s = c->budget_s;
    options.skip_pitch = c->skip_pitch;
    options.pitch_stride = c->pitch_stride;
    options.processing_timeout_s = c->timeout_s;
    options.disable_tracking = c->disable_tracking;
    if (c->conf > 0)
        options.conf_threshold = c->conf;
    if (c->prefetch)
        options.prefetch_frames = c->prefetch;
    int ret = tl_session_open(&session, &options, diag);
    assert_true(ret == TL_OK || !session);
    return session;
}

typedef struct Pusher {
    TlSession *session;
    int frames, ret;
} Pusher;

static void *push_main(void *opaque)
{
    Pusher *p = opaque;
    TlPicture picture = {
        .width = WIDTH, .height = HEIGHT, .plane = {luma, chroma, chroma}, .stride = {WIDTH, WIDTH / 2, WIDTH / 2}};
    for (int k = 0; k < p->frames && p->ret == TL_OK; k++)
        p->ret = tl_session_push(p->session, &picture, k / 25.0, NULL);
    (void)!tl_session_finish(p->session, NULL);
    return NULL;
}

// Runs the case; records[k] receives frame k. Returns the code the clip ended with.
static int run_clip(TlSession *session, const Case *c, TlRecord *records, int *answered, TlDiag *diag)
{
    TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = 25};
    Pusher pusher = {.session = session, .frames = c->frames};
    pthread_t thread;
    int ret;
    tl_session_keep_pictures(session, c->keep);
    assert_int_equal(tl_session_start_push(session, &info, diag), TL_OK);
    assert_int_equal(pthread_create(&thread, NULL, push_main, &pusher), 0);
    static TlRecord record;
    TlPicture picture;
    for (*answered = 0; (ret = tl_session_next(session, &record, &picture, diag)) == TL_OK; (*answered)++) {
        assert_true(*answered < c->frames);
        records[*answered] = record;
        assert_int_equal(picture.width, c->keep ? WIDTH : 0);
        if (c->keep)
            assert_int_equal(picture.plane[0][0], luma[0]);
    }
    pthread_join(thread, NULL); // a clip that has ended lets a blocked push go
    tl_session_stop(session);
    return ret;
}

static TlRecord *run_case(const Case *c, int *answered, int *ended)
{
    TlDiag diag = {0};
    TlRecord *records = calloc((size_t)c->frames, sizeof *records);
    TlSession *session = open_case(c, &diag);
    assert_string_equal(diag.text, "");
    assert_non_null(session);
    *ended = run_clip(session, c, records, answered, &diag);
    tl_session_close(&session);
    assert_null(session);
    return records;
}

// Ids are given in the order of the detections' scores, which tie here: which player an id means is told by frame 0.
static int player_of(const TlRecord *first, int id)
{
    for (int i = 0; i < first->object_count; i++)
        if (first->objects[i].id == id)
            return (int)lround((first->objects[i].bbox[0] - 150) / 160);
    return -1;
}

static void check_record(const TlRecord *first, const TlRecord *r, int k, int stride)
{
    assert_int_equal(r->frame, k);
    assert_true(fabs(r->time_s - k / 25.0) < 1e-9);
    if (k % stride == 0)
        assert_int_equal(r->filled, 0);
    assert_int_equal(r->object_count, PLAYERS);
    for (int i = 0; i < r->object_count; i++) {
        double b[4];
        if (i > 0)
            assert_true(r->objects[i].id > r->objects[i - 1].id);
        box_at(player_of(first, r->objects[i].id), k, b);
        for (int j = 0; j < 4; j++)
            assert_true(fabs(r->objects[i].bbox[j] - b[j]) < 3.0);
        assert_int_equal(r->objects[i].class_id, TL_CLASS_PLAYER);
    }
}

static void every_frame_is_answered(void **state)
{
    (void)state;
    for (int stride = 1; stride <= 4; stride++) {
        for (int batch = 1; batch <= 5; batch += 4) {
            Case c = {.frames = 61, .stride = stride, .batch = batch, .threads = 2};
            int answered, ended;
            TlRecord *records = run_case(&c, &answered, &ended);
            assert_int_equal(ended, TL_EOF);
            assert_int_equal(answered, c.frames);
            for (int k = 0; k < answered; k++)
                check_record(&records[0], &records[k], k, stride);
            free(records);
        }
    }
}

static void homography_is_the_cameras(void **state)
{
    (void)state;
    Case c = {.frames = 20, .stride = 2, .threads = 1};
    int answered, ended;
    TlRecord *records = run_case(&c, &answered, &ended);
    for (int k = 0; k < answered; k++) {
        double px, py, x, y;
        assert_true(records[k].has_homography);
        pitch_to_picture(40, 30, &px, &py);
        tl_homography_apply(records[k].homography, px, py, &x, &y);
        assert_true(fabs(x - 40) < 0.2 && fabs(y - 30) < 0.2);
        for (int i = 0; i < records[k].object_count; i++) {
            const TlObject *o = &records[k].objects[i];
            assert_true(o->has_pitch);
            pitch_to_picture(o->pitch[0], o->pitch[1], &px, &py);
            assert_true(fabs(px - (o->bbox[0] + o->bbox[2]) / 2) < 3 && fabs(py - o->bbox[3]) < 3);
        }
    }
    free(records);
}

static void without_pitch_nothing_is_invented(void **state)
{
    (void)state;
    Case c = {.frames = 12, .stride = 2, .threads = 1, .skip_pitch = 1};
    int answered, ended;
    TlRecord *records = run_case(&c, &answered, &ended);
    assert_int_equal(answered, 12);
    for (int k = 0; k < answered; k++) {
        assert_false(records[k].has_homography);
        for (int i = 0; i < TL_POINT_COUNT; i++)
            assert_true(records[k].points[i].x == 0 && records[k].points[i].confidence == 0);
        for (int i = 0; i < records[k].object_count; i++)
            assert_false(records[k].objects[i].has_pitch);
    }
    free(records);
}

// One box in every answer. A second look shows it three times as large and as far from the corner.
static void close_ups_are_looked_at_twice(void **state)
{
    (void)state;
    static const float small[4] = {100, 60, 140, 140};
    for (int i = 0; i < 8; i++) {
        Case c = {.frames = 30, .stride = 2, .threads = 2, .extra_frames = 1, .batch = i % 2 ? 4 : 1};
        c.extra = "tallest 0.25\nloop\nframe\nbox player 100 60 140 140 0.9\n";
        c.no_pitch = i < 4;
        c.skip_pitch = i == 2 || i == 3;
        c.disable_tracking = i == 4;
        int answered, ended, is_close = i < 2;
        TlRecord *records = run_case(&c, &answered, &ended);
        assert_int_equal(ended, TL_EOF);
        assert_int_equal(answered, 30);
        for (int k = 0; k < 30; k += 2) {
            assert_int_equal(records[k].object_count, 1);
            for (int j = 0; j < 4; j++)
                assert_true(fabs(records[k].objects[0].bbox[j] - (is_close ? 3 : 1) * small[j]) < 3);
        }
        free(records);
    }
}

// Scores below the threshold continue what has begun, unless a user gave the threshold or nothing is tracked.
static void weak_boxes_continue_tracks(void **state)
{
    (void)state;
    char extra[4096] = "";
    for (int k = 0; k < 60; k++)
        snprintf(extra + strlen(extra), sizeof extra - strlen(extra), "frame\nbox player 100 60 140 140 %s\n",
                 k < 20 ? "0.9" : "0.25");
    for (int i = 0; i < 3; i++) {
        Case c = {.frames = 60, .stride = 1, .threads = 1, .extra = extra, .extra_frames = 1, .skip_pitch = 1};
        c.conf = i == 1 ? 0.3 : 0;
        c.disable_tracking = i == 2;
        int answered, ended;
        TlRecord *records = run_case(&c, &answered, &ended);
        assert_int_equal(answered, 60);
        assert_int_equal(records[19].object_count, 1);
        assert_int_equal(records[59].object_count, i == 0);
        free(records);
    }
}

static void threads_do_not_change_the_answer(void **state)
{
    (void)state;
    Case c = {.frames = 50, .stride = 2, .threads = 1};
    int answered, ended;
    TlRecord *one = run_case(&c, &answered, &ended);
    c.threads = 2;
    TlRecord *two = run_case(&c, &answered, &ended);
    assert_memory_equal(one, two, 50 * sizeof *one);
    c.batch = 4;
    TlRecord *batched = run_case(&c, &answered, &ended);
    assert_memory_equal(one, batched, 50 * sizeof *one);
    free(one), free(two), free(batched);
}

static void a_session_takes_clip_after_clip(void **state)
{
    (void)state;
    Case c = {.frames = 30, .stride = 2, .threads = 2, .keep = 1, .extra = "loop\n"};
    TlDiag diag = {0};
    TlSession *session = open_case(&c, &diag);
    TlRecord *records = calloc(30, sizeof *records);
    for (int clip = 0; clip < 4; clip++) {
        int answered;
        assert_int_equal(run_clip(session, &c, records, &answered, &diag), TL_EOF);
        assert_int_equal(answered, 30);
        assert_int_equal(records[0].objects[0].id, 1); // ids begin at 1 again
        check_record(&records[0], &records[0], 0, 2);
        check_record(&records[0], &records[29], 29, 2);
    }
    free(records);
    tl_session_close(&session);
}

static void failures_are_told(void **state)
{
    (void)state;
    Case c = {.frames = 40, .stride = 1, .threads = 2, .extra = "frame\nfail\n"};
    TlDiag diag = {0};
    TlRecord *records = calloc(40, sizeof *records);
    int answered;
    TlSession *session = open_case(&c, &diag);
    int ret = run_clip(session, &c, records, &answered, &diag);
    assert_int_equal(ret, TL_EBACKEND);
    assert_true(diag.text[0] != 0);
    tl_session_close(&session);
    free(records);
}

static void nan_answers_are_harmless(void **state)
{
    (void)state;
    Case c = {.frames = 10, .stride = 1, .threads = 1, .extra = "frame\nnan\nframe\nnan\n"};
    int answered, ended;
    TlRecord *records = run_case(&c, &answered, &ended);
    assert_int_equal(ended, TL_EOF);
    assert_int_equal(answered, 10);
    for (int k = 0; k < answered; k++)
        for (int i = 0; i < records[k].object_count; i++)
            for (int j = 0; j < 4; j++)
                assert_true(isfinite(records[k].objects[i].bbox[j]));
    free(records);
}

static void spent_budget_still_answers_all(void **state)
{
    (void)state;
    Case c = {.frames = 60, .stride = 1, .threads = 1, .budget_s = 0.05, .extra = "delay_us 10000\n"};
    int answered, ended;
    TlRecord *records = run_case(&c, &answered, &ended);
    assert_int_equal(ended, TL_EOF);
    assert_int_equal(answered, 60);
    assert_int_equal(records[59].filled, 1);
    free(records);
}

// Of a clip that does little but wait for its networks, the stages' own work is a small part.
static void waiting_is_no_work(void **state)
{
    (void)state;
    Case c = {.frames = 6, .stride = 1, .threads = 1, .extra = "delay_us 300000\n"}; // far above any work
    TlDiag diag = {0};
    TlStats stats;
    TlRecord *records = calloc((size_t)c.frames, sizeof *records);
    TlSession *session = open_case(&c, &diag);
    int answered;
    assert_int_equal(run_clip(session, &c, records, &answered, &diag), TL_EOF);
    tl_session_stats(session, &stats);
    assert_true(stats.wait_infer_s > 0.2);
    assert_true(stats.pre_s >= 0 && stats.pre_s < stats.wait_infer_s / 2);
    assert_true(stats.post_s >= 0 && stats.post_s < stats.wait_infer_s / 2);
    tl_session_close(&session);
    free(records);
}

// Batches that fill at different paces in two networks, behind queues of every length, with and without a budget:
// whoever waits must have started what he waits for.
static void no_setting_hangs(void **state)
{
    (void)state;
    static const int batches[] = {1, 4, 8}, pitch_strides[] = {1, 4}, prefetches[] = {1, 64};
    static const double budgets[] = {0, 0.05};
    for (int i = 0; i < 3 * 2 * 2 * 2; i++) {
        Case c = {.frames = 300,
                  .stride = 1,
                  .threads = 1 + i % 2,
                  .batch = batches[i % 3],
                  .pitch_stride = pitch_strides[i / 3 % 2],
                  .prefetch = prefetches[i / 6 % 2],
                  .budget_s = budgets[i / 12 % 2]};
        int answered, ended;
        TlRecord *records = run_case(&c, &answered, &ended);
        assert_int_equal(ended, TL_EOF);
        assert_int_equal(answered, c.frames);
        free(records);
    }
}

// A clip too short to confirm anybody still shows whom the networks saw.
static void a_single_frame_is_answered(void **state)
{
    (void)state;
    Case c = {.frames = 1, .stride = 1, .threads = 1};
    int answered, ended;
    TlRecord *records = run_case(&c, &answered, &ended);
    assert_int_equal(answered, 1);
    check_record(&records[0], &records[0], 0, 1);
    free(records);
}

static void many_threads_are_no_error(void **state)
{
    (void)state;
    Case c = {.frames = 20, .stride = 2, .threads = 256};
    int answered, ended;
    TlRecord *records = run_case(&c, &answered, &ended);
    assert_int_equal(ended, TL_EOF);
    assert_int_equal(answered, 20);
    free(records);
}

static void *cancel_main(void *opaque)
{
    usleep(200000);
    tl_session_cancel(opaque);
    return NULL;
}

// Nobody pushes anything: cancel must still end the wait, and so must the time limit of a clip.
static void waiting_for_pictures_ends(void **state)
{
    (void)state;
    for (int by_timeout = 0; by_timeout < 2; by_timeout++) {
        Case c = {.frames = 1, .stride = 1, .threads = 1, .timeout_s = by_timeout ? 0.3 : 0};
        TlDiag diag = {0};
        TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = 25};
        TlSession *session = open_case(&c, &diag);
        pthread_t thread;
        static TlRecord record;
        assert_int_equal(tl_session_start_push(session, &info, &diag), TL_OK);
        if (!by_timeout)
            assert_int_equal(pthread_create(&thread, NULL, cancel_main, session), 0);
        int ret = tl_session_next(session, &record, NULL, &diag);
        assert_int_equal(ret, by_timeout ? TL_ETIMEOUT : TL_EINTERRUPTED);
        if (!by_timeout)
            pthread_join(thread, NULL);
        tl_session_close(&session);
    }
}

static void hostile_pictures_are_refused(void **state)
{
    (void)state;
    Case c = {.frames = 1, .stride = 1, .threads = 1};
    TlDiag diag = {0};
    TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = NAN};
    TlSession *session = open_case(&c, &diag);
    TlPicture good = {
        .width = WIDTH, .height = HEIGHT, .plane = {luma, chroma, chroma}, .stride = {WIDTH, WIDTH / 2, WIDTH / 2}};
    assert_int_equal(tl_session_start_push(session, &info, &diag), TL_OK);
    TlPicture bad = good;
    bad.plane[2] = NULL;
    assert_int_equal(tl_session_push(session, &bad, 0, NULL), TL_EUSAGE);
    bad = good;
    bad.stride[0] = WIDTH - 1;
    assert_int_equal(tl_session_push(session, &bad, 0, NULL), TL_EUSAGE);
    bad = good;
    bad.width = WIDTH / 2;
    assert_int_equal(tl_session_push(session, &bad, 0, NULL), TL_EUSAGE);
    assert_int_equal(tl_session_push(session, &good, 0, NULL), TL_OK);
    tl_session_close(&session);
}

static void cancel_ends_soon(void **state)
{
    (void)state;
    Case c = {.frames = 500, .stride = 1, .threads = 1, .extra = "delay_us 5000\nloop\n"};
    TlDiag diag = {0};
    TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = 25};
    TlSession *session = open_case(&c, &diag);
    Pusher pusher = {.session = session, .frames = 500};
    pthread_t thread;
    static TlRecord record;
    assert_int_equal(tl_session_start_push(session, &info, &diag), TL_OK);
    pthread_create(&thread, NULL, push_main, &pusher);
    assert_int_equal(tl_session_next(session, &record, NULL, &diag), TL_OK);
    tl_session_cancel(session);
    int ret, count = 1;
    while ((ret = tl_session_next(session, &record, NULL, &diag)) == TL_OK)
        count++;
    assert_int_equal(ret, TL_EINTERRUPTED);
    assert_true(count < 500);
    pthread_join(thread, NULL);
    tl_session_stop(session);
    tl_session_close(&session);
}

// Closing in the middle of a clip must neither hang nor leak (the sanitizers look).
static void close_in_the_middle(void **state)
{
    (void)state;
    for (int at = 0; at < 6; at++) {
        Case c = {.frames = 200, .stride = 2, .threads = 2, .keep = at & 1, .extra = "loop\n"};
        TlDiag diag = {0};
        TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = 25};
        TlSession *session = open_case(&c, &diag);
        Pusher pusher = {.session = session, .frames = 200};
        pthread_t thread;
        static TlRecord record;
        tl_session_keep_pictures(session, c.keep);
        assert_int_equal(tl_session_start_push(session, &info, &diag), TL_OK);
        pthread_create(&thread, NULL, push_main, &pusher);
        for (int i = 0; i < at * 3; i++)
            assert_int_equal(tl_session_next(session, &record, NULL, &diag), TL_OK);
        tl_session_cancel(session);
        pthread_join(thread, NULL);
        tl_session_close(&session);
    }
}

static void nothing_is_allocated_per_frame(void **state)
{
    (void)state;
    Case c = {.frames = 400, .stride = 2, .threads = 2, .extra = "loop\n"};
    TlDiag diag = {0};
    TlSession *session = open_case(&c, &diag);
    TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = 25};
    Pusher pusher = {.session = session, .frames = 400};
    pthread_t thread;
    static TlRecord record;
    uint64_t warm = 0;
    int n = 0;
    assert_int_equal(tl_session_start_push(session, &info, &diag), TL_OK);
    pthread_create(&thread, NULL, push_main, &pusher);
    while (tl_session_next(session, &record, NULL, &diag) == TL_OK)
        if (++n == 100)
            warm = tl_alloc_count();
    assert_int_equal(n, 400);
    // A pool may still grow by a picture or two when the threads happen to drift apart; nothing grows with the frames.
    assert_in_range(tl_alloc_count() - warm, 0, 16);
    pthread_join(thread, NULL);
    tl_session_close(&session);
}

// A pan is no cut, another scene is.
static void scene_changes(void **state)
{
    (void)state;
    TlScene scene = {0};
    TlPicture picture = {
        .width = WIDTH, .height = HEIGHT, .plane = {luma, chroma, chroma}, .stride = {WIDTH, WIDTH / 2, WIDTH / 2}};
    for (int k = 0; k < 60; k++) {
        int other = k >= 40;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                luma[y * WIDTH + x] = (uint8_t)(other ? 60 + (x / 90 * 37 + y / 70 * 91) % 150
                                                      : 90 + 20 * ((x + 12 * k) / 120 % 2) + y / 40);
        assert_int_equal(tl_scene_update(&scene, &picture), k == 40);
    }
}

static void paint(double x, double y)
{
    double px, py;
    pitch_to_picture(x, y, &px, &py);
    for (int j = -1; j <= 1; j++)
        for (int i = -1; i <= 1; i++) {
            long u = lround(px - 0.5) + i, v = lround(py - 0.5) + j;
            if (u >= 0 && v >= 0 && u < WIDTH && v < HEIGHT)
                luma[v * WIDTH + u] = 200;
        }
}

// Grass with the painted lines: the fit believes few points only where lines confirm them.
static void paint_pitch(void)
{
    static double segments[512][4];
    TlPitchModel model;
    memset(luma, 90, sizeof luma);
    memset(chroma, 120, sizeof chroma);
    tl_pitch_model_init(&model, 0, 0);
    int count = tl_pitch_segments(&model, segments, 512);
    for (int i = 0; i < count && i < 512; i++)
        for (int k = 0; k <= 3000; k++) {
            double t = k / 3000.0;
            paint(segments[i][0] + t * (segments[i][2] - segments[i][0]),
                  segments[i][1] + t * (segments[i][3] - segments[i][1]));
        }
}

static int make_folder(void **state)
{
    (void)state;
    paint_pitch();
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(player_path);
    unlink(pitch_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_answered),
        cmocka_unit_test(homography_is_the_cameras),
        cmocka_unit_test(without_pitch_nothing_is_invented),
        cmocka_unit_test(close_ups_are_looked_at_twice),
        cmocka_unit_test(weak_boxes_continue_tracks),
        cmocka_unit_test(threads_do_not_change_the_answer),
        cmocka_unit_test(a_session_takes_clip_after_clip),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(nan_answers_are_harmless),
        cmocka_unit_test(spent_budget_still_answers_all),
        cmocka_unit_test(waiting_is_no_work),
        cmocka_unit_test(no_setting_hangs),
        cmocka_unit_test(a_single_frame_is_answered),
        cmocka_unit_test(many_threads_are_no_error),
        cmocka_unit_test(waiting_for_pictures_ends),
        cmocka_unit_test(hostile_pictures_are_refused),
        cmocka_unit_test(cancel_ends_soon),
        cmocka_unit_test(close_in_the_middle),
        cmocka_unit_test(nothing_is_allocated_per_frame),
        cmocka_unit_test(scene_changes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
