/* chatroom.h: the chat service: rooms whose messages are stored, on a server.
 *
 * Thread: setup before the server starts; all else runs on the sessions' workers.
 * Lifetime: `chatroom` must live as long as the server.
 */
#ifndef CHATROOM_H
#define CHATROOM_H

#include <chatroom/v1/chatroom.stoa.h>
#include <chatroom/v1/conf.stoa.h>
#include <stoa/room.h>

#define CHATROOM_TEXT_CHARS_MAX 4000

struct activity;
struct people;
struct readers;
struct room_rules;
struct rules;

/* Zeroed before setup. */
struct chatroom {
  struct people *people;           /* owned */
  struct activity *activity;       /* owned */
  struct readers *readers;         /* owned */
  struct room_rules *server_rules; /* counted: whom no room takes */
  struct rules *rules;             /* owned */
  struct stoa_rooms *rooms;        /* NULL until storage.h has opened them */
  const char *data_dir;            /* borrowed from the configuration; NULL: nothing is stored */
  struct stoa_string default_room; /* borrowed from the configuration */
  int64_t edit_window_ms;
  int64_t away_ms; /* away.h */
};

/* Errors of this API, in addition to those of the library. */
enum chatroom_error {
  CHATROOM_ERROR_UNKNOWN_ROOM = CHATROOM_V1_ERROR_CODE_ERROR_UNKNOWN_ROOM,
  CHATROOM_ERROR_DENIED = CHATROOM_V1_ERROR_CODE_ERROR_PERMISSION_DENIED,
  CHATROOM_ERROR_JOINED = CHATROOM_V1_ERROR_CODE_ERROR_JOINED,
  CHATROOM_ERROR_POSITION_LOST = CHATROOM_V1_ERROR_CODE_ERROR_POSITION_LOST,
  CHATROOM_ERROR_MUTED = CHATROOM_V1_ERROR_CODE_ERROR_MUTED,
  CHATROOM_ERROR_BANNED = CHATROOM_V1_ERROR_CODE_ERROR_BANNED,
  CHATROOM_ERROR_TEXT_TOO_LONG = CHATROOM_V1_ERROR_CODE_ERROR_TEXT_TOO_LONG,
  CHATROOM_ERROR_TEXT_EMPTY = CHATROOM_V1_ERROR_CODE_ERROR_TEXT_EMPTY,
  CHATROOM_ERROR_NICK_TAKEN = CHATROOM_V1_ERROR_CODE_ERROR_NICK_TAKEN,
  CHATROOM_ERROR_NICK_INVALID = CHATROOM_V1_ERROR_CODE_ERROR_NICK_INVALID,
  CHATROOM_ERROR_ROOM_FULL = CHATROOM_V1_ERROR_CODE_ERROR_ROOM_FULL,
  CHATROOM_ERROR_SLOW_MODE = CHATROOM_V1_ERROR_CODE_ERROR_SLOW_MODE,
  CHATROOM_ERROR_EDIT_WINDOW = CHATROOM_V1_ERROR_CODE_ERROR_EDIT_WINDOW
};

/* config  borrowed as long as the server. Errors: as stoa_server_handle(); STOA_E_ARGUMENT  an option (logged); those
 * of people_create(). Call chatroom_fini() after all of them. */
int chatroom_setup(struct stoa_server *server, struct chatroom *chatroom, const struct chatroom_v1_config *config);
/* After the server has been destroyed. A zeroed one is allowed. */
void chatroom_fini(struct chatroom *chatroom);

/* The room of a request: the default one for those who name none. */
static inline struct stoa_string chatroom_room(const struct chatroom *chatroom, struct stoa_string room) {
  return room.len == 0 ? chatroom->default_room : room;
}

#endif
