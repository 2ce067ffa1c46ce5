#include "server/http/rpc.h"

#include "server/call/conclude.h"
#include "server/call/dispatch.h"
#include "server/http/caller.h"
#include "server/http/exchange_private.h"
#include "server/http/message.h"
#include "server/http/sse.h"

#include <assert.h>
#include <stoa/error.stoa.h>

/* A request on its way to its handler. */
struct calling {
  struct stoa_session *session;
  struct stoa_http_exchange *exchange;
  const struct stoa_handler *handler;
  struct stoa_question question;
  struct stoa_bytes body;
};

static void fail(const struct calling *calling, const struct stoa_error *error) {
  int ignored = stoa_conclude_error(calling->session, &calling->question, NULL, STOA_INVOCATION_FAILED, error);
  (void)ignored;
}

/* The arena is reset: the partly decoded message is useless, and the answer needs the memory. */
static void fail_read(const struct calling *calling, int status, const char *text) {
  struct stoa_session *session = calling->session;
  stoa_arena_reset(stoa_session_arena(session));
  if (status == STOA_E_MEMORY) {
    fail(calling, stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory"));
  } else {
    const char *message = text[0] == '\0' ? stoa_status_text(status) : text;
    fail(calling, stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "BAD_REQUEST", message));
  }
}

static const struct stoa_error *authenticate(const struct calling *calling) {
  const struct stoa_exchange_request *request = calling->exchange->request;
  size_t index = 0;
  struct stoa_string field = stoa_http_field(&request->head, request->bytes, "Authorization", &index);
  bool is_repeated =
      field.data != NULL && stoa_http_field(&request->head, request->bytes, "Authorization", &index).data != NULL;
  return stoa_http_caller_authenticate(calling->session, calling->handler, field, is_repeated);
}

/* What an admin listener serves is for whoever has its key, which was checked. */
static const struct stoa_error *admit(const struct calling *calling) {
  if (calling->handler->is_admin) {
    return NULL;
  }
  const struct stoa_error *error = stoa_http_caller_check_rate(calling->session, calling->body.len);
  return error == NULL ? authenticate(calling) : error;
}

/* HEAD for a stream: there is nothing to call the handler for. */
static void answer_head(const struct calling *calling) {
  if (stoa_sse_begin(calling->exchange, 0, NULL, NULL) == STOA_OK) {
    stoa_sse_end(calling->exchange);
    stoa_conclude_done(calling->session, &calling->question, NULL);
  } else {
    fail(calling, stoa_session_error(calling->session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory"));
  }
}

static void handle(const struct calling *calling) {
  const struct stoa_error *error = admit(calling);
  if (error != NULL) {
    fail(calling, error);
    return;
  }
  void *message = NULL;
  struct stoa_codec_error reason;
  int status = stoa_http_message_read(calling->exchange, calling->handler, calling->body, &message, &reason);
  if (status != STOA_OK) {
    fail_read(calling, status, reason.text);
    return;
  }
  if (calling->handler->is_stream && calling->exchange->is_head_only) {
    answer_head(calling);
    return;
  }
  stoa_dispatch_begin(calling->session, calling->handler, &calling->question, calling->body, message);
}

void stoa_http_rpc_handle(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  struct stoa_session *session = stoa_exchange_session(exchange);
  (void)user;
  assert(session != NULL);
  assert(exchange->rpc != NULL);
  struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_handler *handler = stoa_handler_table_find(&worker->server->handlers, exchange->rpc->type);
  assert(handler != NULL);
  struct calling calling = {.session = session,
                            .exchange = exchange,
                            .handler = handler,
                            .question = {.type = handler->type,
                                         .is_call = true,
                                         .handler = handler->name,
                                         .operation = stoa_server_metrics_operation(worker->server, handler),
                                         .began_ns = stoa_metrics_begin_request(worker),
                                         .http = exchange},
                            .body = request->body};
  if (stoa_http_caller_begin(session, &exchange->request->client) == STOA_OK) {
    handle(&calling);
  } else {
    fail(&calling, stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory"));
  }
}
