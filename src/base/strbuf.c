// Growing text: strings, integers, fixed-point numbers and JSON strings, independent of the locale.
//
// In: values. Out: NUL-terminated bytes in one buffer that doubles. After a failed growth every append does nothing, so
// a writer checks `failed` once per record.
#include "base/strbuf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

// Makes room for `more` bytes and the terminator; 0, or -1 when out of memory.
static int reserve(TlStrbuf *buf, size_t more)
{
    size_t need;

    if (buf->failed)
        return -1;
    if (__builtin_add_overflow(buf->length, more, &need) || __builtin_add_overflow(need, (size_t)1, &need)) {
        buf->failed = 1;
        return -1;
    }
    if (need <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    char *data = tl_calloc(capacity, 1);
    if (!data) {
        buf->failed = 1;
        return -1;
    }
    if (buf->length)
        memcpy(data, buf->data, buf->length);
    tl_free(&buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

void tl_strbuf_deinit(TlStrbuf *buf)
{
    tl_free(&buf->data);
    *buf = (TlStrbuf){0};
}

void tl_strbuf_clear(TlStrbuf *buf)
{
    buf->length = 0;
    buf->failed = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void tl_strbuf_mem(TlStrbuf *buf, const char *data, size_t length)
{
    if (!length || reserve(buf, length))
        return;
    memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void tl_strbuf_str(TlStrbuf *buf, const char *text)
{
    tl_strbuf_mem(buf, text, strlen(text));
}

void tl_strbuf_char(TlStrbuf *buf, char c)
{
    tl_strbuf_mem(buf, &c, 1);
}

// Digits of value, at least min_digits of them.
static void append_digits(TlStrbuf *buf, uint64_t value, int min_digits)
{
    char digits[24];
    int at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
        min_digits--;
    } while (value || min_digits > 0);
    tl_strbuf_mem(buf, digits + at, sizeof digits - (size_t)at);
}

void tl_strbuf_int(TlStrbuf *buf, int64_t value)
{
    if (value < 0)
        tl_strbuf_char(buf, '-');
    append_digits(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

void tl_strbuf_fixed(TlStrbuf *buf, double value, int decimals)
{
    static const double power[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    const double limit = 9e18; // below 2^63

    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    if (!isfinite(value))
        value = 0;
    while (decimals > 0 && fabs(value) * power[decimals] >= limit)
        decimals--;
    if (fabs(value) >= limit) {
        tl_strbuf_printf(buf, "%.0f", value);
        return;
    }
    uint64_t scaled = (uint64_t)round(fabs(value) * power[decimals]);
    uint64_t unit = (uint64_t)power[decimals];
    uint64_t fraction = scaled % unit;
    if (value < 0 && scaled)
        tl_strbuf_char(buf, '-');
    append_digits(buf, scaled / unit, 1);
    if (!fraction)
        return;
    while (fraction % 10 == 0) {
        fraction /= 10;
        decimals--;
    }
    tl_strbuf_char(buf, '.');
    append_digits(buf, fraction, decimals);
}

int tl_utf8_length(const char *sequence)
{
    const unsigned char *text = (const unsigned char *)sequence;
    unsigned char c = text[0];

    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high)
        return 0;
    int length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    for (int i = 2; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

static void append_json_char(TlStrbuf *buf, unsigned char c)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c ? strchr(names, c) : NULL;

    if (at) {
        tl_strbuf_char(buf, '\\');
        tl_strbuf_char(buf, letters[at - names]);
    } else if (c < 0x20 || c == 0x7f) {
        tl_strbuf_printf(buf, "\\u%04x", (unsigned)c);
    } else {
        tl_strbuf_char(buf, (char)c);
    }
}

void tl_strbuf_json(TlStrbuf *buf, const char *text)
{
    const unsigned char *at = (const unsigned char *)(text ? text : "");

    tl_strbuf_char(buf, '"');
    while (*at) {
        int length = tl_utf8_length((const char *)at);
        if (length == 1)
            append_json_char(buf, *at);
        else if (length == 2 && at[0] == 0xC2 && at[1] < 0xA0) // a control character, too (C1)
            tl_strbuf_printf(buf, "\\u%04x", (unsigned)at[1]);
        else if (length)
            tl_strbuf_mem(buf, (const char *)at, (size_t)length);
        else
            tl_strbuf_str(buf, "\xEF\xBF\xBD");
        at += length ? length : 1;
    }
    tl_strbuf_char(buf, '"');
}

void tl_strbuf_printf(TlStrbuf *buf, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    if (length < 0) {
        buf->failed = 1;
    } else if (!reserve(buf, (size_t)length)) {
        vsnprintf(buf->data + buf->length, (size_t)length + 1, fmt, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
}
