#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loop/wheel.h"

#define MILLION 1000000u
#define HOUR_MS (UINT64_C(3600) * 1000)
#define DAY_MS (24 * HOUR_MS)
/* What a timer costs in its life: once due, and moved down from level to level before. */
#define MOVES_MAX STOA_WHEEL_LEVELS

static uint64_t random_state;

static uint64_t random_below(uint64_t bound) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % bound;
}

static uint64_t rounded_up(uint64_t ms) {
  return (ms + STOA_WHEEL_TICK_MS - 1) / STOA_WHEEL_TICK_MS * STOA_WHEEL_TICK_MS;
}

/* A wheel beside a list of what it should do. */

#define MODEL_TIMERS 64

struct model {
  struct stoa_wheel wheel;
  struct stoa_timer timers[MODEL_TIMERS];
  uint64_t due_ms[MODEL_TIMERS]; /* 0: stopped */
  uint64_t now_ms;
};

static struct model model;

static void begin_model(uint64_t seed) {
  memset(&model, 0, sizeof model);
  random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  model.now_ms = random_below(3) == 0 ? random_below(1u << 20) : random_below(UINT64_C(1) << 50);
  stoa_wheel_init(&model.wheel, model.now_ms);
}

/* From this turn's time, of every order of magnitude. */
static uint64_t some_delay_ms(void) {
  const uint64_t bounds[] = {1, 8, 9, 300, 5000, 60000, HOUR_MS, DAY_MS, 250 * DAY_MS, 10000 * DAY_MS};
  return random_below(bounds[random_below(sizeof bounds / sizeof bounds[0])]);
}

static void start_one(size_t i) {
  uint64_t due_ms = model.now_ms + some_delay_ms();
  model.timers[i].due_ms = due_ms;
  stoa_wheel_insert(&model.wheel, &model.timers[i]);
  uint64_t next_tick_ms = (model.now_ms / STOA_WHEEL_TICK_MS + 1) * STOA_WHEEL_TICK_MS;
  model.due_ms[i] = rounded_up(due_ms) < next_tick_ms ? next_tick_ms : rounded_up(due_ms);
}

static void start_or_stop_one(void) {
  size_t i = (size_t)random_below(MODEL_TIMERS);
  if (model.due_ms[i] == 0) {
    start_one(i);
  } else {
    stoa_wheel_remove(&model.wheel, &model.timers[i]);
    model.due_ms[i] = 0;
  }
}

static uint64_t nearest_ms(void) {
  uint64_t nearest = UINT64_MAX;
  for (size_t i = 0; i < MODEL_TIMERS; i++) {
    if (model.due_ms[i] != 0 && model.due_ms[i] < nearest) {
      nearest = model.due_ms[i];
    }
  }
  return nearest;
}

/* What the wheel gives is what the list says, in the order of the ticks; some of it is stopped while it is due. */
static void take_and_compare(void) {
  struct stoa_timer *due = NULL;
  stoa_wheel_take_due(&model.wheel, model.now_ms, &due);
  uint64_t last_ms = 0;
  while (due != NULL) {
    struct stoa_timer *timer = due;
    size_t i = (size_t)(timer - model.timers);
    if (timer->next != NULL && random_below(4) == 0) {
      timer = timer->next;
      i = (size_t)(timer - model.timers);
    } else {
      assert_true(timer->due_ms >= last_ms);
      last_ms = timer->due_ms;
    }
    assert_true(model.due_ms[i] != 0 && model.due_ms[i] <= model.now_ms);
    assert_int_equal(timer->due_ms, model.due_ms[i]);
    stoa_wheel_remove(&model.wheel, timer);
    model.due_ms[i] = 0;
  }
  assert_true(nearest_ms() > model.now_ms); /* nothing was forgotten */
}

static void pass_some_time(void) {
  uint64_t nearest = nearest_ms();
  switch (random_below(5)) {
    case 0:
      model.now_ms = nearest == UINT64_MAX ? model.now_ms : nearest - 1;
      break;
    case 1:
      model.now_ms = nearest == UINT64_MAX ? model.now_ms : nearest;
      break;
    default:
      model.now_ms += some_delay_ms();
      break;
  }
}

