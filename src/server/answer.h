/* server/answer.h: what a call, or a message that failed, is answered with.
 *
 * Thread: the session's worker.
 */
#ifndef STOA_SERVER_ANSWER_H
#define STOA_SERVER_ANSWER_H

#include "server/format.h"

struct stoa_error;
struct stoa_session;

/* What is answered. */
struct stoa_question {
  uint32_t type;
  bool is_call;
  uint32_t id;
  const char *handler; /* its name, for the log; NULL: none */
};

/* Send a reply; `reply` names the message, or has its payload in the session's codec already. One that cannot be
 * encoded is logged and answered INTERNAL.
 * Errors: as stoa_session_send() */
int stoa_answer_reply(struct stoa_session *session, const struct stoa_question *question, struct stoa_outgoing *reply);
/* Send an error. The first client shows every frame that it gets as chat, so it is told nothing: only sessions with a
 * subprotocol know errors. Without memory for it the session is closed, for whoever waits must not wait for ever; one
 * that cannot be encoded is answered INTERNAL.
 * Errors: as stoa_session_send() */
int stoa_answer_error(struct stoa_session *session, const struct stoa_question *question,
                      const struct stoa_error *error);
/* The same with what another thread encoded. */
void stoa_answer_encoded_error(struct stoa_session *session, const struct stoa_question *question,
                               struct stoa_bytes payload);

#endif
