// The download guard. In: URLs and socket addresses; out: permitted or not.
// Source of the ranges: IANA IPv4 and IPv6 Special-Purpose Address Registries.
#include "guard.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 2048 };

typedef struct Range4 {
    uint32_t base;
    int bits;
} Range4;

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const Range4 REFUSED4[] = {
    {IP4(0, 0, 0, 0), 8},        // this network
    {IP4(10, 0, 0, 0), 8},       // private
    {IP4(100, 64, 0, 0), 10},    // shared (carrier NAT)
    {IP4(127, 0, 0, 0), 8},      // loopback
    {IP4(168, 63, 129, 16), 32}, // metadata of one cloud, at a public address
    {IP4(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {IP4(172, 16, 0, 0), 12},    // private
    {IP4(192, 0, 0, 0), 24},     // protocol assignments
    {IP4(192, 0, 2, 0), 24},     // documentation
    {IP4(192, 88, 99, 0), 24},   // 6to4 relay, deprecated
    {IP4(192, 168, 0, 0), 16},   // private
    {IP4(198, 18, 0, 0), 15},    // benchmarking
    {IP4(198, 51, 100, 0), 24},  // documentation
    {IP4(203, 0, 113, 0), 24},   // documentation
    {IP4(224, 0, 0, 0), 3},      // multicast, reserved, broadcast
};

static int permits4(uint32_t ip)
{
    for (size_t i = 0; i < sizeof REFUSED4 / sizeof *REFUSED4; i++)
        if ((ip ^ REFUSED4[i].base) >> (32 - REFUSED4[i].bits) == 0)
            return 0;
    return 1;
}

static uint32_t read4(const uint8_t *b)
{
    return IP4(b[0], b[1], b[2], b[3]);
}

static int begins(const uint8_t *ip, const uint8_t *prefix, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(ip, prefix, (size_t)whole) != 0)
        return 0;
    return rest == 0 || (ip[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static int permits6(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, zero[12] = {0};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t global[1] = {0x20};                       // 2000::/3, the only global unicast space
    static const uint8_t special[][4] = {{0x20, 0x01, 0x0d, 0xb8}, // documentation
                                         {0x3f, 0xff, 0x00, 0x00}};
    static const uint8_t protocol[] = {0x20, 0x01, 0x00}; // 2001::/23: Teredo, benchmarking, ORCHID
    static const uint8_t six_to_four[] = {0x20, 0x02};
    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0)
        return permits4(read4(ip + 12));
    if (memcmp(ip, zero, 12) == 0)
        return 0; // ::, ::1 and the deprecated IPv4-compatible form
    if (begins(ip, six_to_four, 16))
        return permits4(read4(ip + 2));
    return begins(ip, global, 3) && !begins(ip, special[0], 32) && !begins(ip, special[1], 20) &&
           !begins(ip, protocol, 23);
}

static int same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return 0;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}

int tl_guard_permits(const TlGuard *guard, const struct sockaddr *address)
{
    for (int i = 0; i < guard->count; i++)
        if (same_address(address, (const struct sockaddr *)&guard->allowed[i]))
            return 1;
    if (address->sa_family == AF_INET)
        return permits4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return permits6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    return 0;
}

int tl_guard_allow(TlGuard *guard, const char *host, TlDiag *diag)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int ret = TL_OK;
    if (getaddrinfo(host, NULL, &hints, &list) != 0 || !list)
        return tl_fail(diag, TL_ENOENT, "the allowed host '%s' does not resolve", host);
    for (struct addrinfo *a = list; a && ret == TL_OK; a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
            continue;
        if (guard->count == TL_GUARD_ALLOWED_MAX)
            ret = tl_fail(diag, TL_ELIMIT, "more than %d allowed addresses", TL_GUARD_ALLOWED_MAX);
        else
            memcpy(&guard->allowed[guard->count++], a->ai_addr, a->ai_addrlen);
    }
    freeaddrinfo(list);
    return ret;
}

int tl_guard_check_url(const char *url, TlDiag *diag)
{
    size_t length = strnlen(url, URL_MAX + 1);
    const char *rest = NULL;
    if (length > URL_MAX)
        return tl_fail(diag, TL_EUSAGE, "the address is longer than %d bytes", URL_MAX);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)url[i] <= ' ' || url[i] == 0x7f || url[i] == '\\')
            return tl_fail(diag, TL_EUSAGE, "the address holds a blank or control character");
    if (strncasecmp(url, "http://", 7) == 0)
        rest = url + 7;
    else if (strncasecmp(url, "https://", 8) == 0)
        rest = url + 8;
    if (!rest)
        return tl_fail(diag, TL_EDENIED, "only http and https addresses are fetched");
    size_t host = strcspn(rest, "/?#");
    if (host == 0 || rest[0] == ':')
        return tl_fail(diag, TL_EUSAGE, "the address names no host");
    if (memchr(rest, '@', host))
        return tl_fail(diag, TL_EDENIED, "addresses with a user name or password are not fetched");
    return TL_OK;
}

// Letters that a Drive file id and a resource key are made of.
static size_t id_length(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

// Value of a field ("id=") of the query, or NULL.
static const char *query_field(const char *url, const char *name)
{
    const char *end = url + strcspn(url, "#"), *at = strpbrk(url, "?&");
    for (; at && at < end; at = strpbrk(at + 1, "&"))
        if (strncmp(at + 1, name, strlen(name)) == 0)
            return at + 1 + strlen(name);
    return NULL;
}

int tl_guard_rewrite_url(const char *url, char *out, size_t size)
{
    static const char *hosts[] = {"https://drive.google.com/", "http://drive.google.com/", "https://docs.google.com/"};
    const char *id = NULL, *key = NULL;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts && !id; i++) {
        if (strncasecmp(url, hosts[i], strlen(hosts[i])) != 0)
            continue;
        const char *in_path = strstr(url, "/file/d/");
        id = in_path ? in_path + 8 : query_field(url, "id=");
        key = query_field(url, "resourcekey="); // some files shared before 2021 need it
    }
    int key_length = key ? (int)id_length(key) : 0;
    int n = id && id_length(id) > 0
                ? snprintf(out, size,
                           "https://drive.usercontent.google.com/download?id=%.*s&export=download&confirm=t%s%.*s",
                           (int)id_length(id), id, key_length ? "&resourcekey=" : "", key_length, key ? key : "")
                : snprintf(out, size, "%s", url);
    return n < 0 || (size_t)n >= size ? TL_ELIMIT : TL_OK;
}
