// Sending a challenge over a plain socket. In: a miner's address and a video's; out: the answer and how long it took.
#include "challenge.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "request.h"
#include "ss58.h"

enum { HEAD_MAX = 16384, BODY_MAX = 256 << 20, SLICE_MS = 100 };

typedef struct Peer {
    const TlChallengeParams *params;
    TlChallengeReply *reply;
    TlDiag *diag;
    char host[256], port[8], authority[300];
    int fd;
    int64_t start_us;
    char head[HEAD_MAX + 1]; ///< of the answer
    size_t have;             ///< bytes in spare
    char spare[HEAD_MAX];    ///< of the body, read with the head
} Peer;

static double timeout_of(const Peer *p)
{
    return p->params->timeout_s > 0 ? p->params->timeout_s : 240;
}

static double since_start(const Peer *p)
{
    return tl_us_to_s(tl_now_us() - p->start_us);
}

// --- the request

// \u00E4 -> \u00e4, as Python writes it.
static void lower_escapes(char *text)
{
    for (char *at = strchr(text, '\\'); at && at[1]; at = strchr(at + 2, '\\'))
        for (int i = 2; at[1] == 'u' && i < 6 && at[i]; i++)
            at[i] = (char)tolower((unsigned char)at[i]);
}

int tl_challenge_body(const char *challenge_id, const char *video_url, int64_t created_us, TlStrbuf *body)
{
    char stamp[64];
    time_t seconds = (time_t)(created_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    if (created_us % 1000000)
        n += (size_t)snprintf(stamp + n, sizeof stamp - n, ".%06d", (int)(created_us % 1000000));
    snprintf(stamp + n, sizeof stamp - n, "+00:00");
    json_t *root = json_pack("{s:s, s:s, s:s, s:s}", "challenge_id", challenge_id, "type", "gsr", "video_url",
                             video_url, "created_at", stamp);
    char *text = root ? json_dumps(root, JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER) : NULL;
    if (text) {
        lower_escapes(text);
        tl_strbuf_str(body, text);
    }
    json_decref(root);
    free(text);
    return !text || body->failed ? TL_EFORMAT : TL_OK;
}

static int split_address(Peer *p)
{
    const char *to = p->params->to;
    if (strncasecmp(to, "http://", 7) != 0)
        return tl_fail(p->diag, TL_EUSAGE, "'%s' is no miner's address: http://HOST:PORT", to);
    to += 7;
    const char *host = to, *end = to + strcspn(to, "/?#"), *colon = NULL;
    size_t length;
    if (*host == '[') {
        host++;
        length = strcspn(host, "]");
        colon = host + length + (host[length] == ']');
    } else {
        length = strcspn(host, ":/?#");
        colon = host + length;
    }
    size_t digits = *colon == ':' ? strspn(colon + 1, "0123456789") : 0;
    const char *behind = *colon == ':' ? colon + 1 + digits : colon;
    if (length == 0 || length >= sizeof p->host || digits > 5 || behind != end || (*colon == ':' && !digits))
        return tl_fail(p->diag, TL_EUSAGE, "'%s' is no miner's address: http://HOST:PORT", p->params->to);
    snprintf(p->host, sizeof p->host, "%.*s", (int)length, host);
    snprintf(p->port, sizeof p->port, "%.*s", digits ? (int)digits : 2, digits ? colon + 1 : "80");
    snprintf(p->authority, sizeof p->authority, "%.*s", (int)(end - to), to);
    return TL_OK;
}

static int wait_for(const Peer *p, short events)
{
    struct pollfd pfd = {.fd = p->fd, .events = events};
    int64_t deadline_us = tl_now_us() + (int64_t)(timeout_of(p) * 1e6);
    for (;;) {
        if (p->params->cancel && atomic_load(p->params->cancel))
            return tl_fail(p->diag, TL_EINTERRUPTED, "interrupted");
        int n = poll(&pfd, 1, SLICE_MS);
        if (n > 0)
            return TL_OK;
        if (n < 0 && errno != EINTR)
            return tl_fail(p->diag, TL_ENET, "waiting for the miner failed: %s", strerror(errno));
        if (tl_now_us() > deadline_us)
            return tl_fail(p->diag, TL_ETIMEOUT, "the miner said nothing for %.0f s", timeout_of(p));
    }
}

static int try_connect(Peer *p, const struct addrinfo *a)
{
    int one = 1, error = 0;
    socklen_t size = sizeof error;
    p->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->fd < 0)
        return tl_fail(p->diag, TL_ENET, "no socket: %s", strerror(errno));
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(p->fd, a->ai_addr, a->ai_addrlen) < 0) {
        if (errno != EINPROGRESS)
            return tl_fail(p->diag, TL_ENET, "cannot connect to %s: %s", p->authority, strerror(errno));
        int ret = wait_for(p, POLLOUT);
        if (ret < 0)
            return ret;
        getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            return tl_fail(p->diag, TL_ENET, "cannot connect to %s: %s", p->authority, strerror(error));
    }
    return TL_OK;
}

