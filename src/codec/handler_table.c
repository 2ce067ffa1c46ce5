#include "codec/handler_table.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>
#include <stoa/status.h>

void stoa_handler_table_init(struct stoa_handler_table *table, size_t handler_size, uint32_t count_max,
                             uint32_t type_max) {
  assert(handler_size > 0);
  assert(count_max > 0);
  *table = (struct stoa_handler_table){.handler_size = handler_size, .count_max = count_max, .type_max = type_max};
}

void stoa_handler_table_fini(struct stoa_handler_table *table) {
  assert(table->count <= table->handler_capacity);
  stoa_free(table->keys);
  stoa_free(table->handlers);
  *table = (struct stoa_handler_table){0};
}

/* The index of a type, or the index at which to insert it. */
static size_t place_of(const struct stoa_handler_table *table, uint32_t type) {
  size_t low = 0;
  size_t high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (table->keys[middle].type < type) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static bool is_at(const struct stoa_handler_table *table, size_t place, uint32_t type) {
  return place < table->count && table->keys[place].type == type;
}

const void *stoa_handler_table_find(const struct stoa_handler_table *table, uint32_t type) {
  size_t place = place_of(table, type);
  return is_at(table, place, type) ? table->handlers + place * table->handler_size : NULL;
}

static bool is_readable(const struct stoa_message_type *type) {
  return type == NULL || type->abi == STOA_DESCRIPTOR_ABI;
}

static int reserve(struct stoa_handler_table *table) {
  size_t count = (size_t)table->count + 1;
  int status = stoa_array_reserve(&table->keys, sizeof *table->keys, &table->key_capacity, count, table->count_max);
  return status != STOA_OK ? status
                           : stoa_array_reserve(&table->handlers, table->handler_size, &table->handler_capacity, count,
                                                table->count_max);
}

static void insert(struct stoa_handler_table *table, size_t place, const struct stoa_handler_key *key,
                   const void *handler) {
  uint8_t *at = table->handlers + place * table->handler_size;
  size_t after = table->count - place;
  assert(place <= table->count);
  assert(table->count < table->key_capacity);
  assert(table->count < table->handler_capacity);
  memmove(table->keys + place + 1, table->keys + place, after * sizeof *table->keys);
  memmove(at + table->handler_size, at, after * table->handler_size);
  table->keys[place] = *key;
  memcpy(at, handler, table->handler_size);
  table->count++;
}

int stoa_handler_table_add(struct stoa_handler_table *table, const struct stoa_handler_key *key, const void *handler) {
  assert(table->handler_size > 0);
  if (key->type > table->type_max || !is_readable(key->message) || !is_readable(key->reply)) {
    return STOA_E_ARGUMENT;
  }
  size_t place = place_of(table, key->type);
  if (is_at(table, place, key->type)) {
    return STOA_E_EXISTS;
  }
  int status = reserve(table);
  if (status == STOA_OK) {
    insert(table, place, key, handler);
    assert(stoa_handler_table_find(table, key->type) != NULL);
  }
  return status;
}
