#include "room/owner.h"

#include "base/memory.h"
#include "room/metrics.h"
#include "room/presence.h"
#include "room/trace.h"
#include "server/group/fanout.h"
#include "server/send.h"

#include <assert.h>
#include <stoa/log.h>

/* So many rooms are checked at least; otherwise each once in STOA_ROOM_LINGER_MS. */
#define CHECKED_MIN 64u

/* The table. */

struct stoa_room *stoa_room_find(const struct stoa_room_worker *owner, struct stoa_string name) {
  return stoa_map_find(&owner->loaded, stoa_bytes_make(name.data, name.len));
}

static void check_later(struct stoa_room_worker *owner, struct stoa_room *room) {
  room->next_to_check = NULL;
  if (owner->last_to_check != NULL) {
    owner->last_to_check->next_to_check = room;
  } else {
    owner->next_to_check = room;
  }
  owner->last_to_check = room;
  if (!stoa_worker_timer_runs(&owner->check)) {
    int ignored = stoa_worker_timer_start(owner->rooms->server, &owner->check, STOA_ROOM_CHECK_MS);
    (void)ignored; /* it fails only when the server ends */
  }
}

int stoa_room_open(struct stoa_room_worker *owner, const struct stoa_room_name *name, struct stoa_room **out_room) {
  struct stoa_room *room = stoa_room_find(owner, stoa_room_name_text(name));
  assert(owner->worker == stoa_worker_current());
  if (room == NULL) {
    if (owner->loaded.count >= STOA_ROOMS_LOADED_MAX) {
      return STOA_E_LIMIT;
    }
    room = stoa_calloc(1, sizeof *room);
    if (room == NULL) {
      return STOA_E_MEMORY;
    }
    room->owner = owner;
    room->name = *name;
    if (stoa_map_insert(&owner->loaded, room) != STOA_OK) {
      stoa_free(room);
      return STOA_E_MEMORY;
    }
    stoa_room_metrics_add(owner, STOA_RM_LOADED, 0, 1);
    check_later(owner, room);
  }
  room->used_ms = stoa_loop_now_ms(stoa_room_worker_loop(owner));
  *out_room = room;
  return STOA_OK;
}

static void forget(struct stoa_room *room) {
  struct stoa_room_worker *owner = room->owner;
  struct stoa_string name = stoa_room_name_text(&room->name);
  assert(room->first_waiter == NULL);
  stoa_room_metrics_add(owner, STOA_RM_LOADED, 0, (uint64_t)-1);
  assert(stoa_room_presence_is_idle(room));
  stoa_map_remove(&owner->loaded, stoa_bytes_make(name.data, name.len));
  stoa_room_presence_destroy(room);
  stoa_room_ring_clear(&room->ring, 0, &owner->rooms->ring_bytes);
  stoa_free(room);
}

void stoa_room_forget_all(struct stoa_room_worker *owner) {
  size_t cursor = 0;
  struct stoa_room *room;
  while ((room = stoa_map_next(&owner->loaded, &cursor)) != NULL) {
    stoa_room_presence_destroy(room);
    stoa_room_ring_clear(&room->ring, 0, &owner->rooms->ring_bytes);
    stoa_free(room);
  }
  stoa_map_fini(&owner->loaded);
  owner->next_to_check = NULL;
  owner->last_to_check = NULL;
  owner->first_leaving = NULL;
  owner->last_leaving = NULL;
}

/* Loading. */

enum stoa_room_status stoa_room_status_of(enum stoa_engine_status status) {
  switch (status) {
    case STOA_ENGINE_OK:
      return STOA_ROOM_OK;
    case STOA_ENGINE_DUPLICATE:
      return STOA_ROOM_DUPLICATE;
    case STOA_ENGINE_BUSY:
      return STOA_ROOM_BUSY;
    case STOA_ENGINE_UNAVAILABLE:
      return STOA_ROOM_UNAVAILABLE;
    case STOA_ENGINE_UNKNOWN:
      return STOA_ROOM_UNKNOWN;
    case STOA_ENGINE_TOO_BIG:
      return STOA_ROOM_TOO_BIG;
    case STOA_ENGINE_INVALID:
      return STOA_ROOM_INVALID;
    case STOA_ENGINE_GONE:
      return STOA_ROOM_GONE;
    case STOA_ENGINE_NOT_FOUND:
      return STOA_ROOM_NOT_FOUND;
  }
  return STOA_ROOM_INVALID;
}

