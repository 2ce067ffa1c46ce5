#include "server/worker/worker.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/admission.h"
#include "server/call/dispatch.h"
#include "server/call/stream.h"
#include "server/group/fanout.h"
#include "server/http/exchange.h"
#include "server/request.h"
#include "server/server_private.h"
#include "server/worker/accept.h"
#include "server/worker/drain.h"
#include "server/worker/posts.h"
#include "server/worker/settings.h"
#include "server/worker/sweep.h"
#include "server/worker/table.h"
#include "session/fallback.h"

#include <assert.h>
#include <errno.h>
#include <stoa/log.h>

/* Sessions. */

static void on_closing(struct stoa_session *session) {
  if (stoa_session_is_fallback(session)) {
    unsigned before = atomic_fetch_sub(&stoa_worker_of(session)->server->fallback_sessions, 1);
    assert(before > 0);
    (void)before;
  }
  stoa_pendings_on_closing(session);
  stoa_admission_on_closing(session);
}

static void on_drained(struct stoa_session *session) {
  const struct stoa_callbacks *callbacks = &stoa_worker_of(session)->server->callbacks;
  struct stoa_server_session *own = stoa_server_session_of(session);
  bool is_awaited = own->drained_asked && session->state == STOA_SESSION_OPEN && own->known;
  own->drained_asked = false;
  stoa_call_streams_on_drained(session);
  if (is_awaited && callbacks->on_drained != NULL) {
    callbacks->on_drained(callbacks->user, session);
    stoa_arena_reset(stoa_session_arena(session));
  }
}

static void on_ping(struct stoa_session *session) {
  const struct stoa_server *server = stoa_worker_of(session)->server;
  if (server->ping_message != NULL && stoa_session_negotiated(session)) {
    void *empty = stoa_arena_calloc(stoa_session_arena(session), server->ping_message->size);
    if (empty != NULL) {
      /* A failure is recorded in the session's stream already. */
      int ignored = stoa_session_send(session, server->ping_type, server->ping_message, empty);
      (void)ignored;
    }
    stoa_arena_reset(stoa_session_arena(session));
  }
}

/* The connection has ended, in whatever state it was. */
static void free_connection(struct stoa_server_session *own, struct stoa_worker *worker) {
  struct stoa_server *server = worker->server;
  assert(own->pendings == NULL);
  assert(!own->counted);
  stoa_worker_table_remove(worker, own);
  stoa_peers_disconnect(&server->peers, &own->peer);
  size_t before = atomic_fetch_sub(&server->connections, 1);
  assert(before > 0);
  (void)before;
  if (!server->listeners.items[own->listener].is_admin) {
    atomic_fetch_sub(&server->public_connections, 1);
  }
  stoa_auth_forget(own);
  stoa_server_session_free_account(own);
  stoa_free(own);
  stoa_listeners_resume(worker);
  stoa_worker_end_if_drained(worker);
}

static void note_end(struct stoa_session *session) {
  struct stoa_metric_shard *metrics = stoa_worker_of(session)->metrics;
  uint32_t row = stoa_metric_close_row(session->close_code);
  uint32_t side = session->peer_closed ? STOA_CLOSE_BY_PEER : STOA_CLOSE_BY_SERVER;
  stoa_metric_add(metrics, STOA_M_CLOSES, stoa_metric_series(&metrics->table[STOA_M_CLOSES], row, side), 1);
  stoa_metric_observe(metrics, STOA_M_SESSION_SECONDS, 0, stoa_session_age_ms(session));
  stoa_session_log_closed(session);
}

static void on_end(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_server *server = worker->server;
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(!own->accepted);
  assert(own->group_count == 0);
  note_end(session);
  if (own->known && server->callbacks.on_closed != NULL) {
    server->callbacks.on_closed(server->callbacks.user, session, session->close_code,
                                session->close_reason == NULL ? "" : session->close_reason);
    stoa_arena_reset(stoa_session_arena(session));
  }
  stoa_session_set_user(session, NULL); /* destroys the program's pointer */
  stoa_worker_remove_session(worker, session);
  stoa_admission_end(session);
  stoa_free(session->close_reason);
  free_connection(own, worker);
}

static void release_http(struct stoa_deferred *deferred) {
  struct stoa_server_session *own = stoa_container_of(deferred, struct stoa_server_session, base.release);
  struct stoa_worker *worker = stoa_worker_of(&own->base);
  stoa_stream_fini(&own->base.stream);
  free_connection(own, worker);
}

static void on_http_end(struct stoa_stream *stream) {
  struct stoa_server_session *own = stoa_server_session_of_stream(stream);
  own->base.release.run = release_http;
  stoa_loop_defer(stoa_stream_host_of(stream)->loop, &own->base.release);
}

