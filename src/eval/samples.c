// Reading both sides of an evaluation. In: JSON Lines of `touchline detect` and a folder of YOLO label files; out:
// TlSamples.
#include "eval/samples.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PATH_SIZE = 2048, SIDE_MAX = 1 << 20, BOX_FIELDS = 5, POINT_FIELDS = BOX_FIELDS + 3 * TL_POINT_COUNT };

// Room for one more element of `size` bytes; the counts grow by doubling.
static int grow(void **list, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    int wanted = *capacity ? 2 * *capacity : 64;
    void *bigger = tl_calloc((size_t)wanted, size);
    if (!bigger)
        return -1;
    if (count)
        memcpy(bigger, *list, (size_t)count * size);
    tl_free(list);
    *list = bigger;
    *capacity = wanted;
    return 0;
}

static int add_box(struct TlBoxList *list, const TlEvalBox *box)
{
    void *memory = list->box;
    if (grow(&memory, list->count, &list->capacity, sizeof *list->box) < 0)
        return -1;
    list->box = memory;
    list->box[list->count++] = *box;
    return 0;
}

static void stem_of(const char *path, char name[TL_SAMPLE_NAME])
{
    const char *base = strrchr(path, '/'), *dot = strrchr(path, '.');
    base = base ? base + 1 : path;
    int n = dot > base ? (int)(dot - base) : (int)strlen(base);
    snprintf(name, TL_SAMPLE_NAME, "%.*s", n, base);
}

