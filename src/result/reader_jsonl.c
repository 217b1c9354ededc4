// Reads our JSON Lines back into records (jansson). Every type, count and range is checked: files come from anywhere.
#include "result/reader_jsonl.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "base/strbuf.h"

enum { LINE_MAX_BYTES = 16 << 20, FORMAT_VERSION = 1 };

struct TlJsonlReader {
    FILE *stream;
    char *path;
    TlStrbuf line;
    int64_t line_number; ///< of the line in `line`, from 1
};

// Next line without its break: TL_OK, TL_EOF, or an error.
static int read_line(TlJsonlReader *r, TlDiag *diag)
{
    char piece[4096];
    int begun = 0;
    tl_strbuf_clear(&r->line);
    while (fgets(piece, sizeof piece, r->stream)) {
        size_t length = strlen(piece); // a NUL byte cuts the line short, and the parser refuses the rest
        begun = 1;
        int ends = length && piece[length - 1] == '\n';
        tl_strbuf_mem(&r->line, piece, length - (size_t)ends);
        if (r->line.failed)
            return tl_fail(diag, TL_ENOMEM, "out of memory for a line of '%s'", r->path);
        if (r->line.length > LINE_MAX_BYTES)
            return tl_fail(diag, TL_ELIMIT, "'%s' line %lld is longer than 16 MiB", r->path,
                           (long long)r->line_number + 1);
        if (ends)
            break;
    }
    if (ferror(r->stream))
        return tl_fail(diag, TL_EIO, "cannot read '%s': %s", r->path, strerror(errno));
    r->line_number += begun;
    return begun ? TL_OK : TL_EOF;
}

static int is_blank(const TlStrbuf *line)
{
    return !line->length || strspn(line->data, " \t\r") == line->length;
}

// The next line that is not blank as a JSON object; the caller owns it.
static int read_object(TlJsonlReader *r, json_t **object, TlDiag *diag)
{
    json_error_t error;
    int ret;
    *object = NULL;
    do {
        ret = read_line(r, diag);
        if (ret < 0)
            return ret;
    } while (is_blank(&r->line));
    *object = json_loadb(r->line.data, r->line.length, JSON_REJECT_DUPLICATES, &error);
    if (!*object)
        return tl_fail(diag, TL_EFORMAT, "'%s' line %lld is not JSON: %s", r->path, (long long)r->line_number,
                       error.text);
    return TL_OK;
}

static int bad(const TlJsonlReader *r, const char *what, TlDiag *diag)
{
    return tl_fail(diag, TL_EFORMAT, "'%s' line %lld: %s", r->path, (long long)r->line_number, what);
}

// --- values; each returns 0, or -1 when the value is not there, of another type or out of range

static int get_float(const json_t *value, float *out)
{
    if (!json_is_number(value))
        return -1;
    *out = (float)json_number_value(value);
    return isfinite(*out) ? 0 : -1;
}

static int get_floats(const json_t *array, float *out, size_t count)
{
    if (!json_is_array(array) || json_array_size(array) != count)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (get_float(json_array_get(array, i), &out[i]) < 0)
            return -1;
    return 0;
}

static int get_bool(const json_t *value, uint8_t *out)
{
    *out = json_is_true(value) ? 1 : 0;
    return json_is_boolean(value) ? 0 : -1;
}

static int get_int(const json_t *value, int64_t min, int64_t max, int64_t *out)
{
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= min && *out <= max ? 0 : -1;
}

static int get_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        return -1;
    tl_strcpy(out, size, text);
    return 0;
}

// 1, 2, or null; files of older versions have no such key.
static int get_team(const json_t *value, uint8_t *out)
{
    int64_t team = 0;
    if (value && !json_is_null(value) && get_int(value, 1, 2, &team) < 0)
        return -1;
    *out = (uint8_t)team;
    return 0;
}

// --- records

