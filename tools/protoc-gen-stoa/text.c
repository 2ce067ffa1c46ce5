#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

void text_add_bytes(struct text *text, const char *data, size_t len) {
  if (text->capacity - text->len <= len) {
    size_t capacity = (text->len + len + 1) * 2;
    char *grown = pool_array(capacity, 1);
    if (text->len > 0) {
      memcpy(grown, text->data, text->len);
    }
    text->data = grown;
    text->capacity = capacity;
  }
  if (len > 0) {
    memcpy(text->data + text->len, data, len);
  }
  text->len += len;
  assert(text->len < text->capacity);
  text->data[text->len] = '\0';
}

void text_add(struct text *text, const char *added) {
  text_add_bytes(text, added, strlen(added));
}

__attribute__((format(printf, 1, 0))) static char *format_pooled(const char *format, va_list arguments) {
  char *formatted;
  int len = vasprintf(&formatted, format, arguments);
  if (len < 0) {
    pool_die("out of memory");
  }
  char *pooled = pool_copy(formatted, (size_t)len);
  free(formatted);
  return pooled;
}

void text_addf(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  text_add(text, format_pooled(format, arguments));
  va_end(arguments);
}

const char *text_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *formatted = format_pooled(format, arguments);
  va_end(arguments);
  return formatted;
}

const char *text_real(double value) {
  const char *text = "";
  for (int digits = 1; digits <= 17; digits++) {
    text = text_format("%.*g", digits, value);
    if (strtod(text, NULL) == value) {
      break;
    }
  }
  return text;
}

void text_add_literal(struct text *text, const char *raw) {
  text_add(text, "\"");
  for (const char *at = raw; *at != '\0'; at++) {
    unsigned char byte = (unsigned char)*at;
    /* A '?' is escaped too, because two of them could start a trigraph. */
    if (byte == '"' || byte == '\\' || byte == '?') {
      text_addf(text, "\\%c", byte);
    } else if (byte < 0x20 || byte > 0x7e) {
      text_addf(text, "\\%03o", (unsigned)byte);
    } else {
      text_add_bytes(text, at, 1);
    }
  }
  text_add(text, "\"");
}

void text_add_json(struct text *text, const char *raw) {
  text_add(text, "\"");
  for (const char *at = raw; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\') {
      text_addf(text, "\\%c", *at);
    } else if ((unsigned char)*at < 0x20) {
      text_addf(text, "\\u%04x", (unsigned)*at);
    } else {
      text_add_bytes(text, at, 1);
    }
  }
  text_add(text, "\"");
}

/* Marks that open or close a comment are split, otherwise the text could end the comment. */
static void add_comment_line(struct text *text, const char *line, size_t len) {
  for (size_t i = 0; i < len; i++) {
    bool splits = i > 0 && ((line[i - 1] == '*' && line[i] == '/') || (line[i - 1] == '/' && line[i] == '*'));
    if (splits) {
      text_add(text, " ");
    }
    text_add_bytes(text, line + i, 1);
  }
}

/* The line at *at without the blanks at its ends; *at moves past it. */
static const char *take_line(const char **at, size_t *out_len) {
  const char *line = *at;
  size_t len = strcspn(line, "\n");
  *at = line[len] == '\0' ? line + len : line + len + 1;
  while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL) {
    len--;
  }
  if (len > 0 && line[0] == ' ') {
    line++;
    len--;
  }
  *out_len = len;
  return line;
}

static const char *without_blank_ends(const char *raw) {
  size_t len = strlen(raw);
  while (len > 0 && strchr(" \t\r\n", raw[len - 1]) != NULL) {
    len--;
  }
  while (len > 0 && raw[0] == '\n') {
    raw++;
    len--;
  }
  return pool_copy(raw, len);
}

void text_add_comment(struct text *text, const char *indent, const char *raw) {
  if (raw == NULL) {
    return;
  }
  const char *at = without_blank_ends(raw);
  if (*at == '\0') {
    return;
  }
  bool is_first = true;
  while (*at != '\0') {
    size_t len;
    const char *line = take_line(&at, &len);
    text_addf(text, "%s%s%s", indent, is_first ? "/*" : " *", len > 0 ? " " : "");
    add_comment_line(text, line, len);
    text_add(text, *at != '\0' ? "\n" : "");
    is_first = false;
  }
  text_add(text, " */\n");
}

void text_add_call(struct text *text, const char *head, const char *const *arguments, size_t count, const char *tail) {
  assert(count > 0);
  text_addf(text, "%s(", head);
  const char *line_end = strrchr(head, '\n');
  size_t indent = strlen(line_end == NULL ? head : line_end + 1) + 1;
  size_t column = indent;
  for (size_t i = 0; i < count; i++) {
    bool is_last = i + 1 == count;
    size_t needs = strlen(arguments[i]) + (is_last ? 1 + strlen(tail) : 1);
    if (i > 0 && column + 1 + needs > TEXT_COLUMNS) {
      text_addf(text, "\n%*s", (int)indent, "");
      column = indent;
    } else if (i > 0) {
      text_add(text, " ");
      column++;
    }
    text_addf(text, "%s%s", arguments[i], is_last ? "" : ",");
    column += strlen(arguments[i]) + 1;
  }
  text_addf(text, ")%s", tail);
}
