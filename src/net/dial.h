/* net/dial.h: a connection to somebody else's listener.
 *
 * Does not know: TLS, what is said.
 * Thread: any; resolving blocks it.
 */
#ifndef STOA_NET_DIAL_H
#define STOA_NET_DIAL_H

#include "net/address.h"

#define STOA_DIAL_ADDRESSES_MAX 8

/* All addresses of a host: a name, or an IPv4 or IPv6 address, terminated. In the order in which the system wants them
 * tried (RFC 6724). A name is looked up, which blocks for as long as the system's resolver takes.
 * Errors: STOA_E_NOT_FOUND  the name does not resolve; STOA_E_MEMORY
 *         STOA_E_SYSTEM     the system's resolver failed, errno tells */
int stoa_dial_resolve(const char *host, uint16_t port, struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX],
                      size_t *out_count);

/* An IPv4 or IPv6 address as text becomes an address: nothing is looked up, nothing blocks. False for anything else. */
bool stoa_dial_literal(const char *host, uint16_t port, struct stoa_address *out_address);

/* Begin to connect. The descriptor is non-blocking and close-on-exec; when it is writable, stoa_dial_result() tells
 * what has become of it. Errors: STOA_E_SYSTEM  refused at once, errno tells */
int stoa_dial_start(const struct stoa_address *address, int *out_fd);
/* Errors: STOA_E_SYSTEM  no connection, errno tells */
int stoa_dial_result(int fd);

#endif
