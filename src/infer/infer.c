// The front of all backends: choice, checks that are the same for each, and the state of the requests.
//
// In: TlInferParams. Out: an open network behind TlInferOps. A backend may rely on what is checked here: sizes in
// range, metadata present, an input shape that fits the model, slots and sample counts in range, never two submits of
// one slot without a wait between them, and no request under way when it is closed.
#include "infer/infer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "infer/backend.h"

enum { SIZE_MIN = 32, SIZE_MAX_PX = 8192, BATCH_MAX = 256, THREADS_MAX = 1024, SLOTS_MAX = 256 };
static const size_t tensor_bytes_max = (size_t)2 << 30;

static const TlInferOps *const g_backends[] = {&tl_infer_openvino, &tl_infer_scripted, NULL};

typedef struct SlotState {
    int busy;
    int result; ///< of the last finished request
} SlotState;

struct TlInfer {
    const TlInferOps *ops;
    void *priv;
    SlotState *slot;
    int slots, batch;
    char name[128];
};

int tl_infer_backend(int i, TlBackendInfo *info)
{
    if (i < 0 || i >= (int)(sizeof g_backends / sizeof *g_backends) - 1)
        return TL_EOF;
    *info = (TlBackendInfo){.name = g_backends[i]->name};
    info->available = g_backends[i]->probe(info);
    return TL_OK;
}

static const TlInferOps *find_backend(const char *name)
{
    for (int i = 0; g_backends[i]; i++)
        if (!strcmp(g_backends[i]->name, name))
            return g_backends[i];
    return NULL;
}

// "auto": the file decides between a script and a network.
static int choose_backend(const TlInferOps **ops, const TlInferParams *params, TlDiag *diag)
{
    const char *name = params->backend && *params->backend ? params->backend : "auto";
    int is_script = tl_model_meta_get(params->meta, "touchline.script") != NULL;
    if (!strcmp(name, "auto"))
        name = is_script ? "scripted" : "openvino";
    *ops = find_backend(name);
    if (!*ops)
        return tl_fail(diag, TL_EBACKEND, "the backend '%s' is not part of this build", name);
    if (is_script != (*ops == &tl_infer_scripted))
        return tl_fail(diag, TL_EMODEL, "'%s' is a %s, which the backend '%s' cannot run", params->model,
                       is_script ? "script" : "network", name);
    return TL_OK;
}

static int check_params(const TlInferParams *params, TlDiag *diag)
{
    if (!params->model || !params->meta || params->threads < 1 || params->threads > THREADS_MAX || params->slots < 0 ||
        params->slots > SLOTS_MAX)
        return tl_fail(diag, TL_EINTERNAL, "a network was opened with impossible parameters");
    if (params->batch < 1 || params->batch > BATCH_MAX)
        return tl_fail(diag, TL_ELIMIT, "a batch of %d is outside 1..%d", params->batch, BATCH_MAX);
    if (params->width < SIZE_MIN || params->width > SIZE_MAX_PX || params->height < SIZE_MIN ||
        params->height > SIZE_MAX_PX)
        return tl_fail(diag, TL_ELIMIT, "a network input of %dx%d is outside %d..%d px", params->width, params->height,
                       SIZE_MIN, SIZE_MAX_PX);
    return TL_OK;
}

size_t tl_tensor_bytes(const TlTensor *tensor)
{
    size_t bytes = tensor->dtype == TL_DTYPE_U8 ? 1 : sizeof(float);
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->dim[i] < 1 || __builtin_mul_overflow(bytes, (size_t)tensor->dim[i], &bytes))
            return 0;
    return bytes;
}

int tl_tensor_alloc(TlTensor *tensor, TlDiag *diag)
{
    size_t bytes = tl_tensor_bytes(tensor);
    if (bytes == 0 || bytes > tensor_bytes_max)
        return tl_fail(diag, TL_ELIMIT, "the tensor '%s' of the model is too large", tensor->name);
    tensor->data = tl_calloc(bytes, 1);
    return tensor->data ? TL_OK : tl_fail(diag, TL_ENOMEM, "out of memory for the tensor '%s'", tensor->name);
}

