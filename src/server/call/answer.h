/* server/call/answer.h: sends the answer to a call, and the error of a message that failed: as a frame to a session, or
 * as the answer to an HTTP request (server/http/answer.h).
 *
 * Thread: the session's worker.
 */
#ifndef STOA_SERVER_CALL_ANSWER_H
#define STOA_SERVER_CALL_ANSWER_H

#include "server/format.h"
#include "session/session.h"

#include <stoa/http.h>

struct stoa_error;
struct stoa_span;

/* The message to answer. */
struct stoa_question {
  uint32_t type;
  bool is_call;
  bool no_reply; /* its handler is that of a call, but it was sent plainly: only an error is answered */
  uint32_t id;
  const char *handler; /* its name, for the log; NULL: none */
  uint32_t operation;  /* of metrics.h */
  uint64_t began_ns;   /* as stoa_metrics_begin_request() returned it */
  /* The HTTP request that it came with; NULL: it came as a message of the session. Valid until it is answered. */
  struct stoa_http_exchange *http;
  struct stoa_span *span; /* of trace/message.h; NULL: it is not recorded */
};

/* Can it still be answered? Not after the answer to an HTTP request. */
static inline bool stoa_question_is_open(const struct stoa_session *session, const struct stoa_question *question) {
  return question->http != NULL ? stoa_http_waits(question->http) : session->state == STOA_SESSION_OPEN;
}

/* INTERNAL without details, and TIMEOUT. */
extern const struct stoa_error stoa_answer_internal;
extern const struct stoa_error stoa_answer_timed_out;

/* Send a reply; `reply` names the message, or has its payload already: in the session's codec, or for an HTTP request
 * as the body, first of the payloads. One that cannot be encoded is logged and answered INTERNAL.
 * Errors: as stoa_session_send() */
int stoa_answer_reply(struct stoa_session *session, const struct stoa_question *question, struct stoa_outgoing *reply);
/* Send an item of a stream to a session; *out_len is the length of its payload. Nothing else is sent after an error.
 * Errors: as stoa_session_send() */
int stoa_answer_item(struct stoa_session *session, const struct stoa_question *question, struct stoa_outgoing *item,
                     size_t *out_len);
/* Send the good end of a stream. An HTTP request gets it in any case, if it waits. Errors: as stoa_session_send() */
int stoa_answer_end(struct stoa_session *session, const struct stoa_question *question);
/* Send an error. Only sessions with a subprotocol get errors: the first client would show an error frame as chat.
 * Without memory for it the session is closed, because the caller must not wait for ever. One that cannot be encoded is
 * answered INTERNAL.
 * An HTTP request always gets its error.
 * Errors: as stoa_session_send() */
int stoa_answer_error(struct stoa_session *session, const struct stoa_question *question,
                      const struct stoa_error *error);
/* The same with an error that another thread encoded, for a session. */
void stoa_answer_encoded_error(struct stoa_session *session, const struct stoa_question *question,
                               struct stoa_bytes payload);

#endif
