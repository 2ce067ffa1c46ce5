/* tests/server/waiting.h: a server whose call Wait is answered later, and the calls that its handler keeps. */
#ifndef TESTS_SERVER_WAITING_H
#define TESTS_SERVER_WAITING_H

#include <stoa/call.h>
#include <stoa/error.stoa.h>

#include "fixture.h"
#include "later.stoa.h"

#define WAITING_TYPE 7u
#define WAITING_NOTE 8u

/* A call that "keep" took, in order, and the number in its request. */
struct waiting_call {
  struct stoa_call *call;
  uint32_t number;
};

/* As fixture_start(), with the handlers of later.proto. What Wait does stands in its field `how`:
 *   keep   take the call, for waiting_take()
 *   now    take it and answer before the handler returns
 *   sync   answer as usual
 *   other words: see waiting.c */
void waiting_start(struct fixture *fixture, const struct stoa_server_config *config,
                   const struct stoa_callbacks *callbacks);
/* The two halves of it: create with the handlers registered, and start. */
void waiting_create(struct fixture *fixture, const struct stoa_server_config *config,
                    const struct stoa_callbacks *callbacks);
void waiting_begin(struct fixture *fixture);
/* Keep one as "keep" does; the call may be NULL. */
void waiting_keep(struct stoa_call *call, uint32_t number);
/* Wait until so many are kept. */
void waiting_wait(unsigned count);
/* The next call that was kept, of any client; waits for it with a deadline. */
struct waiting_call waiting_take(void);
/* How many are kept and not taken yet. */
unsigned waiting_kept(void);

/* Call Wait in the format of a subprotocol. */
void waiting_ask(struct client *client, const char *protocol, const char *how, uint32_t number);
/* The next answer, in the same format; it must carry that id, which is the number. */
void waiting_expect(struct client *client, const char *protocol, uint32_t number, const char *how);
/* The next answer is an error whose JSON contains the text. JSON only. */
void waiting_expect_error(struct client *client, uint32_t number, const char *text);
/* Answer a kept call as Wait would. */
int waiting_reply(const struct waiting_call *taken, const char *how);

#endif