static void check_next_wake_up(void) {
  uint64_t nearest = nearest_ms();
  uint64_t due_ms = stoa_wheel_due_ms(&model.wheel);
  assert_true(due_ms <= nearest);
  assert_true(due_ms > model.now_ms);
  assert_true((due_ms == UINT64_MAX) == (nearest == UINT64_MAX));
  /* It is the time, or the beginning of a slot above level 0, which a timer causes once for each level. */
  assert_true(due_ms == nearest || due_ms % (STOA_WHEEL_TICK_MS * STOA_WHEEL_SLOTS / 2) == 0);
}

static void test_any_starts_stops_and_jumps_of_time_give_what_a_plain_list_gives(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    begin_model(seed);
    for (unsigned step = 0; step < 400; step++) {
      for (uint64_t i = random_below(6); i > 0; i--) {
        start_or_stop_one();
      }
      check_next_wake_up();
      pass_some_time();
      take_and_compare();
    }
  }
}

/* Wake-ups of a loop that does nothing but sleep until it is told to wake. */
static unsigned sleep_until_due(struct stoa_wheel *wheel, const struct stoa_timer *timer) {
  unsigned turns = 0;
  struct stoa_timer *due = NULL;
  while (due == NULL) {
    uint64_t due_ms = stoa_wheel_due_ms(wheel);
    assert_true(due_ms <= timer->due_ms);
    stoa_wheel_take_due(wheel, due_ms, &due);
    turns++;
    assert_true(turns <= 100);
  }
  assert_ptr_equal(due, timer);
  stoa_wheel_remove(wheel, due);
  return turns;
}

static void test_a_sleeping_loop_wakes_a_few_times_for_a_distant_timer_and_never_without_one(void **state) {
  (void)state;
  const uint64_t delays_ms[] = {1, 500, 600, 30000, HOUR_MS, 5 * HOUR_MS, DAY_MS, 30 * DAY_MS, 190 * DAY_MS};
  struct stoa_wheel wheel;
  for (uint64_t now_ms = 0; now_ms < 100 * HOUR_MS; now_ms += 1234567) {
    stoa_wheel_init(&wheel, now_ms);
    assert_true(stoa_wheel_due_ms(&wheel) == UINT64_MAX);
    for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0]; i++) {
      struct stoa_timer timer = {.due_ms = wheel.tick * STOA_WHEEL_TICK_MS + delays_ms[i]};
      stoa_wheel_insert(&wheel, &timer);
      assert_true(sleep_until_due(&wheel, &timer) <= (delays_ms[i] <= 500 ? 1 : STOA_WHEEL_LEVELS));
      assert_true(stoa_wheel_due_ms(&wheel) == UINT64_MAX);
    }
  }
}

static void test_a_timer_beyond_the_last_level_wakes_once_more_for_each_time_around(void **state) {
  (void)state;
  struct stoa_wheel wheel;
  stoa_wheel_init(&wheel, 77);
  struct stoa_timer timer = {.due_ms = 3650 * DAY_MS};
  stoa_wheel_insert(&wheel, &timer);
  assert_true(sleep_until_due(&wheel, &timer) <= STOA_WHEEL_LEVELS + 3650 / 190);
}

/* A million timers. Work is counted in timers looked at, for time says nothing on a busy machine. */

struct crowd {
  struct stoa_wheel wheel;
  struct stoa_timer *timers;
  uint64_t *due_in_tick; /* how many are due in each tick */
  uint64_t ticks;
};

static void begin_crowd(struct crowd *crowd, uint64_t within_ms) {
  random_state = 42;
  crowd->timers = calloc(MILLION, sizeof *crowd->timers);
  crowd->ticks = within_ms / STOA_WHEEL_TICK_MS + 2;
  crowd->due_in_tick = calloc(crowd->ticks, sizeof *crowd->due_in_tick);
  assert_non_null(crowd->timers);
  assert_non_null(crowd->due_in_tick);
  stoa_wheel_init(&crowd->wheel, 0);
  for (uint32_t i = 0; i < MILLION; i++) {
    crowd->timers[i].due_ms = random_below(within_ms);
    stoa_wheel_insert(&crowd->wheel, &crowd->timers[i]);
    crowd->due_in_tick[crowd->timers[i].due_ms / STOA_WHEEL_TICK_MS]++;
  }
  assert_true(crowd->wheel.moves == 0);
}

static void end_crowd(struct crowd *crowd) {
  free(crowd->timers);
  free(crowd->due_in_tick);
}

