#include "server/metrics/metrics.h"

#include "base/memory.h"
#include "server/call/handlers.h"
#include "server/server_private.h"

#include <assert.h>
#include <stdio.h>

#define OTHER 1u /* the outcome of all for which there is no row */

const char *stoa_transport_name(enum stoa_transport transport) {
  static const char *const names[STOA_TRANSPORT_COUNT] = {"websocket", "http", "fallback"};
  assert(transport < STOA_TRANSPORT_COUNT);
  return names[transport];
}

/* Outcomes. */

static int init_outcomes(struct stoa_metric_labels *outcomes) {
  static const char *const names[] = {"code", "reason"};
  uint32_t row;
  int status = stoa_metric_labels_init(outcomes, names, STOA_OUTCOMES_MAX);
  if (status == STOA_OK) {
    status = stoa_metric_labels_add(outcomes, stoa_string_of("0"), stoa_string_of(""), &row);
    assert(status != STOA_OK || row == STOA_OUTCOME_OK);
  }
  if (status == STOA_OK) {
    status = stoa_metric_labels_add(outcomes, stoa_string_of("other"), stoa_string_of("other"), &row);
    assert(status != STOA_OK || row == OTHER);
  }
  return status;
}

uint32_t stoa_server_metrics_outcome(struct stoa_server *server, const struct stoa_error *error) {
  char code[16];
  uint32_t outcome = OTHER;
  if (error == NULL) {
    return STOA_OUTCOME_OK;
  }
  snprintf(code, sizeof code, "%u", error->code);
  /* What has no row, because there are too many or memory is out, stays OTHER. */
  int ignored = stoa_metric_labels_add(&server->metrics.outcomes, stoa_string_of(code), error->reason, &outcome);
  (void)ignored;
  return outcome;
}

/* Operations. */

/* The first one of those that were added is the one without a handler: its rows stand in for names that are none. */
static int add_operation(struct stoa_server_metrics *metrics, struct stoa_string name, uint32_t fallback) {
  uint32_t *rows = &metrics->operation_rows[metrics->operation_count * STOA_TRANSPORT_COUNT];
  for (uint32_t transport = 0; transport < STOA_TRANSPORT_COUNT; transport++) {
    int status = stoa_metric_labels_add(&metrics->operations, stoa_string_of(stoa_transport_name(transport)), name,
                                        &rows[transport]);
    if (status == STOA_E_MEMORY) {
      return status;
    }
    if (status != STOA_OK) {
      rows[transport] = fallback + transport;
    }
  }
  metrics->operation_count++;
  return STOA_OK;
}

/* The rows of "" come first, so that they are known to others. */
static int add_handlers(struct stoa_server *server) {
  struct stoa_server_metrics *metrics = &server->metrics;
  uint32_t row;
  for (uint32_t transport = 0; transport < STOA_TRANSPORT_COUNT; transport++) {
    int status = stoa_metric_labels_add(&metrics->operations, stoa_string_of(stoa_transport_name(transport)),
                                        stoa_string_of(""), &row);
    if (status != STOA_OK) {
      return status;
    }
    assert(row == transport);
  }
  for (uint32_t i = 0; i < server->handlers.count; i++) {
    const struct stoa_handler *handler = &((const struct stoa_handler *)(void *)server->handlers.handlers)[i];
    int status = add_operation(metrics, stoa_string_of(stoa_handler_operation(handler)), 0);
    if (status != STOA_OK) {
      return status;
    }
  }
  return add_operation(metrics, stoa_string_of(""), 0);
}

static int init_operations(struct stoa_server *server, uint32_t more_operations) {
  static const char *const names[] = {"kind", "operation"};
  struct stoa_server_metrics *metrics = &server->metrics;
  metrics->operation_max = server->handlers.count + 1 + more_operations;
  metrics->operation_rows =
      stoa_calloc((size_t)metrics->operation_max * STOA_TRANSPORT_COUNT, sizeof *metrics->operation_rows);
  int status = stoa_metric_labels_init(&metrics->operations, names, metrics->operation_max * STOA_TRANSPORT_COUNT);
  if (status == STOA_OK && metrics->operation_rows == NULL) {
    status = STOA_E_MEMORY;
  }
  return status == STOA_OK ? add_handlers(server) : status;
}

