#include "server/worker/sweep.h"

#include "base/container.h"
#include "base/memory.h"
#include "net/tls.h"
#include "server/admission.h"
#include "server/call/authenticate.h"
#include "server/call/stream.h"
#include "server/worker/table.h"

#include <assert.h>

#define SWEEP_MS 500
#define SWEEP_DRAINING_MS 20
#define REST_MS_MAX 60000
/* Below such a peak releasing memory is not worth its cost. */
#define PEAK_COUNT_MIN 1000

static void wake_up(struct stoa_worker *worker) {
  if (worker->resting) {
    worker->resting = false;
    stoa_loop_timer_start(worker->loop, &worker->sweep, SWEEP_MS);
  }
}

/* A due time only moves nearer. A connection that is checked too early returns its real deadline; one that is checked
 * too late would exceed it. */
void stoa_worker_on_deadline_change(struct stoa_stream *stream, uint64_t due_ms) {
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  assert(stoa_server_session_of_stream(stream)->slot < worker->table_count);
  uint32_t *slot_due_ms = &worker->due_ms[stoa_server_session_of_stream(stream)->slot];
  if ((int32_t)((uint32_t)due_ms - *slot_due_ms) < 0) {
    *slot_due_ms = (uint32_t)due_ms;
    wake_up(worker);
  }
}

void stoa_worker_sweep_on_turn_end(struct stoa_worker *worker) {
  if (worker->sweeping) {
    worker->sweeping = false;
    return;
  }
  worker->busy = true;
  wake_up(worker);
}

void stoa_worker_trim(struct stoa_worker *worker) {
  stoa_groups_trim(&worker->groups);
  stoa_stream_host_trim(&worker->streams);
  stoa_buffer_fini(&worker->text_scratch);
  stoa_buffer_fini(&worker->compress_scratch);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_fini(&worker->encode_scratch[i]);
  }
}

/* Without stoa_memory_trim() the allocator would keep the memory of a peak. */
static void give_back(struct stoa_worker *worker) {
  bool shrunk = worker->peak_count >= PEAK_COUNT_MIN && worker->table_count < worker->peak_count / 2;
  if (shrunk) {
    stoa_worker_table_shrink(worker);
    worker->peak_count = worker->table_count;
  }
  if (stoa_tls_take_peak() || shrunk) {
    stoa_memory_trim();
  }
}

static uint64_t act_on_deadline(struct stoa_session *session, uint64_t now_ms) {
  if (session->state != STOA_SESSION_NONE) {
    uint64_t admission_due_ms = stoa_admission_on_deadline(session, now_ms);
    uint64_t auth_due_ms = stoa_authenticate_on_deadline(session, now_ms);
    uint64_t due_ms = stoa_session_on_deadline(session, now_ms);
    due_ms = admission_due_ms < due_ms ? admission_due_ms : due_ms;
    return auth_due_ms < due_ms ? auth_due_ms : due_ms;
  }
  return stoa_worker_awaits_proxy_header(session) ? stoa_proxy_on_deadline(&session->stream, now_ms)
                                                  : stoa_http_on_deadline(&session->stream, now_ms);
}

/* Returns the time until the next connection is due. */
static uint32_t look_at_due(struct stoa_worker *worker, uint64_t now_ms) {
  uint32_t next_ms = REST_MS_MAX;
  for (uint32_t i = 0; i < worker->table_count; i++) {
    if ((int32_t)((uint32_t)now_ms - worker->due_ms[i]) >= 0) {
      struct stoa_session *session = &worker->table[i]->base;
      if (worker->draining && session->state == STOA_SESSION_OPEN) {
        stoa_call_streams_drain(session);
        stoa_session_close(session, STOA_CLOSE_DRAINING, "server is going away");
      }
      uint64_t due_ms = act_on_deadline(session, now_ms);
      worker->due_ms[i] = (uint32_t)(due_ms == UINT64_MAX ? now_ms + SWEEP_MS : due_ms);
    }
    int32_t left_ms = (int32_t)(worker->due_ms[i] - (uint32_t)now_ms);
    next_ms = left_ms < (int32_t)next_ms ? (uint32_t)(left_ms < 0 ? 0 : left_ms) : next_ms;
  }
  return next_ms;
}

/* A worker without traffic rests until a connection is due. */
static void on_sweep(struct stoa_timer *timer) {
  struct stoa_worker *worker = stoa_container_of(timer, struct stoa_worker, sweep);
  uint32_t next_ms = look_at_due(worker, stoa_loop_now_ms(worker->loop));
  uint32_t delay_ms = worker->draining ? SWEEP_DRAINING_MS : SWEEP_MS;
  stoa_worker_trim(worker);
  worker->resting = !worker->busy && !worker->draining && next_ms > SWEEP_MS;
  worker->busy = false;
  worker->sweeping = true;
  if (worker->resting) {
    give_back(worker);
    delay_ms = next_ms;
  }
  stoa_loop_timer_start(worker->loop, timer, delay_ms);
}

void stoa_worker_sweep_start(struct stoa_worker *worker) {
  worker->sweep.on_due = on_sweep;
  stoa_loop_timer_start(worker->loop, &worker->sweep, SWEEP_MS);
}
