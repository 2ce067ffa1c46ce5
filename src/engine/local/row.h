/* engine/local/row.h: a row of the table of messages.
 *
 * A damaged file may give any value: rows that no message can have are SQLITE_CORRUPT.
 * Thread: one at a time.
 */
#ifndef STOA_ENGINE_LOCAL_ROW_H
#define STOA_ENGINE_LOCAL_ROW_H

#include "engine/local/rooms.h"
#include "engine/local/sql.h"

/* Views, borrowed until the statement's next step. */
struct stoa_row {
  int64_t seq;
  struct stoa_engine_place place; /* without epoch */
  struct stoa_engine_draft draft;
};

int stoa_row_read(sqlite3_stmt *statement, struct stoa_row *out_row);
/* Bind a message, whose place is set, to STOA_SQL_MESSAGE_ADD. */
int stoa_row_bind(sqlite3_stmt *statement, int64_t room, int64_t seq, const struct stoa_engine_message *message);
/* A message of the row. */
int stoa_row_message(const struct stoa_row *row, struct stoa_string room, uint64_t epoch,
                     struct stoa_engine_message **out_message);

/* How much of a room is kept, from its row; false: the engine's retention counts. */
struct stoa_room_row {
  struct stoa_local_counters counters; /* id 0: there is no such room */
  bool has_retention;
  struct stoa_engine_retention retention;
};
int stoa_room_row_find(struct stoa_sql *sql, struct stoa_string name, struct stoa_room_row *out_row);

#endif
