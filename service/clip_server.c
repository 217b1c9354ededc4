// A loopback file server on libmicrohttpd: GET and HEAD of one path, single byte ranges (RFC 9110, section 14).
#include "clip_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct TlClipServer {
    struct MHD_Daemon *daemon;
    int fd;
    int64_t size;
    char url[128], path[64];
    atomic_llong bytes;
    atomic_int requests;
};

// "bytes=first-last", "bytes=first-" or "bytes=-last": 1 and the span, 0 when there is no range, -1 when none fits.
static int parse_range(const char *text, int64_t size, int64_t *first, int64_t *length)
{
    char *end;
    *first = 0;
    *length = size;
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return 0;
    text += 6;
    if (*text == '-') {
        long long last = strtoll(text + 1, &end, 10);
        if (*end || last <= 0)
            return -1;
        *length = last < size ? last : size;
        *first = size - *length;
        return 1;
    }
    long long from = strtoll(text, &end, 10), to = size - 1;
    if (end == text || *end != '-' || from < 0 || from >= size)
        return -1;
    if (end[1])
        to = strtoll(end + 1, &end, 10);
    else
        end++;
    if (*end || to < from)
        return -1;
    *first = from;
    *length = (to < size ? to + 1 : size) - from;
    return 1;
}

static struct MHD_Response *file_part(TlClipServer *server, int64_t first, int64_t length)
{
    int fd = dup(server->fd); // the response closes it
    struct MHD_Response *response =
        fd < 0 ? NULL : MHD_create_response_from_fd_at_offset64((uint64_t)length, fd, (uint64_t)first);
    if (!response && fd >= 0)
        close(fd);
    if (response) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "video/mp4");
    }
    return response;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = response ? MHD_queue_response(connection, status, response) : MHD_NO;
    if (response)
        MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *opaque, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    static int seen;
    TlClipServer *server = opaque;
    int64_t first, length;
    char span[96];
    (void)version, (void)upload, (void)upload_size;
    if (!*state) { // headers only: libmicrohttpd calls again
        *state = &seen;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (strcmp(url, server->path) != 0)
        return refuse(connection, MHD_HTTP_NOT_FOUND);
    int range = parse_range(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE),
                            server->size, &first, &length);
    if (range < 0)
        return refuse(connection, MHD_HTTP_RANGE_NOT_SATISFIABLE);
    struct MHD_Response *response = file_part(server, first, length);
    if (!response)
        return MHD_NO;
    if (range) {
        snprintf(span, sizeof span, "bytes %lld-%lld/%lld", (long long)first, (long long)(first + length - 1),
                 (long long)server->size);
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, span);
    }
    atomic_fetch_add(&server->requests, 1);
    atomic_fetch_add(&server->bytes, length);
    enum MHD_Result result = MHD_queue_response(connection, range ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static int open_file(TlClipServer *server, const char *path, TlDiag *diag)
{
    struct stat info;
    server->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (server->fd < 0)
        return errno == EACCES ? tl_fail(diag, TL_EDENIED, "'%s' may not be read", path)
                               : tl_fail(diag, TL_ENOENT, "no file '%s'", path);
    if (fstat(server->fd, &info) < 0 || !S_ISREG(info.st_mode))
        return tl_fail(diag, TL_EUSAGE, "'%s' is no file", path);
    server->size = info.st_size;
    return info.st_size > 0 ? TL_OK : tl_fail(diag, TL_EEMPTY, "'%s' is empty", path);
}

static int start(TlClipServer *server, TlDiag *diag)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t token[8];
    char hex[17];
    randombytes_buf(token, sizeof token);
    snprintf(server->path, sizeof server->path, "/%s/clip.mp4", sodium_bin2hex(hex, sizeof hex, token, sizeof token));
    server->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, on_request, server,
                                      MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_TIMEOUT,
                                      30u, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        return tl_fail(diag, TL_EIO, "no port for the video could be opened on 127.0.0.1");
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u%s", (unsigned)info->port, server->path);
    return TL_OK;
}

int tl_clip_server_open(TlClipServer **out, const char *path, TlDiag *diag)
{
    TlClipServer *server = tl_calloc(1, sizeof *server);
    *out = NULL;
    if (!server)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the video's server");
    int ret = open_file(server, path, diag);
    if (ret == TL_OK)
        ret = start(server, diag);
    if (ret < 0)
        tl_clip_server_close(&server);
    *out = server;
    return ret;
}

const char *tl_clip_server_url(const TlClipServer *server)
{
    return server->url;
}

int64_t tl_clip_server_bytes(const TlClipServer *server)
{
    return atomic_load(&server->bytes);
}

int tl_clip_server_requests(const TlClipServer *server)
{
    return atomic_load(&server->requests);
}

void tl_clip_server_close(TlClipServer **server)
{
    if (!*server)
        return;
    if ((*server)->daemon)
        MHD_stop_daemon((*server)->daemon);
    if ((*server)->fd >= 0)
        close((*server)->fd);
    tl_free(server);
}
