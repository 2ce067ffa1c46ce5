#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/memory.h"
#include "guard.h"
#include "requests.h"
#include "wire/http_route.h"

#define TEXT_LEN_MAX 4096

/* "GET /a", "* /b" and so on. */
static int add(struct stoa_http_routes *routes, const char *route, struct stoa_http_route_problem *out_problem) {
  const char *blank = strchr(route, ' ');
  enum stoa_http_route_method method;
  assert_true(stoa_http_route_method_of(stoa_string_make(route, (size_t)(blank - route)), &method));
  return stoa_http_routes_add(routes, method, stoa_string_of(blank + 1), NULL, out_problem);
}

static struct stoa_http_routes *table_of(const char *const *list, size_t count) {
  struct stoa_http_routes *routes = stoa_http_routes_create(STOA_HTTP_ROUTES_MAX_DEFAULT);
  assert_non_null(routes);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(add(routes, list[i], NULL), STOA_OK);
  }
  assert_int_equal(stoa_http_routes_count(routes), count);
  return routes;
}

/* The route as it was given to add(). Returns the length. */
static size_t route_write(const struct stoa_http_route *route, char *out, size_t out_size) {
  char method[STOA_HTTP_ALLOW_LEN_MAX + 1] = "*";
  if (route->method != STOA_HTTP_ROUTE_ANY) {
    stoa_http_allow_write(1u << route->method, method);
  }
  return (size_t)snprintf(out, out_size, "%s %.*s", method, (int)route->template.text.len, route->template.text.data);
}

/* The result as text: "GET /a/{b} b=c", "404", or "405 GET, HEAD". */
static void find(const struct stoa_http_routes *routes, const char *method, const char *path, char *out,
                 size_t out_size) {
  char text[2 * TEXT_LEN_MAX];
  struct stoa_http_match match;
  struct guard guard = guard_make(TEXT_LEN_MAX);
  size_t path_len = strlen(path);
  struct stoa_string given = stoa_string_make((char *)guard_copy(&guard, path, path_len), path_len);
  int code = stoa_http_routes_find(routes, stoa_string_of(method), given, text, &match);
  size_t len = 0;
  if (code == 200) {
    const struct stoa_http_template *template = &match.route->template;
    len = route_write(match.route, out, out_size);
    for (size_t i = 0; i < template->variable_count; i++) {
      assert_non_null(match.values[i].data);
      len += (size_t)snprintf(out + len, out_size - len, " %.*s=%.*s", (int)template->variables[i].name.len,
                              template->variables[i].name.data, (int)match.values[i].len, match.values[i].data);
    }
  } else {
    char allow[STOA_HTTP_ALLOW_LEN_MAX + 1] = "";
    if (code == 405) {
      size_t allow_len = stoa_http_allow_write(match.allow, allow);
      assert_int_equal(allow_len, strlen(allow));
    }
    snprintf(out, out_size, "%d%s%s", code, code == 405 ? " " : "", allow);
  }
  guard_free(&guard);
}

struct request_case {
  const char *method;
  const char *path;
  const char *expected;
};

static void expect_all(const struct stoa_http_routes *routes, const struct request_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char text[TEXT_LEN_MAX];
    find(routes, cases[i].method, cases[i].path, text, sizeof text);
    if (strcmp(text, cases[i].expected) != 0) {
      fail_msg("%s %s: got %s", cases[i].method, cases[i].path, text);
    }
  }
}

