// The subnet's chain over JSON-RPC: stakes of its hotkeys, and what a registration needs.
#ifndef TL_SERVICE_CHAIN_H
#define TL_SERVICE_CHAIN_H

#include <stdatomic.h>

#include "stake.h"

// Which chain and which subnet, as options tell it.
typedef struct TlChainNames {
    char network[64];   ///< "finney", "test", "local"
    char address[1024]; ///< of the endpoint, wins over network
    int netuid;
} TlChainNames;

// The endpoint's URL. NULL when the network is unknown, with a sentence (TL_EUSAGE) that says so.
const char *tl_chain_url(const TlChainNames *names, TlDiag *diag);

typedef struct TlChainParams {
    const char *url; ///< ws, wss, http or https
    int netuid;
    double timeout_s;
    const atomic_int *cancel; ///< may be NULL; not 0 = give up soon with TL_EINTERRUPTED
} TlChainParams;

// One selective metagraph call (netuid, hotkeys, tao_stake). Blocks up to timeout_s. stakes: room for TL_STAKE_MAX
// entries. TL_ENET, TL_ETIMEOUT, TL_EFORMAT (an answer that makes no sense, or no hotkey in it), TL_ENOENT (no such
// subnet), TL_EINTERRUPTED.
TL_NODISCARD int tl_chain_fetch_stakes(const TlChainParams *params, TlStake *stakes, int *count, TlDiag *diag);

// The bytes in the "result" of a JSON-RPC reply to call 1; the caller frees them. TL_EFORMAT with the chain's message
// when the reply is an error or no such thing. Public for the fuzz target.
TL_NODISCARD int tl_chain_result_bytes(const char *reply, size_t reply_length, uint8_t **bytes, size_t *length,
                                       TlDiag *diag);

// Decodes Option<SelectiveMetagraph> of that call. bytes: the SCALE answer. TL_EFORMAT, TL_ENOENT, TL_ELIMIT.
TL_NODISCARD int tl_chain_decode_stakes(const uint8_t *bytes, size_t length, int netuid, TlStake *stakes, int *count,
                                        TlDiag *diag);

#endif
