/* net/dial.h: connects to a listener of another program.
 *
 * Does not know: TLS, the protocol.
 * Thread: any; resolving blocks it.
 */
#ifndef STOA_NET_DIAL_H
#define STOA_NET_DIAL_H

#include "net/address.h"

#define STOA_DIAL_ADDRESSES_MAX 8

/* All addresses of a host: a name, or an IPv4 or IPv6 address, terminated. Their order is the one in which to try them
 * (RFC 6724). A name is looked up, which blocks for as long as the system's resolver takes.
 * Errors: STOA_E_NOT_FOUND  the name does not resolve; STOA_E_MEMORY
 *         STOA_E_SYSTEM     the system's resolver failed, errno says why */
int stoa_dial_resolve(const char *host, uint16_t port, struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX],
                      size_t *out_count);

/* Parse an IPv4 or IPv6 address without a lookup; never blocks. False for anything else. */
bool stoa_dial_literal(const char *host, uint16_t port, struct stoa_address *out_address);

/* Begin to connect. The descriptor is non-blocking and close-on-exec; when it is writable, call stoa_dial_result().
 * Errors: STOA_E_SYSTEM  refused at once, errno says why */
int stoa_dial_start(const struct stoa_address *address, int *out_fd);
/* The result of a connect that has ended. Errors: STOA_E_SYSTEM  no connection, errno says why */
int stoa_dial_result(int fd);

#endif
