/* server/admin/loop.c: the page /debug/loop: where workers spend their time. */
#include "base/array.h"
#include "codec/json_write.h"
#include "server/admin/pages.h"
#include "server/server_private.h"

#include <stdarg.h>
#include <stdio.h>

#define PAGE_BYTES_MAX ((size_t)16 * 1024 * 1024)
/* Of each worker: those that took most of its time. */
#define OPERATIONS_MAX 20u
#define BUCKETS_MAX (STOA_METRIC_BOUNDS_MAX + 1)
#define NS_PER_US 1000u

/* What goes wrong stays in `status`, and nothing is written after it. */
struct page {
  struct stoa_buffer text;
  int status;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *page, const char *format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  int len = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  size_t count = len < 0 ? 0 : (size_t)len < sizeof line ? (size_t)len : sizeof line - 1;
  page->status = page->status == STOA_OK ? stoa_buffer_append(&page->text, line, count) : page->status;
}

static void put_text(struct page *page, const char *text) {
  static const struct stoa_json_options options = STOA_JSON_DEFAULTS;
  struct stoa_json_writer writer = {.out = &page->text, .options = &options};
  const struct stoa_string value = stoa_string_of(text);
  page->status = page->status == STOA_OK ? stoa_json_write_string(&writer, &value) : page->status;
}

/* Without floating point, whose text depends on the locale. */
static void put_us(struct page *page, const char *name, uint64_t ns) {
  put(page, "\"%s\":%llu.%03u", name, (unsigned long long)(ns / NS_PER_US), (unsigned)(ns % NS_PER_US));
}

/* Histograms. */

/* The value below which so many thousandths are: by the bound of its bucket, as Prometheus's histogram_quantile(), and
 * for the last bucket its lower bound. */
static uint64_t quantile(const struct stoa_metric *metric, const uint64_t *counts, uint32_t thousandths) {
  uint64_t total = 0;
  uint64_t seen = 0;
  for (uint32_t i = 0; i <= metric->bound_count; i++) {
    total += counts[i];
  }
  uint64_t wanted = (total * thousandths + 999) / 1000;
  for (uint32_t i = 0; i < metric->bound_count; i++) {
    if (seen + counts[i] >= wanted && counts[i] > 0) {
      uint64_t low = i == 0 ? 0 : metric->bounds[i - 1];
      return low + (metric->bounds[i] - low) * (wanted - seen) / counts[i];
    }
    seen += counts[i];
  }
  return total == 0 ? 0 : metric->bounds[metric->bound_count - 1];
}

