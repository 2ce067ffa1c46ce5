/* server/middleware/recovery.c: hides the details of unexpected errors from peers (stoa/middleware.h). */
#include "server/middleware/own.h"

#include <stoa/error.stoa.h>
#include <stoa/log.h>

#define LIBRARY_CODES_MIN 100u
#define LIBRARY_CODES_MAX 199u
#define PROGRAM_CODES_MIN 1000u

static bool is_documented(const struct stoa_recovery_options *options, uint32_t code) {
  bool is_further = options->codes_max > 0 && code >= options->codes_min && code <= options->codes_max;
  return code >= PROGRAM_CODES_MIN || (code >= LIBRARY_CODES_MIN && code <= LIBRARY_CODES_MAX) ||
         (is_further && code > 0);
}

static bool has_details(const struct stoa_error *error) {
  return error->code == STOA_ERROR_INTERNAL && (error->message.len > 0 || error->metadata.count > 0);
}

static const struct stoa_error *hide(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  static const struct stoa_error hidden = {.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL")};
  const struct stoa_recovery_options *options = user;
  char trace[STOA_TRACE_ID_TEXT_LEN + 1];
  if (is_documented(options, error->code) && !has_details(error)) {
    return error;
  }
  stoa_trace_id_format(stoa_invocation_trace_id(invocation), trace);
  stoa_log(STOA_LOG_ERROR, "a handler failed", STOA_F_STR("operation", stoa_invocation_operation(invocation)),
           STOA_F_INT("code", error->code), STOA_F_TEXT("reason", error->reason),
           STOA_F_TEXT("message", error->message), STOA_F_STR("trace", trace));
  return options->expose ? error : &hidden;
}

int stoa_server_use_recovery(struct stoa_server *server, const struct stoa_selector *selector,
                             const struct stoa_recovery_options *options) {
  struct stoa_recovery_options *own = stoa_calloc(1, sizeof *own);
  if (own != NULL && options != NULL) {
    *own = *options;
  }
  const struct stoa_middleware middleware = {.name = "recovery", .error = hide, .user = own, .destroy = stoa_free};
  return stoa_middleware_own(server, selector, &middleware);
}
