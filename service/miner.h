// The miner: one warm session that works on challenges one after another, with a short queue before it.
#ifndef TL_SERVICE_MINER_H
#define TL_SERVICE_MINER_H

#include <touchline/options.h>

#include "download.h"
#include "encoder.h"
#include "metrics.h"
#include "request.h"

typedef struct TlMiner TlMiner;

typedef struct TlMinerParams {
    const TlOptions *options; ///< copied
    const TlGuard *guard;     ///< copied
    TlMetrics *metrics;       ///< must outlive the miner
    int queue;                ///< challenges that may wait, 1..64, 0 = 4
    int download_workers;     ///< 0 = 8
    int64_t max_frames;       ///< a longer video is refused, 0 = 30000
} TlMinerParams;

// What became of a challenge. body is the receiver's to deinit.
typedef struct TlReply {
    int status; ///< HTTP
    int encoding;
    TlStrbuf body;
    char summary[480]; ///< the challenge's log line but for the seconds of sending; empty when it never began
} TlReply;

// Whoever sent a challenge. Both are called from the miner's thread.
typedef struct TlMinerClient {
    int (*is_gone)(void *opaque);               ///< 1: nobody waits for the answer any more. May be NULL
    void (*done)(void *opaque, TlReply *reply); ///< once per accepted challenge
    void *opaque;
} TlMinerClient;

// Opens the session (networks loaded and warm) and starts the thread. Errors of tl_session_open.
TL_NODISCARD int tl_miner_open(TlMiner **out, const TlMinerParams *params, TlDiag *diag);
// Takes a challenge; one whose client has gone before its turn comes is dropped. received_us: monotonic time of the
// request. TL_ELIMIT when the queue is full, TL_EINTERRUPTED when
// the miner is stopping. Thread-safety: safe.
TL_NODISCARD int tl_miner_submit(TlMiner *miner, const TlChallenge *challenge, int encoding, int64_t received_us,
                                 const TlMinerClient *client);
int tl_miner_busy(TlMiner *miner); ///< 1 while a challenge is worked on or waits
// New settings from the next challenge on. The networks are loaded anew between two challenges. Safe from any thread.
void tl_miner_reload(TlMiner *miner, const TlOptions *options);
// Finishes the running challenge and those that wait, then ends the thread. Later submissions give TL_EINTERRUPTED.
void tl_miner_stop(TlMiner *miner);
void tl_miner_close(TlMiner **miner); // stops, then frees everything; nobody may call into it any more

#endif
