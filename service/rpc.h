// One JSON-RPC call over HTTP(S) POST or over a WebSocket (RFC 6455), whichever the address names.
#ifndef TL_SERVICE_RPC_H
#define TL_SERVICE_RPC_H

#include <stdatomic.h>

#include "base/strbuf.h"

typedef struct TlRpcCall {
    const char *url; ///< ws, wss, http or https
    const char *method;
    const char *params;       ///< JSON text, "[]"
    double timeout_s;         ///< of the whole call
    const atomic_int *cancel; ///< may be NULL; not 0 = give up soon with TL_EINTERRUPTED
} TlRpcCall;

// Sends {"jsonrpc":"2.0","id":1,"method":method,"params":params} and gives back the text of the whole reply. TL_ENET,
// TL_ETIMEOUT, TL_EUSAGE (address), TL_ELIMIT (reply above 16 MiB), TL_EFORMAT (no WebSocket there), TL_EINTERRUPTED.
// reply: legal as {0}, the caller's to deinit. Thread-safety: safe.
TL_NODISCARD int tl_rpc_call(const TlRpcCall *call, TlStrbuf *reply, TlDiag *diag);

#endif
