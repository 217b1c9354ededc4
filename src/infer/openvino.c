// Backend "openvino": networks on the CPU by OpenVINO's C API (openvino/c/openvino.h, 2026.4).
//
// In: an ONNX file and the shape of the batch. Out: asynchronous requests on buffers that are ours.
// Throughput style: as many streams as threads and one thread a stream, so that a request is computed by one thread
// from beginning to end and its bits do not depend on how many threads there are. Precision is pinned to f32 (and int8
// where the file quantises): bf16 and f16 were slower and differ between machines. Threads are not pinned to cores: two
// networks side by side would share the first ones. The compiled model is kept on disk under a key of everything it
// depends on (model_cache.h).
#include <openvino/c/openvino.h>
#include <stdio.h>
#include <string.h>

#include <touchline/log.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "infer/backend.h"
#include "infer/model_cache.h"

static const char device_name[] = "CPU";

typedef struct Slot {
    ov_infer_request_t *request;
    TlTensor input, output[TL_INFER_OUTPUT_MAX];
    ov_tensor_t *ov_input, *ov_output[TL_INFER_OUTPUT_MAX];
} Slot;

typedef struct OpenVino {
    ov_core_t *core;
    ov_compiled_model_t *compiled;
    uint8_t *imported; ///< bytes of the cached model: the imported one points into them
    Slot *slot;
    int slots, output_count, threads;
    int quantized, from_cache;
    char streams[16], thread_count[16];
} OpenVino;

// The runtime's message is a page with source positions; its last line that says something is the reason.
static int fail(TlDiag *diag, int code, const char *what, const char *model)
{
    char text[240] = "";
    const char *message = ov_get_last_err_msg();
    for (const char *line = message; line && *line;) {
        size_t length = strcspn(line, "\n");
        size_t blank = strspn(line, " \t");
        if (length > blank + 3 && !strstr(line, "Exception from src/") && length < sizeof text)
            snprintf(text, sizeof text, "%.*s", (int)(length - blank), line + blank);
        else if (length > blank + 3 && !text[0])
            snprintf(text, sizeof text, "%.*s", (int)(length - blank), line + blank);
        line += length + (line[length] == '\n');
    }
    ov_free(message); // a copy, although the header does not say so
    return tl_fail(diag, code, "OpenVINO cannot %s '%s': %s", what, model, text[0] ? text : "no reason given");
}

static int openvino_probe(TlBackendInfo *info)
{
    ov_version_t version = {0};
    ov_core_t *core = NULL;
    char *name = NULL;
    int usable = ov_core_create(&core) == OK &&
                 ov_core_get_property(core, device_name, ov_property_key_device_full_name, &name) == OK &&
                 ov_get_openvino_version(&version) == OK;
    if (usable)
        snprintf(info->detail, sizeof info->detail, "OpenVINO %.60s, %.100s, int8%s", version.buildNumber, name,
                 tl_cpu_flags() & TL_CPU_VNNI ? " with VNNI" : "");
    else
        snprintf(info->detail, sizeof info->detail, "the CPU plugin cannot be loaded: run scripts/setup again");
    ov_version_free(&version);
    if (name)
        ov_free(name);
    ov_core_free(core);
    return usable;
}

static void close_slot(Slot *slot)
{
    ov_infer_request_free(slot->request);
    ov_tensor_free(slot->ov_input);
    tl_free(&slot->input.data);
    for (int o = 0; o < TL_INFER_OUTPUT_MAX; o++) {
        ov_tensor_free(slot->ov_output[o]);
        tl_free(&slot->output[o].data);
    }
}

static void openvino_close(void *priv)
{
    OpenVino *ov = priv;
    for (int s = 0; ov->slot && s < ov->slots; s++)
        close_slot(&ov->slot[s]);
    tl_free(&ov->slot);
    ov_compiled_model_free(ov->compiled);
    ov_core_free(ov->core);
    tl_free(&ov->imported);
    ov->compiled = NULL;
    ov->core = NULL;
}

static int check_device(const TlInferParams *params, TlDiag *diag)
{
    const char *device = params->device && *params->device ? params->device : "auto";
    if (strcmp(device, "auto") != 0 && strcmp(device, "cpu") != 0)
        return tl_fail(diag, TL_EUSAGE, "the backend 'openvino' runs on the CPU, not on the device '%s'", device);
    return TL_OK;
}

