#include "engine/local/read.h"

#include "engine/local/trouble.h"

#include <stoa/log.h>

void stoa_local_read_in_transaction(struct stoa_sql *sql, struct stoa_engine_request *request,
                                    int (*look)(struct stoa_sql *sql, struct stoa_engine_request *request,
                                                void *context),
                                    void *context) {
  int code = stoa_sql_do(sql, STOA_SQL_BEGIN_READ);
  if (code == SQLITE_OK) {
    code = look(sql, request, context);
    /* A failure may have ended the transaction already. */
    if (sqlite3_get_autocommit(sql->db) == 0) {
      stoa_sql_do(sql, STOA_SQL_ROLLBACK);
    }
  }
  if (code != SQLITE_OK) {
    stoa_log(STOA_LOG_ERROR, "room storage cannot read", STOA_F_STR("reason", stoa_trouble_reason(code)));
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
  }
}

/* History. */

static int prepare_page(struct stoa_sql *sql, const struct stoa_engine_query *query, int64_t room,
                        sqlite3_stmt **out_statement) {
  static const enum stoa_sql_statement statements[2][2] = {
      {STOA_SQL_MESSAGE_BACKWARD, STOA_SQL_MESSAGE_TARGET_BACKWARD},
      {STOA_SQL_MESSAGE_FORWARD, STOA_SQL_MESSAGE_TARGET_FORWARD}};
  bool has_target = query->target_last != 0;
  int64_t before = query->before == 0 ? INT64_MAX : (int64_t)query->before;
  const int64_t numbers[] = {room, query->is_forward ? (int64_t)query->since : before, query->kinds,
                             (int64_t)query->target_first, (int64_t)query->target_last};
  return stoa_sql_prepare_numbers(sql, statements[query->is_forward][has_target], numbers, has_target ? 5 : 3,
                                  out_statement);
}

