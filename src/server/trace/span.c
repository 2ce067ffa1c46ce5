#include "server/trace/span.h"

#include "base/utf8.h"

#include <assert.h>

/* How many bytes of the text, at most len_max, are whole characters. */
static size_t whole_len(struct stoa_string text, size_t len_max) {
  uint32_t state = STOA_UTF8_START;
  size_t whole = 0;
  for (size_t i = 0; i < text.len && i < len_max; i++) {
    if (stoa_utf8_check(&state, (const uint8_t *)text.data + i, 1) != 1) {
      break;
    }
    whole = state == STOA_UTF8_START ? i + 1 : whole;
  }
  return whole;
}

void stoa_span_set_name(struct stoa_span *span, const char *name) {
  size_t len = whole_len(stoa_string_of(name), STOA_SPAN_NAME_LEN_MAX);
  memcpy(span->name, name, len);
  span->name[len] = '\0';
}

static struct stoa_span_attribute *add(struct stoa_span *span, const char *key, enum stoa_span_value kind) {
  if (span == NULL) {
    return NULL;
  }
  if (span->attribute_count == STOA_SPAN_ATTRIBUTES_MAX) {
    span->left_out++;
    return NULL;
  }
  struct stoa_span_attribute *attribute = &span->attributes[span->attribute_count++];
  attribute->key = key;
  attribute->kind = kind;
  return attribute;
}

/* Copy a text. False when it is not UTF-8, or there is no room for it. */
static bool keep(struct stoa_span *span, struct stoa_string text, uint16_t *out_at, uint16_t *out_len) {
  size_t len = whole_len(text, STOA_SPAN_TEXT_LEN_MAX);
  bool is_broken = len < text.len && len + 4 <= STOA_SPAN_TEXT_LEN_MAX;
  if (is_broken || len > STOA_SPAN_TEXT_BYTES - span->text_used) {
    return false;
  }
  assert(span->text_used <= STOA_SPAN_TEXT_BYTES);
  *out_at = span->text_used;
  *out_len = (uint16_t)len;
  if (len > 0) {
    memcpy(span->texts + span->text_used, text.data, len);
    span->text_used = (uint16_t)(span->text_used + len);
  }
  return true;
}

void stoa_span_set_text(struct stoa_span *span, const char *key, struct stoa_string text) {
  uint16_t at, len;
  if (span == NULL) {
    return;
  }
  struct stoa_span_attribute *attribute =
      keep(span, text, &at, &len) ? add(span, key, STOA_SPAN_TEXT) : (span->left_out++, NULL);
  if (attribute != NULL) {
    attribute->text_at = at;
    attribute->text_len = len;
  }
}

void stoa_span_set_int(struct stoa_span *span, const char *key, int64_t number) {
  struct stoa_span_attribute *attribute = add(span, key, STOA_SPAN_INT);
  if (attribute != NULL) {
    attribute->number = number;
  }
}

void stoa_span_set_bool(struct stoa_span *span, const char *key, bool is_set) {
  struct stoa_span_attribute *attribute = add(span, key, STOA_SPAN_BOOL);
  if (attribute != NULL) {
    attribute->number = is_set;
  }
}

void stoa_span_set_double(struct stoa_span *span, const char *key, double number) {
  struct stoa_span_attribute *attribute = add(span, key, STOA_SPAN_DOUBLE);
  if (attribute != NULL) {
    attribute->real = number;
  }
}

void stoa_span_fail(struct stoa_span *span, struct stoa_string text) {
  if (span == NULL) {
    return;
  }
  span->has_failed = true;
  if (!keep(span, text, &span->error_at, &span->error_len)) {
    span->error_len = 0;
  }
}

const struct stoa_trace_context *stoa_span_context(const struct stoa_span *span) {
  return span == NULL ? NULL : &span->context;
}
