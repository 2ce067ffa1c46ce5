#include "c_symbols.h"

#include "emit.h"
#include "errors.h"
#include "names.h"

/* What yields to what has the lower rank: a name that a file gives to what the generator adds, a nested type to the one
 * around it, and the deeper one to the other. */
#define RANK_FIXED 0
#define RANK_GIVEN 1

static void add_table(struct symbols *symbols, const char *of, const char *suffix, const char *what,
                      const struct place *place) {
  static const char tables = 't';
  symbols->kin = &tables;
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_%s", of, suffix), what, place);
  symbols->kin = NULL;
}

static const char *what_message(const struct model_message *message) {
  return text_format("message \"%s\"", message->full_name);
}

static const char *what_method(const struct model_method *method) {
  return text_format("rpc \"%s\"", method->name);
}

/* For each handler a source has a type and a function, which connect it to the struct of handlers. */
static void add_pair(struct symbols *symbols, const struct model_service *service, const char *of, const char *what,
                     const struct place *place) {
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_%s_function", service->c_name, of), what, place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_%s_invoke", service->c_name, of), what, place);
}

static void add_http(struct symbols *symbols, const struct model_service *service, const struct model_method *method) {
  if (method->http_count > 0) {
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_%s_http", service->c_name, method->c_name),
                what_method(method), &method->place);
  }
}

static void add_push(struct symbols *symbols, const struct model_message *message, const char *what) {
  const char *name;
  for (size_t i = 0; (name = emit_sender_name(message, i)) != NULL; i++) {
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, name, what, &message->place);
  }
}

static void add_helpers(struct symbols *symbols, const struct model_message *message) {
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    if (model_has_presence(field) && !message->is_map_entry) {
      symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_has_%s", message->c_name, field->name),
                  text_format("field \"%s\"", field->name), &field->place);
    }
  }
}

static unsigned depth(const char *full_name) {
  unsigned dots = 0;
  for (const char *at = full_name; *at != '\0'; at++) {
    dots += *at == '.';
  }
  return dots;
}

static void add_messages(struct symbols *symbols, const struct model_file *file, bool may_yield) {
  for (size_t i = 0; i < file->message_count; i++) {
    struct model_message *message = &file->messages[i];
    const char *what = what_message(message);
    symbols->yielding = may_yield ? &message->c_name : NULL;
    symbols->rank = RANK_GIVEN + depth(message->full_name);
    symbols_add(symbols, SYMBOL_SPACE_TAG, message->c_name, what, &message->place);
    add_table(symbols, message->c_name, "type", what, &message->place);
    add_table(symbols, message->c_name, "fields", what, &message->place);
    add_table(symbols, message->c_name, "rules", what, &message->place);
    add_helpers(symbols, message);
  }
}

static void add_error(struct symbols *symbols, const struct model_enum *enumeration,
                      const struct model_enum_value *value, const char *what) {
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, errors_constructor(enumeration, value), what, &value->place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, errors_formatter(enumeration, value), what, &value->place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, errors_test(enumeration, value), what, &value->place);
}

static void add_errors(struct symbols *symbols, const struct model_enum *enumeration) {
  for (size_t v = 0; v < enumeration->value_count; v++) {
    struct model_enum_value *value = &enumeration->values[v];
    symbols->yielding = &value->error_part;
    if (value->error_code != 0) {
      add_error(symbols, enumeration, value, text_format("value \"%s\"", value->name));
    }
  }
}

static void add_enums(struct symbols *symbols, const struct model_file *file, bool may_yield) {
  for (size_t i = 0; i < file->enum_count; i++) {
    struct model_enum *enumeration = &file->enums[i];
    const char *what = text_format("enum \"%s\"", enumeration->full_name);
    symbols->yielding = may_yield ? &enumeration->c_name : NULL;
    symbols->rank = RANK_GIVEN + depth(enumeration->full_name);
    symbols_add(symbols, SYMBOL_SPACE_TAG, enumeration->c_name, what, &enumeration->place);
    add_table(symbols, enumeration->c_name, "enum", what, &enumeration->place);
    add_table(symbols, enumeration->c_name, "values", what, &enumeration->place);
    for (size_t v = 0; v < enumeration->value_count; v++) {
      struct model_enum_value *value = &enumeration->values[v];
      symbols->yielding = may_yield ? &value->c_part : NULL;
      if (!model_enum_value_is_again(enumeration, v)) {
        symbols_add(symbols, SYMBOL_SPACE_ORDINARY, value->c_name, text_format("value \"%s\"", value->name),
                    &value->place);
      }
    }
  }
}

void c_symbols_types(struct symbols *symbols, const struct model_file *file, bool may_yield) {
  symbols->file = file;
  add_messages(symbols, file, may_yield);
  add_enums(symbols, file, may_yield);
  symbols->yielding = NULL;
  symbols->rank = RANK_FIXED;
}

static void add_answers(struct symbols *symbols, const struct model_service *service,
                        const struct model_method *method) {
  static const char *const verbs[2][4] = {{"reply", "fail", NULL}, {"send", "end", "fail", NULL}};
  for (const char *const *verb = verbs[method->is_stream]; *verb != NULL; verb++) {
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_answer_name(service, method, *verb), what_method(method),
                &method->place);
  }
}

