#include "collide.h"

#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "names.h"
#include "pool.h"

/* C keeps tags of structs and enums apart from all other names. */
enum space { SPACE_TAG, SPACE_ORDINARY };

struct symbol {
  enum space space;
  bool is_table; /* tables collide exactly when their tags do, which is told of these */
  const char *name;
  const char *what; /* message "chat.v1.Line" */
  const struct place *place;
  size_t order;
};

struct symbols {
  struct symbol *items;
  size_t count;
  size_t capacity;
};

static void add(struct symbols *symbols, enum space space, const char *name, const char *what,
                const struct place *place) {
  if (symbols->count == symbols->capacity) {
    size_t capacity = symbols->capacity == 0 ? 64 : symbols->capacity * 2;
    struct symbol *grown = pool_array(capacity, sizeof *grown);
    if (symbols->count > 0) {
      memcpy(grown, symbols->items, symbols->count * sizeof *grown);
    }
    symbols->items = grown;
    symbols->capacity = capacity;
  }
  symbols->items[symbols->count] = (struct symbol){space, false, name, what, place, symbols->count};
  symbols->count++;
}

static void add_table(struct symbols *symbols, const char *of, const char *suffix, const char *what,
                      const struct place *place) {
  add(symbols, SPACE_ORDINARY, text_format("%s_%s", of, suffix), what, place);
  symbols->items[symbols->count - 1].is_table = true;
}

/* By name, and the first one of the file first. */
static int compare(const void *left, const void *right) {
  const struct symbol *a = left;
  const struct symbol *b = right;
  if (a->space != b->space) {
    return a->space < b->space ? -1 : 1;
  }
  int by_name = strcmp(a->name, b->name);
  if (by_name != 0) {
    return by_name;
  }
  return a->order < b->order ? -1 : 1;
}

static void report(struct symbols *symbols, struct problems *problems) {
  if (symbols->count > 0) {
    qsort(symbols->items, symbols->count, sizeof *symbols->items, compare);
  }
  for (size_t i = 1; i < symbols->count; i++) {
    const struct symbol *first = &symbols->items[i - 1];
    const struct symbol *second = &symbols->items[i];
    bool are_tables = first->is_table && second->is_table;
    if (!are_tables && first->space == second->space && strcmp(first->name, second->name) == 0) {
      problem_add(problems, second->place, "the C name %s of %s is taken by %s (%s)", second->name, second->what,
                  first->what, problem_place(first->place));
    }
  }
}

static void add_push(struct symbols *symbols, const struct model_message *message, const char *what) {
  static const char *const verbs[] = {"send", "push", "broadcast", "publish"};
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
    const char *name = names_join(message->file->prefix, text_format("%s_%s", message->push_c_name, verbs[i]));
    add(symbols, SPACE_ORDINARY, name, what, &message->place);
  }
}

static void add_helpers(struct symbols *symbols, const struct model_message *message) {
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    if (model_has_presence(field) && !message->is_map_entry) {
      add(symbols, SPACE_ORDINARY, text_format("%s_has_%s", message->c_name, field->name),
          text_format("field \"%s\"", field->name), &field->place);
    }
  }
}

static void add_messages(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    const char *what = text_format("message \"%s\"", message->full_name);
    add(symbols, SPACE_TAG, message->c_name, what, &message->place);
    add_table(symbols, message->c_name, "type", what, &message->place);
    add_table(symbols, message->c_name, "fields", what, &message->place);
    add_table(symbols, message->c_name, "rules", what, &message->place);
    add_helpers(symbols, message);
    if (message->is_numbered) {
      add_push(symbols, message, what);
    }
  }
}

static void add_error(struct symbols *symbols, const struct model_enum *enumeration,
                      const struct model_enum_value *value, const char *what) {
  add(symbols, SPACE_ORDINARY, errors_constructor(enumeration, value), what, &value->place);
  add(symbols, SPACE_ORDINARY, errors_test(enumeration, value), what, &value->place);
}

static void add_enums(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->enum_count; i++) {
    const struct model_enum *enumeration = &file->enums[i];
    const char *what = text_format("enum \"%s\"", enumeration->full_name);
    add(symbols, SPACE_TAG, enumeration->c_name, what, &enumeration->place);
    add_table(symbols, enumeration->c_name, "enum", what, &enumeration->place);
    add_table(symbols, enumeration->c_name, "values", what, &enumeration->place);
    for (size_t v = 0; v < enumeration->value_count; v++) {
      const struct model_enum_value *value = &enumeration->values[v];
      const char *value_what = text_format("value \"%s\"", value->name);
      if (model_enum_value_is_again(enumeration, v)) {
        continue;
      }
      add(symbols, SPACE_ORDINARY, value->c_name, value_what, &value->place);
      if (value->error_code != 0) {
        add_error(symbols, enumeration, value, value_what);
      }
    }
  }
}

static void add_services(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    const struct model_service *service = &file->services[i];
    const char *what = text_format("service \"%s\"", service->name);
    add(symbols, SPACE_TAG, text_format("%s_handlers", service->c_name), what, &service->place);
    add(symbols, SPACE_ORDINARY, text_format("%s_register", service->c_name), what, &service->place);
  }
}

/* The members of a oneof's union are left out: two fields of one message that differ in an underscore only have one
 * JSON name, which protoc refuses. */
static void add_members(struct symbols *symbols, const struct model_message *message) {
  for (size_t i = 0; i < message->oneof_count; i++) {
    const struct model_oneof *oneof = &message->oneofs[i];
    const char *what = text_format("oneof \"%s\"", oneof->name);
    add(symbols, SPACE_ORDINARY, oneof->c_name, what, &oneof->place);
    add(symbols, SPACE_ORDINARY, oneof->c_case, what, &oneof->place);
  }
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    const char *what = text_format("field \"%s\"", field->name);
    if (field->label == MODEL_OPTIONAL) {
      add(symbols, SPACE_ORDINARY, text_format("has_%s", field->name), what, &field->place);
    }
    if (field->label != MODEL_ONEOF) {
      add(symbols, SPACE_ORDINARY, field->c_name, what, &field->place);
    }
  }
  if (message->keeps_unknown) {
    add(symbols, SPACE_ORDINARY, "unknown_fields", "option (stoa.keep_unknown)", &message->place);
  }
}

static void check_message(const struct model_message *message, struct problems *problems) {
  struct symbols members = {0};
  add_members(&members, message);
  report(&members, problems);
}

static void check_handlers(const struct model_service *service, struct problems *problems) {
  struct symbols members = {0};
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    add(&members, SPACE_ORDINARY, method->c_name, text_format("rpc \"%s\"", method->name), &method->place);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    const char *what = text_format("message \"%s\"", message->full_name);
    add(&members, SPACE_ORDINARY, names_safe(message->push_c_name), what, &message->place);
  }
  report(&members, problems);
}

void collide_check(const struct model *model, struct problems *problems) {
  struct symbols all = {0};
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    if (!file->is_wanted && file->is_foreign) {
      continue;
    }
    add_messages(&all, file);
    add_enums(&all, file);
    add_services(&all, file);
    for (size_t i = 0; i < file->message_count; i++) {
      check_message(&file->messages[i], problems);
    }
    for (size_t i = 0; i < file->service_count; i++) {
      check_handlers(&file->services[i], problems);
    }
  }
  report(&all, problems);
}
