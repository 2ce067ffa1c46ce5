/* server/worker/drain.h: ends workers: at once (stoa_server_abort()), or when their sessions have ended
 * (stoa_server_drain()).
 *
 * Thread: the worker's; the two public functions are for any.
 */
#ifndef STOA_SERVER_WORKER_DRAIN_H
#define STOA_SERVER_WORKER_DRAIN_H

#include "server/worker/core.h"

/* Call when a connection has ended: ends the server if it drains and this was the last one. */
void stoa_worker_end_if_drained(struct stoa_worker *worker);

#endif
