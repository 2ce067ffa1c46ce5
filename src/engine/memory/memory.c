#include "engine/memory/memory.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "engine/hub.h"
#include "engine/memory/room.h"
#include "engine/memory/values.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES_DEFAULT 10000u
#define BYTES_MAX_DEFAULT (256u * 1024 * 1024)
#define ROOMS_MAX_DEFAULT 100000u
#define BODY_BYTES_MAX_DEFAULT (64u * 1024)
/* How many messages one search looks at. */
#define SEARCH_MAX 20000u

struct memory {
  struct stoa_engine engine;
  struct stoa_engine_calls calls; /* with this engine's bound */
  struct stoa_memory_engine_options options;
  pthread_mutex_t mutex; /* of what follows; held for one call */
  struct stoa_map rooms;
  struct stoa_memory_values values;
  size_t log_bytes; /* of all rooms */
};

static struct memory *memory_of(struct stoa_engine *engine) {
  return stoa_container_of(engine, struct memory, engine);
}

static struct stoa_bytes room_key(const void *object) {
  const struct stoa_memory_room *room = object;
  return stoa_bytes_make(room->name.data, room->name.len);
}

static struct stoa_memory_room *find_room(const struct memory *memory, struct stoa_string name) {
  return stoa_map_find(&memory->rooms, stoa_bytes_make(name.data, name.len));
}

/* Errors: STOA_E_LIMIT, STOA_E_MEMORY, STOA_E_SYSTEM */
static int make_room(struct memory *memory, struct stoa_string name, struct stoa_memory_room **out_room) {
  struct stoa_memory_room *room = find_room(memory, name);
  if (room != NULL) {
    *out_room = room;
    return STOA_OK;
  }
  if (memory->rooms.count >= memory->options.rooms_max) {
    return STOA_E_LIMIT;
  }
  int status = stoa_memory_room_create(name, &room);
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_map_insert(&memory->rooms, room);
  if (status != STOA_OK) {
    stoa_memory_room_destroy(room);
    return status;
  }
  *out_room = room;
  return STOA_OK;
}

/* A room without messages and subscribers is forgotten. */
static void drop_if_unused(struct memory *memory, struct stoa_memory_room *room) {
  if (room->audience == 0 && room->bounds.top == 0) {
    stoa_map_remove(&memory->rooms, room_key(room));
    stoa_memory_room_destroy(room);
  }
}

static void trim(struct memory *memory, struct stoa_memory_room *room) {
  const struct stoa_engine_retention *retention = room->has_retention ? &room->retention : &memory->options.retention;
  size_t freed = stoa_memory_room_trim(room, retention, stoa_clock_wall_us(memory->options.clock));
  assert(freed <= memory->log_bytes);
  memory->log_bytes -= freed;
}

/* Publishing. */

static bool make_epoch(uint64_t *out_epoch) {
  uint64_t epoch;
  if (stoa_random_pooled(&epoch, sizeof epoch) != STOA_OK) {
    return false;
  }
  *out_epoch = (epoch & INT64_MAX) | 1;
  return true;
}

static bool place_message(struct memory *memory, struct stoa_memory_room *room, struct stoa_engine_message *message) {
  struct stoa_engine_place *place = &message->place;
  int64_t now_us = stoa_clock_wall_us(memory->options.clock);
  place->epoch = room->bounds.epoch;
  place->prev = room->bounds.top;
  place->offset = room->bounds.top + 1;
  place->ordinal = room->bounds.ordinal + (message->draft.kind == STOA_ENGINE_CHAT ? 1 : 0);
  place->time_us = stoa_engine_draft_time_us(&message->draft, now_us, room->time_us);
  return place->epoch != 0 || make_epoch(&place->epoch);
}

static void answer_place(struct stoa_engine_request *request, enum stoa_engine_status status,
                         const struct stoa_engine_place *place) {
  request->answer.status = status;
  request->answer.epoch = place->epoch;
  request->answer.offset = place->offset;
  request->answer.prev = place->prev;
  request->answer.ordinal = place->ordinal;
  request->answer.time_us = place->time_us;
}

