// What each step of a challenge costs on this machine: for `touchline diagnose`.
#ifndef TL_SERVICE_DIAGNOSE_H
#define TL_SERVICE_DIAGNOSE_H

#include <stdatomic.h>
#include <touchline/options.h>
#include <touchline/session.h>

#include "guard.h"

enum TlDiagnoseStep {
    TL_DIAGNOSE_RESOLVE = 0, ///< name to address
    TL_DIAGNOSE_CONNECT,     ///< TCP and TLS
    TL_DIAGNOSE_FIRST_BYTE,  ///< from the request to the first byte
    TL_DIAGNOSE_DOWNLOAD,    ///< from the first byte to the last
    TL_DIAGNOSE_OPEN,        ///< container opened and first picture decoded
    TL_DIAGNOSE_DECODE,      ///< all pictures, nothing else running
    TL_DIAGNOSE_LOAD_COLD,   ///< networks loaded with an empty cache: once per machine and version
    TL_DIAGNOSE_LOAD_WARM,   ///< networks loaded from the cache: once per start
    TL_DIAGNOSE_NETWORKS,    ///< waiting for the networks during the clip
    TL_DIAGNOSE_REST,        ///< preparing, or tracking, pitch and filling: two threads, the busier one
    TL_DIAGNOSE_CLIP,        ///< the whole clip from disk, networks warm
    TL_DIAGNOSE_TOTAL,       ///< the whole challenge: download and clip side by side, networks warm
    TL_DIAGNOSE_STEP_COUNT
};

typedef struct TlDiagnosis {
    double seconds[TL_DIAGNOSE_STEP_COUNT]; ///< negative: not measured (a file has no download)
    int64_t bytes, frames, key_frames;
    int connections, width, height;
    double fps;
} TlDiagnosis;

typedef struct TlDiagnoseParams {
    const char *input; ///< http(s) URL or file
    const TlOptions *options;
    const TlGuard *guard;
    int download_workers; ///< 0 = 8
    // called after each step that was measured, in the order of the list
    void (*step)(void *opaque, int step, double seconds);
    void *opaque;
    const atomic_int *cancel;          ///< not 0 = give up with TL_EINTERRUPTED; may be NULL
    void (*watch)(TlSession *session); ///< the session that a signal has to cancel now, NULL = none; may be NULL
} TlDiagnoseParams;

const char *tl_diagnose_name(int step);
// Runs all steps; takes about twice as long as a challenge. Temporary files are gone afterwards. Errors of the download
// and of the session.
TL_NODISCARD int tl_diagnose(const TlDiagnoseParams *params, TlDiagnosis *diagnosis, TlDiag *diag);
// One sentence about the step that costs most of TOTAL, and what to do about it. *step: of those between RESOLVE and
// REST, without opening and loading. Static string.
const char *tl_diagnose_advice(const TlDiagnosis *diagnosis, int *step);

#endif
