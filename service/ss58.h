// SS58 addresses of Substrate (prefix 42): base58 of prefix, 32-byte key, 2-byte BLAKE2b checksum.
// Thread-safety: safe.
#ifndef TL_SERVICE_SS58_H
#define TL_SERVICE_SS58_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

enum { TL_SS58_SIZE = 64 }; // text of an address with its NUL: 48 or 49 characters for prefix 42

// TL_EFORMAT unless text is a valid address of prefix 42 with a good checksum.
TL_NODISCARD int tl_ss58_decode(const char *text, uint8_t key[32]);
void tl_ss58_encode(const uint8_t key[32], char text[TL_SS58_SIZE]);

// Lower-case or upper-case hex, an optional 0x before it. TL_EFORMAT unless exactly n bytes.
TL_NODISCARD int tl_hex_decode(const char *text, uint8_t *bytes, size_t n);

#endif
