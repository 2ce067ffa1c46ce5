#include "chat/text.h"

#include <assert.h>
#include <stdio.h>
#include <wchar.h>

#define REPLACEMENT 0xfffdu
/* Marks on one character; more would draw over the rows around it. */
#define MARKS_MAX 3

/* The code point at `at`, and its bytes; what is not UTF-8 is REPLACEMENT and one byte. */
static uint32_t decode(struct stoa_string text, size_t at, size_t *out_len) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *bytes = (const unsigned char *)text.data + at;
  unsigned char first = bytes[0];
  size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  *out_len = 1;
  if (len <= 1) {
    return len == 1 ? first : REPLACEMENT;
  }
  if (len > text.len - at) {
    return REPLACEMENT;
  }
  uint32_t code = first & (0x7fu >> len);
  for (size_t i = 1; i < len; i++) {
    if ((bytes[i] & 0xc0) != 0x80) {
      return REPLACEMENT;
    }
    code = code << 6 | (bytes[i] & 0x3fu);
  }
  if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    return REPLACEMENT;
  }
  *out_len = len;
  return code;
}

static bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/* Characters without a form of their own that change how others are shown. */
static bool is_hidden(uint32_t code) {
  return code == 0xad || code == 0x61c || code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

static bool is_left_out(uint32_t code) {
  return code == 0x200c || code == 0x200d || (code >= 0xfe00 && code <= 0xfe0f);
}

static int columns_of(uint32_t code) {
  int columns = wcwidth((wchar_t)code);
  return columns < 0 ? 1 : columns; /* unknown to the locale: terminals mostly use one */
}

static int append_code(struct stoa_buffer *out, struct stoa_string text, size_t at, size_t len, uint32_t code,
                       enum chat_text_lines lines) {
  char shown[12];
  if (code == '\n' && lines == CHAT_TEXT_KEEP_LINES) {
    return stoa_buffer_append(out, "\n", 1);
  }
  if (code == '\n' || code == '\t') {
    return stoa_buffer_append(out, " ", 1);
  }
  if (is_left_out(code)) {
    return STOA_OK;
  }
  if (code == REPLACEMENT) {
    return stoa_buffer_append(out, "\xef\xbf\xbd", 3);
  }
  if (is_control(code) || is_hidden(code)) {
    int shown_len = snprintf(shown, sizeof shown, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
    assert(shown_len > 0 && (size_t)shown_len < sizeof shown);
    return stoa_buffer_append(out, shown, (size_t)shown_len);
  }
  return stoa_buffer_append(out, text.data + at, len);
}

int chat_text_append(struct stoa_buffer *out, struct stoa_string text, enum chat_text_lines lines) {
  int status = STOA_OK;
  size_t len = 0;
  int marks = 0;
  for (size_t at = 0; at < text.len && status == STOA_OK; at += len) {
    uint32_t code = decode(text, at, &len);
    bool is_mark = code >= 0x300 && !is_left_out(code) && !is_hidden(code) && columns_of(code) == 0;
    marks = is_mark ? marks + 1 : 0;
    if (marks <= MARKS_MAX) {
      status = append_code(out, text, at, len, code, lines);
    }
  }
  return status;
}

size_t chat_text_next(struct stoa_string text, size_t at, int *out_columns) {
  assert(at < text.len);
  size_t len;
  uint32_t code = decode(text, at, &len);
  int columns = code == '\n' ? 0 : columns_of(code);
  at += len;
  if (code != '\n') {
    for (; at < text.len; at += len) {
      uint32_t mark = decode(text, at, &len);
      if (mark < 0x300 || columns_of(mark) != 0) {
        break;
      }
    }
  }
  if (out_columns != NULL) {
    *out_columns = columns;
  }
  return at;
}

size_t chat_text_previous(struct stoa_string text, size_t at) {
  assert(at > 0 && at <= text.len);
  /* No character with its marks is longer than this, see chat_text_append(); typed text may have more marks, which then
   * count as characters of their own. */
  size_t from = at > 32 ? at - 32 : 0;
  while (from < at && ((unsigned char)text.data[from] & 0xc0) == 0x80) {
    from++;
  }
  size_t previous = from;
  for (size_t next = from; next < at; next = chat_text_next(text, next, NULL)) {
    previous = next;
  }
  return previous;
}

int chat_text_columns(struct stoa_string text) {
  int columns = 0;
  for (size_t at = 0; at < text.len;) {
    int own;
    at = chat_text_next(text, at, &own);
    columns += own;
  }
  return columns;
}

size_t chat_text_row(struct stoa_string text, size_t at, int columns, size_t *out_next) {
  size_t blank = 0; /* after the last blank in this row */
  int used = 0;
  size_t first = at;
  while (at < text.len) {
    int own;
    size_t next = chat_text_next(text, at, &own);
    if (text.data[at] == '\n') {
      *out_next = next;
      return at;
    }
    if (used + own > columns && at > first) {
      *out_next = blank > first ? blank : at;
      return *out_next;
    }
    used += own;
    blank = text.data[at] == ' ' ? next : blank;
    at = next;
  }
  *out_next = text.len;
  return at;
}
