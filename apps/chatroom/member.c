#include "member.h"

#include "failure.h"
#include "handlers.h"
#include "person.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LOADING_RETRY_MS 200u

static struct member **link_of(const struct stoa_session *session, struct stoa_string room) {
  struct member **link = person_members(stoa_session_user(session));
  while (*link != NULL && !stoa_string_equal(stoa_string_make((*link)->room, (*link)->room_len), room)) {
    link = &(*link)->next;
  }
  return link;
}

struct member *member_find(const struct stoa_session *session, struct stoa_string room) {
  return *link_of(session, room);
}

struct member *member_add(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room) {
  struct member *member = calloc(1, sizeof *member);
  struct member **list = person_members(stoa_session_user(session));
  assert(room.len > 0 && room.len <= sizeof member->room);
  assert(member_find(session, room) == NULL);
  if (member == NULL) {
    return NULL;
  }
  member->rules = rules_take(chatroom->rules, room);
  if (member->rules == NULL) {
    free(member);
    return NULL;
  }
  member->room_len = room.len;
  memcpy(member->room, room.data, room.len);
  member->next = *list;
  *list = member;
  return member;
}

static void take_out(struct member **link) {
  struct member *member = *link;
  *link = member->next;
  rules_release(member->rules);
  free(member);
}

void member_remove(struct stoa_session *session, struct stoa_string room) {
  struct member **link = link_of(session, room);
  if (*link != NULL) {
    take_out(link);
  }
}

void member_remove_all(struct stoa_session *session) {
  struct member **list = person_members(stoa_session_user(session));
  while (*list != NULL) {
    take_out(list);
  }
}

struct rules_subject member_subject(const struct stoa_session *session) {
  const struct person *person = stoa_session_user(session);
  return (struct rules_subject){
      .user_id = person_user_id(person), .address = person_guest_address(person), .role = person_role(person)};
}

const struct stoa_error *member_check(const struct chatroom *chatroom, struct stoa_session *session,
                                      struct stoa_string room, bool is_message) {
  const struct stoa_error *error = chatroom_check_member(chatroom, session, room);
  if (error != NULL) {
    return error;
  }
  const struct member *member = member_find(session, room);
  assert(member != NULL);
  struct rules_subject subject = member_subject(session);
  uint32_t retry_ms = 0;
  switch (
      rules_check(member->rules, &subject, is_message, stoa_server_wall_ms(stoa_session_server(session)), &retry_ms)) {
    case RULES_NOT_LOADED:
      return chatroom_error_later(session, STOA_ERROR_RATE, "BUSY", "the room is being joined", LOADING_RETRY_MS);
    case RULES_BANNED:
      return stoa_session_error(session, CHATROOM_ERROR_BANNED, "BANNED", "you are banned from this room");
    case RULES_MUTED:
      return chatroom_error_later(session, CHATROOM_ERROR_MUTED, "MUTED", "you are muted in this room", retry_ms);
    case RULES_SLOW:
      return chatroom_error_later(session, CHATROOM_ERROR_SLOW_MODE, "SLOW_MODE",
                                  "this room takes one message of each user in a while", retry_ms);
    case RULES_FINE:
      break;
  }
  return NULL;
}
