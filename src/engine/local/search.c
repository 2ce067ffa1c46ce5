#include "engine/local/search.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "engine/local/database.h"
#include "engine/local/read.h"
#include "engine/local/text_index.h"

#include <assert.h>

/* How many messages one search looks at. */
#define LOOKED_AT_MAX 20000u
/* And for how long, with a look at the clock for so many. */
#define SEARCH_NS (UINT64_C(25) * STOA_NS_PER_MS)
#define LOOKED_AT_STEP 64u
#define INDEXED_CHARACTERS 3

struct search {
  const struct stoa_engine_text *text;
  struct stoa_room_row room;
  int64_t indexed;
  const struct stoa_clock *clock;
  uint64_t end_ns;
  uint32_t looked_at;
  bool is_cut;
  int64_t below;    /* seq: messages above it were looked at one by one */
  uint64_t offset;  /* of the room's message with that seq */
  uint64_t foreign; /* messages of other rooms that the index found */
};

/* Has it looked at enough? Not before some messages, so that each search gets on. */
static bool is_over(struct search *search) {
  search->looked_at++;
  bool is_late = search->looked_at % LOOKED_AT_STEP == 0 && stoa_clock_monotonic_ns(search->clock) >= search->end_ns;
  return is_late || search->looked_at > LOOKED_AT_MAX;
}

static int characters(struct stoa_string text) {
  int count = 0;
  for (size_t i = 0; i < text.len; i++) {
    count += ((uint8_t)text.data[i] & 0xc0) != 0x80;
  }
  return count;
}

/* End with what was found; the search goes on with the message of that offset. */
static void cut(struct search *search, struct stoa_engine_request *request, uint64_t offset) {
  search->is_cut = true;
  request->answer.continue_before = offset + 1;
}

static int add(struct search *search, struct stoa_engine_request *request, const struct stoa_row *row) {
  struct stoa_engine_message *message;
  size_t len = request->room.len + row->draft.sender.len + row->draft.client_msg_id.len + row->draft.body.len;
  if (!stoa_engine_page_has_room(request, len)) {
    cut(search, request, row->place.offset);
    return SQLITE_OK;
  }
  int code = stoa_row_message(row, request->room, search->room.counters.bounds.epoch, &message);
  if (code != SQLITE_OK) {
    return code;
  }
  int status = stoa_engine_request_add_message(request, message);
  stoa_engine_message_unref(message);
  return status == STOA_OK ? SQLITE_OK : SQLITE_NOMEM;
}

/* One by one, newest first, below the offset `before` (0: from the top), while their seq is above `end`. */
static int scan(struct stoa_sql *sql, struct search *search, struct stoa_engine_request *request, uint64_t before,
                int64_t end) {
  sqlite3_stmt *statement;
  const int64_t numbers[] = {search->room.counters.id, before == 0 ? INT64_MAX : (int64_t)before, 0};
  int code = stoa_sql_prepare_numbers(sql, STOA_SQL_MESSAGE_BACKWARD, numbers, 3, &statement);
  search->below = 0;
  while (code == SQLITE_OK && !search->is_cut && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    struct stoa_row row;
    code = stoa_row_read(statement, &row);
    if (code == SQLITE_OK && row.seq <= end) {
      search->below = row.seq;
      search->offset = row.place.offset;
      break;
    }
    if (code == SQLITE_OK && is_over(search)) {
      cut(search, request, row.place.offset);
    } else if (code == SQLITE_OK &&
               stoa_engine_text_matches(search->text, row.draft.type, row.draft.body, request->key)) {
      code = add(search, request, &row);
    }
  }
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* A phrase of FTS5: in quotes, with quotes doubled, it has no operators. The caller frees it. */
static char *quote(struct stoa_string text) {
  char *phrase = stoa_alloc(2 * text.len + 3);
  if (phrase == NULL) {
    return NULL;
  }
  char *at = phrase;
  *at++ = '"';
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == '"') {
      *at++ = '"';
    }
    *at++ = text.data[i];
  }
  *at++ = '"';
  *at = '\0';
  return phrase;
}

/* The offset of the room's newest message at or below a seq; 0: there is none. Along a room both grow, so it is found
 * by halving. */
