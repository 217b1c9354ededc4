// Heads of networks exported by ultralytics: YOLOv8, YOLO11, YOLO26, detect and pose with 32 points.
//
// In: one output f32. Raw: [N,4+C,A] = cx, cy, w, h in network pixels, then C scores 0..1 of each of A anchors; pose
// has 32 x (x, y, confidence) behind them. End to end (YOLO26 "end2end" or exported with nms=True): [N,D,6] = x1, y1,
// x2, y2, score, class, pose again with the points behind. Out: boxes or points in source pixels. Decoding as
// ultralytics' utils/nms.py (best class of an anchor, threshold, then suppression), with two differences that follow
// from a person having one class: goalkeeper, player and referee suppress each other, and only classes that are ours
// come out. Facts about a file (task, names, size) are in its metadata_props as engine/exporter.py writes them.
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "post/decode.h"

enum { BLOCK = 64, BOX_ROWS = 4, END2END_ROWS = 6, DEFAULT_SIDE = 640 };
static const float default_threshold = 0.25f, default_iou = 0.7f, default_point_threshold = 0.5f;
static const float pose_box_threshold = 0.25f; // below it ultralytics gives no points at all

static int has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

// Our class for a model's class name: the four of the Roboflow football sets, their common variants, and COCO's.
static int class_of_name(const char *raw)
{
    char name[64];
    size_t length = 0;
    for (; raw[length] && length < sizeof name - 1; length++)
        name[length] = (char)tolower((unsigned char)raw[length]);
    name[length] = '\0';
    if (!strcmp(name, "ball") || !strcmp(name, "football") || !strcmp(name, "soccer ball") ||
        !strcmp(name, "sports ball"))
        return TL_CLASS_BALL;
    if (has(name, "goalkeeper") || has(name, "goalie") || !strcmp(name, "keeper") || !strcmp(name, "gk"))
        return TL_CLASS_GOALKEEPER;
    if (has(name, "referee") || has(name, "linesman") || !strcmp(name, "ref"))
        return TL_CLASS_REFEREE;
    if (has(name, "player") || !strcmp(name, "person") || !strcmp(name, "footballer"))
        return TL_CLASS_PLAYER;
    return -1;
}

static int read_key(const char *text)
{
    long number = strtol(text, NULL, 10);
    return number >= 0 && number < TL_MODEL_CLASS_MAX ? (int)number : TL_MODEL_CLASS_MAX;
}

// {0: 'ball', 1: 'player'} as Python prints a dict, {"0": "ball"} as JSON has it, or ['ball', 'player']. Returns the
// number of names.
static int parse_names(const char *text, int8_t map[TL_MODEL_CLASS_MAX])
{
    int count = 0, key = 0;
    memset(map, -1, TL_MODEL_CLASS_MAX);
    while (text && *text) {
        if (isdigit((unsigned char)*text)) {
            key = read_key(text);
            text += strspn(text, "0123456789");
        } else if (*text == '\'' || *text == '"') {
            char name[64];
            size_t length = strcspn(text + 1, *text == '"' ? "\"" : "'");
            size_t kept = length < sizeof name ? length : sizeof name - 1;
            memcpy(name, text + 1, kept);
            name[kept] = '\0';
            text += 1 + length;
            text += *text != '\0';
            if (text[strspn(text, " ")] == ':') {
                key = read_key(name);
                continue;
            }
            if (key < TL_MODEL_CLASS_MAX) {
                map[key] = (int8_t)class_of_name(name);
                count = key + 1 > count ? key + 1 : count;
            }
            key++;
        } else {
            text++;
        }
    }
    return count;
}

