#include "engine/local/housekeeping.h"

#include "base/units.h"
#include "engine/local/store.h"
#include "engine/local/text_index.h"

#define SLICE_NS (UINT64_C(2) * STOA_NS_PER_MS)
#define SLICE_ROWS 256
#define SWEEP_ROOMS 32
#define SWEEP_INTERVAL_NS (UINT64_C(60) * STOA_NS_PER_S)
/* Texts that are not in the index yet: begin when idle, and begin in any case. */
#define TAIL_IDLE 1024
#define TAIL_MAX 16384

struct slice {
  uint64_t end_ns;
  int rows;
};

static bool is_over(const struct stoa_local *local, struct slice *slice) {
  return slice->rows++ >= SLICE_ROWS || stoa_local_now_ns(local) >= slice->end_ns;
}

static struct slice begin_slice(const struct stoa_local *local) {
  return (struct slice){.end_ns = stoa_local_now_ns(local) + SLICE_NS};
}

static bool has_texts(const struct stoa_local *local, bool is_idle) {
  return local->options.text.read != NULL && local->seq - local->indexed >= (is_idle ? TAIL_IDLE : TAIL_MAX);
}

/* What was put into the index can only be taken out with its text. */
static bool can_read_texts(const struct stoa_local *local) {
  const struct stoa_engine_text *text = &local->options.text;
  return text->is_ready == NULL || text->is_ready(text->context);
}

uint64_t stoa_housekeeping_due_ns(const struct stoa_local *local, bool is_idle) {
  if (!can_read_texts(local)) {
    return UINT64_MAX;
  }
  if (local->jobs.count > 0 || local->is_cleaning || local->has_hidden_rooms || local->is_sweeping ||
      has_texts(local, is_idle)) {
    return local->rest_ns;
  }
  uint64_t due_ns = local->has_traces && local->clean_ns < local->sweep_ns ? local->clean_ns : local->sweep_ns;
  return due_ns > local->rest_ns ? due_ns : local->rest_ns;
}

/* Rows. */

static int remove_row(struct stoa_local *local, const struct stoa_row *row) {
  const int64_t numbers[] = {row->seq};
  int code = stoa_text_index_remove(&local->database.sql, &local->options.text, row, local->indexed);
  return code == SQLITE_OK ? stoa_sql_do_numbers(&local->database.sql, STOA_SQL_MESSAGE_REMOVE, numbers, 1) : code;
}

