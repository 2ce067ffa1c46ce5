/* server/dispatch.h: passes a session's message to the handler of its type, and sends the answer.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_DISPATCH_H
#define STOA_SERVER_DISPATCH_H

#include "session/session.h"

/* The on_message of struct stoa_session_host. */
void stoa_dispatch_on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text);

#endif