static enum stoa_engine_status store(struct memory *memory, struct stoa_memory_room *room,
                                     struct stoa_engine_request *request) {
  size_t before = room->log.bytes;
  size_t bytes = sizeof *request->message + request->message->len;
  if (memory->log_bytes + memory->values.bytes + bytes > memory->options.bytes_max ||
      !place_message(memory, room, request->message) || stoa_memory_room_append(room, request->message) != STOA_OK) {
    return STOA_ENGINE_UNAVAILABLE;
  }
  memory->log_bytes += room->log.bytes - before;
  answer_place(request, STOA_ENGINE_OK, &request->message->place);
  request->audience = room->audience;
  return STOA_ENGINE_OK;
}

static enum stoa_engine_status publish(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room;
  if (make_room(memory, request->room, &room) != STOA_OK) {
    return STOA_ENGINE_UNAVAILABLE;
  }
  trim(memory, room);
  const struct stoa_engine_place *first = stoa_memory_room_find(room, request->message);
  if (first != NULL) {
    answer_place(request, STOA_ENGINE_DUPLICATE, first);
    return STOA_ENGINE_DUPLICATE;
  }
  enum stoa_engine_status status = store(memory, room, request);
  drop_if_unused(memory, room);
  return status;
}

/* Subscriptions. */

static enum stoa_engine_status subscribe(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room;
  if (make_room(memory, request->room, &room) != STOA_OK) {
    return STOA_ENGINE_UNAVAILABLE;
  }
  room->audience |= UINT64_C(1) << request->port->index;
  stoa_engine_page_begin(request, &room->bounds);
  return STOA_ENGINE_OK;
}

static enum stoa_engine_status unsubscribe(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room = find_room(memory, request->room);
  if (room != NULL) {
    room->audience &= ~(UINT64_C(1) << request->port->index);
    drop_if_unused(memory, room);
  }
  return STOA_ENGINE_OK;
}

/* Reading. */

static enum stoa_engine_status history(struct memory *memory, struct stoa_engine_request *request) {
  static const struct stoa_engine_log no_log;
  static const struct stoa_engine_bounds no_bounds;
  struct stoa_memory_room *room = find_room(memory, request->room);
  if (room != NULL) {
    trim(memory, room);
  }
  bool reaches =
      stoa_engine_log_page(room == NULL ? &no_log : &room->log, room == NULL ? &no_bounds : &room->bounds, request);
  assert(reaches);
  (void)reaches;
  return request->answer.status;
}

static bool is_room(const struct stoa_memory_room *room) {
  return room != NULL && room->bounds.top > 0;
}

static int compare_rooms(const void *a, const void *b) {
  const struct stoa_memory_room *const *one = a;
  const struct stoa_memory_room *const *other = b;
  return stoa_memory_compare((*one)->name, (*other)->name);
}

static enum stoa_engine_status add_rooms(struct stoa_engine_request *request, struct stoa_memory_room **rooms,
                                         size_t count) {
  qsort(rooms, count, sizeof(struct stoa_memory_room *), compare_rooms);
  for (size_t i = 0; i < count && request->answer.item_count < request->query.limit; i++) {
    const struct stoa_engine_bounds *bounds = &rooms[i]->bounds;
    const struct stoa_engine_item item = {.name = rooms[i]->name,
                                          .epoch = bounds->epoch,
                                          .floor = bounds->floor,
                                          .top = bounds->top,
                                          .ordinal = bounds->ordinal,
                                          .time_us = rooms[i]->time_us};
    if (stoa_engine_request_add_item(request, &item) != STOA_OK) {
      return STOA_ENGINE_UNAVAILABLE;
    }
  }
  request->answer.is_complete = request->answer.item_count == count;
  return STOA_ENGINE_OK;
}

static enum stoa_engine_status list_rooms(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room **rooms = stoa_calloc(memory->rooms.count + 1, sizeof(struct stoa_memory_room *));
  if (rooms == NULL) {
    return STOA_ENGINE_UNAVAILABLE;
  }
  size_t cursor = 0;
  size_t count = 0;
  struct stoa_memory_room *room;
  while ((room = stoa_map_next(&memory->rooms, &cursor)) != NULL) {
    if (is_room(room) && stoa_memory_compare(room->name, request->key) > 0) {
      rooms[count++] = room;
    }
  }
  enum stoa_engine_status status = add_rooms(request, rooms, count);
  stoa_free(rooms);
  return status;
}

