#include "engine/local/local.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "engine/local/backup.h"
#include "engine/local/local_private.h"
#include "engine/local/read.h"
#include "engine/local/search.h"
#include "engine/local/writer.h"

#include <stdio.h>
#include <string.h>

#define BODY_BYTES_MAX_DEFAULT (64u * 1024)
#define ROOMS_MAX_DEFAULT 100000u
#define RECENT_BYTES_MAX_DEFAULT (64u * 1024 * 1024)

/* Readers. */

static enum stoa_engine_read kind_of(enum stoa_engine_call call) {
  return call == STOA_ENGINE_HISTORY  ? STOA_READ_HISTORY
         : call == STOA_ENGINE_SEARCH ? STOA_READ_SEARCH
         : call == STOA_ENGINE_BACKUP ? STOA_READ_BACKUP
         : call == STOA_ENGINE_ROOMS  ? STOA_READ_ROOMS
                                      : STOA_READ_STATE;
}

/* How long backups take says nothing about reads. */
static void count_read(const struct stoa_local_reader *reader, enum stoa_engine_call call, uint64_t duration_ns) {
  stoa_metric_add(reader->metrics, STOA_EM_READS, kind_of(call), 1);
  if (call != STOA_ENGINE_BACKUP) {
    stoa_metric_observe(reader->metrics, call == STOA_ENGINE_SEARCH ? STOA_EM_SEARCH_SECONDS : STOA_EM_READ_SECONDS, 0,
                        duration_ns);
  }
}

static void read_with(struct stoa_local_reader *reader, struct stoa_engine_request *request) {
  struct stoa_local *local = reader->local;
  uint64_t began_ns = stoa_local_now_ns(local);
  if (request->call == STOA_ENGINE_SEARCH) {
    stoa_local_search(&reader->sql, &local->options.text, local->options.clock, request);
  } else if (request->call == STOA_ENGINE_BACKUP) {
    stoa_local_backup(&reader->sql, &local->database, &local->engine, request);
  } else {
    stoa_local_read(&reader->sql, request);
  }
  count_read(reader, request->call, stoa_local_now_ns(local) - began_ns);
}

/* While files are closed and opened again, nothing is read. */
static void answer(struct stoa_local_reader *reader, struct stoa_engine_request *request) {
  struct stoa_local *local = reader->local;
  pthread_rwlock_rdlock(&local->files);
  bool is_ready = local->is_open &&
                  (reader->sql.db != NULL || stoa_database_open_reader(&local->database, &reader->sql) == SQLITE_OK);
  if (is_ready) {
    read_with(reader, request);
  } else {
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
  }
  pthread_rwlock_unlock(&local->files);
  stoa_engine_answer_alone(request);
}

static bool step_reader(struct stoa_local_reader *reader) {
  struct stoa_engine_request *request = stoa_lane_take(reader->lane);
  if (request != NULL) {
    answer(reader, request);
  }
  return request != NULL;
}

static void *run_reader(void *context) {
  struct stoa_local_reader *reader = context;
  while (stoa_lane_wait(reader->lane, UINT64_MAX)) {
    step_reader(reader);
  }
  return NULL;
}

static void *run_writer(void *context) {
  struct stoa_local *local = context;
  while (stoa_lane_wait(&local->writes, stoa_writer_due_ns(local))) {
    /* A closing engine answers what waits, and leaves housekeeping to the next start. */
    do {
      stoa_writer_gather(local);
    } while (stoa_writer_step(local) && !atomic_load(&local->engine.is_closed));
  }
  return NULL;
}

/* Calls. */

/* A long turn, in which messages left for many members, is followed by short ones, in which their publishers come
 * back. */
static void note_turn(struct stoa_local *local, uint64_t last_ns) {
  uint64_t turn_ns = atomic_load_explicit(&local->turn_ns, memory_order_relaxed);
  turn_ns -= turn_ns / 8;
  atomic_store_explicit(&local->turn_ns, last_ns > turn_ns ? last_ns : turn_ns, memory_order_relaxed);
}

static void hand_over(struct stoa_deferred *handover) {
  struct stoa_engine_port *port = stoa_container_of(handover, struct stoa_engine_port, handover);
  struct stoa_local *local = stoa_local_of(port->engine);
  note_turn(local, stoa_loop_last_turn_ns(port->loop));
  atomic_store_explicit(&local->arrived_ns, stoa_local_now_ns(local), memory_order_relaxed);
  stoa_lane_put_all(&local->writes, &port->gathered);
}

