#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stoa/app.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 256

static const struct command *const commands[] = {&command_backup, &command_erase,   &command_export,
                                                 &command_import, &command_restore, &command_token};

const struct command *command_find(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(commands[i]->name, name) == 0) {
      return commands[i];
    }
  }
  return NULL;
}

int command_fail(const struct command_line *line, const char *format, ...) {
  va_list values;
  va_start(values, format);
  fprintf(stderr, "chatroom %s: ", line->command->name);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  return COMMAND_FAILED;
}

void command_progress(const char *what, unsigned long long count, bool is_last) {
  if (isatty(STDERR_FILENO)) {
    fprintf(stderr, "\r%llu %s%s", count, what, is_last ? "\n" : "");
  }
}

/* The arguments that the configuration takes, after the name of the program. */
struct rest {
  int count;
  char **values;
};

static bool is_value_given(const char *argument, const char *name) {
  size_t len = strlen(name);
  return strncmp(argument, name, len) == 0 && argument[len] == '=';
}

/* How many arguments it is with its value: 0, it is no option of the configuration. */
static int configuration_arguments(const char *argument) {
  if (strcmp(argument, "-c") == 0 || strcmp(argument, "--config") == 0 || strcmp(argument, "--set") == 0) {
    return 2;
  }
  return is_value_given(argument, "--config") || is_value_given(argument, "--set") ? 1 : 0;
}

static int show_help(const struct command *command) {
  printf("chatroom %s %s [OPTIONS]\n\n%s\n\nOptions:\n", command->name, command->operand, command->about);
  printf("  -c, --config FILE, --set a.b=c  the configuration, as of the server\n  -h, --help\n");
  return COMMAND_FINE;
}

static int usage(const struct command_line *line, const char *what, const char *argument) {
  fprintf(stderr, "chatroom %s: %s%s%s; try chatroom %s --help\n", line->command->name, what,
          argument[0] == '\0' ? "" : " ", argument, line->command->name);
  return COMMAND_USAGE;
}

/* An option of the command itself. Returns how many arguments it is; 0: none, -1: its value is missing. */
static int own_option(struct command_line *line, char **argv, int left) {
  const struct command_option *options = line->command->options;
  for (size_t i = 0; i < COMMAND_OPTIONS_MAX && options[i].name != NULL; i++) {
    if (options[i].has_value && is_value_given(argv[0], options[i].name)) {
      line->values[i] = argv[0] + strlen(options[i].name) + 1;
      return 1;
    }
    if (strcmp(argv[0], options[i].name) == 0) {
      line->values[i] = !options[i].has_value ? "" : left > 1 ? argv[1] : NULL;
      return line->values[i] == NULL ? -1 : options[i].has_value ? 2 : 1;
    }
  }
  return 0;
}

/* COMMAND_FINE, or the exit status. */
static int parse(struct command_line *line, int argc, char **argv, struct rest *rest) {
  for (int i = 1; i < argc;) {
    int own = own_option(line, argv + i, argc - i);
    int count = own == 0 ? configuration_arguments(argv[i]) : 0;
    if (own < 0 || count > argc - i) {
      return usage(line, "a value is missing after", argv[i]);
    }
    for (int j = 0; j < count; j++) {
      rest->values[rest->count++] = argv[i + j];
    }
    if (own == 0 && count == 0) {
      bool is_operand = argv[i][0] != '-' || strcmp(argv[i], "-") == 0;
      if (!is_operand || line->operand != NULL) {
        return usage(line, is_operand ? "one argument too many:" : "unknown option", argv[i]);
      }
      line->operand = argv[i];
      count = 1;
    }
    i += own + count;
  }
  return line->operand != NULL && line->operand[0] != '\0' ? COMMAND_FINE
                                                           : usage(line, "missing", line->command->operand);
}

static int use(const void *config, void *user) {
  const struct command_line *line = user;
  return line->command->run(config, line);
}

int command_run(const struct command *command, int argc, char **argv) {
  struct command_line line = {.command = command};
  char *values[ARGUMENTS_MAX + 1];
  struct rest rest = {.values = values};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      return show_help(command);
    }
  }
  if (argc > ARGUMENTS_MAX) {
    return usage(&line, "too many arguments", "");
  }
  values[rest.count++] = argv[0];
  int status = parse(&line, argc, argv, &rest);
  if (status != COMMAND_FINE) {
    return status;
  }
  values[rest.count] = NULL;
  const struct stoa_app app = {.name = "chatroom", .config_type = &chatroom_v1_config_type, .user = &line};
  return stoa_app_use_config(&app, rest.count, values, use);
}
