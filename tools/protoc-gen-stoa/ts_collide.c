#include "ts_collide.h"

#include "names.h"
#include "pool.h"
#include "symbols.h"
#include "ts_names.h"

/* Types and values are not distinguished: nearly every name is both. */
static void add(struct symbols *symbols, const char *name, const char *what, const struct place *place) {
  symbols_add(symbols, SYMBOL_SPACE_ORDINARY, name, what, place);
}

static void add_errors(struct symbols *symbols, const struct model_enum *enumeration) {
  for (size_t i = 0; i < enumeration->value_count; i++) {
    const struct model_enum_value *value = &enumeration->values[i];
    const char *what = text_format("value \"%s\"", value->name);
    if (value->error_code != 0) {
      add(symbols, ts_names_error("error", enumeration, value), what, &value->place);
      add(symbols, ts_names_error("is", enumeration, value), what, &value->place);
    }
  }
}

/* Names of messages and enums; the other names of a module are built from them. */
static void add_types(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->enum_count; i++) {
    const struct model_enum *enumeration = &file->enums[i];
    add(symbols, ts_names_type(enumeration->full_name, file), text_format("enum \"%s\"", enumeration->full_name),
        &enumeration->place);
  }
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    if (!message->is_map_entry) {
      add(symbols, ts_names_type(message->full_name, file), text_format("message \"%s\"", message->full_name),
          &message->place);
    }
  }
}

static void add_services(struct symbols *symbols, const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    const struct model_service *service = &file->services[i];
    const char *what = text_format("service \"%s\"", service->name);
    if (service->method_count + service->push_count > 0) {
      add(symbols, text_format("%sApi", ts_names_stem(service, file)), what, &service->place);
      add(symbols, text_format("%sClient", ts_names_stem(service, file)), what, &service->place);
    }
  }
}

/* All names that the file's module exports itself. */
static void add_exports(struct symbols *symbols, const struct model_file *file) {
  add_types(symbols, file);
  for (size_t i = 0; i < file->enum_count; i++) {
    add_errors(symbols, &file->enums[i]);
  }
  add_services(symbols, file);
}

/* Properties of messages need no check: they are the default JSON names, which protoc has compared. */
static void check_service(const struct model_service *service, struct problems *problems) {
  struct symbols messages = {0};
  struct symbols calls = {0};
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    add(&messages, ts_names_push(message), text_format("message \"%s\"", message->full_name), &message->place);
  }
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    add(&calls, ts_names_call(method), text_format("rpc \"%s\"", method->name), &method->place);
  }
  symbols_report(&messages, "TypeScript", problems);
  symbols_report(&calls, "TypeScript", problems);
}

/* Names that the modules of earlier files export and this module re-exports. */
static void add_passed_on(struct symbols *exports, const struct model *model, size_t file, const struct symbols *all,
                          struct problems *problems) {
  struct symbols others = {0};
  for (size_t f = 0; f < file; f++) {
    if (model_passes_on(&model->files[file], &model->files[f])) {
      symbols_append(&others, &all[f]);
    }
  }
  symbols_pass_on(exports, &others, &model->files[file].place, problems);
}

/* Imported files come before those that import them, so all names that a file re-exports are known when it is checked.
 */
void ts_collide_check(const struct model *model, struct problems *problems) {
  struct symbols *exports = pool_array(model->file_count, sizeof *exports);
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    struct problems unreported = {0};
    struct problems *reported = file->is_wanted ? problems : &unreported;
    exports[f].file = file;
    add_exports(&exports[f], file);
    symbols_report(&exports[f], "TypeScript", reported);
    for (size_t i = 0; i < file->service_count; i++) {
      check_service(&file->services[i], reported);
    }
    add_passed_on(&exports[f], model, f, exports, reported);
  }
}
