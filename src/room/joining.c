#include "room/joining.h"

#include <assert.h>

/* The last two bytes of an id of version 4 are random. */
static size_t list_of(const struct stoa_uuid *id) {
  const uint8_t *end = id->bytes + sizeof id->bytes;
  return ((size_t)end[-2] << 8 | end[-1]) & (STOA_ROOM_JOINING_LISTS - 1);
}

void stoa_room_joining_add(struct stoa_room_joinings *all, const struct stoa_uuid *session_id,
                           struct stoa_room_joining *joining) {
  assert(!joining->is_listed);
  joining->session_id = *session_id;
  struct stoa_room_joining **list = &all->lists[list_of(&joining->session_id)];
  joining->next = *list;
  joining->is_listed = true;
  *list = joining;
}

void stoa_room_joining_remove(struct stoa_room_joinings *all, struct stoa_room_joining *joining) {
  if (!joining->is_listed) {
    return;
  }
  struct stoa_room_joining **link = &all->lists[list_of(&joining->session_id)];
  while (*link != joining) {
    assert(*link != NULL);
    link = &(*link)->next;
  }
  *link = joining->next;
  joining->is_listed = false;
}

struct stoa_room_joining *stoa_room_joining_next(const struct stoa_room_joinings *all,
                                                 const struct stoa_uuid *session_id,
                                                 const struct stoa_room_joining *last) {
  assert(last == NULL || (last->is_listed && stoa_uuid_equal(&last->session_id, session_id)));
  struct stoa_room_joining *next = last == NULL ? all->lists[list_of(session_id)] : last->next;
  while (next != NULL && !stoa_uuid_equal(&next->session_id, session_id)) {
    next = next->next;
  }
  return next;
}

struct stoa_room_joining *stoa_room_joining_find(const struct stoa_room_joinings *all,
                                                 const struct stoa_uuid *session_id, struct stoa_string room) {
  struct stoa_room_joining *joining = stoa_room_joining_next(all, session_id, NULL);
  while (joining != NULL && !stoa_string_equal(stoa_room_name_text(&joining->room), room)) {
    joining = stoa_room_joining_next(all, session_id, joining);
  }
  return joining;
}
