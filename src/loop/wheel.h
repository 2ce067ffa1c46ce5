/* loop/wheel.h: the timers of one loop, in a hierarchy of wheels (Varghese and Lauck 1987, scheme 7).
 *
 * Level 0 has a slot for each tick, level n one for each 32^n ticks. Each level reaches over two revolutions of the
 * hand below it: while the hand passes through one slot of a level, the timers of the next slot are moved down a few
 * at a time, so that no tick pays for all of them at once. What lies beyond the last level (199 days) waits in its
 * farthest slot and is placed again when that comes up.
 *
 * Insert and remove are O(1). A tick costs what is due, and the tick's share of what must move down: a timer moves at
 * most STOA_WHEEL_LEVELS - 1 times in its life, and once more for each 199 days. A loop that sleeps wakes for a timer
 * at most that often before it is due, never otherwise; a slot that was not yet moved when its time comes is moved
 * whole.
 *
 * Thread: the loop's.
 */
#ifndef STOA_LOOP_WHEEL_H
#define STOA_LOOP_WHEEL_H

#include "loop/loop.h"

#define STOA_WHEEL_TICK_MS 8u
#define STOA_WHEEL_LEVELS 6u
#define STOA_WHEEL_SLOTS 64u /* of a level: two revolutions of the level below, and one bit each in a word */

struct stoa_wheel_slot {
  struct stoa_timer *timers;
  uint32_t count;
};

struct stoa_wheel {
  struct stoa_wheel_slot slots[STOA_WHEEL_LEVELS][STOA_WHEEL_SLOTS];
  uint64_t used[STOA_WHEEL_LEVELS]; /* a bit for each slot that has timers */
  uint64_t tick;                    /* what was due up to this tick has been taken */
  uint64_t moves;                   /* how often a timer was taken out of a slot by the passing of time */
};

void stoa_wheel_init(struct stoa_wheel *wheel, uint64_t now_ms);
/* Put a stopped timer in by its due_ms, which is rounded up to a tick after the wheel's. */
void stoa_wheel_insert(struct stoa_wheel *wheel, struct stoa_timer *timer);
/* Of the wheel or of a list of due ones. */
void stoa_wheel_remove(struct stoa_wheel *wheel, struct stoa_timer *timer);
/* Append what is due to the list at *due, tick by tick. A timer there can still be removed. */
void stoa_wheel_take_due(struct stoa_wheel *wheel, uint64_t now_ms, struct stoa_timer **due);
/* When there is something to take, or to move down at the latest; UINT64_MAX without timers. */
uint64_t stoa_wheel_due_ms(const struct stoa_wheel *wheel);

#endif
