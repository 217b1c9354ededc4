// One suite that every backend must pass: the contract of infer.h, run on each with a model of its own kind.
//
// Each backend gets two files that mean the same face (u8 [N,6,16,32] in; heat and box [N,4,8,16] out): a small network
// written by onnx_writer.h for those that run networks, a script for the scripted one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/infer/onnx_writer.h"
#include "base/mem.h"
#include "infer/infer.h"

enum {
    WIDTH = 64,
    HEIGHT = 32,
    INPUT_BYTES = 6 * WIDTH * HEIGHT / 4,
    MAP = 4 * (WIDTH / 4) * (HEIGHT / 4),
    ROUNDS = 40
};

typedef struct Backend {
    const char *name;
    char model[64];
    TlModelMeta meta;
    int looks_at_input; ///< the outputs depend on nothing but the input
} Backend;

static Backend g_backends[4];
static int g_count;

static void write_network(const char *path)
{
    float weights[48], bias[8];
    for (int i = 0; i < 48; i++)
        weights[i] = (float)((i * 37 % 23) - 11) / 256;
    for (int i = 0; i < 8; i++)
        bias[i] = (float)i / 3 - 1;
    Bytes model = make_centers_model(0, 0, 0, weights, bias);
    save(&model, path);
    free(model.data);
}

static void write_script(const char *path)
{
    FILE *file = fopen(path, "w");
    fprintf(file, "touchline-script 1\nhead centers\nsize %d %d\nloop\n", WIDTH, HEIGHT);
    for (int i = 0; i < 7; i++)
        fprintf(file, "frame\nbox player %d 4 %d 20 0.%d\n", 2 + 6 * i, 10 + 6 * i, 2 + i);
    fclose(file);
}

static TlInferParams params_for(const Backend *b, int batch, int threads, int slots)
{
    return (TlInferParams){.backend = b->name,
                           .device = "cpu",
                           .model = b->model,
                           .batch = batch,
                           .width = WIDTH,
                           .height = HEIGHT,
                           .threads = threads,
                           .slots = slots,
                           .meta = &b->meta};
}

static TlInfer *open_backend(const Backend *b, int batch, int threads, int slots)
{
    TlInfer *infer = NULL;
    TlDiag diag = {0};
    TlInferParams params = params_for(b, batch, threads, slots);
    if (tl_infer_open(&infer, &params, &diag) < 0)
        fail_msg("%s: %s", b->name, diag.text);
    return infer;
}

static void fill_input(TlInfer *infer, int slot, int sample, unsigned seed)
{
    uint8_t *data = (uint8_t *)tl_infer_input(infer, slot)->data + (size_t)sample * INPUT_BYTES;
    for (int i = 0; i < INPUT_BYTES; i++)
        data[i] = (uint8_t)((seed + (unsigned)i) * 2654435761u >> 21);
}

static const float *result(TlInfer *infer, int slot, int output, int sample)
{
    return (const float *)tl_infer_output(infer, slot, output)->data + (size_t)sample * MAP;
}

