/* server/peer.h: the address of a client.
 *
 * Thread: any.
 */
#ifndef STOA_SERVER_PEER_H
#define STOA_SERVER_PEER_H

#include "session/session.h"

/* The address of an accepted connection, IPv4 mapped into IPv6; all zero for a unix socket. */
struct stoa_peer stoa_peer_of(const struct sockaddr_storage *address);
bool stoa_peer_is_loopback(const struct stoa_peer *peer);
bool stoa_peer_is_unix(const struct stoa_peer *peer);
bool stoa_peer_is_ipv4(const struct stoa_peer *peer);
/* "192.0.2.1", "2001:db8::1", or "unix"; terminated. */
void stoa_peer_format(const struct stoa_peer *peer, char out_text[INET6_ADDRSTRLEN]);

#endif
