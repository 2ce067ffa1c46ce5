/* codec/json_any.c: google.protobuf.Any, whose JSON contains the packed message in its JSON form.
 *
 * `{"@type": "host/full.Name", ...members}`, or `{"@type": ..., "value": ...}` for a type with a special form.
 */
#include <stoa/types.h>

#include "codec/json_message.h"
#include "codec/json_write.h"
#include "codec/proto.h"
#include "codec/table.h"

static const void *slot_of(const struct stoa_message_type *type, const void *message, uint32_t number) {
  return stoa_slot(message, &type->fields[number - 1]);
}

/* The type's name is what follows the last slash. NULL when there is no slash or no such type. */
static const struct stoa_message_type *find_type(struct stoa_string url) {
  for (size_t i = url.len; i > 0; i--) {
    if (url.data[i - 1] == '/') {
      return stoa_types_find(stoa_string_make(url.data + i, url.len - i));
    }
  }
  return NULL;
}

/* Empty is an object with members, of which it has none. */
static bool has_own_form(const struct stoa_message_type *type) {
  return type->special != STOA_SPECIAL_NONE && type->special != STOA_SPECIAL_EMPTY;
}

static int write_content(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  if (!has_own_form(type)) {
    return stoa_json_write_members(writer, type, message, false);
  }
  int status = stoa_json_write_text(writer, ",\"value\":", 9);
  return status == STOA_OK ? stoa_json_write_message(writer, type, message) : status;
}

static int write_decoded(struct stoa_json_writer *writer, const struct stoa_message_type *type, struct stoa_bytes value,
                         struct stoa_arena *arena) {
  void *message = stoa_arena_calloc(arena, type->size);
  if (message == NULL) {
    return stoa_arena_status(arena);
  }
  int status = stoa_proto_decode(type, value, arena, message, NULL);
  if (status != STOA_OK) {
    return status == STOA_E_MEMORY || status == STOA_E_LIMIT ? status : STOA_E_TYPE;
  }
  return write_content(writer, type, message);
}

static int write_held(struct stoa_json_writer *writer, const struct stoa_message_type *type, struct stoa_bytes value) {
  struct stoa_arena *arena = stoa_arena_create(STOA_JSON_ANY_BYTES_MAX);
  if (arena == NULL) {
    return STOA_E_MEMORY;
  }
  int status = write_decoded(writer, type, value, arena);
  stoa_arena_destroy(arena);
  return status;
}

static int write_object(struct stoa_json_writer *writer, const struct stoa_message_type *held,
                        const struct stoa_string *url, struct stoa_bytes value) {
  int status = stoa_json_write_open(writer, '{');
  if (status == STOA_OK) {
    status = stoa_json_write_text(writer, "\"@type\":", 8);
  }
  if (status == STOA_OK) {
    status = stoa_json_write_string(writer, url);
  }
  if (status == STOA_OK) {
    status = write_held(writer, held, value);
  }
  return status == STOA_OK ? stoa_json_write_close(writer, '}') : status;
}

int stoa_json_write_any(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  const struct stoa_string *url = slot_of(type, message, 1);
  const struct stoa_bytes *value = slot_of(type, message, 2);
  if (url->len == 0 && value->len == 0) {
    return stoa_json_write_text(writer, "{}", 2);
  }
  const struct stoa_message_type *held = find_type(*url);
  return held == NULL ? STOA_E_TYPE : write_object(writer, held, url, *value);
}

/* The result of the first pass over the members. */
struct envelope {
  struct stoa_string url;
  bool has_url;
  const uint8_t *type_at;
  const uint8_t *value;     /* the start of the value of the member "value", or NULL */
  struct stoa_string other; /* the name of a member that is neither */
  bool has_other;
};

static const uint8_t *see_type(struct stoa_json_reader *reader, struct envelope *envelope, const uint8_t *at) {
  if (envelope->has_url) {
    return stoa_json_fail(reader, STOA_E_SYNTAX, "@type: a duplicate member");
  }
  envelope->has_url = true;
  envelope->type_at = at;
  if (!stoa_json_is_at(reader, at, '"')) {
    (void)stoa_json_fail_type(reader, at, "string");
    stoa_fault_name(&reader->fault, "@type");
    return NULL;
  }
  return stoa_json_read_string(reader, at + 1, &envelope->url);
}

static const uint8_t *see_member(struct stoa_json_reader *reader, struct envelope *envelope, const uint8_t *at) {
  struct stoa_string name;
  at = stoa_json_read_name(reader, at, &name);
  at = at == NULL ? NULL : stoa_json_read_colon(reader, at);
  if (at == NULL) {
    return NULL;
  }
  if (stoa_string_equal(name, stoa_string_of("@type"))) {
    return see_type(reader, envelope, at);
  }
  if (!stoa_string_equal(name, stoa_string_of("value"))) {
    envelope->other = name;
    envelope->has_other = true;
    return stoa_json_skip_value(reader, at);
  }
  if (envelope->value != NULL) {
    return stoa_json_fail(reader, STOA_E_SYNTAX, "value: a duplicate member");
  }
  envelope->value = at;
  return stoa_json_skip_value(reader, at);
}

