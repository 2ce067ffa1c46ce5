#include "server/worker.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "server/admission.h"
#include "server/fanout.h"
#include "server/membership.h"
#include "server/session_id.h"
#include "server/worker_posts.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stoa/log.h>

#define SWEEP_MS 500
#define SWEEP_DRAINING_MS 20
#define REST_MS_MAX 60000
/* Below such a peak there is nothing worth giving back. */
#define PEAK_COUNT_MIN 1000
#define SESSIONS_AT_FIRST 16
/* Draining closes about this many sessions a second, so that their return does not hit the next server at once. */
#define DRAIN_SESSIONS_PER_MS 1
#define ARENA_BYTES_MIN (1024u * 1024)
#define ARENA_BYTES_PER_MESSAGE_BYTE 16

static _Thread_local struct stoa_worker *current;

struct stoa_worker *stoa_worker_current(void) {
  return current;
}

void stoa_worker_enter(struct stoa_worker *worker) {
  current = worker;
}

static struct stoa_bytes session_key(const void *object) {
  const struct stoa_session *session = object;
  return stoa_bytes_make(session->id.bytes, sizeof session->id.bytes);
}

struct stoa_session *stoa_worker_find(struct stoa_worker *worker, const struct stoa_uuid *id) {
  struct stoa_session *session = stoa_map_find(&worker->ids, stoa_bytes_make(id->bytes, sizeof id->bytes));
  return session != NULL && session->state == STOA_SESSION_OPEN ? session : NULL;
}

/* The table of sessions. */

static int resize_array(void **array, size_t count, size_t size) {
  void *grown = *array == NULL ? stoa_alloc(count * size) : stoa_realloc(*array, count * size);
  if (grown == NULL) {
    return STOA_E_MEMORY;
  }
  *array = grown;
  return STOA_OK;
}

