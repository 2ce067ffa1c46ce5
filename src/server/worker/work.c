#include "server/worker/work.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/group/publication.h"
#include "server/server_private.h"
#include "server/session_id.h"
#include "server/worker/table.h"

#include <assert.h>
#include <stoa/worker.h>

/* A function that is posted to a worker. */
struct task {
  struct stoa_post post;
  struct stoa_worker *worker;
  stoa_worker_function *function; /* NULL: use session_function */
  stoa_worker_session_function *session_function;
  void *context;
  struct stoa_uuid session_id;
};

/* The content of the reserved fields of a timer. */
struct timer {
  struct stoa_timer timer;
  struct stoa_worker *worker; /* NULL while the timer does not run */
  struct stoa_worker_timer *next;
  struct stoa_worker_timer **link;
};

_Static_assert(sizeof(struct timer) <= sizeof((struct stoa_worker_timer){0}.reserved), "a timer fits its words");
_Static_assert(_Alignof(struct timer) <= _Alignof(void *), "and their alignment");

static struct timer *inside(struct stoa_worker_timer *timer) {
  return (struct timer *)(void *)timer->reserved;
}

static struct stoa_worker_timer *around(struct stoa_timer *timer) {
  return stoa_container_of((void *)timer, struct stoa_worker_timer, reserved);
}

/* Workers. */

uint32_t stoa_worker_count(const struct stoa_server *server) {
  return server->worker_count;
}

uint32_t stoa_worker_index(const struct stoa_server *server) {
  const struct stoa_worker *worker = stoa_worker_here(server);
  return worker == NULL ? STOA_WORKER_NONE : worker->index;
}

/* Functions. */

static void run_for_session(const struct task *task, int status) {
  struct stoa_session *session = NULL;
  if (status == STOA_OK) {
    session = stoa_worker_find(task->worker, &task->session_id);
    status = session == NULL ? STOA_E_NOT_FOUND : STOA_OK;
  }
  task->session_function(task->context, session, status);
}

static void run(struct stoa_post *post) {
  struct task *task = stoa_container_of(post, struct task, post);
  struct stoa_worker *worker = task->worker;
  struct stoa_work *work = &worker->work;
  int status = atomic_load(&work->ended) ? STOA_E_CLOSED : STOA_OK;
  unsigned before = atomic_fetch_sub(&work->waiting, 1);
  assert(before > 0);
  (void)before;
  if (task->function != NULL) {
    task->function(task->context, status);
  } else {
    run_for_session(task, status);
  }
  stoa_arena_reset(worker->arena);
  stoa_free(task);
}

/* Reserve a place in the worker's queue; the task gives it back when it runs. */
static int reserve(struct stoa_work *work) {
  if (atomic_fetch_add(&work->waiting, 1) < STOA_WORKER_QUEUE_MAX) {
    return STOA_OK;
  }
  atomic_fetch_sub(&work->waiting, 1);
  return STOA_E_LIMIT;
}

static int post(struct stoa_server *server, uint32_t index, const struct task *task) {
  if (index >= server->worker_count) {
    return STOA_E_ARGUMENT;
  }
  if (!server->started || atomic_load(&server->workers[index].work.ended)) {
    return STOA_E_CLOSED;
  }
  struct stoa_worker *worker = &server->workers[index];
  int status = reserve(&worker->work);
  if (status != STOA_OK) {
    return status;
  }
  struct task *copy = stoa_alloc(sizeof *copy);
  if (copy == NULL) {
    atomic_fetch_sub(&worker->work.waiting, 1);
    return STOA_E_MEMORY;
  }
  *copy = *task;
  copy->worker = worker;
  copy->post.run = run;
  stoa_loop_post(worker->loop, &copy->post);
  return STOA_OK;
}

int stoa_worker_run(struct stoa_server *server, uint32_t worker, stoa_worker_function *function, void *context) {
  assert(function != NULL);
  return post(server, worker, &(struct task){.function = function, .context = context});
}

int stoa_worker_defer(struct stoa_server *server, stoa_worker_function *function, void *context) {
  /* On a thread without a worker the index is invalid. */
  return stoa_worker_run(server, stoa_worker_index(server), function, context);
}

int stoa_worker_run_for(struct stoa_server *server, const struct stoa_uuid *session_id,
                        stoa_worker_session_function *function, void *context) {
  assert(function != NULL);
  struct task task = {.session_function = function, .context = context, .session_id = *session_id};
  return post(server, stoa_session_id_worker(session_id, server->worker_count), &task);
}

/* Timers. */

