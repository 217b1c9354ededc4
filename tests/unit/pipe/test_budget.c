// The time budget and sources that stop: every frame that the container promises is answered, in time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pipe/session_bytes.h"
#include "touchline/session.h"

enum { WIDTH = 320, HEIGHT = 192, FRAMES = 200 };

static char folder[] = "/tmp/touchline-budget-XXXXXX", player_path[256], pitch_path[256], clip_path[256];
static uint8_t luma[WIDTH * HEIGHT], chroma[WIDTH * HEIGHT / 4];
static uint8_t *g_clip;
static int64_t g_size;

// An MP4 with its index first, and its bytes.
static void make_clip(void)
{
    TlStreamInfo info = {.width = WIDTH, .height = HEIGHT, .fps = 25};
    TlEncoderParams params = {.path = clip_path, .overwrite = 1, .crf = 15};
    TlPicture picture = {
        .width = WIDTH, .height = HEIGHT, .plane = {luma, chroma, chroma}, .stride = {WIDTH, WIDTH / 2, WIDTH / 2}};
    TlEncoder *encoder = NULL;
    TlDiag diag = {0};
    uint32_t noise = 1;
    assert_int_equal(tl_encoder_open(&encoder, &params, &info, &diag), TL_OK);
    for (int k = 0; k < FRAMES; k++) {
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            noise = noise * 1664525 + 1013904223;
            luma[i] = (uint8_t)(100 + (noise >> 28));
        }
        assert_int_equal(tl_encoder_write(encoder, &picture, k / 25.0, &diag), TL_OK);
    }
    assert_int_equal(tl_encoder_commit(&encoder, &diag), TL_OK);
    FILE *f = fopen(clip_path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    g_size = ftell(f);
    rewind(f);
    g_clip = malloc((size_t)g_size);
    assert_int_equal(fread(g_clip, 1, (size_t)g_size, f), (size_t)g_size);
    fclose(f);
}

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(player_path, sizeof player_path, "%s/players.script", folder);
    snprintf(pitch_path, sizeof pitch_path, "%s/pitch.script", folder);
    snprintf(clip_path, sizeof clip_path, "%s/clip.mp4", folder);
    memset(chroma, 128, sizeof chroma);
    FILE *f = fopen(pitch_path, "w");
    fprintf(f, "touchline-script 1\nhead points\nsize 480 288\nloop\nframe\n");
    fclose(f);
    make_clip();
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(player_path);
    unlink(pitch_path);
    unlink(clip_path);
    free(g_clip);
    return rmdir(folder);
}

static TlSession *open_session(double budget_s, long delay_us)
{
    TlOptions options;
    TlSession *session = NULL;
    TlDiag diag = {0};
    FILE *f = fopen(player_path, "w");
    fprintf(f, "touchline-script 1\nhead centers\nsize 640 384\nloop\n");
    if (delay_us)
        fprintf(f, "delay_us %ld\n", delay_us);
    fprintf(f, "frame\nbox player 100 60 120 110 0.9\nbox player 200 80 220 130 0.9\n");
    fclose(f);
    tl_options_default(&options);
    snprintf(options.player_model, sizeof options.player_model, "%s", player_path);
    snprintf(options.pitch_model, sizeof options.pitch_model, "%s", pitch_path);
    options.frame_stride = 2;
    options.threads = 2;
    options.time_budget_s = budget_s;
    assert_int_equal(tl_session_open(&session, &options, &diag), TL_OK);
    return session;
}

// Bytes up to a place; then they stop, for ever, for a while, or with an error.
typedef struct Source {
    int64_t at, stop;
    double resume_s; // after the first wait; 0 = never
    int code;        // instead of waiting
    int drips;       // a little at a time, never a wait
    int64_t most;    // how far it was read
    int64_t waits_since_us;
    int waits;
} Source;

static int source_read(void *opaque, uint8_t *data, int size)
{
    Source *s = opaque;
    int64_t n = s->stop - s->at;
    if (s->at == g_size)
        return 0;
    if (n <= 0 && s->code)
        return s->code;
    if (n <= 0) {
        usleep(20000);
        s->waits++;
        s->waits_since_us = s->waits_since_us ? s->waits_since_us : tl_now_us();
        if (s->resume_s > 0 && tl_us_to_s(tl_now_us() - s->waits_since_us) > s->resume_s)
            s->stop = g_size;
        return TL_EAGAIN;
    }
    n = n < size ? n : size;
    if (s->drips) {
        usleep(20000);
        n = n < g_size / 200 ? n : g_size / 200;
    }
    memcpy(data, g_clip + s->at, (size_t)n);
    s->at += n;
    s->most = s->at > s->most ? s->at : s->most;
    return (int)n;
}

static int64_t source_seek(void *opaque, int64_t offset, int whence)
{
    Source *s = opaque;
    if (whence == 0x10000)
        return g_size;
    int64_t to = whence == SEEK_SET ? offset : whence == SEEK_CUR ? s->at + offset : g_size + offset;
    return to < 0 || to > g_size ? TL_EUSAGE : (s->at = to);
}

typedef struct Outcome {
    int code, frames, with_boxes;
    double seconds;
    TlDiag diag;
    TlStats stats;
} Outcome;

static Outcome play(TlSession *session, Source *source)
{
    Outcome out = {0};
    static TlRecord record;
    struct TlByteSource bytes = {source, source_read, source_seek};
    int64_t begin_us = tl_now_us();
    out.code = tl_session_start_bytes(session, "clip", &bytes, &out.diag);
    while (out.code == TL_OK && (out.code = tl_session_next(session, &record, NULL, &out.diag)) == TL_OK) {
        assert_int_equal(record.frame, out.frames);
        assert_true(record.time_s > (out.frames - 0.5) / 25 && record.time_s < (out.frames + 0.5) / 25);
        out.frames++;
        out.with_boxes += record.object_count == 2;
    }
    out.seconds = tl_us_to_s(tl_now_us() - begin_us);
    tl_session_stats(session, &out.stats);
    tl_session_stop(session);
    return out;
}

