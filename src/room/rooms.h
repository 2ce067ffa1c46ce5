/* room/rooms.h: the rooms of a server, and what each worker has of them. For this folder only.
 *
 * Every worker has two parts in this. For sessions on it, it keeps what they asked for and where they are members. For
 * rooms that it owns (stoa_group_owner()), it publishes to the engine and sends out what is stored.
 *
 * The end of the server: each worker's timer `end` is called first, and closes everything that its sessions asked for.
 * Then no thread runs any more, `is_closed` is set, the engine is closed, and what is still on its way between workers
 * is freed where it arrives, because the loops are destroyed one after the other.
 */
#ifndef STOA_ROOM_ROOMS_H
#define STOA_ROOM_ROOMS_H

#include "base/map.h"
#include "base/metric.h"
#include "engine/engine.h"
#include "room/joining.h"
#include "room/name.h"
#include "room/request.h"
#include "room/ring.h"
#include "room/type.h"
#include "server/server_private.h"

#include <stoa/worker.h>

/* Rooms that one worker keeps in memory, and joins in progress of its sessions. */
#define STOA_ROOMS_LOADED_MAX 100000u
#define STOA_ROOM_JOINS_MAX 65536u
/* Bytes of messages that joins in progress hold, on all workers. */
#define STOA_ROOM_SLICES_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct stoa_room;
struct stoa_room_presence_user;

struct stoa_room_worker {
  struct stoa_rooms *rooms;
  struct stoa_worker *worker;
  struct stoa_engine_port *port;
  struct stoa_metric_shard *metrics;
  bool is_over;                 /* its end has come: nothing more is begun */
  struct stoa_worker_timer end; /* never due: called when the server ends */

  /* For the sessions of this worker. */
  struct stoa_room_requests publishes; /* by their deadlines */
  struct stoa_room_requests reads;     /* history, and joins */
  struct stoa_worker_timer deadline;   /* of the first publish */
  struct stoa_map publishers;          /* publisher.h */
  struct stoa_room_joinings joinings;
  uint32_t join_count;
  struct stoa_buffer scratch;     /* for encoding */
  struct stoa_arena *page_memory; /* of the last page, for the next one: page.h; NULL: in use, or none yet */

  /* For the rooms that it owns: owner.h. */
  struct stoa_map loaded;
  struct stoa_room *next_to_check, *last_to_check;
  struct stoa_worker_timer check;
  uint64_t presence_version; /* of the newest diff of any of its rooms: presence.h */
  struct stoa_room_presence_user *first_leaving, *last_leaving;
  struct stoa_worker_timer leaving; /* of the first one */
};

struct stoa_rooms {
  struct stoa_server *server;
  struct stoa_rooms_config config; /* its scalars, with defaults filled in */
  struct stoa_rooms_callbacks callbacks;
  struct stoa_room_types types;
  struct stoa_engine *engine;
  struct stoa_rooms_storage *storage; /* opens the engine again after a start that failed; NULL: the caller's engine */
  struct stoa_room_worker *workers;   /* one for each of the server's */
  uint32_t worker_count;              /* kept: the server is destroyed first */
  atomic_size_t ring_bytes, slice_bytes;
  struct stoa_metrics *metrics;
  bool is_closed;
};

/* The part of the worker that calls; NULL on another thread. */
struct stoa_room_worker *stoa_room_worker_here(struct stoa_rooms *rooms);
/* The part of a room's owner. */
struct stoa_room_worker *stoa_room_worker_owner(struct stoa_rooms *rooms, const struct stoa_room_name *name);

static inline struct stoa_loop *stoa_room_worker_loop(const struct stoa_room_worker *self) {
  return self->worker->loop;
}

#endif
