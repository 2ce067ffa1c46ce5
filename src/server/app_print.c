#include "server/app_print.h"

#include "server/admin.h"
#include "server/middleware_configured.h"
#include "server/options.h"

#include <stoa/log.h>
#include <stoa/middleware.h>

/* The limit of printed text; the longest is the whole configuration. */
#define OUTPUT_BYTES_MAX (16u * 1024 * 1024)

static bool fill_requests(struct stoa_app_loaded *loaded, void *log) {
  struct stoa_request_log_config *requests =
      stoa_app_make_section(loaded->arena, &stoa_log_config_type, log, "requests", &stoa_request_log_config_type);
  if (requests != NULL && requests->sample == 0) {
    requests->sample = STOA_REQUEST_LOG_SAMPLE;
  }
  return requests != NULL;
}

/* What the server puts in the place of what is left out is what is in force. */
static int fill_defaults(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded) {
  struct stoa_server_config *config =
      stoa_app_make_section(loaded->arena, loader->type, loaded->config, "server", &stoa_server_config_type);
  struct stoa_log_config *log =
      stoa_app_make_section(loaded->arena, loader->type, loaded->config, "log", &stoa_log_config_type);
  if (config == NULL || log == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_limits_config *limits =
      stoa_app_make_section(loaded->arena, &stoa_server_config_type, config, "limits", &stoa_limits_config_type);
  struct stoa_rate_config *rate = limits == NULL ? NULL
                                                 : stoa_app_make_section(loaded->arena, &stoa_limits_config_type,
                                                                         limits, "rate", &stoa_rate_config_type);
  if (rate == NULL) {
    return STOA_E_MEMORY;
  }
  if (!fill_requests(loaded, log)) {
    return STOA_E_MEMORY;
  }
  if (stoa_app_make_section(loaded->arena, &stoa_server_config_type, config, "shedding", &stoa_shedding_config_type) ==
      NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_tls_config *tls = config->tls == NULL ? NULL
                                                    : stoa_app_make_section(loaded->arena, &stoa_server_config_type,
                                                                            config, "tls", &stoa_tls_config_type);
  if (tls != NULL) {
    stoa_options_fill_tls(tls);
  }
  struct stoa_admin_config *admin = stoa_app_make_admin(loader, loaded);
  if (admin == NULL) {
    return STOA_E_MEMORY;
  }
  if (admin->key.len > 0) {
    admin->key = stoa_string_of("***");
  }
  stoa_options_fill(config, limits, rate);
  stoa_options_fill_log(log);
  config->workers = stoa_options_workers(config);
  return STOA_OK;
}

int stoa_app_print(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded, struct stoa_buffer *out) {
  int status = fill_defaults(loader, loaded);
  return status == STOA_OK ? stoa_config_print_all(loader->type, loaded->config, &loaded->origins, out) : status;
}

/* Loaded once more, because printing changes what it prints. */
void stoa_app_publish(const struct stoa_app_loader *loader, struct stoa_server *server) {
  struct stoa_app_loaded loaded;
  struct stoa_buffer text;
  struct stoa_buffer errors;
  stoa_buffer_init(&text, OUTPUT_BYTES_MAX);
  stoa_buffer_init(&errors, OUTPUT_BYTES_MAX);
  int status = stoa_app_load(loader, &loaded, &errors);
  status = status == STOA_OK ? stoa_app_print(loader, &loaded, &text) : status;
  if (status == STOA_OK) {
    stoa_admin_set_config(server, &text);
  } else {
    stoa_log(STOA_LOG_WARN, "/debug/config does not have the newest configuration",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
  stoa_app_loaded_fini(&loaded);
  stoa_buffer_fini(&errors);
  stoa_buffer_fini(&text);
}
