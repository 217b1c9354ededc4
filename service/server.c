// The HTTP face. One event thread serves all connections; a challenge's connection is suspended while the miner
// works and resumed with the answer, so slow or hostile clients cost the miner nothing but that thread's time. Who
// makes it refuse too much is turned away by the listener's thread.
#include "server.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <touchline/log.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "listener.h"
#include "peers.h"
#include "status.h"

enum { CONNECTION_MEMORY = 16 << 10, DRAIN_BODY_MAX = 1 << 20, BEING_CLOSED = 64, ROOM_SHARE = 16 };
static const char CHALLENGE_PATH[] = "/soccer/challenge";

struct TlServer {
    TlServerParams params;
    struct MHD_Daemon *daemon;
    TlListener *listener;
    TlPeers *peers;
    pthread_mutex_t mutex; // guards pending; a leaf
    pthread_cond_t idle;
    int pending;            // challenges between submit and the end of their connection
    int has_stepped_back;   // event thread only
    atomic_int connections; // taken and not yet closed
    atomic_int quiescing;
};

// One request; lives from its first header to MHD's completion callback.
typedef struct Request {
    TlServer *server;
    struct MHD_Connection *connection;
    int is_challenge, submitted, is_chunked, too_large, settled;
    int lengths;         // Content-Length headers
    int fd;              // of the connection, once submitted
    atomic_int answered; // set by the miner's thread after it filled in reply
    int64_t received_us, queued_us;
    size_t length; // of the body so far, counted beyond what is kept
    char *body;    // TL_REQUEST_BODY_MAX + 1 bytes, for challenges only
    TlReply reply;
} Request;

static int64_t unix_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// --- answers

static enum MHD_Result respond(struct MHD_Connection *connection, int status, const char *type, const char *body,
                               size_t length, int is_last)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    if (is_last)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result ret = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return ret;
}

static TlPeer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// The request was answered as it should.
static void settle(Request *request)
{
    request->settled = 1;
    tl_peers_settle(peer_of(request->connection));
}

// A limited address gets its refusals on connections that it has already, each the last one of its connection.
static enum MHD_Result send_refusal(Request *request, int status, const char *reason, const char *body)
{
    int is_last = 0;
    if (reason)
        tl_metrics_refused(request->server->params.metrics, reason);
    if (status == 503) // no fault of the client's
        settle(request);
    else
        is_last = tl_peers_count_against(request->server->peers, peer_of(request->connection));
    request->settled = 1;
    return respond(request->connection, status, "application/json", body, strlen(body), is_last);
}

static enum MHD_Result refuse(Request *request, int status, const char *reason, const char *text)
{
    TlRefusal refusal;
    tl_refuse(&refusal, status, reason, "%s", text);
    return send_refusal(request, status, reason, refusal.body);
}

static enum MHD_Result get_status(TlServer *server, struct MHD_Connection *connection, const char *path)
{
    const TlStatus status = {.gate = server->params.gate,
                             .miner = server->params.miner,
                             .metrics = server->params.metrics,
                             .stake_age_limit_s = server->params.stake_age_limit_s};
    TlStrbuf body = {0};
    const char *type = NULL;
    int code = tl_status_get(&status, path, atomic_load(&server->quiescing), &body, &type);
    enum MHD_Result ret = code == 500 ? MHD_NO : respond(connection, code, type, body.data, body.length, 0);
    tl_strbuf_deinit(&body);
    return ret;
}

// 0 when there is such a path and it takes this method, else the status of the refusal.
static int check_route(const char *path, const char *method)
{
    int is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (strcmp(path, CHALLENGE_PATH) == 0)
        return strcmp(method, MHD_HTTP_METHOD_POST) == 0 ? 0 : 405;
    if (tl_status_has(path))
        return is_get ? 0 : 405;
    return 404;
}

// --- a challenge

