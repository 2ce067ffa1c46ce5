/* The listener for operators: where it may be, its key, health and readiness, and requests of foreign pages; and what
 * public routes answer to pages of other origins. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "routing.h"

static struct fixture fixture;
static const char *admin;

static void begin_with(struct stoa_server_config *config, const struct stoa_admin_config *admin_config) {
  config->admin = admin_config;
  routes_start(&fixture, config);
  admin = stoa_server_address(fixture.server, 1);
}

static int begin(void **state) {
  static const struct stoa_admin_config config = {.address = STOA_STR("127.0.0.1:0")};
  (void)state;
  begin_with(fixture_config(1), &config);
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_stop(&fixture);
  return 0;
}

static int status_of(const struct stoa_server_config *config) {
  struct stoa_server *server = NULL;
  int64_t before = stoa_memory_live_blocks();
  int status = stoa_server_create(config, &server);
  stoa_server_destroy(server);
  assert_int_equal(stoa_memory_live_blocks(), before);
  return status;
}

static int status_of_admin(const struct stoa_admin_config *admin_config) {
  struct stoa_server_config *config = fixture_config(1);
  config->admin = admin_config;
  return status_of(config);
}

static void test_the_admin_listener_serves_its_own_routes_only(void **state) {
  (void)state;
  assert_string_equal(http_request(admin, "GET", "/operators", NULL, NULL)->body, "admin");
  assert_string_equal(http_request(admin, "GET", "/both", NULL, NULL)->body, "both");
  assert_string_equal(http_request(fixture.address, "GET", "/both", NULL, NULL)->body, "both");
  assert_int_equal(http_request(admin, "GET", "/rooms/a", NULL, NULL)->status, 404);
  assert_int_equal(http_request(admin, "GET", "/", NULL, NULL)->status, 200);
  assert_int_equal(http_request(admin, "POST", "/none", NULL, "x")->status, 405);
  assert_int_equal(http_request(fixture.address, "GET", "/healthz", NULL, NULL)->status, 404);
  struct client client;
  client_connect(&client, admin);
  assert_int_equal(client_upgrade(&client, "/", NULL, NULL), 404);
  client_close(&client);
}

static const char *disk_reason;

static const char *check_disk(void *user) {
  assert_ptr_equal(user, &disk_reason);
  return disk_reason;
}

static void test_ready_names_each_check_and_health_none(void **state) {
  (void)state;
  static const struct stoa_admin_config admin_config = {.address = STOA_STR("127.0.0.1:0")};
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_server *server;
  config->admin = &admin_config;
  assert_int_equal(stoa_server_create(config, &server), STOA_OK);
  assert_int_equal(stoa_server_add_check(server, "disk", check_disk, &disk_reason), STOA_OK);
  assert_int_equal(stoa_server_add_check(server, "disk", check_disk, &disk_reason), STOA_E_EXISTS);
  assert_int_equal(stoa_server_add_check(server, "server", check_disk, &disk_reason), STOA_E_EXISTS);
  assert_int_equal(stoa_server_add_check(server, "workers", check_disk, &disk_reason), STOA_E_EXISTS);
  assert_int_equal(stoa_server_add_check(server, "", check_disk, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_add_check(server, "a b", check_disk, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_add_check(server, "x", NULL, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_start(server), STOA_OK);
  const char *address = stoa_server_address(server, 1);
  assert_string_equal(http_request(address, "GET", "/readyz", NULL, NULL)->body, "server: ok\nworkers: ok\ndisk: ok\n");
  disk_reason = "full\nserver: ok";
  const struct http_answer *got = http_request(address, "GET", "/readyz", NULL, NULL);
  assert_int_equal(got->status, 503);
  assert_string_equal(got->body, "server: ok\nworkers: ok\ndisk: full server: ok\n");
  disk_reason = NULL;
  got = http_request(address, "GET", "/healthz", NULL, NULL);
  assert_int_equal(got->status, 200);
  assert_string_equal(got->body, "ok\n");
  stoa_server_destroy(server);
}

static void test_there_are_64_checks_at_most(void **state) {
  (void)state;
  struct stoa_server *server;
  int status = STOA_OK;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  for (unsigned i = 0; i < 64; i++) {
    char name[16];
    snprintf(name, sizeof name, "check-%u", i);
    assert_int_equal(stoa_server_add_check(server, name, check_disk, NULL), STOA_OK);
  }
  status = stoa_server_add_check(server, "one-more", check_disk, NULL);
  assert_int_equal(status, STOA_E_LIMIT);
  stoa_server_destroy(server);
}

static void test_a_draining_server_is_not_ready(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, admin);
  http_send(&client, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 404);
  /* The head is incomplete when the drain begins, so the connection is still there for the rest. */
  struct client busy;
  client_connect(&busy, fixture.address);
  http_send(&busy, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  struct stoa_http_exchange *exchange = routes_take();
  client_close(&client);
  client_connect(&client, admin);
  http_send(&client,
            "POST /operators HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  assert_int_equal(http_read_head(&client)->status, 100);
  stoa_server_drain(fixture.server);
  /* What was begun is answered, and says that nothing follows. */
  http_send(&client, "{}");
  const struct http_answer *got = http_read(&client);
  assert_int_equal(got->status, 200);
  stoa_http_drop(exchange);
  assert_int_equal(http_read(&busy)->status, 500);
  client_close(&busy);
  client_close(&client);
}

static void test_requests_of_foreign_pages_are_refused(void **state) {
  (void)state;
  static const char *const refused[] = {
      "Host: localhost\r\nOrigin: https://evil.example\r\n",
      "Host: localhost\r\nOrigin: null\r\n",
      "Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://localhost\r\n",
      "Host: evil.example\r\n",
      "Host: evil.example:8800\r\nOrigin: http://evil.example:8800\r\n",
      "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n",
      "Host: 127.0.0.1\r\nSec-Fetch-Site: same-site\r\n",
  };
  static const char *const allowed[] = {
      "Host: localhost\r\n",
      "Host: 127.0.0.1:8800\r\nSec-Fetch-Site: none\r\n",
      "Host: 127.0.0.1:8800\r\nOrigin: http://127.0.0.1:8800\r\nSec-Fetch-Site: same-origin\r\n",
  };
  char request[512];
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\n%s\r\n", refused[i]);
    assert_int_equal(http_ask(admin, request)->status, 403);
  }
  for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
    snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\n%s\r\n", allowed[i]);
    assert_int_equal(http_ask(admin, request)->status, 200);
  }
  /* A form cannot say that it is JSON. */
  assert_int_equal(http_request(admin, "POST", "/operators", "Content-Type: text/plain\r\n", "{}")->status, 415);
  assert_int_equal(http_request(admin, "POST", "/operators", "Content-Type: application/json\r\n", "{}")->status, 200);
}

