/* base/metric_labels.h: the values that one label of a metric can have, or two that go together (code and reason).
 *
 * Each row is one combination of values. The number of rows is bounded at creation, and with it the number of time
 * series: values that come from elsewhere and find no room share a row. Nothing of a session, room or user is a label.
 *
 * Does not know: the metrics that use it.
 * Thread: any, after init; rows are added under a lock and read without one. Lifetime: the struct is the caller's
 * memory; rows stay until fini.
 */
#ifndef STOA_BASE_METRIC_LABELS_H
#define STOA_BASE_METRIC_LABELS_H

#include "base/array.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_METRIC_VALUES_MAX 2u
/* Bytes of one value that is added; what is longer is no label. */
#define STOA_METRIC_VALUE_LEN_MAX 128u

struct stoa_metric_row {
  const char *values[STOA_METRIC_VALUES_MAX]; /* as many as there are names; owned when rows were added */
};

struct stoa_metric_labels {
  const char *names[STOA_METRIC_VALUES_MAX]; /* literals; [1] NULL: one name */
  const struct stoa_metric_row *rows;
  uint32_t row_max; /* of which row_count are there */
  atomic_uint row_count;
  struct stoa_metric_row *added; /* rows, when they are added; NULL: a table of literals */
  pthread_mutex_t adding;
};

/* A table that is known when the program is compiled: an initializer. */
#define STOA_METRIC_LABELS(name, table) \
  { {name, NULL}, table, STOA_COUNT_OF(table), STOA_COUNT_OF(table), NULL, PTHREAD_MUTEX_INITIALIZER }

/* Without rows yet. `names` are literals, names[1] may be NULL. fini is due after an error too.
 * Errors: STOA_E_MEMORY */
int stoa_metric_labels_init(struct stoa_metric_labels *labels, const char *const names[STOA_METRIC_VALUES_MAX],
                            uint32_t row_max);
/* Of a zeroed one too. */
void stoa_metric_labels_fini(struct stoa_metric_labels *labels);

/* The row of these values, added when it is not there yet; *out_row is unchanged after an error. The second is not
 * looked at where there is one name.
 * Errors: STOA_E_LIMIT  row_max rows are there, or a value is longer than STOA_METRIC_VALUE_LEN_MAX
 *         STOA_E_UTF8   a value is not UTF-8, or has a NUL
 *         STOA_E_MEMORY */
int stoa_metric_labels_add(struct stoa_metric_labels *labels, struct stoa_string first, struct stoa_string second,
                           uint32_t *out_row);

static inline uint32_t stoa_metric_labels_count(const struct stoa_metric_labels *labels) {
  return atomic_load_explicit(&labels->row_count, memory_order_acquire);
}

#endif
