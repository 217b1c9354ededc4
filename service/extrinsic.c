// Transactions as bytes. In: a call, the chain's state and a key; out: what a node takes in author_submitExtrinsic.
#include "extrinsic.h"

#include <sodium.h>
#include <string.h>

enum {
    PALLET_SUBTENSOR = 7,
    CALL_SERVE_AXON = 4,
    IP_V4 = 4,
    SIGNED_V4 = 0x84,
    ADDRESS_ID = 0,
    SIGNATURE_SR25519 = 1,
    METADATA_HASH_OFF = 0,
    NO_HASH = 0,
    HASH_ABOVE = 256
};

static size_t put_little(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = i < 8 ? (uint8_t)(value >> (8 * i)) : 0;
    return bytes;
}

size_t tl_scale_put_compact(uint8_t *out, uint64_t value)
{
    if (value < 1u << 6)
        return put_little(out, value << 2, 1);
    if (value < 1u << 14)
        return put_little(out, value << 2 | 1, 2);
    if (value < 1u << 30)
        return put_little(out, value << 2 | 2, 4);
    size_t bytes = 4;
    while (bytes < 8 && value >> (8 * bytes))
        bytes++;
    out[0] = (uint8_t)((bytes - 4) << 2 | 3);
    return 1 + put_little(out + 1, value, bytes);
}

void tl_call_serve_axon(const TlAxon *axon, uint8_t call[TL_CALL_SERVE_AXON])
{
    uint64_t ip = (uint64_t)axon->ip[0] << 24 | axon->ip[1] << 16 | axon->ip[2] << 8 | axon->ip[3];
    size_t n = 0;
    call[n++] = PALLET_SUBTENSOR;
    call[n++] = CALL_SERVE_AXON;
    n += put_little(call + n, (uint64_t)axon->netuid, 2);
    n += put_little(call + n, axon->version, 4);
    n += put_little(call + n, ip, 16);
    n += put_little(call + n, (uint64_t)axon->port, 2);
    call[n++] = IP_V4;
    call[n++] = (uint8_t)axon->protocol;
    call[n++] = 0; // two places kept for later
    call[n++] = 0;
}

// Era of `period` blocks that begins at the checkpoint: log2(period) - 1 in four bits, then the phase.
static size_t put_era(uint8_t *out, const TlSigningContext *c)
{
    if (c->period <= 0)
        return put_little(out, 0, 1);
    unsigned period = (unsigned)c->period, log2_period = 0, phase, unit;
    while (period >> (log2_period + 1))
        log2_period++;
    phase = (unsigned)(c->checkpoint_number % period);
    unit = period >> 12 ? period >> 12 : 1;
    return put_little(out, (log2_period > 1 ? log2_period - 1 : 1) | phase / unit << 4, 2);
}

// What the extensions add to the transaction itself: era, nonce, tip, mode.
static size_t put_extensions(uint8_t *out, const TlSigningContext *c)
{
    size_t n = put_era(out, c);
    n += tl_scale_put_compact(out + n, c->nonce);
    n += tl_scale_put_compact(out + n, 0); // tip
    out[n++] = METADATA_HASH_OFF;
    return n;
}

size_t tl_extrinsic_payload(const uint8_t *call, size_t length, const TlSigningContext *c,
                            uint8_t payload[TL_EXTRINSIC_MAX])
{
    size_t n = length;
    memcpy(payload, call, length);
    n += put_extensions(payload + n, c);
    n += put_little(payload + n, c->spec_version, 4);
    n += put_little(payload + n, c->transaction_version, 4);
    memcpy(payload + n, c->genesis, 32);
    memcpy(payload + n + 32, c->period > 0 ? c->checkpoint : c->genesis, 32);
    n += 64;
    payload[n++] = NO_HASH;
    if (n <= HASH_ABOVE)
        return n;
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, payload, n, NULL, 0);
    memcpy(payload, hash, sizeof hash);
    return sizeof hash;
}

size_t tl_extrinsic_sign(const uint8_t *call, size_t length, const TlSigningContext *c, const TlSr25519Key *key,
                         uint8_t extrinsic[TL_EXTRINSIC_MAX])
{
    uint8_t payload[TL_EXTRINSIC_MAX], body[TL_EXTRINSIC_MAX];
    size_t n = 0, payload_length = tl_extrinsic_payload(call, length, c, payload);
    body[n++] = SIGNED_V4;
    body[n++] = ADDRESS_ID;
    memcpy(body + n, key->public_key, 32);
    n += 32;
    body[n++] = SIGNATURE_SR25519;
    tl_sr25519_sign(key, payload, payload_length, body + n);
    n += TL_SR25519_SIGNATURE;
    n += put_extensions(body + n, c);
    memcpy(body + n, call, length);
    n += length;
    size_t head = tl_scale_put_compact(extrinsic, n);
    memcpy(extrinsic + head, body, n);
    return head + n;
}
