/* tests/server/admission.h: a server whose program decides on sessions as the test wants it, and writes down what it is
 * told of each.
 *
 * Thread: the callbacks run on the worker; what they write is read by the test after admission_await().
 */
#ifndef TESTS_SERVER_ADMISSION_H
#define TESTS_SERVER_ADMISSION_H

#include <stdatomic.h>

#include "fixture.h"

#define ADMISSION_LIVES_MAX 1024

/* What the program was told of one session, by its number in the order of on_connect. */
struct life {
  struct stoa_uuid id;
  atomic_uint connects, closings, disconnects, drains;
  atomic_uint wrong; /* out of order, or without memory in the arena */
  atomic_uint closing_code, disconnect_code;
};

enum in_connect { NOTHING, CLOSE_IT, DECIDE_AT_ONCE, JOIN, WAIT_FOR_TEST };

/* What the program does in its callbacks. Set while nobody is connecting. */
struct admission {
  struct fixture fixture;
  struct life lives[ADMISSION_LIVES_MAX];
  atomic_uint count;
  enum stoa_admission decision;
  struct stoa_refusal refusal; /* 4507 at first */
  enum in_connect in_connect;
  size_t arena_bytes;     /* taken in each callback */
  struct counter release; /* of WAIT_FOR_TEST */
};
extern struct admission admission;
extern const struct stoa_callbacks admission_callbacks;

/* Forget all sessions, and decide so from now on. Returns fixture_config(1). */
struct stoa_server_config *admission_begin(enum stoa_admission decision);
/* Connect, and wait until the program has been asked. */
struct life *admission_enter(struct client *client, const char *protocol);
/* Wait until a count has reached the value. */
void admission_await(const atomic_uint *count, unsigned value);
/* Wait until the session has ended; it was told of once, with this code. */
void admission_expect_end(struct life *life, uint16_t code);
/* Stop the server, and see that the program was told of every end once, and of none of a session that was refused. */
void admission_stop(void);

#endif