/* All writes of a turn go to the writer together. If the first one woke it, it would be committed and sent to all
 * members alone, before the rest. */
static void submit_write(struct stoa_local *local, struct stoa_engine_request *request) {
  struct stoa_engine_port *port = request->port;
  if (port->gathered.count == 0 && !stoa_loop_is_turning(port->loop)) {
    stoa_lane_put(&local->writes, request);
    return;
  }
  if (port->gathered.count == 0) {
    port->handover.run = hand_over;
    stoa_loop_hand_over(port->loop, &port->handover);
  }
  stoa_engine_queue_put(&port->gathered, request);
}

static void submit(struct stoa_engine *engine, struct stoa_engine_request *request) {
  struct stoa_local *local = stoa_local_of(engine);
  if (stoa_engine_request_is_write(request)) {
    submit_write(local, request);
  } else if (request->call == STOA_ENGINE_SEARCH || request->call == STOA_ENGINE_BACKUP) {
    stoa_lane_put(&local->searches, request);
  } else if (request->call == STOA_ENGINE_HISTORY && stoa_local_rooms_page(&local->rooms, request)) {
    stoa_metric_add(stoa_metrics_shared_shard(engine->metrics), STOA_EM_READS, STOA_READ_RECENT, 1);
    stoa_engine_answer_alone(request);
  } else {
    stoa_lane_put(&local->reads, request);
  }
}

static bool run_one(struct stoa_engine *engine) {
  struct stoa_local *local = stoa_local_of(engine);
  assert(local->options.is_stepped);
  if (stoa_writer_step(local)) {
    return true;
  }
  for (uint32_t i = 0; i < STOA_LOCAL_CONNECTIONS; i++) {
    local->next_reader = (local->next_reader + 1) % STOA_LOCAL_CONNECTIONS;
    if (step_reader(&local->readers[local->next_reader])) {
      return true;
    }
  }
  return false;
}

static uint64_t due_ns(struct stoa_engine *engine) {
  struct stoa_local *local = stoa_local_of(engine);
  bool has_reads = !stoa_lane_is_empty(&local->reads) || !stoa_lane_is_empty(&local->searches);
  return has_reads ? 0 : stoa_writer_due_ns(local);
}

static void close_engine(struct stoa_engine *engine) {
  struct stoa_local *local = stoa_local_of(engine);
  for (uint32_t i = 0; i < engine->port_count; i++) { /* no loop turns any more */
    stoa_lane_put_all(&local->writes, &engine->ports[i]->gathered);
  }
  stoa_lane_end(&local->reads);
  stoa_lane_end(&local->searches);
  stoa_lane_end(&local->writes);
  for (uint32_t i = 0; i < STOA_LOCAL_CONNECTIONS; i++) {
    while (step_reader(&local->readers[i])) {
    }
  }
  stoa_writer_close(local);
  stoa_database_unlock(&local->database);
}

/* Opening and destroying. */

static void release(struct stoa_local *local) {
  stoa_engine_batch_destroy(local->batch);
  stoa_free(local->path);
  stoa_free(local->vfs);
  stoa_free(local);
}

static void release_parts(struct stoa_local *local) {
  stoa_local_rooms_fini(&local->rooms);
  stoa_lane_fini(&local->writes);
  stoa_lane_fini(&local->reads);
  stoa_lane_fini(&local->searches);
  pthread_rwlock_destroy(&local->files);
  stoa_engine_hub_fini(&local->engine);
  release(local);
}

static void destroy(struct stoa_engine *engine) {
  release_parts(stoa_local_of(engine));
}

static char *copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *own = stoa_alloc(size);
  return own == NULL ? NULL : memcpy(own, text, size);
}

static bool set_options(struct stoa_local *local, const struct stoa_local_engine_options *options) {
  struct stoa_local_engine_options *own = &local->options;
  *own = *options;
  own->body_bytes_max = own->body_bytes_max == 0 ? BODY_BYTES_MAX_DEFAULT : own->body_bytes_max;
  own->rooms_max = own->rooms_max == 0 ? ROOMS_MAX_DEFAULT : own->rooms_max;
  own->recent_bytes_max = own->recent_bytes_max == 0 ? RECENT_BYTES_MAX_DEFAULT : own->recent_bytes_max;
  local->path = copy(options->path);
  local->vfs = options->vfs == NULL ? NULL : copy(options->vfs);
  local->database.path = local->path;
  local->database.vfs = local->vfs;
  local->database.durability = own->durability;
  local->database.random = own->random == NULL ? stoa_random_pooled : own->random;
  local->database.lock_fd = -1;
  if (options->boot_id != NULL) {
    snprintf(local->database.boot_id, sizeof local->database.boot_id, "%s", options->boot_id);
  }
  return local->path != NULL && (options->vfs == NULL || local->vfs != NULL);
}

