// One network of a session: model file, head, letterbox, pre-processing and the batch that is being filled.
//
// The decoder's thread puts pictures (put, flush), the results' thread takes them in the same order (take, release).
// While one slot runs, the next one fills. A full ring of slots blocks put, which is what bounds the work in flight.
// Lock order: the network's mutex is a leaf.
#ifndef TL_PIPE_NETWORK_H
#define TL_PIPE_NETWORK_H

#include <stdatomic.h>

#include <touchline/options.h>

#include "post/post.h"

typedef struct TlNetwork TlNetwork;

// Where the answer to one picture will be.
typedef struct TlTicket {
    int slot, sample;
} TlTicket;

typedef struct TlNetworkParams {
    const char *model; ///< ONNX file
    int want_points;   ///< 0: players, 1: pitch points
    const TlOptions *options;
    const char *cache_dir; ///< compiled models, or NULL
    int threads;           ///< cores, >= 1
} TlNetworkParams;

TL_NODISCARD int tl_network_open(TlNetwork **out, const TlNetworkParams *params, TlDiag *diag);
void tl_network_close(TlNetwork **network);

// Thresholds that came with the model.
const TlPostParams *tl_network_defaults(const TlNetwork *network);
const char *tl_network_describe(const TlNetwork *network);
int tl_network_batch(const TlNetwork *network);

// New clip of this picture size: all slots must be free. Every wait of put and take ends soon after *cancel is not 0
// (it may be set by a signal handler, which cannot wake anybody).
TL_NODISCARD int tl_network_begin(TlNetwork *network, int width, int height, unsigned cpumask, const atomic_int *cancel,
                                  TlDiag *diag);
// 1 when the next put would have to wait for an answer to be taken.
int tl_network_full(TlNetwork *network);
// Scales the picture into the filling batch and starts the batch when it is full. Blocks while all slots are busy.
// TL_EINTERRUPTED after abort.
TL_NODISCARD int tl_network_put(TlNetwork *network, const TlPicture *picture, TlTicket *ticket, TlDiag *diag);
// Starts a batch that is only partly filled.
TL_NODISCARD int tl_network_flush(TlNetwork *network, TlDiag *diag);

// Waits for the answer and decodes it. Tickets must come in the order of put. may_be_close: no pitch was seen, so a
// picture in which hardly anybody is found is looked at again as a close-up, if the model wants that (post.h): its slot
// runs once more while the caller waits.
TL_NODISCARD int tl_network_detections(TlNetwork *network, TlTicket ticket, const TlPostParams *params,
                                       int may_be_close, TlDetections *out, TlDiag *diag);
TL_NODISCARD int tl_network_points(TlNetwork *network, TlTicket ticket, const TlPostParams *params,
                                   TlPoint out[TL_POINT_COUNT], TlDiag *diag);

// Wakes a blocked put and take for good (until begin). Safe from any thread.
void tl_network_abort(TlNetwork *network);
// Seconds that take waited for answers, and that put waited for a slot, of the clip.
double tl_network_wait_s(const TlNetwork *network);
double tl_network_put_wait_s(const TlNetwork *network);

#endif
