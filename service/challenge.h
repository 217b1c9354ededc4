// A challenge as a validator sends it: for `touchline challenge` and for tests.
//
// Request line, header names, their order and the body's form are those of the reference validator (httpx 0.27.2; see
// docs/subnet.md); head and body go out in separate writes, as its do. One new connection per challenge.
#ifndef TL_SERVICE_CHALLENGE_H
#define TL_SERVICE_CHALLENGE_H

#include <stdatomic.h>

#include "base/strbuf.h"
#include "sr25519.h"

typedef struct TlChallengeParams {
    const char *to; ///< "http://HOST:PORT"
    const char *video_url, *challenge_id;
    const char *miner_hotkey; ///< SS58
    const TlSr25519Key *key;  ///< of the validator that is played
    double timeout_s;         ///< for the connection and for every wait, as the validator's 240 s; 0 = 240
    const atomic_int *cancel; ///< may be NULL
} TlChallengeParams;

// Seconds count from before the signature to the last decompressed byte, as the validator counts.
typedef struct TlChallengeReply {
    int status;
    double connect_s, first_byte_s, total_s;
    size_t wire_bytes; ///< of the body as it came
    char encoding[16]; ///< "gzip", "zstd" or "" when plain
    TlStrbuf body;     ///< decompressed
} TlChallengeReply;

// Sends one challenge and reads the whole answer; any HTTP status is TL_OK. *reply is legal as {0} and the caller's to
// deinit. TL_EUSAGE (address), TL_ENOENT (no such host), TL_ENET, TL_ETIMEOUT, TL_EFORMAT (no HTTP, or a body that does
// not unpack), TL_ELIMIT (above 256 MiB), TL_EINTERRUPTED.
TL_NODISCARD int tl_challenge_send(const TlChallengeParams *params, TlChallengeReply *reply, TlDiag *diag);
void tl_challenge_reply_deinit(TlChallengeReply *reply);

// Parts of it, for tests. The body: four keys in order, as Python's json.dumps writes them. created_us: Unix time.
TL_NODISCARD int tl_challenge_body(const char *challenge_id, const char *video_url, int64_t created_us, TlStrbuf *body);
// Unpacks a body by its Content-Encoding ("" = plain). TL_EFORMAT, TL_ELIMIT, TL_ENOMEM.
TL_NODISCARD int tl_challenge_unpack(const char *encoding, const char *data, size_t length, TlStrbuf *out,
                                     TlDiag *diag);

#endif
