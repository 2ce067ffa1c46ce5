/* net/address.h: parses an address, to listen on or to connect to, from its text into socket addresses.
 *
 *   host:port        an IPv4 address, or a name: all addresses of the name
 *   [::1]:port       an IPv6 address; [::]:port takes IPv4 too, whatever net.ipv6.bindv6only says
 *   :port            every address of the machine: IPv6 and IPv4, or IPv4 alone where there is no IPv6
 *   unix:/path       a unix socket
 *   fd:3, fd:NAME    a listening socket that this process was given, by its number or name
 *
 * Each may start with "ws://" or "wss://". Port 0 takes a free port.
 * Does not know: sockets; whether this machine has the address.
 * Thread: any; parsing a name blocks for as long as the system's resolver takes.
 */
#ifndef STOA_NET_ADDRESS_H
#define STOA_NET_ADDRESS_H

#include <netinet/in.h>
#include <stoa/bytes.h>
#include <stoa/status.h>
#include <sys/socket.h>
#include <sys/un.h>

/* One socket address. */
struct stoa_address {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
  } socket;
  socklen_t len;
  bool ipv6_only; /* [::] without IPv4, which another listener serves. False: with IPv4 */
};

#define STOA_ADDRESS_LIST_MAX 8

enum stoa_address_form {
  STOA_ADDRESS_LITERAL, /* an address: one item */
  STOA_ADDRESS_EVERY,   /* a port alone: one item, [::] */
  STOA_ADDRESS_NAME,    /* a name: its addresses, each once, in the system's order (RFC 6724) */
  STOA_ADDRESS_PATH,    /* a unix socket: one item */
  STOA_ADDRESS_GIVEN    /* a socket that exists already: one item, of the family AF_UNSPEC, and its name */
};

enum stoa_address_scheme { STOA_ADDRESS_NO_SCHEME, STOA_ADDRESS_WS, STOA_ADDRESS_WSS };

/* The addresses of one text. */
struct stoa_address_list {
  enum stoa_address_form form;
  enum stoa_address_scheme scheme;
  size_t count;            /* at least 1 */
  struct stoa_string name; /* of a given socket, borrowed from the text that was parsed; else empty */
  struct stoa_address items[STOA_ADDRESS_LIST_MAX];
};

#define STOA_ADDRESS_TEXT_SIZE 128

/* A mapped IPv4 address (::ffff:192.0.2.1) becomes an IPv4 address.
 * Errors: STOA_E_SYNTAX  not one of the forms; STOA_E_NOT_FOUND  the name does not resolve */
int stoa_address_parse(struct stoa_string text, struct stoa_address_list *out_list);

/* "127.0.0.1:7700", "[::1]:7700", "unix:/run/stoa.sock"; terminated. */
void stoa_address_format(const struct stoa_address *address, char out_text[STOA_ADDRESS_TEXT_SIZE]);

/* All zero bits: 0.0.0.0 or [::]. */
bool stoa_address_is_any(const struct stoa_address *address);
/* 127.0.0.0/8 or ::1: only this machine can connect to a socket there. Not unix sockets. */
bool stoa_address_is_loopback(const struct stoa_address *address);
/* 0 for a unix socket and for a given one. */
uint16_t stoa_address_port(const struct stoa_address *address);
void stoa_address_set_port(struct stoa_address *address, uint16_t port);
/* Change it to 0.0.0.0 and keep the port. */
void stoa_address_to_ipv4(struct stoa_address *address);
/* Does a socket at `wide` accept every connection that one at `narrow` would accept? Then the two cannot be bound at
 * the same time. Port 0, a free port, covers nothing. */
bool stoa_address_covers(const struct stoa_address *wide, const struct stoa_address *narrow);

#endif
