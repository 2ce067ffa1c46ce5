/* going_away.h: tells clients that the server drains, and when they come back.
 *
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_GOING_AWAY_H
#define CHATROOM_GOING_AWAY_H

#include <stoa/server.h>

/* on_draining of the server. A client without a subprotocol gets nothing: it knows Chat messages only. */
void chatroom_on_draining(void *user, struct stoa_session *session, uint32_t delay_ms);

#endif
