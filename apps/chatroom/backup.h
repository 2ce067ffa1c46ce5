/* backup.h: a copy of the data, for commands that need one.
 *
 * Thread: the main thread.
 */
#ifndef CHATROOM_BACKUP_H
#define CHATROOM_BACKUP_H

#include "command.h"

/* Copy all rooms into a new file: by the server that runs, or else directly. Returns COMMAND_FINE, or COMMAND_FAILED
 * after it has said why. */
int backup_to(const struct chatroom_v1_config *config, const struct command_line *line, const char *path,
              unsigned long long *out_messages);

#endif
