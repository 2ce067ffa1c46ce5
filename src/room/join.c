/* The way of a join:
 *
 *   session's worker           room's owner
 *   begin ───────────────────▶ load the room; read what its ring does not have
 *                              place: what was sent out has left; the slice ends with it; its user is there, and
 *                              the list has it
 *   member, answer, ◀───────── (the way back is that of the room's messages)
 *   what it missed, live;
 *   the room may be
 *   unloaded again
 *   no member: its user ─────▶ leaves
 */
#include "room/join.h"

#include "base/container.h"
#include "base/memory.h"
#include "room/metrics.h"
#include "room/owner.h"
#include "room/page.h"
#include "room/presence_list.h"
#include "room/presence_set.h"
#include "room/room_session.h"
#include "room/slice.h"
#include "room/watch.h"
#include "server/group/member.h"
#include "server/group/membership.h"
#include "server/group/ordered_join.h"

#include <assert.h>

struct join {
  /* The session's worker. */
  struct stoa_room_request request;
  struct stoa_room_joining joining;
  struct stoa_room_worker *home;
  stoa_room_on_joined *on_joined; /* NULL: answered */
  void *context;
  struct stoa_room_watch watch;

  /* Whoever has it. */
  struct stoa_ordered_join base;
  struct stoa_post post;
  struct stoa_room_waiter waiter;
  struct stoa_room_worker *owner;
  struct stoa_room *room; /* counts it; NULL: does not */
  struct stoa_room_slice slice;
  struct stoa_room_visit *visit; /* of its user; NULL: none, or it is the membership's */
  struct stoa_room_presence_copy users;
  uint32_t user_count;
  enum stoa_room_status status; /* what the owner found */
};

static const struct stoa_room_name *name_of(const struct join *join) {
  return &join->joining.room;
}

static struct join *join_of(struct stoa_ordered_join *base) {
  return stoa_container_of(base, struct join, base);
}

static atomic_size_t *slice_bytes(const struct join *join) {
  return &join->home->rooms->slice_bytes;
}

/* The end. */

static void release_memory(struct join *join) {
  stoa_room_slice_clear(&join->slice, slice_bytes(join));
  stoa_room_presence_copy_free(join->home->rooms, &join->users);
}

static void destroy(struct join *join) {
  assert(!join->joining.is_listed);
  assert(join->joining.change == NULL);
  release_memory(join);
  if (join->visit != NULL && join->visit->room != NULL) {
    stoa_room_presence_depart(join->visit);
  } else {
    stoa_room_visit_destroy(join->visit);
  }
  stoa_free(join);
}

/* Only now the owner may unload the room: the session is counted as a member, or is none. */
static void let_go(struct join *join) {
  if (join->room != NULL && !join->home->rooms->is_closed) {
    uint32_t before = atomic_fetch_sub_explicit(&join->room->join_count, 1, memory_order_release);
    assert(before > 0);
    (void)before;
  }
  destroy(join);
}

static void on_user_left(struct stoa_post *post) {
  let_go(stoa_container_of(post, struct join, post));
}

/* A user that did not become a member leaves on the owner. */
static void finish(struct join *join) {
  release_memory(join);
  if (join->visit == NULL || join->room == NULL || join->home->rooms->is_closed) {
    let_go(join);
    return;
  }
  join->post.run = on_user_left;
  stoa_loop_post(stoa_room_worker_loop(join->owner), &join->post);
}

/* Back on the session's worker. */

static enum stoa_room_join_result result_of(const struct stoa_room_joined *joined) {
  if (joined->page.status != STOA_ROOM_OK) {
    return STOA_JOIN_REFUSED;
  }
  return joined->recovered ? STOA_JOIN_RECOVERED : joined->was_recovering ? STOA_JOIN_NOT_RECOVERED : STOA_JOIN_NEW;
}

static void tell(struct join *join, struct stoa_session *session, const struct stoa_room_joined *joined) {
  stoa_room_on_joined *on_joined = join->on_joined;
  if (join->request.is_listed) {
    stoa_room_metrics_add(join->home, STOA_RM_JOINS, result_of(joined), 1);
    stoa_room_requests_remove(&join->home->reads, &join->request);
  }
  join->on_joined = NULL;
  if (on_joined != NULL) {
    on_joined(join->context, session, joined);
  }
}

static void tell_failure(struct join *join, enum stoa_room_status status) {
  bool is_temporary = status == STOA_ROOM_BUSY || status == STOA_ROOM_UNAVAILABLE;
  const struct stoa_room_joined joined = {
      .page = {.status = status, .retry_ms = is_temporary ? STOA_ENGINE_RETRY_MS : 0},
      .was_recovering = join->slice.position.epoch != 0,
  };
  tell(join, NULL, &joined);
}

