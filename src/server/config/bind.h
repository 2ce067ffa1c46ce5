/* server/config/bind.h: writes a source's tree into a message's struct, by the message's descriptor table.
 *
 * Does not know: YAML, files, the order of sources.
 */
#ifndef STOA_SERVER_CONFIG_BIND_H
#define STOA_SERVER_CONFIG_BIND_H

#include "server/config/tree.h"

struct stoa_config_binder {
  struct stoa_arena *arena;   /* memory of the struct's strings, lists and messages */
  struct stoa_arena *scratch; /* needed until bind returns */
  struct stoa_config_report *report;
  struct stoa_config_origins *origins; /* NULL: not kept */
};

/* Set the tree's values in `message`, over earlier ones. Mistakes go to the report; the struct must then not be used.
 * The tree is changed and must not be used again. `root` NULL is an empty source.
 * Errors: STOA_E_MEMORY, STOA_E_ARGUMENT (a table of another ABI); the struct must not be used. */
int stoa_config_bind(const struct stoa_config_binder *binder, const struct stoa_message_type *type,
                     struct stoa_config_node *root, void *message);

#endif
