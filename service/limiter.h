// Addresses that send too many requests which are refused or broken.
//
// Each such request is a debt of its address that is paid off with time: as many as `refusals` in TL_LIMITER_WINDOW_US.
// Who reaches that is closed for one window: its new connections are not worth an answer. An IPv6 address counts as its
// /64. The table has a fixed size; when it is full the address that was quiet for longest is forgotten. The method is
// the virtual scheduling form of the generic cell rate algorithm (ITU-T I.371), with a close time at its end.
#ifndef TL_SERVICE_LIMITER_H
#define TL_SERVICE_LIMITER_H

#include <stdint.h>
#include <sys/socket.h>
#include <touchline/error.h>

enum { TL_LIMITER_WINDOW_US = 10000000, TL_LIMITER_TEXT = 64 };

typedef struct TlLimiter TlLimiter;
typedef uint64_t TlLimiterKey; ///< IPv4 address, or the upper half of an IPv6 address

// addresses: 1 to 32768 remembered at once; refusals: from 1 on. NULL: out of memory. Every call below takes NULL for a
// limiter that limits nobody. Thread-safety: safe; now_us is any clock that does not run backwards.
TlLimiter *tl_limiter_create(int addresses, int refusals);
void tl_limiter_destroy(TlLimiter **limiter);

TlLimiterKey tl_limiter_key(const struct sockaddr *address);
// "192.0.2.1" or "2001:db8:1:2::/64".
void tl_limiter_key_text(TlLimiterKey key, char text[TL_LIMITER_TEXT]);

// Counts a refused or broken request. 1: with this one the address is closed, 0: it is not, or was already.
int tl_limiter_refused(TlLimiter *limiter, TlLimiterKey key, int64_t now_us);
// 1 while the address is closed.
int tl_limiter_is_closed(TlLimiter *limiter, TlLimiterKey key, int64_t now_us);
// Forgets the address: who sends a challenge that is taken owes nothing.
void tl_limiter_forgive(TlLimiter *limiter, TlLimiterKey key);

#endif
