/* loop/wheel.h: the timers of one loop, hashed by due time (Varghese and Lauck 1987, scheme 6). */
#ifndef STOA_LOOP_WHEEL_H
#define STOA_LOOP_WHEEL_H

#include "loop/loop.h"

#define STOA_WHEEL_SLOTS 256u
#define STOA_WHEEL_TICK_MS 8u

struct stoa_wheel {
  struct stoa_timer *slots[STOA_WHEEL_SLOTS];
  uint64_t tick;        /* all slots up to this tick have been looked at */
  uint64_t next_due_ms; /* no timer is due before; UINT64_MAX without timers */
};

void stoa_wheel_init(struct stoa_wheel *wheel, uint64_t now_ms);
void stoa_wheel_insert(struct stoa_wheel *wheel, struct stoa_timer *timer);
void stoa_wheel_remove(struct stoa_timer *timer);
/* Move what is due to the list at *due, in no particular order. A timer there can still be removed. */
void stoa_wheel_take_due(struct stoa_wheel *wheel, uint64_t now_ms, struct stoa_timer **due);
/* Milliseconds until something may be due, rounded up, at most INT_MAX; -1 without timers. */
int stoa_wheel_wait_ms(const struct stoa_wheel *wheel, uint64_t now_ms);

#endif
