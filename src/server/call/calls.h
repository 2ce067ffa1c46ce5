/* server/call/calls.h: calls of one worker's sessions that are answered after the handler has returned (stoa/call.h).
 *
 * Thread: the worker's; any for the functions of stoa/call.h that say so.
 * Lifetime: as pending.h.
 */
#ifndef STOA_SERVER_CALL_CALLS_H
#define STOA_SERVER_CALL_CALLS_H

#include <stdbool.h>
#include <stdint.h>

struct stoa_handler;
struct stoa_invocation;
struct stoa_question;
struct stoa_session;

/* May the session's input be read? Not at session_calls_max; but a session that has streams alone is read, because its
 * credit and cancels would not arrive. */
bool stoa_calls_may_read(const struct stoa_session *session);

/* The message whose handler runs now; the worker has a pointer to it. */
struct stoa_call_scope {
  struct stoa_session *session;
  const struct stoa_handler *handler;
  struct stoa_invocation *invocation; /* NULL: no chain */
  const struct stoa_question *question;
  bool taken;
};

#endif
