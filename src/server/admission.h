/* server/admission.h: decides whether an upgraded connection is accepted: limits first, then the program.
 *
 * The client is upgraded first and refused afterwards, because a script in a browser cannot read the answer of a
 * refused upgrade.
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_ADMISSION_H
#define STOA_SERVER_ADMISSION_H

#include "server/server_private.h"

/* The least time before a client retries after "full". */
#define STOA_FULL_RETRY_MS 5000u

/* Call when a session has just begun. Both are borrowed until it returns. token  of the request; data NULL: none */
void stoa_admission_begin(struct stoa_session *session, const struct stoa_request *request, struct stoa_string token);
/* The session is no longer open: remove it from its groups, and call on_closing if the program knows it. */
void stoa_admission_on_closing(struct stoa_session *session);
/* The session has ended: subtract it from the counts. */
void stoa_admission_end(struct stoa_session *session);

/* Close the session with 4004 if it has waited too long for the program. Returns when that is due, UINT64_MAX when it
 * does not wait. */
uint64_t stoa_admission_on_deadline(struct stoa_session *session, uint64_t now_ms);

/* Make the session a member of the group of all; from now on it may join others. Errors: STOA_E_MEMORY */
int stoa_admission_enroll(struct stoa_session *session);

/* Send an error frame if the session has a subprotocol, then close it. With retry_ms above 0 the error is temporary. */
void stoa_admission_expel(struct stoa_session *session, const struct stoa_error *error, uint16_t close_code);

#endif
