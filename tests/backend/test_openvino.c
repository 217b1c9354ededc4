// What is special to OpenVINO: true values, the cache of compiled models and its damage, and models it must refuse.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/log.h>

#include "../unit/infer/onnx_writer.h"
#include "post/post.h"

enum { WIDTH = 64, HEIGHT = 32, IN_W = WIDTH / 2, IN_H = HEIGHT / 2, OUT_W = WIDTH / 4, OUT_H = HEIGHT / 4 };

static char g_model[64], g_cache[64];
static float g_weights[48], g_bias[8];
static TlModelMeta g_meta;
static char g_log[512];

static void keep_log(void *opaque, int level, const char *line)
{
    (void)opaque;
    if (level <= TL_LOG_WARNING)
        snprintf(g_log, sizeof g_log, "%s", line);
}

static TlInferParams make_params(const char *cache)
{
    return (TlInferParams){.backend = "openvino",
                           .device = "auto",
                           .model = g_model,
                           .cache_dir = cache,
                           .batch = 1,
                           .width = WIDTH,
                           .height = HEIGHT,
                           .threads = 2,
                           .meta = &g_meta};
}

static void write_model(Bytes *model)
{
    TlDiag diag = {0};
    save(model, g_model);
    free(model->data);
    if (tl_model_meta_read(&g_meta, g_model, &diag) < 0)
        fail_msg("%s", diag.text);
}

static void write_standard_model(int64_t n, int64_t h, int64_t w)
{
    for (int i = 0; i < 48; i++)
        g_weights[i] = (float)((i * 37 % 23) - 11) / 256;
    for (int i = 0; i < 8; i++)
        g_bias[i] = (float)i / 3 - 1;
    Bytes model = make_centers_model(n, h, w, g_weights, g_bias);
    write_model(&model);
}

static TlInfer *open_model(const char *cache)
{
    TlInfer *infer = NULL;
    TlDiag diag = {0};
    TlInferParams params = make_params(cache);
    if (tl_infer_open(&infer, &params, &diag) < 0)
        fail_msg("%s", diag.text);
    return infer;
}

// Runs a fixed picture and compares with the convolution done here.
static void check_values(TlInfer *infer)
{
    uint8_t *in = tl_infer_input(infer, 0)->data;
    for (int i = 0; i < 6 * IN_W * IN_H; i++)
        in[i] = (uint8_t)((unsigned)i * 2654435761u >> 20);
    assert_int_equal(tl_infer_submit(infer, 0, 1, NULL), TL_OK);
    assert_int_equal(tl_infer_wait(infer, 0, NULL), TL_OK);
    for (int o = 0; o < 2; o++) {
        const float *out = tl_infer_output(infer, 0, o)->data;
        for (int c = 0; c < 4; c++) {
            for (int y = 0; y < OUT_H; y++) {
                for (int x = 0; x < OUT_W; x++) {
                    double want = g_bias[4 * o + c];
                    for (int k = 0; k < 6; k++)
                        want += (double)g_weights[24 * o + 6 * c + k] * in[(k * IN_H + 2 * y) * IN_W + 2 * x];
                    assert_float_equal(out[(c * OUT_H + y) * OUT_W + x], want, 1e-3);
                }
            }
        }
    }
}

static int count_cache_files(char *last, size_t size)
{
    int count = 0;
    DIR *dir = opendir(g_cache);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' && strlen(entry->d_name) < 3)
            continue;
        snprintf(last, size, "%.60s/%.100s", g_cache, entry->d_name);
        count++;
    }
    if (dir)
        closedir(dir);
    return count;
}

static int clean(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", g_cache);
    g_log[0] = '\0';
    return system(command);
}

static void values_are_true(void **state)
{
    (void)state;
    write_standard_model(0, 0, 0);
    TlInfer *infer = open_model(NULL);
    check_values(infer);
    assert_string_equal(tl_infer_name(infer), "openvino CPU f32, 2 threads");
    tl_infer_close(&infer);
    write_standard_model(1, IN_H, IN_W); // fixed size
    infer = open_model("");
    check_values(infer);
    tl_infer_close(&infer);
}

static void the_cache_gives_the_same(void **state)
{
    (void)state;
    char first[200], second[200];
    write_standard_model(0, 0, 0);
    for (int round = 0; round < 3; round++) {
        TlInfer *infer = open_model(g_cache);
        check_values(infer);
        tl_infer_close(&infer);
        assert_int_equal(count_cache_files(round ? second : first, sizeof first), 1);
    }
    assert_string_equal(first, second);
    g_bias[0] = 5; // another file is another key
    Bytes model = make_centers_model(0, 0, 0, g_weights, g_bias);
    write_model(&model);
    TlInfer *infer = open_model(g_cache);
    check_values(infer);
    tl_infer_close(&infer);
    assert_int_equal(count_cache_files(first, sizeof first), 2);
    assert_string_equal(g_log, "");
}

