#include "engine/local/writer.h"

#include "base/units.h"
#include "engine/local/disk.h"
#include "engine/local/housekeeping.h"
#include "engine/local/store.h"
#include "engine/local/text_index.h"
#include "engine/local/trouble.h"

#include <stoa/log.h>

#define BATCH_ROWS_MAX 512u
/* Divided among so many messages, a commit and a send to many members cost each of them little: for more, the wait is
 * at most as long as a batch. */
#define GATHER_COUNT_MANY 64u
#define BATCH_NS_MAX (UINT64_C(2) * STOA_NS_PER_MS)
/* A slice of housekeeping after so many batches, however much waits. */
#define BATCHES_PER_SLICE 16u
/* Checkpoint when the WAL has so many pages; again after so many more when readers were in the way. */
#define CHECKPOINT_FRAMES 1000
#define RETRY_MS_MIN 250u
#define RETRY_MS_MAX 5000u
#define MEMORY_RETRY_NS (UINT64_C(10) * STOA_NS_PER_MS)
/* Messages that were stored without an answer and are delivered after the files were opened again. */
#define RECOVERED_MAX 100000u
/* A failure that comes and goes is logged once in so long. */
#define LOG_INTERVAL_NS (UINT64_C(60) * STOA_NS_PER_S)

/* Closing and opening the files. */

static void close_readers(struct stoa_local *local) {
  for (uint32_t i = 0; i < STOA_LOCAL_CONNECTIONS; i++) {
    stoa_sql_close(&local->readers[i].sql);
  }
}

static int read_marks(struct stoa_local *local) {
  struct stoa_sql *sql = &local->database.sql;
  int64_t seq = 0;
  int64_t indexed = 0;
  int64_t traces = 0;
  int code = stoa_sql_read_number(sql, "SELECT coalesce(max(seq), 0) FROM message", &seq);
  code = code == SQLITE_OK ? stoa_database_read_mark(sql, STOA_TEXT_INDEX_MARK, &indexed) : code;
  code = code == SQLITE_OK ? stoa_database_read_mark(sql, STOA_TEXT_TRACES_MARK, &traces) : code;
  if (code == SQLITE_OK) {
    local->has_traces = traces != 0;
    local->clean_ns = stoa_local_now_ns(local) + STOA_LOCAL_CLEAN_NS;
    local->seq = seq > indexed ? seq : indexed; /* numbers in the index are never given again */
    local->next_seq = local->seq;
    local->indexed = indexed;
  }
  return code;
}

int stoa_writer_open(struct stoa_local *local, const char **out_reason) {
  int status = stoa_database_open(&local->database, out_reason);
  if (status != STOA_OK) {
    return status;
  }
  int code = read_marks(local);
  if (code != SQLITE_OK) {
    *out_reason = stoa_trouble_reason(code);
    stoa_database_abandon(&local->database);
    return stoa_trouble_status(code);
  }
  local->checkpoint_frames = CHECKPOINT_FRAMES;
  local->rows_max = BATCH_ROWS_MAX;
  local->has_hidden_rooms = true; /* perhaps: the first slice looks */
  local->is_open = true;
  return STOA_OK;
}

static void retry_later(struct stoa_local *local) {
  local->retry_ms = local->retry_ms == 0 ? RETRY_MS_MIN : local->retry_ms * 2;
  local->retry_ms = local->retry_ms > RETRY_MS_MAX ? RETRY_MS_MAX : local->retry_ms;
  local->retry_ns = stoa_local_now_ns(local) + local->retry_ms * STOA_NS_PER_MS;
}

