/* The HTTP routes that handlers bring with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/server.h>

#include "base/array.h"
#include "base/memory.h"
#include "server/server_private.h"
#include "transcode.stoa.h"

static char found[4096];
static struct stoa_server *server;
static int64_t blocks_before;

/* The lines without their time. */
static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  const char *rest = strstr(line.data, "level=");
  (void)context, (void)level;
  assert_non_null(rest);
  size_t len = strlen(found);
  snprintf(found + len, sizeof found - len, "%s\n", rest);
}

static int begin(void **state) {
  (void)state;
  found[0] = '\0';
  stoa_log_setup(STDERR_FILENO, STOA_LOG_WARN, STOA_LOG_LOGFMT);
  stoa_log_set_sink(take_line, NULL);
  blocks_before = stoa_memory_live_blocks();
  const struct stoa_server_config config = {0};
  assert_int_equal(stoa_server_create(&config, &server), STOA_OK);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_server_destroy(server);
  assert_int_equal(stoa_memory_live_blocks(), blocks_before);
  stoa_log_set_sink(NULL, NULL);
  return 0;
}

static const struct stoa_error *invoke(stoa_handler_function function, void *user, struct stoa_session *session,
                                       const void *message, void *reply) {
  (void)function, (void)user, (void)session, (void)message, (void)reply;
  return NULL;
}

static void ignore(void) {}

static struct stoa_handler handler(const char *name, uint32_t type, const struct stoa_http_binding *http,
                                   uint32_t count) {
  return (struct stoa_handler){.name = name,
                               .type = type,
                               .message = &transcode_every_type,
                               .reply = &transcode_inner_type,
                               .invoke = invoke,
                               .function = ignore,
                               .http = http,
                               .http_count = count};
}

static int add(const char *name, uint32_t type, const struct stoa_http_binding *http, uint32_t count) {
  const struct stoa_handler added = handler(name, type, http, count);
  return stoa_server_handle(server, &added);
}

static void routes_are_copied_with_their_handler(void **state) {
  (void)state;
  char path[] = "/v1/{a_string}";
  char body[] = "inner";
  const struct stoa_http_binding http[] = {{"POST", path, body, "size"}, {"*", "/v1/all", NULL, NULL}};
  assert_int_equal(add("Put", 5, http, 2), STOA_OK);
  memset(path, 'x', sizeof path - 1);
  memset(body, 'x', sizeof body - 1);
  const struct stoa_handler *kept = stoa_handler_table_find(&server->handlers, 5);
  assert_int_equal(kept->http_count, 2);
  assert_string_equal(kept->http[0].method, "POST");
  assert_string_equal(kept->http[0].path, "/v1/{a_string}");
  assert_string_equal(kept->http[0].body, "inner");
  assert_string_equal(kept->http[0].response_body, "size");
  assert_null(kept->http[1].body);
  assert_null(kept->http[1].response_body);
  assert_int_equal(server->handler_routes.count, 2);
  const struct stoa_handler_route *const *routes =
      (const struct stoa_handler_route *const *)server->handler_routes.items;
  assert_int_equal(routes[0]->type, 5);
  assert_int_equal(routes[0]->method, STOA_HTTP_ROUTE_POST);
  assert_int_equal(routes[1]->method, STOA_HTTP_ROUTE_ANY);
  assert_ptr_equal(routes[1]->binding, &kept->http[1]);
  assert_int_equal(routes[0]->template.variable_count, 1);
}

static void a_handler_without_routes_has_none(void **state) {
  (void)state;
  assert_int_equal(add("Plain", 5, NULL, 0), STOA_OK);
  const struct stoa_handler *kept = stoa_handler_table_find(&server->handlers, 5);
  assert_null(kept->http);
  assert_int_equal(kept->http_count, 0);
}

static void two_routes_with_the_same_paths_are_refused_with_both_names(void **state) {
  (void)state;
  static const struct stoa_http_binding first = {"GET", "/v1/{a_string}", NULL, NULL};
  static const struct stoa_http_binding same = {"GET", "/v1/{an_int32=*}", NULL, NULL};
  static const struct stoa_http_binding twice[] = {{"GET", "/v2", NULL, NULL}, {"GET", "/v2", NULL, NULL}};
  static const struct stoa_http_binding other = {"PUT", "/v1/{a_string}", NULL, NULL};
  assert_int_equal(add("First", 5, &first, 1), STOA_OK);
  assert_int_equal(add("Second", 6, &same, 1), STOA_E_EXISTS);
  assert_string_equal(found,
                      "level=error event=\"two HTTP routes have the same paths\" handler=Second method=GET "
                      "path=\"/v1/{an_int32=*}\" existing_handler=First existing_path=/v1/{a_string}\n");
  assert_null(stoa_handler_table_find(&server->handlers, 6));
  assert_int_equal(add("Twice", 7, twice, 2), STOA_E_EXISTS);
  assert_int_equal(server->handler_routes.count, 1);
  assert_int_equal(add("Other", 8, &other, 1), STOA_OK);
}

