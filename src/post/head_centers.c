// Head "centers" of the house player network: objects as centre points.
//
// In: heat f32 [N,4,h,w] logits and box f32 [N,4,h,w] = log width, log height in network pixels, dx, dy in cells; where
// there is a ball_box of the same shape, balls are read from it (a ball at somebody's feet lies in a cell of two
// boxes). Out: boxes in source pixels. Zhou et al. 2019, "Objects as Points": an object is a cell that is the 3x3
// maximum of its class's map; its box is read at that cell: centre (x + 0.5 + dx) * stride. Most of the map is
// background, so thresholds are compared as logits and only peaks cost an exponential.
#include <float.h>
#include <math.h>
#include <string.h>

#include "post/decode.h"

enum { BLOCK = 32 };
static const float default_threshold = 0.3f, default_iou = 0.65f;

static int centers_match(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height)
{
    static const char *const names[] = {"ball", "goalkeeper", "player", "referee"};
    const char *head = tl_model_meta_get(meta, "touchline.head");
    int heat = 0, box = 0;
    if (want_points || !head || strcmp(head, "centers") != 0)
        return 0;
    for (int i = 0; i < meta->output_count; i++) {
        int fits = meta->output[i].rank == 4 && meta->output[i].dim[1] == 4;
        heat |= fits && !strcmp(meta->output[i].name, "heat");
        box |= fits && !strcmp(meta->output[i].name, "box");
    }
    if (!heat || !box || !tl_meta_house_size(meta, width, height))
        return 0;
    *defaults = (TlPostParams){.iou = default_iou, .max_detections = TL_OBJECT_MAX, .point_threshold = 1};
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        defaults->threshold[c] = default_threshold;
    tl_meta_floats(meta, "touchline.thresholds", names, defaults->threshold, TL_CLASS_COUNT);
    tl_meta_floats(meta, "touchline.ball_share", NULL, &defaults->ball_share, 1);
    tl_meta_floats(meta, "touchline.tallest", NULL, &defaults->tallest, 1);
    return 1;
}

// 1 when any of BLOCK values reaches the threshold. No early exit, so that compilers use vector compares.
static int any_reaches(const float *values, float threshold)
{
    int any = 0;
    for (int i = 0; i < BLOCK; i++)
        any |= values[i] >= threshold;
    return any;
}

// A plateau counts once, at its first cell: earlier neighbours must be lower, later ones not higher. NaN and infinities
// are no neighbours at all.
static int is_peak(const float *map, int rows, int cols, int y, int x)
{
    float v = map[y * cols + x];
    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            int ny = y + dy, nx = x + dx;
            if ((!dy && !dx) || ny < 0 || nx < 0 || ny >= rows || nx >= cols)
                continue;
            float n = map[ny * cols + nx];
            int earlier = dy < 0 || (dy == 0 && dx < 0);
            if (n <= FLT_MAX && (earlier ? n >= v : n > v))
                return 0;
        }
    }
    return 1;
}

typedef struct Maps {
    const float *heat, *box, *ball_box; ///< of one sample: [4,rows,cols] each
    int rows, cols;
    const TlLetterbox *letterbox;
    TlCandidates *candidates;
} Maps;

static void add_peak(const Maps *maps, int class_id, int y, int x)
{
    const TlLetterbox *lb = maps->letterbox;
    int cells = maps->rows * maps->cols, cell = y * maps->cols + x;
    const float *box = (class_id == TL_CLASS_BALL ? maps->ball_box : maps->box) + cell;
    float stride_x = (float)lb->net_width / (float)maps->cols, stride_y = (float)lb->net_height / (float)maps->rows;
    float w = expf(box[0]), h = expf(box[cells]);
    float cx = ((float)x + 0.5f + box[2 * cells]) * stride_x, cy = ((float)y + 0.5f + box[3 * cells]) * stride_y;
    // A box twice as large as the picture is noise; the comparison is false for NaN.
    if (!(w <= 2.0f * (float)lb->net_width && h <= 2.0f * (float)lb->net_height))
        return;
    const float xyxy[4] = {cx - 0.5f * w, cy - 0.5f * h, cx + 0.5f * w, cy + 0.5f * h};
    float score = tl_sigmoid(maps->heat[class_id * cells + cell]);
    tl_candidates_add(maps->candidates, lb, xyxy, score, class_id, class_id * cells + cell);
}

