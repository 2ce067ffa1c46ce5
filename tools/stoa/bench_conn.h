/* tools/stoa/bench_conn.h: one connection of the load; the parts of the bench share it. */
#ifndef STOA_TOOL_BENCH_CONN_H
#define STOA_TOOL_BENCH_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_check.h"

enum bench_conn_state {
  BENCH_CONN_NEW,
  BENCH_CONN_CONNECTING, /* TCP connect in progress */
  BENCH_CONN_SECURING,   /* TLS handshake in progress */
  BENCH_CONN_ASKING,     /* the upgrade was asked for */
  BENCH_CONN_OPEN,
  BENCH_CONN_LEAVING, /* our close frame is sent */
  BENCH_CONN_CLOSED,
};

/* Outgoing messages need no queue: sender and sequence number determine their bytes. */
struct bench_flow {
  uint32_t next;   /* the message being sent */
  uint32_t target; /* one past the last one to be sent now */
  size_t offset;   /* bytes of `next` that are sent */
  bool blocked;    /* the socket is full: EPOLLOUT goes on; or the connection is broken */
};

struct bench_conn {
  int fd;                /* -1: none */
  struct bench_tls *tls; /* NULL: no TLS */
  enum bench_conn_state state;
  size_t address; /* the index of the target's address in use */
  int64_t begun_ns;
  int64_t deadline_ns;
  struct bench_flow flow;
  struct bench_stream stream;
  uint8_t *tail; /* the start of an incomplete frame; NULL until there was one */
  size_t tail_len;
  size_t tail_cap;
  int64_t *sent_ns; /* a window's senders: when the last messages left, in a ring */
  uint8_t *pong;    /* a pong that must wait for the end of a frame */
  size_t pong_len;
};

#endif
