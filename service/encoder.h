// The answer's body, encoded and compressed while the frames come: plain, gzip or zstd.
#ifndef TL_SERVICE_ENCODER_H
#define TL_SERVICE_ENCODER_H

#include "base/strbuf.h"

enum TlEncoding { TL_ENCODING_PLAIN = 0, TL_ENCODING_GZIP, TL_ENCODING_ZSTD };

typedef struct TlBodyEncoder TlBodyEncoder;

// What to send to a client with this Accept-Encoding header (may be NULL): zstd before gzip before plain.
int tl_encoding_choose(const char *accept_encoding);
const char *tl_encoding_name(int encoding); // "zstd"; NULL for plain

TlBodyEncoder *tl_body_encoder_create(int encoding); // NULL when out of memory
// Appends text to the body.
TL_NODISCARD int tl_body_encoder_write(TlBodyEncoder *encoder, const char *text, size_t length);
// Ends the body and hands it over; *out (legal as {0}) is the caller's to deinit. The encoder is gone afterwards.
TL_NODISCARD int tl_body_encoder_finish(TlBodyEncoder **encoder, TlStrbuf *out);
void tl_body_encoder_destroy(TlBodyEncoder **encoder);

#endif
