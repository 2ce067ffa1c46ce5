#include "loop/wheel.h"

#include <limits.h>
#include <stddef.h>

void stoa_wheel_init(struct stoa_wheel *wheel, uint64_t now_ms) {
  for (size_t i = 0; i < STOA_WHEEL_SLOTS; i++) {
    wheel->slots[i] = NULL;
  }
  wheel->tick = now_ms / STOA_WHEEL_TICK_MS;
  wheel->next_due_ms = UINT64_MAX;
}

static void link_timer(struct stoa_timer **head, struct stoa_timer *timer) {
  timer->next = *head;
  timer->link = head;
  if (timer->next != NULL) {
    timer->next->link = &timer->next;
  }
  *head = timer;
}

void stoa_wheel_insert(struct stoa_wheel *wheel, struct stoa_timer *timer) {
  /* A tick that was looked at already is not looked at again before a whole revolution. */
  uint64_t tick = (timer->due_ms + STOA_WHEEL_TICK_MS - 1) / STOA_WHEEL_TICK_MS;
  if (tick <= wheel->tick) {
    tick = wheel->tick + 1;
  }
  timer->due_ms = tick * STOA_WHEEL_TICK_MS;
  link_timer(&wheel->slots[tick % STOA_WHEEL_SLOTS], timer);
  if (timer->due_ms < wheel->next_due_ms) {
    wheel->next_due_ms = timer->due_ms;
  }
}

void stoa_wheel_remove(struct stoa_timer *timer) {
  *timer->link = timer->next;
  if (timer->next != NULL) {
    timer->next->link = timer->link;
  }
  timer->link = NULL;
  timer->next = NULL;
}

static void take_from_slot(struct stoa_wheel *wheel, size_t slot, uint64_t now_ms, struct stoa_timer **due) {
  struct stoa_timer *next;
  for (struct stoa_timer *timer = wheel->slots[slot]; timer != NULL; timer = next) {
    next = timer->next;
    if (timer->due_ms <= now_ms) {
      stoa_wheel_remove(timer);
      link_timer(due, timer);
    } else if (timer->due_ms < wheel->next_due_ms) {
      wheel->next_due_ms = timer->due_ms;
    }
  }
}

void stoa_wheel_take_due(struct stoa_wheel *wheel, uint64_t now_ms, struct stoa_timer **due) {
  if (now_ms < wheel->next_due_ms) {
    return;
  }
  /* All slots are walked, for the next due time must be found among all timers; there are few (a session has none). */
  wheel->next_due_ms = UINT64_MAX;
  wheel->tick = now_ms / STOA_WHEEL_TICK_MS;
  for (size_t slot = 0; slot < STOA_WHEEL_SLOTS; slot++) {
    take_from_slot(wheel, slot, now_ms, due);
  }
}

int stoa_wheel_wait_ms(const struct stoa_wheel *wheel, uint64_t now_ms) {
  if (wheel->next_due_ms == UINT64_MAX) {
    return -1;
  }
  if (wheel->next_due_ms <= now_ms) {
    return 0;
  }
  uint64_t wait = wheel->next_due_ms - now_ms;
  return wait > INT_MAX ? INT_MAX : (int)wait;
}
