/* room/type.h: the kinds of messages that rooms store, and reading a stored one: decoded and stamped.
 *
 * Does not know: rooms, members.
 * Thread: adding before the server starts; finding and reading on any thread.
 */
#ifndef STOA_ROOM_TYPE_H
#define STOA_ROOM_TYPE_H

#include "codec/handler_table.h"
#include "engine/page.h"

#include <stoa/room.h>

#define STOA_ROOM_TYPES_MAX 1024u

struct stoa_room_types {
  struct stoa_handler_table table; /* of struct stoa_room_kind */
  void *user;                      /* of the stamps */
  atomic_bool is_ready;            /* the server starts, so no type is added any more */
};

struct stoa_room_kind {
  struct stoa_room_type type;
  /* Some content of it may be impossible in a codec, or nested too deep in it. */
  bool may_fail;
};

void stoa_room_types_init(struct stoa_room_types *types, void *user);
void stoa_room_types_fini(struct stoa_room_types *types);
/* Errors: STOA_E_EXISTS, STOA_E_ARGUMENT, STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_room_types_add(struct stoa_room_types *types, const struct stoa_room_type *type);
/* NULL: it was not added. */
const struct stoa_room_kind *stoa_room_types_find(const struct stoa_room_types *types, uint32_t type);

/* Decode and stamp. The result points into the arena and into the stored message.
 * Errors: STOA_E_NOT_FOUND, or an error of the decoder: the stored message is of a type or form that the program no
 *         longer knows; STOA_E_MEMORY; STOA_E_LIMIT  the arena's cap, or nested too deep */
int stoa_room_types_read(const struct stoa_room_types *types, const struct stoa_engine_message *stored,
                         struct stoa_arena *arena, struct stoa_room_message *out_message);
/* The same with the message's kind, as stoa_room_types_find() gives it. */
int stoa_room_kind_read(const struct stoa_room_types *types, const struct stoa_room_kind *kind,
                        const struct stoa_engine_message *stored, struct stoa_arena *arena,
                        struct stoa_room_message *out_message);
/* For everybody who reads: true when the message must be left out, which is logged once here. */
bool stoa_room_types_leave_out(const struct stoa_engine_message *stored, int status);

/* What the search looks in; for the engine's threads, which wait for is_ready. Borrowed as long as the types. */
struct stoa_engine_text stoa_room_types_text(struct stoa_room_types *types);

/* The stamped form of a message that is still to be stored, with the longest stamp that it can get.
 *
 * body  its encoding; the result points into it and into the arena
 * Errors: STOA_E_MEMORY, STOA_E_LIMIT */
int stoa_room_kind_foresee(const struct stoa_room_types *types, const struct stoa_room_kind *kind,
                           const struct stoa_room_stamp *stamp, struct stoa_bytes body, struct stoa_arena *arena,
                           const void **out_message);

#endif