// From the miner's thread: the answer is there, the event thread may go on with the connection.
static void challenge_done(void *opaque, TlReply *reply)
{
    Request *request = opaque;
    request->reply = *reply;
    atomic_store(&request->answered, 1);
    MHD_resume_connection(request->connection);
}

// From the miner's thread, while the connection is suspended: nobody else reads its socket meanwhile. Who has closed
// only his sending half looks the same and is given up too, as by other servers.
static int client_is_gone(void *opaque)
{
    const Request *request = opaque;
    char byte;
    ssize_t n = recv(request->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static enum MHD_Result send_reply(Request *request)
{
    TlReply *reply = &request->reply;
    tl_peers_wait(request->server->peers, peer_of(request->connection), 0);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.length, reply->body.data, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    const char *encoding = tl_encoding_name(reply->encoding);
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (encoding)
        MHD_add_response_header(response, "Content-Encoding", encoding);
    request->queued_us = tl_now_us();
    enum MHD_Result ret = MHD_queue_response(request->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return ret;
}

static void pending_changed(TlServer *server, int by)
{
    pthread_mutex_lock(&server->mutex);
    server->pending += by;
    pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->mutex);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result begin_challenge(Request *request)
{
    TlServer *server = request->server;
    struct MHD_Connection *connection = request->connection;
    TlRequestHead head = {.validator_hotkey = header(connection, "validator-hotkey"),
                          .miner_hotkey = header(connection, "miner-hotkey"),
                          .nonce = header(connection, "nonce"),
                          .signature = header(connection, "signature")};
    TlChallenge challenge;
    TlRefusal refusal;
    if (request->too_large)
        return refuse(request, 413, "size", "The body is too large");
    if (tl_request_check(server->params.gate, &head, request->body, request->length, unix_ns(), &challenge, &refusal) <
        0) {
        tl_log(TL_LOG_INFO, "Refused a challenge of %.48s: %d %s%s",
               head.validator_hotkey ? head.validator_hotkey : "nobody", refusal.status, refusal.reason, refusal.note);
        return send_refusal(request, refusal.status, refusal.reason, refusal.body);
    }
    tl_peers_forgive(server->peers, peer_of(connection));
    settle(request);
    int encoding = tl_encoding_choose(header(connection, "accept-encoding"));
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    request->fd = info ? info->connect_fd : -1;
    TlMinerClient client = {.is_gone = info ? client_is_gone : NULL, .done = challenge_done, .opaque = request};
    request->submitted = 1;
    pending_changed(server, 1);
    tl_peers_wait(server->peers, peer_of(connection), 1);
    MHD_suspend_connection(connection);
    int ret = tl_miner_submit(server->params.miner, &challenge, encoding, request->received_us, &client);
    if (ret == TL_OK)
        return MHD_YES;
    request->submitted = 0;
    pending_changed(server, -1);
    TlRefusal busy;
    tl_refuse(&busy, 503, "busy", "%s",
              ret == TL_ELIMIT ? "Too many challenges wait already" : "The miner is stopping");
    tl_metrics_refused(server->params.metrics, "busy");
    request->reply = (TlReply){.status = busy.status};
    tl_strbuf_str(&request->reply.body, busy.body);
    atomic_store(&request->answered, 1);
    MHD_resume_connection(connection);
    return MHD_YES;
}

static enum MHD_Result count_length(void *count, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind, (void)value;
    *(int *)count += strcasecmp(name, "content-length") == 0;
    return MHD_YES;
}

static Request *new_request(TlServer *server, struct MHD_Connection *connection, const char *method, const char *path)
{
    Request *request = tl_calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->server = server;
    request->connection = connection;
    request->received_us = tl_now_us();
    request->is_challenge = strcmp(path, CHALLENGE_PATH) == 0 && strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    if (!request->is_challenge)
        return request;
    const char *length = header(connection, "content-length");
    request->is_chunked = header(connection, "transfer-encoding") != NULL;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_length, &request->lengths);
    request->too_large = length && strtoull(length, NULL, 10) > TL_REQUEST_BODY_MAX;
    request->body = tl_calloc(TL_REQUEST_BODY_MAX + 1, 1);
    if (!request->body)
        tl_free(&request);
    return request;
}

// Keeps what fits. -1: this is no honest mistake any more, the connection is to be closed.
static int take_body(Request *request, const char *data, size_t size)
{
    size_t before = request->length;
    request->length = size > SIZE_MAX - before ? SIZE_MAX : before + size;
    if (request->length > TL_REQUEST_BODY_MAX)
        request->too_large = 1;
    else if (request->body)
        memcpy(request->body + before, data, size);
    return request->length > DRAIN_BODY_MAX ? -1 : 0;
}

// What can be refused before the body is sent.
static enum MHD_Result begin_request(Request *request, const char *path, const char *method)
{
    int status = check_route(path, method);
    if (status)
        return send_refusal(request, status, NULL,
                            status == 404 ? "{\"detail\":\"Not Found\"}" : "{\"detail\":\"Method Not Allowed\"}");
    if (request->is_challenge && request->is_chunked) // no validator sends such a body
        return refuse(request, 411, "size", "The body's length is missing");
    if (request->lengths > 1) // a proxy may take the other one
        return refuse(request, 400, "size", "The body's length is given twice");
    return request->too_large ? refuse(request, 413, "size", "The body is too large") : MHD_YES;
}

static enum MHD_Result handle(void *opaque, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    TlServer *server = opaque;
    Request *request = *context;
    (void)version;
    if (!request) {
        *context = request = new_request(server, connection, method, path);
        return request ? begin_request(request, path, method) : MHD_NO;
    }
    if (*size > 0) {
        int ret = take_body(request, data, *size);
        *size = 0;
        return ret < 0 ? MHD_NO : MHD_YES;
    }
    if (atomic_load(&request->answered))
        return send_reply(request);
    if (request->submitted)
        return MHD_YES;
    if (!request->is_challenge) {
        settle(request);
        return get_status(server, connection, path);
    }
    if (atomic_load(&server->quiescing))
        return refuse(request, 503, "busy", "The miner is stopping");
    return begin_challenge(request);
}

static void report_sending(const Request *request, int sent)
{
    const char *summary = request->reply.summary;
    double seconds = request->queued_us ? tl_us_to_s(tl_now_us() - request->queued_us) : 0;
    if (sent)
        tl_metrics_stage(request->server->params.metrics, TL_STAGE_SEND, seconds);
    if (summary[0])
        tl_log(sent ? TL_LOG_INFO : TL_LOG_WARNING, "%s send=%.3f%s", summary, seconds,
               sent ? "" : ": the client was gone");
}

static void completed(void *opaque, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode why)
{
    TlServer *server = opaque;
    Request *request = *context;
    if (!request)
        return;
    if (atomic_load(&request->answered)) // a client that is gone may never have been sent anything
        report_sending(request, request->queued_us && why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    tl_peers_wait(server->peers, peer_of(connection), 0);
    if (!request->settled) // its body never came
        (void)tl_peers_count_against(server->peers, peer_of(connection));
    if (request->submitted)
        pending_changed(server, -1);
    tl_strbuf_deinit(&request->reply.body);
    tl_free(&request->body);
    tl_free(&request);
    *context = NULL;
}

// --- connections

// Libmicrohttpd's thread calls only into handlers, so the first one steps back.
static void step_back(TlServer *server)
{
    if (!server->has_stepped_back)
        tl_step_back();
    server->has_stepped_back = 1;
}

static void connection_changed(void *opaque, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    TlServer *server = opaque;
    TlPeer *peer = *context;
    step_back(server);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        const union MHD_ConnectionInfo *from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        *context = fd && from ? tl_peers_add(server->peers, fd->connect_fd, from->client_addr) : NULL;
    } else {
        atomic_fetch_sub(&server->connections, 1);
        tl_peers_remove(server->peers, &peer);
        *context = NULL;
    }
}

// From the listener's thread.
static int has_room(void *opaque)
{
    TlServer *server = opaque;
    return atomic_load(&server->connections) < server->params.connections;
}

static void make_room(void *opaque)
{
    TlServer *server = opaque;
    tl_peers_make_room(server->peers, server->params.connections / ROOM_SHARE + 1);
}

static int is_wanted(void *opaque, const struct sockaddr *address)
{
    TlServer *server = opaque;
    return tl_peers_is_wanted(server->peers, address);
}

static void take(void *opaque, int fd, const struct sockaddr *address, socklen_t length)
{
    TlServer *server = opaque;
    // It closes the descriptor when it fails, as it does beyond the connections that one address may have.
    atomic_fetch_add(&server->connections, 1);
    if (MHD_add_connection(server->daemon, fd, address, length) != MHD_YES)
        atomic_fetch_sub(&server->connections, 1);
}

void tl_server_sweep(TlServer *server)
{
    tl_peers_sweep(server->peers, server->params.request_limit_s);
}

// --- life

static struct MHD_Daemon *start_daemon(TlServer *server)
{
    const TlServerParams *p = &server->params;
    // has_room is the limit of all connections; libmicrohttpd, which closes beyond its own, counts one a little longer.
    // Not epoll: libmicrohttpd's edge-triggered loop misses the end of a connection that comes together with data.
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
    return MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_NOTIFY_COMPLETED, completed, server,
                            MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)(p->connections + BEING_CLOSED), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                            (unsigned)p->per_address, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)(p->timeout_s < 1 ? 1 : p->timeout_s), MHD_OPTION_END);
}

