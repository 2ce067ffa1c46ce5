#include "server/call/chain.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/server_private.h"

#include <assert.h>

/* Registering. */

int stoa_server_use(struct stoa_server *server, const struct stoa_selector *selector,
                    const struct stoa_middleware *middleware) {
  struct stoa_middlewares *all = &server->middlewares;
  assert(!server->started);
  if (middleware->before == NULL && middleware->error == NULL && middleware->after == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (all->count == STOA_MIDDLEWARES_MAX) {
    return STOA_E_LIMIT;
  }
  all->items[all->count] = *middleware;
  all->selectors[all->count] = selector == NULL ? (struct stoa_selector){0} : *selector;
  all->count++;
  return STOA_OK;
}

void stoa_middlewares_skip_successes(struct stoa_server *server) {
  struct stoa_middlewares *all = &server->middlewares;
  assert(all->count > 0);
  all->skips_successes[all->count - 1] = true;
}

/* Selecting. */

static bool has_type(const struct stoa_selector *selector, uint32_t type) {
  for (size_t i = 0; i < selector->type_count; i++) {
    if (selector->types[i] == type) {
      return true;
    }
  }
  return false;
}

static bool has_operation(const struct stoa_selector *selector, const char *operation) {
  for (size_t i = 0; i < selector->operation_count; i++) {
    if (strcmp(selector->operations[i], operation) == 0) {
      return true;
    }
  }
  return false;
}

/* "/service/Method" */
static bool is_in_service(const char *operation, const char *service) {
  size_t len = strlen(service);
  return operation[0] == '/' && strncmp(operation + 1, service, len) == 0 && operation[1 + len] == '/';
}

static bool matches(const struct stoa_selector *selector, uint32_t type, const char *operation) {
  bool is_any = selector->type_count == 0 && selector->operation_count == 0 && selector->prefix == NULL &&
                selector->service == NULL && selector->match == NULL;
  return is_any || has_type(selector, type) || has_operation(selector, operation) ||
         (selector->prefix != NULL && strncmp(operation, selector->prefix, strlen(selector->prefix)) == 0) ||
         (selector->service != NULL && is_in_service(operation, selector->service)) ||
         (selector->match != NULL && selector->match(selector->context, type, operation));
}

static bool is_quiet(const struct stoa_middlewares *all, uint32_t index) {
  const struct stoa_middleware *middleware = &all->items[index];
  return middleware->before == NULL && (middleware->after == NULL || all->skips_successes[index]);
}

static void build(const struct stoa_middlewares *all, const struct stoa_handler *handler, struct stoa_chain *chain) {
  chain->is_quiet = true;
  for (uint32_t i = 0; i < all->count; i++) {
    const struct stoa_selector *selector = &all->selectors[i];
    if (matches(selector, handler->type, stoa_handler_operation(handler)) != selector->except) {
      chain->items[chain->count++] = &all->items[i];
      chain->is_quiet = chain->is_quiet && is_quiet(all, i);
    }
  }
}

static const struct stoa_handler *handlers_of(const struct stoa_server *server) {
  assert(server->handlers.handler_size == sizeof(struct stoa_handler));
  return (const struct stoa_handler *)(const void *)server->handlers.handlers;
}

int stoa_chains_build(struct stoa_server *server) {
  struct stoa_middlewares *all = &server->middlewares;
  uint32_t count = all->count == 0 ? 0 : server->handlers.count;
  stoa_free(all->chains);
  all->chains = count == 0 ? NULL : stoa_calloc(count, sizeof *all->chains);
  if (count > 0 && all->chains == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < count; i++) {
    build(all, &handlers_of(server)[i], &all->chains[i]);
  }
  return STOA_OK;
}

void stoa_chains_fini(struct stoa_server *server) {
  struct stoa_middlewares *all = &server->middlewares;
  for (uint32_t i = 0; i < all->count; i++) {
    if (all->items[i].destroy != NULL) {
      all->items[i].destroy(all->items[i].user);
    }
  }
  stoa_free(all->chains);
  *all = (struct stoa_middlewares){0};
}

/* One message. */

const char *stoa_invocation_end_text(enum stoa_invocation_end end) {
  static const char *const texts[] = {
      [STOA_INVOCATION_RUNS] = "runs",           [STOA_INVOCATION_DONE] = "done",
      [STOA_INVOCATION_FAILED] = "failed",       [STOA_INVOCATION_STOPPED] = "stopped",
      [STOA_INVOCATION_DROPPED] = "dropped",     [STOA_INVOCATION_TIMED_OUT] = "timed out",
      [STOA_INVOCATION_ABANDONED] = "abandoned", [STOA_INVOCATION_CANCELLED] = "cancelled",
  };
  return (size_t)end < STOA_COUNT_OF(texts) ? texts[end] : "unknown";
}

void stoa_invocation_init(struct stoa_invocation *out_invocation, struct stoa_session *session,
                          const struct stoa_handler *handler, const struct stoa_question *question,
                          struct stoa_bytes payload) {
  assert(out_invocation->chain != NULL);
  assert(out_invocation->chain->count > 0);
  /* Slots that the chain does not use are not written. */
  out_invocation->session = session;
  out_invocation->handler = handler;
  out_invocation->message = NULL;
  out_invocation->payload = payload;
  out_invocation->start_ns = stoa_loop_now_ns(stoa_worker_of(session)->loop);
  out_invocation->question = *question;
  out_invocation->passed = out_invocation->chain->is_quiet ? (uint8_t)out_invocation->chain->count : 0;
  out_invocation->current = 0;
  out_invocation->is_before = false;
  out_invocation->is_traced = false;
  out_invocation->end = STOA_INVOCATION_RUNS;
  out_invocation->wait = NULL;
  out_invocation->slots_used = 0;
}

void stoa_invocation_copy(struct stoa_invocation *out_copy, const struct stoa_invocation *invocation) {
  size_t used = offsetof(struct stoa_invocation, slots) + invocation->chain->count * sizeof(uint64_t);
  assert(used <= sizeof *out_copy);
  memcpy(out_copy, invocation, used);
  out_copy->message = NULL;
  out_copy->payload.data = NULL;
  out_copy->wait = NULL;
}

const struct stoa_error *stoa_chain_before(struct stoa_invocation *invocation) {
  const struct stoa_chain *chain = invocation->chain;
  const struct stoa_error *error = NULL;
  while (error == NULL && invocation->passed < chain->count &&
         stoa_question_is_open(invocation->session, &invocation->question)) {
    const struct stoa_middleware *middleware = chain->items[invocation->passed];
    if (middleware->before != NULL) {
      invocation->current = invocation->passed;
      invocation->is_before = true;
      error = middleware->before(middleware->user, invocation);
      invocation->is_before = false;
      /* A middleware that takes a handle goes on only by it. */
      assert((error == STOA_LATER) == (invocation->wait != NULL));
    }
    if (error == NULL) {
      invocation->passed++;
    }
  }
  return error;
}

const struct stoa_error *stoa_chain_error(struct stoa_invocation *invocation, const struct stoa_error *error) {
  for (uint8_t i = invocation->passed; i > 0; i--) {
    const struct stoa_middleware *middleware = invocation->chain->items[i - 1];
    invocation->current = (uint8_t)(i - 1);
    if (middleware->error != NULL) {
      error = middleware->error(middleware->user, invocation, error);
      assert(error != NULL);
      assert(error != STOA_LATER);
    }
  }
  return error;
}

void stoa_chain_after(struct stoa_invocation *invocation, enum stoa_invocation_end end,
                      const struct stoa_error *error) {
  assert((end == STOA_INVOCATION_DONE) == (error == NULL));
  invocation->end = (uint8_t)end;
  for (; invocation->passed > 0; invocation->passed--) {
    const struct stoa_middleware *middleware = invocation->chain->items[invocation->passed - 1];
    invocation->current = (uint8_t)(invocation->passed - 1);
    if (middleware->after != NULL) {
      middleware->after(middleware->user, invocation, error);
    }
  }
}
