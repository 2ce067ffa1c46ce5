/* tools/stoa/bench_conn.h: one connection of the load, as the parts of the bench share it. */
#ifndef STOA_TOOL_BENCH_CONN_H
#define STOA_TOOL_BENCH_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_check.h"

enum bench_conn_state {
  BENCH_CONN_NEW,
  BENCH_CONN_CONNECTING, /* TCP is on its way */
  BENCH_CONN_SECURING,   /* TLS is on its way */
  BENCH_CONN_ASKING,     /* the upgrade was asked for */
  BENCH_CONN_OPEN,
  BENCH_CONN_LEAVING, /* our Close is sent */
  BENCH_CONN_CLOSED,
};

/* Outgoing messages need no queue: sender and sequence number are all there is to know of them. */
struct bench_flow {
  uint32_t next;   /* the message being sent */
  uint32_t target; /* one past the last one to be sent now */
  size_t offset;   /* bytes of `next` that are gone */
  bool blocked;    /* the socket is full: EPOLLOUT goes on; or the connection is broken */
};

struct bench_conn {
  int fd;                /* -1: none */
  struct bench_tls *tls; /* NULL: the bytes go as they are */
  enum bench_conn_state state;
  size_t address; /* which of the target's is tried, or was reached */
  int64_t begun_ns;
  int64_t deadline_ns;
  struct bench_flow flow;
  struct bench_stream stream;
  uint8_t *tail; /* the start of a frame whose end has not come; NULL as long as there was none */
  size_t tail_len;
  size_t tail_cap;
  int64_t *sent_ns; /* a window's senders: when the last messages left, in a ring */
  uint8_t *pong;    /* an answer that has to wait for the end of a frame */
  size_t pong_len;
};

#endif
