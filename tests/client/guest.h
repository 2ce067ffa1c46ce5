/* tests/client/guest.h: a client that visits a real server (tests/server/house.h) and remembers what it was told.
 *
 * Stepped by the test, or on a thread of its own; whoever waits does so with a deadline.
 */
#ifndef TESTS_CLIENT_GUEST_H
#define TESTS_CLIENT_GUEST_H

#include <stdatomic.h>
#include <stoa/client.h>

#include "house.h"
#include "talk.client.stoa.h"

struct guest {
  struct stoa_client *client;
  bool has_thread;
  atomic_uint state, status, close_code, retry_ms; /* of the last change */
  atomic_uint lines;                               /* heard */
  atomic_uint answers, lost;                       /* calls that ended with the reply, and with LOST */
  atomic_uint errors, error_code;                  /* plain ones, and those of calls */
  char line_text[64];                              /* the last one */
  char answer[64];
  void (*on_line)(struct guest *guest, const struct talk_v1_line_message *line);
  void *user;
};

/* Create with handlers, and open. */
int guest_try(struct guest *guest, const struct stoa_client_options *options);
void guest_enter(struct guest *guest, const struct stoa_client_options *options, bool own_thread);
void guest_leave(struct guest *guest);

/* Wait until the count has reached the value. */
void guest_await(struct guest *guest, const atomic_uint *count, unsigned value);
void guest_await_state(struct guest *guest, enum stoa_client_state state);

int guest_say(struct guest *guest, const char *from, uint32_t number, const char *text);
int guest_ask(struct guest *guest, const char *question);

#endif
