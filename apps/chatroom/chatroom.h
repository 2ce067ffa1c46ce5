/* chatroom.h: the default room: every connected user gets every message.
 *
 * Thread: setup before the server starts; all else runs on the sessions' workers.
 * Lifetime: `room` must live as long as the server.
 */
#ifndef CHATROOM_H
#define CHATROOM_H

#include <stdatomic.h>
#include <stoa/server.h>

#define CHATROOM_NICK_CHARS_MAX 32
#define CHATROOM_TEXT_CHARS_MAX 4000

struct chatroom {
  atomic_uint_least32_t guests; /* the number of guest names given so far */
};

/* Errors of this API, in addition to those of the library. */
enum chatroom_error {
  CHATROOM_ERROR_TEXT_TOO_LONG = 122,
  CHATROOM_ERROR_TEXT_EMPTY = 123,
  CHATROOM_ERROR_NICK_INVALID = 125
};

/* Errors: as stoa_server_handle(). */
int chatroom_setup(struct stoa_server *server, struct chatroom *room);

#endif
