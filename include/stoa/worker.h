/* stoa/worker.h: work on a server's workers: functions, timers, and the beginning and end of a worker.
 *
 * A worker is one thread with the sessions that live on it. Code that runs there may use these sessions, groups and
 * calls without locks. It must not block: that would block all sessions of the worker.
 *
 * Does not know: what the functions do.
 * Thread: as each function says. "On a worker" means inside any callback of the server, and nowhere else.
 * Lifetime: the context of a function or timer belongs to the program. When the server is destroyed, every function
 *           that is still queued and every timer that runs is called with STOA_E_CLOSED, so that the program can free
 *           its context.
 *
 * The beginning and end of each worker are callbacks of struct stoa_callbacks: on_worker_start and on_worker_stop.
 */
#ifndef STOA_WORKER_H
#define STOA_WORKER_H

#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many functions can wait for one worker. */
#define STOA_WORKER_QUEUE_MAX 65536u

/* No worker. */
#define STOA_WORKER_NONE UINT32_MAX

/* How many workers there are; the same from create to destroy. Any thread. */
STOA_API uint32_t stoa_worker_count(const struct stoa_server *server);
/* The index of the worker that calls, from 0, or STOA_WORKER_NONE. Any thread. */
STOA_API uint32_t stoa_worker_index(const struct stoa_server *server);

/* status  STOA_OK: run. STOA_E_CLOSED: the server is being destroyed; only free the context */
typedef void stoa_worker_function(void *context, int status);
/* session  valid until the function returns; NULL unless the status is STOA_OK
 * status   STOA_OK; STOA_E_NOT_FOUND: the session has ended; STOA_E_CLOSED as above */
typedef void stoa_worker_session_function(void *context, struct stoa_session *session, int status);

/* Run a function on a worker, once, in one of its next turns; never inside this call, even on that worker. Functions
 * from one thread for one worker run in the order of the calls. Any thread, between start and destroy.
 *
 * Errors: STOA_E_ARGUMENT  no such worker
 *         STOA_E_CLOSED    the server was not started, or is being destroyed
 *         STOA_E_LIMIT     STOA_WORKER_QUEUE_MAX functions wait for it already
 *         STOA_E_MEMORY. The function is not called after an error. */
STOA_API int stoa_worker_run(struct stoa_server *server, uint32_t worker, stoa_worker_function *function,
                             void *context);
/* Run a function on the worker that calls, after the current callback has returned.
 * Errors: STOA_E_ARGUMENT  not on a worker of this server; STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY as
 *         stoa_worker_run() */
STOA_API int stoa_worker_defer(struct stoa_server *server, stoa_worker_function *function, void *context);
/* Run a function on the worker of a session, with the session if it is still open then.
 * Errors: STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY as stoa_worker_run() */
STOA_API int stoa_worker_run_for(struct stoa_server *server, const struct stoa_uuid *session_id,
                                 stoa_worker_session_function *function, void *context);

/* session  open; valid until the function returns. Returns true to continue. */
typedef bool stoa_worker_session_visit(void *context, struct stoa_session *session);

/* Visit the sessions of the worker that calls, in no particular order. These are the sessions that a broadcast reaches,
 * so not those that wait for admission. To visit all sessions of a server, call it on each worker with
 * stoa_worker_run().
 *
 * The visit may do everything that a callback may: close this session and others, join, leave, send, visit. Each
 * session that exists when this is called is visited once, unless it is closing by then; sessions that begin meanwhile
 * are not visited. With many sessions this takes long, and the worker does nothing else meanwhile.
 *
 * Errors: STOA_E_ARGUMENT  not on a worker of this server
 *         STOA_E_MEMORY    no session was visited */
STOA_API int stoa_worker_each_session(struct stoa_server *server, stoa_worker_session_visit *visit, void *context);
/* Visit the members of a group on the worker that calls, as stoa_worker_each_session(): each session that is a member
 * when this is called and still is when it is visited. A group without members on this worker is allowed.
 *
 * group   borrowed until the call returns
 * Errors: STOA_E_ARGUMENT  also when the name is empty or longer than 64 bytes; STOA_E_MEMORY as above */
STOA_API int stoa_worker_each_member(struct stoa_server *server, struct stoa_string group,
                                     stoa_worker_session_visit *visit, void *context);

/* A timer on a worker. It is the program's memory: zero it, then set on_due and context. While it runs, it must not be
 * moved or freed. */
struct stoa_worker_timer {
  /* Called once per start, on the timer's worker. The timer may be started again or freed in it.
   * status  STOA_OK: it is due. STOA_E_CLOSED: the server is being destroyed before it was due */
  void (*on_due)(struct stoa_worker_timer *timer, int status);
  void *context;
  void *reserved[14];
};

/* Start or restart: due `delay_ms` milliseconds after the time of this turn, not earlier, and at most a few
 * milliseconds later unless the worker is overloaded. Only on a worker; the timer belongs to that worker until it is
 * due or stopped. To restart a timer that runs on another worker is a bug (an assert).
 * Errors: STOA_E_ARGUMENT  not on a worker of this server; STOA_E_CLOSED  the server is being destroyed. After an error
 *         the timer does not run. */
STOA_API int stoa_worker_timer_start(struct stoa_server *server, struct stoa_worker_timer *timer, uint64_t delay_ms);
/* Stop: on_due is not called any more. A stopped timer may be stopped again, on any thread; a running one only on its
 * worker. */
STOA_API void stoa_worker_timer_stop(struct stoa_worker_timer *timer);
/* Is the timer running? On its worker. */
STOA_API bool stoa_worker_timer_runs(const struct stoa_worker_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
