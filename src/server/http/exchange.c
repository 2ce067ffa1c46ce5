#include "server/http/exchange.h"

#include "base/memory.h"
#include "server/http/exchange_private.h"
#include "server/http/response.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

#define PARAMETERS_MAX 256

static struct stoa_worker *worker_of(const struct stoa_http_exchange *exchange) {
  return stoa_worker_of_stream(exchange->stream);
}

/* Bodies. */

static void release_body(struct stoa_http_exchange *exchange) {
  stoa_buffer_fini(&exchange->body);
  if (exchange->body_counted > 0) {
    stoa_budget_give(&exchange->account->worker->server->bodies, exchange->body_counted);
    exchange->body_counted = 0;
  }
}

/* What is counted is the memory, which is more than the bytes. */
static int on_content(struct stoa_http_pending *pending, struct stoa_bytes content) {
  struct stoa_http_exchange *exchange = stoa_container_of(pending, struct stoa_http_exchange, pending);
  struct stoa_buffer *body = &exchange->body;
  int status = stoa_buffer_append(body, content.data, content.len);
  if (status != STOA_OK) {
    return status == STOA_E_LIMIT ? 413 : 503;
  }
  size_t more = body->cap - exchange->body_counted;
  if (more > 0 && !stoa_budget_take(&worker_of(exchange)->server->bodies, more)) {
    stoa_log(STOA_LOG_WARN, "request refused: too many bodies at once; raise server.limits.bodies_bytes_max",
             STOA_F_INT("bodies_bytes_max", worker_of(exchange)->server->bodies.bytes_max));
    return 503;
  }
  exchange->body_counted += more;
  return 0;
}

/* The handler. */

/* Nothing else may answer any more. */
static void answer_error(struct stoa_http_exchange *exchange, int status, const char *message) {
  int state;
  if (stoa_exchange_claim(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_ENDED, &state)) {
    stoa_exchange_note_refused(exchange->stream, exchange->rpc, status);
    stoa_exchange_send_error(exchange, status, message);
  }
}

void stoa_exchange_note_refused(struct stoa_stream *stream, const struct stoa_handler_route *rpc, int status) {
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  if (rpc != NULL) {
    const struct stoa_error error = stoa_response_error_of(status);
    uint32_t operation =
        stoa_server_metrics_operation(worker->server, stoa_handler_table_find(&worker->server->handlers, rpc->type));
    stoa_metrics_note_request(worker, STOA_TRANSPORT_HTTP, operation,
                              stoa_server_metrics_outcome(worker->server, &error), STOA_UNTIMED);
  }
}

/* Decode into *out_message, in the worker's arena. Returns 0, or the status code of the refusal. */
static int read_message(const struct stoa_http_exchange *exchange, struct stoa_arena *arena, const void **out_message,
                        struct stoa_codec_error *out_error) {
  const struct stoa_message_type *type = exchange->route->message;
  out_error->text[0] = '\0';
  void *message = stoa_arena_calloc(arena, type->size);
  int status = message == NULL
                   ? stoa_arena_status(arena)
                   : stoa_codec_json.decode(type, (struct stoa_bytes){exchange->body.data, exchange->body.len}, arena,
                                            message, out_error);
  if (status == STOA_OK) {
    status = stoa_message_check(type, message, out_error);
  }
  if (status == STOA_OK) {
    *out_message = message;
    return 0;
  }
  if (out_error->text[0] == '\0') {
    snprintf(out_error->text, sizeof out_error->text, "%s", stoa_status_text(status));
  }
  return status == STOA_E_MEMORY ? 503 : 400;
}

/* Fill what the handler sees. Returns 0, or the status code of the refusal. */
static int read_request(struct stoa_http_exchange *exchange, struct stoa_arena *arena,
                        struct stoa_codec_error *out_error) {
  struct stoa_exchange_request *request = exchange->request;
  request->public.body = (struct stoa_bytes){exchange->body.data, exchange->body.len};
  if (exchange->rpc != NULL) {
    return 0; /* rpc.c reads it, so that its mistakes are those of a call */
  }
  int status = stoa_http_query_parse(request->public.query, PARAMETERS_MAX, arena, &request->query);
  if (status != STOA_OK) {
    snprintf(out_error->text, sizeof out_error->text, "the query: %s", stoa_status_text(status));
    return status == STOA_E_MEMORY ? 503 : 400;
  }
  return exchange->route->message == NULL ? 0 : read_message(exchange, arena, &request->public.message, out_error);
}

