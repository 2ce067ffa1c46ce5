/* command.h: the commands of the program beside serving: chatroom backup FILE, and so on.
 *
 * A command reads the configuration as the server does, from the same options, files and variables, so that it finds
 * the same data and the same admin listener.
 *
 * Thread: the main thread.
 */
#ifndef CHATROOM_COMMAND_H
#define CHATROOM_COMMAND_H

#include <chatroom/v1/conf.stoa.h>
#include <stdbool.h>

enum { COMMAND_FINE = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

#define COMMAND_OPTIONS_MAX 8

/* An option of one command, beside those of the configuration. */
struct command_option {
  const char *name; /* "--force" */
  bool has_value;
};

struct command_line;

struct command {
  const char *name;
  const char *operand; /* for the usage: "FILE" */
  const char *about;   /* what --help says after the usage */
  struct command_option options[COMMAND_OPTIONS_MAX];
  int (*run)(const struct chatroom_v1_config *config, const struct command_line *line);
};

/* What a command was given. Borrowed from argv. */
struct command_line {
  const struct command *command;
  const char *operand;
  const char *values[COMMAND_OPTIONS_MAX]; /* in the order of the options; "" without a value, NULL: not given */
};

extern const struct command command_backup, command_erase, command_export, command_import, command_restore,
    command_token;

/* The command of that name; NULL: there is none. */
const struct command *command_find(const char *name);
/* argv[0] is the command's name. Returns the exit status: 0 done, 1 failed, 2 bad usage; what was wrong is on standard
 * error. */
int command_run(const struct command *command, int argc, char **argv);

/* For the commands. */

/* "chatroom backup: TEXT" on standard error. Returns COMMAND_FAILED. */
__attribute__((format(printf, 2, 3))) int command_fail(const struct command_line *line, const char *format, ...);
/* "\r1200 messages" on standard error when that is a terminal; with `is_last` also the end of the line. */
void command_progress(const char *what, unsigned long long count, bool is_last);

#endif
