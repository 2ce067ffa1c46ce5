/* Erasing a room, and a user.
 *
 * A room that is erased reaches its owner as a gap of the engine (owner.h). What a user has sent may be in the rings of
 * all owners, as it was before; so the way of erasing a user goes through all workers, before it is told that it is
 * done. */
#include "base/container.h"
#include "base/memory.h"
#include "room/ask.h"
#include "room/owner.h"

#include <assert.h>
#include <stoa/room_admin.h>

int stoa_room_erase(struct stoa_rooms *rooms, struct stoa_string room, stoa_room_done *on_done, void *context) {
  struct stoa_room_command *command;
  if (!stoa_room_name_is_valid(room)) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_command_create(rooms, sizeof *command, on_done, context, &command);
  if (status != STOA_OK) {
    return status;
  }
  return stoa_room_ask_begin(&command->ask,
                             stoa_engine_erase_room(command->ask.home->port, room, stoa_room_ask_done, &command->ask));
}

struct erasure {
  struct stoa_room_command command;
  struct stoa_post post;
  uint32_t next_worker; /* whose rings are next */
  struct stoa_engine_answer answer;
};

static void forget_rings(struct stoa_room_worker *owner) {
  size_t cursor = 0;
  struct stoa_room *room;
  while ((room = stoa_map_next(&owner->loaded, &cursor)) != NULL) {
    stoa_room_ring_clear(&room->ring, room->top, &owner->rooms->ring_bytes);
  }
}

static void on_home(struct stoa_post *post) {
  struct erasure *self = stoa_container_of(post, struct erasure, post);
  stoa_room_ask_done(&self->command.ask, &self->answer);
}

static void on_worker(struct stoa_post *post);

/* To the next worker, and from the last one home. When the server ends it has been told, and is freed where it is. */
static void go_on(struct erasure *self) {
  struct stoa_rooms *rooms = self->command.ask.home->rooms;
  if (rooms->is_closed) {
    assert(self->command.ask.is_told);
    stoa_free(self);
    return;
  }
  bool is_last = self->next_worker == rooms->worker_count;
  struct stoa_room_worker *to = is_last ? self->command.ask.home : &rooms->workers[self->next_worker];
  self->post.run = is_last ? on_home : on_worker;
  stoa_loop_post(stoa_room_worker_loop(to), &self->post);
}

static void on_worker(struct stoa_post *post) {
  struct erasure *self = stoa_container_of(post, struct erasure, post);
  struct stoa_rooms *rooms = self->command.ask.home->rooms;
  if (!rooms->is_closed) {
    forget_rings(&rooms->workers[self->next_worker]);
    self->next_worker++;
  }
  go_on(self);
}

/* Also after UNKNOWN: a part may have been done. */
static void on_erased(void *context, const struct stoa_engine_answer *answer) {
  struct erasure *self = context;
  self->answer =
      (struct stoa_engine_answer){.status = answer->status, .retry_ms = answer->retry_ms, .count = answer->count};
  go_on(self);
}

int stoa_rooms_erase_user(struct stoa_rooms *rooms, struct stoa_string sender, stoa_room_done *on_done, void *context) {
  struct stoa_room_command *command;
  if (sender.len == 0 || !stoa_room_text_is_valid(sender, STOA_ROOM_SENDER_LEN_MAX)) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_command_create(rooms, sizeof(struct erasure), on_done, context, &command);
  if (status != STOA_OK) {
    return status;
  }
  struct erasure *self = stoa_container_of(command, struct erasure, command);
  return stoa_room_ask_begin(&command->ask, stoa_engine_erase_user(command->ask.home->port, sender, on_erased, self));
}
