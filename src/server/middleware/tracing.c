/* server/middleware/tracing.c: continues the trace of a caller (stoa/middleware.h). */
#include "server/call/chain.h"

/* What the caller told is found when the id is asked for. */
static const struct stoa_error *continue_trace(void *user, struct stoa_invocation *invocation) {
  (void)user;
  (void)stoa_invocation_trace_id(invocation);
  return NULL;
}

int stoa_server_use_tracing(struct stoa_server *server, const struct stoa_selector *selector) {
  static const struct stoa_middleware middleware = {.name = "tracing", .before = continue_trace};
  return stoa_server_use(server, selector, &middleware);
}
