/* server/worker_table.h: the connections of one worker: all of them in a dense table, with their due times beside it,
 * and those that are sessions by their ids.
 *
 * Does not know: how a connection begins and ends, who looks at the due times.
 * Thread: the worker's. Lifetime: a part of the worker; a connection stands in it from accept to its end.
 */
#ifndef STOA_SERVER_WORKER_TABLE_H
#define STOA_SERVER_WORKER_TABLE_H

#include "server/worker_core.h"

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_worker_table_init(struct stoa_worker *worker);
/* Right for a zeroed worker too. */
void stoa_worker_table_fini(struct stoa_worker *worker);

/* Have a place for one more. Errors: STOA_E_MEMORY */
int stoa_worker_table_reserve(struct stoa_worker *worker);
/* Into the place that was reserved; due when its request must have come. */
void stoa_worker_table_add(struct stoa_worker *worker, struct stoa_server_session *own);
/* The last one moves to its place. */
void stoa_worker_table_remove(struct stoa_worker *worker, const struct stoa_server_session *own);
/* After a peak: give back what stands empty. */
void stoa_worker_table_shrink(struct stoa_worker *worker);

/* The session of this worker with that id, if it is open. */
struct stoa_session *stoa_worker_find(struct stoa_worker *worker, const struct stoa_uuid *id);
/* A session was made of a connection: give it a place among the ids. Errors: STOA_E_MEMORY */
int stoa_worker_add_session(struct stoa_worker *worker, struct stoa_session *session);
/* It has ended; one that was never added is fine. */
void stoa_worker_remove_session(struct stoa_worker *worker, const struct stoa_session *session);

#endif
