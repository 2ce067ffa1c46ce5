#include "fold.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/arena.h>
#include <stoa/status.h>

struct user {
  struct stoa_string id;
  uint64_t hash;
  uint64_t offset; /* of its last React event */
  bool is_on;
};

/* One emoji of one message. */
struct reaction {
  struct reaction *next;
  struct stoa_string emoji;
  struct user *users;
  size_t user_count, user_capacity;
};

struct folded {
  struct chatroom_v1_chat_message message;
  char *edited; /* its text; NULL: that of the message */
  struct reaction *reactions, **reactions_end;
  struct fold_history history;
};

struct fold {
  struct stoa_arena *arena;
  size_t edited_bytes; /* beside the arena */
  size_t count, messages_max;
  struct folded items[];
};

struct fold *fold_create(size_t messages_max) {
  struct fold *fold = calloc(1, sizeof *fold + messages_max * sizeof fold->items[0]);
  if (fold == NULL) {
    return NULL;
  }
  fold->messages_max = messages_max;
  fold->arena = stoa_arena_create(FOLD_BYTES_MAX);
  if (fold->arena == NULL) {
    free(fold);
    return NULL;
  }
  return fold;
}

static void forget_reactions(struct folded *item) {
  for (struct reaction *at = item->reactions; at != NULL; at = at->next) {
    free(at->users);
  }
  item->reactions = NULL;
  item->reactions_end = &item->reactions;
}

static void forget_edit(struct fold *fold, struct folded *item) {
  if (item->edited != NULL) {
    assert(fold->edited_bytes >= item->message.message.len);
    fold->edited_bytes -= item->message.message.len;
  }
  free(item->edited);
  item->edited = NULL;
}

void fold_destroy(struct fold *fold) {
  for (size_t i = 0; fold != NULL && i < fold->count; i++) {
    forget_reactions(&fold->items[i]);
    forget_edit(fold, &fold->items[i]);
  }
  if (fold != NULL) {
    stoa_arena_destroy(fold->arena);
  }
  free(fold);
}

/* Messages. */

static void empty(struct fold *fold, struct folded *item) {
  struct chatroom_v1_chat_message *message = &item->message;
  forget_edit(fold, item);
  forget_reactions(item);
  message->message = (struct stoa_string){0};
  message->sender = (struct stoa_string){0};
  message->reply_to = 0;
  message->edited_ms = 0;
  message->deleted = true;
}

static int copy_texts(struct fold *fold, struct chatroom_v1_chat_message *message) {
  struct stoa_string *texts[] = {&message->message, &message->sender,        &message->timestamp,
                                 &message->room,    &message->client_msg_id, &message->user_id};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    *texts[i] = stoa_arena_copy(fold->arena, *texts[i]);
    if (texts[i]->data == NULL) {
      return stoa_arena_status(fold->arena);
    }
  }
  return STOA_OK;
}

int fold_add(struct fold *fold, const struct chatroom_v1_chat_message *message) {
  assert(fold->count == 0 || fold->items[fold->count - 1].message.offset < message->offset);
  if (fold->count == fold->messages_max) {
    return STOA_E_LIMIT;
  }
  struct folded *item = &fold->items[fold->count];
  *item = (struct folded){.message = *message};
  item->message.has_traceparent = false; /* it is about the delivery of the message, which was long ago */
  item->message.traceparent = (struct stoa_string){0};
  item->message.reactions.items = NULL;
  item->message.reactions.count = 0;
  item->reactions_end = &item->reactions;
  int status = copy_texts(fold, &item->message);
  if (status != STOA_OK) {
    return status;
  }
  if (message->deleted) {
    empty(fold, item);
  }
  fold->count++;
  return STOA_OK;
}

static int compare(const void *key, const void *item) {
  uint64_t wanted = *(const uint64_t *)key;
  uint64_t found = ((const struct folded *)item)->message.offset;
  return wanted < found ? -1 : wanted > found;
}

/* Edits. */

static int edit(struct fold *fold, struct folded *item, const struct chatroom_v1_event_message *event) {
  size_t others = fold->edited_bytes - (item->edited == NULL ? 0 : item->message.message.len);
  item->history.edit_count++;
  if (event->text.len > FOLD_BYTES_MAX - others) {
    return STOA_E_LIMIT;
  }
  char *text = malloc(event->text.len + 1);
  if (text == NULL) {
    return STOA_E_MEMORY;
  }
  if (event->text.len > 0) {
    memcpy(text, event->text.data, event->text.len);
  }
  text[event->text.len] = '\0';
  forget_edit(fold, item);
  item->edited = text;
  item->message.message = stoa_string_make(text, event->text.len);
  item->message.edited_ms = event->ts_ms;
  item->history.edit_offset = event->offset;
  fold->edited_bytes += event->text.len;
  return STOA_OK;
}

/* Reactions. */

/* FNV-1a; what is equal is compared in full. */
static uint64_t hash_of(struct stoa_string text) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < text.len; i++) {
    hash = (hash ^ (uint8_t)text.data[i]) * 1099511628211u;
  }
  return hash;
}

static struct reaction *find_reaction(const struct folded *item, struct stoa_string emoji) {
  struct reaction *at = item->reactions;
  while (at != NULL && !stoa_string_equal(at->emoji, emoji)) {
    at = at->next;
  }
  return at;
}