int stoa_server_metrics_add_operation(struct stoa_server *server, struct stoa_string name, uint32_t *out_operation) {
  struct stoa_server_metrics *metrics = &server->metrics;
  uint32_t operation = metrics->operation_count;
  if (operation == metrics->operation_max) {
    return STOA_E_LIMIT;
  }
  int status = add_operation(metrics, name, 0);
  if (status == STOA_OK) {
    *out_operation = operation;
  }
  return status;
}

uint32_t stoa_server_metrics_operation(const struct stoa_server *server, const struct stoa_handler *handler) {
  const struct stoa_handler_table *table = &server->handlers;
  if (handler == NULL) {
    return table->count;
  }
  size_t index = (size_t)(handler - (const struct stoa_handler *)(const void *)table->handlers);
  assert(index < table->count);
  return (uint32_t)index;
}

/* Life. */

int stoa_server_metrics_init(struct stoa_server *server, uint32_t more_operations) {
  struct stoa_server_metrics *metrics = &server->metrics;
  stoa_server_metrics_fini(metrics);
  memcpy(metrics->table, stoa_server_metric_table, sizeof metrics->table);
  metrics->table[STOA_M_REQUESTS].labels[0] = &metrics->operations;
  metrics->table[STOA_M_REQUESTS].labels[1] = &metrics->outcomes;
  metrics->table[STOA_M_REQUEST_SECONDS].labels[0] = &metrics->operations;
  int status = init_outcomes(&metrics->outcomes);
  if (status == STOA_OK) {
    status = init_operations(server, more_operations);
  }
  if (status == STOA_OK) {
    status = stoa_metrics_create(metrics->table, STOA_M_COUNT, server->worker_count, &metrics->set);
  }
  if (status == STOA_OK) {
    metrics->shared = stoa_metrics_shared_shard(metrics->set);
  }
  return status;
}

void stoa_server_metrics_fini(struct stoa_server_metrics *metrics) {
  stoa_metrics_destroy(metrics->set);
  stoa_metric_labels_fini(&metrics->operations);
  stoa_metric_labels_fini(&metrics->outcomes);
  stoa_free(metrics->operation_rows);
  memset(metrics, 0, sizeof *metrics);
}

/* Requests. */

uint64_t stoa_metrics_begin_request(struct stoa_worker *worker) {
  worker->sample_in--;
  if (worker->sample_in > 0) {
    return STOA_UNTIMED;
  }
  worker->sample_in = STOA_METRICS_SAMPLE;
  return stoa_clock_monotonic_ns(worker->server->clock);
}

uint64_t stoa_metrics_duration(const struct stoa_worker *worker, uint64_t began_ns) {
  return began_ns == STOA_UNTIMED ? STOA_UNTIMED : stoa_clock_monotonic_ns(worker->server->clock) - began_ns;
}

void stoa_metrics_note_request(struct stoa_worker *worker, enum stoa_transport transport, uint32_t operation,
                               uint32_t outcome, uint64_t duration_ns) {
  const struct stoa_server_metrics *metrics = &worker->server->metrics;
  assert(operation < metrics->operation_count);
  assert(outcome < STOA_OUTCOMES_MAX);
  uint32_t row = metrics->operation_rows[operation * STOA_TRANSPORT_COUNT + transport];
  stoa_metric_cell_add(&worker->requests[row * STOA_OUTCOMES_MAX + outcome], 1);
  if (duration_ns != STOA_UNTIMED) {
    stoa_metric_observe(worker->metrics, STOA_M_REQUEST_SECONDS, row, duration_ns);
  }
  worker->watch.last = operation;
  worker->watch.has_last = true;
  if (worker->watch.until_ns != 0) {
    stoa_worker_watch_time(worker, operation);
  }
}

void stoa_metrics_note_refused(struct stoa_worker *worker, enum stoa_refused reason) {
  stoa_metric_add(worker->metrics, STOA_M_REFUSED, reason, 1);
}

void stoa_metrics_note_reload(struct stoa_server *server, enum stoa_reload_result result) {
  assert(server->metrics.shared != NULL);
  stoa_metric_add(server->metrics.shared, STOA_M_RELOADS, result, 1);
}
