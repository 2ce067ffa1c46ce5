#include "client/client_private.h"

#include <stoa/log.h>

/* Memory for a long text message is not kept for the short ones after it. */
#define SCRATCH_KEPT_BYTES_MAX (64u * 1024)

int stoa_client_handle(struct stoa_client *client, const struct stoa_client_handler *handler) {
  const struct stoa_handler_key key = {handler->type, handler->message, NULL};
  return handler->invoke == NULL ? STOA_E_ARGUMENT : stoa_handler_table_add(&client->handlers, &key, handler);
}

static void on_plain(struct stoa_client *client, const struct stoa_typed *typed) {
  const struct stoa_client_callbacks *callbacks = &client->callbacks;
  const struct stoa_client_handler *handler = stoa_handler_table_find(&client->handlers, typed->type);
  if (handler != NULL) {
    const void *message = stoa_client_decode(client, handler->message, &typed->payload, handler->name);
    if (message != NULL) {
      handler->invoke(handler->function, handler->user, client, message);
    }
  } else if (callbacks->on_other != NULL) {
    callbacks->on_other(callbacks->user, client, typed->type, typed->payload);
  }
}

static void on_plain_error(struct stoa_client *client, const struct stoa_typed *typed) {
  const struct stoa_client_callbacks *callbacks = &client->callbacks;
  const struct stoa_error *error = stoa_client_decode(client, &stoa_error_type, &typed->payload, "an error");
  if (error == NULL) {
    return;
  }
  client->told_retry_ms = error->retry_ms;
  if (callbacks->on_error != NULL) {
    callbacks->on_error(callbacks->user, client, typed->type, error);
  }
}

static void on_answer(struct stoa_client *client, const struct stoa_typed *typed) {
  struct stoa_client_call *call = stoa_client_calls_find(client, typed->id);
  if (call != NULL && call->is_stream) {
    stoa_client_stream_answer(call, typed);
  } else {
    stoa_client_calls_answer(client, typed);
  }
}

static int read_typed(struct stoa_client *client, struct stoa_bytes message, bool is_text, struct stoa_typed *typed) {
  if (is_text != (client->settings.subprotocol == STOA_CLIENT_TEXT)) {
    return STOA_E_TYPE;
  }
  if (!is_text) {
    return stoa_typed_read(message, client->settings.order, typed);
  }
  if (client->text_scratch.cap > SCRATCH_KEPT_BYTES_MAX) {
    stoa_buffer_fini(&client->text_scratch);
  }
  client->text_scratch.len = 0;
  return stoa_typed_text_read(message, false, &client->text_scratch, typed);
}

void stoa_client_on_message(struct stoa_client *client, struct stoa_bytes message, bool is_text) {
  struct stoa_typed typed;
  int status = read_typed(client, message, is_text, &typed);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "a message is not a typed frame", STOA_F_STR("status", stoa_status_text(status)));
  } else if (typed.is_call) {
    on_answer(client, &typed);
  } else if (typed.is_error) {
    on_plain_error(client, &typed);
  } else {
    on_plain(client, &typed);
  }
  stoa_arena_reset(client->arena);
}
