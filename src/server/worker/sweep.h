/* server/worker/sweep.h: handles connections whose deadlines are due, and releases memory.
 *
 * A worker without traffic rests: it sweeps when a connection is due, and not before.
 * Thread: the worker's; start may be called before it runs.
 */
#ifndef STOA_SERVER_WORKER_SWEEP_H
#define STOA_SERVER_WORKER_SWEEP_H

#include "server/worker/core.h"

/* Sweep from now on, as long as the loop runs. */
void stoa_worker_sweep_start(struct stoa_worker *worker);
/* Call at the end of a turn: the worker was busy, unless the turn did nothing but sweep. */
void stoa_worker_sweep_on_turn_end(struct stoa_worker *worker);
/* The on_deadline_change of struct stoa_stream_host. */
void stoa_worker_on_deadline_change(struct stoa_stream *stream, uint64_t due_ms);
/* Release memory that only recent turns needed. */
void stoa_worker_trim(struct stoa_worker *worker);

#endif
