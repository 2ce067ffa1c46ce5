/* base/log_line.c: the content of a line, and what is escaped in it. */
#include "base/log_line.h"

#include <assert.h>

#include "base/clock.h"
#include "base/utf8.h"

#define TAIL_BYTES_MAX 128u /* kept free for trace=, suppressed=N, left_out=N and the end of the line */
#define VALUE_BYTES_MAX 1024u
#define KEY_BYTES_MAX 64u

static const char *const level_names[] = {[STOA_LOG_DEBUG] = "debug",
                                          [STOA_LOG_INFO] = "info",
                                          [STOA_LOG_WARN] = "warn",
                                          [STOA_LOG_ERROR] = "error",
                                          [STOA_LOG_OFF] = "off"};

const char *stoa_log_severity_text(enum stoa_log_severity level) {
  return (unsigned)level <= STOA_LOG_OFF ? level_names[level] : "unknown";
}

int stoa_log_severity_of(struct stoa_string text, enum stoa_log_severity *out_level) {
  for (unsigned level = 0; level <= STOA_LOG_OFF; level++) {
    if (stoa_string_equal(text, stoa_string_of(level_names[level]))) {
      *out_level = (enum stoa_log_severity)level;
      return STOA_OK;
    }
  }
  return STOA_E_NOT_FOUND;
}

/* A piece that does not fit sets `is_full` and is left out. */
static void put(struct stoa_log_line *line, const char *data, size_t len) {
  assert(line->len <= line->len_max);
  if (len > line->len_max - line->len) {
    line->is_full = true;
    return;
  }
  memcpy(line->data + line->len, data, len);
  line->len += len;
}

static void put_text(struct stoa_log_line *line, const char *text) {
  put(line, text, strlen(text));
}

static void put_int(struct stoa_log_line *line, int64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do {
    digits[--at] = (char)('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (number < 0) {
    digits[--at] = '-';
  }
  put(line, digits + at, sizeof digits - at);
}

/* The length in bytes of the first character; 0 when it is not UTF-8. */
static size_t character_len(const uint8_t *data, size_t len) {
  uint32_t state = STOA_UTF8_START;
  for (size_t i = 0; i < len && stoa_utf8_check(&state, data + i, 1) == 1; i++) {
    if (state == STOA_UTF8_START) {
      return i + 1;
    }
  }
  return 0;
}

#define ESCAPE_BYTES_MAX 8u

/* Write \xNN for every byte, or \u00NN for the code point; JSON has only the second. */
static size_t escape_number(const uint8_t *data, size_t len, bool is_json, char *out) {
  static const char digits[] = "0123456789abcdef";
  size_t at = 0;
  /* In UTF-8 the second byte of a C1 control is its code point. */
  for (size_t i = is_json ? len - 1 : 0; i < len; i++) {
    const char *prefix = is_json ? "\\u00" : "\\x";
    memcpy(out + at, prefix, strlen(prefix));
    at += strlen(prefix);
    out[at++] = digits[data[i] >> 4];
    out[at++] = digits[data[i] & 0x0f];
  }
  return at;
}

static size_t escape_short(char *out, char letter) {
  out[0] = '\\';
  out[1] = letter;
  return 2;
}

/* Write one character, escaped as needed between quotes: at most ESCAPE_BYTES_MAX bytes. Returns how many bytes were
 * read. */
static size_t escape(const uint8_t *data, size_t len, bool is_json, char *out, size_t *out_len) {
  size_t taken = character_len(data, len);
  bool is_c1 = taken == 2 && data[0] == 0xc2 && data[1] < 0xa0;
  if (taken == 0 || is_c1) {
    taken = is_c1 ? 2 : 1;
    *out_len = escape_number(data, taken, is_json, out);
  } else if (data[0] == '"' || data[0] == '\\') {
    *out_len = escape_short(out, (char)data[0]);
  } else if (data[0] == '\n') {
    *out_len = escape_short(out, 'n');
  } else if (data[0] == '\t') {
    *out_len = escape_short(out, 't');
  } else if (data[0] < 0x20 || data[0] == 0x7f) {
    *out_len = escape_number(data, 1, is_json, out);
  } else {
    memcpy(out, data, taken);
    *out_len = taken;
  }
  assert(taken > 0);
  assert(*out_len <= ESCAPE_BYTES_MAX);
  return taken;
}

/* How many bytes from here on need no escape and are a character each. */
static size_t plain_run(const uint8_t *data, size_t len) {
  size_t run = 0;
  while (run < len && data[run] >= ' ' && data[run] <= '~' && data[run] != '"' && data[run] != '\\') {
    run++;
  }
  return run;
}

/* Write a value in quotes. It is cut after VALUE_BYTES_MAX bytes of output, never inside a character or an escape. */
static void put_quoted(struct stoa_log_line *line, struct stoa_string text) {
  const uint8_t *data = (const uint8_t *)text.data;
  size_t room = VALUE_BYTES_MAX;
  put(line, "\"", 1);
  for (size_t at = 0; at < text.len;) {
    char escaped[ESCAPE_BYTES_MAX];
    size_t escaped_len;
    size_t run = plain_run(data + at, text.len - at < room ? text.len - at : room);
    if (run > 0) {
      put(line, text.data + at, run);
      room -= run;
      at += run;
      continue;
    }
    at += escape(data + at, text.len - at, line->style == STOA_LOG_JSON, escaped, &escaped_len);
    if (escaped_len > room) {
      break;
    }
    room -= escaped_len;
    put(line, escaped, escaped_len);
  }
  put(line, "\"", 1);
}

/* May logfmt have the value without quotes? */
static bool is_plain(struct stoa_string text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=') {
      return false;
    }
  }
  return text.len > 0 && text.len <= VALUE_BYTES_MAX;
}

