// Accepts in batches: all that waits, then back to poll. Linux: accept4, eventfd.
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

// A connection that is reset costs 12 µs: with 2 ms of pause for each, ten clients that come back at once get less than
// 1 % of a core. (On loopback what a client has not sent yet is freed in here, too: up to 130 µs behind huge bodies.)
// The longest pause is what an honest client waits at worst.
enum { BATCH = 1024, BACKLOG = 4096, PAUSE_EACH_MS = 2, PAUSE_MAX_MS = 20, NO_ROOM_MS = 20, THREAD_NICE = 5 };

struct TlListener {
    TlListenerParams params;
    int fd, wake; // wake: readable when the thread is to end
    pthread_t thread;
    int running;
};

void tl_step_back(void)
{
    id_t thread = (id_t)syscall(SYS_gettid);
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, thread);
    if (errno == 0)
        (void)!setpriority(PRIO_PROCESS, thread, nice + THREAD_NICE);
}

// --- the thread

static void reset(int fd)
{
    const struct linger now = {.l_onoff = 1}; // RST: nothing of it stays in the kernel
    (void)!setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

// One connection, or -1 with errno. *was_reset: it was not wanted.
static int take_one(const TlListener *l, int *was_reset)
{
    const TlListenerParams *p = &l->params;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept4(l->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    *was_reset = !p->is_wanted(p->opaque, (const struct sockaddr *)&address);
    if (*was_reset)
        reset(fd);
    else
        p->take(p->opaque, fd, (const struct sockaddr *)&address, length);
    return 0;
}

// All that wait. Returns the pause behind them in ms.
static int take_batch(const TlListener *l)
{
    int resets = 0, was_reset = 0;
    for (int i = 0; i < BATCH; i++) {
        if (!l->params.has_room(l->params.opaque)) {
            if (i == 0) // poll said that somebody waits
                l->params.make_room(l->params.opaque);
            return NO_ROOM_MS;
        }
        if (take_one(l, &was_reset) == 0)
            resets += was_reset;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return NO_ROOM_MS; // the connection stays in the queue
    }
    return resets * PAUSE_EACH_MS < PAUSE_MAX_MS ? resets * PAUSE_EACH_MS : PAUSE_MAX_MS;
}

static void *listener_main(void *opaque)
{
    const TlListener *l = opaque;
    struct pollfd fds[2] = {{.fd = l->wake, .events = POLLIN}, {.fd = l->fd, .events = POLLIN}};
    tl_step_back();
    for (;;) {
        int n = poll(fds, 2, -1);
        if (n < 0 && errno != EINTR)
            break;
        int pause_ms = n > 0 && fds[1].revents && !fds[0].revents ? take_batch(l) : 0;
        if (pause_ms > 0)
            (void)!poll(fds, 1, pause_ms);
        if (n > 0 && fds[0].revents)
            break;
    }
    return NULL;
}

// --- life

// "host:port", "[v6]:port" or ":port".
static int parse_listen(const char *text, struct sockaddr_storage *address, socklen_t *length, TlDiag *diag)
{
    char host[256];
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    if (!colon || (size_t)(colon - text) >= sizeof host || !colon[1])
        return tl_fail(diag, TL_EUSAGE, "--listen takes ADDRESS:PORT, not '%s'", text);
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    size_t n = strlen(host);
    int bracketed = n > 1 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed)
        host[n - 1] = 0;
    if (getaddrinfo(n ? host + bracketed : NULL, colon + 1, &hints, &list) != 0 || !list)
        return tl_fail(diag, TL_EUSAGE, "--listen takes a numeric ADDRESS:PORT, not '%s'", text);
    memcpy(address, list->ai_addr, list->ai_addrlen);
    *length = list->ai_addrlen;
    freeaddrinfo(list);
    return TL_OK;
}

static int listen_on(TlListener *l, TlDiag *diag)
{
    struct sockaddr_storage address = {0};
    socklen_t length = 0;
    const int yes = 1, no = 0, fast_open = 16;
    int ret = parse_listen(l->params.listen, &address, &length, diag);
    if (ret < 0)
        return ret;
    l->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd >= 0) {
        (void)!setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        (void)!setsockopt(l->fd, IPPROTO_TCP, TCP_FASTOPEN, &fast_open, sizeof fast_open);
        if (address.ss_family == AF_INET6) // [::] serves IPv4 too
            (void)!setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    }
    if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&address, length) < 0 || listen(l->fd, BACKLOG) < 0)
        return tl_fail(diag, TL_EDENIED, "cannot listen on %s; is the port in use?", l->params.listen);
    return TL_OK;
}

int tl_listener_open(TlListener **out, const TlListenerParams *params, TlDiag *diag)
{
    *out = NULL;
    TlListener *l = tl_calloc(1, sizeof *l);
    if (!l)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the server");
    l->params = *params;
    l->fd = -1;
    l->wake = eventfd(0, EFD_CLOEXEC);
    int ret = l->wake < 0 ? tl_fail(diag, TL_ENOMEM, "no descriptor is left for the server") : listen_on(l, diag);
    if (ret == TL_OK) {
        l->running = pthread_create(&l->thread, NULL, listener_main, l) == 0;
        ret = l->running ? TL_OK : tl_fail(diag, TL_ENOMEM, "no thread could be started");
    }
    if (ret < 0) {
        tl_listener_close(&l);
        return ret;
    }
    pthread_setname_np(l->thread, "tl-accept");
    *out = l;
    return TL_OK;
}

int tl_listener_port(const TlListener *l)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t length = sizeof address;
    if (getsockname(l->fd, &address.any, &length) < 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void tl_listener_close(TlListener **listener)
{
    TlListener *l = *listener;
    const uint64_t one = 1;
    if (!l)
        return;
    if (l->running) {
        (void)!write(l->wake, &one, sizeof one);
        pthread_join(l->thread, NULL);
    }
    if (l->fd >= 0)
        close(l->fd);
    if (l->wake >= 0)
        close(l->wake);
    tl_free(listener);
}
