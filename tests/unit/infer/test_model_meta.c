// Metadata of ONNX files against files written by onnx_writer.h, whole, cut, flipped and invented.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/infer.h"
#include "onnx_writer.h"

static char g_path[64];

static int read_bytes(const Bytes *bytes, TlModelMeta *meta, TlDiag *diag)
{
    save(bytes, g_path);
    tl_diag_clear(diag);
    return tl_model_meta_read(meta, g_path, diag);
}

static Bytes sample_model(int64_t n, int64_t h, int64_t w)
{
    float weights[48] = {0}, bias[8] = {0};
    return make_centers_model(n, h, w, weights, bias);
}

static void reads_what_was_written(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    uint8_t hash[32];
    Bytes model = sample_model(0, 0, 0);
    put_property(&model, "names", "{0: 'ball'}");
    assert_int_equal(read_bytes(&model, &meta, &diag), TL_OK);
    assert_string_equal(meta.input_name, "input");
    assert_int_equal(meta.input_dtype, TL_DTYPE_U8);
    assert_int_equal(meta.input_rank, 4);
    assert_int_equal(meta.input_dim[0], -1);
    assert_int_equal(meta.input_dim[1], 6);
    assert_int_equal(meta.input_dim[3], -1);
    assert_int_equal(meta.output_count, 2);
    assert_string_equal(meta.output[0].name, "heat");
    assert_string_equal(meta.output[1].name, "box");
    assert_int_equal(meta.output[1].dim[1], 4);
    assert_int_equal(meta.count, 4);
    assert_string_equal(tl_model_meta_get(&meta, "touchline.width"), "64");
    assert_string_equal(tl_model_meta_get(&meta, "names"), "{0: 'ball'}");
    assert_null(tl_model_meta_get(&meta, "nam"));
    assert_int_equal(meta.quantized, 0);
    assert_int_equal(meta.file_bytes, model.size);
    crypto_hash_sha256(hash, model.data, model.size);
    assert_memory_equal(meta.hash, hash, 32);
    free(model.data);

    model = sample_model(2, 16, 32);
    assert_int_equal(read_bytes(&model, &meta, &diag), TL_OK);
    assert_int_equal(meta.input_dim[0], 2);
    assert_int_equal(meta.input_dim[3], 32);
    assert_int_equal(meta.output[0].dim[2], 8);
    free(model.data);
}

static void sees_quantising_nodes(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    Bytes graph = {0}, node = {0};
    begin_node(&node, "DequantizeLinear", (const char *[]){"input", NULL}, "x");
    put_message(&graph, 1, &node);
    put_value(&graph, 11, "input", ONNX_F16, (int64_t[]){1, 3}, 2);
    put_value(&graph, 12, "x", ONNX_F32, (int64_t[]){1, 3}, 2);
    Bytes model = finish_model(&graph);
    assert_int_equal(read_bytes(&model, &meta, &diag), TL_OK);
    assert_int_equal(meta.quantized, 1);
    assert_int_equal(meta.input_dtype, -1);
    free(model.data);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    char key[200], value[5000];
    memset(key, 'k', sizeof key);
    memset(value, 'v', sizeof value);
    key[199] = value[4999] = '\0';
    Bytes model = sample_model(0, 0, 0);
    put_property(&model, key, value);
    put_property(&model, "control", "a\nb\x01");
    for (int i = 0; i < 100; i++)
        put_property(&model, "more", "x");
    assert_int_equal(read_bytes(&model, &meta, &diag), TL_OK);
    assert_int_equal(meta.count, TL_META_MAX);
    assert_int_equal(strlen(meta.item[3].key), 63);
    assert_int_equal(strlen(meta.item[3].value), 2047);
    assert_string_equal(tl_model_meta_get(&meta, "control"), "a b ");
    free(model.data);
}

static void refuses_what_is_not_a_model(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    const char *texts[] = {"", "hello", "<html></html>", "\x08\x08", "touchline"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Bytes bytes = {0};
        put(&bytes, texts[i], strlen(texts[i]));
        assert_int_equal(read_bytes(&bytes, &meta, &diag), TL_EMODEL);
        assert_int_equal(diag.code, TL_EMODEL);
        assert_non_null(strstr(diag.text, g_path));
        free(bytes.data);
    }
    tl_diag_clear(&diag);
    assert_int_equal(tl_model_meta_read(&meta, "/nonexistent/x.onnx", &diag), TL_ENOENT);
    tl_diag_clear(&diag);
    assert_int_equal(tl_model_meta_read(&meta, "/", &diag), TL_EMODEL);
}

static void refuses_a_pipe_without_waiting(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    char fifo[80];
    snprintf(fifo, sizeof fifo, "%s.fifo", g_path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(tl_model_meta_read(&meta, fifo, &diag), TL_EMODEL);
    unlink(fifo);
}

static void refuses_more_than_a_gigabyte(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    unlink(g_path);
    FILE *file = fopen(g_path, "wb");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), ((off_t)1 << 30) + 1), 0); // a hole, no bytes on disk
    fclose(file);
    assert_int_equal(tl_model_meta_read(&meta, g_path, &diag), TL_ELIMIT);
}

