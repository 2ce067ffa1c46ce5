#include "server/worker.h"

#include "base/memory.h"
#include "base/sys.h"
#include "server/server_private.h"

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

struct stoa_worker *stoa_worker_current_of(const struct stoa_server *server) {
  return current != NULL && current->server == server ? current : NULL;
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
  if (worker->session_count < worker->session_capacity) {
    return STOA_OK;
  }
  uint32_t capacity =
      worker->session_capacity == 0 ? SESSIONS_AT_FIRST : worker->session_capacity + worker->session_capacity / 2;
  if (resize_array((void **)&worker->sessions, capacity, sizeof *worker->sessions) != STOA_OK ||
      resize_array((void **)&worker->due_ms, capacity, sizeof *worker->due_ms) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  worker->session_capacity = capacity;
  return STOA_OK;
}

static void shrink_table(struct stoa_worker *worker) {
  uint32_t capacity = worker->session_count < SESSIONS_AT_FIRST ? SESSIONS_AT_FIRST : worker->session_count;
  if (capacity < worker->session_capacity) {
    /* First the word, then the deed: an array that cannot be made smaller is merely larger than it must be. */
    worker->session_capacity = capacity;
    int ignored = resize_array((void **)&worker->sessions, capacity, sizeof *worker->sessions);
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

static void put_in_table(struct stoa_worker *worker, struct stoa_session *session) {
  uint32_t slot = worker->session_count++;
  session->slot = slot;
  worker->sessions[slot] = session;
  if (worker->session_count > worker->peak_count) {
    worker->peak_count = worker->session_count;
  }
  worker->due_ms[slot] = (uint32_t)stoa_loop_now_ms(worker->loop) + worker->server->session_limits.handshake_ms;
}

static void take_from_table(struct stoa_worker *worker, struct stoa_session *session) {
  uint32_t slot = session->slot;
  assert(worker->sessions[slot] == session);
  worker->session_count--;
  worker->sessions[slot] = worker->sessions[worker->session_count];
  worker->due_ms[slot] = worker->due_ms[worker->session_count];
  worker->sessions[slot]->slot = slot;
}

/* Only ever nearer: a session that is looked at too early tells when it is due, one that is looked at too late has
 * been kept for longer than it was allowed to stay. */
static void on_deadline_change(struct stoa_session *session, uint64_t due_ms) {
  uint32_t *slot_due_ms = &stoa_worker_of(session)->due_ms[session->slot];
  if ((int32_t)((uint32_t)due_ms - *slot_due_ms) < 0) {
    *slot_due_ms = (uint32_t)due_ms;
    wake_up(stoa_worker_of(session));
  }
}

static void on_closing(struct stoa_session *session) {
  struct stoa_server *server = stoa_worker_of(session)->server;
  stoa_calls_on_closing(session);
  if (!session->accepted) {
    return;
  }
  stoa_group_leave_all(session);
  atomic_fetch_sub(&server->codec_sessions[server->formats.items[session->format].codec_index], 1);
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
  if (worker->draining && stoa_server_sessions(worker->server) == 0) {
    stoa_server_abort(worker->server);
  }
}

static void on_end(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_server *server = worker->server;
  if (session->accepted && server->callbacks.on_disconnect != NULL) {
    server->callbacks.on_disconnect(server->callbacks.user, session, session->close_code,
                                    session->close_reason == NULL ? "" : session->close_reason);
  }
  stoa_map_remove(&worker->ids, session_key(session));
  take_from_table(worker, session);
  stoa_peers_remove(&server->peers, &session->peer);
  atomic_fetch_sub(&server->sessions, 1);
  for (size_t i = 0; i < worker->listener_count; i++) {
    stoa_listener_resume(&worker->listeners[i]);
  }
  end_if_drained(worker);
}

/* Accepting. */

/* A flood of connections is cut at the door; the cap on sessions, which tells the client why, is in request.c. The
 * margin leaves room for requests of the page and for sessions that are just closing. */
static bool admit(struct stoa_server *server, const struct stoa_peer *peer) {
  uint32_t count;
  if (stoa_peers_add(&server->peers, peer, &count) != STOA_OK) {
    return false;
  }
  bool exempt = stoa_peer_is_loopback(peer) && !server->limits.limit_loopback;
  if (!exempt && count > server->limits.address_sessions_max * 2 + 16) {
    stoa_peers_remove(&server->peers, peer);
    return false;
  }
  return true;
}

/* The id's last byte leads back to the worker, from any thread and without a table. 122 - 8 random bits are left. */
static void mark_id(struct stoa_session *session, const struct stoa_worker *worker) {
  uint32_t count = worker->server->worker_count;
  uint32_t block = session->id.bytes[15] % (256 / count);
  session->id.bytes[15] = (uint8_t)(block * count + worker->index);
}

static int open_session(struct stoa_worker *worker, int fd, const struct stoa_peer *peer, bool tls) {
  struct stoa_session *session;
  if (make_room(worker) != STOA_OK) {
    stoa_sys.close(fd);
    return STOA_E_MEMORY;
  }
  int status = stoa_session_open(&worker->host, fd, peer, tls ? worker->server->tls : NULL, &session);
  if (status != STOA_OK) {
    return status;
  }
  mark_id(session, worker);
  status = stoa_map_insert(&worker->ids, session);
  if (status != STOA_OK) {
    stoa_session_abandon(session);
    return status;
  }
  put_in_table(worker, session);
  atomic_fetch_add(&worker->server->sessions, 1);
  return STOA_OK;
}

static void on_accept(struct stoa_listener *listener, int fd, const struct sockaddr_storage *address) {
  struct stoa_worker *worker = listener->context;
  struct stoa_peer peer = stoa_peer_of(address);
  if (!admit(worker->server, &peer)) {
    stoa_log(STOA_LOG_WARN, "too many connections of one address", STOA_F_INT("worker", worker->index));
    stoa_sys.close(fd);
    return;
  }
  int status = open_session(worker, fd, &peer, listener->tls);
  if (status != STOA_OK) {
    stoa_peers_remove(&worker->server->peers, &peer);
    stoa_log(STOA_LOG_ERROR, "cannot take a connection", STOA_F_STR("reason", stoa_status_name(status)));
  }
}

int stoa_worker_listen(struct stoa_worker *worker, size_t slot, int fd, bool tls) {
  struct stoa_listener *listener = &worker->listeners[slot];
  listener->on_accept = on_accept;
  listener->context = worker;
  listener->tls = tls;
  int status = stoa_listener_start(listener, worker->loop, fd);
  if (status == STOA_OK) {
    worker->listener_count = slot + 1;
  }
  return status;
}

/* Turns. */

static void on_turn_end(void *context) {
  struct stoa_worker *worker = context;
  stoa_groups_flush(worker);
  stoa_turn_end(&worker->host.turn);
  if (worker->sweeping) {
    worker->sweeping = false;
    return;
  }
  worker->busy = true;
  wake_up(worker);
}

static void trim(struct stoa_worker *worker) {
  stoa_groups_trim(worker);
  stoa_turn_trim(&worker->host.turn);
  stoa_buffer_fini(&worker->text_scratch);
  stoa_buffer_fini(&worker->compress_scratch);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_fini(&worker->encode_scratch[i]);
  }
}

/* After a peak the allocator would keep what it held. */
static void give_back(struct stoa_worker *worker) {
  if (worker->peak_count >= PEAK_COUNT_MIN && worker->session_count < worker->peak_count / 2) {
    shrink_table(worker);
    malloc_trim(0);
    worker->peak_count = worker->session_count;
  }
}

/* Returns how long nobody is due after that. */
static uint32_t look_at_due(struct stoa_worker *worker, uint64_t now_ms) {
  uint32_t next_ms = REST_MS_MAX;
  for (uint32_t i = 0; i < worker->session_count; i++) {
    if ((int32_t)((uint32_t)now_ms - worker->due_ms[i]) >= 0) {
      struct stoa_session *session = worker->sessions[i];
      if (worker->draining && session->state == STOA_SESSION_OPEN) {
        stoa_session_close(session, STOA_CLOSE_DRAINING, "server is going away");
      }
      uint64_t due_ms = stoa_session_on_deadline(session, now_ms);
      worker->due_ms[i] = (uint32_t)(due_ms == UINT64_MAX ? now_ms + SWEEP_MS : due_ms);
    }
    int32_t left_ms = (int32_t)(worker->due_ms[i] - (uint32_t)now_ms);
    next_ms = left_ms < (int32_t)next_ms ? (uint32_t)(left_ms < 0 ? 0 : left_ms) : next_ms;
  }
  return next_ms;
}

/* A worker that nobody talks to sleeps until a session is due. */
static void on_sweep(struct stoa_timer *timer) {
  struct stoa_worker *worker = (struct stoa_worker *)(void *)((char *)timer - offsetof(struct stoa_worker, sweep));
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

static void *run(void *context) {
  struct stoa_worker *worker = context;
  struct stoa_server *server = worker->server;
  current = worker;
  stoa_turn_begin_thread(&worker->host.turn);
  stoa_loop_run(worker->loop);
  stoa_turn_end_thread(&worker->host.turn);
  if (atomic_fetch_sub(&server->running, 1) == 1) {
    const uint64_t one = 1;
    ssize_t ignored = stoa_sys.write(server->ended_fd, &one, sizeof one);
    (void)ignored;
  }
  return NULL;
}

int stoa_worker_start(struct stoa_worker *worker) {
  atomic_fetch_add(&worker->server->running, 1);
  if (stoa_sys.pthread_create(&worker->thread, NULL, run, worker) != 0) {
    atomic_fetch_sub(&worker->server->running, 1);
    return STOA_E_SYSTEM;
  }
  worker->thread_started = true;
  return STOA_OK;
}

/* The end. */

struct order {
  struct stoa_post post;
  struct stoa_worker *worker;
};

static void close_listeners(struct stoa_worker *worker) {
  for (size_t i = 0; i < worker->listener_count; i++) {
    stoa_listener_close(&worker->listeners[i]);
  }
}

static void on_drain_end(struct stoa_timer *timer) {
  struct stoa_worker *worker = (struct stoa_worker *)(void *)((char *)timer - offsetof(struct stoa_worker, drain_end));
  stoa_loop_stop(worker->loop);
}

static void spread_goodbyes(struct stoa_worker *worker) {
  uint32_t now_ms = (uint32_t)stoa_loop_now_ms(worker->loop);
  uint32_t window_ms = worker->session_count / DRAIN_SESSIONS_PER_MS;
  uint32_t half_ms = worker->server->config.drain_ms / 2;
  window_ms = window_ms < half_ms ? window_ms : half_ms;
  for (uint32_t i = 0; i < worker->session_count; i++) {
    struct stoa_session *session = worker->sessions[i];
    uint32_t random = 0;
    if (stoa_random(&random, sizeof random) != STOA_OK) {
      random = i;
    }
    if (session->state == STOA_SESSION_OPEN) {
      worker->due_ms[i] = now_ms + (window_ms == 0 ? 0 : random % window_ms);
    } else if (session->state == STOA_SESSION_HANDSHAKE) {
      stoa_session_shut(session);
    }
  }
}

static void drain(struct stoa_post *post) {
  struct order *order = (struct order *)(void *)post;
  struct stoa_worker *worker = order->worker;
  stoa_free(order);
  if (worker->draining) {
    return;
  }
  worker->draining = true;
  worker->resting = false; /* or the turn's end would put the sweep off again */
  close_listeners(worker);
  stoa_loop_timer_start(worker->loop, &worker->drain_end, worker->server->config.drain_ms);
  stoa_loop_timer_start(worker->loop, &worker->sweep, 0);
  spread_goodbyes(worker);
  end_if_drained(worker);
}

void stoa_worker_drain(struct stoa_worker *worker) {
  struct order *order = stoa_calloc(1, sizeof *order);
  if (order == NULL) {
    stoa_worker_abort(worker); /* without memory for goodbyes */
    return;
  }
  order->post.run = drain;
  order->worker = worker;
  stoa_loop_post(worker->loop, &order->post);
}

void stoa_worker_abort(struct stoa_worker *worker) {
  stoa_loop_stop(worker->loop);
}

static void let_sessions_go(struct stoa_post *post) {
  struct stoa_worker *worker = (struct stoa_worker *)(void *)((char *)post - offsetof(struct stoa_worker, forsaken));
  atomic_store(&worker->is_forsaken, false);
  stoa_log(STOA_LOG_ERROR, "out of memory, messages lost: sessions are let go", STOA_F_INT("worker", worker->index));
  for (uint32_t i = 0; i < worker->session_count; i++) {
    stoa_session_close(worker->sessions[i], STOA_CLOSE_POSITION_LOST, "messages were lost");
  }
}

void stoa_worker_forsake(struct stoa_worker *worker) {
  /* At the end of the server the loops go one after the other. */
  if (worker->loop != NULL && !atomic_exchange(&worker->is_forsaken, true)) {
    worker->forsaken.run = let_sessions_go;
    stoa_loop_post(worker->loop, &worker->forsaken);
  }
}

static void set_host(struct stoa_worker *worker) {
  struct stoa_session_host *host = &worker->host;
  host->loop = worker->loop;
  host->limits = &worker->server->session_limits;
  host->on_request = stoa_worker_on_request;
  host->on_message = stoa_worker_on_message;
  host->on_deadline_change = on_deadline_change;
  host->on_closing = on_closing;
  host->on_ping = on_ping;
  host->on_end = on_end;
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
    return stoa_turn_use_ring(&worker->host.turn, ring);
  }
  if (status == STOA_E_UNSUPPORTED && worker->server->config.io_uring == STOA_IO_URING_AUTO) {
    stoa_log(STOA_LOG_WARN, "a worker goes without io_uring", STOA_F_INT("worker", worker->index),
             STOA_F_STR("reason", strerror(errno)));
    return STOA_OK;
  }
  return status;
}

int stoa_worker_init(struct stoa_worker *worker, struct stoa_server *server, uint32_t index) {
  worker->server = server;
  worker->index = index;
  worker->sweep.on_due = on_sweep;
  worker->drain_end.on_due = on_drain_end;
  set_scratch(worker);
  int status = stoa_loop_create(&stoa_clock_system, &worker->loop);
  if (status == STOA_OK) {
    status = stoa_map_init(&worker->ids, session_key);
  }
  if (status == STOA_OK) {
    status = stoa_groups_init(worker);
  }
  if (status == STOA_OK) {
    status = stoa_calls_init(worker);
  }
  if (status != STOA_OK) {
    return status;
  }
  set_host(worker);
  worker->host.scratch = stoa_alloc(STOA_SESSION_SCRATCH_BYTES);
  worker->arena =
      stoa_arena_create(ARENA_BYTES_MIN + ARENA_BYTES_PER_MESSAGE_BYTE * server->session_limits.message_bytes_max);
  worker->listeners = stoa_calloc(STOA_LISTENERS_MAX, sizeof *worker->listeners);
  if (worker->host.scratch == NULL || worker->arena == NULL || worker->listeners == NULL) {
    return STOA_E_MEMORY;
  }
  for (size_t i = 0; i < STOA_LISTENERS_MAX; i++) {
    worker->listeners[i].io.fd = -1; /* a unix socket has one listener only, the first worker's */
  }
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

/* Releases run callbacks such as on_disconnect, which may send to others: so drop all, then take one last turn. */
void stoa_worker_end_sessions(struct stoa_worker *worker) {
  if (worker->loop == NULL || worker->listeners == NULL) {
    return;
  }
  close_listeners(worker);
  current = worker;
  stoa_work_close(worker);
  for (uint32_t i = 0; i < worker->session_count; i++) {
    stoa_session_drop(worker->sessions[i], STOA_WS_CLOSE_GOING_AWAY, "server ended");
  }
  stoa_loop_turn(worker->loop, 0);
  stoa_work_drop_timers(worker);
  current = NULL;
}

void stoa_worker_fini(struct stoa_worker *worker) {
  assert(worker->session_count == 0);
  stoa_calls_settle(worker);
  stoa_loop_destroy(worker->loop);
  worker->loop = NULL;
  stoa_calls_fini(worker);
  if (worker->groups.all != NULL) {
    stoa_groups_fini(worker);
  }
  stoa_map_fini(&worker->ids);
  stoa_inflater_destroy(worker->host.spare_inflater);
  for (size_t i = 0; i < sizeof worker->host.deflaters / sizeof worker->host.deflaters[0]; i++) {
    stoa_deflater_destroy(worker->host.deflaters[i]);
  }
  trim(worker);
  stoa_arena_destroy(worker->arena);
  stoa_free(worker->host.scratch);
  stoa_free(worker->listeners);
  stoa_free(worker->sessions);
  stoa_turn_fini(&worker->host.turn);
  stoa_free(worker->due_ms);
}