/* What failed, and what to do. */
static void log_trouble(struct stoa_local *local, const char *what, const char *reason) {
  uint64_t now_ns = stoa_local_now_ns(local);
  uint64_t free_bytes;
  if (local->logged_ns != 0 && now_ns - local->logged_ns < LOG_INTERVAL_NS) {
    return;
  }
  local->logged_ns = now_ns;
  local->is_trouble_told = true;
  if (stoa_disk_free_bytes(local, &free_bytes)) {
    stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("path", local->path), STOA_F_STR("reason", reason),
             STOA_F_INT("free_bytes", free_bytes), STOA_F_STR("advice", stoa_trouble_advice(reason)));
  } else {
    stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("path", local->path), STOA_F_STR("reason", reason),
             STOA_F_STR("advice", stoa_trouble_advice(reason)));
  }
}

static void log_recovery(struct stoa_local *local) {
  if (local->is_trouble_told) {
    local->is_trouble_told = false;
    stoa_log(STOA_LOG_INFO, "room storage works again", STOA_F_STR("path", local->path));
  }
}

static void break_down(struct stoa_local *local, const char *reason) {
  log_trouble(local, "room storage failed; it is closed and opened again", reason);
  pthread_rwlock_wrlock(&local->files);
  local->is_open = false;
  close_readers(local);
  stoa_database_abandon(&local->database);
  pthread_rwlock_unlock(&local->files);
  local->retry_ms = 0;
  local->retry_ns = 0;
  stoa_engine_hub_set_state(&local->engine, STOA_ENGINE_DOWN, reason);
}

/* After opening again: the database alone tells what is stored. */

static int add_recovered(struct stoa_local *local, const struct stoa_local_room *room, const struct stoa_row *row,
                         uint64_t epoch) {
  static const struct stoa_engine_arguments none;
  struct stoa_engine_request *request;
  if (stoa_engine_request_create(STOA_ENGINE_PUBLISH, NULL, &none, &request) != STOA_OK) {
    return SQLITE_NOMEM;
  }
  int code = stoa_row_message(row, room->name, epoch, &request->message);
  request->audience = room->audience;
  if (code == SQLITE_OK) {
    stoa_engine_batch_add(local->batch, request);
  } else {
    stoa_engine_request_destroy(request);
  }
  return code;
}

static int add_gap(struct stoa_local *local, struct stoa_string room, uint64_t audience) {
  const struct stoa_engine_arguments arguments = {.room = room};
  struct stoa_engine_request *gap;
  if (stoa_engine_request_create(STOA_ENGINE_GAP, NULL, &arguments, &gap) != STOA_OK) {
    return SQLITE_NOMEM;
  }
  gap->audience = audience;
  stoa_engine_batch_add(local->batch, gap);
  return SQLITE_OK;
}

/* What was stored, but not delivered because its commit was not known. */
static int recover_messages(struct stoa_local *local, const struct stoa_local_room *room,
                            const struct stoa_local_counters *found) {
  sqlite3_stmt *statement;
  const int64_t numbers[] = {found->id, (int64_t)room->now.bounds.top, 0};
  int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_MESSAGE_FORWARD, numbers, 3, &statement);
  uint32_t count = 0;
  while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    struct stoa_row row;
    code = count++ < RECOVERED_MAX ? stoa_row_read(statement, &row) : SQLITE_CORRUPT;
    code = code == SQLITE_OK ? add_recovered(local, room, &row, found->bounds.epoch) : code;
  }
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int recover_room(struct stoa_local *local, struct stoa_local_room *room) {
  struct stoa_room_row row;
  int code = stoa_room_row_find(&local->database.sql, room->name, &row);
  if (code != SQLITE_OK) {
    return code;
  }
  const struct stoa_local_counters *found = &row.counters;
  bool was_new = room->now.bounds.epoch == 0;
  if (!was_new && (found->bounds.epoch != room->now.bounds.epoch || found->bounds.top < room->now.bounds.top)) {
    code = add_gap(local, room->name, room->audience);
  } else if (found->bounds.top > room->now.bounds.top) {
    code = recover_messages(local, room, found);
  }
  /* Its messages in memory may lack the recovered ones. */
  room->drops_recent = true;
  room->next = *found;
  stoa_local_rooms_change(&local->rooms, room);
  return code;
}

