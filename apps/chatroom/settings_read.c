#include "settings_read.h"

#include <assert.h>
#include <stdlib.h>

/* Not a list: a room may have ten thousand bans beside them. */
static const char *const keys[] = {"topic", "slow", "members_max"};
#define KEYS (sizeof keys / sizeof *keys)

struct reading {
  settings_on_read *on_read;
  void *context;
  size_t pending;
  enum stoa_room_status status;
  uint32_t retry_ms;
  struct rules_settings settings;
};

bool settings_in_use(const struct chatroom *chatroom, struct stoa_string room, struct rules_settings *out_settings) {
  struct room_rules *rules = rules_take(chatroom->rules, room);
  bool is_there = rules != NULL && rules_are_loaded(rules);
  if (is_there) {
    rules_settings(rules, out_settings);
  }
  rules_release(rules);
  return is_there;
}

static void on_value(void *context, const struct stoa_room_values *values) {
  struct reading *reading = context;
  if (values->status == STOA_ROOM_OK && values->count > 0) {
    const struct stoa_room_value *value = &values->values[0];
    rules_settings_apply(&reading->settings, value->key,
                         stoa_string_make((const char *)value->value.data, value->value.len));
  } else if (values->status != STOA_ROOM_OK && values->status != STOA_ROOM_NOT_FOUND &&
             reading->status == STOA_ROOM_OK) {
    reading->status = values->status;
    reading->retry_ms = values->retry_ms;
  }
  assert(reading->pending > 0);
  if (--reading->pending == 0) {
    reading->on_read(reading->context, reading->status, reading->retry_ms, &reading->settings);
    free(reading);
  }
}

int settings_read(const struct chatroom *chatroom, struct stoa_string room, settings_on_read *on_read, void *context) {
  char scope[RULES_SCOPE_BYTES_MAX];
  struct reading *reading = calloc(1, sizeof *reading);
  if (reading == NULL) {
    return STOA_E_MEMORY;
  }
  *reading = (struct reading){.on_read = on_read, .context = context, .status = STOA_ROOM_OK};
  int status = STOA_OK;
  for (size_t i = 0; i < KEYS && status == STOA_OK; i++) {
    status =
        stoa_room_state_read(chatroom->rooms, rules_scope(room, scope), stoa_string_of(keys[i]), on_value, reading);
    reading->pending += status == STOA_OK;
  }
  if (status != STOA_OK && reading->pending == 0) {
    free(reading);
    return status;
  }
  if (status != STOA_OK) { /* those that were asked answer */
    reading->status = status == STOA_E_CLOSED ? STOA_ROOM_CLOSED : STOA_ROOM_BUSY;
  }
  return STOA_OK;
}
