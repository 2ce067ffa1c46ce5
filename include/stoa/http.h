/* stoa/http.h: HTTP routes beside the WebSocket endpoint.
 *
 * A route is a method and a path with variables. Its handler gets the request, whose body was read, and an exchange,
 * with which it answers: at once; later and on any thread, when it has taken the exchange; or in pieces.
 *
 *   static void on_room(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
 *     struct stoa_string name = stoa_http_variable(request, "name");
 *     ...
 *     stoa_http_reply_message(exchange, 200, &room_type, &room);
 *   }
 *
 *   stoa_server_add_route(server, &(struct stoa_route){.method = "GET", .path = "/rooms/{name}", .handler = on_room});
 *
 * Routes come before the files of server.web_root. The library answers for them: HEAD where GET has a route; 404 and
 * 405 with Allow; bodies that are too large (413) or too slow (408), or broken (400); Expect: 100-continue; CORS
 * preflights (server.cors). These answers are an error as JSON (stoa/error.proto) when a route has the path.
 *
 * Does not know: what a request means; files and WebSocket, which other headers have.
 * Thread: routes are added before start; handlers run on the connection's worker; an exchange that was taken is used on
 *         any thread, by one thread at a time.
 * Lifetime: an exchange that was not taken ends when its handler returns. One that was taken belongs to the program
 *           until it is consumed; it may outlive its connection and the server. What a request points to is valid until
 *           the handler returns.
 */
#ifndef STOA_HTTP_H
#define STOA_HTTP_H

#include <stoa/bytes.h>
#include <stoa/descriptor.h>
#include <stoa/server.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_http_exchange;

/* A request, as its handler sees it. Views are valid until the handler returns. */
struct stoa_http_request {
  struct stoa_string method; /* "GET"; also "HEAD" for a route of GET */
  struct stoa_string path;   /* as sent, still percent-encoded */
  struct stoa_string query;  /* as sent, without the '?' */
  struct stoa_bytes body;
  const void *message; /* the body as a struct of the route's message type; NULL without one */
  const char *address; /* the client's, as in struct stoa_request */
  size_t listener;     /* index for stoa_server_address() */
  bool is_tls;         /* the connection to this server is */
  const void *private_data;
};

/* The value of a variable of the route's path, decoded; UTF-8 without control bytes. data NULL: no such variable. */
STOA_API struct stoa_string stoa_http_variable(const struct stoa_http_request *request, const char *name);
/* The value of a parameter of the query, decoded UTF-8; data NULL: none. `index` (may be NULL) is where to search on,
 * for a name that comes more than once: start at 0. */
STOA_API struct stoa_string stoa_http_parameter(const struct stoa_http_request *request, const char *name,
                                                size_t *index);
/* The value of the first field of the head with that name, without case; data NULL: none. */
STOA_API struct stoa_string stoa_http_request_field(const struct stoa_http_request *request, const char *name);

/* Answer the exchange, take it, or begin an answer in pieces, before it returns. If it does none of these, the client
 * gets 500. */
typedef void stoa_route_handler(void *user, struct stoa_http_exchange *exchange,
                                const struct stoa_http_request *request);

/* Which listeners serve a route. */
enum stoa_route_role {
  STOA_ROUTE_PUBLIC = 1,
  STOA_ROUTE_ADMIN = 2 /* listeners with role admin, and server.admin.address */
};

struct stoa_route {
  const char *method; /* "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", or "*" for all of these */
  /* "/rooms/{name}", as google.api.http writes them: "*" and "{a}" stand for one segment, "**" and "{a=**}" for the
   * rest, and ":verb" may follow. A literal goes before a variable, whatever was added first. */
  const char *path;
  uint32_t roles; /* enum stoa_route_role; 0: public */
  stoa_route_handler *handler;
  void *user;
  /* The type of JSON bodies, or NULL: the handler gets the bytes. With a type the request must have Content-Type
   * application/json (415), and a body that the codec json and the rules of its fields accept (400). */
  const struct stoa_message_type *message;
  uint32_t body_bytes_max; /* 0: server.limits.body_bytes_max */
  /* The key that a request must carry as `Authorization: Bearer`, of at least 32 characters; copied. Empty: none, but
   * for routes of admin listeners the key of server.admin. A wrong one is answered with 401. */
  struct stoa_string bearer_key;
  bool without_key; /* an admin listener serves it without the key of server.admin too */
};

/* Add a route. Before start. The struct and its texts are copied, but for `user` and `message`, which are borrowed
 * until destroy.
 * Errors (the first two are logged, with what is wrong):
 *         STOA_E_SYNTAX    the path is not a template
 *         STOA_E_EXISTS    the method has a route for the same paths on one of these listeners already
 *         STOA_E_ARGUMENT  no such method; no handler; an unknown role; the key is shorter than 32 characters or has a
 *                          blank or control byte; body_bytes_max is above 64 MiB; the type's table has another ABI
 *                          version
 *         STOA_E_LIMIT     there are 1024 routes already
 *         STOA_E_MEMORY. After an error the routes are unchanged. */
STOA_API int stoa_server_add_route(struct stoa_server *server, const struct stoa_route *route);

/* Answering. Each function that ends the answer (reply, reply_message, fail, drop, end) consumes an exchange that was
 * taken, also when it returns an error. */

/* A field of an answer. Not for Connection, Content-Length, Content-Type, Date, Transfer-Encoding and Upgrade, which
 * the library writes. */
struct stoa_http_field {
  const char *name;
  struct stoa_string value;
};

struct stoa_http_answer {
  uint16_t status;          /* 200 to 599 */
  const char *content_type; /* NULL: none */
  const struct stoa_http_field *fields;
  size_t field_count;
  struct stoa_bytes body; /* at most 64 MiB; not sent with 204, 205 and 304, nor as the answer to HEAD */
};