static void a_path_leads_to_its_route_with_its_variables(void **state) {
  static const char *const list[] = {
      "GET /",
      "GET /v1/rooms",
      "GET /v1/rooms/{room}",
      "GET /v1/rooms/mine",
      "GET /v1/rooms/{room}/messages/{id=*}",
      "GET /v2/{name=rooms/*}",
      "GET /v2/{name=rooms/*}/{rest=**}",
      "POST /v1/rooms/{room}:archive",
      "POST /v1/{all=**}:purge",
      "GET /files/{path=**}",
      "GET /files/index",
      "GET /x/{a=lit}/{b}",
  };
  static const struct request_case cases[] = {
      {"GET", "/", "GET /"},
      {"GET", "/v1/rooms", "GET /v1/rooms"},
      {"GET", "/v1/rooms/5", "GET /v1/rooms/{room} room=5"},
      {"GET", "/v1/rooms/mine", "GET /v1/rooms/mine"},
      {"GET", "/v1/rooms/min%65", "GET /v1/rooms/mine"},
      {"GET", "/v1/rooms/mine/messages/7", "GET /v1/rooms/{room}/messages/{id=*} room=mine id=7"},
      {"GET", "/v1/rooms/a%20b%2Fc", "GET /v1/rooms/{room} room=a b/c"},
      {"GET", "/v1/rooms/a+b", "GET /v1/rooms/{room} room=a+b"},
      {"GET", "/v1/rooms/%C3%A4%25", "GET /v1/rooms/{room} room=\xc3\xa4%"},
      {"GET", "/v1/rooms/5:archive", "GET /v1/rooms/{room} room=5:archive"},
      {"POST", "/v1/rooms/5:archive", "POST /v1/rooms/{room}:archive room=5"},
      {"POST", "/v1/rooms/a:b:archive", "POST /v1/rooms/{room}:archive room=a:b"},
      {"POST", "/v1/rooms/5%3Aarchive", "405 HEAD, GET"},
      {"POST", "/v1/rooms/5:arch%69ve", "POST /v1/rooms/{room}:archive room=5"},
      {"POST", "/v1/rooms/:archive", "405 HEAD, GET"},
      {"POST", "/v1/a/b:purge", "POST /v1/{all=**}:purge all=a/b"},
      {"POST", "/v1:purge", "POST /v1/{all=**}:purge all="},
      {"GET", "/v2/rooms/5", "GET /v2/{name=rooms/*} name=rooms/5"},
      {"GET", "/v2/rooms/a%2Fb%20c", "GET /v2/{name=rooms/*} name=rooms/a%2Fb c"},
      {"GET", "/v2/rooms/a%2fb%2F/x%2fy/z", "GET /v2/{name=rooms/*}/{rest=**} name=rooms/a%2fb%2F rest=x%2fy/z"},
      {"GET", "/files", "GET /files/{path=**} path="},
      {"GET", "/files/a/b/c", "GET /files/{path=**} path=a/b/c"},
      {"GET", "/files/index", "GET /files/index"},
      {"GET", "/files/index/x", "GET /files/{path=**} path=index/x"},
      {"GET", "/x/lit/1", "GET /x/{a=lit}/{b} a=lit b=1"},
      {"GET", "/x/other/1", "404"},
      {"GET", "/v1", "404"},
      {"GET", "/v1/rooms/", "404"},
      {"GET", "/v1//rooms", "404"},
      {"GET", "//v1/rooms", "404"},
      {"GET", "/files/a//b", "404"},
      {"GET", "/V1/rooms", "404"},
      {"GET", "/v1/rooms/5/messages", "404"},
      {"GET", "/v1/rooms/5/messages/7/x", "404"},
      {"GET", "", "404"},
      {"OPTIONS", "*", "404"},
  };
  (void)state;
  struct stoa_http_routes *routes = table_of(list, STOA_COUNT_OF(list));
  expect_all(routes, cases, STOA_COUNT_OF(cases));
  stoa_http_routes_destroy(routes);
}

static void the_method_decides_after_the_path(void **state) {
  static const char *const list[] = {
      "GET /a",      "POST /a",       "DELETE /b",      "* /b",   "GET /c/special", "POST /c/{id}",
      "PUT /c/{id}", "GET /h/{name}", "HEAD /h/{head}", "* /any", "OPTIONS /o",     "PATCH /o",
  };
  static const struct request_case cases[] = {
      {"GET", "/a", "GET /a"},
      {"HEAD", "/a", "GET /a"},
      {"POST", "/a", "POST /a"},
      {"PUT", "/a", "405 HEAD, GET, POST"},
      {"CONNECT", "/a", "405 HEAD, GET, POST"},
      {"get", "/a", "405 HEAD, GET, POST"},
      {"*", "/a", "405 HEAD, GET, POST"},
      {"DELETE", "/b", "DELETE /b"},
      {"PUT", "/b", "* /b"},
      {"TRACE", "/any", "405 HEAD, GET, POST, PUT, PATCH, DELETE, OPTIONS"},
      {"*", "/any", "405 HEAD, GET, POST, PUT, PATCH, DELETE, OPTIONS"},
      {"GET", "/c/special", "GET /c/special"},
      {"POST", "/c/special", "POST /c/{id} id=special"},
      {"DELETE", "/c/special", "405 HEAD, GET, POST, PUT"},
      {"GET", "/c/5", "405 POST, PUT"},
      {"HEAD", "/h/x", "HEAD /h/{head} head=x"},
      {"GET", "/h/x", "GET /h/{name} name=x"},
      {"GET", "/o", "405 PATCH, OPTIONS"},
      {"CONNECT", "/none", "404"},
  };
  (void)state;
  struct stoa_http_routes *routes = table_of(list, STOA_COUNT_OF(list));
  expect_all(routes, cases, STOA_COUNT_OF(cases));
  stoa_http_routes_destroy(routes);
}

