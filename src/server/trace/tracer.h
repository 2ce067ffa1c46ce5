/* server/trace/tracer.h: which spans are recorded, and the queue through which they go to a collector.
 *
 * Spans that have ended wait in a queue. stoa_tracer_run_one() takes up to BATCH_SPANS_MAX of them, once there are so
 * many or the first has waited for a second, and sends them in one request. It is called
 *   by a thread     between start and stop: the tracer's own, so that no worker ever waits for a collector;
 *   by a test       otherwise.
 *
 * A request that fails for a while (no connection, 429, 502, 503, 504; OTLP 1.x "Failures") is sent again after the
 * answer's Retry-After, or after a random time that doubles with each try, TRIES_MAX times. Any other answer loses the
 * batch. Spans are bounded by their number, from their start to the request; one more is not recorded. What is lost is
 * counted, and told in the log, at most once in 10 seconds.
 *
 * Does not know: sessions, messages, configuration.
 * Thread: any, but stop and destroy are called once. Lifetime: counted: each span has a reference, so a program may end
 *         one after the server is gone.
 */
#ifndef STOA_SERVER_TRACE_TRACER_H
#define STOA_SERVER_TRACE_TRACER_H

#include "base/clock.h"
#include "server/trace/collector.h"
#include "server/trace/otlp.h"

#define STOA_TRACER_BATCH_SPANS_MAX 512u
#define STOA_TRACER_BATCH_BYTES_MAX (4u * 1024 * 1024)
#define STOA_TRACER_DELAY_MS 1000u
#define STOA_TRACER_RETRY_MIN_MS 1000u
#define STOA_TRACER_RETRY_MAX_MS 30000u
/* What a collector may ask for at most. */
#define STOA_TRACER_RETRY_AFTER_MAX_S 300u
#define STOA_TRACER_TRIES_MAX 8u

/* What became of spans. */
enum stoa_tracer_count {
  STOA_TRACER_SENT,
  STOA_TRACER_FULL,    /* not recorded: too many in memory, or no memory */
  STOA_TRACER_REFUSED, /* by the collector, some of a batch or all of it */
  STOA_TRACER_FAILED,  /* given up after the last try */
  STOA_TRACER_STOPPED, /* not sent before the end */
  STOA_TRACER_COUNTS
};

struct stoa_tracer_settings {
  const struct stoa_clock *clock; /* borrowed as long as spans exist */
  struct stoa_collector *collector;
  struct stoa_otlp_resource resource; /* copied */
  uint32_t spans_max;
  uint32_t timeout_ms; /* of a request */
  /* Called with what was counted, on any thread, one call at a time; never after stop. May be NULL. */
  void (*on_count)(void *context, enum stoa_tracer_count what, uint64_t count);
  void *context;
};

/* Whose decision counts, for a trace that does not begin here; `sample`: one trace of so many is recorded otherwise. */
enum stoa_tracer_sampling {
  STOA_TRACER_OWN,           /* ours, always */
  STOA_TRACER_CALLER_OR_OWN, /* the caller's sampled flag, both ways */
  STOA_TRACER_CALLER         /* the same, and traces that begin here are not recorded */
};

/* The collector is taken, also after an error. Errors: STOA_E_MEMORY */
int stoa_tracer_create(const struct stoa_tracer_settings *settings, struct stoa_tracer **out_tracer);
struct stoa_tracer *stoa_tracer_ref(struct stoa_tracer *tracer);
/* NULL is fine. */
void stoa_tracer_unref(struct stoa_tracer *tracer);

/* Before start: another description of the program. Copied. Errors: STOA_E_MEMORY */
int stoa_tracer_set_resource(struct stoa_tracer *tracer, const struct stoa_otlp_resource *resource);

/* For spans that start from now on. */
void stoa_tracer_set_sampling(struct stoa_tracer *tracer, enum stoa_tracer_sampling sampling, uint32_t sample);

/* stoa_span_start(); `tracer` NULL: nothing is recorded. */
struct stoa_span *stoa_tracer_start_span(struct stoa_tracer *tracer, const char *name,
                                         const struct stoa_span_options *options);

enum stoa_tracer_step {
  STOA_TRACER_STEP_NOTHING, /* no span waits */
  STOA_TRACER_STEP_DONE,    /* a batch was sent, or lost */
  STOA_TRACER_STEP_LATER    /* *out_due_ns is when there is something to do */
};
/* One step. It blocks while a request is under way. By one thread at a time. */
enum stoa_tracer_step stoa_tracer_run_one(struct stoa_tracer *tracer, uint64_t *out_due_ns);

/* Errors: STOA_E_SYSTEM  no thread; spans are counted as lost when the queue is full */
int stoa_tracer_start(struct stoa_tracer *tracer);
/* Send what waits, each batch once, within this time; then nothing is recorded any more. Not on the tracer's thread.
 * Without a thread the caller sends. It does not wait for a thread that hangs in the look-up of a name. */
void stoa_tracer_stop(struct stoa_tracer *tracer, uint32_t wait_ms);

uint64_t stoa_tracer_count(struct stoa_tracer *tracer, enum stoa_tracer_count what);

#endif