/* A waiter may wait again, for its next attempt. */
static void run_waiters(struct stoa_room *room, enum stoa_room_status status) {
  struct stoa_room_waiter *waiter = room->first_waiter;
  room->first_waiter = NULL;
  room->last_waiter = NULL;
  while (waiter != NULL) {
    struct stoa_room_waiter *next = waiter->next;
    waiter->run(waiter, room, status);
    waiter = next;
  }
}

static void on_subscribed(void *context, const struct stoa_engine_answer *answer) {
  struct stoa_room *room = context;
  struct stoa_rooms *rooms = room->owner->rooms;
  assert(room->state == STOA_ROOM_LOADING);
  if (rooms->is_closed) {
    run_waiters(room, STOA_ROOM_CLOSED);
    return;
  }
  if (answer->status != STOA_ENGINE_OK) {
    room->state = STOA_ROOM_UNLOADED;
    run_waiters(room, stoa_room_status_of(answer->status));
    return;
  }
  room->state = STOA_ROOM_LOADED;
  room->epoch = answer->epoch;
  room->floor = answer->floor;
  room->top = answer->top;
  room->top_ordinal = answer->top_ordinal;
  stoa_room_ring_clear(&room->ring, answer->top, &rooms->ring_bytes);
  run_waiters(room, STOA_ROOM_OK);
}

static void subscribe(struct stoa_room *room) {
  assert(room->state == STOA_ROOM_UNLOADED);
  room->state = STOA_ROOM_LOADING;
  int status = stoa_engine_subscribe(room->owner->port, stoa_room_name_text(&room->name), on_subscribed, room);
  if (status != STOA_OK) {
    room->state = STOA_ROOM_UNLOADED;
    run_waiters(room, STOA_ROOM_BUSY);
  }
}

void stoa_room_load(struct stoa_room *room, struct stoa_room_waiter *waiter) {
  if (room->state == STOA_ROOM_LOADED) {
    waiter->run(waiter, room, STOA_ROOM_OK);
    return;
  }
  waiter->next = NULL;
  if (room->last_waiter != NULL) {
    room->last_waiter->next = waiter;
  } else {
    room->first_waiter = waiter;
  }
  room->last_waiter = waiter;
  if (room->state == STOA_ROOM_UNLOADED) {
    subscribe(room);
  }
}

/* Unloading. */

/* With no join in progress, those that have become members are counted. */
static bool is_awaited(const struct stoa_room *room) {
  return room->first_waiter != NULL || room->publish_count > 0 ||
         atomic_load_explicit(&room->join_count, memory_order_acquire) > 0;
}

static void on_unsubscribed(void *context, const struct stoa_engine_answer *answer) {
  struct stoa_room *room = context;
  assert(room->state == STOA_ROOM_UNLOADING);
  if (room->owner->rooms->is_closed) {
    run_waiters(room, STOA_ROOM_CLOSED);
    return;
  }
  if (answer->status != STOA_ENGINE_OK) {
    room->state = STOA_ROOM_LOADED; /* it missed nothing */
    check_later(room->owner, room);
    run_waiters(room, STOA_ROOM_OK);
    return;
  }
  room->state = STOA_ROOM_UNLOADED;
  if (!is_awaited(room)) {
    forget(room);
    return;
  }
  check_later(room->owner, room);
  if (room->first_waiter != NULL) {
    subscribe(room);
  }
}

static bool is_idle(const struct stoa_room *room) {
  const struct stoa_room_worker *owner = room->owner;
  uint64_t now_ms = stoa_loop_now_ms(stoa_room_worker_loop(owner));
  return !is_awaited(room) && now_ms - room->used_ms >= STOA_ROOM_LINGER_MS && stoa_room_presence_is_idle(room) &&
         stoa_room_member_count(owner->rooms, stoa_room_name_text(&room->name)) == 0;
}

static void check(struct stoa_room *room) {
  bool is_settled = room->state == STOA_ROOM_UNLOADED || room->state == STOA_ROOM_LOADED;
  if (!is_settled || !is_idle(room)) {
    check_later(room->owner, room);
  } else if (room->state == STOA_ROOM_UNLOADED) {
    forget(room);
  } else {
    room->state = STOA_ROOM_UNLOADING;
    if (stoa_engine_unsubscribe(room->owner->port, stoa_room_name_text(&room->name), on_unsubscribed, room) !=
        STOA_OK) {
      room->state = STOA_ROOM_LOADED;
      check_later(room->owner, room);
    }
  }
}

