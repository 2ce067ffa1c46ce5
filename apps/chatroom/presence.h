/* presence.h: who is in a room, as its members are told it.
 *
 * A session counts for its user in every room that it joins; what others see of the user (nick, role) is the info of
 * that join (stoa/room.h). Plain clients count too, and are told nothing.
 *
 * Thread: a worker's.
 */
#ifndef CHATROOM_PRESENCE_H
#define CHATROOM_PRESENCE_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>

struct person;

/* Role and nick. */
struct presence_info {
  size_t len;
  uint8_t data[STOA_ROOM_INFO_LEN_MAX];
};
/* Of a known person. */
void presence_info_make(const struct person *person, struct presence_info *out_info);

/* The bytes of a room's list, as rooms.presence_bytes_max counts them, for lists of `message_max` bytes. */
uint32_t presence_bytes_max(size_t message_max);

/* A list as a message. Its texts are those of the rooms' list. */
struct presence_list {
  struct chatroom_v1_presence_reply reply;
  struct chatroom_v1_member *members; /* owned; NULL without any */
  size_t bytes;                       /* as JSON text, at most */
};
/* Errors: STOA_E_MEMORY */
int presence_list_make(const struct stoa_room_presence *presence, struct presence_list *out_list);
void presence_list_free(struct presence_list *list);

/* on_presence of the rooms; `user` is the struct chatroom. */
int presence_on_diff(void *user, struct stoa_string room, const struct stoa_room_presence_diff *diff);

/* Tell in all of its rooms what the session's user is now: its role has changed, or whether it is away. What cannot be
 * told now is told a second later. */
void presence_update(const struct chatroom *chatroom, struct stoa_session *session);
/* The same for all sessions of the user: its nick has changed. */
void presence_update_user(const struct chatroom *chatroom, struct stoa_session *session);

#endif
