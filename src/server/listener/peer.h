/* server/listener/peer.h: the address of a client.
 *
 * Thread: any.
 */
#ifndef STOA_SERVER_LISTENER_PEER_H
#define STOA_SERVER_LISTENER_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* 16 bytes, IPv4 mapped into IPv6 (RFC 4291 2.5.5.2); all zero for a unix socket, which is not confused with "::"
 * because nobody connects from there (RFC 4291 2.5.2). For addresses to listen on there is net/address.h. */
struct stoa_peer {
  uint8_t bytes[16];
};

/* The address of an accepted connection, IPv4 mapped into IPv6; all zero for a unix socket. */
struct stoa_peer stoa_peer_of(const struct sockaddr_storage *address);
/* 127.0.0.0/8 or ::1. */
bool stoa_peer_is_loopback(const struct stoa_peer *peer);
/* Of this machine: loopback, or a unix socket. */
bool stoa_peer_is_local(const struct stoa_peer *peer);
bool stoa_peer_is_unix(const struct stoa_peer *peer);
bool stoa_peer_is_ipv4(const struct stoa_peer *peer);
/* "192.0.2.1", "2001:db8::1", or "unix"; terminated. */
void stoa_peer_format(const struct stoa_peer *peer, char out_text[INET6_ADDRSTRLEN]);

#endif
