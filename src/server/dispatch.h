/* server/dispatch.h: passes a session's message to the handler of its type, and sends the answer.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_DISPATCH_H
#define STOA_SERVER_DISPATCH_H

#include "session/session.h"

struct stoa_invocation;

/* The on_message of struct stoa_session_host. */
void stoa_dispatch_on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text);
/* The on_resumed of struct stoa_worker: what is left of the chain, and then the handler. */
void stoa_dispatch_on_resumed(struct stoa_invocation *invocation, struct stoa_bytes payload);

#endif