static void test_with_a_key_only_health_goes_without_it(void **state) {
  (void)state;
  static const struct stoa_admin_config with_key = {.address = STOA_STR("127.0.0.1:0"), .key = STOA_STR(ROUTES_KEY)};
  begin_with(fixture_config(1), &with_key);
  assert_int_equal(http_request(admin, "GET", "/healthz", NULL, NULL)->status, 200);
  assert_int_equal(http_request(admin, "GET", "/readyz", NULL, NULL)->status, 200);
  assert_int_equal(http_request(admin, "GET", "/operators", NULL, NULL)->status, 401);
  assert_int_equal(http_request(admin, "GET", "/both", NULL, NULL)->status, 401);
  assert_int_equal(http_request(fixture.address, "GET", "/both", NULL, NULL)->status, 200);
  assert_int_equal(http_request(admin, "GET", "/operators", "Authorization: Bearer " ROUTES_KEY "\r\n", NULL)->status,
                   200);
  fixture_stop(&fixture);
}

static void write_key(const char *path, const char *text, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  assert_int_equal(fchmod(fd, mode), 0);
  close(fd);
}

static void test_keys_that_are_short_or_that_others_can_read_are_refused(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-key-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  struct stoa_admin_config config = {.address = STOA_STR("127.0.0.1:0"), .key_file = stoa_string_of(path)};
  write_key(path, ROUTES_KEY "\n", 0600);
  assert_int_equal(status_of_admin(&config), STOA_OK);
  write_key(path, ROUTES_KEY "\n", 0640);
  assert_int_equal(status_of_admin(&config), STOA_OK);
  write_key(path, ROUTES_KEY "\n", 0644);
  assert_int_equal(status_of_admin(&config), STOA_E_DENIED);
  write_key(path, ROUTES_KEY "\n", 0602);
  assert_int_equal(status_of_admin(&config), STOA_E_DENIED);
  write_key(path, "0123456789abcdef0123456789abcde\n", 0600);
  assert_int_equal(status_of_admin(&config), STOA_E_ARGUMENT);
  write_key(path, "0123456789abcdef 0123456789abcdef\n", 0600);
  assert_int_equal(status_of_admin(&config), STOA_E_ARGUMENT);
  config.key = stoa_string_of(ROUTES_KEY);
  assert_int_equal(status_of_admin(&config), STOA_E_ARGUMENT);
  config.key_file = stoa_string_of("");
  config.key = stoa_string_of("short");
  assert_int_equal(status_of_admin(&config), STOA_E_ARGUMENT);
  config.key = stoa_string_of("");
  config.key_file = stoa_string_of("/nonexistent/key");
  assert_int_equal(status_of_admin(&config), STOA_E_NOT_FOUND);
  unlink(path);
}

