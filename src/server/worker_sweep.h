/* server/worker_sweep.h: now and then a worker looks at the connections that are due, and gives back memory.
 *
 * A worker without traffic rests: it sweeps when somebody is due, and not before.
 * Thread: the worker's; start also before it runs.
 */
#ifndef STOA_SERVER_WORKER_SWEEP_H
#define STOA_SERVER_WORKER_SWEEP_H

#include "server/worker_core.h"

/* From now on, as long as the loop turns. */
void stoa_worker_sweep_start(struct stoa_worker *worker);
/* A turn ends: unless all it did was to sweep, something happened. */
void stoa_worker_sweep_on_turn_end(struct stoa_worker *worker);
/* For struct stoa_stream_host: the stream is due earlier than it was. */
void stoa_worker_on_deadline_change(struct stoa_stream *stream, uint64_t due_ms);
/* Give back the memory that only the last turns needed. */
void stoa_worker_trim(struct stoa_worker *worker);

#endif
