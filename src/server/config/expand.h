/* server/config/expand.h: ${NAME} and ${NAME:default} in a tree's scalars become the values of environment variables.
 *
 * Only scalars, before their text is given a type; never keys. What was put in is not looked at again. $${ stands for
 * ${ itself, and a $ without { for itself.
 *
 * Does not know: types, sources. Thread: any, one at a time on one tree.
 */
#ifndef STOA_SERVER_CONFIG_EXPAND_H
#define STOA_SERVER_CONFIG_EXPAND_H

#include "server/config/tree.h"

/* Expand every scalar below `root`, which may be NULL. Mistakes go to the report, and their scalars are then broken.
 *
 * environment  "NAME=value" each, up to NULL; NULL: empty
 * arena        the tree's
 * Errors: STOA_E_MEMORY */
int stoa_config_expand(struct stoa_config_node *root, const char *const *environment, struct stoa_arena *arena,
                       struct stoa_config_report *report);

/* The value of the variable, or NULL when it is not set. */
const char *stoa_config_variable(const char *const *environment, struct stoa_string name);

#endif
