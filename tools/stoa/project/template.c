#include "project/template.h"

#include <string.h>

#include <stoa/status.h>

/* The value whose @key@ begins at `at`; NULL when none does. */
static const struct project_value *value_at(const char *at, size_t len, const struct project_value *values,
                                            size_t value_count) {
  for (size_t i = 0; i < value_count; i++) {
    size_t key_len = strlen(values[i].key);
    if (len >= key_len + 2 && memcmp(at + 1, values[i].key, key_len) == 0 && at[key_len + 1] == '@') {
      return &values[i];
    }
  }
  return NULL;
}

int project_template_fill(const char *text, size_t len, const struct project_value *values, size_t value_count,
                          struct stoa_buffer *out) {
  const char *end = text + len;
  int status = STOA_OK;
  while (status == STOA_OK && text < end) {
    const char *mark = memchr(text, '@', (size_t)(end - text));
    const char *stop = mark == NULL ? end : mark;
    const struct project_value *value = mark == NULL ? NULL : value_at(mark, (size_t)(end - mark), values, value_count);
    if (mark != NULL && value == NULL) {
      stop = mark + 1; /* the @ itself */
    }
    status = stoa_buffer_append(out, text, (size_t)(stop - text));
    text = stop;
    if (status == STOA_OK && value != NULL) {
      status = stoa_buffer_append(out, value->value, strlen(value->value));
      text = mark + strlen(value->key) + 2;
    }
  }
  return status;
}
