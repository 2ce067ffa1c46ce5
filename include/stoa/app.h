/* stoa/app.h: the main function of a server program: options, configuration, log, run, exit status.
 *
 *   int main(int argc, char **argv) {
 *     return stoa_app_run(&(struct stoa_app){.name = "x", .setup = setup}, argc, argv);
 *   }
 *
 * Options: -c FILE, --config FILE (a file, or a directory of *.yaml and *.yml files; may be repeated, later ones win),
 * --set a.b=c (may be repeated; c is YAML; wins over all files and variables), --check-config, --print-config,
 * --version, --help (-h). --check-config also checks addresses, paths and certificates, without starting the server. An
 * unknown key is an error with file, line, column and the most similar key; one run shows all errors.
 *
 * Environment variables win over files: STOA_SERVER_PATH sets server.path, and CHAT_ROOMS_MAX sets rooms_max of a
 * program with the name chat. ${NAME} and ${NAME:default} in a value are replaced by a variable. See
 * docs/configuration.md; configs/stoa.yaml shows every key with its default.
 */
#ifndef STOA_APP_H
#define STOA_APP_H

#include <stoa/server.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_app {
  const char *name;
  const char *version; /* NULL: the version of the library */
  const char *about;   /* one sentence for --help; may be NULL */
  /* The message type of the configuration. It has the fields `server` (stoa.ServerConfig) and `log` (stoa.LogConfig),
   * and may have fields of the program. NULL: stoa.AppConfig. */
  const struct stoa_message_type *config_type;
  /* Register codecs, callbacks and handlers. `config` is a struct of config_type, valid until stoa_app_run() returns.
   * A status other than STOA_OK ends the program with exit status 1. */
  int (*setup)(struct stoa_server *server, const void *config, void *user);
  void *user;
};

/* Returns the exit status: 0 success, 1 configuration or start failed, 2 bad usage. */
STOA_API int stoa_app_run(const struct stoa_app *app, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
