/* engine/local/wal.h: writes the WAL once more, so that the next sync really stores it.
 *
 * After a failed sync the kernel counts the pages of the file as clean although the disk does not have them: they can
 * be read, and no later sync writes them. A checkpoint would copy some of them into the database, and a power cut in
 * the middle of it would leave a database that neither has them nor can get them from the WAL. Bytes that are written
 * again are dirty again.
 *
 * Thread: one at a time.
 */
#ifndef STOA_ENGINE_LOCAL_WAL_H
#define STOA_ENGINE_LOCAL_WAL_H

#include <sqlite3.h>

/* To be called while the connection holds the write lock, so that nobody else writes to the WAL. No file is fine.
 * A code of SQLite. */
int stoa_wal_rewrite(sqlite3 *db, const char *vfs);

#endif