static int connect_miner(Peer *p)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int why = getaddrinfo(p->host, p->port, &hints, &list), ret = TL_ENET;
    if (why != 0)
        return tl_fail(p->diag, TL_ENOENT, "the miner's host '%s' does not resolve: %s", p->host, gai_strerror(why));
    TlDiag *diag = p->diag, last = {0};
    p->diag = &last;
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        tl_diag_clear(&last);
        if ((ret = try_connect(p, a)) == TL_OK || ret == TL_EINTERRUPTED)
            break;
        if (p->fd >= 0)
            close(p->fd);
        p->fd = -1;
    }
    p->diag = diag;
    freeaddrinfo(list);
    return ret < 0 ? tl_fail(diag, ret, "%s", last.text) : TL_OK;
}

static int send_all(const Peer *p, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = send(p->fd, data, length, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            int ret = wait_for(p, POLLOUT);
            if (ret < 0)
                return ret;
            continue;
        }
        if (n < 0)
            return tl_fail(p->diag, TL_ENET, "the miner closed the connection: %s", strerror(errno));
        data += n;
        length -= (size_t)n;
    }
    return TL_OK;
}

static int send_request(Peer *p)
{
    const TlChallengeParams *c = p->params;
    struct timespec now;
    char nonce[64], signature[2 + 128 + 1], validator[TL_SS58_SIZE];
    TlStrbuf head = {0}, body = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    int ret = tl_challenge_body(c->challenge_id, c->video_url, now_ns / 1000, &body);
    if (ret < 0) {
        tl_strbuf_deinit(&body);
        return tl_fail(p->diag, TL_EUSAGE, "the video's address is not text");
    }
    tl_request_sign(c->key, c->miner_hotkey, body.data, body.length, now_ns, nonce, signature);
    tl_ss58_encode(c->key->public_key, validator);
    tl_strbuf_printf(&head,
                     "POST /soccer/challenge HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n"
                     "Accept-Encoding: gzip, deflate, zstd\r\nConnection: keep-alive\r\n"
                     "User-Agent: python-httpx/0.27.2\r\nContent-Type: application/json\r\nvalidator-hotkey: %s\r\n"
                     "miner-hotkey: %s\r\nnonce: %s\r\nsignature: %s\r\nContent-Length: %zu\r\n\r\n",
                     p->authority, validator, c->miner_hotkey, nonce, signature, body.length);
    ret = head.failed ? tl_fail(p->diag, TL_ENOMEM, "out of memory for the challenge") : connect_miner(p);
    p->reply->connect_s = since_start(p);
    if (ret == TL_OK)
        ret = send_all(p, head.data, head.length);
    if (ret == TL_OK)
        ret = send_all(p, body.data, body.length);
    tl_strbuf_deinit(&head);
    tl_strbuf_deinit(&body);
    return ret;
}

// --- the answer

// Some bytes: their number, 0 at the end, or a code.
static long receive(Peer *p, char *data, size_t size)
{
    for (;;) {
        ssize_t n = recv(p->fd, data, size, 0);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EINTR)
            return tl_fail(p->diag, TL_ENET, "the miner closed the connection: %s", strerror(errno));
        int ret = wait_for(p, POLLIN);
        if (ret < 0)
            return ret;
    }
}

static int receive_head(Peer *p)
{
    size_t n = 0;
    char *end = NULL;
    while (!(end = memmem(p->head, n, "\r\n\r\n", 4))) {
        if (n == HEAD_MAX)
            return tl_fail(p->diag, TL_EFORMAT, "the miner's answer has no end of its head");
        long got = receive(p, p->head + n, HEAD_MAX - n);
        if (got < 0)
            return (int)got;
        if (got == 0)
            return tl_fail(p->diag, TL_ENET, "the miner closed the connection without an answer");
        if (n == 0)
            p->reply->first_byte_s = since_start(p);
        n += (size_t)got;
    }
    p->have = n - (size_t)(end + 4 - p->head);
    memcpy(p->spare, end + 4, p->have);
    end[2] = 0; // keeps the last line's end
    if (strncmp(p->head, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)p->head[9]))
        return tl_fail(p->diag, TL_EFORMAT, "what answers at %s speaks no HTTP", p->authority);
    p->reply->status = (int)strtol(p->head + 9, NULL, 10);
    return TL_OK;
}

