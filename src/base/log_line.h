/* base/log_line.h: one event as one line of text, logfmt or JSON.
 *
 * Does not know: where the line goes. Thread: any. Allocates nothing.
 */
#ifndef STOA_BASE_LOG_LINE_H
#define STOA_BASE_LOG_LINE_H

#include <stoa/log.h>

#define STOA_LOG_LINE_BYTES_MAX 8192u

struct stoa_log_line {
  size_t len;
  size_t len_max;
  bool is_full;
  enum stoa_log_format style;
  enum stoa_log_severity level;
  char data[STOA_LOG_LINE_BYTES_MAX]; /* ends with a line feed, without a NUL */
};

struct stoa_log_head {
  int64_t wall_us;
  enum stoa_log_format style;
  enum stoa_log_severity level;
  const char *event;
  const char *trace;         /* the last field, `trace`, unless the fields have one; NULL: none */
  uint32_t suppressed_count; /* written at the end of the line when it is not 0 */
};

/* Fields that do not fit are counted as left_out=N. */
void stoa_log_line_compose(struct stoa_log_line *line, const struct stoa_log_head *head,
                           const struct stoa_log_field *fields, size_t field_count);

#endif
