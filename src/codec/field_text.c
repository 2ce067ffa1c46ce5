#include "codec/field_text.h"

#include "codec/json_message.h"
#include "codec/table.h"

#include <assert.h>
#include <stdio.h>

static const struct stoa_json_options options = STOA_JSON_DEFAULTS;

/* One value on its way into a message. */
struct setting {
  struct stoa_field_texts *texts;
  struct stoa_fault fault;
  struct stoa_string text;
  bool replaces;
};

/* The next name of a path; false after the last. */
static bool next_name(struct stoa_string *path, struct stoa_string *out_name) {
  if (path->data == NULL) {
    return false;
  }
  const char *dot = path->len == 0 ? NULL : memchr(path->data, '.', path->len);
  if (dot == NULL) {
    *out_name = *path;
    *path = stoa_string_make(NULL, 0);
    return true;
  }
  size_t len = (size_t)(dot - path->data);
  *out_name = stoa_string_make(path->data, len);
  *path = stoa_string_make(dot + 1, path->len - len - 1);
  return true;
}

/* Is there one message with fields of its own to go on in? */
static bool has_members(const struct stoa_field *field) {
  return field->kind == STOA_KIND_MESSAGE && field->message->special == STOA_SPECIAL_NONE &&
         (field->label == STOA_LABEL_SINGULAR || field->label == STOA_LABEL_ONEOF);
}

/* The path's fields, from the outermost. Their number is 0 when there is no such path. */
static uint32_t find_all(const struct stoa_message_type *type, struct stoa_string path,
                         const struct stoa_field *out_fields[STOA_CODEC_DEPTH_MAX]) {
  struct stoa_string name;
  uint32_t count = 0;
  while (next_name(&path, &name)) {
    bool is_next = count == 0 || (count < STOA_CODEC_DEPTH_MAX && has_members(out_fields[count - 1]));
    const struct stoa_message_type *in = count == 0 ? type : out_fields[count - 1]->message;
    const struct stoa_field *field = is_next ? stoa_field_by_name(in, name) : NULL;
    if (field == NULL) {
      return 0;
    }
    out_fields[count++] = field;
  }
  return count;
}

const struct stoa_field *stoa_field_path_find(const struct stoa_message_type *type, struct stoa_string path) {
  const struct stoa_field *fields[STOA_CODEC_DEPTH_MAX];
  uint32_t count = path.data == NULL ? 0 : find_all(type, path, fields);
  return count == 0 ? NULL : fields[count - 1];
}

bool stoa_field_path_same(const struct stoa_message_type *type, struct stoa_string a, struct stoa_string b) {
  const struct stoa_field *fields_a[STOA_CODEC_DEPTH_MAX];
  const struct stoa_field *fields_b[STOA_CODEC_DEPTH_MAX];
  uint32_t count = a.data == NULL ? 0 : find_all(type, a, fields_a);
  if (count == 0 || b.data == NULL || find_all(type, b, fields_b) != count) {
    return false;
  }
  return memcmp(fields_a, fields_b, count * sizeof fields_a[0]) == 0;
}

static bool has_special_text(enum stoa_special special) {
  return special == STOA_SPECIAL_TIMESTAMP || special == STOA_SPECIAL_DURATION || special == STOA_SPECIAL_FIELD_MASK ||
         special == STOA_SPECIAL_WRAPPER;
}

bool stoa_field_has_text(const struct stoa_field *field) {
  return field->label != STOA_LABEL_MAP &&
         (field->kind != STOA_KIND_MESSAGE || has_special_text((enum stoa_special)field->message->special));
}

static int fail_value(struct setting *setting, const char *expected) {
  char quoted[STOA_FAULT_QUOTE_SIZE];
  stoa_fault_quote(setting->text, quoted);
  stoa_fault_set(&setting->fault, "expected %s, got \"%s\"", expected, quoted);
  return STOA_E_TYPE;
}

