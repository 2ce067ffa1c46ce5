/* server/config/nearest.c: distances between names (optimal string alignment, three rows of the table at a time). */
#include "server/config/nearest.h"

/* Field names are at most 255 bytes; a key longer than this is no typing error. */
#define NAME_BYTES_MAX 64u

static size_t min_of(size_t a, size_t b) {
  return a < b ? a : b;
}

struct rows {
  size_t before[NAME_BYTES_MAX + 1];
  size_t above[NAME_BYTES_MAX + 1];
  size_t now[NAME_BYTES_MAX + 1];
};

static void fill_row(struct rows *rows, struct stoa_string a, struct stoa_string b, size_t i) {
  rows->now[0] = i;
  for (size_t j = 1; j <= b.len; j++) {
    size_t cost = a.data[i - 1] != b.data[j - 1];
    size_t best = min_of(min_of(rows->above[j] + 1, rows->now[j - 1] + 1), rows->above[j - 1] + cost);
    if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1]) {
      best = min_of(best, rows->before[j - 2] + 1);
    }
    rows->now[j] = best;
  }
}

static size_t distance(struct stoa_string a, struct stoa_string b) {
  struct rows rows = {.before = {0}};
  for (size_t j = 0; j <= b.len; j++) {
    rows.now[j] = j;
  }
  for (size_t i = 1; i <= a.len; i++) {
    memcpy(rows.before, rows.above, sizeof rows.before);
    memcpy(rows.above, rows.now, sizeof rows.above);
    fill_row(&rows, a, b, i);
  }
  return rows.now[b.len];
}

const struct stoa_field *stoa_config_nearest(const struct stoa_message_type *type, struct stoa_string key) {
  const struct stoa_field *nearest = NULL;
  size_t nearest_distance = SIZE_MAX;
  for (uint32_t i = 0; i < type->field_count; i++) {
    struct stoa_string name = stoa_string_make(type->fields[i].name, type->fields[i].name_len);
    if (name.len > NAME_BYTES_MAX || key.len > NAME_BYTES_MAX) {
      continue;
    }
    size_t slips = distance(key, name);
    size_t longer = key.len > name.len ? key.len : name.len;
    if (slips < nearest_distance && slips <= longer / 3) {
      nearest = &type->fields[i];
      nearest_distance = slips;
    }
  }
  return nearest;
}
