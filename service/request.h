// A validator's request: who sent it, is it fresh, signed and allowed, and what does it ask for.
//
// Checks run cheapest first and end at the first that fails; each refusal has the status and text of docs/subnet.md.
#ifndef TL_SERVICE_REQUEST_H
#define TL_SERVICE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "nonce.h"
#include "stake.h"

enum { TL_REQUEST_BODY_MAX = 16384, TL_URL_SIZE = 2304 };

// What the service knows when a request comes. Plain data, shared read-only.
typedef struct TlGate {
    uint8_t own_key[32]; ///< the miner's hotkey
    TlNonceStore *nonces;
    TlStakeTable *stakes;
    double min_stake_tao;
    int any_hotkey; ///< 1: no stake table is asked (only with --no-chain and no --allow-hotkey)
} TlGate;

// Header values as received; NULL = missing.
typedef struct TlRequestHead {
    const char *validator_hotkey, *miner_hotkey, *nonce, *signature;
} TlRequestHead;

// challenge_id as it came; the answer gives it back as the same JSON value.
typedef enum TlIdType { TL_ID_NULL, TL_ID_TEXT, TL_ID_NUMBER } TlIdType;

typedef struct TlChallenge {
    TlIdType id_type;
    char id[128]; ///< the text, the number as JSON, or empty
    char video_url[TL_URL_SIZE];
    char validator[64]; ///< SS58, for the log
} TlChallenge;

typedef struct TlRefusal {
    int status;         ///< HTTP
    const char *reason; ///< label of the metric: "nonce", "signature" …; static
    char body[512];     ///< JSON, {"detail": …}
    char note[64];      ///< what an operator wants to know beyond it, for the log; empty, or begins with ", "
} TlRefusal;

// 0 and *challenge, or -1 and *refusal. now_ns: Unix time. Thread-safety: safe.
TL_NODISCARD int tl_request_check(const TlGate *gate, const TlRequestHead *head, const void *body, size_t length,
                                  int64_t now_ns, TlChallenge *challenge, TlRefusal *refusal);

// Fills a refusal: {"detail": "<text>"}.
void tl_refuse(TlRefusal *refusal, int status, const char *reason, const char *fmt, ...) TL_PRINTF(4, 5);

// Signs a body as a validator does: fills nonce and signature (0x and 128 digits). For `touchline challenge` and tests.
struct TlSr25519Key;
void tl_request_sign(const struct TlSr25519Key *key, const char *miner_hotkey, const void *body, size_t length,
                     int64_t now_ns, char nonce[64], char signature[2 + 128 + 1]);

#endif