/* *out_is_full: the page has no room for it. */
static int add_row(sqlite3_stmt *statement, struct stoa_engine_request *request, bool *out_is_full) {
  struct stoa_row row;
  struct stoa_engine_message *message;
  int code = stoa_row_read(statement, &row);
  if (code != SQLITE_OK) {
    return code;
  }
  const struct stoa_engine_draft *draft = &row.draft;
  size_t len = request->room.len + draft->sender.len + draft->client_msg_id.len + draft->body.len;
  *out_is_full = !stoa_engine_page_has_room(request, len);
  if (*out_is_full) {
    return SQLITE_OK;
  }
  code = stoa_row_message(&row, request->room, request->answer.epoch, &message);
  if (code != SQLITE_OK) {
    return code;
  }
  int status = stoa_engine_request_add_message(request, message);
  stoa_engine_message_unref(message);
  return status == STOA_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static int read_page(struct stoa_sql *sql, struct stoa_engine_request *request, int64_t room) {
  sqlite3_stmt *statement;
  bool is_full = false;
  int code = prepare_page(sql, &request->query, room, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  while (!is_full && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    code = add_row(statement, request, &is_full);
    if (code != SQLITE_OK) {
      break;
    }
  }
  sqlite3_reset(statement);
  request->answer.is_complete = code == SQLITE_DONE;
  return code == SQLITE_DONE || is_full ? SQLITE_OK : code;
}

static int read_history(struct stoa_sql *sql, struct stoa_engine_request *request, void *context) {
  struct stoa_room_row row;
  (void)context;
  int code = stoa_room_row_find(sql, request->room, &row);
  if (code != SQLITE_OK) {
    return code;
  }
  request->bytes = 0;
  stoa_engine_page_begin(request, &row.counters.bounds);
  if (stoa_engine_query_is_gone(&request->query, &row.counters.bounds)) {
    request->answer.status = STOA_ENGINE_GONE;
    return SQLITE_OK;
  }
  return read_page(sql, request, row.counters.id);
}

/* Values. */

static int bind_two(struct stoa_sql *sql, enum stoa_sql_statement which, const struct stoa_engine_request *request,
                    sqlite3_stmt **out_statement) {
  int code = stoa_sql_prepare(sql, which, out_statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(*out_statement, 1, request->room) : code;
  return code == SQLITE_OK ? stoa_sql_bind_text(*out_statement, 2, request->key) : code;
}

static int add_value(sqlite3_stmt *statement, struct stoa_engine_request *request) {
  const struct stoa_engine_item item = {.name = stoa_sql_text(statement, 0), .value = stoa_sql_bytes(statement, 1)};
  return stoa_engine_request_add_item(request, &item) == STOA_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static int read_value(struct stoa_sql *sql, struct stoa_engine_request *request, void *context) {
  sqlite3_stmt *statement;
  (void)context;
  int code = bind_two(sql, STOA_SQL_VALUE_READ, request, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    code = add_value(statement, request);
  } else if (code == SQLITE_DONE) {
    stoa_engine_request_fail(request, STOA_ENGINE_NOT_FOUND);
    code = SQLITE_OK;
  }
  sqlite3_reset(statement);
  return code;
}

/* Until the limit, or until no more text fits into the answer; then the caller goes on after the last name. */
static int add_items(sqlite3_stmt *statement, struct stoa_engine_request *request,
                     int (*add)(sqlite3_stmt *statement, struct stoa_engine_request *request)) {
  struct stoa_engine_answer *answer = &request->answer;
  int code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW && answer->item_count < request->query.limit) {
    code = add(statement, request);
    if (code != SQLITE_OK) {
      break;
    }
  }
  sqlite3_reset(statement);
  answer->is_complete = code == SQLITE_DONE;
  bool is_cut = code == SQLITE_ROW || (code == SQLITE_NOMEM && answer->item_count > 0);
  return code == SQLITE_DONE || is_cut ? SQLITE_OK : code;
}

static int list_values(struct stoa_sql *sql, struct stoa_engine_request *request, void *context) {
  sqlite3_stmt *statement;
  (void)context;
  int code = bind_two(sql, STOA_SQL_VALUE_LIST, request, &statement);
  return code == SQLITE_OK ? add_items(statement, request, add_value) : code;
}

/* Rooms. */

static int add_room(sqlite3_stmt *statement, struct stoa_engine_request *request) {
  const struct stoa_engine_item item = {.name = stoa_sql_text(statement, 0),
                                        .epoch = (uint64_t)sqlite3_column_int64(statement, 1),
                                        .floor = (uint64_t)sqlite3_column_int64(statement, 2),
                                        .top = (uint64_t)sqlite3_column_int64(statement, 3),
                                        .ordinal = (uint64_t)sqlite3_column_int64(statement, 4),
                                        .time_us = sqlite3_column_int64(statement, 5)};
  return stoa_engine_request_add_item(request, &item) == STOA_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static int list_rooms(struct stoa_sql *sql, struct stoa_engine_request *request, void *context) {
  sqlite3_stmt *statement;
  (void)context;
  int code = stoa_sql_prepare(sql, STOA_SQL_ROOM_LIST, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 1, request->key) : code;
  code = code == SQLITE_OK ? sqlite3_bind_int64(statement, 2, (int64_t)request->query.limit + 1) : code;
  return code == SQLITE_OK ? add_items(statement, request, add_room) : code;
}

void stoa_local_read(struct stoa_sql *sql, struct stoa_engine_request *request) {
  int (*look)(struct stoa_sql *, struct stoa_engine_request *, void *) =
      request->call == STOA_ENGINE_HISTORY      ? read_history
      : request->call == STOA_ENGINE_STATE_READ ? read_value
      : request->call == STOA_ENGINE_STATE_LIST ? list_values
                                                : list_rooms;
  stoa_local_read_in_transaction(sql, request, look, NULL);
}
