/* emit_handlers.h: the common part of the code for a server and for a client: a struct with a member for each handler,
 * and the function that registers the handlers that are set.
 *
 * Does not know: the other parts, such as senders and callers.
 */
#ifndef PLUGIN_EMIT_HANDLERS_H
#define PLUGIN_EMIT_HANDLERS_H

#include "model.h"
#include "text.h"

/* The differences between the two. */
struct emit_side {
  const char *owner;    /* "server": struct stoa_server has the handlers, stoa_server_handle() adds one */
  const char *infix;    /* "" or "client_": in the names of the struct and the function */
  const char *row;      /* "stoa_handler": the struct of one handler */
  const char *function; /* "stoa_handler_function": the type of any handler */
  const char *from;     /* "session": a message comes from a struct stoa_session */
  const char *result;   /* the return type of a handler, as written before its name: "void " */
  const char *deadline; /* when handlers must be registered: "before the server starts" */
  bool has_calls;       /* there are handlers that answer calls; else only handlers of plain messages */
};

/* `head` and, on lines of its own, `comment`, which may be NULL. */
const char *emit_with_comment(const char *head, const char *comment);

/* Are there any handlers? C has no empty structs. */
bool emit_has_handlers(const struct emit_side *side, const struct model_service *service);
/* The struct, with `comment` before it, and the function's declaration. */
void emit_handlers_header(struct text *text, const struct emit_side *side, const struct model_service *service,
                          const char *comment);
/* The function, and for each handler one that casts it to its type and calls it. */
void emit_handlers_source(struct text *text, const struct emit_side *side, const struct model_service *service);

#endif
