/* Small values that are stored beside the messages. */
#include "base/container.h"
#include "base/memory.h"
#include "room/ask.h"
#include "room/owner.h"

#include <stoa/room_admin.h>

#define LIMIT_DEFAULT 100u

static bool is_name(struct stoa_string text, size_t len_max) {
  return text.len > 0 && stoa_room_text_is_valid(text, len_max);
}

int stoa_room_state_put(struct stoa_rooms *rooms, struct stoa_string scope, struct stoa_string key,
                        struct stoa_bytes value, stoa_room_done *on_done, void *context) {
  struct stoa_room_command *command;
  if (!is_name(scope, STOA_ROOM_STATE_SCOPE_LEN_MAX) || !is_name(key, STOA_ROOM_STATE_KEY_LEN_MAX) ||
      value.len > STOA_ROOM_STATE_VALUE_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_command_create(rooms, sizeof *command, on_done, context, &command);
  if (status != STOA_OK) {
    return status;
  }
  return stoa_room_ask_begin(&command->ask, stoa_engine_state_put(command->ask.home->port, scope, key, value,
                                                                  stoa_room_ask_done, &command->ask));
}

struct reading {
  struct stoa_room_ask ask;
  stoa_room_on_values *on_values;
  void *context;
};

static void tell(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer) {
  const struct reading *self = stoa_container_of(ask, struct reading, ask);
  struct stoa_room_values values = {.status = STOA_ROOM_CLOSED};
  struct stoa_room_value *items = NULL;
  if (answer != NULL) {
    values.status = stoa_room_status_of(answer->status);
    values.retry_ms = answer->retry_ms;
  }
  if (values.status == STOA_ROOM_OK && answer->item_count > 0) {
    items = stoa_calloc(answer->item_count, sizeof *items);
    if (items == NULL) {
      values = (struct stoa_room_values){.status = STOA_ROOM_BUSY, .retry_ms = STOA_ENGINE_RETRY_MS};
    }
  }
  if (items != NULL) {
    for (uint32_t i = 0; i < answer->item_count; i++) {
      items[i] = (struct stoa_room_value){answer->items[i].name, answer->items[i].value};
    }
    values.values = items;
    values.count = answer->item_count;
    values.has_more = !answer->is_complete;
  }
  self->on_values(self->context, &values);
  stoa_free(items);
}

static int create(struct stoa_rooms *rooms, stoa_room_on_values *on_values, void *context,
                  struct stoa_room_ask **out_ask) {
  int status = stoa_room_ask_create(rooms, sizeof(struct reading), tell, out_ask);
  if (status == STOA_OK) {
    struct reading *self = stoa_container_of(*out_ask, struct reading, ask);
    self->on_values = on_values;
    self->context = context;
  }
  return status;
}

int stoa_room_state_read(struct stoa_rooms *rooms, struct stoa_string scope, struct stoa_string key,
                         stoa_room_on_values *on_values, void *context) {
  struct stoa_room_ask *ask;
  if (!is_name(scope, STOA_ROOM_STATE_SCOPE_LEN_MAX) || !is_name(key, STOA_ROOM_STATE_KEY_LEN_MAX) ||
      on_values == NULL) {
    return STOA_E_ARGUMENT;
  }
  int status = create(rooms, on_values, context, &ask);
  if (status != STOA_OK) {
    return status;
  }
  return stoa_room_ask_begin(ask, stoa_engine_state_read(ask->home->port, scope, key, stoa_room_ask_done, ask));
}

int stoa_room_state_list(struct stoa_rooms *rooms, struct stoa_string scope, struct stoa_string after, uint32_t limit,
                         stoa_room_on_values *on_values, void *context) {
  struct stoa_room_ask *ask;
  if (!is_name(scope, STOA_ROOM_STATE_SCOPE_LEN_MAX) || !stoa_room_text_is_valid(after, STOA_ROOM_STATE_KEY_LEN_MAX) ||
      limit > STOA_ROOM_LIST_MAX || on_values == NULL) {
    return STOA_E_ARGUMENT;
  }
  int status = create(rooms, on_values, context, &ask);
  if (status != STOA_OK) {
    return status;
  }
  uint32_t count = limit == 0 ? LIMIT_DEFAULT : limit;
  return stoa_room_ask_begin(ask,
                             stoa_engine_state_list(ask->home->port, scope, after, count, stoa_room_ask_done, ask));
}
