/* tools/stoa/bench_io.h: input and output of a connection, plain or with TLS. */
#ifndef STOA_TOOL_BENCH_IO_H
#define STOA_TOOL_BENCH_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bench_conn.h"

/* As recv() and send(), errno included. */
ssize_t bench_io_recv(struct bench_conn *conn, void *out, size_t cap);
ssize_t bench_io_send(struct bench_conn *conn, const void *data, size_t len);
/* Send two parts with one call. */
ssize_t bench_io_send_parts(struct bench_conn *conn, const void *first, size_t first_len, const void *second,
                            size_t second_len);
/* Is there input that epoll does not report? */
bool bench_io_has_more(const struct bench_conn *conn);

/* Are there bytes that a send has accepted and the socket has not? They are sent when it is writable; until then no
 * other bytes are accepted. */
bool bench_io_unsent(const struct bench_conn *conn);
void bench_io_flush(struct bench_conn *conn);

/* Close the connection. Does nothing when it is not open. */
void bench_io_close(struct bench_conn *conn);

#endif
