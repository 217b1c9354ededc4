// What is needed of a model file, read without any runtime: metadata, input, outputs and a hash.
//
// In: an ONNX file (protobuf ModelProto, https://onnx.ai/onnx/repo-docs/IR.html, field numbers of onnx.proto) or a
// script of the scripted backend. Out: TlModelMeta. Protobuf wire format: every field is a varint key (number << 3 |
// type) followed by a varint, 4 or 8 bytes, or a length and that many bytes. The file is hostile until proven
// otherwise: a length is checked against what is left of its own message before anything is read, nesting is fixed by
// the schema, and counts are bounded.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "infer/backend.h"
#include "infer/script.h"

enum {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5,
    DIM_MAX = 1 << 24,
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_EXTERNAL = 1,
};
static const int64_t file_bytes_max = (int64_t)1 << 30;

typedef struct Reader {
    const uint8_t *at, *end;
} Reader;

typedef struct Field {
    uint64_t number;
    int wire;
    uint64_t value; ///< of a varint
    Reader bytes;   ///< of WIRE_BYTES
} Field;

static int read_varint(Reader *r, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            return -1;
        uint8_t byte = *r->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return 0;
    }
    return -1;
}

static int skip(Reader *r, uint64_t bytes)
{
    if (bytes > (uint64_t)(r->end - r->at))
        return -1;
    r->at += bytes;
    return 0;
}

// 1 with the next field, 0 at the end of the message, -1 when it is broken.
static int next_field(Reader *r, Field *field)
{
    uint64_t key;
    if (r->at == r->end)
        return 0;
    *field = (Field){0};
    if (read_varint(r, &key) < 0 || key >> 3 == 0)
        return -1;
    field->number = key >> 3;
    field->wire = (int)(key & 7);
    switch (field->wire) {
    case WIRE_VARINT:
        return read_varint(r, &field->value) < 0 ? -1 : 1;
    case WIRE_64:
        return skip(r, 8) < 0 ? -1 : 1;
    case WIRE_32:
        return skip(r, 4) < 0 ? -1 : 1;
    case WIRE_BYTES:
        if (read_varint(r, &field->value) < 0)
            return -1;
        field->bytes.at = r->at;
        if (skip(r, field->value) < 0)
            return -1;
        field->bytes.end = r->at;
        return 1;
    default:
        return -1;
    }
}

static int is_message(const Field *field, uint64_t number)
{
    return field->number == number && field->wire == WIRE_BYTES;
}

// Copies a string field, cut to the room there is; control characters would end up in sentences and logs.
static void copy_text(char *dst, size_t size, const Field *field)
{
    size_t length = (size_t)(field->bytes.end - field->bytes.at);
    length = length < size ? length : size - 1;
    for (size_t i = 0; i < length; i++)
        dst[i] = field->bytes.at[i] < 0x20 || field->bytes.at[i] == 0x7f ? ' ' : (char)field->bytes.at[i];
    dst[length] = '\0';
}

// ValueInfoProto, filled from {name, type.tensor_type.{elem_type, shape.dim[]}}.
typedef struct Value {
    char name[64];
    int elem_type, rank;
    int64_t dim[TL_TENSOR_RANK_MAX];
} Value;

// TensorShapeProto.Dimension: a number, or a name for a size that is only known at run time.
static int read_dim(Reader r, int64_t *dim)
{
    Field field;
    int more;
    *dim = -1;
    while ((more = next_field(&r, &field)) > 0) {
        if (field.number != 1 || field.wire != WIRE_VARINT)
            continue;
        if (field.value > DIM_MAX)
            return -1;
        *dim = field.value ? (int64_t)field.value : -1;
    }
    return more;
}

static int read_shape(Reader r, Value *value)
{
    Field field;
    int more;
    while ((more = next_field(&r, &field)) > 0) {
        if (!is_message(&field, 1))
            continue;
        if (value->rank == TL_TENSOR_RANK_MAX || read_dim(field.bytes, &value->dim[value->rank++]) < 0)
            return -1;
    }
    return more;
}

