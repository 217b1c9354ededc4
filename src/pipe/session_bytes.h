// A clip from a byte source of the caller: what the service uses to decode while it downloads.
#ifndef TL_PIPE_SESSION_BYTES_H
#define TL_PIPE_SESSION_BYTES_H

#include "media/media.h"

// Like tl_session_start. bytes must stay valid until the clip has ended; name is for messages and the head line.
//
// Every frame that the container promises gets a record: those that the source does not bring are filled by motion, and
// the clip then ends with the source's code. A time budget acts while no bytes come, too: once it is spent the rest is
// filled and the clip ends with TL_EOF. Without any picture after one and a half budgets start fails with TL_ETIMEOUT.
TL_NODISCARD int tl_session_start_bytes(TlSession *session, const char *name, struct TlByteSource *bytes, TlDiag *diag);

#endif
