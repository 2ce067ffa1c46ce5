/* server/calls.h: the calls of one worker's sessions that are answered later.
 *
 * A call whose handle is taken stands in two lists of its worker's: its session's, for the session's end, and one by
 * deadline, which is the order in which they were taken, for all have the same time. An atomic state decides who of the
 * program, the clock and the session's end comes first; the two others then only release it.
 *
 * Thread: the worker's; what stoa/call.h tells is for any.
 * Lifetime: a call has one reference of the worker's while it stands in its session's list, and one of the program's,
 *           which a completion on another thread hands to the post that carries it. Counts are kept in an account that
 *           is shared with the handles, so that one can be completed after the server has gone.
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

/* The message that a handler is answering now. */
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
  struct stoa_timer timeout; /* runs while there is an oldest one; it may find nobody due */
};

/* Errors: STOA_E_MEMORY; fini is due after it */
int stoa_calls_init(struct stoa_worker *worker);
/* The session sends nothing any more: release its calls. */
void stoa_calls_on_closing(struct stoa_session *session);
/* When all sessions have ended: wait until no completion is half-way to this worker. Then its loop may go. */
void stoa_calls_settle(struct stoa_worker *worker);
/* After the loop. */
void stoa_calls_fini(struct stoa_worker *worker);

#endif
