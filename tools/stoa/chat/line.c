#include "chat/line.h"

#include <assert.h>

#include "chat/text.h"

void chat_line_init(struct chat_line *line, size_t bytes_max) {
  stoa_buffer_init(&line->text, bytes_max);
  line->cursor = 0;
}

void chat_line_fini(struct chat_line *line) {
  stoa_buffer_fini(&line->text);
  line->cursor = 0;
}

bool chat_line_set(struct chat_line *line, struct stoa_string text) {
  if (text.len > line->text.len_max ||
      (text.len > line->text.len && stoa_buffer_reserve(&line->text, text.len - line->text.len) != STOA_OK)) {
    return false;
  }
  if (text.len > 0) {
    memmove(line->text.data, text.data, text.len);
  }
  line->text.len = text.len;
  line->cursor = text.len;
  return true;
}

bool chat_line_insert(struct chat_line *line, struct stoa_string text) {
  if (text.len == 0) {
    return true;
  }
  if (stoa_buffer_reserve(&line->text, text.len) != STOA_OK) {
    return false;
  }
  uint8_t *at = line->text.data + line->cursor;
  memmove(at + text.len, at, line->text.len - line->cursor);
  memcpy(at, text.data, text.len);
  line->text.len += text.len;
  line->cursor += text.len;
  return true;
}

void chat_line_clear(struct chat_line *line) {
  line->text.len = 0;
  line->cursor = 0;
}

void chat_line_left(struct chat_line *line) {
  if (line->cursor > 0) {
    line->cursor = chat_text_previous(chat_line_text(line), line->cursor);
  }
}

void chat_line_right(struct chat_line *line) {
  if (line->cursor < line->text.len) {
    line->cursor = chat_text_next(chat_line_text(line), line->cursor, NULL);
  }
}

static bool is_blank_at(const struct chat_line *line, size_t at) {
  return line->text.data[at] == ' ' || line->text.data[at] == '\n';
}

void chat_line_word_left(struct chat_line *line) {
  while (line->cursor > 0 && is_blank_at(line, line->cursor - 1)) {
    line->cursor--;
  }
  while (line->cursor > 0 && !is_blank_at(line, line->cursor - 1)) {
    line->cursor--;
  }
}

void chat_line_word_right(struct chat_line *line) {
  while (line->cursor < line->text.len && is_blank_at(line, line->cursor)) {
    line->cursor++;
  }
  while (line->cursor < line->text.len && !is_blank_at(line, line->cursor)) {
    line->cursor++;
  }
}

void chat_line_home(struct chat_line *line) {
  line->cursor = 0;
}

void chat_line_end(struct chat_line *line) {
  line->cursor = line->text.len;
}

/* Remove what is between the cursor and `to`. */
static void remove_to(struct chat_line *line, size_t to) {
  size_t first = to < line->cursor ? to : line->cursor;
  size_t last = to < line->cursor ? line->cursor : to;
  assert(last <= line->text.len);
  if (first == last) {
    return;
  }
  memmove(line->text.data + first, line->text.data + last, line->text.len - last);
  line->text.len -= last - first;
  line->cursor = first;
}

void chat_line_backspace(struct chat_line *line) {
  size_t from = line->cursor;
  chat_line_left(line);
  remove_to(line, from);
}

void chat_line_delete(struct chat_line *line) {
  if (line->cursor < line->text.len) {
    remove_to(line, chat_text_next(chat_line_text(line), line->cursor, NULL));
  }
}

void chat_line_delete_word(struct chat_line *line) {
  size_t from = line->cursor;
  chat_line_word_left(line);
  remove_to(line, from);
}

void chat_line_delete_to_start(struct chat_line *line) {
  remove_to(line, 0);
}

void chat_line_delete_to_end(struct chat_line *line) {
  remove_to(line, line->text.len);
}

struct stoa_string chat_line_word(const struct chat_line *line) {
  size_t first = line->cursor;
  while (first > 0 && !is_blank_at(line, first - 1)) {
    first--;
  }
  return stoa_string_make((const char *)line->text.data + first, line->cursor - first);
}

bool chat_line_replace_word(struct chat_line *line, struct stoa_string word) {
  size_t before = chat_line_word(line).len;
  if (word.len > before && stoa_buffer_reserve(&line->text, word.len - before) != STOA_OK) {
    return false;
  }
  remove_to(line, line->cursor - before);
  return chat_line_insert(line, word);
}

static int shown_columns(struct stoa_string text, size_t at, size_t *out_next) {
  int columns;
  *out_next = chat_text_next(text, at, &columns);
  return text.data[at] == '\n' ? 1 : columns;
}

void chat_line_view(const struct chat_line *line, int columns, size_t *out_first, int *out_column) {
  struct stoa_string text = chat_line_text(line);
  size_t first = line->cursor;
  int column = 0;
  /* As much as fits before the cursor, which itself needs a column. */
  while (first > 0) {
    size_t next;
    size_t previous = chat_text_previous(text, first);
    int own = shown_columns(text, previous, &next);
    if (column + own > columns - 1) {
      break;
    }
    column += own;
    first = previous;
  }
  *out_first = first;
  *out_column = column;
}
