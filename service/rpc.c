// JSON-RPC transport. In: address, method, parameters; out: the reply's text.
//
// libcurl brings TCP, TLS and HTTP; the WebSocket frames are made here on a connection that curl leaves open
// (CURLOPT_CONNECT_ONLY), because Debian's libcurl is built without its own WebSocket support.
#include "rpc.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "trust.h"

enum { REPLY_MAX = 16 << 20, HEAD_MAX = 8192, PATH_SIZE = 1024 };
enum {
    OP_CONTINUE = 0,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    FIN = 0x80,
    MASKED = 0x80
};
static const char WEBSOCKET_GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, section 1.3

enum { SLICE_US = 100000 }; // how long a wait goes on before the cancel flag is looked at

typedef struct Socket {
    CURL *easy;
    curl_socket_t fd;
    int64_t deadline_us;
    const atomic_int *cancel;
} Socket;

static void make_text(TlStrbuf *text, const TlRpcCall *call)
{
    tl_strbuf_printf(text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", call->method,
                     call->params);
}

static int cancelled(const atomic_int *cancel)
{
    return cancel && atomic_load(cancel);
}

// libcurl asks several times a second whether to go on.
static int on_progress(void *opaque, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const TlRpcCall *call = opaque;
    (void)a, (void)b, (void)c, (void)d;
    return cancelled(call->cancel);
}

// why: curl's own words, may be empty.
static int network_error(CURLcode result, const char *url, const char *why, TlDiag *diag)
{
    int code = result == CURLE_OPERATION_TIMEDOUT    ? TL_ETIMEOUT
               : result == CURLE_ABORTED_BY_CALLBACK ? TL_EINTERRUPTED
                                                     : TL_ENET;
    return tl_fail(diag, code, "the chain at %s: %.160s", url, why[0] ? why : curl_easy_strerror(result));
}

// --- HTTP

static size_t take_reply(char *data, size_t size, size_t count, void *opaque)
{
    TlStrbuf *reply = opaque;
    if (reply->length + size * count > REPLY_MAX)
        return 0;
    tl_strbuf_mem(reply, data, size * count);
    return reply->failed ? 0 : size * count;
}

static int call_http(CURL *easy, const TlRpcCall *call, const TlStrbuf *text, TlStrbuf *reply, TlDiag *diag)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    const char *url = call->url;
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text->data);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)text->length);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    if (result == CURLE_WRITE_ERROR)
        return tl_fail(diag, TL_ELIMIT, "the chain's reply is larger than %d bytes", REPLY_MAX);
    if (result != CURLE_OK)
        return network_error(result, url, why, diag);
    return status == 200 ? TL_OK : tl_fail(diag, TL_ENET, "the chain at %s answered %ld", url, status);
}

// --- WebSocket

static int wait_socket(const Socket *s, short events, TlDiag *diag)
{
    struct pollfd pfd = {.fd = s->fd, .events = events};
    for (;;) {
        int64_t left_us = s->deadline_us - tl_now_us();
        if (left_us <= 0)
            return tl_fail(diag, TL_ETIMEOUT, "the chain did not answer in time");
        if (cancelled(s->cancel))
            return tl_fail(diag, TL_EINTERRUPTED, "interrupted");
        if (poll(&pfd, 1, (int)((left_us < SLICE_US ? left_us : SLICE_US) / 1000) + 1) > 0)
            return TL_OK;
    }
}

static int send_all(const Socket *s, const void *data, size_t length, TlDiag *diag)
{
    const char *at = data;
    while (length > 0) {
        size_t n = 0;
        CURLcode result = curl_easy_send(s->easy, at, length, &n);
        if (result == CURLE_AGAIN) {
            int ret = wait_socket(s, POLLOUT, diag);
            if (ret < 0)
                return ret;
        } else if (result != CURLE_OK) {
            return tl_fail(diag, TL_ENET, "the chain closed the connection");
        }
        at += n;
        length -= n;
    }
    return TL_OK;
}

static int receive_all(const Socket *s, void *data, size_t length, TlDiag *diag)
{
    char *at = data;
    while (length > 0) {
        size_t n = 0;
        CURLcode result = curl_easy_recv(s->easy, at, length, &n);
        if (result == CURLE_AGAIN) {
            int ret = wait_socket(s, POLLIN, diag);
            if (ret < 0)
                return ret;
        } else if (result != CURLE_OK || n == 0) {
            return tl_fail(diag, TL_ENET, "the chain closed the connection");
        }
        at += n;
        length -= n;
    }
    return TL_OK;
}

