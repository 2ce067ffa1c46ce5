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
#include "member.h"
#include "page.h"
#include "person.h"
#include "presence.h"
#include "read.h"
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
  struct room_rules *rules; /* counted */
  struct page *page;        /* NULL: none was wanted */
  size_t room_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
};

static struct stoa_string room_of(const struct joining *joining) {
  return stoa_string_make(joining->room, joining->room_len);
}

static int64_t now_ms(const struct joining *joining) {
  return stoa_server_wall_ms(stoa_session_server(joining->session));
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
  rules_release(joining->rules);
  free(joining);
}

/* It is no member, so nothing counts for it there any more; unless it has left, and joins again meanwhile. */
static void end_outside(struct joining *joining) {
  if (joining->session != NULL && !joining->has_left) {
    member_remove(joining->session, room_of(joining));
  }
  end(joining);
}

static void fail(struct joining *joining, enum stoa_room_status status, uint32_t retry_ms) {
  chatroom_fail(joining->call, status, retry_ms);
  end_outside(joining);
}

static void fail_with(struct joining *joining, uint32_t code, const char *reason, const char *message) {
  chatroom_fail_with(joining->call, code, reason, message);
  end_outside(joining);
}

static struct chatroom_v1_permissions permissions_of(const struct joining *joining) {
  const struct rules_subject subject = member_subject(joining->session);
  int64_t muted_ms = rules_muted_until(joining->rules, &subject, now_ms(joining));
  return (struct chatroom_v1_permissions){.send = muted_ms == 0,
                                          .moderate = subject.role >= CHATROOM_V1_ROLE_MODERATOR,
                                          .administer = subject.role == CHATROOM_V1_ROLE_ADMIN,
                                          .muted_until_ms = muted_ms};
}

