#include "server/middleware/shedder.h"

#include <assert.h>
#include <stddef.h>

/* One new value in so many. */
#define LAG_WEIGHT 16u
#define COOL_NS UINT64_C(1000000000)

static void begin_turn(struct stoa_shedder *shedder, uint64_t turn_ns) {
  if (turn_ns != shedder->turn_ns) {
    assert(shedder->ended <= shedder->in_flight);
    shedder->in_flight -= shedder->ended;
    shedder->ended = 0;
    shedder->turn_ns = turn_ns;
  }
}

static void note_lag(struct stoa_shedder *shedder, uint64_t lag_ns) {
  shedder->lag_ns = (shedder->lag_ns * (LAG_WEIGHT - 1) + lag_ns) / LAG_WEIGHT;
}

/* The present bucket is not complete and does not count. */
uint64_t stoa_shedder_in_flight_max(const struct stoa_shedder *shedder, uint64_t now_ns) {
  uint64_t present = now_ns / STOA_SHEDDER_BUCKET_NS;
  uint64_t most = 0;
  uint64_t shortest_ns = UINT64_MAX;
  for (size_t i = 0; i < STOA_SHEDDER_BUCKETS; i++) {
    const struct stoa_shedder_bucket *bucket = &shedder->buckets[i];
    if (bucket->passed == 0 || bucket->number == present || present - bucket->number > STOA_SHEDDER_BUCKETS) {
      continue;
    }
    uint64_t mean_ns = bucket->time_ns / bucket->passed;
    most = bucket->passed > most ? bucket->passed : most;
    shortest_ns = mean_ns < shortest_ns ? mean_ns : shortest_ns;
  }
  if (most == 0) {
    return UINT64_MAX;
  }
  /* A mean of days would overflow; more than a bucket's time each needs no exact result. */
  uint64_t bounded_ns = shortest_ns > STOA_SHEDDER_BUCKET_NS * 1000 ? STOA_SHEDDER_BUCKET_NS * 1000 : shortest_ns;
  uint64_t max = (most * bounded_ns + STOA_SHEDDER_BUCKET_NS / 2) / STOA_SHEDDER_BUCKET_NS;
  return max == 0 ? 1 : max;
}

static bool is_overloaded(struct stoa_shedder *shedder, uint64_t now_ns) {
  if (shedder->lag_ns > shedder->lag_max_ns) {
    return true;
  }
  if (shedder->shed_ns != 0 && now_ns - shedder->shed_ns > COOL_NS) {
    shedder->shed_ns = 0;
  }
  return shedder->shed_ns != 0;
}

bool stoa_shedder_begin(struct stoa_shedder *shedder, uint64_t turn_ns, uint64_t now_ns) {
  assert(shedder->lag_max_ns > 0);
  assert(now_ns >= turn_ns);
  begin_turn(shedder, turn_ns);
  note_lag(shedder, now_ns - turn_ns);
  if (is_overloaded(shedder, now_ns) && shedder->in_flight > 1 &&
      shedder->in_flight > stoa_shedder_in_flight_max(shedder, now_ns)) {
    /* Refusals by the wait after a peak must not prolong themselves. */
    if (shedder->lag_ns > shedder->lag_max_ns) {
      shedder->shed_ns = now_ns;
    }
    return false;
  }
  shedder->in_flight++;
  return true;
}

void stoa_shedder_leave_out(struct stoa_shedder *shedder) {
  assert(shedder->in_flight > 0);
  shedder->in_flight--;
}

void stoa_shedder_end(struct stoa_shedder *shedder, uint64_t turn_ns, uint64_t start_ns, uint64_t now_ns) {
  uint64_t number = now_ns / STOA_SHEDDER_BUCKET_NS;
  struct stoa_shedder_bucket *bucket = &shedder->buckets[number % STOA_SHEDDER_BUCKETS];
  begin_turn(shedder, turn_ns);
  assert(shedder->ended < shedder->in_flight);
  shedder->ended++;
  if (bucket->number != number) {
    *bucket = (struct stoa_shedder_bucket){.number = number};
  }
  bucket->passed++;
  bucket->time_ns += now_ns > start_ns ? now_ns - start_ns : 0;
}
