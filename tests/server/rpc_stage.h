/* tests/server/rpc_stage.h: a server of rpc.proto, whose calls are HTTP routes too. */
#ifndef TESTS_SERVER_RPC_STAGE_H
#define TESTS_SERVER_RPC_STAGE_H

#include <stoa/call.h>

#include "asking.h"
#include "fixture.h"
#include "rpc.stoa.h"

/* What Get does with a name:
 *   none      404 NO_BOOK
 *   busy      code 1001, temporary, with 1500 ms to wait
 *   teapot    code 1002, with the status 418 in its metadata
 *   lent      code 1004, generated with the status 409
 *   broken    a reply that cannot be encoded
 *   bad       an error that cannot be encoded
 *   who       the reply's name is "subject|address|user", and the session gets a user and a name
 *   session   everything that a session can do and a request cannot, checked
 *   others    a book of that name, with the pages asked for
 * Wait keeps its calls, for rpc_take(); with "now" it answers before it returns. */
void rpc_create(struct fixture *fixture, const struct stoa_server_config *config);
int rpc_register(struct stoa_server *server);
void rpc_begin(struct fixture *fixture);
/* Both of them. */
void rpc_start(struct fixture *fixture, const struct stoa_server_config *config);
/* The next call that was kept; waits for it. */
struct stoa_call *rpc_take(void);
int rpc_reply(struct stoa_call *call, const char *name);
/* How often destroy_session_user was called. */
extern struct counter rpc_users_destroyed;

#endif
