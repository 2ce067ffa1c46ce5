#include "wire/http_route.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>

#include "wire/http_route_path.h"

struct stoa_http_routes {
  struct stoa_http_route **items; /* in the order of precedence: those with a verb are the first verb_count */
  uint32_t count;
  uint32_t capacity;
  uint32_t verb_count;
  uint32_t routes_max;
};

static const char *const method_names[] = {
    [STOA_HTTP_ROUTE_HEAD] = "HEAD",       [STOA_HTTP_ROUTE_GET] = "GET",     [STOA_HTTP_ROUTE_POST] = "POST",
    [STOA_HTTP_ROUTE_PUT] = "PUT",         [STOA_HTTP_ROUTE_PATCH] = "PATCH", [STOA_HTTP_ROUTE_DELETE] = "DELETE",
    [STOA_HTTP_ROUTE_OPTIONS] = "OPTIONS", [STOA_HTTP_ROUTE_ANY] = "*",
};

struct stoa_http_routes *stoa_http_routes_create(uint32_t routes_max) {
  struct stoa_http_routes *routes = stoa_calloc(1, sizeof *routes);
  if (routes != NULL) {
    routes->routes_max = routes_max;
  }
  return routes;
}

void stoa_http_routes_destroy(struct stoa_http_routes *routes) {
  if (routes == NULL) {
    return;
  }
  for (uint32_t i = 0; i < routes->count; i++) {
    stoa_free(routes->items[i]);
  }
  stoa_free(routes->items);
  stoa_free(routes);
}

uint32_t stoa_http_routes_count(const struct stoa_http_routes *routes) {
  return routes->count;
}

const struct stoa_http_route *stoa_http_routes_at(const struct stoa_http_routes *routes, uint32_t index) {
  assert(index < routes->count);
  return routes->items[index];
}

const char *stoa_http_route_method_name(enum stoa_http_route_method method) {
  assert((size_t)method < STOA_COUNT_OF(method_names));
  return method_names[method];
}

bool stoa_http_route_method_of(struct stoa_string name, enum stoa_http_route_method *out_method) {
  for (size_t i = 0; i < STOA_COUNT_OF(method_names); i++) {
    if (stoa_string_equal(name, stoa_string_of(method_names[i]))) {
      *out_method = (enum stoa_http_route_method)i;
      return true;
    }
  }
  return false;
}

/* RFC 9112 2.2: an empty line may stand before the request line. */
struct stoa_string stoa_http_route_method_in(const struct stoa_http_head *head, const uint8_t *data) {
  assert(head->head_len > 0);
  size_t start = data[0] == '\r' ? 2 : 0;
  const uint8_t *end = memchr(data + start, ' ', head->head_len - start);
  assert(end != NULL);
  return stoa_string_make((const char *)data + start, (size_t)(end - data) - start);
}

static int route_compare(const struct stoa_http_route *a, const struct stoa_http_route *b) {
  int order = stoa_http_template_compare(&a->template, &b->template);
  return order != 0 ? order : (int)a->method - (int)b->method;
}

