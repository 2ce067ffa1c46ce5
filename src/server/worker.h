/* server/worker.h: makes a worker of its parts, and takes it apart: hosts of streams, HTTP and sessions, the table of
 * connections, groups, calls, and what the end of a turn and of a connection means to each of them.
 *
 * Thread: the one that starts and ends the server, while nobody takes the worker's turns. Lifetime: owned by the
 * server.
 */
#ifndef STOA_SERVER_WORKER_H
#define STOA_SERVER_WORKER_H

#include "server/worker_core.h"

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM, STOA_E_UNSUPPORTED  no io_uring where it must be; fini is due after each. */
int stoa_worker_init(struct stoa_worker *worker, struct stoa_server *server, uint32_t index);
/* Once its thread has ended: drop all sessions, with their on_closed. */
void stoa_worker_end_sessions(struct stoa_worker *worker);
/* When all workers' sessions have ended. */
void stoa_worker_fini(struct stoa_worker *worker);

#endif
