#include "room/watch.h"

#include "server/group/member.h"
#include "server/group/side.h"

#include <assert.h>

int stoa_room_watch_hold(struct stoa_room_worker *home, const struct stoa_session *session,
                         const struct stoa_room_name *room, struct stoa_room_watch *watch) {
  struct stoa_groups *groups = &home->worker->groups;
  const struct stoa_room_name watchers = stoa_room_name_watchers(room);
  struct stoa_group *group = stoa_groups_find_or_create(groups, stoa_room_name_group(&watchers));
  assert(watch->group == NULL);
  if (group == NULL) {
    return STOA_E_MEMORY;
  }
  uint32_t variant = (uint32_t)stoa_member_variant(session, group, groups->host.formats);
  if (stoa_side_hold(groups, group, variant) != STOA_OK) {
    stoa_groups_drop_if_unused(groups, group);
    return STOA_E_MEMORY;
  }
  *watch = (struct stoa_room_watch){group, variant};
  return STOA_OK;
}

int stoa_room_watch_begin(const struct stoa_room_watch *watch, struct stoa_session *session,
                          const struct stoa_room_name *room) {
  const struct stoa_room_name watchers = stoa_room_name_watchers(room);
  assert(watch->group != NULL);
  if (stoa_side_held_lost(watch->group, watch->variant)) {
    return STOA_E_MEMORY;
  }
  return stoa_session_join(session, stoa_room_name_group(&watchers));
}

void stoa_room_watch_release(struct stoa_room_worker *home, struct stoa_room_watch *watch) {
  struct stoa_groups *groups = &home->worker->groups;
  if (watch->group != NULL) {
    stoa_side_release(groups, watch->group, watch->variant);
    stoa_groups_drop_if_unused(groups, watch->group);
    watch->group = NULL;
  }
}

void stoa_room_watch_end(struct stoa_session *session, const struct stoa_room_name *room) {
  const struct stoa_room_name watchers = stoa_room_name_watchers(room);
  int ignored = stoa_session_leave(session, stoa_room_name_group(&watchers));
  (void)ignored; /* a session that closes has left it */
}
