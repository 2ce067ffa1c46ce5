#include "server/app/context.h"

#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>
#include <stoa/version.h>

int stoa_app_context_init(struct stoa_app_context *out_context, const struct stoa_app *app, const void *config,
                          struct stoa_server *server) {
  struct stoa_uuid id;
  *out_context = (struct stoa_app_context){
      .app = app, .config = config, .servers = {server}, .server_count = 1, .watch = {.fd = -1}};
  server->app = out_context;
  int status = stoa_start_facts_init(&out_context->facts);
  if (status != STOA_OK) {
    return status;
  }
  if (app->id == NULL) {
    status = stoa_uuid_make(&id);
    if (status != STOA_OK) {
      return status;
    }
    stoa_uuid_format(&id, out_context->own_id);
  }
  return STOA_OK;
}

void stoa_app_context_fini(struct stoa_app_context *context) {
  while (context->server_count > 0) {
    stoa_server_destroy(context->servers[--context->server_count]);
  }
  stoa_watch_close(&context->watch);
  stoa_start_facts_fini(&context->facts);
}

/* What the program asks. */

struct stoa_app_context *stoa_app_of(const struct stoa_server *server) {
  return server->app;
}

const char *stoa_app_id(const struct stoa_app_context *context) {
  return context->app->id == NULL ? context->own_id : context->app->id;
}

const char *stoa_app_name(const struct stoa_app_context *context) {
  return context->app->name;
}

const char *stoa_app_version(const struct stoa_app_context *context) {
  return context->app->version == NULL ? stoa_version() : context->app->version;
}

const char *stoa_app_metadata(const struct stoa_app_context *context, const char *name) {
  for (size_t i = 0; i < context->app->metadata_count; i++) {
    if (strcmp(context->app->metadata[i].name, name) == 0) {
      return context->app->metadata[i].value;
    }
  }
  return NULL;
}

const void *stoa_app_configuration(const struct stoa_app_context *context) {
  return context->config;
}

struct stoa_server *stoa_app_server(const struct stoa_app_context *context, size_t index) {
  return index < context->server_count ? context->servers[index] : NULL;
}

/* What the program adds. */

int stoa_app_add_server(struct stoa_app_context *context, struct stoa_server *server) {
  if (!context->in_setup) {
    return STOA_E_ARGUMENT;
  }
  if (server->app != NULL) {
    return STOA_E_EXISTS;
  }
  if (context->server_count == STOA_APP_SERVERS_MAX) {
    return STOA_E_LIMIT;
  }
  server->app = context;
  context->servers[context->server_count++] = server;
  return STOA_OK;
}

int stoa_app_add_component(struct stoa_app_context *context, const struct stoa_app_component *component) {
  if (!context->in_setup || component->name == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (context->component_count == STOA_APP_COMPONENTS_MAX) {
    return STOA_E_LIMIT;
  }
  context->components[context->component_count++] = *component;
  return STOA_OK;
}

int stoa_app_note(struct stoa_app_context *context, const char *what, const char *value) {
  return stoa_start_facts_add(&context->facts, STOA_START_NOTE, what, "%s", value);
}

void stoa_app_stop(struct stoa_app_context *context, int status, const char *reason) {
  assert(context->has_guard);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "a part of the program has failed; the program stops",
             STOA_F_STR("reason", reason == NULL ? "" : reason), STOA_F_STR("status", stoa_status_text(status)));
  } else {
    stoa_log(STOA_LOG_INFO, "the program stops itself", STOA_F_STR("reason", reason == NULL ? "" : reason));
  }
  stoa_guard_stop(&context->guard, status != STOA_OK);
}
