/* server/config/print.c: a message as YAML, with a stack of fixed depth for the sections inside each other. */
#include "codec/table.h"
#include "server/config/config.h"
#include "server/config/scalar.h"

#define INDENT 2u

/* A section that is being written. */
struct frame {
  const struct stoa_message_type *type;
  const uint8_t *message;
  uint32_t field;  /* the next one to look at */
  size_t item;     /* of that field, when it is a list or map */
  uint32_t depth;  /* sections and lists around the keys in here, itself included */
  uint32_t indent; /* of the keys */
  bool is_item;    /* its first line starts with the dash of a list's item */
};

struct printer {
  struct stoa_buffer *out;
  struct frame frames[STOA_CONFIG_DEPTH_MAX];
  size_t frame_count;
  int status; /* the first error; nothing is written behind it */
};

static void put(struct printer *printer, const char *text) {
  if (printer->status == STOA_OK) {
    printer->status = stoa_buffer_append(printer->out, text, strlen(text));
  }
}

static void put_scalar(struct printer *printer, const struct stoa_field *field, const void *value) {
  if (printer->status == STOA_OK) {
    printer->status = stoa_config_scalar_write(field, value, printer->out);
  }
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

static bool is_empty(const struct stoa_message_type *type, const uint8_t *message) {
  for (uint32_t i = 0; message != NULL && i < type->field_count; i++) {
    if (is_set(&type->fields[i], message)) {
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

/* What stands behind "key:" for a message; its keys follow in a frame of their own. */
static void put_message(struct printer *printer, const struct stoa_message_type *type, const uint8_t *message,
                        uint32_t depth, uint32_t indent) {
  if (is_empty(type, message)) {
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
  put_scalar(printer, field, place);
  put(printer, "\n");
}

static void put_item(struct printer *printer, const struct frame *frame, const struct stoa_field *field,
                     const uint8_t *item) {
  uint32_t indent = frame->indent + INDENT;
  if (field->kind == STOA_KIND_MESSAGE && !is_empty(field->message, item)) {
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
    put_scalar(printer, field, item);
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
  put_scalar(printer, value, entry + value->offset);
  put(printer, "\n");
}

/* One item at a time, since an item may open a frame that has to be written before the next one. */
static void put_many(struct printer *printer, struct frame *frame, const struct stoa_field *field) {
  const struct stoa_list *list = list_of(field, frame->message);
  const uint8_t *item = stoa_list_item(list, frame->item, stoa_field_item_size(field));
  if (frame->item == 0) {
    start_line(printer, frame);
    put(printer, field->name);
    put(printer, ":\n");
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

static void put_next(struct printer *printer) {
  struct frame *frame = &printer->frames[printer->frame_count - 1];
  if (frame->field == frame->type->field_count) {
    printer->frame_count--;
    return;
  }
  const struct stoa_field *field = &frame->type->fields[frame->field];
  if (!is_set(field, frame->message)) {
    frame->field++;
  } else if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    put_many(printer, frame, field);
  } else {
    put_single(printer, frame, field);
  }
}

int stoa_config_print(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  struct printer printer = {.out = out};
  size_t len = out->len;
  if (is_empty(type, message)) {
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
