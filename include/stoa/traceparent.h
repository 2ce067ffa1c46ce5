/* stoa/traceparent.h: the field `traceparent` of W3C Trace Context: which trace a request belongs to, and the span that
 * it comes from.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace id, id of the calling span, flags
 *
 * Does not know: who sent it, and whether to believe it.
 * Thread: any.
 */
#ifndef STOA_TRACEPARENT_H
#define STOA_TRACEPARENT_H

#include <stoa/bytes.h>
#include <stoa/export.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_TRACEPARENT_LEN 55
/* A later version may be longer; what is longer than this is not looked at. */
#define STOA_TRACEPARENT_LEN_MAX 256

/* A place in a trace. All 0: none. */
struct stoa_trace_context {
  uint8_t trace_id[16];
  uint8_t span_id[8];
  bool is_sampled; /* the trace is recorded */
};

/* Read the value of a field (W3C Trace Context 3.2). A later version than 00 is read as far as 00 goes, and may have
 * more after another '-'.
 * Errors: STOA_E_SYNTAX  anything else: version ff, capitals, an id of zeros only, another length */
STOA_API int stoa_traceparent_parse(struct stoa_string text, struct stoa_trace_context *out_context);

/* Write it as version 00, with a NUL. Of the flags it has only whether the trace is recorded. */
STOA_API void stoa_traceparent_format(const struct stoa_trace_context *context,
                                      char out_text[STOA_TRACEPARENT_LEN + 1]);

/* Is it the place of a span? */
static inline bool stoa_trace_context_is_set(const struct stoa_trace_context *context) {
  static const struct stoa_trace_context none = {{0}, {0}, false};
  return memcmp(context->trace_id, none.trace_id, sizeof none.trace_id) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