static void a_damaged_cache_is_rebuilt(void **state)
{
    (void)state;
    char path[200];
    write_standard_model(0, 0, 0);
    TlInfer *infer = open_model(g_cache);
    tl_infer_close(&infer);
    assert_int_equal(count_cache_files(path, sizeof path), 1);
    struct stat sound, now;
    assert_int_equal(stat(path, &sound), 0);
    for (int kind = 0; kind < 5; kind++) {
        FILE *file = fopen(path, kind == 3 ? "w" : "r+");
        assert_non_null(file);
        if (kind == 0) { // one bit in the middle
            fseek(file, sound.st_size / 2, SEEK_SET);
            int byte = fgetc(file);
            fseek(file, sound.st_size / 2, SEEK_SET);
            fputc(byte ^ 1, file);
        } else if (kind == 1) { // cut
            assert_int_equal(ftruncate(fileno(file), sound.st_size / 2), 0);
        } else if (kind == 2) { // seal gone
            assert_int_equal(ftruncate(fileno(file), sound.st_size - 1), 0);
        } else if (kind == 4) { // longer
            fseek(file, 0, SEEK_END);
            fputs("more", file);
        } // 3: empty
        fclose(file);
        infer = open_model(g_cache);
        check_values(infer);
        tl_infer_close(&infer);
        assert_int_equal(stat(path, &now), 0);
        assert_int_equal(now.st_size, sound.st_size);
    }
}

static void an_unusable_cache_costs_only_time(void **state)
{
    (void)state;
    char path[100];
    write_standard_model(0, 0, 0);
    FILE *file = fopen(g_cache, "w"); // a file where the folder should be
    assert_non_null(file);
    fclose(file);
    snprintf(path, sizeof path, "%s/sub", g_cache);
    TlInfer *infer = open_model(path);
    check_values(infer);
    tl_infer_close(&infer);
    assert_non_null(strstr(g_log, g_cache));
    infer = open_model(g_cache);
    check_values(infer);
    tl_infer_close(&infer);
}

static void expect_refusal(int width, int height, int batch, const char *device, int code, const char *part)
{
    TlInfer *infer = NULL;
    TlDiag diag = {0};
    TlInferParams params = make_params(NULL);
    params.width = width;
    params.height = height;
    params.batch = batch;
    params.device = device;
    assert_int_equal(tl_infer_open(&infer, &params, &diag), code);
    assert_null(infer);
    if (!strstr(diag.text, part))
        fail_msg("'%s' does not say '%s'", diag.text, part);
    assert_null(strchr(diag.text, '\n'));
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    write_standard_model(1, IN_H, IN_W);
    expect_refusal(128, 64, 1, "cpu", TL_EMODEL, "fixed to [1,6,16,32]");
    expect_refusal(WIDTH, HEIGHT, 2, "cpu", TL_EMODEL, "cannot take [2,6,16,32]");
    expect_refusal(WIDTH, HEIGHT, 1, "cuda", TL_EUSAGE, "cuda");
    expect_refusal(WIDTH, HEIGHT, 1, "gpu:1", TL_EUSAGE, "gpu:1");
    write_standard_model(0, 0, 0);
    expect_refusal(65, HEIGHT, 1, "cpu", TL_EMODEL, "even");
    const struct {
        int type, rank;
        int64_t dim[4];
    } inputs[] = {
        {ONNX_F32, 2, {1, 10}}, {ONNX_U8, 4, {0, 3, 0, 0}}, {ONNX_F32, 4, {0, 1, 0, 0}}, {ONNX_F16, 4, {0, 3, 0, 0}}};
    for (int i = 0; i < 4; i++) {
        Bytes graph = {0}, node = {0};
        begin_node(&node, "Identity", (const char *[]){"input", NULL}, "out");
        put_message(&graph, 1, &node);
        put_value(&graph, 11, "input", inputs[i].type, inputs[i].dim, inputs[i].rank);
        put_value(&graph, 12, "out", inputs[i].type, inputs[i].dim, inputs[i].rank);
        Bytes model = finish_model(&graph);
        write_model(&model);
        expect_refusal(WIDTH, HEIGHT, 1, "cpu", TL_EMODEL, "takes neither");
    }
}

