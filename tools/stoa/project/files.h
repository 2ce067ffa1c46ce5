/* tools/stoa/project/files.h: files and folders that the tool makes. Each function says on stderr why it failed. */
#ifndef STOA_TOOL_PROJECT_FILES_H
#define STOA_TOOL_PROJECT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stoa/buffer.h>

enum { PROJECT_PATH_MAX = 4096, PROJECT_FILE_MAX = 1024 * 1024 };

/* `format` into out, PROJECT_PATH_MAX bytes. False when it is longer. */
__attribute__((format(printf, 2, 3))) bool project_path(char *out, const char *format, ...);

/* Make the folders that lead to a file, as `mkdir -p` does. The path is as before afterwards. */
bool project_make_parents(char *path);

/* Write all of it to a descriptor. False with errno, without a word. */
bool project_write_all(int fd, const struct stoa_buffer *content);

/* Write a new file; one that exists is not changed. */
bool project_write_new(const char *path, bool is_executable, const struct stoa_buffer *content);
/* Replace a file, or make it: a reader sees the old content or the new one. */
bool project_replace(const char *path, const struct stoa_buffer *content);
/* Append all of a file, at most PROJECT_FILE_MAX. */
bool project_read(const char *path, struct stoa_buffer *out);

/* Remove a folder with all that is in it; what cannot be removed stays. */
void project_remove_folder(const char *path);

/* Walk from the working directory up to a folder with api/protos.txt; out has that folder. False, without a word, when
 * there is none. */
bool project_find_root(char out[PROJECT_PATH_MAX]);

#endif
