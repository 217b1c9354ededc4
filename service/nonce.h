// Nonces of signed requests: fresh within the window and never seen before.
//
// A nonce is decimal nanoseconds, '_' and any suffix. Only nonces of requests with a good signature are stored, so
// strangers cannot fill the table; an entry is kept until its own time stamp leaves the window, so a nonce dated ahead
// cannot be played again. The table is bounded: when it is full of unexpired entries, new ones are refused.
// Thread-safety: all calls safe; the mutex inside is a leaf.
#ifndef TL_SERVICE_NONCE_H
#define TL_SERVICE_NONCE_H

#include <stdint.h>

#include <touchline/error.h>

enum { TL_NONCE_TEXT_MAX = 96 };

typedef struct TlNonceStore TlNonceStore;

TlNonceStore *tl_nonce_store_create(int capacity, int64_t window_ns); // NULL when out of memory
void tl_nonce_store_destroy(TlNonceStore **store);

// Keeps what is accepted in a file, too, and begins with what an earlier run left there: a request that was served
// before a restart cannot be played again after it. Once for a store. On failure (TL_EIO, TL_EDENIED …) the store works
// on without a file.
TL_NODISCARD int tl_nonce_store_keep(TlNonceStore *store, const char *path, int64_t now_ns, TlDiag *diag);

// Form and age only. now_ns is Unix time. TL_EFORMAT, TL_ETIMEOUT (too old or too far ahead), TL_EEXIST (seen).
TL_NODISCARD int tl_nonce_check(TlNonceStore *store, const char *nonce, int64_t now_ns);
// Nanoseconds that a nonce's time is ahead of now, negative when behind. TL_EFORMAT when it holds no time.
TL_NODISCARD int tl_nonce_skew(const char *nonce, int64_t now_ns, int64_t *skew_ns);
// Stores it after the signature was found good; checks again, so of two equal requests at once only one wins.
// TL_EEXIST, TL_ETIMEOUT, TL_EFORMAT as above, TL_ELIMIT when the table is full.
TL_NODISCARD int tl_nonce_accept(TlNonceStore *store, const char *nonce, int64_t now_ns);

// A new nonce for requests that we sign ourselves.
void tl_nonce_make(char *text, int size, int64_t now_ns);

#endif
