/* tools/stoa/bench_check.h: checks that every message is delivered to all, complete, once and in order.
 *
 * Bytes in, findings out. In fan-out all connections get the same messages in the same order. On the first connection
 * that gets a message, it is checked byte by byte, with its sender's order, and written to a log. The bytes of all
 * other connections are compared with the log, many messages at a time. This checks as much at a tenth of the cost,
 * which matters: a generator that is slower than the server measures itself. A connection whose bytes differ from the
 * log, or that is too late for it, is checked message by message from there on. Connections to an echo server have no
 * common messages and are checked like that from the start.
 *
 * Does not know: sockets, time. Thread: one.
 */
#ifndef STOA_TOOL_BENCH_CHECK_H
#define STOA_TOOL_BENCH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_histogram.h"
#include "bench_message.h"
#include "bench_options.h"

/* Faults, counted in deliveries; the last two are counted in connections. */
struct bench_faults {
  uint64_t lost;
  uint64_t doubled;
  uint64_t out_of_order; /* arrived after a later one from the same sender */
  uint64_t damaged;      /* wrong length, type or bytes, or never sent */
  uint64_t disagreed;    /* all that was sent arrived, in a different order than on the other connections */
  uint64_t closed;       /* ended by the server */
};

/* The state of the check for one connection. Zeroed at the start, except `id`. */
struct bench_stream {
  uint32_t id;       /* the connection's number; the first ones are the senders */
  bool faulty;       /* its order is not compared with the others */
  uint64_t received; /* different messages; as long as `next` is NULL also the position in the log */
  uint32_t *next;    /* the next sequence number by sender; NULL as long as the stream agrees with the log */
  uint64_t hash;     /* of the order, once `next` is there */
  uint64_t skip;     /* bytes of a foreign frame that have not arrived yet */
  bool is_rewritten; /* that frame is a message of the run, with other fields than were sent */
  uint32_t rewritten_sender, rewritten_seq;
};

/* What the caller must do after a piece of input. */
struct bench_news {
  uint32_t own; /* messages of this connection's own sender */
  bool pinged;
  uint8_t ping[BENCH_CONTROL_MAX];
  size_t ping_len;
  bool closed;
  unsigned close_code; /* 0: none was given */
};

struct bench_check;

struct bench_check_config {
  const struct bench_message *message;
  const struct bench_options *options;
  struct bench_stream *streams; /* options->connections of them, at distances of `stride` bytes */
  size_t stride;
  /* How many were sent, by sender and in total; the caller updates them before each feed. */
  const uint32_t *sent;
  const uint64_t *sent_total;
  /* When did the message leave, in ns? Negative: no longer known. */
  int64_t (*sent_ns)(void *context, uint32_t sender, uint32_t seq);
  void *context;
  size_t log_bytes; /* size of the log in fan-out: checking a connection that is too late for it costs ten times more */
};

/* Create a check. It borrows everything in `config` until it is destroyed. Returns NULL when memory is out. */
struct bench_check *bench_check_create(const struct bench_check_config *config);
void bench_check_destroy(struct bench_check *check);
/* Frees the check's data in a stream. */
void bench_stream_fini(struct bench_stream *stream);

/* Check the `len` bytes that arrived on `stream` at `now_ns`. Returns how many were used; the others are the start of a
 * frame and must be passed again, before the next bytes. `out_news` is overwritten. */
size_t bench_check_feed(struct bench_check *check, struct bench_stream *stream, const uint8_t *data, size_t len,
                        int64_t now_ns, struct bench_news *out_news);

/* Start or stop counting deliveries and latencies. Faults always count. */
void bench_check_measure(struct bench_check *check, bool on);

/* How many deliveries were correct so far; how many are expected from what was sent. */
uint64_t bench_check_received(const struct bench_check *check);
uint64_t bench_check_expected(const struct bench_check *check);
/* Counted while measuring: deliveries, duplicates included, and their latencies. */
uint64_t bench_check_deliveries(const struct bench_check *check);
const struct bench_histogram *bench_check_latency(const struct bench_check *check);
/* Messages that no sender sent, when these are allowed. */
uint64_t bench_check_foreign(const struct bench_check *check);
/* Messages of the run of which the server rewrote other fields than the text. They count as delivered. */
uint64_t bench_check_rewritten(const struct bench_check *check);

/* End the check: messages that have not arrived are lost. Fills all of `out_faults` but `closed`. */
void bench_check_finish(struct bench_check *check, struct bench_faults *out_faults);

#endif
