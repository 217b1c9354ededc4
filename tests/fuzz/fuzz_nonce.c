// Nonces, one a line, into one small store: whatever is taken is not taken twice.
#include <string.h>

#include "fuzz.h"
#include "nonce.h"
#include "sr25519.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t window = 120000000000ll;
    int64_t now = 1755187091123456789ll;
    FUZZ_CHECK(tl_sr25519_init() == 0);
    TlNonceStore *store = tl_nonce_store_create(16, window);
    FUZZ_CHECK(store);
    for (const uint8_t *at = data, *end = data + size; at < end;) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        char text[300];
        size_t n = (size_t)((stop ? stop : end) - at);
        snprintf(text, sizeof text, "%.*s", (int)(n < 299 ? n : 299), (const char *)at);
        int check = tl_nonce_check(store, text, now), accept = tl_nonce_accept(store, text, now);
        FUZZ_CHECK(check == accept || (check == TL_OK && accept == TL_ELIMIT));
        FUZZ_CHECK(accept != TL_OK || tl_nonce_check(store, text, now) == TL_EEXIST);
        now += (int64_t)n * 1000000000ll;
        at = stop ? stop + 1 : end;
    }
    tl_nonce_store_destroy(&store);
    return 0;
}