static void refuses_weights_in_a_second_file(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    Bytes graph = {0}, tensor = {0};
    put_int(&tensor, 14, 1);
    put_message(&graph, 5, &tensor);
    put_value(&graph, 11, "input", ONNX_F32, (int64_t[]){1}, 1);
    put_value(&graph, 12, "x", ONNX_F32, (int64_t[]){1}, 1);
    Bytes model = finish_model(&graph);
    assert_int_equal(read_bytes(&model, &meta, &diag), TL_EMODEL);
    assert_non_null(strstr(diag.text, "second file"));
    free(model.data);
}

static void refuses_absurd_shapes(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    const int64_t seven[7] = {1, 1, 1, 1, 1, 1, 1}, huge[1] = {INT64_MAX}, negative[1] = {-5};
    const struct {
        const int64_t *dim;
        int rank;
    } shapes[] = {{seven, 7}, {huge, 1}, {negative, 1}};
    for (size_t i = 0; i < 3; i++) {
        Bytes graph = {0};
        put_value(&graph, 11, "input", ONNX_F32, shapes[i].dim, shapes[i].rank);
        put_value(&graph, 12, "x", ONNX_F32, (int64_t[]){1}, 1);
        Bytes model = finish_model(&graph);
        assert_int_equal(read_bytes(&model, &meta, &diag), TL_EMODEL);
        free(model.data);
    }
    Bytes graph = {0};
    put_value(&graph, 11, "input", ONNX_F32, (int64_t[]){1}, 1);
    for (int i = 0; i < TL_INFER_OUTPUT_MAX + 1; i++)
        put_value(&graph, 12, "x", ONNX_F32, (int64_t[]){1}, 1);
    Bytes model = finish_model(&graph);
    assert_int_equal(read_bytes(&model, &meta, &diag), TL_EMODEL);
    free(model.data);
}

// A length that points behind the end of its own message, at every nesting level, must be seen there.
static void refuses_lengths_beyond_the_message(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    const uint64_t lengths[] = {100, 1u << 30, UINT64_MAX, UINT64_MAX - 3, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        Bytes graph = {0}, model = {0};
        put_varint(&graph, 11 << 3 | 2);
        put_varint(&graph, lengths[i]);
        put(&graph, "abc", 3);
        put_message(&model, 7, &graph);
        put_property(&model, "behind",
                     "the graph lies more than enough bytes of another message, which must not be read");
        assert_int_equal(read_bytes(&model, &meta, &diag), TL_EMODEL);
        free(model.data);
    }
    const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    Bytes bytes = {0};
    put(&bytes, endless, sizeof endless);
    assert_int_equal(read_bytes(&bytes, &meta, &diag), TL_EMODEL);
    free(bytes.data);
}

// Cut at every byte: an error, or (cut between two properties) a model with fewer of them.
static void every_cut_is_survived(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    Bytes model = sample_model(0, 0, 0);
    int refused = 0;
    for (size_t cut = 0; cut < model.size; cut++) {
        Bytes part = {model.data, cut};
        int ret = read_bytes(&part, &meta, &diag);
        assert_true(ret == TL_EMODEL || (ret == TL_OK && meta.output_count == 2 && meta.count < 3));
        refused += ret != TL_OK;
    }
    assert_true(refused > (int)model.size - 80);
    free(model.data);
}

static void random_damage_is_survived(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    uint32_t seed = 12345;
    Bytes model = sample_model(1, 16, 32);
    uint8_t *copy = malloc(model.size);
    memcpy(copy, model.data, model.size);
    for (int round = 0; round < 3000; round++) {
        memcpy(model.data, copy, model.size);
        for (int k = 0; k < 1 + round % 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            model.data[(seed >> 8) % model.size] = (uint8_t)(seed >> 4);
        }
        int ret = read_bytes(&model, &meta, &diag);
        assert_true(ret == TL_OK || ret == TL_EMODEL);
        if (ret == TL_OK) {
            assert_in_range(meta.output_count, 1, TL_INFER_OUTPUT_MAX);
            assert_in_range(meta.input_rank, 0, TL_TENSOR_RANK_MAX);
            assert_true(memchr(meta.input_name, 0, sizeof meta.input_name) != NULL);
        } else {
            assert_true(diag.text[0] != '\0');
        }
    }
    for (int round = 0; round < 500; round++) { // nothing but noise
        for (size_t i = 0; i < model.size; i++) {
            seed = seed * 1664525u + 1013904223u;
            model.data[i] = (uint8_t)(seed >> 16);
        }
        int ret = read_bytes(&model, &meta, &diag);
        assert_true(ret == TL_OK || ret == TL_EMODEL);
    }
    free(copy);
    free(model.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(sees_quantising_nodes),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(refuses_what_is_not_a_model),
        cmocka_unit_test(refuses_a_pipe_without_waiting),
        cmocka_unit_test(refuses_more_than_a_gigabyte),
        cmocka_unit_test(refuses_weights_in_a_second_file),
        cmocka_unit_test(refuses_absurd_shapes),
        cmocka_unit_test(refuses_lengths_beyond_the_message),
        cmocka_unit_test(every_cut_is_survived),
        cmocka_unit_test(random_damage_is_survived),
    };
    snprintf(g_path, sizeof g_path, "/tmp/tl_meta_%d.onnx", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(g_path);
    return failed;
}