static int make_room(struct stoa_worker *worker) {
  if (worker->table_count < worker->table_capacity) {
    return STOA_OK;
  }
  uint32_t capacity =
      worker->table_capacity == 0 ? SESSIONS_AT_FIRST : worker->table_capacity + worker->table_capacity / 2;
  if (resize_array((void **)&worker->table, capacity, sizeof *worker->table) != STOA_OK ||
      resize_array((void **)&worker->due_ms, capacity, sizeof *worker->due_ms) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  worker->table_capacity = capacity;
  return STOA_OK;
}

static void shrink_table(struct stoa_worker *worker) {
  uint32_t capacity = worker->table_count < SESSIONS_AT_FIRST ? SESSIONS_AT_FIRST : worker->table_count;
  if (capacity < worker->table_capacity) {
    /* First the word, then the deed: an array that cannot be made smaller is merely larger than it must be. */
    worker->table_capacity = capacity;
    int ignored = resize_array((void **)&worker->table, capacity, sizeof *worker->table);
    ignored = resize_array((void **)&worker->due_ms, capacity, sizeof *worker->due_ms);
    (void)ignored;
  }
}

static void wake_up(struct stoa_worker *worker) {
  if (worker->resting) {
    worker->resting = false;
    stoa_loop_timer_start(worker->loop, &worker->sweep, SWEEP_MS);
  }
}

static void put_in_table(struct stoa_worker *worker, struct stoa_server_session *own) {
  uint32_t slot = worker->table_count++;
  own->slot = slot;
  worker->table[slot] = own;
  if (worker->table_count > worker->peak_count) {
    worker->peak_count = worker->table_count;
  }
  worker->due_ms[slot] = (uint32_t)stoa_loop_now_ms(worker->loop) + worker->http.request_ms;
}

static void take_from_table(struct stoa_worker *worker, const struct stoa_server_session *own) {
  uint32_t slot = own->slot;
  assert(worker->table[slot] == own);
  worker->table_count--;
  worker->table[slot] = worker->table[worker->table_count];
  worker->due_ms[slot] = worker->due_ms[worker->table_count];
  worker->table[slot]->slot = slot;
}

/* Only ever nearer: one that is looked at too early tells when it is due, one that is looked at too late has been kept
 * for longer than it was allowed to stay. */
static void on_deadline_change(struct stoa_stream *stream, uint64_t due_ms) {
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  uint32_t *slot_due_ms = &worker->due_ms[stoa_server_session_of_stream(stream)->slot];
  if ((int32_t)((uint32_t)due_ms - *slot_due_ms) < 0) {
    *slot_due_ms = (uint32_t)due_ms;
    wake_up(worker);
  }
}

/* Sessions. */

static void on_closing(struct stoa_session *session) {
  stoa_calls_on_closing(session);
  stoa_admission_on_closing(session);
}

static void on_drained(struct stoa_session *session) {
  const struct stoa_callbacks *callbacks = &stoa_worker_of(session)->server->callbacks;
  bool is_awaited = session->state == STOA_SESSION_OPEN && stoa_server_session_of(session)->known;
  if (is_awaited && callbacks->on_drained != NULL) {
    callbacks->on_drained(callbacks->user, session);
    stoa_arena_reset(stoa_session_arena(session));
  }
}

struct stoa_session_account *stoa_server_session_account(struct stoa_server_session *own) {
  if (own->account == NULL) {
    own->account = stoa_calloc(1, sizeof *own->account);
  }
  return own->account;
}

bool stoa_server_session_set_client(struct stoa_server_session *own, const uint8_t address[16]) {
  struct stoa_session_account *account = stoa_server_session_account(own);
  if (account == NULL) {
    return false;
  }
  memcpy(account->client.bytes, address, sizeof account->client.bytes);
  own->proxied = true;
  return true;
}

uint32_t stoa_worker_count_mistake(struct stoa_session *session) {
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  uint32_t now_ms = stoa_stream_now32(&session->stream);
  if (account == NULL) {
    return 1; /* without memory nobody counts */
  }
  uint32_t seconds = (now_ms - account->mistakes_ms) / 1000;
  account->mistakes = seconds < account->mistakes ? account->mistakes - seconds : 0;
  account->mistakes_ms = account->mistakes == 0 ? now_ms : account->mistakes_ms + seconds * 1000;
  return ++account->mistakes;
}

static void on_ping(struct stoa_session *session) {
  const struct stoa_server *server = stoa_worker_of(session)->server;
  if (server->ping_message != NULL && stoa_session_negotiated(session)) {
    void *empty = stoa_arena_calloc(stoa_session_arena(session), server->ping_message->size);
    if (empty != NULL) {
      /* A failure has marked the session already. */
      int ignored = stoa_session_send(session, server->ping_type, server->ping_message, empty);
      (void)ignored;
    }
    stoa_arena_reset(stoa_session_arena(session));
  }
}

/* All workers end together: one without sessions may own groups whose members still say something to each other. */
static void end_if_drained(struct stoa_worker *worker) {
  if (worker->draining && atomic_load(&worker->server->connections) == 0) {
    stoa_server_abort(worker->server);
  }
}

/* The connection has ended, whatever it was. */
static void free_connection(struct stoa_server_session *own, struct stoa_worker *worker) {
  struct stoa_server *server = worker->server;
  take_from_table(worker, own);
  stoa_peers_disconnect(&server->peers, &own->peer);
  atomic_fetch_sub(&server->connections, 1);
  stoa_free(own->account);
  stoa_free(own);
  stoa_listeners_resume(worker);
  end_if_drained(worker);
}

static void on_end(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_server *server = worker->server;
  struct stoa_server_session *own = stoa_server_session_of(session);
  if (own->known && server->callbacks.on_closed != NULL) {
    server->callbacks.on_closed(server->callbacks.user, session, session->close_code,
                                session->close_reason == NULL ? "" : session->close_reason);
    stoa_arena_reset(stoa_session_arena(session));
  }
  stoa_map_remove(&worker->ids, session_key(session));
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

/* Accepting. */

int stoa_worker_add_session(struct stoa_worker *worker, struct stoa_session *session) {
  stoa_session_id_mark(&session->id, worker->index, worker->server->worker_count);
  return stoa_map_insert(&worker->ids, session);
}

/* PROXY protocol: whose connection it is, and where it came to. */
static bool take_addresses(struct stoa_server_session *own, const struct stoa_proxy_header *header) {
  if (header->family != STOA_PROXY_IP) {
    return true; /* the proxy's own, a check of its for instance */
  }
  if (!stoa_server_session_set_client(own, header->source)) {
    return false;
  }
  memcpy(own->account->local.bytes, header->destination, sizeof own->account->local.bytes);
  own->account->has_local = true;
  return true;
}

static void on_proxy_header(struct stoa_stream *stream, const struct stoa_proxy_header *header) {
  struct stoa_server_session *own = stoa_server_session_of_stream(stream);
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  const struct stoa_server_listener *listener = &worker->server->listeners.items[own->listener];
  if (!take_addresses(own, header)) {
    stoa_stream_drop(stream);
    return;
  }
  stoa_stream_set_protocol(stream, &worker->http.protocol);
  stream->since_ms = stoa_stream_now32(stream);
  if (listener->tls != NULL && stoa_stream_start_tls(stream, listener->tls) != STOA_OK) {
    stoa_stream_drop(stream);
  }
}

static void on_bad_proxy_header(struct stoa_stream *stream) {
  char address[INET6_ADDRSTRLEN];
  stoa_peer_format(&stoa_server_session_of_stream(stream)->peer, address);
  stoa_log(STOA_LOG_WARN,
           "connection refused: it does not begin with a header of the PROXY protocol; let the proxy send one, or set "
           "proxy_protocol of this listener to off",
           STOA_F_STR("address", address));
}

static int open_connection(struct stoa_worker *worker, int fd, const struct stoa_peer *peer,
                           const struct stoa_server_listener *listener) {
  struct stoa_server_session *own = make_room(worker) == STOA_OK ? stoa_calloc(1, sizeof *own) : NULL;
  if (own == NULL) {
    stoa_sys.close(fd);
    return STOA_E_MEMORY;
  }
  own->peer = *peer;
  own->listener = listener->index;
  /* What a proxy puts in front comes before TLS. */
  int status = listener->proxy_protocol
                   ? stoa_stream_open(&own->base.stream, &worker->proxy.protocol, fd, NULL)
                   : stoa_stream_open(&own->base.stream, &worker->http.protocol, fd, listener->tls);
  if (status != STOA_OK) {
    stoa_free(own);
    return status;
  }
  put_in_table(worker, own);
  atomic_fetch_add(&worker->server->connections, 1);
  return STOA_OK;
}

/* A flood of connections is cut at the door; the cap on sessions, which tells the client why, is in admission.c. */
static bool admit(struct stoa_worker *worker, const struct stoa_server_listener *listener,
                  const struct stoa_peer *peer) {
  struct stoa_server *server = worker->server;
  uint32_t limit = server->limits.connections_max;
  char address[INET6_ADDRSTRLEN];
  stoa_peer_format(peer, address);
  if (listener->proxy_protocol && !stoa_networks_contain(&server->trusted_proxies, peer)) {
    stoa_log(STOA_LOG_WARN, "connection refused: this listener is for proxies; name them in server.trusted_proxies",
             STOA_F_STR("address", address));
    return false;
  }
  if (limit > 0 && atomic_load(&server->connections) >= limit) {
    stoa_log(STOA_LOG_WARN, "connection refused: there are too many; raise server.limits.connections_max",
             STOA_F_STR("address", address), STOA_F_INT("connections_max", limit));
    return false;
  }
  if (stoa_peers_connect(&server->peers, peer) != STOA_OK) {
    stoa_log(STOA_LOG_WARN,
             "connection refused: too many of one address; raise server.limits.address_sessions_max, or name the proxy "
             "in server.trusted_proxies",
             STOA_F_STR("address", address), STOA_F_INT("address_sessions_max", server->limits.address_sessions_max));
    return false;
  }
  return true;
}

void stoa_worker_accept(struct stoa_worker *worker, const struct stoa_server_listener *listener, int fd,
                        const struct sockaddr_storage *address) {
  struct stoa_peer peer = stoa_peer_of(address);
  if (!admit(worker, listener, &peer)) {
    stoa_sys.close(fd);
    return;
  }
  int status = open_connection(worker, fd, &peer, listener);
  if (status != STOA_OK) {
    stoa_peers_disconnect(&worker->server->peers, &peer);
    stoa_log(STOA_LOG_ERROR, "cannot take a connection", STOA_F_STR("reason", stoa_status_text(status)));
  }
}

/* Turns. */

static void on_turn_end(void *context) {
  struct stoa_worker *worker = context;
  stoa_stream_host_run_ready(&worker->streams);
  /* While draining nothing is held: the loop may end with this turn, and members elsewhere are about to go. */
  stoa_fanout_flush(&worker->groups, worker->draining);
  const struct stoa_group *held = worker->groups.dirty;
  stoa_turn_end(&worker->streams.turn);
  if (worker->groups.dirty != held) {
    /* The program published when it was told of an end, or that all has left: the next turn sends it. */
    stoa_loop_again(worker->loop);
  }
  if (worker->sweeping) {
    worker->sweeping = false;
    return;
  }
  worker->busy = true;
  wake_up(worker);
}

static void trim(struct stoa_worker *worker) {
  stoa_groups_trim(&worker->groups);
  stoa_stream_host_trim(&worker->streams);
  stoa_buffer_fini(&worker->text_scratch);
  stoa_buffer_fini(&worker->compress_scratch);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_fini(&worker->encode_scratch[i]);
  }
}

/* After a peak the allocator would keep what it held. */
static void give_back(struct stoa_worker *worker) {
  if (worker->peak_count >= PEAK_COUNT_MIN && worker->table_count < worker->peak_count / 2) {
    shrink_table(worker);
    malloc_trim(0);
    worker->peak_count = worker->table_count;
  }
}

/* The header of the PROXY protocol has not come. */
static bool is_before_header(const struct stoa_session *session) {
  return session->stream.protocol == &stoa_worker_of(session)->proxy.protocol;
}

static uint64_t act_on_deadline(struct stoa_session *session, uint64_t now_ms) {
  if (session->state != STOA_SESSION_NONE) {
    uint64_t admission_due_ms = stoa_admission_on_deadline(session, now_ms);
    uint64_t due_ms = stoa_session_on_deadline(session, now_ms);
    return admission_due_ms < due_ms ? admission_due_ms : due_ms;
  }
  return is_before_header(session) ? stoa_proxy_on_deadline(&session->stream, now_ms)
                                   : stoa_http_on_deadline(&session->stream, now_ms);
}

/* Returns how long nobody is due after that. */
static uint32_t look_at_due(struct stoa_worker *worker, uint64_t now_ms) {
  uint32_t next_ms = REST_MS_MAX;
  for (uint32_t i = 0; i < worker->table_count; i++) {
    if ((int32_t)((uint32_t)now_ms - worker->due_ms[i]) >= 0) {
      struct stoa_session *session = &worker->table[i]->base;
      if (worker->draining && session->state == STOA_SESSION_OPEN) {
        stoa_session_close(session, STOA_CLOSE_DRAINING, "server is going away");
      }
      uint64_t due_ms = act_on_deadline(session, now_ms);
      worker->due_ms[i] = (uint32_t)(due_ms == UINT64_MAX ? now_ms + SWEEP_MS : due_ms);
    }
    int32_t left_ms = (int32_t)(worker->due_ms[i] - (uint32_t)now_ms);
    next_ms = left_ms < (int32_t)next_ms ? (uint32_t)(left_ms < 0 ? 0 : left_ms) : next_ms;
  }
  return next_ms;
}

/* A worker that nobody talks to sleeps until a session is due. */
static void on_sweep(struct stoa_timer *timer) {
  struct stoa_worker *worker = stoa_container_of(timer, struct stoa_worker, sweep);
  uint32_t next_ms = look_at_due(worker, stoa_loop_now_ms(worker->loop));
  uint32_t delay_ms = worker->draining ? SWEEP_DRAINING_MS : SWEEP_MS;
  trim(worker);
  worker->resting = !worker->busy && !worker->draining && next_ms > SWEEP_MS;
  worker->busy = false;
  worker->sweeping = true;
  if (worker->resting) {
    give_back(worker);
    delay_ms = next_ms;
  }
  stoa_loop_timer_start(worker->loop, timer, delay_ms);
}

/* The end. */

static void on_drain_end(struct stoa_timer *timer) {
  struct stoa_worker *worker = stoa_container_of(timer, struct stoa_worker, drain_end);
  stoa_loop_stop(worker->loop);
}

static void spread_closes(struct stoa_worker *worker) {
  uint32_t now_ms = (uint32_t)stoa_loop_now_ms(worker->loop);
  uint32_t window_ms = worker->table_count / DRAIN_SESSIONS_PER_MS;
  uint32_t half_ms = worker->server->config.drain_ms / 2;
  window_ms = window_ms < half_ms ? window_ms : half_ms;
  for (uint32_t i = 0; i < worker->table_count; i++) {
    struct stoa_session *session = &worker->table[i]->base;
    uint32_t random = 0;
    if (stoa_random(&random, sizeof random) != STOA_OK) {
      random = i;
    }
    if (session->state == STOA_SESSION_OPEN) {
      worker->due_ms[i] = now_ms + (window_ms == 0 ? 0 : random % window_ms);
    } else if (is_before_header(session)) {
      stoa_stream_drop(&session->stream);
    } else if (session->state == STOA_SESSION_NONE) {
      stoa_http_finish(&session->stream);
    }
  }
}

static void drain(struct stoa_post *post) {
  struct stoa_worker *worker = stoa_container_of(post, struct stoa_worker, drain_post);
  worker->draining = true;
  worker->resting = false; /* or the turn's end would put the sweep off again */
  stoa_listeners_close(worker);
  stoa_loop_timer_start(worker->loop, &worker->drain_end, worker->server->config.drain_ms);
  stoa_loop_timer_start(worker->loop, &worker->sweep, 0);
  spread_closes(worker);
  end_if_drained(worker);
}

void stoa_worker_drain(struct stoa_worker *worker) {
  /* Part of the worker, so that it can neither fail nor pile up. */
  if (!atomic_exchange(&worker->drain_posted, true)) {
    worker->drain_post.run = drain;
    stoa_loop_post(worker->loop, &worker->drain_post);
  }
}

void stoa_worker_abort(struct stoa_worker *worker) {
  stoa_loop_stop(worker->loop);
}

static void set_hosts(struct stoa_worker *worker) {
  const struct stoa_server *server = worker->server;
  worker->streams.loop = worker->loop;
  worker->streams.queue_bytes_max = server->limits.send_queue_bytes_max;
  worker->streams.on_deadline_change = on_deadline_change;
  stoa_stream_host_init(&worker->streams);
  worker->http.protocol.host = &worker->streams;
  worker->http.limits = &server->http_limits;
  worker->http.request_ms = server->limits.handshake_timeout_ms;
  worker->http.on_request = stoa_worker_on_request;
  worker->http.on_end = on_http_end;
  stoa_http_host_init(&worker->http);
  worker->proxy.protocol.host = &worker->streams;
  worker->proxy.header_ms = server->limits.handshake_timeout_ms;
  worker->proxy.on_header = on_proxy_header;
  worker->proxy.on_bad_header = on_bad_proxy_header;
  worker->proxy.on_end = on_http_end;
  stoa_proxy_host_init(&worker->proxy);
  worker->sessions.protocol.host = &worker->streams;
  worker->sessions.limits = &server->session_limits;
  worker->sessions.on_message = stoa_worker_on_message;
  worker->sessions.on_closing = on_closing;
  worker->sessions.on_ping = on_ping;
  worker->sessions.on_drained = on_drained;
  worker->sessions.on_end = on_end;
  stoa_session_host_init(&worker->sessions);
}

static void set_scratch(struct stoa_worker *worker) {
  size_t message_max = worker->server->session_limits.message_bytes_max;
  stoa_buffer_init(&worker->text_scratch, message_max);
  stoa_buffer_init(&worker->compress_scratch, (size_t)64 * 1024 * 1024);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_init(&worker->encode_scratch[i], (size_t)64 * 1024 * 1024);
  }
}