static void forget(struct stoa_worker_timer *timer) {
  struct timer *own = inside(timer);
  assert(own->worker != NULL);
  assert(*own->link == timer);
  *own->link = own->next;
  if (own->next != NULL) {
    inside(own->next)->link = own->link;
  }
  own->worker = NULL;
}

static void remember(struct stoa_worker *worker, struct stoa_worker_timer *timer) {
  struct timer *own = inside(timer);
  assert(own->worker == NULL);
  own->worker = worker;
  own->next = worker->work.timers;
  own->link = &worker->work.timers;
  if (own->next != NULL) {
    inside(own->next)->link = &own->next;
  }
  worker->work.timers = timer;
}

static void on_due(struct stoa_timer *due) {
  struct stoa_worker_timer *timer = around(due);
  struct stoa_worker *worker = inside(timer)->worker;
  forget(timer);
  timer->on_due(timer, STOA_OK);
  stoa_arena_reset(worker->arena);
}

int stoa_worker_timer_start(struct stoa_server *server, struct stoa_worker_timer *timer, uint64_t delay_ms) {
  struct stoa_worker *worker = stoa_worker_here(server);
  assert(timer->on_due != NULL);
  if (worker == NULL) {
    return STOA_E_ARGUMENT;
  }
  stoa_worker_timer_stop(timer);
  if (atomic_load(&worker->work.ended)) {
    return STOA_E_CLOSED;
  }
  struct timer *own = inside(timer);
  own->timer.on_due = on_due;
  remember(worker, timer);
  stoa_loop_timer_start(worker->loop, &own->timer, delay_ms);
  return STOA_OK;
}

void stoa_worker_timer_stop(struct stoa_worker_timer *timer) {
  struct timer *own = inside(timer);
  if (own->worker == NULL) {
    return;
  }
  assert(own->worker == stoa_worker_current());
  stoa_loop_timer_stop(own->worker->loop, &own->timer);
  forget(timer);
}

bool stoa_worker_timer_runs(const struct stoa_worker_timer *timer) {
  return ((const struct timer *)(const void *)timer->reserved)->worker != NULL;
}

/* Beginning and end. */

static int begin_extensions(struct stoa_worker *worker) {
  const struct stoa_server *server = worker->server;
  int status = STOA_OK;
  for (size_t i = 0; i < server->extension_count && status == STOA_OK; i++) {
    const struct stoa_extension *extension = &server->extensions[i];
    status = extension->on_worker_start(extension->user, worker->server, worker->index);
    worker->work.extensions_begun += status == STOA_OK ? 1 : 0;
  }
  return status;
}

static void end_extensions(struct stoa_worker *worker) {
  for (; worker->work.extensions_begun > 0; worker->work.extensions_begun--) {
    const struct stoa_extension *extension = &worker->server->extensions[worker->work.extensions_begun - 1];
    extension->on_worker_stop(extension->user, worker->server, worker->index);
  }
}

int stoa_work_begin(struct stoa_worker *worker) {
  const struct stoa_callbacks *callbacks = &worker->server->callbacks;
  assert(!worker->work.begun);
  stoa_worker_enter(worker);
  int status = begin_extensions(worker);
  if (status == STOA_OK && callbacks->on_worker_start != NULL) {
    status = callbacks->on_worker_start(callbacks->user, worker->server, worker->index);
  }
  stoa_worker_enter(NULL);
  worker->work.begun = status == STOA_OK;
  return status;
}

void stoa_work_close(struct stoa_worker *worker) {
  atomic_store(&worker->work.ended, true);
  for (struct stoa_worker_timer *timer = worker->work.timers; timer != NULL; timer = inside(timer)->next) {
    stoa_loop_timer_stop(worker->loop, &inside(timer)->timer);
  }
}

void stoa_work_drop_timers(struct stoa_worker *worker) {
  while (worker->work.timers != NULL) {
    struct stoa_worker_timer *timer = worker->work.timers;
    forget(timer);
    timer->on_due(timer, STOA_E_CLOSED);
  }
}

void stoa_work_end(struct stoa_worker *worker) {
  if (!worker->work.begun && worker->work.extensions_begun == 0) {
    return;
  }
  const struct stoa_callbacks *callbacks = &worker->server->callbacks;
  stoa_worker_enter(worker);
  if (worker->work.begun && callbacks->on_worker_stop != NULL) {
    callbacks->on_worker_stop(callbacks->user, worker->server, worker->index);
  }
  worker->work.begun = false;
  end_extensions(worker);
  stoa_worker_enter(NULL);
}
