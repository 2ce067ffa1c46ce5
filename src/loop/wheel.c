#include "loop/wheel.h"

#include <assert.h>
#include <stddef.h>

#define LEVEL_BITS 5u /* a slot of one level spans half of the slots of the level below, which is one revolution */
#define PLACES (STOA_WHEEL_LEVELS * STOA_WHEEL_SLOTS)
#define PLACE_OUTSIDE PLACES /* in a list of due timers */

static_assert(STOA_WHEEL_SLOTS == 2u << LEVEL_BITS, "a level reaches over two revolutions of the level below");
static_assert(STOA_WHEEL_SLOTS == 64, "one bit for each slot in `used`");

void stoa_wheel_init(struct stoa_wheel *wheel, uint64_t now_ms) {
  *wheel = (struct stoa_wheel){.tick = now_ms / STOA_WHEEL_TICK_MS};
}

static void link_timer(struct stoa_timer **head, struct stoa_timer *timer) {
  timer->next = *head;
  timer->link = head;
  if (timer->next != NULL) {
    timer->next->link = &timer->next;
  }
  *head = timer;
}

/* Ticks in units of a level's slots. */
static uint64_t in_slots(uint64_t tick, uint32_t level) {
  return tick >> (LEVEL_BITS * level);
}

static uint64_t first_tick(uint64_t slot, uint32_t level) {
  return slot << (LEVEL_BITS * level);
}

/* Take the lowest level that reaches as far as the timer. On the last level its slot may be earlier than the timer. */
static void place(struct stoa_wheel *wheel, struct stoa_timer *timer) {
  uint64_t tick = timer->due_ms / STOA_WHEEL_TICK_MS;
  assert(tick > wheel->tick);
  uint32_t level = 0;
  uint64_t hand = wheel->tick;
  while (level + 1 < STOA_WHEEL_LEVELS && in_slots(tick, level) - hand >= STOA_WHEEL_SLOTS) {
    level++;
    hand = in_slots(wheel->tick, level);
  }
  uint64_t slot = in_slots(tick, level);
  if (slot - hand >= STOA_WHEEL_SLOTS) {
    slot = hand + STOA_WHEEL_SLOTS - 1;
  }
  uint32_t index = (uint32_t)(slot % STOA_WHEEL_SLOTS);
  timer->place = level * STOA_WHEEL_SLOTS + index;
  link_timer(&wheel->slots[level][index].timers, timer);
  wheel->slots[level][index].count++;
  wheel->used[level] |= 1ull << index;
}

void stoa_wheel_insert(struct stoa_wheel *wheel, struct stoa_timer *timer) {
  assert(timer->link == NULL);
  uint64_t tick = timer->due_ms / STOA_WHEEL_TICK_MS + (timer->due_ms % STOA_WHEEL_TICK_MS != 0);
  /* A tick that has passed does not come again. */
  if (tick <= wheel->tick) {
    tick = wheel->tick + 1;
  }
  if (__builtin_mul_overflow(tick, STOA_WHEEL_TICK_MS, &timer->due_ms)) {
    timer->due_ms = UINT64_MAX;
  }
  place(wheel, timer);
}

static void leave_place(struct stoa_wheel *wheel, struct stoa_timer *timer) {
  if (timer->place == PLACE_OUTSIDE) {
    return;
  }
  uint32_t level = timer->place / STOA_WHEEL_SLOTS;
  uint32_t index = timer->place % STOA_WHEEL_SLOTS;
  struct stoa_wheel_slot *slot = &wheel->slots[level][index];
  assert(slot->count > 0);
  slot->count--;
  if (slot->count == 0) {
    assert(slot->timers == NULL);
    wheel->used[level] &= ~(1ull << index);
  }
  timer->place = PLACE_OUTSIDE;
}

void stoa_wheel_remove(struct stoa_wheel *wheel, struct stoa_timer *timer) {
  assert(*timer->link == timer);
  *timer->link = timer->next;
  if (timer->next != NULL) {
    timer->next->link = timer->link;
  }
  timer->link = NULL;
  timer->next = NULL;
  leave_place(wheel, timer);
}

