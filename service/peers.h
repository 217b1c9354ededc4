// The open connections: who is on the other side, since when, and what is held against its address.
//
// The event thread adds, removes and counts; tl_peers_sweep, tl_peers_is_wanted and tl_peers_make_room may be called
// from other threads. A TlPeer may be NULL everywhere (there was no memory for it): it is served all the same, only not
// swept or counted.
#ifndef TL_SERVICE_PEERS_H
#define TL_SERVICE_PEERS_H

#include <sys/socket.h>

#include "metrics.h"

typedef struct TlPeers TlPeers;
typedef struct TlPeer TlPeer;

// refusals: of an address in 10 s that close it for 10 s, 0 = no limit. metrics must outlive it. NULL: out of memory.
TlPeers *tl_peers_create(TlMetrics *metrics, int refusals);
void tl_peers_destroy(TlPeers **peers);
void tl_peers_quiesce(TlPeers *peers); // from now on nothing counts: we are the ones who break off

TlPeer *tl_peers_add(TlPeers *peers, int fd, const struct sockaddr *address); // fd: open until it is removed
// Frees and nulls it. A connection of which nothing made sense counts as one broken request.
void tl_peers_remove(TlPeers *peers, TlPeer **peer);

// 1: the peer waits for us, 0: we wait for it. Begins the time of tl_peers_sweep anew.
void tl_peers_wait(TlPeers *peers, TlPeer *peer, int waits);
// A request of it was answered as it should.
void tl_peers_settle(TlPeer *peer);
// A request was refused for what it is, or broken off. 1: the peer's address is limited.
int tl_peers_count_against(TlPeers *peers, TlPeer *peer);
// A challenge of it was taken: its address owes nothing.
void tl_peers_forgive(TlPeers *peers, const TlPeer *peer);

int tl_peers_is_wanted(TlPeers *peers,
                       const struct sockaddr *address); // 0: its connection is to be closed, and counted
// Everything is full: ends the oldest connections, at most `most`, of the address that has most of those that do not
// wait for an answer (among equals the one that was quiet for longest), so that a few addresses cannot shut out all
// others. Nothing while those of the last call are not gone yet.
void tl_peers_make_room(TlPeers *peers, int most);
// Ends the connections that we wait for longer than limit_s.
void tl_peers_sweep(TlPeers *peers, double limit_s);

#endif
