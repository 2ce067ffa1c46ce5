/* net/tls.h: TLS 1.2 and 1.3 by OpenSSL 3, without renegotiation; buffers are released while idle.
 *
 * Of a server's connection OpenSSL does the handshake. When TLS 1.3 is agreed its state is freed, and records are made
 * and opened here, by OpenSSL's ciphers: a connection is 400 bytes then instead of 14 KB. Clients and TLS 1.2 keep it.
 *
 * Thread: a context is made once and used by all workers; a connection belongs to its worker.
 * Lifetime: contexts are counted, so that a server can take a new one while old connections live.
 */
#ifndef STOA_NET_TLS_H
#define STOA_NET_TLS_H

#include "net/conn.h"

#include <stoa/certificate.h>

/* A context is made by net/tls_server.h or net/tls_client.h, with one reference. A connection has one too while OpenSSL
 * has a state for it. Any thread. */
struct stoa_tls_context *stoa_tls_context_ref(struct stoa_tls_context *context);
/* NULL is fine. */
void stoa_tls_context_unref(struct stoa_tls_context *context);

/* The DNS names that a server's certificates are for (RFC 5280 4.2.1.6), in small letters; owned by the context.
 * Perhaps with a star for a label, perhaps none. */
const struct stoa_string *stoa_tls_context_names(const struct stoa_tls_context *context, size_t *out_count);
/* How many certificates a server's context has. */
size_t stoa_tls_context_certificate_count(const struct stoa_tls_context *context);

/* Is a server's certificate valid at that time, in seconds since 1970? Only the first certificate of its chain is
 * checked. */
enum stoa_tls_validity { STOA_TLS_VALID, STOA_TLS_NOT_YET_VALID, STOA_TLS_EXPIRED };
enum stoa_tls_validity stoa_tls_context_validity(const struct stoa_tls_context *context, size_t index, int64_t now_s);

/* Errors: STOA_E_MEMORY */
int stoa_tls_create(struct stoa_tls_context *context, int fd, struct stoa_tls **out_tls);
void stoa_tls_destroy(struct stoa_tls *tls);
/* As the functions of conn.h. A server's: by the thread that made the connection. */
int stoa_tls_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len);
int stoa_tls_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len);
size_t stoa_tls_promised(const struct stoa_tls *tls);
bool stoa_tls_pending(const struct stoa_tls *tls);
bool stoa_tls_handshaking(const struct stoa_tls *tls);
/* Reading waits until something can be written (a handshake flight that did not fit). */
bool stoa_tls_wants_write(const struct stoa_tls *tls);
void stoa_tls_shutdown(struct stoa_tls *tls);

/* Of a server's connection after the handshake: the certificate that its client has proved to have, or NULL. Valid as
 * long as the connection. */
const struct stoa_certificate *stoa_tls_peer(const struct stoa_tls *tls);
/* "TLSv1.2" or "TLSv1.3", after the handshake. */
const char *stoa_tls_version(const struct stoa_tls *tls);
/* Did the client present a ticket of an earlier session that was accepted? After the handshake. */
bool stoa_tls_is_resumed(const struct stoa_tls *tls);

/* After a handshake that failed: why the client's certificate was refused. NULL: that was not the reason. */
const char *stoa_tls_refusal(const struct stoa_tls *tls);

/* Many handshakes of this thread's were under way at once, and half of them have ended, since it was asked last: the
 * allocator keeps some 40 KB for each, which malloc_trim(3) gives back. */
bool stoa_tls_take_peak(void);

/* Let OpenSSL allocate through base/memory.h. Works once, before anything else of OpenSSL is used. */
void stoa_tls_memory_setup(void);

/* Free what OpenSSL keeps for this thread. For threads that nobody joins: the process may end before pthreads does it. */
void stoa_tls_thread_end(void);

#endif
