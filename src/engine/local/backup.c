#include "engine/local/backup.h"

#include "base/sys.h"
#include "engine/local/text_index.h"
#include "engine/local/trouble.h"

#include <assert.h>
#include <fcntl.h>
#include <stoa/log.h>

/* Pages of one step; between steps a closing engine ends the copy. */
#define STEP_PAGES 256

static int copy_pages(struct stoa_sql *from, struct stoa_sql *to, struct stoa_engine *engine) {
  sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
  if (backup == NULL) {
    return sqlite3_extended_errcode(to->db);
  }
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = atomic_load(&engine->is_closed) ? SQLITE_INTERRUPT : sqlite3_backup_step(backup, STEP_PAGES);
  }
  int end = sqlite3_backup_finish(backup);
  return code == SQLITE_DONE ? end : code;
}

/* The copy replaces a log that went on: its rooms begin new epochs. It was stopped cleanly. */
static int begin_epochs(struct stoa_sql *to, const struct stoa_database *database) {
  uint64_t epoch;
  if (stoa_database_epoch(database, &epoch) != STOA_OK) {
    return SQLITE_IOERR;
  }
  const int64_t numbers[] = {(int64_t)epoch};
  int code = stoa_sql_do(to, STOA_SQL_BEGIN);
  code = code == SQLITE_OK ? stoa_sql_do_numbers(to, STOA_SQL_NEW_EPOCHS, numbers, 1) : code;
  code = code == SQLITE_OK ? stoa_database_put_mark(to, "open", 0) : code;
  return code == SQLITE_OK ? stoa_sql_do(to, STOA_SQL_COMMIT) : code;
}

/* The index may have pieces of texts that were removed. In one transaction, so that the copy is synced once. */
static int remove_traces(struct stoa_sql *to, struct stoa_engine *engine) {
  bool is_done = false;
  int64_t has_traces = 0;
  int code = stoa_database_read_mark(to, STOA_TEXT_TRACES_MARK, &has_traces);
  if (code != SQLITE_OK || has_traces == 0) {
    return code;
  }
  code = stoa_sql_run(to, "PRAGMA secure_delete = ON");
  code = code == SQLITE_OK ? stoa_sql_do(to, STOA_SQL_BEGIN) : code;
  for (bool is_first = true; code == SQLITE_OK && (is_first || !is_done); is_first = false) {
    code = atomic_load(&engine->is_closed) ? SQLITE_INTERRUPT : stoa_text_index_merge(to, is_first, &is_done);
    is_done = is_done && !is_first;
  }
  code = code == SQLITE_OK ? stoa_database_put_mark(to, STOA_TEXT_TRACES_MARK, 0) : code;
  return code == SQLITE_OK ? stoa_sql_do(to, STOA_SQL_COMMIT) : code;
}

static int check(struct stoa_sql *from, struct stoa_sql *to, uint64_t *out_count) {
  static const char count_messages[] = "SELECT count(*) FROM message";
  static const char count_rooms[] = "SELECT count(*) FROM room";
  static const char is_sound[] = "SELECT integrity_check = 'ok' FROM pragma_integrity_check(1)";
  int64_t messages[2] = {0, 0};
  int64_t rooms[2] = {0, 0};
  int64_t is_fine = 0;
  int code = stoa_sql_read_number(from, count_messages, &messages[0]);
  code = code == SQLITE_OK ? stoa_sql_read_number(to, count_messages, &messages[1]) : code;
  code = code == SQLITE_OK ? stoa_sql_read_number(from, count_rooms, &rooms[0]) : code;
  code = code == SQLITE_OK ? stoa_sql_read_number(to, count_rooms, &rooms[1]) : code;
  code = code == SQLITE_OK ? stoa_sql_read_number(to, is_sound, &is_fine) : code;
  if (code == SQLITE_OK && (messages[0] != messages[1] || rooms[0] != rooms[1] || is_fine == 0)) {
    return SQLITE_CORRUPT;
  }
  *out_count = (uint64_t)messages[1];
  return code;
}

/* In a transaction of the source, so that both are of one moment: what is written meanwhile does not begin the copy
 * anew, and the counts are those of what was copied. The copy has no WAL, so that it is one file. */
static int copy(struct stoa_sql *from, struct stoa_sql *to, const struct stoa_database *database,
                struct stoa_engine *engine, uint64_t *out_count) {
  int64_t ignored;
  int code = stoa_sql_do(from, STOA_SQL_BEGIN_READ);
  code = code == SQLITE_OK ? stoa_sql_read_number(from, "SELECT count(*) FROM room", &ignored) : code;
  code = code == SQLITE_OK ? copy_pages(from, to, engine) : code;
  code = code == SQLITE_OK ? stoa_sql_read_number(to, "PRAGMA journal_mode = DELETE", &ignored) : code;
  code = code == SQLITE_OK ? begin_epochs(to, database) : code;
  code = code == SQLITE_OK ? remove_traces(to, engine) : code;
  code = code == SQLITE_OK ? check(from, to, out_count) : code;
  if (sqlite3_get_autocommit(from->db) == 0) {
    stoa_sql_do(from, STOA_SQL_ROLLBACK);
  }
  return code;
}

void stoa_local_backup(struct stoa_sql *sql, const struct stoa_database *database, struct stoa_engine *engine,
                       struct stoa_engine_request *request) {
  const char *path = request->key.data;
  struct stoa_sql to;
  assert(path[request->key.len] == '\0');
  /* Made here, so that no file of somebody else is written over. */
  int fd = stoa_sys.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    stoa_engine_request_fail(request, STOA_ENGINE_INVALID);
    return;
  }
  stoa_sys.close(fd);
  int code = stoa_sql_open(&to, path, NULL, SQLITE_OPEN_READWRITE);
  if (code == SQLITE_OK) {
    code = copy(sql, &to, database, engine, &request->answer.count);
    stoa_sql_close(&to);
  }
  if (code != SQLITE_OK) {
    stoa_log(STOA_LOG_ERROR, "backup failed", STOA_F_STR("path", path),
             STOA_F_STR("reason", stoa_trouble_reason(code)));
    stoa_sys.unlink(path);
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
  }
}