// Classes by name; when no name is known but there are four, by index.
static int map_classes(const TlModelMeta *meta, int channels, TlPostParams *params)
{
    int count = parse_names(tl_model_meta_get(meta, "names"), params->class_map), known = 0;
    for (int c = 0; c < count; c++)
        known |= params->class_map[c] >= 0;
    if (!known && (count == TL_CLASS_COUNT || (count == 0 && channels == BOX_ROWS + TL_CLASS_COUNT))) {
        for (int c = 0; c < TL_CLASS_COUNT; c++)
            params->class_map[c] = (int8_t)c;
        count = TL_CLASS_COUNT;
        known = 1;
    }
    params->class_count = count;
    return known;
}

static int point_numbers(int64_t extra)
{
    return extra == 3 * TL_POINT_COUNT ? 3 : extra == 2 * TL_POINT_COUNT ? 2 : 0;
}

static int is_task(const TlModelMeta *meta, const char *task, int if_unknown)
{
    const char *text = tl_model_meta_get(meta, "task");
    return text ? !strcmp(text, task) : if_unknown;
}

// imgsz is "[height, width]"; a fixed input wins.
static void network_size(const TlModelMeta *meta, int *width, int *height)
{
    const char *text = tl_model_meta_get(meta, "imgsz");
    long side[2] = {DEFAULT_SIDE, DEFAULT_SIDE};
    char *end;
    for (int i = 0; text && i < 2; i++) {
        text += strcspn(text, "0123456789");
        long value = strtol(text, &end, 10);
        if (value >= 32 && value <= 8192)
            side[i] = value;
        text = end;
    }
    *height = meta->input_dim[2] > 0 ? (int)meta->input_dim[2] : (int)side[0];
    *width = meta->input_dim[3] > 0 ? (int)meta->input_dim[3] : (int)side[1];
}

// RT-DETR comes from the same exporter with boxes of another form.
static int is_yolo(const TlModelMeta *meta)
{
    const char *head = tl_model_meta_get(meta, "head");
    if (head && !strncmp(head, "RTDETR", 6))
        return 0;
    return !tl_model_meta_get(meta, "touchline.head") && meta->input_rank == 4 && meta->input_dim[1] == 3 &&
           meta->output_count == 1 && meta->output[0].rank == 3;
}

static int detect_match(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height)
{
    const int64_t *dim = meta->output[0].dim;
    TlPostParams params = {.iou = default_iou, .max_detections = TL_OBJECT_MAX, .point_threshold = 1};
    int end2end = dim[2] == END2END_ROWS;
    if (want_points || !is_yolo(meta) || !is_task(meta, "detect", dim[1] > 0) ||
        !map_classes(meta, end2end ? 0 : (int)dim[1], &params))
        return 0;
    if (!end2end && dim[1] > 0 && dim[1] != BOX_ROWS + params.class_count)
        return 0;
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        params.threshold[c] = default_threshold;
    network_size(meta, width, height);
    *defaults = params;
    return 1;
}

static int pose_match(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height)
{
    const int64_t *dim = meta->output[0].dim;
    const char *shape = tl_model_meta_get(meta, "kpt_shape");
    int64_t from_raw = dim[1] - BOX_ROWS, from_end2end = dim[2] - END2END_ROWS;
    int fits = point_numbers(from_end2end) > 0;
    for (int classes = 1; classes <= 4; classes++)
        fits |= point_numbers(from_raw - classes) > 0;
    if (dim[1] <= 0) // symbolic: only the metadata knows
        fits |= shape && strtol(shape + strcspn(shape, "0123456789"), NULL, 10) == TL_POINT_COUNT;
    if (!want_points || !is_yolo(meta) || !fits || !is_task(meta, "pose", dim[1] > 0))
        return 0;
    network_size(meta, width, height);
    *defaults =
        (TlPostParams){.iou = default_iou, .max_detections = TL_OBJECT_MAX, .point_threshold = default_point_threshold};
    return 1;
}

static int wanted_class(const TlPostParams *params, int model_class)
{
    if (params->class_count == 0)
        return model_class < TL_CLASS_COUNT ? model_class : -1;
    return model_class < params->class_count && model_class < TL_MODEL_CLASS_MAX ? params->class_map[model_class] : -1;
}

