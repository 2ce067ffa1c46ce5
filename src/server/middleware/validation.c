/* server/middleware/validation.c: a program's own check of a message type (stoa/middleware.h). */
#include "server/middleware/own.h"

#define TEXT_SIZE 256u

static const struct stoa_error *validate(void *user, struct stoa_invocation *invocation) {
  const struct stoa_validation_options *own = user;
  char text[TEXT_SIZE] = "";
  if (stoa_invocation_message_type(invocation) != own->type ||
      own->validate(own->context, stoa_invocation_message(invocation), text, sizeof text)) {
    return NULL;
  }
  text[sizeof text - 1] = '\0';
  return stoa_session_error(stoa_invocation_session(invocation), STOA_ERROR_BAD_REQUEST, "INVALID", text);
}

int stoa_server_use_validation(struct stoa_server *server, const struct stoa_selector *selector,
                               const struct stoa_validation_options *options) {
  if (options->type == NULL || options->validate == NULL) {
    return STOA_E_ARGUMENT;
  }
  struct stoa_validation_options *own = stoa_alloc(sizeof *own);
  if (own != NULL) {
    *own = *options;
  }
  const struct stoa_middleware middleware = {
      .name = "validation", .before = validate, .user = own, .destroy = stoa_free};
  return stoa_middleware_own(server, selector, &middleware);
}