static void end_early(struct stoa_room_request *request) {
  struct join *join = stoa_container_of(request, struct join, request);
  tell_failure(join, STOA_ROOM_CLOSED);
}

/* The page of what is told. A recovery that the session's queue cannot take would close it with 4008, and it would come
 * back for the same one: it gets the newest page instead. */
static int fill_page(struct join *join, const struct stoa_session *session, struct stoa_room_page *page,
                     struct stoa_room_page_memory *memory) {
  struct stoa_room_slice *slice = &join->slice;
  int status = stoa_room_page_fill(join->home, slice->messages, slice->count, false, page, memory);
  if (status != STOA_OK || !slice->is_recovery || stoa_room_recovery_fits(session, page, slice->bytes)) {
    return status;
  }
  stoa_room_page_free(memory);
  stoa_room_slice_give_up(slice, slice_bytes(join));
  return stoa_room_page_fill(join->home, slice->messages, slice->count, false, page, memory);
}

/* It has become a member of the group, so what follows must keep or undo that. Errors: STOA_E_MEMORY, STOA_E_LIMIT */
static int enter(struct join *join, struct stoa_session *session) {
  bool is_watching = join->joining.is_watching;
  int status = is_watching ? stoa_room_watch_begin(&join->watch, session, name_of(join)) : STOA_OK;
  if (status == STOA_OK) {
    stoa_room_session_add_room(session, join->base.group, is_watching, join->visit);
    join->visit = NULL;
  }
  return status;
}

static void send_change(struct join *join, struct stoa_room_visit *visit) {
  if (join->joining.change != NULL && visit != NULL) {
    stoa_room_presence_change_send(join->joining.change, visit);
    join->joining.change = NULL;
  }
}

static void welcome(struct join *join, struct stoa_session *session) {
  struct stoa_rooms *rooms = join->home->rooms;
  const struct stoa_room_slice *slice = &join->slice;
  const struct stoa_room_name name = *name_of(join);
  struct stoa_room_joined joined = {
      .page = {.epoch = slice->epoch, .floor = slice->floor, .top = slice->top, .top_ordinal = slice->top_ordinal},
      .was_recovering = slice->position.epoch != 0,
  };
  struct stoa_room_page_memory memory = {0};
  struct stoa_room_visit *visit = join->visit;
  joined.user_count = join->user_count;
  joined.presence = join->users.presence;
  if (fill_page(join, session, &joined.page, &memory) != STOA_OK || enter(join, session) != STOA_OK) {
    stoa_room_page_free(&memory);
    int ignored = stoa_session_leave(session, stoa_room_name_group(&name));
    (void)ignored;
    tell_failure(join, STOA_ROOM_BUSY);
    return;
  }
  send_change(join, visit);
  /* Before the callback: the program may leave the room in it, and the group ends with its last member. */
  joined.member_count = (uint32_t)stoa_group_member_count(join->base.group);
  if (rooms->callbacks.on_member != NULL) {
    rooms->callbacks.on_member(rooms->callbacks.user, session, stoa_room_name_text(&name), true);
  }
  joined.recovered = slice->is_recovery;
  joined.page.has_more_before = slice->has_more_before;
  tell(join, session, &joined);
  if (joined.recovered) {
    stoa_room_recover(rooms, session, &name, &joined.page);
  }
  stoa_room_page_free(&memory);
}

static enum stoa_room_status status_of(const struct join *join, int status, bool has_left) {
  if (status == STOA_E_CLOSED) {
    return STOA_ROOM_CLOSED;
  }
  if (has_left || status == STOA_E_NOT_FOUND) {
    return STOA_ROOM_LEFT;
  }
  if (join->status != STOA_ROOM_OK) {
    return join->status;
  }
  switch (status) {
    case STOA_OK:
      return STOA_ROOM_OK;
    case STOA_E_EXISTS:
      return STOA_ROOM_JOINED;
    default:
      return STOA_ROOM_BUSY; /* memory, or 128 groups */
  }
}

/* The groups of a server that is being destroyed need no release. */
static void end_joining(struct join *join, bool is_closed) {
  stoa_room_presence_change_destroy(join->joining.change);
  join->joining.change = NULL;
  if (!is_closed) {
    stoa_room_watch_release(join->home, &join->watch);
  }
  finish(join);
}

static void on_joined(struct stoa_ordered_join *base, struct stoa_session *session, int base_status) {
  struct join *join = join_of(base);
  bool has_left = !join->joining.is_listed;
  stoa_room_joining_remove(&join->home->joinings, &join->joining);
  join->home->join_count--;
  enum stoa_room_status status = status_of(join, base_status, has_left);
  if (status == STOA_ROOM_OK) {
    welcome(join, session);
    end_joining(join, false);
    return;
  }
  if (session != NULL) {
    int ignored = stoa_session_leave(session, stoa_room_name_group(name_of(join)));
    (void)ignored;
  }
  tell_failure(join, status);
  end_joining(join, base_status == STOA_E_CLOSED);
}

