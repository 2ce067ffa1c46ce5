/* The chat room program; api/chatroom/v1/chatroom.proto has its protocol. */
#include "chatroom.h"

#include <chatroom/v1/conf.stoa.h>
#include <stoa/app.h>

static int setup(struct stoa_server *server, const void *config, void *user) {
  return chatroom_setup(server, config, user);
}

int main(int argc, char **argv) {
  struct chatroom room = {0};
  const struct stoa_app app = {.name = "chatroom",
                               .about = "A chat room: open its address in a browser.",
                               .config_type = &chatroom_v1_config_type,
                               .setup = setup,
                               .user = &room};
  int exit_status = stoa_app_run(&app, argc, argv);
  chatroom_fini(&room);
  return exit_status;
}
