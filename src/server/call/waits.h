/* server/call/waits.h: messages that wait for a decision of a middleware.
 *
 * Does not know: what is decided, how a message goes on (the worker's on_resumed).
 * Thread: the session's worker. Lifetime: as pending.h.
 */
#ifndef STOA_SERVER_CALL_WAITS_H
#define STOA_SERVER_CALL_WAITS_H

struct stoa_invocation;

/* `before` has returned STOA_LATER: keep the invocation, whose handle was taken, until the decision. The session is
 * open. */
void stoa_wait_keep(const struct stoa_invocation *invocation);

#endif