static int use_io_uring(struct stoa_worker *worker) {
  struct stoa_send_ring *ring;
  int status = stoa_send_ring_create(&ring);
  if (status == STOA_OK) {
    return stoa_turn_use_ring(&worker->streams.turn, ring);
  }
  if (status == STOA_E_UNSUPPORTED && worker->server->config.io_uring == STOA_IO_URING_AUTO) {
    stoa_log(STOA_LOG_WARN, "a worker goes without io_uring", STOA_F_INT("worker", worker->index),
             STOA_F_STR("reason", strerror(errno)));
    return STOA_OK;
  }
  return status;
}

static int init_groups(struct stoa_worker *worker) {
  const struct stoa_server *server = worker->server;
  const struct stoa_groups_host host = stoa_worker_groups_host(worker);
  worker->mailbox.bytes_max = server->limits.mailbox_bytes_max;
  worker->batches.bytes_max = server->limits.mailbox_bytes_max;
  return stoa_groups_init(&worker->groups, &host, worker->loop, server->config.linger_ms,
                          server->config.linger_adaptive);
}

int stoa_worker_init(struct stoa_worker *worker, struct stoa_server *server, uint32_t index) {
  worker->server = server;
  worker->index = index;
  worker->spare.fd = -1;
  worker->sweep.on_due = on_sweep;
  worker->drain_end.on_due = on_drain_end;
  set_scratch(worker);
  int status = stoa_loop_create(server->clock, &worker->loop);
  if (status == STOA_OK) {
    status = stoa_map_init(&worker->ids, session_key);
  }
  if (status == STOA_OK) {
    status = init_groups(worker);
  }
  if (status == STOA_OK) {
    status = stoa_calls_init(worker);
  }
  if (status != STOA_OK) {
    return status;
  }
  set_hosts(worker);
  worker->streams.scratch = stoa_alloc(STOA_STREAM_SCRATCH_BYTES);
  worker->arena =
      stoa_arena_create(ARENA_BYTES_MIN + ARENA_BYTES_PER_MESSAGE_BYTE * server->session_limits.message_bytes_max);
  worker->listeners = stoa_calloc(STOA_LISTENER_SOCKETS_MAX, sizeof *worker->listeners);
  if (worker->streams.scratch == NULL || worker->arena == NULL || worker->listeners == NULL) {
    return STOA_E_MEMORY;
  }
  stoa_spare_open(&worker->spare);
  if (server->use_io_uring) {
    status = use_io_uring(worker);
    if (status != STOA_OK) {
      return status;
    }
  }
  stoa_loop_on_turn_end(worker->loop, on_turn_end, worker);
  stoa_loop_timer_start(worker->loop, &worker->sweep, SWEEP_MS);
  return STOA_OK;
}

