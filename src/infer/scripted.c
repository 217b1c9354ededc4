// Backend "scripted": replies from a script (script.h) as the house networks would give them, for tests of everything
// else.
//
// In: any picture, which is not looked at. Out: heat maps and boxes or offsets, rendered so that the heads decode them
// back to the very boxes and points of the script (cell = floor(centre / stride), the rest goes into the offset; the
// score is the sigmoid of the peak). Two objects of one class on the same or neighbouring cells hide each other, as in
// a real network.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <touchline/result.h>

#include "base/clock.h"
#include "base/mem.h"
#include "infer/backend.h"
#include "infer/script.h"
#include "pre/pre.h"

enum { OUTPUTS = 2, HEAT = 0, EXTRA = 1 };
static const float background_logit = -12.0f;

typedef struct Slot {
    TlTensor input, output[OUTPUTS];
    int failed;
    int64_t ready_us;
} Slot;

typedef struct Scripted {
    TlScript script;
    TlLetterbox box;
    Slot *slot;
    int slots;
    pthread_mutex_t mutex; ///< guards next; a leaf
    int64_t next;          ///< sample that is answered next
} Scripted;

static int scripted_probe(TlBackendInfo *info)
{
    tl_strcpy(info->detail, sizeof info->detail, "replies from a .script file, for tests");
    return 1;
}

static void scripted_close(void *priv)
{
    Scripted *s = priv;
    for (int i = 0; s->slot && i < s->slots; i++) {
        tl_free(&s->slot[i].input.data);
        for (int o = 0; o < OUTPUTS; o++)
            tl_free(&s->slot[i].output[o].data);
    }
    tl_free(&s->slot);
    tl_script_deinit(&s->script);
    pthread_mutex_destroy(&s->mutex);
}

static int open_slot(Scripted *s, Slot *slot, const TlTensor *input, TlDiag *diag)
{
    int centers = s->script.head == TL_SCRIPT_CENTERS, stride = s->script.stride, ret;
    if (!slot || stride <= 0)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a request");
    TlTensor map = {.dtype = TL_DTYPE_F32,
                    .rank = 4,
                    .dim = {input->dim[0], 0, input->dim[2] * 2 / stride, input->dim[3] * 2 / stride}};
    slot->input = *input;
    slot->output[HEAT] = slot->output[EXTRA] = map;
    slot->output[HEAT].dim[1] = centers ? TL_CLASS_COUNT : TL_POINT_COUNT;
    slot->output[EXTRA].dim[1] = centers ? 4 : 2;
    tl_strcpy(slot->output[HEAT].name, sizeof map.name, "heat");
    tl_strcpy(slot->output[EXTRA].name, sizeof map.name, centers ? "box" : "offset");
    if ((ret = tl_tensor_alloc(&slot->input, diag)) < 0 || (ret = tl_tensor_alloc(&slot->output[HEAT], diag)) < 0)
        return ret;
    return tl_tensor_alloc(&slot->output[EXTRA], diag);
}

static int scripted_open(void *priv, const TlInferParams *params, TlDiag *diag)
{
    Scripted *s = priv;
    TlTensor input;
    pthread_mutex_init(&s->mutex, NULL);
    int ret = tl_script_load(&s->script, params->model, diag);
    if (ret == TL_OK)
        ret = tl_infer_input_shape(params, &input, diag);
    if (ret == TL_OK && (params->width % s->script.stride || params->height % s->script.stride))
        ret = tl_fail(diag, TL_EMODEL, "%dx%d is no multiple of the script's stride", params->width, params->height);
    int source_w = s->script.source_width ? s->script.source_width : params->width;
    int source_h = s->script.source_height ? s->script.source_height : params->height;
    tl_letterbox_init(&s->box, source_w, source_h, params->width, params->height, TL_PRE_TOP_LEFT);
    s->slots = params->slots ? params->slots : params->threads + 1;
    if (ret == TL_OK && !(s->slot = tl_calloc((size_t)s->slots, sizeof *s->slot)))
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for a script");
    for (int i = 0; ret == TL_OK && i < s->slots; i++)
        ret = open_slot(s, &s->slot[i], &input, diag);
    if (ret < 0)
        scripted_close(s);
    return ret;
}

static float *plane(const TlTensor *t, int sample, int channel)
{
    return (float *)t->data + (sample * t->dim[1] + channel) * t->dim[2] * t->dim[3];
}

static void fill(const TlTensor *t, int sample, float value)
{
    float *data = plane(t, sample, 0);
    for (int64_t i = 0; i < t->dim[1] * t->dim[2] * t->dim[3]; i++)
        data[i] = value;
}

