#include "engine/local/schema.h"

#include "engine/local/trouble.h"

#include <stoa/status.h>

/* "Stoa", so that no other database is taken for ours: PRAGMA application_id. */
#define APPLICATION_ID 0x53746f61
#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

/* Messages are appended by rowid, and have an index by room and offset: clustered by them, rows are inserted at half
 * the speed. A room without a name is being removed. `once` is the client_msg_id; NULLs are never equal in an index.
 * The text index stores no texts; they are read from bodies. */
static const char version_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
    "CREATE TABLE room(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, epoch INTEGER NOT NULL,"
    " floor INTEGER NOT NULL DEFAULT 0, top INTEGER NOT NULL DEFAULT 0, ordinal INTEGER NOT NULL DEFAULT 0,"
    " time INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, retained INTEGER NOT NULL DEFAULT 0,"
    " age INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE message(seq INTEGER PRIMARY KEY, room INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " ordinal INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL, type INTEGER NOT NULL,"
    " target INTEGER NOT NULL, redacted INTEGER NOT NULL, id BLOB NOT NULL, sender TEXT NOT NULL, once TEXT,"
    " body BLOB NOT NULL);"
    "CREATE UNIQUE INDEX message_offset ON message(room, offset);"
    "CREATE UNIQUE INDEX message_once ON message(room, sender, once);"
    "CREATE INDEX message_target ON message(room, target) WHERE target > 0;"
    "CREATE TABLE value(scope TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(scope, name))"
    " WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE search USING fts5(text, content='', tokenize='trigram');";

/* What brings version n to n + 1. */
static const char *const steps[STOA_SCHEMA_VERSION] = {version_1};

int stoa_schema_check(struct stoa_sql *sql, const char **out_reason) {
  int64_t tables = 0;
  int64_t application = 0;
  int64_t version = 0;
  int code = stoa_sql_read_number(sql, "SELECT count(*) FROM sqlite_schema", &tables);
  if (code == SQLITE_OK) {
    code = stoa_sql_read_number(sql, "PRAGMA application_id", &application);
  }
  if (code == SQLITE_OK) {
    code = stoa_sql_read_number(sql, "PRAGMA user_version", &version);
  }
  if (code != SQLITE_OK) {
    *out_reason = stoa_trouble_reason(code);
    return stoa_trouble_status(code);
  }
  bool is_empty = tables == 0 && application == 0 && version == 0;
  if (!is_empty && (application != APPLICATION_ID || version < 1)) {
    *out_reason = "the file is a database of another program";
    return STOA_E_SYNTAX;
  }
  if (version > STOA_SCHEMA_VERSION) {
    *out_reason = "the file was written by a newer version of this program";
    return STOA_E_UNSUPPORTED;
  }
  return STOA_OK;
}

static int migrate(struct stoa_sql *sql) {
  int64_t version = 0;
  int code = stoa_sql_read_number(sql, "PRAGMA user_version", &version);
  if (code != SQLITE_OK || version >= STOA_SCHEMA_VERSION) {
    return code;
  }
  for (int64_t at = version < 0 ? 0 : version; at < STOA_SCHEMA_VERSION && code == SQLITE_OK; at++) {
    code = stoa_sql_run(sql, steps[at]);
  }
  if (code == SQLITE_OK) {
    code = stoa_sql_run(sql, "PRAGMA application_id = " TEXT_OF(APPLICATION_ID));
  }
  return code == SQLITE_OK ? stoa_sql_run(sql, "PRAGMA user_version = " TEXT_OF(STOA_SCHEMA_VERSION)) : code;
}

int stoa_schema_migrate(struct stoa_sql *sql) {
  int code = stoa_sql_do(sql, STOA_SQL_BEGIN);
  if (code != SQLITE_OK) {
    return code;
  }
  code = migrate(sql);
  if (code == SQLITE_OK) {
    code = stoa_sql_do(sql, STOA_SQL_COMMIT);
  }
  if (code != SQLITE_OK && sqlite3_get_autocommit(sql->db) == 0) {
    stoa_sql_do(sql, STOA_SQL_ROLLBACK);
  }
  return code;
}
