/* server/middleware/shedder.h: decides which messages an overloaded worker refuses: a BBR limiter over its turns.
 *
 * Answers leave at the end of a turn, so a message is in flight until the turn after its end begins. The load is how
 * long messages have waited in their turn when they begin, as a moving average; while it is above the threshold, and
 * for a second after that, at most as many messages may be in flight as the worker has shown to finish: the most in one
 * bucket of 100 ms, times the shortest mean time of a bucket, over the buckets of the last 10 seconds.
 *
 * Pure: the caller passes the time. Thread: one at a time. Lifetime: plain memory; zeroed is fine but for lag_max_ns.
 */
#ifndef STOA_SERVER_MIDDLEWARE_SHEDDER_H
#define STOA_SERVER_MIDDLEWARE_SHEDDER_H

#include <stdbool.h>
#include <stdint.h>

#define STOA_SHEDDER_BUCKETS 100u
#define STOA_SHEDDER_BUCKET_NS UINT64_C(100000000)

/* What ended in 100 ms. */
struct stoa_shedder_bucket {
  uint64_t number; /* of 100 ms since the clock's beginning; another number than expected: an old one */
  uint64_t passed;
  uint64_t time_ns; /* sum */
};

struct stoa_shedder {
  uint64_t lag_max_ns;
  uint64_t lag_ns; /* the moving average */
  uint64_t turn_ns;
  uint64_t shed_ns; /* when one was refused last; 0: never, or long ago */
  uint64_t in_flight;
  uint64_t ended; /* of them, in this turn */
  struct stoa_shedder_bucket buckets[STOA_SHEDDER_BUCKETS];
};

/* May a message begin? If so, it is in flight until stoa_shedder_end().
 *
 * turn_ns  when its turn began
 * now_ns   not before that */
bool stoa_shedder_begin(struct stoa_shedder *shedder, uint64_t turn_ns, uint64_t now_ns);
/* One that began at start_ns has ended. */
void stoa_shedder_end(struct stoa_shedder *shedder, uint64_t turn_ns, uint64_t start_ns, uint64_t now_ns);
/* One that may begin and will be in flight for as long as it likes, as a stream: it is not counted, and has no end. */
void stoa_shedder_leave_out(struct stoa_shedder *shedder);
/* How many may be in flight, at least 1; UINT64_MAX when nothing has ended yet. */
uint64_t stoa_shedder_in_flight_max(const struct stoa_shedder *shedder, uint64_t now_ns);

#endif
