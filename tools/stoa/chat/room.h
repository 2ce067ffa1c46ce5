/* chat/room.h: what a client knows of one room: its newest messages with their changes, who is there, who types.
 *
 * The same state follows from the pages of the server and from what it pushes: a page is folded as of its `top`, so
 * events at or below it are ignored for its messages.
 *
 * Does not know: connections, terminals. All strings are as they came; chat/text.h makes them harmless.
 * Thread: one. Lifetime: the caller's memory; zeroed is empty; fini frees all.
 */
#ifndef STOA_TOOL_CHAT_ROOM_H
#define STOA_TOOL_CHAT_ROOM_H

#include <chatroom/v1/chatroom.stoa.h>

/* More messages, people and kinds of reactions are left out: the oldest messages, the last people. */
#define CHAT_ROOM_MESSAGES_MAX 5000u
#define CHAT_ROOM_PEOPLE_MAX 1000u
#define CHAT_ROOM_REACTIONS_MAX 20u
#define CHAT_ROOM_TYPING_MAX 8u
/* After this time without a new message of theirs, people who type are forgotten. */
#define CHAT_ROOM_TYPING_MS 6000
#define CHAT_ROOM_PAUSED_MS 30000

struct chat_reaction {
  char emoji[33];
  uint32_t count;
  bool is_mine;
};

struct chat_message {
  uint64_t offset;
  uint64_t as_of; /* events up to this offset are in it */
  uint64_t reply_to;
  int64_t ts_ms;
  bool is_mine, is_edited, is_deleted;
  struct chat_reaction *reactions;
  size_t reaction_count;
  char *text; /* owned, as the next ones; end with NUL */
  char *user_id, *nick;
};

struct chat_person {
  char *user_id, *nick;
  bool is_away;
};

struct chat_typing {
  char *user_id, *nick;
  int64_t until_ms;
};

struct chat_room {
  char *user_id; /* this user; owned */
  uint64_t epoch;
  uint64_t offset; /* of the newest message or event: where the client stands */
  bool has_more_before;
  struct chat_message **messages; /* by offset */
  size_t message_count, message_capacity;
  uint64_t version; /* of people */
  struct chat_person *people;
  size_t people_count, people_capacity;
  uint32_t people_total;
  bool is_people_truncated;
  struct chat_typing typing[CHAT_ROOM_TYPING_MAX];
  size_t typing_count;
};

/* Zeroed is empty; user_id is copied. False: memory, as for all functions here that return a bool. */
bool chat_room_set_user(struct chat_room *room, struct stoa_string user_id);
void chat_room_fini(struct chat_room *room);

/* The answer to a join. When nothing was recovered, the messages are replaced. */
bool chat_room_joined(struct chat_room *room, const struct chatroom_v1_join_reply *reply);
/* A page of older messages. */
bool chat_room_add_page(struct chat_room *room, const struct chatroom_v1_history_reply *reply);
/* A message that was pushed. Nothing changes when it is known. */
bool chat_room_add(struct chat_room *room, const struct chatroom_v1_chat_message *message);
/* An event that was pushed. */
bool chat_room_apply(struct chat_room *room, const struct chatroom_v1_event_message *event);

bool chat_room_set_people(struct chat_room *room, const struct chatroom_v1_presence_reply *reply);
bool chat_room_apply_people(struct chat_room *room, const struct chatroom_v1_presence_diff_message *diff);

/* Somebody types, or stops. */
bool chat_room_note_typing(struct chat_room *room, const struct chatroom_v1_typing_message *typing, int64_t now_ms);
/* Forget who stopped long ago. Returns when the next one is forgotten; INT64_MAX: nobody types. */
int64_t chat_room_forget_typing(struct chat_room *room, int64_t now_ms);

/* NULL: not known. */
struct chat_message *chat_room_find(const struct chat_room *room, uint64_t offset);
/* This user's newest message that was not deleted; NULL: none. */
struct chat_message *chat_room_last_own(const struct chat_room *room);

#endif
