// 32 bytes of key, 64 of signature, the rest is the message; and the whole as the text of an address.
#include <string.h>

#include "fuzz.h"
#include "sr25519.h"
#include "ss58.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t key[32] = {0}, again[32], signature[64] = {0};
    char text[128], back[TL_SS58_SIZE];
    FUZZ_CHECK(tl_sr25519_init() == 0);
    snprintf(text, sizeof text, "%.*s", (int)(size < 127 ? size : 127), (const char *)data);
    if (tl_ss58_decode(text, key) == TL_OK) {
        tl_ss58_encode(key, back);
        FUZZ_CHECK(strcmp(back, text) == 0); // one text for each key
    }
    memset(again, 0, sizeof again);
    (void)!tl_hex_decode(text, again, 32);
    memcpy(key, data, size < 32 ? size : 32);
    if (size > 32)
        memcpy(signature, data + 32, size - 32 < 64 ? size - 32 : 64);
    const uint8_t *message = size > 96 ? data + 96 : data;
    size_t length = size > 96 ? size - 96 : 0;
    int valid = tl_sr25519_verify(key, message, length, signature);
    FUZZ_CHECK(!valid || (signature[63] & 0x80));
    (void)tl_sr25519_verify_or_wrapped(key, message, length, signature);
    tl_ss58_encode(key, back);
    FUZZ_CHECK(tl_ss58_decode(back, again) == TL_OK && memcmp(again, key, 32) == 0);
    return 0;
}