static int recover_rooms(struct stoa_local *local) {
  int code = SQLITE_OK;
  struct stoa_local_room *next;
  for (struct stoa_local_room *room = local->rooms.oldest; room != NULL && code == SQLITE_OK; room = next) {
    next = room->newer;
    if (room->audience == 0) {
      stoa_local_rooms_drop(&local->rooms, room);
    } else {
      code = recover_room(local, room);
    }
  }
  return code;
}

static int reopen(struct stoa_local *local, const char **out_reason) {
  int status = stoa_writer_open(local, out_reason);
  if (status != STOA_OK) {
    return status;
  }
  int code = recover_rooms(local);
  if (code != SQLITE_OK) {
    *out_reason = stoa_trouble_reason(code);
    stoa_local_rooms_roll_back(&local->rooms);
    stoa_engine_batch_empty(local->batch);
    local->is_open = false;
    stoa_database_abandon(&local->database);
    return stoa_trouble_status(code);
  }
  stoa_local_rooms_commit(&local->rooms, NULL);
  stoa_engine_batch_send(local->batch);
  local->batch = NULL;
  return STOA_OK;
}

static bool try_to_open(struct stoa_local *local) {
  const char *reason = "";
  if (stoa_local_now_ns(local) < local->retry_ns) {
    return false;
  }
  pthread_rwlock_wrlock(&local->files);
  int status = reopen(local, &reason);
  pthread_rwlock_unlock(&local->files);
  if (status != STOA_OK) {
    retry_later(local);
    stoa_engine_hub_set_state(&local->engine, STOA_ENGINE_DOWN, reason);
    return false;
  }
  local->retry_ms = 0;
  local->retry_ns = 0;
  log_recovery(local);
  stoa_engine_hub_set_state(&local->engine, STOA_ENGINE_UP, "");
  return true;
}

/* Batches. */

static bool has_batch(struct stoa_local *local) {
  if (local->batch == NULL && stoa_engine_batch_create(&local->engine, &local->batch) != STOA_OK) {
    local->retry_ns = stoa_local_now_ns(local) + MEMORY_RETRY_NS;
    return false;
  }
  return true;
}

static void fail_request(struct stoa_local *local, struct stoa_engine_request *request,
                         enum stoa_engine_status status) {
  if (request->call == STOA_ENGINE_SUBSCRIBE) {
    struct stoa_local_room *room = stoa_local_rooms_find(&local->rooms, request->room);
    if (room != NULL) {
      room->audience &= ~(UINT64_C(1) << request->port->index);
    }
  }
  /* A subscription that ends has ended, whatever else failed. */
  stoa_engine_request_fail(request, request->call == STOA_ENGINE_UNSUBSCRIBE ? STOA_ENGINE_OK : status);
  if (request->call == STOA_ENGINE_PUBLISH) {
    stoa_engine_note_failure(request);
  }
}

static void move(struct stoa_local *local, struct stoa_engine_queue *queue) {
  struct stoa_engine_request *request;
  while ((request = stoa_engine_queue_take(queue)) != NULL) {
    stoa_engine_batch_add(local->batch, request);
  }
}

/* All requests of the batch, and all that wait behind it, fail alike. */
static void fail_batch(struct stoa_local *local, enum stoa_engine_status status) {
  stoa_store_roll_back(local);
  move(local, &local->erased);
  for (struct stoa_engine_request *at = stoa_engine_batch_first(local->batch); at != NULL; at = at->next) {
    fail_request(local, at, status);
  }
  stoa_lane_take_all(&local->writes, &local->backlog);
  struct stoa_engine_request *request;
  while ((request = stoa_engine_queue_take(&local->backlog)) != NULL) {
    fail_request(local, request, STOA_ENGINE_UNAVAILABLE);
    stoa_engine_batch_add(local->batch, request);
  }
  stoa_engine_batch_send_failed(local->batch);
  local->batch = NULL;
}

