/* server/worker/life.h: runs a worker's turns, from the first to the last: on a thread of its own, or in
 * stoa_worker_turn() (stepping.h).
 *
 * Thread: the one that starts and ends the server.
 */
#ifndef STOA_SERVER_WORKER_LIFE_H
#define STOA_SERVER_WORKER_LIFE_H

struct stoa_worker;

/* Begin, with a thread or without. Errors: STOA_E_SYSTEM  (thread only) */
int stoa_worker_start_thread(struct stoa_worker *worker);
int stoa_worker_start_stepped(struct stoa_worker *worker);
/* Wait for its thread's end. Does nothing for a worker without a thread. */
void stoa_worker_join(struct stoa_worker *worker);

#endif
