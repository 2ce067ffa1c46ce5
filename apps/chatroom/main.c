/* The chat room program; api/chatroom/v1/chatroom.proto has its protocol. */
#include "command.h"
#include "storage.h"

#include <stoa/app.h>

static int setup(struct stoa_server *server, const void *config, void *user) {
  int status = chatroom_storage_open(user, server, config);
  return status == STOA_OK ? chatroom_setup(server, user, config) : status;
}

int main(int argc, char **argv) {
  const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
  if (command != NULL) {
    return command_run(command, argc - 1, argv + 1);
  }
  struct chatroom chatroom = {0};
  const struct stoa_app app = {
      .name = "chatroom",
      .about =
          "A chat room: open its address in a browser. Commands, with --help each: chatroom backup, "
          "restore, export, import, erase, token.",
      .config_type = &chatroom_v1_config_type,
      .setup = setup,
      .user = &chatroom};
  int status = stoa_app_run(&app, argc, argv);
  /* After the server. */
  stoa_rooms_destroy(chatroom.rooms);
  chatroom_fini(&chatroom);
  return status;
}
