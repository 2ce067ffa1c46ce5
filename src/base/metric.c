#include "base/metric.h"

#include "base/memory.h"

#define CACHE_LINE 64u
#define CELLS_PER_LINE (CACHE_LINE / sizeof(struct stoa_metric_cell))

struct stoa_metrics {
  const struct stoa_metric *table;
  uint32_t metric_count;
  uint32_t shard_count; /* the last one is shared */
  uint32_t *starts;
  struct stoa_metric_shard *shards;
  void *block; /* all cells */
};

/* Cells of one series: a histogram's buckets, that of +Inf, and the sum. */
static uint32_t cells_each(const struct stoa_metric *metric) {
  return metric->family.type == STOA_METRIC_HISTOGRAM ? metric->bound_count + 2 : 1;
}

static uint64_t series_max(const struct stoa_metric *metric) {
  uint64_t count = 1;
  for (size_t i = 0; i < STOA_METRIC_LABELS_MAX; i++) {
    count *= metric->labels[i] == NULL ? 1 : metric->labels[i]->row_max;
  }
  return count;
}

static int lay_out(struct stoa_metrics *metrics) {
  uint64_t at = 0;
  for (uint32_t i = 0; i < metrics->metric_count; i++) {
    const struct stoa_metric *metric = &metrics->table[i];
    assert(metric->bound_count <= STOA_METRIC_BOUNDS_MAX);
    assert(metric->labels[0] != NULL || metric->labels[1] == NULL);
    metrics->starts[i] = (uint32_t)at;
    uint64_t count = series_max(metric);
    if (count > STOA_METRIC_CELLS_MAX || at + count * cells_each(metric) > STOA_METRIC_CELLS_MAX) {
      return STOA_E_LIMIT;
    }
    at += count * cells_each(metric);
  }
  metrics->starts[metrics->metric_count] = (uint32_t)at;
  return STOA_OK;
}

/* Each shard begins on a cache line of its own, and ends with one that nobody else uses. */
static int make_shards(struct stoa_metrics *metrics) {
  size_t lines = metrics->starts[metrics->metric_count] / CELLS_PER_LINE + 1;
  metrics->shards = stoa_calloc(metrics->shard_count, sizeof *metrics->shards);
  metrics->block = stoa_calloc(metrics->shard_count * lines + 1, CACHE_LINE);
  if (metrics->shards == NULL || metrics->block == NULL) {
    return STOA_E_MEMORY;
  }
  uint8_t *first = metrics->block;
  first += (CACHE_LINE - (uintptr_t)first % CACHE_LINE) % CACHE_LINE;
  for (uint32_t i = 0; i < metrics->shard_count; i++) {
    metrics->shards[i] =
        (struct stoa_metric_shard){.table = metrics->table,
                                   .starts = metrics->starts,
                                   .is_shared = i + 1 == metrics->shard_count,
                                   .cells = (struct stoa_metric_cell *)(void *)(first + i * lines * CACHE_LINE)};
  }
  return STOA_OK;
}

int stoa_metrics_create(const struct stoa_metric *table, uint32_t metric_count, uint32_t worker_count,
                        struct stoa_metrics **out_metrics) {
  struct stoa_metrics *metrics = stoa_calloc(1, sizeof *metrics);
  if (metrics == NULL) {
    return STOA_E_MEMORY;
  }
  metrics->table = table;
  metrics->metric_count = metric_count;
  metrics->shard_count = worker_count + 1;
  metrics->starts = stoa_calloc((size_t)metric_count + 1, sizeof *metrics->starts);
  int status = metrics->starts == NULL ? STOA_E_MEMORY : lay_out(metrics);
  if (status == STOA_OK) {
    status = make_shards(metrics);
  }
  if (status != STOA_OK) {
    stoa_metrics_destroy(metrics);
    return status;
  }
  *out_metrics = metrics;
  return STOA_OK;
}

void stoa_metrics_destroy(struct stoa_metrics *metrics) {
  if (metrics == NULL) {
    return;
  }
  stoa_free(metrics->block);
  stoa_free(metrics->shards);
  stoa_free(metrics->starts);
  stoa_free(metrics);
}

struct stoa_metric_shard *stoa_metrics_shard(struct stoa_metrics *metrics, uint32_t worker) {
  assert(worker + 1 < metrics->shard_count);
  return &metrics->shards[worker];
}

struct stoa_metric_shard *stoa_metrics_shared_shard(struct stoa_metrics *metrics) {
  return &metrics->shards[metrics->shard_count - 1];
}

/* Bumping. */

void stoa_metric_observe(struct stoa_metric_shard *shard, uint32_t metric, uint32_t series, uint64_t value) {
  const struct stoa_metric *about = &shard->table[metric];
  uint32_t cell = shard->starts[metric] + series * cells_each(about);
  uint32_t bucket = 0;
  assert(about->family.type == STOA_METRIC_HISTOGRAM);
  assert(cell < shard->starts[metric + 1]);
  while (bucket < about->bound_count && value > about->bounds[bucket]) {
    bucket++;
  }
  stoa_metric_shard_add(shard, cell + bucket, 1);
  stoa_metric_shard_add(shard, cell + about->bound_count + 1, value);
}

