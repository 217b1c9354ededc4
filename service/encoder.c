// Streaming compression of the answer. Level 1 everywhere: the body is about 1.5 MB of digits, a higher level costs
// more time than the bytes it saves (figures in docs/performance.md).
#include "encoder.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

enum { CHUNK = 1 << 16, GZIP_WINDOW = 15 + 16 };

struct TlBodyEncoder {
    int encoding;
    z_stream gzip;
    ZSTD_CStream *zstd;
    TlStrbuf out;
    unsigned char chunk[CHUNK];
};

// 1 when the header names the coding and does not switch it off with q=0.
static int accepts(const char *header, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = header; at && *at; at += strcspn(at, ","), at += *at == ',') {
        at += strspn(at, " \t");
        if (strncasecmp(at, name, n) != 0 || !strchr(" \t;,", at[n]))
            continue;
        const char *q = strstr(at, "q="), *end = at + strcspn(at, ",");
        return !q || q > end || strtod(q + 2, NULL) > 0;
    }
    return 0;
}

int tl_encoding_choose(const char *accept_encoding)
{
    if (accepts(accept_encoding, "zstd"))
        return TL_ENCODING_ZSTD;
    return accepts(accept_encoding, "gzip") ? TL_ENCODING_GZIP : TL_ENCODING_PLAIN;
}

const char *tl_encoding_name(int encoding)
{
    return encoding == TL_ENCODING_ZSTD ? "zstd" : encoding == TL_ENCODING_GZIP ? "gzip" : NULL;
}

TlBodyEncoder *tl_body_encoder_create(int encoding)
{
    TlBodyEncoder *e = tl_calloc(1, sizeof *e);
    if (!e)
        return NULL;
    int ok = 1;
    if (encoding == TL_ENCODING_GZIP) {
        ok = deflateInit2(&e->gzip, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    } else if (encoding == TL_ENCODING_ZSTD) {
        e->zstd = ZSTD_createCStream();
        ok = e->zstd && !ZSTD_isError(ZSTD_initCStream(e->zstd, 1));
    }
    e->encoding = ok ? encoding : TL_ENCODING_PLAIN;
    if (!ok)
        tl_body_encoder_destroy(&e);
    return e;
}

static int run_gzip(TlBodyEncoder *e, const char *text, size_t length, int flush)
{
    e->gzip.next_in = (unsigned char *)(uintptr_t)text;
    e->gzip.avail_in = (unsigned)length;
    do {
        e->gzip.next_out = e->chunk;
        e->gzip.avail_out = CHUNK;
        if (deflate(&e->gzip, flush) == Z_STREAM_ERROR)
            return TL_EINTERNAL;
        tl_strbuf_mem(&e->out, (const char *)e->chunk, CHUNK - e->gzip.avail_out);
    } while (e->gzip.avail_out == 0);
    return TL_OK;
}

static int run_zstd(TlBodyEncoder *e, const char *text, size_t length, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {text, length, 0};
    size_t rest;
    do {
        ZSTD_outBuffer out = {e->chunk, CHUNK, 0};
        rest = ZSTD_compressStream2(e->zstd, &out, &in, end);
        if (ZSTD_isError(rest))
            return TL_EINTERNAL;
        tl_strbuf_mem(&e->out, (const char *)e->chunk, out.pos);
    } while (in.pos < in.size || (end == ZSTD_e_end && rest > 0));
    return TL_OK;
}

int tl_body_encoder_write(TlBodyEncoder *e, const char *text, size_t length)
{
    int ret = TL_OK;
    if (e->encoding == TL_ENCODING_GZIP)
        ret = run_gzip(e, text, length, Z_NO_FLUSH);
    else if (e->encoding == TL_ENCODING_ZSTD)
        ret = run_zstd(e, text, length, ZSTD_e_continue);
    else
        tl_strbuf_mem(&e->out, text, length);
    return e->out.failed ? TL_ENOMEM : ret;
}

int tl_body_encoder_finish(TlBodyEncoder **encoder, TlStrbuf *out)
{
    TlBodyEncoder *e = *encoder;
    int ret = TL_OK;
    if (e->encoding == TL_ENCODING_GZIP)
        ret = run_gzip(e, "", 0, Z_FINISH);
    else if (e->encoding == TL_ENCODING_ZSTD)
        ret = run_zstd(e, "", 0, ZSTD_e_end);
    if (ret == TL_OK && e->out.failed)
        ret = TL_ENOMEM;
    if (ret == TL_OK) {
        *out = e->out;
        e->out = (TlStrbuf){0};
    }
    tl_body_encoder_destroy(encoder);
    return ret;
}

void tl_body_encoder_destroy(TlBodyEncoder **encoder)
{
    TlBodyEncoder *e = *encoder;
    if (!e)
        return;
    if (e->encoding == TL_ENCODING_GZIP)
        deflateEnd(&e->gzip);
    ZSTD_freeCStream(e->zstd);
    tl_strbuf_deinit(&e->out);
    tl_free(encoder);
}
