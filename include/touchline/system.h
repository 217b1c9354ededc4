// What this machine and this installation offer: for `touchline doctor`, `touchline models` and bug reports.
#ifndef TOUCHLINE_SYSTEM_H
#define TOUCHLINE_SYSTEM_H

#include <stdint.h>

#include <touchline/options.h>

#ifdef __cplusplus
extern "C" {
#endif

enum TlCheckState { TL_CHECK_OK = 0, TL_CHECK_NOTE, TL_CHECK_WRONG };

// One line of the examination.
typedef struct TlCheck {
    const char *topic;         ///< "processor", "memory", ...; static
    int state;                 ///< enum TlCheckState
    int code;                  ///< the TlError behind TL_CHECK_WRONG
    char text[TL_DIAG_SIZE];   ///< what was found
    char remedy[TL_DIAG_SIZE]; ///< what to do about it, empty when nothing
} TlCheck;

typedef void TlCheckSink(void *opaque, const TlCheck *check);

// Examines processor, memory, libraries, backends, models (loading them as a session would) and cache folder with these
// settings and hands each finding to the sink, in a fixed order. Returns 0, or the code of the first thing that is
// wrong. Thread-safety: safe.
TL_API TL_NODISCARD int tl_system_check(const TlOptions *options, TlCheckSink *sink, void *opaque);

// Hands over what the program was built from and with: version, compiler, video libraries, backends. Opens no network.
// Thread-safety: safe.
TL_API void tl_system_build(TlCheckSink *sink, void *opaque);

enum { TL_MODEL_FACT_MAX = 64 };

// A model file as its own metadata and the card beside it (same name, .md) describe it.
typedef struct TlModelInfo {
    char path[TL_PATH_SIZE], card[TL_PATH_SIZE]; ///< card empty when there is none
    int64_t bytes;
    char sha256[65];
    char input[128], outputs[512]; ///< "input u8 [N,6,H/2,W/2]"
    int fact_count;
    struct {
        char key[64], value[512];
    } fact[TL_MODEL_FACT_MAX]; ///< metadata of the file, then `Key: value` lines of the card
} TlModelInfo;

// Shipped model i of the models folder, by name; TL_EOF behind the last, TL_EMODEL when the file cannot be read or no
// folder was found. The search: TOUCHLINE_MODELS, ../share/touchline/models
// beside the program, the installed place, the source tree.
TL_API TL_NODISCARD int tl_model_info(int i, TlModelInfo *info, TlDiag *diag);

#ifdef __cplusplus
}
#endif
#endif
