/* server/trace/otlp.h: spans as the body of a request to an OpenTelemetry collector: an ExportTraceServiceRequest in
 * the JSON of OTLP 1.x, which is proto3 JSON with ids in hexadecimal and enums as numbers.
 *
 *   begin ─▶ add ... ─▶ end
 *
 * Does not know: who sends it. Pure. Thread: any.
 */
#ifndef STOA_SERVER_TRACE_OTLP_H
#define STOA_SERVER_TRACE_OTLP_H

#include "server/trace/span.h"

#include <stoa/arena.h>
#include <stoa/buffer.h>

/* The program that makes the spans. */
struct stoa_otlp_resource {
  struct stoa_string service_name;    /* "chatroom" */
  struct stoa_string service_version; /* empty: not told */
  struct stoa_string instance_id;     /* another one for each process */
};

/* Errors of all three: STOA_E_LIMIT  the buffer's cap; STOA_E_MEMORY. The buffer is as before then. */
int stoa_otlp_begin(const struct stoa_otlp_resource *resource, struct stoa_buffer *out);
int stoa_otlp_add(const struct stoa_span *span, bool is_first, struct stoa_buffer *out);
int stoa_otlp_end(struct stoa_buffer *out);

/* The partialSuccess of an answer: how many spans the collector did not take, and why, which lives in the arena and the
 * body. 0 and empty for any other answer. */
uint64_t stoa_otlp_read_rejected(struct stoa_bytes body, struct stoa_arena *arena, struct stoa_string *out_reason);

#endif