static int read_tensor_type(Reader r, Value *value)
{
    Field field;
    int more;
    while ((more = next_field(&r, &field)) > 0) {
        if (field.number == 1 && field.wire == WIRE_VARINT)
            value->elem_type = field.value <= 64 ? (int)field.value : -1;
        else if (is_message(&field, 2) && read_shape(field.bytes, value) < 0)
            return -1;
    }
    return more;
}

static int read_value(Reader r, Value *value)
{
    Field field;
    int more;
    *value = (Value){.elem_type = -1};
    while ((more = next_field(&r, &field)) > 0) {
        if (is_message(&field, 1)) {
            copy_text(value->name, sizeof value->name, &field);
        } else if (is_message(&field, 2)) {
            Reader type = field.bytes;
            Field inner;
            int left;
            while ((left = next_field(&type, &inner)) > 0)
                if (is_message(&inner, 1) && read_tensor_type(inner.bytes, value) < 0)
                    return -1;
            if (left < 0)
                return -1;
        }
    }
    return more;
}

// NodeProto: only whether it quantises (op_type QuantizeLinear, DequantizeLinear, QLinearConv, ...).
static int read_node(Reader r, TlModelMeta *meta)
{
    Field field;
    int more;
    while ((more = next_field(&r, &field)) > 0) {
        char op[32];
        if (!is_message(&field, 4))
            continue;
        copy_text(op, sizeof op, &field);
        if (strstr(op, "QuantizeLinear") || strstr(op, "DequantizeLinear") || !strncmp(op, "QLinear", 7))
            meta->quantized = 1;
    }
    return more;
}

// TensorProto: weights kept in a second file would be neither hashed nor checked.
static int read_initializer(Reader r, int *external)
{
    Field field;
    int more;
    while ((more = next_field(&r, &field)) > 0)
        if (field.number == 14 && field.wire == WIRE_VARINT && field.value == ONNX_EXTERNAL)
            *external = 1;
    return more;
}

static int add_input(TlModelMeta *meta, const Value *value)
{
    if (meta->input_name[0])
        return 0;
    tl_strcpy(meta->input_name, sizeof meta->input_name, value->name);
    meta->input_dtype = value->elem_type == ONNX_UINT8   ? TL_DTYPE_U8
                        : value->elem_type == ONNX_FLOAT ? TL_DTYPE_F32
                                                         : -1;
    meta->input_rank = value->rank;
    memcpy(meta->input_dim, value->dim, sizeof meta->input_dim);
    return 0;
}

static int add_output(TlModelMeta *meta, const Value *value)
{
    if (meta->output_count == TL_INFER_OUTPUT_MAX)
        return -1;
    int i = meta->output_count++;
    tl_strcpy(meta->output[i].name, sizeof meta->output[i].name, value->name);
    meta->output[i].rank = value->rank;
    memcpy(meta->output[i].dim, value->dim, sizeof meta->output[i].dim);
    return 0;
}

static int read_graph(Reader r, TlModelMeta *meta, int *external)
{
    Field field;
    Value value;
    int more;
    while ((more = next_field(&r, &field)) > 0) {
        int ret = 0;
        if (is_message(&field, 1))
            ret = read_node(field.bytes, meta);
        else if (is_message(&field, 5))
            ret = read_initializer(field.bytes, external);
        else if (is_message(&field, 11))
            ret = (ret = read_value(field.bytes, &value)) < 0 ? ret : add_input(meta, &value);
        else if (is_message(&field, 12))
            ret = (ret = read_value(field.bytes, &value)) < 0 ? ret : add_output(meta, &value);
        if (ret < 0)
            return -1;
    }
    return more;
}

