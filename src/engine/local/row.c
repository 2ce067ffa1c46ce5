#include "engine/local/row.h"

#include <assert.h>

enum column { OFFSET, ORDINAL, TIME, KIND, TYPE, TARGET, REDACTED, ID, SENDER, ONCE, BODY, SEQ };

static bool is_sound(const struct stoa_row *row, struct stoa_bytes id) {
  const struct stoa_engine_draft *draft = &row->draft;
  return id.len == STOA_ENGINE_ID_LEN && row->place.offset > 0 && row->place.offset <= INT64_MAX &&
         (draft->kind == STOA_ENGINE_CHAT || draft->kind == STOA_ENGINE_EVENT) &&
         draft->sender.len <= STOA_ENGINE_SENDER_LEN_MAX &&
         draft->client_msg_id.len <= STOA_ENGINE_CLIENT_MSG_ID_LEN_MAX && draft->body.len <= STOA_ENGINE_BODY_LEN_MAX;
}

int stoa_row_read(sqlite3_stmt *statement, struct stoa_row *out_row) {
  struct stoa_row row = {.seq = sqlite3_column_int64(statement, SEQ)};
  row.place.offset = (uint64_t)sqlite3_column_int64(statement, OFFSET);
  row.place.prev = row.place.offset - 1;
  row.place.ordinal = (uint64_t)sqlite3_column_int64(statement, ORDINAL);
  row.place.time_us = sqlite3_column_int64(statement, TIME);
  row.place.is_redacted = sqlite3_column_int64(statement, REDACTED) != 0;
  row.draft.kind = (enum stoa_engine_kind)sqlite3_column_int(statement, KIND);
  row.draft.type = (uint32_t)sqlite3_column_int64(statement, TYPE);
  row.draft.target = (uint64_t)sqlite3_column_int64(statement, TARGET);
  row.draft.sender = stoa_sql_text(statement, SENDER);
  row.draft.client_msg_id = stoa_sql_text(statement, ONCE);
  row.draft.body = stoa_sql_bytes(statement, BODY);
  struct stoa_bytes id = stoa_sql_bytes(statement, ID);
  if (!is_sound(&row, id)) {
    return SQLITE_CORRUPT;
  }
  memcpy(row.draft.id, id.data, STOA_ENGINE_ID_LEN);
  *out_row = row;
  return SQLITE_OK;
}

int stoa_row_bind(sqlite3_stmt *statement, int64_t room, int64_t seq, const struct stoa_engine_message *message) {
  const struct stoa_engine_draft *draft = &message->draft;
  const struct stoa_engine_place *place = &message->place;
  const int64_t numbers[] = {room,        (int64_t)place->offset, (int64_t)place->ordinal, place->time_us, draft->kind,
                             draft->type, (int64_t)draft->target};
  int code = SQLITE_OK;
  for (int i = 0; i < 7 && code == SQLITE_OK; i++) {
    code = sqlite3_bind_int64(statement, i + 1, numbers[i]);
  }
  code = code == SQLITE_OK ? stoa_sql_bind_bytes(statement, 8, stoa_bytes_make(draft->id, STOA_ENGINE_ID_LEN)) : code;
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 9, draft->sender) : code;
  if (code == SQLITE_OK) {
    code = draft->client_msg_id.len == 0 ? sqlite3_bind_null(statement, 10)
                                         : stoa_sql_bind_text(statement, 10, draft->client_msg_id);
  }
  code = code == SQLITE_OK ? stoa_sql_bind_bytes(statement, 11, draft->body) : code;
  return code == SQLITE_OK ? sqlite3_bind_int64(statement, 12, seq) : code;
}

int stoa_row_message(const struct stoa_row *row, struct stoa_string room, uint64_t epoch,
                     struct stoa_engine_message **out_message) {
  struct stoa_engine_place place = row->place;
  place.epoch = epoch;
  return stoa_engine_message_create(room, &row->draft, &place, out_message) == STOA_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static void read_room(sqlite3_stmt *statement, struct stoa_room_row *row) {
  row->counters.id = sqlite3_column_int64(statement, 0);
  row->counters.bounds.epoch = (uint64_t)sqlite3_column_int64(statement, 1);
  row->counters.bounds.floor = (uint64_t)sqlite3_column_int64(statement, 2);
  row->counters.bounds.top = (uint64_t)sqlite3_column_int64(statement, 3);
  row->counters.bounds.ordinal = (uint64_t)sqlite3_column_int64(statement, 4);
  row->counters.time_us = sqlite3_column_int64(statement, 5);
  row->counters.bytes = (uint64_t)sqlite3_column_int64(statement, 6);
  row->has_retention = sqlite3_column_int64(statement, 7) != 0;
  row->retention.age_ms = (uint64_t)sqlite3_column_int64(statement, 8);
  row->retention.messages = (uint64_t)sqlite3_column_int64(statement, 9);
  row->retention.bytes = (uint64_t)sqlite3_column_int64(statement, 10);
}

int stoa_room_row_find(struct stoa_sql *sql, struct stoa_string name, struct stoa_room_row *out_row) {
  struct stoa_room_row row = {.has_retention = false};
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare(sql, STOA_SQL_ROOM_FIND, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 1, name) : code;
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    read_room(statement, &row);
  }
  sqlite3_reset(statement);
  const struct stoa_engine_bounds *bounds = &row.counters.bounds;
  if (bounds->floor > bounds->top || bounds->top > INT64_MAX) {
    return SQLITE_CORRUPT;
  }
  if (code == SQLITE_ROW || code == SQLITE_DONE) {
    *out_row = row;
    return SQLITE_OK;
  }
  return code;
}
