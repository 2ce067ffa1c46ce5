#include "server/worker/watch.h"

#include "base/units.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>

void stoa_worker_watch_time(struct stoa_worker *worker, uint32_t operation) {
  struct stoa_worker_watch *watch = &worker->watch;
  uint64_t now_ns = stoa_clock_monotonic_ns(worker->server->clock);
  if (watch->noted_ns < stoa_loop_now_ns(worker->loop)) {
    watch->noted_ns = stoa_loop_now_ns(worker->loop); /* the first one of this turn */
  }
  if (now_ns - watch->noted_ns >= watch->slowest_ns) {
    watch->slowest_ns = now_ns - watch->noted_ns;
    watch->slowest = operation;
    watch->has_slowest = true;
  }
  watch->noted_ns = now_ns;
}

static const char *name_of(const struct stoa_worker *worker, bool is_known, uint32_t operation) {
  return is_known ? stoa_server_metrics_operation_name(&worker->server->metrics, operation) : "";
}

/* Of all sessions. */
static uint64_t messages_in(const struct stoa_worker *worker) {
  return worker->sessions.messages_in + worker->fallbacks.messages_in;
}

static uint64_t ms(uint64_t ns) {
  return ns / STOA_NS_PER_MS;
}

static void log_slow(struct stoa_worker *worker, const struct stoa_loop_times *times) {
  const struct stoa_worker_watch *watch = &worker->watch;
  stoa_log(STOA_LOG_WARN, "slow turn: other sessions of this worker had to wait", STOA_F_INT("worker", worker->index),
           STOA_F_INT("turn_ms", ms(times->turn_ns)), STOA_F_INT("events_ms", ms(times->steps_ns[STOA_LOOP_EVENTS])),
           STOA_F_INT("posts_ms", ms(times->steps_ns[STOA_LOOP_POSTS])),
           STOA_F_INT("timers_ms", ms(times->steps_ns[STOA_LOOP_TIMERS])),
           STOA_F_INT("end_ms", ms(times->steps_ns[STOA_LOOP_END])),
           STOA_F_INT("messages", messages_in(worker) - watch->messages),
           STOA_F_STR("last_handler", name_of(worker, watch->has_last, watch->last)),
           STOA_F_STR("slowest_handler", name_of(worker, watch->has_slowest, watch->slowest)),
           STOA_F_INT("slowest_ms", ms(watch->slowest_ns)));
}

static void note_slow(struct stoa_worker *worker, const struct stoa_loop_times *times) {
  stoa_metric_add(worker->metrics, STOA_M_SLOW_TURNS, 0, 1);
  log_slow(worker, times);
  worker->watch.until_ns = stoa_loop_now_ns(worker->loop) + times->turn_ns + STOA_WATCH_MS * STOA_NS_PER_MS;
}

/* What is counted for each message or write is counted in plain fields, and given to scrapes once a turn. */
static void publish(const struct stoa_worker *worker) {
  const struct stoa_worker_watch *watch = &worker->watch;
  stoa_metric_cell_set(&watch->bytes_cells[STOA_DIRECTION_IN], worker->streams.bytes_in);
  stoa_metric_cell_set(&watch->bytes_cells[STOA_DIRECTION_OUT], worker->streams.bytes_out);
  stoa_metric_cell_set(&watch->messages_cells[STOA_DIRECTION_IN], messages_in(worker));
  stoa_metric_cell_set(&watch->messages_cells[STOA_DIRECTION_OUT],
                       worker->sessions.messages_out + worker->fallbacks.messages_out);
}

static void on_times(void *context, const struct stoa_loop_times *times) {
  struct stoa_worker *worker = context;
  struct stoa_worker_watch *watch = &worker->watch;
  stoa_metric_series_observe(&watch->turn_series, times->turn_ns);
  stoa_metric_cell_add(&watch->turns, 1);
  stoa_metric_cell_add(&watch->turns_ns, times->turn_ns);
  for (size_t i = 0; i < STOA_LOOP_STEPS; i++) {
    stoa_metric_cell_add(&watch->steps_ns[i], times->steps_ns[i]);
  }
  if (times->has_timers) {
    stoa_metric_series_observe(&watch->lag_series, times->late_ns);
    atomic_store_explicit(&watch->late_ns, times->late_ns, memory_order_relaxed);
  }
  if (times->turn_ns > (uint64_t)worker->settings->log.slow_turn_ms * STOA_NS_PER_MS) {
    note_slow(worker, times);
  } else if (watch->until_ns != 0 && stoa_loop_now_ns(worker->loop) > watch->until_ns) {
    watch->until_ns = 0;
  }
  watch->has_last = false;
  watch->has_slowest = false;
  watch->slowest_ns = 0;
  watch->messages = messages_in(worker);
  publish(worker);
  if (worker->session_log.has_left_out) {
    stoa_session_log_tick(worker);
  }
}

/* The parts of a turn's end. */

void stoa_worker_watch_parts(struct stoa_worker *worker) {
  struct stoa_worker_watch *watch = &worker->watch;
  watch->part_ns = 0;
  if (watch->parts_in > 0) {
    watch->parts_in--;
    return;
  }
  watch->parts_in = STOA_WATCH_PARTS_EVERY - 1;
  watch->part_ns = stoa_clock_monotonic_ns(worker->server->clock);
}

void stoa_worker_watch_part(struct stoa_worker *worker, enum stoa_turn_part part) {
  struct stoa_worker_watch *watch = &worker->watch;
  assert(part < STOA_TURN_PARTS);
  if (watch->part_ns == 0) {
    return;
  }
  uint64_t now_ns = stoa_clock_monotonic_ns(worker->server->clock);
  stoa_metric_cell_add(&watch->parts_ns[part], now_ns - watch->part_ns);
  watch->part_ns = now_ns;
}

/* Probes. */

static void on_probe(struct stoa_post *post) {
  struct stoa_worker_watch *watch = stoa_container_of(post, struct stoa_worker_watch, probe);
  atomic_store(&watch->is_probing, false);
}

uint64_t stoa_worker_watch_probe(struct stoa_worker *worker) {
  struct stoa_worker_watch *watch = &worker->watch;
  uint64_t now_ns = stoa_clock_monotonic_ns(worker->server->clock);
  if (!atomic_exchange(&watch->is_probing, true)) {
    atomic_store(&watch->probed_ns, now_ns);
    watch->probe.run = on_probe;
    stoa_loop_post(worker->loop, &watch->probe);
    return 0;
  }
  uint64_t since_ns = atomic_load(&watch->probed_ns);
  return now_ns > since_ns ? now_ns - since_ns : 0;
}

void stoa_worker_watch_start(struct stoa_worker *worker) {
  struct stoa_worker_watch *watch = &worker->watch;
  assert(worker->metrics != NULL);
  watch->turn_series = stoa_metric_series_of(worker->metrics, STOA_M_TURN_SECONDS, 0);
  watch->lag_series = stoa_metric_series_of(worker->metrics, STOA_M_LAG_SECONDS, 0);
  watch->messages_cells = stoa_metric_cell_of(worker->metrics, STOA_M_MESSAGES, 0);
  watch->bytes_cells = stoa_metric_cell_of(worker->metrics, STOA_M_BYTES, 0);
  stoa_loop_on_times(worker->loop, on_times, worker);
}