static void routes_with_and_without_a_verb_share_their_prefix(void **state) {
  static const char *const lists[][2] = {{"GET /a/{b}:v", "GET /a/{b}"}, {"GET /a/{b}", "GET /a/{b}:v"}};
  static const struct request_case cases[] = {
      {"GET", "/a/5", "GET /a/{b} b=5"},
      {"GET", "/a/5:v", "GET /a/{b}:v b=5"},
      {"GET", "/a/5:w", "GET /a/{b} b=5:w"},
      {"GET", "/b/5:v", "404"},
  };
  (void)state;
  for (size_t i = 0; i < STOA_COUNT_OF(lists); i++) {
    struct stoa_http_routes *routes = table_of(lists[i], STOA_COUNT_OF(lists[i]));
    expect_all(routes, cases, STOA_COUNT_OF(cases));
    stoa_http_routes_destroy(routes);
  }
}

static void hostile_paths_are_400(void **state) {
  static const char *const list[] = {"GET /{a}", "GET /x/{b=**}", "GET /{c}:verb"};
  static const char *const paths[] = {
      "/%",     "/%2",           "/%zz",         "/%00",        "/a%0d%0aX:", "/%7f",     "/%5c",         "/a\\b",
      "/%ff",   "/%c0%ae",       "/%ed%a0%80",   "/.",          "/..",        "/%2e%2E",  "/x/../a",      "/x/a/..",
      "/x/./a", "/..%2fa",       "/a%2f..",      "/a%2F..%2fb", "/a%2f.",     "/..:verb", "/a%2f..:verb", "/%zz:verb",
      "/a:%zz", "/x/%2e%2e/b:c", "/nowhere/a/%", "/\x01",
  };
  (void)state;
  struct stoa_http_routes *routes = table_of(list, STOA_COUNT_OF(list));
  for (size_t i = 0; i < STOA_COUNT_OF(paths); i++) {
    const struct request_case request = {"GET", paths[i], "400"};
    expect_all(routes, &request, 1);
  }
  stoa_http_routes_destroy(routes);
}

static void a_path_has_at_most_64_segments(void **state) {
  static const char *const list[] = {"GET /**"};
  char path[2 * 65 + 1] = "";
  char text[256];
  (void)state;
  struct stoa_http_routes *routes = table_of(list, STOA_COUNT_OF(list));
  for (size_t i = 0; i < 65; i++) {
    memcpy(path + 2 * i, "/a", 3);
  }
  find(routes, "GET", path, text, sizeof text);
  assert_string_equal(text, "404");
  path[2 * 64] = 0;
  find(routes, "GET", path, text, sizeof text);
  assert_string_equal(text, "GET /**");
  stoa_http_routes_destroy(routes);
}

static void routes_that_conflict_are_refused(void **state) {
  static const char *const list[] = {"GET /v1/{name=rooms/*}", "GET /v1/*/x", "GET /a:b"};
  static const char *const conflicts[] = {"GET /v1/rooms/{id}", "GET /v1/{other}/x", "GET /a:b"};
  static const char *const others[] = {"POST /v1/rooms/{id}", "* /v1/rooms/{id}", "GET /v1/rooms/x", "GET /a",
                                       "GET /a:c"};
  struct stoa_http_route_problem problem;
  (void)state;
  struct stoa_http_routes *routes = table_of(list, STOA_COUNT_OF(list));
  for (size_t i = 0; i < STOA_COUNT_OF(conflicts); i++) {
    assert_int_equal(add(routes, conflicts[i], &problem), STOA_E_EXISTS);
    char other[64];
    route_write(problem.other, other, sizeof other);
    assert_string_equal(other, list[i]);
    assert_int_equal(add(routes, conflicts[i], NULL), STOA_E_EXISTS);
  }
  assert_int_equal(stoa_http_routes_count(routes), STOA_COUNT_OF(list));
  for (size_t i = 0; i < STOA_COUNT_OF(others); i++) {
    assert_int_equal(add(routes, others[i], &problem), STOA_OK);
  }
  stoa_http_routes_destroy(routes);
}

