/* server/peers.h: how many connections and sessions each address has, over all workers, and how often it begins one.
 *
 * An IPv6 address counts with all others of its /64, which is what one subscriber is given. Loopback and unix sockets
 * are not limited unless the limits say so; they are counted all the same.
 * Connections count by the address that the socket tells; sessions and handshakes by the client's, which may be another
 * one behind a proxy. So a proxy's connections and its clients' sessions are entries of their own.
 *
 * Thread: any; one mutex, taken when a connection or session comes or goes, never on the way of a message.
 * Lifetime: an address is remembered while it has connections or sessions, and afterwards until its handshakes are
 *           allowed in full again; of those that only wait for that there are at most STOA_PEERS_RESTING_MAX.
 */
#ifndef STOA_SERVER_PEERS_H
#define STOA_SERVER_PEERS_H

#include "base/map.h"
#include "server/peer.h"

#include <pthread.h>

/* Each is a block of some 80 bytes. Beyond it the longest at rest are forgotten, and may begin anew. */
#define STOA_PEERS_RESTING_MAX 16384u

struct stoa_networks;
struct stoa_peer_entry;

/* Of one address. 0 is no limit. */
struct stoa_peers_limits {
  uint32_t connections_max;
  uint32_t sessions_max;
  uint32_t handshakes_per_s; /* a token bucket of twice as many */
  bool limit_loopback;
  const struct stoa_networks *trusted; /* proxies: not limited themselves. Borrowed until fini; NULL: none */
};

struct stoa_peers {
  pthread_mutex_t mutex;
  struct stoa_peers_limits limits;
  struct stoa_map entries;
  struct stoa_peer_entry *rest_first, *rest_last; /* without connections and sessions, by their last handshake */
  size_t rest_count;
};

/* Errors: STOA_E_SYSTEM */
int stoa_peers_init(struct stoa_peers *peers);
/* Before the first connection. */
void stoa_peers_set_limits(struct stoa_peers *peers, const struct stoa_peers_limits *limits);
void stoa_peers_fini(struct stoa_peers *peers);

/* One more connection of this address. Errors: STOA_E_LIMIT  it has connections_max; STOA_E_MEMORY. Nothing is counted
 * then. */
int stoa_peers_connect(struct stoa_peers *peers, const struct stoa_peer *peer);
/* One that was counted has gone. */
void stoa_peers_disconnect(struct stoa_peers *peers, const struct stoa_peer *peer);

/* The same for sessions: a connection that is upgraded, with sessions_max. */
int stoa_peers_session_begin(struct stoa_peers *peers, const struct stoa_peer *peer);
void stoa_peers_session_end(struct stoa_peers *peers, const struct stoa_peer *peer);

/* May this address begin a session now? A yes is counted against its rate.
 *
 * now_ms        of any monotonic clock, the same one for all calls; workers' clocks may differ by a turn
 * out_retry_ms  after a no: when the next one is due
 * Errors: STOA_E_LIMIT  too many within the last moment; STOA_E_MEMORY */
int stoa_peers_admit_handshake(struct stoa_peers *peers, const struct stoa_peer *peer, uint64_t now_ms,
                               uint32_t *out_retry_ms);

/* What is counted of this address now; for the tests, and for who logs. */
uint32_t stoa_peers_connections(struct stoa_peers *peers, const struct stoa_peer *peer);
uint32_t stoa_peers_sessions(struct stoa_peers *peers, const struct stoa_peer *peer);

#endif
