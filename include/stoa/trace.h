/* stoa/trace.h: spans: what a program did for a message, and for how long, as OpenTelemetry's collectors show it.
 *
 * The server makes a span for each message that a handler gets, and sends it as OTLP to the collector that
 * server.tracing.endpoint names. A program can add spans of its own:
 *
 *   struct stoa_trace_context place;
 *   stoa_session_trace(session, &place);
 *   const struct stoa_span_options options = {.parent = &place};
 *   struct stoa_span *span = stoa_span_start(server, "look up the price", &options);
 *   stoa_span_set_text(span, "price.source", stoa_string_of("cache"));
 *   stoa_span_end(span);
 *
 * A span is NULL when it is not recorded: no collector is configured, its trace is not sampled, too many spans are in
 * memory, or memory is out. Every function takes NULL and does nothing, so a program need not care.
 *
 * Does not know: what the collector does with them.
 * Thread: any, one at a time for each span. It may end on another thread than the one that started it.
 * Lifetime: a span belongs to whoever started it, until it is ended, once. It may outlive the session and the server;
 *           then it is not sent.
 */
#ifndef STOA_TRACE_H
#define STOA_TRACE_H

#include <stoa/server.h>
#include <stoa/traceparent.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_span;

/* What a span's part in a conversation is; a program's own work is INTERNAL. */
enum stoa_span_kind {
  STOA_SPAN_INTERNAL,
  STOA_SPAN_SERVER,   /* handles what another program asked for */
  STOA_SPAN_CLIENT,   /* waits for another program */
  STOA_SPAN_PRODUCER, /* sends what is handled later */
  STOA_SPAN_CONSUMER  /* handles what was sent earlier */
};

/* Longer names and texts are cut, between two characters; more attributes are counted and left out, and so are texts
 * that are not UTF-8 and those for which the span has no room left. */
#define STOA_SPAN_NAME_LEN_MAX 127
#define STOA_SPAN_TEXT_LEN_MAX 255
#define STOA_SPAN_ATTRIBUTES_MAX 16

/* Zero means the default everywhere. */
struct stoa_span_options {
  enum stoa_span_kind kind;
  /* The span that it is a part of; NULL: it begins a trace; a place without a span: it begins the trace of that id.
   * Borrowed until the call returns. */
  const struct stoa_trace_context *parent;
  /* The parent was told by a peer: server.tracing.sampling decides whether it is recorded, as for a trace that begins.
   * Otherwise it is when its parent is. */
  bool is_remote;
  /* Another place that caused it, such as the message that is delivered; NULL: none. Borrowed likewise. */
  const struct stoa_trace_context *link;
};

/* Start a span. Its clock runs from now on.
 *
 * name     what is done, with few different values: "look up the price", not "price of 17". Copied
 * options  NULL: all defaults */
STOA_API struct stoa_span *stoa_span_start(struct stoa_server *server, const char *name,
                                           const struct stoa_span_options *options);
/* Describe it. `key` is a literal, such as "db.system.name" (OpenTelemetry's semantic conventions); texts are copied.
 */
STOA_API void stoa_span_set_text(struct stoa_span *span, const char *key, struct stoa_string text);
STOA_API void stoa_span_set_int(struct stoa_span *span, const char *key, int64_t number);
STOA_API void stoa_span_set_bool(struct stoa_span *span, const char *key, bool is_set);
STOA_API void stoa_span_set_double(struct stoa_span *span, const char *key, double number);
/* It failed. `text` says why, for people; it may be empty. The last one counts. */
STOA_API void stoa_span_fail(struct stoa_span *span, struct stoa_string text);
/* Its place, for spans that are a part of it, and for the traceparent of what it asks others. NULL for NULL. Valid
 * until it is ended. */
STOA_API const struct stoa_trace_context *stoa_span_context(const struct stoa_span *span);
/* End it, and let it be sent. NULL is allowed. */
STOA_API void stoa_span_end(struct stoa_span *span);

/* The place in a trace that belongs to a session now: while a handler or middleware runs for it, that of the message,
 * which is the server's span when it is recorded, otherwise the one that the caller told in the HTTP request's
 * traceparent, in a field `traceparent` of the message, or in that of the session's upgrade. Outside of a message it is
 * the one of the upgrade. When none was told, the trace id is made: for a session from its id, for each message at
 * random. On the session's worker. */
STOA_API void stoa_session_trace(struct stoa_session *session, struct stoa_trace_context *out_context);
/* The server's span for the message whose handler or middleware runs now for this session, to describe it; do not end
 * it. NULL outside of a message, and when it is not recorded. On the session's worker. */
STOA_API struct stoa_span *stoa_session_span(struct stoa_session *session);

#ifdef __cplusplus
}
#endif

#endif