int tl_infer_input_shape(const TlInferParams *params, TlTensor *input, TlDiag *diag)
{
    const TlModelMeta *meta = params->meta;
    int64_t channels = meta->input_rank == 4 ? meta->input_dim[1] : 0;
    int half = channels == 6 && meta->input_dtype == TL_DTYPE_U8;
    int rgb = channels == 3 && meta->input_dtype == TL_DTYPE_F32;
    if (!half && !rgb)
        return tl_fail(diag, TL_EMODEL, "'%s' takes neither pictures as u8 [N,6,H/2,W/2] nor as f32 [N,3,H,W]",
                       params->model);
    if (half && (params->width % 2 || params->height % 2))
        return tl_fail(diag, TL_EMODEL, "the network input must have even sides, not %dx%d", params->width,
                       params->height);
    *input = (TlTensor){.dtype = meta->input_dtype,
                        .rank = 4,
                        .dim = {params->batch, channels, params->height / (half + 1), params->width / (half + 1)}};
    tl_strcpy(input->name, sizeof input->name, meta->input_name);
    for (int i = 0; i < 4; i++) {
        if (meta->input_dim[i] > 0 && meta->input_dim[i] != input->dim[i])
            return tl_fail(
                diag, TL_EMODEL,
                "'%s' is fixed to [%lld,%lld,%lld,%lld] and cannot take [%lld,%lld,%lld,%lld]; export it with"
                " dynamic batch and size",
                params->model, (long long)meta->input_dim[0], (long long)meta->input_dim[1],
                (long long)meta->input_dim[2], (long long)meta->input_dim[3], (long long)input->dim[0],
                (long long)input->dim[1], (long long)input->dim[2], (long long)input->dim[3]);
    }
    return TL_OK;
}

int tl_infer_open(TlInfer **out, const TlInferParams *params, TlDiag *diag)
{
    *out = NULL;
    int ret = check_params(params, diag);
    if (ret < 0)
        return ret;
    const TlInferOps *ops;
    if ((ret = choose_backend(&ops, params, diag)) < 0)
        return ret;
    TlInfer *infer = tl_calloc(1, sizeof *infer);
    if (!infer)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a network");
    infer->batch = params->batch;
    infer->priv = tl_calloc(1, ops->priv_bytes);
    if (!infer->priv) {
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for a network");
        goto fail;
    }
    if ((ret = ops->open(infer->priv, params, diag)) < 0)
        goto fail;
    infer->ops = ops;
    infer->slots = ops->slots(infer->priv);
    infer->slot = tl_calloc((size_t)infer->slots, sizeof *infer->slot);
    if (!infer->slot) {
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for a network");
        goto fail;
    }
    ops->describe(infer->priv, infer->name, sizeof infer->name);
    *out = infer;
    return TL_OK;
fail:
    tl_infer_close(&infer);
    return ret;
}

void tl_infer_close(TlInfer **infer_ptr)
{
    TlInfer *infer = infer_ptr ? *infer_ptr : NULL;
    if (!infer)
        return;
    if (infer->ops) {
        for (int s = 0; infer->slot && s < infer->slots; s++)
            (void)!tl_infer_wait(infer, s, NULL);
        infer->ops->close(infer->priv);
    }
    tl_free(&infer->slot);
    tl_free(&infer->priv);
    tl_free(infer_ptr);
}

int tl_infer_slots(const TlInfer *infer)
{
    return infer->slots;
}

const char *tl_infer_name(const TlInfer *infer)
{
    return infer->name;
}

TlTensor *tl_infer_input(TlInfer *infer, int slot)
{
    return slot >= 0 && slot < infer->slots ? infer->ops->input(infer->priv, slot) : NULL;
}

int tl_infer_output_count(const TlInfer *infer)
{
    return infer->ops->output_count(infer->priv);
}

const TlTensor *tl_infer_output(TlInfer *infer, int slot, int output)
{
    if (slot < 0 || slot >= infer->slots || output < 0 || output >= tl_infer_output_count(infer))
        return NULL;
    return infer->ops->output(infer->priv, slot, output);
}

int tl_infer_submit(TlInfer *infer, int slot, int filled, TlDiag *diag)
{
    if (slot < 0 || slot >= infer->slots || filled < 1 || filled > infer->batch)
        return tl_fail(diag, TL_EINTERNAL, "request %d with %d samples does not exist", slot, filled);
    SlotState *state = &infer->slot[slot];
    if (state->busy)
        return tl_fail(diag, TL_EINTERNAL, "request %d was started twice", slot);
    int ret = infer->ops->submit(infer->priv, slot, filled, diag);
    state->busy = ret >= 0;
    state->result = ret;
    return ret;
}

int tl_infer_wait(TlInfer *infer, int slot, TlDiag *diag)
{
    if (slot < 0 || slot >= infer->slots)
        return tl_fail(diag, TL_EINTERNAL, "request %d does not exist", slot);
    SlotState *state = &infer->slot[slot];
    if (!state->busy)
        return state->result < 0 ? tl_fail(diag, state->result, "request %d failed before", slot) : TL_OK;
    state->result = infer->ops->wait(infer->priv, slot, diag);
    state->busy = 0;
    return state->result;
}
