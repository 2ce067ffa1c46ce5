#include "chat/room.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more in an array that doubles. */
static bool reserve(void *items, size_t size, size_t *capacity, size_t count) {
  if (count < *capacity) {
    return true;
  }
  size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
  void **array = items;
  void *grown = realloc(*array, wanted * size);
  if (grown == NULL) {
    return false;
  }
  *array = grown;
  *capacity = wanted;
  return true;
}

static char *copy(struct stoa_string text) {
  char *own = malloc(text.len + 1);
  if (own != NULL) {
    if (text.len > 0) {
      memcpy(own, text.data, text.len);
    }
    own[text.len] = '\0';
  }
  return own;
}

static bool replace(char **text, struct stoa_string by) {
  char *own = copy(by);
  if (own == NULL) {
    return false;
  }
  free(*text);
  *text = own;
  return true;
}

static bool is_text(const char *own, struct stoa_string text) {
  return own != NULL && stoa_string_equal(stoa_string_of(own), text);
}

bool chat_room_set_user(struct chat_room *room, struct stoa_string user_id) {
  return replace(&room->user_id, user_id);
}

static void message_destroy(struct chat_message *message) {
  if (message != NULL) {
    free(message->reactions);
    free(message->text);
    free(message->user_id);
    free(message->nick);
    free(message);
  }
}

static void forget_messages(struct chat_room *room) {
  for (size_t i = 0; i < room->message_count; i++) {
    message_destroy(room->messages[i]);
  }
  room->message_count = 0;
}

static void forget_people(struct chat_room *room) {
  for (size_t i = 0; i < room->people_count; i++) {
    free(room->people[i].user_id);
    free(room->people[i].nick);
  }
  room->people_count = 0;
}

static void forget_typing_at(struct chat_room *room, size_t i) {
  free(room->typing[i].user_id);
  free(room->typing[i].nick);
  room->typing[i] = room->typing[--room->typing_count];
}

void chat_room_fini(struct chat_room *room) {
  forget_messages(room);
  forget_people(room);
  while (room->typing_count > 0) {
    forget_typing_at(room, 0);
  }
  free(room->messages);
  free(room->people);
  free(room->user_id);
  *room = (struct chat_room){0};
}

/* ---- messages ---- */

