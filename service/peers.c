// A list of connections over the table of limited addresses (limiter.h).
#include "peers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <touchline/log.h>

#include "base/clock.h"
#include "base/mem.h"
#include "limiter.h"

enum { LIMITED_ADDRESSES = 1024 };
static const int64_t REPORT_EVERY_US = 60000000;

struct TlPeer {
    TlPeer *next, *previous;
    int fd;
    int waits;           // for its answer: the miner's time is not held against it
    atomic_int is_ended; // to make room; also read without the mutex
    int64_t since_us;    // begin of the request or of the answer
    TlLimiterKey key;
    int settled; // a request of it was answered as it should, or is counted against its address
};

struct TlPeers {
    pthread_mutex_t mutex; // guards the list, waits and since_us; a leaf
    TlPeer *first;
    TlMetrics *metrics;
    TlLimiter *limiter;       // NULL: nobody is limited
    int reported, unreported; // event thread only, and so is reported_us
    int64_t reported_us;
    int64_t crowd_us; // of the last line about a crowd, 0 = none; listener's thread only
    atomic_int quiescing;
};

TlPeers *tl_peers_create(TlMetrics *metrics, int refusals)
{
    TlPeers *peers = tl_calloc(1, sizeof *peers);
    if (!peers)
        return NULL;
    pthread_mutex_init(&peers->mutex, NULL);
    peers->metrics = metrics;
    peers->limiter = refusals > 0 ? tl_limiter_create(LIMITED_ADDRESSES, refusals) : NULL;
    if (refusals > 0 && !peers->limiter)
        tl_peers_destroy(&peers);
    return peers;
}

void tl_peers_destroy(TlPeers **peers)
{
    if (!*peers)
        return;
    tl_limiter_destroy(&(*peers)->limiter);
    pthread_mutex_destroy(&(*peers)->mutex);
    tl_free(peers);
}

void tl_peers_quiesce(TlPeers *peers)
{
    atomic_store(&peers->quiescing, 1);
}

TlPeer *tl_peers_add(TlPeers *peers, int fd, const struct sockaddr *address)
{
    TlPeer *peer = tl_calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->fd = fd;
    peer->since_us = tl_now_us();
    peer->key = tl_limiter_key(address);
    pthread_mutex_lock(&peers->mutex);
    peer->next = peers->first;
    if (peer->next)
        peer->next->previous = peer;
    peers->first = peer;
    pthread_mutex_unlock(&peers->mutex);
    return peer;
}

void tl_peers_remove(TlPeers *peers, TlPeer **out)
{
    TlPeer *peer = *out;
    if (!peer)
        return;
    if (!peer->settled)
        tl_peers_count_against(peers, peer);
    pthread_mutex_lock(&peers->mutex);
    *(peer->previous ? &peer->previous->next : &peers->first) = peer->next;
    if (peer->next)
        peer->next->previous = peer->previous;
    pthread_mutex_unlock(&peers->mutex);
    tl_free(out);
}

void tl_peers_wait(TlPeers *peers, TlPeer *peer, int waits)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peers->mutex);
    peer->waits = waits;
    peer->since_us = tl_now_us();
    pthread_mutex_unlock(&peers->mutex);
}

void tl_peers_settle(TlPeer *peer)
{
    if (peer)
        peer->settled = 1;
}

// One line a minute, however many addresses there are.
static void report_limit(TlPeers *peers, TlLimiterKey key, int64_t now_us)
{
    char address[TL_LIMITER_TEXT], more[64] = "";
    if (peers->reported && now_us - peers->reported_us < REPORT_EVERY_US) {
        peers->unreported++;
        return;
    }
    if (peers->unreported)
        snprintf(more, sizeof more, "; %d more such limit%s since the last line", peers->unreported,
                 peers->unreported == 1 ? "" : "s");
    tl_limiter_key_text(key, address);
    tl_log(TL_LOG_WARNING, "New connections of %s are closed for %d s: too many refused or broken requests%s", address,
           TL_LIMITER_WINDOW_US / 1000000, more);
    peers->reported = 1;
    peers->reported_us = now_us;
    peers->unreported = 0;
}

