/* stoa/app.h: the main function of a server program: options, configuration, log, run, exit status.
 *
 *   int main(int argc, char **argv) {
 *     return stoa_app_run(&(struct stoa_app){.name = "x", .setup = setup}, argc, argv);
 *   }
 *
 * Options: -c FILE, --config FILE (a file, or a directory of *.yaml and *.yml files; may be repeated, later ones win),
 * --set a.b=c (may be repeated; c is YAML; wins over all files and variables), --watch (reload when files of the
 * configuration, certificates or keys change), --check-config, --print-config, --version, --help (-h). --check-config
 * also checks addresses, paths and certificates, without starting the server. An unknown key is an error with file,
 * line, column and the most similar key; one run shows all errors.
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

/* A running program: its servers, its components and what it is. Made by stoa_app_run(), which frees it at its end. */
struct stoa_app_context;

/* A step of the program's life. On the main thread, one after the other. What a status other than STOA_OK does depends
 * on the list, see struct stoa_app. */
typedef int stoa_app_hook(struct stoa_app_context *context, void *user);

/* How many hooks a list has at most, and how many components and servers a program has. */
#define STOA_APP_HOOKS_MAX 8
#define STOA_APP_COMPONENTS_MAX 32
#define STOA_APP_SERVERS_MAX 8

/* A name with a value. */
struct stoa_app_pair {
  const char *name;
  const char *value;
};

/* A part of the program that is not a server, such as a storage engine, and begins and ends with it. */
struct stoa_app_component {
  const char *name; /* for the log */
  /* On the main thread, before any server takes connections. A status other than STOA_OK ends the start; then stop is
   * not called. NULL: nothing to do. */
  int (*start)(void *user);
  /* On the main thread, after all servers have ended. It may block, up to the stop timeout. NULL: nothing to do. */
  void (*stop)(void *user);
  void *user;
};

/* The life of a program:
 *
 *   setup → every address of every server is bound → run_as → before_start → components start → servers start
 *         → after_start → ready, until SIGTERM, SIGINT, stoa_app_stop() or the end of one server
 *         → before_stop → servers drain, all at once, and end → components stop, the last one first → after_stop
 *
 * An address that is in use is therefore found before any hook has run. When a step of the start fails, no further step
 * of the start runs, what has started is stopped in the same order as always, and the exit status is 1. The hooks of
 * before_stop and after_stop run, each once, if the first hook of before_start was reached: whatever failed, and also
 * after the failure of another stop hook. So after_stop can free what before_start made.
 *
 * Signals: SIGTERM and SIGINT stop the program, a second one ends the servers without a drain, a third one ends the
 * process at once. SIGHUP reads the configuration again, from the same files, variables and settings: what can change
 * while sessions go on is in force afterwards (docs/running.md), and a mistake changes nothing. They are blocked in all
 * threads that setup and hooks create.
 *
 * When the program is ready, it prints to standard error what a person needs: every URL to open, the notes of
 * stoa_app_note(), and what is insecure about the configuration. On a terminal that is a short block of text, elsewhere
 * log lines.
 *
 * systemd: with Type=notify the program says when it is ready, reloads and stops, and keeps WatchdogSec= alive for as
 * long as the loop of every worker turns. See docs/running.md. */
struct stoa_app {
  const char *name;
  const char *version; /* NULL: the version of the library */
  const char *about;   /* one sentence for --help; may be NULL */
  /* The message type of the configuration. It has the fields `server` (stoa.ServerConfig) and `log` (stoa.LogConfig),
   * and may have fields of the program. NULL: stoa.AppConfig. */
  const struct stoa_message_type *config_type;
  /* Register codecs, callbacks and handlers, and add servers and components. `config` is a struct of config_type, valid
   * until stoa_app_run() returns. A status other than STOA_OK ends the program with exit status 1, before anything is
   * bound; no hook runs. */
  int (*setup)(struct stoa_server *server, const void *config, void *user);
  void *user; /* of setup and of the hooks */

