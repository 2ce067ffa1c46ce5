/* server/http/exchange_output.c: the answers of exchanges, written to their streams. */
#include "base/memory.h"
#include "server/http/cors.h"
#include "server/http/error_json.h"
#include "server/http/exchange_private.h"
#include "server/http/response.h"

#include <assert.h>
#include <stdio.h>

/* An answer up to this size is sent together with its head; a longer one piece by piece. */
#define AT_ONCE_BYTES ((size_t)64 * 1024)
#define HEAD_BYTES_MAX (256u * 1024)
#define CHUNK_START_BYTES_MAX 20

static const struct stoa_server *server_of(const struct stoa_stream *stream) {
  return stoa_worker_of_stream(stream)->server;
}

static bool is_public(const struct stoa_stream *stream) {
  const struct stoa_server_session *own = stoa_container_of(stream, const struct stoa_server_session, base.stream);
  return !server_of(stream)->listeners.items[own->listener].is_admin;
}

/* Append the fields of CORS to those of an answer. */
static int add_cors(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                    bool echoes_origin, struct stoa_buffer *fields) {
  if (echoes_origin) {
    return stoa_cors_add_echo(head, data, fields);
  }
  return is_public(stream) ? stoa_cors_add(stoa_worker_of_stream(stream)->settings->config.cors, head, data, fields)
                           : STOA_OK;
}

/* Heads. */

static bool may_keep_alive(const struct stoa_stream *stream, bool wanted) {
  const struct stoa_worker *worker = stoa_worker_of_stream(stream);
  return wanted && !stoa_http_is_last(stream) && (!worker->draining || worker->serves_posts);
}

/* Send a head, and the content after it; NULL: none. Nothing is sent after an error. */
static int send_short(struct stoa_stream *stream, struct stoa_response *response, const struct stoa_buffer *content) {
  struct stoa_buffer *out = stoa_stream_output_begin(stream);
  if (out == NULL) {
    return stoa_stream_output_status(stream);
  }
  size_t before = out->len;
  response->wall_us = stoa_http_wall_us(stream);
  int status = stoa_response_write(response, out);
  if (status == STOA_OK && content != NULL) {
    status = stoa_buffer_append(out, content->data, content->len);
  }
  if (status != STOA_OK) {
    out->len = before;
  }
  stoa_stream_output_end(stream);
  return status;
}

/* The stream cannot send what it was promised. */
static void give_up(struct stoa_stream *stream) {
  stoa_stream_doom(stream, STOA_FATE_MEMORY);
}

void stoa_exchange_refuse(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                          const struct stoa_exchange_refusal *refusal) {
  struct stoa_error error = stoa_response_error_of(refusal->status);
  struct stoa_buffer fields;
  struct stoa_buffer content;
  const char *more = refusal->fields == NULL ? "" : refusal->fields;
  const char *message = refusal->message == NULL ? stoa_http_reason(refusal->status) : refusal->message;
  bool has_content = stoa_response_has_content(refusal->status);
  error.message = stoa_string_of(message);
  stoa_buffer_init(&fields, HEAD_BYTES_MAX);
  stoa_buffer_init(&content, AT_ONCE_BYTES);
  int status = add_cors(stream, head, data, refusal->echoes_origin, &fields);
  status = status == STOA_OK ? stoa_buffer_append(&fields, more, strlen(more)) : status;
  if (status == STOA_OK && has_content) {
    status = stoa_error_write_json(&error, &content);
    if (status == STOA_E_UTF8) {
      error.message = stoa_string_of(stoa_http_reason(refusal->status)); /* the message quotes what was sent */
      status = stoa_error_write_json(&error, &content);
    }
  }
  bool keep_alive = may_keep_alive(stream, refusal->keep_alive && head->keep_alive);
  struct stoa_response response = {.status = refusal->status,
                                   .has_length = has_content,
                                   .length = content.len,
                                   .keep_alive = keep_alive,
                                   .content_type = stoa_string_of(has_content ? "application/json" : ""),
                                   .fields = {fields.data, fields.len}};
  bool is_head = head->method == STOA_HTTP_HEAD;
  status = status == STOA_OK ? send_short(stream, &response, is_head ? NULL : &content) : status;
  stoa_buffer_fini(&fields);
  stoa_buffer_fini(&content);
  if (status == STOA_OK) {
    stoa_http_answered(stream, keep_alive);
  } else {
    give_up(stream);
  }
}