static int fail_arena(struct setting *setting) {
  return stoa_fault_arena(&setting->fault, setting->texts->arena);
}

static int fail(struct setting *setting, int status, const char *reason) {
  stoa_fault_set(&setting->fault, "%s", reason);
  return status;
}

static const char *expected_of(const struct stoa_field *field) {
  if (field->kind != STOA_KIND_MESSAGE) {
    return stoa_fault_kind_name(field->kind);
  }
  switch ((enum stoa_special)field->message->special) {
    case STOA_SPECIAL_TIMESTAMP:
      return "a time like \"2026-01-31T12:00:00Z\"";
    case STOA_SPECIAL_DURATION:
      return "a duration like \"1.5s\"";
    default:
      return "paths like \"user.displayName,photo\"";
  }
}

/* None of the texts that are read as JSON has a byte that JSON must escape. */
static bool is_plain(struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.data[i];
    if (byte < 0x20 || byte == '"' || byte == '\\') {
      return false;
    }
  }
  return true;
}

/* A value that JSON can have in quotes, through the reader of JSON, so that both take the same texts. */
static int set_quoted(struct setting *setting, const struct stoa_field *field, void *slot) {
  size_t len = setting->text.len + 2;
  if (!is_plain(setting->text)) {
    return fail_value(setting, expected_of(field));
  }
  char *json = stoa_arena_alloc(setting->texts->arena, len);
  if (json == NULL) {
    return fail_arena(setting);
  }
  json[0] = '"';
  if (setting->text.len > 0) {
    memcpy(json + 1, setting->text.data, setting->text.len);
  }
  json[len - 1] = '"';
  const uint8_t *begin = (const uint8_t *)json;
  struct stoa_json_reader reader = {
      .begin = begin, .end = begin + len, .arena = setting->texts->arena, .options = &options};
  const uint8_t *end = stoa_json_read_value(&reader, field, slot, begin);
  assert(end == NULL || end == begin + len);
  if (end != NULL) {
    return STOA_OK;
  }
  return reader.status == STOA_E_MEMORY || reader.status == STOA_E_LIMIT ? fail_arena(setting)
                                                                         : fail_value(setting, expected_of(field));
}

static int set_bool(struct setting *setting, void *slot) {
  bool is_true = stoa_string_equal(setting->text, stoa_string_of("true"));
  if (!is_true && !stoa_string_equal(setting->text, stoa_string_of("false"))) {
    return fail_value(setting, "true or false");
  }
  *(bool *)slot = is_true;
  return STOA_OK;
}

static int set_value(struct setting *setting, const struct stoa_field *field, void *slot) {
  if (field->kind == STOA_KIND_MESSAGE && field->message->special == STOA_SPECIAL_WRAPPER) {
    void *wrapper = stoa_message_of_slot(field, slot, setting->texts->arena);
    if (wrapper == NULL) {
      return fail_arena(setting);
    }
    field = &field->message->fields[0];
    slot = stoa_slot_mut(wrapper, field);
  }
  switch (field->kind) {
    case STOA_KIND_BOOL:
      return set_bool(setting, slot);
    case STOA_KIND_STRING:
      *(struct stoa_string *)slot = setting->text;
      return STOA_OK;
    default:
      return set_quoted(setting, field, slot);
  }
}

/* Items of a repeated message field are structs, not pointers: the value is made apart and copied. */
static int push_value(struct setting *setting, const struct stoa_field *field, struct stoa_list *list) {
  union {
    uint64_t number;
    struct stoa_string text;
    const void *message;
  } value = {0};
  size_t size = stoa_field_item_size(field);
  int status = set_value(setting, field, &value);
  if (status != STOA_OK) {
    return status;
  }
  void *item = stoa_list_push(list, size, setting->texts->arena);
  if (item == NULL) {
    return fail_arena(setting);
  }
  memcpy(item, field->kind == STOA_KIND_MESSAGE ? value.message : &value, size);
  return STOA_OK;
}