struct stoa_metric_series_cells stoa_metric_series_of(struct stoa_metric_shard *shard, uint32_t metric,
                                                      uint32_t series) {
  const struct stoa_metric *about = &shard->table[metric];
  uint32_t cell = shard->starts[metric] + series * cells_each(about);
  assert(!shard->is_shared);
  assert(about->family.type == STOA_METRIC_HISTOGRAM);
  assert(cell < shard->starts[metric + 1]);
  return (struct stoa_metric_series_cells){&shard->cells[cell], about->bounds, about->bound_count};
}

/* Scraping. */

static uint64_t sum(const struct stoa_metrics *metrics, uint32_t cell) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < metrics->shard_count; i++) {
    total += stoa_metric_cell_value(&metrics->shards[i].cells[cell]);
  }
  return total;
}

uint64_t stoa_metrics_value(const struct stoa_metrics *metrics, uint32_t metric, uint32_t series) {
  assert(metric < metrics->metric_count);
  assert(metrics->table[metric].family.type != STOA_METRIC_HISTOGRAM);
  return sum(metrics, metrics->starts[metric] + series);
}

/* The labels of a series; returns how many. */
static size_t labels_of(const struct stoa_metric *metric, const uint32_t rows[STOA_METRIC_LABELS_MAX],
                        struct stoa_metric_label out_labels[STOA_METRIC_LABELS_MAX * STOA_METRIC_VALUES_MAX]) {
  size_t count = 0;
  for (size_t i = 0; i < STOA_METRIC_LABELS_MAX && metric->labels[i] != NULL; i++) {
    const struct stoa_metric_labels *labels = metric->labels[i];
    for (size_t j = 0; j < STOA_METRIC_VALUES_MAX && labels->names[j] != NULL; j++) {
      out_labels[count++] = (struct stoa_metric_label){labels->names[j], labels->rows[rows[i]].values[j]};
    }
  }
  return count;
}

static void write_series(const struct stoa_metrics *metrics, uint32_t index, struct stoa_metric_text *text,
                         const uint32_t rows[STOA_METRIC_LABELS_MAX]) {
  const struct stoa_metric *metric = &metrics->table[index];
  struct stoa_metric_label labels[STOA_METRIC_LABELS_MAX * STOA_METRIC_VALUES_MAX];
  uint64_t values[STOA_METRIC_BOUNDS_MAX + 2];
  uint64_t any = 0;
  uint32_t count = cells_each(metric);
  uint32_t cell = metrics->starts[index] + stoa_metric_series(metric, rows[0], rows[1]) * count;
  for (uint32_t i = 0; i < count; i++) {
    values[i] = sum(metrics, cell + i);
    any |= values[i];
  }
  if (metric->is_sparse && any == 0) {
    return;
  }
  size_t label_count = labels_of(metric, rows, labels);
  if (metric->family.type == STOA_METRIC_HISTOGRAM) {
    const struct stoa_metric_histogram histogram = {metric->bounds, values, metric->bound_count, values[count - 1]};
    stoa_metric_text_histogram(text, labels, label_count, &histogram);
  } else {
    stoa_metric_text_value(text, labels, label_count, values[0]);
  }
}

static uint32_t row_count(const struct stoa_metric *metric, size_t label) {
  return metric->labels[label] == NULL ? 1 : stoa_metric_labels_count(metric->labels[label]);
}

/* Returns how many cells were read. */
static uint64_t write_row(const struct stoa_metrics *metrics, uint32_t index, uint32_t row,
                          struct stoa_metric_text *text) {
  const struct stoa_metric *metric = &metrics->table[index];
  uint32_t count = row_count(metric, 1);
  for (uint32_t second = 0; second < count; second++) {
    const uint32_t rows[STOA_METRIC_LABELS_MAX] = {row, second};
    write_series(metrics, index, text, rows);
  }
  return (uint64_t)count * cells_each(metric) * metrics->shard_count;
}

bool stoa_metrics_write_some(const struct stoa_metrics *metrics, struct stoa_metric_text *text,
                             struct stoa_metrics_position *position, uint64_t cells_max) {
  uint64_t cells = 0;
  while (position->metric < metrics->metric_count) {
    const struct stoa_metric *metric = &metrics->table[position->metric];
    if (position->row == 0) {
      stoa_metric_text_family(text, &metric->family);
    }
    while (position->row < row_count(metric, 0)) {
      cells += write_row(metrics, position->metric, position->row++, text);
      if (cells >= cells_max) {
        return false;
      }
    }
    position->metric++;
    position->row = 0;
  }
  return true;
}

void stoa_metrics_write(const struct stoa_metrics *metrics, struct stoa_metric_text *text) {
  struct stoa_metrics_position position = {0};
  bool is_done = stoa_metrics_write_some(metrics, text, &position, UINT64_MAX);
  assert(is_done);
  (void)is_done;
}

void stoa_metric_histogram_of(const struct stoa_metric_shard *shard, uint32_t metric, uint32_t series,
                              uint64_t *out_counts, uint64_t *out_sum) {
  const struct stoa_metric *about = &shard->table[metric];
  uint32_t cell = shard->starts[metric] + series * cells_each(about);
  assert(about->family.type == STOA_METRIC_HISTOGRAM);
  assert(cell < shard->starts[metric + 1]);
  for (uint32_t i = 0; i <= about->bound_count; i++) {
    out_counts[i] = stoa_metric_cell_value(&shard->cells[cell + i]);
  }
  *out_sum = stoa_metric_cell_value(&shard->cells[cell + about->bound_count + 1]);
}
