/* server/call/stream_private.h: the struct of a stream, for the files of streams only. See stream.h. */
#ifndef STOA_SERVER_CALL_STREAM_PRIVATE_H
#define STOA_SERVER_CALL_STREAM_PRIVATE_H

#include "server/call/answer.h"
#include "server/call/stream.h"
#include "server/server_private.h"

/* How streams end, and what else of them is counted. */
enum stoa_stream_count {
  STOA_STREAM_BEGUN,
  STOA_STREAM_ENDED,
  STOA_STREAM_FAILED,
  STOA_STREAM_DROPPED,
  STOA_STREAM_CANCELLED,
  STOA_STREAM_TIMED_OUT,
  STOA_STREAM_ABANDONED,
  STOA_STREAM_LATE,
  STOA_STREAM_ITEMS,
  STOA_STREAM_COUNTS
};

_Static_assert((int)STOA_STREAM_COUNTS <= (int)STOA_PENDING_STREAM_COUNTS, "an account has a place for each count");

/* An item of another thread, encoded for the session. */
struct stoa_stream_item {
  struct stoa_post post;
  struct stoa_stream_item *next;   /* while it is held */
  struct stoa_call_stream *stream; /* a reference */
  struct stoa_buffer payload;
};

struct stoa_call_stream {
  struct stoa_pending base; /* first */
  const struct stoa_message_type *item_type;
  const struct stoa_codec *codec; /* of items and the error from other threads */
  uint8_t codec_index;
  const struct stoa_handler_route *rpc; /* of an HTTP request; then question.http is a reference */
  struct stoa_question question;
  struct stoa_invocation *invocation; /* NULL: no chain; else in the same allocation */

  /* Any thread. */
  _Atomic(int64_t)
      credit;        /* what may be sent: bytes of payload, and STOA_TYPED_ITEM_COST for each item; not used by HTTP */
  atomic_bool wants; /* sending was refused: the program is to be told when to go on */
  atomic_bool is_full;   /* items of other threads are held */
  atomic_bool is_active; /* of HTTP: an event was sent since the last look */

  /* The program's end, for the worker. */
  enum stoa_stream_count outcome;
  uint32_t metric;          /* of metrics.h, of an error */
  struct stoa_buffer error; /* without data: none, or it could not be encoded */

  /* The worker's thread only. */
  struct stoa_stream_item *held, *held_last;
  uint64_t waits_from; /* its place among the session's streams that wait for the queue; 0: it does not */
  bool has_end;        /* the program's end waits behind held items */
  bool in_handler;
  bool is_finished; /* it is in no list; the client was told */
  bool is_ready;    /* the program must be told to go on */
  bool is_told;     /* the event is posted */
  bool was_heard;   /* stoa_call_stream_listen() was called */
  stoa_call_stream_event *on_event;
  void *event_context;
  struct stoa_post event;
  struct stoa_timer heartbeat; /* of HTTP */
};

static inline struct stoa_call_stream *stoa_call_stream_of(struct stoa_pending *pending) {
  return stoa_container_of(pending, struct stoa_call_stream, base);
}

static inline void stoa_call_stream_count(struct stoa_pending_account *account, enum stoa_stream_count what) {
  atomic_fetch_add_explicit(&account->stream_counts[what], 1, memory_order_relaxed);
}

/* stream_end.c */

/* It was removed from its lists: count it, and forget what it holds. Not the answer. */
void stoa_call_stream_leave(struct stoa_call_stream *stream, struct stoa_session *session,
                            enum stoa_stream_count outcome);
/* End it for the library's reasons, and give back the worker's reference. */
void stoa_call_stream_cancel(struct stoa_call_stream *stream);
void stoa_call_stream_fail_with(struct stoa_call_stream *stream, enum stoa_stream_count outcome,
                                const struct stoa_error *error);
/* Give back the worker's reference of one that was answered. It must be the last use of the session. */
void stoa_call_stream_release(struct stoa_call_stream *stream, struct stoa_session *session);
/* Items can be sent again: tell the program, if it wants to know. */
void stoa_call_stream_wake(struct stoa_call_stream *stream);
void stoa_call_stream_tell(struct stoa_call_stream *stream);

/* stream_send.c */

/* End it as the program has asked; consumes the handle. `error` is not used for STOA_STREAM_ENDED. */
int stoa_call_stream_complete(struct stoa_call_stream *stream, enum stoa_stream_count outcome,
                              const struct stoa_error *error);
/* Begin the answer to an HTTP request, unless it was begun. Any thread. Errors: as stoa_sse_begin() */
int stoa_call_stream_begin_answer(struct stoa_call_stream *stream);
/* Its turn among the session's streams: send what it holds. */
void stoa_call_stream_flush(struct stoa_call_stream *stream, struct stoa_session *session);
/* Is the session's queue too long for more items? */
bool stoa_call_stream_must_wait(const struct stoa_session *session);

#endif
