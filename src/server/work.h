/* server/work.h: what a program runs on a worker by stoa/worker.h.
 *
 * Thread: the worker's, except where stoa/worker.h tells otherwise. Lifetime: a part of the worker.
 */
#ifndef STOA_SERVER_WORK_H
#define STOA_SERVER_WORK_H

#include "loop/loop.h"

#include <stdatomic.h>
#include <stdint.h>

struct stoa_worker;
struct stoa_worker_timer;

struct stoa_work {
  atomic_uint waiting;              /* functions in the mailbox */
  atomic_bool ended;                /* nothing is taken any more; what waits is told so */
  bool begun;                       /* on_worker_start said yes, on_worker_stop is due */
  struct stoa_worker_timer *timers; /* those that run */
};

/* Call on_worker_start as the worker, before its thread runs. Errors: the program's */
int stoa_work_begin(struct stoa_worker *worker);
/* The server ends: nothing more is taken, no timer is due any more, and what waits is told so in the worker's last
 * turn, which follows. */
void stoa_work_close(struct stoa_worker *worker);
/* After the last turn, so that on_closed can stop those of its session: tell the timers. */
void stoa_work_drop_timers(struct stoa_worker *worker);
/* When all workers' sessions have ended: call on_worker_stop as the worker, if it began. */
void stoa_work_end(struct stoa_worker *worker);

#endif
