#include "engine/local/database.h"

#include "base/sys.h"
#include "engine/local/schema.h"
#include "engine/local/trouble.h"
#include "engine/local/wal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define LOCK_SUFFIX ".lock"
/* 256 MiB, which are read in about a second. */
#define CHECKED_PAGES_MAX 65536

/* The lock. */

int stoa_database_lock(struct stoa_database *database) {
  char path[STOA_ENGINE_PATH_LEN_MAX + sizeof LOCK_SUFFIX];
  database->lock_fd = -1;
  if (database->vfs != NULL) {
    return STOA_OK;
  }
  snprintf(path, sizeof path, "%s" LOCK_SUFFIX, database->path);
  int fd = stoa_sys.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  if (stoa_sys.flock(fd, LOCK_EX | LOCK_NB) != 0) {
    int status = errno == EWOULDBLOCK ? STOA_E_EXISTS : STOA_E_SYSTEM;
    stoa_sys.close(fd);
    return status;
  }
  database->lock_fd = fd;
  return STOA_OK;
}

void stoa_database_unlock(struct stoa_database *database) {
  if (database->lock_fd >= 0) {
    stoa_sys.close(database->lock_fd);
    database->lock_fd = -1;
  }
}

/* Marks. */

int stoa_database_read_mark(struct stoa_sql *sql, const char *name, int64_t *out_number) {
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare(sql, STOA_SQL_META_READ, &statement);
  if (code == SQLITE_OK) {
    code = stoa_sql_bind_text(statement, 1, stoa_string_of(name));
  }
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  sqlite3_reset(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    return code;
  }
  *out_number = number;
  return SQLITE_OK;
}

static int prepare_put(struct stoa_sql *sql, const char *name, sqlite3_stmt **out_statement) {
  int code = stoa_sql_prepare(sql, STOA_SQL_META_PUT, out_statement);
  return code == SQLITE_OK ? stoa_sql_bind_text(*out_statement, 1, stoa_string_of(name)) : code;
}

int stoa_database_put_mark(struct stoa_sql *sql, const char *name, int64_t number) {
  sqlite3_stmt *statement;
  int code = prepare_put(sql, name, &statement);
  if (code == SQLITE_OK) {
    code = sqlite3_bind_int64(statement, 2, number);
  }
  return code == SQLITE_OK ? stoa_sql_finish(statement) : code;
}

static int put_boot_id(struct stoa_database *database) {
  sqlite3_stmt *statement;
  int code = prepare_put(&database->sql, "boot", &statement);
  if (code == SQLITE_OK) {
    code = stoa_sql_bind_text(statement, 2, stoa_string_of(database->boot_id));
  }
  return code == SQLITE_OK ? stoa_sql_finish(statement) : code;
}

static int is_same_boot(struct stoa_database *database, bool *out_is_same) {
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare(&database->sql, STOA_SQL_META_READ, &statement);
  if (code == SQLITE_OK) {
    code = stoa_sql_bind_text(statement, 1, stoa_string_of("boot"));
  }
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  bool is_same = code == SQLITE_ROW && database->boot_id[0] != '\0' &&
                 stoa_string_equal(stoa_sql_text(statement, 0), stoa_string_of(database->boot_id));
  sqlite3_reset(statement);
  *out_is_same = is_same;
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Without it every unclean stop under `normal` counts as a power cut: more epochs than needed, never fewer. */
static void read_boot_id(struct stoa_database *database) {
  int fd = stoa_sys.open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return;
  }
  ssize_t len = stoa_sys.read(fd, database->boot_id, STOA_DATABASE_BOOT_ID_LEN_MAX);
  database->boot_id[len > 0 ? len : 0] = '\0';
  stoa_sys.close(fd);
}

int stoa_database_epoch(const struct stoa_database *database, uint64_t *out_epoch) {
  uint64_t epoch;
  int status = database->random(&epoch, sizeof epoch);
  if (status == STOA_OK) {
    *out_epoch = (epoch & INT64_MAX) | 1;
  }
  return status;
}