static int get_object(const json_t *value, TlObject *out)
{
    int64_t id, class_id;
    const json_t *pitch = json_object_get(value, "pitch");
    *out = (TlObject){0};
    if (get_int(json_object_get(value, "id"), -1, INT32_MAX, &id) < 0 ||
        get_int(json_object_get(value, "class_id"), 0, TL_CLASS_COUNT - 1, &class_id) < 0 ||
        get_floats(json_object_get(value, "bbox"), out->bbox, 4) < 0 ||
        get_float(json_object_get(value, "score"), &out->score) < 0 ||
        get_bool(json_object_get(value, "filled"), &out->filled) < 0 ||
        get_team(json_object_get(value, "team"), &out->team) < 0)
        return -1;
    out->id = (int32_t)id;
    out->class_id = (int32_t)class_id;
    out->has_pitch = !json_is_null(pitch);
    return out->has_pitch ? get_floats(pitch, out->pitch, 2) : 0;
}

static int get_objects(const TlJsonlReader *r, const json_t *array, TlRecord *record, TlDiag *diag)
{
    if (!json_is_array(array))
        return bad(r, "\"objects\" is not a list", diag);
    size_t count = json_array_size(array);
    if (count > TL_OBJECT_MAX)
        return tl_fail(diag, TL_ELIMIT, "'%s' line %lld has %zu objects, more than %d", r->path,
                       (long long)r->line_number, count, (int)TL_OBJECT_MAX);
    for (size_t i = 0; i < count; i++)
        if (get_object(json_array_get(array, i), &record->objects[i]) < 0)
            return bad(r, "an object has not id, class_id, bbox, score, filled, pitch and team as it should", diag);
    record->object_count = (int32_t)count;
    return TL_OK;
}

static int get_points(const json_t *array, TlPoint out[TL_POINT_COUNT])
{
    if (!json_is_array(array) || json_array_size(array) != TL_POINT_COUNT)
        return -1;
    for (size_t i = 0; i < TL_POINT_COUNT; i++) {
        float xyc[3];
        if (get_floats(json_array_get(array, i), xyc, 3) < 0)
            return -1;
        out[i] = (TlPoint){xyc[0], xyc[1], xyc[2]};
    }
    return 0;
}

static int get_matrix(const json_t *value, double out[9])
{
    if (!json_is_array(value) || json_array_size(value) != 9)
        return -1;
    for (size_t i = 0; i < 9; i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_number(item))
            return -1;
        out[i] = json_number_value(item);
    }
    return 0;
}

static int get_homography(const json_t *value, TlRecord *record)
{
    record->has_homography = !json_is_null(value);
    return record->has_homography ? get_matrix(value, record->homography) : 0;
}

// May be absent.
static int get_camera(const json_t *value, TlRecord *record)
{
    const json_t *lens = json_object_get(value, "lens");
    if (!value)
        return 0;
    record->lens = json_number_value(lens);
    return json_is_number(lens) && record->has_homography
               ? get_matrix(json_object_get(value, "straight"), record->straight)
               : -1;
}

static int get_record(const TlJsonlReader *r, const json_t *root, TlRecord *record, TlDiag *diag)
{
    const json_t *time = json_object_get(root, "time");
    *record = (TlRecord){0};
    if (!json_is_object(root))
        return bad(r, "not a record", diag);
    if (get_int(json_object_get(root, "frame"), 0, INT64_MAX, &record->frame) < 0)
        return bad(r, "\"frame\" is not a frame number", diag);
    if (!json_is_number(time))
        return bad(r, "\"time\" is not a number", diag);
    record->time_s = json_number_value(time);
    if (get_bool(json_object_get(root, "filled"), &record->filled) < 0)
        return bad(r, "\"filled\" is not true or false", diag);
    if (get_team(json_object_get(root, "left_team"), &record->left_team) < 0)
        return bad(r, "\"left_team\" is neither 1, 2 nor null", diag);
    if (get_points(json_object_get(root, "keypoints"), record->points) < 0)
        return bad(r, "\"keypoints\" is not a list of 32 times x, y, confidence", diag);
    if (get_homography(json_object_get(root, "homography"), record) < 0)
        return bad(r, "\"homography\" is neither 9 numbers nor null", diag);
    if (get_camera(json_object_get(root, "camera"), record) < 0)
        return bad(r, "\"camera\" has not lens and straight as it should", diag);
    return get_objects(r, json_object_get(root, "objects"), record, diag);
}

