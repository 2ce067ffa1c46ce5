/* storage.h: opens the storage of the chat's rooms, as the configuration names it.
 *
 * Thread: the main thread, before the server starts.
 */
#ifndef CHATROOM_STORAGE_H
#define CHATROOM_STORAGE_H

#include "chatroom.h"

/* How a configuration says that rooms are stored, with its defaults filled in. It points into itself and into the
 * configuration: not to be copied. */
struct storage_options {
  const char *data_dir;
  struct stoa_rooms_config rooms;
  struct stoa_engine_config engine;
  struct stoa_local_engine_config local; /* its path begins in data_dir */
};

void storage_options_of(const struct chatroom_v1_config *config, struct storage_options *out_options);

/* Open chatroom->rooms, and have the start print where the messages are. It blocks while the storage is checked. Errors
 * (logged): as stoa_rooms_create() */
int chatroom_storage_open(struct chatroom *chatroom, struct stoa_server *server,
                          const struct chatroom_v1_config *config);

#endif
