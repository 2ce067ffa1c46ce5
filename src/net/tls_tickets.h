/* net/tls_tickets.h: the keys of session tickets (RFC 8446 4.6.1, RFC 5077): made here, kept in memory only, replaced
 * after a fixed time.
 *
 * A ticket is sealed by the current key; the key before it still opens tickets, and such a client gets a new one. So a
 * ticket is accepted for one rotation at least and for two at most. With TLS 1.3 every connection has a key exchange of
 * its own, so stolen ticket keys do not decrypt it; with TLS 1.2 they do, for the tickets that they sealed.
 *
 * Thread: any; a lock is held for the copy of a key. Lifetime: counted; contexts of one listener share the keys, one
 * after the other.
 */
#ifndef STOA_NET_TLS_TICKETS_H
#define STOA_NET_TLS_TICKETS_H

#include "base/clock.h"

#include <openssl/ssl.h>

struct stoa_tls_tickets;

/* clock  borrowed. NULL when memory is out, or when there are no random bytes */
struct stoa_tls_tickets *stoa_tls_tickets_create(const struct stoa_clock *clock, uint32_t rotation_s);
struct stoa_tls_tickets *stoa_tls_tickets_ref(struct stoa_tls_tickets *tickets);
/* NULL is fine. */
void stoa_tls_tickets_unref(struct stoa_tls_tickets *tickets);
/* Change the time between two keys, which counts from the current key's birth. */
void stoa_tls_tickets_set_rotation(struct stoa_tls_tickets *tickets, uint32_t rotation_s);

/* Let a context seal and open its tickets by the keys of the connection's context. */
void stoa_tls_tickets_use(SSL_CTX *ssl, uint32_t rotation_s);

#endif
