#include "bench_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench_io.h"

enum {
  SCRATCH_LEN = 256 * 1024,
  WHOLE_FRAME_MAX = 32 * 1024, /* longer frames are not copied: their common part is sent in place */
  CONTROL_FRAME_MAX = BENCH_CONTROL_MAX + 6,
  OPCODE_CLOSE = 8,
  OPCODE_PONG = 10,
};

bool bench_outlet_init(struct bench_outlet *outlet, const struct bench_message *message, int epoll_fd) {
  *outlet = (struct bench_outlet){.message = message, .epoll_fd = epoll_fd, .scratch_cap = SCRATCH_LEN};
  outlet->scratch = malloc(SCRATCH_LEN);
  return outlet->scratch != NULL;
}

void bench_outlet_fini(struct bench_outlet *outlet) {
  free(outlet->scratch);
  outlet->scratch = NULL;
}

static void watch(const struct bench_outlet *outlet, const struct bench_conn *conn, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = conn->stream.id};
  epoll_ctl(outlet->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
}

/* The socket is full: continue when it has room. */
static void block(const struct bench_outlet *outlet, struct bench_conn *conn) {
  conn->flow.blocked = true;
  watch(outlet, conn, EPOLLIN | EPOLLOUT);
}

/* Advance by the bytes that were sent: whole frames and a part of one. */
static void advance(struct bench_outlet *outlet, struct bench_conn *conn, size_t offered, ssize_t sent) {
  struct bench_flow *flow = &conn->flow;
  if (sent > 0) {
    size_t total = flow->offset + (size_t)sent;
    flow->next += (uint32_t)(total / outlet->message->masked_len);
    flow->offset = total % outlet->message->masked_len;
  }
  if (sent == (ssize_t)offered && !bench_io_unsent(conn)) {
    return;
  }
  flow->blocked = true;
  if (sent >= 0 || errno == EAGAIN) {
    block(outlet, conn);
  }
}

static void send_small(struct bench_outlet *outlet, struct bench_conn *conn) {
  const struct bench_flow *flow = &conn->flow;
  size_t frame_len = outlet->message->masked_len;
  size_t room = outlet->scratch_cap / frame_len;
  size_t count = flow->target - flow->next;
  count = count < room ? count : room;
  for (size_t i = 0; i < count; i++) {
    bench_message_write(outlet->message, conn->stream.id, flow->next + (uint32_t)i, outlet->scratch + i * frame_len);
  }
  size_t len = count * frame_len - flow->offset;
  advance(outlet, conn, len, bench_io_send(conn, outlet->scratch + flow->offset, len));
}

static void send_large(struct bench_outlet *outlet, struct bench_conn *conn) {
  const struct bench_message *message = outlet->message;
  const struct bench_flow *flow = &conn->flow;
  uint8_t lead[BENCH_LEAD_MAX];
  size_t lead_len = message->masked_marker_at + BENCH_MARKER_LEN;
  bench_message_write_lead(message, conn->stream.id, flow->next, lead);
  size_t lead_at = flow->offset < lead_len ? flow->offset : lead_len;
  size_t rest_at = flow->offset < lead_len ? lead_len : flow->offset;
  ssize_t sent = bench_io_send_parts(conn, lead + lead_at, lead_len - lead_at, message->masked + rest_at,
                                     message->masked_len - rest_at);
  advance(outlet, conn, message->masked_len - flow->offset, sent);
}

/* A pong that the socket does not accept as a whole is dropped: half a frame would corrupt the stream. */
static void send_pong(const struct bench_outlet *outlet, struct bench_conn *conn) {
  if (conn->pong_len == 0 || conn->flow.offset > 0 || conn->flow.blocked) {
    return;
  }
  bench_io_send(conn, conn->pong, conn->pong_len);
  conn->pong_len = 0;
  if (bench_io_unsent(conn)) {
    block(outlet, conn);
  }
}

void bench_flow_send(struct bench_outlet *outlet, struct bench_conn *conn) {
  struct bench_flow *flow = &conn->flow;
  while (flow->next != flow->target && !flow->blocked) {
    if (outlet->message->masked_len > WHOLE_FRAME_MAX) {
      send_large(outlet, conn);
    } else {
      send_small(outlet, conn);
    }
  }
  send_pong(outlet, conn);
}

void bench_flow_writable(struct bench_outlet *outlet, struct bench_conn *conn) {
  bench_io_flush(conn);
  if (bench_io_unsent(conn)) {
    return;
  }
  conn->flow.blocked = false;
  watch(outlet, conn, EPOLLIN);
  bench_flow_send(outlet, conn);
}

void bench_flow_pong(struct bench_outlet *outlet, struct bench_conn *conn, const uint8_t *payload, size_t len) {
  if (conn->pong == NULL) {
    conn->pong = malloc(CONTROL_FRAME_MAX);
  }
  if (conn->pong == NULL) {
    return;
  }
  conn->pong_len = bench_control_write(outlet->message, OPCODE_PONG, payload, len, conn->pong);
  send_pong(outlet, conn);
}

bool bench_flow_close(struct bench_outlet *outlet, struct bench_conn *conn) {
  static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};
  uint8_t frame[CONTROL_FRAME_MAX];
  size_t len = bench_control_write(outlet->message, OPCODE_CLOSE, normal, sizeof normal, frame);
  if (conn->flow.offset > 0 || bench_io_send(conn, frame, len) != (ssize_t)len) {
    return false;
  }
  if (bench_io_unsent(conn)) {
    block(outlet, conn);
  }
  return true;
}
