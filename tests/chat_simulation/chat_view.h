/* tests/chat_simulation/chat_view.h: what a client of the chat knows of a room, as it makes it from a page and from
 * what follows: messages with their edits and reactions, who is there, who types, up to where its user has read.
 *
 * The rules are those that a client is told in chatroom.proto, written a second time here: nothing is taken from the
 * chat's own sources.
 */
#ifndef TESTS_CHAT_SIMULATION_CHAT_VIEW_H
#define TESTS_CHAT_SIMULATION_CHAT_VIEW_H

#include "simulation/trace.h"

#include <chatroom/v1/chatroom.stoa.h>

#define VIEW_OFFSETS_MAX 640u
#define VIEW_TEXT_SIZE 32u
#define VIEW_ID_SIZE 48u
#define VIEW_EMOJIS 3u
#define VIEW_PEOPLE_MAX 24u
#define VIEW_TYPISTS_MAX 16u

extern const char *const view_emojis[VIEW_EMOJIS];

struct view_message {
  bool is_there, is_deleted;
  char text[VIEW_TEXT_SIZE], user_id[VIEW_ID_SIZE];
  int64_t ts_ms, edited_ms;
  uint64_t reply_to;
  uint32_t counts[VIEW_EMOJIS];
  bool mine[VIEW_EMOJIS];
};

struct view_person {
  char user_id[VIEW_ID_SIZE], nick[VIEW_ID_SIZE];
  uint32_t sessions;
  int32_t role;
};

struct view_typist {
  char user_id[VIEW_ID_SIZE];
  uint64_t until_ns;
};

struct chat_view {
  char user_id[VIEW_ID_SIZE]; /* whose it is */
  uint64_t epoch;
  uint64_t from, position; /* it has all messages above `from` up to `position` */
  uint64_t page_top;       /* changes up to this one are in what the page had */
  struct view_message messages[VIEW_OFFSETS_MAX];
  char topic[VIEW_TEXT_SIZE];
  uint64_t read_offset;
  bool has_people;
  uint64_t presence_version;
  struct view_person people[VIEW_PEOPLE_MAX];
  size_t people_count;
  struct view_typist typists[VIEW_TYPISTS_MAX];
  size_t typist_count;
};

void view_copy(char *out, size_t size, struct stoa_string text);
/* VIEW_EMOJIS: it is none of them. */
uint32_t view_emoji_of(struct stoa_string text);

/* The page of a join that did not recover; what was known before is replaced. */
void view_take_page(struct chat_view *view, const struct chatroom_v1_join_reply *reply);
void view_take_people(struct chat_view *view, const struct chatroom_v1_presence_reply *reply);
void view_on_diff(struct chat_view *view, const struct chatroom_v1_presence_diff_message *diff);
/* False: the offset does not increase. */
bool view_on_chat(struct chat_view *view, const struct chatroom_v1_chat_message *chat);
bool view_on_event(struct chat_view *view, const struct chatroom_v1_event_message *event);
void view_on_typing(struct chat_view *view, const struct chatroom_v1_typing_message *typing, uint64_t now_ns);
bool view_shows_typing(const struct chat_view *view, const char *user_id, uint64_t now_ns);
/* The session is no member any more: people and typing are not known. */
void view_leave(struct chat_view *view);

/* An event changes a message. `is_mine`: the viewer has done it. */
void view_fold(struct view_message *message, const struct chatroom_v1_event_message *event, bool is_mine);

/* Does the first one say what the second says? Where they differ is a failure in the trace. */
void view_compare_messages(const struct chat_view *one, const char *one_name, const struct chat_view *other,
                           const char *other_name, const char *room, struct trace *trace);
void view_compare_people(const struct chat_view *one, const char *one_name, const struct chat_view *other,
                         const char *other_name, const char *room, struct trace *trace);

#endif
