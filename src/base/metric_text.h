/* base/metric_text.h: metrics as text, in the format of Prometheus 0.0.4 or of OpenMetrics 1.0.
 *
 * The caller writes one family after the other, each family's samples after it, then the end:
 *
 *   stoa_metric_text_family(&text, &family);
 *   stoa_metric_text_value(&text, labels, label_count, value);
 *   ...
 *   status = stoa_metric_text_end(&text);
 *
 * Names are the caller's: they match [a-zA-Z_][a-zA-Z0-9_]*, and a family's name is written once. Help and label values
 * are any UTF-8; they are escaped. Numbers are written from integers, so the text does not depend on the locale.
 *
 * Does not know: where the values come from, HTTP.
 * Thread: one at a time. Lifetime: everything is borrowed; nothing is kept after stoa_metric_text_end().
 */
#ifndef STOA_BASE_METRIC_TEXT_H
#define STOA_BASE_METRIC_TEXT_H

#include <stoa/buffer.h>

enum stoa_metric_format {
  STOA_METRIC_PROMETHEUS, /* text format 0.0.4 */
  STOA_METRIC_OPENMETRICS /* OpenMetrics 1.0 */
};

enum stoa_metric_type {
  STOA_METRIC_COUNTER,
  STOA_METRIC_GAUGE,
  STOA_METRIC_HISTOGRAM,
  STOA_METRIC_INFO /* its labels say it all: the value is 1. A gauge in Prometheus */
};

/* What the samples of one name have in common. */
struct stoa_metric_family {
  const char *name; /* without _total, _info, _bucket; with a unit, it ends with it */
  const char *help; /* one sentence */
  const char *unit; /* "seconds", "bytes"; NULL: none */
  enum stoa_metric_type type;
  unsigned decimals; /* a value counts 10^-decimals of the unit: 9 for nanoseconds; at most 18 */
};

struct stoa_metric_label {
  const char *name;
  const char *value;
};

struct stoa_metric_histogram {
  const uint64_t *bounds; /* ascending; a bucket counts what is at most its bound */
  const uint64_t *counts; /* bound_count + 1, each bucket's own; the last is of what is above all bounds */
  uint32_t bound_count;
  uint64_t sum;
};

struct stoa_metric_text {
  struct stoa_buffer *out;
  enum stoa_metric_format format;
  const struct stoa_metric_family *family; /* the one that samples belong to */
  int status;                              /* of the first thing that failed; nothing is written after it */
};

/* The value of Content-Type for that format. */
const char *stoa_metric_content_type(enum stoa_metric_format format);

static inline struct stoa_metric_text stoa_metric_text_begin(enum stoa_metric_format format, struct stoa_buffer *out) {
  return (struct stoa_metric_text){.out = out, .format = format, .status = STOA_OK};
}
/* The family is borrowed until the next one, or the end. */
void stoa_metric_text_family(struct stoa_metric_text *text, const struct stoa_metric_family *family);
/* A sample of a counter, an info or a gauge; a gauge's value is signed (two's complement). */
void stoa_metric_text_value(struct stoa_metric_text *text, const struct stoa_metric_label *labels, size_t label_count,
                            uint64_t value);
/* The samples of a histogram. No label is named `le`. */
void stoa_metric_text_histogram(struct stoa_metric_text *text, const struct stoa_metric_label *labels,
                                size_t label_count, const struct stoa_metric_histogram *histogram);
/* Errors: STOA_E_MEMORY; STOA_E_LIMIT  the buffer's cap; the buffer then holds a part, which is of no use */
int stoa_metric_text_end(struct stoa_metric_text *text);

#endif
