#include "change.h"

#include "failure.h"
#include "fold.h"
#include "handlers.h"
#include "member.h"
#include "page.h"
#include "person.h"
#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One call, on its way. */
struct change {
  struct change *next;
  struct person *person; /* whose list it is in; NULL: the session has ended */
  const struct chatroom *chatroom;
  struct stoa_call *call;
  struct chatroom_v1_event_message event; /* its texts point into `data` */
  struct stoa_string room, user_id;
  int64_t now_ms;
  bool is_moderator;
  char once[64]; /* the client_msg_id of its event; "": none */
  char data[];
};

/* One after the other. */

static void start(struct change *change);

static void end(struct change *change) {
  struct person *person = change->person;
  if (person != NULL) {
    assert(*person_changes(person) == change);
    *person_changes(person) = change->next;
  }
  free(change);
  if (person != NULL && *person_changes(person) != NULL) {
    start(*person_changes(person));
  }
}

static void add(struct person *person, struct change *change) {
  struct change **link = person_changes(person);
  while (*link != NULL) {
    link = &(*link)->next;
  }
  *link = change;
  if (*person_changes(person) == change) {
    start(change);
  }
}

void chatroom_forget_changes(struct stoa_session *session) {
  struct person *person = stoa_session_user(session);
  struct change *running = *person_changes(person);
  *person_changes(person) = NULL;
  if (running == NULL) {
    return;
  }
  running->person = NULL;
  for (struct change *at = running->next; at != NULL;) {
    struct change *next = at->next;
    stoa_call_drop(at->call);
    free(at);
    at = next;
  }
}

static void fail(struct change *change, enum stoa_room_status status, uint32_t retry_ms) {
  chatroom_fail(change->call, status, retry_ms);
  end(change);
}

static void fail_with(struct change *change, uint32_t code, const char *reason, const char *message) {
  chatroom_fail_with(change->call, code, reason, message);
  end(change);
}

static void reply(struct change *change, uint64_t epoch, uint64_t offset) {
  int ignored = 0;
  switch (change->event.kind) {
    case CHATROOM_V1_EVENT_KIND_EVENT_EDIT:
      ignored = chatroom_v1_chatroom_service_edit_reply(
          change->call, &(struct chatroom_v1_edit_reply){.offset = offset, .epoch = epoch});
      break;
    case CHATROOM_V1_EVENT_KIND_EVENT_DELETE:
      ignored = chatroom_v1_chatroom_service_delete_reply(
          change->call, &(struct chatroom_v1_delete_reply){.offset = offset, .epoch = epoch});
      break;
    default:
      ignored = chatroom_v1_chatroom_service_react_reply(
          change->call, &(struct chatroom_v1_react_reply){.offset = offset, .epoch = epoch});
      break;
  }
  (void)ignored; /* the session may have ended; the event is stored all the same */
  end(change);
}

/* Storing it. */

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct change *change = context;
  if (answer->status == STOA_ROOM_OK || answer->status == STOA_ROOM_DUPLICATE) {
    reply(change, answer->position.epoch, answer->position.offset);
  } else {
    fail(change, answer->status, answer->retry_ms);
  }
}

static void publish(struct change *change) {
  const struct stoa_publish_options options = {
      .sender = change->user_id, .target = change->event.target, .client_msg_id = stoa_string_of(change->once)};
  int status = stoa_room_publish(change->chatroom->rooms, change->room, CHATROOM_V1_MESSAGE_TYPE_EVENT, &change->event,
                                 &options, on_stored, change);
  if (status != STOA_OK) {
    fail(change, chatroom_status_of(status, STOA_ROOM_TOO_BIG), 0);
  }
}

static void on_redacted(void *context, const struct stoa_room_answer *answer) {
  struct change *change = context;
  if (answer->status == STOA_ROOM_OK) {
    publish(change);
  } else {
    fail(change, answer->status, answer->retry_ms);
  }
}

/* The content first: it empties what concerns the message, and the event that tells of it must stay. When only the
 * first step was done, a second Delete does the other. */
