/* server/settings/options.h: copies and checks a server's configuration, and fills in the defaults of
 * api/stoa/config.proto. */
#ifndef STOA_SERVER_SETTINGS_OPTIONS_H
#define STOA_SERVER_SETTINGS_OPTIONS_H

#include "server/settings/settings.h"

/* Put the defaults of api/stoa/config.proto in the place of what is left out. Neither config->limits nor limits->rate
 * is looked at. What is put in lives as long as the program. */
void stoa_options_fill(struct stoa_server_config *config, struct stoa_limits_config *limits,
                       struct stoa_rate_config *rate);
/* The same of the section `log`. */
void stoa_options_fill_log(struct stoa_log_config *config);
/* The same for a section tls. */
void stoa_options_fill_tls(struct stoa_tls_config *tls);
/* Replace a section tls, unless it is NULL, by a copy in the arena with its defaults. Every text ends with a NUL,
 * because files' names are passed on as strings of C. False when memory is out. */
bool stoa_options_copy_tls(struct stoa_arena *arena, const struct stoa_tls_config **tls);
/* How many workers the server has: config->workers, or one for each core. */
uint32_t stoa_options_workers(const struct stoa_server_config *config);

/* Replace every text, list and section of a configuration, except limits and shedding, by a copy in the arena; the
 * sections get their defaults. False when memory is out. */
bool stoa_options_copy(struct stoa_arena *arena, struct stoa_server_config *config);

/* Check what can be checked without files and other machines, and fill settings->peers_limits and trusted_proxies.
 * Errors: STOA_E_ARGUMENT  values are out of range or malformed (each is logged with its name); all fields are filled
 *                          all the same
 *         STOA_E_MEMORY */
int stoa_options_check(struct stoa_settings *settings);

/* Check server.allowed_origins and server.hosts. All faults are logged.
 * Errors: STOA_E_ARGUMENT */
int stoa_options_check_origins(const struct stoa_server_config *config);

/* Fill settings->origin_rules, except the certificate's names, which depend on the listener. Errors: STOA_E_MEMORY */
int stoa_options_origin_rules(struct stoa_settings *settings);

#endif
