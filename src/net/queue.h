/* net/queue.h: what waits to be written to one connection: ranges of counted batches, in order.
 *
 * A connection that is up to date has no queue at all. Bytes of its own are copied into a batch of its own; bytes of
 * many are ranges of the batch that all share, never a copy.
 * Thread: the worker's.
 */
#ifndef STOA_NET_QUEUE_H
#define STOA_NET_QUEUE_H

#include "net/batch.h"
#include "net/conn.h"

/* What one connection alone can have waiting, at most. */
#define STOA_QUEUE_OWN_BYTES_MAX (64u * 1024 * 1024)

/* A run of whole WebSocket frames, or of HTTP bytes, or of both, one after the other. */
struct stoa_segment {
  struct stoa_batch *batch; /* one reference */
  size_t start;             /* the first frame begins here */
  size_t sent;              /* up to end; before start while HTTP bytes wait there, which are never cut */
  size_t end;
  bool sealed; /* HTTP bytes: never cut, never appended to */
};

struct stoa_queue {
  size_t bytes; /* not sent yet, over all segments */
  size_t owed;  /* the stream's: of what waited when its input was paused, so much has not been taken yet */
  uint32_t first, count, capacity;
  struct stoa_segment *segments; /* [first, first + count) of capacity */
};

/* NULL when memory is out. */
struct stoa_queue *stoa_queue_create(void);
void stoa_queue_destroy(struct stoa_queue *queue);

/* Append a range of a shared batch. Errors: STOA_E_MEMORY; the queue is as before. */
int stoa_queue_share(struct stoa_queue *queue, struct stoa_batch *batch, size_t start, size_t end);

/* The batch that bytes of this connection alone can be appended to now; what is appended to its bytes from
 * `bytes.len` on becomes part of the queue with stoa_queue_own_end(). NULL when memory is out. */
struct stoa_batch *stoa_queue_own_begin(struct stoa_queue *queue);
void stoa_queue_own_end(struct stoa_queue *queue);

/* Write as much as the connection takes now.
 * Errors: STOA_E_AGAIN  some is left; STOA_E_CLOSED, STOA_E_SYSTEM, STOA_E_TLS as stoa_conn_write() */
int stoa_queue_flush(struct stoa_queue *queue, struct stoa_conn *conn);

/* So many bytes at the front are written; those that wait stay cuttable at a frame's edge. */
void stoa_queue_advance(struct stoa_queue *queue, size_t written);

/* Of a queue in one piece: frames begin only `at` bytes behind its front; what stands before them is never cut. */
void stoa_queue_begin_frames(struct stoa_queue *queue, size_t at);
/* What waits now is no run of frames (the answer to an upgrade): a later cut leaves it whole, and looks for frames only
 * behind it. NULL is fine. */
void stoa_queue_seal(struct stoa_queue *queue);
/* Drop everything behind what is sealed and behind the frame that is partly sent. All that is not sealed must be
 * WebSocket frames of a server.
 *
 * promised  as stoa_conn_promised() tells: so many bytes count as sent too, over several batches perhaps; at most what
 *           waits. NULL is fine for the queue. */
void stoa_queue_cut(struct stoa_queue *queue, size_t promised);

#endif
