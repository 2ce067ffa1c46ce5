/* session/output.h: a session's way out, within this folder. */
#ifndef STOA_SESSION_OUTPUT_H
#define STOA_SESSION_OUTPUT_H

#include "session/session.h"

/* End of the turn: send what waits, end what must end. */
void stoa_session_settle(struct stoa_session *session);
/* The rest of it, once what was gathered has been sent. */
void stoa_session_settled(struct stoa_session *session);
void stoa_session_unmark(struct stoa_session *session);

/* Write what waits, as much as the line takes; or, when may_gather, leave it to the turn's hand-over.
 * Returns false when it is left, and stoa_session_sent() follows. */
bool stoa_session_send_own(struct stoa_session *session, bool may_gather);
/* What came of a gathered send: bytes taken, or -errno. */
void stoa_session_sent(const struct stoa_turn_send *send, ssize_t taken);

/* Room for a goodbye, also when the queue is full. NULL as stoa_session_output_begin(). */
struct stoa_buffer *stoa_session_output_last(struct stoa_session *session);
/* What waits now is no run of frames (the answer to an upgrade): a later cut leaves it whole. */
void stoa_session_output_seal(struct stoa_session *session);
/* The queue is too long: drop what can be taken back. */
void stoa_session_output_cut(struct stoa_session *session);
/* Drop all that waits. */
void stoa_session_output_discard(struct stoa_session *session);

/* Watch for what the session waits for. */
void stoa_session_watch(struct stoa_session *session);
/* Above so many bytes waiting, input waits too. */
size_t stoa_session_pause_bytes(const struct stoa_session *session);

#endif
