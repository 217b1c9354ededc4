// Reader of scripts (script.h has the format).
//
// In: text of any origin. Out: TlScript, or one sentence that names the line. Memory grows with the text, frame numbers
// are bounded.
#include "infer/script.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/result.h>

#include "base/mem.h"
#include "base/outfile.h"

enum { LINE_SIZE = 256, WORD_MAX = 8, FRAME_MAX = 1 << 20, FILE_BYTES_MAX = 64 << 20, SIDE_MAX = 1 << 15 };
static const char magic[] = "touchline-script 1";

typedef struct Parser {
    TlScript *script;
    const char *path;
    int line;
    int word_count;
    const char *word[WORD_MAX];
    TlDiag *diag;
} Parser;

int tl_script_detect(const char *data, size_t size)
{
    return size >= sizeof magic - 1 && !memcmp(data, magic, sizeof magic - 1);
}

static int grow(void **memory, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    int wider = *capacity ? *capacity * 2 : 64;
    void *moved = tl_calloc((size_t)wider, size);
    if (!moved)
        return -1;
    if (*memory)
        memcpy(moved, *memory, (size_t)count * size);
    tl_free(memory);
    *memory = moved;
    *capacity = wider;
    return 0;
}

static int bad(const Parser *p, const char *why)
{
    return tl_fail(p->diag, TL_EMODEL, "'%s' line %d: %s", p->path, p->line, why);
}

static int number(const Parser *p, int word, double min, double max, double *value)
{
    char *end;
    if (word >= p->word_count)
        return bad(p, "a number is missing");
    *value = strtod(p->word[word], &end);
    if (*end || end == p->word[word] || !isfinite(*value) || *value < min || *value > max)
        return bad(p, "a number is wrong or out of range");
    return TL_OK;
}

static int whole(const Parser *p, int word, int min, int max, int *value)
{
    double d = 0;
    int ret = number(p, word, min, max, &d);
    if (ret == TL_OK)
        *value = (int)d;
    return ret;
}

static int class_of(const char *name)
{
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        if (!strcmp(name, tl_class_name(c)))
            return c;
    return -1;
}

static int add_frame(Parser *p)
{
    TlScript *s = p->script;
    int index = s->frame_count, ret = TL_OK;
    if (p->word_count > 1 && (ret = whole(p, 1, s->frame_count, FRAME_MAX - 1, &index)) < 0)
        return ret;
    if (index >= FRAME_MAX)
        return bad(p, "too many frames");
    while (s->frame_count <= index) {
        if (grow((void **)&s->frames, s->frame_count, &s->frame_capacity, sizeof *s->frames) < 0)
            return tl_fail(p->diag, TL_ENOMEM, "out of memory for '%s'", p->path);
        s->frames[s->frame_count++] = (TlScriptFrame){.first = s->item_count};
    }
    return TL_OK;
}

static int add_item(Parser *p, int is_box)
{
    TlScript *s = p->script;
    TlScriptItem item = {0};
    int values = is_box ? 5 : 3, ret = TL_OK;
    if (is_box != (s->head == TL_SCRIPT_CENTERS))
        return bad(p, "boxes belong to head centers, points to head points");
    if (is_box && (p->word_count < 2 || (item.index = class_of(p->word[1])) < 0))
        return bad(p, "the class must be ball, goalkeeper, player or referee");
    if (!is_box && (ret = whole(p, 1, 0, TL_POINT_COUNT - 1, &item.index)) < 0)
        return ret;
    for (int i = 0; i < values; i++) {
        double value;
        int is_score = i == values - 1;
        if ((ret = number(p, 2 + i, is_score ? 0 : -SIDE_MAX, is_score ? 1 : SIDE_MAX, &value)) < 0)
            return ret;
        item.v[i] = (float)value;
    }
    if (is_box && (item.v[2] <= item.v[0] || item.v[3] <= item.v[1]))
        return bad(p, "a box needs x1 < x2 and y1 < y2");
    if (grow((void **)&s->items, s->item_count, &s->item_capacity, sizeof *s->items) < 0)
        return tl_fail(p->diag, TL_ENOMEM, "out of memory for '%s'", p->path);
    s->items[s->item_count++] = item;
    s->frames[s->frame_count - 1].count++;
    return TL_OK;
}

