#include "engine/memory/values.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>

#define VALUES_MAX (1u << 20)

int stoa_memory_compare(struct stoa_string a, struct stoa_string b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static size_t bytes_of(const struct stoa_memory_value *value) {
  return sizeof *value + value->scope.len + value->key.len + value->value.len;
}

void stoa_memory_values_fini(struct stoa_memory_values *values) {
  for (uint32_t i = 0; i < values->count; i++) {
    stoa_free(values->items[i]);
  }
  stoa_free(values->items);
  memset(values, 0, sizeof *values);
}

uint32_t stoa_memory_values_find(const struct stoa_memory_values *values, struct stoa_string scope,
                                 struct stoa_string key) {
  uint32_t low = 0;
  uint32_t high = values->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = stoa_memory_compare(values->items[middle]->scope, scope);
    order = order != 0 ? order : stoa_memory_compare(values->items[middle]->key, key);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static struct stoa_memory_value *make(struct stoa_string scope, struct stoa_string key, struct stoa_bytes value) {
  struct stoa_memory_value *made = stoa_alloc(sizeof *made + scope.len + key.len + value.len);
  if (made == NULL) {
    return NULL;
  }
  memcpy(made->data, scope.data, scope.len);
  memcpy(made->data + scope.len, key.data, key.len);
  memcpy(made->data + scope.len + key.len, value.data, value.len);
  made->scope = stoa_string_make((const char *)made->data, scope.len);
  made->key = stoa_string_make((const char *)made->data + scope.len, key.len);
  made->value = stoa_bytes_make(made->data + scope.len + key.len, value.len);
  return made;
}

static void remove_at(struct stoa_memory_values *values, uint32_t at) {
  assert(at < values->count);
  values->bytes -= bytes_of(values->items[at]);
  stoa_free(values->items[at]);
  values->count--;
  memmove(values->items + at, values->items + at + 1, (values->count - at) * sizeof values->items[0]);
}

static int insert_at(struct stoa_memory_values *values, uint32_t at, struct stoa_memory_value *value) {
  int status = stoa_array_reserve(&values->items, sizeof values->items[0], &values->capacity, (size_t)values->count + 1,
                                  VALUES_MAX);
  if (status == STOA_OK) {
    memmove(values->items + at + 1, values->items + at, (values->count - at) * sizeof values->items[0]);
    values->items[at] = value;
    values->count++;
  }
  return status;
}

int stoa_memory_values_put(struct stoa_memory_values *values, struct stoa_string scope, struct stoa_string key,
                           struct stoa_bytes value) {
  uint32_t at = stoa_memory_values_find(values, scope, key);
  bool is_there = at < values->count && stoa_string_equal(values->items[at]->scope, scope) &&
                  stoa_string_equal(values->items[at]->key, key);
  if (value.len == 0) {
    if (is_there) {
      remove_at(values, at);
    }
    return STOA_OK;
  }
  struct stoa_memory_value *made = make(scope, key, value);
  if (made == NULL) {
    return STOA_E_MEMORY;
  }
  if (is_there) {
    values->bytes -= bytes_of(values->items[at]);
    stoa_free(values->items[at]);
    values->items[at] = made;
  } else if (insert_at(values, at, made) != STOA_OK) {
    stoa_free(made);
    return STOA_E_LIMIT;
  }
  values->bytes += bytes_of(made);
  return STOA_OK;
}
