/* Join:
 *
 *   with a place      join there ─▶ recovered: reply; what was missed follows
 *                                └▶ else leave again, and go on as without a place; or reply, if no page is wanted
 *   without a place   read the page ─▶ join at its top ─▶ recovered: reply with the page; what came meanwhile follows
 *                                                      └▶ else the room has changed: leave, and read again
 */
#include "join.h"

#include "failure.h"
#include "handlers.h"
#include "page.h"
#include "person.h"
#include "presence.h"
#include "text.h"

#include <stdlib.h>

#define HISTORY_MAX 50u
/* A room whose epoch changes between two steps does so rarely. */
#define ATTEMPTS_MAX 3u
/* What a reply has beside the messages and the list of users. */
#define REPLY_BYTES 2048u

struct joining {
  struct joining *next;
  struct stoa_session *session; /* NULL: it has ended */
  bool has_left;                /* a Leave came meanwhile */
  const struct chatroom *chatroom;
  struct stoa_call *call;
  struct stoa_room_position recover; /* epoch 0: none */
  uint32_t history;
  bool has_presence;
  uint32_t attempts;
  struct page *page; /* NULL: none was wanted */
  size_t room_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
};

static struct stoa_string room_of(const struct joining *joining) {
  return stoa_string_make(joining->room, joining->room_len);
}

/* The list of a session. */

static struct joining **list_of(const struct stoa_session *session) {
  return person_joinings(stoa_session_user(session));
}

/* The one that was not left. */
static struct joining *find(const struct stoa_session *session, struct stoa_string room) {
  struct joining *at = *list_of(session);
  while (at != NULL && (at->has_left || !stoa_string_equal(room_of(at), room))) {
    at = at->next;
  }
  return at;
}

bool chatroom_is_joining(const struct stoa_session *session, struct stoa_string room) {
  return find(session, room) != NULL;
}

void chatroom_forget_joinings(struct stoa_session *session) {
  struct joining **list = list_of(session);
  for (struct joining *at = *list; at != NULL; at = at->next) {
    at->session = NULL;
  }
  *list = NULL;
}

static void unlist(struct joining *joining) {
  struct joining **link = joining->session == NULL ? NULL : list_of(joining->session);
  while (link != NULL && *link != joining) {
    link = &(*link)->next;
  }
  if (link != NULL) {
    *link = joining->next;
  }
}

/* The end. */

static void end(struct joining *joining) {
  unlist(joining);
  page_free(joining->page);
  free(joining);
}

static void fail(struct joining *joining, enum stoa_room_status status, uint32_t retry_ms) {
  chatroom_fail(joining->call, status, retry_ms);
  end(joining);
}

/* List and page are in one message: give up the oldest of the page that have no room beside the list. The client reads
 * them with History. */
static void fit_items(const struct joining *joining, const struct presence_list *list,
                      struct chatroom_v1_join_reply *reply) {
  size_t message_max = stoa_server_message_bytes_max(stoa_session_server(joining->session));
  size_t rest = message_max > REPLY_BYTES ? message_max - REPLY_BYTES : 0;
  size_t kept = 0;
  rest = rest > list->bytes ? rest - list->bytes : 0;
  while (kept < reply->items.count) {
    size_t bytes = page_item_bytes(&reply->items.items[reply->items.count - 1 - kept]);
    if (bytes > rest) {
      break;
    }
    rest -= bytes;
    kept++;
  }
  size_t dropped = reply->items.count - kept;
  reply->items.items += dropped;
  reply->items.count = kept;
  reply->more_before = reply->more_before || dropped > 0;
}

