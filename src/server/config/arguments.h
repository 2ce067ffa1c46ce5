/* server/config/arguments.h: a server program's command line.
 *
 *   -c FILE, --config FILE, --config=FILE   a configuration file or a directory of them; repeated, later ones win
 *   --set a.b=c, --set=a.b=c                one setting; repeated, later ones win, all of them after all files
 *   --watch                                 reload when files of the configuration change
 *   --check-config, --print-config, --version, --help (-h)
 *   --                                      no options after this
 *
 * Does not know: the configuration's options. Prints nothing.
 */
#ifndef STOA_SERVER_CONFIG_ARGUMENTS_H
#define STOA_SERVER_CONFIG_ARGUMENTS_H

#include "server/config/config.h"

#define STOA_ARGUMENTS_SOURCES_MAX 256u /* files and settings of one command line */

enum stoa_arguments_action {
  STOA_ARGUMENTS_RUN,
  STOA_ARGUMENTS_CHECK_CONFIG,
  STOA_ARGUMENTS_PRINT_CONFIG,
  STOA_ARGUMENTS_VERSION,
  STOA_ARGUMENTS_HELP
};

struct stoa_arguments {
  enum stoa_arguments_action action;                             /* of several, the last one in the enum */
  struct stoa_config_source sources[STOA_ARGUMENTS_SOURCES_MAX]; /* files in order, then settings in order */
  size_t source_count;
  size_t file_count; /* how many of them are files */
  bool watch;
};

/* Read the command line. `argv` is borrowed for as long as the result is used.
 *
 * out_error  `size` bytes; on an error a message without the program's name, cut to fit: unknown option "--foo"
 * Errors: STOA_E_ARGUMENT  an unknown option, a missing or unexpected value, a stray argument
 *         STOA_E_LIMIT     more than STOA_ARGUMENTS_SOURCES_MAX files and settings
 */
int stoa_arguments_parse(int argc, char **argv, struct stoa_arguments *out_arguments, char *out_error, size_t size);

/* Append the usage text: name, description and options. Errors: as stoa_buffer_append(). */
int stoa_arguments_usage(const char *name, const char *about, struct stoa_buffer *out);

#endif
