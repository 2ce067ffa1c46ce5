/* server/config/source.h: one source, wherever it lies, as a tree. Directories and the environment are many sources;
 * load.c takes them apart. */
#ifndef STOA_SERVER_CONFIG_SOURCE_H
#define STOA_SERVER_CONFIG_SOURCE_H

#include "server/config/tree.h"

/* Mistakes, a file that cannot be read among them, go to the report. The tree lies in `arena`; out_root as
 * stoa_config_tree_read() says. Errors: STOA_E_MEMORY */
int stoa_config_source_read(const struct stoa_config_source *source, struct stoa_arena *arena,
                            struct stoa_config_report *report, struct stoa_config_node **out_root);

#endif
