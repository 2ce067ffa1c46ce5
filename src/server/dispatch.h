/* server/dispatch.h: from a message of a session to the handler of its type, and back with the answer.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_DISPATCH_H
#define STOA_SERVER_DISPATCH_H

#include "session/session.h"

/* For struct stoa_session_host: a message is complete. */
void stoa_dispatch_on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text);

#endif
