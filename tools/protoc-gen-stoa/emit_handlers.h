/* emit_handlers.h: what the code for a server and the code for a client have in common: a struct with a member for each
 * handler, and the function that registers those that are set.
 *
 * Does not know: what else either of them has, such as senders and callers.
 */
#ifndef PLUGIN_EMIT_HANDLERS_H
#define PLUGIN_EMIT_HANDLERS_H

#include "model.h"
#include "text.h"

/* What differs between the two. */
struct emit_side {
  const char *owner;    /* "server": a struct stoa_server has the handlers, stoa_server_handle() adds one */
  const char *infix;    /* "" or "client_": of the struct and the function */
  const char *row;      /* "stoa_handler": the struct of one handler */
  const char *function; /* "stoa_handler_function": any handler's type */
  const char *from;     /* "session": a struct stoa_session is where a message comes from */
  const char *result;   /* what a handler returns, as it stands before its name: "void " */
  const char *deadline; /* until when handlers are registered: "before the server starts" */
  bool has_calls;       /* handlers answer calls; else there are only those of plain messages */
};

/* `head` and, on lines of its own, `comment`, which may be NULL. */
const char *emit_with_comment(const char *head, const char *comment);

/* Is there something to handle? C has no empty structs. */
bool emit_has_handlers(const struct emit_side *side, const struct model_service *service);
/* The struct, with `comment` before it, and the function's declaration. */
void emit_handlers_header(struct text *text, const struct emit_side *side, const struct model_service *service,
                          const char *comment);
/* The function, and for each handler one that casts it to its type and calls it. */
void emit_handlers_source(struct text *text, const struct emit_side *side, const struct model_service *service);

#endif