int tl_jsonl_next(TlJsonlReader *reader, TlRecord *record, TlDiag *diag)
{
    json_t *root;
    int ret = read_object(reader, &root, diag);
    if (ret == 0)
        ret = get_record(reader, root, record, diag);
    json_decref(root);
    return ret;
}

// --- head

static int get_head(const TlJsonlReader *r, const json_t *root, TlStreamInfo *info, TlDiag *diag)
{
    int64_t format, width, height;
    const json_t *fps = json_object_get(root, "fps");
    *info = (TlStreamInfo){0};
    if (!json_is_string(json_object_get(root, "touchline")))
        return bad(r, "not the head of a Touchline JSON Lines file", diag);
    if (get_int(json_object_get(root, "format"), 1, INT64_MAX, &format) < 0)
        return bad(r, "\"format\" is not a number", diag);
    if (format > FORMAT_VERSION)
        return bad(r, "made by a newer Touchline: its format is not known here", diag);
    if (get_int(json_object_get(root, "width"), 0, INT32_MAX, &width) < 0 ||
        get_int(json_object_get(root, "height"), 0, INT32_MAX, &height) < 0 || !json_is_number(fps) ||
        get_text(root, "source", info->source, sizeof info->source) < 0 ||
        get_text(root, "player_model", info->player_model, sizeof info->player_model) < 0 ||
        get_text(root, "pitch_model", info->pitch_model, sizeof info->pitch_model) < 0 ||
        get_text(root, "settings", info->settings, sizeof info->settings) < 0)
        return bad(r, "the head lacks source, width, height, fps, models or settings", diag);
    info->width = (int)width;
    info->height = (int)height;
    info->fps = json_number_value(fps);
    return TL_OK;
}

static int read_head(TlJsonlReader *r, TlStreamInfo *info, TlDiag *diag)
{
    json_t *root;
    TlStreamInfo *head = tl_calloc(1, sizeof *head);
    if (!head)
        return tl_fail(diag, TL_ENOMEM, "out of memory for '%s'", r->path);
    int ret = read_object(r, &root, diag);
    if (ret == TL_EOF)
        ret = tl_fail(diag, TL_EFORMAT, "'%s' is empty", r->path);
    if (ret == 0)
        ret = get_head(r, root, head, diag);
    if (ret == 0 && info)
        *info = *head;
    json_decref(root);
    tl_free(&head);
    return ret;
}

int tl_jsonl_open(TlJsonlReader **out, const char *path, TlStreamInfo *info, TlDiag *diag)
{
    *out = NULL;
    TlJsonlReader *r = tl_calloc(1, sizeof *r);
    if (!r)
        return tl_fail(diag, TL_ENOMEM, "out of memory for '%s'", path);
    r->path = tl_strdup(path);
    r->stream = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
    int ret = r->path ? TL_OK : tl_fail(diag, TL_ENOMEM, "out of memory for '%s'", path);
    if (ret == 0 && !r->stream)
        ret = tl_fail(diag, tl_errno_code(errno), "cannot open '%s': %s", path, strerror(errno));
    if (ret == 0)
        ret = read_head(r, info, diag);
    if (ret < 0)
        tl_jsonl_close(&r);
    *out = r;
    return ret;
}

void tl_jsonl_close(TlJsonlReader **reader)
{
    TlJsonlReader *r = *reader;
    if (!r)
        return;
    if (r->stream && r->stream != stdin)
        fclose(r->stream);
    tl_strbuf_deinit(&r->line);
    tl_free(&r->path);
    tl_free(reader);
}