static void tensors_are_as_promised(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        TlInfer *infer = open_backend(&g_backends[i], 3, 2, 0);
        assert_in_range(tl_infer_slots(infer), 1, 64);
        assert_true(strlen(tl_infer_name(infer)) > 0);
        assert_int_equal(tl_infer_output_count(infer), 2);
        for (int s = 0; s < tl_infer_slots(infer); s++) {
            const TlTensor *in = tl_infer_input(infer, s), *heat = tl_infer_output(infer, s, 0),
                           *box = tl_infer_output(infer, s, 1);
            const int64_t want_in[4] = {3, 6, HEIGHT / 2, WIDTH / 2}, want_out[4] = {3, 4, HEIGHT / 4, WIDTH / 4};
            assert_int_equal(in->dtype, TL_DTYPE_U8);
            assert_int_equal(in->rank, 4);
            assert_memory_equal(in->dim, want_in, sizeof want_in);
            assert_string_equal(in->name, "input");
            assert_string_equal(heat->name, "heat");
            assert_string_equal(box->name, "box");
            assert_int_equal(heat->dtype, TL_DTYPE_F32);
            assert_memory_equal(heat->dim, want_out, sizeof want_out);
            assert_memory_equal(box->dim, want_out, sizeof want_out);
            assert_int_equal((uintptr_t)in->data % 64, 0);
            assert_int_equal((uintptr_t)heat->data % 64, 0);
            for (int t = 0; t < s; t++) {
                assert_ptr_not_equal(in->data, tl_infer_input(infer, t)->data);
                assert_ptr_not_equal(heat->data, tl_infer_output(infer, t, 0)->data);
            }
        }
        assert_null(tl_infer_input(infer, -1));
        assert_null(tl_infer_input(infer, tl_infer_slots(infer)));
        assert_null(tl_infer_output(infer, 0, 2));
        tl_infer_close(&infer);
        assert_null(infer);
        tl_infer_close(&infer);
    }
}

static void as_many_slots_as_asked(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        for (int slots = 1; slots <= 5; slots += 2) {
            TlInfer *infer = open_backend(&g_backends[i], 1, 1, slots);
            assert_int_equal(tl_infer_slots(infer), slots);
            tl_infer_close(&infer);
        }
    }
}

static void misuse_is_an_error(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        TlInfer *infer = open_backend(&g_backends[i], 2, 1, 2);
        TlDiag diag = {0};
        assert_int_equal(tl_infer_submit(infer, 2, 1, &diag), TL_EINTERNAL);
        assert_int_equal(tl_infer_submit(infer, -1, 1, NULL), TL_EINTERNAL);
        assert_int_equal(tl_infer_submit(infer, 0, 0, NULL), TL_EINTERNAL);
        assert_int_equal(tl_infer_submit(infer, 0, 3, NULL), TL_EINTERNAL);
        assert_int_equal(tl_infer_wait(infer, 7, NULL), TL_EINTERNAL);
        assert_int_equal(tl_infer_wait(infer, 0, NULL), TL_OK); // nothing under way
        assert_int_equal(tl_infer_submit(infer, 0, 2, NULL), TL_OK);
        assert_int_equal(tl_infer_submit(infer, 0, 2, NULL), TL_EINTERNAL);
        assert_int_equal(tl_infer_wait(infer, 0, NULL), TL_OK);
        assert_int_equal(tl_infer_wait(infer, 0, NULL), TL_OK);
        assert_int_equal(tl_infer_submit(infer, 0, 1, NULL), TL_OK);
        tl_infer_close(&infer); // with a request under way
    }
}

static void bad_parameters_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        const Backend *b = &g_backends[i];
        const struct {
            int batch, threads, slots, width, height, code;
        } bad[] = {{0, 1, 0, WIDTH, HEIGHT, TL_ELIMIT},
                   {100000, 1, 0, WIDTH, HEIGHT, TL_ELIMIT},
                   {1, 0, 0, WIDTH, HEIGHT, TL_EINTERNAL},
                   {1, 1, -1, WIDTH, HEIGHT, TL_EINTERNAL},
                   {1, 1, 0, 8, 8, TL_ELIMIT},
                   {1, 1, 0, 100000, HEIGHT, TL_ELIMIT}};
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            TlInfer *infer = NULL;
            TlDiag diag = {0};
            TlInferParams params = params_for(b, bad[k].batch, bad[k].threads, bad[k].slots);
            params.width = bad[k].width;
            params.height = bad[k].height;
            assert_int_equal(tl_infer_open(&infer, &params, &diag), bad[k].code);
            assert_null(infer);
            assert_true(diag.text[0] != '\0');
        }
        TlInfer *infer = NULL;
        TlDiag diag = {0};
        TlInferParams params = params_for(b, 1, 1, 0);
        params.backend = "abacus";
        assert_int_equal(tl_infer_open(&infer, &params, &diag), TL_EBACKEND);
        assert_non_null(strstr(diag.text, "abacus"));
        tl_diag_clear(&diag);
        params.backend = g_backends[(i + 1) % g_count].name; // the other kind of file
        assert_int_equal(tl_infer_open(&infer, &params, &diag), TL_EMODEL);
        params.backend = "auto";
        assert_int_equal(tl_infer_open(&infer, &params, NULL), TL_OK);
        assert_int_equal(strncmp(tl_infer_name(infer), b->name, strlen(b->name)), 0);
        tl_infer_close(&infer);
    }
}

