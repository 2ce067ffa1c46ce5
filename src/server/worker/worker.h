/* server/worker/worker.h: creates and destroys a worker's parts: hosts of streams, HTTP and sessions, the table of
 * connections, groups and calls. It also connects them: what each does at the end of a turn and of a connection.
 *
 * Thread: the one that starts and ends the server, while no thread takes the worker's turns. Lifetime: owned by the
 * server.
 */
#ifndef STOA_SERVER_WORKER_WORKER_H
#define STOA_SERVER_WORKER_WORKER_H

#include "server/worker/core.h"

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM, STOA_E_UNSUPPORTED  no io_uring although it is required; fini must be called
 * after each. */
int stoa_worker_init(struct stoa_worker *worker, struct stoa_server *server, uint32_t index);
/* Call when its thread has ended: drops all sessions and calls their on_closed. */
void stoa_worker_end_sessions(struct stoa_worker *worker);
/* Call when all workers' sessions have ended. */
void stoa_worker_fini(struct stoa_worker *worker);

#endif