static int parse_reply(Parser *p)
{
    const char *key = p->word[0];
    TlScript *s = p->script;
    if (!strcmp(key, "frame"))
        return add_frame(p);
    if (s->frame_count == 0)
        return bad(p, "an unknown word, or a reply before the first 'frame'");
    TlScriptFrame *frame = &s->frames[s->frame_count - 1];
    if (!strcmp(key, "box") || !strcmp(key, "point"))
        return add_item(p, key[0] == 'b');
    if (!strcmp(key, "nan"))
        frame->nan = 1;
    else if (!strcmp(key, "fail"))
        frame->fail = 1;
    else
        return bad(p, "an unknown word");
    return TL_OK;
}

static int parse_line(Parser *p)
{
    TlScript *s = p->script;
    const char *key = p->word[0];
    int ret = TL_OK, delay;
    if (!strcmp(key, "head")) {
        if (p->word_count < 2 || (strcmp(p->word[1], "centers") && strcmp(p->word[1], "points")))
            return bad(p, "the head must be centers or points");
        s->head = p->word[1][0] == 'c' ? TL_SCRIPT_CENTERS : TL_SCRIPT_POINTS;
    } else if (!strcmp(key, "size")) {
        ret = whole(p, 1, 32, SIDE_MAX, &s->width);
        ret = ret < 0 ? ret : whole(p, 2, 32, SIDE_MAX, &s->height);
    } else if (!strcmp(key, "source")) {
        ret = whole(p, 1, 1, SIDE_MAX, &s->source_width);
        ret = ret < 0 ? ret : whole(p, 2, 1, SIDE_MAX, &s->source_height);
    } else if (!strcmp(key, "stride")) {
        ret = whole(p, 1, 1, 64, &s->stride);
    } else if (!strcmp(key, "tallest")) {
        if (p->word_count != 2 || tl_strcpy(s->tallest, sizeof s->tallest, p->word[1]) < 0)
            return bad(p, "tallest must be one number");
    } else if (!strcmp(key, "thresholds")) {
        if (p->word_count != 2 || tl_strcpy(s->thresholds, sizeof s->thresholds, p->word[1]) < 0)
            return bad(p, "the thresholds must be one word, name=value,name=value");
    } else if (!strcmp(key, "delay_us")) {
        if ((ret = whole(p, 1, 0, 10000000, &delay)) == TL_OK)
            s->delay_us = delay;
    } else if (!strcmp(key, "loop")) {
        s->loop = 1;
    } else {
        return parse_reply(p);
    }
    return ret;
}

// Next line of the text into `line`, split into words. 0 when the text is over.
static int next_line(Parser *p, const char **at, const char *end, char line[LINE_SIZE], int *too_long)
{
    if (*at == end)
        return 0;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    stop = stop ? stop : end;
    size_t length = (size_t)(stop - *at);
    *too_long = length >= LINE_SIZE || memchr(*at, '\0', length) != NULL;
    length = *too_long ? 0 : length;
    memcpy(line, *at, length);
    line[length] = '\0';
    line[strcspn(line, "#\r")] = '\0';
    *at = stop == end ? end : stop + 1;
    p->line++;
    p->word_count = 0;
    char *save = NULL;
    for (char *word = strtok_r(line, " \t", &save); word && p->word_count < WORD_MAX;
         word = strtok_r(NULL, " \t", &save))
        p->word[p->word_count++] = word;
    return 1;
}

int tl_script_parse(TlScript *script, const char *data, size_t size, const char *path, TlDiag *diag)
{
    Parser p = {.script = script, .path = path, .diag = diag};
    const char *at = data, *end = data + size;
    char line[LINE_SIZE];
    int too_long, ret = TL_OK;
    *script = (TlScript){.head = -1};
    if (!tl_script_detect(data, size))
        return tl_fail(diag, TL_EMODEL, "'%s' is not a script", path);
    while (ret == TL_OK && next_line(&p, &at, end, line, &too_long)) {
        if (too_long)
            ret = bad(&p, "the line is too long or not text");
        else if (p.line > 1 && p.word_count > 0)
            ret = parse_line(&p);
    }
    if (ret == TL_OK && (script->head < 0 || script->width == 0))
        ret = bad(&p, "'head' or 'size' is missing");
    if (script->stride == 0)
        script->stride = script->head == TL_SCRIPT_POINTS ? 8 : 4;
    if (ret == TL_OK &&
        (script->width % script->stride || script->height % script->stride || script->width % 2 || script->height % 2))
        ret = bad(&p, "the size must be even and a multiple of the stride");
    if (ret < 0)
        tl_script_deinit(script);
    return ret;
}

