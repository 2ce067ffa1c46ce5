/* stamps.h: the kinds of messages that rooms store, and what the server writes into each when it is read.
 *
 * Thread: adding before the server starts.
 */
#ifndef CHATROOM_STAMPS_H
#define CHATROOM_STAMPS_H

#include <stoa/room.h>

/* Errors: as stoa_rooms_add_type() */
int stamps_add_types(struct stoa_rooms *rooms);

#endif
