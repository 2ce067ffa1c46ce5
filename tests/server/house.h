/* tests/server/house.h: a server in this process that speaks talk.proto, and what clients say to it. */
#ifndef TESTS_SERVER_HOUSE_H
#define TESTS_SERVER_HOUSE_H

#include <pthread.h>
#include <stoa/server.h>

#include "client.h"
#include "talk.stoa.h"

#define HOUSE_LINE 0u
#define HOUSE_ASK 5u
#define HOUSE_GROUP 6u
#define HOUSE_ALIVE 40u

struct house {
  struct stoa_server *server;
  int64_t blocks_before;
  const char *address; /* the first one */
};

/* One worker, 127.0.0.1:0 and a short drain, to start from. Lives until the next call. */
struct stoa_server_config *house_config(uint32_t workers);
/* Build up to the running server; returns the status. `callbacks` may be NULL. What a line does: it is broadcast. */
int house_try(struct house *house, const struct stoa_server_config *config, const struct stoa_callbacks *callbacks);
void house_start(struct house *house, const struct stoa_server_config *config, const struct stoa_callbacks *callbacks);
/* Abort, destroy, and see that nothing is left. */
void house_end(struct house *house);

/* Connect and upgrade at the house. */
void house_enter(const struct house *house, struct client *client, const char *protocol);
/* "from" says a numbered line. */
void house_say(struct client *client, const char *from, uint32_t number);
/* Ask and wait for the answer: all that was sent before has been handled by then. */
void house_sync(struct client *client);
/* The same for a newcomer on another worker: lines of before it came may reach it first. */
void house_sync_past_lines(struct client *client);
/* A GroupMessage. */
void house_group(struct client *client, const char *action, const char *group, const char *text);
/* The next message as a line of a binary JSON session. */
struct house_line {
  char from[32], text[32];
  uint32_t number;
};
struct house_line house_hear(struct client *client);
/* The text of the next line. */
void house_expect(struct client *client, const char *text);
/* Lines, groups and asks: the handlers that house_try() registers. */
const struct talk_v1_talk_handlers *house_handlers(void);

/* Count up to something, from any thread, and wait for it with a deadline. */
struct house_count {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  unsigned value;
};
#define HOUSE_COUNT_INIT \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }
void house_count_up(struct house_count *count);
void house_count_wait(struct house_count *count, unsigned value);

#endif