/* The oldest row of a room. *out_statement is to be reset when the row is no longer needed; NULL: there is no row. */
static int read_oldest(struct stoa_local *local, int64_t room, sqlite3_stmt **out_statement, struct stoa_row *out_row) {
  sqlite3_stmt *statement;
  const int64_t numbers[] = {room};
  *out_statement = NULL;
  int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_MESSAGE_OLDEST, numbers, 1, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    code = stoa_row_read(statement, out_row);
    *out_statement = statement;
  }
  if (code != SQLITE_OK) {
    sqlite3_reset(statement);
    *out_statement = NULL;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Texts. */

static int index_texts(struct stoa_local *local, bool *out_is_commit) {
  struct slice slice = begin_slice(local);
  struct stoa_sql *sql = &local->database.sql;
  int64_t indexed = local->indexed;
  bool is_done = false;
  int code = stoa_store_begin(local);
  while (code == SQLITE_OK && !is_done && !is_over(local, &slice)) {
    code = stoa_text_index_add_next(sql, &local->options.text, &indexed, &is_done);
  }
  indexed = is_done ? local->seq : indexed;
  code = code == SQLITE_OK ? stoa_database_put_mark(sql, STOA_TEXT_INDEX_MARK, indexed) : code;
  code = code == SQLITE_OK ? stoa_store_commit(local, out_is_commit) : code;
  if (code == SQLITE_OK) {
    local->indexed = indexed;
  }
  return code;
}

/* Retention. */

static bool is_kept(const struct stoa_local *local, const struct stoa_room_row *room,
                    const struct stoa_local_counters *counters, const struct stoa_row *row) {
  const struct stoa_engine_retention *retention = room->has_retention ? &room->retention : &local->options.retention;
  int64_t age_us = stoa_clock_wall_us(local->options.clock) - row->place.time_us;
  bool is_over_bound =
      (retention->messages > 0 && counters->bounds.top - counters->bounds.floor > retention->messages) ||
      (retention->bytes > 0 && counters->bytes > retention->bytes) ||
      (retention->age_ms > 0 && age_us > (int64_t)retention->age_ms * 1000);
  return age_us < (int64_t)STOA_ENGINE_ONCE_MS * 1000 || !is_over_bound;
}

static int trim_row(struct stoa_local *local, struct stoa_local_room *room, const struct stoa_row *row) {
  uint64_t len = row->draft.body.len;
  uint64_t offset = row->place.offset;
  int code = remove_row(local, row);
  stoa_local_rooms_change(&local->rooms, room);
  room->next.bytes -= len < room->next.bytes ? len : room->next.bytes;
  room->next.bounds.floor = offset;
  assert(offset <= room->next.bounds.top);
  return code;
}

/* Remove rows until the rest is kept. *out_is_done: it is. */
static int trim_room(struct stoa_local *local, struct stoa_string name, const struct stoa_room_row *found,
                     struct slice *slice, bool *out_is_done) {
  struct stoa_local_room *room;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_store_room(local, name, &room) : code;
  *out_is_done = code == SQLITE_OK && room == NULL;
  while (code == SQLITE_OK && !*out_is_done && !is_over(local, slice)) {
    sqlite3_stmt *statement;
    struct stoa_row row;
    code = read_oldest(local, room->next.id, &statement, &row);
    *out_is_done = code == SQLITE_OK && (statement == NULL || is_kept(local, found, &room->next, &row));
    if (code == SQLITE_OK && !*out_is_done) {
      code = trim_row(local, room, &row);
    }
    if (statement != NULL) {
      sqlite3_reset(statement);
    }
  }
  return code;
}

/* Most rooms have nothing to remove; they cost no transaction and no place in memory. */
static int sweep_room(struct stoa_local *local, struct stoa_string name, struct slice *slice, bool *out_is_done) {
  struct stoa_room_row found;
  sqlite3_stmt *statement;
  struct stoa_row row;
  int code = stoa_room_row_find(&local->database.sql, name, &found);
  code = code == SQLITE_OK ? read_oldest(local, found.counters.id, &statement, &row) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  *out_is_done = statement == NULL || is_kept(local, &found, &found.counters, &row);
  if (statement != NULL) {
    sqlite3_reset(statement);
  }
  return *out_is_done ? SQLITE_OK : trim_room(local, name, &found, slice, out_is_done);
}

/* The next room with an id above *room; its name is copied. *out_id 0: there is none. */
static int next_room(struct stoa_local *local, int64_t above, int64_t *out_id, char *out_name, size_t *out_len) {
  sqlite3_stmt *statement;
  const int64_t numbers[] = {above};
  int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_ROOM_NEXT, numbers, 1, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  *out_id = 0;
  if (code == SQLITE_ROW) {
    struct stoa_string name = stoa_sql_text(statement, 1);
    *out_id = sqlite3_column_int64(statement, 0);
    *out_len = name.len <= STOA_ENGINE_ROOM_LEN_MAX ? name.len : 0;
    memcpy(out_name, name.len > 0 ? name.data : "", *out_len);
  }
  sqlite3_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static void end_sweep(struct stoa_local *local) {
  local->is_sweeping = false;
  local->sweep_room = 0;
  local->sweep_ns = stoa_local_now_ns(local) + SWEEP_INTERVAL_NS;
}

static int sweep(struct stoa_local *local, bool *out_is_commit) {
  struct slice slice = begin_slice(local);
  char name[STOA_ENGINE_ROOM_LEN_MAX];
  int code = SQLITE_OK;
  local->is_sweeping = true;
  for (int i = 0; i < SWEEP_ROOMS && code == SQLITE_OK && !is_over(local, &slice); i++) {
    int64_t id;
    size_t len = 0;
    bool is_done = true;
    code = next_room(local, local->sweep_room, &id, name, &len);
    if (code == SQLITE_OK && id == 0) {
      end_sweep(local);
      break;
    }
    if (code == SQLITE_OK && len > 0) {
      code = sweep_room(local, stoa_string_make(name, len), &slice, &is_done);
    } else if (code == SQLITE_OK) {
      local->has_hidden_rooms = true;
    }
    local->sweep_room = code == SQLITE_OK && is_done ? id : local->sweep_room;
  }
  if (code == SQLITE_OK && local->is_in_transaction) {
    code = stoa_store_commit(local, out_is_commit);
    if (code == SQLITE_OK) {
      stoa_local_rooms_commit(&local->rooms, NULL);
    }
  }
  return code;
}

/* Rooms that have no name any more. */

static int find_hidden(struct stoa_local *local, int64_t *out_id) {
  return stoa_sql_read_number(&local->database.sql, "SELECT id FROM room WHERE name IS NULL LIMIT 1", out_id);
}

static int purge_room(struct stoa_local *local, int64_t id) {
  struct slice slice = begin_slice(local);
  bool is_empty = false;
  int code = SQLITE_OK;
  while (code == SQLITE_OK && !is_empty && !is_over(local, &slice)) {
    sqlite3_stmt *statement;
    struct stoa_row row;
    code = read_oldest(local, id, &statement, &row);
    is_empty = code == SQLITE_OK && statement == NULL;
    if (statement != NULL) {
      code = remove_row(local, &row);
      sqlite3_reset(statement);
    }
  }
  const int64_t numbers[] = {id};
  return code == SQLITE_OK && is_empty ? stoa_sql_do_numbers(&local->database.sql, STOA_SQL_ROOM_REMOVE, numbers, 1)
                                       : code;
}

static int purge(struct stoa_local *local, bool *out_is_commit) {
  int64_t id = 0;
  int code = find_hidden(local, &id);
  if (code != SQLITE_OK || id == 0) {
    local->has_hidden_rooms = code != SQLITE_OK;
    return code;
  }
  code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_store_note_trace(local) : code;
  code = code == SQLITE_OK ? purge_room(local, id) : code;
  return code == SQLITE_OK ? stoa_store_commit(local, out_is_commit) : code;
}

/* Erasing a user. */

/* One message of the sender, after all that target it. *out_is_done: the sender has no message in the room. */
static int erase_next(struct stoa_local *local, struct stoa_local_room *room, struct stoa_engine_request *job,
                      bool *out_is_done) {
  sqlite3_stmt *statement;
  struct stoa_row row;
  bool is_alone = false;
  const int64_t numbers[] = {room->next.id};
  int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_MESSAGE_OF_SENDER, numbers, 1, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 2, job->key) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  *out_is_done = code == SQLITE_DONE;
  if (code == SQLITE_ROW) {
    code = stoa_row_read(statement, &row);
    code = code == SQLITE_OK ? stoa_store_empty_concerning(local, room, row.place.offset, SLICE_ROWS, job, &is_alone)
                             : code;
    if (code == SQLITE_OK && is_alone) {
      code = stoa_store_empty(local, room, &row, true);
      job->answer.count++;
    }
  }
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int erase_in_room(struct stoa_local *local, struct stoa_engine_request *job, struct stoa_string name,
                         struct slice *slice, bool *out_is_done) {
  struct stoa_local_room *room;
  *out_is_done = false;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_store_room(local, name, &room) : code;
  if (code == SQLITE_OK && room == NULL) {
    return SQLITE_BUSY; /* all rooms in memory are in use: again later */
  }
  while (code == SQLITE_OK && !*out_is_done && !is_over(local, slice)) {
    code = erase_next(local, room, job, out_is_done);
  }
  return code;
}

static int erase_user_rows(struct stoa_local *local, struct stoa_engine_request *job, bool *out_is_commit) {
  struct slice slice = begin_slice(local);
  char name[STOA_ENGINE_ROOM_LEN_MAX];
  uint64_t count = job->answer.count;
  int64_t room = local->job_room;
  bool is_last = false;
  int code = SQLITE_OK;
  while (code == SQLITE_OK && !is_last && !is_over(local, &slice)) {
    int64_t id;
    size_t len = 0;
    bool is_done = true;
    code = next_room(local, room, &id, name, &len);
    is_last = code == SQLITE_OK && id == 0;
    if (code == SQLITE_OK && !is_last && len > 0) {
      code = erase_in_room(local, job, stoa_string_make(name, len), &slice, &is_done);
    }
    room = code == SQLITE_OK && !is_last && is_done ? id : room;
  }
  code = code == SQLITE_OK ? stoa_store_commit(local, out_is_commit) : code;
  if (code != SQLITE_OK) {
    job->answer.count = count;
    return code;
  }
  stoa_local_rooms_commit(&local->rooms, NULL);
  local->job_room = room;
  local->phase = is_last ? STOA_LOCAL_MERGE_BEGIN : STOA_LOCAL_ROWS;
  return SQLITE_OK;
}

/* Jobs. */

static int erase_room_rows(struct stoa_local *local, bool *out_is_commit) {
  int code = purge(local, out_is_commit);
  if (code == SQLITE_OK && !local->has_hidden_rooms) {
    local->phase = STOA_LOCAL_MERGE_BEGIN;
  }
  return code;
}

static int merge(struct stoa_local *local) {
  bool is_done = true;
  int code = SQLITE_OK;
  if (local->phase == STOA_LOCAL_MERGE_BEGIN) {
    local->cleaned_count = local->trace_count;
  }
  if (local->options.text.read != NULL) {
    code = stoa_text_index_merge(&local->database.sql, local->phase == STOA_LOCAL_MERGE_BEGIN, &is_done);
  }
  if (code == SQLITE_OK) {
    bool has_more = !is_done || (local->phase == STOA_LOCAL_MERGE_BEGIN && local->options.text.read != NULL);
    local->phase = has_more ? STOA_LOCAL_MERGE : STOA_LOCAL_TRUNCATE;
  }
  return code;
}

/* The mark is stored by the truncation. What was redacted while the index was merged waits for the next time. */
static int truncate_wal(struct stoa_local *local) {
  bool is_clean = local->cleaned_count == local->trace_count;
  int code = is_clean ? stoa_database_put_mark(&local->database.sql, STOA_TEXT_TRACES_MARK, 0) : SQLITE_OK;
  code = code == SQLITE_OK ? stoa_database_truncate(&local->database) : code;
  if (code == SQLITE_OK) {
    local->has_traces = !is_clean;
    local->clean_ns = stoa_local_now_ns(local) + STOA_LOCAL_CLEAN_NS;
  }
  return code;
}

void stoa_housekeeping_stop_cleaning(struct stoa_local *local) {
  if (local->is_cleaning) {
    local->is_cleaning = false;
    local->phase = STOA_LOCAL_ROWS;
  }
}

struct stoa_engine_request *stoa_housekeeping_take_job(struct stoa_local *local) {
  assert(!local->is_cleaning);
  local->phase = STOA_LOCAL_ROWS;
  local->job_room = 0;
  return stoa_engine_queue_take(&local->jobs);
}

static int run_job(struct stoa_local *local, bool *out_is_commit, struct stoa_engine_request **out_finished) {
  struct stoa_engine_request *job = local->jobs.first;
  switch (local->phase) {
    case STOA_LOCAL_ROWS:
      return job->call == STOA_ENGINE_ERASE_USER ? erase_user_rows(local, job, out_is_commit)
                                                 : erase_room_rows(local, out_is_commit);
    case STOA_LOCAL_MERGE_BEGIN:
    case STOA_LOCAL_MERGE:
      return merge(local);
    case STOA_LOCAL_TRUNCATE: {
      int code = truncate_wal(local);
      if (code == SQLITE_OK && local->is_cleaning) {
        stoa_housekeeping_stop_cleaning(local);
      } else if (code == SQLITE_OK) {
        *out_finished = stoa_housekeeping_take_job(local);
      }
      return code;
    }
  }
  return SQLITE_OK;
}

int stoa_housekeeping_run(struct stoa_local *local, bool *out_is_commit, struct stoa_engine_request **out_finished) {
  *out_is_commit = false;
  *out_finished = NULL;
  assert(!local->is_in_transaction);
  if (local->is_cleaning || local->jobs.count > 0) {
    return run_job(local, out_is_commit, out_finished);
  }
  if (local->has_hidden_rooms) {
    return purge(local, out_is_commit);
  }
  if (has_texts(local, true)) {
    return index_texts(local, out_is_commit);
  }
  if (local->has_traces && local->clean_ns <= stoa_local_now_ns(local)) {
    local->is_cleaning = true;
    local->phase = STOA_LOCAL_MERGE_BEGIN;
    return merge(local);
  }
  return sweep(local, out_is_commit);
}