// Properties belong to the core, because a model that is imported takes them from there.
static int create_core(OpenVino *ov, const TlInferParams *params, TlDiag *diag)
{
    snprintf(ov->streams, sizeof ov->streams, "%d", params->threads);
    snprintf(ov->thread_count, sizeof ov->thread_count, "%d", params->threads);
    const ov_property_t properties[] = {
        {ov_property_key_num_streams, ov->streams},
        {ov_property_key_inference_num_threads, ov->thread_count},
        {ov_property_key_hint_inference_precision, "f32"},
        {ov_property_key_hint_enable_cpu_pinning, "NO"},
    };
    if (ov_core_create(&ov->core) != OK)
        return fail(diag, TL_EBACKEND, "start for", params->model);
    if (ov_core_set_properties(ov->core, device_name, sizeof properties / sizeof *properties, properties) != OK)
        return fail(diag, TL_EBACKEND, "be set up for", params->model);
    return TL_OK;
}

static void cache_key(const TlInferParams *params, const TlTensor *input, char *text, size_t size)
{
    ov_version_t version = {0};
    char cpu[128] = "", hash[65];
    for (int i = 0; i < 32; i++)
        snprintf(hash + 2 * i, 3, "%02x", params->meta->hash[i]);
    tl_cpu_name(cpu, sizeof cpu);
    (void)!ov_get_openvino_version(&version);
    snprintf(text, size, "openvino %s|%s|%s %u|%s|%lld,%lld,%lld,%lld|threads %d|f32",
             version.buildNumber ? version.buildNumber : "", device_name, cpu, tl_cpu_flags(), hash,
             (long long)input->dim[0], (long long)input->dim[1], (long long)input->dim[2], (long long)input->dim[3],
             params->threads);
    ov_version_free(&version);
}

static int read_and_compile(OpenVino *ov, const TlInferParams *params, const TlTensor *input, TlDiag *diag)
{
    ov_model_t *model = NULL;
    ov_partial_shape_t shape = {0};
    size_t inputs = 0;
    int ret = TL_OK;
    if (ov_core_read_model(ov->core, params->model, NULL, &model) != OK)
        ret = fail(diag, TL_EMODEL, "read", params->model);
    else if (ov_model_inputs_size(model, &inputs) != OK || inputs != 1)
        ret = tl_fail(diag, TL_EMODEL, "'%s' has %zu inputs, expected one picture", params->model, inputs);
    else if (ov_partial_shape_create_static(input->rank, input->dim, &shape) != OK)
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the model '%s'", params->model);
    else if (ov_model_reshape_single_input(model, shape) != OK)
        ret = fail(diag, TL_EMODEL, "reshape", params->model);
    else if (ov_core_compile_model_props(ov->core, model, device_name, 0, NULL, &ov->compiled) != OK)
        ret = fail(diag, TL_EMODEL, "compile", params->model);
    if (shape.dims)
        ov_partial_shape_free(&shape);
    ov_model_free(model);
    return ret;
}

// Damage cannot get this far (the file is sealed), but a runtime may still refuse its own file. The weights of an
// imported model stay where they are in memory, which the C API does not say: freeing the bytes crashes in the first
// run.
static int import_cached(OpenVino *ov, const TlModelCache *cache)
{
    size_t size;
    if (tl_model_cache_load(cache, &ov->imported, &size) < 0)
        return 0;
    if (ov_core_import_model(ov->core, (const char *)ov->imported, size, device_name, &ov->compiled) == OK)
        return 1;
    tl_free(&ov->imported);
    tl_model_cache_drop(cache);
    return 0;
}

static void export_compiled(const OpenVino *ov, const TlModelCache *cache)
{
    TlDiag diag = {0};
    TlOutfile *file = NULL;
    int ret = tl_model_cache_begin(cache, &file, &diag);
    if (ret == TL_OK && ov_compiled_model_export_model(ov->compiled, tl_outfile_temp_path(file)) != OK) {
        ret = tl_fail(&diag, TL_EIO, "the compiled model could not be written to '%s'", cache->path);
        tl_outfile_abort(&file);
    }
    if (ret == TL_OK)
        ret = tl_model_cache_commit(cache, &file, &diag);
    if (ret < 0)
        tl_log(TL_LOG_WARNING, "%s; the next start will be slower", diag.text);
}

