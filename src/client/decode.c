#include "client/client_private.h"

#include <stoa/log.h>

const void *stoa_client_decode(struct stoa_client *client, const struct stoa_message_type *type,
                               const struct stoa_bytes *payload, const char *what) {
  struct stoa_codec_error error;
  if (type == NULL) {
    return payload;
  }
  error.text[0] = '\0';
  void *message = stoa_arena_calloc(client->arena, type->size);
  int status = message == NULL ? stoa_arena_status(client->arena)
                               : client->settings.codec->decode(type, *payload, client->arena, message, &error);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "a message could not be decoded", STOA_F_STR("what", what),
             STOA_F_STR("status", stoa_status_text(status)), STOA_F_STR("reason", error.text));
    return NULL;
  }
  return message;
}
