// Signed transactions of the chain: the call that announces where a miner listens, and the envelope around a call.
//
// Layout: Substrate's extrinsic format version 4 with the signed extensions of the subtensor runtime. Of its thirteen
// extensions only five carry bytes: era, account nonce (compact), tip (compact) and the mode of the metadata check (0)
// travel along; spec version, transaction version, genesis hash, hash of the block where the era begins and the absent
// metadata hash are signed without being sent. docs/registration.md names the sources.
#ifndef TL_SERVICE_EXTRINSIC_H
#define TL_SERVICE_EXTRINSIC_H

#include <stddef.h>
#include <stdint.h>

#include "sr25519.h"

enum { TL_CALL_SERVE_AXON = 30, TL_EXTRINSIC_MAX = 512 };

// Where a miner listens. IPv4 only: validators cannot reach others.
typedef struct TlAxon {
    int netuid;
    uint32_t version; ///< of the software, any number
    uint8_t ip[4];    ///< 1.2.3.4 as {1, 2, 3, 4}
    int port;
    int protocol; ///< 4
} TlAxon;

// What of the chain goes into a signature.
typedef struct TlSigningContext {
    uint8_t genesis[32], checkpoint[32]; ///< checkpoint: hash of block checkpoint_number; of an immortal one: genesis
    uint64_t checkpoint_number;
    uint32_t spec_version, transaction_version;
    uint64_t nonce; ///< of the account
    int period;     ///< blocks that the transaction stays valid, a power of two from 4 to 65536; 0 = for ever
} TlSigningContext;

// SubtensorModule.serve_axon: 30 bytes.
void tl_call_serve_axon(const TlAxon *axon, uint8_t call[TL_CALL_SERVE_AXON]);

// The bytes that are signed; when they are more than 256, their BLAKE2b-256 hash is. Returns the length.
size_t tl_extrinsic_payload(const uint8_t *call, size_t length, const TlSigningContext *context,
                            uint8_t payload[TL_EXTRINSIC_MAX]);

// The whole extrinsic with its length in front, signed. Returns the length. length <= 128.
size_t tl_extrinsic_sign(const uint8_t *call, size_t length, const TlSigningContext *context, const TlSr25519Key *key,
                         uint8_t extrinsic[TL_EXTRINSIC_MAX]);

// Compact<u64> of SCALE. Returns the number of bytes, at most 9.
size_t tl_scale_put_compact(uint8_t *out, uint64_t value);

#endif
