/* server/rate.h: how much one session may send: two token buckets, for messages and for bytes.
 *
 * Pure: the caller brings the time. Thread: the session's worker's.
 */
#ifndef STOA_SERVER_RATE_H
#define STOA_SERVER_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What goes beyond the limits is counted within so much time. */
#define STOA_RATE_EXCESS_MS 10000u

/* Each second as much comes into a bucket, up to its burst; 0 a second is no limit. */
struct stoa_rate_limits {
  uint32_t messages_per_s, messages_burst;
  uint32_t bytes_per_s, bytes_burst;
  uint32_t excess_max; /* messages beyond, within STOA_RATE_EXCESS_MS */
};

/* Zeroed is one that has not begun. */
struct stoa_rate {
  bool begun;
  uint32_t at_ms;    /* when the buckets were filled last, low 32 bits */
  uint64_t messages; /* what is left, in thousandths */
  uint64_t bytes;
  uint32_t excess, excess_ms; /* since when */
};

static inline bool stoa_rate_is_limited(const struct stoa_rate_limits *limits) {
  return limits->messages_per_s > 0 || limits->bytes_per_s > 0;
}

/* One message of so many bytes. Returns 0 when it is within the limits, and is taken off both; else in how many
 * milliseconds it would be, at least 1, and it is counted as excess. */
uint32_t stoa_rate_take(struct stoa_rate *rate, const struct stoa_rate_limits *limits, size_t bytes, uint32_t now_ms);
/* Has there been more excess than is borne? */
static inline bool stoa_rate_is_abused(const struct stoa_rate *rate, const struct stoa_rate_limits *limits) {
  return rate->excess > limits->excess_max;
}

#endif