// The answer that proves the server understood: base64(SHA-1(key + GUID)).
static void accept_key(const char *key, char out[64])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char text[128];
    int n = snprintf(text, sizeof text, "%s%s", key, WEBSOCKET_GUID);
    EVP_Digest(text, (size_t)n, digest, &size, EVP_sha1(), NULL);
    sodium_bin2base64(out, 64, digest, size, sodium_base64_VARIANT_ORIGINAL);
}

static int header_has(const char *head, const char *name, const char *value)
{
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        size_t n = strlen(name);
        if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
            continue;
        const char *at = line + 3 + n + strspn(line + 3 + n, " \t");
        return strncmp(at, value, strlen(value)) == 0 && strchr(" \t\r", at[strlen(value)]);
    }
    return 0;
}

static int handshake(const Socket *s, const char *host, const char *path, TlDiag *diag)
{
    unsigned char random[16];
    char key[32], expected[64], head[HEAD_MAX + 1];
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(key, sizeof key, random, sizeof random, sodium_base64_VARIANT_ORIGINAL);
    accept_key(key, expected);
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                     path, host, key);
    int ret = send_all(s, head, (size_t)n, diag);
    size_t used = 0;
    head[0] = 0;
    while (ret == TL_OK && (used < 4 || memcmp(head + used - 4, "\r\n\r\n", 4) != 0)) {
        if (used == HEAD_MAX)
            return tl_fail(diag, TL_EFORMAT, "the chain's address answers no WebSocket");
        ret = receive_all(s, head + used, 1, diag); // byte by byte: what follows the head belongs to the frames
        head[++used] = 0;
    }
    if (ret < 0)
        return ret;
    if (strncmp(head, "HTTP/1.1 101", 12) != 0 || !header_has(head, "sec-websocket-accept", expected))
        return tl_fail(diag, TL_EFORMAT, "the chain's address answers no WebSocket");
    return TL_OK;
}

static int send_frame(const Socket *s, int opcode, const char *data, size_t length, TlDiag *diag)
{
    unsigned char mask[4], chunk[1024], head[14] = {(unsigned char)(FIN | opcode)};
    size_t n = 2;
    randombytes_buf(mask, sizeof mask);
    if (length < 126) {
        head[1] = (unsigned char)(MASKED | length);
    } else {
        head[1] = MASKED | 127;
        for (int i = 0; i < 8; i++)
            head[n++] = (unsigned char)((uint64_t)length >> (56 - 8 * i));
    }
    memcpy(head + n, mask, 4);
    int ret = send_all(s, head, n + 4, diag);
    for (size_t done = 0; done < length && ret == TL_OK;) {
        size_t take = length - done < sizeof chunk ? length - done : sizeof chunk;
        for (size_t i = 0; i < take; i++)
            chunk[i] = (unsigned char)(data[done + i] ^ mask[(done + i) & 3]);
        ret = send_all(s, chunk, take, diag);
        done += take;
    }
    return ret;
}

// Head of the next frame. TL_EFORMAT for anything a server may not send.
static int receive_head(const Socket *s, int *opcode, int *fin, uint64_t *length, TlDiag *diag)
{
    unsigned char head[2], more[8];
    int ret = receive_all(s, head, 2, diag);
    if (ret < 0)
        return ret;
    *fin = head[0] & FIN;
    *opcode = head[0] & 15;
    *length = head[1] & 127;
    if ((head[0] & 0x70) || (head[1] & MASKED))
        return tl_fail(diag, TL_EFORMAT, "the chain sent a broken WebSocket frame");
    int bytes = *length == 126 ? 2 : *length == 127 ? 8 : 0;
    if (bytes && (ret = receive_all(s, more, (size_t)bytes, diag)) < 0)
        return ret;
    if (bytes)
        *length = 0;
    for (int i = 0; i < bytes; i++)
        *length = *length << 8 | more[i];
    if (*opcode >= OP_CLOSE && (*length > 125 || !*fin))
        return tl_fail(diag, TL_EFORMAT, "the chain sent a broken WebSocket frame");
    return TL_OK;
}

