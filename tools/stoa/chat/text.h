/* chat/text.h: texts of other people, made harmless and measured for a terminal.
 *
 * A terminal obeys what it is sent: ESC begins commands that move the cursor, change the title or write the clipboard.
 * So only what chat_text_append() has written goes to a terminal.
 *
 * Columns are those of wcwidth(3) in the program's locale, which has to be UTF-8.
 *
 * Thread: any. Pure.
 */
#ifndef STOA_TOOL_CHAT_TEXT_H
#define STOA_TOOL_CHAT_TEXT_H

#include <stoa/buffer.h>

enum chat_text_lines {
  CHAT_TEXT_KEEP_LINES, /* line feeds stay */
  CHAT_TEXT_ONE_LINE    /* they become blanks */
};

/* Append a text that does nothing in a terminal. Controls (C0, DEL, C1), and format characters that reorder or hide
 * text, are shown as \x1b or \u202e; a tab becomes a blank. Bytes that are not UTF-8 become U+FFFD. Joiners and
 * variation selectors are left out, because terminals do not agree on their columns. Errors: as stoa_buffer_append(); a
 * part may have been written */
int chat_text_append(struct stoa_buffer *out, struct stoa_string text, enum chat_text_lines lines);

/* What is drawn into one cell: a character and the marks on it. `at` is below text.len. Returns where the next one
 * begins. out_columns: 0 for a line feed; may be NULL */
size_t chat_text_next(struct stoa_string text, size_t at, int *out_columns);
/* Where the one before `at` begins; `at` is above 0. */
size_t chat_text_previous(struct stoa_string text, size_t at);

int chat_text_columns(struct stoa_string text);

/* One row of a text that is wrapped at blanks, or anywhere when a word is longer than a row. Returns the end of the row
 * that begins at `at`; *out_next is where the next row begins, which is text.len at the end. */
size_t chat_text_row(struct stoa_string text, size_t at, int columns, size_t *out_next);

#endif
