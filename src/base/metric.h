/* base/metric.h: counters, gauges and histograms that threads bump without a lock and without a shared cache line.
 *
 * A table declares the metrics: name, help, type, unit and the values of the labels. So how many time series there are
 * is known when the set is created. Each worker has a shard of its own, where a bump is a load, an add and a store.
 * All threads that are no workers share one more shard, where a bump is an atomic add. A scrape sums the shards; a
 * gauge that goes up in one shard may go down in another.
 *
 * Does not know: what is counted, workers, the process. There is no global state: each server has a set of its own.
 * Thread: create and destroy while nobody else uses the set; a shard is bumped by its worker's thread only, the shared
 *         one by any; scraping on any.
 * Lifetime: the table and the labels are borrowed until destroy.
 */
#ifndef STOA_BASE_METRIC_H
#define STOA_BASE_METRIC_H

#include "base/metric_labels.h"
#include "base/metric_text.h"

#include <assert.h>

#define STOA_METRIC_LABELS_MAX 2u
/* Of one metric, +Inf not counted. */
#define STOA_METRIC_BOUNDS_MAX 32u
/* Of a whole set, 8 bytes each in each shard. */
#define STOA_METRIC_CELLS_MAX (16u * 1024 * 1024)

struct stoa_metric {
  struct stoa_metric_family family;
  struct stoa_metric_labels *labels[STOA_METRIC_LABELS_MAX]; /* each row with each; the first ones that are not NULL */
  const uint64_t *bounds;                                    /* of a histogram, in units of 10^-decimals */
  uint32_t bound_count;
  bool is_sparse; /* series that are 0 are not written: there are many, and most stay so */
};

/* One number. Alone it is a counter or gauge that one thread bumps and others read. */
struct stoa_metric_cell {
  _Atomic(uint64_t) value;
};

struct stoa_metric_shard {
  const struct stoa_metric *table;
  const uint32_t *starts; /* where the cells of each metric begin, and where the last one's end */
  bool is_shared;
  struct stoa_metric_cell *cells;
};

struct stoa_metrics;

/* worker_count  shards beside the shared one
 * Errors: STOA_E_LIMIT  more than STOA_METRIC_CELLS_MAX; STOA_E_MEMORY */
int stoa_metrics_create(const struct stoa_metric *table, uint32_t metric_count, uint32_t worker_count,
                        struct stoa_metrics **out_metrics);
/* NULL is fine. */
void stoa_metrics_destroy(struct stoa_metrics *metrics);

/* A worker's. */
struct stoa_metric_shard *stoa_metrics_shard(struct stoa_metrics *metrics, uint32_t worker);
/* Of all threads that are no workers. */
struct stoa_metric_shard *stoa_metrics_shared_shard(struct stoa_metrics *metrics);

/* Bumping. */

/* By the only thread that does: no other one loses an add in between, so it needs no locked instruction. */
static inline void stoa_metric_cell_add(struct stoa_metric_cell *cell, uint64_t value) {
  uint64_t before = atomic_load_explicit(&cell->value, memory_order_relaxed);
  atomic_store_explicit(&cell->value, before + value, memory_order_relaxed);
}

static inline uint64_t stoa_metric_cell_value(const struct stoa_metric_cell *cell) {
  return atomic_load_explicit(&cell->value, memory_order_relaxed);
}

/* The series of a row of each of its labels; `second` is 0 where there is one label, both where there is none. */
static inline uint32_t stoa_metric_series(const struct stoa_metric *metric, uint32_t first, uint32_t second) {
  return metric->labels[1] == NULL ? first : first * metric->labels[1]->row_max + second;
}

static inline void stoa_metric_shard_add(struct stoa_metric_shard *shard, uint32_t cell, uint64_t value) {
  if (shard->is_shared) {
    atomic_fetch_add_explicit(&shard->cells[cell].value, value, memory_order_relaxed);
  } else {
    stoa_metric_cell_add(&shard->cells[cell], value);
  }
}

/* Add to a counter or gauge; a gauge takes (uint64_t)-1 as well. `metric` is its index in the table. */
static inline void stoa_metric_add(struct stoa_metric_shard *shard, uint32_t metric, uint32_t series, uint64_t value) {
  uint32_t cell = shard->starts[metric] + series;
  assert(cell < shard->starts[metric + 1]);
  stoa_metric_shard_add(shard, cell, value);
}

/* The cell of a counter or gauge, for code that knows neither table nor shard. By the shard's thread only. */
static inline struct stoa_metric_cell *stoa_metric_cell_of(struct stoa_metric_shard *shard, uint32_t metric,
                                                           uint32_t series) {
  assert(!shard->is_shared);
  assert(shard->starts[metric] + series < shard->starts[metric + 1]);
  return &shard->cells[shard->starts[metric] + series];
}

/* Of a counter that its thread counts elsewhere: all of it so far. */
static inline void stoa_metric_cell_set(struct stoa_metric_cell *cell, uint64_t value) {
  atomic_store_explicit(&cell->value, value, memory_order_relaxed);
}

/* One series of a histogram, for code that puts in so many values that looking the series up would cost too much. */
struct stoa_metric_series_cells {
  struct stoa_metric_cell *cells; /* a bucket each, that of +Inf, the sum */
  const uint64_t *bounds;
  uint32_t bound_count;
};

/* By the shard's thread only; valid as long as the shard. */
struct stoa_metric_series_cells stoa_metric_series_of(struct stoa_metric_shard *shard, uint32_t metric,
                                                      uint32_t series);

static inline void stoa_metric_series_observe(const struct stoa_metric_series_cells *series, uint64_t value) {
  uint32_t bucket = 0;
  while (bucket < series->bound_count && value > series->bounds[bucket]) {
    bucket++;
  }
  stoa_metric_cell_add(&series->cells[bucket], 1);
  stoa_metric_cell_add(&series->cells[series->bound_count + 1], value);
}

/* Put a value into a histogram. */
void stoa_metric_observe(struct stoa_metric_shard *shard, uint32_t metric, uint32_t series, uint64_t value);

/* Scraping. */

/* A counter's or gauge's sum over all shards. */
uint64_t stoa_metrics_value(const struct stoa_metrics *metrics, uint32_t metric, uint32_t series);
/* Write all metrics in the table's order. What goes wrong, stoa_metric_text_end() tells. */
void stoa_metrics_write(const struct stoa_metrics *metrics, struct stoa_metric_text *text);

/* Where a scrape in steps goes on; zeroed at first. */
struct stoa_metrics_position {
  uint32_t metric, row;
};
/* Write a part: all series of the next rows of a first label, until so many cells were read. Returns true when nothing
 * is left. `text` may have another buffer in the next step. */
bool stoa_metrics_write_some(const struct stoa_metrics *metrics, struct stoa_metric_text *text,
                             struct stoa_metrics_position *position, uint64_t cells_max);

/* What one shard has in a histogram's series. Any thread. out_counts has room for bound_count + 1. */
void stoa_metric_histogram_of(const struct stoa_metric_shard *shard, uint32_t metric, uint32_t series,
                              uint64_t *out_counts, uint64_t *out_sum);

#endif
