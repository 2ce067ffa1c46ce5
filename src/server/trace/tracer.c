#include "server/trace/tracer.h"

#include "base/array.h"
#include "base/memory.h"
#include "base/sys.h"
#include "base/thread.h"
#include "base/units.h"
#include "net/tls.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stoa/log.h>
#include <time.h>

#define TELL_EVERY_NS (UINT64_C(10) * STOA_NS_PER_S)
#define ANSWER_ARENA_BYTES_MAX (256u * 1024)

/* Spans on their way: as the body of a request. */
struct batch {
  struct stoa_buffer body;
  uint32_t span_count; /* 0: there is no batch */
  uint32_t tries;
  uint64_t due_ns; /* of the next try */
};

struct stoa_tracer {
  atomic_uint refs;
  const struct stoa_clock *clock;
  struct stoa_collector *collector;
  struct stoa_otlp_resource resource;
  uint32_t spans_max;
  uint32_t timeout_ms;
  atomic_int sampling; /* enum stoa_tracer_sampling */
  atomic_uint sample;
  atomic_uint span_count; /* in memory */

  pthread_mutex_t lock; /* what follows; never held while something blocks */
  pthread_cond_t changed;
  void (*on_count)(void *context, enum stoa_tracer_count what, uint64_t count); /* NULL after stop */
  void *context;
  uint64_t counts[STOA_TRACER_COUNTS];
  uint64_t lost_untold, tell_due_ns;
  struct stoa_span *first, *last; /* ended, oldest first */
  uint32_t queued;
  bool has_thread;
  bool is_abandoned; /* stop does not wait for the thread any more, which then releases its own reference */
  bool is_stopping;
  bool is_closed; /* nothing is recorded any more */
  uint64_t stop_due_ns;

  struct batch batch; /* of whoever runs the steps */
  char *texts;        /* of the resource; owned */
};

static void lock(struct stoa_tracer *tracer) {
  pthread_mutex_lock(&tracer->lock);
}

static void unlock(struct stoa_tracer *tracer) {
  pthread_mutex_unlock(&tracer->lock);
}

static uint64_t now_ns(const struct stoa_tracer *tracer) {
  return stoa_clock_monotonic_ns(tracer->clock);
}

/* Life. */

static struct stoa_string keep(char **at, struct stoa_string text) {
  char *copy = *at;
  if (text.len > 0) {
    memcpy(copy, text.data, text.len);
  }
  *at += text.len;
  return stoa_string_make(copy, text.len);
}

int stoa_tracer_set_resource(struct stoa_tracer *tracer, const struct stoa_otlp_resource *resource) {
  size_t len = resource->service_name.len + resource->service_version.len + resource->instance_id.len;
  assert(resource->service_name.len > 0);
  assert(!tracer->has_thread);
  char *texts = stoa_alloc(len);
  if (texts == NULL) {
    return STOA_E_MEMORY;
  }
  char *at = texts;
  tracer->resource.service_name = keep(&at, resource->service_name);
  tracer->resource.service_version = keep(&at, resource->service_version);
  tracer->resource.instance_id = keep(&at, resource->instance_id);
  stoa_free(tracer->texts);
  tracer->texts = texts;
  return STOA_OK;
}

int stoa_tracer_create(const struct stoa_tracer_settings *settings, struct stoa_tracer **out_tracer) {
  struct stoa_tracer *tracer = stoa_calloc(1, sizeof *tracer);
  assert(settings->spans_max > 0);
  if (tracer == NULL) {
    stoa_collector_destroy(settings->collector);
    return STOA_E_MEMORY;
  }
  atomic_init(&tracer->refs, 1);
  atomic_init(&tracer->sample, 1);
  pthread_mutex_init(&tracer->lock, NULL);
  pthread_cond_init(&tracer->changed, NULL);
  tracer->clock = settings->clock;
  tracer->collector = settings->collector;
  tracer->spans_max = settings->spans_max;
  tracer->timeout_ms = settings->timeout_ms;
  tracer->on_count = settings->on_count;
  tracer->context = settings->context;
  stoa_buffer_init(&tracer->batch.body, STOA_TRACER_BATCH_BYTES_MAX);
  int status = stoa_tracer_set_resource(tracer, &settings->resource);
  if (status != STOA_OK) {
    stoa_tracer_unref(tracer);
    return status;
  }
  *out_tracer = tracer;
  return STOA_OK;
}

