/* codec/handler_table.h: what handles the messages of a type, by the type's number.
 *
 * A server and a client each have one. It is filled before messages come; finding allocates nothing and takes a binary
 * search in the keys.
 *
 * Does not know: what a handler is. It keeps a copy of each, of the size given at birth.
 * Thread: any, but adding is for one thread while no other one uses the table.
 * Lifetime: embedded in its owner; what finding gives is good until the next add or fini.
 */
#ifndef STOA_CODEC_HANDLER_TABLE_H
#define STOA_CODEC_HANDLER_TABLE_H

#include <stoa/descriptor.h>

/* What every handler has. */
struct stoa_handler_key {
  uint32_t type;
  const struct stoa_message_type *message; /* NULL: not decoded */
  const struct stoa_message_type *reply;   /* NULL: none */
};

struct stoa_handler_table {
  struct stoa_handler_key *keys; /* by ascending type */
  uint8_t *handlers;             /* that of keys[i] at i * handler_size */
  size_t handler_size;
  uint32_t count, count_max;
  uint32_t key_capacity, handler_capacity;
  uint32_t type_max;
};

/* type_max  the greatest type number that a frame can carry */
void stoa_handler_table_init(struct stoa_handler_table *table, size_t handler_size, uint32_t count_max,
                             uint32_t type_max);
/* Also of a zeroed one. */
void stoa_handler_table_fini(struct stoa_handler_table *table);

/* Add a copy of a handler. After an error the table is as before.
 * Errors: STOA_E_ARGUMENT  the number is above type_max, or a table of the messages' fields is of another ABI
 *         STOA_E_EXISTS    a handler of this type is there, which stays
 *         STOA_E_LIMIT     count_max are there
 *         STOA_E_MEMORY */
int stoa_handler_table_add(struct stoa_handler_table *table, const struct stoa_handler_key *key, const void *handler);
/* The handler of a type, or NULL. */
const void *stoa_handler_table_find(const struct stoa_handler_table *table, uint32_t type);

#endif
