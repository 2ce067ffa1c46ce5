#include "engine/local/store.h"

#include "engine/local/text_index.h"

#include <string.h>

/* Of one redaction. */
#define CONCERNING_MAX 4096u

/* Transactions. */

int stoa_store_begin(struct stoa_local *local) {
  if (local->is_in_transaction) {
    return SQLITE_OK;
  }
  int code = stoa_sql_do(&local->database.sql, STOA_SQL_BEGIN);
  local->is_in_transaction = code == SQLITE_OK;
  return code;
}

static int write_counters(struct stoa_local *local) {
  int code = SQLITE_OK;
  for (const struct stoa_local_room *room = local->rooms.changed; room != NULL && code == SQLITE_OK;
       room = room->next_changed) {
    const struct stoa_local_counters *next = &room->next;
    const int64_t numbers[] = {
        next->id,      (int64_t)next->bounds.floor, (int64_t)next->bounds.top, (int64_t)next->bounds.ordinal,
        next->time_us, (int64_t)next->bytes};
    if (next->id != 0) {
      code = stoa_sql_do_numbers(&local->database.sql, STOA_SQL_ROOM_UPDATE, numbers, 6);
    }
  }
  return code;
}

int stoa_store_commit(struct stoa_local *local, bool *out_is_commit) {
  *out_is_commit = false;
  if (!local->is_in_transaction) {
    return SQLITE_OK;
  }
  struct stoa_metric_shard *shard = stoa_metrics_shard(local->engine.metrics, STOA_LOCAL_WRITER_SHARD);
  int code = write_counters(local);
  if (code == SQLITE_OK) {
    *out_is_commit = true;
    uint64_t began_ns = stoa_local_now_ns(local);
    code = stoa_sql_do(&local->database.sql, STOA_SQL_COMMIT);
    local->commit_ns = stoa_local_now_ns(local) - began_ns;
    stoa_metric_observe(shard, STOA_EM_COMMIT_SECONDS, 0, local->commit_ns);
    stoa_metric_add(shard, STOA_EM_COMMITS, code == SQLITE_OK ? STOA_COMMIT_STORED : STOA_COMMIT_FAILED, 1);
  }
  if (code == SQLITE_OK) {
    local->is_in_transaction = false;
    local->seq = local->next_seq;
  }
  return code;
}

void stoa_store_roll_back(struct stoa_local *local) {
  if (local->database.sql.db != NULL && sqlite3_get_autocommit(local->database.sql.db) == 0) {
    stoa_sql_do(&local->database.sql, STOA_SQL_ROLLBACK);
  }
  local->is_in_transaction = false;
  local->next_seq = local->seq;
  stoa_local_rooms_roll_back(&local->rooms);
}

/* Rooms. */

int stoa_store_room(struct stoa_local *local, struct stoa_string name, struct stoa_local_room **out_room) {
  struct stoa_room_row row;
  *out_room = stoa_local_rooms_find(&local->rooms, name);
  if (*out_room != NULL) {
    return SQLITE_OK;
  }
  int code = stoa_room_row_find(&local->database.sql, name, &row);
  if (code != SQLITE_OK) {
    return code;
  }
  int status = stoa_local_rooms_add(&local->rooms, name, &row.counters, out_room);
  return status == STOA_E_MEMORY ? SQLITE_NOMEM : SQLITE_OK;
}

static int make_room(struct stoa_local *local, struct stoa_local_room *room) {
  sqlite3_stmt *statement;
  struct stoa_local_counters next = {.id = 0};
  if (stoa_database_epoch(&local->database, &next.bounds.epoch) != STOA_OK) {
    return SQLITE_NOMEM;
  }
  int code = stoa_sql_prepare(&local->database.sql, STOA_SQL_ROOM_ADD, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 1, room->name) : code;
  code = code == SQLITE_OK ? sqlite3_bind_int64(statement, 2, (int64_t)next.bounds.epoch) : code;
  code = code == SQLITE_OK ? stoa_sql_finish(statement) : code;
  if (code == SQLITE_OK) {
    next.id = sqlite3_last_insert_rowid(local->database.sql.db);
    stoa_local_rooms_change(&local->rooms, room);
    room->next = next;
  }
  return code;
}

