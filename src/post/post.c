// The heads and what they share.
//
// In: the metadata of a model. Out: the head that can read its outputs, or a sentence that says what was expected and
// what is there.
#include "post/post.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post/decode.h"

enum { SIDE_MIN = 32, SIDE_MAX = 8192 };

static const TlHeadOps *const g_heads[] = {&tl_head_centers, &tl_head_points, &tl_head_yolo_detect, &tl_head_yolo_pose,
                                           NULL};

static void describe_outputs(const TlModelMeta *meta, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int o = 0; o < meta->output_count && used < size; o++) {
        used += (size_t)snprintf(text + used, size - used, "%s%.24s [", o ? ", " : "", meta->output[o].name);
        for (int i = 0; i < meta->output[o].rank && used < size; i++) {
            long long dim = (long long)meta->output[o].dim[i];
            if (dim > 0)
                used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? "," : "", dim);
            else
                used += (size_t)snprintf(text + used, size - used, "%s?", i ? "," : "");
        }
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "]");
    }
}

const TlHeadOps *tl_head_find(const TlModelMeta *meta, int want_points, TlPostParams *defaults, int *width, int *height,
                              TlDiag *diag)
{
    char outputs[200];
    for (int i = 0; g_heads[i]; i++)
        if (g_heads[i]->match(meta, want_points, defaults, width, height))
            return g_heads[i];
    const char *kind = tl_model_meta_get(meta, "touchline.head");
    kind = kind ? kind : tl_model_meta_get(meta, "task");
    describe_outputs(meta, outputs, sizeof outputs);
    if (want_points)
        tl_fail(diag, TL_EMODEL,
                "expected a pitch model: heat [N,32,h,w] and offset [N,2,h,w], or an ultralytics pose export with 32 "
                "points;"
                " got %.32s%s%s",
                kind ? kind : "", kind ? " with " : "", outputs);
    else
        tl_fail(diag, TL_EMODEL,
                "expected a player model: heat [N,4,h,w] and box [N,4,h,w], or an ultralytics detect export with the "
                "classes"
                " ball, goalkeeper, player, referee; got %.32s%s%s",
                kind ? kind : "", kind ? " with " : "", outputs);
    return NULL;
}

const TlTensor *tl_output_find(const TlTensor *const *outputs, int count, const char *name, int64_t channels)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(outputs[i]->name, name))
            return outputs[i]->dtype == TL_DTYPE_F32 && (!channels || outputs[i]->dim[1] == channels) ? outputs[i]
                                                                                                      : NULL;
    return NULL;
}

float tl_sigmoid(float logit)
{
    return 1.0f / (1.0f + expf(-logit));
}

float tl_logit(float probability)
{
    if (!(probability > 0))
        return -FLT_MAX; // reached by every number, but not by an infinity
    return probability >= 1 ? INFINITY : logf(probability / (1 - probability));
}

void tl_point_emit(TlPoint *point, const TlLetterbox *box, float x, float y, float confidence)
{
    *point = (TlPoint){0};
    tl_letterbox_undo(box, &x, &y);
    // All comparisons are false for NaN.
    if (x >= 0 && y >= 0 && x <= (float)box->src_width && y <= (float)box->src_height && confidence > 0)
        *point = (TlPoint){.x = x, .y = y, .confidence = fminf(confidence, 1)};
}

static int meta_int(const TlModelMeta *meta, const char *key)
{
    const char *text = tl_model_meta_get(meta, key);
    long value = text ? strtol(text, NULL, 10) : 0;
    return value >= SIDE_MIN && value <= SIDE_MAX ? (int)value : 0;
}

int tl_meta_house_size(const TlModelMeta *meta, int *width, int *height)
{
    const int64_t *dim = meta->input_dim;
    int fixed = meta->input_rank == 4 && dim[2] > 0 && dim[3] > 0;
    int w = fixed ? (int)dim[3] * 2 : meta_int(meta, "touchline.width");
    int h = fixed ? (int)dim[2] * 2 : meta_int(meta, "touchline.height");
    if (w < SIDE_MIN || h < SIDE_MIN || w > SIDE_MAX || h > SIDE_MAX)
        return 0;
    *width = w;
    *height = h;
    return 1;
}

void tl_meta_floats(const TlModelMeta *meta, const char *key, const char *const *names, float *values, int count)
{
    const char *at = tl_model_meta_get(meta, key);
    for (int i = 0; at && *at; i++) {
        at += strspn(at, " ,[]");
        size_t word = strcspn(at, "=:,");
        int slot = i;
        if (at[word] == '=' || at[word] == ':') {
            for (slot = 0; names && slot < count; slot++)
                if (strlen(names[slot]) == word && !strncmp(names[slot], at, word))
                    break;
            slot = names ? slot : count;
            at += word + 1;
        }
        char *end;
        float value = strtof(at, &end);
        if (end != at && isfinite(value) && value >= 0 && value <= 1 && slot < count)
            values[slot] = value;
        at += strcspn(at, ",");
    }
}
