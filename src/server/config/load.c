/* server/config/load.c: loads all sources into one struct and reports their mistakes. */
#include <assert.h>
#include <errno.h>

#include "server/config/bind.h"
#include "server/config/environment.h"
#include "server/config/expand.h"
#include "server/config/folder.h"
#include "server/config/origins.h"
#include "server/config/source.h"

/* Memory for the tree of one source; enough for 65,536 values with their texts and places. */
#define SCRATCH_BYTES_MAX (64u * 1024 * 1024)

static const struct stoa_config_mark whole = {0, 0};

struct load {
  const struct stoa_config_input *input;
  struct stoa_config_binder binder;
  struct stoa_config_report report;
  void *message;
};

/* A source that is one tree. */
static int load_tree(struct load *load, const struct stoa_config_source *source) {
  struct stoa_config_node *root = NULL;
  struct stoa_arena *scratch = load->binder.scratch;
  stoa_arena_reset(scratch);
  stoa_config_report_begin(&load->report, source);
  int status = stoa_config_source_read(source, scratch, &load->report, &root);
  if (status == STOA_OK) {
    status = stoa_config_expand(root, load->input->environment, scratch, &load->report);
  }
  return status == STOA_OK ? stoa_config_bind(&load->binder, load->input->type, root, load->message) : status;
}

static int load_folder(struct load *load, const struct stoa_config_source *source) {
  struct stoa_config_folder folder;
  stoa_config_report_begin(&load->report, source);
  int status = stoa_config_folder_list(source->text.data, load->binder.arena, &folder);
  if (status == STOA_E_SYSTEM) {
    return stoa_config_report_add(&load->report, whole, "cannot be read: %s", strerror(errno));
  }
  if (status == STOA_E_LIMIT) {
    return stoa_config_report_add(&load->report, whole, "more than %u files", STOA_CONFIG_FOLDER_FILES_MAX);
  }
  for (size_t i = 0; status == STOA_OK && i < folder.count; i++) {
    status = load_tree(load, &(struct stoa_config_source){.kind = STOA_CONFIG_FILE, .text = folder.paths[i]});
  }
  return status;
}

static int load_variable(struct load *load, const struct stoa_config_variable *variable) {
  const char *value = stoa_config_variable(load->input->environment, variable->name);
  if (value == NULL) {
    return STOA_OK;
  }
  const struct stoa_config_source source = {
      .kind = STOA_CONFIG_VARIABLE, .text = stoa_string_of(value), .name = variable->name.data, .path = variable->path};
  return load_tree(load, &source);
}

static int check_variable(struct load *load, const struct stoa_config_variable *first, struct stoa_string program,
                          const char *item) {
  const char *sign = strchr(item, '=');
  const struct stoa_config_variable *nearest = NULL;
  struct stoa_string name = stoa_string_make(item, sign == NULL ? strlen(item) : (size_t)(sign - item));
  if (!stoa_config_variable_is_unknown(first, program, name, &nearest)) {
    return STOA_OK;
  }
  struct stoa_string copy = stoa_arena_copy(load->binder.arena, name);
  if (copy.data == NULL) {
    return STOA_E_MEMORY;
  }
  const struct stoa_config_source source = {.kind = STOA_CONFIG_VARIABLE, .name = copy.data};
  stoa_config_report_begin(&load->report, &source);
  return stoa_config_report_add(&load->report, whole, "unknown environment variable%s%s%s",
                                nearest == NULL ? "" : "; did you mean \"", nearest == NULL ? "" : nearest->name.data,
                                nearest == NULL ? "" : "\"?");
}

static int load_environment(struct load *load, const struct stoa_config_source *source) {
  struct stoa_config_variable *first = NULL;
  const char *const *item = load->input->environment;
  int status = stoa_config_variables_of(load->input->type, source->text, load->binder.arena, &first);
  for (struct stoa_config_variable *next = first; next != NULL && status == STOA_OK; next = next->next) {
    status = load_variable(load, next);
  }
  for (; item != NULL && *item != NULL && status == STOA_OK; item++) {
    status = check_variable(load, first, source->text, *item);
  }
  return status;
}

static int load_source(struct load *load, const struct stoa_config_source *source) {
  if (source->kind == STOA_CONFIG_ENVIRONMENT) {
    return load_environment(load, source);
  }
  bool is_folder = source->kind == STOA_CONFIG_FILE && stoa_config_is_folder(source->text.data);
  return is_folder ? load_folder(load, source) : load_tree(load, source);
}

/* Loads into a struct of its own, because outputs are written on success only. */
static int load_apart(struct load *load, void *out_message) {
  const struct stoa_config_input *input = load->input;
  int status = STOA_OK;
  load->message = stoa_arena_calloc(load->binder.arena, input->type->size);
  if (load->message == NULL) {
    return STOA_E_MEMORY;
  }
  for (size_t i = 0; i < input->source_count && status == STOA_OK; i++) {
    status = load_source(load, &input->sources[i]);
  }
  if (status == STOA_OK && load->report.count > 0) {
    status = STOA_E_SYNTAX;
  }
  if (status == STOA_OK) {
    memcpy(out_message, load->message, input->type->size);
    if (input->origins != NULL) {
      stoa_config_origins_finish(input->origins, load->message, input->type->size, out_message);
    }
  }
  return status;
}

static int load_with(struct load *load, void *out_message, struct stoa_buffer *out_errors) {
  load->binder.scratch = stoa_arena_create(SCRATCH_BYTES_MAX);
  if (load->binder.scratch == NULL) {
    return STOA_E_MEMORY;
  }
  int status = load_apart(load, out_message);
  if (status == STOA_E_SYNTAX) {
    int written = stoa_config_report_write(&load->report, out_errors);
    status = written == STOA_OK ? status : written;
  }
  return status;
}

int stoa_config_load(const struct stoa_config_input *input, struct stoa_arena *arena, void *out_message,
                     struct stoa_buffer *out_errors) {
  struct load load = {.input = input, .binder = {.arena = arena, .origins = input->origins}};
  load.binder.report = &load.report;
  if (input->type->abi != STOA_DESCRIPTOR_ABI) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_config_report_init(&load.report);
  if (status != STOA_OK) {
    return status;
  }
  status = load_with(&load, out_message, out_errors);
  stoa_arena_destroy(load.binder.scratch);
  stoa_config_report_fini(&load.report);
  return status;
}