/* Publishing. */

static void answer_place(struct stoa_engine_request *request, enum stoa_engine_status status, uint64_t epoch,
                         const struct stoa_engine_place *place) {
  request->answer.status = status;
  request->answer.epoch = epoch;
  request->answer.offset = place->offset;
  request->answer.prev = place->prev;
  request->answer.ordinal = place->ordinal;
  request->answer.time_us = place->time_us;
}

static int answer_duplicate(struct stoa_local *local, const struct stoa_local_room *room,
                            struct stoa_engine_request *request) {
  sqlite3_stmt *statement;
  struct stoa_row row;
  const int64_t numbers[] = {room->next.id};
  int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_MESSAGE_ONCE, numbers, 1, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 2, request->message->draft.sender) : code;
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 3, request->message->draft.client_msg_id) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  /* The insert has just found it. */
  code = code == SQLITE_ROW ? stoa_row_read(statement, &row) : code == SQLITE_DONE ? SQLITE_CORRUPT : code;
  sqlite3_reset(statement);
  if (code == SQLITE_OK) {
    answer_place(request, STOA_ENGINE_DUPLICATE, room->next.bounds.epoch, &row.place);
  }
  return code;
}

static void place_message(const struct stoa_local *local, const struct stoa_local_room *room,
                          struct stoa_engine_message *message) {
  const struct stoa_local_counters *next = &room->next;
  struct stoa_engine_place *place = &message->place;
  int64_t now_us = stoa_clock_wall_us(local->options.clock);
  place->epoch = next->bounds.epoch;
  place->prev = next->bounds.top;
  place->offset = next->bounds.top + 1;
  place->ordinal = next->bounds.ordinal + (message->draft.kind == STOA_ENGINE_CHAT ? 1 : 0);
  place->time_us = stoa_engine_draft_time_us(&message->draft, now_us, next->time_us);
  assert(place->epoch != 0);
}

static void count_message(struct stoa_local *local, struct stoa_local_room *room,
                          const struct stoa_engine_message *message) {
  stoa_local_rooms_change(&local->rooms, room);
  room->next.bounds.top = message->place.offset;
  room->next.bounds.ordinal = message->place.ordinal;
  room->next.time_us = message->place.time_us;
  room->next.bytes += message->draft.body.len;
  local->next_seq++;
}

static int insert_message(struct stoa_local *local, const struct stoa_local_room *room,
                          const struct stoa_engine_message *message, bool *out_is_new) {
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare(&local->database.sql, STOA_SQL_MESSAGE_ADD, &statement);
  code = code == SQLITE_OK ? stoa_row_bind(statement, room->next.id, local->next_seq + 1, message) : code;
  if (code == SQLITE_OK) {
    code = stoa_sql_finish(statement);
    sqlite3_clear_bindings(statement);
  }
  *out_is_new = code == SQLITE_OK && sqlite3_changes(local->database.sql.db) == 1;
  return code;
}

static int publish(struct stoa_local *local, struct stoa_engine_request *request) {
  struct stoa_local_room *room;
  bool is_new;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_store_room(local, request->room, &room) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  if (room == NULL) {
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
    return SQLITE_OK;
  }
  code = room->next.id == 0 ? make_room(local, room) : SQLITE_OK;
  if (code != SQLITE_OK) {
    return code;
  }
  place_message(local, room, request->message);
  code = insert_message(local, room, request->message, &is_new);
  if (code != SQLITE_OK) {
    return code;
  }
  if (!is_new) {
    return answer_duplicate(local, room, request);
  }
  count_message(local, room, request->message);
  answer_place(request, STOA_ENGINE_OK, room->next.bounds.epoch, &request->message->place);
  request->audience = room->audience;
  return SQLITE_OK;
}

/* Subscriptions. */

static int subscribe(struct stoa_local *local, struct stoa_engine_request *request) {
  struct stoa_local_room *room;
  int code = stoa_store_room(local, request->room, &room);
  if (code != SQLITE_OK) {
    return code;
  }
  if (room == NULL) {
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
    return SQLITE_OK;
  }
  room->audience |= UINT64_C(1) << request->port->index;
  stoa_engine_page_begin(request, &room->next.bounds);
  return SQLITE_OK;
}

