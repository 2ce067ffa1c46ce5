/* server/config/report.h: collects the mistakes of one load and writes them in order.
 *
 * Thread: one at a time. Lifetime: init and fini pair up; the struct is the caller's memory.
 */
#ifndef STOA_SERVER_CONFIG_REPORT_H
#define STOA_SERVER_CONFIG_REPORT_H

#include "server/config/config.h"

/* A place in a source, from 1. Line 0 means the whole source. */
struct stoa_config_mark {
  uint32_t line;
  uint32_t column;
};

struct stoa_config_mistake {
  size_t order; /* of its source */
  struct stoa_config_source source;
  struct stoa_config_mark mark;
  struct stoa_string text; /* in the arena */
};

struct stoa_config_report {
  struct stoa_arena *arena;         /* owned */
  size_t order;                     /* of the source of the mistakes that are added now */
  struct stoa_config_source source; /* that source; what it points to must live until the report is written */
  struct stoa_config_mistake mistakes[STOA_CONFIG_ERRORS_MAX];
  size_t count;
  size_t dropped; /* found after the list was full */
};

/* Errors: STOA_E_MEMORY  then there is nothing to release. */
int stoa_config_report_init(struct stoa_config_report *report);
void stoa_config_report_fini(struct stoa_config_report *report);

/* The next mistakes belong to this source; they are shown after those of earlier sources. */
void stoa_config_report_begin(struct stoa_config_report *report, const struct stoa_config_source *source);

/* Add one mistake of the current source; a text above 511 bytes is cut. Errors: STOA_E_MEMORY */
int stoa_config_report_add(struct stoa_config_report *report, struct stoa_config_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Append all of them, by source and place, one line each.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY  `out` is as before. */
int stoa_config_report_write(struct stoa_config_report *report, struct stoa_buffer *out);

/* Append where a value came from, as one line of a comment: configs/a.yaml:12, STOA_SERVER_PATH, --set.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_config_origin_append(const struct stoa_config_source *source, uint32_t line, struct stoa_buffer *out);

/* A piece of input in double quotes, for a message: control characters are escaped, and a long text is cut with "..."
 * so that the rest of the message stays readable. */
struct stoa_config_quoted {
  char text[80];
};
struct stoa_config_quoted stoa_config_quote(struct stoa_string text);

#endif
