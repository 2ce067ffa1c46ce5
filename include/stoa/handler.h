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
  const struct stoa_message_type *message; /* what comes in */
  const struct stoa_message_type *reply;   /* a call: what goes back. NULL: a plain message, which gets none */
  /* Generated: casts `function` to its type and calls it with `message` and `reply`, structs of the two types. The
   * reply is zeroed before. NULL is success; an error becomes an error frame; STOA_LATER says that the call was taken
   * and is answered by its handle (stoa/call.h). */
  const struct stoa_error *(*invoke)(stoa_handler_function function, void *user, struct stoa_session *session,
                                     const void *message, void *reply);
  stoa_handler_function function;
  void *user;
};

/* Register one. Before start. The struct is copied.
 * Errors: STOA_E_EXISTS    a handler of this type is there, which stays (logged)
 *         STOA_E_ARGUMENT  the type is above 0x3fffffff; `invoke`, `function` or `message` is NULL; a table is of
 *                          another ABI
 *         STOA_E_LIMIT     4096 handlers are there
 *         STOA_E_MEMORY. The handlers are as before then. */
STOA_API int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler);

#ifdef __cplusplus
}
#endif

#endif
