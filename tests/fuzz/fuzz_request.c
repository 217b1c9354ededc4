// A challenge request: four header values and a body, separated by line breaks. Once as it comes, once with the body
// signed well, so that the JSON behind the signature is reached.
#include <string.h>

#include "fuzz.h"
#include "request.h"
#include "sr25519.h"
#include "ss58.h"

#define SECOND_NS 1000000000ll
static const int64_t NOW = 1755187091123456789ll;

typedef struct World {
    TlSr25519Key key;
    char address[TL_SS58_SIZE];
    TlGate gate;
} World;

static const World *world(void)
{
    static World w;
    uint8_t seed[32] = {7};
    if (w.gate.nonces)
        return &w;
    FUZZ_CHECK(tl_sr25519_init() == 0);
    tl_sr25519_from_seed(&w.key, seed);
    tl_ss58_encode(w.key.public_key, w.address);
    memcpy(w.gate.own_key, w.key.public_key, 32);
    w.gate.nonces = tl_nonce_store_create(1 << 20, 120 * SECOND_NS);
    w.gate.stakes = tl_stake_table_create();
    w.gate.any_hotkey = 1;
    return &w;
}

static void check(const World *w, const TlRequestHead *head, const void *body, size_t length)
{
    static TlChallenge challenge;
    TlRefusal refusal = {0};
    if (tl_request_check(&w->gate, head, body, length, NOW, &challenge, &refusal) == 0) {
        FUZZ_CHECK(challenge.video_url[0] && strlen(challenge.video_url) < sizeof challenge.video_url);
        FUZZ_CHECK(strlen(challenge.id) < sizeof challenge.id);
    } else {
        FUZZ_CHECK(refusal.status >= 400 && refusal.status < 500 && refusal.reason);
        FUZZ_CHECK(strncmp(refusal.body, "{\"detail\":", 10) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const World *w = world();
    char field[4][256], nonce[64], signature[2 + 128 + 1];
    const uint8_t *at = data, *end = data + size;
    for (int i = 0; i < 4; i++) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        snprintf(field[i], sizeof field[i], "%.*s", (int)(n < 255 ? n : 255), (const char *)at);
        at = stop ? stop + 1 : end;
    }
    TlRequestHead raw = {field[0], field[1], field[2], field[3]};
    check(w, &raw, at, (size_t)(end - at));
    raw.miner_hotkey = w->address;
    check(w, &raw, at, (size_t)(end - at));
    tl_request_sign(&w->key, w->address, at, (size_t)(end - at), NOW, nonce, signature);
    TlRequestHead good = {w->address, w->address, nonce, signature};
    check(w, &good, at, (size_t)(end - at));
    return 0;
}
