#include "server/app/print.h"

#include "server/admin/admin.h"
#include "server/middleware/configured.h"
#include "server/settings/options.h"

#include <assert.h>
#include <stoa/log.h>
#include <stoa/middleware.h>

/* The limit of printed text; the longest is the whole configuration. */
#define OUTPUT_BYTES_MAX (16u * 1024 * 1024)
#define PARTS_MAX 10u

/* A value's source is known by its place in memory, so a copy of the configuration would have none. Defaults are filled
 * into the configuration itself, and taken out again afterwards. */
struct part {
  void *place;
  size_t size;
  void *before;
};

struct filling {
  struct stoa_arena *arena;
  struct part parts[PARTS_MAX];
  size_t part_count;
};

static bool keep(struct filling *filling, void *place, size_t size) {
  void *before = stoa_arena_alloc(filling->arena, size);
  assert(filling->part_count < PARTS_MAX);
  if (before != NULL) {
    memcpy(before, place, size);
    filling->parts[filling->part_count++] = (struct part){place, size, before};
  }
  return before != NULL;
}

static void take_out(struct filling *filling) {
  while (filling->part_count > 0) {
    const struct part *part = &filling->parts[--filling->part_count];
    memcpy(part->place, part->before, part->size);
  }
}

/* A section of a message that was kept: it is made if it is not there. NULL when memory is out, also for a message that
 * is NULL. */
static void *section(struct filling *filling, const struct stoa_message_type *type, void *message, const char *name,
                     const struct stoa_message_type *wanted) {
  void *made = message == NULL ? NULL : stoa_app_make_section(filling->arena, type, message, name, wanted);
  return made != NULL && keep(filling, made, wanted->size) ? made : NULL;
}

static int fill_log(struct filling *filling, struct stoa_log_config *log) {
  struct stoa_request_log_config *requests =
      section(filling, &stoa_log_config_type, log, "requests", &stoa_request_log_config_type);
  if (requests == NULL) {
    return STOA_E_MEMORY;
  }
  requests->sample = requests->sample == 0 ? STOA_REQUEST_LOG_SAMPLE : requests->sample;
  stoa_options_fill_log(log);
  return STOA_OK;
}

static int fill_server(struct filling *filling, struct stoa_server_config *config) {
  const struct stoa_message_type *type = &stoa_server_config_type;
  struct stoa_limits_config *limits = section(filling, type, config, "limits", &stoa_limits_config_type);
  struct stoa_rate_config *rate = section(filling, &stoa_limits_config_type, limits, "rate", &stoa_rate_config_type);
  struct stoa_admin_config *admin = section(filling, type, config, "admin", &stoa_admin_config_type);
  struct stoa_tls_config *tls =
      config->tls == NULL ? NULL : section(filling, type, config, "tls", &stoa_tls_config_type);
  if (rate == NULL || admin == NULL || (tls == NULL) != (config->tls == NULL) ||
      section(filling, type, config, "shedding", &stoa_shedding_config_type) == NULL) {
    return STOA_E_MEMORY;
  }
  if (tls != NULL) {
    stoa_options_fill_tls(tls);
  }
  stoa_app_fill_admin(admin);
  admin->key = admin->key.len > 0 ? stoa_string_of("***") : admin->key;
  stoa_options_fill(config, limits, rate);
  config->workers = stoa_options_workers(config);
  return STOA_OK;
}

/* What the server puts in the place of what is left out is what is in force. */
static int fill_defaults(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded,
                         struct filling *filling) {
  if (!keep(filling, loaded->config, loader->type->size)) {
    return STOA_E_MEMORY;
  }
  void *server = section(filling, loader->type, loaded->config, "server", &stoa_server_config_type);
  void *log = section(filling, loader->type, loaded->config, "log", &stoa_log_config_type);
  if (server == NULL || log == NULL) {
    return STOA_E_MEMORY;
  }
  int status = fill_log(filling, log);
  return status == STOA_OK ? fill_server(filling, server) : status;
}

int stoa_app_print(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded, struct stoa_buffer *out) {
  struct filling filling = {.arena = loaded->arena};
  int status = fill_defaults(loader, loaded, &filling);
  if (status == STOA_OK) {
    status = stoa_config_print_all(loader->type, loaded->config, &loaded->origins, out);
  }
  take_out(&filling);
  return status;
}

void stoa_app_publish(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded,
                      struct stoa_server *server) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, OUTPUT_BYTES_MAX);
  int status = stoa_app_print(loader, loaded, &text);
  if (status == STOA_OK) {
    stoa_admin_set_config(server, &text);
  } else {
    stoa_log(STOA_LOG_WARN, "/debug/config does not have the newest configuration",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
  stoa_buffer_fini(&text);
}