// Sample of that name, made when new. While reading they are unsorted: labels come first and are sorted once.
static TlSample *find(TlSamples *samples, const char *name)
{
    int low = 0, high = samples->count;
    while (low < high) {
        int middle = (low + high) / 2, order = strcmp(samples->sample[middle].name, name);
        if (order == 0)
            return &samples->sample[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

// --- labels

static int by_name(const void *a, const void *b)
{
    return strcmp(((const TlSample *)a)->name, ((const TlSample *)b)->name);
}

static int list_labels(TlSamples *samples, const char *folder, TlDiag *diag)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return tl_fail(diag, TL_ENOENT, "no folder of labels at '%s'", folder);
    int ret = TL_OK;
    for (struct dirent *entry; ret == TL_OK && (entry = readdir(dir));) {
        size_t n = strlen(entry->d_name);
        void *memory = samples->sample;
        if (n < 5 || n >= TL_SAMPLE_NAME || strcmp(entry->d_name + n - 4, ".txt") != 0)
            continue;
        if (grow(&memory, samples->count, &samples->capacity, sizeof *samples->sample) < 0) {
            ret = tl_fail(diag, TL_ENOMEM, "out of memory for the labels");
            break;
        }
        samples->sample = memory;
        TlSample *sample = &samples->sample[samples->count++];
        *sample = (TlSample){.labelled = 1};
        stem_of(entry->d_name, sample->name);
    }
    closedir(dir);
    if (ret == TL_OK && samples->count)
        qsort(samples->sample, (size_t)samples->count, sizeof *samples->sample, by_name);
    return ret;
}

// Numbers of a line, at most `size`. -1 when something else stands there.
static int read_numbers(const char *line, double *value, int size)
{
    int n = 0;
    for (const char *at = line + strspn(line, " \t\r\n"); *at; n++) {
        char *end;
        double v = strtod(at, &end);
        if (end == at || n == size || !isfinite(v))
            return -1;
        value[n] = v;
        at = end + strspn(end, " \t\r\n");
    }
    return n;
}

static int take_label(TlSamples *samples, int index, const double *v, int fields)
{
    TlSample *sample = &samples->sample[index];
    if (fields == POINT_FIELDS) {
        sample->has_points = 1;
        for (int i = 0; i < TL_POINT_COUNT; i++) {
            const double *p = v + BOX_FIELDS + (ptrdiff_t)3 * i;
            sample->label[i] = (TlLabelPoint){.x = p[0], .y = p[1], .visible = p[2] > 0};
        }
        return 0;
    }
    if (fields != BOX_FIELDS || v[0] < 0 || v[0] >= TL_CLASS_COUNT || v[0] != floor(v[0]))
        return -1;
    int class_id = (int)v[0];
    TlEvalBox box = {.picture = index, .box = {v[1] - v[3] / 2, v[2] - v[4] / 2, v[3], v[4]}};
    return add_box(&samples->truth[class_id], &box);
}

static int read_label(TlSamples *samples, const char *folder, int index, TlDiag *diag)
{
    char path[PATH_SIZE], line[8192];
    double value[POINT_FIELDS];
    int n = snprintf(path, sizeof path, "%s/%s.txt", folder, samples->sample[index].name), number = 0, ret = TL_OK;
    FILE *file = n < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return tl_fail(diag, TL_EIO, "the label file '%s' cannot be read", path);
    while (ret == TL_OK && fgets(line, sizeof line, file)) {
        int fields = read_numbers(line, value, POINT_FIELDS);
        number++;
        if (fields != 0 && (fields < 0 || take_label(samples, index, value, fields) < 0))
            ret = tl_fail(diag, TL_EFORMAT, "line %d of '%s' is no YOLO label", number, path);
    }
    fclose(file);
    return ret;
}

// --- predictions

static int read_objects(TlSamples *samples, int index, const json_t *objects)
{
    const TlSample *sample = &samples->sample[index];
    size_t i;
    json_t *object;
    json_array_foreach((json_t *)(uintptr_t)objects, i, object)
    {
        const json_t *bbox = json_object_get(object, "bbox"), *id = json_object_get(object, "class_id");
        double v[4];
        if (!json_is_integer(id) || json_array_size(bbox) != 4 || json_integer_value(id) < 0 ||
            json_integer_value(id) >= TL_CLASS_COUNT)
            return -1;
        for (size_t k = 0; k < 4; k++)
            v[k] = json_number_value(json_array_get(bbox, k)) / (k % 2 ? sample->height : sample->width);
        TlEvalBox box = {.picture = index,
                         .box = {v[0], v[1], v[2] - v[0], v[3] - v[1]},
                         .score = json_number_value(json_object_get(object, "score"))};
        if (add_box(&samples->predicted[json_integer_value(id)], &box) < 0)
            return -1;
    }
    return 0;
}

static int read_pitch(TlSample *sample, const json_t *points, const json_t *homography)
{
    if (json_array_size(points) != TL_POINT_COUNT)
        return -1;
    for (size_t i = 0; i < TL_POINT_COUNT; i++) {
        const json_t *p = json_array_get(points, i);
        sample->predicted[i] = (TlPoint){.x = (float)json_number_value(json_array_get(p, 0)),
                                         .y = (float)json_number_value(json_array_get(p, 1)),
                                         .confidence = (float)json_number_value(json_array_get(p, 2))};
    }
    sample->has_homography = json_array_size(homography) == 9;
    for (size_t i = 0; sample->has_homography && i < 9; i++)
        sample->homography[i] = json_number_value(json_array_get(homography, i));
    return 0;
}

static int take_prediction(TlSamples *samples, const json_t *root)
{
    char name[TL_SAMPLE_NAME];
    const char *image = json_string_value(json_object_get(root, "image"));
    json_int_t width = json_integer_value(json_object_get(root, "width"));
    json_int_t height = json_integer_value(json_object_get(root, "height"));
    if (!image || width <= 0 || height <= 0 || width > SIDE_MAX || height > SIDE_MAX)
        return -1;
    stem_of(image, name);
    TlSample *sample = find(samples, name);
    if (!sample)
        return 0; // a picture without a label
    if (sample->width)
        return -1; // named twice
    sample->width = (int)width;
    sample->height = (int)height;
    if (read_objects(samples, (int)(sample - samples->sample), json_object_get(root, "objects")) < 0)
        return -1;
    return read_pitch(sample, json_object_get(root, "keypoints"), json_object_get(root, "homography"));
}

static int read_predictions(TlSamples *samples, const char *path, TlDiag *diag)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    int number = 0, ret = TL_OK;
    if (!file)
        return tl_fail(diag, TL_ENOENT, "no predictions at '%s'", path);
    while (ret == TL_OK && getline(&line, &size, file) > 0) {
        json_error_t error;
        json_t *root = json_loads(line, 0, &error);
        number++;
        if (!root || take_prediction(samples, root) < 0)
            ret = tl_fail(diag, TL_EFORMAT, "line %d of '%s' is no line of touchline detect, or a picture comes twice",
                          number, path);
        json_decref(root);
    }
    free(line);
    fclose(file);
    return ret;
}

static int by_picture(const void *a, const void *b)
{
    const TlEvalBox *x = a, *y = b;
    return (x->picture > y->picture) - (x->picture < y->picture);
}

// Predictions come in the file's order; qsort is not stable, so ties are settled by the score and then the box.
static int by_picture_and_score(const void *a, const void *b)
{
    const TlEvalBox *x = a, *y = b;
    int order = by_picture(a, b);
    if (order)
        return order;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    for (int k = 0; k < 4; k++)
        if (x->box[k] != y->box[k])
            return x->box[k] < y->box[k] ? -1 : 1;
    return 0;
}

int tl_samples_read(TlSamples *samples, const char *predictions, const char *truth, TlDiag *diag)
{
    int ret = list_labels(samples, truth, diag), both = 0;
    for (int i = 0; ret == TL_OK && i < samples->count; i++)
        ret = read_label(samples, truth, i, diag);
    if (ret == TL_OK)
        ret = read_predictions(samples, predictions, diag);
    for (int i = 0; i < samples->count; i++)
        both += samples->sample[i].width > 0;
    if (ret == TL_OK && !both)
        ret = tl_fail(diag, TL_EEMPTY, "no picture of '%s' has a label in '%s'", predictions, truth);
    for (int c = 0; ret == TL_OK && c < TL_CLASS_COUNT; c++)
        if (samples->predicted[c].count)
            qsort(samples->predicted[c].box, (size_t)samples->predicted[c].count, sizeof(TlEvalBox),
                  by_picture_and_score);
    return ret;
}

void tl_samples_deinit(TlSamples *samples)
{
    tl_free(&samples->sample);
    for (int c = 0; c < TL_CLASS_COUNT; c++) {
        tl_free(&samples->truth[c].box);
        tl_free(&samples->predicted[c].box);
    }
    *samples = (TlSamples){0};
}