// StringStringEntryProto. Entries beyond the room in TlModelMeta are left out: ours come first in our own files, and
// ultralytics writes a dozen.
static int read_property(Reader r, TlModelMeta *meta)
{
    Field field;
    int more, i = meta->count;
    if (i == TL_META_MAX)
        return 0;
    while ((more = next_field(&r, &field)) > 0) {
        if (is_message(&field, 1))
            copy_text(meta->item[i].key, sizeof meta->item[i].key, &field);
        else if (is_message(&field, 2))
            copy_text(meta->item[i].value, sizeof meta->item[i].value, &field);
    }
    if (more == 0 && meta->item[i].key[0])
        meta->count++;
    return more;
}

static int read_model(TlModelMeta *meta, const uint8_t *data, size_t size, const char *path, TlDiag *diag)
{
    Reader r = {data, data + size};
    Field field;
    int more, graphs = 0, external = 0;
    while ((more = next_field(&r, &field)) > 0) {
        int ret = 0;
        if (is_message(&field, 7)) {
            graphs++;
            ret = read_graph(field.bytes, meta, &external);
        } else if (is_message(&field, 14)) {
            ret = read_property(field.bytes, meta);
        }
        if (ret < 0)
            return tl_fail(diag, TL_EMODEL, "'%s' is damaged or not an ONNX model", path);
    }
    if (more < 0 || graphs == 0)
        return tl_fail(diag, TL_EMODEL, "'%s' is %s", path, graphs ? "cut short" : "not an ONNX model");
    if (graphs != 1 || !meta->input_name[0] || meta->output_count == 0)
        return tl_fail(diag, TL_EMODEL, "'%s' is an ONNX file without one graph that has inputs and outputs", path);
    if (external)
        return tl_fail(diag, TL_EMODEL, "'%s' keeps its weights in a second file; save it as one file", path);
    return TL_OK;
}

static int load_file(const char *path, uint8_t **data, int64_t *size, TlDiag *diag)
{
    struct stat info;
    int ret = TL_OK;
    *data = NULL;
    // Non-blocking, so that a named pipe given by mistake is refused below instead of waited for.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!file) {
        ret = tl_fail(diag, tl_errno_code(errno), "cannot open the model '%s': %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return ret;
    }
    if (fstat(fd, &info) < 0)
        ret = tl_fail(diag, TL_EIO, "cannot read the model '%s': %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        ret = tl_fail(diag, TL_EMODEL, "the model '%s' is not a file", path);
    else if (info.st_size == 0)
        ret = tl_fail(diag, TL_EMODEL, "the model '%s' is empty", path);
    else if (info.st_size > file_bytes_max)
        ret = tl_fail(diag, TL_ELIMIT, "the model '%s' is larger than 1 GiB", path);
    else if (!(*data = tl_calloc((size_t)info.st_size, 1)))
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the model '%s'", path);
    else if (fread(*data, 1, (size_t)info.st_size, file) != (size_t)info.st_size)
        ret = tl_fail(diag, TL_EIO, "cannot read the model '%s'", path);
    *size = info.st_size;
    fclose(file);
    if (ret < 0)
        tl_free(data);
    return ret;
}

int tl_model_meta_read(TlModelMeta *meta, const char *path, TlDiag *diag)
{
    uint8_t *data = NULL;
    int64_t size = 0;
    memset(meta, 0, sizeof *meta);
    int ret = load_file(path, &data, &size, diag);
    if (ret < 0)
        return ret;
    crypto_hash_sha256(meta->hash, data, (unsigned long long)size);
    meta->file_bytes = size;
    if (tl_script_detect((const char *)data, (size_t)size))
        ret = tl_script_meta(meta, (const char *)data, (size_t)size, path, diag);
    else
        ret = read_model(meta, data, (size_t)size, path, diag);
    tl_free(&data);
    return ret;
}

const char *tl_model_meta_get(const TlModelMeta *meta, const char *key)
{
    for (int i = 0; i < meta->count; i++)
        if (!strcmp(meta->item[i].key, key))
            return meta->item[i].value;
    return NULL;
}