// Files whose protobuf is sound and whose network is not.
static void broken_networks_are_refused(void **state)
{
    (void)state;
    const char *const ops[] = {"Conv", "NoSuchOperator", "Reshape"};
    for (int i = 0; i < 3; i++) {
        Bytes graph = {0}, node = {0};
        begin_node(&node, ops[i], (const char *[]){"input", "missing", NULL}, "out");
        put_message(&graph, 1, &node);
        put_value(&graph, 11, "input", ONNX_F32, (int64_t[]){0, 3, 0, 0}, 4);
        put_value(&graph, 12, "out", ONNX_F32, (int64_t[]){0, 3, 0, 0}, 4);
        Bytes model = finish_model(&graph);
        write_model(&model);
        expect_refusal(WIDTH, HEIGHT, 1, "cpu", TL_EMODEL, g_model);
    }
    Bytes graph = {0}, node = {0}; // outputs something else than f32
    begin_node(&node, "Cast", (const char *[]){"input", NULL}, "out");
    put_attribute_int(&node, "to", 7);
    put_message(&graph, 1, &node);
    put_value(&graph, 11, "input", ONNX_F32, (int64_t[]){0, 3, 0, 0}, 4);
    put_value(&graph, 12, "out", 7, (int64_t[]){0, 3, 0, 0}, 4);
    Bytes model = finish_model(&graph);
    write_model(&model);
    expect_refusal(WIDTH, HEIGHT, 1, "cpu", TL_EMODEL, "f32");
}

// A file cut anywhere behind its graph still runs; cut before, it is refused by name. No cut crashes.
static void cut_files_are_survived(void **state)
{
    (void)state;
    write_standard_model(0, 0, 0);
    Bytes model = make_centers_model(0, 0, 0, g_weights, g_bias);
    for (size_t cut = 0; cut < model.size; cut += 97) {
        Bytes part = {model.data, cut};
        TlDiag diag = {0};
        TlInfer *infer = NULL;
        save(&part, g_model);
        int ret = tl_model_meta_read(&g_meta, g_model, &diag);
        TlInferParams params = make_params(NULL);
        if (ret == TL_OK)
            ret = tl_infer_open(&infer, &params, &diag);
        assert_true(ret == TL_OK || ret == TL_EMODEL);
        tl_infer_close(&infer);
    }
    free(model.data);
}

static void nan_from_a_network_gives_no_boxes(void **state)
{
    (void)state;
    static TlDetections out;
    TlPostParams post;
    TlLetterbox box;
    TlDiag diag = {0};
    int width, height;
    write_standard_model(0, 0, 0);
    for (int i = 0; i < 24; i++)
        g_weights[i] = NAN;
    Bytes model = make_centers_model(0, 0, 0, g_weights, g_bias);
    write_model(&model);
    const TlHeadOps *head = tl_head_find(&g_meta, 0, &post, &width, &height, &diag);
    assert_non_null(head);
    assert_int_equal(width, WIDTH);
    TlInfer *infer = open_model(NULL);
    assert_int_equal(tl_infer_submit(infer, 0, 1, NULL), TL_OK);
    assert_int_equal(tl_infer_wait(infer, 0, NULL), TL_OK);
    const TlTensor *outputs[2] = {tl_infer_output(infer, 0, 0), tl_infer_output(infer, 0, 1)};
    tl_letterbox_init(&box, 1280, 720, WIDTH, HEIGHT, TL_PRE_TOP_LEFT);
    assert_true(isnan(((const float *)outputs[0]->data)[5]));
    head->detections(outputs, 2, 0, &box, &post, &out);
    assert_int_equal(out.count, 0);
    tl_infer_close(&infer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(values_are_true, clean),
        cmocka_unit_test_teardown(the_cache_gives_the_same, clean),
        cmocka_unit_test_teardown(a_damaged_cache_is_rebuilt, clean),
        cmocka_unit_test_teardown(an_unusable_cache_costs_only_time, clean),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(broken_networks_are_refused),
        cmocka_unit_test(cut_files_are_survived),
        cmocka_unit_test(nan_from_a_network_gives_no_boxes),
    };
    TlBackendInfo info;
    if (tl_infer_backend(0, &info) < 0 || !info.available) {
        printf("skipped: OpenVINO cannot be used here (%s)\n", info.detail);
        return 77;
    }
    tl_log_set(keep_log, NULL, TL_LOG_WARNING);
    snprintf(g_model, sizeof g_model, "/tmp/tl_openvino_%d.onnx", (int)getpid());
    snprintf(g_cache, sizeof g_cache, "/tmp/tl_openvino_cache_%d", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(g_model);
    return failed;
}
