/* server/call/authenticate.h: sessions that prove who they are after the upgrade, and the end of those that do not.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_CALL_AUTHENTICATE_H
#define STOA_SERVER_CALL_AUTHENTICATE_H

#include <stoa/auth.h>

/* Close the session when its token has expired (4005), or when it has not authenticated in time (4502). Returns when
 * that is due, UINT64_MAX when neither can happen. */
uint64_t stoa_authenticate_on_deadline(struct stoa_session *session, uint64_t now_ms);

#endif
