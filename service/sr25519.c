// sr25519 on ristretto255. In: key, message, signature; out: valid or not; and signing for registration and tests.
#include "sr25519.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "strobe.h"

int tl_sr25519_init(void)
{
    return sodium_init() < 0 ? TL_EINTERNAL : TL_OK;
}

// k of the signature: the transcript over context, message, key and R, reduced modulo the group order L.
static void challenge(uint8_t k[32], const uint8_t pk[32], const uint8_t r[32], const void *message, size_t length)
{
    uint8_t wide[64];
    TlTranscript t;
    tl_transcript_init(&t, "SigningContext");
    tl_transcript_append(&t, "", "substrate", 9);
    tl_transcript_append(&t, "sign-bytes", message, length);
    tl_transcript_append(&t, "proto-name", "Schnorr-sig", 11);
    tl_transcript_append(&t, "sign:pk", pk, 32);
    tl_transcript_append(&t, "sign:R", r, 32);
    tl_transcript_challenge(&t, "sign:c", wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(k, wide);
}

// s < L, told by reducing it.
static int scalar_is_canonical(const uint8_t s[32])
{
    uint8_t wide[64] = {0}, reduced[32];
    memcpy(wide, s, 32);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
    return memcmp(reduced, s, 32) == 0;
}

// n B, with the identity (32 zero bytes) for n = 0, which libsodium reports as an error instead.
static void multiply_base(uint8_t out[32], const uint8_t n[32])
{
    if (crypto_scalarmult_ristretto255_base(out, n) != 0)
        memset(out, 0, 32);
}

int tl_sr25519_verify(const uint8_t pk[TL_SR25519_PUBLIC], const void *message, size_t length,
                      const uint8_t signature[TL_SR25519_SIGNATURE])
{
    uint8_t s[32], k[32], s_b[32], k_a[32], r[32];
    if (!(signature[63] & 0x80))
        return 0; // schnorrkel's marker
    memcpy(s, signature + 32, 32);
    s[31] &= 0x7f;
    // libsodium 1.0.18 ignores bit 255 of a point; schnorrkel refuses it. The identity is nobody's key.
    if (!scalar_is_canonical(s) || (pk[31] & 0x80) || sodium_is_zero(pk, 32) ||
        !crypto_core_ristretto255_is_valid_point(pk))
        return 0;
    challenge(k, pk, signature, message, length);
    multiply_base(s_b, s);
    if (crypto_scalarmult_ristretto255(k_a, k, pk) != 0)
        memset(k_a, 0, 32);
    return crypto_core_ristretto255_sub(r, s_b, k_a) == 0 && memcmp(r, signature, 32) == 0;
}

int tl_sr25519_verify_or_wrapped(const uint8_t pk[TL_SR25519_PUBLIC], const void *message, size_t length,
                                 const uint8_t signature[TL_SR25519_SIGNATURE])
{
    static const char head[] = "<Bytes>", tail[] = "</Bytes>";
    if (tl_sr25519_verify(pk, message, length, signature))
        return 1;
    size_t total = length + sizeof head - 1 + sizeof tail - 1;
    uint8_t *wrapped = tl_calloc(total, 1);
    if (!wrapped)
        return 0;
    memcpy(wrapped, head, sizeof head - 1);
    memcpy(wrapped + sizeof head - 1, message, length);
    memcpy(wrapped + sizeof head - 1 + length, tail, sizeof tail - 1);
    int valid = tl_sr25519_verify(pk, wrapped, total, signature);
    tl_free(&wrapped);
    return valid;
}

// Ed25519 scalars are multiples of the cofactor 8; ristretto has none, so the stored number is an eighth of it.
static void divide_by_cofactor(uint8_t scalar[32])
{
    uint8_t carry = 0;
    for (int i = 31; i >= 0; i--) {
        uint8_t low = (uint8_t)(scalar[i] & 7);
        scalar[i] = (uint8_t)(scalar[i] >> 3 | carry << 5);
        carry = low;
    }
}

void tl_sr25519_from_seed(TlSr25519Key *key, const uint8_t seed[TL_SR25519_SEED])
{
    uint8_t hash[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(hash, seed, TL_SR25519_SEED);
    hash[0] &= 248;
    hash[31] = (uint8_t)((hash[31] & 63) | 64);
    memcpy(key->scalar, hash, 32);
    divide_by_cofactor(key->scalar);
    memcpy(key->nonce, hash + 32, 32);
    multiply_base(key->public_key, key->scalar);
    sodium_memzero(hash, sizeof hash);
}

int tl_sr25519_from_private(TlSr25519Key *key, const uint8_t secret[64])
{
    if (!scalar_is_canonical(secret) || sodium_is_zero(secret, 32))
        return TL_EFORMAT;
    memcpy(key->scalar, secret, 32);
    memcpy(key->nonce, secret + 32, 32);
    multiply_base(key->public_key, key->scalar);
    return TL_OK;
}

// The witness mixes key, message and fresh randomness, so that a weak random source alone cannot leak the key.
static void make_witness(uint8_t r[32], const TlSr25519Key *key, const void *message, size_t length)
{
    uint8_t random[32], wide[64];
    crypto_generichash_state state;
    randombytes_buf(random, sizeof random);
    crypto_generichash_init(&state, key->nonce, sizeof key->nonce, sizeof wide);
    crypto_generichash_update(&state, random, sizeof random);
    crypto_generichash_update(&state, message, length);
    crypto_generichash_final(&state, wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(r, wide);
    sodium_memzero(wide, sizeof wide);
}

void tl_sr25519_sign(const TlSr25519Key *key, const void *message, size_t length,
                     uint8_t signature[TL_SR25519_SIGNATURE])
{
    uint8_t witness[32], k[32], k_a[32];
    make_witness(witness, key, message, length);
    multiply_base(signature, witness);
    challenge(k, key->public_key, signature, message, length);
    crypto_core_ristretto255_scalar_mul(k_a, k, key->scalar);
    crypto_core_ristretto255_scalar_add(signature + 32, k_a, witness);
    signature[63] |= 0x80;
    sodium_memzero(witness, sizeof witness);
}
