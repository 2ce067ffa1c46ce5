#include "room/type.h"

#include "base/array.h"
#include "room/text.h"
#include "wire/typed.h"

#include <assert.h>
#include <stoa/codec.h>
#include <stoa/log.h>

/* JSON adds two levels for a list of messages, so up to this many types inside each other fit into every codec. */
#define NESTED_TYPES_MAX 15u
/* The last microsecond of the year 9999: no later time is longer as text. */
#define LONGEST_TIME_US INT64_C(253402300799999999)

void stoa_room_types_init(struct stoa_room_types *types, void *user) {
  stoa_handler_table_init(&types->table, sizeof(struct stoa_room_kind), STOA_ROOM_TYPES_MAX, STOA_TYPE_MAX);
  types->user = user;
}

void stoa_room_types_fini(struct stoa_room_types *types) {
  stoa_handler_table_fini(&types->table);
}

struct nested {
  const struct stoa_message_type *types[NESTED_TYPES_MAX];
  uint32_t count;
};

/* False: there are too many, or one is there already, so that it may contain itself. */
static bool add_nested(struct nested *nested, const struct stoa_message_type *type) {
  for (uint32_t i = 0; i < nested->count; i++) {
    if (nested->types[i] == type) {
      return false;
    }
  }
  if (nested->count == STOA_COUNT_OF(nested->types)) {
    return false;
  }
  nested->types[nested->count++] = type;
  return true;
}

/* Only plain fields, and no type twice: such a message can be written in JSON and in Protobuf, whatever it contains. */
static bool may_fail(const struct stoa_message_type *type) {
  struct nested nested = {{type}, 1};
  for (uint32_t i = 0; i < nested.count; i++) {
    const struct stoa_message_type *at = nested.types[i];
    if (at->special != STOA_SPECIAL_NONE) {
      return true;
    }
    for (uint32_t field = 0; field < at->field_count; field++) {
      if (at->fields[field].message != NULL && !add_nested(&nested, at->fields[field].message)) {
        return true;
      }
    }
  }
  return false;
}

static bool has_text_field(const struct stoa_message_type *type, uint32_t number) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (field->number == number) {
      return field->kind == STOA_KIND_STRING && field->label != STOA_LABEL_REPEATED;
    }
  }
  return false;
}

int stoa_room_types_add(struct stoa_room_types *types, const struct stoa_room_type *type) {
  if (type->message_type == NULL || (type->text_field != 0 && !has_text_field(type->message_type, type->text_field))) {
    return STOA_E_ARGUMENT;
  }
  const struct stoa_room_kind kind = {*type, may_fail(type->message_type)};
  const struct stoa_handler_key key = {.type = type->type, .message = type->message_type};
  return stoa_handler_table_add(&types->table, &key, &kind);
}

const struct stoa_room_kind *stoa_room_types_find(const struct stoa_room_types *types, uint32_t type) {
  return stoa_handler_table_find(&types->table, type);
}

static bool read_text(void *context, uint32_t type, struct stoa_bytes body, struct stoa_string *out_text) {
  const struct stoa_room_kind *kind = stoa_room_types_find(context, type);
  return kind != NULL && kind->type.text_field != 0 && stoa_room_text_of(body, kind->type.text_field, out_text);
}

static bool is_ready(void *context) {
  const struct stoa_room_types *types = context;
  return atomic_load_explicit(&types->is_ready, memory_order_acquire);
}

struct stoa_engine_text stoa_room_types_text(struct stoa_room_types *types) {
  return (struct stoa_engine_text){read_text, types, is_ready};
}

static struct stoa_room_stamp stamp_of(const struct stoa_engine_message *stored) {
  const struct stoa_engine_place *place = &stored->place;
  return (struct stoa_room_stamp){.room = stored->room,
                                  .position = {place->epoch, place->offset},
                                  .time_us = place->time_us,
                                  .sender = stored->draft.sender,
                                  .client_msg_id = stored->draft.client_msg_id,
                                  .target = stored->draft.target,
                                  .is_redacted = place->is_redacted,
                                  .ordinal = place->ordinal};
}

static int decode(const struct stoa_room_types *types, const struct stoa_room_kind *kind,
                  const struct stoa_room_stamp *stamp, struct stoa_bytes body, struct stoa_arena *arena,
                  const void **out_message) {
  void *message = stoa_arena_calloc(arena, kind->type.message_type->size);
  int status = message == NULL ? stoa_arena_status(arena)
                               : stoa_codec_proto.decode(kind->type.message_type, body, arena, message, NULL);
  if (status != STOA_OK) {
    return status;
  }
  if (kind->type.stamp != NULL) {
    kind->type.stamp(types->user, message, stamp, arena);
  }
  *out_message = message;
  return STOA_OK;
}

int stoa_room_kind_read(const struct stoa_room_types *types, const struct stoa_room_kind *kind,
                        const struct stoa_engine_message *stored, struct stoa_arena *arena,
                        struct stoa_room_message *out_message) {
  if (kind == NULL) {
    return STOA_E_NOT_FOUND;
  }
  out_message->stamp = stamp_of(stored);
  int status = decode(types, kind, &out_message->stamp, stored->draft.body, arena, &out_message->message);
  if (status == STOA_OK) {
    out_message->type = kind->type.type;
    out_message->message_type = kind->type.message_type;
  }
  return status;
}

int stoa_room_types_read(const struct stoa_room_types *types, const struct stoa_engine_message *stored,
                         struct stoa_arena *arena, struct stoa_room_message *out_message) {
  return stoa_room_kind_read(types, stoa_room_types_find(types, stored->draft.type), stored, arena, out_message);
}

bool stoa_room_types_leave_out(const struct stoa_engine_message *stored, int status) {
  assert(status != STOA_OK);
  if (status == STOA_E_MEMORY || status == STOA_E_LIMIT) {
    return false;
  }
  stoa_log(STOA_LOG_WARN, "a stored message cannot be read and is left out; was its type changed?",
           STOA_F_TEXT("room", stored->room), STOA_F_INT("offset", stored->place.offset),
           STOA_F_INT("type", stored->draft.type), STOA_F_STR("reason", stoa_status_text(status)));
  return true;
}

int stoa_room_kind_foresee(const struct stoa_room_types *types, const struct stoa_room_kind *kind,
                           const struct stoa_room_stamp *stamp, struct stoa_bytes body, struct stoa_arena *arena,
                           const void **out_message) {
  struct stoa_room_stamp longest = *stamp;
  longest.position = (struct stoa_room_position){INT64_MAX, INT64_MAX};
  longest.time_us = LONGEST_TIME_US;
  longest.ordinal = INT64_MAX;
  return decode(types, kind, &longest, body, arena, out_message);
}