static void test_without_a_key_it_is_only_on_loopback_and_unix_sockets(void **state) {
  (void)state;
  static const struct {
    const char *address;
    int status;
  } cases[] = {{"127.0.0.1:0", STOA_OK},
               {"[::1]:0", STOA_OK},
               {"unix:/tmp/stoa-admin-test.sock", STOA_OK},
               {"off", STOA_OK},
               {"", STOA_OK},
               {"0.0.0.0:0", STOA_E_ARGUMENT},
               {":0", STOA_E_ARGUMENT},
               {"[::]:0", STOA_E_ARGUMENT},
               {"192.0.2.1:0", STOA_E_ARGUMENT},
               {"nonsense", STOA_E_ARGUMENT}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct stoa_admin_config config = {.address = stoa_string_of(cases[i].address)};
    assert_int_equal(status_of_admin(&config), cases[i].status);
  }
  const struct stoa_admin_config with_key = {.address = STOA_STR("0.0.0.0:0"), .key = STOA_STR(ROUTES_KEY)};
  assert_int_equal(status_of_admin(&with_key), STOA_OK);
  /* The same for listeners with that role. */
  const struct stoa_listener_config listeners[] = {
      {.address = STOA_STR("127.0.0.1:0")},
      {.address = STOA_STR("0.0.0.0:0"), .role = STOA_LISTENER_CONFIG_ROLE_ADMIN}};
  struct stoa_server_config *config = fixture_config(1);
  config->addresses.count = 0;
  config->listeners.items = listeners;
  config->listeners.count = 2;
  assert_int_equal(status_of(config), STOA_E_ARGUMENT);
}

static const struct stoa_string origins[] = {STOA_STR("https://app.example"), STOA_STR("http://127.0.0.1:3000")};
static const struct stoa_string star[] = {STOA_STR("*")};

static void begin_cors(const struct stoa_cors_config *cors) {
  struct stoa_server_config *config = fixture_config(1);
  config->cors = cors;
  routes_start(&fixture, config);
}

static const struct http_answer *ask(const char *method, const char *target, const char *fields) {
  return http_request(fixture.address, method, target, fields, NULL);
}

#define PREFLIGHT "Access-Control-Request-Method: PUT\r\n"

static void test_pages_of_listed_origins_may_use_routes(void **state) {
  (void)state;
  const struct stoa_cors_config cors = {.allowed_origins = {origins, 2}, .credentials = true};
  begin_cors(&cors);
  const struct http_answer *got = ask("OPTIONS", "/rooms/a", "Origin: https://app.example\r\n" PREFLIGHT);
  assert_int_equal(got->status, 204);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "https://app.example");
  assert_string_equal(http_field("Access-Control-Allow-Methods"), "HEAD, GET, PUT");
  assert_string_equal(http_field("Access-Control-Allow-Headers"), "Authorization, Content-Type");
  assert_string_equal(http_field("Access-Control-Allow-Credentials"), "true");
  assert_string_equal(http_field("Access-Control-Max-Age"), "600");
  assert_string_equal(http_field("Vary"), "Origin");
  assert_int_equal(ask("GET", "/rooms/a", "Origin: http://127.0.0.1:3000\r\n")->status, 200);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "http://127.0.0.1:3000");
  /* Refusals are readable too. */
  assert_int_equal(ask("DELETE", "/rooms/a", "Origin: https://app.example\r\n")->status, 405);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "https://app.example");
  fixture_stop(&fixture);
}