static int compile(OpenVino *ov, const TlInferParams *params, const TlTensor *input, TlDiag *diag)
{
    char key[512];
    TlModelCache cache;
    cache_key(params, input, key, sizeof key);
    int cached = tl_model_cache_init(&cache, params->cache_dir, key);
    if (cached == TL_EIO)
        tl_log(TL_LOG_WARNING, "the folder '%s' for compiled models cannot be made", params->cache_dir);
    ov->from_cache = cached == TL_OK && import_cached(ov, &cache);
    if (ov->from_cache)
        return TL_OK;
    int ret = read_and_compile(ov, params, input, diag);
    if (ret == TL_OK && cached == TL_OK)
        export_compiled(ov, &cache);
    return ret;
}

// Name, type and shape of output o, as compiled.
static int describe_output(const OpenVino *ov, const TlInferParams *params, int o, TlTensor *tensor, TlDiag *diag)
{
    ov_output_const_port_t *port = NULL;
    ov_shape_t shape = {0};
    ov_element_type_e type = DYNAMIC;
    int ret = TL_OK;
    *tensor = (TlTensor){.dtype = TL_DTYPE_F32};
    if (o < params->meta->output_count)
        tl_strcpy(tensor->name, sizeof tensor->name, params->meta->output[o].name);
    if (ov_compiled_model_output_by_index(ov->compiled, (size_t)o, &port) != OK ||
        ov_port_get_element_type(port, &type) != OK || ov_const_port_get_shape(port, &shape) != OK)
        ret = tl_fail(diag, TL_EMODEL, "output %d of '%s' has no fixed size", o, params->model);
    else if (type != F32 || shape.rank > TL_TENSOR_RANK_MAX)
        ret = tl_fail(diag, TL_EMODEL, "output %d of '%s' is not f32 of at most %d dimensions", o, params->model,
                      TL_TENSOR_RANK_MAX);
    for (int i = 0; ret == TL_OK && i < shape.rank; i++)
        tensor->dim[tensor->rank++] = shape.dims[i];
    if (shape.dims)
        ov_shape_free(&shape);
    ov_output_const_port_free(port);
    return ret;
}

static ov_tensor_t *wrap(const TlTensor *tensor)
{
    ov_tensor_t *wrapped = NULL;
    int64_t dim[TL_TENSOR_RANK_MAX];
    memcpy(dim, tensor->dim, sizeof dim);
    ov_shape_t shape = {.rank = tensor->rank, .dims = dim};
    ov_element_type_e type = tensor->dtype == TL_DTYPE_U8 ? U8 : F32;
    return ov_tensor_create_from_host_ptr(type, shape, tensor->data, &wrapped) == OK ? wrapped : NULL;
}

static int open_slot(OpenVino *ov, Slot *slot, const TlTensor *input, const TlTensor *outputs, const char *model,
                     TlDiag *diag)
{
    int ret;
    slot->input = *input;
    if ((ret = tl_tensor_alloc(&slot->input, diag)) < 0)
        return ret;
    slot->ov_input = wrap(&slot->input);
    if (ov_compiled_model_create_infer_request(ov->compiled, &slot->request) != OK || !slot->ov_input ||
        ov_infer_request_set_input_tensor_by_index(slot->request, 0, slot->ov_input) != OK)
        return fail(diag, TL_EBACKEND, "make a request for", model);
    for (int o = 0; o < ov->output_count; o++) {
        slot->output[o] = outputs[o];
        if ((ret = tl_tensor_alloc(&slot->output[o], diag)) < 0)
            return ret;
        slot->ov_output[o] = wrap(&slot->output[o]);
        if (!slot->ov_output[o] ||
            ov_infer_request_set_output_tensor_by_index(slot->request, (size_t)o, slot->ov_output[o]) != OK)
            return fail(diag, TL_EBACKEND, "make a request for", model);
    }
    return TL_OK;
}