static void degrade(struct stoa_local *local, int code) {
  const char *reason = stoa_trouble_reason(code);
  log_trouble(local, "room storage cannot write; what is sent to rooms is refused until it can", reason);
  stoa_engine_hub_set_state(&local->engine, STOA_ENGINE_DEGRADED, reason);
}

/* A step failed. Before the commit nothing is stored, so its requests are known not to be. */
static void fail_step(struct stoa_local *local, int code, bool is_commit) {
  bool is_broken = stoa_trouble_of(code, is_commit) == STOA_TROUBLE_BROKEN;
  assert(code != SQLITE_OK);
  fail_batch(local, is_commit && is_broken ? STOA_ENGINE_UNKNOWN : STOA_ENGINE_UNAVAILABLE);
  if (is_broken) {
    break_down(local, stoa_trouble_reason(code));
  } else {
    degrade(local, code);
  }
}

/* The room's subscribers are told in the order of the batch, the caller when all rows are gone. */
static int erase_room(struct stoa_local *local, struct stoa_engine_request *request) {
  int code = stoa_store_perform(local, request);
  if (code == SQLITE_OK && request->answer.status == STOA_ENGINE_OK) {
    code = add_gap(local, request->room, request->audience);
    request->audience = 0;
    stoa_engine_queue_put(&local->erased, request);
  } else {
    stoa_engine_batch_add(local->batch, request);
  }
  return code;
}

static int perform(struct stoa_local *local, struct stoa_engine_request *request) {
  if (request->call == STOA_ENGINE_ERASE_ROOM) {
    return erase_room(local, request);
  }
  if (request->call == STOA_ENGINE_ERASE_USER) {
    stoa_engine_queue_put(&local->jobs, request);
    return SQLITE_OK;
  }
  stoa_engine_batch_add(local->batch, request);
  if (request->call != STOA_ENGINE_PUBLISH) {
    return stoa_store_perform(local, request);
  }
  if (stoa_engine_must_fail(request)) {
    /* Published before anybody was told of a failure: it would overtake what failed. */
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
    return SQLITE_OK;
  }
  int code = stoa_store_perform(local, request);
  if (request->answer.status == STOA_ENGINE_UNAVAILABLE) {
    stoa_engine_note_failure(request);
  }
  return code;
}

/* Until the queue is empty, the batch is long enough, or has lasted long enough. */
static int perform_all(struct stoa_local *local) {
  uint64_t end_ns = stoa_local_now_ns(local) + BATCH_NS_MAX;
  int code = SQLITE_OK;
  for (uint32_t i = 0; i < local->rows_max && code == SQLITE_OK; i++) {
    if (local->backlog.count == 0) {
      stoa_lane_take_all(&local->writes, &local->backlog);
    }
    struct stoa_engine_request *request = stoa_engine_queue_take(&local->backlog);
    if (request == NULL) {
      break;
    }
    code = perform(local, request);
    if (stoa_local_now_ns(local) >= end_ns) {
      break;
    }
  }
  return code;
}

static void begin_jobs(struct stoa_local *local) {
  struct stoa_engine_request *request;
  while ((request = stoa_engine_queue_take(&local->erased)) != NULL) {
    local->has_hidden_rooms = true;
    stoa_engine_queue_put(&local->jobs, request);
  }
}

static void checkpoint(struct stoa_local *local) {
  if (local->database.wal_frames < local->checkpoint_frames) {
    return;
  }
  int code = stoa_database_checkpoint(&local->database);
  local->checkpoint_frames = CHECKPOINT_FRAMES;
  if (stoa_trouble_of(code, false) == STOA_TROUBLE_BROKEN && has_batch(local)) {
    fail_step(local, code, false);
  } else if (code != SQLITE_OK) {
    local->checkpoint_frames = local->database.wal_frames + CHECKPOINT_FRAMES;
  }
}