static int unsubscribe(struct stoa_local *local, const struct stoa_engine_request *request) {
  struct stoa_local_room *room = stoa_local_rooms_find(&local->rooms, request->room);
  if (room != NULL) {
    room->audience &= ~(UINT64_C(1) << request->port->index);
  }
  return SQLITE_OK;
}

/* State. */

static int put_value(struct stoa_local *local, const struct stoa_engine_request *request) {
  bool is_removed = request->value.len == 0;
  sqlite3_stmt *statement;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_sql_prepare(&local->database.sql,
                                              is_removed ? STOA_SQL_VALUE_REMOVE : STOA_SQL_VALUE_PUT, &statement)
                           : code;
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 1, request->room) : code;
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 2, request->key) : code;
  code = code == SQLITE_OK && !is_removed ? stoa_sql_bind_bytes(statement, 3, request->value) : code;
  if (code == SQLITE_OK) {
    code = stoa_sql_finish(statement);
    sqlite3_clear_bindings(statement);
  }
  return code;
}

static int retain(struct stoa_local *local, struct stoa_engine_request *request) {
  struct stoa_room_row row;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_room_row_find(&local->database.sql, request->room, &row) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  if (row.counters.id == 0) {
    stoa_engine_request_fail(request, STOA_ENGINE_NOT_FOUND);
    return SQLITE_OK;
  }
  const struct stoa_engine_retention *retention = &request->retention;
  const int64_t numbers[] = {row.counters.id, (int64_t)retention->age_ms, (int64_t)retention->messages,
                             (int64_t)retention->bytes};
  return stoa_sql_do_numbers(&local->database.sql, STOA_SQL_ROOM_RETAIN, numbers, 4);
}

/* Redacting. */

int stoa_store_note_trace(struct stoa_local *local) {
  /* When the transaction is rolled back, files are cleaned for nothing. */
  if (!local->has_traces) {
    local->clean_ns = stoa_local_now_ns(local) + STOA_LOCAL_CLEAN_NS;
  }
  local->has_traces = true;
  local->trace_count++;
  return stoa_database_put_mark(&local->database.sql, STOA_TEXT_TRACES_MARK, 1);
}

int stoa_store_empty(struct stoa_local *local, struct stoa_local_room *room, const struct stoa_row *row,
                     bool forget_sender) {
  const int64_t numbers[] = {row->seq};
  uint64_t len = row->draft.body.len;
  int code = stoa_store_note_trace(local);
  code = code == SQLITE_OK ? stoa_text_index_remove(&local->database.sql, &local->options.text, row, local->indexed)
                           : code;
  if (code == SQLITE_OK) {
    code = stoa_sql_do_numbers(&local->database.sql, forget_sender ? STOA_SQL_MESSAGE_FORGET : STOA_SQL_MESSAGE_EMPTY,
                               numbers, 1);
  }
  stoa_local_rooms_change(&local->rooms, room);
  room->drops_recent = true;
  room->next.bytes -= len < room->next.bytes ? len : room->next.bytes;
  return code;
}

int stoa_store_empty_concerning(struct stoa_local *local, struct stoa_local_room *room, uint64_t offset, uint32_t limit,
                                struct stoa_engine_request *request, bool *out_is_done) {
  for (uint32_t i = 0; i < limit; i++) {
    sqlite3_stmt *statement;
    struct stoa_row row;
    const int64_t numbers[] = {room->next.id, (int64_t)offset, 1};
    int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_MESSAGE_CONCERNING, numbers, 3, &statement);
    if (code != SQLITE_OK) {
      return code;
    }
    code = sqlite3_step(statement);
    *out_is_done = code == SQLITE_DONE;
    if (code == SQLITE_ROW) {
      code = stoa_row_read(statement, &row);
      request->answer.count += code == SQLITE_OK && !stoa_string_equal(row.draft.sender, request->key);
      code = code == SQLITE_OK ? stoa_store_empty(local, room, &row, false) : code;
    }
    sqlite3_reset(statement);
    if (code != SQLITE_OK) {
      return code == SQLITE_DONE ? SQLITE_OK : code;
    }
  }
  return SQLITE_OK;
}

