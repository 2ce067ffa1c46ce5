/* server/config/report.c: collects mistakes, sorts them, writes them. */
#include "server/config/report.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX 512u
/* The limit of a quoted text, which leaves room for "..." and one more escape. */
#define QUOTED_BYTES 64u
/* The limit of a shown --set item. */
#define ITEM_BYTES_MAX 128u

int stoa_config_report_init(struct stoa_config_report *report) {
  *report = (struct stoa_config_report){0};
  report->arena = stoa_arena_create(STOA_CONFIG_ERRORS_MAX * (TEXT_BYTES_MAX + 16));
  return report->arena == NULL ? STOA_E_MEMORY : STOA_OK;
}

void stoa_config_report_fini(struct stoa_config_report *report) {
  stoa_arena_destroy(report->arena);
  *report = (struct stoa_config_report){0};
}

void stoa_config_report_begin(struct stoa_config_report *report, const struct stoa_config_source *source) {
  report->source = *source;
  report->order++;
}

int stoa_config_report_add(struct stoa_config_report *report, struct stoa_config_mark mark, const char *format, ...) {
  if (report->count == STOA_CONFIG_ERRORS_MAX) {
    report->dropped++;
    return STOA_OK;
  }
  char text[TEXT_BYTES_MAX];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  struct stoa_string copy = stoa_arena_copy(report->arena, stoa_string_of(text));
  if (copy.data == NULL) {
    return STOA_E_MEMORY;
  }
  report->mistakes[report->count++] = (struct stoa_config_mistake){report->order, report->source, mark, copy};
  return STOA_OK;
}

static int compare_sizes(size_t a, size_t b) {
  return (a > b) - (a < b);
}

/* The text decides last, so that the order never depends on how qsort(3) treats equals. */
static int compare(const void *left, const void *right) {
  const struct stoa_config_mistake *a = left;
  const struct stoa_config_mistake *b = right;
  int order = compare_sizes(a->order, b->order);
  if (order == 0) {
    order = compare_sizes(a->mark.line, b->mark.line);
  }
  if (order == 0) {
    order = compare_sizes(a->mark.column, b->mark.column);
  }
  return order == 0 ? strcmp(a->text.data, b->text.data) : order;
}

/* Write the next character, escaped if needed, to `shown` and return its length there; *len is its length in the text.
 * C1 is the two bytes C2 80 to C2 9F in UTF-8. */
static size_t show_character(const char *text, size_t left, char shown[5], size_t *len) {
  unsigned char byte = (unsigned char)text[0];
  unsigned char next = left > 1 ? (unsigned char)text[1] : 0;
  *len = 1;
  if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
    *len = 2;
    return (size_t)snprintf(shown, 5, "\\x%02x", next);
  }
  if (byte < 0x20 || byte == 0x7f) {
    return (size_t)snprintf(shown, 5, "\\x%02x", byte);
  }
  while (byte >= 0xc0 && *len < left && *len < 4 && ((unsigned char)text[*len] & 0xc0) == 0x80) {
    ++*len;
  }
  memcpy(shown, text, *len);
  return *len;
}

/* Write the characters that fit into `room` bytes; *used is how many bytes of `text` they take. */
static size_t show(struct stoa_string text, char *out, size_t room, size_t *used) {
  size_t written = 0;
  *used = 0;
  while (*used < text.len) {
    char shown[5];
    size_t len;
    size_t shown_len = show_character(text.data + *used, text.len - *used, shown, &len);
    if (shown_len > room - written) {
      break;
    }
    memcpy(out + written, shown, shown_len);
    written += shown_len;
    *used += len;
  }
  return written;
}

struct stoa_config_quoted stoa_config_quote(struct stoa_string text) {
  struct stoa_config_quoted quoted;
  static_assert(sizeof quoted.text >= QUOTED_BYTES + sizeof "\"\"...", "the longest quoted text fits");
  size_t used;
  size_t len = show(text, quoted.text + 1, QUOTED_BYTES, &used);
  quoted.text[0] = '"';
  snprintf(quoted.text + 1 + len, sizeof quoted.text - 1 - len, "%s\"", used < text.len ? "..." : "");
  return quoted;
}

static int append_text(struct stoa_buffer *out, const char *text) {
  return stoa_buffer_append(out, text, strlen(text));
}

static int append_item(struct stoa_buffer *out, const char *before, struct stoa_string item) {
  char shown[ITEM_BYTES_MAX];
  size_t used;
  size_t len = show(item, shown, sizeof shown, &used);
  int status = append_text(out, before);
  if (status == STOA_OK) {
    status = stoa_buffer_append(out, shown, len);
  }
  if (status == STOA_OK && used < item.len) {
    status = append_text(out, "...");
  }
  return status;
}

static int append_place(struct stoa_buffer *out, const struct stoa_config_source *source,
                        struct stoa_config_mark mark) {
  if (source->kind == STOA_CONFIG_SET) {
    return append_item(out, "--set ", source->text);
  }
  if (source->kind == STOA_CONFIG_VARIABLE) {
    return append_item(out, "", stoa_string_of(source->name));
  }
  const char *name = source->kind == STOA_CONFIG_FILE ? source->text.data : source->name;
  int status = append_text(out, name);
  if (status == STOA_OK && mark.line > 0) {
    char place[32];
    snprintf(place, sizeof place, ":%u:%u", (unsigned)mark.line, (unsigned)mark.column);
    status = append_text(out, place);
  }
  return status;
}

int stoa_config_origin_append(const struct stoa_config_source *source, uint32_t line, struct stoa_buffer *out) {
  if (source->kind == STOA_CONFIG_SET) {
    return append_text(out, "--set");
  }
  bool is_file = source->kind == STOA_CONFIG_FILE;
  int status = append_item(out, "", is_file ? source->text : stoa_string_of(source->name));
  if (status == STOA_OK && line > 0 && source->kind != STOA_CONFIG_VARIABLE) {
    char text[16];
    snprintf(text, sizeof text, ":%u", (unsigned)line);
    status = append_text(out, text);
  }
  return status;
}

static int append_mistake(struct stoa_buffer *out, const struct stoa_config_mistake *mistake) {
  int status = append_place(out, &mistake->source, mistake->mark);
  if (status == STOA_OK) {
    status = append_text(out, ": ");
  }
  if (status == STOA_OK) {
    status = stoa_buffer_append(out, mistake->text.data, mistake->text.len);
  }
  return status == STOA_OK ? append_text(out, "\n") : status;
}

static int append_dropped(struct stoa_buffer *out, size_t dropped) {
  char text[64];
  snprintf(text, sizeof text, "and %zu more\n", dropped);
  return dropped == 0 ? STOA_OK : append_text(out, text);
}

int stoa_config_report_write(struct stoa_config_report *report, struct stoa_buffer *out) {
  size_t len = out->len;
  int status = STOA_OK;
  qsort(report->mistakes, report->count, sizeof report->mistakes[0], compare);
  for (size_t i = 0; i < report->count && status == STOA_OK; i++) {
    status = append_mistake(out, &report->mistakes[i]);
  }
  if (status == STOA_OK) {
    status = append_dropped(out, report->dropped);
  }
  if (status != STOA_OK) {
    out->len = len;
  }
  return status;
}