/* The members of a oneof share a slot, so it holds another type's value until it is cleared. */
static int choose(struct setting *setting, const struct stoa_field *field, void *message) {
  int32_t chosen = field->label == STOA_LABEL_ONEOF ? *(const int32_t *)stoa_slot_presence(message, field) : 0;
  bool is_other = field->label == STOA_LABEL_ONEOF && chosen != (int32_t)field->number;
  if (is_other && chosen != 0 && !setting->replaces) {
    return fail(setting, STOA_E_SYNTAX, "another member of its oneof is set too");
  }
  if (is_other && field->kind == STOA_KIND_MESSAGE) {
    *(const void **)stoa_slot_mut(message, field) = NULL;
  }
  stoa_field_mark(field, message);
  return STOA_OK;
}

/* Note that a slot was set. Few parameters are given, and their number is limited, so they are looked through. */
static int see(struct setting *setting, void *slot) {
  struct stoa_list *seen = &setting->texts->seen;
  for (size_t i = 0; i < seen->count; i++) {
    if (*(void **)stoa_list_item(seen, i, sizeof slot) == slot) {
      return fail(setting, STOA_E_SYNTAX, "it is given twice, and takes one value");
    }
  }
  void **item = stoa_list_push(seen, sizeof slot, setting->texts->arena);
  if (item == NULL) {
    return fail_arena(setting);
  }
  *item = slot;
  return STOA_OK;
}

static int set_last(struct setting *setting, const struct stoa_field *field, void *message) {
  void *slot = stoa_slot_mut(message, field);
  if (!stoa_field_has_text(field) || (setting->replaces && field->label == STOA_LABEL_REPEATED)) {
    return fail(setting, STOA_E_TYPE, "the field is not a value that text can give");
  }
  if (field->label == STOA_LABEL_REPEATED) {
    return push_value(setting, field, slot);
  }
  int status = choose(setting, field, message);
  if (status == STOA_OK && !setting->replaces) {
    status = see(setting, slot);
  }
  return status == STOA_OK ? set_value(setting, field, slot) : status;
}

static int set(struct setting *setting, struct stoa_string path) {
  const struct stoa_field *fields[STOA_CODEC_DEPTH_MAX];
  uint32_t count = path.data == NULL ? 0 : find_all(setting->texts->type, path, fields);
  if (count == 0) {
    return fail(setting, STOA_E_TYPE, "no field has this name");
  }
  void *message = setting->texts->message;
  for (uint32_t i = 0; i + 1 < count; i++) {
    int status = choose(setting, fields[i], message);
    if (status != STOA_OK) {
      return status;
    }
    message = stoa_message_of_slot(fields[i], stoa_slot_mut(message, fields[i]), setting->texts->arena);
    if (message == NULL) {
      return fail_arena(setting);
    }
  }
  return set_last(setting, fields[count - 1], message);
}

static int set_text(struct stoa_field_texts *texts, const char *what, struct stoa_string path, struct stoa_string text,
                    bool replaces) {
  struct setting setting = {.texts = texts, .text = text, .replaces = replaces};
  assert(texts->message != NULL);
  stoa_fault_init(&setting.fault, texts->error);
  int status = set(&setting, path);
  if (status != STOA_OK) {
    char quoted[STOA_FAULT_QUOTE_SIZE];
    char name[STOA_FAULT_QUOTE_SIZE + 64];
    stoa_fault_quote(path, quoted);
    (void)snprintf(name, sizeof name, "%s \"%s\"", what, quoted);
    stoa_fault_name(&setting.fault, name);
  }
  return status;
}

int stoa_field_texts_add(struct stoa_field_texts *texts, const char *what, struct stoa_string path,
                         struct stoa_string text) {
  return set_text(texts, what, path, text, false);
}

int stoa_field_texts_replace(struct stoa_field_texts *texts, const char *what, struct stoa_string path,
                             struct stoa_string text) {
  return set_text(texts, what, path, text, true);
}