static enum stoa_engine_status search(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room = find_room(memory, request->room);
  uint64_t before = request->query.before;
  uint32_t i = room == NULL ? 0 : before == 0 ? room->log.count : stoa_engine_log_above(&room->log, before - 1);
  uint32_t looked = 0;
  request->bytes = 0;
  request->answer.is_complete = true;
  for (; i > 0; i--) {
    struct stoa_engine_message *message = stoa_engine_log_at(&room->log, i - 1);
    if (looked++ == SEARCH_MAX || !stoa_engine_page_has_room(request, message->len)) {
      request->answer.is_complete = false;
      request->answer.continue_before = message->place.offset + 1;
      break;
    }
    if (stoa_engine_text_matches(&memory->options.text, message->draft.type, message->draft.body, request->key) &&
        stoa_engine_request_add_message(request, message) != STOA_OK) {
      return STOA_ENGINE_UNAVAILABLE;
    }
  }
  return STOA_ENGINE_OK;
}

/* State. */

static enum stoa_engine_status put_value(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_values *values = &memory->values;
  size_t bytes = sizeof(struct stoa_memory_value) + request->room.len + request->key.len + request->value.len;
  if (request->value.len > 0 && memory->log_bytes + values->bytes + bytes > memory->options.bytes_max) {
    return STOA_ENGINE_UNAVAILABLE;
  }
  int status = stoa_memory_values_put(values, request->room, request->key, request->value);
  return status == STOA_OK ? STOA_ENGINE_OK : STOA_ENGINE_UNAVAILABLE;
}

static int add_value(struct stoa_engine_request *request, const struct stoa_memory_value *value) {
  const struct stoa_engine_item item = {.name = value->key, .value = value->value};
  return stoa_engine_request_add_item(request, &item);
}

static enum stoa_engine_status read_value(struct memory *memory, struct stoa_engine_request *request) {
  const struct stoa_memory_values *values = &memory->values;
  uint32_t at = stoa_memory_values_find(values, request->room, request->key);
  if (at == values->count || !stoa_string_equal(values->items[at]->scope, request->room) ||
      !stoa_string_equal(values->items[at]->key, request->key)) {
    return STOA_ENGINE_NOT_FOUND;
  }
  return add_value(request, values->items[at]) == STOA_OK ? STOA_ENGINE_OK : STOA_ENGINE_UNAVAILABLE;
}

static enum stoa_engine_status list_values(struct memory *memory, struct stoa_engine_request *request) {
  const struct stoa_memory_values *values = &memory->values;
  uint32_t at = stoa_memory_values_find(values, request->room, request->key);
  request->answer.is_complete = true;
  for (; at < values->count && stoa_string_equal(values->items[at]->scope, request->room); at++) {
    if (stoa_string_equal(values->items[at]->key, request->key)) {
      continue;
    }
    if (request->answer.item_count == request->query.limit || add_value(request, values->items[at]) != STOA_OK) {
      request->answer.is_complete = false;
      break;
    }
  }
  bool is_empty_for_memory = request->answer.item_count == 0 && !request->answer.is_complete;
  return is_empty_for_memory ? STOA_ENGINE_UNAVAILABLE : STOA_ENGINE_OK;
}

/* Redacting and erasing. */

/* The message at the index, and all that target it. */
static bool redact_one(struct memory *memory, struct stoa_memory_room *room, struct stoa_engine_request *request,
                       uint32_t index, bool forget_sender) {
  uint64_t offset = stoa_engine_log_at(&room->log, index)->place.offset;
  for (uint32_t i = index; i < room->log.count; i++) {
    const struct stoa_engine_message *message = stoa_engine_log_at(&room->log, i);
    bool is_concerned = i == index || message->draft.target == offset;
    bool is_erased = forget_sender && i == index;
    if (!is_concerned || (message->place.is_redacted && !is_erased)) {
      continue;
    }
    /* What the sender has sent is counted when its own turn comes. */
    bool is_counted = !forget_sender || is_erased || !stoa_string_equal(message->draft.sender, request->key);
    size_t before = room->log.bytes;
    if (!stoa_memory_room_redact(room, i, is_erased)) {
      return false;
    }
    memory->log_bytes = memory->log_bytes - before + room->log.bytes;
    request->answer.count += is_counted;
  }
  return true;
}

