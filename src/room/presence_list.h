/* room/presence_list.h: a copy of the users of a room, on its way from the owner to a session's worker.
 *
 * Thread: made on the owner, then whoever has it. Lifetime: embedded; zeroed is empty.
 */
#ifndef STOA_ROOM_PRESENCE_LIST_H
#define STOA_ROOM_PRESENCE_LIST_H

#include "room/presence.h"

struct stoa_room_presence_copy {
  struct stoa_room_presence presence;
  void *memory;
  size_t bytes; /* counted in rooms->slice_bytes */
};

/* room NULL: nobody is there. Errors: STOA_E_LIMIT  STOA_ROOM_SLICES_BYTES_MAX; STOA_E_MEMORY */
int stoa_room_presence_copy(struct stoa_room_worker *owner, const struct stoa_room *room,
                            struct stoa_room_presence_copy *out_copy);
void stoa_room_presence_copy_free(struct stoa_rooms *rooms, struct stoa_room_presence_copy *copy);

#endif
