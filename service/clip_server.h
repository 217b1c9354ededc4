// One video file over HTTP on this machine's loopback address, with ranges: what `touchline challenge` gives to a miner
// that runs beside it.
#ifndef TL_SERVICE_CLIP_SERVER_H
#define TL_SERVICE_CLIP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

typedef struct TlClipServer TlClipServer;

// Serves the file until close, on a port of the system's choice and under a path that cannot be guessed. TL_ENOENT,
// TL_EDENIED (file), TL_EIO (no port), TL_ENOMEM.
TL_NODISCARD int tl_clip_server_open(TlClipServer **out, const char *path, TlDiag *diag);
const char *tl_clip_server_url(const TlClipServer *server);
int64_t tl_clip_server_bytes(const TlClipServer *server); ///< promised in answers so far; thread-safe
int tl_clip_server_requests(const TlClipServer *server);  ///< answered with bytes of the file; thread-safe
void tl_clip_server_close(TlClipServer **server);

#endif
