#include "separate.h"

#include <string.h>

#include "c_symbols.h"
#include "pool.h"

/* Each round changes at least one name, which can then be equal to another one. Files need one round or two. */
#define ROUNDS_MAX 16

static void separate_members(const struct model_message *message) {
  for (unsigned round = 0; round < ROUNDS_MAX; round++) {
    struct symbols members = {0};
    c_symbols_members(&members, message);
    if (!symbols_separate(&members)) {
      return;
    }
  }
}

static void separate_handlers(const struct model_service *service) {
  for (unsigned round = 0; round < ROUNDS_MAX; round++) {
    struct symbols handlers = {0};
    c_symbols_handlers(&handlers, service);
    if (!symbols_separate(&handlers)) {
      return;
    }
  }
}

/* For each file, which others it imports, directly or not. */
struct imports {
  bool **has;
};

/* Imported files come before those that import them. */
static void add_import(const struct model *model, struct imports *imports, size_t file, const char *name) {
  for (size_t f = 0; f < file; f++) {
    if (strcmp(model->files[f].name, name) == 0) {
      imports->has[file][f] = true;
      for (size_t i = 0; i < f; i++) {
        imports->has[file][i] = imports->has[file][i] || imports->has[f][i];
      }
      return;
    }
  }
}

static struct imports find_imports(const struct model *model) {
  struct imports imports = {.has = pool_array(model->file_count, sizeof(bool *))};
  for (size_t f = 0; f < model->file_count; f++) {
    const Google__Protobuf__FileDescriptorProto *proto = model->files[f].proto;
    imports.has[f] = pool_array(model->file_count, sizeof(bool));
    for (size_t i = 0; i < proto->n_dependency; i++) {
      add_import(model, &imports, f, proto->dependency[i]);
    }
  }
  return imports;
}

static struct symbols imported_types(const struct model *model, const bool *is_imported) {
  struct symbols types = {0};
  for (size_t f = 0; f < model->file_count; f++) {
    if (is_imported[f] && !model->files[f].is_foreign) {
      c_symbols_types(&types, &model->files[f], false);
    }
  }
  return types;
}

static void separate_types(const struct model_file *file, const struct symbols *imported) {
  for (unsigned round = 0; round < ROUNDS_MAX; round++) {
    struct symbols types = {0};
    symbols_append(&types, imported);
    c_symbols_types(&types, file, true);
    if (!symbols_separate(&types)) {
      return;
    }
    for (size_t i = 0; i < file->enum_count; i++) {
      model_name_values(&file->enums[i]);
    }
  }
}

/* Types keep their names: other files, which do not see the services, use them. */
static void separate_services(const struct model_file *file, const struct symbols *imported) {
  for (unsigned round = 0; round < ROUNDS_MAX; round++) {
    struct symbols all = {0};
    symbols_append(&all, imported);
    c_symbols_types(&all, file, false);
    c_symbols_services(&all, file, true);
    if (!symbols_separate(&all)) {
      return;
    }
  }
}

static void separate_file(const struct model *model, const struct model_file *file, const bool *is_imported) {
  for (size_t i = 0; i < file->message_count; i++) {
    separate_members(&file->messages[i]);
  }
  const struct symbols imported = imported_types(model, is_imported);
  separate_types(file, &imported);
  if (!file->is_wanted) {
    return;
  }
  for (size_t i = 0; i < file->service_count; i++) {
    separate_handlers(&file->services[i]);
  }
  separate_services(file, &imported);
}

void separate_names(struct model *model) {
  const struct imports imports = find_imports(model);
  for (size_t f = 0; f < model->file_count; f++) {
    if (!model->files[f].is_foreign) {
      separate_file(model, &model->files[f], imports.has[f]);
    }
  }
}
