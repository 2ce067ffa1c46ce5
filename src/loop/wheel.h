/* loop/wheel.h: the timers of one loop, in a hierarchy of wheels (Varghese and Lauck 1987, scheme 7).
 *
 * Level 0 has a slot for each tick, level n one for each 32^n ticks. Each level spans two revolutions of the level
 * below: while the hand passes through one slot of a level, the timers of the next slot are moved down a few at a time,
 * so that no tick pays for all of them at once. A timer beyond the last level (199 days) waits in the last slot of that
 * level and is placed again when the slot is reached.
 *
 * Insert and remove are O(1). The cost of a tick is the due timers and the tick's share of the timers that must move
 * down. A timer moves at most STOA_WHEEL_LEVELS - 1 times, and once more for each 199 days. A loop that sleeps wakes at
 * most that often for a timer before it is due. A slot that was not moved down in time is moved whole when it is
 * reached.
 *
 * Thread: the loop's.
 */
#ifndef STOA_LOOP_WHEEL_H
#define STOA_LOOP_WHEEL_H

#include "loop/loop.h"

#define STOA_WHEEL_TICK_MS 8u
#define STOA_WHEEL_LEVELS 6u
#define STOA_WHEEL_SLOTS 64u /* of a level: two revolutions of the level below, and one bit in a word for each */

struct stoa_wheel_slot {
  struct stoa_timer *timers;
  uint32_t count;
};

struct stoa_wheel {
  struct stoa_wheel_slot slots[STOA_WHEEL_LEVELS][STOA_WHEEL_SLOTS];
  uint64_t used[STOA_WHEEL_LEVELS]; /* a bit for each slot that has timers */
  uint64_t tick;                    /* timers due up to this tick have been taken */
  uint64_t moves;                   /* how often a timer left a slot because time passed */
};

void stoa_wheel_init(struct stoa_wheel *wheel, uint64_t now_ms);
/* Insert a stopped timer at its due_ms, rounded up to a tick after the wheel's current one. */
void stoa_wheel_insert(struct stoa_wheel *wheel, struct stoa_timer *timer);
/* From the wheel or from a list of due timers. */
void stoa_wheel_remove(struct stoa_wheel *wheel, struct stoa_timer *timer);
/* Append what is due to the list at *due, tick by tick. A timer there can still be removed. */
void stoa_wheel_take_due(struct stoa_wheel *wheel, uint64_t now_ms, struct stoa_timer **due);
/* When timers are due, or must be moved down at the latest; UINT64_MAX without timers. */
uint64_t stoa_wheel_due_ms(const struct stoa_wheel *wheel);

#endif
