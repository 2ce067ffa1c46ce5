#include "engine/local/text_index.h"

#include <stddef.h>

/* Pages of one step: about 5 ms. */
#define MERGE_PAGES 64

bool stoa_text_index_text(const struct stoa_engine_text *text, const struct stoa_row *row,
                          struct stoa_string *out_text) {
  return text->read != NULL && row->draft.body.len > 0 &&
         text->read(text->context, row->draft.type, row->draft.body, out_text) && out_text->len > 0;
}

static int run_with_text(struct stoa_sql *sql, enum stoa_sql_statement which, int64_t seq, struct stoa_string text) {
  sqlite3_stmt *statement;
  const int64_t numbers[] = {seq};
  int code = stoa_sql_prepare_numbers(sql, which, numbers, 1, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 2, text) : code;
  if (code == SQLITE_OK) {
    code = stoa_sql_finish(statement);
    sqlite3_clear_bindings(statement);
  }
  return code;
}

int stoa_text_index_remove(struct stoa_sql *sql, const struct stoa_engine_text *text, const struct stoa_row *row,
                           int64_t indexed) {
  struct stoa_string found;
  if (row->seq > indexed || !stoa_text_index_text(text, row, &found)) {
    return SQLITE_OK;
  }
  return run_with_text(sql, STOA_SQL_INDEX_REMOVE, row->seq, found);
}

int stoa_text_index_add_next(struct stoa_sql *sql, const struct stoa_engine_text *text, int64_t *indexed,
                             bool *out_is_done) {
  sqlite3_stmt *statement;
  struct stoa_row row;
  struct stoa_string found;
  const int64_t numbers[] = {*indexed};
  int code = stoa_sql_prepare_numbers(sql, STOA_SQL_INDEX_NEXT, numbers, 1, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  *out_is_done = code == SQLITE_DONE;
  if (code == SQLITE_ROW) {
    code = stoa_row_read(statement, &row);
    if (code == SQLITE_OK && stoa_text_index_text(text, &row, &found)) {
      code = run_with_text(sql, STOA_SQL_INDEX_ADD, row.seq, found);
    }
    if (code == SQLITE_OK) {
      *indexed = row.seq;
    }
  }
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* SQLite's manual: the first call has a negative number, and merging is over when a call changes fewer than two rows.
 */
int stoa_text_index_merge(struct stoa_sql *sql, bool is_first, bool *out_is_done) {
  int before = sqlite3_total_changes(sql->db);
  const int64_t numbers[] = {is_first ? -MERGE_PAGES : MERGE_PAGES};
  int code = stoa_sql_do_numbers(sql, STOA_SQL_INDEX_MERGE, numbers, 1);
  *out_is_done = code == SQLITE_OK && sqlite3_total_changes(sql->db) - before < 2;
  return code;
}