/* "@type" may be at any position, so a first pass finds it before the object is read. An Any inside an Any is passed
 * over once more for each level; the depth is limited. */
static const uint8_t *see_members(struct stoa_json_reader *reader, struct envelope *envelope, const uint8_t *at) {
  if (!stoa_json_is_at(reader, at, '{')) {
    return stoa_json_fail_type(reader, at, "an object");
  }
  if (!stoa_json_enter(reader)) {
    return NULL;
  }
  at = stoa_json_skip_space(reader, at + 1);
  bool is_end = stoa_json_is_at(reader, at, '}');
  at += is_end;
  while (!is_end && at != NULL) {
    at = see_member(reader, envelope, at);
    at = at == NULL ? NULL : stoa_json_read_comma(reader, at, '}', &is_end);
  }
  reader->depth--;
  return at;
}

/* The member "value"; the object around it counts as a level. */
static const uint8_t *read_value(struct stoa_json_reader *reader, const struct stoa_message_type *held, void *message,
                                 const struct envelope *envelope) {
  if (envelope->value == NULL) {
    return stoa_json_fail(reader, STOA_E_TYPE, "value: missing");
  }
  if (envelope->has_other && reader->options->reject_unknown) {
    return stoa_json_fail_unknown(reader, envelope->other);
  }
  reader->depth++;
  const uint8_t *at = stoa_json_read_message(reader, held, message, envelope->value);
  reader->depth--;
  if (at == NULL) {
    stoa_fault_name(&reader->fault, "value");
  }
  return at;
}

/* Encode into `room` bytes of the arena. They are cut to the encoding's length; if they are too few, the caller tries
 * again with more. */
static int encode_into(const struct stoa_message_type *held, const void *message, uint8_t *room, size_t size,
                       size_t *out_len) {
  struct stoa_buffer out = {.data = room, .cap = size, .len_max = size};
  int status = stoa_proto_encode(held, message, &out);
  *out_len = out.len;
  return status;
}

/* JSON is never shorter than an eighth of the binary form. The worst case is one digit and a comma for a DoubleValue in
 * a list, which takes 15 bytes when its tag takes five. */
static const uint8_t *store(struct stoa_json_reader *reader, const struct stoa_message_type *held, const void *message,
                            size_t json_len, struct stoa_bytes *out_value) {
  size_t small = json_len + 16;
  size_t large = json_len * 8 + 16;
  uint8_t *room = stoa_arena_alloc(reader->arena, small);
  size_t len = 0;
  size_t size = small;
  int status = room == NULL ? STOA_E_MEMORY : encode_into(held, message, room, small, &len);
  if (status == STOA_E_LIMIT) {
    room = stoa_arena_grow(reader->arena, room, small, large);
    size = large;
    status = room == NULL ? STOA_E_MEMORY : encode_into(held, message, room, large, &len);
  }
  if (status != STOA_OK) {
    return status == STOA_E_MEMORY ? stoa_json_fail_arena(reader) : stoa_json_fail(reader, status, "nested too deeply");
  }
  room = stoa_arena_grow(reader->arena, room, size, len);
  *out_value = stoa_bytes_make(room, len);
  return room;
}

/* `at` is the start of the object, `end` its end. */
static const uint8_t *read_held(struct stoa_json_reader *reader, const struct stoa_message_type *held,
                                const struct envelope *envelope, struct stoa_bytes *out_value, const uint8_t *at,
                                const uint8_t *end) {
  void *message = stoa_arena_calloc(reader->arena, held->size);
  if (message == NULL) {
    return stoa_json_fail_arena(reader);
  }
  const uint8_t *next = has_own_form(held) ? read_value(reader, held, message, envelope)
                                           : stoa_json_read_object(reader, held, message, true, at);
  if (next == NULL || store(reader, held, message, (size_t)(end - at), out_value) == NULL) {
    return NULL;
  }
  return end;
}

static const uint8_t *read_typed(struct stoa_json_reader *reader, const struct envelope *envelope,
                                 struct stoa_bytes *out_value, const uint8_t *at, const uint8_t *end) {
  const struct stoa_message_type *held = find_type(envelope->url);
  if (held == NULL) {
    (void)stoa_json_fail_type(reader, envelope->type_at, "the URL of a known message type");
    stoa_fault_name(&reader->fault, "@type");
    return NULL;
  }
  return read_held(reader, held, envelope, out_value, at, end);
}

const uint8_t *stoa_json_read_any(struct stoa_json_reader *reader, const struct stoa_message_type *type, void *message,
                                  const uint8_t *at) {
  struct envelope envelope = {.has_url = false};
  const uint8_t *end = see_members(reader, &envelope, at);
  if (end == NULL) {
    return NULL;
  }
  if (!envelope.has_url) {
    bool is_empty = envelope.value == NULL && !envelope.has_other;
    return is_empty ? end : stoa_json_fail(reader, STOA_E_TYPE, "@type: missing");
  }
  *(struct stoa_string *)stoa_slot_mut(message, &type->fields[0]) = envelope.url;
  return read_typed(reader, &envelope, stoa_slot_mut(message, &type->fields[1]), at, end);
}
