/* Who is a member: the groups of the server know. */
#include "room/rooms.h"
#include "server/group/membership.h"

bool stoa_room_has(struct stoa_rooms *rooms, const struct stoa_session *session, struct stoa_string room) {
  (void)rooms;
  if (!stoa_room_name_is_valid(room)) {
    return false;
  }
  const struct stoa_room_name name = stoa_room_name_make(room);
  return stoa_group_has(session, stoa_room_name_group(&name));
}

size_t stoa_room_member_count(struct stoa_rooms *rooms, struct stoa_string room) {
  if (!stoa_room_name_is_valid(room)) {
    return 0;
  }
  const struct stoa_room_name name = stoa_room_name_make(room);
  return stoa_server_member_count(rooms->server, stoa_room_name_group(&name));
}
