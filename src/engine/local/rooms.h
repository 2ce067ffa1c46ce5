/* engine/local/rooms.h: the rooms that are in memory: their counters, who subscribed, and their newest messages.
 *
 * Thread: the writer's, except stoa_local_rooms_page(), which is for any. The mutex guards what that function reads:
 * the map, the bounds and the messages of what is committed. All else is the writer's alone. Lifetime: a room stays
 * until it is dropped; subscribed and changed rooms are never dropped to make room.
 */
#ifndef STOA_ENGINE_LOCAL_ROOMS_H
#define STOA_ENGINE_LOCAL_ROOMS_H

#include "base/map.h"
#include "engine/log.h"

#include <pthread.h>

#define STOA_LOCAL_RECENT_MAX 64u
#define STOA_LOCAL_RECENT_BYTES_MAX (64u * 1024)

struct stoa_local_counters {
  int64_t id; /* 0: the room is not in the database */
  struct stoa_engine_bounds bounds;
  int64_t time_us;
  uint64_t bytes;
};

struct stoa_local_room {
  struct stoa_string name;
  struct stoa_local_room *older, *newer; /* by last use */
  struct stoa_local_room *next_changed;
  uint64_t audience;
  struct stoa_local_counters now;  /* committed */
  struct stoa_local_counters next; /* of the transaction that runs */
  bool is_changed;                 /* in the list of changed rooms */
  bool drops_recent;               /* at the commit: bodies were emptied */
  struct stoa_engine_log recent;
  char data[];
};

struct stoa_local_rooms {
  pthread_mutex_t mutex;
  struct stoa_map map;
  struct stoa_local_room *oldest, *newest;
  struct stoa_local_room *changed;
  size_t recent_bytes, recent_bytes_max;
  uint32_t rooms_max;
};

/* Errors: STOA_E_SYSTEM */
int stoa_local_rooms_init(struct stoa_local_rooms *rooms, uint32_t rooms_max, size_t recent_bytes_max);
void stoa_local_rooms_fini(struct stoa_local_rooms *rooms);

/* NULL: not in memory. */
struct stoa_local_room *stoa_local_rooms_find(struct stoa_local_rooms *rooms, struct stoa_string name);
/* Errors: STOA_E_LIMIT  there are rooms_max, and all are in use; STOA_E_MEMORY */
int stoa_local_rooms_add(struct stoa_local_rooms *rooms, struct stoa_string name,
                         const struct stoa_local_counters *counters, struct stoa_local_room **out_room);
void stoa_local_rooms_drop(struct stoa_local_rooms *rooms, struct stoa_local_room *room);
/* `next` will be changed in this transaction. */
void stoa_local_rooms_change(struct stoa_local_rooms *rooms, struct stoa_local_room *room);
/* The transaction is committed: what was changed counts. `first`: its requests, of which the stored messages become the
 * newest ones. */
void stoa_local_rooms_commit(struct stoa_local_rooms *rooms, const struct stoa_engine_request *first);
/* The transaction was rolled back. */
void stoa_local_rooms_roll_back(struct stoa_local_rooms *rooms);

/* Any thread: answer a history query, if the newest messages suffice. */
bool stoa_local_rooms_page(struct stoa_local_rooms *rooms, struct stoa_engine_request *request);

#endif
