/* server/stepping.h: a server whose workers have no threads: who starts it takes their turns.
 *
 *   create → use a clock → register handlers → bind → begin → turn, turn, ... → drain or abort → wait → destroy
 *
 * For simulations, and for what stoa/server.h gives programs with a loop of their own (stepping.c). Binding and
 * beginning are the two halves of stoa_server_start() and of stoa_server_open(); stoa_server_drain(), _abort() and
 * _wait() do the same for workers without threads.
 *
 * A run is repeated exactly by who gives it the same clock, the same answers of the table of system calls
 * (base/sys.h, getrandom among them, after stoa_random_reset()) and takes the same turns. For that the configuration
 * must say `io_uring: off` and have no TLS, for both go around the table; the log has no thread unless
 * stoa_log_writer_start() is called, and goes by stoa_log_use_clock().
 *
 * Does not know: what moves the clock, and where connections come from.
 * Thread: all on one, or one after the other, as for a worker's own; posts of other threads are taken as usual.
 */
#ifndef STOA_SERVER_STEPPING_H
#define STOA_SERVER_STEPPING_H

#include "base/clock.h"

#include <stdbool.h>
#include <stoa/server.h>

struct stoa_worker;

/* Every worker's loop goes by this clock, borrowed until destroy; the system's without this call. Before bind. */
void stoa_server_use_clock(struct stoa_server *server, const struct stoa_clock *clock);

/* The first half of stoa_server_start(): make the workers and listen; stoa_server_address() tells where. Nothing runs:
 * connections wait in their listeners, what is posted waits for the first turn.
 * Errors: as stoa_server_start() without on_worker_start's. The server is as it was before. */
int stoa_server_bind(struct stoa_server *server);

/* The second half: on_worker_start for each worker, and then their threads, or none. After bind.
 * Errors: what on_worker_start answers; STOA_E_SYSTEM  there are no threads to be had. The server is as before bind. */
int stoa_server_begin_threads(struct stoa_server *server);
int stoa_server_begin_stepped(struct stoa_server *server);

/* Borrowed until destroy. */
struct stoa_worker *stoa_server_worker(const struct stoa_server *server, uint32_t index);

/* Take one turn as this worker (stoa_worker_index() knows it), waiting up to wait_ms (-1: as long as it takes) for
 * something to do. Not from a callback. False when the worker has ended with this turn or before; the server has when
 * all have. stoa_server_wait() turns all workers until then, and waits up to 1 ms in each turn: after a drain somebody
 * must move the clock meanwhile, the table's epoll_wait for instance. */
bool stoa_worker_turn(struct stoa_worker *worker, int wait_ms);

/* Has a turn something to do: by the clock, as stoa_loop_due_ns() and stoa_loop_wait_ms() tell; or else once this
 * descriptor is readable. */
uint64_t stoa_worker_due_ns(const struct stoa_worker *worker);
int stoa_worker_wait_ms(const struct stoa_worker *worker);
int stoa_worker_fd(const struct stoa_worker *worker);

#endif