static void a_bad_template_is_refused_with_its_place(void **state) {
  struct stoa_http_route_problem problem;
  (void)state;
  struct stoa_http_routes *routes = stoa_http_routes_create(1);
  assert_int_equal(add(routes, "GET /a/{b", &problem), STOA_E_SYNTAX);
  assert_int_equal(problem.error, STOA_HTTP_TEMPLATE_OPEN);
  assert_int_equal(problem.at, 5);
  assert_int_equal(add(routes, "GET ", NULL), STOA_E_SYNTAX);
  assert_int_equal(stoa_http_routes_count(routes), 0);
  stoa_http_routes_destroy(routes);
}

static void an_empty_table_has_no_route(void **state) {
  static const struct request_case cases[] = {{"GET", "/", "404"}, {"GET", "/a:b", "404"}};
  (void)state;
  struct stoa_http_routes *routes = stoa_http_routes_create(0);
  expect_all(routes, cases, STOA_COUNT_OF(cases));
  stoa_http_routes_destroy(routes);
}

static void a_full_table_refuses_routes(void **state) {
  (void)state;
  struct stoa_http_routes *routes = stoa_http_routes_create(1);
  assert_int_equal(add(routes, "GET /a", NULL), STOA_OK);
  assert_int_equal(add(routes, "GET /b", NULL), STOA_E_LIMIT);
  const struct request_case cases[] = {{"GET", "/a", "GET /a"}, {"GET", "/b", "404"}};
  expect_all(routes, cases, STOA_COUNT_OF(cases));
  stoa_http_routes_destroy(routes);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  int64_t before = stoa_memory_live_blocks();
  int status = STOA_E_MEMORY;
  for (uint64_t n = 1; status == STOA_E_MEMORY; n++) {
    stoa_memory_fail_at(n, false);
    struct stoa_http_routes *routes = stoa_http_routes_create(1);
    if (routes != NULL) {
      status = add(routes, "GET /a", NULL);
      assert_int_equal(stoa_http_routes_count(routes), status == STOA_OK ? 1 : 0);
    }
    stoa_memory_fail_at(0, false);
    stoa_http_routes_destroy(routes);
    assert_int_equal(stoa_memory_live_blocks(), before);
    assert_true(n <= 4);
  }
  assert_int_equal(status, STOA_OK);
  stoa_http_routes_destroy(NULL);
}

/* Whether a template of single letters and wildcards matches a path of letters, found in the plainest way. */
static bool plain_match(const char *template, const char *path) {
  while (*template == '/') {
    template ++;
    if (strcmp(template, "**") == 0) {
      return true;
    }
    if (*path++ != '/' || (*template != '*' && *template != *path)) {
      return false;
    }
    template ++;
    path++;
  }
  return *path == 0;
}

/* The template so that strcmp() orders by precedence: letters, then '|' for "*", then '~' for "**". */
static void sort_key(const char *template, char *out) {
  for (; *template != 0; template ++) {
    if (template[0] == '*') {
      bool is_rest = template[1] == '*';
      *out++ = is_rest ? '~' : '|';
      template += is_rest ? 1 : 0;
    } else if (*template != '/') {
      *out++ = *template;
    }
  }
  *out = 0;
}

/* All templates of up to three of these segments, and paths of up to four. */
static size_t all_of(const char *const *segments, size_t count, size_t depth, char (*out)[16]) {
  size_t total = 0;
  size_t level_start = 0;
  out[total++][0] = 0;
  for (size_t level = 0; level < depth; level++) {
    size_t level_end = total;
    for (size_t i = level_start; i < level_end; i++) {
      for (size_t j = 0; j < count && strstr(out[i], "**") == NULL; j++) {
        snprintf(out[total++], 16, "%.9s/%s", out[i], segments[j]);
      }
    }
    level_start = level_end;
  }
  return total;
}