static enum stoa_engine_status redact(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room = find_room(memory, request->room);
  uint64_t offset = request->query.target_first;
  uint32_t index = room == NULL ? 0 : stoa_engine_log_above(&room->log, offset - 1);
  const struct stoa_engine_message *message = room == NULL ? NULL : stoa_engine_log_at(&room->log, index);
  if (message == NULL || message->place.offset != offset) {
    return STOA_ENGINE_NOT_FOUND;
  }
  return redact_one(memory, room, request, index, false) ? STOA_ENGINE_OK : STOA_ENGINE_UNKNOWN;
}

static bool erase_user_in(struct memory *memory, struct stoa_memory_room *room, struct stoa_engine_request *request) {
  for (uint32_t i = 0; i < room->log.count; i++) {
    bool is_theirs = stoa_string_equal(stoa_engine_log_at(&room->log, i)->draft.sender, request->key);
    if (is_theirs && !redact_one(memory, room, request, i, true)) {
      return false;
    }
  }
  return true;
}

static enum stoa_engine_status erase_user(struct memory *memory, struct stoa_engine_request *request) {
  size_t cursor = 0;
  struct stoa_memory_room *room;
  while ((room = stoa_map_next(&memory->rooms, &cursor)) != NULL) {
    if (!erase_user_in(memory, room, request)) {
      return STOA_ENGINE_UNKNOWN;
    }
  }
  return STOA_ENGINE_OK;
}

static enum stoa_engine_status erase_room(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room = find_room(memory, request->room);
  if (!is_room(room)) {
    return STOA_ENGINE_NOT_FOUND;
  }
  request->answer.count = room->log.count;
  request->audience = room->audience;
  memory->log_bytes -= room->log.bytes;
  stoa_memory_room_clear(room);
  drop_if_unused(memory, room);
  return STOA_ENGINE_OK;
}

static enum stoa_engine_status retain(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_memory_room *room = find_room(memory, request->room);
  if (!is_room(room)) {
    return STOA_ENGINE_NOT_FOUND;
  }
  room->has_retention = true;
  room->retention = request->retention;
  return STOA_ENGINE_OK;
}

/* Calls. */

static enum stoa_engine_status perform(struct memory *memory, struct stoa_engine_request *request) {
  switch (request->call) {
    case STOA_ENGINE_PUBLISH:
      return publish(memory, request);
    case STOA_ENGINE_SUBSCRIBE:
      return subscribe(memory, request);
    case STOA_ENGINE_UNSUBSCRIBE:
      return unsubscribe(memory, request);
    case STOA_ENGINE_HISTORY:
      return history(memory, request);
    case STOA_ENGINE_STATE_PUT:
      return put_value(memory, request);
    case STOA_ENGINE_STATE_READ:
      return read_value(memory, request);
    case STOA_ENGINE_STATE_LIST:
      return list_values(memory, request);
    case STOA_ENGINE_ROOMS:
      return list_rooms(memory, request);
    case STOA_ENGINE_REDACT:
      return redact(memory, request);
    case STOA_ENGINE_ERASE_USER:
      return erase_user(memory, request);
    case STOA_ENGINE_ERASE_ROOM:
      return erase_room(memory, request);
    case STOA_ENGINE_SEARCH:
      return search(memory, request);
    case STOA_ENGINE_RETAIN:
      return retain(memory, request);
    case STOA_ENGINE_BACKUP:
    case STOA_ENGINE_GAP:
      return STOA_ENGINE_INVALID;
  }
  return STOA_ENGINE_INVALID;
}

static bool is_success(enum stoa_engine_status status) {
  return status == STOA_ENGINE_OK || status == STOA_ENGINE_DUPLICATE || status == STOA_ENGINE_GONE;
}