void tl_script_deinit(TlScript *script)
{
    tl_free(&script->frames);
    tl_free(&script->items);
    script->frame_count = script->item_count = script->frame_capacity = script->item_capacity = 0;
}

int tl_script_load(TlScript *script, const char *path, TlDiag *diag)
{
    *script = (TlScript){0};
    FILE *file = fopen(path, "rbe");
    if (!file)
        return tl_fail(diag, tl_errno_code(errno), "cannot open the script '%s': %s", path, strerror(errno));
    char *data = NULL;
    int ret;
    long size = fseek(file, 0, SEEK_END) < 0 ? -1 : ftell(file);
    rewind(file);
    if (size < 0 || size > FILE_BYTES_MAX)
        ret = tl_fail(diag, size < 0 ? TL_EIO : TL_ELIMIT, "the script '%s' cannot be read or is too long", path);
    else if (!(data = tl_calloc((size_t)size + 1, 1)))
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the script '%s'", path);
    else if (fread(data, 1, (size_t)size, file) != (size_t)size)
        ret = tl_fail(diag, TL_EIO, "cannot read the script '%s'", path);
    else
        ret = tl_script_parse(script, data, (size_t)size, path, diag);
    tl_free(&data);
    fclose(file);
    return ret;
}

static void add_meta(TlModelMeta *meta, const char *key, const char *value)
{
    tl_strcpy(meta->item[meta->count].key, sizeof meta->item[0].key, key);
    tl_strcpy(meta->item[meta->count].value, sizeof meta->item[0].value, value);
    meta->count++;
}

static void add_output(TlModelMeta *meta, const char *name, int channels, int height, int width)
{
    int i = meta->output_count++;
    const int64_t dim[4] = {-1, channels, height, width};
    tl_strcpy(meta->output[i].name, sizeof meta->output[i].name, name);
    meta->output[i].rank = 4;
    memcpy(meta->output[i].dim, dim, sizeof dim);
}

int tl_script_meta(TlModelMeta *meta, const char *data, size_t size, const char *path, TlDiag *diag)
{
    TlScript script;
    char text[32];
    int ret = tl_script_parse(&script, data, size, path, diag);
    if (ret < 0)
        return ret;
    // With a source size the replies fit any network size; else they are pixels of this one.
    int fixed = script.source_width == 0;
    int w = fixed ? script.width : -1, h = fixed ? script.height : -1;
    const int64_t dim[4] = {-1, 6, fixed ? h / 2 : -1, fixed ? w / 2 : -1};
    tl_strcpy(meta->input_name, sizeof meta->input_name, "input");
    meta->input_dtype = TL_DTYPE_U8;
    meta->input_rank = 4;
    memcpy(meta->input_dim, dim, sizeof dim);
    int stride = script.stride > 0 ? script.stride : 1;
    int oh = fixed ? h / stride : -1, ow = fixed ? w / stride : -1;
    int centers = script.head == TL_SCRIPT_CENTERS;
    add_output(meta, "heat", centers ? TL_CLASS_COUNT : TL_POINT_COUNT, oh, ow);
    add_output(meta, centers ? "box" : "offset", centers ? 4 : 2, oh, ow);
    add_meta(meta, "touchline.script", "1");
    add_meta(meta, "touchline.head", centers ? "centers" : "points");
    add_meta(meta, "touchline.input", "yuv420-s2d");
    snprintf(text, sizeof text, "%d", script.width);
    add_meta(meta, "touchline.width", text);
    snprintf(text, sizeof text, "%d", script.height);
    add_meta(meta, "touchline.height", text);
    snprintf(text, sizeof text, "%d", script.stride);
    add_meta(meta, "touchline.stride", text);
    if (script.thresholds[0])
        add_meta(meta, "touchline.thresholds", script.thresholds);
    if (script.tallest[0])
        add_meta(meta, "touchline.tallest", script.tallest);
    tl_script_deinit(&script);
    return TL_OK;
}