static int receive_payload(const Socket *s, uint64_t length, TlStrbuf *out, TlDiag *diag)
{
    char chunk[16384];
    if (length > REPLY_MAX || out->length + length > REPLY_MAX)
        return tl_fail(diag, TL_ELIMIT, "the chain's reply is larger than %d bytes", REPLY_MAX);
    while (length > 0) {
        size_t take = length < sizeof chunk ? (size_t)length : sizeof chunk;
        int ret = receive_all(s, chunk, take, diag);
        if (ret < 0)
            return ret;
        tl_strbuf_mem(out, chunk, take);
        length -= take;
    }
    return out->failed ? tl_fail(diag, TL_ENOMEM, "out of memory for the chain's reply") : TL_OK;
}

// One whole message; pings in between are answered.
static int receive_message(const Socket *s, TlStrbuf *reply, TlDiag *diag)
{
    for (int parts = 0;;) {
        int opcode, fin;
        uint64_t length;
        int ret = receive_head(s, &opcode, &fin, &length, diag);
        if (ret < 0)
            return ret;
        if (tl_now_us() > s->deadline_us) // a flood of pings never blocks
            return tl_fail(diag, TL_ETIMEOUT, "the chain did not answer in time");
        if (opcode >= OP_CLOSE) {
            TlStrbuf control = {0};
            ret = receive_payload(s, length, &control, diag);
            if (ret == TL_OK && opcode == OP_PING)
                ret = send_frame(s, OP_PONG, control.data, control.length, diag);
            tl_strbuf_deinit(&control);
            if (ret == TL_OK && opcode == OP_CLOSE)
                ret = tl_fail(diag, TL_ENET, "the chain closed the connection");
            if (ret < 0)
                return ret;
            continue;
        }
        if (parts++ ? opcode != OP_CONTINUE : opcode != OP_TEXT && opcode != OP_BINARY)
            return tl_fail(diag, TL_EFORMAT, "the chain sent a broken WebSocket frame");
        if ((ret = receive_payload(s, length, reply, diag)) < 0 || fin)
            return ret;
    }
}

// ws[s]://host[:port]/path as http[s] for curl, with host and path apart.
static int split_url(const char *url, char *http, size_t size, char *host, char *path)
{
    const char *rest = strstr(url, "://");
    int secure = strncasecmp(url, "wss:", 4) == 0;
    if (!rest || strpbrk(url, "\r\n "))
        return -1;
    rest += 3;
    size_t n = strcspn(rest, "/");
    if (n == 0 || n >= 256 || strlen(rest + n) >= PATH_SIZE - 1)
        return -1;
    snprintf(host, 256, "%.*s", (int)n, rest);
    snprintf(path, PATH_SIZE, "%s", rest[n] ? rest + n : "/");
    return snprintf(http, size, "%s://%s/", secure ? "https" : "http", host) < (int)size ? 0 : -1;
}

static int call_websocket(CURL *easy, const TlRpcCall *call, const TlStrbuf *text, TlStrbuf *reply, TlDiag *diag)
{
    const char *url = call->url;
    char http[512], host[256], path[PATH_SIZE], why[CURL_ERROR_SIZE] = "";
    Socket s = {.easy = easy, .deadline_us = tl_now_us() + (int64_t)(call->timeout_s * 1e6), .cancel = call->cancel};
    if (split_url(url, http, sizeof http, host, path) < 0)
        return tl_fail(diag, TL_EUSAGE, "'%s' is no address of a chain", url);
    curl_easy_setopt(easy, CURLOPT_URL, http);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    if (result == CURLE_OK)
        result = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &s.fd);
    if (result != CURLE_OK)
        return network_error(result, url, why, diag);
    int ret = handshake(&s, host, path, diag);
    if (ret == TL_OK)
        ret = send_frame(&s, OP_TEXT, text->data, text->length, diag);
    if (ret == TL_OK)
        ret = receive_message(&s, reply, diag);
    if (ret == TL_OK)
        (void)!send_frame(&s, OP_CLOSE, "", 0, NULL);
    return ret;
}

int tl_rpc_call(const TlRpcCall *call, TlStrbuf *reply, TlDiag *diag)
{
    TlStrbuf text = {0};
    int ret, websocket = strncasecmp(call->url, "ws://", 5) == 0 || strncasecmp(call->url, "wss://", 6) == 0;
    CURL *easy = curl_easy_init();
    make_text(&text, call);
    if (!easy || text.failed) {
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for a call to the chain");
    } else {
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        tl_trust(easy);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(call->timeout_s * 1000));
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, (void *)(uintptr_t)call);
        ret = websocket ? call_websocket(easy, call, &text, reply, diag) : call_http(easy, call, &text, reply, diag);
    }
    curl_easy_cleanup(easy);
    tl_strbuf_deinit(&text);
    return ret;
}