static void put_key(struct stoa_log_line *line, const char *key) {
  size_t key_len = strnlen(key, KEY_BYTES_MAX);
  if (line->style == STOA_LOG_JSON) {
    put_text(line, line->len == 0 ? "{\"" : ",\"");
    put(line, key, key_len);
    put_text(line, "\":");
  } else {
    put_text(line, line->len == 0 ? "" : " ");
    put(line, key, key_len);
    put_text(line, "=");
  }
}

static void put_string_field(struct stoa_log_line *line, const char *key, struct stoa_string text) {
  put_key(line, key);
  if (line->style == STOA_LOG_LOGFMT && is_plain(text)) {
    put(line, text.data, text.len);
  } else {
    put_quoted(line, text);
  }
}

static void put_int_field(struct stoa_log_line *line, const char *key, int64_t number) {
  put_key(line, key);
  put_int(line, number);
}

/* Write the whole field, or nothing of it. */
static bool put_field(struct stoa_log_line *line, const struct stoa_log_field *field) {
  size_t len_before = line->len;
  switch (field->kind) {
    case STOA_LOG_STRING:
      put_string_field(line, field->key, field->text);
      break;
    case STOA_LOG_INT:
      put_int_field(line, field->key, field->number);
      break;
  }
  if (line->is_full) {
    line->len = len_before;
    return false;
  }
  return true;
}

static void put_head(struct stoa_log_line *line, const struct stoa_log_head *head) {
  char time_text[STOA_TIME_TEXT_LEN + 1];
  stoa_time_format(head->wall_us, time_text);
  put_string_field(line, "time", stoa_string_make(time_text, STOA_TIME_TEXT_LEN));
  put_string_field(line, "level", stoa_string_of(stoa_log_severity_text(head->level)));
  put_key(line, "event");
  put_quoted(line, stoa_string_of(head->event));
}

static bool has_trace(const struct stoa_log_field *fields, size_t field_count) {
  for (size_t i = 0; i < field_count; i++) {
    if (strcmp(fields[i].key, "trace") == 0) {
      return true;
    }
  }
  return false;
}

/* In the room that is kept for the end. */
static void put_trace(struct stoa_log_line *line, const struct stoa_log_head *head, const struct stoa_log_field *fields,
                      size_t field_count) {
  line->is_full = false;
  line->len_max = STOA_LOG_LINE_BYTES_MAX;
  if (head->trace != NULL && !has_trace(fields, field_count)) {
    put_string_field(line, "trace", stoa_string_of(head->trace));
  }
}

static void put_tail(struct stoa_log_line *line, size_t left_out_count, uint32_t suppressed_count) {
  if (left_out_count > 0) {
    put_int_field(line, "left_out", (int64_t)left_out_count);
  }
  if (suppressed_count > 0) {
    put_int_field(line, "suppressed", suppressed_count);
  }
  put_text(line, line->style == STOA_LOG_JSON ? "}\n" : "\n");
}

void stoa_log_line_compose(struct stoa_log_line *line, const struct stoa_log_head *head,
                           const struct stoa_log_field *fields, size_t field_count) {
  line->len = 0;
  line->len_max = STOA_LOG_LINE_BYTES_MAX - TAIL_BYTES_MAX;
  line->is_full = false;
  line->style = head->style;
  line->level = head->level;
  put_head(line, head);
  size_t written_count = 0;
  while (written_count < field_count && put_field(line, &fields[written_count])) {
    written_count++;
  }
  put_trace(line, head, fields, field_count);
  put_tail(line, field_count - written_count, head->suppressed_count);
}
