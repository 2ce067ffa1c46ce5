/* server/trace/session.h: the place in a trace of a session: what its upgrade has told, otherwise one that is made of
 * the session's id.
 *
 * Does not know: messages, spans. Thread: the session's worker.
 */
#ifndef STOA_SERVER_TRACE_SESSION_H
#define STOA_SERVER_TRACE_SESSION_H

#include <stoa/traceparent.h>

struct stoa_http_head;
struct stoa_session;

/* Keep what the upgrade says. Errors: STOA_E_MEMORY */
int stoa_session_trace_keep(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data);
/* What it has said; false: nothing that is valid. */
bool stoa_session_trace_told(const struct stoa_session *session, struct stoa_trace_context *out_context);
/* The place. A trace that is made is not sampled, and its span is no span's. */
void stoa_session_trace_place(const struct stoa_session *session, struct stoa_trace_context *out_context);

#endif