/* The names that emit_service.c generates. */
static void add_service(struct symbols *symbols, struct model_service *service, const char *what) {
  symbols->part = SYMBOL_PART_HEADER;
  symbols->yielding = &service->c_name;
  symbols_add(symbols, SYMBOL_SPACE_TAG, text_format("%s_handlers", service->c_name), what, &service->place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_register", service->c_name), what, &service->place);
  symbols->kin = service;
  for (size_t i = 0; i < service->method_count; i++) {
    struct model_method *method = &service->methods[i];
    symbols->yielding = &method->c_name;
    add_answers(symbols, service, method);
  }
  symbols->part = SYMBOL_PART_SOURCE;
  for (size_t i = 0; i < service->method_count; i++) {
    struct model_method *method = &service->methods[i];
    symbols->yielding = &method->c_name;
    add_pair(symbols, service, method->c_name, what_method(method), &method->place);
    add_http(symbols, service, method);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    struct model_message *message = service->pushes[i];
    symbols->yielding = &message->push_c_name;
    if (message->call == NULL) {
      add_pair(symbols, service, message->push_c_name, what_message(message), &message->place);
    }
  }
  symbols->part = SYMBOL_PART_HEADER;
  symbols->kin = NULL;
  for (size_t i = 0; i < service->push_count; i++) {
    struct model_message *message = service->pushes[i];
    symbols->yielding = &message->push_c_name;
    add_push(symbols, message, what_message(message));
  }
}

static void add_client_pushes(struct symbols *symbols, const struct model_service *service) {
  for (size_t i = 0; i < service->push_count; i++) {
    struct model_message *message = service->pushes[i];
    symbols->yielding = &message->push_c_name;
    const char *what = what_message(message);
    symbols->part = SYMBOL_PART_CLIENT_HEADER;
    symbols->kin = message->file;
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_sender_name(message), what, &message->place);
    symbols->part = SYMBOL_PART_CLIENT_SOURCE;
    symbols->kin = service;
    add_pair(symbols, service, message->push_c_name, what, &message->place);
  }
}

static void add_client_calls(struct symbols *symbols, const struct model_service *service) {
  symbols->kin = service;
  for (size_t i = 0; i < service->method_count; i++) {
    struct model_method *method = &service->methods[i];
    symbols->yielding = &method->c_name;
    const char *what = what_method(method);
    symbols->part = SYMBOL_PART_CLIENT_HEADER;
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_reply_type(service, method), what, &method->place);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_caller_name(service, method), what, &method->place);
    symbols->part = SYMBOL_PART_CLIENT_SOURCE;
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_end_name(service, method), what, &method->place);
  }
}

/* The names that emit_client.c generates. */
static void add_client(struct symbols *symbols, struct model_service *service, const char *what) {
  symbols->part = SYMBOL_PART_CLIENT_HEADER;
  symbols->yielding = &service->c_name;
  if (service->push_count > 0) {
    symbols_add(symbols, SYMBOL_SPACE_TAG, text_format("%s_client_handlers", service->c_name), what, &service->place);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_client_register", service->c_name), what,
                &service->place);
  }
  add_client_pushes(symbols, service);
  add_client_calls(symbols, service);
  symbols->part = SYMBOL_PART_HEADER;
  symbols->kin = NULL;
}

void c_symbols_services(struct symbols *symbols, const struct model_file *file, bool has_client) {
  symbols->file = file;
  symbols->rank = RANK_GIVEN;
  for (size_t i = 0; i < file->enum_count; i++) {
    add_errors(symbols, &file->enums[i]);
  }
  for (size_t i = 0; i < file->service_count; i++) {
    struct model_service *service = &file->services[i];
    const char *what = text_format("service \"%s\"", service->name);
    add_service(symbols, service, what);
    if (has_client) {
      add_client(symbols, service, what);
    }
  }
  symbols->yielding = NULL;
  symbols->rank = RANK_FIXED;
}

/* A member with the name that the file gives. */
static void add_given(struct symbols *symbols, const char **name, const char *what, const struct place *place) {
  symbols->yielding = name;
  symbols->rank = RANK_GIVEN;
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, *name, what, place);
  symbols->yielding = NULL;
  symbols->rank = RANK_FIXED;
}

/* The members of a oneof's union are not checked: protoc refuses two fields of a message that differ only in an
 * underscore, because they have the same JSON name. */
void c_symbols_members(struct symbols *symbols, const struct model_message *message) {
  for (size_t i = 0; i < message->oneof_count; i++) {
    struct model_oneof *oneof = &message->oneofs[i];
    const char *what = text_format("oneof \"%s\"", oneof->name);
    add_given(symbols, &oneof->c_name, what, &oneof->place);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, oneof->c_case, what, &oneof->place);
  }
  for (size_t i = 0; i < message->field_count; i++) {
    struct model_field *field = &message->fields[i];
    const char *what = text_format("field \"%s\"", field->name);
    if (field->label == STOA_LABEL_OPTIONAL) {
      symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("has_%s", field->name), what, &field->place);
    }
    if (field->label != STOA_LABEL_ONEOF) {
      add_given(symbols, &field->c_name, what, &field->place);
    }
  }
  if (message->keeps_unknown) {
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, "unknown_fields", "option (stoa.keep_unknown)", &message->place);
  }
}

void c_symbols_handlers(struct symbols *symbols, const struct model_service *service) {
  for (size_t i = 0; i < service->method_count; i++) {
    struct model_method *method = &service->methods[i];
    symbols->yielding = &method->c_name;
    symbols->rank = RANK_GIVEN;
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, names_safe(method->c_name), what_method(method), &method->place);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    struct model_message *message = service->pushes[i];
    symbols->yielding = &message->push_c_name;
    symbols->rank = RANK_GIVEN + 1;
    if (message->call == NULL) {
      symbols_add(symbols, SYMBOL_SPACE_ORDINARY, names_safe(message->push_c_name), what_message(message),
                  &message->place);
    }
  }
}