/* Take one tick's due timers out; returns how many there were. */
static uint64_t take_tick(struct crowd *crowd, uint64_t tick) {
  struct stoa_timer *due = NULL;
  uint64_t count = 0;
  stoa_wheel_take_due(&crowd->wheel, tick * STOA_WHEEL_TICK_MS, &due);
  while (due != NULL) {
    stoa_wheel_remove(&crowd->wheel, due);
    count++;
  }
  return count;
}

/* The most that is due in so many ticks, wherever they begin. */
static uint64_t due_in_worst(const struct crowd *crowd, uint64_t ticks) {
  uint64_t sum = 0;
  uint64_t worst = 0;
  for (uint64_t i = 0; i < crowd->ticks; i++) {
    sum += crowd->due_in_tick[i] - (i < ticks ? 0 : crowd->due_in_tick[i - ticks]);
    worst = sum > worst ? sum : worst;
  }
  return worst;
}

/* Each level moves the timers of a slot of 32^n ticks within the 32^n ticks before. */
static uint64_t share_of_worst_tick(const struct crowd *crowd) {
  uint64_t share = 0;
  uint64_t slot_ticks = 1;
  for (uint32_t level = 0; level < STOA_WHEEL_LEVELS; level++) {
    share += due_in_worst(crowd, slot_ticks) / slot_ticks + 2;
    slot_ticks *= 32;
  }
  return share;
}

static void check_work_within(uint64_t within_ms) {
  struct crowd crowd;
  begin_crowd(&crowd, within_ms);
  uint64_t share_max = share_of_worst_tick(&crowd);
  uint64_t taken = 0;
  for (uint64_t tick = 1; tick < crowd.ticks; tick++) {
    uint64_t before = crowd.wheel.moves;
    uint64_t due = take_tick(&crowd, tick);
    assert_true(tick == 1 || due == crowd.due_in_tick[tick]);
    assert_true(crowd.wheel.moves - before <= due + share_max);
    taken += due;
  }
  assert_int_equal(taken, MILLION);
  assert_true(crowd.wheel.moves <= (uint64_t)MOVES_MAX * MILLION);
  end_crowd(&crowd);
}

static void test_a_tick_of_a_million_timers_handles_those_due_and_moves_a_bounded_share(void **state) {
  (void)state;
  check_work_within(30000);   /* what sessions have */
  check_work_within(HOUR_MS); /* the share is some hundred timers */
}

static void test_ticks_with_nothing_due_look_at_none_of_a_million_timers(void **state) {
  (void)state;
  struct crowd crowd = {.timers = calloc(MILLION, sizeof(struct stoa_timer))};
  assert_non_null(crowd.timers);
  stoa_wheel_init(&crowd.wheel, 0);
  for (uint32_t i = 0; i < MILLION; i++) {
    crowd.timers[i].due_ms = HOUR_MS + i % 1000;
    stoa_wheel_insert(&crowd.wheel, &crowd.timers[i]);
  }
  struct stoa_timer near = {.due_ms = 0};
  for (uint64_t tick = 1; tick < 1000; tick++) {
    near.due_ms = tick * STOA_WHEEL_TICK_MS;
    stoa_wheel_insert(&crowd.wheel, &near);
    assert_int_equal(take_tick(&crowd, tick), 1);
  }
  assert_int_equal(crowd.wheel.moves, 999);
  /* Half of them stopped, the others come in one jump. */
  for (uint32_t i = 0; i < MILLION; i += 2) {
    stoa_wheel_remove(&crowd.wheel, &crowd.timers[i]);
  }
  assert_int_equal(take_tick(&crowd, 2 * HOUR_MS / STOA_WHEEL_TICK_MS), MILLION / 2);
  assert_true(stoa_wheel_due_ms(&crowd.wheel) == UINT64_MAX);
  free(crowd.timers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_starts_stops_and_jumps_of_time_give_what_a_plain_list_gives),
      cmocka_unit_test(test_a_sleeping_loop_wakes_a_few_times_for_a_distant_timer_and_never_without_one),
      cmocka_unit_test(test_a_timer_beyond_the_last_level_wakes_once_more_for_each_time_around),
      cmocka_unit_test(test_a_tick_of_a_million_timers_handles_those_due_and_moves_a_bounded_share),
      cmocka_unit_test(test_ticks_with_nothing_due_look_at_none_of_a_million_timers),
  };
  return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
