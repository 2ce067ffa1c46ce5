/* room/ask.h: a call that a worker's own port of the engine answers, without the room's owner.
 *
 * Thread: the worker's that asks. Lifetime: from create to the engine's answer; when the server ends before, the
 * program is told, and the memory is freed when the engine answers.
 */
#ifndef STOA_ROOM_ASK_H
#define STOA_ROOM_ASK_H

#include "room/rooms.h"

struct stoa_room_ask {
  struct stoa_room_request request;
  struct stoa_room_worker *home;
  bool is_told;
  /* Call the program's completion. NULL: the server ends (CLOSED). */
  void (*tell)(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer);
};

/* Make one that is a part of an object.
 *
 * size  of the object, which begins with it; the rest is zeroed
 * Errors: STOA_E_ARGUMENT  not on a worker; STOA_E_CLOSED, STOA_E_MEMORY */
int stoa_room_ask_create(struct stoa_rooms *rooms, size_t size,
                         void (*tell)(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer),
                         struct stoa_room_ask **out_ask);
/* status  of the call to the engine: when it failed, the ask is freed. Returns it. */
int stoa_room_ask_begin(struct stoa_room_ask *ask, int status);
/* Tell the program, unless it has been told, and free it: the engine's completion, with the ask as its context. */
void stoa_room_ask_done(void *context, const struct stoa_engine_answer *answer);
/* The first half, for one that has more to do. */
void stoa_room_ask_tell(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer);

/* One that is completed with a struct stoa_room_answer. size: of the object that begins with it. */
struct stoa_room_command {
  struct stoa_room_ask ask;
  stoa_room_done *on_done; /* NULL: nobody wants to know */
  void *context;
};
int stoa_room_command_create(struct stoa_rooms *rooms, size_t size, stoa_room_done *on_done, void *context,
                             struct stoa_room_command **out_command);

#endif