/* The handler has returned. */
static void after_handler(struct stoa_http_exchange *exchange) {
  int state = atomic_load(&exchange->state);
  if (exchange->is_taken) {
    if (state == STOA_EXCHANGE_OPEN && exchange->stream != NULL && exchange->rpc == NULL) {
      struct stoa_worker *worker = worker_of(exchange);
      stoa_loop_timer_start(worker->loop, &exchange->timeout, worker->settings->limits.call_timeout_ms);
    }
  } else if (state == STOA_EXCHANGE_OPEN || state == STOA_EXCHANGE_STREAMING) {
    stoa_log(STOA_LOG_ERROR, "the handler of a route has neither answered nor taken its request",
             STOA_F_TEXT("path", exchange->request->match.route->template.text));
    stoa_http_drop(exchange);
  }
}

static void handle(struct stoa_http_exchange *exchange) {
  struct stoa_worker *worker = worker_of(exchange);
  struct stoa_codec_error error = {.text = ""};
  int code = read_request(exchange, worker->arena, &error);
  if (code != 0) {
    answer_error(exchange, code, error.text);
  } else {
    stoa_exchange_count(exchange->account, STOA_EXCHANGE_BEGUN);
    exchange->is_begun = true;
    exchange->is_handling = true;
    exchange->route->handler(exchange->route->user, exchange, &exchange->request->public);
    after_handler(exchange);
    exchange->is_handling = false;
  }
  stoa_arena_reset(worker->arena);
}

static void on_complete(struct stoa_stream *stream, struct stoa_http_pending *pending) {
  struct stoa_http_exchange *exchange = stoa_container_of(pending, struct stoa_http_exchange, pending);
  (void)stream;
  atomic_fetch_add(&exchange->refs, 1); /* it may be answered, and its connection end, inside the handler */
  handle(exchange);
  release_body(exchange);
  stoa_exchange_free_request(exchange);
  stoa_exchange_unref(exchange);
}

static void on_refused(struct stoa_stream *stream, struct stoa_http_pending *pending, int code) {
  struct stoa_http_exchange *exchange = stoa_container_of(pending, struct stoa_http_exchange, pending);
  (void)stream;
  answer_error(exchange, code, NULL);
}

/* Nobody will answer the rpc any more: its call and the middleware that it waits for are over, and what they kept. */
static void end_call(struct stoa_http_exchange *exchange, struct stoa_session *session) {
  stoa_pendings_on_closing(session);
  if (exchange->is_taken) {
    exchange->is_taken = false;
    stoa_exchange_unref(exchange);
  }
}

/* The connection has ended, or the answer was sent in full. */
static void on_close(struct stoa_http_pending *pending) {
  struct stoa_http_exchange *exchange = stoa_container_of(pending, struct stoa_http_exchange, pending);
  struct stoa_worker *worker = worker_of(exchange);
  struct stoa_session *session = stoa_exchange_session(exchange);
  int state;
  stoa_loop_timer_stop(worker->loop, &exchange->timeout);
  bool is_lost = stoa_exchange_claim(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_GONE, &state) ||
                 stoa_exchange_claim(exchange, STOA_EXCHANGE_STREAMING, STOA_EXCHANGE_GONE, &state);
  if (is_lost && exchange->is_begun) {
    stoa_exchange_count(exchange->account, STOA_EXCHANGE_LOST);
  }
  if (!exchange->is_handling) { /* else its handler may still use it */
    release_body(exchange);
  }
  exchange->stream = NULL;
  if (is_lost && exchange->rpc != NULL) {
    end_call(exchange, session);
  }
  stoa_exchange_tell(exchange);
  stoa_exchange_unref(exchange);
}

static void on_timeout(struct stoa_timer *timer) {
  struct stoa_http_exchange *exchange = stoa_container_of(timer, struct stoa_http_exchange, timeout);
  int state;
  if (exchange->stream == NULL || !stoa_exchange_claim(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_TIMED_OUT, &state)) {
    return; /* its answer was posted */
  }
  stoa_exchange_count(exchange->account, STOA_EXCHANGE_TIMEOUTS);
  stoa_log(STOA_LOG_WARN, "a request was not answered in time",
           STOA_F_TEXT("path", exchange->request->match.route->template.text));
  stoa_exchange_send_error(exchange, 504, "no answer in time");
}

/* Beginning. */

static struct stoa_string rebase(struct stoa_string view, const char *from, const char *to) {
  return view.data == NULL ? view : stoa_string_make(to + (view.data - from), view.len);
}

static struct stoa_string view_of(const struct stoa_exchange_request *request, struct stoa_http_span span) {
  return stoa_string_make((const char *)request->bytes + span.start, span.len);
}

