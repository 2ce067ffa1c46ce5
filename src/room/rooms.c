#include "room/rooms.h"

#include <assert.h>

struct stoa_room_worker *stoa_room_worker_here(struct stoa_rooms *rooms) {
  const struct stoa_worker *worker = stoa_worker_here(rooms->server);
  return worker == NULL ? NULL : &rooms->workers[worker->index];
}

struct stoa_room_worker *stoa_room_worker_owner(struct stoa_rooms *rooms, const struct stoa_room_name *name) {
  uint32_t index = stoa_group_owner(stoa_room_name_group(name), rooms->server->worker_count);
  assert(index < rooms->server->worker_count);
  return &rooms->workers[index];
}