static int begin_epochs(struct stoa_database *database) {
  uint64_t epoch;
  if (stoa_database_epoch(database, &epoch) != STOA_OK) {
    return SQLITE_IOERR;
  }
  const int64_t numbers[] = {(int64_t)epoch};
  return stoa_sql_do_numbers(&database->sql, STOA_SQL_NEW_EPOCHS, numbers, 1);
}

/* After an unclean stop under `normal` in another life of the machine, acknowledged messages may be missing. */
static int mark_open(struct stoa_database *database) {
  struct stoa_sql *sql = &database->sql;
  int64_t was_open = 0;
  int64_t was_normal = 0;
  bool is_same = false;
  int code = stoa_database_read_mark(sql, "open", &was_open);
  code = code == SQLITE_OK ? stoa_database_read_mark(sql, "normal", &was_normal) : code;
  code = code == SQLITE_OK ? is_same_boot(database, &is_same) : code;
  if (code == SQLITE_OK && was_open != 0 && was_normal != 0 && !is_same && !database->was_checked) {
    code = begin_epochs(database);
  }
  code = code == SQLITE_OK ? stoa_database_put_mark(sql, "open", 1) : code;
  code = code == SQLITE_OK ? stoa_database_put_mark(sql, "normal", database->durability == STOA_LOCAL_NORMAL) : code;
  return code == SQLITE_OK ? put_boot_id(database) : code;
}

/* In one transaction, which is rolled back when something fails. */
static int mark(struct stoa_database *database, int (*change)(struct stoa_database *database)) {
  struct stoa_sql *sql = &database->sql;
  int code = stoa_sql_do(sql, STOA_SQL_BEGIN);
  if (code != SQLITE_OK) {
    return code;
  }
  code = change(database);
  if (code == SQLITE_OK) {
    code = stoa_sql_do(sql, STOA_SQL_COMMIT);
  }
  if (code != SQLITE_OK && sqlite3_get_autocommit(sql->db) == 0) {
    stoa_sql_do(sql, STOA_SQL_ROLLBACK);
  }
  return code;
}

static int mark_closed(struct stoa_database *database) {
  return stoa_database_put_mark(&database->sql, "open", 0);
}

/* Opening. */