static void log_refused_certificate(struct stoa_stream *stream) {
  const char *reason = stoa_tls_refusal(stream->conn.tls);
  char address[INET6_ADDRSTRLEN];
  if (reason != NULL) {
    stoa_peer_format(stoa_server_session_client(stoa_server_session_of_stream(stream)), address);
    stoa_log(STOA_LOG_WARN, "a client's certificate was refused", STOA_F_STR("address", address),
             STOA_F_STR("reason", reason));
  }
}

static void on_handshake(struct stoa_stream *stream, bool is_done) {
  const struct stoa_worker *worker = stoa_worker_of_stream(stream);
  struct stoa_server_session *own = stoa_server_session_of_stream(stream);
  if (!is_done) {
    stoa_metric_add(worker->metrics, STOA_M_TLS, STOA_TLS_FAILED, 1);
    log_refused_certificate(stream);
    return;
  }
  bool is_resumed = stoa_tls_is_resumed(stream->conn.tls);
  bool is_1_2 = strcmp(stoa_tls_version(stream->conn.tls), "TLSv1.2") == 0;
  own->tls = is_1_2 ? STOA_CONNECTION_TLS_1_2 : STOA_CONNECTION_TLS_1_3;
  uint32_t full = is_1_2 ? STOA_TLS_1_2 : STOA_TLS_1_3;
  stoa_metric_add(worker->metrics, STOA_M_TLS, is_resumed ? full + 1 : full, 1);
}

/* Turns. */

static void on_turn_end(void *context) {
  struct stoa_worker *worker = context;
  stoa_worker_watch_parts(worker);
  stoa_stream_host_run_ready(&worker->streams);
  stoa_worker_watch_part(worker, STOA_TURN_READY);
  /* While draining, linger_ms is ignored: the loop may end with this turn, and members of other workers are closing. */
  stoa_fanout_flush(&worker->groups, worker->draining);
  stoa_worker_watch_part(worker, STOA_TURN_FANOUT);
  const struct stoa_group *held = worker->groups.dirty;
  if (worker->placements.first != NULL) {
    stoa_placements_run(worker);
  }
  stoa_worker_watch_part(worker, STOA_TURN_PLACEMENTS);
  stoa_turn_end(&worker->streams.turn);
  stoa_worker_watch_part(worker, STOA_TURN_OUTPUT);
  if (worker->groups.dirty != held) {
    /* A callback for a closed session or a drained queue has published: the next turn sends it. */
    stoa_loop_again(worker->loop);
  }
  stoa_worker_sweep_on_turn_end(worker);
  stoa_worker_watch_part(worker, STOA_TURN_SWEEP);
}

/* Making. */

static void set_session_host(struct stoa_worker *worker, struct stoa_session_host *host) {
  host->protocol.host = &worker->streams;
  host->on_message = stoa_dispatch_on_message;
  host->on_closing = on_closing;
  host->on_ping = on_ping;
  host->on_drained = on_drained;
  host->on_end = on_end;
}

static void set_hosts(struct stoa_worker *worker) {
  worker->streams.backlog = stoa_metric_cell_of(worker->metrics, STOA_M_BACKLOG, 0);
  worker->streams.loop = worker->loop;
  worker->streams.on_deadline_change = stoa_worker_on_deadline_change;
  worker->streams.on_handshake = on_handshake;
  stoa_stream_host_init(&worker->streams);
  worker->http.protocol.host = &worker->streams;
  worker->http.on_request = stoa_request_on_head;
  worker->http.on_end = on_http_end;
  stoa_http_host_init(&worker->http);
  worker->proxy.protocol.host = &worker->streams;
  worker->proxy.on_header = stoa_worker_on_proxy_header;
  worker->proxy.on_bad_header = stoa_worker_on_bad_proxy_header;
  worker->proxy.on_end = on_http_end;
  stoa_proxy_host_init(&worker->proxy);
  set_session_host(worker, &worker->sessions);
  stoa_session_host_init(&worker->sessions);
  set_session_host(worker, &worker->fallbacks);
  stoa_fallback_host_init(&worker->fallbacks);
  worker->on_resumed = stoa_dispatch_on_resumed;
}

static void set_scratch(struct stoa_worker *worker) {
  stoa_buffer_init(&worker->text_scratch, 0);
  stoa_buffer_init(&worker->compress_scratch, STOA_ENCODING_BYTES_MAX);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_init(&worker->encode_scratch[i], STOA_ENCODING_BYTES_MAX);
  }
}

