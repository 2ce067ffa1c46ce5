#include "server/admin/pages.h"

#include "base/array.h"
#include "server/server_private.h"

#include <stdio.h>

#define PAGE_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* The index. */

static const struct {
  const char *path;
  const char *about;
  stoa_route_handler *handler;
} pages[] = {
    {"/metrics", "counters for Prometheus and OpenMetrics", stoa_admin_on_metrics},
    {"/debug/sessions", "open sessions, 100 a page", stoa_admin_on_sessions},
    {"/debug/loop", "turns of the workers, and what they do with their time", stoa_admin_on_loop},
};

static int add_line(struct stoa_buffer *out, const char *method, struct stoa_string path, const char *about) {
  char line[512];
  int len = snprintf(line, sizeof line, "%-7s %.*s%s%s\n", method, (int)(path.len < 400 ? path.len : 400), path.data,
                     about[0] == '\0' ? "" : "  ", about);
  return stoa_buffer_append(out, line, (size_t)len);
}

static const char *about(struct stoa_string path) {
  static const struct {
    const char *path, *about;
  } others[] = {{"/", "this page"},
                {"/healthz", "does the process serve?"},
                {"/readyz", "may it get traffic?"},
                {"/debug/config", "the configuration in force, and where each value comes from"}};
  for (size_t i = 0; i < STOA_COUNT_OF(pages); i++) {
    if (stoa_string_equal(path, stoa_string_of(pages[i].path))) {
      return pages[i].about;
    }
  }
  for (size_t i = 0; i < STOA_COUNT_OF(others); i++) {
    if (stoa_string_equal(path, stoa_string_of(others[i].path))) {
      return others[i].about;
    }
  }
  return "";
}

static void on_index(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct stoa_server *server = user;
  const struct stoa_http_routes *routes = server->routes.of_admin;
  struct stoa_buffer text;
  int status = STOA_OK;
  (void)request;
  stoa_buffer_init(&text, PAGE_BYTES_MAX);
  for (uint32_t i = 0; i < stoa_http_routes_count(routes) && status == STOA_OK; i++) {
    const struct stoa_http_route *route = stoa_http_routes_at(routes, i);
    status =
        add_line(&text, stoa_http_route_method_name(route->method), route->template.text, about(route->template.text));
  }
  if (status == STOA_OK) {
    stoa_admin_reply(exchange, 200, "text/plain; charset=utf-8", &text);
  } else {
    stoa_http_drop(exchange);
  }
  stoa_buffer_fini(&text);
}

/* The configuration. */

void stoa_admin_set_config(struct stoa_server *server, struct stoa_buffer *text) {
  struct stoa_admin *admin = &server->admin;
  pthread_mutex_lock(&admin->config_mutex);
  struct stoa_buffer before = admin->config;
  admin->config = *text;
  pthread_mutex_unlock(&admin->config_mutex);
  stoa_buffer_fini(&before);
  stoa_buffer_init(text, PAGE_BYTES_MAX);
}

static void on_config(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_error none = {
      .code = 404, .reason = STOA_STR("NO_CONFIGURATION"), .message = STOA_STR("the program has not given its own")};
  struct stoa_server *server = user;
  (void)request;
  pthread_mutex_lock(&server->admin.config_mutex);
  bool is_given = server->admin.config.data != NULL;
  if (is_given) {
    stoa_admin_reply(exchange, 200, "application/yaml; charset=utf-8", &server->admin.config);
  }
  pthread_mutex_unlock(&server->admin.config_mutex);
  if (!is_given) {
    int ignored = stoa_http_fail(exchange, 0, &none);
    (void)ignored;
  }
}

int stoa_admin_pages_add(struct stoa_server *server) {
  struct stoa_route route = {
      .method = "GET", .path = "/", .roles = STOA_ROUTE_ADMIN, .handler = on_index, .user = server};
  int status = stoa_server_add_route(server, &route);
  route.path = "/debug/config";
  route.handler = on_config;
  status = status == STOA_OK ? stoa_server_add_route(server, &route) : status;
  for (size_t i = 0; i < STOA_COUNT_OF(pages) && status == STOA_OK; i++) {
    route.path = pages[i].path;
    route.handler = pages[i].handler;
    status = stoa_server_add_route(server, &route);
  }
  return status;
}
