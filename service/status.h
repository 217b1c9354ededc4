// What the service says about itself: /availability, /healthz, /readyz, /metrics and /version.
#ifndef TL_SERVICE_STATUS_H
#define TL_SERVICE_STATUS_H

#include "base/strbuf.h"
#include "miner.h"

typedef struct TlStatus {
    const TlGate *gate;
    TlMiner *miner;
    TlMetrics *metrics;
    double stake_age_limit_s; ///< /readyz fails when the stake table is older, 0 = never
} TlStatus;

int tl_status_has(const char *path);
// Appends the answer's body and sets its content type. Returns the HTTP status, 500 without memory. path: one that
// tl_status_has. Thread-safety: any thread, each with a buffer of its own.
int tl_status_get(const TlStatus *status, const char *path, int is_stopping, TlStrbuf *body, const char **type);

#endif
