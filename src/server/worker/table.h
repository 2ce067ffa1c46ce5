/* server/worker/table.h: the connections of one worker: all of them in a dense table, with their due times beside it,
 * and those that are sessions by their ids.
 *
 * Does not know: how a connection begins and ends, who reads the due times.
 * Thread: the worker's. Lifetime: a part of the worker; a connection is in it from accept to its end.
 */
#ifndef STOA_SERVER_WORKER_TABLE_H
#define STOA_SERVER_WORKER_TABLE_H

#include "server/worker/core.h"

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_worker_table_init(struct stoa_worker *worker);
/* A zeroed worker is fine too. */
void stoa_worker_table_fini(struct stoa_worker *worker);

/* Reserve a place for one more. Errors: STOA_E_MEMORY */
int stoa_worker_table_reserve(struct stoa_worker *worker);
/* Add to the reserved place; due at the deadline of its request. */
void stoa_worker_table_add(struct stoa_worker *worker, struct stoa_server_session *own);
/* Remove it; the last one moves to its index. */
void stoa_worker_table_remove(struct stoa_worker *worker, const struct stoa_server_session *own);
/* Release unused memory after a peak. */
void stoa_worker_table_shrink(struct stoa_worker *worker);

/* The session of this worker with that id, if it is open. */
struct stoa_session *stoa_worker_find(struct stoa_worker *worker, const struct stoa_uuid *id);
/* A connection became a session: add its id. Errors: STOA_E_MEMORY */
int stoa_worker_add_session(struct stoa_worker *worker, struct stoa_session *session);
/* Remove its id; one that was never added is fine. */
void stoa_worker_remove_session(struct stoa_worker *worker, const struct stoa_session *session);

#endif