/* Pieces. */

static int add_chunk(struct stoa_buffer *out, const void *data, size_t len) {
  char start[CHUNK_START_BYTES_MAX];
  int start_len = snprintf(start, sizeof start, "%zx\r\n", len);
  int status = stoa_buffer_append(out, start, (size_t)start_len);
  status = status == STOA_OK ? stoa_buffer_append(out, data, len) : status;
  return status == STOA_OK ? stoa_buffer_append(out, "\r\n", 2) : status;
}

static int add_part(const struct stoa_http_exchange *exchange, struct stoa_buffer *out, const void *data, size_t len) {
  return exchange->is_chunked ? add_chunk(out, data, len) : stoa_buffer_append(out, data, len);
}

static int add_end(const struct stoa_http_exchange *exchange, struct stoa_buffer *out) {
  return exchange->is_chunked && !exchange->is_bodyless ? stoa_buffer_append(out, "0\r\n\r\n", 5) : STOA_OK;
}

/* One piece of a source of the library's own. */
static int read_source(struct stoa_http_exchange *exchange, struct stoa_buffer *out, size_t size, bool *out_last) {
  struct stoa_buffer piece;
  bool is_last = false;
  stoa_buffer_init(&piece, STOA_EXCHANGE_BODY_BYTES_MAX);
  int status = exchange->source->read(exchange->source, &piece, size, &is_last);
  if (status == STOA_OK && piece.len > 0) {
    status = add_part(exchange, out, piece.data, piece.len);
  }
  if (status == STOA_OK && is_last) {
    status = add_end(exchange, out);
  }
  stoa_buffer_fini(&piece);
  *out_last = status == STOA_OK && is_last;
  return status;
}

/* All that was written was taken. The program is told later: it may send to others, whose bytes must not come between
 * those of this stream. */
static void note_drained(struct stoa_http_exchange *exchange) {
  if (exchange->has_event && exchange->on_event != NULL) {
    stoa_exchange_tell(exchange);
  }
}

static int take_output(struct stoa_http_exchange *exchange, struct stoa_buffer *out, size_t size) {
  struct stoa_buffer *content = &exchange->answer.content;
  size_t left = content->len - exchange->output_at;
  size_t len = left < size ? left : size;
  int status = add_part(exchange, out, content->data + exchange->output_at, len);
  if (status != STOA_OK) {
    return status;
  }
  exchange->output_at += len;
  if (exchange->answer.is_streamed) {
    stoa_budget_give(&exchange->pieces, len);
  }
  if (exchange->output_at == content->len) {
    stoa_buffer_fini(content);
    exchange->output_at = 0;
  }
  return STOA_OK;
}

static int read_output(struct stoa_http_content *base, struct stoa_buffer *out, size_t size, bool *out_last) {
  struct stoa_http_exchange *exchange = stoa_container_of(base, struct stoa_http_exchange, content);
  const struct stoa_buffer *content = &exchange->answer.content;
  int status = STOA_OK;
  if (exchange->source != NULL) {
    return read_source(exchange, out, size, out_last);
  }
  if (content->len == 0 && !exchange->is_complete) {
    note_drained(exchange);
    return STOA_E_AGAIN;
  }
  if (content->len > 0) {
    status = take_output(exchange, out, size);
  }
  /* With the program's end known, not before: a last piece is then sent together with the end. */
  bool is_last = content->len == 0 && exchange->is_complete;
  if (status == STOA_OK && is_last) {
    status = add_end(exchange, out);
  }
  *out_last = is_last;
  return status;
}

static void close_output(struct stoa_http_content *base) {
  struct stoa_http_exchange *exchange = stoa_container_of(base, struct stoa_http_exchange, content);
  if (exchange->source != NULL) {
    exchange->source->close(exchange->source);
    exchange->source = NULL;
  }
}

/* Answers. */

