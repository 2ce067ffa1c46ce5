/* chat/rows.h: the rows that a screen shows of a room: its messages, wrapped to the width, and notices between them.
 *
 * Rows are made from the bottom, as many as are shown, so the cost does not depend on how many messages there are.
 *
 * Does not know: terminals.
 * Thread: one. Lifetime: the caller's memory; init and fini. Rows are valid until the next build.
 */
#ifndef STOA_TOOL_CHAT_ROWS_H
#define STOA_TOOL_CHAT_ROWS_H

#include <stoa/buffer.h>

#include "chat/link.h"

#define CHAT_ROWS_MAX 1024u
#define CHAT_NOTICES_MAX 200u

enum chat_row_style {
  CHAT_ROW_TEXT,
  CHAT_ROW_OWN, /* of this user */
  CHAT_ROW_DIM, /* deleted, pending, reactions */
  CHAT_ROW_NOTICE,
  CHAT_ROW_DAY
};

struct chat_row {
  uint64_t offset; /* of its message; 0: none */
  uint32_t color;  /* of the nick: a hash of the user's id */
  enum chat_row_style style;
  bool has_nick;     /* it begins with time and nick */
  bool is_mention;   /* it names this user */
  size_t first, len; /* the text after the nick, in `texts` */
  size_t nick_first, nick_len;
  char time[8]; /* "12:03"; "" when it is that of the row above */
};

struct chat_notice {
  uint64_t after; /* the newest offset when it came */
  char *text;
};

struct chat_rows {
  struct chat_notice notices[CHAT_NOTICES_MAX];
  size_t notice_count;
  struct chat_row *rows; /* the last one first */
  size_t count;
  struct stoa_buffer texts;
  bool is_at_top; /* the oldest known message is among them */
};

/* False: memory is out. */
bool chat_rows_init(struct chat_rows *rows);
void chat_rows_fini(struct chat_rows *rows);

/* text: harmless, one line */
void chat_rows_add_notice(struct chat_rows *rows, uint64_t after, const char *text);

/* Make the last `wanted` rows, or all. columns: of the text after time and nick */
void chat_rows_build(struct chat_rows *rows, const struct chat_link *link, int columns, size_t wanted);

static inline struct stoa_string chat_row_text(const struct chat_rows *rows, const struct chat_row *row) {
  return stoa_string_make((const char *)rows->texts.data + row->first, row->len);
}
static inline struct stoa_string chat_row_nick(const struct chat_rows *rows, const struct chat_row *row) {
  return stoa_string_make((const char *)rows->texts.data + row->nick_first, row->nick_len);
}

#endif
