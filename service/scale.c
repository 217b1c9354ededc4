// SCALE reader. In: bytes of a stranger; out: numbers, or `failed`.
#include "scale.h"

const uint8_t *tl_scale_bytes(TlScaleReader *r, size_t length)
{
    if (r->failed || (size_t)(r->end - r->at) < length) {
        r->failed = 1;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += length;
    return bytes;
}

uint8_t tl_scale_u8(TlScaleReader *r)
{
    const uint8_t *b = tl_scale_bytes(r, 1);
    return b ? *b : 0;
}

static uint64_t little_endian(TlScaleReader *r, int n)
{
    const uint8_t *b = tl_scale_bytes(r, (size_t)n);
    uint64_t value = 0;
    for (int i = n - 1; b && i >= 0; i--)
        value = value << 8 | b[i];
    return value;
}

uint64_t tl_scale_compact(TlScaleReader *r)
{
    uint8_t first = r->failed || r->at == r->end ? tl_scale_u8(r) : *r->at;
    uint64_t value;
    if (r->failed)
        return 0;
    switch (first & 3) {
    case 0:
        return tl_scale_u8(r) >> 2;
    case 1:
        value = little_endian(r, 2) >> 2;
        r->failed |= value < 64;
        break;
    case 2:
        value = little_endian(r, 4) >> 2;
        r->failed |= value < 1 << 14;
        break;
    default: {
        int n = (tl_scale_u8(r) >> 2) + 4;
        if (n > 8) {
            r->failed = 1;
            return 0;
        }
        value = little_endian(r, n);
        r->failed |= value < (n == 4 ? 1ull << 30 : 1ull << (8 * (n - 1)));
    }
    }
    return r->failed ? 0 : value;
}