/* Keep the exchange after the handler has returned. From now on the client waits at most server.limits.call_timeout_ms
 * for the answer to begin, and then gets 503.
 * Errors: STOA_E_EXISTS  taken already; STOA_E_ARGUMENT  not inside its handler; STOA_E_CLOSED  it was answered, or
 *         the connection has ended. */
STOA_API int stoa_http_take(struct stoa_http_exchange *exchange);

/* Answer with bytes; borrowed until the call returns.
 * Errors: STOA_E_ARGUMENT  a status, content type or field that cannot be sent, or too many bytes; the client gets 500
 *         STOA_E_EXISTS    it was answered, or begun, already
 *         STOA_E_TIMEOUT   the client was answered with 503
 *         STOA_E_CLOSED    the connection or the server has ended. After these three nothing is sent, and the answer is
 *                          counted as late
 *         STOA_E_MEMORY    the client gets 500, or its connection ends */
STOA_API int stoa_http_reply(struct stoa_http_exchange *exchange, const struct stoa_http_answer *answer);
/* Answer with a message as JSON (codec json). Errors: as stoa_http_reply(), and those of stoa_codec_json.encode, after
 * which the client gets 500. */
STOA_API int stoa_http_reply_message(struct stoa_http_exchange *exchange, uint16_t status,
                                     const struct stoa_message_type *type, const void *message);
/* Answer with an error as JSON: {"code":…,"reason":…,"message":…,"metadata":{…}, …}. With retry_ms also the field
 * Retry-After. Errors: as stoa_http_reply_message(). */
STOA_API int stoa_http_fail(struct stoa_http_exchange *exchange, uint16_t status, const struct stoa_error *error);
/* Give up: the client gets 500; when the answer was begun, the connection ends. NULL is allowed. */
STOA_API void stoa_http_drop(struct stoa_http_exchange *exchange);

/* An answer in pieces: begin, write, …, end. HTTP/1.1 gets chunks; HTTP/1.0 gets the bytes and the end of the
 * connection. What one exchange has written and the connection has not taken is bounded by
 * server.limits.send_queue_bytes_max. A client that takes nothing for 30 s is dropped. While nothing is written, there
 * is no time limit, and a client that has gone may stay unnoticed: write something now and then. */

/* What happened to an answer in pieces, on the connection's worker, never inside a function of this header.
 *
 * status  STOA_OK        all that was written so far was taken: write more. Not after the program has ended it
 *         STOA_E_CLOSED  the last call, always: the answer was sent in full, or the connection has ended */
typedef void stoa_http_stream_event(void *context, struct stoa_http_exchange *exchange, int status);

/* Begin. `answer->body` is the first piece and may be empty. on_event may be NULL.
 * Errors: as stoa_http_reply(), but the exchange is not consumed and not answered, and on_event is not called. */
STOA_API int stoa_http_begin(struct stoa_http_exchange *exchange, const struct stoa_http_answer *answer,
                             stoa_http_stream_event *on_event, void *context);
/* Add a piece; copied. Nothing is added after an error.
 * Errors: STOA_E_LIMIT     it does not fit now: try again after the next event. A piece always fits when none waits
 *         STOA_E_ARGUMENT  the answer was not begun
 *         STOA_E_CLOSED    the connection or the server has ended, or the answer has; STOA_E_MEMORY */
STOA_API int stoa_http_write(struct stoa_http_exchange *exchange, struct stoa_bytes piece);
/* End; what was written is sent. Errors: STOA_E_ARGUMENT  the answer was not begun: the client gets 500; STOA_E_CLOSED
 * as above */
STOA_API int stoa_http_end(struct stoa_http_exchange *exchange);

/* Does the client still wait? The result may change at any time. */
STOA_API bool stoa_http_waits(const struct stoa_http_exchange *exchange);

/* How the requests that reached a handler have ended, since the start. `begun` is the sum of the others except `late`.
 */
struct stoa_http_counts {
  uint64_t begun;
  uint64_t outstanding; /* not answered in full by the program */
  uint64_t answered;
  uint64_t dropped;   /* by stoa_http_drop(), or by a handler that did nothing */
  uint64_t timed_out; /* the client was answered with 503 */
  uint64_t gone;      /* the connection ended first */
  uint64_t late;      /* answers to the last two, given afterwards */
};
/* Any thread, between start and destroy. Each number is exact, but they are not read at one moment. */
STOA_API void stoa_server_http_counts(const struct stoa_server *server, struct stoa_http_counts *out_counts);

/* Health. An admin listener answers /healthz with 200 while the process serves, and /readyz with a line for each check,
 * "name: ok" or "name: reason": 200 when all are ok, else 503; also 503 while the server drains. Neither needs a key. /metrics has the server's metrics for Prometheus, in its text
 * format or in OpenMetrics, and needs the key of server.admin, if there is one. */

/* Is this part of the program ready? Returns NULL when it is, else the reason, a text of one line that stays valid. Any
 * worker calls it, at any time and often: it must not block, so it returns what a thread or timer of the program found
 * last. */
typedef const char *stoa_ready_check(void *user);

/* Add a check. Before start. The name is copied.
 * Errors: STOA_E_ARGUMENT  the name is not [a-z0-9_-]{1,64}, or no check; STOA_E_EXISTS  the name is taken
 *         STOA_E_LIMIT     there are 64 already; STOA_E_MEMORY */
STOA_API int stoa_server_add_check(struct stoa_server *server, const char *name, stoa_ready_check *check, void *user);

#ifdef __cplusplus
}
#endif

#endif
