/* net/conn.h: one connection, plain or TLS, behind one interface.
 *
 * Does not know: what the bytes mean; queues; time.
 * Thread: the worker's. Lifetime: embedded in its owner, from init to close.
 */
#ifndef STOA_NET_CONN_H
#define STOA_NET_CONN_H

#include "loop/loop.h"

#include <stoa/bytes.h>
#include <stoa/certificate.h>
#include <sys/uio.h>

struct stoa_tls;         /* one connection's TLS state */
struct stoa_tls_context; /* certificate and options, shared */

struct stoa_conn {
  struct stoa_io io;
  struct stoa_tls *tls; /* NULL: plain */
};

/* Take over a connected, non-blocking descriptor. With a context the connection uses TLS, and the first reads do the
 * handshake. Errors: STOA_E_MEMORY, STOA_E_TLS; the caller still owns the descriptor then. */
int stoa_conn_init(struct stoa_conn *conn, int fd, struct stoa_tls_context *tls_context,
                   void (*on_ready)(struct stoa_io *io, uint32_t events));

/* Change a plain connection to TLS. Errors: STOA_E_MEMORY, STOA_E_TLS; it is still plain then */
int stoa_conn_start_tls(struct stoa_conn *conn, struct stoa_tls_context *tls_context);

/* Read without removing the bytes; plain connections only. Errors: as stoa_conn_read() */
int stoa_conn_peek(struct stoa_conn *conn, void *data, size_t size, size_t *out_len);
/* Read the available bytes, at most `size`.
 * Errors: STOA_E_AGAIN   nothing now: wait for stoa_conn_read_events(); STOA_E_CLOSED  the peer ended its side
 *         STOA_E_SYSTEM  the connection failed; STOA_E_TLS  the peer broke the protocol */
int stoa_conn_read(struct stoa_conn *conn, void *data, size_t size, size_t *out_len);
/* True when TLS has decrypted bytes that were not read: read again before waiting for the descriptor. */
bool stoa_conn_pending(const struct stoa_conn *conn);

/* True while the TLS handshake is not complete. False for a plain connection. */
bool stoa_conn_handshaking(const struct stoa_conn *conn);
/* The certificate of the client, or NULL; valid as long as the connection. */
const struct stoa_certificate *stoa_conn_peer_certificate(const struct stoa_conn *conn);
/* "TLSv1.2" or "TLSv1.3" after the handshake; NULL for a plain connection. */
const char *stoa_conn_tls_version(const struct stoa_conn *conn);
/* True when received bytes, decrypted or not, were not read yet. */
bool stoa_conn_has_input(const struct stoa_conn *conn);
/* How many sent bytes the peer's kernel has acknowledged, and how many it has not; both 0 where the system does not
 * report it (unix sockets). */
uint64_t stoa_conn_acked_bytes(const struct stoa_conn *conn);
size_t stoa_conn_unacked_bytes(const struct stoa_conn *conn);

/* Write some of the pieces, in order.
 * Errors: STOA_E_AGAIN  nothing was taken; wait for EPOLLOUT; STOA_E_SYSTEM, STOA_E_TLS  the connection failed */
int stoa_conn_write(struct stoa_conn *conn, const struct iovec *pieces, size_t count, size_t *out_len);

/* How many bytes of the last write were reported as not taken although TLS has put them into a record already. The next
 * write must offer the same bytes again. 0 for a plain connection. */
size_t stoa_conn_promised(const struct stoa_conn *conn);

/* The events to watch: those that reading needs (when wanted), and EPOLLOUT when there is output to write. */
uint32_t stoa_conn_events(const struct stoa_conn *conn, bool want_read, bool want_write);

/* Shut our side (close_notify, FIN); reading goes on. */
void stoa_conn_shutdown(struct stoa_conn *conn);
/* Stop watching and close the descriptor. Twice is fine. */
void stoa_conn_close(struct stoa_conn *conn, struct stoa_loop *loop);

#endif
