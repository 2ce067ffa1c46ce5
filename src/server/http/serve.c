#include "server/http/serve.h"

#include "server/http/bearer.h"
#include "server/http/client.h"
#include "server/http/cors.h"
#include "server/http/exchange.h"
#include "server/http/response.h"
#include "server/server_private.h"
#include "wire/http_token.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/token.h>

/* How a head's verdict is asked for when its body's size does not matter yet. */
#define ANY_BODY_BYTES ((uint64_t)INT64_MAX)

/* A request on its way to its handler. */
struct serving {
  struct stoa_stream *stream;
  const struct stoa_settings *settings;
  const struct stoa_server_listener *listener;
  const struct stoa_http_head *head;
  const uint8_t *data;
  struct stoa_http_match match;
  struct stoa_string text; /* where its values lie, in the worker's arena */
  struct stoa_http_body body;
  bool has_no_body; /* so that another request may follow a refusal */
};

static void refuse_with(const struct serving *serving, int code, const char *message, const char *fields) {
  stoa_exchange_refuse(serving->stream, serving->head, serving->data,
                       &(struct stoa_exchange_refusal){
                           .status = code, .message = message, .fields = fields, .keep_alive = serving->has_no_body});
}

static void refuse(const struct serving *serving, int code, const char *message) {
  refuse_with(serving, code, message, NULL);
}

static struct stoa_http_body_limits limits_of(uint64_t content_bytes_max) {
  return (struct stoa_http_body_limits){.content_bytes_max = content_bytes_max,
                                        .extension_bytes_max = STOA_HTTP_EXTENSION_BYTES_MAX_DEFAULT,
                                        .trailer_bytes_max = STOA_HTTP_TRAILER_BYTES_MAX_DEFAULT,
                                        .trailers_max = STOA_HTTP_TRAILERS_MAX_DEFAULT};
}

static bool has_no_body(const struct serving *serving) {
  struct stoa_http_body body;
  struct stoa_http_body_limits limits = limits_of(ANY_BODY_BYTES);
  return stoa_http_body_begin(serving->head, serving->data, &limits, &body) == 200 && !body.is_chunked &&
         body.length == 0;
}

/* Paths that exist, for other methods. */

static void answer_options(const struct serving *serving, uint32_t allow) {
  char methods[STOA_HTTP_ALLOW_LEN_MAX + 1];
  char fields[STOA_HTTP_ALLOW_LEN_MAX + 32];
  stoa_http_allow_write(allow | 1u << STOA_HTTP_ROUTE_OPTIONS, methods);
  snprintf(fields, sizeof fields, "Allow: %s\r\n", methods);
  refuse_with(serving, 204, NULL, fields);
}

static void refuse_method(const struct serving *serving, uint32_t allow) {
  char methods[STOA_HTTP_ALLOW_LEN_MAX + 1];
  char fields[STOA_HTTP_ALLOW_LEN_MAX + 32];
  if (stoa_string_equal(stoa_http_route_method_in(serving->head, serving->data), stoa_string_of("OPTIONS"))) {
    answer_options(serving, allow);
    return;
  }
  stoa_http_allow_write(allow, methods);
  snprintf(fields, sizeof fields, "Allow: %s\r\n", methods);
  refuse_with(serving, 405, NULL, fields);
}

/* Preflights. */

/* All methods that the path has: asked for with one that no route has. */
static uint32_t methods_of_path(const struct serving *serving, const struct stoa_http_routes *routes,
                                struct stoa_string path) {
  struct stoa_http_match match = {.allow = 0};
  char *text = stoa_arena_alloc(stoa_worker_of_stream(serving->stream)->arena, path.len * 2);
  bool has_some = text != NULL && stoa_http_routes_find(routes, stoa_string_of("-"), path, text, &match) == 405;
  return has_some ? match.allow : 0;
}

static void answer_preflight(const struct serving *serving, const struct stoa_http_routes *routes,
                             struct stoa_string path) {
  const struct stoa_cors_config *cors = serving->settings->config.cors;
  char methods[STOA_HTTP_ALLOW_LEN_MAX + 1];
  struct stoa_buffer fields;
  if (!stoa_cors_allows(cors, serving->head, serving->data)) {
    refuse(serving, 403, "pages of this origin may not use the routes");
    return;
  }
  stoa_http_allow_write(methods_of_path(serving, routes, path), methods);
  stoa_buffer_init(&fields, STOA_STREAM_READ_BYTES);
  int status = stoa_cors_add_preflight(cors, methods, &fields);
  status = status == STOA_OK ? stoa_buffer_append(&fields, "", 1) : status;
  if (status == STOA_OK) {
    refuse_with(serving, 204, NULL, (const char *)fields.data);
  } else {
    refuse(serving, 503, NULL);
  }
  stoa_buffer_fini(&fields);
}

/* Who may use a route. */

static const struct stoa_route *route_of(const struct serving *serving) {
  const struct stoa_route_entry *entry = serving->match.route->context;
  return &entry->route;
}

/* The key that the request needs; empty: none. */
static struct stoa_string key_for(const struct serving *serving) {
  const struct stoa_route *route = route_of(serving);
  if (route->bearer_key.len > 0) {
    return route->bearer_key;
  }
  return serving->listener->is_admin && !route->without_key ? serving->settings->admin_key : stoa_string_make(NULL, 0);
}

