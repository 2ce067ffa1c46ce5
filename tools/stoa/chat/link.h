/* chat/link.h: one person's connection to a chat server, and the room in which they are.
 *
 * It says hello, joins the room, and comes back after a lost connection with its position, so that nothing is missed.
 * What is sent waits in an outbox until the server has stored it, and is sent again with the same id, in order: nothing
 * is lost, and nothing is there twice.
 *
 * Does not know: terminals, commands.
 * Thread: one. Events are called inside chat_link_step() and inside the function that causes them.
 * Lifetime: options and events are borrowed as long as the link.
 */
#ifndef STOA_TOOL_CHAT_LINK_H
#define STOA_TOOL_CHAT_LINK_H

#include <stoa/client.h>
#include <stoa/uuid.h>

#include "chat/room.h"

#define CHAT_OUTBOX_MAX 100u
#define CHAT_HISTORY_PAGE 50u

enum chat_link_state {
  CHAT_LINK_CONNECTING,
  CHAT_LINK_GREETING,
  CHAT_LINK_UNNAMED, /* the server has refused the name: chat_link_set_nick() */
  CHAT_LINK_JOINING,
  CHAT_LINK_ONLINE,
  CHAT_LINK_OUTSIDE, /* the server has ended the membership: chat_link_join() */
  CHAT_LINK_WAITING, /* for the next try */
  CHAT_LINK_ENDED
};

struct chat_link_options {
  const char *url;
  const char *nick;          /* NULL: the server gives one */
  const char *token;         /* NULL: a guest */
  const char *identity_file; /* where a guest's token is kept; NULL: nowhere */
  const char *room;          /* NULL: the server's default room */
  const char *ca_file;       /* NULL: the system's */
  bool insecure;
  uint32_t history; /* messages of the room before it is joined */
};

struct chat_link_events {
  /* State, room or outbox are different. */
  void (*on_change)(void *user);
  /* A message is there that was not: pushed, or of the answer to the first join. */
  void (*on_message)(void *user, const struct chat_message *message);
  /* Something to tell the person: one line, harmless. */
  void (*on_notice)(void *user, const char *text);
  /* The server will never take this text: too long, muted, ... */
  void (*on_refused)(void *user, const char *text);
  void *user;
};

/* A text that is not stored yet. */
struct chat_outgoing {
  struct chat_outgoing *next;
  struct chat_link *link;
  char id[STOA_UUID_TEXT_LEN + 1];
  char *text;
  uint64_t reply_to;
  bool is_in_flight;
  bool is_shown; /* the room has it; only the answer is missing */
};

struct chat_link {
  const struct chat_link_options *options;
  const struct chat_link_events *events;
  struct stoa_client *client;
  enum chat_link_state state;
  struct chat_room room;
  char room_name[64];
  char nick[129];
  char *token; /* owned: of the options, of the file, or a guest's from the server */
  char topic[512];
  struct chat_outgoing *first, *last;
  size_t outgoing_count, in_flight_count;
  int64_t retry_at_ms; /* 0: nothing has failed */
  int64_t wait_until_ms;
  int64_t typing_at_ms; /* when the server was told last */
  bool is_loading, was_online;
  char ending[160]; /* why it ended */
};

/* Errors: as stoa_client_create(); logged */
int chat_link_init(struct chat_link *link, const struct chat_link_options *options,
                   const struct chat_link_events *events);
void chat_link_fini(struct chat_link *link);

int chat_link_fd(const struct chat_link *link);
/* -1: only when the descriptor is readable. */
int chat_link_wait_ms(const struct chat_link *link);
void chat_link_step(struct chat_link *link);

/* False: the outbox is full, or memory is out; said by a notice. */
bool chat_link_send(struct chat_link *link, const char *text, uint64_t reply_to);
/* The others tell what went wrong by a notice. */
void chat_link_edit(struct chat_link *link, uint64_t offset, const char *text);
void chat_link_delete(struct chat_link *link, uint64_t offset);
void chat_link_react(struct chat_link *link, uint64_t offset, const char *emoji, bool off);
void chat_link_set_nick(struct chat_link *link, const char *nick);
void chat_link_set_topic(struct chat_link *link, const char *topic);
void chat_link_search(struct chat_link *link, const char *text);
void chat_link_list_rooms(struct chat_link *link);
/* Leave this room for another one. */
void chat_link_join(struct chat_link *link, const char *name);
/* Get older messages, unless they are on their way or there are none. */
void chat_link_load_older(struct chat_link *link);
/* At most every 3 s; false: the person has stopped. */
void chat_link_type(struct chat_link *link, bool is_typing);
void chat_link_mark_read(struct chat_link *link);
/* Close; the state is ENDED some steps later. */
void chat_link_close(struct chat_link *link);

/* For a status line. Never NULL. */
const char *chat_link_state_text(const struct chat_link *link);

#endif
