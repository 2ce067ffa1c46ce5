#include "engine/local/trouble.h"

#include <sqlite3.h>
#include <stoa/status.h>
#include <string.h>

/* Before its commit a transaction is rolled back, and nothing of it is stored. At the commit itself SQLite writes the
 * frames of the WAL, the one that makes them valid last, and then syncs. So when a write fails, nothing is stored. In
 * every other case it may be stored: when the sync fails, or when what follows it does. */
enum stoa_trouble stoa_trouble_of(int code, bool is_commit) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) {
    return STOA_TROUBLE_NONE;
  }
  if (code == SQLITE_IOERR_WRITE) {
    return STOA_TROUBLE_LATER;
  }
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
      return STOA_TROUBLE_LATER;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return is_commit ? STOA_TROUBLE_BROKEN : STOA_TROUBLE_LATER;
    default:
      return STOA_TROUBLE_BROKEN;
  }
}

#define DISK_IS_FULL "the disk is full"
#define IS_LOCKED "another process has the database locked"
#define CANNOT_WRITE "the file cannot be written"
#define IS_DAMAGED "the database is damaged"

const char *stoa_trouble_advice(const char *reason) {
  static const char *const advice[][2] = {
      {DISK_IS_FULL, "free space on this disk; no restart is needed"},
      {IS_LOCKED, "end the process that has it open, such as a shell of sqlite3"},
      {CANNOT_WRITE, "let this user write to the file and its folder; no restart is needed"},
      {IS_DAMAGED, "restore a backup"},
  };
  for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++) {
    if (strcmp(reason, advice[i][0]) == 0) {
      return advice[i][1];
    }
  }
  return "look at the disk and the kernel's log; no restart is needed";
}

const char *stoa_trouble_reason(int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
      return "";
    case SQLITE_FULL:
      return DISK_IS_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return IS_LOCKED;
    case SQLITE_NOTADB:
      return "the file is not a database";
    case SQLITE_CORRUPT:
      return IS_DAMAGED;
    case SQLITE_NOMEM:
      return "memory is out";
    case SQLITE_CANTOPEN:
      return "the file cannot be opened";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return CANNOT_WRITE;
    case SQLITE_IOERR:
      return code == SQLITE_IOERR_FSYNC ? "a sync of the disk failed" : "the disk cannot be read or written";
    default:
      return "the database failed";
  }
}

int stoa_trouble_status(int code) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:
      return STOA_E_SYNTAX;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return STOA_E_EXISTS;
    case SQLITE_NOMEM:
      return STOA_E_MEMORY;
    default:
      return STOA_E_SYSTEM;
  }
}
