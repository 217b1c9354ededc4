// Counters of the service in Prometheus' text format. Thread-safety: all calls safe.
#ifndef TL_SERVICE_METRICS_H
#define TL_SERVICE_METRICS_H

#include <stdint.h>

#include "base/strbuf.h"

enum TlStage {
    TL_STAGE_CONNECT = 0,
    TL_STAGE_FIRST_BYTE,
    TL_STAGE_DOWNLOAD,
    TL_STAGE_DECODE,
    TL_STAGE_NETWORKS,
    TL_STAGE_TRACK,
    TL_STAGE_ENCODE,
    TL_STAGE_SEND,
    TL_STAGE_COUNT
};

typedef struct TlMetrics TlMetrics;

TlMetrics *tl_metrics_create(void);
void tl_metrics_destroy(TlMetrics **metrics);

const char *tl_stage_name(int stage);
void tl_metrics_challenge(TlMetrics *metrics, int ok, double seconds); ///< one challenge ended
void tl_metrics_dropped(TlMetrics *metrics);                           ///< one whose client hung up before its turn
void tl_metrics_stage(TlMetrics *metrics, int stage, double seconds);  ///< enum TlStage
void tl_metrics_refused(TlMetrics *metrics, const char *reason);       ///< reason: static string
void tl_metrics_limit(TlMetrics *metrics);                             ///< an address is limited from now on
void tl_metrics_limited_connection(TlMetrics *metrics);                ///< a connection of such a one was closed
void tl_metrics_crowded(TlMetrics *metrics, int connections);          ///< so many were ended to make room
void tl_metrics_frames(TlMetrics *metrics, int64_t key, int64_t filled, int64_t download_bytes);
void tl_metrics_queue(TlMetrics *metrics, int waiting, int busy);

// Writes the whole page. stake_age_s < 0: never read.
void tl_metrics_write(TlMetrics *metrics, double stake_age_s, int stake_count, TlStrbuf *out);

#endif
