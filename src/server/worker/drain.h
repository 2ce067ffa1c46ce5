/* server/worker/drain.h: ends workers: at once (stoa_server_abort()), or when their sessions have ended
 * (stoa_server_drain()).
 *
 * A drain stops listening at once, and accepts no session. But while a session of the HTTP fallback is open, posts to
 * it may come on any connection: until then it listens, and refuses whatever else is asked for with 503.
 *
 * Thread: the worker's; the two public functions are for any.
 */
#ifndef STOA_SERVER_WORKER_DRAIN_H
#define STOA_SERVER_WORKER_DRAIN_H

#include "server/worker/core.h"

/* Call when a connection has ended: ends the server if it drains and this was the last one. */
void stoa_worker_end_if_drained(struct stoa_worker *worker);

#endif
