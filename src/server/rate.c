#include "server/rate.h"

#include <assert.h>

#define THOUSAND 1000u

static uint64_t filled(uint64_t left, uint32_t per_s, uint32_t burst, uint32_t passed_ms) {
  uint64_t full = (uint64_t)burst * THOUSAND;
  uint64_t more = (uint64_t)per_s * passed_ms; /* a thousandth of a second brings per_s thousandths */
  return left + more < full ? left + more : full;
}

static void fill(struct stoa_rate *rate, const struct stoa_rate_limits *limits, uint32_t now_ms) {
  uint32_t passed_ms = rate->begun ? now_ms - rate->at_ms : UINT32_MAX;
  rate->begun = true;
  rate->at_ms = now_ms;
  rate->messages = filled(rate->messages, limits->messages_per_s, limits->messages_burst, passed_ms);
  rate->bytes = filled(rate->bytes, limits->bytes_per_s, limits->bytes_burst, passed_ms);
}

/* How long until the bucket has so much. */
static uint32_t wait_ms(uint64_t left, uint64_t needed, uint32_t per_s, uint32_t burst) {
  uint64_t full = (uint64_t)burst * THOUSAND;
  uint64_t goal = needed < full ? needed : full; /* a message larger than the burst needs a full bucket */
  if (per_s == 0 || left >= goal) {
    return 0;
  }
  uint64_t ms = (goal - left + per_s - 1) / per_s;
  return ms > INT32_MAX ? INT32_MAX : (uint32_t)ms;
}

void stoa_rate_count_excess(struct stoa_rate *rate, uint32_t now_ms) {
  if (rate->excess == 0 || now_ms - rate->excess_ms >= STOA_RATE_EXCESS_MS) {
    rate->excess = 0;
    rate->excess_ms = now_ms;
  }
  rate->excess++;
}

uint32_t stoa_rate_take(struct stoa_rate *rate, const struct stoa_rate_limits *limits, size_t bytes, uint32_t now_ms) {
  uint64_t needed = (uint64_t)bytes * THOUSAND;
  fill(rate, limits, now_ms);
  uint32_t messages_ms = wait_ms(rate->messages, THOUSAND, limits->messages_per_s, limits->messages_burst);
  uint32_t bytes_ms = wait_ms(rate->bytes, needed, limits->bytes_per_s, limits->bytes_burst);
  if (messages_ms > 0 || bytes_ms > 0) {
    stoa_rate_count_excess(rate, now_ms);
    return messages_ms > bytes_ms ? messages_ms : bytes_ms;
  }
  assert(limits->messages_per_s == 0 || rate->messages >= THOUSAND);
  rate->messages -= limits->messages_per_s > 0 ? THOUSAND : 0;
  rate->bytes -= rate->bytes < needed ? rate->bytes : needed;
  return 0;
}