static int use_io_uring(struct stoa_worker *worker) {
  struct stoa_send_ring *ring;
  int status = stoa_send_ring_create(&ring);
  if (status == STOA_OK) {
    return stoa_turn_use_ring(&worker->streams.turn, ring);
  }
  if (status == STOA_E_UNSUPPORTED && worker->server->config.io_uring == STOA_IO_URING_AUTO) {
    stoa_log(STOA_LOG_WARN, "a worker runs without io_uring", STOA_F_INT("worker", worker->index),
             STOA_F_STR("reason", strerror(errno)));
    return STOA_OK;
  }
  return status;
}

static int init_groups(struct stoa_worker *worker) {
  const struct stoa_server *server = worker->server;
  const struct stoa_groups_host host = stoa_worker_groups_host(worker);
  return stoa_groups_init(&worker->groups, &host, worker->loop, server->config.linger_ms,
                          server->config.linger_adaptive);
}

int stoa_worker_init(struct stoa_worker *worker, struct stoa_server *server, uint32_t index) {
  assert(index < server->worker_count);
  worker->server = server;
  worker->index = index;
  worker->spare.fd = -1;
  worker->metrics = stoa_metrics_shard(server->metrics.set, index);
  worker->requests = stoa_metric_cell_of(worker->metrics, STOA_M_REQUESTS, 0);
  worker->sample_in = 1; /* the first one is measured: a server with few requests has a duration too */
  set_scratch(worker);
  stoa_worker_settings_begin(worker);
  int status = stoa_loop_create(server->clock, &worker->loop);
  if (status == STOA_OK) {
    status = stoa_worker_table_init(worker);
  }
  if (status == STOA_OK) {
    status = init_groups(worker);
  }
  if (status == STOA_OK) {
    status = stoa_pendings_init(worker);
  }
  if (status == STOA_OK) {
    status = stoa_exchanges_init(worker);
  }
  if (status != STOA_OK) {
    return status;
  }
  set_hosts(worker);
  worker->streams.scratch = stoa_alloc(STOA_STREAM_SCRATCH_BYTES);
  worker->arena = stoa_arena_create(0); /* the settings say how much */
  worker->listeners = stoa_calloc(STOA_LISTENER_SOCKETS_MAX, sizeof *worker->listeners);
  if (worker->streams.scratch == NULL || worker->arena == NULL || worker->listeners == NULL) {
    return STOA_E_MEMORY;
  }
  stoa_worker_settings_apply(worker);
  stoa_spare_open(&worker->spare);
  if (server->use_io_uring) {
    status = use_io_uring(worker);
    if (status != STOA_OK) {
      return status;
    }
  }
  stoa_loop_on_turn_end(worker->loop, on_turn_end, worker);
  stoa_worker_watch_start(worker);
  stoa_worker_sweep_start(worker);
  return STOA_OK;
}

/* Ending. */

/* Freeing sessions runs callbacks such as on_closed, which may send to others: drop all, then take one last turn. */
void stoa_worker_end_sessions(struct stoa_worker *worker) {
  if (worker->loop == NULL || worker->listeners == NULL) {
    return;
  }
  stoa_listeners_close(worker);
  stoa_worker_enter(worker);
  stoa_work_close(worker);
  for (uint32_t i = 0; i < worker->table_count; i++) {
    struct stoa_session *session = &worker->table[i]->base;
    if (session->state == STOA_SESSION_NONE) {
      stoa_stream_drop(&session->stream);
    } else {
      stoa_session_drop(session, STOA_WS_CLOSE_GOING_AWAY, "server ended");
    }
  }
  /* Streams on the ready list are freed when the list reaches them. */
  do {
    stoa_loop_turn(worker->loop, 0);
  } while (worker->table_count > 0);
  stoa_session_log_end(worker);
  stoa_work_drop_timers(worker);
  stoa_worker_enter(NULL);
}

void stoa_worker_fini(struct stoa_worker *worker) {
  assert(worker->table_count == 0);
  assert(worker->call_scope == NULL);
  stoa_pendings_wait_completions(worker);
  stoa_exchanges_wait(worker);
  stoa_placements_end(worker);
  stoa_loop_destroy(worker->loop);
  worker->loop = NULL;
  stoa_pendings_fini(worker);
  stoa_exchanges_fini(worker);
  if (worker->groups.all != NULL) {
    stoa_groups_fini(&worker->groups);
  }
  stoa_session_host_fini(&worker->sessions);
  stoa_session_host_fini(&worker->fallbacks);
  stoa_worker_trim(worker);
  stoa_arena_destroy(worker->arena);
  stoa_free(worker->streams.scratch);
  stoa_free(worker->listeners);
  stoa_worker_settings_end(worker);
  stoa_spare_close(&worker->spare);
  stoa_worker_table_fini(worker);
  stoa_stream_host_fini(&worker->streams);
}