static void put_histogram(struct page *page, const struct stoa_worker *worker, enum stoa_server_metric index,
                          const char *name) {
  static const struct {
    const char *name;
    uint32_t thousandths;
  } quantiles[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p999", 999}};
  const struct stoa_metric *metric = &worker->metrics->table[index];
  uint64_t counts[BUCKETS_MAX];
  uint64_t sum = 0;
  uint64_t total = 0;
  stoa_metric_histogram_of(worker->metrics, index, 0, counts, &sum);
  for (uint32_t i = 0; i <= metric->bound_count; i++) {
    total += counts[i];
  }
  put(page, "\"%s\":{\"count\":%llu,", name, (unsigned long long)total);
  put_us(page, "mean", total == 0 ? 0 : sum / total);
  for (size_t i = 0; i < STOA_COUNT_OF(quantiles); i++) {
    put(page, ",");
    put_us(page, quantiles[i].name, quantile(metric, counts, quantiles[i].thousandths));
  }
  put(page, "},");
}

/* Handlers. */

struct operation {
  uint32_t index;
  enum stoa_transport transport;
  uint64_t count; /* of the sample */
  uint64_t sum_ns;
};

/* Keep those with the greatest sums, in their order. */
static uint32_t keep(struct operation *kept, uint32_t count, const struct operation *candidate) {
  uint32_t place = count;
  while (place > 0 && kept[place - 1].sum_ns < candidate->sum_ns) {
    place--;
  }
  if (place == OPERATIONS_MAX) {
    return count;
  }
  uint32_t moved = count < OPERATIONS_MAX ? count - place : OPERATIONS_MAX - 1 - place;
  memmove(&kept[place + 1], &kept[place], moved * sizeof kept[0]);
  kept[place] = *candidate;
  return count < OPERATIONS_MAX ? count + 1 : count;
}

static struct operation read_operation(const struct stoa_worker *worker, uint32_t index,
                                       enum stoa_transport transport) {
  const struct stoa_server_metrics *metrics = &worker->server->metrics;
  struct operation operation = {.index = index, .transport = transport};
  uint64_t counts[BUCKETS_MAX];
  uint32_t row = metrics->operation_rows[index * STOA_TRANSPORT_COUNT + transport];
  stoa_metric_histogram_of(worker->metrics, STOA_M_REQUEST_SECONDS, row, counts, &operation.sum_ns);
  for (uint32_t i = 0; i <= metrics->table[STOA_M_REQUEST_SECONDS].bound_count; i++) {
    operation.count += counts[i];
  }
  return operation;
}

static void put_operations(struct page *page, const struct stoa_worker *worker) {
  const struct stoa_server_metrics *metrics = &worker->server->metrics;
  struct operation kept[OPERATIONS_MAX];
  uint32_t count = 0;
  for (uint32_t i = 0; i < metrics->operation_count; i++) {
    for (uint32_t transport = 0; transport < STOA_TRANSPORT_COUNT; transport++) {
      struct operation operation = read_operation(worker, i, transport);
      count = operation.count == 0 ? count : keep(kept, count, &operation);
    }
  }
  put(page, "\"handlers\":[");
  for (uint32_t i = 0; i < count; i++) {
    put(page, "%s{\"operation\":", i == 0 ? "" : ",");
    put_text(page, stoa_server_metrics_operation_name(metrics, kept[i].index));
    put(page, ",\"kind\":\"%s\",\"sampled\":%llu,", stoa_transport_name(kept[i].transport),
        (unsigned long long)kept[i].count);
    put_us(page, "mean", kept[i].sum_ns / kept[i].count);
    put(page, ",");
    put_us(page, "estimated_total", kept[i].sum_ns * STOA_METRICS_SAMPLE);
    put(page, "}");
  }
  put(page, "]");
}

/* Workers. */

static void put_cells(struct page *page, const char *name, const char *const *names,
                      const struct stoa_metric_cell *cells, size_t count, uint64_t factor) {
  put(page, "\"%s\":{", name);
  for (size_t i = 0; i < count; i++) {
    put(page, i == 0 ? "" : ",");
    put_us(page, names[i], stoa_metric_cell_value(&cells[i]) * factor);
  }
  put(page, "},");
}

static void put_worker(struct page *page, const struct stoa_worker *worker) {
  static const char *const steps[] = {[STOA_LOOP_EVENTS] = "events",
                                      [STOA_LOOP_POSTS] = "posts",
                                      [STOA_LOOP_TIMERS] = "timers",
                                      [STOA_LOOP_END] = "end"};
  static const char *const parts[] = {[STOA_TURN_READY] = "ready_list",
                                      [STOA_TURN_FANOUT] = "fan_out",
                                      [STOA_TURN_PLACEMENTS] = "ordered_joins",
                                      [STOA_TURN_OUTPUT] = "output",
                                      [STOA_TURN_SWEEP] = "sweep"};
  const struct stoa_worker_watch *watch = &worker->watch;
  _Static_assert(STOA_COUNT_OF(steps) == STOA_LOOP_STEPS, "a name for each step");
  _Static_assert(STOA_COUNT_OF(parts) == STOA_TURN_PARTS, "a name for each part");
  put(page, "{\"worker\":%u,\"turns\":%llu,", worker->index, (unsigned long long)stoa_metric_cell_value(&watch->turns));
  put_us(page, "busy", stoa_metric_cell_value(&watch->turns_ns));
  put(page, ",");
  put_histogram(page, worker, STOA_M_TURN_SECONDS, "turn");
  put_histogram(page, worker, STOA_M_LAG_SECONDS, "lag");
  put_us(page, "last_lag", atomic_load_explicit(&watch->late_ns, memory_order_relaxed));
  put(page, ",");
  put_cells(page, "steps", steps, watch->steps_ns, STOA_LOOP_STEPS, 1);
  put_cells(page, "estimated_end_parts", parts, watch->parts_ns, STOA_TURN_PARTS, STOA_WATCH_PARTS_EVERY);
  put_operations(page, worker);
  put(page, "}");
}

void stoa_admin_on_loop(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct stoa_server *server = user;
  struct page page = {.status = STOA_OK};
  (void)request;
  stoa_buffer_init(&page.text, PAGE_BYTES_MAX);
  put(&page, "{\"unit\":\"microseconds\",\"workers\":[");
  for (uint32_t i = 0; i < server->worker_count; i++) {
    put(&page, i == 0 ? "" : ",");
    put_worker(&page, &server->workers[i]);
  }
  put(&page, "]}\n");
  if (page.status == STOA_OK) {
    stoa_admin_reply(exchange, 200, "application/json", &page.text);
  } else {
    stoa_http_drop(exchange);
  }
  stoa_buffer_fini(&page.text);
}