/* Copy the request: its bytes are gone when the body has come. */
static struct stoa_exchange_request *copy_request(const struct stoa_exchange_start *start) {
  size_t head_len = start->head->head_len;
  struct stoa_exchange_request *request = stoa_alloc(sizeof *request + head_len + start->text.len);
  if (request == NULL) {
    return NULL;
  }
  memset(request, 0, sizeof *request);
  request->head = *start->head;
  request->match = *start->match;
  memcpy(request->bytes, start->data, head_len);
  if (start->text.len > 0) {
    memcpy(request->bytes + head_len, start->text.data, start->text.len);
  }
  for (size_t i = 0; i < start->match->route->template.variable_count; i++) {
    request->match.values[i] =
        rebase(start->match->values[i], start->text.data, (const char *)request->bytes + head_len);
  }
  request->client = start->client;
  stoa_peer_format(&start->client, request->address);
  request->public = (struct stoa_http_request){
      .method = stoa_http_route_method_in(&request->head, request->bytes),
      .path = view_of(request, request->head.path),
      .query = view_of(request, request->head.query),
      .address = request->address,
      .listener = stoa_server_session_of_stream(start->stream)->listener,
      .is_tls = start->stream->conn.tls != NULL,
      .private_data = request,
  };
  return request;
}

static struct stoa_http_exchange *make(const struct stoa_exchange_start *start) {
  struct stoa_worker *worker = stoa_worker_of_stream(start->stream);
  struct stoa_http_exchange *exchange = stoa_calloc(1, sizeof *exchange);
  struct stoa_exchange_request *request = exchange == NULL ? NULL : copy_request(start);
  if (request == NULL) {
    stoa_free(exchange);
    return NULL;
  }
  const struct stoa_route_entry *entry = start->match->route->context;
  exchange->pending = (struct stoa_http_pending){*start->body, on_content, on_complete, on_refused, on_close};
  atomic_init(&exchange->state, STOA_EXCHANGE_OPEN);
  atomic_init(&exchange->refs, 1);
  exchange->account = worker->exchanges;
  atomic_fetch_add_explicit(&exchange->account->refs, 1, memory_order_relaxed);
  exchange->route = &entry->route;
  exchange->rpc = entry->rpc;
  exchange->stream = start->stream;
  exchange->request = request;
  exchange->timeout.on_due = on_timeout;
  exchange->is_head_only = start->head->method == STOA_HTTP_HEAD;
  exchange->wants_keep_alive = start->head->keep_alive;
  exchange->echoes_origin = entry->is_fallback;
  exchange->pieces.bytes_max = worker->settings->limits.send_queue_bytes_max;
  stoa_buffer_init(&exchange->body, start->body->limits.content_bytes_max);
  stoa_buffer_init(&exchange->answer.fields, STOA_EXCHANGE_FIELDS_BYTES_MAX);
  stoa_buffer_init(&exchange->answer.content, STOA_EXCHANGE_BODY_BYTES_MAX);
  return exchange;
}

void stoa_exchange_begin(const struct stoa_exchange_start *start) {
  struct stoa_http_exchange *exchange = make(start);
  if (exchange == NULL) {
    const struct stoa_route_entry *entry = start->match->route->context;
    stoa_exchange_note_refused(start->stream, entry->rpc, 503);
    stoa_exchange_refuse(start->stream, start->head, start->data, &(struct stoa_exchange_refusal){.status = 503});
    return;
  }
  stoa_http_await(start->stream, &exchange->pending);
}

struct stoa_session *stoa_exchange_session(const struct stoa_http_exchange *exchange) {
  return exchange->stream == NULL ? NULL : &stoa_server_session_of_stream(exchange->stream)->base;
}

struct stoa_string stoa_exchange_field(const struct stoa_http_exchange *exchange, const char *name) {
  const struct stoa_exchange_request *request = exchange->request;
  return request == NULL ? stoa_string_make(NULL, 0) : stoa_http_field(&request->head, request->bytes, name, NULL);
}

struct stoa_string stoa_exchange_field_once(const struct stoa_http_exchange *exchange, const char *name) {
  const struct stoa_exchange_request *request = exchange->request;
  return request == NULL ? stoa_string_make(NULL, 0) : stoa_http_field_once(&request->head, request->bytes, name);
}

const struct stoa_handler_route *stoa_exchange_rpc(const struct stoa_http_exchange *exchange) {
  return exchange->rpc;
}

/* What the handler sees. */

struct stoa_string stoa_http_variable(const struct stoa_http_request *request, const char *name) {
  const struct stoa_exchange_request *own = request->private_data;
  const struct stoa_http_template *template = &own->match.route->template;
  for (size_t i = 0; i < template->variable_count; i++) {
    if (stoa_string_equal(template->variables[i].name, stoa_string_of(name))) {
      return own->match.values[i];
    }
  }
  return stoa_string_make(NULL, 0);
}

struct stoa_string stoa_http_parameter(const struct stoa_http_request *request, const char *name, size_t *index) {
  const struct stoa_exchange_request *own = request->private_data;
  return stoa_http_query_find(&own->query, stoa_string_of(name), index);
}

struct stoa_string stoa_http_request_field(const struct stoa_http_request *request, const char *name) {
  const struct stoa_exchange_request *own = request->private_data;
  return stoa_http_field(&own->head, own->bytes, name, NULL);
}
