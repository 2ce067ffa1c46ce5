/* Templates, a line each, then a path: the table finds a route exactly when one of its templates alone would be found,
 * and of those the first one by precedence; values are what a handler may take. The first letter of a line is the
 * method: P for POST, A for any, otherwise GET. */
#include <string.h>

#include "base/utf8.h"
#include "must.h"
#include "wire/http_query.h"
#include "wire/http_route.h"

#define TEXT_BYTES_MAX 4096
#define ROUTES_MAX 24

static char text[2 * TEXT_BYTES_MAX];
static char single_text[2 * TEXT_BYTES_MAX];

struct routes {
  struct stoa_http_routes *all;
  struct stoa_http_routes *single[ROUTES_MAX];
  size_t count;
};

static enum stoa_http_route_method method_of(char letter) {
  return letter == 'P' ? STOA_HTTP_ROUTE_POST : letter == 'A' ? STOA_HTTP_ROUTE_ANY : STOA_HTTP_ROUTE_GET;
}

static void route_add(struct routes *routes, struct stoa_string line) {
  struct stoa_http_route_problem problem = {.error = STOA_HTTP_TEMPLATE_OK};
  if (line.len == 0) {
    return;
  }
  enum stoa_http_route_method method = method_of(line.data[0]);
  struct stoa_string template = stoa_string_make(line.data + 1, line.len - 1);
  int status = stoa_http_routes_add(routes->all, method, template, NULL, &problem);
  must(status != STOA_E_SYNTAX || (problem.error != STOA_HTTP_TEMPLATE_OK && problem.at <= template.len));
  must(status != STOA_E_EXISTS || problem.other->method == method);
  if (status == STOA_OK) {
    struct stoa_http_routes *single = stoa_http_routes_create(1);
    must(single != NULL && stoa_http_routes_add(single, method, template, NULL, NULL) == STOA_OK);
    routes->single[routes->count++] = single;
  }
}

static void values_make_sense(const struct stoa_http_match *match, const char *from, size_t path_len) {
  for (size_t i = 0; i < match->route->template.variable_count; i++) {
    struct stoa_string value = match->values[i];
    must(value.data >= from && value.data + value.len <= from + 2 * path_len);
    must(stoa_utf8_valid(value.data, value.len) && memchr(value.data, 0, value.len) == NULL);
    must(memchr(value.data, '\\', value.len) == NULL && memmem(value.data, value.len, "/../", 4) == NULL);
    must(!(value.len == 2 && memcmp(value.data, "..", 2) == 0));
  }
}

static void path_find(const struct routes *routes, struct stoa_string path) {
  struct stoa_string get = STOA_STR("GET");
  struct stoa_http_match match;
  const struct stoa_http_route *best = NULL; /* of the routes found alone */
  uint32_t allow = 0;
  int code = stoa_http_routes_find(routes->all, get, path, text, &match);
  must(code == 200 || code == 400 || code == 404 || code == 405);
  for (size_t i = 0; i < routes->count; i++) {
    struct stoa_http_match single;
    int single_code = stoa_http_routes_find(routes->single[i], get, path, single_text, &single);
    must((single_code == 400) == (code == 400));
    allow |= single_code == 405 ? single.allow : 0;
    if (single_code == 200) {
      must(code == 200);
      int order = best == NULL ? -1 : stoa_http_template_compare(&single.route->template, &best->template);
      if (order < 0 || (order == 0 && single.route->method < best->method)) {
        best = single.route;
      }
    }
  }
  must((code == 200) == (best != NULL));
  must(code != 405 || match.allow == allow);
  must(code != 404 || allow == 0);
  if (code == 200) {
    must(stoa_http_template_compare(&match.route->template, &best->template) == 0);
    must(match.route->method == best->method);
    values_make_sense(&match, text, path.len);
  }
}

static void query_is_parsed(struct stoa_string query) {
  struct stoa_http_query parsed;
  struct stoa_arena *arena = stoa_arena_create((size_t)1 << 20);
  must(arena != NULL);
  int status = stoa_http_query_parse(query, 20, arena, &parsed);
  must(status == STOA_OK || status == STOA_E_SYNTAX || status == STOA_E_UTF8 || status == STOA_E_LIMIT);
  for (size_t i = 0; status == STOA_OK && i < parsed.count; i++) {
    struct stoa_string name = parsed.pairs[i].name;
    struct stoa_string value = parsed.pairs[i].value;
    must(stoa_utf8_valid(name.data, name.len) && stoa_utf8_valid(value.data, value.len));
    must(memchr(name.data, 0, name.len) == NULL && memchr(value.data, 0, value.len) == NULL);
    must(stoa_http_query_find(&parsed, name, NULL).data != NULL);
  }
  stoa_arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct routes routes = {.all = stoa_http_routes_create(ROUTES_MAX)};
  must(routes.all != NULL);
  struct stoa_string rest = stoa_string_make((const char *)data, len < TEXT_BYTES_MAX ? len : TEXT_BYTES_MAX);
  const char *line_end;
  while ((line_end = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL) != NULL) {
    size_t line_len = (size_t)(line_end - rest.data);
    route_add(&routes, stoa_string_make(rest.data, line_len));
    rest = stoa_string_make(line_end + 1, rest.len - line_len - 1);
  }
  must(stoa_http_routes_count(routes.all) == routes.count);
  path_find(&routes, rest);
  query_is_parsed(rest);
  for (size_t i = 0; i < routes.count; i++) {
    stoa_http_routes_destroy(routes.single[i]);
  }
  stoa_http_routes_destroy(routes.all);
  return 0;
}
