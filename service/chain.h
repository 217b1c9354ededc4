// The subnet's chain over JSON-RPC: stakes of its hotkeys, and what a registration needs.
#ifndef TL_SERVICE_CHAIN_H
#define TL_SERVICE_CHAIN_H

#include "stake.h"

// URL of a network's name (finney, test, local), or NULL.
const char *tl_chain_url(const char *network);

// One selective metagraph call (netuid, hotkeys, tao_stake) over ws://, wss://, http:// or https://. Blocks up to
// timeout_s. stakes: room for TL_STAKE_MAX entries. TL_ENET, TL_ETIMEOUT, TL_EFORMAT (an answer that makes no sense),
// TL_ENOENT (no such subnet).
TL_NODISCARD int tl_chain_fetch_stakes(const char *url, int netuid, double timeout_s, TlStake *stakes, int *count,
                                       TlDiag *diag);

// Decodes Option<SelectiveMetagraph> of that call. bytes: the SCALE answer. TL_EFORMAT, TL_ENOENT, TL_ELIMIT.
TL_NODISCARD int tl_chain_decode_stakes(const uint8_t *bytes, size_t length, int netuid, TlStake *stakes, int *count,
                                        TlDiag *diag);

#endif
