/* Who is in a room. The way of a list that was asked for by itself:
 *
 *   session's worker           room's owner
 *   ask ─────────────────────▶ ask for a place in the order of the diffs
 *                              place: the diffs so far have left; copy the users
 *   on_list ◀───────────────── (the way back is that of the diffs)
 */
#include "room/presence_list.h"

#include "base/container.h"
#include "base/memory.h"
#include "room/owner.h"
#include "server/group/placement.h"

#include <assert.h>

/* Copies. */

static size_t measure(const struct stoa_room_users *users, size_t *out_count) {
  struct stoa_room_user user;
  size_t cursor = 0;
  size_t bytes = 0;
  *out_count = 0;
  while (stoa_room_users_next(users, &cursor, &user)) {
    bytes += sizeof user + user.id.len + user.info.len;
    (*out_count)++;
  }
  return bytes;
}

static uint8_t *put(uint8_t *at, const void *data, size_t len) {
  if (len > 0) {
    memcpy(at, data, len);
  }
  return at + len;
}

static void fill(const struct stoa_room_users *users, size_t count, struct stoa_room_user *out_users) {
  uint8_t *at = (uint8_t *)(out_users + count);
  size_t cursor = 0;
  for (size_t i = 0; i < count; i++) {
    struct stoa_room_user user;
    bool is_there = stoa_room_users_next(users, &cursor, &user);
    assert(is_there);
    (void)is_there;
    out_users[i] = user;
    out_users[i].id.data = (const char *)at;
    at = put(at, user.id.data, user.id.len);
    out_users[i].info.data = at;
    at = put(at, user.info.data, user.info.len);
  }
}

static int copy_users(struct stoa_rooms *rooms, const struct stoa_room_users *users,
                      struct stoa_room_presence_copy *copy) {
  size_t count;
  size_t bytes = measure(users, &count);
  if (count == 0) {
    return STOA_OK;
  }
  if (atomic_fetch_add(&rooms->slice_bytes, bytes) + bytes > STOA_ROOM_SLICES_BYTES_MAX) {
    atomic_fetch_sub(&rooms->slice_bytes, bytes);
    return STOA_E_LIMIT;
  }
  copy->memory = stoa_alloc(bytes);
  if (copy->memory == NULL) {
    atomic_fetch_sub(&rooms->slice_bytes, bytes);
    return STOA_E_MEMORY;
  }
  copy->bytes = bytes;
  copy->presence.users = copy->memory;
  copy->presence.count = count;
  fill(users, count, copy->memory);
  return STOA_OK;
}

int stoa_room_presence_copy(struct stoa_room_worker *owner, const struct stoa_room *room,
                            struct stoa_room_presence_copy *out_copy) {
  *out_copy = (struct stoa_room_presence_copy){.presence = {.version = owner->presence_version}};
  if (room == NULL || room->presence == NULL) {
    return STOA_OK;
  }
  out_copy->presence.total = room->presence->users.count;
  out_copy->presence.is_truncated = room->presence->users.is_truncated;
  return copy_users(owner->rooms, &room->presence->users, out_copy);
}

void stoa_room_presence_copy_free(struct stoa_rooms *rooms, struct stoa_room_presence_copy *copy) {
  atomic_fetch_sub(&rooms->slice_bytes, copy->bytes);
  stoa_free(copy->memory);
  copy->memory = NULL;
  copy->bytes = 0;
}

/* Asking for one. */

struct listing {
  /* The session's worker. */
  struct stoa_room_request request;
  struct stoa_room_worker *home;
  stoa_room_on_list *on_list; /* NULL: answered */
  void *context;

  /* Whoever has it. */
  struct stoa_post post;
  struct stoa_placement placement;
  struct stoa_room_worker *owner;
  struct stoa_room_name name;
  struct stoa_room_presence_copy copy;
};

static void tell(struct listing *self, const struct stoa_room_presence *presence) {
  stoa_room_on_list *on_list = self->on_list;
  stoa_room_requests_remove(&self->home->reads, &self->request);
  self->on_list = NULL;
  if (on_list != NULL) {
    on_list(self->context, presence);
    stoa_arena_reset(self->home->worker->arena);
  }
}

static void end_early(struct stoa_room_request *request) {
  static const struct stoa_room_presence closed = {.status = STOA_ROOM_CLOSED};
  tell(stoa_container_of(request, struct listing, request), &closed);
}

static void come_home(struct listing *self) {
  tell(self, &self->copy.presence);
  stoa_room_presence_copy_free(self->home->rooms, &self->copy);
  stoa_free(self);
}

static void on_home(struct stoa_post *post) {
  come_home(stoa_container_of(post, struct listing, post));
}

static void on_place(struct stoa_placement *placement, bool has_ended) {
  struct listing *self = stoa_container_of(placement, struct listing, placement);
  struct stoa_room_worker *owner = self->owner;
  if (has_ended) {
    come_home(self);
    return;
  }
  const struct stoa_room *room = stoa_room_find(owner, stoa_room_name_text(&self->name));
  if (stoa_room_presence_copy(owner, room, &self->copy) != STOA_OK) {
    self->copy.presence = (struct stoa_room_presence){.status = STOA_ROOM_BUSY, .retry_ms = STOA_ENGINE_RETRY_MS};
  }
  if (owner == self->home) {
    come_home(self);
    return;
  }
  self->post.run = on_home;
  stoa_loop_post(stoa_room_worker_loop(self->home), &self->post);
}

static void on_arrival(struct stoa_post *post) {
  struct listing *self = stoa_container_of(post, struct listing, post);
  const struct stoa_room_name watchers = stoa_room_name_watchers(&self->name);
  stoa_budget_give(&self->owner->worker->mailbox, sizeof *self);
  if (self->owner->rooms->is_closed) {
    come_home(self);
    return;
  }
  self->placement.run = on_place;
  stoa_placement_request(self->owner->worker, &self->placement, stoa_room_name_group(&watchers));
}

int stoa_room_presence_list(struct stoa_rooms *rooms, struct stoa_string room, stoa_room_on_list *on_list,
                            void *context) {
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  if (home == NULL || on_list == NULL || !stoa_room_name_is_valid(room)) {
    return STOA_E_ARGUMENT;
  }
  if (home->is_over) {
    return STOA_E_CLOSED;
  }
  struct listing *self = stoa_calloc(1, sizeof *self);
  if (self == NULL) {
    return STOA_E_MEMORY;
  }
  self->home = home;
  self->name = stoa_room_name_make(room);
  self->owner = stoa_room_worker_owner(rooms, &self->name);
  self->on_list = on_list;
  self->context = context;
  self->request.close = end_early;
  if (!stoa_budget_take(&self->owner->worker->mailbox, sizeof *self)) {
    stoa_free(self);
    return STOA_E_LIMIT;
  }
  stoa_room_requests_add(&home->reads, &self->request);
  self->post.run = on_arrival;
  stoa_loop_post(stoa_room_worker_loop(self->owner), &self->post);
  return STOA_OK;
}
