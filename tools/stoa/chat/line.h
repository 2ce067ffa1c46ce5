/* chat/line.h: the line in which a person types: its text, the cursor, and what keys do to it.
 *
 * Does not know: keys, terminals.
 * Thread: one. Lifetime: the caller's memory; init and fini.
 */
#ifndef STOA_TOOL_CHAT_LINE_H
#define STOA_TOOL_CHAT_LINE_H

#include <stoa/buffer.h>

struct chat_line {
  struct stoa_buffer text; /* UTF-8 */
  size_t cursor;           /* in bytes, between two characters */
};

void chat_line_init(struct chat_line *line, size_t bytes_max);
void chat_line_fini(struct chat_line *line);

static inline struct stoa_string chat_line_text(const struct chat_line *line) {
  return stoa_string_make((const char *)line->text.data, line->text.len);
}

/* Replace the text; the cursor is at its end. False: it is too long, or memory is out; nothing has changed. */
bool chat_line_set(struct chat_line *line, struct stoa_string text);
/* Put text at the cursor; the same errors. */
bool chat_line_insert(struct chat_line *line, struct stoa_string text);
void chat_line_clear(struct chat_line *line);

/* Move by a character, by a word, to an end. At an end they do nothing. */
void chat_line_left(struct chat_line *line);
void chat_line_right(struct chat_line *line);
void chat_line_word_left(struct chat_line *line);
void chat_line_word_right(struct chat_line *line);
void chat_line_home(struct chat_line *line);
void chat_line_end(struct chat_line *line);

/* Remove the character before or at the cursor, the word before it, all before it, all behind it. */
void chat_line_backspace(struct chat_line *line);
void chat_line_delete(struct chat_line *line);
void chat_line_delete_word(struct chat_line *line);
void chat_line_delete_to_start(struct chat_line *line);
void chat_line_delete_to_end(struct chat_line *line);

/* The word before the cursor, which completion replaces: from a blank or the start. */
struct stoa_string chat_line_word(const struct chat_line *line);
/* Replace that word. False as above. */
bool chat_line_replace_word(struct chat_line *line, struct stoa_string word);

/* The part of the text that fits into `columns`, with the cursor in it. Line feeds count as one column.
 *
 * out_first   where it begins, in bytes
 * out_column  where the cursor is in it */
void chat_line_view(const struct chat_line *line, int columns, size_t *out_first, int *out_column);

#endif