static void scan_class(const Maps *maps, int class_id, float threshold)
{
    int cells = maps->rows * maps->cols;
    const float *map = maps->heat + class_id * cells;
    for (int first = 0; first < cells; first += BLOCK) {
        int last = first + BLOCK < cells ? first + BLOCK : cells;
        if (last - first == BLOCK && !any_reaches(map + first, threshold))
            continue;
        for (int i = first; i < last; i++) {
            int y = i / maps->cols, x = i % maps->cols;
            if (map[i] >= threshold && map[i] <= FLT_MAX && is_peak(map, maps->rows, maps->cols, y, x))
                add_peak(maps, class_id, y, x);
        }
    }
}

// What the maps of the other classes say next to the peak: the best of 3x3, as their peak may be a cell away.
static float score_around(const Maps *maps, int class_id, int y, int x)
{
    const float *map = maps->heat + class_id * maps->rows * maps->cols;
    float best = -FLT_MAX;
    for (int ny = y > 0 ? y - 1 : 0; ny <= y + 1 && ny < maps->rows; ny++)
        for (int nx = x > 0 ? x - 1 : 0; nx <= x + 1 && nx < maps->cols; nx++) {
            float v = map[ny * maps->cols + nx];
            best = v > best && v <= FLT_MAX ? v : best;
        }
    return tl_sigmoid(best);
}

static void score_classes(const Maps *maps, TlDetections *out)
{
    int cells = maps->rows * maps->cols;
    for (int i = 0; i < out->count; i++) {
        int cell = out->place[i] % cells;
        for (int c = 0; c < TL_CLASS_COUNT; c++)
            out->class_score[i][c] = c == out->item[i].class_id
                                         ? out->item[i].score
                                         : score_around(maps, c, cell / maps->cols, cell % maps->cols);
    }
}

static void centers_detections(const TlTensor *const *outputs, int output_count, int n, const TlLetterbox *box,
                               const TlPostParams *params, TlDetections *out)
{
    const TlTensor *heat = tl_output_find(outputs, output_count, "heat", TL_CLASS_COUNT);
    const TlTensor *size = tl_output_find(outputs, output_count, "box", 4);
    const TlTensor *ball_size = tl_output_find(outputs, output_count, "ball_box", 4);
    TlCandidates candidates;
    candidates.count = 0;
    out->count = 0;
    if (!ball_size)
        ball_size = size;
    if (!heat || !size || heat->rank != 4 || n >= heat->dim[0] || memcmp(heat->dim, size->dim, sizeof heat->dim) != 0 ||
        memcmp(heat->dim, ball_size->dim, sizeof heat->dim) != 0)
        return;
    Maps maps = {.rows = (int)heat->dim[2], .cols = (int)heat->dim[3], .letterbox = box, .candidates = &candidates};
    size_t sample = (size_t)(heat->dim[1] * heat->dim[2] * heat->dim[3]);
    maps.heat = (const float *)heat->data + (size_t)n * sample;
    maps.box = (const float *)size->data + (size_t)n * sample;
    maps.ball_box = (const float *)ball_size->data + (size_t)n * sample;
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        scan_class(&maps, c, tl_logit(params->threshold[c]));
    tl_candidates_finish(&candidates, box, params, out);
    score_classes(&maps, out);
    tl_ball_sizes(out, box, params->ball_share);
}

const TlHeadOps tl_head_centers = {
    .name = "centers",
    .layout = TL_PRE_YUV_S2D,
    .anchor = TL_PRE_TOP_LEFT,
    .match = centers_match,
    .detections = centers_detections,
};