static void routes_of_a_type_that_is_taken_are_not_kept(void **state) {
  (void)state;
  static const struct stoa_http_binding http = {"GET", "/v1", NULL, NULL};
  assert_int_equal(add("First", 5, NULL, 0), STOA_OK);
  assert_int_equal(add("Second", 5, &http, 1), STOA_E_EXISTS);
  assert_int_equal(server->handler_routes.count, 0);
  assert_int_equal(add("Third", 6, &http, 1), STOA_OK);
}

static void a_route_that_is_not_valid_is_refused_and_logged(void **state) {
  (void)state;
  static const struct {
    struct stoa_http_binding http;
    const char *line;
  } bad[] = {
      {{"BREW", "/v1", NULL, NULL}, "method=BREW path=/v1 reason=\"no route can have this method\" detail=BREW"},
      {{"GET", "v1", NULL, NULL}, "method=GET path=v1 reason=\"it does not begin with '/'\" detail=\"at byte 0\""},
      {{"GET", "/{nothing}", NULL, NULL},
       "method=GET path=/{nothing} reason=\"a variable of the path is no field of the request\" detail=nothing"},
      {{"GET", "/v1", "*", NULL}, "method=GET path=/v1 reason=\"a request with this method has no body\" detail=*"},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(bad); i++) {
    char line[512];
    found[0] = '\0';
    assert_int_equal(add("Bad", 5, &bad[i].http, 1), STOA_E_SYNTAX);
    snprintf(line, sizeof line, "level=error event=\"an HTTP route of a handler is not valid\" handler=Bad %s\n",
             bad[i].line);
    assert_string_equal(found, line);
    assert_null(stoa_handler_table_find(&server->handlers, 5));
    assert_int_equal(server->handler_routes.count, 0);
  }
}

static void routes_that_no_call_has_are_an_argument_error(void **state) {
  (void)state;
  static const struct stoa_http_binding http = {"GET", "/v1", NULL, NULL};
  static const struct stoa_http_binding no_path = {"GET", NULL, NULL, NULL};
  struct stoa_handler push = handler("Push", 5, &http, 1);
  push.reply = NULL;
  assert_int_equal(stoa_server_handle(server, &push), STOA_E_ARGUMENT);
  assert_int_equal(add("None", 5, NULL, 1), STOA_E_ARGUMENT);
  assert_int_equal(add("No path", 5, &no_path, 1), STOA_E_ARGUMENT);
}

static void so_many_routes_and_no_more(void **state) {
  (void)state;
  static char paths[STOA_HANDLER_ROUTES_MAX + 1][16];
  static struct stoa_http_binding http[STOA_HANDLER_ROUTES_MAX + 1];
  for (size_t i = 0; i < STOA_COUNT_OF(http); i++) {
    snprintf(paths[i], sizeof paths[i], "/v1/%zu", i);
    http[i] = (struct stoa_http_binding){.method = "GET", .path = paths[i]};
  }
  assert_int_equal(add("Many", 5, http, STOA_HANDLER_ROUTES_MAX + 1), STOA_E_LIMIT);
  assert_int_equal(add("Many", 5, http, STOA_HANDLER_ROUTES_MAX), STOA_OK);
  assert_int_equal(add("More", 6, &http[STOA_HANDLER_ROUTES_MAX], 1), STOA_E_LIMIT);
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  static const struct stoa_http_binding http[] = {{"GET", "/v1", NULL, NULL}, {"PUT", "/v1", "*", NULL}};
  int status = STOA_E_MEMORY;
  for (uint64_t n = 1; status != STOA_OK; n++) {
    assert_true(n < 10);
    stoa_memory_fail_at(n, false);
    status = add("Any", 5, http, 2);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
    assert_int_equal(server->handler_routes.count, status == STOA_OK ? 2 : 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(routes_are_copied_with_their_handler, begin, end),
      cmocka_unit_test_setup_teardown(a_handler_without_routes_has_none, begin, end),
      cmocka_unit_test_setup_teardown(two_routes_with_the_same_paths_are_refused_with_both_names, begin, end),
      cmocka_unit_test_setup_teardown(routes_of_a_type_that_is_taken_are_not_kept, begin, end),
      cmocka_unit_test_setup_teardown(a_route_that_is_not_valid_is_refused_and_logged, begin, end),
      cmocka_unit_test_setup_teardown(routes_that_no_call_has_are_an_argument_error, begin, end),
      cmocka_unit_test_setup_teardown(so_many_routes_and_no_more, begin, end),
      cmocka_unit_test_setup_teardown(every_allocation_fails_once, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
