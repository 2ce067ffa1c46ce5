/* tests/server/routing.h: a server with HTTP routes of every kind, for the tests of routes. */
#ifndef TESTS_SERVER_ROUTING_H
#define TESTS_SERVER_ROUTING_H

#include <stoa/http.h>

#include "asking.h"
#include "fixture.h"

#define ROUTES_KEY "0123456789abcdef0123456789abcdef"

/* GET /rooms/{name}    a line of text of what the handler sees
 * POST /ask            an AskRequest as JSON, answered with an AskReply
 * POST /bytes          the body back
 * GET /later, /later2  kept for routes_take()
 * GET /pieces          "one", "two", "three", each a piece
 * GET /feed            taken, begun, and kept
 * GET /many            so many bytes as the parameter `bytes` says
 * GET /nothing         a handler that does nothing
 * GET /begun           a handler that begins and does not end
 * GET /conflict        409 with an error
 * GET /empty           204
 * GET /twice           answers twice
 * GET /closed          with the key ROUTES_KEY only
 * GET /both            on both listeners */
void routes_add(struct stoa_server *server);
/* As fixture_start(), with these routes. */
void routes_start(struct fixture *fixture, const struct stoa_server_config *config);
/* The next exchange that was kept; waits for it. */
struct stoa_http_exchange *routes_take(void);
/* Events of /feed: drained ones, and the last ones. */
extern struct counter routes_drained, routes_closed;
/* Answer with a text. */
int routes_reply(struct stoa_http_exchange *exchange, const char *text);

#endif
