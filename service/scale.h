// SCALE, the chain's binary encoding: a reader that cannot run past its end. Source: Substrate's codec description.
#ifndef TL_SERVICE_SCALE_H
#define TL_SERVICE_SCALE_H

#include <stddef.h>
#include <stdint.h>

// After a failed read `failed` stays 1 and every further read gives 0. Plain data.
typedef struct TlScaleReader {
    const uint8_t *at, *end;
    int failed;
} TlScaleReader;

uint8_t tl_scale_u8(TlScaleReader *reader);
uint64_t tl_scale_compact(TlScaleReader *reader);                    ///< Compact<u8..u64>, canonical forms only
const uint8_t *tl_scale_bytes(TlScaleReader *reader, size_t length); ///< NULL when they are not there

#endif
