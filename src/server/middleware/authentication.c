/* server/middleware/authentication.c: asks the program whether a session may call (stoa/middleware.h). */
#include "server/middleware/own.h"

#include <string.h>

#define OPEN_MAX 64u

struct authentication {
  const struct stoa_error *(*check)(void *context, struct stoa_invocation *invocation);
  void *context;
  size_t open_count;
  char *open[OPEN_MAX]; /* owned */
};

static bool is_open(const struct authentication *own, const char *operation) {
  for (size_t i = 0; i < own->open_count; i++) {
    if (strcmp(own->open[i], operation) == 0) {
      return true;
    }
  }
  return false;
}

static const struct stoa_error *authenticate(void *user, struct stoa_invocation *invocation) {
  const struct authentication *own = user;
  return is_open(own, stoa_invocation_operation(invocation)) ? NULL : own->check(own->context, invocation);
}

static void destroy(void *user) {
  struct authentication *own = user;
  for (size_t i = 0; own != NULL && i < own->open_count; i++) {
    stoa_free(own->open[i]);
  }
  stoa_free(own);
}

static struct authentication *make(const struct stoa_authentication_options *options) {
  struct authentication *own = stoa_calloc(1, sizeof *own);
  if (own == NULL) {
    return NULL;
  }
  own->check = options->check;
  own->context = options->context;
  for (size_t i = 0; i < options->open_count; i++) {
    size_t size = strlen(options->open[i]) + 1;
    own->open[i] = stoa_alloc(size);
    if (own->open[i] == NULL) {
      destroy(own);
      return NULL;
    }
    memcpy(own->open[i], options->open[i], size);
    own->open_count++;
  }
  return own;
}

int stoa_server_use_authentication(struct stoa_server *server, const struct stoa_selector *selector,
                                   const struct stoa_authentication_options *options) {
  if (options->check == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (options->open_count > OPEN_MAX) {
    return STOA_E_LIMIT;
  }
  const struct stoa_middleware middleware = {
      .name = "authentication", .before = authenticate, .user = make(options), .destroy = destroy};
  return stoa_middleware_own(server, selector, &middleware);
}
