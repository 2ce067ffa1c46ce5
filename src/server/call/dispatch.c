#include "server/call/dispatch.h"

#include "base/uninitialized.h"
#include "server/call/conclude.h"
#include "server/call/stream.h"
#include "server/call/waits.h"
#include "server/http/message.h"
#include "server/server_private.h"
#include "server/trace/message.h"

#include <assert.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>

/* A received message. */
struct incoming {
  struct stoa_session *session;
  struct stoa_typed typed;
  const struct stoa_handler *handler; /* NULL: not known yet, or there is none */
};

/* One that a handler is called for. */
struct request {
  struct stoa_session *session;
  const struct stoa_handler *handler;
  struct stoa_question question;
  struct stoa_invocation *invocation; /* NULL: the handler has no chain */
};

static void fail(const struct incoming *incoming, const struct stoa_error *error) {
  const struct stoa_typed *typed = &incoming->typed;
  const struct stoa_server *server = stoa_worker_of(incoming->session)->server;
  const struct stoa_question question = {.type = typed->type,
                                         .is_call = typed->is_call,
                                         .id = typed->id,
                                         .operation = stoa_server_metrics_operation(server, incoming->handler),
                                         .began_ns = STOA_UNTIMED};
  int ignored = stoa_conclude_error(incoming->session, &question, NULL, STOA_INVOCATION_FAILED, error);
  (void)ignored;
}

/* A mistake is a message that the client should not have sent. An error from a handler is not a mistake. Each second
 * reduces the count by one. */
static void count_mistake(struct stoa_session *session) {
  if (session->state != STOA_SESSION_OPEN) {
    return;
  }
  uint32_t mistakes = stoa_server_session_count_mistake(session);
  if (mistakes >= stoa_worker_of(session)->settings->limits.session_errors_max) {
    stoa_session_close(session, STOA_CLOSE_TOO_MANY_ERRORS, "too many errors");
  }
}

static void fail_internal(const struct incoming *incoming, const char *message) {
  fail(incoming, stoa_session_error(incoming->session, STOA_ERROR_INTERNAL, "INTERNAL", message));
}

static void fail_mistake(const struct incoming *incoming, enum stoa_error_code code, const char *reason,
                         const char *message) {
  fail(incoming, stoa_session_error(incoming->session, (uint32_t)code, reason, message));
  count_mistake(incoming->session);
}

/* `text` must not be in the arena, which is reset: the partly decoded message is useless, and the answer needs the
 * memory. */
static void fail_decode(const struct incoming *incoming, int status, const char *text) {
  stoa_arena_reset(stoa_session_arena(incoming->session));
  if (status == STOA_E_MEMORY) {
    fail_internal(incoming, "out of memory");
  } else {
    fail_mistake(incoming, STOA_ERROR_BAD_REQUEST, "BAD_REQUEST", text);
  }
}

/* Decode into *out_message, in the worker's arena, and check the rules of its fields. */
static int decode(const struct stoa_session *session, const struct stoa_handler *handler, struct stoa_bytes payload,
                  void **out_message, struct stoa_codec_error *out_error) {
  const struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_codec *codec = worker->server->formats.items[stoa_server_session_of(session)->format].codec;
  out_error->text[0] = '\0';
  void *message = stoa_arena_calloc(worker->arena, handler->message->size);
  if (message == NULL) {
    return stoa_arena_status(worker->arena);
  }
  /* A message without fields may have no payload in any codec: the server's own Ping has none, and clients may send it
   * back so. */
  bool is_empty = handler->message->field_count == 0 && payload.len == 0;
  int status = is_empty ? STOA_OK : codec->decode(handler->message, payload, worker->arena, message, out_error);
  if (status == STOA_OK) {
    status = stoa_message_check(handler->message, message, out_error);
  }
  if (status == STOA_OK) {
    *out_message = message;
  }
  return status;
}

/* Calling the handler. */

static void refuse(const struct request *request, const struct stoa_error *error) {
  int ignored =
      stoa_conclude_error(request->session, &request->question, request->invocation, STOA_INVOCATION_FAILED, error);
  (void)ignored;
}

