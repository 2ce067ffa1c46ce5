/* server/config/source.h: reads one source into a tree. Directories and the environment are several sources; load.c
 * splits them. */
#ifndef STOA_SERVER_CONFIG_SOURCE_H
#define STOA_SERVER_CONFIG_SOURCE_H

#include "server/config/tree.h"

/* Mistakes go to the report, also a file that cannot be read. The tree is in `arena`; out_root as in
 * stoa_config_tree_read(). Errors: STOA_E_MEMORY */
int stoa_config_source_read(const struct stoa_config_source *source, struct stoa_arena *arena,
                            struct stoa_config_report *report, struct stoa_config_node **out_root);

#endif