static struct stoa_response head_of(struct stoa_http_exchange *exchange) {
  const struct stoa_exchange_answer *answer = &exchange->answer;
  bool has_content = stoa_response_has_content(answer->status);
  bool is_1_0 = exchange->request->head.minor_version == 0;
  /* The end of an answer in pieces by HTTP/1.0 is the end of the connection. */
  bool is_delimited = !answer->is_streamed || !is_1_0 || exchange->is_bodyless;
  exchange->is_chunked = answer->is_streamed && has_content && !is_1_0;
  return (struct stoa_response){
      .status = answer->status,
      .is_chunked = exchange->is_chunked,
      .has_length = !answer->is_streamed && answer->status != 204 && answer->status != 304,
      .length = has_content ? answer->content.len : 0,
      .keep_alive = may_keep_alive(exchange->stream, exchange->wants_keep_alive && is_delimited),
      .fields = {answer->fields.data, answer->fields.len}};
}

static void close_source(struct stoa_http_exchange *exchange) {
  close_output(&exchange->content);
}

void stoa_exchange_send(struct stoa_http_exchange *exchange) {
  struct stoa_exchange_answer *answer = &exchange->answer;
  struct stoa_stream *stream = exchange->stream;
  if (stream == NULL) {
    close_source(exchange);
    return;
  }
  assert(exchange->request != NULL);
  assert(!exchange->is_sent);
  exchange->is_sent = true;
  stoa_loop_timer_stop(stoa_worker_of_stream(stream)->loop, &exchange->timeout);
  exchange->is_complete = exchange->is_complete || !answer->is_streamed;
  struct stoa_response response = {.status = 500};
  int status =
      add_cors(stream, &exchange->request->head, exchange->request->bytes, exchange->echoes_origin, &answer->fields);
  exchange->is_bodyless = exchange->is_head_only || !stoa_response_has_content(answer->status);
  bool is_short = !answer->is_streamed && (exchange->is_bodyless || answer->content.len <= AT_ONCE_BYTES);
  if (status == STOA_OK) {
    response = head_of(exchange);
    status = send_short(stream, &response, is_short && !exchange->is_bodyless ? &answer->content : NULL);
  }
  stoa_exchange_free_request(exchange);
  stoa_buffer_fini(&answer->fields);
  if (status != STOA_OK) {
    close_source(exchange);
    give_up(stream);
  } else if (is_short || (exchange->is_bodyless && exchange->is_complete)) {
    close_source(exchange);
    stoa_http_answered(stream, response.keep_alive);
  } else {
    exchange->content.read = read_output;
    exchange->content.close = close_output;
    stoa_http_answer_from(stream, &exchange->content, response.keep_alive);
  }
}

void stoa_exchange_add_piece(struct stoa_http_exchange *exchange, struct stoa_bytes piece) {
  if (exchange->stream == NULL) {
    return;
  }
  exchange->has_event = true;
  if (exchange->is_bodyless) {
    stoa_budget_give(&exchange->pieces, piece.len);
  } else if (stoa_buffer_append(&exchange->answer.content, piece.data, piece.len) != STOA_OK) {
    give_up(exchange->stream);
    return;
  }
  stoa_http_more(exchange->stream);
}

void stoa_exchange_complete(struct stoa_http_exchange *exchange) {
  exchange->is_complete = true;
  if (exchange->stream != NULL) {
    stoa_http_more(exchange->stream);
  }
}

void stoa_exchange_abort(struct stoa_http_exchange *exchange) {
  if (exchange->stream != NULL) {
    /* Without the last chunk, so that the client knows that it has not got all. */
    stoa_stream_doom(exchange->stream, STOA_FATE_BROKEN);
  }
}

void stoa_exchange_send_error(struct stoa_http_exchange *exchange, int status, const char *message) {
  struct stoa_stream *stream = exchange->stream;
  if (stream == NULL) {
    return;
  }
  assert(exchange->request != NULL);
  assert(!exchange->is_sent);
  exchange->is_sent = true;
  stoa_loop_timer_stop(stoa_worker_of_stream(stream)->loop, &exchange->timeout);
  stoa_exchange_refuse(stream, &exchange->request->head, exchange->request->bytes,
                       &(struct stoa_exchange_refusal){.status = status,
                                                       .message = message,
                                                       .keep_alive = exchange->wants_keep_alive,
                                                       .echoes_origin = exchange->echoes_origin});
}
