#include "client/breaker.h"

#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#define BUCKETS 10u
#define WINDOW_MS 10000u
#define K_PERCENT 200u
#define CALLS_MIN 100u
#define NS_PER_MS 1000000u

struct bucket {
  uint64_t number; /* of bucket_ns since the clock's beginning */
  uint64_t calls, accepted;
};

struct stoa_breaker {
  pthread_mutex_t mutex;
  const struct stoa_clock *clock;
  uint64_t bucket_ns;
  uint32_t k_percent, calls_min;
  uint64_t refused;
  struct bucket buckets[BUCKETS];
};

static uint32_t or_default(uint32_t value, uint32_t fallback) {
  return value == 0 ? fallback : value;
}

int stoa_breaker_create(const struct stoa_client_breaker_options *options, const struct stoa_clock *clock,
                        struct stoa_breaker **out_breaker) {
  const struct stoa_client_breaker_options used = options == NULL ? (struct stoa_client_breaker_options){0} : *options;
  struct stoa_breaker *breaker = stoa_calloc(1, sizeof *breaker);
  if (breaker == NULL) {
    return STOA_E_MEMORY;
  }
  if (pthread_mutex_init(&breaker->mutex, NULL) != 0) {
    stoa_free(breaker);
    return STOA_E_SYSTEM;
  }
  breaker->clock = clock;
  uint64_t window_ns = (uint64_t)or_default(used.window_ms, WINDOW_MS) * NS_PER_MS;
  breaker->bucket_ns = window_ns / BUCKETS;
  breaker->k_percent = or_default(used.k_percent, K_PERCENT);
  breaker->calls_min = or_default(used.calls_min, CALLS_MIN);
  assert(breaker->bucket_ns > 0);
  *out_breaker = breaker;
  return STOA_OK;
}

void stoa_breaker_destroy(struct stoa_breaker *breaker) {
  if (breaker != NULL) {
    pthread_mutex_destroy(&breaker->mutex);
    stoa_free(breaker);
  }
}

/* With the mutex, as all below. */
static void count(struct stoa_breaker *breaker, bool is_accepted) {
  uint64_t number = stoa_clock_monotonic_ns(breaker->clock) / breaker->bucket_ns;
  struct bucket *bucket = &breaker->buckets[number % BUCKETS];
  if (bucket->number != number) {
    *bucket = (struct bucket){.number = number};
  }
  bucket->calls++;
  bucket->accepted += is_accepted ? 1 : 0;
  assert(bucket->accepted <= bucket->calls);
}

static struct bucket sum(const struct stoa_breaker *breaker) {
  uint64_t number = stoa_clock_monotonic_ns(breaker->clock) / breaker->bucket_ns;
  struct bucket total = {0};
  for (size_t i = 0; i < BUCKETS; i++) {
    const struct bucket *bucket = &breaker->buckets[i];
    if (number - bucket->number < BUCKETS) {
      total.calls += bucket->calls;
      total.accepted += bucket->accepted;
    }
  }
  return total;
}

/* random / 2^32 < (calls - k * accepted) / (calls + 1), in hundredths. */
static bool is_drawn(const struct stoa_breaker *breaker, const struct bucket *total, uint32_t random) {
  uint64_t calls = total->calls * 100;
  uint64_t allowed = total->accepted * breaker->k_percent;
  if (total->calls < breaker->calls_min || calls <= allowed) {
    return false;
  }
  double probability = (double)(calls - allowed) / (double)((total->calls + 1) * 100);
  return (double)random < probability * 4294967296.0;
}

bool stoa_breaker_allows(struct stoa_breaker *breaker, uint32_t random) {
  pthread_mutex_lock(&breaker->mutex);
  struct bucket total = sum(breaker);
  bool is_refused = is_drawn(breaker, &total, random);
  if (is_refused) {
    breaker->refused++;
    count(breaker, false);
  }
  pthread_mutex_unlock(&breaker->mutex);
  return !is_refused;
}

void stoa_breaker_note(struct stoa_breaker *breaker, bool is_accepted) {
  pthread_mutex_lock(&breaker->mutex);
  count(breaker, is_accepted);
  pthread_mutex_unlock(&breaker->mutex);
}

uint64_t stoa_breaker_refused(struct stoa_breaker *breaker) {
  pthread_mutex_lock(&breaker->mutex);
  uint64_t refused = breaker->refused;
  pthread_mutex_unlock(&breaker->mutex);
  return refused;
}
