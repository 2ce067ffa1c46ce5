/* Collects the rules of server/listener/origin.h from the configuration and the machine's name. */
#include "base/sys.h"
#include "server/settings/options.h"

#include <stoa/log.h>

#define MACHINE_NAME_SIZE 256

static int check_entries(const char *option, const struct stoa_string *items, size_t count,
                         const char *(*fault_of)(struct stoa_string entry, char *out_text)) {
  int status = STOA_OK;
  for (size_t i = 0; i < count; i++) {
    char text[STOA_ORIGIN_REASON_SIZE];
    const char *fault = fault_of(items[i], text);
    if (fault != NULL) {
      stoa_log(STOA_LOG_ERROR, fault, STOA_F_STR("option", option), STOA_F_TEXT("value", items[i]));
      status = STOA_E_ARGUMENT;
    }
  }
  return status;
}

int stoa_options_check_origins(const struct stoa_server_config *config) {
  int origins = check_entries("server.allowed_origins", config->allowed_origins.items, config->allowed_origins.count,
                              stoa_origin_entry_fault);
  int hosts = check_entries("server.hosts", config->hosts.items, config->hosts.count, stoa_host_entry_fault);
  return origins != STOA_OK ? origins : hosts;
}

/* Without a machine name the other names remain. */
static int read_machine_name(struct stoa_arena *arena, struct stoa_string *out_name) {
  char name[MACHINE_NAME_SIZE] = "";
  if (stoa_sys.gethostname(name, sizeof name - 1) != 0) {
    name[0] = '\0';
  }
  *out_name = stoa_arena_copy(arena, stoa_string_of(name));
  return out_name->data != NULL ? STOA_OK : STOA_E_MEMORY;
}

int stoa_options_origin_rules(struct stoa_settings *settings) {
  const struct stoa_server_config *config = &settings->config;
  struct stoa_origin_rules *rules = &settings->origin_rules;
  rules->allowed_origins = (struct stoa_string_list){config->allowed_origins.items, config->allowed_origins.count};
  rules->hosts = (struct stoa_string_list){config->hosts.items, config->hosts.count};
  return read_machine_name(settings->arena, &rules->machine_name);
}
