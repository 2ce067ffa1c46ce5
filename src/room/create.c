#include "room/create.h"

#include "base/memory.h"
#include "room/metrics.h"
#include "room/owner.h"
#include "room/presence.h"
#include "room/publish.h"
#include "room/publisher.h"
#include "room/room_session.h"
#include "room/storage.h"
#include "server/app/run_as.h"

#include <assert.h>
#include <stoa/log.h>

#define PENDING_BYTES_DEFAULT (4u * 1024 * 1024)
#define SESSION_PUBLISHES_DEFAULT 64u
#define RING_MESSAGES_DEFAULT 64u
#define RING_BYTES_DEFAULT (64u * 1024)
#define RINGS_BYTES_DEFAULT (256u * 1024 * 1024)
#define PRESENCE_LEAVE_MS_DEFAULT 5000u
#define PRESENCE_INTERVAL_MS_DEFAULT 250u
#define PRESENCE_MEMBERS_DEFAULT 1000u
#define PRESENCE_BYTES_DEFAULT (48u * 1024)
/* Longer than any clock runs. */
#define NEVER_MS (UINT64_MAX / 4)

/* The engine's sink. */

static const char *state_name(enum stoa_engine_state state) {
  switch (state) {
    case STOA_ENGINE_UP:
      return "up";
    case STOA_ENGINE_DEGRADED:
      return "degraded";
    case STOA_ENGINE_DOWN:
      return "down";
  }
  return "down";
}

static void on_state(void *context, enum stoa_engine_state state, const char *reason) {
  const struct stoa_room_worker *self = context;
  const struct stoa_rooms_callbacks *callbacks = &self->rooms->callbacks;
  bool is_told = self == &self->rooms->workers[0] && !self->rooms->is_closed;
  if (is_told && callbacks->on_storage != NULL) {
    callbacks->on_storage(callbacks->user, state_name(state), reason);
  }
}

const char *stoa_rooms_storage_state(const struct stoa_rooms *rooms, const char **out_reason) {
  return state_name(stoa_engine_state(rooms->engine, out_reason));
}

/* Workers. */

static void on_end(struct stoa_worker_timer *timer, int status) {
  struct stoa_room_worker *self = timer->context;
  assert(status == STOA_E_CLOSED);
  (void)status;
  self->is_over = true;
  stoa_room_requests_close(&self->publishes);
  stoa_room_requests_close(&self->reads);
}

static int reopen(struct stoa_rooms *rooms) {
  if (!rooms->is_closed) {
    return STOA_OK;
  }
  if (rooms->storage == NULL) {
    return STOA_E_CLOSED;
  }
  struct stoa_engine *engine;
  const struct stoa_engine_text text = stoa_room_types_text(&rooms->types);
  int status = stoa_rooms_storage_open(rooms->storage, &text, &engine);
  if (status == STOA_OK) {
    stoa_engine_destroy(rooms->engine);
    rooms->engine = engine;
    rooms->is_closed = false;
  }
  return status;
}

static int on_worker_start(void *user, struct stoa_server *server, uint32_t index) {
  struct stoa_rooms *rooms = user;
  struct stoa_room_worker *self = &rooms->workers[index];
  const struct stoa_engine_sink sink = {stoa_room_on_message, stoa_room_on_gap, on_state, self};
  int status = index == 0 ? reopen(rooms) : STOA_OK;
  if (status != STOA_OK) {
    return status;
  }
  atomic_store_explicit(&rooms->types.is_ready, true, memory_order_release);
  self->worker = &server->workers[index];
  self->is_over = false;
  status = stoa_engine_attach(rooms->engine, self->worker->loop, &sink, &self->port);
  return status == STOA_OK ? stoa_worker_timer_start(server, &self->end, NEVER_MS) : status;
}

/* All threads have ended. What the engine has accepted is stored before this returns. */
static void on_worker_stop(void *user, struct stoa_server *server, uint32_t index) {
  struct stoa_rooms *rooms = user;
  (void)server;
  (void)index;
  if (!rooms->is_closed) {
    rooms->is_closed = true;
    stoa_engine_close(rooms->engine);
  }
}

static void on_closing(void *user, struct stoa_session *session) {
  struct stoa_rooms *rooms = user;
  stoa_room_session_on_closing(&rooms->workers[stoa_worker_of(session)->index], session);
}

/* Making. */

static uint32_t or_default(uint32_t value, uint32_t by_default) {
  return value == 0 ? by_default : value;
}

