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

size_t stoa_config_slips(struct stoa_string a, struct stoa_string b) {
  if (a.len > NAME_BYTES_MAX || b.len > NAME_BYTES_MAX) {
    return SIZE_MAX;
  }
  size_t slips = distance(a, b);
  size_t longer = a.len > b.len ? a.len : b.len;
  return slips <= longer / 3 ? slips : SIZE_MAX;
}

const struct stoa_field *stoa_config_nearest(const struct stoa_message_type *type, struct stoa_string key) {
  const struct stoa_field *nearest = NULL;
  size_t fewest = SIZE_MAX;
  for (uint32_t i = 0; i < type->field_count; i++) {
    size_t slips = stoa_config_slips(key, stoa_string_make(type->fields[i].name, type->fields[i].name_len));
    if (slips < fewest) {
      nearest = &type->fields[i];
      fewest = slips;
    }
  }
  return nearest;
}
