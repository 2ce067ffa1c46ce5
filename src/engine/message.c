#include "engine/message.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static struct stoa_string put_text(uint8_t **at, struct stoa_string text) {
  struct stoa_string copy = {(const char *)*at, text.len};
  if (text.len > 0) {
    memcpy(*at, text.data, text.len);
    *at += text.len;
  }
  return copy;
}

/* Sender and client_msg_id are adjacent, with a NUL between them, so that both are one key. Neither contains a NUL. */
static void fill(struct stoa_engine_message *message, struct stoa_string room, const struct stoa_engine_draft *draft) {
  uint8_t *at = message->data;
  message->draft = *draft;
  message->draft.lane = NULL; /* which lives as long as the publish, not as the message */
  message->draft.sender = put_text(&at, draft->sender);
  *at++ = '\0';
  message->draft.client_msg_id = put_text(&at, draft->client_msg_id);
  if (draft->client_msg_id.len > 0) {
    message->once = stoa_bytes_make(message->data, (size_t)(at - message->data));
  }
  message->room = put_text(&at, room);
  struct stoa_string body = put_text(&at, stoa_string_make((const char *)draft->body.data, draft->body.len));
  message->draft.body = stoa_bytes_make(body.data, body.len);
}

int stoa_engine_message_create(struct stoa_string room, const struct stoa_engine_draft *draft,
                               const struct stoa_engine_place *place, struct stoa_engine_message **out_message) {
  size_t len = room.len + draft->sender.len + draft->client_msg_id.len + draft->body.len;
  assert(len <= UINT32_MAX - 1);
  assert(draft->kind == STOA_ENGINE_CHAT || draft->kind == STOA_ENGINE_EVENT);
  struct stoa_engine_message *message = stoa_alloc(sizeof *message + len + 1);
  if (message == NULL) {
    return STOA_E_MEMORY;
  }
  memset(message, 0, sizeof *message);
  atomic_init(&message->refs, 1);
  message->len = (uint32_t)len;
  message->place = *place;
  fill(message, room, draft);
  *out_message = message;
  return STOA_OK;
}

struct stoa_engine_message *stoa_engine_message_ref(struct stoa_engine_message *message) {
  uint32_t before = atomic_fetch_add_explicit(&message->refs, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
  return message;
}

void stoa_engine_message_unref(struct stoa_engine_message *message) {
  if (message == NULL) {
    return;
  }
  uint32_t before = atomic_fetch_sub_explicit(&message->refs, 1, memory_order_acq_rel);
  assert(before > 0);
  if (before == 1) {
    stoa_free(message);
  }
}
