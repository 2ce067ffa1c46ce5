#include "server/app/load.h"

#include "base/clock.h"
#include "codec/table.h"

#include <assert.h>
#include <unistd.h>

#define CONFIG_BYTES_MAX (64u * 1024 * 1024)
/* A server that a program makes itself has no admin listener unless it asks for one. */
#define ADMIN_ADDRESS "127.0.0.1:8800"

/* Sections. */

/* The field of that name and type, or NULL. */
static const struct stoa_field *find_section(const struct stoa_message_type *type, const char *name,
                                             const struct stoa_message_type *wanted) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (strcmp(field->name, name) == 0 && field->kind == STOA_KIND_MESSAGE && field->label == STOA_LABEL_SINGULAR &&
        strcmp(field->message->full_name, wanted->full_name) == 0) {
      return field;
    }
  }
  return NULL;
}

void *stoa_app_make_section(struct stoa_arena *arena, const struct stoa_message_type *type, void *message,
                            const char *name, const struct stoa_message_type *wanted) {
  const struct stoa_field *field = find_section(type, name, wanted);
  assert(field != NULL);
  return stoa_message_of_slot(field, stoa_slot_mut(message, field), arena);
}

bool stoa_app_sections(const struct stoa_app_loader *loader, const struct stoa_app_loaded *loaded,
                       const struct stoa_server_config **out_server, const struct stoa_log_config **out_log) {
  const struct stoa_field *server = find_section(loader->type, "server", &stoa_server_config_type);
  const struct stoa_field *log = find_section(loader->type, "log", &stoa_log_config_type);
  if (server == NULL || log == NULL) {
    return false;
  }
  *out_server = *(const struct stoa_server_config *const *)stoa_slot(loaded->config, server);
  *out_log = *(const struct stoa_log_config *const *)stoa_slot(loaded->config, log);
  return true;
}

void stoa_app_fill_admin(struct stoa_admin_config *admin) {
  if (admin->address.len == 0) {
    admin->address = stoa_string_of(ADMIN_ADDRESS);
  }
}

struct stoa_admin_config *stoa_app_make_admin(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded) {
  void *config = stoa_app_make_section(loaded->arena, loader->type, loaded->config, "server", &stoa_server_config_type);
  struct stoa_admin_config *admin = config == NULL ? NULL
                                                   : stoa_app_make_section(loaded->arena, &stoa_server_config_type,
                                                                           config, "admin", &stoa_admin_config_type);
  if (admin != NULL) {
    stoa_app_fill_admin(admin);
  }
  return admin;
}

enum stoa_log_severity stoa_app_log_level(const struct stoa_log_config *config) {
  static const enum stoa_log_severity levels[] = {
      [STOA_LOG_CONFIG_LEVEL_INFO] = STOA_LOG_INFO, [STOA_LOG_CONFIG_LEVEL_DEBUG] = STOA_LOG_DEBUG,
      [STOA_LOG_CONFIG_LEVEL_WARN] = STOA_LOG_WARN, [STOA_LOG_CONFIG_LEVEL_ERROR] = STOA_LOG_ERROR,
      [STOA_LOG_CONFIG_LEVEL_OFF] = STOA_LOG_OFF,
  };
  return levels[config == NULL ? STOA_LOG_CONFIG_LEVEL_INFO : config->level];
}

/* Loading. */

/* Files, then the environment, then settings. */
static size_t order_sources(const struct stoa_app_loader *loader, struct stoa_config_source *out_sources) {
  const struct stoa_arguments *arguments = &loader->arguments;
  size_t files = arguments->file_count;
  size_t settings = arguments->source_count - files;
  memcpy(out_sources, arguments->sources, files * sizeof out_sources[0]);
  out_sources[files] =
      (struct stoa_config_source){.kind = STOA_CONFIG_ENVIRONMENT, .text = stoa_string_of(loader->name)};
  memcpy(&out_sources[files + 1], &arguments->sources[files], settings * sizeof out_sources[0]);
  return files + 1 + settings;
}

int stoa_app_load(const struct stoa_app_loader *loader, struct stoa_app_loaded *out_loaded,
                  struct stoa_buffer *out_errors) {
  struct stoa_config_source sources[STOA_ARGUMENTS_SOURCES_MAX + 1];
  *out_loaded = (struct stoa_app_loaded){.began_us = stoa_clock_wall_us(&stoa_clock_system),
                                         .arena = stoa_arena_create(CONFIG_BYTES_MAX)};
  if (out_loaded->arena != NULL) {
    out_loaded->config = stoa_arena_calloc(out_loaded->arena, loader->type->size);
  }
  if (out_loaded->config == NULL) {
    return STOA_E_MEMORY;
  }
  const struct stoa_config_input input = {.type = loader->type,
                                          .sources = sources,
                                          .source_count = order_sources(loader, sources),
                                          .environment = (const char *const *)environ,
                                          .origins = &out_loaded->origins};
  return stoa_config_load(&input, out_loaded->arena, out_loaded->config, out_errors);
}

void stoa_app_loaded_fini(struct stoa_app_loaded *loaded) {
  stoa_arena_destroy(loaded->arena);
  *loaded = (struct stoa_app_loaded){.arena = NULL};
}
