/* server/worker_drain.h: how workers are told to end: at once (stoa_server_abort()), or once their sessions have left
 * (stoa_server_drain()).
 *
 * Thread: the worker's; the two public functions are for any.
 */
#ifndef STOA_SERVER_WORKER_DRAIN_H
#define STOA_SERVER_WORKER_DRAIN_H

#include "server/worker_core.h"

/* A connection has ended: perhaps it was the last that the server waited for. */
void stoa_worker_end_if_drained(struct stoa_worker *worker);

#endif
