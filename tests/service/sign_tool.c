// Our signatures at hand for other programs: reads lines, answers each with one.
//
//   sign SEED MESSAGE              -> PUBLIC SIGNATURE     (all hex, an empty message is "-")
//   verify PUBLIC MESSAGE SIGNATURE -> 1 or 0
//   address PUBLIC                 -> SS58
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "sr25519.h"
#include "ss58.h"

enum { LINE_MAX_BYTES = 1 << 17 };

static void print_hex(const uint8_t *bytes, size_t n, char end)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    putchar(end);
}

static size_t read_message(const char *text, uint8_t *message)
{
    size_t n = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    return tl_hex_decode(n ? text : "", message, n) == TL_OK ? n : 0;
}

int main(void)
{
    static char line[LINE_MAX_BYTES], word[4][LINE_MAX_BYTES];
    static uint8_t message[LINE_MAX_BYTES];
    if (tl_sr25519_init() < 0)
        return 1;
    while (fgets(line, sizeof line, stdin)) {
        uint8_t key[32], signature[64];
        int n = sscanf(line, "%s %s %s %s", word[0], word[1], word[2], word[3]);
        if (n < 2 || tl_hex_decode(word[1], key, 32) < 0)
            return 2;
        if (strcmp(word[0], "sign") == 0 && n == 3) {
            TlSr25519Key pair;
            tl_sr25519_from_seed(&pair, key);
            tl_sr25519_sign(&pair, message, read_message(word[2], message), signature);
            print_hex(pair.public_key, 32, ' ');
            print_hex(signature, 64, '\n');
        } else if (strcmp(word[0], "verify") == 0 && n == 4 && tl_hex_decode(word[3], signature, 64) == TL_OK) {
            printf("%d\n", tl_sr25519_verify(key, message, read_message(word[2], message), signature));
        } else if (strcmp(word[0], "address") == 0) {
            char text[TL_SS58_SIZE];
            tl_ss58_encode(key, text);
            printf("%s\n", text);
        } else {
            return 2;
        }
        fflush(stdout);
    }
    return 0;
}