/* Take up to `count` timers out of a slot: those that are due go to the list, the others to their new slot. */
static struct stoa_timer **move(struct stoa_wheel *wheel, struct stoa_wheel_slot *slot, uint32_t count,
                                struct stoa_timer **due) {
  for (; count > 0; count--) {
    struct stoa_timer *timer = slot->timers;
    stoa_wheel_remove(wheel, timer);
    wheel->moves++;
    if (timer->due_ms / STOA_WHEEL_TICK_MS > wheel->tick) {
      place(wheel, timer);
    } else {
      link_timer(due, timer);
      due = &timer->next;
    }
  }
  return due;
}

/* The next slot of a level that has timers, as a number that only grows; UINT64_MAX without any. The slot at the hand
 * is always empty: its timers were moved down before the hand reached it. */
static uint64_t next_slot(const struct stoa_wheel *wheel, uint32_t level) {
  if (wheel->used[level] == 0) {
    return UINT64_MAX;
  }
  uint64_t first = in_slots(wheel->tick, level) + 1;
  uint32_t turned = (uint32_t)(first % STOA_WHEEL_SLOTS);
  uint64_t used = wheel->used[level] >> turned | wheel->used[level] << ((STOA_WHEEL_SLOTS - turned) % STOA_WHEEL_SLOTS);
  return first + (uint64_t)__builtin_ctzll(used);
}

/* The next tick at which the hand reaches a slot with timers, on any level. */
static uint64_t next_tick(const struct stoa_wheel *wheel) {
  uint64_t nearest = UINT64_MAX;
  for (uint32_t level = 0; level < STOA_WHEEL_LEVELS; level++) {
    uint64_t slot = next_slot(wheel, level);
    uint64_t tick = slot == UINT64_MAX ? UINT64_MAX : first_tick(slot, level);
    nearest = tick < nearest ? tick : nearest;
  }
  return nearest;
}

/* Empty the slots at the hand, from the top level down, because a timer that moves down may be due at this tick. */
static struct stoa_timer **arrive(struct stoa_wheel *wheel, uint64_t tick, struct stoa_timer **due) {
  wheel->tick = tick;
  for (uint32_t level = STOA_WHEEL_LEVELS; level-- > 0;) {
    struct stoa_wheel_slot *slot = &wheel->slots[level][in_slots(tick, level) % STOA_WHEEL_SLOTS];
    due = move(wheel, slot, slot->count, due);
  }
  return due;
}

/* Move down a share of each level's next slot: the part of its timers that equals the passed part of the time left
 * until the slot is reached. */
static void move_share(struct stoa_wheel *wheel, uint64_t passed) {
  for (uint32_t level = 1; level < STOA_WHEEL_LEVELS; level++) {
    uint64_t next = in_slots(wheel->tick, level) + 1;
    struct stoa_wheel_slot *slot = &wheel->slots[level][next % STOA_WHEEL_SLOTS];
    uint64_t left = first_tick(next, level) - wheel->tick;
    uint64_t share = passed >= left ? slot->count : (slot->count * passed + left - 1) / left;
    struct stoa_timer *none = NULL;
    struct stoa_timer **end = move(wheel, slot, (uint32_t)share, &none);
    assert(end == &none); /* a slot that is not reached yet has no due timers */
  }
}

void stoa_wheel_take_due(struct stoa_wheel *wheel, uint64_t now_ms, struct stoa_timer **due) {
  uint64_t now = now_ms / STOA_WHEEL_TICK_MS;
  uint64_t before = wheel->tick;
  if (now <= before) {
    return;
  }
  while (*due != NULL) {
    due = &(*due)->next;
  }
  for (uint64_t tick = next_tick(wheel); tick <= now; tick = next_tick(wheel)) {
    due = arrive(wheel, tick, due);
  }
  wheel->tick = now;
  move_share(wheel, now - before);
}

uint64_t stoa_wheel_due_ms(const struct stoa_wheel *wheel) {
  uint64_t due_ms;
  return __builtin_mul_overflow(next_tick(wheel), STOA_WHEEL_TICK_MS, &due_ms) ? UINT64_MAX : due_ms;
}
