/* How many Chat messages there are up to a position: every stored message has that number, so it is the number of the
 * newest message at or below the position, which is one read of one row. Where all of those were removed, it is the
 * number at the floor: that of the oldest message, without itself. */
#include "base/container.h"
#include "room/ask.h"
#include "room/owner.h"

#include <assert.h>
#include <stoa/room_admin.h>

struct lookup {
  struct stoa_room_command command;
  struct stoa_room_name room;
  struct stoa_room_position position;
};

static void finish(struct lookup *self, const struct stoa_engine_answer *read, uint64_t offset, uint64_t ordinal) {
  struct stoa_engine_answer answer = *read;
  answer.offset = offset;
  answer.ordinal = ordinal;
  answer.count = 0;
  assert(answer.status != STOA_ENGINE_OK || ordinal <= answer.top_ordinal);
  stoa_room_ask_done(&self->command.ask, &answer);
}

static void on_oldest(void *context, const struct stoa_engine_answer *answer) {
  struct lookup *self = context;
  uint64_t ordinal = answer->top_ordinal;
  if (answer->status == STOA_ENGINE_OK && answer->message_count > 0) {
    const struct stoa_engine_message *oldest = answer->messages[0];
    ordinal = oldest->place.ordinal - stoa_room_is_chat(oldest);
  }
  finish(self, answer, answer->floor, ordinal);
}

/* At or below the position nothing is left, but above it may be. */
static void read_oldest(struct lookup *self, const struct stoa_engine_answer *answer) {
  const struct stoa_engine_query query = {.room = stoa_room_name_text(&self->room),
                                          .is_forward = true,
                                          .epoch = answer->epoch,
                                          .since = answer->floor,
                                          .limit = 1};
  if (stoa_engine_history(self->command.ask.home->port, &query, on_oldest, self) != STOA_OK) {
    const struct stoa_engine_answer busy = {.status = STOA_ENGINE_BUSY, .retry_ms = STOA_ENGINE_RETRY_MS};
    finish(self, &busy, 0, 0);
  }
}

static void on_newest(void *context, const struct stoa_engine_answer *answer) {
  struct lookup *self = context;
  bool is_failed = answer->status != STOA_ENGINE_OK || self->command.ask.home->rooms->is_closed;
  if (!is_failed && self->position.epoch != 0 && self->position.epoch != answer->epoch) {
    struct stoa_engine_answer gone = *answer;
    gone.status = STOA_ENGINE_GONE;
    finish(self, &gone, 0, 0);
  } else if (!is_failed && answer->message_count > 0) {
    const struct stoa_engine_place *place = &answer->messages[0]->place;
    finish(self, answer, place->offset, place->ordinal);
  } else if (!is_failed && answer->floor != 0) {
    read_oldest(self, answer);
  } else {
    finish(self, answer, 0, 0);
  }
}

int stoa_room_ordinal(struct stoa_rooms *rooms, struct stoa_string room, const struct stoa_room_position *position,
                      stoa_room_done *on_done, void *context) {
  struct stoa_room_command *command;
  if (!stoa_room_name_is_valid(room) || on_done == NULL || position->offset >= INT64_MAX) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_command_create(rooms, sizeof(struct lookup), on_done, context, &command);
  if (status != STOA_OK) {
    return status;
  }
  struct lookup *self = stoa_container_of(command, struct lookup, command);
  self->room = stoa_room_name_make(room);
  self->position = *position;
  const struct stoa_engine_query query = {.room = room, .before = position->offset + 1, .limit = 1};
  return stoa_room_ask_begin(&command->ask, stoa_engine_history(command->ask.home->port, &query, on_newest, self));
}
