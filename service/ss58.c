// SS58 and hex text of keys. Source: the Substrate SS58 registry's description of the format.
#include "ss58.h"

#include <sodium.h>
#include <string.h>

enum { PREFIX = 42, RAW = 35, TEXT_MAX = 52 };
static const char ALPHABET[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static void checksum(const uint8_t raw[RAW - 2], uint8_t hash[crypto_generichash_BYTES_MAX])
{
    uint8_t message[7 + RAW - 2];
    memcpy(message, "SS58PRE", 7);
    memcpy(message + 7, raw, RAW - 2);
    crypto_generichash(hash, crypto_generichash_BYTES_MAX, message, sizeof message, NULL, 0);
}

// number = number * 58 + digit, big-endian. -1 on overflow.
static int multiply_add(uint8_t raw[RAW], unsigned digit)
{
    unsigned carry = digit;
    for (int i = RAW - 1; i >= 0; i--) {
        carry += 58u * raw[i];
        raw[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return carry ? -1 : 0;
}

int tl_ss58_decode(const char *text, uint8_t key[32])
{
    uint8_t raw[RAW] = {0}, hash[crypto_generichash_BYTES_MAX];
    size_t length = strnlen(text, TEXT_MAX + 1);
    // A leading 1 stands for a leading zero byte, which prefix 42 rules out: there is one text for each key.
    if (length < 46 || length > TEXT_MAX || text[0] == '1')
        return TL_EFORMAT;
    for (size_t i = 0; i < length; i++) {
        const char *at = memchr(ALPHABET, text[i], sizeof ALPHABET - 1);
        if (!at || multiply_add(raw, (unsigned)(at - ALPHABET)) < 0)
            return TL_EFORMAT;
    }

    if (raw[0] != PREFIX)
        return TL_EFORMAT;
    checksum(raw, hash);
    if (memcmp(hash, raw + RAW - 2, 2) != 0)
        return TL_EFORMAT;
    memcpy(key, raw + 1, 32);
    return TL_OK;
}

void tl_ss58_encode(const uint8_t key[32], char text[TL_SS58_SIZE])
{
    uint8_t raw[RAW], hash[crypto_generichash_BYTES_MAX];
    char reversed[TL_SS58_SIZE];
    int n = 0;
    raw[0] = PREFIX;
    memcpy(raw + 1, key, 32);
    checksum(raw, hash);
    memcpy(raw + RAW - 2, hash, 2);
    for (int more = 1; more;) {
        unsigned rest = 0;
        more = 0;
        for (int i = 0; i < RAW; i++) {
            rest = rest << 8 | raw[i];
            raw[i] = (uint8_t)(rest / 58);
            rest %= 58;
            more |= raw[i];
        }
        reversed[n++] = ALPHABET[rest];
    }
    for (int i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    text[n] = 0;
}

int tl_hex_decode(const char *text, uint8_t *bytes, size_t n)
{
    size_t length = 0;
    if (text[0] == '0' && text[1] == 'x')
        text += 2;
    if (strnlen(text, 2 * n + 1) != 2 * n || sodium_hex2bin(bytes, n, text, 2 * n, NULL, &length, NULL) != 0 ||
        length != n)
        return TL_EFORMAT;
    return TL_OK;
}
