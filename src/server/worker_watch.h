/* server/worker_watch.h: how long a worker's turns take, how late its timers are, and what made a turn slow.
 *
 * A turn above log.slow_turn_ms is logged with the time of each step. Handlers are not timed one by one, which would
 * cost every message a look at the clock. So the line names the last handler that ran, and for STOA_WATCH_MS after a
 * slow turn each one is timed: the next slow turn names the one that took longest.
 *
 * Thread: the worker's. Lifetime: a part of the worker.
 */
#ifndef STOA_SERVER_WORKER_WATCH_H
#define STOA_SERVER_WORKER_WATCH_H

#include "base/metric.h"
#include "loop/loop.h"

#define STOA_WATCH_MS 10000u

struct stoa_worker;

struct stoa_worker_watch {
  uint64_t until_ns;      /* requests are timed one by one until then; 0: no */
  uint64_t noted_ns;      /* while they are: when the last one was answered */
  uint64_t slowest_ns;    /* of this turn */
  uint64_t messages;      /* that the worker had handled before this turn */
  uint32_t slowest, last; /* operations of this turn */
  bool has_slowest, has_last;
  uint64_t slow_ns; /* a turn that takes longer is slow */

  /* Borrowed from the worker's shard; the cells are one for each direction. */
  struct stoa_metric_series_cells turns, lags;
  struct stoa_metric_cell *messages_cells, *bytes_cells;

  _Atomic(uint64_t) late_ns; /* the latest timer of the last turn that had any; read by scrapes */
};

/* Have the worker's loop report its turns. */
void stoa_worker_watch_start(struct stoa_worker *worker);
/* Time a request of this operation, which was answered, while requests are timed one by one. */
void stoa_worker_watch_time(struct stoa_worker *worker, uint32_t operation);

#endif