static void reply(struct joining *joining, const struct stoa_room_joined *joined, const struct presence_list *list) {
  static const struct chatroom_v1_permissions permissions = {.send = true};
  const struct page *page = joining->page;
  struct chatroom_v1_join_reply reply = {
      .room = room_of(joining),
      .epoch = joined->page.epoch,
      .offset = page == NULL ? joined->page.top : page->top,
      .was_recovering = joining->recover.epoch != 0,
      .recovered = joining->recover.epoch != 0 && page == NULL && joined->recovered,
      .more_before = page == NULL ? joined->page.has_more_before : page->has_more,
      .permissions = &permissions,
      .online = joined->user_count,
      .presence = joining->has_presence ? &list->reply : NULL,
  };
  if (page != NULL) {
    reply.items.items = page->items;
    reply.items.count = page->count;
  }
  if (joining->has_presence) {
    fit_items(joining, list, &reply);
  }
  int ignored = chatroom_v1_chatroom_service_join_reply(joining->call, &reply);
  (void)ignored; /* what is wrong with it ends the call, or the session */
  end(joining);
}

/* Joining. */

static void begin_page(struct joining *joining);

static void leave(const struct joining *joining) {
  int ignored = stoa_room_leave(joining->chatroom->rooms, joining->session, room_of(joining));
  (void)ignored;
}

/* Is the page, or that there is none, what comes right before the live messages? */
static bool is_exact(const struct joining *joining, const struct stoa_room_joined *joined) {
  const struct page *page = joining->page;
  if (page == NULL) {
    return joined->recovered || joining->history == 0;
  }
  return page->epoch == 0 ? joined->page.epoch == 0 : joined->recovered;
}

static void welcome(struct joining *joining, const struct stoa_room_joined *joined) {
  struct presence_list list;
  if (presence_list_make(&joined->presence, &list) != STOA_OK) {
    leave(joining);
    fail(joining, STOA_ROOM_BUSY, 0);
    return;
  }
  reply(joining, joined, &list);
  presence_list_free(&list);
}

static void on_joined(void *context, struct stoa_session *session, const struct stoa_room_joined *joined) {
  struct joining *joining = context;
  if (session == NULL) {
    fail(joining, joined->page.status, joined->page.retry_ms);
    return;
  }
  if (is_exact(joining, joined)) {
    welcome(joining, joined);
    return;
  }
  leave(joining);
  begin_page(joining);
}

