// Writes small ONNX files for tests, so that no test needs Python or a file in the repository.
//
// A growing byte buffer and the few protobuf messages a convolution needs (field numbers of onnx.proto). Nothing is
// shared with the reader under test.
#ifndef TL_TEST_ONNX_WRITER_H
#define TL_TEST_ONNX_WRITER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bytes {
    uint8_t *data;
    size_t size;
} Bytes;

static inline void put(Bytes *b, const void *data, size_t size)
{
    b->data = realloc(b->data, b->size + size + 1);
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put_varint(Bytes *b, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(b, &byte, 1);
        value >>= 7;
    } while (value);
}

static inline void put_int(Bytes *b, unsigned field, int64_t value)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, (uint64_t)value);
}

static inline void put_raw(Bytes *b, unsigned field, const void *data, size_t size)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, size);
    put(b, data, size);
}

static inline void put_text(Bytes *b, unsigned field, const char *text)
{
    put_raw(b, field, text, strlen(text));
}

// Moves a finished message into its parent.
static inline void put_message(Bytes *b, unsigned field, Bytes *message)
{
    put_raw(b, field, message->data, message->size);
    free(message->data);
    *message = (Bytes){0};
}

enum { ONNX_F32 = 1, ONNX_U8 = 2, ONNX_F16 = 10 };

// graph.input (11) or graph.output (12); a dimension of 0 becomes symbolic.
static inline void put_value(Bytes *graph, unsigned field, const char *name, int type, const int64_t *dim, int rank)
{
    Bytes value = {0}, type_proto = {0}, tensor = {0}, shape = {0};
    for (int i = 0; i < rank; i++) {
        Bytes d = {0};
        char symbol[16];
        snprintf(symbol, sizeof symbol, "d%d", i);
        if (dim[i])
            put_int(&d, 1, dim[i]);
        else
            put_text(&d, 2, symbol);
        put_message(&shape, 1, &d);
    }
    put_int(&tensor, 1, type);
    put_message(&tensor, 2, &shape);
    put_message(&type_proto, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type_proto);
    put_message(graph, field, &value);
}

static inline void put_weights(Bytes *graph, const char *name, const int64_t *dim, int rank, const float *data)
{
    Bytes tensor = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        put_int(&tensor, 1, dim[i]);
        count *= (size_t)dim[i];
    }
    put_int(&tensor, 2, ONNX_F32);
    put_text(&tensor, 8, name);
    put_raw(&tensor, 9, data, count * sizeof *data);
    put_message(graph, 5, &tensor);
}

static inline void put_attribute_int(Bytes *node, const char *name, int64_t value)
{
    Bytes attribute = {0};
    put_text(&attribute, 1, name);
    put_int(&attribute, 3, value);
    put_int(&attribute, 20, 2);
    put_message(node, 5, &attribute);
}

static inline void put_attribute_ints(Bytes *node, const char *name, int64_t a, int64_t b)
{
    Bytes attribute = {0};
    put_text(&attribute, 1, name);
    put_int(&attribute, 8, a);
    put_int(&attribute, 8, b);
    put_int(&attribute, 20, 7);
    put_message(node, 5, &attribute);
}

static inline void begin_node(Bytes *node, const char *op, const char *const *inputs, const char *output)
{
    for (; *inputs; inputs++)
        put_text(node, 1, *inputs);
    put_text(node, 2, output);
    put_text(node, 4, op);
}

static inline void put_property(Bytes *model, const char *key, const char *value)
{
    Bytes entry = {0};
    put_text(&entry, 1, key);
    put_text(&entry, 2, value);
    put_message(model, 14, &entry);
}

// Wraps a graph into a model; properties may be added behind it.
static inline Bytes finish_model(Bytes *graph)
{
    Bytes model = {0}, opset = {0};
    put_text(graph, 2, "test");
    put_int(&model, 1, 8);
    put_text(&model, 2, "touchline tests");
    put_message(&model, 7, graph);
    put_int(&opset, 2, 13);
    put_message(&model, 8, &opset);
    return model;
}

// 1x1 convolution from `from` to `to` with the given stride; weights [out,in], bias [out].
static inline void put_conv(Bytes *graph, const char *from, const char *to, int in, int out, int stride,
                            const float *weights, const float *bias)
{
    char w[72], b[72];
    Bytes node = {0};
    snprintf(w, sizeof w, "%s.w", to);
    snprintf(b, sizeof b, "%s.b", to);
    put_weights(graph, w, (int64_t[]){out, in, 1, 1}, 4, weights);
    put_weights(graph, b, (int64_t[]){out}, 1, bias);
    begin_node(&node, "Conv", (const char *[]){from, w, b, NULL}, to);
    put_attribute_ints(&node, "kernel_shape", 1, 1);
    put_attribute_ints(&node, "strides", stride, stride);
    put_message(graph, 1, &node);
}

// A network with the face of the house player network: u8 [N,6,h,w] -> Cast -> two 1x1 convolutions of stride 2:
// heat [N,4,h/2,w/2], box [N,4,h/2,w/2]. Fixed sizes when n, h, w are not 0. weights [2][4][6], bias [2][4].
static inline Bytes make_centers_model(int64_t n, int64_t h, int64_t w, const float *weights, const float *bias)
{
    Bytes graph = {0}, cast = {0};
    begin_node(&cast, "Cast", (const char *[]){"input", NULL}, "float");
    put_attribute_int(&cast, "to", ONNX_F32);
    put_message(&graph, 1, &cast);
    put_conv(&graph, "float", "heat", 6, 4, 2, weights, bias);
    put_conv(&graph, "float", "box", 6, 4, 2, weights + 24, bias + 4);
    put_value(&graph, 11, "input", ONNX_U8, (int64_t[]){n, 6, h, w}, 4);
    put_value(&graph, 12, "heat", ONNX_F32, (int64_t[]){n, 4, h / 2, w / 2}, 4);
    put_value(&graph, 12, "box", ONNX_F32, (int64_t[]){n, 4, h / 2, w / 2}, 4);
    Bytes model = finish_model(&graph);
    put_property(&model, "touchline.head", "centers");
    put_property(&model, "touchline.width", "64");
    put_property(&model, "touchline.height", "32");
    return model;
}

static inline void save(const Bytes *bytes, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes->data, 1, bytes->size, file) != bytes->size || fclose(file) != 0)
        abort();
}

#endif
