/* server/peers.h: how many connections each address has, over all workers.
 *
 * Thread: any; one mutex, taken when a connection comes or goes, never on the way of a message.
 */
#ifndef STOA_SERVER_PEERS_H
#define STOA_SERVER_PEERS_H

#include "base/map.h"
#include "session/session.h"

#include <pthread.h>

struct stoa_peers {
  pthread_mutex_t mutex;
  struct stoa_map counts;
};

/* Errors: STOA_E_SYSTEM */
int stoa_peers_init(struct stoa_peers *peers);
void stoa_peers_fini(struct stoa_peers *peers);
/* One more connection of this address; *out_count is how many there are with it. Errors: STOA_E_MEMORY */
int stoa_peers_add(struct stoa_peers *peers, const struct stoa_peer *peer, uint32_t *out_count);
uint32_t stoa_peers_count(struct stoa_peers *peers, const struct stoa_peer *peer);
void stoa_peers_remove(struct stoa_peers *peers, const struct stoa_peer *peer);

/* The address of an accepted connection, IPv4 mapped into IPv6; all zero for a unix socket. */
struct stoa_peer stoa_peer_of(const struct sockaddr_storage *address);
bool stoa_peer_is_loopback(const struct stoa_peer *peer);
/* "192.0.2.1", "2001:db8::1", or "unix"; terminated. */
void stoa_peer_format(const struct stoa_peer *peer, char out_text[INET6_ADDRSTRLEN]);

#endif
