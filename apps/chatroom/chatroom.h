/* chatroom.h: the default room: every connected user gets every message.
 *
 * Thread: setup before the server starts; all else runs on the sessions' workers.
 * Lifetime: `room` must live as long as the server.
 */
#ifndef CHATROOM_H
#define CHATROOM_H

#include <stoa/server.h>

#define CHATROOM_TEXT_CHARS_MAX 4000

struct chatroom_v1_config;
struct people;

/* Zeroed before setup. */
struct chatroom {
  struct people *people; /* owned */
};

/* Errors of this API, in addition to those of the library. */
enum chatroom_error {
  CHATROOM_ERROR_DENIED = 103,
  CHATROOM_ERROR_TEXT_TOO_LONG = 122,
  CHATROOM_ERROR_TEXT_EMPTY = 123,
  CHATROOM_ERROR_NICK_TAKEN = 124,
  CHATROOM_ERROR_NICK_INVALID = 125
};

/* config  borrowed until the call returns
 * Errors: as stoa_server_handle(); those of people_create(). Call chatroom_fini() after all of them. */
int chatroom_setup(struct stoa_server *server, const struct chatroom_v1_config *config, struct chatroom *room);
/* After the server has been destroyed. A zeroed one is allowed. */
void chatroom_fini(struct chatroom *room);

#endif
