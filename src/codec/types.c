/* codec/types.c: message types by name, sorted. */
#include <assert.h>
#include <stoa/types.h>

static const struct stoa_message_type *types[STOA_TYPES_MAX];
static size_t type_count;

static int compare(struct stoa_string a, struct stoa_string b) {
  size_t shared = a.len < b.len ? a.len : b.len;
  int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The first index whose name is not less. */
static size_t place_of(struct stoa_string name) {
  size_t low = 0;
  size_t high = type_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(stoa_string_of(types[middle]->full_name), name) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static const struct stoa_message_type *type_at(size_t place, struct stoa_string name) {
  bool is_found = place < type_count && stoa_string_equal(stoa_string_of(types[place]->full_name), name);
  return is_found ? types[place] : NULL;
}

int stoa_types_add(const struct stoa_message_type *type) {
  if (type == NULL || type->full_name == NULL || type->full_name[0] == '\0') {
    return STOA_E_ARGUMENT;
  }
  struct stoa_string name = stoa_string_of(type->full_name);
  size_t place = place_of(name);
  const struct stoa_message_type *there = type_at(place, name);
  if (there != NULL) {
    return there == type ? STOA_OK : STOA_E_EXISTS;
  }
  if (type_count == STOA_TYPES_MAX) {
    return STOA_E_LIMIT;
  }
  memmove(&types[place + 1], &types[place], (type_count - place) * sizeof types[0]);
  types[place] = type;
  type_count++;
  assert(type_count <= STOA_TYPES_MAX);
  assert(stoa_types_find(name) == type);
  return STOA_OK;
}

const struct stoa_message_type *stoa_types_find(struct stoa_string full_name) {
  return type_at(place_of(full_name), full_name);
}
