/* server/trace/message.h: the place in a trace of the message that a worker handles now, and the server's span for it.
 *
 * While a message is handled, its worker points to a struct stoa_message_trace on the stack. The place is looked for
 * when somebody asks for it, such as a line of the log, so that a message that nobody asks about costs two stores. With
 * a collector each message that is recorded has a span (struct stoa_question), which ends where its answer ends.
 *
 * The frames of a session have no metadata, and clients of the first day could not read frames that have. So a message
 * that begins or continues a trace says so itself: in a singular string field with the name `traceparent`, which any
 * message may have.
 *
 * Does not know: how spans are sent.
 * Thread: the session's worker.
 */
#ifndef STOA_SERVER_TRACE_MESSAGE_H
#define STOA_SERVER_TRACE_MESSAGE_H

#include "server/call/answer.h"

#include <stoa/middleware.h>
#include <stoa/trace.h>

struct stoa_handler;
struct stoa_worker;

struct stoa_message_trace {
  struct stoa_session *session;
  const struct stoa_question *question; /* NULL: no message, the session itself */
  const struct stoa_handler *handler;   /* these two: of the message */
  const void *message;
  bool is_found;
  struct stoa_trace_context context; /* when it is found */
};

/* A message of this handler begins: from now on it is the worker's. Starts the span of the question, unless it has one
 * already. `trace` must live until end. */
void stoa_message_trace_begin(struct stoa_message_trace *trace, struct stoa_session *session,
                              const struct stoa_handler *handler, struct stoa_question *question, const void *message);
/* What follows is about the session, not a message. */
void stoa_message_trace_begin_session(struct stoa_message_trace *trace, struct stoa_session *session);
void stoa_message_trace_end(struct stoa_message_trace *trace);

/* The place of the message that is handled now for this session, otherwise that of the session. */
void stoa_message_trace_find(struct stoa_session *session, struct stoa_trace_context *out_context);
/* The span of the message that this worker handles now; NULL: none, or it is not recorded. */
struct stoa_span *stoa_message_trace_span(const struct stoa_worker *worker);
/* The program has found another trace for the message. */
void stoa_message_trace_change(struct stoa_session *session, const uint8_t trace_id[16]);

/* The message was answered, or nobody waits for the answer: end its span, if it has one.
 *
 * error  NULL: success */
void stoa_message_trace_answered(const struct stoa_question *question, enum stoa_invocation_end end,
                                 const struct stoa_error *error);

/* A field `traceparent` of a message; false when it has none, or none that is valid. */
bool stoa_message_trace_read(const struct stoa_message_type *type, const void *message,
                             struct stoa_trace_context *out_context);

/* For the log: the trace of what this thread handles. */
bool stoa_message_trace_of_thread(char out_text[STOA_TRACE_ID_TEXT_LEN + 1]);

#endif