/* On the owner. */

static void refuse(struct join *join, enum stoa_room_status status) {
  assert(status != STOA_ROOM_OK);
  join->status = status;
  stoa_ordered_join_cancel(&join->base, STOA_E_DENIED);
}

static void on_history(void *context, const struct stoa_engine_answer *answer);

static void go_on(struct join *join, enum stoa_room_slice_need need) {
  bool is_ready = need == STOA_ROOM_SLICE_READY;
  stoa_room_metrics_add(join->owner, STOA_RM_SOURCES, is_ready ? STOA_SOURCE_RING : STOA_SOURCE_STORAGE, 1);
  if (is_ready) {
    stoa_ordered_join_place(&join->base);
    return;
  }
  const struct stoa_engine_query query = stoa_room_slice_query(&join->slice, join->room);
  if (stoa_engine_history(join->owner->port, &query, on_history, join) != STOA_OK) {
    refuse(join, STOA_ROOM_BUSY);
  }
}

/* When the server ends there is nobody to answer any more, see rooms.h. */
static void end_held(struct join *join) {
  stoa_room_slice_clear(&join->slice, slice_bytes(join));
  on_joined(&join->base, NULL, STOA_E_CLOSED);
}

static void on_history(void *context, const struct stoa_engine_answer *answer) {
  struct join *join = context;
  enum stoa_room_status status;
  if (join->home->rooms->is_closed) {
    end_held(join);
    return;
  }
  if (answer->status != STOA_ENGINE_OK && answer->status != STOA_ENGINE_GONE) {
    refuse(join, stoa_room_status_of(answer->status));
    return;
  }
  if (!stoa_room_slice_take(&join->slice, answer, slice_bytes(join), &status)) {
    go_on(join, stoa_room_slice_begin_page(&join->slice, join->room));
  } else if (status != STOA_ROOM_OK) {
    refuse(join, status);
  } else {
    stoa_ordered_join_place(&join->base);
  }
}

static void on_loaded(struct stoa_room_waiter *waiter, struct stoa_room *room, enum stoa_room_status status) {
  struct join *join = stoa_container_of(waiter, struct join, waiter);
  const struct stoa_rooms *rooms = join->home->rooms;
  if (status == STOA_ROOM_CLOSED) {
    end_held(join);
  } else if (status != STOA_ROOM_OK) {
    refuse(join, status);
  } else if (room->epoch == 0 && rooms->config.create == STOA_ROOMS_CONFIG_CREATE_ADMINISTRATORS) {
    refuse(join, STOA_ROOM_NOT_FOUND);
  } else {
    go_on(join, stoa_room_slice_begin(&join->slice, room));
  }
}

static bool is_full(const struct join *join) {
  struct stoa_rooms *rooms = join->home->rooms;
  size_t max = rooms->config.members_max;
  return max > 0 &&
         stoa_room_member_count(rooms, stoa_room_name_text(name_of(join))) + atomic_load(&join->room->join_count) >=
             max;
}

static void on_owner(struct stoa_ordered_join *base) {
  struct join *join = join_of(base);
  struct stoa_room *room;
  if (stoa_room_open(join->owner, name_of(join), &room) != STOA_OK) {
    refuse(join, STOA_ROOM_BUSY);
    return;
  }
  join->room = room;
  bool has_room = !is_full(join);
  atomic_fetch_add_explicit(&room->join_count, 1, memory_order_relaxed);
  if (!has_room) {
    refuse(join, STOA_ROOM_FULL);
    return;
  }
  join->waiter.run = on_loaded;
  stoa_room_load(room, &join->waiter);
}

static void on_place(struct stoa_ordered_join *base) {
  struct join *join = join_of(base);
  struct stoa_room *room = join->room;
  join->status = stoa_room_slice_finish(&join->slice, room, slice_bytes(join));
  int status = STOA_OK;
  if (join->status == STOA_ROOM_OK && join->visit != NULL) {
    status = stoa_room_presence_arrive(room, join->visit);
  }
  join->user_count = stoa_room_presence_count(room);
  if (join->status == STOA_ROOM_OK && status == STOA_OK && join->joining.is_watching) {
    status = stoa_room_presence_copy(join->owner, room, &join->users);
  }
  if (status != STOA_OK) {
    join->status = STOA_ROOM_BUSY;
  }
}

/* The beginning. Errors: STOA_E_ARGUMENT  the user or its info; STOA_E_MEMORY */

