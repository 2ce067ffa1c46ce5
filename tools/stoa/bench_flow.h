/* tools/stoa/bench_flow.h: the output of a connection.
 *
 * Sender and sequence number determine a message's bytes, so nothing is queued: what a full socket did not accept is
 * built again later.
 */
#ifndef STOA_TOOL_BENCH_FLOW_H
#define STOA_TOOL_BENCH_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_conn.h"

struct bench_outlet {
  const struct bench_message *message;
  int epoll_fd;
  uint8_t *scratch; /* frames are built here, many for one send() */
  size_t scratch_cap;
};

/* Returns false when memory is out. Borrows `message`. */
bool bench_outlet_init(struct bench_outlet *outlet, const struct bench_message *message, int epoll_fd);
void bench_outlet_fini(struct bench_outlet *outlet);

/* Send all messages up to the flow's target, and a waiting pong, as far as the socket accepts them; the rest follows
 * when it is writable. An error ends the sending; the next read reports it. */
void bench_flow_send(struct bench_outlet *outlet, struct bench_conn *conn);
/* The socket has room again. */
void bench_flow_writable(struct bench_outlet *outlet, struct bench_conn *conn);

/* Answer a ping, at once or at the end of the frame being sent. RFC 6455 5.5.3: only the latest needs an answer. */
void bench_flow_pong(struct bench_outlet *outlet, struct bench_conn *conn, const uint8_t *payload, size_t len);
/* Send our close frame. Returns false when it could not be sent. */
bool bench_flow_close(struct bench_outlet *outlet, struct bench_conn *conn);

#endif
