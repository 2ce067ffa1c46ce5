/* tests/server/fixture.h: a server of sample.proto in this process, and messages of its clients. */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include <pthread.h>
#include <stoa/server.h>

#include "client.h"
#include "sample.stoa.h"

#define FIXTURE_LINE 0u
#define FIXTURE_ASK 5u
#define FIXTURE_GROUP 6u
#define FIXTURE_ALIVE 40u

struct fixture {
  struct stoa_server *server;
  int64_t blocks_before;
  const char *address; /* the first one */
};

/* One worker, 127.0.0.1:0 and a short drain, to start from. Valid until the next call. */
struct stoa_server_config *fixture_config(uint32_t workers);
/* Build up to the running server; returns the status. `callbacks` may be NULL. A line is broadcast. */
int fixture_try_start(struct fixture *fixture, const struct stoa_server_config *config,
                      const struct stoa_callbacks *callbacks);
void fixture_start(struct fixture *fixture, const struct stoa_server_config *config,
                   const struct stoa_callbacks *callbacks);
/* Abort, destroy, and see that nothing is left. */
void fixture_stop(struct fixture *fixture);

/* Connect and upgrade. */
void fixture_connect(const struct fixture *fixture, struct client *client, const char *protocol);
/* Send a numbered line. */
void fixture_send_line(struct client *client, const char *from, uint32_t number);
/* Call Ask and wait for its reply: all that was sent before has been handled by then. */
void fixture_sync(struct client *client);
/* The same for a new client on another worker, which may get older lines first. */
void fixture_sync_past_lines(struct client *client);
/* A GroupMessage. */
void fixture_send_group(struct client *client, const char *action, const char *group, const char *text);
/* The next message as a line of a binary JSON session. */
struct fixture_line {
  char from[32], text[32];
  uint32_t number;
};
struct fixture_line fixture_read_line(struct client *client);
/* The text of the next line. */
void fixture_expect_line(struct client *client, const char *text);
/* The handlers of lines, groups and calls of Ask that fixture_try_start() registers. */
const struct sample_v1_sample_handlers *fixture_handlers(void);

/* A count that any thread raises, and a test waits for with a deadline. */
struct counter {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  unsigned value;
};
#define COUNTER_INIT \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }
void counter_up(struct counter *count);
void counter_wait(struct counter *count, unsigned value);

#endif