// Best class of BLOCK (or fewer) anchors at once: rows are contiguous in memory, columns are not. NaN never wins.
static void best_classes(const float *scores, int classes, int anchors, int first, int count, float best[BLOCK],
                         int index[BLOCK])
{
    for (int i = 0; i < count; i++) {
        best[i] = -1;
        index[i] = 0;
    }
    for (int c = 0; c < classes; c++) {
        const float *row = scores + (size_t)c * (size_t)anchors + first;
        for (int i = 0; i < count; i++) {
            int better = row[i] > best[i];
            best[i] = better ? row[i] : best[i];
            index[i] = better ? c : index[i];
        }
    }
}

static void detect_raw(const float *sample, int rows, int anchors, const TlLetterbox *box, const TlPostParams *params,
                       TlCandidates *candidates)
{
    const float *scores = sample + (size_t)BOX_ROWS * (size_t)anchors;
    float best[BLOCK];
    int index[BLOCK];
    for (int first = 0; first < anchors; first += BLOCK) {
        int count = anchors - first < BLOCK ? anchors - first : BLOCK;
        best_classes(scores, rows - BOX_ROWS, anchors, first, count, best, index);
        for (int i = 0; i < count; i++) {
            int class_id = wanted_class(params, index[i]), a = first + i;
            if (class_id < 0 || !(best[i] >= params->threshold[class_id]) || best[i] > 1)
                continue;
            float cx = sample[a], cy = sample[anchors + a];
            float w = 0.5f * sample[2 * anchors + a], h = 0.5f * sample[3 * anchors + a];
            const float xyxy[4] = {cx - w, cy - h, cx + w, cy + h};
            tl_candidates_add(candidates, box, xyxy, best[i], class_id, a);
        }
    }
}

// The other classes of the anchors that were kept.
static void score_classes(const float *sample, int rows, int anchors, const TlPostParams *params, TlDetections *out)
{
    for (int i = 0; i < out->count; i++) {
        float *score = out->class_score[i];
        const float *column = sample + (size_t)BOX_ROWS * (size_t)anchors + out->place[i];
        for (int c = 0; c < rows - BOX_ROWS; c++) {
            int class_id = wanted_class(params, c);
            float v = column[(size_t)c * (size_t)anchors];
            if (class_id >= 0 && v > score[class_id] && v <= 1)
                score[class_id] = v;
        }
    }
}

static void detect_end2end(const float *row, int count, int rows, const TlLetterbox *box, const TlPostParams *params,
                           TlCandidates *candidates)
{
    for (int i = 0; i < count; i++, row += rows) {
        if (!(row[5] >= 0 && row[5] < TL_MODEL_CLASS_MAX))
            continue;
        int class_id = wanted_class(params, (int)lrintf(row[5]));
        if (class_id >= 0 && row[4] >= params->threshold[class_id] && row[4] <= 1)
            tl_candidates_add(candidates, box, row, row[4], class_id, i);
    }
}

// Sample n of the only output; NULL when its shape is none of ours.
static const float *get_sample(const TlTensor *const *outputs, int output_count, int n)
{
    const TlTensor *t = output_count == 1 ? outputs[0] : NULL;
    if (!t || t->dtype != TL_DTYPE_F32 || t->rank != 3 || n < 0 || n >= t->dim[0] || t->dim[1] <= 0 || t->dim[2] <= 0 ||
        t->dim[1] > INT32_MAX / 8 || t->dim[2] > INT32_MAX / 8)
        return NULL;
    return (const float *)t->data + (size_t)n * (size_t)t->dim[1] * (size_t)t->dim[2];
}

