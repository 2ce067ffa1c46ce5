/* server/config/bind.h: a source's tree into a message's struct, as the message's table says.
 *
 * Does not know: YAML, files, which source comes when.
 */
#ifndef STOA_SERVER_CONFIG_BIND_H
#define STOA_SERVER_CONFIG_BIND_H

#include "server/config/tree.h"

struct stoa_config_binder {
  struct stoa_arena *arena;   /* what the struct points to */
  struct stoa_arena *scratch; /* needed until bind returns */
  struct stoa_config_report *report;
  struct stoa_config_origins *origins; /* NULL: not kept */
};

/* Put the tree's values over those that `message` has. Mistakes go to the report; the struct is then worth nothing.
 * The tree is used up. `root` NULL is an empty source.
 * Errors: STOA_E_MEMORY, STOA_E_ARGUMENT (a table of another ABI); the struct is worth nothing. */
int stoa_config_bind(const struct stoa_config_binder *binder, const struct stoa_message_type *type,
                     struct stoa_config_node *root, void *message);

#endif
