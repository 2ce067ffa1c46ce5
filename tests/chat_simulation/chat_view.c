#include "chat_view.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)
#define ACTIVE_S 6u
#define PAUSED_S 30u

const char *const view_emojis[VIEW_EMOJIS] = {"\xf0\x9f\x91\x8d", "\xf0\x9f\x8e\x89", "\xe2\x9d\xa4"};

void view_copy(char *out, size_t size, struct stoa_string text) {
  size_t len = text.len < size - 1 ? text.len : size - 1;
  memset(out, 0, size);
  if (len > 0) {
    memcpy(out, text.data, len);
  }
}

static bool is_text(struct stoa_string text, const char *other) {
  return text.len == strlen(other) && (text.len == 0 || memcmp(text.data, other, text.len) == 0);
}

uint32_t view_emoji_of(struct stoa_string text) {
  uint32_t index = 0;
  while (index < VIEW_EMOJIS && !is_text(text, view_emojis[index])) {
    index++;
  }
  return index;
}

/* Messages. */

static void set_message(struct view_message *message, const struct chatroom_v1_chat_message *chat) {
  memset(message, 0, sizeof *message);
  message->is_there = true;
  message->is_deleted = chat->deleted;
  message->ts_ms = chat->ts_ms;
  message->edited_ms = chat->edited_ms;
  message->reply_to = chat->reply_to;
  view_copy(message->text, sizeof message->text, chat->message);
  view_copy(message->user_id, sizeof message->user_id, chat->user_id);
  for (size_t i = 0; i < chat->reactions.count; i++) {
    uint32_t emoji = view_emoji_of(chat->reactions.items[i].key);
    if (emoji < VIEW_EMOJIS) {
      message->counts[emoji] = chat->reactions.items[i].value->count;
      message->mine[emoji] = chat->reactions.items[i].value->mine;
    }
  }
}

void view_take_page(struct chat_view *view, const struct chatroom_v1_join_reply *reply) {
  memset(view->messages, 0, sizeof view->messages);
  view->epoch = reply->epoch;
  view->position = view->page_top = view->from = reply->offset;
  for (size_t i = 0; i < reply->items.count; i++) {
    const struct chatroom_v1_chat_message *chat = &reply->items.items[i];
    view->from = i == 0 ? chat->offset - 1 : view->from;
    if (chat->offset < VIEW_OFFSETS_MAX) {
      set_message(&view->messages[chat->offset], chat);
    }
  }
  if (!reply->more_before) {
    view->from = 0;
  }
}

static void forget_typist(struct chat_view *view, struct stoa_string user_id) {
  size_t kept = 0;
  for (size_t i = 0; i < view->typist_count; i++) {
    if (!is_text(user_id, view->typists[i].user_id)) {
      view->typists[kept++] = view->typists[i];
    }
  }
  view->typist_count = kept;
}

static bool go_on(struct chat_view *view, uint64_t epoch, uint64_t offset) {
  if (offset <= view->position || offset >= VIEW_OFFSETS_MAX || (view->epoch != 0 && view->epoch != epoch)) {
    return false;
  }
  view->epoch = epoch;
  view->position = offset;
  return true;
}

bool view_on_chat(struct chat_view *view, const struct chatroom_v1_chat_message *chat) {
  if (!go_on(view, chat->epoch, chat->offset)) {
    return false;
  }
  set_message(&view->messages[chat->offset], chat);
  forget_typist(view, chat->user_id);
  return true;
}

static void react(struct view_message *message, const struct chatroom_v1_event_message *event, bool is_mine) {
  uint32_t emoji = view_emoji_of(event->emoji);
  if (emoji < VIEW_EMOJIS) {
    message->counts[emoji] += event->off ? UINT32_MAX : 1; /* which is - 1 */
    message->mine[emoji] = is_mine ? !event->off : message->mine[emoji];
  }
}

void view_fold(struct view_message *message, const struct chatroom_v1_event_message *event, bool is_mine) {
  if (!message->is_there || message->is_deleted) {
    return;
  }
  if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_EDIT) {
    view_copy(message->text, sizeof message->text, event->text);
    message->edited_ms = event->ts_ms;
  } else if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_REACT) {
    react(message, event, is_mine);
  } else if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_DELETE) {
    message->is_deleted = true;
  }
}

bool view_on_event(struct chat_view *view, const struct chatroom_v1_event_message *event) {
  if (!go_on(view, event->epoch, event->offset)) {
    return false;
  }
  if (event->offset <= view->page_top) {
    return true;
  }
  if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_TOPIC) {
    view_copy(view->topic, sizeof view->topic, event->text);
  } else if (event->target < VIEW_OFFSETS_MAX) {
    view_fold(&view->messages[event->target], event, is_text(event->user_id, view->user_id));
  }
  return true;
}

/* People. */

static struct view_person *find_person(struct chat_view *view, struct stoa_string user_id) {
  for (size_t i = 0; i < view->people_count; i++) {
    if (is_text(user_id, view->people[i].user_id)) {
      return &view->people[i];
    }
  }
  return NULL;
}

static void put_person(struct chat_view *view, const struct chatroom_v1_member *member) {
  struct view_person *person = find_person(view, member->user_id);
  if (person == NULL && view->people_count < VIEW_PEOPLE_MAX) {
    person = &view->people[view->people_count++];
  }
  if (person != NULL) {
    view_copy(person->user_id, sizeof person->user_id, member->user_id);
    view_copy(person->nick, sizeof person->nick, member->nick);
    person->sessions = member->sessions;
    person->role = member->role;
  }
}

