#include "room/presence_set.h"

#include "base/container.h"
#include "base/memory.h"
#include "room/room_session.h"
#include "server/group/membership.h"

#include <assert.h>

struct stoa_room_presence_change {
  struct stoa_post post;
  struct stoa_room_presence_change *next; /* of those that are made together */
  struct stoa_room_worker *owner;         /* its mailbox counts this */
  struct stoa_room_visit *visit;          /* NULL: of a join in progress, which sends it */
  struct stoa_room_joining *joining;
  struct stoa_room_info *info;
  size_t bytes;
  bool is_away;
};

static void destroy(struct stoa_room_presence_change *self) {
  stoa_free(self->info);
  stoa_free(self);
}

void stoa_room_presence_change_destroy(struct stoa_room_presence_change *change) {
  if (change != NULL) {
    stoa_budget_give(&change->owner->worker->mailbox, change->bytes);
    destroy(change);
  }
}

static void on_arrival(struct stoa_post *post) {
  struct stoa_room_presence_change *self = stoa_container_of(post, struct stoa_room_presence_change, post);
  stoa_budget_give(&self->owner->worker->mailbox, self->bytes);
  if (!self->owner->rooms->is_closed) {
    stoa_room_presence_set(self->visit, &self->info, self->is_away);
  }
  destroy(self);
}

void stoa_room_presence_change_send(struct stoa_room_presence_change *change, struct stoa_room_visit *visit) {
  change->visit = visit;
  change->post.run = on_arrival;
  stoa_loop_post(stoa_room_worker_loop(change->owner), &change->post);
}

/* What is to be set, and the changes that were made of it so far. */
struct setting {
  struct stoa_rooms *rooms;
  struct stoa_bytes info;
  bool is_away;
  struct stoa_room_presence_change *first;
};

/* Errors: STOA_E_LIMIT, STOA_E_MEMORY */
static int add(struct setting *setting, const struct stoa_room_name *room, struct stoa_room_visit *visit,
               struct stoa_room_joining *joining) {
  struct stoa_room_presence_change *change = stoa_calloc(1, sizeof *change);
  if (change == NULL || stoa_room_info_create(setting->info, &change->info) != STOA_OK) {
    stoa_free(change);
    return STOA_E_MEMORY;
  }
  change->owner = stoa_room_worker_owner(setting->rooms, room);
  change->visit = visit;
  change->joining = joining;
  change->bytes = sizeof *change + setting->info.len;
  change->is_away = setting->is_away;
  if (!stoa_budget_take(&change->owner->worker->mailbox, change->bytes)) {
    destroy(change);
    return STOA_E_LIMIT;
  }
  change->next = setting->first;
  setting->first = change;
  return STOA_OK;
}

static bool is_meant(const struct stoa_room_name *name, struct stoa_string room) {
  return room.len == 0 || stoa_string_equal(stoa_room_name_text(name), room);
}

static int add_all(struct setting *setting, const struct stoa_session *session,
                   const struct stoa_room_joinings *joinings, struct stoa_string room) {
  struct stoa_room_membership membership;
  uint32_t place = 0;
  int status = STOA_OK;
  while (status == STOA_OK && stoa_room_session_next(session, &place, &membership)) {
    if (membership.visit != NULL && is_meant(&membership.room, room)) {
      status = add(setting, &membership.room, membership.visit, NULL);
    }
  }
  struct stoa_room_joining *joining = NULL;
  while (status == STOA_OK && (joining = stoa_room_joining_next(joinings, stoa_session_id(session), joining)) != NULL) {
    if (joining->has_user && is_meant(&joining->room, room)) {
      status = add(setting, &joining->room, NULL, joining);
    }
  }
  return status;
}

static struct stoa_room_presence_change *take_first(struct setting *setting) {
  struct stoa_room_presence_change *change = setting->first;
  setting->first = change->next;
  return change;
}

/* A join in progress keeps the last one, and sends it when its session is a member. */
static void keep(struct stoa_room_presence_change *change) {
  struct stoa_room_joining *joining = change->joining;
  assert(joining->is_listed);
  stoa_room_presence_change_destroy(joining->change);
  joining->change = change;
}

static void send_all(struct setting *setting) {
  while (setting->first != NULL) {
    struct stoa_room_presence_change *change = take_first(setting);
    if (change->visit != NULL) {
      stoa_room_presence_change_send(change, change->visit);
    } else {
      keep(change);
    }
  }
}

static void drop_all(struct setting *setting) {
  while (setting->first != NULL) {
    stoa_room_presence_change_destroy(take_first(setting));
  }
}

int stoa_room_set_presence(struct stoa_rooms *rooms, struct stoa_session *session, struct stoa_string room,
                           struct stoa_bytes info, bool is_away) {
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  struct setting setting = {.rooms = rooms, .info = info, .is_away = is_away};
  if (home == NULL || stoa_worker_of(session) != home->worker || info.len > STOA_ROOM_INFO_LEN_MAX ||
      (room.len > 0 && !stoa_room_name_is_valid(room))) {
    return STOA_E_ARGUMENT;
  }
  if (home->is_over) {
    return STOA_E_CLOSED;
  }
  int status = add_all(&setting, session, &home->joinings, room);
  if (status != STOA_OK) {
    drop_all(&setting);
    return status;
  }
  if (setting.first == NULL && room.len > 0) {
    return STOA_E_NOT_FOUND;
  }
  send_all(&setting);
  return STOA_OK;
}

int stoa_room_publish_presence(struct stoa_rooms *rooms, struct stoa_string room, uint32_t type,
                               const struct stoa_message_type *message_type, const void *message) {
  if (!stoa_room_name_is_valid(room)) {
    return STOA_E_ARGUMENT;
  }
  const struct stoa_room_name name = stoa_room_name_make(room);
  const struct stoa_room_name watchers = stoa_room_name_watchers(&name);
  return stoa_server_publish(rooms->server, stoa_room_name_group(&watchers), type, message_type, message);
}