static int open_slots(OpenVino *ov, const TlInferParams *params, const TlTensor *input, TlDiag *diag)
{
    TlTensor outputs[TL_INFER_OUTPUT_MAX];
    size_t count = 0;
    int ret = TL_OK;
    if (ov_compiled_model_outputs_size(ov->compiled, &count) != OK || count < 1 || count > TL_INFER_OUTPUT_MAX)
        return tl_fail(diag, TL_EMODEL, "'%s' has %zu outputs, expected 1 to %d", params->model, count,
                       TL_INFER_OUTPUT_MAX);
    ov->output_count = (int)count;
    for (int o = 0; o < ov->output_count; o++)
        if ((ret = describe_output(ov, params, o, &outputs[o], diag)) < 0)
            return ret;
    ov->slots = params->slots ? params->slots : params->threads + 1; // one more than run, so that no stream idles
    ov->slot = tl_calloc((size_t)ov->slots, sizeof *ov->slot);
    if (!ov->slot)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the model '%s'", params->model);
    for (int s = 0; s < ov->slots && ret == TL_OK; s++)
        ret = open_slot(ov, &ov->slot[s], input, outputs, params->model, diag);
    return ret;
}

// The first run of a request allocates inside the runtime and is slow; better here than in the first frames.
static int warm_up(OpenVino *ov, const char *model, TlDiag *diag)
{
    int failed = 0;
    for (int s = 0; s < ov->slots; s++)
        failed |= ov_infer_request_start_async(ov->slot[s].request) != OK;
    for (int s = 0; s < ov->slots; s++)
        failed |= ov_infer_request_wait(ov->slot[s].request) != OK;
    return failed ? fail(diag, TL_EBACKEND, "run", model) : TL_OK;
}

static int openvino_open(void *priv, const TlInferParams *params, TlDiag *diag)
{
    OpenVino *ov = priv;
    TlTensor input;
    int64_t begin = tl_now_us();
    int ret = check_device(params, diag);
    ov->threads = params->threads;
    ov->quantized = params->meta->quantized;
    if (ret < 0 || (ret = tl_infer_input_shape(params, &input, diag)) < 0)
        return ret;
    if ((ret = create_core(ov, params, diag)) < 0 || (ret = compile(ov, params, &input, diag)) < 0 ||
        (ret = open_slots(ov, params, &input, diag)) < 0 || (ret = warm_up(ov, params->model, diag)) < 0)
        openvino_close(ov);
    else
        tl_log(TL_LOG_DEBUG, "'%s' %s in %.0f ms", params->model, ov->from_cache ? "taken from the cache" : "compiled",
               (double)(tl_now_us() - begin) / 1000);
    return ret;
}

static int openvino_submit(void *priv, int slot, int filled, TlDiag *diag)
{
    OpenVino *ov = priv;
    (void)filled; // the whole batch is computed: another shape would compile the network again
    if (ov_infer_request_start_async(ov->slot[slot].request) != OK)
        return fail(diag, TL_EBACKEND, "start a request of", "the model");
    return TL_OK;
}

static int openvino_wait(void *priv, int slot, TlDiag *diag)
{
    OpenVino *ov = priv;
    if (ov_infer_request_wait(ov->slot[slot].request) != OK)
        return fail(diag, TL_EBACKEND, "finish a request of", "the model");
    return TL_OK;
}

static int openvino_slots(const void *priv)
{
    return ((const OpenVino *)priv)->slots;
}

static TlTensor *openvino_input(void *priv, int slot)
{
    return &((OpenVino *)priv)->slot[slot].input;
}

static int openvino_output_count(const void *priv)
{
    return ((const OpenVino *)priv)->output_count;
}

static const TlTensor *openvino_output(void *priv, int slot, int output)
{
    return &((OpenVino *)priv)->slot[slot].output[output];
}

static void openvino_describe(const void *priv, char *text, size_t size)
{
    const OpenVino *ov = priv;
    snprintf(text, size, "openvino CPU %s, %d thread%s", ov->quantized ? "int8" : "f32", ov->threads,
             ov->threads == 1 ? "" : "s");
}

const TlInferOps tl_infer_openvino = {
    .name = "openvino",
    .priv_bytes = sizeof(OpenVino),
    .probe = openvino_probe,
    .open = openvino_open,
    .close = openvino_close,
    .slots = openvino_slots,
    .input = openvino_input,
    .output_count = openvino_output_count,
    .output = openvino_output,
    .submit = openvino_submit,
    .wait = openvino_wait,
    .describe = openvino_describe,
};