static void yolo_detections(const TlTensor *const *outputs, int output_count, int n, const TlLetterbox *box,
                            const TlPostParams *params, TlDetections *out)
{
    TlCandidates candidates;
    const float *sample = get_sample(outputs, output_count, n);
    out->count = 0;
    candidates.count = 0;
    if (!sample)
        return;
    int d1 = (int)outputs[0]->dim[1], d2 = (int)outputs[0]->dim[2];
    if (d2 == END2END_ROWS)
        detect_end2end(sample, d1, d2, box, params, &candidates);
    else if (d1 > BOX_ROWS)
        detect_raw(sample, d1, d2, box, params, &candidates);
    tl_candidates_finish(&candidates, box, params, out);
    if (d2 != END2END_ROWS && d1 > BOX_ROWS)
        score_classes(sample, d1, d2, params, out);
}

// The points of the most certain pitch; step is the distance between two numbers of one anchor.
static void emit_points(const float *at, size_t step, int numbers, float score, const TlLetterbox *box,
                        const TlPostParams *params, TlPoint out[TL_POINT_COUNT])
{
    for (int p = 0; p < TL_POINT_COUNT; p++) {
        const float *v = at + (size_t)(p * numbers) * step;
        float confidence = numbers == 3 ? v[2 * step] : score;
        if (confidence >= params->point_threshold && confidence <= FLT_MAX)
            tl_point_emit(&out[p], box, v[0], v[step], confidence);
    }
}

static void pose_raw(const float *sample, int rows, int anchors, const TlLetterbox *box, const TlPostParams *params,
                     TlPoint out[TL_POINT_COUNT])
{
    int numbers = rows - BOX_ROWS > 3 * TL_POINT_COUNT ? 3 : 2;
    int classes = rows - BOX_ROWS - numbers * TL_POINT_COUNT;
    const float *scores = sample + (size_t)BOX_ROWS * (size_t)anchors;
    float best = -1;
    int anchor = -1;
    for (int c = 0; c < classes; c++) {
        for (int a = 0; a < anchors; a++) {
            float score = scores[(size_t)c * (size_t)anchors + (size_t)a];
            if (score > best && score <= 1) {
                best = score;
                anchor = a;
            }
        }
    }
    if (anchor >= 0 && best >= pose_box_threshold)
        emit_points(scores + (size_t)classes * (size_t)anchors + anchor, (size_t)anchors, numbers, best, box, params,
                    out);
}

static void pose_end2end(const float *sample, int count, int rows, const TlLetterbox *box, const TlPostParams *params,
                         TlPoint out[TL_POINT_COUNT])
{
    const float *best = NULL;
    for (int i = 0; i < count; i++) {
        const float *row = sample + (size_t)i * (size_t)rows;
        if (row[4] >= pose_box_threshold && row[4] <= 1 && (!best || row[4] > best[4]))
            best = row;
    }
    if (best)
        emit_points(best + END2END_ROWS, 1, point_numbers(rows - END2END_ROWS), best[4], box, params, out);
}

static void yolo_points(const TlTensor *const *outputs, int output_count, int n, const TlLetterbox *box,
                        const TlPostParams *params, TlPoint out[TL_POINT_COUNT])
{
    const float *sample = get_sample(outputs, output_count, n);
    memset(out, 0, TL_POINT_COUNT * sizeof *out);
    if (!sample)
        return;
    int d1 = (int)outputs[0]->dim[1], d2 = (int)outputs[0]->dim[2];
    if (point_numbers(d2 - END2END_ROWS))
        pose_end2end(sample, d1, d2, box, params, out);
    else if (d1 - BOX_ROWS > 2 * TL_POINT_COUNT)
        pose_raw(sample, d1, d2, box, params, out);
}

const TlHeadOps tl_head_yolo_detect = {
    .name = "yolo",
    .layout = TL_PRE_RGB_F32,
    .anchor = TL_PRE_CENTRE,
    .match = detect_match,
    .detections = yolo_detections,
};

const TlHeadOps tl_head_yolo_pose = {
    .name = "yolo-pose",
    .layout = TL_PRE_RGB_F32,
    .anchor = TL_PRE_CENTRE,
    .match = pose_match,
    .points = yolo_points,
};