/* The first message at or above an offset. */
static size_t place_of(const struct chat_room *room, uint64_t offset) {
  size_t low = 0;
  size_t high = room->message_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (room->messages[middle]->offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

struct chat_message *chat_room_find(const struct chat_room *room, uint64_t offset) {
  size_t at = place_of(room, offset);
  return at < room->message_count && room->messages[at]->offset == offset ? room->messages[at] : NULL;
}

struct chat_message *chat_room_last_own(const struct chat_room *room) {
  for (size_t i = room->message_count; i > 0; i--) {
    struct chat_message *message = room->messages[i - 1];
    if (message->is_mine && !message->is_deleted) {
      return message;
    }
  }
  return NULL;
}

static struct chat_reaction *reaction_of(struct chat_message *message, struct stoa_string emoji) {
  for (size_t i = 0; i < message->reaction_count; i++) {
    if (is_text(message->reactions[i].emoji, emoji)) {
      return &message->reactions[i];
    }
  }
  struct chat_reaction *own = NULL;
  if (message->reaction_count == CHAT_ROOM_REACTIONS_MAX || emoji.len == 0 || emoji.len >= sizeof own->emoji) {
    return NULL;
  }
  if (message->reactions == NULL) {
    message->reactions = calloc(CHAT_ROOM_REACTIONS_MAX, sizeof *message->reactions);
    if (message->reactions == NULL) {
      return NULL;
    }
  }
  own = &message->reactions[message->reaction_count++];
  *own = (struct chat_reaction){0};
  memcpy(own->emoji, emoji.data, emoji.len);
  return own;
}

static struct chat_message *message_create(const struct chat_room *room, const struct chatroom_v1_chat_message *source,
                                           uint64_t as_of) {
  struct chat_message *message = calloc(1, sizeof *message);
  if (message == NULL) {
    return NULL;
  }
  message->offset = source->offset;
  message->as_of = as_of;
  message->reply_to = source->reply_to;
  message->ts_ms = source->ts_ms;
  message->is_mine = is_text(room->user_id, source->user_id);
  message->is_edited = source->edited_ms != 0;
  message->is_deleted = source->deleted;
  message->text = copy(source->message);
  message->user_id = copy(source->user_id);
  message->nick = copy(source->sender);
  if (message->text == NULL || message->user_id == NULL || message->nick == NULL) {
    message_destroy(message);
    return NULL;
  }
  for (size_t i = 0; i < source->reactions.count; i++) {
    const struct chatroom_v1_chat_message_reactions_entry *entry = &source->reactions.items[i];
    struct chat_reaction *reaction = entry->value == NULL ? NULL : reaction_of(message, entry->key);
    if (reaction != NULL) {
      reaction->count = entry->value->count;
      reaction->is_mine = entry->value->mine;
    }
  }
  return message;
}

static void drop_oldest(struct chat_room *room) {
  message_destroy(room->messages[0]);
  memmove(room->messages, room->messages + 1, (room->message_count - 1) * sizeof *room->messages);
  room->message_count--;
  room->has_more_before = true;
}

/* as_of: the events up to it are in `source` already */
static bool put(struct chat_room *room, const struct chatroom_v1_chat_message *source, uint64_t as_of) {
  size_t at = place_of(room, source->offset);
  if (at < room->message_count && room->messages[at]->offset == source->offset) {
    return true;
  }
  if (!reserve(&room->messages, sizeof *room->messages, &room->message_capacity, room->message_count)) {
    return false;
  }
  struct chat_message *message = message_create(room, source, as_of);
  if (message == NULL) {
    return false;
  }
  memmove(room->messages + at + 1, room->messages + at, (room->message_count - at) * sizeof *room->messages);
  room->messages[at] = message;
  room->message_count++;
  return true;
}

bool chat_room_joined(struct chat_room *room, const struct chatroom_v1_join_reply *reply) {
  if (!reply->recovered) {
    forget_messages(room);
    room->has_more_before = reply->more_before;
    room->offset = reply->offset;
  }
  room->epoch = reply->epoch;
  bool is_stored = true;
  for (size_t i = 0; i < reply->items.count && !reply->recovered; i++) {
    is_stored = put(room, &reply->items.items[i], reply->offset) && is_stored;
  }
  if (reply->presence != NULL) {
    is_stored = chat_room_set_people(room, reply->presence) && is_stored;
  } else {
    room->people_total = reply->online;
  }
  return is_stored;
}

bool chat_room_add_page(struct chat_room *room, const struct chatroom_v1_history_reply *reply) {
  if (reply->epoch != room->epoch || room->message_count + reply->items.count > CHAT_ROOM_MESSAGES_MAX) {
    room->has_more_before = false; /* as far as this client goes */
    return true;
  }
  bool is_stored = true;
  for (size_t i = 0; i < reply->items.count; i++) {
    is_stored = put(room, &reply->items.items[i], reply->top) && is_stored;
  }
  room->has_more_before = reply->more;
  return is_stored;
}

static void typing_is_over(struct chat_room *room, struct stoa_string user_id) {
  for (size_t i = 0; i < room->typing_count; i++) {
    if (is_text(room->typing[i].user_id, user_id)) {
      forget_typing_at(room, i);
      return;
    }
  }
}

bool chat_room_add(struct chat_room *room, const struct chatroom_v1_chat_message *message) {
  typing_is_over(room, message->user_id);
  if (message->offset <= room->offset && message->epoch == room->epoch) {
    return true;
  }
  room->offset = message->offset;
  room->epoch = message->epoch;
  if (!put(room, message, message->offset)) {
    return false;
  }
  if (room->message_count > CHAT_ROOM_MESSAGES_MAX) {
    drop_oldest(room);
  }
  return true;
}

static void react(struct chat_room *room, struct chat_message *message, const struct chatroom_v1_event_message *event) {
  struct chat_reaction *reaction = reaction_of(message, event->emoji);
  bool is_mine = is_text(room->user_id, event->user_id);
  if (reaction == NULL) {
    return;
  }
  if (!event->off) {
    reaction->count++;
  } else if (reaction->count > 0) {
    reaction->count--;
  }
  reaction->is_mine = is_mine ? !event->off : reaction->is_mine;
  if (reaction->count == 0) {
    size_t at = (size_t)(reaction - message->reactions);
    memmove(reaction, reaction + 1, (message->reaction_count - at - 1) * sizeof *reaction);
    message->reaction_count--;
  }
}

bool chat_room_apply(struct chat_room *room, const struct chatroom_v1_event_message *event) {
  if (event->offset <= room->offset && event->epoch == room->epoch) {
    return true;
  }
  room->offset = event->offset;
  struct chat_message *message = chat_room_find(room, event->target);
  if (message == NULL || message->is_deleted || event->offset <= message->as_of) {
    return true;
  }
  message->as_of = event->offset;
  if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_REACT) {
    react(room, message, event);
  } else if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_EDIT) {
    message->is_edited = true;
    return replace(&message->text, event->text);
  } else if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_DELETE) {
    message->is_deleted = true;
    message->reaction_count = 0;
    return replace(&message->text, (struct stoa_string)STOA_STR(""));
  }
  return true;
}

