#include "engine/local/sql.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define MESSAGE "offset, ordinal, time, kind, type, target, redacted, id, sender, once, body, seq"

static const char *const texts[STOA_SQL_STATEMENTS] = {
    [STOA_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [STOA_SQL_BEGIN_READ] = "BEGIN",
    [STOA_SQL_COMMIT] = "COMMIT",
    [STOA_SQL_ROLLBACK] = "ROLLBACK",
    [STOA_SQL_META_READ] = "SELECT value FROM meta WHERE name = ?1",
    [STOA_SQL_META_PUT] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
    [STOA_SQL_NEWEST_SEQ] = "SELECT coalesce(max(seq), 0) FROM message",
    /* Exclusive or, which SQLite has no operator for. */
    [STOA_SQL_NEW_EPOCHS] = "UPDATE room SET epoch = max(1, (epoch | ?1) - (epoch & ?1))",
    [STOA_SQL_ROOM_FIND] =
        "SELECT id, epoch, floor, top, ordinal, time, bytes, retained, age, messages, size FROM room"
        " WHERE name = ?1",
    [STOA_SQL_ROOM_ADD] = "INSERT INTO room(name, epoch) VALUES(?1, ?2)",
    [STOA_SQL_ROOM_UPDATE] = "UPDATE room SET floor = ?2, top = ?3, ordinal = ?4, time = ?5, bytes = ?6 WHERE id = ?1",
    [STOA_SQL_ROOM_RETAIN] = "UPDATE room SET retained = 1, age = ?2, messages = ?3, size = ?4 WHERE id = ?1",
    [STOA_SQL_ROOM_HIDE] = "UPDATE room SET name = NULL WHERE id = ?1",
    [STOA_SQL_ROOM_REMOVE] = "DELETE FROM room WHERE id = ?1",
    [STOA_SQL_ROOM_NEXT] = "SELECT id, name FROM room WHERE id > ?1 ORDER BY id LIMIT 1",
    [STOA_SQL_ROOM_LIST] =
        "SELECT name, epoch, floor, top, ordinal, time FROM room WHERE name > ?1 AND top > 0"
        " ORDER BY name LIMIT ?2",
    [STOA_SQL_MESSAGE_ADD] = "INSERT INTO message(room, " MESSAGE
                             ")"
                             " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?12)"
                             " ON CONFLICT(room, sender, once) DO NOTHING",
    [STOA_SQL_MESSAGE_ONCE] = "SELECT " MESSAGE " FROM message WHERE room = ?1 AND sender = ?2 AND once = ?3",
    [STOA_SQL_MESSAGE_FORWARD] = "SELECT " MESSAGE
                                 " FROM message WHERE room = ?1 AND offset > ?2"
                                 " AND (?3 = 0 OR (?3 >> kind) & 1) ORDER BY offset",
    [STOA_SQL_MESSAGE_BACKWARD] = "SELECT " MESSAGE
                                  " FROM message WHERE room = ?1 AND offset < ?2"
                                  " AND (?3 = 0 OR (?3 >> kind) & 1) ORDER BY offset DESC",
    [STOA_SQL_MESSAGE_TARGET_FORWARD] = "SELECT " MESSAGE
                                        " FROM message WHERE room = ?1 AND offset > ?2"
                                        " AND (?3 = 0 OR (?3 >> kind) & 1)"
                                        " AND target > 0 AND target BETWEEN ?4 AND ?5 ORDER BY offset",
    [STOA_SQL_MESSAGE_TARGET_BACKWARD] = "SELECT " MESSAGE
                                         " FROM message WHERE room = ?1 AND offset < ?2"
                                         " AND (?3 = 0 OR (?3 >> kind) & 1)"
                                         " AND target > 0 AND target BETWEEN ?4 AND ?5 ORDER BY offset DESC",
    [STOA_SQL_MESSAGE_AT] = "SELECT " MESSAGE " FROM message WHERE room = ?1 AND offset = ?2",
    [STOA_SQL_MESSAGE_CONCERNING] = "SELECT " MESSAGE
                                    " FROM message WHERE room = ?1 AND target > 0 AND target = ?2"
                                    " AND redacted = 0 LIMIT ?3",
    [STOA_SQL_MESSAGE_OF_SENDER] = "SELECT " MESSAGE " FROM message WHERE room = ?1 AND sender = ?2 LIMIT 1",
    [STOA_SQL_MESSAGE_EMPTY] = "UPDATE message SET body = x'', redacted = 1 WHERE seq = ?1",
    [STOA_SQL_MESSAGE_FORGET] =
        "UPDATE message SET body = x'', redacted = 1, sender = '', once = NULL,"
        " id = zeroblob(16) WHERE seq = ?1",
    [STOA_SQL_MESSAGE_OLDEST] = "SELECT " MESSAGE " FROM message WHERE room = ?1 ORDER BY offset LIMIT 1",
    [STOA_SQL_MESSAGE_REMOVE] = "DELETE FROM message WHERE seq = ?1",
    [STOA_SQL_MESSAGE_BY_SEQ] = "SELECT " MESSAGE " FROM message WHERE seq = ?1 AND room = ?2",
    [STOA_SQL_MESSAGE_COUNT] = "SELECT count(*) FROM message",
    [STOA_SQL_VALUE_PUT] = "INSERT OR REPLACE INTO value(scope, name, value) VALUES(?1, ?2, ?3)",
    [STOA_SQL_VALUE_REMOVE] = "DELETE FROM value WHERE scope = ?1 AND name = ?2",
    [STOA_SQL_VALUE_READ] = "SELECT name, value FROM value WHERE scope = ?1 AND name = ?2",
    [STOA_SQL_VALUE_LIST] = "SELECT name, value FROM value WHERE scope = ?1 AND name > ?2 ORDER BY name",
    [STOA_SQL_INDEX_NEXT] = "SELECT " MESSAGE " FROM message WHERE seq > ?1 ORDER BY seq LIMIT 1",
    [STOA_SQL_INDEX_ADD] = "INSERT INTO search(rowid, text) VALUES(?1, ?2)",
    [STOA_SQL_INDEX_REMOVE] = "INSERT INTO search(search, rowid, text) VALUES('delete', ?1, ?2)",
    [STOA_SQL_INDEX_MERGE] = "INSERT INTO search(search, rank) VALUES('merge', ?1)",
    [STOA_SQL_INDEX_FIND] = "SELECT rowid FROM search WHERE search MATCH ?1 AND rowid <= ?2 ORDER BY rowid DESC",
};

int stoa_sql_open(struct stoa_sql *sql, const char *path, const char *vfs, int flags) {
  memset(sql, 0, sizeof *sql);
  int code = sqlite3_open_v2(path, &sql->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  if (code != SQLITE_OK) {
    stoa_sql_close(sql);
  }
  return code;
}

void stoa_sql_close(struct stoa_sql *sql) {
  for (int i = 0; i < STOA_SQL_STATEMENTS; i++) {
    sqlite3_finalize(sql->statements[i]);
  }
  int code = sqlite3_close(sql->db);
  assert(code == SQLITE_OK);
  (void)code;
  memset(sql, 0, sizeof *sql);
}

int stoa_sql_run(struct stoa_sql *sql, const char *text) {
  return sqlite3_exec(sql->db, text, NULL, NULL, NULL);
}

int stoa_sql_read_number(struct stoa_sql *sql, const char *text, int64_t *out_number) {
  sqlite3_stmt *statement;
  int code = sqlite3_prepare_v2(sql->db, text, -1, &statement, NULL);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  int end = sqlite3_finalize(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    return code;
  }
  if (end == SQLITE_OK) {
    *out_number = number;
  }
  return end;
}

int stoa_sql_prepare(struct stoa_sql *sql, enum stoa_sql_statement which, sqlite3_stmt **out_statement) {
  assert(which < STOA_SQL_STATEMENTS);
  sqlite3_stmt *statement = sql->statements[which];
  if (statement == NULL) {
    int code = sqlite3_prepare_v3(sql->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (code != SQLITE_OK) {
      return code;
    }
    sql->statements[which] = statement;
  }
  sqlite3_reset(statement);
  *out_statement = statement;
  return SQLITE_OK;
}

int stoa_sql_prepare_numbers(struct stoa_sql *sql, enum stoa_sql_statement which, const int64_t *numbers, int count,
                             sqlite3_stmt **out_statement) {
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare(sql, which, &statement);
  for (int i = 0; i < count && code == SQLITE_OK; i++) {
    code = sqlite3_bind_int64(statement, i + 1, numbers[i]);
  }
  if (code == SQLITE_OK) {
    *out_statement = statement;
  }
  return code;
}

/* A NULL pointer would bind NULL. */
int stoa_sql_bind_text(sqlite3_stmt *statement, int at, struct stoa_string text) {
  return sqlite3_bind_text(statement, at, text.len == 0 ? "" : text.data, (int)text.len, SQLITE_STATIC);
}

int stoa_sql_bind_bytes(sqlite3_stmt *statement, int at, struct stoa_bytes bytes) {
  return bytes.len == 0 ? sqlite3_bind_zeroblob(statement, at, 0)
                        : sqlite3_bind_blob(statement, at, bytes.data, (int)bytes.len, SQLITE_STATIC);
}

int stoa_sql_finish(sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  int end = sqlite3_reset(statement);
  assert(code != SQLITE_ROW);
  return code == SQLITE_DONE ? end : code;
}

int stoa_sql_do(struct stoa_sql *sql, enum stoa_sql_statement which) {
  return stoa_sql_do_numbers(sql, which, NULL, 0);
}

int stoa_sql_do_numbers(struct stoa_sql *sql, enum stoa_sql_statement which, const int64_t *numbers, int count) {
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare_numbers(sql, which, numbers, count, &statement);
  return code == SQLITE_OK ? stoa_sql_finish(statement) : code;
}

/* sqlite3_column_bytes() is called after the pointer was read, as SQLite's manual advises. */
struct stoa_string stoa_sql_text(sqlite3_stmt *statement, int column) {
  const void *data = sqlite3_column_text(statement, column);
  return stoa_string_make(data, data == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column));
}

struct stoa_bytes stoa_sql_bytes(sqlite3_stmt *statement, int column) {
  const void *data = sqlite3_column_blob(statement, column);
  return stoa_bytes_make(data, data == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column));
}
