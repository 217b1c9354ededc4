// Head "points" of the house pitch network: one heat map for each of the 32 pitch points.
//
// In: heat f32 [N,32,h,w] logits, offset f32 [N,2,h,w] (dx, dy in cells from the cell's centre to the point, shared by
// all maps) or [N,64,h,w] (an own pair for each point). Out: points in source pixels, 0,0,0 for those not seen. A point
// is the best cell of its map: (x + 0.5 + dx) * stride, confidence = sigmoid of the peak.
#include <float.h>
#include <math.h>
#include <string.h>

#include "post/decode.h"

enum { LANES = 16 };
static const float default_threshold = 0.3f;

static int points_match(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height)
{
    const char *head = tl_model_meta_get(meta, "touchline.head");
    int heat = 0, offset = 0;
    if (!want_points || !head || strcmp(head, "points") != 0)
        return 0;
    for (int i = 0; i < meta->output_count; i++) {
        int64_t channels = meta->output[i].rank == 4 ? meta->output[i].dim[1] : 0;
        heat |= channels == TL_POINT_COUNT && !strcmp(meta->output[i].name, "heat");
        offset |= (channels == 2 || channels == 2 * TL_POINT_COUNT) && !strcmp(meta->output[i].name, "offset");
    }
    if (!heat || !offset || !tl_meta_house_size(meta, width, height))
        return 0;
    *defaults = (TlPostParams){.iou = 1, .max_detections = TL_OBJECT_MAX, .point_threshold = default_threshold};
    tl_meta_floats(meta, "touchline.thresholds", NULL, &defaults->point_threshold, 1);
    return 1;
}

// Index of the largest finite value, the first of equal ones; -1 when none reaches the threshold. Lane-wise maxima
// first: compilers turn them into vector code, and the exact place is looked up only once.
static int best_cell(const float *map, int cells, float threshold)
{
    float lane[LANES], most = -INFINITY;
    for (int k = 0; k < LANES; k++)
        lane[k] = -INFINITY;
    int i = 0;
    for (; i + LANES <= cells; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] = map[i + k] > lane[k] ? map[i + k] : lane[k];
    for (; i < cells; i++)
        most = map[i] > most ? map[i] : most;
    for (int k = 0; k < LANES; k++)
        most = lane[k] > most ? lane[k] : most;
    if (!(most >= threshold))
        return -1;
    int best = -1;
    for (i = 0; i < cells; i++) {
        if (map[i] == most && most <= FLT_MAX)
            return i;
        if (map[i] >= threshold && map[i] <= FLT_MAX && (best < 0 || map[i] > map[best]))
            best = i; // only read when the largest value was infinite
    }
    return best;
}

static void points_points(const TlTensor *const *outputs, int output_count, int n, const TlLetterbox *box,
                          const TlPostParams *params, TlPoint out[TL_POINT_COUNT])
{
    const TlTensor *heat = tl_output_find(outputs, output_count, "heat", TL_POINT_COUNT);
    const TlTensor *offset = tl_output_find(outputs, output_count, "offset", 0);
    memset(out, 0, TL_POINT_COUNT * sizeof *out);
    if (!heat || !offset || heat->rank != 4 || offset->rank != 4 || heat->dim[1] != TL_POINT_COUNT ||
        (offset->dim[1] != 2 && offset->dim[1] != 2 * TL_POINT_COUNT) || offset->dim[2] != heat->dim[2] ||
        offset->dim[3] != heat->dim[3] || n >= heat->dim[0] || n >= offset->dim[0])
        return;
    int rows = (int)heat->dim[2], cols = (int)heat->dim[3], cells = rows * cols;
    int own = offset->dim[1] == 2 * TL_POINT_COUNT;
    float stride_x = (float)box->net_width / (float)cols, stride_y = (float)box->net_height / (float)rows;
    float threshold = tl_logit(params->point_threshold);
    const float *map = (const float *)heat->data + (size_t)n * TL_POINT_COUNT * (size_t)cells;
    const float *shift = (const float *)offset->data + (size_t)n * (size_t)(offset->dim[1] * cells);
    for (int p = 0; p < TL_POINT_COUNT; p++, map += cells) {
        int cell = best_cell(map, cells, threshold);
        if (cell < 0)
            continue;
        const float *d = shift + (own ? 2 * p * cells : 0) + cell;
        float x = ((float)(cell % cols) + 0.5f + d[0]) * stride_x,
              y = ((float)(cell / cols) + 0.5f + d[cells]) * stride_y;
        tl_point_emit(&out[p], box, x, y, tl_sigmoid(map[cell]));
    }
}

const TlHeadOps tl_head_points = {
    .name = "points",
    .layout = TL_PRE_YUV_S2D,
    .anchor = TL_PRE_TOP_LEFT,
    .match = points_match,
    .points = points_points,
};
