/* codec/handler_table.h: the handlers of messages, by type number.
 *
 * A server and a client each have one. It is filled before messages come; finding allocates nothing; it is a binary
 * search in the keys.
 *
 * Does not know: the content of a handler. It keeps a copy of each, of the size given to init.
 * Thread: any; add only while no other thread uses the table.
 * Lifetime: embedded in its owner; the result of find is valid until the next add or fini.
 */
#ifndef STOA_CODEC_HANDLER_TABLE_H
#define STOA_CODEC_HANDLER_TABLE_H

#include <stoa/descriptor.h>

/* The common part of every handler. */
struct stoa_handler_key {
  uint32_t type;
  const struct stoa_message_type *message; /* NULL: not decoded */
  const struct stoa_message_type *reply;   /* NULL: none */
};

struct stoa_handler_table {
  struct stoa_handler_key *keys; /* by ascending type */
  uint8_t *handlers;             /* the handler of keys[i] is at i * handler_size */
  size_t handler_size;
  uint32_t count, count_max;
  uint32_t key_capacity, handler_capacity;
  uint32_t type_max;
};

/* type_max  the greatest type number that a frame can carry */
void stoa_handler_table_init(struct stoa_handler_table *table, size_t handler_size, uint32_t count_max,
                             uint32_t type_max);
/* A zeroed table is fine. */
void stoa_handler_table_fini(struct stoa_handler_table *table);

/* Add a copy of a handler. After an error the table is unchanged.
 * Errors: STOA_E_ARGUMENT  the number is above type_max, or a descriptor table of a message has another ABI
 *         STOA_E_EXISTS    the table has a handler of this type, which is kept
 *         STOA_E_LIMIT     the table has count_max handlers
 *         STOA_E_MEMORY */
int stoa_handler_table_add(struct stoa_handler_table *table, const struct stoa_handler_key *key, const void *handler);
/* The handler of a type, or NULL. */
const void *stoa_handler_table_find(const struct stoa_handler_table *table, uint32_t type);

#endif
