/* server/worker/watch.h: how long a worker's turns take, how late its timers are, and what made a turn slow.
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
/* The parts of every 16th turn's end are timed. */
#define STOA_WATCH_PARTS_EVERY 16u

/* What a worker does at the end of a turn. */
enum stoa_turn_part {
  STOA_TURN_READY,      /* shares of streams on the ready list: input, handlers, TLS handshakes */
  STOA_TURN_FANOUT,     /* batches of groups */
  STOA_TURN_PLACEMENTS, /* ordered joins */
  STOA_TURN_OUTPUT,     /* sessions' own bytes, and the end of streams with a fate */
  STOA_TURN_SWEEP,      /* due connections */
  STOA_TURN_PARTS
};

struct stoa_worker;

struct stoa_worker_watch {
  uint64_t until_ns;      /* requests are timed one by one until then; 0: no */
  uint64_t noted_ns;      /* while they are: when the last one was answered */
  uint64_t slowest_ns;    /* of this turn */
  uint64_t messages;      /* that the worker had handled before this turn */
  uint32_t slowest, last; /* operations of this turn */
  bool has_slowest, has_last;

  /* Borrowed from the worker's shard; the cells are one for each direction. */
  struct stoa_metric_series_cells turn_series, lag_series;
  struct stoa_metric_cell *messages_cells, *bytes_cells;

  _Atomic(uint64_t) late_ns; /* the latest timer of the last turn that had any; read by scrapes */

  /* Written by the worker, read by any thread. */
  struct stoa_metric_cell turns, turns_ns, steps_ns[STOA_LOOP_STEPS];
  struct stoa_metric_cell parts_ns[STOA_TURN_PARTS]; /* of the turns that were timed */
  uint32_t parts_in;                                 /* turns until the parts of one are timed */
  uint64_t part_ns;                                  /* when the last part ended; 0: this turn is not timed */

  /* A post that a worker which turns runs at once. */
  struct stoa_post probe;
  atomic_bool is_probing;
  _Atomic(uint64_t) probed_ns; /* since when */
};

/* The end of a turn begins; a part of it has ended. */
void stoa_worker_watch_parts(struct stoa_worker *worker);
void stoa_worker_watch_part(struct stoa_worker *worker, enum stoa_turn_part part);

/* For how long the worker has not turned, in nanoseconds: since a call of this function, by any thread, whose post it
 * has not run yet; 0: it has run it. Sends the next one. Any thread, while the server is bound. */
uint64_t stoa_worker_watch_probe(struct stoa_worker *worker);

/* Have the worker's loop report its turns. */
void stoa_worker_watch_start(struct stoa_worker *worker);
/* Time a request of this operation, which was answered, while requests are timed one by one. */
void stoa_worker_watch_time(struct stoa_worker *worker, uint32_t operation);

#endif
