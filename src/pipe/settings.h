// Where the shipped networks are, and what "auto" means for a clip.
#ifndef TL_PIPE_SETTINGS_H
#define TL_PIPE_SETTINGS_H

#include <stdint.h>

#include <touchline/session.h>

// The plan of a clip: which frames the networks see.
typedef struct TlPlan {
    int64_t first, end;    ///< source frames [first,end), end 0 = to the end
    int64_t last_estimate; ///< index of the last frame by the container, -1 unknown; it is a key frame too
    int stride;            ///< players on every stride-th frame
    int pitch_stride;      ///< points on every pitch_stride-th key frame
} TlPlan;

// "A:B" with either side empty. TL_EUSAGE when it is no range or is empty.
TL_NODISCARD int tl_plan_range(TlPlan *plan, const char *frames, TlDiag *diag);
// Resolves the strides for this stream.
void tl_plan_resolve(TlPlan *plan, const TlOptions *options, const TlStreamInfo *info);
int tl_plan_is_key(const TlPlan *plan, int64_t frame);

// Path of the shipped model `name` ("players.onnx"). TL_EMODEL with the folders tried when it is nowhere.
TL_NODISCARD int tl_model_path(const char *name, char *path, size_t size, TlDiag *diag);

// Folder of compiled networks: the option, else touchline below XDG_CACHE_HOME or ~/.cache; empty when neither is
// known.
void tl_cache_dir(const TlOptions *options, char *path, size_t size);

#endif
