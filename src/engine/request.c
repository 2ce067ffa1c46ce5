#include "engine/request.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* Names and values of one listing; a listing ends before it. */
#define ITEMS_BYTES_MAX (4u * 1024 * 1024)

static struct stoa_bytes put(uint8_t **at, const void *data, size_t len) {
  struct stoa_bytes copy = {*at, len};
  if (len > 0) {
    memcpy(*at, data, len);
    *at += len;
  }
  return copy;
}

static struct stoa_string put_text(uint8_t **at, struct stoa_string text) {
  struct stoa_bytes copy = put(at, text.data, text.len);
  *(*at)++ = '\0'; /* for paths */
  return stoa_string_make((const char *)copy.data, copy.len);
}

int stoa_engine_request_create(enum stoa_engine_call call, struct stoa_engine_port *port,
                               const struct stoa_engine_arguments *arguments,
                               struct stoa_engine_request **out_request) {
  size_t len = arguments->room.len + 1 + arguments->key.len + 1 + arguments->value.len;
  struct stoa_engine_request *request = stoa_alloc(sizeof *request + len);
  if (request == NULL) {
    return STOA_E_MEMORY;
  }
  memset(request, 0, sizeof *request);
  uint8_t *at = request->data;
  request->call = call;
  request->port = port;
  request->on_done = arguments->on_done;
  request->context = arguments->context;
  request->room = put_text(&at, arguments->room);
  request->key = put_text(&at, arguments->key);
  request->value = put(&at, arguments->value.data, arguments->value.len);
  request->bytes = sizeof *request + len;
  assert(at == request->data + len);
  *out_request = request;
  return STOA_OK;
}

static void drop_answer(struct stoa_engine_request *request) {
  struct stoa_engine_answer *answer = &request->answer;
  for (uint32_t i = 0; i < answer->message_count; i++) {
    stoa_engine_message_unref(answer->messages[i]);
  }
  answer->message_count = 0;
  answer->item_count = 0;
  stoa_free(answer->messages);
  stoa_free(answer->items);
  answer->messages = NULL;
  answer->items = NULL;
  request->messages_cap = 0;
  request->items_cap = 0;
  stoa_arena_destroy(request->arena);
  request->arena = NULL;
}

void stoa_engine_request_destroy(struct stoa_engine_request *request) {
  if (request == NULL) {
    return;
  }
  drop_answer(request);
  stoa_engine_message_unref(request->message);
  stoa_free(request);
}

bool stoa_engine_request_is_write(const struct stoa_engine_request *request) {
  switch (request->call) {
    case STOA_ENGINE_HISTORY:
    case STOA_ENGINE_STATE_READ:
    case STOA_ENGINE_STATE_LIST:
    case STOA_ENGINE_ROOMS:
    case STOA_ENGINE_SEARCH:
    case STOA_ENGINE_BACKUP:
      return false;
    case STOA_ENGINE_PUBLISH:
    case STOA_ENGINE_SUBSCRIBE:
    case STOA_ENGINE_UNSUBSCRIBE:
    case STOA_ENGINE_STATE_PUT:
    case STOA_ENGINE_REDACT:
    case STOA_ENGINE_ERASE_USER:
    case STOA_ENGINE_ERASE_ROOM:
    case STOA_ENGINE_RETAIN:
    case STOA_ENGINE_GAP:
      return true;
  }
  return true;
}

void stoa_engine_request_fail(struct stoa_engine_request *request, enum stoa_engine_status status) {
  bool is_temporary = status == STOA_ENGINE_BUSY || status == STOA_ENGINE_UNAVAILABLE;
  if (status != STOA_ENGINE_OK) {
    drop_answer(request);
    memset(&request->answer, 0, sizeof request->answer);
    request->audience = 0;
  }
  request->answer.status = status;
  request->answer.retry_ms = is_temporary ? STOA_ENGINE_RETRY_MS : 0;
}

int stoa_engine_request_add_item(struct stoa_engine_request *request, const struct stoa_engine_item *item) {
  struct stoa_engine_answer *answer = &request->answer;
  if (request->arena == NULL && (request->arena = stoa_arena_create(ITEMS_BYTES_MAX)) == NULL) {
    return STOA_E_MEMORY;
  }
  int status = stoa_array_reserve(&answer->items, sizeof *answer->items, &request->items_cap,
                                  (size_t)answer->item_count + 1, STOA_ENGINE_PAGE_MAX);
  struct stoa_string name = stoa_arena_copy(request->arena, item->name);
  uint8_t *value = stoa_arena_alloc(request->arena, item->value.len);
  if (status != STOA_OK || name.data == NULL || value == NULL) {
    return STOA_E_MEMORY;
  }
  if (item->value.len > 0) {
    memcpy(value, item->value.data, item->value.len);
  }
  struct stoa_engine_item *added = &answer->items[answer->item_count++];
  *added = *item;
  added->name = name;
  added->value = stoa_bytes_make(value, item->value.len);
  return STOA_OK;
}

int stoa_engine_request_add_message(struct stoa_engine_request *request, struct stoa_engine_message *message) {
  struct stoa_engine_answer *answer = &request->answer;
  if (stoa_array_reserve(&answer->messages, sizeof(struct stoa_engine_message *), &request->messages_cap,
                         (size_t)answer->message_count + 1, STOA_ENGINE_PAGE_MAX) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  answer->messages[answer->message_count++] = stoa_engine_message_ref(message);
  request->bytes += sizeof *message + message->len;
  return STOA_OK;
}

void stoa_engine_queue_put(struct stoa_engine_queue *queue, struct stoa_engine_request *request) {
  request->next = NULL;
  if (queue->last != NULL) {
    queue->last->next = request;
  } else {
    queue->first = request;
  }
  queue->last = request;
  queue->count++;
}

void stoa_engine_queue_move(struct stoa_engine_queue *to, struct stoa_engine_queue *from) {
  if (from->count == 0) {
    return;
  }
  if (to->last != NULL) {
    to->last->next = from->first;
  } else {
    to->first = from->first;
  }
  to->last = from->last;
  to->count += from->count;
  memset(from, 0, sizeof *from);
}

struct stoa_engine_request *stoa_engine_queue_take(struct stoa_engine_queue *queue) {
  struct stoa_engine_request *request = queue->first;
  if (request == NULL) {
    return NULL;
  }
  assert(queue->count > 0);
  queue->first = request->next;
  queue->last = queue->first == NULL ? NULL : queue->last;
  queue->count--;
  request->next = NULL;
  return request;
}
