/* stoa/handler.h: one handler for each message type.
 *
 * Programs do not fill this in: protoc-gen-stoa generates a struct with one typed member for each rpc and message,
 * and a register function that calls stoa_server_handle().
 */
#ifndef STOA_HANDLER_H
#define STOA_HANDLER_H

#include <stoa/descriptor.h>
#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Any handler function; cast back to its own type before it is called. */
typedef void (*stoa_handler_function)(void);

/* An HTTP route of a call, as google.api.http describes it. The texts are terminated. */
struct stoa_http_binding {
  const char *method;        /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"; "*": all of them */
  const char *path;          /* a template: "/v1/rooms/{room}"; its variables are fields of the request */
  const char *body;          /* NULL: none; "*": the whole request; else the field of the request that the body is */
  const char *response_body; /* the field of the reply that is sent; NULL: the whole reply */
};

struct stoa_handler {
  const char *name;                        /* for the log: "Chat" */
  uint32_t type;                           /* at most 0x3fffffff */
  const struct stoa_message_type *message; /* of the incoming message or request */
  const struct stoa_message_type *reply;   /* a call: type of the reply. NULL: a plain message, which has no reply */
  /* Generated: casts `function` to its type and calls it with `message` and `reply`, structs of the two types. The
   * reply is zeroed first. It returns NULL for success; an error, which becomes an error frame; or STOA_LATER: the call
   * was taken and is answered through its handle (stoa/call.h). With is_stream `reply` is the stream's handle. */
  const struct stoa_error *(*invoke)(stoa_handler_function function, void *user, struct stoa_session *session,
                                     const void *message, void *reply);
  stoa_handler_function function;
  void *user;
  const char *operation; /* "/chatroom.v1.ChatroomService/Hello"; NULL: the name is used where one is needed */
  const struct stoa_http_binding *http; /* of a call: its HTTP routes; NULL: none */
  uint32_t http_count;
  bool takes_plain; /* a call: its request may be sent without a call id as well, as a plain message. It is handled in
                     * the same way; the reply is not sent, an error is that of a plain message. */
  bool is_admin;  /* a call with HTTP routes: they are those of admin listeners, which check their key, and nothing else
                   * leads to the handler: for sessions its type is unknown. Tokens of server.auth and rates of
                   * addresses do not apply. */
  bool is_stream; /* a call with many replies, of the type `reply` (stoa/call_stream.h). Bit 29 of its frames is used:
                   * `type` is at most 0x1fffffff */
};

/* Register a handler. Before start. The struct and its HTTP routes are copied.
 * Errors: STOA_E_EXISTS    this type has a handler already, which stays; or an HTTP route with the method and the paths
 *                          of one of this handler's exists (both logged with both names)
 *         STOA_E_ARGUMENT  the type is above 0x3fffffff; `invoke`, `function` or `message` is NULL; a table has another
 *                          ABI version; a message that is no call has HTTP routes or takes_plain; one with is_admin has
 *                          no HTTP routes, or takes_plain; one with is_stream is no call, has takes_plain, or a type
 *                          above 0x1fffffff
 *         STOA_E_SYNTAX    an HTTP route is not valid (logged): the method or template; a variable that is no field
 *                          with one value; a body or response_body that is no field; a body with GET or HEAD
 *         STOA_E_LIMIT     there are 4096 handlers already, or 1024 HTTP routes
 *         STOA_E_MEMORY. After an error the handlers are unchanged. */
STOA_API int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler);

#ifdef __cplusplus
}
#endif

#endif