static void set_config(struct stoa_rooms *rooms, const struct stoa_rooms_config *config) {
  struct stoa_rooms_config *own = &rooms->config;
  *own = config == NULL ? (struct stoa_rooms_config){0} : *config;
  own->engine = NULL;
  own->pending_bytes_max = or_default(own->pending_bytes_max, PENDING_BYTES_DEFAULT);
  own->session_publishes_max = or_default(own->session_publishes_max, SESSION_PUBLISHES_DEFAULT);
  own->ring_messages = or_default(own->ring_messages, RING_MESSAGES_DEFAULT);
  own->ring_messages = own->ring_messages > STOA_ROOM_RECOVERY_MAX ? STOA_ROOM_RECOVERY_MAX : own->ring_messages;
  own->ring_bytes = or_default(own->ring_bytes, RING_BYTES_DEFAULT);
  own->rings_bytes_max = or_default(own->rings_bytes_max, RINGS_BYTES_DEFAULT);
  own->presence_leave_ms = or_default(own->presence_leave_ms, PRESENCE_LEAVE_MS_DEFAULT);
  own->presence_interval_ms = or_default(own->presence_interval_ms, PRESENCE_INTERVAL_MS_DEFAULT);
  own->presence_members_max = or_default(own->presence_members_max, PRESENCE_MEMBERS_DEFAULT);
  own->presence_bytes_max = or_default(own->presence_bytes_max, PRESENCE_BYTES_DEFAULT);
}

static struct stoa_bytes room_key(const void *object) {
  const struct stoa_room *room = object;
  return stoa_bytes_make(room->name.text, room->name.len);
}

static size_t body_bytes_max(const struct stoa_server *server) {
  size_t max = stoa_server_message_bytes_max(server);
  return max < STOA_ENGINE_BODY_LEN_MAX ? max : STOA_ENGINE_BODY_LEN_MAX;
}

static int init_worker(struct stoa_rooms *rooms, struct stoa_room_worker *self) {
  self->rooms = rooms;
  self->presence_version = 1; /* lists have one from the beginning */
  self->end = (struct stoa_worker_timer){.on_due = on_end, .context = self};
  self->deadline = (struct stoa_worker_timer){.on_due = stoa_room_on_deadline, .context = self};
  self->check = (struct stoa_worker_timer){.on_due = stoa_room_check, .context = self};
  self->leaving = (struct stoa_worker_timer){.on_due = stoa_room_presence_on_leave, .context = self};
  stoa_buffer_init(&self->scratch, body_bytes_max(rooms->server));
  int status = stoa_map_init(&self->publishers, stoa_room_publisher_key);
  return status == STOA_OK ? stoa_map_init(&self->loaded, room_key) : status;
}

static int init_workers(struct stoa_rooms *rooms) {
  uint32_t count = rooms->server->worker_count;
  int status = STOA_OK;
  rooms->workers = stoa_calloc(count, sizeof *rooms->workers);
  if (rooms->workers == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < count && status == STOA_OK; i++) {
    status = init_worker(rooms, &rooms->workers[i]);
  }
  return status;
}

/* Without its engine. */
static void destroy(struct stoa_rooms *rooms) {
  for (uint32_t i = 0; rooms->workers != NULL && i < rooms->worker_count; i++) {
    struct stoa_room_worker *self = &rooms->workers[i];
    assert(self->publishers.count == 0);
    assert(self->join_count == 0);
    stoa_room_forget_all(self);
    stoa_map_fini(&self->publishers);
    stoa_buffer_fini(&self->scratch);
    stoa_arena_destroy(self->page_memory);
  }
  stoa_metrics_destroy(rooms->metrics);
  stoa_free(rooms->workers);
  stoa_room_types_fini(&rooms->types);
  stoa_rooms_storage_destroy(rooms->storage);
  stoa_free(rooms);
}

/* Without its engine, and unknown to the server. */
static int make(struct stoa_server *server, const struct stoa_rooms_config *config,
                const struct stoa_rooms_callbacks *callbacks, struct stoa_rooms **out_rooms) {
  assert(!server->started);
  struct stoa_rooms *rooms = stoa_calloc(1, sizeof *rooms);
  if (rooms == NULL) {
    return STOA_E_MEMORY;
  }
  rooms->server = server;
  rooms->worker_count = server->worker_count;
  if (callbacks != NULL) {
    rooms->callbacks = *callbacks;
  }
  set_config(rooms, config);
  stoa_room_types_init(&rooms->types, rooms->callbacks.user);
  int status = init_workers(rooms);
  if (status == STOA_OK) {
    status = stoa_room_metrics_create(rooms);
  }
  if (status != STOA_OK) {
    destroy(rooms);
    return status;
  }
  *out_rooms = rooms;
  return STOA_OK;
}

