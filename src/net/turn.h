/* net/turn.h: the output of a worker's connections in one turn of its loop, and the streams to handle at its end.
 *
 * Bytes for single connections are gathered in one buffer for all connections, so that a connection that keeps up has
 * no queue. Only bytes that the kernel does not take at the end of the turn are copied to a queue of the connection.
 * Sends are handed to the kernel together where it has io_uring, else one by one.
 *
 * Does not know: what a stream is; it calls back through its events.
 * Thread: the worker's. Lifetime: a part of the stream host.
 */
#ifndef STOA_NET_TURN_H
#define STOA_NET_TURN_H

#include "loop/send_ring.h"
#include "net/batch.h"

struct stoa_stream;

/* A stream with output, or with other work at the end of the turn. */
struct stoa_turn_entry {
  struct stoa_stream *stream;
  uint32_t start, end; /* its run of the turn's own bytes; equal: none */
  uint32_t sealed_len; /* so many at the front are not frames (HTTP answers) and are never cut */
};

/* A send that waits for the hand-over: bytes [start, end) of the batch. */
struct stoa_turn_send {
  struct stoa_stream *stream;
  struct stoa_batch *batch; /* borrowed: it outlives the hand-over */
  int fd;
  size_t start, end;
  bool is_own; /* the stream's own bytes, else shared bytes */
};

struct stoa_turn_events {
  /* The end of the turn: send the stream's output, and end it if it must end. */
  void (*on_flush)(struct stoa_stream *stream);
  /* The result of a gathered send: bytes taken, or -errno. */
  void (*on_sent)(const struct stoa_turn_send *send, ssize_t taken);
  /* The entry was removed. The stream may be marked for the next turn at once. */
  void (*on_unmark)(struct stoa_stream *stream);
};

struct stoa_turn {
  const struct stoa_turn_events *events;
  struct stoa_batch *own; /* bytes of single streams; NULL until needed */
  struct stoa_turn_entry *entries;
  uint32_t count, capacity;
  uint32_t stream_count; /* `capacity` has room for all of them */
  bool own_used;         /* since the last trim */
  uint32_t send_count;
  struct stoa_turn_send *sends;
  struct stoa_send_ring *ring; /* NULL: every send is a system call of its own */
};

/* A zeroed struct with events is a turn without io_uring. Make it use the ring, which it then owns, also after an
 * error. Call it before the first turn. Errors: STOA_E_MEMORY */
int stoa_turn_use_ring(struct stoa_turn *turn, struct stoa_send_ring *ring);
/* Call on the thread that will run the turns, before the first. If it fails, sends go one by one, which is logged. */
void stoa_turn_begin_thread(struct stoa_turn *turn);
/* Call on the same thread after the last turn: a ring belongs to one thread. */
void stoa_turn_end_thread(struct stoa_turn *turn);
void stoa_turn_fini(struct stoa_turn *turn);

/* Count one more stream, or one less. Errors: STOA_E_MEMORY */
int stoa_turn_admit(struct stoa_turn *turn);
void stoa_turn_dismiss(struct stoa_turn *turn);

/* Add an entry for a stream that has none; returns its index, which is valid until on_unmark. */
uint32_t stoa_turn_mark(struct stoa_turn *turn, struct stoa_stream *stream);

/* Gather one send of a stream that has none gathered; false when there is no ring: then the caller sends. */
bool stoa_turn_gather(struct stoa_turn *turn, const struct stoa_turn_send *send);
/* Hand the gathered sends to the kernel, and report each result to its stream. */
void stoa_turn_hand_over(struct stoa_turn *turn);

/* End the turn: handle all entries, then remove them. */
void stoa_turn_end(struct stoa_turn *turn);

/* Call now and then: release memory that only a peak needed. */
void stoa_turn_trim(struct stoa_turn *turn);

#endif
