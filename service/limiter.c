// The table of addresses: a hash table with chains over an array of fixed size, whose entries are also in a list from
// the one used last to the one that is forgotten next. Indices instead of pointers keep an entry at 32 bytes.
#include "limiter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { NONE = 0xffff };

typedef struct Entry {
    TlLimiterKey key;
    int64_t paid_us;       ///< when the last of its debts is paid off
    uint16_t older, newer; ///< in the order of use
    uint16_t next;         ///< in the chain
    uint8_t used, closed;
} Entry;

struct TlLimiter {
    pthread_mutex_t mutex; // a leaf
    uint8_t seed[crypto_shorthash_KEYBYTES];
    int64_t cost_us; // of one request
    Entry *entry;
    uint16_t *chain; // heads
    uint32_t chains; // power of two
    uint16_t oldest, newest;
};

TlLimiter *tl_limiter_create(int addresses, int refusals)
{
    TlLimiter *l = tl_calloc(1, sizeof *l);
    if (!l)
        return NULL;
    pthread_mutex_init(&l->mutex, NULL);
    randombytes_buf(l->seed, sizeof l->seed); // nobody can choose addresses for one chain
    l->cost_us = refusals < TL_LIMITER_WINDOW_US ? TL_LIMITER_WINDOW_US / refusals : 1;
    for (l->chains = 16; l->chains < 2u * (uint32_t)addresses;)
        l->chains *= 2;
    l->entry = tl_calloc((size_t)addresses, sizeof *l->entry);
    l->chain = tl_calloc(l->chains, sizeof *l->chain);
    if (!l->entry || !l->chain) {
        tl_limiter_destroy(&l);
        return NULL;
    }
    for (uint32_t i = 0; i < l->chains; i++)
        l->chain[i] = NONE;
    for (int i = 0; i < addresses; i++) {
        l->entry[i].older = i > 0 ? (uint16_t)(i - 1) : NONE;
        l->entry[i].newer = i + 1 < addresses ? (uint16_t)(i + 1) : NONE;
    }
    l->newest = (uint16_t)(addresses - 1);
    return l;
}

void tl_limiter_destroy(TlLimiter **limiter)
{
    if (!*limiter)
        return;
    tl_free(&(*limiter)->entry);
    tl_free(&(*limiter)->chain);
    pthread_mutex_destroy(&(*limiter)->mutex);
    tl_free(limiter);
}

// --- keys

// ::/32, the only IPv6 addresses whose upper half looks like an IPv4 address here, is on no wire.
TlLimiterKey tl_limiter_key(const struct sockaddr *address)
{
    TlLimiterKey key = 0;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        key = ntohl(v4->sin_addr.s_addr);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        int first = IN6_IS_ADDR_V4MAPPED(v6) ? 12 : 0, end = first ? 16 : 8;
        for (int i = first; i < end; i++)
            key = key << 8 | v6->s6_addr[i];
    }
    return key;
}

void tl_limiter_key_text(TlLimiterKey key, char text[TL_LIMITER_TEXT])
{
    char address[INET6_ADDRSTRLEN] = "";
    struct in_addr v4 = {.s_addr = htonl((uint32_t)key)};
    struct in6_addr v6 = {0};
    for (int i = 0; i < 8; i++)
        v6.s6_addr[i] = (uint8_t)(key >> (56 - 8 * i));
    int is_v6 = key > UINT32_MAX;
    inet_ntop(is_v6 ? AF_INET6 : AF_INET, is_v6 ? (const void *)&v6 : (const void *)&v4, address, sizeof address);
    snprintf(text, TL_LIMITER_TEXT, "%s%s", address, is_v6 ? "/64" : "");
}

// --- entries

static uint16_t *chain_of(TlLimiter *l, TlLimiterKey key)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint32_t at;
    crypto_shorthash(hash, (const uint8_t *)&key, sizeof key, l->seed);
    memcpy(&at, hash, sizeof at);
    return &l->chain[at & (l->chains - 1)];
}

static uint16_t find(TlLimiter *l, TlLimiterKey key)
{
    uint16_t at = *chain_of(l, key);
    while (at != NONE && l->entry[at].key != key)
        at = l->entry[at].next;
    return at;
}

static void leave_chain(TlLimiter *l, uint16_t at)
{
    uint16_t *link = chain_of(l, l->entry[at].key);
    while (*link != at)
        link = &l->entry[*link].next;
    *link = l->entry[at].next;
    l->entry[at].used = 0;
}

static void leave_order(TlLimiter *l, uint16_t at)
{
    const Entry *e = &l->entry[at];
    *(e->older != NONE ? &l->entry[e->older].newer : &l->oldest) = e->newer;
    *(e->newer != NONE ? &l->entry[e->newer].older : &l->newest) = e->older;
}

static void make_newest(TlLimiter *l, uint16_t at)
{
    leave_order(l, at);
    l->entry[at].older = l->newest;
    l->entry[at].newer = NONE;
    *(l->newest != NONE ? &l->entry[l->newest].newer : &l->oldest) = at;
    l->newest = at;
}

static void make_oldest(TlLimiter *l, uint16_t at)
{
    leave_order(l, at);
    l->entry[at].newer = l->oldest;
    l->entry[at].older = NONE;
    *(l->oldest != NONE ? &l->entry[l->oldest].older : &l->newest) = at;
    l->oldest = at;
}

static Entry *find_or_add(TlLimiter *l, TlLimiterKey key)
{
    uint16_t at = find(l, key);
    if (at == NONE) {
        at = l->oldest;
        if (l->entry[at].used)
            leave_chain(l, at);
        uint16_t *head = chain_of(l, key);
        l->entry[at].key = key;
        l->entry[at].paid_us = INT64_MIN;
        l->entry[at].closed = 0;
        l->entry[at].used = 1;
        l->entry[at].next = *head;
        *head = at;
    }
    make_newest(l, at);
    return &l->entry[at];
}

// --- the limit

int tl_limiter_refused(TlLimiter *l, TlLimiterKey key, int64_t now_us)
{
    if (!l)
        return 0;
    pthread_mutex_lock(&l->mutex);
    Entry *e = find_or_add(l, key);
    int was_closed = e->closed && now_us < e->paid_us;
    if (!was_closed) {
        e->paid_us = (e->paid_us > now_us ? e->paid_us : now_us) + l->cost_us;
        e->closed = e->paid_us + l->cost_us > now_us + TL_LIMITER_WINDOW_US; // no room for another one
        if (e->closed)
            e->paid_us = now_us + TL_LIMITER_WINDOW_US;
    }
    int is_new = !was_closed && e->closed;
    pthread_mutex_unlock(&l->mutex);
    return is_new;
}

int tl_limiter_is_closed(TlLimiter *l, TlLimiterKey key, int64_t now_us)
{
    if (!l)
        return 0;
    pthread_mutex_lock(&l->mutex);
    uint16_t at = find(l, key);
    int is_closed = at != NONE && l->entry[at].closed && now_us < l->entry[at].paid_us;
    if (is_closed)
        make_newest(l, at); // who still knocks is not forgotten
    pthread_mutex_unlock(&l->mutex);
    return is_closed;
}

void tl_limiter_forgive(TlLimiter *l, TlLimiterKey key)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->mutex);
    uint16_t at = find(l, key);
    if (at != NONE) {
        leave_chain(l, at);
        make_oldest(l, at);
    }
    pthread_mutex_unlock(&l->mutex);
}