static void whole_clip(void **state)
{
    (void)state;
    TlSession *session = open_session(60, 0);
    Source source = {.stop = g_size};
    Outcome out = play(session, &source);
    assert_int_equal(out.code, TL_EOF);
    assert_int_equal(out.frames, FRAMES);
    assert_int_equal(out.with_boxes, FRAMES);
    assert_int_equal(out.stats.time_budget_hit, 0);
    tl_session_close(&session);
}

// Half of the bytes and then silence: the budget ends the wait, and the rest is the last state carried on.
static void silence_in_the_middle(void **state)
{
    (void)state;
    TlSession *session = open_session(2, 0);
    for (int turn = 0; turn < 2; turn++) { // a session outlives it
        Source source = {.stop = g_size / 2};
        Outcome out = play(session, &source);
        assert_int_equal(out.code, TL_EOF);
        assert_int_equal(out.frames, FRAMES);
        assert_int_equal(out.with_boxes, FRAMES);
        assert_int_equal(out.stats.time_budget_hit, 1);
        assert_true(out.stats.key_frames > FRAMES / 8 && out.stats.key_frames < FRAMES / 3);
        assert_true(out.seconds >= 1.9);
    }
    tl_session_close(&session);
}

// A source that fails: what the index promises is answered all the same, and the code tells what happened.
static void source_that_breaks_off(void **state)
{
    (void)state;
    static const int codes[] = {TL_ETRUNCATED, TL_ENET, TL_ETIMEOUT};
    TlSession *session = open_session(0, 0);
    for (int i = 0; i < 3; i++) {
        Source source = {.stop = g_size / 2, .code = codes[i]};
        Outcome out = play(session, &source);
        assert_int_equal(out.code, codes[i]);
        assert_int_equal(out.frames, FRAMES);
        assert_int_equal(out.with_boxes, FRAMES);
        assert_int_equal(out.stats.time_budget_hit, 0);
    }
    tl_session_close(&session);
}

// No picture at all: one clear sentence after one and a half budgets.
static void nothing_comes(void **state)
{
    (void)state;
    TlSession *session = open_session(0.4, 0);
    for (int64_t stop = 0; stop < 2000; stop += 1000) {
        Source source = {.stop = stop};
        Outcome out = play(session, &source);
        assert_int_equal(out.code, TL_ETIMEOUT);
        assert_string_equal(out.diag.text, "no picture came within 0.6 s");
        assert_int_equal(out.frames, 0);
        assert_true(out.seconds >= 0.55);
        assert_true(source.waits > 3);
    }
    tl_session_close(&session);
}

// The bytes come when the budget is nearly over: the networks still get their share of it, so that there is an answer.
static void late_bytes(void **state)
{
    (void)state;
    TlSession *session = open_session(8, 0);
    Source source = {.resume_s = 8.2};
    Outcome out = play(session, &source);
    assert_int_equal(out.code, TL_EOF);
    assert_int_equal(out.frames, FRAMES);
    assert_int_equal(out.with_boxes, FRAMES);
    assert_true(out.stats.key_frames > 10);
    tl_session_close(&session);
}

// Waiting for bytes is no work of the networks: a pause does not make them leave out key frames afterwards.
static void a_pause_does_not_thin_key_frames(void **state)
{
    (void)state;
    TlSession *session = open_session(60, 0);
    Source source = {.stop = g_size / 8, .resume_s = 3};
    Outcome out = play(session, &source);
    assert_int_equal(out.code, TL_EOF);
    assert_int_equal(out.frames, FRAMES);
    assert_int_equal(out.stats.key_frames, FRAMES / 2 + 1); // every second one and the last
    tl_session_close(&session);
}

// Networks that are far too slow for the budget: every frame has its boxes, to the end.
static void slow_networks(void **state)
{
    (void)state;
    TlSession *session = open_session(1, 500000);
    Source source = {.stop = g_size};
    Outcome out = play(session, &source);
    assert_int_equal(out.code, TL_EOF);
    assert_int_equal(out.frames, FRAMES);
    assert_int_equal(out.stats.time_budget_hit, 1);
    assert_true(out.stats.key_frames < FRAMES / 4);
    assert_true(out.with_boxes > FRAMES - 5);
    tl_session_close(&session);
}

// Bytes that keep coming, but not in time: what is left of the clip is not waited for.
static void bytes_that_never_end(void **state)
{
    (void)state;
    TlSession *session = open_session(0.4, 0);
    Source source = {.stop = g_size, .drips = 1};
    Outcome out = play(session, &source);
    assert_int_equal(out.code, TL_EOF);
    assert_int_equal(out.frames, FRAMES);
    assert_int_equal(out.with_boxes, FRAMES);
    assert_int_equal(out.stats.time_budget_hit, 1);
    assert_true(source.most < g_size); // all of it would take four seconds
    tl_session_close(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_clip),
        cmocka_unit_test(silence_in_the_middle),
        cmocka_unit_test(source_that_breaks_off),
        cmocka_unit_test(nothing_comes),
        cmocka_unit_test(late_bytes),
        cmocka_unit_test(a_pause_does_not_thin_key_frames),
        cmocka_unit_test(slow_networks),
        cmocka_unit_test(bytes_that_never_end),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