static int empty_at(struct stoa_local *local, struct stoa_local_room *room, struct stoa_engine_request *request) {
  sqlite3_stmt *statement;
  struct stoa_row row;
  const int64_t numbers[] = {room->next.id, (int64_t)request->query.target_first};
  int code = stoa_sql_prepare_numbers(&local->database.sql, STOA_SQL_MESSAGE_AT, numbers, 2, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    code = stoa_row_read(statement, &row);
    if (code == SQLITE_OK && !row.place.is_redacted) {
      code = stoa_store_empty(local, room, &row, false);
      request->answer.count++;
    }
  } else if (code == SQLITE_DONE) {
    stoa_engine_request_fail(request, STOA_ENGINE_NOT_FOUND);
    code = SQLITE_OK;
  }
  sqlite3_reset(statement);
  return code;
}

static int redact(struct stoa_local *local, struct stoa_engine_request *request) {
  struct stoa_local_room *room;
  bool is_done = false;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_store_room(local, request->room, &room) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  if (room == NULL || room->next.id == 0) {
    stoa_engine_request_fail(request, room == NULL ? STOA_ENGINE_UNAVAILABLE : STOA_ENGINE_NOT_FOUND);
    return SQLITE_OK;
  }
  code = empty_at(local, room, request);
  if (code != SQLITE_OK || request->answer.status != STOA_ENGINE_OK) {
    return code;
  }
  code = stoa_store_empty_concerning(local, room, request->query.target_first, CONCERNING_MAX, request, &is_done);
  if (code == SQLITE_OK && !is_done) {
    stoa_engine_request_fail(request, STOA_ENGINE_UNKNOWN);
  }
  return code;
}

/* Erasing a room: its name is taken away at once, its rows later. */

static int hide_room(struct stoa_local *local, struct stoa_engine_request *request) {
  struct stoa_local_room *room;
  int code = stoa_store_begin(local);
  code = code == SQLITE_OK ? stoa_store_room(local, request->room, &room) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  if (room == NULL || room->next.id == 0) {
    stoa_engine_request_fail(request, room == NULL ? STOA_ENGINE_UNAVAILABLE : STOA_ENGINE_NOT_FOUND);
    return SQLITE_OK;
  }
  const int64_t numbers[] = {room->next.id};
  code = stoa_sql_do_numbers(&local->database.sql, STOA_SQL_ROOM_HIDE, numbers, 1);
  if (code == SQLITE_OK) {
    static const struct stoa_local_counters nothing;
    request->answer.count = room->next.bounds.top - room->next.bounds.floor;
    request->audience = room->audience;
    stoa_local_rooms_change(&local->rooms, room);
    room->next = nothing;
    room->drops_recent = true;
  }
  return code;
}

int stoa_store_perform(struct stoa_local *local, struct stoa_engine_request *request) {
  switch (request->call) {
    case STOA_ENGINE_PUBLISH:
      return publish(local, request);
    case STOA_ENGINE_SUBSCRIBE:
      return subscribe(local, request);
    case STOA_ENGINE_UNSUBSCRIBE:
      return unsubscribe(local, request);
    case STOA_ENGINE_STATE_PUT:
      return put_value(local, request);
    case STOA_ENGINE_REDACT:
      return redact(local, request);
    case STOA_ENGINE_RETAIN:
      return retain(local, request);
    case STOA_ENGINE_ERASE_ROOM:
      return hide_room(local, request);
    case STOA_ENGINE_ERASE_USER:
    case STOA_ENGINE_HISTORY:
    case STOA_ENGINE_STATE_READ:
    case STOA_ENGINE_STATE_LIST:
    case STOA_ENGINE_ROOMS:
    case STOA_ENGINE_SEARCH:
    case STOA_ENGINE_BACKUP:
    case STOA_ENGINE_GAP:
      break;
  }
  stoa_engine_request_fail(request, STOA_ENGINE_INVALID);
  return SQLITE_OK;
}
