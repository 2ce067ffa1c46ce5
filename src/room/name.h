/* room/name.h: the names of rooms, senders and ids, and the group of a room.
 *
 * Thread: any.
 */
#ifndef STOA_ROOM_NAME_H
#define STOA_ROOM_NAME_H

#include <stoa/room.h>

/* The members of a room are a group of the server. Its name begins with this byte, which no room's name has. */
#define STOA_ROOM_GROUP_MARK '\x01'
/* The members that asked for presence are another one, with this byte; both have the same owner (stoa_group_owner()).
 */
#define STOA_ROOM_WATCHERS_MARK '\x02'

/* A name of bounded length that owns its bytes; the group's is `mark` and `text`. */
struct stoa_room_name {
  uint8_t len;
  char mark;
  char text[STOA_ROOM_NAME_LEN_MAX];
};

bool stoa_room_name_is_valid(struct stoa_string name);
/* UTF-8 of at most len_max bytes without NUL; may be empty. */
bool stoa_room_text_is_valid(struct stoa_string text, size_t len_max);

/* name: valid */
struct stoa_room_name stoa_room_name_make(struct stoa_string name);

static inline struct stoa_string stoa_room_name_text(const struct stoa_room_name *name) {
  return stoa_string_make(name->text, name->len);
}

static inline struct stoa_string stoa_room_name_group(const struct stoa_room_name *name) {
  return stoa_string_make(&name->mark, (size_t)name->len + 1);
}

/* The same room, whose stoa_room_name_group() is the group of those that asked for presence. */
static inline struct stoa_room_name stoa_room_name_watchers(const struct stoa_room_name *name) {
  struct stoa_room_name watchers = *name;
  watchers.mark = STOA_ROOM_WATCHERS_MARK;
  return watchers;
}

#endif
