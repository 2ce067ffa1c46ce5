/* server/listener/peers.h: counts connections and sessions of each address, over all workers, and limits its
 * handshakes.
 *
 * All IPv6 addresses of one /64 count together, because one subscriber gets a /64. Loopback and unix sockets are
 * counted, but limited only if the limits say so. Connections count for the socket's address; sessions and handshakes
 * for the client's, which behind a proxy is another one. So a proxy's connections and its clients' sessions are
 * separate entries.
 *
 * Thread: any; one mutex, taken when a connection or session begins or ends, never for a message.
 * Lifetime: an entry exists while the address has connections or sessions, and then until its full burst of handshakes
 *           is allowed again. At most STOA_PEERS_RESTING_MAX entries wait only for that.
 */
#ifndef STOA_SERVER_LISTENER_PEERS_H
#define STOA_SERVER_LISTENER_PEERS_H

#include "base/map.h"
#include "server/listener/peer.h"

#include <pthread.h>

/* Each is a block of some 80 bytes. Beyond the limit the entries longest at rest are freed, and their addresses start
 * with a full burst. */
#define STOA_PEERS_RESTING_MAX 16384u

struct stoa_networks;
struct stoa_peer_entry;

/* Limits of one address. 0 is no limit. */
struct stoa_peers_limits {
  uint32_t connections_max;
  uint32_t sessions_max;
  uint32_t handshakes_per_s; /* a token bucket of twice as many */
  bool limit_loopback;
  const struct stoa_networks
      *trusted; /* proxies: not limited themselves. Borrowed until the limits are replaced, or fini; NULL: none */
};

struct stoa_peers {
  pthread_mutex_t mutex;
  struct stoa_peers_limits limits;
  struct stoa_map entries;
  struct stoa_peer_entry *rest_first, *rest_last; /* without connections, sessions; by last handshake */
  size_t rest_count;
};

/* Errors: STOA_E_SYSTEM */
int stoa_peers_init(struct stoa_peers *peers);
/* From now on; who is counted already stays. Any thread. */
void stoa_peers_set_limits(struct stoa_peers *peers, const struct stoa_peers_limits *limits);
void stoa_peers_fini(struct stoa_peers *peers);

/* Count one more connection of this address. Errors: STOA_E_LIMIT  it has connections_max; STOA_E_MEMORY. Nothing is
 * counted then. */
int stoa_peers_connect(struct stoa_peers *peers, const struct stoa_peer *peer);
/* A counted connection has ended. */
void stoa_peers_disconnect(struct stoa_peers *peers, const struct stoa_peer *peer);

/* The same for sessions: a connection that is upgraded, with sessions_max. */
int stoa_peers_session_begin(struct stoa_peers *peers, const struct stoa_peer *peer);
void stoa_peers_session_end(struct stoa_peers *peers, const struct stoa_peer *peer);

/* May this address begin a session now? If so, it counts against its rate.
 *
 * now_ms        from any monotonic clock, the same one for all calls; workers' clocks may differ by a turn
 * out_retry_ms  if not: when the next handshake is allowed
 * Errors: STOA_E_LIMIT  too many within the last moment; STOA_E_MEMORY */
int stoa_peers_admit_handshake(struct stoa_peers *peers, const struct stoa_peer *peer, uint64_t now_ms,
                               uint32_t *out_retry_ms);

/* The address under which this one counts. */
struct stoa_peer stoa_peers_key(const struct stoa_peer *peer);

/* The current counts of this address; for tests and the log. */
uint32_t stoa_peers_connections(struct stoa_peers *peers, const struct stoa_peer *peer);
uint32_t stoa_peers_sessions(struct stoa_peers *peers, const struct stoa_peer *peer);

#endif
