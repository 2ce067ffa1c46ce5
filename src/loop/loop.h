/* loop/loop.h: the event loop of one thread: descriptors, timers, posts from other threads, and the end of a turn.
 *
 * A turn waits for events, runs descriptor callbacks, posts and due timers, then what was gathered, the turn-end hook
 * (which sends the output of the turn), and the deferred releases. So a callback may close anything at any time: memory
 * that a caller may still use is released only when no callback is on the stack.
 *
 * Time is read only from the clock that the loop was created with: a loop on a fake clock whose turns do not wait does
 * the same each time.
 *
 * Does not know: the kind of a descriptor.
 * Thread: create, run and destroy may be on different threads, one after the other; all else on the thread that runs,
 *         except stoa_loop_post(), stoa_loop_stop() and stoa_loop_stopped(), which are for any thread.
 * Lifetime: io, timer, post and deferred structs are the caller's memory, borrowed while they are registered.
 */
#ifndef STOA_LOOP_LOOP_H
#define STOA_LOOP_LOOP_H

#include "base/clock.h"

#include <stdbool.h>
#include <stoa/status.h>

struct stoa_loop;

/* One watched descriptor. Embedded in its owner. */
struct stoa_io {
  int fd;          /* -1 when not registered */
  uint32_t events; /* EPOLLIN, EPOLLOUT: what is watched; level-triggered */
  void (*on_ready)(struct stoa_io *io, uint32_t events);
};

/* One timer. Zeroed means stopped. */
struct stoa_timer {
  struct stoa_timer *next;
  struct stoa_timer **link; /* NULL while stopped */
  uint64_t due_ms;
  void (*on_due)(struct stoa_timer *timer);
  uint32_t place; /* the wheel's */
};

/* Work from another thread. */
struct stoa_post {
  struct stoa_post *next;
  void (*run)(struct stoa_post *post); /* on the loop's thread; owns the post from then on */
};

/* Work for the end of the turn: to release memory, or to hand over what was gathered. */
struct stoa_deferred {
  struct stoa_deferred *next;
  void (*run)(struct stoa_deferred *deferred);
};

enum stoa_loop_step {
  STOA_LOOP_EVENTS, /* of descriptors */
  STOA_LOOP_POSTS,
  STOA_LOOP_TIMERS,
  STOA_LOOP_END, /* what was gathered, the hook and the deferred releases */
  STOA_LOOP_STEPS
};

/* How long a turn took, by the loop's clock. */
struct stoa_loop_times {
  uint64_t steps_ns[STOA_LOOP_STEPS]; /* of steps with nothing to do 0 */
  uint64_t turn_ns;                   /* all of it, from waking up */
  uint64_t late_ns;                   /* of the timers that ran, the latest after its time, of whole ticks */
  bool has_timers;                    /* some ran */
};

/* clock  borrowed until destroy
 * Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_loop_create(const struct stoa_clock *clock, struct stoa_loop **out_loop);
/* Posts that have not run are run first, then deferred releases. NULL is fine. */
void stoa_loop_destroy(struct stoa_loop *loop);

/* Called once in each turn after the callbacks. It may cause further posts, which wake the next turn. */
void stoa_loop_on_turn_end(struct stoa_loop *loop, void (*hook)(void *context), void *context);

/* Called at the very end of each turn, after the releases. It costs a look at the clock for each step with something to
 * do; one of these serves the wait of the next turn too. */
void stoa_loop_on_times(struct stoa_loop *loop, void (*hook)(void *context, const struct stoa_loop_times *times),
                        void *context);
/* How long the last turn took; 0 without that hook. */
uint64_t stoa_loop_last_turn_ns(const struct stoa_loop *loop);

/* Run turns until stoa_loop_stop(). */
void stoa_loop_run(struct stoa_loop *loop);
/* One turn that waits at most wait_ms (-1: until something happens). */
void stoa_loop_turn(struct stoa_loop *loop, int wait_ms);
/* Any thread. The current turn is finished. */
void stoa_loop_stop(struct stoa_loop *loop);
/* Was stoa_loop_stop() called? For callers that run the turns themselves. Any thread. */
bool stoa_loop_stopped(const struct stoa_loop *loop);

/* For a program with its own poll loop: readable when a turn has something to do. A turn is also due when
 * stoa_loop_wait_ms() milliseconds (0: now; -1: never) have passed. */
int stoa_loop_fd(const struct stoa_loop *loop);
int stoa_loop_wait_ms(const struct stoa_loop *loop);

/* When the next turn is due without any event, in nanoseconds of the loop's clock; 0 for now, UINT64_MAX for never. A
 * simulation sets its clock to the earliest of these and runs a turn of that loop. */
uint64_t stoa_loop_due_ns(const struct stoa_loop *loop);

/* Some work is left that needs no event: the next turn does not wait. To be called again in each turn that leaves work.
 */
void stoa_loop_again(struct stoa_loop *loop);

/* Make a turn begin at that time of the loop's clock or soon after it: for what needs a finer time than a timer has.
 * The earliest of several calls counts, until it is reached. The turn is late by what the kernel needs to wake a thread
 * (50 us by default, prctl(2) PR_SET_TIMERSLACK), or by up to 1 ms where epoll_pwait2(2) is missing. */
void stoa_loop_wake_at(struct stoa_loop *loop, uint64_t due_ns);

/* The time when this turn woke up, monotonic, in milliseconds. */
uint64_t stoa_loop_now_ms(const struct stoa_loop *loop);
uint64_t stoa_loop_now_ns(const struct stoa_loop *loop);
const struct stoa_clock *stoa_loop_clock(const struct stoa_loop *loop);

/* Watch io->fd for io->events. Errors: STOA_E_SYSTEM, STOA_E_MEMORY (the kernel's) */
int stoa_loop_add(struct stoa_loop *loop, struct stoa_io *io);
/* Change the watched events. Errors: as add; the earlier events are still watched. */
int stoa_loop_modify(struct stoa_loop *loop, struct stoa_io *io, uint32_t events);
/* Stop watching; events already fetched in this turn are dropped. The descriptor stays open and io->fd becomes -1;
 * the struct must live until the end of the turn. */
void stoa_loop_remove(struct stoa_loop *loop, struct stoa_io *io);

/* (Re)start: on_due once, `delay_ms` from this turn's time, not before, up to one wheel tick (8 ms) later; a delay
 * beyond the range of the clock is never due. Starting and stopping are O(1), however many timers there are. */
void stoa_loop_timer_start(struct stoa_loop *loop, struct stoa_timer *timer, uint64_t delay_ms);
/* Stopping a stopped timer is fine. */
void stoa_loop_timer_stop(struct stoa_loop *loop, struct stoa_timer *timer);

/* Any thread, no lock. Posts of one thread run in the order in which they were posted. One that a loop's turn posts to
 * itself costs no system call. */
void stoa_loop_post(struct stoa_loop *loop, struct stoa_post *post);

/* Run at the end of this turn, after the hook. It may leave work for the hook, so the next turn does not wait. */
void stoa_loop_defer(struct stoa_loop *loop, struct stoa_deferred *deferred);
/* Run in this turn before the hook, so that what the callbacks of a turn gather for another thread is handed over at
 * once, and that thread works while this one sends. Called in the hook or later, it runs in the next turn, which does
 * not wait. The loop's own thread, in a turn. */
void stoa_loop_hand_over(struct stoa_loop *loop, struct stoa_deferred *deferred);
/* Does the calling thread run a turn of this loop? */
bool stoa_loop_is_turning(const struct stoa_loop *loop);

#endif