static int create(struct stoa_room_worker *home, const struct stoa_session *session, const struct stoa_room_name *name,
                  const struct stoa_room_join_options *options, struct join **out_join) {
  struct join *join = stoa_calloc(1, sizeof *join);
  if (join == NULL) {
    return STOA_E_MEMORY;
  }
  if (options->user.len > 0) {
    int status = stoa_room_visit_create(options->user, options->info, options->is_away, &join->visit);
    if (status != STOA_OK) {
      stoa_free(join);
      return status;
    }
  }
  join->request.close = end_early;
  join->home = home;
  join->owner = stoa_room_worker_owner(home->rooms, name);
  join->joining.room = *name;
  join->joining.has_user = join->visit != NULL;
  join->joining.is_watching = options->has_presence;
  join->slice.position = options->position;
  join->slice.history = options->history;
  join->base.on_owner = on_owner;
  join->base.on_place = on_place;
  join->base.on_joined = on_joined;
  stoa_room_joining_add(&home->joinings, stoa_session_id(session), &join->joining);
  *out_join = join;
  return STOA_OK;
}

static int begin(struct stoa_room_worker *home, struct stoa_session *session, struct join *join) {
  int status = join->joining.is_watching ? stoa_room_watch_hold(home, session, name_of(join), &join->watch) : STOA_OK;
  if (status == STOA_OK) {
    status = stoa_ordered_join_begin(&join->base, session, stoa_room_name_group(name_of(join)));
  }
  if (status != STOA_OK) {
    stoa_room_watch_release(home, &join->watch);
    stoa_room_joining_remove(&home->joinings, &join->joining);
    destroy(join);
    return status;
  }
  home->join_count++;
  stoa_room_requests_add(&home->reads, &join->request);
  return STOA_OK;
}

/* Groups that its joins in progress are for. */
static uint32_t count_joining(const struct stoa_room_worker *home, const struct stoa_session *session) {
  uint32_t count = 0;
  const struct stoa_room_joining *joining = NULL;
  while ((joining = stoa_room_joining_next(&home->joinings, stoa_session_id(session), joining)) != NULL) {
    count += stoa_room_group_count(joining->is_watching);
  }
  return count;
}

static int check(const struct stoa_room_worker *home, struct stoa_session *session, struct stoa_string room,
                 const struct stoa_room_join_options *options) {
  if (!stoa_member_is_open(session) || !stoa_member_is_accepted(session) || home->is_over) {
    return STOA_E_CLOSED;
  }
  if (stoa_room_joining_find(&home->joinings, stoa_session_id(session), room) != NULL) {
    return STOA_E_EXISTS;
  }
  uint32_t group_count = stoa_room_group_count(options->has_presence) + count_joining(home, session);
  bool is_at_limit = stoa_member_group_count(session) + group_count > STOA_SESSION_GROUPS_MAX;
  if (!is_at_limit && home->join_count < STOA_ROOM_JOINS_MAX) {
    return STOA_OK; /* that it is a member is found when the join begins */
  }
  return stoa_room_has(home->rooms, session, room) ? STOA_E_EXISTS : STOA_E_LIMIT;
}

int stoa_room_join(struct stoa_rooms *rooms, struct stoa_session *session, struct stoa_string room,
                   const struct stoa_room_join_options *options, stoa_room_on_joined *on_done, void *context) {
  static const struct stoa_room_join_options none;
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  struct join *join = NULL;
  options = options == NULL ? &none : options;
  if (home == NULL || on_done == NULL || !stoa_room_name_is_valid(room) || stoa_worker_of(session) != home->worker ||
      options->history > STOA_ROOM_PAGE_MAX) {
    return STOA_E_ARGUMENT;
  }
  const struct stoa_room_name name = stoa_room_name_make(room);
  int status = check(home, session, room, options);
  if (status == STOA_OK) {
    status = create(home, session, &name, options, &join);
  }
  if (status == STOA_OK) {
    join->on_joined = on_done;
    join->context = context;
    status = begin(home, session, join);
  }
  return status;
}

int stoa_room_leave(struct stoa_rooms *rooms, struct stoa_session *session, struct stoa_string room) {
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  if (home == NULL || stoa_worker_of(session) != home->worker || !stoa_room_name_is_valid(room)) {
    return STOA_E_NOT_FOUND;
  }
  struct stoa_room_joining *joining = stoa_room_joining_find(&home->joinings, stoa_session_id(session), room);
  if (joining != NULL) {
    stoa_room_joining_remove(&home->joinings, joining);
    return STOA_OK;
  }
  struct stoa_room_membership membership;
  if (!stoa_room_session_remove_room(session, room, &membership)) {
    return STOA_E_NOT_FOUND;
  }
  if (membership.visit != NULL) {
    stoa_room_presence_post_departure(membership.visit);
  }
  if (rooms->callbacks.on_member != NULL) {
    rooms->callbacks.on_member(rooms->callbacks.user, session, stoa_room_name_text(&membership.room), false);
  }
  return STOA_OK;
}
