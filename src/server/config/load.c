/* server/config/load.c: loads all sources into one struct and reports their mistakes. */
#include <assert.h>

#include "server/config/bind.h"
#include "server/config/source.h"

/* Memory for the tree of one source; enough for 65,536 values with their texts and places. */
#define SCRATCH_BYTES_MAX (64u * 1024 * 1024)

static int load_source(const struct stoa_config_binder *binder, const struct stoa_message_type *type,
                       const struct stoa_config_source *source, void *message) {
  struct stoa_config_node *root;
  stoa_arena_reset(binder->scratch);
  int status = stoa_config_source_read(source, binder->scratch, binder->report, &root);
  return status == STOA_OK ? stoa_config_bind(binder, type, root, message) : status;
}

static int load_all(const struct stoa_config_binder *binder, const struct stoa_message_type *type,
                    const struct stoa_config_source *sources, size_t source_count, void *message) {
  int status = STOA_OK;
  for (size_t i = 0; i < source_count && status == STOA_OK; i++) {
    binder->report->source = i;
    status = load_source(binder, type, &sources[i], message);
  }
  return status;
}

/* Loads into a struct of its own, because outputs are written on success only. */
static int load_apart(const struct stoa_config_binder *binder, const struct stoa_message_type *type,
                      const struct stoa_config_source *sources, size_t source_count, void *out_message) {
  void *message = stoa_arena_calloc(binder->arena, type->size);
  if (message == NULL) {
    return STOA_E_MEMORY;
  }
  int status = load_all(binder, type, sources, source_count, message);
  if (status == STOA_OK && binder->report->count > 0) {
    status = STOA_E_SYNTAX;
  }
  if (status == STOA_OK) {
    memcpy(out_message, message, type->size);
  }
  return status;
}

int stoa_config_load(const struct stoa_message_type *type, const struct stoa_config_source *sources,
                     size_t source_count, struct stoa_arena *arena, void *out_message, struct stoa_buffer *out_errors) {
  struct stoa_config_report report;
  struct stoa_config_binder binder = {.arena = arena, .report = &report};
  if (type->abi != STOA_DESCRIPTOR_ABI) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_config_report_init(&report);
  if (status != STOA_OK) {
    return status;
  }
  binder.scratch = stoa_arena_create(SCRATCH_BYTES_MAX);
  status = binder.scratch == NULL ? STOA_E_MEMORY : load_apart(&binder, type, sources, source_count, out_message);
  if (status == STOA_E_SYNTAX) {
    int written = stoa_config_report_write(&report, sources, out_errors);
    status = written == STOA_OK ? status : written;
  }
  stoa_arena_destroy(binder.scratch);
  stoa_config_report_fini(&report);
  return status;
}
