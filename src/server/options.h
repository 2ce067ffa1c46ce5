/* server/options.h: copies a server's configuration and fills in the defaults of api/stoa/config.proto. */
#ifndef STOA_SERVER_OPTIONS_H
#define STOA_SERVER_OPTIONS_H

#include "server/server_private.h"

/* Fill server->config, limits, session_limits and worker_count. `config` NULL is all defaults.
 * Errors: STOA_E_ARGUMENT  a value is out of range (logged with its name); STOA_E_MEMORY */
int stoa_options_apply(struct stoa_server *server, const struct stoa_server_config *config);

/* Check server.allowed_origins and server.hosts. All faults are logged.
 * Errors: STOA_E_ARGUMENT */
int stoa_options_check_origins(const struct stoa_server_config *config);

/* Fill server->origin_rules, once the certificate is loaded. Errors: STOA_E_MEMORY */
int stoa_options_origin_rules(struct stoa_server *server);

#endif
