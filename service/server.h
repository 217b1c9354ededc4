// The HTTP face of the miner: routes, limits and the life of a connection (libmicrohttpd).
#ifndef TL_SERVICE_SERVER_H
#define TL_SERVICE_SERVER_H

#include "miner.h"

typedef struct TlServer TlServer;

typedef struct TlServerParams {
    const char *listen;       ///< "0.0.0.0:7999", "[::]:7999", ":7999"
    const TlGate *gate;       ///< must outlive the server
    TlMiner *miner;           ///< must outlive the server
    TlMetrics *metrics;       ///< must outlive the server
    int connections;          ///< most at once, 0 = 512
    int per_address;          ///< most at once from one address, 0 = 128
    int refusals;             ///< refused or broken requests of an address in 10 s that close it for 10 s, 0 = no limit
    double timeout_s;         ///< a connection that says nothing for so long is closed, 0 = 15
    double request_limit_s;   ///< sending a request, or taking the answer, may last so long, 0 = 60
    double stake_age_limit_s; ///< /readyz fails when the stake table is older, 0 = never
} TlServerParams;

// Begins to listen and serve in threads of its own. TL_EUSAGE (address), TL_EDENIED (port in use or not allowed),
// TL_EINTERNAL.
TL_NODISCARD int tl_server_open(TlServer **out, const TlServerParams *params, TlDiag *diag);
int tl_server_port(const TlServer *server); // of the listening socket: useful with port 0
// From now on /availability says false and new challenges get 503; those that wait for their answer get it.
void tl_server_quiesce(TlServer *server);
// Closes connections that drip: whole requests and answers have request_limit_s, however often a byte moves. To be
// called every second or so, from any one thread.
void tl_server_sweep(TlServer *server);
// Waits up to timeout_s until no answer is on its way.
void tl_server_drain(TlServer *server, double timeout_s);
void tl_server_close(TlServer **server);

#endif
