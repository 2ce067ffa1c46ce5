/* server/app/app.c: what every server program does: command line, configuration, log, and running the server. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stoa/app.h>
#include <stoa/log.h>
#include <stoa/middleware.h>
#include <stoa/version.h>
#include <unistd.h>

#include "base/sys.h"
#include "server/app/life.h"
#include "server/app/load.h"
#include "server/app/print.h"
#include "server/app/reload.h"
#include "server/middleware/configured.h"
#include "server/server_private.h"
#include "server/settings/options.h"

enum exit_status { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The limit of printed text; the longest is the whole configuration. */
#define OUTPUT_BYTES_MAX (16u * 1024 * 1024)

struct program {
  const struct stoa_app *app;
  struct stoa_app_loader loader;
  struct stoa_app_loaded loaded;
};

static int write_all(int fd, const void *data, size_t len) {
  const uint8_t *rest = data;
  while (len > 0) {
    ssize_t count = stoa_sys.write(fd, rest, len);
    if (count < 0 && errno != EINTR) {
      return EXIT_FAILED;
    }
    size_t written = count < 0 ? 0 : (size_t)count;
    rest += written;
    len -= written;
  }
  return EXIT_FINE;
}

static int show(const struct stoa_buffer *text) {
  return write_all(STDOUT_FILENO, text->data, text->len);
}

/* One line on standard error that starts with the program's name. */
__attribute__((format(printf, 2, 3))) static void complain(const struct program *program, const char *format, ...) {
  char line[512];
  int len = snprintf(line, sizeof line, "%.64s: ", program->app->name);
  va_list values;
  va_start(values, format);
  vsnprintf(line + len, sizeof line - (size_t)len, format, values);
  va_end(values);
  write_all(STDERR_FILENO, line, strlen(line));
}

static int fail(const struct program *program, int status) {
  complain(program, "%s\n", stoa_status_text(status));
  return EXIT_FAILED;
}

static int read_arguments(struct program *program, int argc, char **argv) {
  char error[256];
  if (stoa_arguments_parse(argc, argv, &program->loader.arguments, error, sizeof error) == STOA_OK) {
    return EXIT_FINE;
  }
  complain(program, "%s; try %s --help\n", error, program->app->name);
  return EXIT_USAGE;
}

static int show_version(const struct program *program) {
  const char *version = program->app->version == NULL ? stoa_version() : program->app->version;
  char line[256];
  snprintf(line, sizeof line, "%s %s\n", program->app->name, version);
  return write_all(STDOUT_FILENO, line, strlen(line));
}

static int show_help(const struct program *program) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, OUTPUT_BYTES_MAX);
  int status = stoa_arguments_usage(program->app->name, program->app->about, &text);
  int exit_status = status == STOA_OK ? show(&text) : fail(program, status);
  stoa_buffer_fini(&text);
  return exit_status;
}

static int show_config(struct program *program) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, OUTPUT_BYTES_MAX);
  int status = stoa_app_print(&program->loader, &program->loaded, &text);
  int exit_status = status == STOA_OK ? show(&text) : fail(program, status);
  stoa_buffer_fini(&text);
  return exit_status;
}

/* --check-config reports its result in the log, so the log is written whatever the configuration says. */
static void open_log(const struct program *program, const struct stoa_log_config *config) {
  enum stoa_log_severity level = stoa_app_log_level(config);
  bool is_json = config != NULL && config->format == STOA_LOG_CONFIG_FORMAT_JSON;
  if (program->loader.arguments.action == STOA_ARGUMENTS_CHECK_CONFIG && level > STOA_LOG_WARN) {
    level = STOA_LOG_WARN;
  }
  stoa_log_setup(STDERR_FILENO, level, is_json ? STOA_LOG_JSON : STOA_LOG_LOGFMT);
}

static int start_failed(const char *what, int status) {
  /* Without the limit of a call site: it is the last line of a program that ends. */
  const struct stoa_log_field fields[] = {STOA_F_STR("reason", stoa_status_text(status))};
  stoa_log_write(NULL, STOA_LOG_ERROR, what, fields, 1);
  return EXIT_FAILED;
}

static int check_config(const struct stoa_server_config *config) {
  int status = stoa_server_check(config);
  return status == STOA_OK ? write_all(STDOUT_FILENO, "configuration ok\n", strlen("configuration ok\n"))
                           : start_failed("the configuration is not usable", status);
}