static int init_parts(struct stoa_local *local) {
  local->calls = (struct stoa_engine_calls){.submit = submit,
                                            .run_one = run_one,
                                            .due_ns = due_ns,
                                            .close = close_engine,
                                            .destroy = destroy,
                                            .body_bytes_max = local->options.body_bytes_max};
  int status = stoa_metrics_create(stoa_engine_metric_table, STOA_EM_COUNT, STOA_LOCAL_SHARDS, &local->engine.metrics);
  if (status == STOA_OK) {
    status = stoa_local_rooms_init(&local->rooms, local->options.rooms_max, local->options.recent_bytes_max);
  }
  if (status != STOA_OK) {
    stoa_metrics_destroy(local->engine.metrics);
    return status;
  }
  bool is_fine = stoa_engine_hub_init(&local->engine, &local->calls) == STOA_OK &&
                 pthread_rwlock_init(&local->files, NULL) == 0 && stoa_lane_init(&local->writes) == STOA_OK &&
                 stoa_lane_init(&local->reads) == STOA_OK && stoa_lane_init(&local->searches) == STOA_OK;
  /* None of these allocates with glibc. */
  assert(is_fine);
  (void)is_fine;
  for (uint32_t i = 0; i < STOA_LOCAL_CONNECTIONS; i++) {
    local->readers[i].local = local;
    local->readers[i].metrics = stoa_metrics_shard(local->engine.metrics, 1 + i);
    local->readers[i].lane = i < STOA_LOCAL_READERS ? &local->reads : &local->searches;
  }
  return STOA_OK;
}

static int start_threads(struct stoa_local *local) {
  int status = stoa_lane_start(&local->writes, run_writer, local);
  for (uint32_t i = 0; i < STOA_LOCAL_CONNECTIONS && status == STOA_OK; i++) {
    status = stoa_lane_start(local->readers[i].lane, run_reader, &local->readers[i]);
  }
  return status;
}

static int open_files(struct stoa_local *local, const char **out_reason) {
  int status = stoa_database_lock(&local->database);
  if (status != STOA_OK) {
    *out_reason = status == STOA_E_EXISTS ? "another process uses the database" : "the lock file cannot be opened";
    return status;
  }
  status = stoa_writer_open(local, out_reason);
  if (status != STOA_OK) {
    stoa_database_unlock(&local->database);
  }
  return status;
}

static int start(struct stoa_local *local, const char **out_reason) {
  int status = open_files(local, out_reason);
  if (status == STOA_OK && !local->options.is_stepped) {
    status = start_threads(local);
    *out_reason = "a thread cannot be started";
  }
  if (status != STOA_OK) {
    stoa_engine_close(&local->engine);
  }
  return status;
}

static bool is_path(const char *path) {
  return path != NULL && path[0] != '\0' && strlen(path) <= STOA_ENGINE_PATH_LEN_MAX;
}

int stoa_local_engine_open(const struct stoa_local_engine_options *options, struct stoa_engine **out_engine,
                           char out_reason[STOA_LOCAL_REASON_LEN_MAX + 1]) {
  const char *reason = "memory is out";
  if (options->body_bytes_max > STOA_ENGINE_BODY_LEN_MAX || !is_path(options->path)) {
    snprintf(out_reason, STOA_LOCAL_REASON_LEN_MAX + 1, "the path or the length of bodies is not allowed");
    return STOA_E_ARGUMENT;
  }
  struct stoa_local *local = stoa_calloc(1, sizeof *local);
  int status = local == NULL || !set_options(local, options) ? STOA_E_MEMORY : init_parts(local);
  if (status != STOA_OK && local != NULL) {
    release(local);
  } else if (status == STOA_OK) {
    status = start(local, &reason);
    if (status != STOA_OK) {
      release_parts(local);
    }
  }
  if (status != STOA_OK) {
    snprintf(out_reason, STOA_LOCAL_REASON_LEN_MAX + 1, "%s", reason);
    return status;
  }
  *out_engine = &local->engine;
  return STOA_OK;
}
