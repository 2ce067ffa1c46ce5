#include "engine/hub.h"

#include "base/container.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

int stoa_engine_hub_init(struct stoa_engine *engine, const struct stoa_engine_calls *calls) {
  engine->calls = calls;
  engine->state = STOA_ENGINE_UP;
  engine->reason = "";
  return pthread_mutex_init(&engine->mutex, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

void stoa_engine_hub_fini(struct stoa_engine *engine) {
  assert(atomic_load(&engine->writes) == 0);
  assert(atomic_load(&engine->reads) == 0);
  for (uint32_t i = 0; i < engine->port_count; i++) {
    assert(!atomic_load(&engine->ports[i]->is_posted));
    stoa_free(engine->ports[i]);
  }
  engine->port_count = 0;
  pthread_mutex_destroy(&engine->mutex);
  stoa_metrics_destroy(engine->metrics);
}

/* Bounds. */

bool stoa_engine_hub_admit(struct stoa_engine *engine, struct stoa_engine_request *request) {
  bool is_write = stoa_engine_request_is_write(request);
  _Atomic(uint32_t) *count = is_write ? &engine->writes : &engine->reads;
  _Atomic(size_t) *bytes = is_write ? &engine->write_bytes : &engine->read_bytes;
  uint32_t count_max = is_write ? STOA_ENGINE_QUEUE_MAX : STOA_ENGINE_READS_MAX;
  size_t bytes_max = is_write ? STOA_ENGINE_QUEUE_BYTES_MAX : STOA_ENGINE_READ_BYTES_MAX;
  assert(!request->is_counted);
  if (atomic_fetch_add(count, 1) >= count_max) {
    atomic_fetch_sub(count, 1);
    return false;
  }
  /* A read's answer is counted when it is there, so the bytes of reads can pass their bound by a page for each. */
  size_t own = is_write ? request->bytes : 0;
  if (atomic_fetch_add(bytes, own) + own > bytes_max) {
    atomic_fetch_sub(bytes, own);
    atomic_fetch_sub(count, 1);
    return false;
  }
  request->bytes = own;
  request->is_counted = true;
  return true;
}

static void discharge(struct stoa_engine *engine, struct stoa_engine_request *request) {
  bool is_write = stoa_engine_request_is_write(request);
  if (request->is_counted) {
    atomic_fetch_sub(is_write ? &engine->write_bytes : &engine->read_bytes, request->bytes);
    atomic_fetch_sub(is_write ? &engine->writes : &engine->reads, 1);
    request->is_counted = false;
  }
}

static void finish(struct stoa_engine *engine, struct stoa_engine_request *request) {
  discharge(engine, request);
  stoa_engine_request_destroy(request);
}

/* State. */

static void run_state(struct stoa_post *post) {
  struct stoa_engine_port *port = stoa_container_of(post, struct stoa_engine_port, post);
  const char *reason;
  /* First: a change from here on posts again. */
  atomic_store(&port->is_posted, false);
  enum stoa_engine_state state = stoa_engine_state(port->engine, &reason);
  if (state != port->told) {
    port->told = state;
    if (port->sink.on_state != NULL) {
      port->sink.on_state(port->sink.context, state, reason);
    }
  }
}

void stoa_engine_hub_set_state(struct stoa_engine *engine, enum stoa_engine_state state, const char *reason) {
  pthread_mutex_lock(&engine->mutex);
  bool is_change = engine->state != state;
  engine->state = state;
  engine->reason = reason;
  for (uint32_t i = 0; is_change && i < engine->port_count; i++) {
    struct stoa_engine_port *port = engine->ports[i];
    if (!atomic_exchange(&port->is_posted, true)) {
      stoa_loop_post(port->loop, &port->post);
    }
  }
  pthread_mutex_unlock(&engine->mutex);
}

struct stoa_engine_load stoa_engine_load(struct stoa_engine *engine) {
  return (struct stoa_engine_load){atomic_load(&engine->writes), atomic_load(&engine->write_bytes),
                                   atomic_load(&engine->reads), atomic_load(&engine->read_bytes)};
}

const struct stoa_metrics *stoa_engine_metrics(const struct stoa_engine *engine) {
  return engine->metrics;
}

enum stoa_engine_state stoa_engine_state(struct stoa_engine *engine, const char **out_reason) {
  pthread_mutex_lock(&engine->mutex);
  enum stoa_engine_state state = engine->state;
  if (out_reason != NULL) {
    *out_reason = engine->reason;
  }
  pthread_mutex_unlock(&engine->mutex);
  return state;
}

int stoa_engine_attach(struct stoa_engine *engine, struct stoa_loop *loop, const struct stoa_engine_sink *sink,
                       struct stoa_engine_port **out_port) {
  if (atomic_load(&engine->is_closed)) {
    return STOA_E_CLOSED;
  }
  struct stoa_engine_port *port = stoa_calloc(1, sizeof *port);
  if (port == NULL) {
    return STOA_E_MEMORY;
  }
  port->engine = engine;
  port->loop = loop;
  port->sink = *sink;
  port->post.run = run_state;
  pthread_mutex_lock(&engine->mutex);
  bool has_room = engine->port_count < STOA_ENGINE_PORTS_MAX;
  if (has_room) {
    port->index = engine->port_count;
    port->generation = atomic_load(&engine->generation);
    engine->ports[engine->port_count++] = port;
  }
  pthread_mutex_unlock(&engine->mutex);
  if (!has_room) {
    stoa_free(port);
    return STOA_E_LIMIT;
  }
  *out_port = port;
  return STOA_OK;
}

/* Answers. */

static void call_back(const struct stoa_engine_request *request) {
  if (request->on_done != NULL) {
    request->on_done(request->context, &request->answer);
  }
}

static void run_alone(struct stoa_post *post) {
  struct stoa_engine_request *request = stoa_container_of(post, struct stoa_engine_request, post);
  struct stoa_engine_port *port = request->port;
  if (request->is_refused_publish) {
    assert(port->refusals > 0);
    port->refusals--;
  }
  call_back(request);
  finish(port->engine, request);
}

void stoa_engine_answer_alone(struct stoa_engine_request *request) {
  struct stoa_engine_port *port = request->port;
  assert(port != NULL);
  if (request->is_counted && !stoa_engine_request_is_write(request)) {
    atomic_fetch_add(&port->engine->read_bytes, request->bytes);
  }
  request->post.run = run_alone;
  stoa_loop_post(port->loop, &request->post);
}

void stoa_engine_refuse(struct stoa_engine_request *request, enum stoa_engine_status status) {
  bool is_temporary = status == STOA_ENGINE_BUSY || status == STOA_ENGINE_UNAVAILABLE;
  if (request->call == STOA_ENGINE_PUBLISH && is_temporary) {
    request->is_refused_publish = true;
    request->port->refusals++;
  }
  stoa_engine_request_fail(request, status);
  stoa_engine_answer_alone(request);
}

/* Failures. */

bool stoa_engine_must_fail(const struct stoa_engine_request *request) {
  assert(request->call == STOA_ENGINE_PUBLISH);
  if (request->lane != NULL) {
    return request->message->draft.failures_known < request->lane->failures;
  }
  return request->generation < atomic_load(&request->port->engine->generation);
}

void stoa_engine_note_failure(const struct stoa_engine_request *request) {
  struct stoa_engine_lane *lane = request->lane;
  assert(request->answer.status == STOA_ENGINE_UNAVAILABLE || request->answer.status == STOA_ENGINE_UNKNOWN);
  if (lane != NULL && request->message->draft.failures_known >= lane->failures) {
    lane->failures = request->message->draft.failures_known + 1;
  }
}

/* Batches. */

struct delivery {
  struct stoa_post post;
  struct stoa_engine_batch *batch;
  struct stoa_engine_port *port;
};

struct stoa_engine_batch {
  struct stoa_engine *engine;
  struct stoa_engine_queue requests;
  uint64_t generation; /* 0: no failure */
  _Atomic(uint32_t) refs;
  struct delivery deliveries[STOA_ENGINE_PORTS_MAX]; /* here, so that an answer cannot fail for want of memory */
};

int stoa_engine_batch_create(struct stoa_engine *engine, struct stoa_engine_batch **out_batch) {
  struct stoa_engine_batch *batch = stoa_calloc(1, sizeof *batch);
  if (batch == NULL) {
    return STOA_E_MEMORY;
  }
  batch->engine = engine;
  *out_batch = batch;
  return STOA_OK;
}

void stoa_engine_batch_destroy(struct stoa_engine_batch *batch) {
  assert(batch == NULL || batch->requests.count == 0);
  stoa_free(batch);
}

void stoa_engine_batch_add(struct stoa_engine_batch *batch, struct stoa_engine_request *request) {
  stoa_engine_queue_put(&batch->requests, request);
}

struct stoa_engine_request *stoa_engine_batch_first(struct stoa_engine_batch *batch) {
  return batch->requests.first;
}

void stoa_engine_batch_empty(struct stoa_engine_batch *batch) {
  struct stoa_engine_request *request;
  while ((request = stoa_engine_queue_take(&batch->requests)) != NULL) {
    finish(batch->engine, request);
  }
}

static void release(struct stoa_engine_batch *batch) {
  if (atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) == 1) {
    stoa_engine_batch_empty(batch);
    stoa_engine_batch_destroy(batch);
  }
}

static uint64_t bit_of(const struct stoa_engine_port *port) {
  return port == NULL ? 0 : UINT64_C(1) << port->index;
}

static void tell_sink(const struct stoa_engine_sink *sink, const struct stoa_engine_request *request) {
  if (request->call == STOA_ENGINE_PUBLISH) {
    if (sink->on_message != NULL) {
      sink->on_message(sink->context, request->message);
    }
  } else if (sink->on_gap != NULL) {
    sink->on_gap(sink->context, request->room);
  }
}

static void run_delivery(struct stoa_post *post) {
  struct delivery *delivery = stoa_container_of(post, struct delivery, post);
  struct stoa_engine_batch *batch = delivery->batch;
  struct stoa_engine_port *port = delivery->port;
  /* A port that was attached meanwhile has this generation already. */
  if (batch->generation > port->generation) {
    port->generation = batch->generation;
  }
  for (const struct stoa_engine_request *at = batch->requests.first; at != NULL; at = at->next) {
    if ((at->audience & bit_of(port)) != 0) {
      tell_sink(&port->sink, at);
    }
    if (at->port == port) {
      call_back(at);
    }
  }
  release(batch);
}

static void send_to(struct stoa_engine_batch *batch, uint64_t ports) {
  struct stoa_engine *engine = batch->engine;
  atomic_init(&batch->refs, 1);
  pthread_mutex_lock(&engine->mutex);
  for (uint32_t i = 0; i < engine->port_count; i++) {
    struct stoa_engine_port *port = engine->ports[i];
    if ((ports & bit_of(port)) == 0) {
      continue;
    }
    atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    batch->deliveries[i] = (struct delivery){.post = {.run = run_delivery}, .batch = batch, .port = port};
    stoa_loop_post(port->loop, &batch->deliveries[i].post);
  }
  pthread_mutex_unlock(&engine->mutex);
  release(batch);
}

void stoa_engine_batch_send(struct stoa_engine_batch *batch) {
  uint64_t ports = 0;
  for (const struct stoa_engine_request *at = batch->requests.first; at != NULL; at = at->next) {
    ports |= at->audience | bit_of(at->port);
  }
  send_to(batch, ports);
}

void stoa_engine_batch_send_failed(struct stoa_engine_batch *batch) {
  batch->generation = atomic_fetch_add(&batch->engine->generation, 1) + 1;
  send_to(batch, UINT64_MAX);
}