static int set_up(struct stoa_sql *sql) {
  sqlite3 *db = sql->db;
  sqlite3_busy_timeout(db, STOA_DATABASE_BUSY_MS);
  /* A checkpoint by close() would copy what no sync has stored. */
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  int code = stoa_sql_run(sql, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY");
  return code;
}

static int count_frames(void *context, sqlite3 *db, const char *name, int frames) {
  struct stoa_database *database = context;
  (void)db;
  (void)name;
  database->wal_frames = frames;
  return SQLITE_OK;
}

/* A hook takes the place of SQLite's own checkpoints, whose errors nobody would see. */
static int use_wal(struct stoa_database *database) {
  struct stoa_sql *sql = &database->sql;
  int64_t mode;
  int64_t is_wal = 0;
  int code = stoa_sql_read_number(sql, "PRAGMA journal_mode = WAL", &mode);
  code = code == SQLITE_OK ? stoa_sql_read_number(sql, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_wal)
                           : code;
  if (code == SQLITE_OK && is_wal == 0) {
    return SQLITE_CANTOPEN;
  }
  code = code == SQLITE_OK ? stoa_sql_run(sql, "PRAGMA secure_delete = ON; PRAGMA cache_size = -16384") : code;
  if (code == SQLITE_OK) {
    code = stoa_sql_run(
        sql, database->durability == STOA_LOCAL_FULL ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  }
  sqlite3_wal_hook(sql->db, count_frames, database);
  return code;
}

/* The write lock keeps others from the WAL while it is written again. */
static int heal(struct stoa_database *database) {
  struct stoa_sql *sql = &database->sql;
  int code = stoa_sql_do(sql, STOA_SQL_BEGIN);
  if (code != SQLITE_OK) {
    return code;
  }
  code = stoa_wal_rewrite(sql->db, database->vfs);
  int end = stoa_sql_do(sql, STOA_SQL_ROLLBACK);
  code = code == SQLITE_OK ? end : code;
  return code == SQLITE_OK ? stoa_database_truncate(database) : code;
}

/* The whole file is read, so only after an unclean stop, and only when it is small. */
static int check_content(struct stoa_database *database) {
  int64_t was_open = 0;
  int64_t version = 0;
  int64_t pages = 0;
  int code = stoa_sql_read_number(&database->sql, "PRAGMA user_version", &version);
  if (code != SQLITE_OK || version == 0 || database->was_checked) {
    return code;
  }
  code = stoa_database_read_mark(&database->sql, "open", &was_open);
  code = code == SQLITE_OK ? stoa_sql_read_number(&database->sql, "PRAGMA page_count", &pages) : code;
  if (code != SQLITE_OK || was_open == 0 || pages > CHECKED_PAGES_MAX) {
    return code;
  }
  sqlite3_stmt *statement;
  code = sqlite3_prepare_v2(database->sql.db, "PRAGMA quick_check(1)", -1, &statement, NULL);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  bool is_fine = code == SQLITE_ROW && stoa_string_equal(stoa_sql_text(statement, 0), stoa_string_of("ok"));
  sqlite3_finalize(statement);
  return code != SQLITE_ROW ? code : is_fine ? SQLITE_OK : SQLITE_CORRUPT;
}

static int open_steps(struct stoa_database *database) {
  int code = use_wal(database);
  code = code == SQLITE_OK ? heal(database) : code;
  code = code == SQLITE_OK ? check_content(database) : code;
  code = code == SQLITE_OK ? stoa_schema_migrate(&database->sql) : code;
  code = code == SQLITE_OK ? mark(database, mark_open) : code;
  return code == SQLITE_OK ? stoa_database_truncate(database) : code;
}

int stoa_database_open(struct stoa_database *database, const char **out_reason) {
  assert(database->sql.db == NULL);
  if (database->boot_id[0] == '\0' && database->vfs == NULL) {
    read_boot_id(database);
  }
  int code = stoa_sql_open(&database->sql, database->path, database->vfs, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  int status = STOA_OK;
  if (code == SQLITE_OK) {
    code = set_up(&database->sql);
  }
  if (code == SQLITE_OK) {
    status = stoa_schema_check(&database->sql, out_reason);
    code = status == STOA_OK ? open_steps(database) : code;
  }
  if (code != SQLITE_OK) {
    *out_reason = stoa_trouble_reason(code);
    status = stoa_trouble_status(code);
  }
  if (status != STOA_OK) {
    stoa_database_abandon(database);
    return status;
  }
  database->was_checked = true;
  return STOA_OK;
}

void stoa_database_abandon(struct stoa_database *database) {
  stoa_sql_close(&database->sql);
}

void stoa_database_close(struct stoa_database *database) {
  /* The mark is stored by the checkpoint. When one of them fails, the stop was not clean. */
  if (database->sql.db != NULL && mark(database, mark_closed) == SQLITE_OK) {
    int ignored = stoa_database_truncate(database);
    (void)ignored;
  }
  stoa_database_abandon(database);
}

int stoa_database_open_reader(const struct stoa_database *database, struct stoa_sql *out_sql) {
  int code = stoa_sql_open(out_sql, database->path, database->vfs, SQLITE_OPEN_READWRITE);
  if (code != SQLITE_OK) {
    return code;
  }
  code = set_up(out_sql);
  code = code == SQLITE_OK ? stoa_sql_run(out_sql, "PRAGMA query_only = ON; PRAGMA cache_size = -8192") : code;
  if (code != SQLITE_OK) {
    stoa_sql_close(out_sql);
  }
  return code;
}

int stoa_database_checkpoint(struct stoa_database *database) {
  return sqlite3_wal_checkpoint_v2(database->sql.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

int stoa_database_truncate(struct stoa_database *database) {
  int code = sqlite3_wal_checkpoint_v2(database->sql.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  if (code == SQLITE_OK) {
    database->wal_frames = 0;
  }
  return code;
}
