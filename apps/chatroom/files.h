/* files.h: copies, moves and removes files, for commands.
 *
 * Thread: the main thread; all of it blocks. Errors: false, and errno says why.
 */
#ifndef CHATROOM_FILES_H
#define CHATROOM_FILES_H

#include <stdbool.h>

#define FILES_PATH_SIZE 4096

/* Into a new file with mode 0600, which is synced. After an error it does not exist. */
bool files_copy(const char *from, const char *to);
/* To a path that does not exist, also on another file system. */
bool files_move(const char *from, const char *to);
/* Remove path + suffix. That it does not exist is fine. */
bool files_remove_beside(const char *path, const char *suffix);
/* Sync the folder of a file, so that its name is stored. */
bool files_sync_folder(const char *path);
/* Does it begin as a SQLite database does? An empty file would be taken for a new one. */
bool files_is_database(const char *path);

#endif
