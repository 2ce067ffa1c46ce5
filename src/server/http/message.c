#include "server/http/message.h"

#include "server/http/exchange_private.h"

#include <assert.h>
#include <stdio.h>

static int read_query(const struct stoa_exchange_request *request, struct stoa_arena *arena,
                      struct stoa_http_query *out_query, struct stoa_codec_error *out_error) {
  int status = stoa_http_query_parse(request->public.query, STOA_TRANSCODE_PARAMETERS_MAX, arena, out_query);
  if (status != STOA_OK) {
    snprintf(out_error->text, sizeof out_error->text, "the query: %s", stoa_status_text(status));
  }
  return status;
}

int stoa_http_message_read(const struct stoa_http_exchange *exchange, const struct stoa_handler *handler,
                           struct stoa_bytes body, void **out_message, struct stoa_codec_error *out_error) {
  const struct stoa_exchange_request *request = exchange->request;
  struct stoa_arena *arena = exchange->account->worker->arena;
  struct stoa_transcode_request parts = {.binding = exchange->rpc->binding,
                                         .template = &exchange->rpc->template,
                                         .values = request->match.values,
                                         .body = body};
  assert(request != NULL);
  out_error->text[0] = '\0';
  void *message = stoa_arena_calloc(arena, handler->message->size);
  if (message == NULL) {
    return stoa_arena_status(arena);
  }
  int status = read_query(request, arena, &parts.query, out_error);
  if (status == STOA_OK) {
    status = stoa_transcode_read(&parts, handler->message, arena, message, out_error);
  }
  if (status == STOA_OK) {
    status = stoa_message_check(handler->message, message, out_error);
  }
  if (status == STOA_OK) {
    *out_message = message;
  }
  return status;
}