static const char *check_storage(void *user) {
  const char *reason;
  return stoa_engine_state(((const struct stoa_rooms *)user)->engine, &reason) == STOA_ENGINE_UP ? NULL : reason;
}

static int extend(struct stoa_rooms *rooms, struct stoa_engine *engine) {
  const struct stoa_extension extension = {.on_worker_start = on_worker_start,
                                           .on_closing = on_closing,
                                           .on_worker_stop = on_worker_stop,
                                           .check_name = "storage",
                                           .check = check_storage,
                                           .metrics = stoa_room_metrics_sets,
                                           .user = rooms};
  int status = stoa_server_extend(rooms->server, &extension);
  if (status == STOA_OK) {
    rooms->engine = engine;
  }
  return status;
}

int stoa_rooms_create_on(struct stoa_server *server, struct stoa_engine *engine, const struct stoa_rooms_config *config,
                         const struct stoa_rooms_callbacks *callbacks, struct stoa_rooms **out_rooms) {
  struct stoa_rooms *rooms;
  int status = make(server, config, callbacks, &rooms);
  if (status != STOA_OK) {
    return status;
  }
  status = extend(rooms, engine);
  if (status != STOA_OK) {
    destroy(rooms);
    return status;
  }
  *out_rooms = rooms;
  return STOA_OK;
}

static int check_create(const struct stoa_rooms_config *config) {
  bool is_known = config == NULL || config->create == STOA_ROOMS_CONFIG_CREATE_ANYBODY ||
                  config->create == STOA_ROOMS_CONFIG_CREATE_ADMINISTRATORS;
  if (is_known) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, "rooms.create is anybody or administrators", STOA_F_INT("value", config->create));
  return STOA_E_ARGUMENT;
}

struct opening {
  struct stoa_rooms *rooms;
  const struct stoa_engine_config *config;
  const char *data_dir;
  struct stoa_engine *engine;
};

static int open_files(void *context) {
  struct opening *opening = context;
  struct stoa_rooms *rooms = opening->rooms;
  const struct stoa_engine_text text = stoa_room_types_text(&rooms->types);
  int status = stoa_rooms_storage_create(opening->config, opening->data_dir, rooms->server->clock,
                                         body_bytes_max(rooms->server), &rooms->storage);
  return status == STOA_OK ? stoa_rooms_storage_open(rooms->storage, &text, &opening->engine) : status;
}

/* The files are those of the user that the server runs as: they are opened again after a failure of the disk, when root
 * was given up. */
static int open_storage(struct stoa_rooms *rooms, const struct stoa_rooms_config *config, const char *data_dir) {
  struct opening opening = {
      .rooms = rooms, .config = config == NULL ? NULL : config->engine, .data_dir = data_dir, .engine = NULL};
  bool has_files = opening.config == NULL || opening.config->kind == STOA_ENGINE_CONFIG_KIND_LOCAL;
  int status = has_files && data_dir != NULL ? stoa_run_as_make_folder(rooms->server, data_dir) : STOA_OK;
  status = status == STOA_OK ? stoa_server_call_as_user(rooms->server, open_files, &opening) : status;
  status = status == STOA_OK ? extend(rooms, opening.engine) : status;
  if (status != STOA_OK) {
    stoa_engine_destroy(opening.engine);
  }
  return status;
}

int stoa_rooms_create(struct stoa_server *server, const struct stoa_rooms_config *config, const char *data_dir,
                      const struct stoa_rooms_callbacks *callbacks, struct stoa_rooms **out_rooms) {
  struct stoa_rooms *rooms = NULL;
  int status = check_create(config);
  if (status == STOA_OK) {
    status = make(server, config, callbacks, &rooms);
  }
  if (status != STOA_OK) {
    return status;
  }
  status = open_storage(rooms, config, data_dir);
  if (status != STOA_OK) {
    destroy(rooms);
    return status;
  }
  *out_rooms = rooms;
  return STOA_OK;
}

void stoa_rooms_destroy(struct stoa_rooms *rooms) {
  if (rooms == NULL) {
    return;
  }
  stoa_engine_destroy(rooms->engine);
  destroy(rooms);
}

int stoa_rooms_add_type(struct stoa_rooms *rooms, const struct stoa_room_type *type) {
  return stoa_room_types_add(&rooms->types, type);
}
