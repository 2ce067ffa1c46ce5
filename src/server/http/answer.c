#include "server/http/answer.h"

#include "server/http/error_json.h"
#include "server/http/exchange_private.h"
#include "server/http/response.h"
#include "server/http/sse.h"

#include <assert.h>
#include <stoa/errors.h>

/* What was not given for want of memory has ended the exchange too, so nobody may answer it again. */
static int give(struct stoa_http_exchange *exchange, uint16_t status, const struct stoa_http_field *fields,
                size_t field_count, struct stoa_bytes body) {
  const struct stoa_http_answer answer = {
      .status = status, .content_type = "application/json", .fields = fields, .field_count = field_count, .body = body};
  return stoa_http_reply(exchange, &answer) == STOA_OK ? STOA_OK : STOA_E_CLOSED;
}

int stoa_http_answer_write(const struct stoa_handler_route *rpc, const struct stoa_message_type *type,
                           const void *reply, struct stoa_buffer *out) {
  return stoa_transcode_write(rpc->binding, type, reply, out);
}

int stoa_http_answer_reply(struct stoa_http_exchange *exchange, const struct stoa_outgoing *reply) {
  struct stoa_buffer body;
  assert(exchange->rpc != NULL);
  if (reply->payloads[0].data != NULL) {
    return give(exchange, 200, NULL, 0, reply->payloads[0]);
  }
  stoa_buffer_init(&body, STOA_EXCHANGE_BODY_BYTES_MAX);
  int status = stoa_http_answer_write(exchange->rpc, reply->message_type, reply->message, &body);
  if (status == STOA_OK) {
    status = give(exchange, 200, NULL, 0, (struct stoa_bytes){body.data, body.len});
  }
  stoa_buffer_fini(&body);
  return status;
}

/* RFC 9110 11.6.1: 401 must have it. RFC 6750 3.1: without a token no error is named. */
static struct stoa_string challenge(const struct stoa_http_exchange *exchange) {
  bool is_given = stoa_http_request_field(&exchange->request->public, "Authorization").data != NULL;
  return stoa_string_of(is_given ? "Bearer error=\"invalid_token\"" : "Bearer");
}

int stoa_http_answer_error(struct stoa_http_exchange *exchange, const struct stoa_error *error) {
  struct stoa_http_field fields[2];
  size_t count = 0;
  char seconds[STOA_RESPONSE_RETRY_SIZE];
  struct stoa_buffer body;
  uint16_t code = (uint16_t)stoa_error_http_status(error);
  if (!stoa_http_waits(exchange)) {
    return STOA_E_CLOSED;
  }
  if (stoa_sse_is_begun(exchange)) {
    return stoa_sse_fail(exchange, error);
  }
  if (error->retry_ms > 0) {
    fields[count++] = stoa_response_retry_after(error, seconds);
  }
  if (code == 401) {
    fields[count++] = (struct stoa_http_field){"WWW-Authenticate", challenge(exchange)};
  }
  stoa_buffer_init(&body, STOA_EXCHANGE_BODY_BYTES_MAX);
  int status = stoa_error_write_json(error, &body);
  if (status == STOA_OK) {
    status = give(exchange, code, fields, count, (struct stoa_bytes){body.data, body.len});
  } else if (status != STOA_E_UTF8) {
    stoa_http_drop(exchange); /* the client gets 500 without a text, which needs less memory */
    status = STOA_E_CLOSED;
  }
  stoa_buffer_fini(&body);
  return status;
}
