/* server/app.c: what every server program does: command line, configuration, log, and running the server. */
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
#include "codec/table.h"
#include "server/admin.h"
#include "server/app_life.h"
#include "server/config/arguments.h"
#include "server/config/origins.h"
#include "server/options.h"

enum exit_status { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define CONFIG_BYTES_MAX (64u * 1024 * 1024)
/* A server that a program makes itself has no admin listener unless it asks for one. */
#define ADMIN_ADDRESS "127.0.0.1:8800"
/* The limit of printed text; the longest is the whole configuration. */
#define OUTPUT_BYTES_MAX (16u * 1024 * 1024)

struct program {
  const struct stoa_app *app;
  const struct stoa_message_type *type;
  struct stoa_arguments arguments;
  struct stoa_config_source sources[STOA_ARGUMENTS_SOURCES_MAX + 1]; /* those of the arguments, and the environment */
  struct stoa_arena *arena;                                          /* memory of the configuration */
  void *config;
  struct stoa_config_origins origins; /* of its values */
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
  if (stoa_arguments_parse(argc, argv, &program->arguments, error, sizeof error) == STOA_OK) {
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

/* Files, then the environment, then settings. */
static void order_sources(struct program *program) {
  const struct stoa_arguments *arguments = &program->arguments;
  size_t files = arguments->file_count;
  size_t settings = arguments->source_count - files;
  memcpy(program->sources, arguments->sources, files * sizeof program->sources[0]);
  program->sources[files] =
      (struct stoa_config_source){.kind = STOA_CONFIG_ENVIRONMENT, .text = stoa_string_of(program->app->name)};
  memcpy(&program->sources[files + 1], &arguments->sources[files], settings * sizeof program->sources[0]);
}

static int load_into(struct program *program, struct stoa_buffer *errors) {
  program->arena = stoa_arena_create(CONFIG_BYTES_MAX);
  program->config = program->arena == NULL ? NULL : stoa_arena_calloc(program->arena, program->type->size);
  if (program->config == NULL) {
    return STOA_E_MEMORY;
  }
  order_sources(program);
  const struct stoa_config_input input = {.type = program->type,
                                          .sources = program->sources,
                                          .source_count = program->arguments.source_count + 1,
                                          .environment = (const char *const *)environ,
                                          .origins = &program->origins};
  return stoa_config_load(&input, program->arena, program->config, errors);
}

/* The field of that name and type, or NULL. */
static const struct stoa_field *find_section(const struct stoa_message_type *type, const char *name,
                                             const struct stoa_message_type *wanted) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (strcmp(field->name, name) == 0 && field->kind == STOA_KIND_MESSAGE && field->label == STOA_LABEL_SINGULAR &&
        strcmp(field->message->full_name, wanted->full_name) == 0) {
      return field;
    }
  }
  return NULL;
}

static const void *section(const struct program *program, const struct stoa_field *field) {
  return *(const void *const *)stoa_slot(program->config, field);
}

/* The section of that name in a message, which is made if it is not there. NULL when memory is out. */
static void *make_section(const struct program *program, const struct stoa_message_type *type, void *message,
                          const char *name, const struct stoa_message_type *wanted) {
  const struct stoa_field *field = find_section(type, name, wanted);
  assert(field != NULL);
  return stoa_message_of_slot(field, stoa_slot_mut(message, field), program->arena);
}

static bool fill_requests(const struct program *program, void *log) {
  struct stoa_request_log_config *requests =
      make_section(program, &stoa_log_config_type, log, "requests", &stoa_request_log_config_type);
  if (requests != NULL && requests->sample == 0) {
    requests->sample = STOA_REQUEST_LOG_SAMPLE;
  }
  return requests != NULL;
}

/* The section server.admin, which has an address in every program. NULL when memory is out. */
static struct stoa_admin_config *make_admin(const struct program *program) {
  void *config = make_section(program, program->type, program->config, "server", &stoa_server_config_type);
  struct stoa_admin_config *admin =
      config == NULL ? NULL : make_section(program, &stoa_server_config_type, config, "admin", &stoa_admin_config_type);
  if (admin != NULL && admin->address.len == 0) {
    admin->address = stoa_string_of(ADMIN_ADDRESS);
  }
  return admin;
}

/* What the server puts in the place of what is left out is what is in force. */
static int fill_defaults(const struct program *program) {
  struct stoa_server_config *config =
      make_section(program, program->type, program->config, "server", &stoa_server_config_type);
  struct stoa_log_config *log = make_section(program, program->type, program->config, "log", &stoa_log_config_type);
  if (config == NULL || log == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_limits_config *limits =
      make_section(program, &stoa_server_config_type, config, "limits", &stoa_limits_config_type);
  struct stoa_rate_config *rate =
      limits == NULL ? NULL : make_section(program, &stoa_limits_config_type, limits, "rate", &stoa_rate_config_type);
  if (rate == NULL) {
    return STOA_E_MEMORY;
  }
  if (!fill_requests(program, log)) {
    return STOA_E_MEMORY;
  }
  if (make_section(program, &stoa_server_config_type, config, "shedding", &stoa_shedding_config_type) == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_tls_config *tls =
      config->tls == NULL ? NULL
                          : make_section(program, &stoa_server_config_type, config, "tls", &stoa_tls_config_type);
  if (tls != NULL) {
    stoa_options_fill_tls(tls);
  }
  struct stoa_admin_config *admin = make_admin(program);
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

/* Secrets are replaced in the program's configuration too. */
static int print_config(const struct program *program, struct stoa_buffer *out) {
  int status = fill_defaults(program);
  return status == STOA_OK ? stoa_config_print_all(program->type, program->config, &program->origins, out) : status;
}

static int show_config(const struct program *program) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, OUTPUT_BYTES_MAX);
  int status = print_config(program, &text);
  int exit_status = status == STOA_OK ? show(&text) : fail(program, status);
  stoa_buffer_fini(&text);
  return exit_status;
}

static enum stoa_log_severity log_level(const struct stoa_log_config *config) {
  static const enum stoa_log_severity levels[] = {
      [STOA_LOG_CONFIG_LEVEL_INFO] = STOA_LOG_INFO, [STOA_LOG_CONFIG_LEVEL_DEBUG] = STOA_LOG_DEBUG,
      [STOA_LOG_CONFIG_LEVEL_WARN] = STOA_LOG_WARN, [STOA_LOG_CONFIG_LEVEL_ERROR] = STOA_LOG_ERROR,
      [STOA_LOG_CONFIG_LEVEL_OFF] = STOA_LOG_OFF,
  };
  return levels[config == NULL ? STOA_LOG_CONFIG_LEVEL_INFO : config->level];
}

/* --check-config reports its result in the log, so the log is written whatever the configuration says. */
static void open_log(const struct program *program, const struct stoa_log_config *config) {
  enum stoa_log_severity level = log_level(config);
  bool is_json = config != NULL && config->format == STOA_LOG_CONFIG_FORMAT_JSON;
  if (program->arguments.action == STOA_ARGUMENTS_CHECK_CONFIG && level > STOA_LOG_WARN) {
    level = STOA_LOG_WARN;
  }
  stoa_log_setup(STDERR_FILENO, level, is_json ? STOA_LOG_JSON : STOA_LOG_LOGFMT);
}

/* Outside of the program's own middlewares. */
static int use_request_log(struct stoa_server *server, const struct stoa_log_config *log) {
  static const enum stoa_request_log_mode modes[] = {
      [STOA_REQUEST_LOG_CONFIG_MODE_ERRORS] = STOA_REQUEST_LOG_ERRORS,
      [STOA_REQUEST_LOG_CONFIG_MODE_OFF] = STOA_REQUEST_LOG_ERRORS,
      [STOA_REQUEST_LOG_CONFIG_MODE_SAMPLED] = STOA_REQUEST_LOG_SAMPLED,
      [STOA_REQUEST_LOG_CONFIG_MODE_ALL] = STOA_REQUEST_LOG_ALL,
  };
  const struct stoa_request_log_config *config = log == NULL ? NULL : log->requests;
  if (config == NULL) {
    return stoa_server_use_request_log(server, NULL, NULL);
  }
  if (config->mode == STOA_REQUEST_LOG_CONFIG_MODE_OFF) {
    return STOA_OK;
  }
  const struct stoa_request_log_options options = {.mode = modes[config->mode], .sample = config->sample};
  return stoa_server_use_request_log(server, NULL, &options);
}

static int start_failed(const char *what, int status) {
  stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("reason", stoa_status_text(status)));
  return EXIT_FAILED;
}

static int check_config(const struct stoa_server_config *config) {
  int status = stoa_server_check(config);
  return status == STOA_OK ? write_all(STDOUT_FILENO, "configuration ok\n", strlen("configuration ok\n"))
                           : start_failed("the configuration is not usable", status);
}

/* Give the admin listener what --print-config shows. It is loaded once more, because printing changes it. */
static void publish_config(const struct program *program, struct stoa_server *server) {
  struct program copy = {.app = program->app, .type = program->type, .arguments = program->arguments};
  struct stoa_buffer text;
  struct stoa_buffer errors;
  stoa_buffer_init(&text, OUTPUT_BYTES_MAX);
  stoa_buffer_init(&errors, OUTPUT_BYTES_MAX);
  int status = load_into(&copy, &errors);
  status = status == STOA_OK ? print_config(&copy, &text) : status;
  if (status == STOA_OK) {
    stoa_admin_set_config(server, &text);
  } else {
    stoa_log(STOA_LOG_WARN, "/debug/config has no configuration", STOA_F_STR("reason", stoa_status_text(status)));
  }
  stoa_arena_destroy(copy.arena);
  stoa_buffer_fini(&errors);
  stoa_buffer_fini(&text);
}

static int serve(const struct program *program, const struct stoa_server_config *config,
                 const struct stoa_log_config *log) {
  struct stoa_app_context context;
  struct stoa_server *server = NULL;
  /* The start of the server does it too, but lines are logged before, and the log's reader may have exited. */
  signal(SIGPIPE, SIG_IGN);
  int status = stoa_server_create(config, &server);
  if (status != STOA_OK) {
    return start_failed("the server could not start", status);
  }
  stoa_server_set_log(server, log);
  publish_config(program, server);
  status = use_request_log(server, log);
  if (status != STOA_OK) {
    stoa_server_destroy(server);
    return start_failed("the server could not start", status);
  }
  status = stoa_app_context_init(&context, program->app, program->config, server);
  bool is_good = status == STOA_OK && stoa_app_life_run(&context);
  stoa_app_context_fini(&context);
  if (status != STOA_OK) {
    return start_failed("the server could not start", status);
  }
  return is_good ? EXIT_FINE : EXIT_FAILED;
}

static int use_config(const struct program *program) {
  const struct stoa_field *server = find_section(program->type, "server", &stoa_server_config_type);
  const struct stoa_field *log = find_section(program->type, "log", &stoa_log_config_type);
  if (server == NULL || log == NULL) {
    complain(program, "%s has no stoa.ServerConfig server or no stoa.LogConfig log\n", program->type->full_name);
    return EXIT_FAILED;
  }
  if (program->arguments.action == STOA_ARGUMENTS_PRINT_CONFIG) {
    return show_config(program);
  }
  open_log(program, section(program, log));
  if (make_admin(program) == NULL) {
    return fail(program, STOA_E_MEMORY);
  }
  bool is_check = program->arguments.action == STOA_ARGUMENTS_CHECK_CONFIG;
  return is_check ? check_config(section(program, server))
                  : serve(program, section(program, server), section(program, log));
}

static int load_config(struct program *program) {
  struct stoa_buffer errors;
  stoa_buffer_init(&errors, OUTPUT_BYTES_MAX);
  int status = load_into(program, &errors);
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
  stoa_arena_destroy(program->arena);
  return exit_status;
}

int stoa_app_run(const struct stoa_app *app, int argc, char **argv) {
  struct program program = {.app = app, .type = app->config_type == NULL ? &stoa_app_config_type : app->config_type};
  int exit_status = read_arguments(&program, argc, argv);
  if (exit_status != EXIT_FINE) {
    return exit_status;
  }
  switch (program.arguments.action) {
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
