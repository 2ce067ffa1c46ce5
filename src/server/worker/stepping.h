/* server/worker/stepping.h: a server whose workers have no threads: the caller takes their turns.
 *
 *   create → use a clock → register handlers → bind → begin → turn, turn, ... → drain or abort → wait → destroy
 *
 * For simulations, and for programs with a loop of their own (stoa/server.h, stepping.c). Binding and beginning are the
 * two halves of stoa_server_start() and of stoa_server_open(); stoa_server_drain(), _abort() and _wait() do the same
 * for workers without threads.
 *
 * A run can be repeated exactly with the same clock, the same results of the table of system calls (base/sys.h, with
 * getrandom, after stoa_random_reset()) and the same turns. For that the configuration must have `io_uring: off` and no
 * TLS, because both bypass the table. The log has no thread unless stoa_log_writer_start() is called, and uses the
 * clock of stoa_log_use_clock().
 *
 * Does not know: who moves the clock, and where connections come from.
 * Thread: one thread at a time, as for a worker's own functions; other threads may post as usual.
 */
#ifndef STOA_SERVER_WORKER_STEPPING_H
#define STOA_SERVER_WORKER_STEPPING_H

#include "base/clock.h"

#include <stdbool.h>
#include <stoa/server.h>

struct stoa_worker;

/* Set the clock of every worker's loop, borrowed until destroy; the default is the system's. Before bind. */
void stoa_server_use_clock(struct stoa_server *server, const struct stoa_clock *clock);

/* The first half of stoa_server_start(): create the workers and listen; stoa_server_address() returns the address.
 * Nothing runs: connections wait in their listeners, posts wait for the first turn.
 * Errors: as stoa_server_start() without those of on_worker_start. The server is as before. */
int stoa_server_bind(struct stoa_server *server);

/* The same, and then server.run_as. Errors: also those of stoa_run_as_apply() */
int stoa_server_bind_and_drop(struct stoa_server *server);

/* The second half: on_worker_start for each worker, and then their threads, or none. After bind.
 * Errors: the result of on_worker_start; STOA_E_SYSTEM  a thread cannot be created. The server is as before bind. */
int stoa_server_begin_threads(struct stoa_server *server);
int stoa_server_begin_stepped(struct stoa_server *server);

/* The first half of stoa_server_destroy(): abort, wait, and call the last callbacks, on_worker_stop included. The
 * server's `user` and settings stay until destroy. Also after bind alone; twice is fine. */
void stoa_server_end(struct stoa_server *server);

/* Borrowed until destroy. */
struct stoa_worker *stoa_server_worker(const struct stoa_server *server, uint32_t index);

/* Take one turn as this worker (stoa_worker_index() returns its index), waiting up to wait_ms (-1: without a limit) for
 * events. Not from a callback. False when the worker has ended in this turn or before; the server has ended when all
 * workers have. stoa_server_wait() takes turns of all workers until then, and waits up to 1 ms in each turn: after a
 * drain the clock must move meanwhile, for example in the table's epoll_wait. */
bool stoa_worker_turn(struct stoa_worker *worker, int wait_ms);

/* When the next turn has work: by the clock, as in stoa_loop_due_ns() and stoa_loop_wait_ms(), or once this descriptor
 * is readable. */
uint64_t stoa_worker_due_ns(const struct stoa_worker *worker);
int stoa_worker_wait_ms(const struct stoa_worker *worker);
int stoa_worker_fd(const struct stoa_worker *worker);

#endif
