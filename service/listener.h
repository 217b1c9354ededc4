// The listening socket and the thread that takes connections from it. Who is not wanted is reset before anything is
// read or allocated; behind a storm of those the thread pauses, so that a flood costs a small share of a core and is
// taken in batches.
#ifndef TL_SERVICE_LISTENER_H
#define TL_SERVICE_LISTENER_H

#include <sys/socket.h>
#include <touchline/error.h>

typedef struct TlListener TlListener;

// All are called from the listener's thread.
typedef struct TlListenerParams {
    const char *listen;                                                ///< "0.0.0.0:7999", "[::]:7999", ":7999"
    int (*has_room)(void *opaque);                                     ///< 0: connections wait in the kernel's queue
    void (*make_room)(void *opaque);                                   ///< somebody waits there and there is no room
    int (*is_wanted)(void *opaque, const struct sockaddr *address);    ///< 0: reset
    void (*take)(void *opaque, int fd, const struct sockaddr *address, ///< owns fd, which does not block
                 socklen_t length);
    void *opaque;
} TlListenerParams;

// Listens, and takes connections at once. TL_EUSAGE (address), TL_EDENIED (port in use or not allowed), TL_ENOMEM.
TL_NODISCARD int tl_listener_open(TlListener **out, const TlListenerParams *params, TlDiag *diag);
int tl_listener_port(const TlListener *listener);
void tl_listener_close(TlListener **listener); // ends the thread, then the socket

// The calling thread steps back behind those that work on a challenge: while the cores are busy, hostile clients share
// what is left. Linux keeps this per thread.
void tl_step_back(void);

#endif
