/* net/turn.h: what the connections of one worker are sent in one turn of its loop, and who is looked at at its end.
 *
 * What goes to one connection alone gathers in one buffer for all of them, so that those who keep up own no queue;
 * only what the kernel does not take at the end of the turn is copied to a queue of the connection's own. Sends are
 * handed to the kernel together where it has io_uring, else one by one.
 *
 * Does not know: what a stream is; it calls back through its events.
 * Thread: the worker's. Lifetime: a part of the stream host.
 */
#ifndef STOA_NET_TURN_H
#define STOA_NET_TURN_H

#include "loop/send_ring.h"
#include "net/batch.h"

struct stoa_stream;

/* A stream that was sent something, or that must be looked at. */
struct stoa_turn_entry {
  struct stoa_stream *stream;
  uint32_t start, end; /* its run of the turn's own bytes; equal: none */
  uint32_t sealed_len; /* so many at the front are no frames (answers of HTTP) and are never cut */
};

/* A send that waits to be handed over: bytes [start, end) of the batch. */
struct stoa_turn_send {
  struct stoa_stream *stream;
  struct stoa_batch *batch; /* borrowed: it outlives the hand-over */
  int fd;
  size_t start, end;
  bool is_own; /* the stream's own bytes, else bytes that others get too */
};

struct stoa_turn_events {
  /* The end of the turn: send what waits, end what must end. */
  void (*on_flush)(struct stoa_stream *stream);
  /* What came of a gathered send: bytes taken, or -errno. */
  void (*on_sent)(const struct stoa_turn_send *send, ssize_t taken);
  /* The entry is gone. The stream may be marked for the next turn at once. */
  void (*on_unmark)(struct stoa_stream *stream);
};

struct stoa_turn {
  const struct stoa_turn_events *events;
  struct stoa_batch *own; /* bytes of single streams; NULL until needed */
  struct stoa_turn_entry *entries;
  uint32_t count, capacity;
  uint32_t stream_count; /* there is always room for all of them */
  bool own_used;         /* since the last trim */
  uint32_t send_count;
  struct stoa_turn_send *sends;
  struct stoa_send_ring *ring; /* NULL: every send is a call of its own */
};

/* Zeroed, with events, is a turn without io_uring. Make it use the ring, which is its own from then on, after an error
 * too; before the first turn. Errors: STOA_E_MEMORY */
int stoa_turn_use_ring(struct stoa_turn *turn, struct stoa_send_ring *ring);
/* On the thread that will take the turns, before the first. Should it fail, sends go one by one, which is logged. */
void stoa_turn_begin_thread(struct stoa_turn *turn);
/* And after the last on that thread: a ring serves no other. */
void stoa_turn_end_thread(struct stoa_turn *turn);
void stoa_turn_fini(struct stoa_turn *turn);

/* One more stream, or one less. Errors: STOA_E_MEMORY */
int stoa_turn_admit(struct stoa_turn *turn);
void stoa_turn_dismiss(struct stoa_turn *turn);

/* An entry for a stream that has none; returns its index, which holds until on_unmark. */
uint32_t stoa_turn_mark(struct stoa_turn *turn, struct stoa_stream *stream);

/* Gather one send of a stream that has none gathered; false when there is no ring, and the caller sends. */
bool stoa_turn_gather(struct stoa_turn *turn, const struct stoa_turn_send *send);
/* Give the kernel what was gathered, and each stream what came of it. */
void stoa_turn_hand_over(struct stoa_turn *turn);

/* End of the turn: look at all entries, then forget them. */
void stoa_turn_end(struct stoa_turn *turn);

/* Now and then: release memory that a peak left behind. */
void stoa_turn_trim(struct stoa_turn *turn);

#endif
