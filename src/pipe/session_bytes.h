// A clip from a byte source of the caller: what the service uses to decode while it downloads.
#ifndef TL_PIPE_SESSION_BYTES_H
#define TL_PIPE_SESSION_BYTES_H

#include "media/media.h"

// Like tl_session_start. bytes must stay valid until the clip has ended; name is for messages and the head line.
TL_NODISCARD int tl_session_start_bytes(TlSession *session, const char *name, struct TlByteSource *bytes, TlDiag *diag);

#endif
