#include "server/worker/settings.h"

#include "base/arena.h"
#include "codec/bound.h"
#include "server/server_private.h"
#include "server/trace/options.h"

#include <assert.h>

struct stoa_settings *stoa_server_settings(struct stoa_server *server) {
  pthread_mutex_lock(&server->settings_mutex);
  struct stoa_settings *settings = stoa_settings_ref(server->settings);
  pthread_mutex_unlock(&server->settings_mutex);
  return settings;
}

void stoa_worker_settings_begin(struct stoa_worker *worker) {
  assert(worker->settings == NULL);
  worker->settings = stoa_server_settings(worker->server);
}

/* The longest input that is decoded in the arena: a message, or the body of an HTTP request. */
static size_t decoded_bytes_max(const struct stoa_worker *worker) {
  const struct stoa_server *server = worker->server;
  size_t message_max = worker->settings->limits.message_bytes_max;
  size_t of_bodies = worker->settings->limits.body_bytes_max;
  size_t body_max = server->routes.body_bytes_max > of_bodies ? server->routes.body_bytes_max : of_bodies;
  return server->routes.of_public == NULL || message_max > body_max ? message_max : body_max;
}

void stoa_worker_settings_apply(struct stoa_worker *worker) {
  const struct stoa_settings *settings = worker->settings;
  const struct stoa_limits_config *limits = &settings->limits;
  worker->streams.queue_bytes_max = limits->send_queue_bytes_max;
  worker->http.limits = &settings->http_limits;
  worker->http.request_ms = limits->handshake_timeout_ms;
  worker->http.body_ms = limits->body_timeout_ms;
  worker->proxy.header_ms = limits->handshake_timeout_ms;
  worker->sessions.limits = &settings->session_limits;
  worker->fallbacks.limits = &settings->session_limits;
  stoa_budget_set(&worker->mailbox, limits->mailbox_bytes_max);
  stoa_budget_set(&worker->batches, limits->mailbox_bytes_max);
  worker->groups.host.gathered_bytes_max = limits->mailbox_bytes_max;
  worker->text_scratch.len = 0;
  worker->text_scratch.len_max = limits->message_bytes_max;
  stoa_arena_raise_max(worker->arena, stoa_codec_arena_bytes_max(decoded_bytes_max(worker)));
}

void stoa_worker_settings_end(struct stoa_worker *worker) {
  stoa_settings_unref(worker->settings);
  worker->settings = NULL;
}

static void take_newest(struct stoa_worker *worker) {
  struct stoa_settings *before = worker->settings;
  /* First, so that a change from now on posts again. */
  atomic_store(&worker->settings_posted, false);
  worker->settings = stoa_server_settings(worker->server);
  stoa_worker_settings_apply(worker);
  stoa_settings_unref(before);
}

static void on_changed(struct stoa_post *post) {
  take_newest(stoa_container_of(post, struct stoa_worker, settings_post));
}

void stoa_worker_settings_refresh(struct stoa_worker *worker) {
  if (!atomic_load_explicit(&worker->settings_posted, memory_order_acquire)) {
    return;
  }
  struct stoa_settings *before = worker->settings;
  worker->settings = stoa_server_settings(worker->server);
  stoa_worker_settings_apply(worker);
  stoa_settings_unref(before);
}

static void tell(struct stoa_worker *worker) {
  if (!atomic_exchange(&worker->settings_posted, true)) {
    worker->settings_post.run = on_changed;
    stoa_loop_post(worker->loop, &worker->settings_post);
  }
}

void stoa_workers_use_settings(struct stoa_server *server, struct stoa_settings *settings) {
  pthread_mutex_lock(&server->settings_mutex);
  struct stoa_settings *before = server->settings;
  server->settings = settings;
  pthread_mutex_unlock(&server->settings_mutex);
  stoa_peers_set_limits(&server->peers, &settings->peers_limits);
  stoa_budget_set(&server->bodies, settings->limits.bodies_bytes_max);
  atomic_store(&server->message_bytes_max, settings->limits.message_bytes_max);
  stoa_trace_apply(server->tracer, &settings->tracing);
  for (uint32_t i = 0; i < server->worker_count; i++) {
    tell(&server->workers[i]);
  }
  stoa_settings_unref(before);
}
