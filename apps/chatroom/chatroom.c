#include "chatroom.h"

#include "handlers.h"
#include "person.h"

#include <chatroom/v1/conf.stoa.h>

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
  const struct chatroom *room = user;
  (void)request;
  struct person *person = person_create(room->people, session);
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

static int set_up_people(struct stoa_server *server, const struct chatroom_v1_config *config, struct chatroom *room) {
  struct people_options options = people_options_of(config->server);
  if (config->chat != NULL) {
    options.hello_timeout_ms = config->chat->hello_timeout_ms;
    options.data_folder = config->chat->data_folder.len > 0 ? config->chat->data_folder.data : NULL;
  }
  int status = people_create(&options, &room->people);
  return status == STOA_OK ? people_guard(room->people, server) : status;
}

int chatroom_setup(struct stoa_server *server, const struct chatroom_v1_config *config, struct chatroom *room) {
  static const struct chatroom_v1_chatroom_service_handlers handlers = {.chat = chatroom_on_chat,
                                                                        .hello = chatroom_on_hello,
                                                                        .ping = on_ping,
                                                                        .refresh = chatroom_on_refresh,
                                                                        .set_nick = chatroom_on_set_nick};
  const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = room};
  int status = set_up_people(server, config, room);
  if (status != STOA_OK) {
    return status;
  }
  stoa_server_set_callbacks(server, &callbacks);
  status = stoa_server_set_ping_message(server, CHATROOM_V1_MESSAGE_TYPE_PING, &chatroom_v1_ping_message_type);
  return status == STOA_OK ? chatroom_v1_chatroom_service_register(server, &handlers, room) : status;
}

void chatroom_fini(struct chatroom *room) {
  people_destroy(room->people);
  room->people = NULL;
}
