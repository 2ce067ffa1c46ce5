#include "collide.h"

#include "count.h"
#include "emit.h"
#include "errors.h"
#include "names.h"
#include "symbols.h"

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

static void add_messages(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    const char *what = what_message(message);
    symbols_add(symbols, SYMBOL_SPACE_TAG, message->c_name, what, &message->place);
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
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, errors_constructor(enumeration, value), what, &value->place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, errors_formatter(enumeration, value), what, &value->place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, errors_test(enumeration, value), what, &value->place);
}

static void add_enums(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->enum_count; i++) {
    const struct model_enum *enumeration = &file->enums[i];
    const char *what = text_format("enum \"%s\"", enumeration->full_name);
    symbols_add(symbols, SYMBOL_SPACE_TAG, enumeration->c_name, what, &enumeration->place);
    add_table(symbols, enumeration->c_name, "enum", what, &enumeration->place);
    add_table(symbols, enumeration->c_name, "values", what, &enumeration->place);
    for (size_t v = 0; v < enumeration->value_count; v++) {
      const struct model_enum_value *value = &enumeration->values[v];
      const char *value_what = text_format("value \"%s\"", value->name);
      if (!model_enum_value_is_again(enumeration, v)) {
        symbols_add(symbols, SYMBOL_SPACE_ORDINARY, value->c_name, value_what, &value->place);
      }
      if (value->error_code != 0) {
        add_error(symbols, enumeration, value, value_what);
      }
    }
  }
}

/* The names that emit_service.c generates. */
static void add_service(struct symbols *symbols, const struct model_service *service, const char *what) {
  symbols->part = SYMBOL_PART_HEADER;
  symbols_add(symbols, SYMBOL_SPACE_TAG, text_format("%s_handlers", service->c_name), what, &service->place);
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("%s_register", service->c_name), what, &service->place);
  symbols->kin = service;
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_answer_name(service, method, "reply"), what_method(method),
                &method->place);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_answer_name(service, method, "fail"), what_method(method),
                &method->place);
  }
  symbols->part = SYMBOL_PART_SOURCE;
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    add_pair(symbols, service, method->c_name, what_method(method), &method->place);
    add_http(symbols, service, method);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    if (message->call == NULL) {
      add_pair(symbols, service, message->push_c_name, what_message(message), &message->place);
    }
  }
  symbols->part = SYMBOL_PART_HEADER;
  symbols->kin = NULL;
}

static void add_client_pushes(struct symbols *symbols, const struct model_service *service) {
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
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
    const struct model_method *method = &service->methods[i];
    const char *what = what_method(method);
    symbols->part = SYMBOL_PART_CLIENT_HEADER;
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_reply_type(service, method), what, &method->place);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_caller_name(service, method), what, &method->place);
    symbols->part = SYMBOL_PART_CLIENT_SOURCE;
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, emit_client_end_name(service, method), what, &method->place);
  }
}

/* The names that emit_client.c generates. */
static void add_client(struct symbols *symbols, const struct model_service *service, const char *what) {
  symbols->part = SYMBOL_PART_CLIENT_HEADER;
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

static void add_services(struct symbols *symbols, const struct model_file *file, bool has_client) {
  for (size_t i = 0; i < file->service_count; i++) {
    const struct model_service *service = &file->services[i];
    const char *what = text_format("service \"%s\"", service->name);
    add_service(symbols, service, what);
    if (has_client) {
      add_client(symbols, service, what);
    }
  }
}

/* The members of a oneof's union are not checked: protoc refuses two fields of a message that differ only in an
 * underscore, because they have the same JSON name. */
static void add_members(struct symbols *symbols, const struct model_message *message) {
  for (size_t i = 0; i < message->oneof_count; i++) {
    const struct model_oneof *oneof = &message->oneofs[i];
    const char *what = text_format("oneof \"%s\"", oneof->name);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, oneof->c_name, what, &oneof->place);
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, oneof->c_case, what, &oneof->place);
  }
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    const char *what = text_format("field \"%s\"", field->name);
    if (field->label == STOA_LABEL_OPTIONAL) {
      symbols_add(symbols, SYMBOL_SPACE_ORDINARY, text_format("has_%s", field->name), what, &field->place);
    }
    if (field->label != STOA_LABEL_ONEOF) {
      symbols_add(symbols, SYMBOL_SPACE_ORDINARY, field->c_name, what, &field->place);
    }
  }
  if (message->keeps_unknown) {
    symbols_add(symbols, SYMBOL_SPACE_ORDINARY, "unknown_fields", "option (stoa.keep_unknown)", &message->place);
  }
}

static void check_message(const struct model_message *message, struct problems *problems) {
  struct symbols members = {0};
  add_members(&members, message);
  symbols_report(&members, "C", problems);
}

static void check_handlers(const struct model_service *service, struct problems *problems) {
  struct symbols members = {0};
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    symbols_add(&members, SYMBOL_SPACE_ORDINARY, method->c_name, what_method(method), &method->place);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    if (message->call == NULL) {
      symbols_add(&members, SYMBOL_SPACE_ORDINARY, names_safe(message->push_c_name), what_message(message),
                  &message->place);
    }
  }
  symbols_report(&members, "C", problems);
}

void collide_check_json(const struct model *model, struct problems *problems) {
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    for (size_t i = 0; file->is_wanted && i < file->message_count; i++) {
      struct symbols names = {0};
      for (size_t n = 0; n < file->messages[i].field_count; n++) {
        const struct model_field *field = &file->messages[i].fields[n];
        const char *what = text_format("field \"%s\"", field->name);
        symbols_add(&names, SYMBOL_SPACE_ORDINARY, field->json_name, what, &field->place);
      }
      symbols_report(&names, "JSON", problems);
    }
  }
}

void collide_check(const struct model *model, bool has_client, struct problems *problems) {
  struct symbols all = {0};
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    if (!file->is_wanted && file->is_foreign) {
      continue;
    }
    all.file = file;
    add_messages(&all, file);
    add_enums(&all, file);
    add_services(&all, file, has_client);
    for (size_t i = 0; i < file->message_count; i++) {
      check_message(&file->messages[i], problems);
    }
    for (size_t i = 0; i < file->service_count; i++) {
      check_handlers(&file->services[i], problems);
    }
  }
  symbols_report(&all, "C", problems);
}