  const char *id;                       /* of this process, for the log; NULL: a fresh UUID */
  const struct stoa_app_pair *metadata; /* such as {"zone", "eu-1"}; logged at start */
  size_t metadata_count;
  stoa_app_hook *before_start[STOA_APP_HOOKS_MAX]; /* in order, up to the first NULL */
  stoa_app_hook *after_start[STOA_APP_HOOKS_MAX];  /* the servers take connections; an error stops the program */
  stoa_app_hook *before_stop[STOA_APP_HOOKS_MAX];  /* the servers still serve; an error is logged, exit status 1 */
  stoa_app_hook *after_stop[STOA_APP_HOOKS_MAX];   /* everything has ended; an error is logged, exit status 1 */
  /* From the signal to the end, in milliseconds. Then the process ends at once with exit status 1, and the log names
   * the step that hung. 0: the longest drain_ms of the servers, and 10 s. */
  uint32_t stop_timeout_ms;
  /* SIGHUP, or --watch: the configuration was read again, and the library's own sections are good. Check the program's
   * sections completely, then use them. With a status other than STOA_OK, which is logged, everything stays as it was,
   * the library's sections too; the program has then changed nothing. It must not reload the first server itself.
   * `config` is a struct of config_type, valid until a later call has returned STOA_OK. NULL: what has changed in the
   * program's sections needs a restart, which is logged. */
  int (*on_reload)(struct stoa_app_context *context, const void *config, void *user);
};

/* Everything in `app` is borrowed until the call returns. Call it on the main thread.
 * Returns the exit status: 0 success, 1 configuration, start or stop failed, 2 bad usage. */
STOA_API int stoa_app_run(const struct stoa_app *app, int argc, char **argv);

/* Read the configuration as stoa_app_run() does, from the same options, files and variables, and give it to a function:
 * for commands of a server program that do not serve. Errors are logged to standard error.
 *
 * app   name, config_type and user are used
 * use   config: as for setup, with an address in server.admin, valid until it returns. What it returns is the exit
 * status Returns the exit status: that of `use`, 1 configuration, 2 bad usage, which is also an option that is about
 * the program itself, such as --check-config. Both are printed */
STOA_API int stoa_app_use_config(const struct stoa_app *app, int argc, char **argv,
                                 int (*use)(const void *config, void *user));

/* The program that runs this server; NULL when none does. Any thread. */
STOA_API struct stoa_app_context *stoa_app_of(const struct stoa_server *server);

/* The id in force, the name, and the version in force. Never NULL. Any thread; valid until stoa_app_run() returns. */
STOA_API const char *stoa_app_id(const struct stoa_app_context *context);
STOA_API const char *stoa_app_name(const struct stoa_app_context *context);
STOA_API const char *stoa_app_version(const struct stoa_app_context *context);
/* The value of the first metadata with that name; NULL when there is none. Any thread. */
STOA_API const char *stoa_app_metadata(const struct stoa_app_context *context, const char *name);
/* The configuration that setup was given. Any thread. */
STOA_API const void *stoa_app_configuration(const struct stoa_app_context *context);
/* The n-th server: 0 is the one that setup was given, the others are in the order in which they were added; NULL after
 * the last one. Any thread, after setup. */
STOA_API struct stoa_server *stoa_app_server(const struct stoa_app_context *context, size_t index);

/* Add a server that stoa_server_create() made, in setup. The program owns it then: it binds, starts, drains and
 * destroys it. Other threads must not use it before after_start. Errors: STOA_E_ARGUMENT  not in setup; STOA_E_EXISTS
 * it was added before; STOA_E_LIMIT  there are STOA_APP_SERVERS_MAX. The caller still owns the server after an error.
 */
STOA_API int stoa_app_add_server(struct stoa_app_context *context, struct stoa_server *server);
/* Add a component, in setup. The struct is copied; its name is borrowed until stoa_app_run() returns. Components start
 * in the order in which they were added.
 * Errors: STOA_E_ARGUMENT  not in setup, or it has no name; STOA_E_LIMIT  there are STOA_APP_COMPONENTS_MAX */
STOA_API int stoa_app_add_component(struct stoa_app_context *context, const struct stoa_app_component *component);

/* Add a line to what is printed at the start, such as ("data", "/var/lib/chat"), in setup or in a hook of the start.
 * Both texts are copied; a value is cut at 1 KiB. Errors: STOA_E_LIMIT  there are too many lines; STOA_E_MEMORY */
STOA_API int stoa_app_note(struct stoa_app_context *context, const char *what, const char *value);

/* Stop the program as SIGTERM does. Any thread, also in a hook; returns at once. A second call does nothing.
 *
 * status  STOA_OK: exit status 0. Another one: a part of the program has failed; it is logged, and the exit status is 1
 * reason  copied; NULL: none */
STOA_API void stoa_app_stop(struct stoa_app_context *context, int status, const char *reason);

#ifdef __cplusplus
}
#endif

#endif
