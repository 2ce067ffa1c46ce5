/* server/config/folder.h: which files of a directory are configuration: those named *.yaml or *.yml that are not
 * hidden, sorted by the bytes of their names.
 *
 * Does not know: what is in the files, nor whether they can be read.
 */
#ifndef STOA_SERVER_CONFIG_FOLDER_H
#define STOA_SERVER_CONFIG_FOLDER_H

#include <stoa/arena.h>

#define STOA_CONFIG_FOLDER_FILES_MAX 1024u

struct stoa_config_folder {
  struct stoa_string *paths; /* each followed by a NUL */
  size_t count;
};

/* Is the path a directory? False also if stat(2) fails. */
bool stoa_config_is_folder(const char *path);

/* List the directory's files. What is found lies in the arena.
 * Errors: STOA_E_SYSTEM  the directory cannot be read; errno says why
 *         STOA_E_LIMIT   more than STOA_CONFIG_FOLDER_FILES_MAX files
 *         STOA_E_MEMORY */
int stoa_config_folder_list(const char *path, struct stoa_arena *arena, struct stoa_config_folder *out_folder);

#endif