struct stoa_tracer *stoa_tracer_ref(struct stoa_tracer *tracer) {
  unsigned before = atomic_fetch_add_explicit(&tracer->refs, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
  return tracer;
}

void stoa_tracer_unref(struct stoa_tracer *tracer) {
  if (tracer == NULL || atomic_fetch_sub_explicit(&tracer->refs, 1, memory_order_acq_rel) > 1) {
    return;
  }
  assert(tracer->first == NULL); /* each span in the queue has a reference */
  stoa_collector_destroy(tracer->collector);
  stoa_buffer_fini(&tracer->batch.body);
  stoa_free(tracer->texts);
  pthread_cond_destroy(&tracer->changed);
  pthread_mutex_destroy(&tracer->lock);
  stoa_free(tracer);
}

/* Counting, under the lock. */

static void count(struct stoa_tracer *tracer, enum stoa_tracer_count what, uint64_t spans) {
  tracer->counts[what] += spans;
  tracer->lost_untold += what == STOA_TRACER_SENT ? 0 : spans;
  if (tracer->on_count != NULL && spans > 0) {
    tracer->on_count(tracer->context, what, spans);
  }
}

uint64_t stoa_tracer_count(struct stoa_tracer *tracer, enum stoa_tracer_count what) {
  lock(tracer);
  uint64_t spans = tracer->counts[what];
  unlock(tracer);
  return spans;
}

/* How many were lost since the last line; 0 when that is no news yet. */
static uint64_t take_untold(struct stoa_tracer *tracer, uint64_t time_ns) {
  uint64_t lost = tracer->lost_untold;
  if (lost == 0 || time_ns < tracer->tell_due_ns) {
    return 0;
  }
  tracer->lost_untold = 0;
  tracer->tell_due_ns = time_ns + TELL_EVERY_NS;
  return lost;
}

static void tell_lost(uint64_t lost, const char *reason) {
  if (lost > 0) {
    stoa_log(STOA_LOG_WARN, "spans were lost", STOA_F_INT("count", lost), STOA_F_STR("reason", reason));
  }
}

/* Starting a span. */

void stoa_tracer_set_sampling(struct stoa_tracer *tracer, enum stoa_tracer_sampling sampling, uint32_t sample) {
  assert(sample > 0);
  atomic_store_explicit(&tracer->sampling, (int)sampling, memory_order_relaxed);
  atomic_store_explicit(&tracer->sample, sample, memory_order_relaxed);
}

/* By the trace's id, so that all programs that sample alike record the same traces. */
static bool is_of_sample(const struct stoa_tracer *tracer, const struct stoa_trace_context *context) {
  uint64_t low = 0;
  for (size_t i = 8; i < sizeof context->trace_id; i++) {
    low = low << 8 | context->trace_id[i];
  }
  return low <= UINT64_MAX / atomic_load_explicit(&tracer->sample, memory_order_relaxed);
}

/* A parent without a span gives the trace its id, and begins here. */
static bool has_parent(const struct stoa_span_options *options) {
  static const uint8_t none[sizeof options->parent->span_id];
  return options->parent != NULL && memcmp(options->parent->span_id, none, sizeof none) != 0;
}

static bool is_recorded(const struct stoa_tracer *tracer, const struct stoa_span_options *options,
                        const struct stoa_trace_context *context) {
  enum stoa_tracer_sampling sampling =
      (enum stoa_tracer_sampling)atomic_load_explicit(&tracer->sampling, memory_order_relaxed);
  if (has_parent(options) && (!options->is_remote || sampling != STOA_TRACER_OWN)) {
    return options->parent->is_sampled;
  }
  return sampling != STOA_TRACER_CALLER && is_of_sample(tracer, context);
}

/* Take a place among the spans in memory. */
static struct stoa_span *allocate(struct stoa_tracer *tracer) {
  uint32_t before = atomic_fetch_add_explicit(&tracer->span_count, 1, memory_order_relaxed);
  struct stoa_span *span = before < tracer->spans_max ? stoa_calloc(1, sizeof *span) : NULL;
  if (span == NULL) {
    atomic_fetch_sub_explicit(&tracer->span_count, 1, memory_order_relaxed);
    lock(tracer);
    if (tracer->lost_untold == 0) {
      pthread_cond_signal(&tracer->changed); /* the thread tells it */
    }
    count(tracer, STOA_TRACER_FULL, 1);
    unlock(tracer);
  }
  return span;
}

static void free_span(struct stoa_span *span) {
  struct stoa_tracer *tracer = span->tracer;
  atomic_fetch_sub_explicit(&tracer->span_count, 1, memory_order_relaxed);
  stoa_free(span);
  stoa_tracer_unref(tracer);
}

/* The trace that it belongs to, and its own id. False without random bytes. */
static bool place(const struct stoa_span_options *options, struct stoa_trace_context *out_context) {
  uint8_t ids[sizeof out_context->trace_id + sizeof out_context->span_id];
  if (stoa_random_pooled(ids, sizeof ids) != STOA_OK) {
    return false;
  }
  ids[sizeof ids - 1] |= 1; /* no id is all zeros */
  ids[0] |= 1;
  memcpy(out_context->trace_id, options->parent == NULL ? ids : options->parent->trace_id,
         sizeof out_context->trace_id);
  memcpy(out_context->span_id, ids + sizeof out_context->trace_id, sizeof out_context->span_id);
  out_context->is_sampled = true;
  return true;
}

struct stoa_span *stoa_tracer_start_span(struct stoa_tracer *tracer, const char *name,
                                         const struct stoa_span_options *options) {
  static const struct stoa_span_options none;
  struct stoa_trace_context context;
  options = options == NULL ? &none : options;
  if (tracer == NULL || !place(options, &context) || !is_recorded(tracer, options, &context)) {
    return NULL;
  }
  struct stoa_span *span = allocate(tracer);
  if (span == NULL) {
    return NULL;
  }
  span->tracer = stoa_tracer_ref(tracer);
  span->context = context;
  span->kind = (uint8_t)options->kind;
  span->start_us = stoa_clock_wall_us(tracer->clock);
  span->start_ns = now_ns(tracer);
  if (options->parent != NULL) {
    memcpy(span->parent_id, options->parent->span_id, sizeof span->parent_id);
  }
  if (options->link != NULL) {
    span->link = *options->link;
  }
  stoa_span_set_name(span, name);
  return span;
}

void stoa_span_end(struct stoa_span *span) {
  if (span == NULL) {
    return;
  }
  struct stoa_tracer *tracer = span->tracer;
  uint64_t end_ns = now_ns(tracer);
  span->end_ns = end_ns > span->start_ns ? end_ns : span->start_ns;
  lock(tracer);
  if (tracer->is_closed) {
    unlock(tracer);
    free_span(span);
    return;
  }
  assert(span->next == NULL);
  *(tracer->last == NULL ? &tracer->first : &tracer->last->next) = span;
  tracer->last = span;
  tracer->queued++;
  if (tracer->queued == 1 || tracer->queued == STOA_TRACER_BATCH_SPANS_MAX) {
    pthread_cond_signal(&tracer->changed);
  }
  unlock(tracer);
}

/* A step. */

/* Under the lock: the spans of the next batch; NULL, and when there will be one. */
static struct stoa_span *take(struct stoa_tracer *tracer, uint64_t time_ns, uint64_t *out_due_ns) {
  struct stoa_span *first = tracer->first;
  *out_due_ns = first == NULL ? UINT64_MAX : first->end_ns + STOA_TRACER_DELAY_MS * (uint64_t)STOA_NS_PER_MS;
  bool is_due = time_ns >= *out_due_ns || tracer->queued >= STOA_TRACER_BATCH_SPANS_MAX || tracer->is_stopping;
  if (first == NULL || !is_due) {
    return NULL;
  }
  struct stoa_span *last = first;
  uint32_t taken = 1;
  while (taken < STOA_TRACER_BATCH_SPANS_MAX && last->next != NULL) {
    last = last->next;
    taken++;
  }
  tracer->first = last->next;
  tracer->last = tracer->first == NULL ? NULL : tracer->last;
  tracer->queued -= taken;
  last->next = NULL;
  return first;
}

/* Write the spans into the batch's body and free them. Those that do not fit, or without memory, are lost. */
static void encode(struct stoa_tracer *tracer, struct stoa_span *spans) {
  struct batch *batch = &tracer->batch;
  uint32_t lost = 0;
  assert(batch->span_count == 0);
  batch->body.len = 0;
  int status = stoa_otlp_begin(&tracer->resource, &batch->body);
  while (spans != NULL) {
    struct stoa_span *next = spans->next;
    if (status == STOA_OK && stoa_otlp_add(spans, batch->span_count == 0, &batch->body) == STOA_OK) {
      batch->span_count++;
    } else {
      lost++;
    }
    free_span(spans);
    spans = next;
  }
  if (batch->span_count > 0 && stoa_otlp_end(&batch->body) != STOA_OK) {
    lost += batch->span_count;
    batch->span_count = 0;
  }
  batch->tries = 0;
  batch->due_ns = 0;
  lock(tracer);
  count(tracer, STOA_TRACER_FULL, lost);
  unlock(tracer);
}

/* The batch is over. */
static void end_batch(struct stoa_tracer *tracer, enum stoa_tracer_count what, uint64_t rejected, const char *reason) {
  struct batch *batch = &tracer->batch;
  uint64_t spans = batch->span_count;
  assert(spans > 0);
  rejected = rejected > spans ? spans : rejected;
  batch->span_count = 0;
  batch->body.len = 0;
  lock(tracer);
  count(tracer, what, spans - rejected);
  count(tracer, STOA_TRACER_REFUSED, rejected);
  uint64_t lost = take_untold(tracer, now_ns(tracer));
  pthread_cond_broadcast(&tracer->changed);
  unlock(tracer);
  tell_lost(lost, reason);
}

static bool is_temporary(uint16_t status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

/* Some of the waiting time is random, so that the programs that lost one collector do not come back at once. */
static uint64_t backoff_ns(const struct batch *batch) {
  uint32_t random = UINT32_MAX;
  uint64_t bound_ms = (uint64_t)STOA_TRACER_RETRY_MIN_MS << (batch->tries < 16 ? batch->tries : 16);
  int ignored = stoa_random_pooled(&random, sizeof random);
  (void)ignored;
  bound_ms = bound_ms > STOA_TRACER_RETRY_MAX_MS ? STOA_TRACER_RETRY_MAX_MS : bound_ms;
  return (bound_ms / 2 + random % (bound_ms / 2 + 1)) * STOA_NS_PER_MS;
}

/* Send it again later, unless it is too late for that. */
static void postpone(struct stoa_tracer *tracer, uint32_t retry_after_s, const char *reason) {
  struct batch *batch = &tracer->batch;
  lock(tracer);
  bool is_stopping = tracer->is_stopping;
  unlock(tracer);
  batch->tries++;
  if (is_stopping || batch->tries >= STOA_TRACER_TRIES_MAX) {
    end_batch(tracer, STOA_TRACER_FAILED, 0, reason);
    return;
  }
  uint64_t asked_s = retry_after_s > STOA_TRACER_RETRY_AFTER_MAX_S ? STOA_TRACER_RETRY_AFTER_MAX_S : retry_after_s;
  batch->due_ns =
      now_ns(tracer) + (retry_after_s == UINT32_MAX ? backoff_ns(batch) : asked_s * (uint64_t)STOA_NS_PER_S);
  stoa_log(STOA_LOG_WARN, "the collector did not take spans; they are sent again",
           STOA_F_INT("spans", batch->span_count), STOA_F_INT("tries", batch->tries), STOA_F_STR("reason", reason));
}

/* It took the request, perhaps without some of the spans. */
static void finish_sent(struct stoa_tracer *tracer, const struct stoa_collector_answer *answer) {
  struct stoa_string reason = {"", 0};
  struct stoa_arena *arena = answer->body.len == 0 ? NULL : stoa_arena_create(ANSWER_ARENA_BYTES_MAX);
  uint64_t rejected =
      arena == NULL ? 0 : stoa_otlp_read_rejected(stoa_bytes_make(answer->body.data, answer->body.len), arena, &reason);
  if (rejected > 0 || reason.len > 0) {
    stoa_log(STOA_LOG_WARN, "the collector refused some spans, or warns", STOA_F_INT("refused", rejected),
             STOA_F_TEXT("reason", reason));
  }
  stoa_arena_destroy(arena);
  end_batch(tracer, STOA_TRACER_SENT, rejected, "the collector refused them");
}

static bool must_end(void *context) {
  struct stoa_tracer *tracer = context;
  lock(tracer);
  bool is_over = tracer->is_closed || (tracer->is_stopping && now_ns(tracer) >= tracer->stop_due_ns);
  unlock(tracer);
  return is_over;
}

static void send_batch(struct stoa_tracer *tracer) {
  struct batch *batch = &tracer->batch;
  struct stoa_collector_answer answer;
  const char *reason;
  const struct stoa_collector_limit limit = {
      .clock = tracer->clock,
      .due_ns = now_ns(tracer) + tracer->timeout_ms * (uint64_t)STOA_NS_PER_MS,
      .is_over = must_end,
      .context = tracer,
  };
  int status = stoa_collector_post(tracer->collector, stoa_bytes_make(batch->body.data, batch->body.len), &limit,
                                   &answer, &reason);
  if (status != STOA_OK) {
    postpone(tracer, UINT32_MAX, reason);
  } else if (answer.status >= 200 && answer.status <= 299) {
    finish_sent(tracer, &answer);
  } else if (is_temporary(answer.status)) {
    postpone(tracer, answer.retry_after_s, "the collector is busy");
  } else {
    stoa_log(STOA_LOG_ERROR, "the collector refused a request; check server.tracing",
             STOA_F_INT("status", answer.status), STOA_F_INT("spans", batch->span_count),
             STOA_F_TEXT("answer", answer.body));
    end_batch(tracer, STOA_TRACER_REFUSED, 0, "the collector refused them");
  }
}

/* By whoever runs the steps. */
static bool has_batch(const struct stoa_tracer *tracer) {
  return tracer->batch.span_count > 0;
}

enum stoa_tracer_step stoa_tracer_run_one(struct stoa_tracer *tracer, uint64_t *out_due_ns) {
  uint64_t time_ns = now_ns(tracer);
  lock(tracer);
  bool is_hurried = tracer->is_stopping;
  uint64_t lost = take_untold(tracer, time_ns);
  struct stoa_span *spans = has_batch(tracer) ? NULL : take(tracer, time_ns, out_due_ns);
  unlock(tracer);
  tell_lost(lost, "too many are in memory");
  if (spans != NULL) {
    encode(tracer, spans);
  } else if (!has_batch(tracer)) {
    return *out_due_ns == UINT64_MAX ? STOA_TRACER_STEP_NOTHING : STOA_TRACER_STEP_LATER;
  }
  if (!has_batch(tracer)) {
    return STOA_TRACER_STEP_DONE;
  }
  *out_due_ns = tracer->batch.due_ns;
  if (time_ns < tracer->batch.due_ns && !is_hurried) {
    return STOA_TRACER_STEP_LATER;
  }
  send_batch(tracer);
  return STOA_TRACER_STEP_DONE;
}

/* The thread. */

/* Under the lock, which is released during the wait. */
static void wait_until(struct stoa_tracer *tracer, uint64_t due_ns) {
  const struct timespec due = {(time_t)(due_ns / STOA_NS_PER_S), (long)(due_ns % STOA_NS_PER_S)};
  int ignored = due_ns == UINT64_MAX ? pthread_cond_wait(&tracer->changed, &tracer->lock)
                                     : pthread_cond_clockwait(&tracer->changed, &tracer->lock, CLOCK_MONOTONIC, &due);
  (void)ignored;
}

static bool has_work(const struct stoa_tracer *tracer) {
  return tracer->first != NULL || has_batch(tracer);
}

/* Nothing of the thread is left when stop returns, which releases its reference, too. */
static void end_thread(struct stoa_tracer *tracer) {
  stoa_tls_thread_end();
  lock(tracer);
  tracer->has_thread = false;
  bool is_abandoned = tracer->is_abandoned;
  pthread_cond_broadcast(&tracer->changed);
  unlock(tracer);
  if (is_abandoned) {
    stoa_tracer_unref(tracer);
  }
}

static void *run(void *context) {
  struct stoa_tracer *tracer = context;
  for (;;) {
    uint64_t due_ns = UINT64_MAX;
    enum stoa_tracer_step step = stoa_tracer_run_one(tracer, &due_ns);
    lock(tracer);
    bool is_over = tracer->is_closed || (tracer->is_stopping && !has_work(tracer));
    bool may_rest = !tracer->is_stopping && (has_batch(tracer) || tracer->queued < STOA_TRACER_BATCH_SPANS_MAX);
    if (step != STOA_TRACER_STEP_DONE && !is_over && may_rest) {
      /* A span that ended since the step wakes nobody: look again when it is due. */
      bool is_behind = step == STOA_TRACER_STEP_NOTHING && tracer->first != NULL;
      if (!is_behind) {
        wait_until(tracer, step == STOA_TRACER_STEP_NOTHING ? UINT64_MAX : due_ns);
      }
    }
    unlock(tracer);
    if (is_over) {
      end_thread(tracer);
      return NULL;
    }
  }
}

int stoa_tracer_start(struct stoa_tracer *tracer) {
  lock(tracer);
  assert(!tracer->has_thread);
  assert(!tracer->is_stopping);
  tracer->has_thread = true;
  unlock(tracer);
  int status = stoa_thread_start_detached(run, stoa_tracer_ref(tracer)); /* it may hang in the look-up of a name */
  if (status != STOA_OK) {
    lock(tracer);
    tracer->has_thread = false;
    unlock(tracer);
    stoa_tracer_unref(tracer);
  }
  return status;
}

/* The end. */

/* Without a thread: one try for each batch. */
static void send_here(struct stoa_tracer *tracer) {
  uint64_t ignored;
  while (!must_end(tracer) && stoa_tracer_run_one(tracer, &ignored) == STOA_TRACER_STEP_DONE) {
  }
}

/* Whoever took spans off the queue counts them; these are the others. */
static void drop_queue(struct stoa_tracer *tracer) {
  lock(tracer);
  struct stoa_span *spans = tracer->first;
  tracer->is_closed = true;
  tracer->first = tracer->last = NULL;
  count(tracer, STOA_TRACER_STOPPED, tracer->queued);
  tracer->queued = 0;
  tracer->on_count = NULL;
  uint64_t lost = tracer->lost_untold;
  tracer->lost_untold = 0;
  pthread_cond_broadcast(&tracer->changed);
  unlock(tracer);
  tell_lost(lost, "the program ends");
  while (spans != NULL) {
    struct stoa_span *next = spans->next;
    free_span(spans);
    spans = next;
  }
}

void stoa_tracer_stop(struct stoa_tracer *tracer, uint32_t wait_ms) {
  uint64_t due_ns = now_ns(tracer) + wait_ms * (uint64_t)STOA_NS_PER_MS;
  lock(tracer);
  assert(!tracer->is_stopping);
  tracer->is_stopping = true;
  tracer->stop_due_ns = due_ns;
  pthread_cond_broadcast(&tracer->changed);
  bool has_thread = tracer->has_thread;
  while (tracer->has_thread && now_ns(tracer) < due_ns) {
    wait_until(tracer, due_ns);
  }
  tracer->is_abandoned = tracer->has_thread;
  bool has_ended = has_thread && !tracer->has_thread;
  unlock(tracer);
  if (!has_thread) {
    send_here(tracer);
  }
  drop_queue(tracer);
  if (has_ended) {
    stoa_tracer_unref(tracer); /* the thread's */
  }
}
