/* The smallest complete server: it sends each Chat message to every client, unchanged. */
#include "chat.stoa.h"

#include <stoa/app.h>

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct chat_v1_chat_message *message) {
  (void)user;
  if (chat_v1_chat_broadcast(stoa_session_server(session), message) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "the message could not be sent");
  }
  return NULL;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct chat_v1_chat_service_handlers handlers = {.chat = on_chat};
  (void)config;
  return chat_v1_chat_service_register(server, &handlers, user);
}

int main(int argc, char **argv) {
  const struct stoa_app app = {
      .name = "broadcast", .about = "Sends each Chat message to every client.", .setup = setup};
  return stoa_app_run(&app, argc, argv);
}
