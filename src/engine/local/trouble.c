#include "engine/local/trouble.h"

#include <sqlite3.h>
#include <stoa/status.h>

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

const char *stoa_trouble_reason(int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
      return "";
    case SQLITE_FULL:
      return "the disk is full";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process has the database locked";
    case SQLITE_NOTADB:
      return "the file is not a database";
    case SQLITE_CORRUPT:
      return "the database is damaged";
    case SQLITE_NOMEM:
      return "memory is out";
    case SQLITE_CANTOPEN:
      return "the file cannot be opened";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "the file cannot be written";
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
