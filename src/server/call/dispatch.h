/* server/call/dispatch.h: passes a session's message to the handler of its type, and sends the answer.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_CALL_DISPATCH_H
#define STOA_SERVER_CALL_DISPATCH_H

#include "server/call/answer.h"

struct stoa_handler;
struct stoa_invocation;

/* The on_message of struct stoa_session_host. */
void stoa_dispatch_on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text);
/* Run the chain and the handler of a message whose rules were checked, and answer it. It may be gone after that.
 *
 * payload  as it was received; borrowed */
void stoa_dispatch_begin(struct stoa_session *session, const struct stoa_handler *handler,
                         const struct stoa_question *question, struct stoa_bytes payload, const void *message);
/* The on_resumed of struct stoa_worker: what is left of the chain, and then the handler. */
void stoa_dispatch_on_resumed(struct stoa_invocation *invocation, struct stoa_bytes payload);

#endif