/* The arena has no room left for the message or its reply. It is reset, because the answer needs memory. */
static void refuse_without_room(const struct request *request, const char *text) {
  struct stoa_arena *arena = stoa_session_arena(request->session);
  bool is_mistake = stoa_arena_status(arena) == STOA_E_LIMIT;
  if (request->invocation != NULL) {
    request->invocation->message = NULL;
  }
  stoa_arena_reset(arena);
  if (is_mistake) {
    refuse(request, stoa_session_error(request->session, STOA_ERROR_BAD_REQUEST, "BAD_REQUEST", text));
    count_mistake(request->session);
  } else {
    refuse(request, stoa_session_error(request->session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory"));
  }
}

static void conclude(const struct request *request, const struct stoa_error *error, const void *answer) {
  const struct stoa_handler *handler = request->handler;
  if (error != NULL) {
    refuse(request, error);
  } else if (handler->reply != NULL) {
    struct stoa_outgoing outgoing = {.message_type = handler->reply, .message = answer};
    int ignored = stoa_conclude_reply(request->session, &request->question, request->invocation, &outgoing);
    (void)ignored;
  } else {
    stoa_conclude_done(request->session, &request->question, request->invocation);
  }
}

static void invoke_stream(const struct request *request, const void *message) {
  const struct stoa_handler *handler = request->handler;
  struct stoa_session *session = request->session;
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_call_stream *stream;
  int status = stoa_call_stream_begin(session, handler, &request->question, request->invocation, &stream);
  if (status != STOA_OK) {
    refuse(request, stoa_call_stream_refusal(status));
    return;
  }
  struct stoa_call_scope scope = {.session = session,
                                  .handler = handler,
                                  .invocation = stoa_call_stream_invocation(stream),
                                  .question = &request->question};
  if (scope.invocation != NULL) {
    scope.invocation->message = message;
  }
  assert(worker->call_scope == NULL);
  worker->call_scope = &scope;
  const struct stoa_error *error = handler->invoke(handler->function, handler->user, session, message, stream);
  worker->call_scope = NULL;
  stoa_call_stream_on_returned(stream, error);
}

static void invoke(const struct request *request, const void *message) {
  const struct stoa_handler *handler = request->handler;
  if (handler->is_stream) {
    invoke_stream(request, message);
    return;
  }
  struct stoa_session *session = request->session;
  struct stoa_worker *worker = stoa_worker_of(session);
  void *answer = NULL;
  if (handler->reply != NULL) {
    answer = stoa_arena_calloc(worker->arena, handler->reply->size);
    if (answer == NULL) {
      refuse_without_room(request, "too large after decoding");
      return;
    }
  }
  struct stoa_call_scope scope = {
      .session = session, .handler = handler, .invocation = request->invocation, .question = &request->question};
  assert(worker->call_scope == NULL); /* a handler never runs inside another one */
  worker->call_scope = &scope;
  const struct stoa_error *error = handler->invoke(handler->function, handler->user, session, message, answer);
  worker->call_scope = NULL;
  /* A handler that takes a call answers it only by its handle. */
  assert((error == STOA_LATER) == scope.taken);
  if (!scope.taken) {
    conclude(request, error, answer);
  }
}

/* Run what is left of the chain, then the handler. */
static void go_through(const struct request *request, const void *message) {
  struct stoa_invocation *invocation = request->invocation;
  invocation->message = message;
  const struct stoa_error *error = stoa_chain_before(invocation);
  if (!stoa_question_is_open(request->session, &request->question)) {
    stoa_conclude_abandoned(request->session, &request->question, invocation);
  } else if (error == STOA_LATER) {
    stoa_wait_keep(invocation);
  } else if (error != NULL) {
    int ignored = stoa_conclude_error(request->session, &request->question, invocation, STOA_INVOCATION_STOPPED, error);
    (void)ignored;
  } else {
    invoke(request, message);
  }
}

void stoa_dispatch_begin(struct stoa_session *session, const struct stoa_handler *handler,
                         const struct stoa_question *question, struct stoa_bytes payload, const void *message) {
  struct request request = {.session = session, .handler = handler, .question = *question};
  struct stoa_message_trace trace STOA_UNINITIALIZED;
  struct stoa_invocation invocation STOA_UNINITIALIZED;
  stoa_message_trace_begin(&trace, session, handler, &request.question, message);
  invocation.chain = stoa_chain_of(&stoa_worker_of(session)->server->middlewares, question->operation);
  if (invocation.chain == NULL) {
    invoke(&request, message);
    stoa_message_trace_end(&trace);
    return;
  }
  stoa_invocation_init(&invocation, session, handler, &request.question, payload);
  request.invocation = &invocation;
  if (invocation.chain->is_quiet) {
    invocation.message = message;
    invoke(&request, message);
  } else {
    go_through(&request, message);
  }
  stoa_message_trace_end(&trace);
}

static void begin(const struct incoming *incoming, const void *message) {
  const struct stoa_handler *handler = incoming->handler;
  struct stoa_worker *worker = stoa_worker_of(incoming->session);
  const struct stoa_question question = {.type = handler->type,
                                         .is_call = incoming->typed.is_call,
                                         .no_reply = handler->reply != NULL && !incoming->typed.is_call,
                                         .id = incoming->typed.id,
                                         .handler = handler->name,
                                         .operation = stoa_server_metrics_operation(worker->server, handler),
                                         .began_ns = stoa_metrics_begin_request(worker)};
  stoa_dispatch_begin(incoming->session, handler, &question, incoming->typed.payload, message);
}

void stoa_dispatch_on_resumed(struct stoa_invocation *invocation, struct stoa_bytes payload) {
  const struct request request = {.session = invocation->session,
                                  .handler = invocation->handler,
                                  .question = invocation->question,
                                  .invocation = invocation};
  void *message = NULL;
  struct stoa_codec_error error;
  assert(stoa_question_is_open(invocation->session, &invocation->question));
  assert(payload.len == invocation->payload.len);
  invocation->payload = payload;
  int status = request.question.http == NULL
                   ? decode(request.session, request.handler, payload, &message, &error)
                   : stoa_http_message_read(request.question.http, request.handler, payload, &message, &error);
  if (status != STOA_OK) {
    refuse_without_room(&request, error.text); /* it was decoded before, so memory is out */
    return;
  }
  struct stoa_message_trace trace STOA_UNINITIALIZED;
  stoa_message_trace_begin(&trace, request.session, request.handler, &invocation->question, message);
  go_through(&request, message);
  stoa_message_trace_end(&trace);
}

static bool is_form_of(const struct stoa_handler *handler, bool is_call) {
  assert(!handler->takes_plain || handler->reply != NULL);
  return is_call == (handler->reply != NULL) || (!is_call && handler->takes_plain);
}

/* What the caller of a stream sends after its call. About one that has ended it is ignored: it has crossed the end.
 * False when the type is not a stream. */
static bool control(struct incoming *incoming, bool is_text) {
  const struct stoa_typed *typed = &incoming->typed;
  struct stoa_session *session = incoming->session;
  const struct stoa_server *server = stoa_worker_of(session)->server;
  uint32_t type = typed->type & STOA_TYPE_STREAM_MAX;
  uint32_t bytes = 0;
  int status;
  const struct stoa_handler *handler = stoa_handler_table_find(&server->handlers, type);
  if (!typed->is_call || handler == NULL || !handler->is_stream || handler->is_admin) {
    return false;
  }
  incoming->handler = handler;
  if ((typed->type & STOA_TYPE_MORE) != 0) {
    enum stoa_typed_order order = server->formats.items[stoa_server_session_of(session)->format].order;
    status = stoa_typed_credit_read(typed, order, is_text, &bytes);
    status = status == STOA_OK ? stoa_call_streams_grant(session, type, typed->id, bytes) : status;
  } else if (stoa_typed_is_cancel(typed, is_text)) {
    stoa_call_streams_cancel(session, type, typed->id);
    status = STOA_OK;
  } else {
    status = STOA_E_SYNTAX;
  }
  if (status != STOA_OK) {
    stoa_call_streams_break(session, type, typed->id);
    count_mistake(session);
  }
  return true;
}

static void dispatch(struct incoming *incoming, bool is_text) {
  struct stoa_session *session = incoming->session;
  const struct stoa_server *server = stoa_worker_of(session)->server;
  const struct stoa_handler *handler = stoa_handler_table_find(&server->handlers, incoming->typed.type);
  if (incoming->typed.is_error && control(incoming, is_text)) {
    return;
  }
  incoming->handler = handler;
  if (handler == NULL || handler->is_admin) {
    fail_mistake(incoming, STOA_ERROR_UNKNOWN_TYPE, "UNKNOWN_TYPE", "no handler for this type");
    return;
  }
  if (incoming->typed.is_error || !is_form_of(handler, incoming->typed.is_call)) {
    fail_mistake(incoming, STOA_ERROR_BAD_REQUEST, "BAD_REQUEST",
                 handler->reply == NULL ? "this type is not a call" : "this type is a call");
    return;
  }
  if (stoa_server_session_of(session)->awaits_token && !stoa_auth_allows(&server->anonymous, incoming->typed.type)) {
    fail_mistake(incoming, STOA_ERROR_UNAUTHORIZED, "UNAUTHORIZED", "authenticate first");
    return;
  }
  void *message = NULL;
  struct stoa_codec_error error STOA_UNINITIALIZED; /* its text is set by decode() */
  int status = decode(session, handler, incoming->typed.payload, &message, &error);
  if (status != STOA_OK) {
    fail_decode(incoming, status, error.text);
    return;
  }
  begin(incoming, message);
}

/* A message beyond the rate is answered with an error, not handled. */
static bool is_within_rate(const struct incoming *incoming, size_t bytes) {
  struct stoa_session *session = incoming->session;
  const struct stoa_rate_limits *limits = &stoa_worker_of(session)->settings->rate;
  struct stoa_session_account *account =
      stoa_rate_is_limited(limits) ? stoa_server_session_account(stoa_server_session_of(session)) : NULL;
  if (account == NULL) {
    return true; /* no limit, or no memory for the counters */
  }
  uint32_t retry_ms = stoa_rate_take(&account->rate, limits, bytes, stoa_stream_now32(&session->stream));
  if (retry_ms == 0) {
    return true;
  }
  bool is_control = incoming->typed.is_call && incoming->typed.is_error;
  const struct stoa_error error = {.code = STOA_ERROR_RATE,
                                   .reason = STOA_STR("TOO_MANY_REQUESTS"),
                                   .message = STOA_STR("the session sends more than its rate allows"),
                                   .temporary = true,
                                   .retry_ms = retry_ms};
  if (!is_control && stoa_worker_of(session)->server->callbacks.on_raw == NULL) {
    fail(incoming, &error); /* in a program's own protocol there are no error frames */
  }
  if (stoa_rate_is_abused(&account->rate, limits)) {
    stoa_session_close(session, STOA_CLOSE_RATE, "too many messages");
  }
  /* Without its credit a stream would stand still for ever. */
  return is_control && session->state == STOA_SESSION_OPEN;
}

static void on_typed(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  struct stoa_worker *worker = stoa_worker_of(session);
  assert(stoa_server_session_of(session)->format < worker->server->formats.count);
  struct incoming incoming = {.session = session};
  int status = stoa_format_read(&worker->server->formats.items[stoa_server_session_of(session)->format], message,
                                is_text, &worker->text_scratch, &incoming.typed);
  if (status != STOA_OK) {
    incoming.typed = (struct stoa_typed){0};
  }
  if (!is_within_rate(&incoming, message.len)) {
    stoa_arena_reset(worker->arena);
    return;
  }
  if (status == STOA_OK) {
    dispatch(&incoming, is_text);
  } else {
    fail_decode(&incoming, status, is_text ? "not a text packet" : "not a typed frame");
  }
  stoa_arena_reset(worker->arena);
}

void stoa_dispatch_on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  const struct stoa_callbacks *callbacks = &stoa_worker_of(session)->server->callbacks;
  const struct incoming raw = {.session = session};
  assert(session->state == STOA_SESSION_OPEN);
  if (callbacks->on_raw != NULL && is_within_rate(&raw, message.len)) {
    callbacks->on_raw(callbacks->user, session, message, is_text);
    stoa_arena_reset(stoa_session_arena(session));
  } else if (callbacks->on_raw == NULL) {
    on_typed(session, message, is_text);
  }
}
