/* server/config/print.c: prints a message as YAML, with a stack of fixed depth for nested sections. */
#include "base/array.h"
#include "codec/table.h"
#include "server/config/origins.h"
#include "server/config/report.h"
#include "server/config/scalar.h"

#define INDENT 2u

/* A section that is being written. */
struct frame {
  const struct stoa_message_type *type;
  const uint8_t *message;
  uint32_t field;  /* the next field to print */
  size_t item;     /* the next item of that field, when it is a list or map */
  uint32_t depth;  /* nesting depth of the keys in this frame */
  uint32_t indent; /* indent of the keys */
  bool is_item;    /* its first line starts with the dash of a list's item */
};

struct printer {
  struct stoa_buffer *out;
  struct frame frames[STOA_CONFIG_DEPTH_MAX];
  size_t frame_count;
  const struct stoa_config_origins *origins; /* NULL: only what is set, without comments */
  int status;                                /* the first error; nothing is written after it */
};

static void put(struct printer *printer, const char *text) {
  if (printer->status == STOA_OK) {
    printer->status = stoa_buffer_append(printer->out, text, strlen(text));
  }
}

static bool ends_in(struct stoa_string name, struct stoa_string word) {
  return name.len >= word.len && memcmp(name.data + name.len - word.len, word.data, word.len) == 0 &&
         (name.len == word.len || name.data[name.len - word.len - 1] == '_');
}

static bool is_secret(const struct stoa_field *field) {
  static const struct stoa_string words[] = {STOA_STR("secret"),  STOA_STR("token"),  STOA_STR("password"),
                                             STOA_STR("secrets"), STOA_STR("tokens"), STOA_STR("passwords")};
  for (size_t i = 0; i < STOA_COUNT_OF(words); i++) {
    if (ends_in(stoa_string_make(field->name, field->name_len), words[i])) {
      return true;
    }
  }
  return false;
}

/* `named` is the field whose name tells what the value is: of a map's value, the map. Nothing is not a secret. */
static void put_value(struct printer *printer, const struct stoa_field *named, const struct stoa_field *field,
                      const void *value) {
  if (printer->status != STOA_OK) {
    return;
  }
  bool is_hidden = printer->origins != NULL && is_secret(named) && !stoa_field_is_default(field, value);
  if (is_hidden) {
    put(printer, "\"***\"");
  } else {
    printer->status = stoa_config_scalar_write(field, value, printer->out);
  }
}

/* After a value: where it came from, and the end of its line. */
static void end_line(struct printer *printer, const void *place) {
  if (printer->origins != NULL && printer->status == STOA_OK) {
    const struct stoa_config_origin *origin = stoa_config_origins_find(printer->origins, place);
    put(printer, origin == NULL ? "  # default" : "  # ");
    if (origin != NULL && printer->status == STOA_OK) {
      printer->status = stoa_config_origin_append(&origin->source, origin->line, printer->out);
    }
  }
  put(printer, "\n");
}

static void put_key(struct printer *printer, const struct stoa_field *field, const void *value) {
  if (printer->status == STOA_OK) {
    printer->status = stoa_config_key_write(field, value, printer->out);
  }
}

static void put_indent(struct printer *printer, uint32_t indent) {
  for (; indent > 0; indent--) {
    put(printer, " ");
  }
}

/* The start of a line in the frame. */
static void start_line(struct printer *printer, struct frame *frame) {
  put_indent(printer, frame->is_item ? frame->indent - INDENT : frame->indent);
  put(printer, frame->is_item ? "- " : "");
  frame->is_item = false;
}

static const struct stoa_list *list_of(const struct stoa_field *field, const uint8_t *message) {
  return stoa_slot(message, field);
}

static const uint8_t *message_at(const void *slot) {
  return *(const uint8_t *const *)slot;
}

static bool is_set(const struct stoa_field *field, const uint8_t *message) {
  bool answer;
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return list_of(field, message)->count > 0;
  }
  return stoa_field_has_presence(field, message, &answer) ? answer
                                                          : !stoa_field_is_default(field, stoa_slot(message, field));
}

/* Print the field? With all keys, unset ones too, except those with presence: printed, they would look set. */
static bool is_shown(const struct printer *printer, const struct stoa_field *field, const uint8_t *message) {
  bool answer;
  return is_set(field, message) || (printer->origins != NULL && !stoa_field_has_presence(field, message, &answer));
}

static bool is_blank(const struct printer *printer, const struct stoa_message_type *type, const uint8_t *message) {
  for (uint32_t i = 0; message != NULL && i < type->field_count; i++) {
    if (is_shown(printer, &type->fields[i], message)) {
      return false;
    }
  }
  return true;
}

static void push(struct printer *printer, struct frame frame) {
  if (frame.depth > STOA_CONFIG_DEPTH_MAX) {
    printer->status = STOA_E_LIMIT;
  } else if (frame.type->abi != STOA_DESCRIPTOR_ABI) {
    printer->status = STOA_E_ARGUMENT;
  } else {
    printer->frames[printer->frame_count++] = frame;
  }
}