static void count_batch(struct stoa_local *local, uint64_t began_ns) {
  struct stoa_metric_shard *shard = stoa_metrics_shard(local->engine.metrics, STOA_LOCAL_WRITER_SHARD);
  uint32_t count = 0;
  for (const struct stoa_engine_request *at = stoa_engine_batch_first(local->batch); at != NULL; at = at->next) {
    count += at->call == STOA_ENGINE_PUBLISH && at->answer.status == STOA_ENGINE_OK ? 1 : 0;
  }
  stoa_metric_add(shard, STOA_EM_MESSAGES, 0, count);
  const struct stoa_pace_batch batch = {.publishes = count,
                                        .waiting = local->backlog.count + stoa_lane_count(&local->writes),
                                        .duration_ns = stoa_local_now_ns(local) - began_ns,
                                        .commit_ns = local->commit_ns};
  stoa_metric_observe(shard, STOA_EM_BATCH_SECONDS, 0, batch.duration_ns);
  stoa_pace_note_batch(&local->pace, &batch);
}

/* With threads, loops may read what is stored before they are told of it. So in steps they can too. */
static void run_batch(struct stoa_local *local) {
  uint64_t began_ns = stoa_local_now_ns(local);
  bool is_commit = false;
  local->batches++;
  int code = perform_all(local);
  local->rows_max = BATCH_ROWS_MAX;
  bool was_write = local->is_in_transaction;
  code = code == SQLITE_OK ? stoa_store_commit(local, &is_commit) : code;
  if (code != SQLITE_OK) {
    fail_step(local, code, is_commit);
    return;
  }
  stoa_local_rooms_commit(&local->rooms, stoa_engine_batch_first(local->batch));
  if (was_write) {
    count_batch(local, began_ns);
  }
  local->has_committed = true;
  local->has_written = was_write;
}

static void finish_batch(struct stoa_local *local) {
  stoa_engine_batch_send(local->batch);
  stoa_pace_note_sent(&local->pace, stoa_local_now_ns(local));
  local->batch = NULL;
  local->has_committed = false;
  begin_jobs(local);
  if (local->has_written) {
    log_recovery(local);
    stoa_engine_hub_set_state(&local->engine, STOA_ENGINE_UP, "");
  }
  checkpoint(local);
}

/* Housekeeping. */

static void fail_job(struct stoa_local *local) {
  struct stoa_engine_request *job = local->is_cleaning ? NULL : stoa_housekeeping_take_job(local);
  stoa_housekeeping_stop_cleaning(local);
  if (job != NULL) {
    stoa_engine_request_fail(job, STOA_ENGINE_UNKNOWN);
    stoa_engine_batch_add(local->batch, job);
  }
}

static void run_slice(struct stoa_local *local) {
  bool is_commit;
  struct stoa_engine_request *finished;
  local->batches = 0;
  int code = stoa_housekeeping_run(local, &is_commit, &finished);
  if (code == SQLITE_OK) {
    if (finished != NULL) {
      stoa_engine_batch_add(local->batch, finished);
      stoa_engine_batch_send(local->batch);
      local->batch = NULL;
    }
    checkpoint(local);
    return;
  }
  /* Nobody published in it: only a job has an answer. */
  stoa_store_roll_back(local);
  fail_job(local);
  local->rest_ns = stoa_local_now_ns(local) + RETRY_MS_MAX * (uint64_t)STOA_NS_PER_MS;
  if (stoa_trouble_of(code, is_commit) == STOA_TROUBLE_BROKEN) {
    fail_step(local, code, false);
  } else if (stoa_engine_batch_first(local->batch) != NULL) {
    stoa_engine_batch_send(local->batch);
    local->batch = NULL;
  }
}

/* Steps. */

static bool has_requests(struct stoa_local *local) {
  return local->backlog.count > 0 || !stoa_lane_is_empty(&local->writes);
}

