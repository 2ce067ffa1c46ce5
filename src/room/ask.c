#include "room/ask.h"

#include "base/container.h"
#include "base/memory.h"
#include "room/owner.h"

#include <assert.h>

void stoa_room_ask_tell(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer) {
  if (ask->is_told) {
    return;
  }
  ask->is_told = true;
  stoa_room_requests_remove(&ask->home->reads, &ask->request);
  ask->tell(ask, answer);
  if (answer != NULL) {
    stoa_arena_reset(ask->home->worker->arena);
  }
}

void stoa_room_ask_done(void *context, const struct stoa_engine_answer *answer) {
  struct stoa_room_ask *ask = context;
  stoa_room_ask_tell(ask, answer);
  stoa_free(ask);
}

static void end_early(struct stoa_room_request *request) {
  stoa_room_ask_tell(stoa_container_of(request, struct stoa_room_ask, request), NULL);
}

int stoa_room_ask_create(struct stoa_rooms *rooms, size_t size,
                         void (*tell)(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer),
                         struct stoa_room_ask **out_ask) {
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  assert(size >= sizeof(struct stoa_room_ask));
  if (home == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (home->is_over) {
    return STOA_E_CLOSED;
  }
  struct stoa_room_ask *ask = stoa_calloc(1, size);
  if (ask == NULL) {
    return STOA_E_MEMORY;
  }
  ask->request.close = end_early;
  ask->home = home;
  ask->tell = tell;
  *out_ask = ask;
  return STOA_OK;
}

int stoa_room_ask_begin(struct stoa_room_ask *ask, int status) {
  if (status == STOA_OK) {
    stoa_room_requests_add(&ask->home->reads, &ask->request);
  } else {
    stoa_free(ask);
  }
  return status;
}

static void tell_command(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer) {
  static const struct stoa_room_answer closed = {.status = STOA_ROOM_CLOSED};
  const struct stoa_room_command *command = stoa_container_of(ask, struct stoa_room_command, ask);
  if (command->on_done == NULL) {
    return;
  }
  if (answer == NULL) {
    command->on_done(command->context, &closed);
    return;
  }
  const struct stoa_room_answer told = {.status = stoa_room_status_of(answer->status),
                                        .retry_ms = answer->retry_ms,
                                        .position = {answer->epoch, answer->offset},
                                        .ordinal = answer->ordinal,
                                        .top_ordinal = answer->top_ordinal,
                                        .count = answer->count};
  command->on_done(command->context, &told);
}

int stoa_room_command_create(struct stoa_rooms *rooms, size_t size, stoa_room_done *on_done, void *context,
                             struct stoa_room_command **out_command) {
  struct stoa_room_ask *ask;
  int status = stoa_room_ask_create(rooms, size, tell_command, &ask);
  if (status == STOA_OK) {
    struct stoa_room_command *command = stoa_container_of(ask, struct stoa_room_command, ask);
    command->on_done = on_done;
    command->context = context;
    *out_command = command;
  }
  return status;
}