static void the_first_by_precedence_of_all_that_match_is_found(void **state) {
  static const char *const template_segments[] = {"a", "b", "*", "**"};
  static const char *const path_segments[] = {"a", "b", "c"};
  static char templates[64][16];
  static char paths[128][16];
  (void)state;
  size_t template_count = all_of(template_segments, 4, 3, templates);
  size_t path_count = all_of(path_segments, 3, 4, paths);
  /* Every subset by a step through the list, so that routes are also missing where others share their prefix. */
  for (size_t step = 1; step < 12; step++) {
    struct stoa_http_routes *routes = stoa_http_routes_create(STOA_HTTP_ROUTES_MAX_DEFAULT);
    for (size_t i = template_count; i-- > 1;) {
      if (i % step == 0) {
        assert_int_equal(
            stoa_http_routes_add(routes, STOA_HTTP_ROUTE_GET, stoa_string_of(templates[i]), templates[i], NULL),
            STOA_OK);
      }
    }
    for (size_t p = 1; p < path_count; p++) {
      char best[32] = "404";
      char best_key[16] = "\x7f";
      for (size_t i = 1; i < template_count; i++) {
        char key[16];
        sort_key(templates[i], key);
        if (i % step == 0 && plain_match(templates[i], paths[p]) && strcmp(key, best_key) < 0) {
          snprintf(best, sizeof best, "GET %s", templates[i]);
          memcpy(best_key, key, sizeof key);
        }
      }
      const struct request_case request = {"GET", paths[p], best};
      expect_all(routes, &request, 1);
    }
    stoa_http_routes_destroy(routes);
  }
}

static void a_match_gives_back_the_context_and_the_table_keeps_the_text(void **state) {
  char template[] = "/a/{b}";
  char text[16];
  int context = 0;
  struct stoa_http_match match;
  (void)state;
  struct stoa_http_routes *routes = stoa_http_routes_create(1);
  assert_int_equal(stoa_http_routes_add(routes, STOA_HTTP_ROUTE_PUT, stoa_string_of(template), &context, NULL),
                   STOA_OK);
  memset(template, '!', sizeof template);
  assert_int_equal(stoa_http_routes_find(routes, stoa_string_of("PUT"), stoa_string_of("/a/c"), text, &match), 200);
  assert_ptr_equal(match.route->context, &context);
  assert_true(stoa_string_equal(match.route->template.variables[0].name, stoa_string_of("b")));
  stoa_http_routes_destroy(routes);
}

static void the_method_of_a_head_is_found(void **state) {
  static const char *const heads[][2] = {
      {"PATCH /a HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH"},
      {"\r\nDELETE http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET"},
  };
  (void)state;
  for (size_t i = 0; i < STOA_COUNT_OF(heads); i++) {
    struct stoa_http_head head;
    const uint8_t *data = (const uint8_t *)heads[i][0];
    stoa_http_head_init(&head);
    assert_int_not_equal(stoa_http_head_parse(&head, &default_limits, data, strlen(heads[i][0])), 0);
    assert_true(stoa_string_equal(stoa_http_route_method_in(&head, data), stoa_string_of(heads[i][1])));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_leads_to_its_route_with_its_variables),
      cmocka_unit_test(the_method_decides_after_the_path),
      cmocka_unit_test(routes_with_and_without_a_verb_share_their_prefix),
      cmocka_unit_test(hostile_paths_are_400),
      cmocka_unit_test(a_path_has_at_most_64_segments),
      cmocka_unit_test(routes_that_conflict_are_refused),
      cmocka_unit_test(a_bad_template_is_refused_with_its_place),
      cmocka_unit_test(an_empty_table_has_no_route),
      cmocka_unit_test(a_full_table_refuses_routes),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(the_first_by_precedence_of_all_that_match_is_found),
      cmocka_unit_test(a_match_gives_back_the_context_and_the_table_keeps_the_text),
      cmocka_unit_test(the_method_of_a_head_is_found),
  };
  return cmocka_run_group_tests_name("HTTP routes", tests, NULL, NULL);
}
