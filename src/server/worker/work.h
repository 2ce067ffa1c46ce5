/* server/worker/work.h: functions and timers that the program runs on a worker (stoa/worker.h).
 *
 * Thread: the worker's, except where stoa/worker.h says otherwise. Lifetime: a part of the worker.
 */
#ifndef STOA_SERVER_WORKER_WORK_H
#define STOA_SERVER_WORKER_WORK_H

#include "loop/loop.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct stoa_worker;
struct stoa_worker_timer;

struct stoa_work {
  atomic_uint waiting;              /* functions in the mailbox */
  atomic_bool ended;                /* no function is accepted any more; those that wait get STOA_E_CLOSED */
  bool begun;                       /* on_worker_start returned STOA_OK, so on_worker_stop must be called */
  size_t extensions_begun;          /* the same of extensions, in their order */
  struct stoa_worker_timer *timers; /* running timers */
};

/* Call on_worker_start as the worker, before its thread runs. Errors: the program's */
int stoa_work_begin(struct stoa_worker *worker);
/* The server ends: accept no more functions, fire no more timers. Functions that wait get STOA_E_CLOSED in the worker's
 * last turn, which follows. */
void stoa_work_close(struct stoa_worker *worker);
/* Call the remaining timers with STOA_E_CLOSED. After the last turn, so that on_closed can stop the timers of its
 * session. */
void stoa_work_drop_timers(struct stoa_worker *worker);
/* Call when all workers' sessions have ended: runs on_worker_stop as the worker, if on_worker_start succeeded. */
void stoa_work_end(struct stoa_worker *worker);

#endif
