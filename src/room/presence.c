#include "room/presence.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/uninitialized.h"
#include "room/owner.h"

#include <assert.h>

/* Telling. */

static void tell_later(struct stoa_room_presence_state *self) {
  const struct stoa_rooms *rooms = self->room->owner->rooms;
  uint32_t intervals = self->users.is_truncated ? STOA_ROOM_TOTAL_INTERVALS : 1;
  if (!stoa_room_users_is_changed(&self->users) || stoa_worker_timer_runs(&self->telling)) {
    return;
  }
  uint64_t delay_ms = (uint64_t)rooms->config.presence_interval_ms * intervals;
  int ignored = stoa_worker_timer_start(rooms->server, &self->telling, delay_ms);
  (void)ignored; /* it fails only when the server ends */
}

/* False: the program could not tell it. */
static bool tell_part(struct stoa_room_presence_state *self) {
  struct stoa_room_worker *owner = self->room->owner;
  const struct stoa_rooms_callbacks *callbacks = &owner->rooms->callbacks;
  struct stoa_room_users_part part STOA_UNINITIALIZED;
  int status = STOA_OK;
  stoa_room_users_collect(&self->users, &part);
  part.diff.version = ++owner->presence_version;
  if (callbacks->on_presence != NULL) {
    status = callbacks->on_presence(callbacks->user, stoa_room_name_text(&self->room->name), &part.diff);
  }
  if (status == STOA_OK) {
    stoa_room_users_told(&self->users, &part);
  }
  return status == STOA_OK;
}

static void on_telling(struct stoa_worker_timer *timer, int status) {
  struct stoa_room_presence_state *self = timer->context;
  if (status != STOA_OK) {
    return;
  }
  bool is_told = true;
  stoa_room_users_relist(&self->users);
  while (is_told && stoa_room_users_is_changed(&self->users)) {
    is_told = tell_part(self);
    stoa_room_users_relist(&self->users);
  }
  tell_later(self);
}

/* Users without sessions, on the list of their owner. All wait equally long, so the first one is due first. */

static void wait_for_leaves(struct stoa_room_worker *owner) {
  const struct stoa_room_presence_user *first = owner->first_leaving;
  if (first == NULL || stoa_worker_timer_runs(&owner->leaving)) {
    return;
  }
  uint64_t now_ms = stoa_loop_now_ms(stoa_room_worker_loop(owner));
  uint64_t delay_ms = first->leave_ms > now_ms ? first->leave_ms - now_ms : 0;
  int ignored = stoa_worker_timer_start(owner->rooms->server, &owner->leaving, delay_ms);
  (void)ignored; /* it fails only when the server ends */
}

static void begin_leaving(struct stoa_room_worker *owner, struct stoa_room_presence_user *user) {
  assert(!user->is_leaving);
  user->is_leaving = true;
  user->leave_ms = stoa_loop_now_ms(stoa_room_worker_loop(owner)) + owner->rooms->config.presence_leave_ms;
  user->next_leaving = NULL;
  user->previous_leaving = owner->last_leaving;
  if (owner->last_leaving != NULL) {
    owner->last_leaving->next_leaving = user;
  } else {
    owner->first_leaving = user;
  }
  owner->last_leaving = user;
  wait_for_leaves(owner);
}

static void end_leaving(struct stoa_room_worker *owner, struct stoa_room_presence_user *user) {
  if (!user->is_leaving) {
    return;
  }
  user->is_leaving = false;
  if (user->previous_leaving != NULL) {
    user->previous_leaving->next_leaving = user->next_leaving;
  } else {
    owner->first_leaving = user->next_leaving;
  }
  if (user->next_leaving != NULL) {
    user->next_leaving->previous_leaving = user->previous_leaving;
  } else {
    owner->last_leaving = user->previous_leaving;
  }
}

static struct stoa_room_presence_state *state_of(const struct stoa_room_presence_user *user) {
  return stoa_container_of(user->users, struct stoa_room_presence_state, users);
}

void stoa_room_presence_on_leave(struct stoa_worker_timer *timer, int status) {
  struct stoa_room_worker *owner = timer->context;
  if (status != STOA_OK) {
    return;
  }
  uint64_t now_ms = stoa_loop_now_ms(stoa_room_worker_loop(owner));
  while (owner->first_leaving != NULL && owner->first_leaving->leave_ms <= now_ms) {
    struct stoa_room_presence_user *user = owner->first_leaving;
    struct stoa_room_presence_state *state = state_of(user);
    end_leaving(owner, user);
    stoa_room_users_remove(user);
    tell_later(state);
  }
  wait_for_leaves(owner);
}

/* What arrives. */

static int find_or_create(struct stoa_room *room) {
  const struct stoa_rooms_config *config = &room->owner->rooms->config;
  if (room->presence != NULL) {
    return STOA_OK;
  }
  struct stoa_room_presence_state *self = stoa_calloc(1, sizeof *self);
  if (self == NULL ||
      stoa_room_users_init(&self->users, config->presence_members_max, config->presence_bytes_max) != STOA_OK) {
    stoa_free(self);
    return STOA_E_MEMORY;
  }
  self->room = room;
  self->telling = (struct stoa_worker_timer){.on_due = on_telling, .context = self};
  room->presence = self;
  return STOA_OK;
}

int stoa_room_presence_arrive(struct stoa_room *room, struct stoa_room_visit *visit) {
  assert(room->owner->worker == stoa_worker_current());
  int status = find_or_create(room);
  if (status == STOA_OK) {
    status = stoa_room_users_arrive(&room->presence->users, visit);
  }
  if (status != STOA_OK) {
    return STOA_E_MEMORY;
  }
  visit->room = room;
  end_leaving(room->owner, visit->user);
  tell_later(room->presence);
  return STOA_OK;
}

void stoa_room_presence_set(struct stoa_room_visit *visit, struct stoa_room_info **info, bool is_away) {
  stoa_room_users_set(visit, info, is_away);
  tell_later(visit->room->presence);
}

void stoa_room_presence_depart(struct stoa_room_visit *visit) {
  struct stoa_room *room = visit->room;
  struct stoa_room_presence_user *user = stoa_room_users_depart(visit);
  if (room->owner->rooms->is_closed) {
    return; /* nobody is to be told any more; the room frees its users */
  }
  if (user != NULL) {
    begin_leaving(room->owner, user);
  }
  tell_later(room->presence);
}

static void on_departure(struct stoa_post *post) {
  stoa_room_presence_depart(stoa_container_of(post, struct stoa_room_visit, post));
}

void stoa_room_presence_post_departure(struct stoa_room_visit *visit) {
  struct stoa_room_worker *owner = visit->room->owner;
  if (owner->rooms->is_closed) {
    stoa_room_presence_depart(visit);
    return;
  }
  visit->post.run = on_departure;
  stoa_loop_post(stoa_room_worker_loop(owner), &visit->post);
}

/* The room. */

uint32_t stoa_room_presence_count(const struct stoa_room *room) {
  return room->presence == NULL ? 0 : room->presence->users.count;
}

bool stoa_room_presence_is_idle(const struct stoa_room *room) {
  const struct stoa_room_presence_state *self = room->presence;
  return self == NULL || (self->users.by_id.count == 0 && !stoa_worker_timer_runs(&self->telling));
}

void stoa_room_presence_destroy(struct stoa_room *room) {
  struct stoa_room_presence_state *self = room->presence;
  if (self != NULL) {
    assert(!stoa_worker_timer_runs(&self->telling));
    stoa_room_users_fini(&self->users);
    stoa_free(self);
    room->presence = NULL;
  }
}