static void report_crowd(TlPeers *peers, TlLimiterKey key)
{
    char address[TL_LIMITER_TEXT];
    int64_t now_us = tl_now_us();
    if (peers->crowd_us && now_us - peers->crowd_us < REPORT_EVERY_US)
        return;
    peers->crowd_us = now_us;
    tl_limiter_key_text(key, address);
    tl_log(TL_LOG_WARNING, "All connections are taken, most by %s: its oldest are closed to make room for others",
           address);
}

int tl_peers_count_against(TlPeers *peers, TlPeer *peer)
{
    int64_t now_us = tl_now_us();
    if (!peer || atomic_load(&peers->quiescing) || atomic_load(&peer->is_ended)) // we are the ones who break off
        return 0;
    peer->settled = 1;
    if (tl_limiter_refused(peers->limiter, peer->key, now_us)) {
        tl_metrics_limit(peers->metrics);
        report_limit(peers, peer->key, now_us);
    }
    return tl_limiter_is_closed(peers->limiter, peer->key, now_us);
}

void tl_peers_forgive(TlPeers *peers, const TlPeer *peer)
{
    if (peer)
        tl_limiter_forgive(peers->limiter, peer->key);
}

int tl_peers_is_wanted(TlPeers *peers, const struct sockaddr *address)
{
    int is_closed = tl_limiter_is_closed(peers->limiter, tl_limiter_key(address), tl_now_us());
    if (is_closed)
        tl_metrics_limited_connection(peers->metrics);
    return !is_closed;
}

// The address with the most connections that may be ended, among equals the one that we wait for longest; 0 of them
// when there are none.
static int greediest(const TlPeers *peers, TlLimiterKey *key)
{
    const TlPeer *chosen = NULL;
    int most = 0;
    for (const TlPeer *peer = peers->first; peer; peer = peer->next) {
        int count = 0;
        for (const TlPeer *other = peer; other && !peer->waits; other = other->next)
            count += other->key == peer->key && !other->waits;
        if (count > most || (chosen && count == most && peer->since_us < chosen->since_us)) {
            most = count;
            chosen = peer;
        }
    }
    *key = chosen ? chosen->key : 0;
    return most;
}

void tl_peers_make_room(TlPeers *peers, int most)
{
    TlLimiterKey key = 0;
    int ended = 0;
    pthread_mutex_lock(&peers->mutex);
    for (const TlPeer *peer = peers->first; peer; peer = peer->next)
        if (atomic_load(&peer->is_ended) && !peer->waits)
            most = 0;
    int left = most > 0 ? greediest(peers, &key) : 0;
    if (most > (left + 1) / 2) // a request of an honest neighbour may be among the newest
        most = (left + 1) / 2;
    // New ones are put in front, and what was begun anew stays where it is: the order is nearly that of their age.
    for (TlPeer *peer = peers->first; peer && left > 0; peer = peer->next) {
        if (peer->waits || peer->key != key)
            continue;
        if (left-- <= most) {
            atomic_store(&peer->is_ended, 1);
            shutdown(peer->fd, SHUT_RDWR);
            ended++;
        }
    }
    pthread_mutex_unlock(&peers->mutex);
    if (ended > 0) {
        tl_metrics_crowded(peers->metrics, ended);
        report_crowd(peers, key);
    }
}

void tl_peers_sweep(TlPeers *peers, double limit_s)
{
    int64_t oldest_us = tl_now_us() - (int64_t)(limit_s * 1e6);
    pthread_mutex_lock(&peers->mutex);
    // A peer is in the list only while its socket is open, so the descriptor is its own.
    for (const TlPeer *peer = peers->first; peer; peer = peer->next)
        if (!peer->waits && peer->since_us < oldest_us)
            shutdown(peer->fd, SHUT_RDWR);
    pthread_mutex_unlock(&peers->mutex);
}
