/* options.h: the value of --stoa_opt: which files are written, and how.
 *
 * Does not know: what the outputs contain.
 */
#ifndef PLUGIN_OPTIONS_H
#define PLUGIN_OPTIONS_H

#include <stdbool.h>

enum option_output {
  OPTION_OUTPUT_C,
  OPTION_OUTPUT_CLIENT,
  OPTION_OUTPUT_TS,
  OPTION_OUTPUT_MARKDOWN,
  OPTION_OUTPUT_OPENAPI,
  OPTION_OUTPUT_COUNT
};

struct options {
  bool writes[OPTION_OUTPUT_COUNT];
  bool messages_only;  /* no services, senders and errors */
  bool hashes_numbers; /* what has no type number gets one from its name */
  bool skips_streams;  /* rpcs with streams of the client are left out; otherwise they are errors */
  bool skips_routes;   /* HTTP routes that no server can have are left out; otherwise they are errors */
};

/* `parameter` has options separated by commas; it may be NULL. Returns NULL when all are valid, otherwise what is
 * wrong. Without an output the output is C. */
const char *options_read(struct options *options, const char *parameter);

/* A line for each option, for --help. */
const char *options_help(void);

#endif