static float logit(float p)
{
    double q = p < 1e-6 ? 1e-6 : p > 1 - 1e-6 ? 1 - 1e-6 : p;
    return (float)log(q / (1 - q));
}

static void render_item(const Scripted *s, Slot *slot, int sample, const TlScriptItem *item)
{
    const TlTensor *heat = &slot->output[HEAT], *extra = &slot->output[EXTRA];
    int centers = s->script.head == TL_SCRIPT_CENTERS;
    const float *v = item->v;
    float stride = (float)s->script.stride;
    float x = centers ? 0.5f * (v[0] + v[2]) : v[0], y = centers ? 0.5f * (v[1] + v[3]) : v[1];
    x = (x * s->box.scale_x + (float)s->box.offset_x) / stride;
    y = (y * s->box.scale_y + (float)s->box.offset_y) / stride;
    int cols = (int)heat->dim[3], rows = (int)heat->dim[2];
    int col = (int)floorf(x), row = (int)floorf(y);
    col = col < 0 ? 0 : col >= cols ? cols - 1 : col;
    row = row < 0 ? 0 : row >= rows ? rows - 1 : row;
    int cell = row * cols + col;
    plane(heat, sample, item->index)[cell] = logit(v[centers ? 4 : 2]);
    int k = 0;
    if (centers) {
        plane(extra, sample, k++)[cell] = logf((v[2] - v[0]) * s->box.scale_x);
        plane(extra, sample, k++)[cell] = logf((v[3] - v[1]) * s->box.scale_y);
    }
    plane(extra, sample, k++)[cell] = x - (float)col - 0.5f;
    plane(extra, sample, k)[cell] = y - (float)row - 0.5f;
}

static void render(const Scripted *s, Slot *slot, int sample, int64_t index)
{
    const TlScript *script = &s->script;
    fill(&slot->output[HEAT], sample, background_logit);
    fill(&slot->output[EXTRA], sample, 0.0f);
    if (script->loop && script->frame_count)
        index %= script->frame_count;
    if (index >= script->frame_count)
        return;
    const TlScriptFrame *frame = &script->frames[index];
    for (int i = 0; i < frame->count; i++)
        render_item(s, slot, sample, &script->items[frame->first + i]);
    if (frame->nan) {
        fill(&slot->output[HEAT], sample, NAN);
        fill(&slot->output[EXTRA], sample, NAN);
    }
    slot->failed |= frame->fail;
}

static int scripted_submit(void *priv, int slot_index, int filled, TlDiag *diag)
{
    Scripted *s = priv;
    Slot *slot = &s->slot[slot_index];
    (void)diag;
    pthread_mutex_lock(&s->mutex);
    int64_t first = s->next;
    s->next += filled;
    pthread_mutex_unlock(&s->mutex);
    slot->failed = 0;
    slot->ready_us = tl_now_us() + s->script.delay_us;
    for (int n = 0; n < filled; n++)
        render(s, slot, n, first + n);
    return TL_OK;
}

static int scripted_wait(void *priv, int slot_index, TlDiag *diag)
{
    Scripted *s = priv;
    const Slot *slot = &s->slot[slot_index];
    int64_t left;
    while (s->script.delay_us && (left = slot->ready_us - tl_now_us()) > 0) {
        struct timespec pause = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    return slot->failed ? tl_fail(diag, TL_EBACKEND, "the script says that this request fails") : TL_OK;
}

static int scripted_slots(const void *priv)
{
    return ((const Scripted *)priv)->slots;
}

static TlTensor *scripted_input(void *priv, int slot)
{
    return &((Scripted *)priv)->slot[slot].input;
}

static int scripted_output_count(const void *priv)
{
    (void)priv;
    return OUTPUTS;
}

static const TlTensor *scripted_output(void *priv, int slot, int output)
{
    return &((Scripted *)priv)->slot[slot].output[output];
}

static void scripted_describe(const void *priv, char *text, size_t size)
{
    const Scripted *s = priv;
    snprintf(text, size, "scripted, %d frame%s", s->script.frame_count, s->script.frame_count == 1 ? "" : "s");
}

const TlInferOps tl_infer_scripted = {
    .name = "scripted",
    .priv_bytes = sizeof(Scripted),
    .probe = scripted_probe,
    .open = scripted_open,
    .close = scripted_close,
    .slots = scripted_slots,
    .input = scripted_input,
    .output_count = scripted_output_count,
    .output = scripted_output,
    .submit = scripted_submit,
    .wait = scripted_wait,
    .describe = scripted_describe,
};
