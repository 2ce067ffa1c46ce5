/* stoa/worker.h: work on a server's workers: functions, timers, and the beginning and end of a worker.
 *
 * A worker is one thread with the sessions that live on it. What runs there may use these sessions, groups and calls
 * without locks, and must not wait: all of the worker's sessions wait with it.
 *
 * Does not know: what the work is.
 * Thread: as each function tells. "On a worker" is inside any callback of the server, and nowhere else.
 * Lifetime: what a function or timer is given as its context is the program's. Every function that was taken, and every
 *           timer that runs, is called or told STOA_E_CLOSED when the server is destroyed, so that it can be freed.
 *
 * The beginning and end of each worker are callbacks of struct stoa_callbacks: on_worker_start and on_worker_stop.
 */
#ifndef STOA_WORKER_H
#define STOA_WORKER_H

#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What waits to be run on one worker, at most. */
#define STOA_WORKER_QUEUE_MAX 65536u

/* No worker. */
#define STOA_WORKER_NONE UINT32_MAX

/* How many workers there are; the same from create to destroy. Any thread. */
STOA_API uint32_t stoa_worker_count(const struct stoa_server *server);
/* Which one the calling thread is, from 0, or STOA_WORKER_NONE. Any thread. */
STOA_API uint32_t stoa_worker_index(const struct stoa_server *server);

/* status  STOA_OK: do it. STOA_E_CLOSED: the server is being destroyed; release the context, nothing else */
typedef void stoa_worker_function(void *context, int status);
/* session  valid until the function returns; NULL unless the status is STOA_OK
 * status   STOA_OK; STOA_E_NOT_FOUND: the session has ended; STOA_E_CLOSED as above */
typedef void stoa_worker_session_function(void *context, struct stoa_session *session, int status);

/* Run a function on a worker, once, in one of its next turns and never inside this call, also on the worker itself.
 * Functions of one thread for one worker run in the order of the calls. From any thread, between start and destroy.
 *
 * Errors: STOA_E_ARGUMENT  no such worker
 *         STOA_E_CLOSED    the server was not started, or is being destroyed
 *         STOA_E_LIMIT     STOA_WORKER_QUEUE_MAX wait there already
 *         STOA_E_MEMORY. The function is not called after an error. */
STOA_API int stoa_worker_run(struct stoa_server *server, uint32_t worker, stoa_worker_function *function,
                             void *context);
/* Run it on the worker that calls: later, when what runs now has returned.
 * Errors: STOA_E_ARGUMENT  not on a worker of this server; STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY as
 *         stoa_worker_run() */
STOA_API int stoa_worker_defer(struct stoa_server *server, stoa_worker_function *function, void *context);
/* Run it on the worker of a session, with the session if that is still open then.
 * Errors: STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY as stoa_worker_run() */
STOA_API int stoa_worker_run_for(struct stoa_server *server, const struct stoa_uuid *session_id,
                                 stoa_worker_session_function *function, void *context);

/* session  open; valid until the function returns
 * Returns whether to go on. */
typedef bool stoa_worker_session_visit(void *context, struct stoa_session *session);

/* Visit the sessions of the worker that calls, in no order: those that a broadcast reaches, so not one that waits to be
 * let in. To visit all of a server, call it on each worker by stoa_worker_run().
 *
 * The visit may do everything that a callback may: close this session and others, join, leave, send, visit. Each
 * session that is there when this is called is visited once, unless it is closing when its turn comes; those that come
 * meanwhile are not visited. With many sessions the worker's others wait for the end.
 *
 * Errors: STOA_E_ARGUMENT  not on a worker of this server
 *         STOA_E_MEMORY    nobody was visited */
STOA_API int stoa_worker_each_session(struct stoa_server *server, stoa_worker_session_visit *visit, void *context);
/* Visit the members of a group on the worker that calls, as stoa_worker_each_session(): each that is a member both when
 * this is called and when its turn comes. A group without members here is fine.
 *
 * group   borrowed until the call returns
 * Errors: STOA_E_ARGUMENT  also when the name is empty or longer than 64 bytes; STOA_E_MEMORY as above */
STOA_API int stoa_worker_each_member(struct stoa_server *server, struct stoa_string group,
                                     stoa_worker_session_visit *visit, void *context);

/* A timer on a worker: the program's memory, zeroed at first, then on_due and context set. While it runs it must stay
 * where it is. */
struct stoa_worker_timer {
  /* Once per start, on the timer's worker; it may be started again, and freed, from here on.
   * status  STOA_OK: it is due. STOA_E_CLOSED: it never will be, for the server is being destroyed */
  void (*on_due)(struct stoa_worker_timer *timer, int status);
  void *context;
  void *reserved[14];
};

/* (Re)start: due `delay_ms` milliseconds from this turn's time, not before, and a few milliseconds later at most while
 * the worker keeps up. Only on a worker, which is the timer's until it is due or stopped; a timer that runs on another
 * one is a mistake: an assert.
 * Errors: STOA_E_ARGUMENT  not on a worker of this server; STOA_E_CLOSED  the server is being destroyed. The timer does
 *         not run then. */
STOA_API int stoa_worker_timer_start(struct stoa_server *server, struct stoa_worker_timer *timer, uint64_t delay_ms);
/* on_due is not called any more. Stopping a stopped timer is fine, on any thread; one that runs only on its worker. */
STOA_API void stoa_worker_timer_stop(struct stoa_worker_timer *timer);
/* Does it run? On its worker. */
STOA_API bool stoa_worker_timer_runs(const struct stoa_worker_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