/* Releases run callbacks such as on_closed, which may send to others: so drop all, then take one last turn. */
void stoa_worker_end_sessions(struct stoa_worker *worker) {
  if (worker->loop == NULL || worker->listeners == NULL) {
    return;
  }
  stoa_listeners_close(worker);
  current = worker;
  stoa_work_close(worker);
  for (uint32_t i = 0; i < worker->table_count; i++) {
    struct stoa_session *session = &worker->table[i]->base;
    if (session->state == STOA_SESSION_NONE) {
      stoa_stream_drop(&session->stream);
    } else {
      stoa_session_drop(session, STOA_WS_CLOSE_GOING_AWAY, "server ended");
    }
  }
  /* Those on the ready list go when their turn comes. */
  do {
    stoa_loop_turn(worker->loop, 0);
  } while (worker->table_count > 0);
  stoa_work_drop_timers(worker);
  current = NULL;
}

void stoa_worker_fini(struct stoa_worker *worker) {
  assert(worker->table_count == 0);
  stoa_calls_settle(worker);
  stoa_loop_destroy(worker->loop);
  worker->loop = NULL;
  stoa_calls_fini(worker);
  if (worker->groups.all != NULL) {
    stoa_groups_fini(&worker->groups);
  }
  stoa_map_fini(&worker->ids);
  stoa_session_host_fini(&worker->sessions);
  trim(worker);
  stoa_arena_destroy(worker->arena);
  stoa_free(worker->streams.scratch);
  stoa_free(worker->listeners);
  stoa_spare_close(&worker->spare);
  stoa_free(worker->table);
  stoa_stream_host_fini(&worker->streams);
  stoa_free(worker->due_ms);
}
