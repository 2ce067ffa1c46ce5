/* storage.h: opens the storage of the chat's rooms, as the configuration names it.
 *
 * Thread: the main thread, before the server starts.
 */
#ifndef CHATROOM_STORAGE_H
#define CHATROOM_STORAGE_H

#include "chatroom.h"

/* Open chatroom->rooms, which have the health check "storage", and have the start print where the messages are. It blocks
 * while the storage is checked. Errors (logged): as stoa_rooms_create() */
int chatroom_storage_open(struct chatroom *chatroom, struct stoa_server *server,
                          const struct chatroom_v1_config *config);

#endif
