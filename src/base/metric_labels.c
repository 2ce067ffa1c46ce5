#include "base/metric_labels.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <assert.h>

int stoa_metric_labels_init(struct stoa_metric_labels *labels, const char *const names[STOA_METRIC_VALUES_MAX],
                            uint32_t row_max) {
  assert(names[0] != NULL);
  assert(row_max > 0);
  memset(labels, 0, sizeof *labels);
  memcpy(labels->names, names, sizeof labels->names);
  labels->row_max = row_max;
  pthread_mutex_init(&labels->adding, NULL);
  labels->added = stoa_calloc(row_max, sizeof *labels->added);
  labels->rows = labels->added;
  return labels->added == NULL ? STOA_E_MEMORY : STOA_OK;
}

static void free_row(const struct stoa_metric_row *row) {
  for (size_t i = 0; i < STOA_METRIC_VALUES_MAX; i++) {
    stoa_free((void *)(uintptr_t)row->values[i]);
  }
}

void stoa_metric_labels_fini(struct stoa_metric_labels *labels) {
  if (labels->row_max == 0) {
    return;
  }
  for (uint32_t i = 0; labels->added != NULL && i < stoa_metric_labels_count(labels); i++) {
    free_row(&labels->added[i]);
  }
  stoa_free(labels->added);
  pthread_mutex_destroy(&labels->adding);
  memset(labels, 0, sizeof *labels);
}

static bool is(const char *value, struct stoa_string wanted) {
  return strlen(value) == wanted.len && (wanted.len == 0 || memcmp(value, wanted.data, wanted.len) == 0);
}

static bool find(const struct stoa_metric_labels *labels, struct stoa_string first, struct stoa_string second,
                 uint32_t *out_row) {
  uint32_t count = stoa_metric_labels_count(labels);
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_metric_row *row = &labels->rows[i];
    if (is(row->values[0], first) && (labels->names[1] == NULL || is(row->values[1], second))) {
      *out_row = i;
      return true;
    }
  }
  return false;
}

static int check(struct stoa_string value) {
  if (value.len > STOA_METRIC_VALUE_LEN_MAX) {
    return STOA_E_LIMIT;
  }
  bool is_text = value.len == 0 || (stoa_utf8_valid(value.data, value.len) && memchr(value.data, 0, value.len) == NULL);
  return is_text ? STOA_OK : STOA_E_UTF8;
}

static char *copy(struct stoa_string value) {
  char *text = stoa_calloc(1, value.len + 1);
  if (text != NULL && value.len > 0) {
    memcpy(text, value.data, value.len);
  }
  return text;
}

/* Under the lock. Who reads sees the row when it sees the count. */
static int append(struct stoa_metric_labels *labels, struct stoa_string first, struct stoa_string second,
                  uint32_t *out_row) {
  uint32_t count = stoa_metric_labels_count(labels);
  if (count == labels->row_max) {
    return STOA_E_LIMIT;
  }
  bool is_pair = labels->names[1] != NULL;
  const struct stoa_metric_row row = {{copy(first), is_pair ? copy(second) : NULL}};
  if (row.values[0] == NULL || (is_pair && row.values[1] == NULL)) {
    free_row(&row);
    return STOA_E_MEMORY;
  }
  labels->added[count] = row;
  atomic_store_explicit(&labels->row_count, count + 1, memory_order_release);
  *out_row = count;
  return STOA_OK;
}

int stoa_metric_labels_add(struct stoa_metric_labels *labels, struct stoa_string first, struct stoa_string second,
                           uint32_t *out_row) {
  assert(labels->added != NULL);
  if (find(labels, first, second, out_row)) {
    return STOA_OK;
  }
  int status = check(first);
  if (status == STOA_OK && labels->names[1] != NULL) {
    status = check(second);
  }
  if (status != STOA_OK) {
    return status;
  }
  pthread_mutex_lock(&labels->adding);
  /* Another thread may have been first. */
  status = find(labels, first, second, out_row) ? STOA_OK : append(labels, first, second, out_row);
  pthread_mutex_unlock(&labels->adding);
  return status;
}
