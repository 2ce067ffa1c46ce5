/* net/queue.h: the unsent output of one connection: ranges of counted batches, in order.
 *
 * A connection without unsent output has no queue. Bytes for it alone are copied into a batch of its own; bytes for
 * many connections are ranges of a shared batch, never a copy.
 * Thread: the worker's.
 */
#ifndef STOA_NET_QUEUE_H
#define STOA_NET_QUEUE_H

#include "base/metric.h"
#include "net/batch.h"
#include "net/conn.h"

/* The most unsent bytes that are for one connection alone. */
#define STOA_QUEUE_OWN_BYTES_MAX (64u * 1024 * 1024)

/* A run of whole messages (wire/sent.h), or of HTTP bytes, or of both, one after the other. */
struct stoa_segment {
  struct stoa_batch *batch; /* one reference */
  size_t start;             /* the first frame begins here */
  size_t sent;              /* at most end; below start while HTTP bytes, which are never cut, wait there */
  size_t end;
  bool sealed; /* HTTP bytes: never cut, never appended to */
};

struct stoa_queue {
  size_t bytes;                     /* not sent yet, over all segments */
  struct stoa_metric_cell *backlog; /* counts `bytes` of all queues that have it; NULL: not counted */
  size_t owed; /* used by the stream: bytes not yet sent of those that waited when its input was paused */
  uint32_t first, count, capacity;
  struct stoa_segment *segments; /* [first, first + count) of capacity */
};

/* backlog  borrowed until destroy: a gauge to which the bytes that wait are added; the same thread bumps it. NULL: none
 * NULL when memory is out. */
struct stoa_queue *stoa_queue_create(struct stoa_metric_cell *backlog);
void stoa_queue_destroy(struct stoa_queue *queue);

/* Append a range of a shared batch. Errors: STOA_E_MEMORY; the queue is as before. */
int stoa_queue_share(struct stoa_queue *queue, struct stoa_batch *batch, size_t start, size_t end);

/* The batch for bytes of this connection alone. Append to its `bytes`; stoa_queue_own_end() adds what was appended to
 * the queue. NULL when memory is out. */
struct stoa_batch *stoa_queue_own_begin(struct stoa_queue *queue);
void stoa_queue_own_end(struct stoa_queue *queue);

/* Write as much as the connection takes now.
 * Errors: STOA_E_AGAIN  some is left; STOA_E_CLOSED, STOA_E_SYSTEM, STOA_E_TLS as stoa_conn_write() */
int stoa_queue_flush(struct stoa_queue *queue, struct stoa_conn *conn);

/* `written` bytes at the front were sent; the rest can still be cut at a frame's edge. */
void stoa_queue_advance(struct stoa_queue *queue, size_t written);

/* For a queue of one segment: the first frame begins `at` bytes after its front; the bytes before it are never cut. */
void stoa_queue_begin_frames(struct stoa_queue *queue, size_t at);
/* The bytes that wait now are not frames (the answer to an upgrade): a later cut keeps all of them and looks for frames
 * only after them. NULL is fine. */
void stoa_queue_seal(struct stoa_queue *queue);
/* Drop everything after the sealed bytes and after the frame that is partly sent. All unsealed bytes must be whole
 * messages of a server (wire/sent.h), which are meant by frames here.
 *
 * promised  the result of stoa_conn_promised(): so many bytes count as sent too, perhaps over several batches; at most
 *           the bytes that wait. The queue may be NULL. */
void stoa_queue_cut(struct stoa_queue *queue, size_t promised);

#endif
