/* tools/stoa/bench_check.h: was every message delivered to everyone, whole, once and in order?
 *
 * Bytes in, findings out. In fan-out all connections get the same messages in the same order, so the first connection
 * to get one has it checked byte by byte, its sender's order included, and written to a log; to all others their bytes
 * are compared with the log, many messages at a time. This checks as much and costs a tenth, which matters: a
 * generator slower than the server measures itself. A connection whose bytes differ from the log, or that is too far
 * behind it, is checked message by message from there on. An echoing server's connections have nothing to share and
 * are checked like that from the start.
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

/* What went wrong, in deliveries, but for the last two, which are connections. */
struct bench_faults {
  uint64_t lost;
  uint64_t doubled;
  uint64_t out_of_order; /* came after a later one of the same sender */
  uint64_t damaged;      /* wrong length, type or bytes, or never sent */
  uint64_t disagreed;    /* all that was sent came, in another order than on the other connections */
  uint64_t closed;       /* ended by the server */
};

/* One connection's side of the check. Zeroed at birth but for `id`. */
struct bench_stream {
  uint32_t id;       /* the connection's number; the first ones are the senders */
  bool faulty;       /* so it is not asked whether it agrees */
  uint64_t received; /* different messages; as long as `next` is NULL also the position in the log */
  uint32_t *next;    /* the next sequence number by sender; NULL as long as the stream agrees with the log */
  uint64_t hash;     /* of the order, once `next` is there */
  uint64_t skip;     /* bytes of a foreign frame that are still to come */
};

/* What a piece of input asks of the caller. */
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
  struct bench_stream *streams; /* options->connections of them, each `stride` bytes after the last */
  size_t stride;
  /* How many were sent, by sender and in all; kept up to date by the caller before each feed. */
  const uint32_t *sent;
  const uint64_t *sent_total;
  /* When did the message leave, in ns? Negative: not known any more. */
  int64_t (*sent_ns)(void *context, uint32_t sender, uint32_t seq);
  void *context;
  size_t log_bytes; /* of fan-out's log: a connection that falls out of it costs ten times as much to check */
};

/* Borrows everything in `config` until it is destroyed. Returns NULL when memory is out. */
struct bench_check *bench_check_create(const struct bench_check_config *config);
void bench_check_destroy(struct bench_check *check);
/* Frees what the check keeps for a stream. */
void bench_stream_fini(struct bench_stream *stream);

/* Check the `len` bytes that came on `stream` at `now_ns`. Returns how many were used up; the others are the start of a
 * frame and have to come again, at the front of what follows. `out_news` is written anew. */
size_t bench_check_feed(struct bench_check *check, struct bench_stream *stream, const uint8_t *data, size_t len,
                        int64_t now_ns, struct bench_news *out_news);

/* From here on deliveries and latencies are counted, or no longer. What is wrong counts always. */
void bench_check_measure(struct bench_check *check, bool on);

/* How many deliveries are right so far; how many must be, given what was sent. */
uint64_t bench_check_received(const struct bench_check *check);
uint64_t bench_check_expected(const struct bench_check *check);
/* Counted while measuring: deliveries, a double one included, and their latencies. */
uint64_t bench_check_deliveries(const struct bench_check *check);
const struct bench_histogram *bench_check_latency(const struct bench_check *check);
/* Messages that nobody sent, when these are allowed. */
uint64_t bench_check_foreign(const struct bench_check *check);

/* The end: what has not come is lost. Fills all of `out_faults` but `closed`. */
void bench_check_finish(struct bench_check *check, struct bench_faults *out_faults);

#endif