// Answers of `count` samples through one slot at a time.
static float *run_in_order(const Backend *b, int batch, int threads, int count)
{
    TlInfer *infer = open_backend(b, batch, threads, 0);
    int slots = tl_infer_slots(infer);
    float *all = malloc((size_t)count * 2 * MAP * sizeof *all);
    for (int done = 0, slot = 0; done < count; slot = (slot + 1) % slots) {
        int filled = count - done < batch ? count - done : batch;
        for (int n = 0; n < filled; n++)
            fill_input(infer, slot, n, (unsigned)(done + n));
        assert_int_equal(tl_infer_submit(infer, slot, filled, NULL), TL_OK);
        assert_int_equal(tl_infer_wait(infer, slot, NULL), TL_OK);
        for (int n = 0; n < filled; n++)
            for (int o = 0; o < 2; o++)
                memcpy(all + ((size_t)(done + n) * 2 + (size_t)o) * MAP, result(infer, slot, o, n), MAP * sizeof *all);
        done += filled;
    }
    tl_infer_close(&infer);
    return all;
}

// The same bits for any batch, also a partly filled one, and any number of threads.
static void bits_depend_on_nothing_else(void **state)
{
    (void)state;
    enum { COUNT = 11 };
    for (int i = 0; i < g_count; i++) {
        float *want = run_in_order(&g_backends[i], 1, 1, COUNT);
        const int settings[][2] = {{1, 2}, {1, 8}, {2, 1}, {4, 2}, {3, 2}};
        for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
            float *got = run_in_order(&g_backends[i], settings[k][0], settings[k][1], COUNT);
            assert_memory_equal(got, want, COUNT * 2 * MAP * sizeof *want);
            free(got);
        }
        assert_memory_not_equal(want, want + (size_t)2 * MAP, MAP * sizeof *want);
        free(want);
    }
}

static void many_in_flight_in_any_order(void **state)
{
    (void)state;
    enum { SLOTS = 4 };
    for (int i = 0; i < g_count; i++) {
        TlInfer *infer = open_backend(&g_backends[i], 1, 2, SLOTS);
        float *want = run_in_order(&g_backends[i], 1, 1, SLOTS);
        const int order[SLOTS] = {2, 0, 3, 1};
        for (int s = 0; s < SLOTS; s++) {
            fill_input(infer, s, 0, (unsigned)s);
            assert_int_equal(tl_infer_submit(infer, s, 1, NULL), TL_OK);
        }
        for (int k = 0; k < SLOTS; k++) {
            assert_int_equal(tl_infer_wait(infer, order[k], NULL), TL_OK);
            assert_memory_equal(result(infer, order[k], 0, 0), want + (size_t)order[k] * 2 * MAP, MAP * sizeof *want);
        }
        free(want);
        tl_infer_close(&infer);
    }
}

typedef struct Worker {
    TlInfer *infer;
    int first_slot;
    const float *want; ///< NULL when answers depend on the order of calls
    atomic_int *failures;
} Worker;

