#include "server/group/exclusion.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/session_id.h"

#include <assert.h>

int stoa_exclusions_reserve(struct stoa_exclusions *list) {
  return stoa_array_reserve(&list->items, sizeof *list->items, &list->capacity, (size_t)list->count + 1, UINT32_MAX);
}

size_t stoa_exclusions_add(struct stoa_exclusions *list, const struct stoa_uuid *session_id, uint32_t start,
                           uint32_t end) {
  struct stoa_exclusion *last = list->count == 0 ? NULL : &list->items[list->count - 1];
  assert(start < end);
  assert(last == NULL || last->end <= start);
  if (last != NULL && last->end == start && stoa_uuid_equal(&last->session_id, session_id)) {
    last->end = end;
    return 0;
  }
  assert(list->count < list->capacity);
  list->items[list->count++] = (struct stoa_exclusion){*session_id, start, end};
  return sizeof *list->items;
}

uint32_t stoa_exclusions_of_worker(const struct stoa_exclusions *list, uint32_t worker, uint32_t worker_count,
                                   struct stoa_exclusion *out) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < list->count; i++) {
    if (stoa_session_id_worker(&list->items[i].session_id, worker_count) != worker) {
      continue;
    }
    if (out != NULL) {
      out[count] = list->items[i];
    }
    count++;
  }
  return count;
}

size_t stoa_exclusions_clear(struct stoa_exclusions *list) {
  size_t bytes = list->count * sizeof *list->items;
  stoa_free(list->items);
  *list = (struct stoa_exclusions){0};
  return bytes;
}
