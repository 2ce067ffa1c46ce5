/* codec/map_field.c: makes keys of maps unique. */
#include "codec/map_field.h"

#include <assert.h>

#include "codec/table.h"

static int compare_text(const struct stoa_string *a, const struct stoa_string *b) {
  size_t shared = a->len < b->len ? a->len : b->len;
  int order = shared == 0 ? 0 : memcmp(a->data, b->data, shared);
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_numbers(uint64_t a, uint64_t b) {
  return (a > b) - (a < b);
}

/* Any total order is sufficient; numbers are compared by their bits. */
static int compare_keys(const struct stoa_field *key, const void *a, const void *b) {
  switch (stoa_field_item_size(key)) {
    case 1:
      return compare_numbers(*(const uint8_t *)a, *(const uint8_t *)b);
    case 4:
      return compare_numbers(*(const uint32_t *)a, *(const uint32_t *)b);
    case 8:
      return compare_numbers(*(const uint64_t *)a, *(const uint64_t *)b);
    default:
      return compare_text(a, b);
  }
}

struct sorting {
  const struct stoa_field *map;
  const struct stoa_list *entries;
  uint32_t *order; /* indexes of entries */
  uint32_t *spare; /* as long as order */
};

static int compare_entries(const struct sorting *sorting, uint32_t a, uint32_t b) {
  const struct stoa_field *key = stoa_map_field_key(sorting->map);
  size_t size = sorting->map->message->size;
  return compare_keys(key, stoa_slot(stoa_list_item(sorting->entries, a, size), key),
                      stoa_slot(stoa_list_item(sorting->entries, b, size), key));
}

/* Merge order[from, middle) and order[middle, to) into spare[from, to); equal keys keep their order. */
static void merge(struct sorting *sorting, size_t from, size_t middle, size_t to) {
  assert(from <= middle);
  assert(middle <= to);
  size_t left = from;
  size_t right = middle;
  for (size_t i = from; i < to; i++) {
    bool take_left =
        left < middle && (right >= to || compare_entries(sorting, sorting->order[left], sorting->order[right]) <= 0);
    sorting->spare[i] = sorting->order[take_left ? left++ : right++];
  }
}

static size_t at_most(size_t value, size_t cap) {
  return value < cap ? value : cap;
}

static void sort(struct sorting *sorting) {
  size_t count = sorting->entries->count;
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t from = 0; from < count; from += width * 2) {
      merge(sorting, from, at_most(from + width, count), at_most(from + width * 2, count));
    }
    uint32_t *sorted = sorting->spare;
    sorting->spare = sorting->order;
    sorting->order = sorted;
  }
}

/* Keep the entries whose mark is 1, in order. */
static void compact(struct stoa_list *entries, size_t size, const uint32_t *kept) {
  size_t count = 0;
  for (size_t i = 0; i < entries->count; i++) {
    if (kept[i] == 1 && i != count) {
      memcpy(stoa_list_item(entries, count, size), stoa_list_item(entries, i, size), size);
    }
    count += kept[i];
  }
  assert(count > 0);
  assert(count <= entries->count);
  entries->count = count;
}

bool stoa_map_field_deduplicate(const struct stoa_field *map, struct stoa_list *entries, struct stoa_arena *arena) {
  assert(map->label == STOA_LABEL_MAP);
  size_t count = entries->count;
  if (count < 2) {
    return true;
  }
  uint32_t *order = count > UINT32_MAX / 16 ? NULL : stoa_arena_alloc(arena, count * 2 * sizeof *order);
  if (order == NULL) {
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    order[i] = i;
  }
  struct sorting sorting = {.map = map, .entries = entries, .order = order, .spare = order + count};
  sort(&sorting);
  for (size_t i = 0; i < count; i++) {
    bool is_last = i + 1 == count || compare_entries(&sorting, sorting.order[i], sorting.order[i + 1]) != 0;
    sorting.spare[sorting.order[i]] = is_last;
  }
  compact(entries, map->message->size, sorting.spare);
  return true;
}

/* For a field with one message or none. */
static bool deduplicate_below(const struct stoa_field *field, void *message, struct stoa_arena *arena) {
  bool is_set;
  if (!stoa_field_has_presence(field, message, &is_set) || !is_set) {
    return true;
  }
  return stoa_map_field_deduplicate_all(field->message, *(void **)stoa_slot_mut(message, field), arena);
}

static bool deduplicate_list(const struct stoa_field *field, struct stoa_list *list, struct stoa_arena *arena) {
  if (field->label == STOA_LABEL_MAP && !stoa_map_field_deduplicate(field, list, arena)) {
    return false;
  }
  for (size_t i = 0; i < list->count; i++) {
    if (!stoa_map_field_deduplicate_all(field->message, stoa_list_item(list, i, field->message->size), arena)) {
      return false;
    }
  }
  return true;
}

bool stoa_map_field_deduplicate_all(const struct stoa_message_type *type, void *message, struct stoa_arena *arena) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (field->message == NULL) {
      continue;
    }
    bool is_list = field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP;
    bool is_done = is_list ? deduplicate_list(field, stoa_slot_mut(message, field), arena)
                           : deduplicate_below(field, message, arena);
    if (!is_done) {
      return false;
    }
  }
  return true;
}
