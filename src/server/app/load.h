/* server/app/load.h: a program's configuration from its command line, files and environment, as often as it is read.
 *
 * Does not know: what is done with it.
 * Thread: any, one at a time; a reload reads the environment that the process has then.
 */
#ifndef STOA_SERVER_APP_LOAD_H
#define STOA_SERVER_APP_LOAD_H

#include "server/config/arguments.h"
#include "server/config/origins.h"

#include <stoa/log.h>
#include <stoa/server.h>

/* Where it comes from. */
struct stoa_app_loader {
  const char *name; /* the program's */
  const struct stoa_message_type *type;
  struct stoa_arguments arguments;
};

/* One reading. */
struct stoa_app_loaded {
  int64_t began_us;         /* when the reading began, by the wall clock */
  struct stoa_arena *arena; /* memory of all that follows */
  void *config;             /* a struct of the loader's type */
  struct stoa_config_origins origins;
};

/* Errors: as stoa_config_load(); fini must be called after each */
int stoa_app_load(const struct stoa_app_loader *loader, struct stoa_app_loaded *out_loaded,
                  struct stoa_buffer *out_errors);
/* Zeroed is fine. */
void stoa_app_loaded_fini(struct stoa_app_loaded *loaded);

/* The library's sections, NULL where they are left out. False: the type has no such sections. */
bool stoa_app_sections(const struct stoa_app_loader *loader, const struct stoa_app_loaded *loaded,
                       const struct stoa_server_config **out_server, const struct stoa_log_config **out_log);
/* The section of that name in a message, which is made if it is not there. NULL when memory is out. */
void *stoa_app_make_section(struct stoa_arena *arena, const struct stoa_message_type *type, void *message,
                            const char *name, const struct stoa_message_type *wanted);
/* The section server.admin, which has an address in every program. NULL when memory is out. */
struct stoa_admin_config *stoa_app_make_admin(const struct stoa_app_loader *loader, struct stoa_app_loaded *loaded);
/* Fill in what it has in every program. */
void stoa_app_fill_admin(struct stoa_admin_config *admin);
/* The level of a section log; NULL is the default. */
enum stoa_log_severity stoa_app_log_level(const struct stoa_log_config *config);

#endif