void stoa_room_check(struct stoa_worker_timer *timer, int status) {
  struct stoa_room_worker *owner = timer->context;
  if (status != STOA_OK) {
    return;
  }
  size_t share = owner->loaded.count / (STOA_ROOM_LINGER_MS / STOA_ROOM_CHECK_MS) + 1;
  size_t left = share < CHECKED_MIN ? CHECKED_MIN : share;
  const struct stoa_room *last = owner->last_to_check;
  for (struct stoa_room *room = owner->next_to_check; room != NULL && left > 0; room = owner->next_to_check, left--) {
    owner->next_to_check = room->next_to_check;
    owner->last_to_check = owner->next_to_check == NULL ? NULL : owner->last_to_check;
    left = room == last ? 1 : left; /* each once */
    check(room);
  }
  if (owner->next_to_check != NULL && !stoa_worker_timer_runs(timer)) {
    int ignored = stoa_worker_timer_start(owner->rooms->server, timer, STOA_ROOM_CHECK_MS);
    (void)ignored;
  }
}

/* Sending out. */

/* Close all members: they would miss something. */
static void lose_members(struct stoa_room *room) {
  stoa_fanout_lose(&room->owner->worker->groups, stoa_room_name_group(&room->name));
}

static void begin_again(struct stoa_room *room) {
  lose_members(room);
  room->epoch = 0;
  room->floor = 0;
  room->top = 0;
  room->top_ordinal = 0;
  stoa_room_ring_clear(&room->ring, 0, &room->owner->rooms->ring_bytes);
}

static void keep(struct stoa_room *room, struct stoa_engine_message *message) {
  struct stoa_rooms *rooms = room->owner->rooms;
  /* Joins in progress may need more than the usual. */
  bool is_joined = atomic_load_explicit(&room->join_count, memory_order_relaxed) > 0;
  const struct stoa_rooms_config *config = &rooms->config;
  const struct stoa_room_ring_limits limits = {
      .messages = is_joined ? STOA_ROOM_RECOVERY_MAX : config->ring_messages,
      .bytes = is_joined ? STOA_ROOM_RECOVERY_BYTES_MAX : config->ring_bytes,
      .total = &rooms->ring_bytes,
      .total_max = config->rings_bytes_max,
  };
  stoa_room_ring_add(&room->ring, message, &limits);
}

static void send_out(struct stoa_room *room, const struct stoa_engine_message *stored) {
  struct stoa_worker *worker = room->owner->worker;
  struct stoa_room_message message;
  int status = stoa_room_types_read(&room->owner->rooms->types, stored, worker->arena, &message);
  if (status == STOA_OK) {
    struct stoa_outgoing outgoing = {.type = message.type,
                                     .message_type = message.message_type,
                                     .message = message.message,
                                     .leaves_out_plain = stored->draft.kind == STOA_ENGINE_EVENT};
    stoa_worker_outgoing(worker, &outgoing);
    status = stoa_fanout_deliver(&worker->groups, stoa_room_name_group(&room->name), &outgoing, NULL);
    stoa_room_trace_deliver(worker, &room->name, &message);
  } else if (stoa_room_types_leave_out(stored, status)) {
    status = STOA_OK;
  } else {
    lose_members(room);
  }
  stoa_arena_reset(worker->arena);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "a stored message could not be sent; members that missed it are closed with 4010",
             STOA_F_TEXT("room", stored->room), STOA_F_STR("reason", stoa_status_text(status)));
  }
}

void stoa_room_on_message(void *context, struct stoa_engine_message *message) {
  struct stoa_room_worker *owner = context;
  const struct stoa_engine_place *place = &message->place;
  if (owner->rooms->is_closed) {
    return;
  }
  struct stoa_room *room = stoa_room_find(owner, message->room);
  if (room == NULL || (room->state != STOA_ROOM_LOADED && room->state != STOA_ROOM_UNLOADING)) {
    return; /* nobody needs it, or the answer of the subscription, which is under way, counts it */
  }
  bool is_other = room->epoch != 0 && room->epoch != place->epoch;
  bool has_hole = !is_other && place->prev != 0 && place->prev != room->top;
  if (is_other || has_hole) {
    stoa_log(STOA_LOG_ERROR, "the storage lost the order of a room; its members are closed with 4010",
             STOA_F_TEXT("room", message->room), STOA_F_INT("offset", place->offset));
    begin_again(room);
    room->ring.after = place->prev;
  }
  room->epoch = place->epoch;
  room->top = place->offset;
  room->top_ordinal = place->ordinal;
  keep(room, message);
  send_out(room, message);
}

void stoa_room_on_gap(void *context, struct stoa_string name) {
  struct stoa_room_worker *owner = context;
  struct stoa_room *room = owner->rooms->is_closed ? NULL : stoa_room_find(owner, name);
  if (room != NULL && (room->state == STOA_ROOM_LOADED || room->state == STOA_ROOM_UNLOADING)) {
    begin_again(room);
  }
}
