#include "server/http/handler_routes.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

void stoa_handler_routes_fini(struct stoa_handler_routes *routes) {
  assert(routes->count <= routes->capacity);
  stoa_handler_routes_drop(routes, routes->count);
  stoa_free(routes->items);
  *routes = (struct stoa_handler_routes){0};
}

void stoa_handler_routes_drop(struct stoa_handler_routes *routes, uint32_t count) {
  assert(count <= routes->count);
  for (; count > 0; count--) {
    struct stoa_handler_route *route = routes->items[--routes->count];
    if (route->is_first) {
      stoa_free(route);
    }
  }
}

static size_t text_size(const char *text) {
  return text == NULL ? 0 : strlen(text) + 1;
}

static const char *copy_text(char **at, const char *text) {
  size_t size = text_size(text);
  char *copy = *at;
  if (text == NULL) {
    return NULL;
  }
  memcpy(copy, text, size);
  *at += size;
  return copy;
}

static bool has_texts(const struct stoa_handler *handler) {
  for (uint32_t i = 0; i < handler->http_count; i++) {
    if (handler->http[i].method == NULL || handler->http[i].path == NULL) {
      return false;
    }
  }
  return true;
}

static size_t block_size(const struct stoa_handler *handler) {
  size_t size = handler->http_count * (sizeof(struct stoa_handler_route) + sizeof(struct stoa_http_binding));
  for (uint32_t i = 0; i < handler->http_count; i++) {
    const struct stoa_http_binding *binding = &handler->http[i];
    size += text_size(binding->method) + text_size(binding->path) + text_size(binding->body);
    size += text_size(binding->response_body);
  }
  return size;
}

/* One block: the routes, then the bindings, then their texts. NULL when memory is out. */
static struct stoa_handler_route *copy_all(const struct stoa_handler *handler) {
  struct stoa_handler_route *routes = stoa_calloc(1, block_size(handler));
  if (routes == NULL) {
    return NULL;
  }
  struct stoa_http_binding *bindings = (struct stoa_http_binding *)(routes + handler->http_count);
  char *at = (char *)(bindings + handler->http_count);
  for (uint32_t i = 0; i < handler->http_count; i++) {
    const struct stoa_http_binding *binding = &handler->http[i];
    bindings[i].method = copy_text(&at, binding->method);
    bindings[i].path = copy_text(&at, binding->path);
    bindings[i].body = copy_text(&at, binding->body);
    bindings[i].response_body = copy_text(&at, binding->response_body);
    routes[i].binding = &bindings[i];
    routes[i].handler = handler->name;
    routes[i].type = handler->type;
    routes[i].is_admin = handler->is_admin;
  }
  routes[0].is_first = true;
  return routes;
}

static int refuse(const struct stoa_handler_route *route, const char *reason, const char *detail) {
  stoa_log(STOA_LOG_ERROR, "an HTTP route of a handler is not valid", STOA_F_STR("handler", route->handler),
           STOA_F_STR("method", route->binding->method), STOA_F_STR("path", route->binding->path),
           STOA_F_STR("reason", reason), STOA_F_STR("detail", detail));
  return STOA_E_SYNTAX;
}

static int compile(struct stoa_handler_route *route) {
  size_t at;
  if (!stoa_http_route_method_of(stoa_string_of(route->binding->method), &route->method)) {
    return refuse(route, "no route can have this method", route->binding->method);
  }
  enum stoa_http_template_error error =
      stoa_http_template_compile(stoa_string_of(route->binding->path), &route->template, &at);
  if (error != STOA_HTTP_TEMPLATE_OK) {
    char detail[32];
    (void)snprintf(detail, sizeof detail, "at byte %zu", at);
    return refuse(route, stoa_http_template_error_text(error), detail);
  }
  return STOA_OK;
}

static int check(struct stoa_handler_route *route, const struct stoa_handler *handler) {
  struct stoa_transcode_problem problem;
  int status = compile(route);
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_transcode_check(route->binding, &route->template, handler->message, handler->reply, &problem);
  if (status != STOA_OK) {
    char detail[128];
    int len = problem.detail.len < sizeof detail ? (int)problem.detail.len : (int)sizeof detail - 1;
    (void)snprintf(detail, sizeof detail, "%.*s", len, problem.detail.data);
    return refuse(route, problem.text, detail);
  }
  return STOA_OK;
}

static int check_same(const struct stoa_handler_routes *routes, uint32_t count,
                      const struct stoa_handler_route *route) {
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_handler_route *other = routes->items[i];
    if (other->is_admin == route->is_admin && other->method == route->method &&
        stoa_http_template_compare(&other->template, &route->template) == 0) {
      stoa_log(STOA_LOG_ERROR, "two HTTP routes have the same paths", STOA_F_STR("handler", route->handler),
               STOA_F_STR("method", route->binding->method), STOA_F_STR("path", route->binding->path),
               STOA_F_STR("existing_handler", other->handler), STOA_F_STR("existing_path", other->binding->path));
      return STOA_E_EXISTS;
    }
  }
  return STOA_OK;
}

/* The items after routes->count are the candidates; they become routes when all of them are good. */
static int check_all(const struct stoa_handler_routes *routes, const struct stoa_handler *handler) {
  int status = STOA_OK;
  for (uint32_t i = 0; i < handler->http_count && status == STOA_OK; i++) {
    struct stoa_handler_route *route = routes->items[routes->count + i];
    status = check(route, handler);
    status = status == STOA_OK ? check_same(routes, routes->count + i, route) : status;
  }
  return status;
}

int stoa_handler_routes_add(struct stoa_handler_routes *routes, const struct stoa_handler *handler,
                            const struct stoa_http_binding **out_http) {
  if (handler->http_count == 0) {
    *out_http = NULL;
    return STOA_OK;
  }
  if (handler->reply == NULL || handler->http == NULL || !has_texts(handler)) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_array_reserve(&routes->items, sizeof(struct stoa_handler_route *), &routes->capacity,
                                  (size_t)routes->count + handler->http_count, STOA_HANDLER_ROUTES_MAX);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_handler_route *block = copy_all(handler);
  if (block == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < handler->http_count; i++) {
    routes->items[routes->count + i] = &block[i];
  }
  status = check_all(routes, handler);
  if (status != STOA_OK) {
    stoa_free(block);
    return status;
  }
  routes->count += handler->http_count;
  *out_http = block[0].binding;
  return STOA_OK;
}
