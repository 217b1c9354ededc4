// One JSON-RPC call over HTTP(S) POST or over a WebSocket (RFC 6455), whichever the address names.
#ifndef TL_SERVICE_RPC_H
#define TL_SERVICE_RPC_H

#include "base/strbuf.h"

// Sends {"jsonrpc":"2.0","id":1,"method":method,"params":params} (params: JSON text, "[]") and gives back the text of
// the whole reply. Blocks up to timeout_s in all. TL_ENET, TL_ETIMEOUT, TL_EUSAGE (address), TL_ELIMIT (reply above 16
// MiB), TL_EFORMAT (no WebSocket there). reply: legal as {0}, the caller's to deinit. Thread-safety: safe.
TL_NODISCARD int tl_rpc_call(const char *url, const char *method, const char *params, double timeout_s, TlStrbuf *reply,
                             TlDiag *diag);

#endif
