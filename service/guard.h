// The download guard: which addresses a URL of a stranger may lead to.
//
// The rule is applied to the address that is about to be connected to (after DNS, at every redirect), so a name that
// resolves to a private address, or changes its mind between two look-ups, is refused as well.
#ifndef TL_SERVICE_GUARD_H
#define TL_SERVICE_GUARD_H

#include <stddef.h>
#include <sys/socket.h>

#include <touchline/error.h>

enum { TL_GUARD_ALLOWED_MAX = 16 };

// Addresses that are let through although they are private. Plain data, legal as {0}.
typedef struct TlGuard {
    int count;
    struct sockaddr_storage allowed[TL_GUARD_ALLOWED_MAX]; ///< ports are not compared
} TlGuard;

// Adds a host (name or address; a name is resolved now). TL_ENOENT when it does not resolve, TL_ELIMIT when full.
TL_NODISCARD int tl_guard_allow(TlGuard *guard, const char *host, TlDiag *diag);

// 1 when the address is globally reachable unicast or allowed. Everything that IANA's special-purpose registries keep
// for private, loopback, link-local, shared, documentation, benchmarking, multicast or protocol use is refused, in
// IPv4, IPv6 and IPv4 inside IPv6 (mapped, compatible, 6to4, NAT64, Teredo). Thread-safety: safe.
int tl_guard_permits(const TlGuard *guard, const struct sockaddr *address);

// Checks what can be told from the text: http or https, a host, no user name or password, no control characters, at
// most 2048 bytes. TL_EDENIED or TL_EUSAGE with a sentence.
TL_NODISCARD int tl_guard_check_url(const char *url, TlDiag *diag);

// Google Drive share links become direct download links; anything else is copied. TL_ELIMIT when out is too small.
TL_NODISCARD int tl_guard_rewrite_url(const char *url, char *out, size_t size);

#endif
