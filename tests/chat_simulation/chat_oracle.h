/* tests/chat_simulation/chat_oracle.h: what anybody was shown or told of a room of the chat, and what follows from it.
 *
 * The log has a message or an event at each offset that a client got or that was acknowledged: nobody may get another
 * one there. Bans and mutes are known when the answers to all that changed them came; their ends lie between two times,
 * because the server's clock goes on while a call is under way.
 */
#ifndef TESTS_CHAT_SIMULATION_CHAT_ORACLE_H
#define TESTS_CHAT_SIMULATION_CHAT_ORACLE_H

#include "chat_view.h"

enum oracle_what { ORACLE_NOTHING, ORACLE_CHAT, ORACLE_EVENT };

struct oracle_entry {
  enum oracle_what what;
  char user_id[VIEW_ID_SIZE];
  char msg_id[VIEW_TEXT_SIZE]; /* of a message; "" when its client gave none */
  char text[VIEW_TEXT_SIZE];   /* of an event; "": it was removed */
  int32_t kind;
  uint64_t target;
  uint32_t emoji;
  bool off;
  int64_t ts_ms; /* 0: not known */
};

struct oracle_log {
  uint64_t epoch, top;
  struct oracle_entry entries[VIEW_OFFSETS_MAX];
  bool is_whole; /* every message of the room is in it */
};

/* Somebody got it. */
void oracle_note_chat(struct oracle_log *log, const struct chatroom_v1_chat_message *chat, struct trace *trace);
void oracle_note_event(struct oracle_log *log, const struct chatroom_v1_event_message *event, struct trace *trace);
/* Messages after an offset. */
uint32_t oracle_count_after(const struct oracle_log *log, uint64_t offset);
/* True: the log has something at each offset, so that it can be folded; out_view is the room as `user_id` sees it. */
bool oracle_fold(const struct oracle_log *log, const struct chat_view *texts, const char *user_id,
                 struct chat_view *out_view);
/* Nothing is there twice. */
void oracle_check_once(const struct oracle_log *log, const char *room, struct trace *trace);

/* A ban or a mute of a user in a room. */
struct oracle_sanction {
  unsigned changing; /* calls under way */
  unsigned changes;  /* how often it may have changed */
  bool is_unknown;   /* a call had no answer that says */
  bool is_set;
  int64_t from_ms, to_ms; /* it ends between them */
};

enum oracle_verdict { ORACLE_FREE, ORACLE_BOUND, ORACLE_UNKNOWN };

/* Of all of the time between two moments. */
enum oracle_verdict oracle_sanction_between(const struct oracle_sanction *sanction, int64_t begin_ms, int64_t end_ms);

#endif