// Value of a header, cut at its line's end, or "".
static void header(const Peer *p, const char *name, char *value, size_t size)
{
    value[0] = 0;
    for (const char *line = strstr(p->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        size_t n = strlen(name);
        if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
            continue;
        const char *at = line + 3 + n + strspn(line + 3 + n, " \t");
        snprintf(value, size, "%.*s", (int)strcspn(at, "\r"), at);
        return;
    }
}

// Bytes of the body: what came with the head first.
static long next_bytes(Peer *p, char *data, size_t size)
{
    if (p->have == 0)
        return receive(p, data, size);
    size_t n = p->have < size ? p->have : size;
    memcpy(data, p->spare, n);
    memmove(p->spare, p->spare + n, p->have - n);
    p->have -= n;
    return (long)n;
}

// Exactly n bytes, or as many as come when n is negative.
static int receive_bytes(Peer *p, int64_t n, TlStrbuf *out)
{
    char chunk[65536];
    while (n != 0) {
        size_t want = n > 0 && n < (int64_t)sizeof chunk ? (size_t)n : sizeof chunk;
        long got = next_bytes(p, chunk, want);
        if (got < 0)
            return (int)got;
        if (got == 0)
            return n < 0 ? TL_OK : tl_fail(p->diag, TL_ENET, "the miner's answer broke off");
        if (out->length + (size_t)got > BODY_MAX)
            return tl_fail(p->diag, TL_ELIMIT, "the miner's answer is larger than %d MiB", BODY_MAX >> 20);
        tl_strbuf_mem(out, chunk, (size_t)got);
        if (n > 0)
            n -= got;
    }
    return out->failed ? tl_fail(p->diag, TL_ENOMEM, "out of memory for the answer") : TL_OK;
}

static int receive_line(Peer *p, char *line, size_t size)
{
    for (size_t n = 0; n + 1 < size; n++) {
        long got = next_bytes(p, line + n, 1);
        if (got <= 0)
            return got < 0 ? (int)got : tl_fail(p->diag, TL_ENET, "the miner's answer broke off");
        line[n + 1] = 0;
        if (line[n] == '\n')
            return TL_OK;
    }
    return tl_fail(p->diag, TL_EFORMAT, "the miner's answer has a broken chunk");
}

static int receive_chunks(Peer *p, TlStrbuf *out)
{
    char line[256], *end;
    for (;;) {
        int ret = receive_line(p, line, sizeof line);
        if (ret < 0)
            return ret;
        long n = strtol(line, &end, 16);
        if (end == line || n < 0 || n > BODY_MAX)
            return tl_fail(p->diag, TL_EFORMAT, "the miner's answer has a broken chunk");
        if (n == 0)
            return receive_line(p, line, sizeof line); // trailers are not expected
        if ((ret = receive_bytes(p, n, out)) < 0 || (ret = receive_line(p, line, sizeof line)) < 0)
            return ret;
    }
}

static int receive_answer(Peer *p)
{
    char length[32], coding[32];
    TlStrbuf raw = {0};
    int ret = receive_head(p);
    if (ret < 0)
        return ret;
    header(p, "content-length", length, sizeof length);
    header(p, "transfer-encoding", coding, sizeof coding);
    header(p, "content-encoding", p->reply->encoding, sizeof p->reply->encoding);
    if (strcasecmp(coding, "chunked") == 0)
        ret = receive_chunks(p, &raw);
    else if (!length[0])
        ret = receive_bytes(p, -1, &raw);
    else if (strspn(length, "0123456789") != strlen(length) || strlen(length) > 12)
        ret = tl_fail(p->diag, TL_EFORMAT, "the miner's answer has no sensible length");
    else
        ret = receive_bytes(p, strtoll(length, NULL, 10), &raw);
    p->reply->wire_bytes = raw.length;
    if (ret == TL_OK)
        ret = tl_challenge_unpack(p->reply->encoding, raw.data ? raw.data : "", raw.length, &p->reply->body, p->diag);
    tl_strbuf_deinit(&raw);
    return ret;
}

int tl_challenge_send(const TlChallengeParams *params, TlChallengeReply *reply, TlDiag *diag)
{
    Peer p = {.params = params, .reply = reply, .diag = diag, .fd = -1, .start_us = tl_now_us()};
    uint8_t key[32];
    tl_challenge_reply_deinit(reply);
    if (tl_ss58_decode(params->miner_hotkey, key) < 0)
        return tl_fail(diag, TL_EUSAGE, "'%s' is no hotkey address", params->miner_hotkey);
    int ret = split_address(&p);
    if (ret == TL_OK)
        ret = send_request(&p);
    if (ret == TL_OK)
        ret = receive_answer(&p);
    reply->total_s = since_start(&p);
    if (p.fd >= 0)
        close(p.fd);
    return ret;
}

void tl_challenge_reply_deinit(TlChallengeReply *reply)
{
    tl_strbuf_deinit(&reply->body);
    *reply = (TlChallengeReply){0};
}
