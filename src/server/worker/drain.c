#include "server/worker/drain.h"

#include "base/container.h"
#include "base/sys.h"
#include "server/call/stream.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>
#include <stoa/worker.h>

/* How often a worker that serves posts while draining looks whether sessions are left, on whatever worker. */
#define POSTS_LOOK_MS 20

/* While draining about so many sessions a millisecond are closed, so that they do not all reconnect to the next server
 * at once. */
#define DRAIN_SESSIONS_PER_MS 1

void stoa_server_abort(struct stoa_server *server) {
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    if (stoa_worker_runs(&server->workers[i])) {
      stoa_loop_stop(server->workers[i].loop);
    }
  }
}

/* All workers end together, because a worker without sessions may own groups of other workers' sessions. Operators are
 * not waited for. */
void stoa_worker_end_if_drained(struct stoa_worker *worker) {
  if (worker->draining && atomic_load(&worker->server->public_connections) == 0) {
    stoa_server_abort(worker->server);
  }
}

static void on_drain_end(struct stoa_timer *timer) {
  struct stoa_worker *worker = stoa_container_of(timer, struct stoa_worker, drain_end);
  assert(worker->draining);
  stoa_loop_stop(worker->loop);
}

/* Who watches the server does so during the drain too. */
static bool is_of_operator(const struct stoa_worker *worker, const struct stoa_session *session) {
  return worker->server->listeners.items[stoa_server_session_of(session)->listener].is_admin;
}

static void spread_closes(struct stoa_worker *worker) {
  uint32_t now_ms = (uint32_t)stoa_loop_now_ms(worker->loop);
  uint32_t window_ms = worker->table_count / DRAIN_SESSIONS_PER_MS;
  uint32_t half_ms = worker->settings->config.drain_ms / 2;
  window_ms = window_ms < half_ms ? window_ms : half_ms;
  for (uint32_t i = 0; i < worker->table_count; i++) {
    struct stoa_session *session = &worker->table[i]->base;
    uint32_t random = 0;
    if (stoa_random(&random, sizeof random) != STOA_OK) {
      random = i;
    }
    if (session->state == STOA_SESSION_OPEN) {
      worker->due_ms[i] = now_ms + (window_ms == 0 ? 0 : random % window_ms);
    } else if (session->state == STOA_SESSION_NONE && !stoa_worker_awaits_proxy_header(session) &&
               !is_of_operator(worker, session)) {
      stoa_call_streams_drain(session);
    }
  }
}

/* Nobody may ask for anything more: connections without a session end after the answer that is on its way, or now. */
static void end_requests(struct stoa_worker *worker) {
  worker->serves_posts = false;
  stoa_listeners_close_public(worker);
  for (uint32_t i = 0; i < worker->table_count; i++) {
    struct stoa_session *session = &worker->table[i]->base;
    if (session->state != STOA_SESSION_NONE) {
      continue;
    }
    if (stoa_worker_awaits_proxy_header(session)) {
      stoa_stream_drop(&session->stream);
    } else if (!is_of_operator(worker, session)) {
      stoa_http_finish(&session->stream);
    }
  }
}

static void on_posts_look(struct stoa_timer *timer) {
  struct stoa_worker *worker = stoa_container_of(timer, struct stoa_worker, posts_end);
  assert(worker->draining);
  assert(worker->serves_posts);
  if (atomic_load(&worker->server->fallback_sessions) > 0) {
    stoa_loop_timer_start(worker->loop, timer, POSTS_LOOK_MS);
    return;
  }
  end_requests(worker);
  stoa_worker_end_if_drained(worker);
}

/* A client of the HTTP fallback posts on connections of its own, and opens others as it likes. So as long as there is a
 * session of this kind, on whatever worker, all workers listen; what asks for anything else is refused (request.c). */
static void serve_posts(struct stoa_worker *worker) {
  if (atomic_load(&worker->server->fallback_sessions) == 0) {
    end_requests(worker);
    return;
  }
  worker->serves_posts = true;
  worker->posts_end.on_due = on_posts_look;
  stoa_loop_timer_start(worker->loop, &worker->posts_end, POSTS_LOOK_MS);
}

static bool announce(void *context, struct stoa_session *session) {
  struct stoa_worker *worker = context;
  const struct stoa_callbacks *callbacks = &worker->server->callbacks;
  uint32_t now_ms = (uint32_t)stoa_loop_now_ms(worker->loop);
  int32_t delay_ms = (int32_t)(worker->due_ms[stoa_server_session_of(session)->slot] - now_ms);
  assert(session->state == STOA_SESSION_OPEN);
  callbacks->on_draining(callbacks->user, session, delay_ms < 0 ? 0 : (uint32_t)delay_ms);
  stoa_arena_reset(worker->arena);
  return true;
}

/* After the times are chosen. */
static void announce_closes(struct stoa_worker *worker) {
  if (worker->server->callbacks.on_draining == NULL) {
    return;
  }
  if (stoa_worker_each_session(worker->server, announce, worker) != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "sessions are closed without being announced: out of memory");
  }
}

static void drain(struct stoa_post *post) {
  struct stoa_worker *worker = stoa_container_of(post, struct stoa_worker, drain_post);
  assert(!worker->draining);
  worker->draining = true;
  worker->resting = false; /* or the end of the turn would delay the sweep again */
  worker->drain_end.on_due = on_drain_end;
  stoa_loop_timer_start(worker->loop, &worker->drain_end, worker->settings->config.drain_ms);
  stoa_loop_timer_start(worker->loop, &worker->sweep, 0);
  spread_closes(worker);
  serve_posts(worker);
  announce_closes(worker);
  stoa_worker_end_if_drained(worker);
}

static void post_drain(struct stoa_worker *worker) {
  /* The post is part of the worker, so that it needs no memory and exists once. */
  if (!atomic_exchange(&worker->drain_posted, true)) {
    worker->drain_post.run = drain;
    stoa_loop_post(worker->loop, &worker->drain_post);
  }
}

void stoa_server_drain(struct stoa_server *server) {
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    if (stoa_worker_runs(&server->workers[i])) {
      post_drain(&server->workers[i]);
    }
  }
}
