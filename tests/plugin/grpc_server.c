/* A server for shapes/chat/v1/chat.proto, a gRPC file without a word about Stoa: Join is answered, and its caller gets
 * Typing as a message of its own. */
#include <stoa/app.h>

#include "chat.stoa.h"

static const struct stoa_error *on_join(void *user, struct stoa_session *session,
                                        const struct shapes_chat_v1_join_request *request,
                                        struct shapes_chat_v1_join_response *reply) {
  (void)user;
  static const struct shapes_chat_v1_member members[] = {{.name = STOA_STR("ada")}};
  const struct shapes_chat_v1_typing typing = {.room = request->room};
  reply->members.items = members;
  reply->members.count = 1;
  int status = shapes_chat_v1_typing_push(session, &typing);
  return status == STOA_OK ? NULL : stoa_session_error(session, 1, "NOT_SENT", stoa_status_text(status));
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  (void)config;
  const struct shapes_chat_v1_chat_handlers handlers = {.join = on_join};
  return shapes_chat_v1_chat_register(server, &handlers, user);
}

int main(int argc, char **argv) {
  return stoa_app_run(&(struct stoa_app){.name = "grpc", .setup = setup}, argc, argv);
}