static void join_at(struct joining *joining, struct stoa_room_position position) {
  const struct person *person = stoa_session_user(joining->session);
  struct presence_info info;
  presence_info_make(person, &info);
  const struct stoa_room_join_options options = {.position = position,
                                                 .user = person_user_id(person),
                                                 .info = stoa_bytes_make(info.data, info.len),
                                                 .has_presence = joining->has_presence};
  int status =
      stoa_room_join(joining->chatroom->rooms, joining->session, room_of(joining), &options, on_joined, joining);
  if (status == STOA_E_LIMIT) {
    chatroom_fail_with(joining->call, STOA_ERROR_LIMIT, "TOO_MANY_ROOMS",
                       "a session can be in 128 rooms, or in 64 with presence");
    end(joining);
  } else if (status != STOA_OK) {
    fail(joining, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* The page. */

static void on_page(void *context, struct page *page) {
  struct joining *joining = context;
  if (joining->session == NULL || joining->has_left) {
    page_free(page);
    fail(joining, STOA_ROOM_LEFT, 0);
    return;
  }
  if (page->status != STOA_ROOM_OK) {
    enum stoa_room_status status = page->status;
    uint32_t retry_ms = page->retry_ms;
    page_free(page);
    fail(joining, status, retry_ms);
    return;
  }
  joining->page = page;
  join_at(joining, (struct stoa_room_position){page->epoch, page->top});
}

static void begin_page(struct joining *joining) {
  const struct person *person = stoa_session_user(joining->session);
  page_free(joining->page);
  joining->page = NULL;
  if (joining->attempts++ == ATTEMPTS_MAX) {
    fail(joining, STOA_ROOM_BUSY, 0);
    return;
  }
  const struct page_query query = {.room = room_of(joining),
                                   .viewer = person_user_id(person),
                                   .limit = joining->history,
                                   .bytes_max = page_bytes_max(joining->session)};
  int status = page_read(joining->chatroom, &query, on_page, joining);
  if (status != STOA_OK) {
    fail(joining, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* The call. */

static const struct stoa_error *check(const struct chatroom *chatroom, struct stoa_session *session,
                                      const struct chatroom_v1_join_request *request, struct stoa_string room) {
  if (!chatroom_is_room_name(room)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "a room has 1 to 63 bytes without control characters");
  }
  if (request->history > HISTORY_MAX) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "history is at most 50");
  }
  if (stoa_room_has(chatroom->rooms, session, room) || find(session, room) != NULL) {
    return stoa_session_error(session, CHATROOM_ERROR_JOINED, "JOINED", "this session is in the room already");
  }
  if (!person_may_enter(stoa_session_user(session), room)) {
    return stoa_session_error(session, CHATROOM_ERROR_DENIED, "NOT_ALLOWED", "your token does not allow this room");
  }
  return NULL;
}

static struct joining *create(const struct chatroom *chatroom, struct stoa_session *session,
                              const struct chatroom_v1_join_request *request, struct stoa_string room) {
  struct joining *joining = calloc(1, sizeof *joining);
  if (joining == NULL) {
    return NULL;
  }
  joining->session = session;
  joining->chatroom = chatroom;
  joining->history = request->history;
  joining->has_presence = request->presence;
  if (request->recover != NULL) {
    joining->recover = (struct stoa_room_position){request->recover->epoch, request->recover->offset};
  }
  joining->room_len = room.len;
  memcpy(joining->room, room.data, room.len);
  joining->next = *list_of(session);
  *list_of(session) = joining;
  return joining;
}

const struct stoa_error *chatroom_on_join(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_join_request *request,
                                          struct chatroom_v1_join_reply *reply) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, request->room);
  const struct stoa_error *error = check(chatroom, session, request, room);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  struct joining *joining = create(chatroom, session, request, room);
  if (joining == NULL) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return STOA_LATER;
  }
  joining->call = call;
  if (joining->recover.epoch != 0 || joining->history == 0) {
    join_at(joining, joining->recover);
  } else {
    begin_page(joining);
  }
  return STOA_LATER;
}

const struct stoa_error *chatroom_on_leave(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_leave_request *request,
                                           struct chatroom_v1_leave_reply *reply) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, request->room);
  struct joining *joining = find(session, room);
  (void)reply;
  if (joining != NULL) {
    joining->has_left = true;
  }
  int status = stoa_room_leave(chatroom->rooms, session, room);
  if (status == STOA_OK || joining != NULL) {
    return NULL;
  }
  return stoa_session_error(session, CHATROOM_ERROR_UNKNOWN_ROOM, "NOT_A_MEMBER", "this session is not in the room");
}

/* Clients without a subprotocol. */

static void refuse_plain(struct stoa_session *session, enum stoa_room_status status) {
  if (status == STOA_ROOM_FULL) {
    stoa_session_close(session, STOA_CLOSE_FULL, "the room is full");
  } else {
    stoa_session_close(session, STOA_CLOSE_INTERNAL, "the room is not available now");
  }
}

static void on_plain_joined(void *context, struct stoa_session *session, const struct stoa_room_joined *joined) {
  enum stoa_room_status status = joined->page.status;
  if (session != NULL) {
    stoa_session_resume(session);
  } else if (status != STOA_ROOM_LEFT && status != STOA_ROOM_CLOSED) {
    refuse_plain(context, status); /* else it has ended */
  }
}

int chatroom_join_plain(const struct chatroom *chatroom, struct stoa_session *session) {
  struct presence_info info;
  const struct person *person = stoa_session_user(session);
  presence_info_make(person, &info);
  const struct stoa_room_join_options options = {.user = person_user_id(person),
                                                 .info = stoa_bytes_make(info.data, info.len)};
  int status = stoa_room_join(chatroom->rooms, session, chatroom->default_room, &options, on_plain_joined, session);
  if (status == STOA_OK) {
    stoa_session_pause(session);
  }
  return status;
}
