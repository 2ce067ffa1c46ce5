/* SetRoom: who may set topic, slow mode and size of a room; room_setting.h does it. */
#include "handlers.h"
#include "person.h"
#include "room_change.h"
#include "room_setting.h"

static int reply_to(struct stoa_call *call) {
  const struct chatroom_v1_set_room_reply reply = {0};
  return chatroom_v1_chatroom_service_set_room_reply(call, &reply);
}

const struct stoa_error *chatroom_on_set_room(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_set_room_request *request,
                                              struct chatroom_v1_set_room_reply *reply) {
  struct chatroom *chatroom = user;
  const struct person *person = stoa_session_user(session);
  struct stoa_string room = chatroom_room(chatroom, request->room);
  const struct stoa_error *error = room_change_check(session, room);
  (void)reply;
  if (error != NULL) {
    return error;
  }
  const struct room_setting_request setting = {.room = room,
                                               .values = request,
                                               .by_id = person_user_id(person),
                                               .by_nick = person_nick(person),
                                               .is_administrator = person_role(person) == CHATROOM_V1_ROLE_ADMIN,
                                               .reply = reply_to};
  return room_setting_start(chatroom, session, &setting);
}