static void redact(struct change *change) {
  int status = stoa_room_redact(change->chatroom->rooms, change->room, change->event.target, on_redacted, change);
  if (status != STOA_OK) {
    fail(change, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* With the message. */

/* False: it was refused. */
static bool check_author(struct change *change, const struct chatroom_v1_chat_message *message) {
  if (change->is_moderator) {
    return true;
  }
  if (!stoa_string_equal(message->user_id, change->user_id)) {
    fail_with(change, CHATROOM_ERROR_DENIED, "NOT_THE_AUTHOR", "the message is another user's");
    return false;
  }
  if (change->now_ms - message->ts_ms > change->chatroom->edit_window_ms) {
    fail_with(change, CHATROOM_ERROR_EDIT_WINDOW, "EDIT_WINDOW", "the message is too old to be changed");
    return false;
  }
  return true;
}

static void edit(struct change *change, const struct chatroom_v1_chat_message *message, struct fold_history history) {
  if (!check_author(change, message)) {
    return;
  }
  if (history.edit_count >= CHANGE_EDITS_MAX) {
    fail_with(change, STOA_ERROR_LIMIT, "TOO_MANY_EDITS", "the message was edited too often");
    return;
  }
  publish(change);
}

static void delete (struct change *change, const struct page *page, struct fold_history history) {
  const struct chatroom_v1_chat_message *message = &page->items[0];
  if (!check_author(change, message)) {
    return;
  }
  if (history.delete_offset != 0) {
    reply(change, page->epoch, history.delete_offset);
  } else if (message->deleted) {
    publish(change);
  } else {
    redact(change);
  }
}

static bool has_reaction(const struct chatroom_v1_chat_message *message, struct stoa_string emoji, bool *out_is_mine) {
  for (size_t i = 0; i < message->reactions.count; i++) {
    if (stoa_string_equal(message->reactions.items[i].key, emoji)) {
      *out_is_mine = message->reactions.items[i].value->mine;
      return true;
    }
  }
  *out_is_mine = false;
  return false;
}

/* Two sessions of a user can react at once, and each finds the same state. Clients count events, so only one may be
 * stored: both have an id of this change from this state. */
static void set_once(struct change *change, const struct page *page) {
  struct stoa_string emoji = change->event.emoji;
  uint64_t last = fold_reaction_offset(page->fold, page->first, emoji, change->user_id);
  uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
  for (size_t i = 0; i < emoji.len; i++) {
    hash = (hash ^ (unsigned char)emoji.data[i]) * UINT64_C(1099511628211);
  }
  int len = snprintf(change->once, sizeof change->once, "react:%" PRIx64 ":%" PRIx64 ":%" PRIx64, change->event.target,
                     last, hash);
  assert(len > 0 && (size_t)len < sizeof change->once);
  (void)len;
}

static void react(struct change *change, const struct page *page, struct fold_history history) {
  const struct chatroom_v1_chat_message *message = &page->items[0];
  bool is_mine;
  bool is_there = has_reaction(message, change->event.emoji, &is_mine);
  if (is_mine == !change->event.off) {
    reply(change, page->epoch, 0);
    return;
  }
  bool is_new = !change->event.off && !is_there;
  if (history.react_count >= CHANGE_REACTS_MAX || (is_new && message->reactions.count >= CHANGE_EMOJI_MAX)) {
    fail_with(change, STOA_ERROR_LIMIT, "TOO_MANY_REACTIONS", "the message has too many reactions");
    return;
  }
  set_once(change, page);
  publish(change);
}

static void decide(struct change *change, const struct page *page) {
  bool is_there = page->count > 0 && page->items[0].offset == change->event.target;
  bool is_delete = change->event.kind == CHATROOM_V1_EVENT_KIND_EVENT_DELETE;
  if (!is_there || (page->items[0].deleted && !is_delete)) {
    fail_with(change, STOA_ERROR_BAD_REQUEST, "NO_SUCH_MESSAGE", "there is no message at this offset");
    return;
  }
  struct fold_history history = fold_history(page->fold, page->first);
  if (change->event.kind == CHATROOM_V1_EVENT_KIND_EVENT_EDIT) {
    edit(change, &page->items[0], history);
  } else if (is_delete) {
    delete (change, page, history);
  } else {
    react(change, page, history);
  }
}

static void on_target(void *context, struct page *page) {
  struct change *change = context;
  if (page->status == STOA_ROOM_OK) {
    decide(change, page);
  } else {
    fail(change, page->status, page->retry_ms);
  }
  page_free(page);
}

static void start(struct change *change) {
  const struct page_query query = {.room = change->room,
                                   .viewer = change->user_id,
                                   .before = change->event.target + 1,
                                   .limit = 1,
                                   .bytes_max = SIZE_MAX};
  int status = page_read(change->chatroom, &query, on_target, change);
  if (status != STOA_OK) {
    fail(change, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* The calls. */

static struct change *create(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room,
                             const struct chatroom_v1_event_message *event) {
  struct person *person = stoa_session_user(session);
  struct stoa_string user_id = person_user_id(person);
  struct stoa_string nick = person_nick(person);
  struct change *change =
      calloc(1, sizeof *change + room.len + user_id.len + nick.len + event->text.len + event->emoji.len);
  if (change == NULL) {
    return NULL;
  }
  char *at = change->data;
  change->chatroom = chatroom;
  change->person = person;
  change->now_ms = stoa_server_wall_ms(stoa_session_server(session));
  change->is_moderator = person_role(person) != CHATROOM_V1_ROLE_USER;
  change->event = *event;
  change->room = chatroom_put(&at, room);
  change->user_id = chatroom_put(&at, user_id);
  change->event.nick = chatroom_put(&at, nick);
  change->event.text = chatroom_put(&at, event->text);
  change->event.emoji = chatroom_put(&at, event->emoji);
  return change;
}

static const struct stoa_error *begin(struct chatroom *chatroom, struct stoa_session *session,
                                      struct stoa_string wanted_room, const struct chatroom_v1_event_message *event) {
  struct stoa_string room = chatroom_room(chatroom, wanted_room);
  /* Who is muted can still delete. */
  bool is_delete = event->kind == CHATROOM_V1_EVENT_KIND_EVENT_DELETE;
  const struct stoa_error *error =
      is_delete ? chatroom_check_member(chatroom, session, room) : member_check(chatroom, session, room, false);
  if (error == NULL && (event->target == 0 || event->target >= INT64_MAX)) {
    error = stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "NO_SUCH_MESSAGE", "no message has this offset");
  }
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  struct change *change = create(chatroom, session, room, event);
  if (change == NULL) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return STOA_LATER;
  }
  change->call = call;
  add(change->person, change);
  return STOA_LATER;
}

const struct stoa_error *chatroom_on_edit(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_edit_request *request,
                                          struct chatroom_v1_edit_reply *reply) {
  const struct chatroom_v1_event_message event = {
      .kind = CHATROOM_V1_EVENT_KIND_EVENT_EDIT, .target = request->offset, .text = request->text};
  const struct stoa_error *error = chatroom_check_text(session, request->text);
  (void)reply;
  return error == NULL ? begin(user, session, request->room, &event) : error;
}

const struct stoa_error *chatroom_on_delete(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_delete_request *request,
                                            struct chatroom_v1_delete_reply *reply) {
  const struct chatroom_v1_event_message event = {.kind = CHATROOM_V1_EVENT_KIND_EVENT_DELETE,
                                                  .target = request->offset};
  (void)reply;
  return begin(user, session, request->room, &event);
}

const struct stoa_error *chatroom_on_react(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_react_request *request,
                                           struct chatroom_v1_react_reply *reply) {
  const struct chatroom_v1_event_message event = {.kind = CHATROOM_V1_EVENT_KIND_EVENT_REACT,
                                                  .target = request->offset,
                                                  .emoji = request->emoji,
                                                  .off = request->off};
  (void)reply;
  if (request->emoji.len == 0 || request->emoji.len > CHANGE_EMOJI_LEN_MAX) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "an emoji has 1 to 32 bytes");
  }
  return begin(user, session, request->room, &event);
}
