/* server/calls.h: calls of one worker's sessions that are answered after the handler has returned.
 *
 * A call whose handle is taken is in two lists of its worker: its session's, for the end of the session, and one by
 * deadline, which is the order of taking because all have the same timeout. The program, the timeout and the end of the
 * session can each end a call; an atomic state decides which one came first, and the others then only release it.
 *
 * Thread: the worker's; any for the functions of stoa/call.h that say so.
 * Lifetime: the worker has one reference to a call while it is in its session's list. The program has one, which a
 *           completion on another thread passes to the post that carries it. Counts are in an account that handles
 *           share, so that a call can be completed after the server was destroyed.
 */
#ifndef STOA_SERVER_CALLS_H
#define STOA_SERVER_CALLS_H

#include "loop/loop.h"

#include <stdint.h>

struct stoa_call;
struct stoa_call_account;
struct stoa_handler;
struct stoa_session;
struct stoa_worker;

/* The message whose handler runs now. */
struct stoa_call_scope {
  struct stoa_session *session;
  const struct stoa_handler *handler;
  uint32_t id;
  bool taken;
};

struct stoa_calls {
  struct stoa_call_account *account;
  struct stoa_call_scope *scope; /* NULL: no handler runs */
  struct stoa_call *oldest, *newest;
  struct stoa_timer timeout; /* runs while there is an oldest one; it may find no call due */
};

/* Errors: STOA_E_MEMORY; fini must be called after it */
int stoa_calls_init(struct stoa_worker *worker);
/* The session can send no more replies: release its calls. */
void stoa_calls_on_closing(struct stoa_session *session);
/* Call when all sessions have ended: wait until no completion that posts to this worker is in progress. Then its loop
 * may be freed. */
void stoa_calls_wait_completions(struct stoa_worker *worker);
/* Call after the loop was freed. */
void stoa_calls_fini(struct stoa_worker *worker);

#endif
