/* tests/server/posting.h: a server of plain.proto, whose type Chat is a plain message or a call. */
#ifndef TESTS_SERVER_POSTING_H
#define TESTS_SERVER_POSTING_H

#include "fixture.h"
#include "plain.stoa.h"

#define POSTING_CHAT 0u
#define POSTING_STRICT 1u

struct stoa_call;

/* Create with the handlers registered. The text of a ChatMessage says what Chat does:
 *   quiet            acknowledge it
 *   refuse           answer with the error 1001, BUSY
 *   now, fail, drop  take the call, and complete it before the handler returns
 *   broken           the same with a reply that cannot be encoded
 *   keep             take the call for posting_take()
 *   other words      broadcast the message, and acknowledge it */
void posting_create(struct fixture *fixture, const struct stoa_server_config *config);
/* The two halves of a start. */
void posting_begin(struct fixture *fixture);
/* Wait for the call that "keep" took. */
struct stoa_call *posting_take(void);
/* How often the handler ran. */
unsigned posting_handled(void);

#endif
