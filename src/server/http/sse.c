#include "server/http/sse.h"

#include "server/http/error_json.h"
#include "server/http/exchange_private.h"
#include "server/http/transcode.h"

#include <assert.h>

static int add_text(struct stoa_buffer *out, const char *text) {
  return stoa_buffer_append(out, text, strlen(text));
}

int stoa_sse_begin(struct stoa_http_exchange *exchange, size_t bytes_max, stoa_http_stream_event *on_event,
                   void *context) {
  /* nginx and others collect answers, unless the answer tells them not to. */
  static const struct stoa_http_field fields[] = {{"Cache-Control", STOA_STR("no-cache")},
                                                  {"X-Accel-Buffering", STOA_STR("no")}};
  const struct stoa_http_answer answer = {
      .status = 200, .content_type = "text/event-stream", .fields = fields, .field_count = STOA_COUNT_OF(fields)};
  if (atomic_load(&exchange->pieces.bytes_max) > bytes_max) {
    stoa_budget_set(&exchange->pieces, bytes_max);
  }
  return stoa_http_begin(exchange, &answer, on_event, context);
}

int stoa_sse_write_item(const struct stoa_handler_route *rpc, const struct stoa_message_type *type, const void *item,
                        struct stoa_buffer *out) {
  size_t before = out->len;
  int status = add_text(out, "data: ");
  if (status == STOA_OK) {
    status = stoa_transcode_write(rpc->binding, type, item, out); /* JSON has no line breaks */
  }
  if (status == STOA_OK) {
    status = add_text(out, "\n\n");
  }
  if (status != STOA_OK) {
    out->len = before;
  }
  return status;
}

int stoa_sse_send(struct stoa_http_exchange *exchange, struct stoa_bytes event) {
  if (event.len > STOA_EXCHANGE_BODY_BYTES_MAX / 2) {
    return STOA_E_LIMIT;
  }
  int status = stoa_http_write(exchange, event);
  assert(status != STOA_E_ARGUMENT);
  return status == STOA_E_LIMIT ? STOA_E_AGAIN : status;
}

void stoa_sse_heartbeat(struct stoa_http_exchange *exchange) {
  static const char comment[] = ":\n\n";
  if (exchange->is_sent && exchange->answer.content.len == 0) {
    int ignored = stoa_http_write(exchange, stoa_bytes_make((const uint8_t *)comment, sizeof comment - 1));
    (void)ignored; /* without memory the next one may do */
  }
}

bool stoa_sse_is_begun(const struct stoa_http_exchange *exchange) {
  return atomic_load(&exchange->state) == STOA_EXCHANGE_STREAMING;
}

/* The last event always fits: nothing follows it. */
static void finish(struct stoa_http_exchange *exchange, const struct stoa_buffer *event) {
  stoa_budget_set(&exchange->pieces, SIZE_MAX);
  if (stoa_http_write(exchange, stoa_bytes_make(event->data, event->len)) == STOA_OK) {
    int ignored = stoa_http_end(exchange);
    (void)ignored; /* the connection has ended */
  } else {
    stoa_http_drop(exchange);
  }
}

void stoa_sse_end(struct stoa_http_exchange *exchange) {
  static const char end[] = "event: end\ndata: {}\n\n";
  struct stoa_buffer event;
  stoa_buffer_init(&event, sizeof end);
  if (add_text(&event, end) == STOA_OK) {
    finish(exchange, &event);
  } else {
    stoa_http_drop(exchange);
  }
  stoa_buffer_fini(&event);
}

int stoa_sse_fail(struct stoa_http_exchange *exchange, const struct stoa_error *error) {
  struct stoa_buffer event;
  stoa_buffer_init(&event, STOA_EXCHANGE_BODY_BYTES_MAX / 2);
  int status = add_text(&event, "event: error\ndata: ");
  status = status == STOA_OK ? stoa_error_write_json(error, &event) : status;
  status = status == STOA_OK ? add_text(&event, "\n\n") : status;
  if (status == STOA_OK) {
    finish(exchange, &event);
  } else if (status != STOA_E_UTF8) {
    stoa_http_drop(exchange);
    status = STOA_OK;
  }
  stoa_buffer_fini(&event);
  return status == STOA_E_UTF8 ? status : STOA_OK;
}
