#include "server/call/answer.h"

#include "server/http/answer.h"
#include "server/http/sse.h"
#include "server/send.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

const struct stoa_error stoa_later = {.reason = STOA_STR("LATER")};

const struct stoa_error stoa_answer_internal = {.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL")};
const struct stoa_error stoa_answer_timed_out = {.code = STOA_ERROR_UNAVAILABLE,
                                                 .reason = STOA_STR("TIMEOUT"),
                                                 .message = STOA_STR("no answer in time"),
                                                 .temporary = true};

static int send_to(struct stoa_session *session, const struct stoa_question *question, struct stoa_outgoing *outgoing) {
  if (question->http != NULL) {
    return stoa_http_answer_reply(question->http, outgoing);
  }
  outgoing->type = question->type;
  outgoing->is_call = question->is_call;
  outgoing->id = question->id;
  stoa_worker_outgoing(stoa_worker_of(session), outgoing);
  return stoa_worker_send(session, outgoing);
}

int stoa_answer_item(struct stoa_session *session, const struct stoa_question *question, struct stoa_outgoing *item,
                     size_t *out_len) {
  const struct stoa_worker *worker = stoa_worker_of(session);
  size_t codec_index = worker->server->formats.items[stoa_server_session_of(session)->format].codec_index;
  assert(question->http == NULL);
  assert(question->type <= STOA_TYPE_STREAM_MAX);
  item->type = question->type | STOA_TYPE_MORE;
  item->is_call = true;
  item->id = question->id;
  stoa_worker_outgoing(stoa_worker_of(session), item);
  int status = stoa_worker_send(session, item);
  if (status == STOA_OK) {
    *out_len = item->payloads[codec_index].len;
  }
  return status;
}

int stoa_answer_end(struct stoa_session *session, const struct stoa_question *question) {
  static const struct stoa_bytes null = {(const uint8_t *)"null", 4};
  static const struct stoa_bytes empty = {(const uint8_t *)"", 0};
  if (question->http != NULL) {
    stoa_sse_end(question->http);
    return STOA_OK;
  }
  const struct stoa_format *format =
      &stoa_worker_of(session)->server->formats.items[stoa_server_session_of(session)->format];
  struct stoa_outgoing outgoing = {0};
  outgoing.payloads[format->codec_index] = format->framing == STOA_FRAMING_BINARY ? empty : null;
  return send_to(session, question, &outgoing);
}

static int send_error(struct stoa_session *session, const struct stoa_question *question,
                      struct stoa_outgoing *outgoing) {
  outgoing->is_error = true;
  outgoing->message_type = &stoa_error_type;
  if (question->http != NULL) {
    return stoa_http_answer_error(question->http, outgoing->message);
  }
  if (session->state != STOA_SESSION_OPEN || !stoa_session_negotiated(session)) {
    return STOA_OK;
  }
  int status = send_to(session, question, outgoing);
  if (status == STOA_E_MEMORY) {
    stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
  }
  return status;
}

int stoa_answer_error(struct stoa_session *session, const struct stoa_question *question,
                      const struct stoa_error *error) {
  struct stoa_outgoing outgoing = {.message = error};
  int status = send_error(session, question, &outgoing);
  bool is_ending = status == STOA_E_CLOSED || status == STOA_E_MEMORY || status == STOA_E_LIMIT;
  if (status != STOA_OK && !is_ending && error != &stoa_answer_internal) {
    stoa_log(STOA_LOG_ERROR, "an error could not be encoded", STOA_F_STR("handler", question->handler),
             STOA_F_STR("reason", stoa_status_text(status)));
    struct stoa_outgoing instead = {.message = &stoa_answer_internal};
    int ignored = send_error(session, question, &instead);
    (void)ignored;
  }
  return status;
}

void stoa_answer_encoded_error(struct stoa_session *session, const struct stoa_question *question,
                               struct stoa_bytes payload) {
  struct stoa_outgoing outgoing = {0};
  const struct stoa_server *server = stoa_worker_of(session)->server;
  outgoing.payloads[server->formats.items[stoa_server_session_of(session)->format].codec_index] = payload;
  int ignored = send_error(session, question, &outgoing);
  (void)ignored;
}

int stoa_answer_reply(struct stoa_session *session, const struct stoa_question *question, struct stoa_outgoing *reply) {
  int status = send_to(session, question, reply);
  if (status != STOA_OK && status != STOA_E_CLOSED) {
    stoa_log(STOA_LOG_ERROR, "a reply could not be encoded", STOA_F_STR("handler", question->handler),
             STOA_F_STR("reason", stoa_status_text(status)));
    stoa_answer_error(session, question, &stoa_answer_internal);
  }
  return status;
}