/* The comparison takes the same time wherever the two differ; only the length of the key can be found out by it. A
 * repeated field is no key: a proxy may have checked the other one. */
static bool has_key(const struct serving *serving, struct stoa_string key) {
  size_t index = 0;
  struct stoa_string field = stoa_http_field(serving->head, serving->data, "Authorization", &index);
  bool is_repeated =
      field.data != NULL && stoa_http_field(serving->head, serving->data, "Authorization", &index).data != NULL;
  struct stoa_string given = stoa_bearer_find(field, stoa_string_make(NULL, 0));
  return !is_repeated && given.data != NULL &&
         stoa_secret_equal(stoa_bytes_make(given.data, given.len), stoa_bytes_make(key.data, key.len));
}

static bool is_authenticated(const struct serving *serving) {
  struct stoa_string key = key_for(serving);
  if (key.len == 0 || has_key(serving, key)) {
    return true;
  }
  bool is_given = stoa_http_field(serving->head, serving->data, "Authorization", NULL).data != NULL;
  refuse_with(serving, 401, is_given ? "this is not the key" : "a key is needed: Authorization: Bearer KEY",
              is_given ? "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n" : "WWW-Authenticate: Bearer\r\n");
  return false;
}

/* application/json, perhaps with parameters, of which only a charset of UTF-8 changes nothing (RFC 8259 11). */
static bool is_json(const struct serving *serving) {
  static const struct stoa_string json = STOA_STR("application/json");
  size_t index = 0;
  struct stoa_string value = stoa_http_field(serving->head, serving->data, "Content-Type", &index);
  if (value.data == NULL || stoa_http_field(serving->head, serving->data, "Content-Type", &index).data != NULL) {
    return false;
  }
  size_t len = 0;
  while (len < value.len && value.data[len] != ';' && !stoa_http_is_blank((uint8_t)value.data[len])) {
    len++;
  }
  return stoa_http_equal_fold(stoa_string_make(value.data, len), json);
}

static const struct stoa_handler_route *rpc_of(const struct serving *serving) {
  const struct stoa_route_entry *entry = serving->match.route->context;
  return entry->rpc;
}

/* Refuse a request for a route that was found. */
static void refuse_route(const struct serving *serving, int code, const char *message) {
  stoa_exchange_note_refused(serving->stream, rpc_of(serving), code);
  refuse(serving, code, message);
}

/* A body of another type could come from a form of any site. */
static bool needs_json(const struct serving *serving) {
  bool has_body = serving->body.is_chunked || serving->body.length > 0;
  return route_of(serving)->message != NULL || (rpc_of(serving) != NULL && has_body);
}

static void begin(struct serving *serving) {
  const struct stoa_route *route = route_of(serving);
  uint32_t bytes_max = route->body_bytes_max > 0 ? route->body_bytes_max : serving->settings->limits.body_bytes_max;
  struct stoa_http_body_limits limits = limits_of(bytes_max);
  struct stoa_peer client;
  if (!is_authenticated(serving)) {
    return;
  }
  int code = stoa_http_body_begin(serving->head, serving->data, &limits, &serving->body);
  if (code != 200) {
    refuse_route(serving, code, NULL);
  } else if (needs_json(serving) && !is_json(serving)) {
    refuse_route(serving, 415, "the body must have Content-Type: application/json");
  } else if (stoa_http_client_find(serving->stream, serving->head, serving->data, &client) != STOA_OK) {
    refuse_route(serving, 400, "Forwarded and X-Forwarded-For disagree");
  } else {
    stoa_exchange_begin(&(struct stoa_exchange_start){.stream = serving->stream,
                                                      .head = serving->head,
                                                      .data = serving->data,
                                                      .body = &serving->body,
                                                      .match = &serving->match,
                                                      .text = serving->text,
                                                      .client = client});
  }
}

static bool serve(struct serving *serving, const struct stoa_http_routes *routes) {
  struct stoa_string path = {(const char *)serving->data + serving->head->path.start, serving->head->path.len};
  struct stoa_string method = stoa_http_route_method_in(serving->head, serving->data);
  char *text = stoa_arena_alloc(stoa_worker_of_stream(serving->stream)->arena, path.len * 2);
  if (text == NULL) {
    refuse(serving, 503, NULL);
    return true;
  }
  serving->text = stoa_string_make(text, path.len * 2);
  int code = stoa_http_routes_find(routes, method, path, text, &serving->match);
  bool is_preflight = !serving->listener->is_admin && (code == 200 || code == 405) &&
                      stoa_cors_is_preflight(serving->settings->config.cors, serving->head, serving->data);
  if (is_preflight) {
    answer_preflight(serving, routes, path);
  } else if (code == 200) {
    begin(serving);
  } else if (code == 405) {
    refuse_method(serving, serving->match.allow);
  } else {
    return false;
  }
  return true;
}

bool stoa_http_serve(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data) {
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  const struct stoa_server *server = worker->server;
  struct serving serving = {.stream = stream, .settings = worker->settings, .head = head, .data = data};
  serving.listener = &server->listeners.items[stoa_server_session_of_stream(stream)->listener];
  const struct stoa_http_routes *routes =
      serving.listener->is_admin ? server->routes.of_admin : server->routes.of_public;
  if (routes == NULL || head->path.len == 0) {
    return false;
  }
  serving.has_no_body = has_no_body(&serving);
  bool served = serve(&serving, routes);
  stoa_arena_reset(worker->arena);
  return served;
}