static int serve(struct program *program, const struct stoa_server_config *config, const struct stoa_log_config *log) {
  struct stoa_app_context context;
  struct stoa_server *server = NULL;
  /* The start of the server does it too, but lines are logged before, and the log's reader may have exited. */
  signal(SIGPIPE, SIG_IGN);
  int status = stoa_server_create(config, &server);
  if (status != STOA_OK) {
    return start_failed("the server could not start", status);
  }
  stoa_server_set_log(server, log);
  stoa_app_publish(&program->loader, &program->loaded, server);
  status = stoa_server_use_configured_request_log(server);
  if (status != STOA_OK) {
    stoa_server_destroy(server);
    return start_failed("the server could not start", status);
  }
  struct stoa_app_reloader reloader;
  stoa_app_reloader_init(&reloader, &program->loader, &program->loaded);
  status = stoa_app_context_init(&context, program->app, program->loaded.config, server);
  context.on_reload = stoa_app_reload;
  context.reloader = &reloader;
  bool is_good = status == STOA_OK && stoa_app_life_run(&context);
  stoa_app_context_fini(&context);
  stoa_app_reloader_fini(&reloader);
  if (status != STOA_OK) {
    return start_failed("the server could not start", status);
  }
  return is_good ? EXIT_FINE : EXIT_FAILED;
}

static int use_config(struct program *program) {
  const struct stoa_server_config *server = NULL;
  const struct stoa_log_config *log = NULL;
  if (!stoa_app_sections(&program->loader, &program->loaded, &server, &log)) {
    complain(program, "%s has no stoa.ServerConfig server or no stoa.LogConfig log\n", program->loader.type->full_name);
    return EXIT_FAILED;
  }
  if (program->loader.arguments.action == STOA_ARGUMENTS_PRINT_CONFIG) {
    return show_config(program);
  }
  open_log(program, log);
  if (stoa_app_make_admin(&program->loader, &program->loaded) == NULL) {
    return fail(program, STOA_E_MEMORY);
  }
  stoa_app_sections(&program->loader, &program->loaded, &server, &log); /* the section server exists now */
  bool is_check = program->loader.arguments.action == STOA_ARGUMENTS_CHECK_CONFIG;
  return is_check ? check_config(server) : serve(program, server, log);
}

static int load_config(struct program *program) {
  struct stoa_buffer errors;
  stoa_buffer_init(&errors, OUTPUT_BYTES_MAX);
  int status = stoa_app_load(&program->loader, &program->loaded, &errors);
  if (status == STOA_E_SYNTAX) {
    write_all(STDERR_FILENO, errors.data, errors.len);
  } else if (status != STOA_OK) {
    fail(program, status);
  }
  stoa_buffer_fini(&errors);
  return status == STOA_OK ? EXIT_FINE : EXIT_FAILED;
}

static int run_with_config(struct program *program) {
  int exit_status = load_config(program);
  if (exit_status == EXIT_FINE) {
    exit_status = use_config(program);
  }
  stoa_app_loaded_fini(&program->loaded);
  return exit_status;
}

static struct program program_of(const struct stoa_app *app) {
  return (struct program){
      .app = app,
      .loader = {.name = app->name, .type = app->config_type == NULL ? &stoa_app_config_type : app->config_type}};
}

static int pass_config(struct program *program, int (*use)(const void *config, void *user)) {
  const struct stoa_server_config *server;
  const struct stoa_log_config *log = NULL;
  if (!stoa_app_sections(&program->loader, &program->loaded, &server, &log) ||
      stoa_app_make_admin(&program->loader, &program->loaded) == NULL) {
    return fail(program, STOA_E_MEMORY);
  }
  enum stoa_log_severity level = stoa_app_log_level(log);
  stoa_log_setup(STDERR_FILENO, level < STOA_LOG_ERROR ? STOA_LOG_ERROR : level, STOA_LOG_LOGFMT);
  return use(program->loaded.config, program->app->user);
}

int stoa_app_use_config(const struct stoa_app *app, int argc, char **argv, int (*use)(const void *config, void *user)) {
  struct program program = program_of(app);
  int exit_status = read_arguments(&program, argc, argv);
  if (exit_status == EXIT_FINE && program.loader.arguments.action != STOA_ARGUMENTS_RUN) {
    complain(&program, "this option is not for a command\n");
    exit_status = EXIT_USAGE;
  }
  if (exit_status != EXIT_FINE) {
    return exit_status;
  }
  exit_status = load_config(&program);
  if (exit_status == EXIT_FINE) {
    exit_status = pass_config(&program, use);
  }
  stoa_app_loaded_fini(&program.loaded);
  return exit_status;
}

int stoa_app_run(const struct stoa_app *app, int argc, char **argv) {
  struct program program = program_of(app);
  int exit_status = read_arguments(&program, argc, argv);
  if (exit_status != EXIT_FINE) {
    return exit_status;
  }
  switch (program.loader.arguments.action) {
    case STOA_ARGUMENTS_HELP:
      return show_help(&program);
    case STOA_ARGUMENTS_VERSION:
      return show_version(&program);
    case STOA_ARGUMENTS_PRINT_CONFIG:
    case STOA_ARGUMENTS_CHECK_CONFIG:
    case STOA_ARGUMENTS_RUN:
      break;
  }
  return run_with_config(&program);
}
