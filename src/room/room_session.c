#include "room/room_session.h"

#include "room/watch.h"
#include "server/group/member.h"
#include "server/group/membership.h"

#include <assert.h>

void stoa_room_session_add_room(struct stoa_session *session, const struct stoa_group *room, bool is_watching,
                                struct stoa_room_visit *visit) {
  struct stoa_membership *membership = stoa_group_membership_of(session, room);
  assert(membership != NULL);
  assert(membership->mark == 0);
  membership->mark = is_watching ? STOA_ROOM_MARK_WATCHING : STOA_ROOM_MARK_MEMBER;
  membership->of_mark = visit;
}

static struct stoa_room_membership read_membership(const struct stoa_membership *membership) {
  struct stoa_string group = stoa_group_name(membership->group);
  assert(group.data[0] == STOA_ROOM_GROUP_MARK);
  return (struct stoa_room_membership){.room = stoa_room_name_make(stoa_string_make(group.data + 1, group.len - 1)),
                                       .is_watching = membership->mark == STOA_ROOM_MARK_WATCHING,
                                       .visit = membership->of_mark};
}

bool stoa_room_session_next(const struct stoa_session *session, uint32_t *place,
                            struct stoa_room_membership *out_membership) {
  while (*place < stoa_member_group_count(session)) {
    const struct stoa_membership *membership = stoa_member_membership(session, (*place)++);
    if (membership->mark != 0) {
      *out_membership = read_membership(membership);
      return true;
    }
  }
  return false;
}

static void leave(struct stoa_session *session, struct stoa_membership *membership,
                  struct stoa_room_membership *out_membership) {
  *out_membership = read_membership(membership);
  *membership = (struct stoa_membership){.group = membership->group, .index = membership->index};
  int status = stoa_session_leave(session, stoa_room_name_group(&out_membership->room));
  assert(status == STOA_OK);
  (void)status;
  if (out_membership->is_watching) {
    stoa_room_watch_end(session, &out_membership->room);
  }
}

bool stoa_room_session_remove_room(struct stoa_session *session, struct stoa_string room,
                                   struct stoa_room_membership *out_membership) {
  const struct stoa_room_name name = stoa_room_name_make(room);
  struct stoa_membership *membership = stoa_group_membership(session, stoa_room_name_group(&name));
  if (membership == NULL || membership->mark == 0) {
    return false;
  }
  leave(session, membership, out_membership);
  return true;
}

static struct stoa_membership *any_room(const struct stoa_session *session) {
  for (uint32_t i = stoa_member_group_count(session); i > 0; i--) {
    if (stoa_member_membership(session, i - 1)->mark != 0) {
      return stoa_member_membership(session, i - 1);
    }
  }
  return NULL;
}

void stoa_room_session_on_closing(struct stoa_room_worker *home, struct stoa_session *session) {
  const struct stoa_rooms_callbacks *callbacks = &home->rooms->callbacks;
  struct stoa_room_name names[STOA_SESSION_GROUPS_MAX]; /* 8 KiB on the stack, so that it cannot fail */
  uint32_t count = 0;
  struct stoa_room_joining *joining;
  struct stoa_membership *membership;
  while ((joining = stoa_room_joining_next(&home->joinings, stoa_session_id(session), NULL)) != NULL) {
    stoa_room_joining_remove(&home->joinings, joining);
  }
  while ((membership = any_room(session)) != NULL) {
    struct stoa_room_membership left;
    leave(session, membership, &left);
    names[count++] = left.room;
    if (left.visit != NULL) {
      stoa_room_presence_post_departure(left.visit);
    }
  }
  for (uint32_t i = 0; i < count && callbacks->on_member != NULL; i++) {
    callbacks->on_member(callbacks->user, session, stoa_room_name_text(&names[i]), false);
  }
}
