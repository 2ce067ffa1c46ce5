/* failure.h: what a room's status is as an error of this API.
 *
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_FAILURE_H
#define CHATROOM_FAILURE_H

#include <stoa/call.h>
#include <stoa/room.h>

/* Complete a call with the error for a status that is not OK. `retry_ms` as the rooms tell it. */
void chatroom_fail(struct stoa_call *call, enum stoa_room_status status, uint32_t retry_ms);
/* The same for a call that may be an HTTP request: what is not there is 404, and what is no more 410. */
void chatroom_fail_over_http(struct stoa_call *call, enum stoa_room_status status, uint32_t retry_ms);
/* The same with a code of this API; the texts are borrowed until the call returns. */
void chatroom_fail_with(struct stoa_call *call, uint32_t code, const char *reason, const char *message);

/* An error for a handler to return, in the session's arena. retry_ms: of one that is temporary; 0: it is not. */
const struct stoa_error *chatroom_error_later(struct stoa_session *session, uint32_t code, const char *reason,
                                              const char *message, uint32_t retry_ms);

/* What a room's function refuses at once, as a status: ARGUMENT, CLOSED, EXISTS, NOT_FOUND; a LIMIT is given as
 * `limit`; all else is BUSY. */
enum stoa_room_status chatroom_status_of(int status, enum stoa_room_status limit);

/* Take the call of the handler that runs. NULL: there is no memory, and *out_error is to be returned. */
struct stoa_call *chatroom_take(struct stoa_session *session, const struct stoa_error **out_error);

#endif
