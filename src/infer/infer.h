// Inference: one small contract, several backends.
//
// A backend knows tensors only: pre-processing and heads live elsewhere. Buffers are acquired once at open; submit and
// wait allocate nothing. A network has `slots` independent requests; each slot owns one input and its outputs.
// Backends: openvino.c (CPU), scripted.c (tests: replies from a file or a callback). Registering a backend = one line
// in infer.c.
#ifndef TL_INFER_INFER_H
#define TL_INFER_INFER_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

enum { TL_TENSOR_RANK_MAX = 6, TL_INFER_OUTPUT_MAX = 8, TL_META_MAX = 32 };
enum TlDtype { TL_DTYPE_U8 = 0, TL_DTYPE_F32 };

typedef struct TlTensor {
    void *data; ///< 64-byte aligned, dense, row-major
    int dtype;  ///< enum TlDtype
    int rank;
    int64_t dim[TL_TENSOR_RANK_MAX]; ///< [N,C,H,W] for pictures and maps
    char name[64];
} TlTensor;

// Metadata of an ONNX file (metadata_props of the protobuf), read without any runtime.
typedef struct TlModelMeta {
    int count;
    struct {
        char key[64];
        char value[2048];
    } item[TL_META_MAX];
    char input_name[64]; ///< first graph input
    int input_dtype;     ///< enum TlDtype, -1 for others
    int input_rank;
    int64_t input_dim[TL_TENSOR_RANK_MAX]; ///< -1 = symbolic
    int output_count;
    struct {
        char name[64];
        int rank;
        int64_t dim[TL_TENSOR_RANK_MAX];
    } output[TL_INFER_OUTPUT_MAX];
    int quantized;    ///< 1 when the graph holds quantising nodes (int8 model)
    uint8_t hash[32]; ///< SHA-256 of the file (cache key)
    int64_t file_bytes;
} TlModelMeta;

// Reads what is needed of an ONNX file; every length is checked (hostile files). TL_ENOENT, TL_EMODEL, TL_ELIMIT (> 1
// GiB).
TL_NODISCARD int tl_model_meta_read(TlModelMeta *meta, const char *path, TlDiag *diag);
const char *tl_model_meta_get(const TlModelMeta *meta, const char *key); // NULL when absent

typedef struct TlInferParams {
    const char *backend;   ///< "auto" or a name
    const char *device;    ///< "auto", "cpu", "cuda", "gpu:0"
    const char *model;     ///< ONNX file
    const char *cache_dir; ///< folder for compiled models, NULL = none
    int batch;             ///< N of every request, >= 1
    int width, height;     ///< network input in pixels (of the picture; the s2d input tensor is half of it)
    int threads;           ///< cores this network may use, >= 1
    int slots;             ///< requests in flight, 0 = backend's best (CPU: threads + 1)
    const TlModelMeta *meta;
} TlInferParams;

typedef struct TlInfer TlInfer;

// Loads, reshapes to the batch and size, compiles (or takes the compiled model from the cache), runs once to warm up.
// Thread-safety of a TlInfer: different slots may be used by different threads at once; one slot by one thread at a
// time.
TL_NODISCARD int tl_infer_open(TlInfer **out, const TlInferParams *params, TlDiag *diag);
void tl_infer_close(TlInfer **infer);

int tl_infer_slots(const TlInfer *infer);
const char *tl_infer_name(const TlInfer *infer);    // "openvino CPU int8", for logs
TlTensor *tl_infer_input(TlInfer *infer, int slot); // fixed for the life of the network
int tl_infer_output_count(const TlInfer *infer);
// Valid after wait until the next submit of that slot.
const TlTensor *tl_infer_output(TlInfer *infer, int slot, int output);

// Starts slot's request on its first `filled` (1..batch) samples and returns; wait blocks until it is done. With fewer
// than batch samples the rest of the output is undefined. A slot may be submitted again with some samples changed: the
// others get the same answers. A wait without a request under way returns the outcome of the last one at once.
TL_NODISCARD int tl_infer_submit(TlInfer *infer, int slot, int filled, TlDiag *diag);
TL_NODISCARD int tl_infer_wait(TlInfer *infer, int slot, TlDiag *diag);

// What `doctor` shows: row i of backends with availability; NULL behind the last.
typedef struct TlBackendInfo {
    const char *name;
    int available;
    char detail[256];
} TlBackendInfo;
int tl_infer_backend(int i, TlBackendInfo *info); // 0, or TL_EOF behind the last

// A backend. All pointers are required.
typedef struct TlInferOps {
    const char *name;
    size_t priv_bytes;
    int (*probe)(TlBackendInfo *info);                                  ///< 1 when usable here
    int (*open)(void *priv, const TlInferParams *params, TlDiag *diag); ///< on failure nothing is left behind
    void (*close)(void *priv);
    int (*slots)(const void *priv);
    TlTensor *(*input)(void *priv, int slot);
    int (*output_count)(const void *priv);
    const TlTensor *(*output)(void *priv, int slot, int output);
    int (*submit)(void *priv, int slot, int filled, TlDiag *diag);
    int (*wait)(void *priv, int slot, TlDiag *diag);
    void (*describe)(const void *priv, char *text, size_t size);
} TlInferOps;

#endif