void view_take_people(struct chat_view *view, const struct chatroom_v1_presence_reply *reply) {
  view->has_people = !reply->truncated;
  view->people_count = 0;
  view->presence_version = reply->version;
  for (size_t i = 0; i < reply->members.count; i++) {
    put_person(view, &reply->members.items[i]);
  }
}

void view_on_diff(struct chat_view *view, const struct chatroom_v1_presence_diff_message *diff) {
  if (!view->has_people || diff->version <= view->presence_version) {
    return;
  }
  view->presence_version = diff->version;
  for (size_t i = 0; i < diff->joins.count; i++) {
    put_person(view, &diff->joins.items[i]);
  }
  for (size_t i = 0; i < diff->leaves.count; i++) {
    struct view_person *person = find_person(view, diff->leaves.items[i]);
    if (person != NULL) {
      *person = view->people[--view->people_count];
    }
    forget_typist(view, diff->leaves.items[i]);
  }
}

void view_on_typing(struct chat_view *view, const struct chatroom_v1_typing_message *typing, uint64_t now_ns) {
  forget_typist(view, typing->user_id);
  if (typing->state == CHATROOM_V1_TYPING_STATE_TYPING_DONE || view->typist_count == VIEW_TYPISTS_MAX) {
    return;
  }
  struct view_typist *typist = &view->typists[view->typist_count++];
  bool is_active = typing->state == CHATROOM_V1_TYPING_STATE_TYPING_ACTIVE;
  view_copy(typist->user_id, sizeof typist->user_id, typing->user_id);
  typist->until_ns = now_ns + (is_active ? ACTIVE_S : PAUSED_S) * NS_PER_S;
}

bool view_shows_typing(const struct chat_view *view, const char *user_id, uint64_t now_ns) {
  for (size_t i = 0; i < view->typist_count; i++) {
    if (strcmp(view->typists[i].user_id, user_id) == 0 && view->typists[i].until_ns > now_ns) {
      return true;
    }
  }
  return false;
}

void view_leave(struct chat_view *view) {
  view->has_people = false;
  view->people_count = view->typist_count = 0;
}

/* Comparing. */

/* A deleted message has no text and no reactions, whatever came before. */
static bool is_same_message(const struct view_message *one, const struct view_message *other) {
  if (one->is_there != other->is_there || one->is_deleted != other->is_deleted) {
    return false;
  }
  if (!one->is_there || one->is_deleted) {
    return true;
  }
  return strcmp(one->text, other->text) == 0 && strcmp(one->user_id, other->user_id) == 0 &&
         one->ts_ms == other->ts_ms && one->edited_ms == other->edited_ms && one->reply_to == other->reply_to &&
         memcmp(one->counts, other->counts, sizeof one->counts) == 0 &&
         memcmp(one->mine, other->mine, sizeof one->mine) == 0;
}

static void show(const struct view_message *message, char *out, size_t size) {
  if (!message->is_there || message->is_deleted) {
    snprintf(out, size, "%s", message->is_there ? "(deleted)" : "nothing");
    return;
  }
  snprintf(out, size, "\"%s\" edited %lld, reactions %u%s %u%s %u%s", message->text, (long long)message->edited_ms,
           message->counts[0], message->mine[0] ? "!" : "", message->counts[1], message->mine[1] ? "!" : "",
           message->counts[2], message->mine[2] ? "!" : "");
}

void view_compare_messages(const struct chat_view *one, const char *one_name, const struct chat_view *other,
                           const char *other_name, const char *room, struct trace *trace) {
  uint64_t from = one->from > other->from ? one->from : other->from;
  if (one->epoch != other->epoch || one->position != other->position) {
    trace_fail(trace, "%s is at %llu of room %s, %s at %llu", one_name, (unsigned long long)one->position, room,
               other_name, (unsigned long long)other->position);
    return;
  }
  for (uint64_t offset = from + 1; offset < VIEW_OFFSETS_MAX; offset++) {
    if (!is_same_message(&one->messages[offset], &other->messages[offset])) {
      char first[120], second[120];
      show(&one->messages[offset], first, sizeof first);
      show(&other->messages[offset], second, sizeof second);
      trace_fail(trace, "message %llu of room %s: %s has %s, %s has %s", (unsigned long long)offset, room, one_name,
                 first, other_name, second);
      return;
    }
  }
  if (strcmp(one->topic, other->topic) != 0) {
    trace_fail(trace, "the topic of room %s: %s has \"%s\", %s has \"%s\"", room, one_name, one->topic, other_name,
               other->topic);
  }
}

static const struct view_person *person_of(const struct chat_view *view, const char *user_id) {
  for (size_t i = 0; i < view->people_count; i++) {
    if (strcmp(view->people[i].user_id, user_id) == 0) {
      return &view->people[i];
    }
  }
  return NULL;
}

void view_compare_people(const struct chat_view *one, const char *one_name, const struct chat_view *other,
                         const char *other_name, const char *room, struct trace *trace) {
  if (one->people_count != other->people_count) {
    trace_fail(trace, "room %s: %s sees %zu people, %s sees %zu", room, one_name, one->people_count, other_name,
               other->people_count);
    return;
  }
  for (size_t i = 0; i < one->people_count; i++) {
    const struct view_person *person = &one->people[i];
    const struct view_person *same = person_of(other, person->user_id);
    if (same == NULL || strcmp(person->nick, same->nick) != 0 || person->sessions != same->sessions ||
        person->role != same->role) {
      trace_fail(trace, "room %s: %s sees %s as %s, %u sessions; %s sees %s, %u", room, one_name, person->user_id,
                 person->nick, person->sessions, other_name, same == NULL ? "nobody" : same->nick,
                 same == NULL ? 0 : same->sessions);
      return;
    }
  }
}
