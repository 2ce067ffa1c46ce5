#include "room/room_session.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>

struct stoa_bytes stoa_room_session_key(const void *object) {
  const struct stoa_room_session *session = object;
  return stoa_bytes_make(&session->id, sizeof session->id);
}

struct stoa_room_session *stoa_room_session_find(struct stoa_room_worker *home, const struct stoa_session *session) {
  return stoa_map_find(&home->sessions, stoa_bytes_make(stoa_session_id(session), sizeof(struct stoa_uuid)));
}

int stoa_room_session_find_or_create(struct stoa_room_worker *home, const struct stoa_session *session,
                                     struct stoa_room_session **out_session) {
  struct stoa_room_session *found = stoa_room_session_find(home, session);
  if (found == NULL) {
    found = stoa_calloc(1, sizeof *found);
    if (found == NULL) {
      return STOA_E_MEMORY;
    }
    found->id = *stoa_session_id(session);
    if (stoa_map_insert(&home->sessions, found) != STOA_OK) {
      stoa_free(found);
      return STOA_E_MEMORY;
    }
  }
  *out_session = found;
  return STOA_OK;
}

static void destroy(struct stoa_room_worker *home, struct stoa_room_session *session) {
  stoa_map_remove(&home->sessions, stoa_room_session_key(session));
  stoa_free(session->rooms);
  stoa_free(session);
}

void stoa_room_session_drop_if_unused(struct stoa_room_worker *home, struct stoa_room_session *session) {
  if (session->joining == NULL && session->room_count == 0) {
    destroy(home, session);
  }
}

struct stoa_room_joining *stoa_room_session_joining(const struct stoa_room_session *session, struct stoa_string room) {
  struct stoa_room_joining *joining = session->joining;
  while (joining != NULL && !stoa_string_equal(stoa_room_name_text(&joining->room), room)) {
    joining = joining->next;
  }
  return joining;
}

void stoa_room_session_add_joining(struct stoa_room_session *session, struct stoa_room_joining *joining) {
  joining->session = session;
  joining->next = session->joining;
  session->joining = joining;
  session->joining_count += stoa_room_group_count(joining->is_watching);
}

void stoa_room_session_remove_joining(struct stoa_room_session *session, struct stoa_room_joining *joining) {
  if (joining->session == NULL) {
    return;
  }
  assert(joining->session == session);
  struct stoa_room_joining **link = &session->joining;
  while (*link != joining) {
    link = &(*link)->next;
  }
  *link = joining->next;
  joining->session = NULL;
  session->joining_count -= stoa_room_group_count(joining->is_watching);
}

int stoa_room_session_add_room(struct stoa_room_session *session, const struct stoa_room_membership *room) {
  assert(session->room_count < STOA_SESSION_GROUPS_MAX); /* it has joined the room's group before */
  /* Most sessions have one room, so no place is kept for more. */
  if (stoa_array_resize(&session->rooms, sizeof *session->rooms, (size_t)session->room_count + 1) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  session->rooms[session->room_count++] = *room;
  return STOA_OK;
}

bool stoa_room_session_remove_room(struct stoa_room_session *session, struct stoa_string room,
                                   struct stoa_room_membership *out_room) {
  for (uint32_t i = 0; i < session->room_count; i++) {
    if (stoa_string_equal(stoa_room_name_text(&session->rooms[i].room), room)) {
      *out_room = session->rooms[i];
      session->rooms[i] = session->rooms[--session->room_count];
      return true;
    }
  }
  return false;
}

void stoa_room_session_on_closing(struct stoa_room_worker *home, struct stoa_session *session) {
  const struct stoa_rooms_callbacks *callbacks = &home->rooms->callbacks;
  struct stoa_room_session *own = stoa_room_session_find(home, session);
  if (own == NULL) {
    return;
  }
  while (own->joining != NULL) {
    stoa_room_session_remove_joining(own, own->joining);
  }
  struct stoa_room_membership *rooms = own->rooms;
  uint32_t count = own->room_count;
  own->rooms = NULL; /* the callbacks find a session without rooms */
  destroy(home, own);
  for (uint32_t i = 0; i < count; i++) {
    if (rooms[i].visit != NULL) {
      stoa_room_presence_post_departure(rooms[i].visit);
    }
    if (callbacks->on_member != NULL) {
      callbacks->on_member(callbacks->user, session, stoa_room_name_text(&rooms[i].room), false);
    }
  }
  stoa_free(rooms);
}