static struct user *find_user(const struct reaction *reaction, struct stoa_string id, uint64_t hash) {
  for (size_t i = 0; i < reaction->user_count; i++) {
    struct user *user = &reaction->users[i];
    if (user->hash == hash && stoa_string_equal(user->id, id)) {
      return user;
    }
  }
  return NULL;
}

static int add_reaction(struct fold *fold, struct folded *item, struct stoa_string emoji,
                        struct reaction **out_reaction) {
  struct reaction *reaction = stoa_arena_calloc(fold->arena, sizeof *reaction);
  if (reaction == NULL) {
    return stoa_arena_status(fold->arena);
  }
  reaction->emoji = stoa_arena_copy(fold->arena, emoji);
  if (reaction->emoji.data == NULL) {
    return stoa_arena_status(fold->arena);
  }
  *item->reactions_end = reaction;
  item->reactions_end = &reaction->next;
  *out_reaction = reaction;
  return STOA_OK;
}

static int add_user(struct fold *fold, struct reaction *reaction, const struct chatroom_v1_event_message *event,
                    uint64_t hash) {
  if (reaction->user_count == reaction->user_capacity) {
    size_t capacity = reaction->user_capacity == 0 ? 4 : reaction->user_capacity * 2;
    struct user *users = realloc(reaction->users, capacity * sizeof *users);
    if (users == NULL) {
      return STOA_E_MEMORY;
    }
    reaction->users = users;
    reaction->user_capacity = capacity;
  }
  struct stoa_string own = stoa_arena_copy(fold->arena, event->user_id);
  if (own.data == NULL) {
    return stoa_arena_status(fold->arena);
  }
  reaction->users[reaction->user_count++] = (struct user){own, hash, event->offset, true};
  return STOA_OK;
}

static int react(struct fold *fold, struct folded *item, const struct chatroom_v1_event_message *event) {
  uint64_t hash = hash_of(event->user_id);
  struct reaction *reaction = find_reaction(item, event->emoji);
  struct user *user = reaction == NULL ? NULL : find_user(reaction, event->user_id, hash);
  item->history.react_count++;
  if (user != NULL || event->off) {
    if (user != NULL) {
      user->is_on = !event->off;
      user->offset = event->offset;
    }
    return STOA_OK;
  }
  int status = reaction == NULL ? add_reaction(fold, item, event->emoji, &reaction) : STOA_OK;
  return status == STOA_OK ? add_user(fold, reaction, event, hash) : status;
}

int fold_apply(struct fold *fold, const struct chatroom_v1_event_message *event) {
  struct folded *item = bsearch(&event->target, fold->items, fold->count, sizeof fold->items[0], compare);
  if (item == NULL) {
    return STOA_OK;
  }
  if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_DELETE) {
    item->history.delete_offset = event->offset;
    empty(fold, item);
    return STOA_OK;
  }
  if (item->message.deleted) {
    return STOA_OK;
  }
  if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_EDIT) {
    return edit(fold, item, event);
  }
  return event->kind == CHATROOM_V1_EVENT_KIND_EVENT_REACT ? react(fold, item, event) : STOA_OK;
}

/* The result. */

size_t fold_count(const struct fold *fold) {
  return fold->count;
}

uint64_t fold_offset(const struct fold *fold, size_t index) {
  assert(index < fold->count);
  return fold->items[index].message.offset;
}

struct fold_history fold_history(const struct fold *fold, size_t index) {
  assert(index < fold->count);
  return fold->items[index].history;
}

uint64_t fold_reaction_offset(const struct fold *fold, size_t index, struct stoa_string emoji,
                              struct stoa_string user_id) {
  assert(index < fold->count);
  const struct reaction *reaction = find_reaction(&fold->items[index], emoji);
  const struct user *user = reaction == NULL ? NULL : find_user(reaction, user_id, hash_of(user_id));
  return user == NULL ? 0 : user->offset;
}

static uint32_t count_users(const struct reaction *reaction) {
  uint32_t count = 0;
  for (size_t i = 0; i < reaction->user_count; i++) {
    count += reaction->users[i].is_on ? 1 : 0;
  }
  return count;
}

static bool has_user(const struct reaction *reaction, struct stoa_string id) {
  const struct user *user = find_user(reaction, id, hash_of(id));
  return user != NULL && user->is_on;
}

static size_t count_reactions(const struct folded *item) {
  size_t count = 0;
  for (const struct reaction *at = item->reactions; at != NULL; at = at->next) {
    count++;
  }
  return count;
}

int fold_message(struct fold *fold, size_t index, struct stoa_string viewer,
                 struct chatroom_v1_chat_message *out_message) {
  assert(index < fold->count);
  const struct folded *item = &fold->items[index];
  size_t most = count_reactions(item);
  struct chatroom_v1_chat_message_reactions_entry *entries = stoa_arena_alloc(fold->arena, most * sizeof *entries);
  struct chatroom_v1_reaction *values = stoa_arena_calloc(fold->arena, most * sizeof *values);
  size_t count = 0;
  if (entries == NULL || values == NULL) {
    return stoa_arena_status(fold->arena);
  }
  for (const struct reaction *at = item->reactions; at != NULL; at = at->next) {
    uint32_t users = count_users(at);
    if (users > 0) {
      values[count] = (struct chatroom_v1_reaction){.count = users, .mine = has_user(at, viewer)};
      entries[count] = (struct chatroom_v1_chat_message_reactions_entry){.key = at->emoji, .value = &values[count]};
      count++;
    }
  }
  *out_message = item->message;
  out_message->reactions.items = entries;
  out_message->reactions.count = count;
  return STOA_OK;
}
