#include "engine/local/wal.h"

#include "base/memory.h"

#include <stdint.h>

#define BLOCK_BYTES 65536

static int rewrite_blocks(sqlite3_file *file, uint8_t *block) {
  sqlite3_int64 size = 0;
  int code = file->pMethods->xFileSize(file, &size);
  for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += BLOCK_BYTES) {
    int len = size - at < BLOCK_BYTES ? (int)(size - at) : BLOCK_BYTES;
    code = file->pMethods->xRead(file, block, len, at);
    if (code == SQLITE_OK) {
      code = file->pMethods->xWrite(file, block, len, at);
    }
  }
  return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

static int rewrite_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file) {
  int flags = 0;
  uint8_t *block = stoa_alloc(BLOCK_BYTES);
  if (block == NULL) {
    return SQLITE_NOMEM;
  }
  file->pMethods = NULL;
  int code = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, &flags);
  if (code == SQLITE_OK) {
    code = (flags & SQLITE_OPEN_READONLY) != 0 ? SQLITE_READONLY : rewrite_blocks(file, block);
  }
  if (file->pMethods != NULL) {
    file->pMethods->xClose(file);
  }
  stoa_free(block);
  return code;
}

int stoa_wal_rewrite(sqlite3 *db, const char *vfs_name) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
  int exists = 0;
  if (vfs == NULL) {
    return SQLITE_CANTOPEN;
  }
  /* In the form that the VFS of SQLite wants: absolute, with the text that follows every name. */
  const char *name = sqlite3_filename_wal(sqlite3_db_filename(db, "main"));
  int code = name == NULL ? SQLITE_CANTOPEN : vfs->xAccess(vfs, name, SQLITE_ACCESS_EXISTS, &exists);
  if (code != SQLITE_OK || exists == 0) {
    return code;
  }
  sqlite3_file *file = stoa_calloc(1, (size_t)vfs->szOsFile);
  if (file == NULL) {
    return SQLITE_NOMEM;
  }
  code = rewrite_file(vfs, name, file);
  stoa_free(file);
  return code;
}