static int offset_at(struct stoa_sql *sql, const struct search *search, int64_t seq, uint64_t *out_offset) {
  uint64_t low = search->room.counters.bounds.floor;
  uint64_t high = search->room.counters.bounds.top;
  while (low < high) {
    sqlite3_stmt *statement;
    uint64_t middle = low + (high - low + 1) / 2;
    const int64_t numbers[] = {search->room.counters.id, (int64_t)middle};
    int code = stoa_sql_prepare_numbers(sql, STOA_SQL_MESSAGE_AT, numbers, 2, &statement);
    if (code != SQLITE_OK) {
      return code;
    }
    struct stoa_row row;
    code = sqlite3_step(statement);
    code = code == SQLITE_ROW ? stoa_row_read(statement, &row) : code == SQLITE_DONE ? SQLITE_CORRUPT : code;
    sqlite3_reset(statement);
    if (code != SQLITE_OK) {
      return code;
    }
    if (row.seq <= seq) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  *out_offset = low;
  return SQLITE_OK;
}

/* A message that the index has found, if it is of the room. */
static int add_indexed(struct stoa_sql *sql, struct search *search, struct stoa_engine_request *request, int64_t seq) {
  sqlite3_stmt *statement;
  struct stoa_row row;
  const int64_t numbers[] = {seq, search->room.counters.id};
  int code = stoa_sql_prepare_numbers(sql, STOA_SQL_MESSAGE_BY_SEQ, numbers, 2, &statement);
  if (code != SQLITE_OK) {
    return code;
  }
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    code = stoa_row_read(statement, &row);
    code = code == SQLITE_OK && !row.place.is_redacted ? add(search, request, &row) : code;
  }
  search->foreign += code == SQLITE_DONE ? 1 : 0;
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int cut_at(struct stoa_sql *sql, struct search *search, struct stoa_engine_request *request, int64_t seq) {
  uint64_t offset = 0;
  int code = offset_at(sql, search, seq, &offset);
  if (code == SQLITE_OK && offset > search->room.counters.bounds.floor) {
    cut(search, request, offset);
  }
  return code;
}

/* The index is of all rooms. When it has found more messages of others than this one has left, to look at those one by
 * one is cheaper: so a word that is common elsewhere costs a small room no more than twice that. */
static bool is_scan_cheaper(const struct search *search) {
  return search->foreign > search->offset - search->room.counters.bounds.floor;
}

/* *out_offset: where to go on one by one; 0: nowhere. */
static int walk_index(struct stoa_sql *sql, struct search *search, struct stoa_engine_request *request,
                      const char *phrase, uint64_t *out_offset) {
  sqlite3_stmt *statement;
  int code = stoa_sql_prepare(sql, STOA_SQL_INDEX_FIND, &statement);
  code = code == SQLITE_OK ? stoa_sql_bind_text(statement, 1, stoa_string_of(phrase)) : code;
  code = code == SQLITE_OK ? sqlite3_bind_int64(statement, 2, search->below) : code;
  while (code == SQLITE_OK && !search->is_cut && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    int64_t seq = sqlite3_column_int64(statement, 0);
    if (is_scan_cheaper(search)) {
      code = offset_at(sql, search, seq, out_offset);
      break;
    }
    if (is_over(search)) {
      code = cut_at(sql, search, request, seq);
      break;
    }
    code = add_indexed(sql, search, request, seq);
  }
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int find_indexed(struct stoa_sql *sql, struct search *search, struct stoa_engine_request *request) {
  if (search->is_cut || search->below == 0) {
    return SQLITE_OK;
  }
  char *phrase = quote(request->key);
  if (phrase == NULL) {
    return SQLITE_NOMEM;
  }
  uint64_t offset = 0;
  int code = walk_index(sql, search, request, phrase, &offset);
  stoa_free(phrase);
  bool goes_on = code == SQLITE_OK && offset > search->room.counters.bounds.floor;
  return goes_on ? scan(sql, search, request, offset + 1, 0) : code;
}

static int read_search(struct stoa_sql *sql, struct stoa_engine_request *request, void *context) {
  struct search *search = context;
  int code = stoa_room_row_find(sql, request->room, &search->room);
  code = code == SQLITE_OK ? stoa_database_read_mark(sql, STOA_TEXT_INDEX_MARK, &search->indexed) : code;
  if (code != SQLITE_OK || search->room.counters.id == 0) {
    request->answer.is_complete = true;
    return code;
  }
  request->bytes = 0;
  bool uses_index = characters(request->key) >= INDEXED_CHARACTERS;
  code = scan(sql, search, request, request->query.before, uses_index ? search->indexed : 0);
  code = code == SQLITE_OK && uses_index ? find_indexed(sql, search, request) : code;
  request->answer.is_complete = !search->is_cut;
  return code;
}

void stoa_local_search(struct stoa_sql *sql, const struct stoa_engine_text *text, const struct stoa_clock *clock,
                       struct stoa_engine_request *request) {
  struct search search = {.text = text, .clock = clock, .end_ns = stoa_clock_monotonic_ns(clock) + SEARCH_NS};
  stoa_local_read_in_transaction(sql, request, read_search, &search);
}
