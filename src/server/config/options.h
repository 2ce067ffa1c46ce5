/* server/config/options.h: a server program's command line.
 *
 *   -c FILE, --config FILE, --config=FILE   a configuration file; repeated, later files win
 *   --set a.b=c, --set=a.b=c                one setting; repeated, later ones win, all of them after all files
 *   --check-config, --print-config, --version, --help (-h)
 *   --                                      no options behind this
 *
 * Does not know: what the configuration holds. Prints nothing.
 */
#ifndef STOA_SERVER_CONFIG_OPTIONS_H
#define STOA_SERVER_CONFIG_OPTIONS_H

#include "server/config/config.h"

#define STOA_OPTIONS_SOURCES_MAX 256u /* files and settings of one command line */

enum stoa_options_action {
  STOA_OPTIONS_RUN,
  STOA_OPTIONS_CHECK_CONFIG,
  STOA_OPTIONS_PRINT_CONFIG,
  STOA_OPTIONS_VERSION,
  STOA_OPTIONS_HELP
};

struct stoa_options {
  enum stoa_options_action action;                             /* of several, the one that stands last in the enum */
  struct stoa_config_source sources[STOA_OPTIONS_SOURCES_MAX]; /* files in order, then settings in order */
  size_t source_count;
  size_t file_count; /* how many of them are files */
};

/* Read the command line. `argv` is borrowed for as long as the options are used.
 *
 * out_error  `size` bytes; on an error a sentence without the program's name, cut to fit: unknown option "--foo"
 * Errors: STOA_E_ARGUMENT  an unknown option, one without its value or with one it does not take, a stray argument
 *         STOA_E_LIMIT     more than STOA_OPTIONS_SOURCES_MAX files and settings
 */
int stoa_options_parse(int argc, char **argv, struct stoa_options *out_options, char *out_error, size_t size);

/* Append the usage text: what the program is, and its options. Errors: as stoa_buffer_append(). */
int stoa_options_usage(const char *name, const char *about, struct stoa_buffer *out);

#endif
