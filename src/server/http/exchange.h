/* server/http/exchange.h: one HTTP request for a route, from its head to the end of its answer.
 *
 * The body is collected in memory that counts against a budget of the server, then the handler runs. The answer comes
 * from the handler, later from any thread, or in pieces; or the timeout gives it, or the connection ends first. One
 * atomic state decides which of these was first.
 *
 * Does not know: how the route was found, and who may use it (serve.h).
 * Thread: the connection's worker, but for the functions of stoa/http.h that say otherwise.
 * Lifetime: counted. The worker has a reference while the stream has the request; the program has one from the take to
 *           the end, which a post to the worker takes over. Counts are in an account that exchanges share, so that one
 *           can be consumed after the server was destroyed.
 */
#ifndef STOA_SERVER_HTTP_EXCHANGE_H
#define STOA_SERVER_HTTP_EXCHANGE_H

#include "http/http.h"
#include "server/http/routes.h"
#include "server/listener/peer.h"

struct stoa_exchange_account;
struct stoa_handler_route;
struct stoa_session;
struct stoa_worker;

/* A request whose route was found and that may use it. Copied. */
struct stoa_exchange_start {
  struct stoa_stream *stream;
  const struct stoa_http_head *head;
  const uint8_t *data;
  const struct stoa_http_body *body; /* how it is framed */
  const struct stoa_http_match *match;
  struct stoa_string text; /* where the values of `match` lie */
  struct stoa_peer client;
};

/* Begin: the stream reads the body, then the handler is called, perhaps inside this call. Without memory the client
 * gets 503. */
void stoa_exchange_begin(const struct stoa_exchange_start *start);

/* The connection of a request, as a session that is not open: its address, user and server are valid. NULL when the
 * connection has ended. */
struct stoa_session *stoa_exchange_session(const struct stoa_http_exchange *exchange);
/* The first field of its head with that name; data NULL: none, or the request has been freed. */
struct stoa_string stoa_exchange_field(const struct stoa_http_exchange *exchange, const char *name);
/* The same, but none when there are several. */
struct stoa_string stoa_exchange_field_once(const struct stoa_http_exchange *exchange, const char *name);
/* Keep the exchange and its request while an answer is given, for what looks at them afterwards. */
void stoa_exchange_hold(struct stoa_http_exchange *exchange);
void stoa_exchange_release(struct stoa_http_exchange *exchange);
/* Keep the struct, not the request. Any thread. */
void stoa_exchange_ref(struct stoa_http_exchange *exchange);
void stoa_exchange_unref(struct stoa_http_exchange *exchange);
/* The route of an rpc that the request is for; NULL: it is for a route of the program. */
const struct stoa_handler_route *stoa_exchange_rpc(const struct stoa_http_exchange *exchange);
/* For requests of rpcs: keep the exchange after its handler has returned, unless it is kept already. The time limit is
 * the caller's. Errors: as stoa_http_take(), but for STOA_E_EXISTS */
int stoa_exchange_keep(struct stoa_http_exchange *exchange);
/* Count a request of an rpc that was refused with this status before it became a call. */
void stoa_exchange_note_refused(struct stoa_stream *stream, const struct stoa_handler_route *rpc, int status);
/* In its handler: answer with content that is read piece by piece, whose length need not be known. It is closed in any
 * case. Errors: as stoa_http_begin() */
int stoa_exchange_reply_from(struct stoa_http_exchange *exchange, const struct stoa_http_answer *reply,
                             struct stoa_http_content *source);

/* Answer a request of a route with an error of the library as JSON, before it has an exchange.
 *
 * message     may be NULL
 * fields      more lines with CRLF, or NULL
 * keep_alive  it has no body that would follow */
struct stoa_exchange_refusal {
  int status;
  const char *message;
  const char *fields;
  bool keep_alive;
  bool echoes_origin; /* any page may read it, instead of those of server.cors: its origin was checked before */
};
void stoa_exchange_refuse(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                          const struct stoa_exchange_refusal *refusal);

/* A worker's part. Errors: STOA_E_MEMORY; fini must be called after it */
int stoa_exchanges_init(struct stoa_worker *worker);
/* Call when all connections have ended: wait until no answer that posts to this worker is in progress. Then its loop
 * may be freed. */
void stoa_exchanges_wait(struct stoa_worker *worker);
/* Call after the loop was freed. */
void stoa_exchanges_fini(struct stoa_worker *worker);

#endif
