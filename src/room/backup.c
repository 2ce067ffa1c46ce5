/* Copying all rooms, and how much of a room is kept. */
#include "room/ask.h"
#include "room/name.h"

#include <stoa/room_admin.h>

int stoa_rooms_backup(struct stoa_rooms *rooms, struct stoa_string path, stoa_room_done *on_done, void *context) {
  struct stoa_room_command *command;
  if (path.len == 0 || !stoa_room_text_is_valid(path, STOA_ENGINE_PATH_LEN_MAX)) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_command_create(rooms, sizeof *command, on_done, context, &command);
  if (status != STOA_OK) {
    return status;
  }
  return stoa_room_ask_begin(&command->ask,
                             stoa_engine_backup(command->ask.home->port, path, stoa_room_ask_done, &command->ask));
}

static bool is_number(uint64_t value) {
  return value <= INT64_MAX / 1000; /* the engine counts microseconds */
}

int stoa_room_retain(struct stoa_rooms *rooms, struct stoa_string room, const struct stoa_room_retention *retention,
                     stoa_room_done *on_done, void *context) {
  struct stoa_room_command *command;
  if (!stoa_room_name_is_valid(room) || !is_number(retention->age_ms) || !is_number(retention->messages) ||
      !is_number(retention->bytes)) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_command_create(rooms, sizeof *command, on_done, context, &command);
  if (status != STOA_OK) {
    return status;
  }
  const struct stoa_engine_retention kept = {retention->age_ms, retention->messages, retention->bytes};
  return stoa_room_ask_begin(
      &command->ask, stoa_engine_retain(command->ask.home->port, room, &kept, stoa_room_ask_done, &command->ask));
}
