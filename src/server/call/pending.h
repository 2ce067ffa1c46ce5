/* server/call/pending.h: a message that is not answered yet: a call whose handle the program took, a stream that the
 * program has not ended, or a message that waits for a middleware. calls.h, stream.h and waits.h embed it.
 *
 * It is in two lists of its worker: its session's, for the end of the session, and one by deadline, which is the order
 * of starting the clock because all have the same timeout. The program, the timeout and the end of the session can each
 * end it; an atomic state decides which one came first, and the others then only release it.
 *
 * Does not know: what is answered.
 * Thread: the worker's; any for the functions that say so.
 * Lifetime: the worker has one reference while it is in its session's list. The program has one, which a completion
 *           passes to the post that carries it. Counts are in an account that all of a worker's share, so that a handle
 *           can be completed after the server was destroyed.
 */
#ifndef STOA_SERVER_CALL_PENDING_H
#define STOA_SERVER_CALL_PENDING_H

#include "loop/loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stoa/uuid.h>

struct stoa_pending;
struct stoa_session;
struct stoa_worker;

/* It leaves WAITING once. */
enum stoa_pending_state {
  STOA_PENDING_WAITING,
  STOA_PENDING_COMPLETED,
  STOA_PENDING_TIMED_OUT,
  STOA_PENDING_ABANDONED
};

#define STOA_PENDING_COUNTS 8u
#define STOA_PENDING_STREAM_COUNTS 10u

/* One worker's. */
struct stoa_pending_account {
  struct stoa_worker *worker; /* valid while one of its pending is WAITING, or a completion is counted below */
  atomic_uint refs;           /* one of the worker, one of each pending */
  atomic_uint completing;     /* completions in progress, which may still use the server */
  _Atomic(uint64_t) counts[STOA_PENDING_COUNTS];               /* of calls.c */
  _Atomic(uint64_t) stream_counts[STOA_PENDING_STREAM_COUNTS]; /* of stream.c */
};

struct stoa_pending_kind {
  /* Its time is over: may it wait as long once more? NULL: no. */
  bool (*may_go_on)(struct stoa_pending *self);
  /* It was not completed in time. It is in no list any more; the worker's reference is the callee's. */
  void (*on_timeout)(struct stoa_pending *self, struct stoa_session *session);
  /* The session can send no more; is_claimed: nobody had completed it. In no list; the worker's reference is kept by
   * the caller. */
  void (*on_closing)(struct stoa_pending *self, struct stoa_session *session, bool is_claimed);
  /* Free what was allocated, with the struct itself. */
  void (*destroy)(struct stoa_pending *self);
  bool is_stream; /* a call with many replies */
};

struct stoa_pending {
  const struct stoa_pending_kind *kind;
  struct stoa_post post;
  atomic_int state; /* enum stoa_pending_state */
  atomic_uint refs;
  struct stoa_pending_account *account;
  struct stoa_uuid session_id;

  /* The worker's thread only. */
  struct stoa_session *session; /* NULL when it is no longer in a session's list */
  struct stoa_pending *next, **link;
  struct stoa_pending *older, *newer; /* by deadline */
  uint64_t due_ms;
  bool queued;
};

/* A worker's. */
struct stoa_pendings {
  struct stoa_pending_account *account;
  struct stoa_pending *oldest, *newest;
  uint64_t stream_waits;     /* the place of the last stream that began to wait for its session's queue */
  struct stoa_timer timeout; /* runs while there is an oldest one; it may find none due */
};

/* Begin to wait for an answer, with the timeout of server.limits.call_timeout_ms. `self` is zeroed, and has two
 * references then. */
void stoa_pending_begin(struct stoa_pending *self, const struct stoa_pending_kind *kind, struct stoa_session *session);
/* The same without a timeout. */
void stoa_pending_begin_untimed(struct stoa_pending *self, const struct stoa_pending_kind *kind,
                                struct stoa_session *session);
/* Start the timeout, or start it again. */
void stoa_pending_start_clock(struct stoa_pending *self);
void stoa_pending_stop_clock(struct stoa_pending *self);
/* Remove it from its lists; the caller takes over the worker's reference. Returns its session. */
struct stoa_session *stoa_pending_delist(struct stoa_pending *self);
/* End it on the worker, as at the end of its session. False when it was completed before. */
bool stoa_pending_abandon(struct stoa_pending *self);
/* Any thread. */
void stoa_pending_unref(struct stoa_pending *self);

/* Complete it, on any thread. The worker exists from enter to leave; the account must then be read before enter. False
 * when it has ended before: out_state says how. */
bool stoa_pending_enter(struct stoa_pending *self, enum stoa_pending_state *out_state);
/* The same without completing it: returns its state. */
enum stoa_pending_state stoa_pending_enter_only(struct stoa_pending *self);
void stoa_pending_leave(struct stoa_pending_account *account);

/* Does anyone wait? Any thread; the result may change at any time. */
static inline bool stoa_pending_waits(const struct stoa_pending *self) {
  return atomic_load_explicit(&self->state, memory_order_relaxed) == STOA_PENDING_WAITING;
}

/* Errors: STOA_E_MEMORY; fini must be called after it */
int stoa_pendings_init(struct stoa_worker *worker);
/* The session can send no more. */
void stoa_pendings_on_closing(struct stoa_session *session);
/* Call when all sessions have ended: wait until no completion that posts to this worker is in progress. Then its loop
 * may be freed. */
void stoa_pendings_wait_completions(struct stoa_worker *worker);
/* Call after the loop was freed. */
void stoa_pendings_fini(struct stoa_worker *worker);

#endif