/* The place of the first route that does not go before this one. */
static uint32_t place_of(const struct stoa_http_routes *routes, const struct stoa_http_route *route) {
  uint32_t low = 0;
  uint32_t high = routes->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (route_compare(routes->items[middle], route) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* A route of its own text, which may fail to compile. */
static int route_make(struct stoa_string text, struct stoa_http_route **out_route,
                      struct stoa_http_route_problem *problem) {
  struct stoa_http_route *route = stoa_calloc(1, sizeof *route + text.len + 1);
  if (route == NULL) {
    return STOA_E_MEMORY;
  }
  if (text.len > 0) {
    memcpy(route->text, text.data, text.len);
  }
  problem->error = stoa_http_template_compile(stoa_string_make(route->text, text.len), &route->template, &problem->at);
  if (problem->error != STOA_HTTP_TEMPLATE_OK) {
    stoa_free(route);
    return STOA_E_SYNTAX;
  }
  *out_route = route;
  return STOA_OK;
}

/* Routes with a verb are matched with another path than those without: the two share nothing. */
static void shared_update(struct stoa_http_routes *routes, uint32_t place) {
  if (place >= routes->count) {
    return;
  }
  struct stoa_http_route *route = routes->items[place];
  bool is_first = place == 0 || place == routes->verb_count;
  route->shared = is_first ? 0 : stoa_http_template_shared(&routes->items[place - 1]->template, &route->template);
}

static int route_place(struct stoa_http_routes *routes, struct stoa_http_route *route,
                       struct stoa_http_route_problem *problem) {
  uint32_t place = place_of(routes, route);
  if (place < routes->count && route_compare(routes->items[place], route) == 0) {
    problem->other = routes->items[place];
    return STOA_E_EXISTS;
  }
  int status = stoa_array_reserve(&routes->items, sizeof routes->items[0], &routes->capacity, (size_t)routes->count + 1,
                                  routes->routes_max);
  if (status != STOA_OK) {
    return status;
  }
  memmove(routes->items + place + 1, routes->items + place, (routes->count - place) * sizeof routes->items[0]);
  routes->items[place] = route;
  routes->count++;
  routes->verb_count += route->template.verb.len > 0 ? 1 : 0;
  shared_update(routes, place);
  shared_update(routes, place + 1);
  return STOA_OK;
}

int stoa_http_routes_add(struct stoa_http_routes *routes, enum stoa_http_route_method method, struct stoa_string text,
                         void *context, struct stoa_http_route_problem *out_problem) {
  struct stoa_http_route_problem problem = {.error = STOA_HTTP_TEMPLATE_OK};
  struct stoa_http_route *route = NULL;
  assert((size_t)method < STOA_COUNT_OF(method_names));
  int status = route_make(text, &route, &problem);
  if (status == STOA_OK) {
    route->method = method;
    route->context = context;
    status = route_place(routes, route, &problem);
    if (status != STOA_OK) {
      stoa_free(route);
    }
  }
  if (out_problem != NULL && (status == STOA_E_SYNTAX || status == STOA_E_EXISTS)) {
    *out_problem = problem;
  }
  return status;
}

void stoa_http_routes_remove(struct stoa_http_routes *routes, const void *context) {
  uint32_t kept = 0;
  uint32_t verbs = 0;
  for (uint32_t i = 0; i < routes->count; i++) {
    struct stoa_http_route *route = routes->items[i];
    if (route->context == context) {
      stoa_free(route);
    } else {
      routes->items[kept++] = route;
      verbs += route->template.verb.len > 0 ? 1 : 0;
    }
  }
  routes->count = kept;
  routes->verb_count = verbs;
  for (uint32_t i = 0; i < kept; i++) {
    shared_update(routes, i);
  }
  assert(verbs <= kept);
}

static uint32_t bit_of(enum stoa_http_route_method method) {
  return 1u << method;
}

/* The methods that a route answers. */
static uint32_t methods_of(const struct stoa_http_route *route) {
  switch (route->method) {
    case STOA_HTTP_ROUTE_GET:
      return bit_of(STOA_HTTP_ROUTE_GET) | bit_of(STOA_HTTP_ROUTE_HEAD);
    case STOA_HTTP_ROUTE_ANY:
      return bit_of(STOA_HTTP_ROUTE_ANY) - 1;
    case STOA_HTTP_ROUTE_HEAD:
    case STOA_HTTP_ROUTE_POST:
    case STOA_HTTP_ROUTE_PUT:
    case STOA_HTTP_ROUTE_PATCH:
    case STOA_HTTP_ROUTE_DELETE:
    case STOA_HTTP_ROUTE_OPTIONS:
      return bit_of(route->method);
  }
  return 0;
}

/* A walk through the routes in their order. */
struct walk {
  const struct stoa_http_path *path;
  uint32_t wanted; /* the method's bit, 0 for one that no route has */
  uint32_t allow;
  uint8_t matched; /* leading segments of the last route that match the path */
};

static bool segment_matches(const struct stoa_http_path *path, const struct stoa_http_segment *segment, size_t at) {
  switch (segment->kind) {
    case STOA_HTTP_SEGMENT_LITERAL:
      return at < path->count && stoa_string_equal(segment->literal, path->segments[at].text);
    case STOA_HTTP_SEGMENT_ONE:
      return at < path->count;
    case STOA_HTTP_SEGMENT_REST:
      return true;
  }
  return false;
}

/* True when the route's template matches the path. What it shares with the route before it has been compared. */
static bool template_matches(struct walk *walk, const struct stoa_http_route *route) {
  const struct stoa_http_template *template = &route->template;
  if (route->shared > walk->matched) {
    return false;
  }
  uint8_t at = route->shared;
  while (at < template->segment_count && segment_matches(walk->path, &template->segments[at], at)) {
    at++;
  }
  walk->matched = at;
  if (at < template->segment_count) {
    return false;
  }
  bool takes_rest = at > 0 && template->segments[at - 1].kind == STOA_HTTP_SEGMENT_REST;
  return (takes_rest || walk->path->count == at) && stoa_string_equal(template->verb, walk->path->verb);
}

/* The first route of [first, end) that matches the path and takes the method. The range is all routes with a verb, or
 * all without: only within one of them is `shared` about the same path. */
static const struct stoa_http_route *route_find(struct walk *walk, const struct stoa_http_routes *routes,
                                                uint32_t first, uint32_t end) {
  walk->matched = 0;
  for (uint32_t i = first; i < end; i++) {
    const struct stoa_http_route *route = routes->items[i];
    if (template_matches(walk, route)) {
      uint32_t methods = methods_of(route);
      if ((methods & walk->wanted) != 0) {
        return route;
      }
      walk->allow |= methods;
    }
  }
  return NULL;
}

static void values_write(const struct stoa_http_path *path, const struct stoa_http_route *route, char *text,
                         struct stoa_string *values) {
  const struct stoa_http_template *template = &route->template;
  for (size_t i = 0; i < template->variable_count; i++) {
    const struct stoa_http_variable *variable = &template->variables[i];
    size_t end = (size_t)variable->first + variable->count;
    if (template->segments[end - 1].kind == STOA_HTTP_SEGMENT_REST) {
      end = path->count;
    }
    if (end <= variable->first) {
      values[i] = stoa_string_make(text, 0); /* "**" of no segment */
    } else if (stoa_http_template_is_path(template, variable)) {
      values[i] = stoa_http_path_join(path, variable->first, end - 1, &text);
    } else {
      values[i] = path->segments[variable->first].text;
    }
  }
}

/* First the routes with a verb, for which the last segment ends at its colon; then those to which it is data. */
static const struct stoa_http_route *path_find(const struct stoa_http_routes *routes, struct stoa_http_path *path,
                                               struct walk *walk) {
  const struct stoa_http_route *route = NULL;
  if (path->stem.raw.len > 0) {
    struct stoa_http_path_segment *last = &path->segments[path->count - 1];
    struct stoa_http_path_segment whole = *last;
    *last = path->stem;
    route = route_find(walk, routes, 0, routes->verb_count);
    if (route != NULL) {
      return route;
    }
    *last = whole;
    path->verb = stoa_string_make(NULL, 0);
  }
  return route_find(walk, routes, routes->verb_count, routes->count);
}

int stoa_http_routes_find(const struct stoa_http_routes *routes, struct stoa_string method, struct stoa_string path,
                          char *text, struct stoa_http_match *out_match) {
  struct stoa_http_path cut;
  enum stoa_http_route_method wanted;
  struct walk walk = {.path = &cut};
  int status = stoa_http_path_cut(path, &text, &cut);
  if (status != STOA_OK) {
    return status == STOA_E_SYNTAX ? 400 : 404;
  }
  if (stoa_http_route_method_of(method, &wanted)) {
    walk.wanted = bit_of(wanted); /* that of "*" is in no route's methods */
  }
  const struct stoa_http_route *route = path_find(routes, &cut, &walk);
  if (route == NULL) {
    out_match->allow = walk.allow;
    return walk.allow != 0 ? 405 : 404;
  }
  out_match->route = route;
  values_write(&cut, route, text, out_match->values);
  return 200;
}

size_t stoa_http_allow_write(uint32_t allow, char out[STOA_HTTP_ALLOW_LEN_MAX + 1]) {
  size_t len = 0;
  for (size_t i = 0; i < STOA_HTTP_ROUTE_ANY; i++) {
    if ((allow & bit_of((enum stoa_http_route_method)i)) != 0) {
      size_t name_len = strlen(method_names[i]);
      assert(len + 2 + name_len <= STOA_HTTP_ALLOW_LEN_MAX);
      if (len > 0) {
        memcpy(out + len, ", ", 2);
        len += 2;
      }
      memcpy(out + len, method_names[i], name_len);
      len += name_len;
    }
  }
  out[len] = 0;
  return len;
}