/* Wait until so many requests wait, in the backlog too. */
static void gather(struct stoa_local *local, uint32_t count, uint64_t due_ns) {
  if (count > local->backlog.count) {
    stoa_lane_gather(&local->writes, count - local->backlog.count, due_ns);
  }
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* A loop that sends to many members reads its publishers' messages only in its next turn. */
void stoa_writer_gather(struct stoa_local *local) {
  if (!has_requests(local)) {
    return; /* the wait begins with the first one */
  }
  uint64_t arrived_ns = atomic_load_explicit(&local->arrived_ns, memory_order_relaxed);
  uint64_t turn_ns = atomic_load_explicit(&local->turn_ns, memory_order_relaxed);
  const struct stoa_pace_plan plan = stoa_pace_next(&local->pace, arrived_ns, turn_ns, BATCH_ROWS_MAX);
  local->rows_max = plan.rows_max;
  if (plan.count > 0 && local->is_open) {
    uint64_t now_ns = stoa_local_now_ns(local);
    gather(local, (uint32_t)least(plan.count, GATHER_COUNT_MANY), now_ns + plan.wait_ns);
    gather(local, (uint32_t)least(plan.count, plan.rows_max), now_ns + least(plan.wait_ns, BATCH_NS_MAX));
  }
}

static bool step_while_down(struct stoa_local *local) {
  if (try_to_open(local)) {
    return true;
  }
  if (!has_requests(local) || !has_batch(local)) {
    return false;
  }
  fail_batch(local, STOA_ENGINE_UNAVAILABLE);
  return true;
}

bool stoa_writer_step(struct stoa_local *local) {
  if (local->has_committed) {
    finish_batch(local);
    return true;
  }
  if (local->has_ended || !has_batch(local)) {
    return false;
  }
  stoa_disk_sample(local);
  if (!local->is_open) {
    return step_while_down(local);
  }
  bool has_work = has_requests(local);
  bool is_slice_due = stoa_housekeeping_due_ns(local, !has_work) <= stoa_local_now_ns(local);
  if (is_slice_due && (!has_work || local->batches >= BATCHES_PER_SLICE)) {
    run_slice(local);
    return true;
  }
  if (has_work) {
    run_batch(local);
  }
  if (local->has_committed && !local->options.is_stepped) {
    finish_batch(local);
  }
  return has_work;
}

uint64_t stoa_writer_due_ns(struct stoa_local *local) {
  if (local->has_ended) {
    return UINT64_MAX;
  }
  if (local->has_committed) {
    return 0;
  }
  if (local->batch == NULL || !local->is_open) {
    return local->retry_ns;
  }
  uint64_t disk_ns = stoa_disk_due_ns(local);
  uint64_t due_ns = has_requests(local) ? 0 : stoa_housekeeping_due_ns(local, true);
  return due_ns < disk_ns ? due_ns : disk_ns;
}

/* One by one: no batch is needed when nothing is published after them. */
static void answer_jobs(struct stoa_local *local) {
  struct stoa_engine_request *job;
  stoa_housekeeping_stop_cleaning(local);
  while ((job = stoa_housekeeping_take_job(local)) != NULL) {
    stoa_engine_request_fail(job, STOA_ENGINE_UNKNOWN);
    stoa_engine_answer_alone(job);
  }
}

void stoa_writer_close(struct stoa_local *local) {
  if (local->has_committed) {
    finish_batch(local);
  }
  while (local->is_open && has_requests(local) && has_batch(local)) {
    run_batch(local);
    if (local->has_committed) {
      finish_batch(local);
    }
  }
  answer_jobs(local);
  struct stoa_engine_request *request;
  stoa_lane_take_all(&local->writes, &local->backlog);
  while ((request = stoa_engine_queue_take(&local->backlog)) != NULL) {
    fail_request(local, request, STOA_ENGINE_UNAVAILABLE);
    stoa_engine_answer_alone(request);
  }
  local->is_open = false;
  local->has_ended = true;
  close_readers(local);
  stoa_database_close(&local->database);
}
