#include "server/worker/life.h"

#include "base/sys.h"
#include "server/server_private.h"
#include "server/worker/stepping.h"

#include <assert.h>

/* Call after its last turn, on the same thread. */
static void end(struct stoa_worker *worker) {
  struct stoa_server *server = worker->server;
  stoa_turn_end_thread(&worker->streams.turn);
  if (atomic_fetch_sub(&server->running, 1) == 1) {
    const uint64_t one = 1;
    ssize_t ignored = stoa_sys.write(server->ended_fd, &one, sizeof one);
    (void)ignored;
  }
}

/* With a thread. */

static void *run(void *context) {
  struct stoa_worker *worker = context;
  stoa_worker_enter(worker);
  stoa_turn_begin_thread(&worker->streams.turn);
  stoa_loop_run(worker->loop);
  end(worker);
  return NULL;
}

int stoa_worker_start_thread(struct stoa_worker *worker) {
  assert(!stoa_worker_runs(worker));
  atomic_fetch_add(&worker->server->running, 1);
  if (stoa_sys.pthread_create(&worker->thread, NULL, run, worker) != 0) {
    atomic_fetch_sub(&worker->server->running, 1);
    return STOA_E_SYSTEM;
  }
  atomic_store(&worker->life, STOA_WORKER_THREADED);
  return STOA_OK;
}

void stoa_worker_join(struct stoa_worker *worker) {
  if (atomic_load(&worker->life) == STOA_WORKER_THREADED) {
    pthread_join(worker->thread, NULL);
    atomic_store(&worker->life, STOA_WORKER_STANDS);
  }
}

/* Without one. */

int stoa_worker_start_stepped(struct stoa_worker *worker) {
  assert(!stoa_worker_runs(worker));
  atomic_fetch_add(&worker->server->running, 1);
  atomic_store(&worker->life, STOA_WORKER_STEPPED);
  stoa_turn_begin_thread(&worker->streams.turn);
  return STOA_OK;
}

bool stoa_worker_turn(struct stoa_worker *worker, int wait_ms) {
  assert(stoa_worker_current() == NULL);
  assert(atomic_load(&worker->life) != STOA_WORKER_THREADED);
  if (!stoa_worker_runs(worker)) {
    return false;
  }
  stoa_worker_enter(worker);
  if (!stoa_loop_stopped(worker->loop)) {
    stoa_loop_turn(worker->loop, wait_ms);
  }
  stoa_worker_enter(NULL);
  if (!stoa_loop_stopped(worker->loop)) {
    return true;
  }
  end(worker);
  atomic_store(&worker->life, STOA_WORKER_STANDS);
  return false;
}

uint64_t stoa_worker_due_ns(const struct stoa_worker *worker) {
  return stoa_loop_due_ns(worker->loop);
}

/* A worker that must stop ends in its next turn, and one that has ended never has work. */
int stoa_worker_wait_ms(const struct stoa_worker *worker) {
  if (!stoa_worker_runs(worker)) {
    return -1;
  }
  return stoa_loop_stopped(worker->loop) ? 0 : stoa_loop_wait_ms(worker->loop);
}

int stoa_worker_fd(const struct stoa_worker *worker) {
  return stoa_loop_fd(worker->loop);
}
