/* engine/memory/room.h: one room of the memory engine: its messages, and who sent what once.
 *
 * Thread: one at a time.
 */
#ifndef STOA_ENGINE_MEMORY_ROOM_H
#define STOA_ENGINE_MEMORY_ROOM_H

#include "base/map.h"
#include "engine/log.h"

struct stoa_memory_room {
  struct stoa_string name; /* in `data` */
  uint64_t audience;       /* bits of the ports that subscribed */
  struct stoa_engine_bounds bounds;
  int64_t time_us; /* of the newest message */
  struct stoa_engine_log log;
  uint64_t body_bytes;
  struct stoa_map once; /* by sender and client_msg_id */
  bool has_retention;
  struct stoa_engine_retention retention;
  char data[];
};

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_memory_room_create(struct stoa_string name, struct stoa_memory_room **out_room);
void stoa_memory_room_destroy(struct stoa_memory_room *room);
/* Remove all messages; the room no longer exists for readers, but keeps its audience. */
void stoa_memory_room_clear(struct stoa_memory_room *room);

/* Where the first message with this message's sender and client_msg_id is; NULL: there is none. */
const struct stoa_engine_place *stoa_memory_room_find(const struct stoa_memory_room *room,
                                                      const struct stoa_engine_message *message);
/* Append a message whose place is set. Errors: STOA_E_MEMORY, STOA_E_LIMIT; the room is unchanged */
int stoa_memory_room_append(struct stoa_memory_room *room, struct stoa_engine_message *message);
/* Remove what the retention no longer keeps and is old enough. Returns how many bytes of the log were freed. */
size_t stoa_memory_room_trim(struct stoa_memory_room *room, const struct stoa_engine_retention *retention,
                             int64_t now_us);
/* Empty a message, and forget its sender if asked. False: memory is out. */
bool stoa_memory_room_redact(struct stoa_memory_room *room, uint32_t index, bool forget_sender);

#endif
