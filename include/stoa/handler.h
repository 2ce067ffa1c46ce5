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

struct stoa_handler {
  const char *name;                        /* for the log: "Chat" */
  uint32_t type;                           /* at most 0x3fffffff */
  const struct stoa_message_type *message; /* of the incoming message or request */
  const struct stoa_message_type *reply;   /* a call: type of the reply. NULL: a plain message, which has no reply */
  /* Generated: casts `function` to its type and calls it with `message` and `reply`, structs of the two types. The
   * reply is zeroed first. It returns NULL for success; an error, which becomes an error frame; or STOA_LATER: the call
   * was taken and is answered through its handle (stoa/call.h). */
  const struct stoa_error *(*invoke)(stoa_handler_function function, void *user, struct stoa_session *session,
                                     const void *message, void *reply);
  stoa_handler_function function;
  void *user;
  const char *operation; /* "/chatroom.v1.ChatroomService/Hello"; NULL: the name is used where one is needed */
};

/* Register a handler. Before start. The struct is copied.
 * Errors: STOA_E_EXISTS    this type has a handler already, which stays (logged)
 *         STOA_E_ARGUMENT  the type is above 0x3fffffff; `invoke`, `function` or `message` is NULL; a table has another
 *                          ABI version
 *         STOA_E_LIMIT     there are 4096 handlers already
 *         STOA_E_MEMORY. After an error the handlers are unchanged. */
STOA_API int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler);

#ifdef __cplusplus
}
#endif

#endif
