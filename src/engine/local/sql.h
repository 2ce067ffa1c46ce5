/* engine/local/sql.h: a connection to the database with its prepared statements.
 *
 * Values are bound, never written into SQL. Status values are SQLite's extended result codes.
 * Thread: one at a time. Lifetime: zeroed is closed.
 */
#ifndef STOA_ENGINE_LOCAL_SQL_H
#define STOA_ENGINE_LOCAL_SQL_H

#include <sqlite3.h>
#include <stoa/bytes.h>

enum stoa_sql_statement {
  STOA_SQL_BEGIN,
  STOA_SQL_BEGIN_READ,
  STOA_SQL_COMMIT,
  STOA_SQL_ROLLBACK,
  STOA_SQL_META_READ,
  STOA_SQL_META_PUT,
  STOA_SQL_NEWEST_SEQ,
  STOA_SQL_NEW_EPOCHS,
  STOA_SQL_ROOM_FIND,
  STOA_SQL_ROOM_ADD,
  STOA_SQL_ROOM_UPDATE,
  STOA_SQL_ROOM_RETAIN,
  STOA_SQL_ROOM_HIDE,
  STOA_SQL_ROOM_REMOVE,
  STOA_SQL_ROOM_NEXT,
  STOA_SQL_ROOM_LIST,
  STOA_SQL_MESSAGE_ADD,
  STOA_SQL_MESSAGE_ONCE,
  STOA_SQL_MESSAGE_FORWARD,
  STOA_SQL_MESSAGE_BACKWARD,
  STOA_SQL_MESSAGE_TARGET_FORWARD,
  STOA_SQL_MESSAGE_TARGET_BACKWARD,
  STOA_SQL_MESSAGE_AT,
  STOA_SQL_MESSAGE_CONCERNING,
  STOA_SQL_MESSAGE_OF_SENDER,
  STOA_SQL_MESSAGE_EMPTY,
  STOA_SQL_MESSAGE_FORGET,
  STOA_SQL_MESSAGE_OLDEST,
  STOA_SQL_MESSAGE_REMOVE,
  STOA_SQL_MESSAGE_BY_SEQ,
  STOA_SQL_MESSAGE_COUNT,
  STOA_SQL_VALUE_PUT,
  STOA_SQL_VALUE_REMOVE,
  STOA_SQL_VALUE_READ,
  STOA_SQL_VALUE_LIST,
  STOA_SQL_INDEX_NEXT,
  STOA_SQL_INDEX_ADD,
  STOA_SQL_INDEX_REMOVE,
  STOA_SQL_INDEX_MERGE,
  STOA_SQL_INDEX_FIND,
  STOA_SQL_STATEMENTS,
};

struct stoa_sql {
  sqlite3 *db;
  sqlite3_stmt *statements[STOA_SQL_STATEMENTS];
};

/* After an error `sql` is closed. vfs may be NULL. flags: SQLITE_OPEN_... */
int stoa_sql_open(struct stoa_sql *sql, const char *path, const char *vfs, int flags);
void stoa_sql_close(struct stoa_sql *sql);

/* Run a constant text that has no values. */
int stoa_sql_run(struct stoa_sql *sql, const char *text);
/* The first column of the first row as a number; 0 when there is no row. */
int stoa_sql_read_number(struct stoa_sql *sql, const char *text, int64_t *out_number);

/* A statement to bind and step; it is reset. Errors: as sqlite3_prepare_v3() */
int stoa_sql_prepare(struct stoa_sql *sql, enum stoa_sql_statement which, sqlite3_stmt **out_statement);
/* Prepare a statement, and bind whole numbers to its first parameters. */
int stoa_sql_prepare_numbers(struct stoa_sql *sql, enum stoa_sql_statement which, const int64_t *numbers, int count,
                             sqlite3_stmt **out_statement);
/* Bindings; what is bound is borrowed until the statement is reset. */
int stoa_sql_bind_text(sqlite3_stmt *statement, int at, struct stoa_string text);
int stoa_sql_bind_bytes(sqlite3_stmt *statement, int at, struct stoa_bytes bytes);
/* Step a statement that gives no row, and reset it. SQLITE_OK or the error. */
int stoa_sql_finish(sqlite3_stmt *statement);
/* The same for one without parameters, or with numbers only. */
int stoa_sql_do(struct stoa_sql *sql, enum stoa_sql_statement which);
int stoa_sql_do_numbers(struct stoa_sql *sql, enum stoa_sql_statement which, const int64_t *numbers, int count);

/* Columns, borrowed until the next step. */
struct stoa_string stoa_sql_text(sqlite3_stmt *statement, int column);
struct stoa_bytes stoa_sql_bytes(sqlite3_stmt *statement, int column);

#endif
