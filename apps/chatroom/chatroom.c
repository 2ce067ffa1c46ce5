#include "chatroom.h"

#include "handlers.h"
#include "person.h"

/* A client tests its connection: nothing to do. Without a handler it would count as an unknown type. */
static const struct stoa_error *on_ping(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_ping_message *message) {
  (void)user;
  (void)session;
  (void)message;
  return NULL;
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)request;
  struct person *person = person_create(user, session);
  if (person == NULL) {
    *out_refusal = (struct stoa_refusal){STOA_CLOSE_INTERNAL, "out of memory", 1000};
    return STOA_REFUSE;
  }
  stoa_session_set_user(session, person);
  return STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  person_destroy(stoa_session_user(session));
}

int chatroom_setup(struct stoa_server *server, struct chatroom *room) {
  static const struct chatroom_v1_chatroom_service_handlers handlers = {
      .chat = chatroom_on_chat, .hello = chatroom_on_hello, .ping = on_ping};
  const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = room};
  stoa_server_set_callbacks(server, &callbacks);
  int status = stoa_server_set_ping_message(server, CHATROOM_V1_MESSAGE_TYPE_PING, &chatroom_v1_ping_message_type);
  return status == STOA_OK ? chatroom_v1_chatroom_service_register(server, &handlers, room) : status;
}
