/* engine/local/local.h: the engine that stores rooms in a SQLite database, for one process.
 *
 * One thread writes: it stores what waits in one transaction, which ends when the queue is empty, after 512 rows or
 * after 2 ms, and is answered when it is committed. It begins when there are as many messages as the last one had and
 * left waiting, or after half of the time that its commit took. Two threads read, one searches and makes backups.
 *
 * Durability: `full` syncs each commit before it is answered. `normal` does not; a killed process loses nothing, a
 * power cut may lose the last moments. Then, at the next open, all rooms begin a new epoch, because offsets that were
 * acknowledged may be given again.
 *
 * Nothing is answered from what is not on the disk: at every open, and after every failed sync, the WAL is written
 * again and a checkpoint must succeed before the first answer. After SIGKILL between the WAL's write and its sync, the
 * next process would else read rows from the page cache that a power cut still takes; and after a failed sync the
 * kernel counts pages as clean that it has not written.
 *
 * One process: a file beside the database, PATH.lock, is locked with flock(2). SQLite's exclusive mode would also lock
 * out our own readers and the sqlite3 shell; fcntl(2) locks are lost when the process closes any other descriptor of
 * the file. The kernel releases the lock when the process ends, however it ends. The file stays.
 *
 * When a write fails: what is known not to be stored is UNAVAILABLE (disk full, write errors, a lock of another
 * process), reads go on, and each later batch tries again. When a commit fails in another way, such as a failed sync,
 * it is UNKNOWN: the database is closed, opened and read again, and messages that it holds are delivered.
 *
 * Does not know: what is in a body, but for struct stoa_engine_text.
 */
#ifndef STOA_ENGINE_LOCAL_LOCAL_H
#define STOA_ENGINE_LOCAL_LOCAL_H

#include "engine/engine.h"
#include "engine/page.h"

#define STOA_LOCAL_REASON_LEN_MAX 255u

enum stoa_local_durability { STOA_LOCAL_FULL, STOA_LOCAL_NORMAL };

struct stoa_local_engine_options {
  const char *path; /* of the database file; made when missing, its folder is not */
  enum stoa_local_durability durability;
  const struct stoa_clock *clock; /* borrowed as long as the engine. With threads it is the system's */
  bool is_stepped;                /* no threads: stoa_engine_run_one() does the work */
  /* Random bytes for epochs. NULL: stoa_random_pooled() */
  int (*random)(void *data, size_t len);
  const char *vfs;     /* the name of a SQLite VFS, whose files are private: no lock file is made. NULL: SQLite's own */
  const char *boot_id; /* tells one start of the machine from another. NULL: the kernel's */
  struct stoa_engine_text text;
  struct stoa_engine_retention retention; /* of rooms without their own; zeroed: all is kept */
  size_t body_bytes_max;                  /* 0: 64 KiB; at most STOA_ENGINE_BODY_LEN_MAX */
  uint32_t rooms_max;                     /* kept in memory, subscribed ones always; publishes to others are UNAVAILABLE
                                             when all are subscribed. 0: 100,000 */
  size_t recent_bytes_max;                /* of recent messages in memory. 0: 64 MiB */
};

/* Open the database, or make it. Waits for the disk.
 *
 * out_reason  what went wrong, for people: one line without the path
 * Errors: STOA_E_EXISTS       another process has the file, or a lock in it
 *         STOA_E_SYNTAX       the file is damaged, or no database of this kind
 *         STOA_E_UNSUPPORTED  the file was written by a newer version
 *         STOA_E_SYSTEM       files cannot be opened, read, written or synced; no thread
 *         STOA_E_ARGUMENT     body_bytes_max is too great, the path is empty or too long
 *         STOA_E_MEMORY */
int stoa_local_engine_open(const struct stoa_local_engine_options *options, struct stoa_engine **out_engine,
                           char out_reason[STOA_LOCAL_REASON_LEN_MAX + 1]);

#endif
