/* engine/local/database.h: the files of a local engine: opened, checked, healed, and what went wrong with them.
 *
 * Thread: one at a time. Lifetime: zeroed is closed.
 */
#ifndef STOA_ENGINE_LOCAL_DATABASE_H
#define STOA_ENGINE_LOCAL_DATABASE_H

#include "engine/local/local.h"
#include "engine/local/sql.h"

#define STOA_DATABASE_BOOT_ID_LEN_MAX 63u
/* How long one attempt waits for another process's lock. */
#define STOA_DATABASE_BUSY_MS 2000

struct stoa_database {
  const char *path, *vfs;
  enum stoa_local_durability durability;
  int (*random)(void *data, size_t len);
  char boot_id[STOA_DATABASE_BOOT_ID_LEN_MAX + 1];
  int lock_fd;         /* -1: none */
  struct stoa_sql sql; /* the writer's */
  int wal_frames;      /* after the last commit */
  bool was_checked;    /* the marks of the last stop were looked at */
};

/* Take the lock of the path. Errors: STOA_E_EXISTS, STOA_E_SYSTEM */
int stoa_database_lock(struct stoa_database *database);
void stoa_database_unlock(struct stoa_database *database);

/* Open the writer's connection; the checkpoint has succeeded after it. Makes and migrates the schema, and marks the
 * database as open. Errors: as stoa_local_engine_open() */
int stoa_database_open(struct stoa_database *database, const char **out_reason);
/* Mark a clean stop and checkpoint, as far as possible, and close. */
void stoa_database_close(struct stoa_database *database);
/* Close without writing anything. */
void stoa_database_abandon(struct stoa_database *database);

/* A connection that only reads. A code of SQLite. */
int stoa_database_open_reader(const struct stoa_database *database, struct stoa_sql *out_sql);

/* Move the WAL into the database, without waiting for readers. A code of SQLite. */
int stoa_database_checkpoint(struct stoa_database *database);
/* The same completely, and empty the WAL. */
int stoa_database_truncate(struct stoa_database *database);

/* Random, from 1 to INT64_MAX. Errors: STOA_E_SYSTEM */
int stoa_database_epoch(const struct stoa_database *database, uint64_t *out_epoch);

/* Numbers that are kept in the database; 0 when missing. Codes of SQLite. */
int stoa_database_read_mark(struct stoa_sql *sql, const char *name, int64_t *out_number);
int stoa_database_put_mark(struct stoa_sql *sql, const char *name, int64_t number);

#endif