/* Write what follows "key:" for a message; its keys are written by a new frame. */
static void put_message(struct printer *printer, const struct stoa_message_type *type, const uint8_t *message,
                        uint32_t depth, uint32_t indent) {
  if (is_blank(printer, type, message)) {
    put(printer, " {}\n");
    return;
  }
  put(printer, "\n");
  push(printer, (struct frame){.type = type, .message = message, .depth = depth, .indent = indent});
}

static void put_single(struct printer *printer, struct frame *frame, const struct stoa_field *field) {
  const void *place = stoa_slot(frame->message, field);
  start_line(printer, frame);
  put(printer, field->name);
  put(printer, ":");
  frame->field++;
  if (field->kind == STOA_KIND_MESSAGE) {
    put_message(printer, field->message, message_at(place), frame->depth + 1, frame->indent + INDENT);
    return;
  }
  put(printer, " ");
  put_value(printer, field, field, place);
  end_line(printer, place);
}

static void put_item(struct printer *printer, const struct frame *frame, const struct stoa_field *field,
                     const uint8_t *item) {
  uint32_t indent = frame->indent + INDENT;
  if (field->kind == STOA_KIND_MESSAGE && !is_blank(printer, field->message, item)) {
    push(printer, (struct frame){.type = field->message,
                                 .message = item,
                                 .depth = frame->depth + 2,
                                 .indent = indent + INDENT,
                                 .is_item = true});
    return;
  }
  put_indent(printer, indent);
  put(printer, "- ");
  if (field->kind == STOA_KIND_MESSAGE) {
    put(printer, "{}");
  } else {
    put_value(printer, field, field, item);
  }
  put(printer, "\n");
}

static void put_entry(struct printer *printer, const struct frame *frame, const struct stoa_field *field,
                      const uint8_t *entry) {
  const struct stoa_field *key = stoa_field_by_number(field->message, 1);
  const struct stoa_field *value = stoa_field_by_number(field->message, 2);
  put_indent(printer, frame->indent + INDENT);
  put_key(printer, key, entry + key->offset);
  put(printer, ":");
  if (value->kind == STOA_KIND_MESSAGE) {
    put_message(printer, value->message, message_at(entry + value->offset), frame->depth + 2,
                frame->indent + 2 * INDENT);
    return;
  }
  put(printer, " ");
  put_value(printer, field, value, entry + value->offset);
  put(printer, "\n");
}

/* Write one item at a time, because an item may open a frame that must be written before the next item. */
static void put_many(struct printer *printer, struct frame *frame, const struct stoa_field *field) {
  const struct stoa_list *list = list_of(field, frame->message);
  const uint8_t *item = stoa_list_item(list, frame->item, stoa_field_item_size(field));
  if (frame->item == 0) {
    start_line(printer, frame);
    put(printer, field->name);
    put(printer, ":");
    end_line(printer, list);
  }
  if (++frame->item == list->count) {
    frame->item = 0;
    frame->field++;
  }
  if (field->label == STOA_LABEL_MAP) {
    put_entry(printer, frame, field, item);
  } else {
    put_item(printer, frame, field, item);
  }
}

/* A list or map of nothing. */
static void put_none(struct printer *printer, struct frame *frame, const struct stoa_field *field) {
  start_line(printer, frame);
  put(printer, field->name);
  put(printer, field->label == STOA_LABEL_MAP ? ": {}" : ": []");
  end_line(printer, list_of(field, frame->message));
  frame->field++;
}

/* The dash of a list's item has to stand before a key, so no comment comes first there. */
static void put_unset(struct printer *printer, struct frame *frame, const struct stoa_field *field) {
  if (printer->origins != NULL && !frame->is_item) {
    put_indent(printer, frame->indent);
    put(printer, "# ");
    put(printer, field->name);
    put(printer, ": not set\n");
  }
  frame->field++;
}

static void put_next(struct printer *printer) {
  struct frame *frame = &printer->frames[printer->frame_count - 1];
  if (frame->field == frame->type->field_count) {
    printer->frame_count--;
    return;
  }
  const struct stoa_field *field = &frame->type->fields[frame->field];
  bool is_many = field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP;
  if (!is_shown(printer, field, frame->message)) {
    put_unset(printer, frame, field);
  } else if (is_many && !is_set(field, frame->message)) {
    put_none(printer, frame, field);
  } else if (is_many) {
    put_many(printer, frame, field);
  } else {
    put_single(printer, frame, field);
  }
}

static int print(const struct stoa_message_type *type, const void *message, const struct stoa_config_origins *origins,
                 struct stoa_buffer *out) {
  struct printer printer = {.out = out, .origins = origins};
  size_t len = out->len;
  if (is_blank(&printer, type, message)) {
    put(&printer, "{}\n");
  } else {
    push(&printer, (struct frame){.type = type, .message = message, .depth = 1});
  }
  while (printer.frame_count > 0 && printer.status == STOA_OK) {
    put_next(&printer);
  }
  if (printer.status != STOA_OK) {
    out->len = len;
  }
  return printer.status;
}

int stoa_config_print(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  return print(type, message, NULL, out);
}

int stoa_config_print_all(const struct stoa_message_type *type, const void *message,
                          const struct stoa_config_origins *origins, struct stoa_buffer *out) {
  return print(type, message, origins, out);
}