/* ---- people ---- */

static struct chat_person *person_of(struct chat_room *room, struct stoa_string user_id) {
  for (size_t i = 0; i < room->people_count; i++) {
    if (is_text(room->people[i].user_id, user_id)) {
      return &room->people[i];
    }
  }
  return NULL;
}

static bool put_person(struct chat_room *room, const struct chatroom_v1_member *member) {
  struct chat_person *person = person_of(room, member->user_id);
  if (person != NULL) {
    person->is_away = member->away;
    return replace(&person->nick, member->nick);
  }
  if (room->people_count >= CHAT_ROOM_PEOPLE_MAX) {
    return true;
  }
  struct chat_person new = {copy(member->user_id), copy(member->nick), member->away};
  if (new.user_id == NULL || new.nick == NULL ||
      !reserve(&room->people, sizeof *room->people, &room->people_capacity, room->people_count)) {
    free(new.user_id);
    free(new.nick);
    return false;
  }
  room->people[room->people_count++] = new;
  return true;
}

static void remove_person(struct chat_room *room, struct stoa_string user_id) {
  struct chat_person *person = person_of(room, user_id);
  if (person == NULL) {
    return;
  }
  free(person->user_id);
  free(person->nick);
  size_t at = (size_t)(person - room->people);
  memmove(person, person + 1, (room->people_count - at - 1) * sizeof *person);
  room->people_count--;
}

bool chat_room_set_people(struct chat_room *room, const struct chatroom_v1_presence_reply *reply) {
  bool is_stored = true;
  forget_people(room);
  room->version = reply->version;
  room->people_total = reply->total;
  room->is_people_truncated = reply->truncated;
  for (size_t i = 0; i < reply->members.count; i++) {
    is_stored = put_person(room, &reply->members.items[i]) && is_stored;
  }
  return is_stored;
}

bool chat_room_apply_people(struct chat_room *room, const struct chatroom_v1_presence_diff_message *diff) {
  bool is_stored = true;
  if (diff->version <= room->version) {
    return true;
  }
  room->version = diff->version;
  room->people_total = diff->total;
  if (diff->truncated) {
    room->is_people_truncated = true;
    forget_people(room);
    return true;
  }
  for (size_t i = 0; i < diff->leaves.count; i++) {
    remove_person(room, diff->leaves.items[i]);
    typing_is_over(room, diff->leaves.items[i]);
  }
  for (size_t i = 0; i < diff->joins.count; i++) {
    is_stored = put_person(room, &diff->joins.items[i]) && is_stored;
  }
  return is_stored;
}

/* ---- typing ---- */

bool chat_room_note_typing(struct chat_room *room, const struct chatroom_v1_typing_message *typing, int64_t now_ms) {
  typing_is_over(room, typing->user_id);
  if (typing->state == CHATROOM_V1_TYPING_STATE_TYPING_DONE || room->typing_count == CHAT_ROOM_TYPING_MAX ||
      is_text(room->user_id, typing->user_id)) {
    return true;
  }
  bool is_paused = typing->state == CHATROOM_V1_TYPING_STATE_TYPING_PAUSED;
  struct chat_typing new = {copy(typing->user_id), copy(typing->nick),
                            now_ms + (is_paused ? CHAT_ROOM_PAUSED_MS : CHAT_ROOM_TYPING_MS)};
  if (new.user_id == NULL || new.nick == NULL) {
    free(new.user_id);
    free(new.nick);
    return false;
  }
  room->typing[room->typing_count++] = new;
  return true;
}

int64_t chat_room_forget_typing(struct chat_room *room, int64_t now_ms) {
  int64_t next_ms = INT64_MAX;
  for (size_t i = 0; i < room->typing_count;) {
    if (room->typing[i].until_ms <= now_ms) {
      forget_typing_at(room, i);
    } else {
      next_ms = room->typing[i].until_ms < next_ms ? room->typing[i].until_ms : next_ms;
      i++;
    }
  }
  return next_ms;
}