// Two slots a thread, submitted together and waited for in turn.
static void *work(void *arg)
{
    Worker *w = arg;
    for (int round = 0; round < ROUNDS; round++) {
        for (int k = 0; k < 2; k++) {
            fill_input(w->infer, w->first_slot + k, 0, (unsigned)(round + k) % 8);
            if (tl_infer_submit(w->infer, w->first_slot + k, 1, NULL) < 0)
                atomic_fetch_add(w->failures, 1);
        }
        for (int k = 1; k >= 0; k--) {
            int slot = w->first_slot + (round % 2 ? k : 1 - k), seed = (round + slot - w->first_slot) % 8;
            if (tl_infer_wait(w->infer, slot, NULL) < 0)
                atomic_fetch_add(w->failures, 1);
            if (w->want &&
                memcmp(result(w->infer, slot, 1, 0), w->want + (size_t)(2 * seed + 1) * MAP, MAP * sizeof(float)) != 0)
                atomic_fetch_add(w->failures, 1);
        }
    }
    return NULL;
}

static void two_threads_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        pthread_t thread[2];
        Worker worker[2];
        atomic_int failures = 0;
        float *want = g_backends[i].looks_at_input ? run_in_order(&g_backends[i], 1, 1, 8) : NULL;
        TlInfer *infer = open_backend(&g_backends[i], 1, 2, 4);
        for (int t = 0; t < 2; t++) {
            worker[t] = (Worker){infer, 2 * t, want, &failures};
            assert_int_equal(pthread_create(&thread[t], NULL, work, &worker[t]), 0);
        }
        for (int t = 0; t < 2; t++)
            pthread_join(thread[t], NULL);
        assert_int_equal(failures, 0);
        tl_infer_close(&infer);
        free(want);
    }
}

static void nothing_is_allocated_per_request(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        TlInfer *infer = open_backend(&g_backends[i], 2, 1, 2);
        uint64_t before = tl_alloc_count();
        for (int round = 0; round < 20; round++) {
            assert_int_equal(tl_infer_submit(infer, round % 2, 1 + round % 2, NULL), TL_OK);
            assert_int_equal(tl_infer_wait(infer, round % 2, NULL), TL_OK);
        }
        assert_int_equal(tl_alloc_count(), before);
        tl_infer_close(&infer);
    }
}

static void open_and_close_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++) {
        for (int round = 0; round < 5; round++) {
            TlInfer *a = open_backend(&g_backends[i], 1, 1, 0), *b = open_backend(&g_backends[i], 2, 1, 1);
            assert_int_equal(tl_infer_submit(a, 0, 1, NULL), TL_OK);
            assert_int_equal(tl_infer_submit(b, 0, 2, NULL), TL_OK);
            assert_int_equal(tl_infer_wait(a, 0, NULL), TL_OK);
            tl_infer_close(&a);
            assert_int_equal(tl_infer_wait(b, 0, NULL), TL_OK);
            tl_infer_close(&b);
        }
    }
}

// Every registered backend that is usable here takes part.
static int prepare(void **state)
{
    (void)state;
    TlBackendInfo info;
    for (int i = 0; tl_infer_backend(i, &info) == TL_OK; i++) {
        print_message("%s: %s (%s)\n", info.name, info.available ? "tested" : "NOT AVAILABLE, not tested", info.detail);
        if (!info.available)
            continue;
        Backend *b = &g_backends[g_count++];
        int scripted = !strcmp(info.name, "scripted");
        b->name = info.name;
        b->looks_at_input = !scripted;
        snprintf(b->model, sizeof b->model, "/tmp/tl_conformance_%d.%s", (int)getpid(), scripted ? "script" : "onnx");
        if (scripted)
            write_script(b->model);
        else
            write_network(b->model);
        TlDiag diag = {0};
        if (tl_model_meta_read(&b->meta, b->model, &diag) < 0)
            return -1;
    }
    return g_count ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    for (int i = 0; i < g_count; i++)
        unlink(g_backends[i].model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_as_promised),
        cmocka_unit_test(as_many_slots_as_asked),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(bad_parameters_are_refused),
        cmocka_unit_test(bits_depend_on_nothing_else),
        cmocka_unit_test(many_in_flight_in_any_order),
        cmocka_unit_test(two_threads_at_once),
        cmocka_unit_test(nothing_is_allocated_per_request),
        cmocka_unit_test(open_and_close_again_and_again),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