/* The batch is made first: what is done can then be answered. It is sent under the mutex, so that all loops are told in
 * the order in which the rooms changed. */
static void submit_write(struct memory *memory, struct stoa_engine_request *request) {
  struct stoa_engine_batch *batch;
  if (stoa_engine_batch_create(&memory->engine, &batch) != STOA_OK) {
    stoa_engine_refuse(request, STOA_ENGINE_UNAVAILABLE);
    return;
  }
  pthread_mutex_lock(&memory->mutex);
  enum stoa_engine_status status = perform(memory, request);
  if (is_success(status)) {
    request->answer.status = status;
    stoa_engine_batch_add(batch, request);
    stoa_engine_batch_send(batch);
  } else {
    stoa_engine_batch_destroy(batch);
    stoa_engine_refuse(request, status);
  }
  pthread_mutex_unlock(&memory->mutex);
}

static void submit(struct stoa_engine *engine, struct stoa_engine_request *request) {
  struct memory *memory = memory_of(engine);
  if (stoa_engine_request_is_write(request)) {
    submit_write(memory, request);
    return;
  }
  pthread_mutex_lock(&memory->mutex);
  enum stoa_engine_status status = perform(memory, request);
  pthread_mutex_unlock(&memory->mutex);
  if (is_success(status)) {
    request->answer.status = status;
  } else {
    stoa_engine_request_fail(request, status);
  }
  stoa_engine_answer_alone(request);
}

static bool run_one(struct stoa_engine *engine) {
  (void)engine;
  return false;
}

static uint64_t due_ns(struct stoa_engine *engine) {
  (void)engine;
  return UINT64_MAX;
}

static void close_engine(struct stoa_engine *engine) {
  (void)engine;
}

static void destroy_rooms(struct memory *memory) {
  size_t cursor = 0;
  struct stoa_memory_room *room;
  while ((room = stoa_map_next(&memory->rooms, &cursor)) != NULL) {
    stoa_memory_room_destroy(room);
  }
  stoa_map_fini(&memory->rooms);
}

static void destroy(struct stoa_engine *engine) {
  struct memory *memory = memory_of(engine);
  destroy_rooms(memory);
  stoa_memory_values_fini(&memory->values);
  pthread_mutex_destroy(&memory->mutex);
  stoa_engine_hub_fini(engine);
  stoa_free(memory);
}

static void set_options(struct memory *memory, const struct stoa_memory_engine_options *options) {
  struct stoa_memory_engine_options *own = &memory->options;
  *own = *options;
  if (own->retention.age_ms == 0 && own->retention.messages == 0 && own->retention.bytes == 0) {
    own->retention.messages = MESSAGES_DEFAULT;
  }
  own->bytes_max = own->bytes_max == 0 ? BYTES_MAX_DEFAULT : own->bytes_max;
  own->rooms_max = own->rooms_max == 0 ? ROOMS_MAX_DEFAULT : own->rooms_max;
  own->body_bytes_max = own->body_bytes_max == 0 ? BODY_BYTES_MAX_DEFAULT : own->body_bytes_max;
  memory->calls = (struct stoa_engine_calls){.submit = submit,
                                             .run_one = run_one,
                                             .due_ns = due_ns,
                                             .close = close_engine,
                                             .destroy = destroy,
                                             .body_bytes_max = own->body_bytes_max};
}

int stoa_memory_engine_open(const struct stoa_memory_engine_options *options, struct stoa_engine **out_engine) {
  if (options->body_bytes_max > STOA_ENGINE_BODY_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  struct memory *memory = stoa_calloc(1, sizeof *memory);
  if (memory == NULL) {
    return STOA_E_MEMORY;
  }
  set_options(memory, options);
  int status = stoa_map_init(&memory->rooms, room_key);
  if (status == STOA_OK) {
    status = stoa_engine_hub_init(&memory->engine, &memory->calls);
  }
  if (status != STOA_OK) {
    stoa_free(memory);
    return status;
  }
  pthread_mutex_init(&memory->mutex, NULL);
  *out_engine = &memory->engine;
  return STOA_OK;
}
