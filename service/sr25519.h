// sr25519 (schnorrkel) signatures, signing context "substrate", on libsodium's ristretto255.
//
// Source: w3f/schnorrkel's construction as described in docs/subnet.md; equation R' = s B - k A, k from a Merlin
// transcript. Thread-safety: all functions safe after tl_sr25519_init.
#ifndef TL_SERVICE_SR25519_H
#define TL_SERVICE_SR25519_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

enum { TL_SR25519_PUBLIC = 32, TL_SR25519_SEED = 32, TL_SR25519_SIGNATURE = 64 };

typedef struct TlSr25519Key {
    uint8_t scalar[32]; ///< secret
    uint8_t nonce[32];  ///< secret, second half of the expanded seed
    uint8_t public_key[TL_SR25519_PUBLIC];
} TlSr25519Key;

// Prepares libsodium. Call once before anything else here. TL_EINTERNAL when libsodium cannot start.
TL_NODISCARD int tl_sr25519_init(void);

// 1 when signature is valid for message under public_key. Refuses missing marker bits, non-canonical scalars and
// non-canonical points.
int tl_sr25519_verify(const uint8_t public_key[TL_SR25519_PUBLIC], const void *message, size_t length,
                      const uint8_t signature[TL_SR25519_SIGNATURE]);

// As verify, and a second try with the message wrapped in <Bytes>...</Bytes> (what browser wallets sign).
int tl_sr25519_verify_or_wrapped(const uint8_t public_key[TL_SR25519_PUBLIC], const void *message, size_t length,
                                 const uint8_t signature[TL_SR25519_SIGNATURE]);

// Key pair of a 32-byte mini secret by "Ed25519 expansion", as substrate derives it.
void tl_sr25519_from_seed(TlSr25519Key *key, const uint8_t seed[TL_SR25519_SEED]);
// Key pair of the 64 bytes of a wallet's privateKey (scalar, nonce), as schnorrkel's canonical form.
// TL_EFORMAT when the scalar is out of range.
TL_NODISCARD int tl_sr25519_from_private(TlSr25519Key *key, const uint8_t secret[64]);
// The witness is fresh random: two signatures of one message differ.
void tl_sr25519_sign(const TlSr25519Key *key, const void *message, size_t length,
                     uint8_t signature[TL_SR25519_SIGNATURE]);

#endif
