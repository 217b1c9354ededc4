// Announcing an axon on the chain: what `touchline register` does, step by step.
#ifndef TL_SERVICE_AXON_H
#define TL_SERVICE_AXON_H

#include <stdatomic.h>

#include "extrinsic.h"
#include "ss58.h"

typedef struct TlAxonChain {
    const char *url; ///< ws, wss, http or https
    double timeout_s;
    const atomic_int *cancel; ///< may be NULL
} TlAxonChain;

// What the chain holds for a hotkey.
typedef struct TlAxonState {
    int registered, uid; ///< on the subnet
    int served;          ///< an axon is announced; then:
    uint64_t block;
    TlAxon axon;
    int is_v4; ///< 0: an IPv6 address is announced, axon.ip means nothing
} TlAxonState;

// Dotted IPv4 that a validator could reach: not private, loopback, multicast or the like, unless any_address (a chain
// on one's own machine). TL_EUSAGE with a sentence.
TL_NODISCARD int tl_axon_parse_ip(const char *text, int any_address, uint8_t ip[4], TlDiag *diag);

// Everything a signature needs: genesis, versions, last finalised block, next nonce. TL_ENET, TL_ETIMEOUT, TL_EFORMAT.
TL_NODISCARD int tl_axon_fetch_context(const TlAxonChain *chain, const uint8_t hotkey[32], TlSigningContext *context,
                                       TlDiag *diag);
// Is the hotkey registered, and what is announced for it? Errors as above.
TL_NODISCARD int tl_axon_fetch_state(const TlAxonChain *chain, int netuid, const uint8_t hotkey[32], TlAxonState *state,
                                     TlDiag *diag);
// Asks the node whether it would take the extrinsic, without sending it. TL_OK or TL_EDENIED with the reason in diag;
// other codes when the node could not be asked.
TL_NODISCARD int tl_axon_validate(const TlAxonChain *chain, const uint8_t *extrinsic, size_t length, TlDiag *diag);
// Sends it; hash: 0x and 64 digits of the transaction. Not repeated on failure.
TL_NODISCARD int tl_axon_submit(const TlAxonChain *chain, const uint8_t *extrinsic, size_t length, char hash[67],
                                TlDiag *diag);

// What the runtime means by the bytes of a validity answer; NULL for "valid". Public for tests.
const char *tl_axon_validity_text(const uint8_t *bytes, size_t length);

#endif
