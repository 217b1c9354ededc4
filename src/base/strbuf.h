// Growing text buffer with the number formats of our result files: shortest, locale-free, no NaN.
#ifndef TL_BASE_STRBUF_H
#define TL_BASE_STRBUF_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

// Legal as {0}. After a failed growth `failed` stays 1 and all further appends do nothing.
typedef struct TlStrbuf {
    char *data; ///< NUL-terminated when length > 0
    size_t length, capacity;
    int failed;
} TlStrbuf;

void tl_strbuf_deinit(TlStrbuf *buf);
void tl_strbuf_clear(TlStrbuf *buf); // keeps the memory
void tl_strbuf_mem(TlStrbuf *buf, const char *data, size_t length);
void tl_strbuf_str(TlStrbuf *buf, const char *text);
void tl_strbuf_char(TlStrbuf *buf, char c);
void tl_strbuf_int(TlStrbuf *buf, int64_t value);
// Fixed-point with at most `decimals` (0..9) digits behind the point, trailing zeros dropped ("0.5", "3", "-0.25");
// NaN and infinities become 0. Rounds half away from zero.
void tl_strbuf_fixed(TlStrbuf *buf, double value, int decimals);
// Bytes of the valid UTF-8 sequence that begins here (Unicode 15, table 3-7), or 0.
int tl_utf8_length(const char *text);
void tl_strbuf_json(TlStrbuf *buf, const char *text); // quoted and escaped JSON string; invalid UTF-8 becomes U+FFFD
void tl_strbuf_printf(TlStrbuf *buf, const char *fmt, ...) TL_PRINTF(2, 3);

#endif
