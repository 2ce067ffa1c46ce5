#include "server/call/pending.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/server_private.h"

#include <assert.h>
#include <sched.h>

static void unref_account(struct stoa_pending_account *account) {
  if (account == NULL) {
    return;
  }
  unsigned before = atomic_fetch_sub(&account->refs, 1);
  assert(before > 0);
  if (before == 1) {
    stoa_free(account);
  }
}

void stoa_pending_unref(struct stoa_pending *self) {
  unsigned before = atomic_fetch_sub(&self->refs, 1);
  assert(before > 0);
  if (before == 1) {
    struct stoa_pending_account *account = self->account;
    assert(self->session == NULL);
    assert(!self->queued);
    self->kind->destroy(self);
    unref_account(account);
  }
}

/* True when this caller ends it. If not, *out_state says how it ended before. */
static bool claim(struct stoa_pending *self, enum stoa_pending_state to, enum stoa_pending_state *out_state) {
  int before = STOA_PENDING_WAITING;
  assert(to != STOA_PENDING_WAITING);
  bool claimed = atomic_compare_exchange_strong(&self->state, &before, (int)to);
  *out_state = (enum stoa_pending_state)before;
  return claimed;
}

/* The two lists. */

static void queue_up(struct stoa_pendings *all, struct stoa_pending *self) {
  assert(!self->queued);
  assert(all->newest == NULL || all->newest->due_ms <= self->due_ms);
  self->older = all->newest;
  *(all->newest == NULL ? &all->oldest : &all->newest->newer) = self;
  all->newest = self;
  self->queued = true;
}

static void unqueue(struct stoa_pendings *all, struct stoa_pending *self) {
  if (!self->queued) {
    return;
  }
  *(self->older == NULL ? &all->oldest : &self->older->newer) = self->newer;
  *(self->newer == NULL ? &all->newest : &self->newer->older) = self->older;
  self->older = NULL;
  self->newer = NULL;
  self->queued = false;
}

static void enlist(struct stoa_session *session, struct stoa_pending *self) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(self->session == NULL);
  self->session = session;
  self->next = own->pendings;
  self->link = &own->pendings;
  if (self->next != NULL) {
    self->next->link = &self->next;
  }
  own->pendings = self;
}

struct stoa_session *stoa_pending_delist(struct stoa_pending *self) {
  struct stoa_session *session = self->session;
  assert(session != NULL);
  unqueue(&stoa_worker_of(session)->pendings, self);
  *self->link = self->next;
  if (self->next != NULL) {
    self->next->link = self->link;
  }
  self->session = NULL;
  return session;
}

/* Never before the newest one: a reload may have made the timeout shorter. */
void stoa_pending_start_clock(struct stoa_pending *self) {
  struct stoa_worker *worker = stoa_worker_of(self->session);
  struct stoa_pendings *all = &worker->pendings;
  uint64_t now_ms = stoa_loop_now_ms(worker->loop);
  unqueue(all, self);
  self->due_ms = now_ms + worker->settings->limits.call_timeout_ms;
  if (all->newest != NULL && all->newest->due_ms > self->due_ms) {
    self->due_ms = all->newest->due_ms;
  }
  if (all->oldest == NULL) {
    stoa_loop_timer_start(worker->loop, &all->timeout, self->due_ms - now_ms);
  }
  queue_up(all, self);
}

void stoa_pending_stop_clock(struct stoa_pending *self) {
  unqueue(&stoa_worker_of(self->session)->pendings, self);
}

void stoa_pending_begin_untimed(struct stoa_pending *self, const struct stoa_pending_kind *kind,
                                struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  self->kind = kind;
  atomic_init(&self->state, STOA_PENDING_WAITING);
  atomic_init(&self->refs, 2);
  self->account = worker->pendings.account;
  atomic_fetch_add_explicit(&self->account->refs, 1, memory_order_relaxed);
  self->session_id = session->id;
  enlist(session, self);
}

void stoa_pending_begin(struct stoa_pending *self, const struct stoa_pending_kind *kind, struct stoa_session *session) {
  stoa_pending_begin_untimed(self, kind, session);
  stoa_pending_start_clock(self);
}

/* Ending. */

bool stoa_pending_enter(struct stoa_pending *self, enum stoa_pending_state *out_state) {
  /* Count before the claim: the server's end waits for completions that claimed one before the sessions ended. */
  atomic_fetch_add(&self->account->completing, 1);
  return claim(self, STOA_PENDING_COMPLETED, out_state);
}

enum stoa_pending_state stoa_pending_enter_only(struct stoa_pending *self) {
  atomic_fetch_add(&self->account->completing, 1);
  return (enum stoa_pending_state)atomic_load(&self->state);
}

void stoa_pending_leave(struct stoa_pending_account *account) {
  unsigned before = atomic_fetch_sub(&account->completing, 1);
  assert(before > 0);
  (void)before;
}

bool stoa_pending_abandon(struct stoa_pending *self) {
  enum stoa_pending_state ignored;
  return claim(self, STOA_PENDING_ABANDONED, &ignored);
}

static void time_out(struct stoa_pendings *all, struct stoa_pending *self) {
  enum stoa_pending_state state;
  unqueue(all, self);
  if (self->kind->may_go_on != NULL && self->kind->may_go_on(self)) {
    stoa_pending_start_clock(self);
    return;
  }
  if (!claim(self, STOA_PENDING_TIMED_OUT, &state)) {
    return; /* its answer was posted */
  }
  struct stoa_session *session = stoa_pending_delist(self);
  self->kind->on_timeout(self, session);
}

static void on_timeout(struct stoa_timer *timer) {
  struct stoa_pendings *all = stoa_container_of(timer, struct stoa_pendings, timeout);
  struct stoa_worker *worker = all->account->worker;
  uint64_t now_ms = stoa_loop_now_ms(worker->loop);
  while (all->oldest != NULL && all->oldest->due_ms <= now_ms) {
    time_out(all, all->oldest);
  }
  if (all->oldest != NULL) {
    stoa_loop_timer_start(worker->loop, timer, all->oldest->due_ms - now_ms);
  }
  stoa_arena_reset(worker->arena);
}

void stoa_pendings_on_closing(struct stoa_session *session) {
  const struct stoa_server_session *own = stoa_server_session_of(session);
  while (own->pendings != NULL) {
    struct stoa_pending *self = own->pendings;
    stoa_pending_delist(self);
    self->kind->on_closing(self, session, stoa_pending_abandon(self));
    stoa_pending_unref(self);
  }
}

/* A worker's. */

int stoa_pendings_init(struct stoa_worker *worker) {
  struct stoa_pending_account *account = stoa_calloc(1, sizeof *account);
  if (account == NULL) {
    return STOA_E_MEMORY;
  }
  account->worker = worker;
  atomic_init(&account->refs, 1);
  worker->pendings.account = account;
  worker->pendings.timeout.on_due = on_timeout;
  return STOA_OK;
}

void stoa_pendings_wait_completions(struct stoa_worker *worker) {
  /* Short: it waits for an encoding at most, and only when the program completes calls while it destroys the server. */
  while (worker->pendings.account != NULL && atomic_load(&worker->pendings.account->completing) > 0) {
    sched_yield();
  }
  assert(worker->pendings.oldest == NULL);
  assert(worker->pendings.newest == NULL);
}

void stoa_pendings_fini(struct stoa_worker *worker) {
  unref_account(worker->pendings.account);
  worker->pendings.account = NULL;
}
