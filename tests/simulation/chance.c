#include "chance.h"

#include "../wire/random.h"
#include "net.h"

static struct stoa_clock_fake *now;
static uint64_t random_state, latency_us;

uint64_t chance_now_ns(void) {
  return now->monotonic_ns;
}

size_t chance_below(size_t count) {
  return random_below(&random_state, count);
}

bool chance_one_in(size_t count) {
  return chance_below(count) == 0;
}

uint64_t chance_delay_ns(void) {
  uint64_t us = latency_us / 2 + chance_below(latency_us + 1);
  return (chance_one_in(200) ? us + 200000 : us) * 1000u;
}

/* splitmix64. */
uint64_t chance_mix(uint64_t seed) {
  uint64_t mixed = seed + 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  mixed ^= mixed >> 31;
  return mixed == 0 ? 1 : mixed;
}

void chance_move_to(uint64_t monotonic_ns) {
  net_move_clock(now, monotonic_ns);
}

void chance_start(uint64_t seed, struct stoa_clock_fake *time) {
  static const uint64_t latencies_us[] = {20, 300, 3000, 40000};
  now = time;
  random_state = chance_mix(seed);
  latency_us = latencies_us[chance_below(4)];
}
