#include "server/app/reload.h"

#include "server/app/print.h"
#include "server/config/compare.h"
#include "server/server_private.h"
#include "server/settings/reload.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

#define ERRORS_BYTES_MAX (1024u * 1024)
#define NAMES_SIZE 512

void stoa_app_reloader_init(struct stoa_app_reloader *reloader, const struct stoa_app_loader *loader,
                            const struct stoa_app_loaded *first) {
  *reloader = (struct stoa_app_reloader){.loader = loader, .first = first, .read_us = first->began_us};
}

void stoa_app_reloader_fini(struct stoa_app_reloader *reloader) {
  stoa_app_loaded_fini(&reloader->newest);
}

const struct stoa_app_loaded *stoa_app_reloader_current(const struct stoa_app_reloader *reloader) {
  return reloader->newest.arena == NULL ? reloader->first : &reloader->newest;
}

/* Reading. */

/* One line of the log for each line; all of them, so without the limit of a call site. */
static void log_mistakes(const struct stoa_buffer *errors) {
  const char *text = (const char *)errors->data;
  const char *end = text + errors->len;
  while (text < end) {
    const char *line_end = memchr(text, '\n', (size_t)(end - text));
    size_t len = (size_t)((line_end == NULL ? end : line_end) - text);
    struct stoa_log_site site = {0};
    const struct stoa_log_field fields[] = {STOA_F_TEXT("mistake", stoa_string_make(text, len))};
    stoa_log_write(&site, STOA_LOG_ERROR, "the configuration has a mistake", fields, 1);
    text += len + 1;
  }
}

static int load(const struct stoa_app_reloader *reloader, struct stoa_app_loaded *out_loaded) {
  struct stoa_buffer errors;
  stoa_buffer_init(&errors, ERRORS_BYTES_MAX);
  int status = stoa_app_load(reloader->loader, out_loaded, &errors);
  if (status == STOA_E_SYNTAX) {
    log_mistakes(&errors);
  } else if (status == STOA_OK && stoa_app_make_admin(reloader->loader, out_loaded) == NULL) {
    status = STOA_E_MEMORY;
  }
  stoa_buffer_fini(&errors);
  return status;
}

/* The program's own sections. */

struct own_changes {
  bool has_hook;
  char names[NAMES_SIZE]; /* of those that the hook has taken */
};

static bool is_of_library(void *context, const char *path) {
  (void)context;
  return strcmp(path, "server") == 0 || strcmp(path, "log") == 0;
}

static void on_name(void *context, const char *path) {
  struct own_changes *changes = context;
  size_t len = strlen(changes->names);
  if (!is_of_library(NULL, path)) {
    snprintf(changes->names + len, sizeof changes->names - len, "%s%s", len == 0 ? "" : ",", path);
  }
}

static void on_restart(void *context, const char *path) {
  (void)context;
  if (!is_of_library(NULL, path)) {
    stoa_reload_log_restart(path);
  }
}

static void name_changes(const struct stoa_app_reloader *reloader, const struct stoa_app_loaded *loaded,
                         struct own_changes *changes) {
  const struct stoa_config_comparison comparison = {is_of_library, on_name, changes};
  stoa_config_compare(reloader->loader->type, "", stoa_app_reloader_current(reloader)->config, loaded->config,
                      &comparison);
}

static void log_what_needs_a_restart(const struct stoa_app_reloader *reloader, const struct stoa_app_loaded *loaded) {
  const struct stoa_config_comparison comparison = {is_of_library, on_restart, NULL};
  stoa_config_compare(reloader->loader->type, "", reloader->first->config, loaded->config, &comparison);
}

static int call_hook(struct stoa_app_context *context, const struct stoa_app_loaded *loaded) {
  if (context->app->on_reload == NULL) {
    return STOA_OK;
  }
  int status = context->app->on_reload(context, loaded->config, context->app->user);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "the program does not take its new configuration",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
  return status;
}

/* Putting it in force. */

static int apply(struct stoa_app_context *context, struct stoa_app_loaded *loaded) {
  const struct stoa_app_reloader *reloader = context->reloader;
  const struct stoa_server_config *config = NULL;
  const struct stoa_log_config *log = NULL;
  const struct stoa_log_config all_defaults = {0};
  struct own_changes changes = {.names = ""};
  struct stoa_reload reload;
  bool has_sections = stoa_app_sections(reloader->loader, loaded, &config, &log);
  assert(has_sections); /* as at the start */
  (void)has_sections;
  int status = stoa_reload_prepare(context->servers[0], config, log == NULL ? &all_defaults : log, &reload);
  if (status != STOA_OK) {
    return status;
  }
  status = call_hook(context, loaded);
  if (status != STOA_OK) {
    stoa_reload_drop(&reload);
    return status;
  }
  if (context->app->on_reload != NULL) {
    name_changes(reloader, loaded, &changes);
  }
  stoa_log_set_level(stoa_app_log_level(log));
  /* First, so that who reads of the reload in the log finds it on the page. */
  stoa_app_publish(reloader->loader, loaded, context->servers[0]);
  stoa_reload_commit(&reload, changes.names);
  if (context->app->on_reload == NULL) {
    log_what_needs_a_restart(reloader, loaded);
  }
  return STOA_OK;
}

int stoa_app_reload(struct stoa_app_context *context) {
  struct stoa_app_reloader *reloader = context->reloader;
  struct stoa_app_loaded loaded;
  int status = load(reloader, &loaded);
  reloader->read_us = loaded.began_us;
  if (status != STOA_OK) {
    stoa_metrics_note_reload(context->servers[0], STOA_RELOAD_REFUSED);
  }
  if (status == STOA_OK) {
    status = apply(context, &loaded);
  }
  if (status != STOA_OK) {
    stoa_app_loaded_fini(&loaded);
    stoa_log(STOA_LOG_WARN, "the configuration was not reloaded; the one before stays in force",
             STOA_F_STR("reason", stoa_status_text(status)));
    return status;
  }
  stoa_app_loaded_fini(&reloader->newest);
  reloader->newest = loaded;
  return STOA_OK;
}
