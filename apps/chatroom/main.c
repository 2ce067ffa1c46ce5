/* The chat room program; api/chatroom/v1/chatroom.proto has its protocol. */
#include "chatroom.h"

#include <chatroom/v1/conf.stoa.h>
#include <stoa/app.h>

static int setup(struct stoa_server *server, const void *config, void *user) {
  (void)config;
  return chatroom_setup(server, user);
}

int main(int argc, char **argv) {
  struct chatroom room = {0};
  const struct stoa_app app = {.name = "chatroom",
                               .about = "A chat room: open its address in a browser.",
                               .config_type = &chatroom_v1_config_type,
                               .setup = setup,
                               .user = &room};
  return stoa_app_run(&app, argc, argv);
}
