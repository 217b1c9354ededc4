// Content-Encoding of an answer: gzip, deflate (zlib's form) and zstd, bounded.
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "challenge.h"

enum { OUT_MAX = 256 << 20, CHUNK = 65536 };

static int bad(TlDiag *diag)
{
    return tl_fail(diag, TL_EFORMAT, "the miner's answer does not unpack");
}

static int too_large(TlDiag *diag)
{
    return tl_fail(diag, TL_ELIMIT, "the miner's answer unpacks to more than %d MiB", OUT_MAX >> 20);
}

static int unpack_zlib(const char *data, size_t length, TlStrbuf *out, TlDiag *diag)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)length};
    char chunk[CHUNK];
    int state = Z_OK, ret = TL_OK;
    if (inflateInit2(&z, 15 + 32) != Z_OK) // gzip or zlib, told by the first bytes
        return tl_fail(diag, TL_ENOMEM, "out of memory for the answer");
    while (state == Z_OK && ret == TL_OK) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = sizeof chunk;
        state = inflate(&z, Z_NO_FLUSH);
        tl_strbuf_mem(out, chunk, sizeof chunk - z.avail_out);
        if (out->length > OUT_MAX)
            ret = too_large(diag);
    }
    inflateEnd(&z);
    return ret < 0 ? ret : state == Z_STREAM_END ? TL_OK : bad(diag);
}

static int unpack_zstd(const char *data, size_t length, TlStrbuf *out, TlDiag *diag)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {data, length, 0};
    char chunk[CHUNK];
    size_t left = 1;
    int ret = stream ? TL_OK : tl_fail(diag, TL_ENOMEM, "out of memory for the answer");
    while (ret == TL_OK && left > 0) {
        ZSTD_outBuffer o = {chunk, sizeof chunk, 0};
        size_t before = in.pos;
        left = ZSTD_decompressStream(stream, &o, &in);
        tl_strbuf_mem(out, chunk, o.pos);
        if (ZSTD_isError(left) || (left > 0 && o.pos == 0 && in.pos == before))
            ret = bad(diag);
        else if (out->length > OUT_MAX)
            ret = too_large(diag);
    }
    ZSTD_freeDStream(stream);
    return ret;
}

int tl_challenge_unpack(const char *encoding, const char *data, size_t length, TlStrbuf *out, TlDiag *diag)
{
    int ret;
    if (!encoding[0] || strcasecmp(encoding, "identity") == 0) {
        tl_strbuf_mem(out, data, length);
        ret = TL_OK;
    } else if (strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "deflate") == 0) {
        ret = unpack_zlib(data, length, out, diag);
    } else if (strcasecmp(encoding, "zstd") == 0) {
        ret = unpack_zstd(data, length, out, diag);
    } else {
        ret = tl_fail(diag, TL_EFORMAT, "the miner's answer has an encoding nobody asked for: %s", encoding);
    }
    if (ret == TL_OK && out->failed)
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the answer");
    return ret;
}