static uint32_t unread_of(uint64_t top_ordinal, const struct read_mark *read) {
  uint64_t unread = top_ordinal > read->ordinal ? top_ordinal - read->ordinal : 0;
  return unread > UINT32_MAX ? UINT32_MAX : (uint32_t)unread;
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

static void leave(const struct joining *joining) {
  int ignored = stoa_room_leave(joining->chatroom->rooms, joining->session, room_of(joining));
  (void)ignored;
}

static void reply(struct joining *joining, const struct stoa_room_joined *joined, const struct presence_list *list) {
  const struct chatroom_v1_permissions permissions = permissions_of(joining);
  struct rules_settings settings;
  rules_settings(joining->rules, &settings);
  const struct read_mark read =
      reader_find(chatroom_reader(joining->chatroom, joining->session), room_of(joining), joined->page.epoch);
  const struct page *page = joining->page;
  struct chatroom_v1_join_reply reply = {
      .room = room_of(joining),
      .epoch = joined->page.epoch,
      .offset = page == NULL ? joined->page.top : page->top,
      .was_recovering = joining->recover.epoch != 0,
      .recovered = joining->recover.epoch != 0 && page == NULL && joined->recovered,
      .more_before = page == NULL ? joined->page.has_more_before : page->has_more,
      .permissions = &permissions,
      .read_offset = read.position.offset,
      .unread = unread_of(joined->page.top_ordinal, &read),
      .online = joined->user_count,
      .topic = stoa_string_make(settings.topic, settings.topic_len),
      .slow_mode_s = settings.slow_mode_s,
      .presence = joining->has_presence ? &list->reply : NULL,
  };
  if (page != NULL) {
    reply.items.items = page->items;
    reply.items.count = page->count;
  }
  if (joining->has_presence) {
    fit_items(joining, list, &reply);
  }
  /* A client that was told that its Join failed, because it took too long, must not be a member: it would get messages
   * of a room that it is not in, and its next Join would be refused. */
  if (chatroom_v1_chatroom_service_join_reply(joining->call, &reply) == STOA_OK) {
    end(joining);
  } else {
    leave(joining);
    end_outside(joining);
  }
}

/* Joining. */

static void begin_page(struct joining *joining);

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

/* Is there place for so many sessions, this one included? */
static bool has_place(const struct joining *joining, size_t sessions) {
  struct rules_settings settings;
  rules_settings(joining->rules, &settings);
  return settings.members_max == 0 || sessions <= settings.members_max;
}

static bool is_banned(const struct joining *joining) {
  const struct rules_subject subject = member_subject(joining->session);
  return rules_banned_until(joining->rules, &subject, now_ms(joining)) != 0 ||
         rules_banned_until(joining->chatroom->server_rules, &subject, now_ms(joining)) != 0;
}

/* True: it may not be a member with so many sessions, and is none. */
static bool is_refused(struct joining *joining, size_t sessions) {
  if (is_banned(joining)) {
    fail_with(joining, CHATROOM_ERROR_BANNED, "BANNED", "you are banned from this room");
    return true;
  }
  if (!has_place(joining, sessions)) {
    fail(joining, STOA_ROOM_FULL, 0);
    return true;
  }
  return false;
}

static void on_joined(void *context, struct stoa_session *session, const struct stoa_room_joined *joined) {
  struct joining *joining = context;
  if (session == NULL) {
    fail(joining, joined->page.status, joined->page.retry_ms);
    return;
  }
  /* What was set meanwhile counts too. */
  bool may_stay = !is_banned(joining) && has_place(joining, joined->member_count);
  if (may_stay && is_exact(joining, joined)) {
    welcome(joining, joined);
    return;
  }
  leave(joining);
  if (!is_refused(joining, joined->member_count)) {
    begin_page(joining);
  }
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
    fail_with(joining, STOA_ERROR_LIMIT, "TOO_MANY_ROOMS", "a session can be in 128 rooms, or in 64 with presence");
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
  const struct member *member = joining == NULL ? NULL : member_add(chatroom, session, room);
  if (member == NULL) {
    free(joining);
    return NULL;
  }
  joining->rules = rules_ref(member->rules);
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

static void begin(struct joining *joining) {
  if (is_refused(joining, stoa_room_member_count(joining->chatroom->rooms, room_of(joining)) + 1)) {
    return;
  }
  if (joining->recover.epoch != 0 || joining->history == 0) {
    join_at(joining, joining->recover);
  } else {
    begin_page(joining);
  }
}

static void load(struct joining *joining);

static void on_loaded(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  struct joining *joining = context;
  if (status != STOA_ROOM_OK) {
    fail(joining, status, retry_ms);
  } else if (joining->session == NULL || joining->has_left) {
    fail(joining, STOA_ROOM_LEFT, 0);
  } else {
    load(joining);
  }
}

/* The rules of the room, and up to where the user has read, unless they are there. */
static void load(struct joining *joining) {
  struct reader *reader = chatroom_reader(joining->chatroom, joining->session);
  int status = STOA_OK;
  if (reader == NULL) {
    status = STOA_E_MEMORY;
  } else if (!rules_are_loaded(joining->rules)) {
    status = rules_load(joining->chatroom->rooms, joining->rules, now_ms(joining), on_loaded, joining);
  } else if (!rules_are_loaded(joining->chatroom->server_rules)) {
    status = rules_load(joining->chatroom->rooms, joining->chatroom->server_rules, now_ms(joining), on_loaded, joining);
  } else if (!reader_is_loaded(reader)) {
    status = reader_load(reader, on_loaded, joining);
  } else {
    begin(joining);
  }
  if (status != STOA_OK) {
    fail(joining, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
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
  load(joining);
  return STOA_LATER;
}

/* False: there is none. */
static bool end_membership(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room) {
  struct joining *joining = find(session, room);
  if (joining != NULL) {
    joining->has_left = true;
  }
  int status = stoa_room_leave(chatroom->rooms, session, room);
  member_remove(session, room);
  return status == STOA_OK || joining != NULL;
}

void chatroom_expel(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room,
                    uint32_t code, struct stoa_string reason) {
  const struct chatroom_v1_left_message left = {.room = room, .code = code, .reason = reason};
  if (!end_membership(chatroom, session, room)) {
    return;
  }
  if (!stoa_session_negotiated(session)) {
    stoa_session_close(session, STOA_CLOSE_KICKED, "removed by a moderator");
    return;
  }
  int ignored = chatroom_v1_left_push(session, &left);
  (void)ignored; /* a session that cannot be told is closing */
}

const struct stoa_error *chatroom_on_leave(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_leave_request *request,
                                           struct chatroom_v1_leave_reply *reply) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, request->room);
  (void)reply;
  if (end_membership(chatroom, session, room)) {
    return NULL;
  }
  return stoa_session_error(session, CHATROOM_ERROR_UNKNOWN_ROOM, "NOT_A_MEMBER", "this session is not in the room");
}

/* Clients without a subprotocol: there is no call, and nothing is read from them until they are members. */

static void refuse_plain(struct joining *joining, enum stoa_room_status status) {
  if (joining->session != NULL && status != STOA_ROOM_LEFT && status != STOA_ROOM_CLOSED) {
    bool is_full = status == STOA_ROOM_FULL;
    struct stoa_session *session = joining->session;
    end_outside(joining);
    stoa_session_close(session, is_full ? STOA_CLOSE_FULL : STOA_CLOSE_INTERNAL,
                       is_full ? "the room is full" : "the room is not available now");
  } else {
    end_outside(joining); /* it has ended */
  }
}

static void begin_plain(struct joining *joining) {
  struct stoa_session *session = joining->session;
  if (session != NULL && is_banned(joining)) {
    end_outside(joining);
    stoa_session_close(session, STOA_CLOSE_KICKED, "banned from this room");
  } else if (session != NULL &&
             !has_place(joining, stoa_room_member_count(joining->chatroom->rooms, room_of(joining)))) {
    refuse_plain(joining, STOA_ROOM_FULL);
  } else {
    if (session != NULL) {
      stoa_session_resume(session);
    }
    end(joining);
  }
}

static void on_plain_rules(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  (void)retry_ms;
  if (status == STOA_ROOM_OK) {
    begin_plain(context);
  } else {
    refuse_plain(context, status);
  }
}

static void on_plain_joined(void *context, struct stoa_session *session, const struct stoa_room_joined *joined) {
  struct joining *joining = context;
  if (session == NULL) {
    refuse_plain(joining, joined->page.status);
  } else if (rules_are_loaded(joining->rules)) {
    begin_plain(joining);
  } else {
    int status = rules_load(joining->chatroom->rooms, joining->rules, now_ms(joining), on_plain_rules, joining);
    if (status != STOA_OK) {
      refuse_plain(joining, STOA_ROOM_BUSY);
    }
  }
}

int chatroom_join_plain(const struct chatroom *chatroom, struct stoa_session *session) {
  static const struct chatroom_v1_join_request request = {0};
  struct joining *joining = create(chatroom, session, &request, chatroom->default_room);
  if (joining == NULL) {
    return STOA_E_MEMORY;
  }
  struct presence_info info;
  const struct person *person = stoa_session_user(session);
  presence_info_make(person, &info);
  const struct stoa_room_join_options options = {.user = person_user_id(person),
                                                 .info = stoa_bytes_make(info.data, info.len)};
  int status = stoa_room_join(chatroom->rooms, session, chatroom->default_room, &options, on_plain_joined, joining);
  if (status == STOA_OK) {
    stoa_session_pause(session);
  } else {
    end_outside(joining);
  }
  return status;
}
