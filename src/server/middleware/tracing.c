/* server/middleware/tracing.c: continues the trace of a caller (stoa/middleware.h; W3C Trace Context 3.2). */
#include "server/call/chain.h"

#include <stoa/traceparent.h>

#define FIELD "traceparent"

static const struct stoa_error *continue_trace(void *user, struct stoa_invocation *invocation) {
  struct stoa_trace_context context;
  (void)user;
  if (stoa_traceparent_parse(stoa_invocation_field(invocation, FIELD), &context) == STOA_OK) {
    stoa_invocation_set_trace_id(invocation, context.trace_id);
  }
  return NULL;
}

int stoa_server_use_tracing(struct stoa_server *server, const struct stoa_selector *selector) {
  static const struct stoa_middleware middleware = {.name = "tracing", .before = continue_trace};
  int status = stoa_server_keep_field(server, FIELD);
  return status == STOA_OK ? stoa_server_use(server, selector, &middleware) : status;
}