static void set_defaults(TlServerParams *p)
{
    p->connections = p->connections > 0 ? p->connections : 512;
    p->per_address = p->per_address > 0 ? p->per_address : 128;
    p->timeout_s = p->timeout_s > 0 ? p->timeout_s : 15;
    p->request_limit_s = p->request_limit_s > 0 ? p->request_limit_s : 60;
}

int tl_server_open(TlServer **out, const TlServerParams *params, TlDiag *diag)
{
    int ret = TL_OK;
    *out = NULL;
    TlServer *server = tl_calloc(1, sizeof *server);
    if (!server)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the server");
    server->params = *params;
    set_defaults(&server->params);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->idle, NULL);
    server->peers = tl_peers_create(params->metrics, params->refusals);
    if (!server->peers)
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the server");
    else if (!(server->daemon = start_daemon(server)))
        ret = tl_fail(diag, TL_EINTERNAL, "the HTTP server cannot be started");
    TlListenerParams listener = {.listen = params->listen,
                                 .has_room = has_room,
                                 .make_room = make_room,
                                 .is_wanted = is_wanted,
                                 .take = take,
                                 .opaque = server};
    if (ret == TL_OK)
        ret = tl_listener_open(&server->listener, &listener, diag);
    if (ret < 0)
        tl_server_close(&server);
    *out = server;
    return ret;
}

int tl_server_port(const TlServer *server)
{
    return tl_listener_port(server->listener);
}

void tl_server_quiesce(TlServer *server)
{
    atomic_store(&server->quiescing, 1);
    tl_peers_quiesce(server->peers);
}

void tl_server_drain(TlServer *server, double timeout_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)timeout_s;
    pthread_mutex_lock(&server->mutex);
    while (server->pending > 0 && pthread_cond_timedwait(&server->idle, &server->mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&server->mutex);
}

void tl_server_close(TlServer **out)
{
    TlServer *server = *out;
    if (!server)
        return;
    if (server->peers)
        tl_peers_quiesce(server->peers);
    tl_listener_close(&server->listener);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    tl_peers_destroy(&server->peers);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->mutex);
    tl_free(out);
}
