/* server/call/conclude.h: ends the handling of a message: the errors' way through the chain, the answer, `after` of the
 * chain, and the request's place in the metrics. Every answer that follows from a handler or a middleware is sent here,
 * by answer.h.
 *
 * invocation  NULL: the handler has no chain. Its memory stays the caller's
 * Thread: the session's worker.
 */
#ifndef STOA_SERVER_CALL_CONCLUDE_H
#define STOA_SERVER_CALL_CONCLUDE_H

#include "server/call/chain.h"

/* An error that another thread encoded. */
struct stoa_encoded_error {
  struct stoa_bytes payload; /* for an HTTP request as Protobuf, whose codec is then given */
  const struct stoa_codec *codec;
  uint32_t outcome; /* of metrics.h */
};

/* The handler of a plain message succeeded; there is no answer. */
void stoa_conclude_done(struct stoa_session *session, const struct stoa_question *question,
                        struct stoa_invocation *invocation);
/* The session ended before the answer. */
void stoa_conclude_abandoned(struct stoa_session *session, const struct stoa_question *question,
                             struct stoa_invocation *invocation);
/* A stream has ended well: the end is sent. */
void stoa_conclude_end(struct stoa_session *session, const struct stoa_question *question,
                       struct stoa_invocation *invocation);
/* Its client has cancelled it: nothing is sent. */
void stoa_conclude_cancelled(struct stoa_session *session, const struct stoa_question *question,
                             struct stoa_invocation *invocation);
/* A question with no_reply is done without an answer. Errors: as stoa_answer_reply() */
int stoa_conclude_reply(struct stoa_session *session, const struct stoa_question *question,
                        struct stoa_invocation *invocation, struct stoa_outgoing *reply);
/* Errors: as stoa_answer_error() */
int stoa_conclude_error(struct stoa_session *session, const struct stoa_question *question,
                        struct stoa_invocation *invocation, enum stoa_invocation_end end,
                        const struct stoa_error *error);
/* With a chain the error is decoded into the worker's arena. */
void stoa_conclude_encoded_error(struct stoa_session *session, const struct stoa_question *question,
                                 struct stoa_invocation *invocation, enum stoa_invocation_end end,
                                 const struct stoa_encoded_error *encoded);

#endif