static void test_pages_of_other_origins_get_no_permission(void **state) {
  (void)state;
  static const char *const others[] = {"https://app.example.evil",
                                       "http://app.example",
                                       "https://app.example:8443",
                                       "https://xapp.example",
                                       "null",
                                       "*"};
  const struct stoa_cors_config cors = {.allowed_origins = {origins, 2}};
  begin_cors(&cors);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, "Origin: %s\r\n" PREFLIGHT, others[i]);
    assert_int_equal(ask("OPTIONS", "/rooms/a", fields)->status, 403);
    assert_null(http_field("Access-Control-Allow-Origin"));
    assert_int_equal(ask("GET", "/rooms/a", fields)->status, 200);
    assert_null(http_field("Access-Control-Allow-Origin"));
    assert_string_equal(http_field("Vary"), "Origin");
  }
  fixture_stop(&fixture);
}

static void test_with_a_star_every_page_may_and_without_cors_none(void **state) {
  (void)state;
  static const struct stoa_string methods[] = {STOA_STR("GET")};
  static const struct stoa_string headers[] = {STOA_STR("X-One"), STOA_STR("X-Two")};
  const struct stoa_cors_config cors = {
      .allowed_origins = {star, 1}, .methods = {methods, 1}, .headers = {headers, 2}, .max_age_s = 7};
  begin_cors(&cors);
  assert_int_equal(ask("OPTIONS", "/rooms/a", "Origin: https://any.example\r\n" PREFLIGHT)->status, 204);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "*");
  assert_string_equal(http_field("Access-Control-Allow-Methods"), "GET");
  assert_string_equal(http_field("Access-Control-Allow-Headers"), "X-One, X-Two");
  assert_string_equal(http_field("Access-Control-Max-Age"), "7");
  assert_null(http_field("Access-Control-Allow-Credentials"));
  fixture_stop(&fixture);
  begin_cors(NULL);
  assert_int_equal(ask("OPTIONS", "/rooms/a", "Origin: https://any.example\r\n" PREFLIGHT)->status, 204);
  assert_null(http_field("Access-Control-Allow-Origin"));
  assert_null(http_field("Vary"));
  fixture_stop(&fixture);
}

static void test_rules_for_pages_that_make_no_sense_are_refused(void **state) {
  (void)state;
  static const struct stoa_string bad_origin[] = {STOA_STR("https://app.example/path")};
  static const struct stoa_string bad_method[] = {STOA_STR("get")};
  static const struct stoa_string bad_header[] = {STOA_STR("a b")};
  const struct stoa_cors_config cases[] = {{.allowed_origins = {star, 1}, .credentials = true},
                                           {.allowed_origins = {bad_origin, 1}},
                                           {.allowed_origins = {origins, 1}, .methods = {bad_method, 1}},
                                           {.allowed_origins = {origins, 1}, .headers = {bad_header, 1}}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stoa_server_config *config = fixture_config(1);
    config->cors = &cases[i];
    assert_int_equal(status_of(config), STOA_E_ARGUMENT);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_the_admin_listener_serves_its_own_routes_only),
      cmocka_unit_test(test_ready_names_each_check_and_health_none),
      cmocka_unit_test(test_there_are_64_checks_at_most),
      TEST(test_a_draining_server_is_not_ready),
      TEST(test_requests_of_foreign_pages_are_refused),
      cmocka_unit_test(test_with_a_key_only_health_goes_without_it),
      cmocka_unit_test(test_keys_that_are_short_or_that_others_can_read_are_refused),
      cmocka_unit_test(test_without_a_key_it_is_only_on_loopback_and_unix_sockets),
      cmocka_unit_test(test_pages_of_listed_origins_may_use_routes),
      cmocka_unit_test(test_pages_of_other_origins_get_no_permission),
      cmocka_unit_test(test_with_a_star_every_page_may_and_without_cors_none),
      cmocka_unit_test(test_rules_for_pages_that_make_no_sense_are_refused),
  };
  return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
