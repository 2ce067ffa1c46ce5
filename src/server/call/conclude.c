#include "server/call/conclude.h"

#include "server/http/caller.h"
#include "server/http/exchange.h"
#include "server/server_private.h"
#include "server/trace/message.h"
#include "session/fallback.h"

#include <assert.h>
#include <stoa/error.stoa.h>

/* Never sent: they tell `after` why there was no answer. */
static const struct stoa_error client_closed = {
    .code = 499, .reason = STOA_STR("CLIENT_CLOSED"), .message = STOA_STR("the connection ended before the answer")};
static const struct stoa_error abandoned = {.code = STOA_ERROR_UNAVAILABLE,
                                            .reason = STOA_STR("SESSION_ENDED"),
                                            .message = STOA_STR("the session ended before the answer")};

static const struct stoa_error cancelled = {
    .code = 499, .reason = STOA_STR("CLIENT_CLOSED"), .message = STOA_STR("the client has cancelled the stream")};

static enum stoa_transport transport_of(const struct stoa_session *session, const struct stoa_question *question) {
  if (question->http != NULL) {
    return STOA_TRANSPORT_HTTP;
  }
  return stoa_session_is_fallback(session) ? STOA_TRANSPORT_FALLBACK : STOA_TRANSPORT_WEBSOCKET;
}

static void note(const struct stoa_session *session, const struct stoa_question *question, uint32_t outcome) {
  struct stoa_worker *worker = stoa_worker_of(session);
  uint64_t duration_ns =
      question->began_ns == STOA_UNTIMED ? STOA_UNTIMED : stoa_metrics_duration(worker, question->began_ns);
  stoa_metrics_note_request(worker, transport_of(session, question), question->operation, outcome, duration_ns);
}

/* The last step. `error` NULL: success. */
static void finish(struct stoa_session *session, const struct stoa_question *question,
                   struct stoa_invocation *invocation, enum stoa_invocation_end end, const struct stoa_error *error) {
  bool is_success = error == NULL;
  note(session, question,
       is_success ? STOA_OUTCOME_OK : stoa_server_metrics_outcome(stoa_worker_of(session)->server, error));
  stoa_message_trace_answered(question, end, error);
  if (invocation != NULL && !(is_success && invocation->chain->is_quiet)) {
    stoa_chain_after(invocation, end, error);
  }
  if (question->http != NULL) {
    stoa_http_caller_end(session);
  }
}

/* `after` may look at the fields of an HTTP request, which the answer would free. */
static struct stoa_http_exchange *hold(const struct stoa_question *question, const struct stoa_invocation *invocation) {
  if (question->http == NULL || invocation == NULL) {
    return NULL;
  }
  stoa_exchange_hold(question->http);
  return question->http;
}

static void release(struct stoa_http_exchange *held) {
  if (held != NULL) {
    stoa_exchange_release(held);
  }
}

void stoa_conclude_done(struct stoa_session *session, const struct stoa_question *question,
                        struct stoa_invocation *invocation) {
  finish(session, question, invocation, STOA_INVOCATION_DONE, NULL);
}

void stoa_conclude_abandoned(struct stoa_session *session, const struct stoa_question *question,
                             struct stoa_invocation *invocation) {
  finish(session, question, invocation, STOA_INVOCATION_ABANDONED,
         question->http == NULL ? &abandoned : &client_closed);
}

/* What could not be sent ends the session. */
void stoa_conclude_end(struct stoa_session *session, const struct stoa_question *question,
                       struct stoa_invocation *invocation) {
  struct stoa_http_exchange *held = hold(question, invocation);
  int status = stoa_answer_end(session, question);
  if (status == STOA_OK) {
    finish(session, question, invocation, STOA_INVOCATION_DONE, NULL);
  } else {
    if (status == STOA_E_MEMORY) {
      stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
    }
    stoa_conclude_abandoned(session, question, invocation);
  }
  release(held);
}

void stoa_conclude_cancelled(struct stoa_session *session, const struct stoa_question *question,
                             struct stoa_invocation *invocation) {
  finish(session, question, invocation, STOA_INVOCATION_CANCELLED, &cancelled);
}

int stoa_conclude_reply(struct stoa_session *session, const struct stoa_question *question,
                        struct stoa_invocation *invocation, struct stoa_outgoing *reply) {
  if (question->no_reply) {
    stoa_conclude_done(session, question, invocation);
    return STOA_OK;
  }
  struct stoa_http_exchange *held = hold(question, invocation);
  int status = stoa_answer_reply(session, question, reply);
  if (status == STOA_OK) {
    finish(session, question, invocation, STOA_INVOCATION_DONE, NULL);
  } else if (status == STOA_E_CLOSED || (question->http == NULL && session->state != STOA_SESSION_OPEN)) {
    stoa_conclude_abandoned(session, question, invocation);
  } else {
    finish(session, question, invocation, STOA_INVOCATION_FAILED, &stoa_answer_internal);
  }
  release(held);
  return status;
}

int stoa_conclude_error(struct stoa_session *session, const struct stoa_question *question,
                        struct stoa_invocation *invocation, enum stoa_invocation_end end,
                        const struct stoa_error *error) {
  assert(error != NULL);
  if (invocation != NULL) {
    invocation->end = (uint8_t)end;
    error = stoa_chain_error(invocation, error);
  }
  struct stoa_http_exchange *held = hold(question, invocation);
  int status = stoa_answer_error(session, question, error);
  finish(session, question, invocation, end, error);
  release(held);
  return status;
}

/* The error in the worker's arena, or INTERNAL when memory is out. */
static const struct stoa_error *decode(struct stoa_session *session, const struct stoa_encoded_error *encoded) {
  struct stoa_arena *arena = stoa_session_arena(session);
  struct stoa_error *error = stoa_arena_calloc(arena, sizeof *error);
  struct stoa_codec_error ignored;
  bool is_read =
      error != NULL && encoded->codec->decode(&stoa_error_type, encoded->payload, arena, error, &ignored) == STOA_OK;
  return is_read ? error : &stoa_answer_internal;
}

void stoa_conclude_encoded_error(struct stoa_session *session, const struct stoa_question *question,
                                 struct stoa_invocation *invocation, enum stoa_invocation_end end,
                                 const struct stoa_encoded_error *encoded) {
  if (invocation == NULL && question->http == NULL) {
    stoa_answer_encoded_error(session, question, encoded->payload);
    note(session, question, encoded->outcome);
    if (question->span != NULL) {
      stoa_message_trace_answered(question, end, decode(session, encoded));
    }
    return;
  }
  const struct stoa_error *error = decode(session, encoded);
  if (question->http != NULL) {
    int ignored = stoa_conclude_error(session, question, invocation, end, error);
    (void)ignored;
    return;
  }
  invocation->end = (uint8_t)end;
  const struct stoa_error *changed = stoa_chain_error(invocation, error);
  if (changed == error && error != &stoa_answer_internal) {
    stoa_answer_encoded_error(session, question, encoded->payload);
  } else {
    stoa_answer_error(session, question, changed);
  }
  finish(session, question, invocation, end, changed);
}
