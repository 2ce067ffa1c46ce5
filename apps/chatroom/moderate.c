/* Moderate: who may moderate whom; moderation.h does it. */
#include "handlers.h"
#include "moderation.h"
#include "person.h"
#include "room_change.h"

#include <stdlib.h>

/* Those above and beside are out of reach, but not for administrators. Of who is not there, the role is not known: what
 * is set for such a user does not count when the role is too high (sanction_binds()). */
static const struct stoa_error *check_target(const struct chatroom *chatroom, struct stoa_session *session,
                                             struct stoa_string user_id) {
  enum chatroom_v1_role role = person_role(stoa_session_user(session));
  struct user_session *sessions;
  size_t count;
  if (user_sessions_list(chatroom->people->sessions, user_id, &sessions, &count) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  bool is_above = role == CHATROOM_V1_ROLE_ADMIN;
  bool is_fine = true;
  for (size_t i = 0; i < count; i++) {
    is_fine = is_fine && (is_above || sessions[i].role < role);
  }
  free(sessions);
  return is_fine ? NULL
                 : stoa_session_error(session, CHATROOM_ERROR_DENIED, "PERMISSION_DENIED",
                                      "this user's role is not below yours");
}

static int reply_to(struct stoa_call *call, uint32_t sessions) {
  const struct chatroom_v1_moderate_reply reply = {0};
  (void)sessions;
  return chatroom_v1_chatroom_service_moderate_reply(call, &reply);
}

const struct stoa_error *chatroom_on_moderate(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_moderate_request *request,
                                              struct chatroom_v1_moderate_reply *reply) {
  struct chatroom *chatroom = user;
  const struct person *person = stoa_session_user(session);
  const struct moderation_request moderation = {.room = chatroom_room(chatroom, request->room),
                                                .user_id = request->user_id,
                                                .action = request->action,
                                                .seconds = request->seconds,
                                                .reason = request->reason,
                                                .by_role = person_role(person),
                                                .by_id = person_user_id(person),
                                                .by_nick = person_nick(person),
                                                .reply = reply_to};
  const char *fault = moderation_fault(&moderation);
  (void)reply;
  const struct stoa_error *error =
      fault == NULL ? NULL : stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", fault);
  error = error == NULL ? room_change_check(session, moderation.room) : error;
  error = error == NULL ? check_target(chatroom, session, request->user_id) : error;
  return error == NULL ? moderation_start(chatroom, session, &moderation) : error;
}
