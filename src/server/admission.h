/* server/admission.h: whether an upgraded connection is let in: limits first, then the program.
 *
 * The client is upgraded first and told afterwards, because a browser cannot read a refused upgrade.
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_ADMISSION_H
#define STOA_SERVER_ADMISSION_H

#include "server/server_private.h"

/* When to come back after "full", in milliseconds, at least. */
#define STOA_FULL_RETRY_MS 5000u

/* The session has just begun. `request` holds until it returns. */
void stoa_admission_begin(struct stoa_session *session, const struct stoa_request *request);
/* It is no longer open: take it out of the groups, and tell the program if it knows it. */
void stoa_admission_on_closing(struct stoa_session *session);
/* The session has ended: give back what it was counted for. */
void stoa_admission_end(struct stoa_session *session);

/* One that waits for the program for too long is closed with 4004. Returns when that is due, UINT64_MAX when it does
 * not wait. */
uint64_t stoa_admission_on_deadline(struct stoa_session *session, uint64_t now_ms);

/* Tell a session with a subprotocol why, in an error frame, then close it. A retry_ms above 0 makes it temporary. */
void stoa_admission_expel(struct stoa_session *session, const struct stoa_error *error, uint16_t close_code);

#endif
