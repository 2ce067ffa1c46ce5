/* tests/client/observer.h: a client that visits a real server (tests/server/fixture.h) and records what its callbacks
 * get.
 *
 * Stepped by the test, or on a thread of its own; every wait has a deadline.
 */
#ifndef TESTS_CLIENT_OBSERVER_H
#define TESTS_CLIENT_OBSERVER_H

#include <stdatomic.h>
#include <stoa/client.h>

#include "fixture.h"
#include "sample.client.stoa.h"

struct observer {
  struct stoa_client *client;
  bool has_thread;
  atomic_uint state, status, close_code, retry_ms; /* of the last change */
  atomic_uint lines;                               /* received */
  atomic_uint answers, lost;                       /* calls that ended with the reply, and with LOST */
  atomic_uint errors, error_code;                  /* plain ones, and those of calls */
  char line_text[64];                              /* the last one */
  char answer[64];
  void (*on_line)(struct observer *observer, const struct sample_v1_line_message *line);
  void *user;
};

/* Create with handlers, and open. */
int observer_try_open(struct observer *observer, const struct stoa_client_options *options);
void observer_open(struct observer *observer, const struct stoa_client_options *options, bool own_thread);
void observer_close(struct observer *observer);

/* Wait until the count has reached the value. */
void observer_await(struct observer *observer, const atomic_uint *count, unsigned value);
void observer_await_state(struct observer *observer, enum stoa_client_state state);

int observer_send_line(struct observer *observer, const char *from, uint32_t number, const char *text);
int observer_ask(struct observer *observer, const char *question);

#endif
