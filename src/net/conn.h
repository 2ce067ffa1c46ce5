/* net/conn.h: one connection, plain or TLS, behind one interface.
 *
 * Does not know: what the bytes mean; queues; time.
 * Thread: the worker's. Lifetime: embedded in its owner, from init to close.
 */
#ifndef STOA_NET_CONN_H
#define STOA_NET_CONN_H

#include "loop/loop.h"

#include <stoa/bytes.h>
#include <sys/uio.h>

struct stoa_tls;         /* one connection's TLS state */
struct stoa_tls_context; /* certificate and options, shared */

struct stoa_conn {
  struct stoa_io io;
  struct stoa_tls *tls; /* NULL: plain */
};

/* Take over a connected, non-blocking descriptor. With a context the connection speaks TLS, whose handshake is made
 * by the first reads. Errors: STOA_E_MEMORY, STOA_E_TLS; the descriptor is still the caller's then. */
int stoa_conn_init(struct stoa_conn *conn, int fd, struct stoa_tls_context *tls_context,
                   void (*on_ready)(struct stoa_io *io, uint32_t events));

/* A plain connection speaks TLS from here on. Errors: STOA_E_MEMORY, STOA_E_TLS; it is still plain then */
int stoa_conn_start_tls(struct stoa_conn *conn, struct stoa_tls_context *tls_context);

/* Look at what is there, without taking it; of a plain connection. Errors: as stoa_conn_read() */
int stoa_conn_peek(struct stoa_conn *conn, void *data, size_t size, size_t *out_len);
/* Read what is there, at most `size` bytes.
 * Errors: STOA_E_AGAIN   nothing now: wait for stoa_conn_read_events(); STOA_E_CLOSED  the peer ended its side
 *         STOA_E_SYSTEM  the line broke; STOA_E_TLS  the peer broke the protocol */
int stoa_conn_read(struct stoa_conn *conn, void *data, size_t size, size_t *out_len);
/* Bytes are decrypted and waiting inside: read again before waiting for the descriptor. */
bool stoa_conn_pending(const struct stoa_conn *conn);

/* TLS is not agreed yet. False for a plain connection. */
bool stoa_conn_handshaking(const struct stoa_conn *conn);
/* Something has come that was not read yet, decrypted or not. */
bool stoa_conn_has_input(const struct stoa_conn *conn);
/* How far the peer's kernel has acknowledged what it was sent, and how much it has not; both 0 where the system does
 * not tell (unix sockets). */
uint64_t stoa_conn_acked_bytes(const struct stoa_conn *conn);
size_t stoa_conn_unacked_bytes(const struct stoa_conn *conn);

/* Write some of the pieces, in order.
 * Errors: STOA_E_AGAIN  nothing was taken; wait for EPOLLOUT; STOA_E_SYSTEM, STOA_E_TLS  the line broke */
int stoa_conn_write(struct stoa_conn *conn, const struct iovec *pieces, size_t count, size_t *out_len);

/* How many of the bytes that were offered to the last write, and not taken, are on their way all the same: TLS has made
 * a record of them already. They must be offered again as they were. 0 for a plain connection. */
size_t stoa_conn_promised(const struct stoa_conn *conn);

/* The events to watch: what reading needs (when wanted), and EPOLLOUT when there is something to write. */
uint32_t stoa_conn_events(const struct stoa_conn *conn, bool want_read, bool want_write);

/* Tell the peer that no more will come (close_notify, FIN); reading goes on. */
void stoa_conn_shutdown(struct stoa_conn *conn);
/* Stop watching and close the descriptor. Twice is fine. */
void stoa_conn_close(struct stoa_conn *conn, struct stoa_loop *loop);

#endif
