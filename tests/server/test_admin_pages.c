/* What operators read at the admin listener: the index, metrics, and pages about the running server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <stoa/http.h>
#include <stoa/worker.h>

#include "asking.h"
#include "base/clock.h"
#include "base/memory.h"
#include "fixture.h"
#include "server/admin/admin.h"
#include "server/server_private.h"
#include "server/worker/stepping.h"

#define SESSIONS 130u

static struct fixture fixture;
static const char *admin;

/* A clock that a test moves. */
static _Atomic(uint64_t) ahead_ns;

static uint64_t monotonic_ns(void *context) {
  (void)context;
  return stoa_clock_monotonic_ns(&stoa_clock_system) + ahead_ns;
}

static int64_t wall_us(void *context) {
  (void)context;
  return stoa_clock_wall_us(&stoa_clock_system);
}

static const struct stoa_clock clock_of_test = {monotonic_ns, wall_us, NULL};

static void on_place(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  char text[16];
  (void)request;
  snprintf(text, sizeof text, "%u", stoa_worker_index(user));
  const struct stoa_http_answer answer = {.status = 200, .body = {(const uint8_t *)text, strlen(text)}};
  assert_int_equal(stoa_http_reply(exchange, &answer), STOA_OK);
}

static void start(uint32_t workers, const char *key) {
  static struct stoa_admin_config config;
  struct stoa_server_config *server_config = fixture_config(workers);
  config = (struct stoa_admin_config){.address = STOA_STR("127.0.0.1:0"), .key = stoa_string_of(key)};
  server_config->admin = &config;
  ahead_ns = 0;
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(server_config, &fixture.server), STOA_OK);
  stoa_server_use_clock(fixture.server, &clock_of_test);
  assert_int_equal(sample_v1_sample_register(fixture.server, fixture_handlers(), NULL), STOA_OK);
  const struct stoa_route place = {
      .method = "GET", .path = "/place", .roles = STOA_ROUTE_ADMIN, .handler = on_place, .user = fixture.server};
  assert_int_equal(stoa_server_add_route(fixture.server, &place), STOA_OK);
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
  admin = stoa_server_address(fixture.server, 1);
}

static const struct http_answer *get(const char *target, const char *fields) {
  return http_request(admin, "GET", target, fields, NULL);
}

static void test_the_index_lists_all_routes_of_operators(void **state) {
  static const char *const paths[] = {"GET     /  this page",      "GET     /debug/config  ", "GET     /debug/loop  ",
                                      "GET     /debug/sessions  ", "GET     /healthz  ",      "GET     /metrics  ",
                                      "GET     /place\n",          "GET     /readyz  "};
  (void)state;
  start(1, NULL);
  const struct http_answer *got = get("/", NULL);
  assert_int_equal(got->status, 200);
  assert_string_equal(http_field("Content-Type"), "text/plain; charset=utf-8");
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    assert_non_null(strstr(got->body, paths[i]));
  }
  fixture_stop(&fixture);
}

static void test_pages_need_the_key_and_a_known_host_but_health_no_key(void **state) {
  static const char key[] = "0123456789abcdef0123456789abcdef";
  static const char *const pages[] = {"/", "/metrics", "/debug/config", "/debug/sessions", "/debug/loop"};
  (void)state;
  start(1, key);
  for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    assert_int_equal(get(pages[i], NULL)->status, 401);
    assert_int_not_equal(get(pages[i], "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n")->status, 401);
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: evil.example\r\n\r\n", pages[i]);
    assert_int_equal(http_ask(admin, request)->status, 403);
    assert_int_equal(http_request(fixture.address, "GET", pages[i], NULL, NULL)->status, i == 0 ? 426 : 404);
  }
  assert_int_equal(get("/healthz", NULL)->status, 200);
  assert_int_equal(get("/readyz", NULL)->status, 200);
  fixture_stop(&fixture);
}

static void test_metrics_have_the_format_that_accept_prefers(void **state) {
  static const struct {
    const char *accept;
    bool is_open;
  } cases[] = {
      {NULL, false},
      {"Accept: */*\r\n", false},
      {"Accept: text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.6\r\n", true},
      {"Accept: application/openmetrics-text; version=1.0.0, text/plain;q=0.9\r\n", true},
      {"Accept: application/openmetrics-text;q=0.25,text/plain;q=0.3\r\n", false},
      {"Accept: application/openmetrics-text;q=0\r\n", false},
      {"Accept: application/openmetrics-textual\r\n", false},
  };
  (void)state;
  start(1, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct http_answer *got = get("/metrics", cases[i].accept);
    assert_int_equal(got->status, 200);
    assert_string_equal(http_field("Content-Type"), cases[i].is_open
                                                        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                        : "text/plain; version=0.0.4; charset=utf-8");
    assert_true((strstr(got->body, "# EOF\n") != NULL) == cases[i].is_open);
    assert_non_null(strstr(got->body, "\nstoa_workers 1\n"));
    assert_non_null(strstr(got->body, "stoa_build"));
  }
  fixture_stop(&fixture);
}

static const struct stoa_error *invoke(stoa_handler_function function, void *user, struct stoa_session *session,
                                       const void *message, void *reply) {
  (void)function, (void)user, (void)session, (void)message, (void)reply;
  return NULL;
}

static void ignore(void) {}

static void test_a_scrape_of_many_handlers_takes_many_turns(void **state) {
  static char names[1000][16];
  struct stoa_server_config *config = fixture_config(1);
  static const struct stoa_admin_config admin_config = {.address = STOA_STR("127.0.0.1:0")};
  (void)state;
  config->admin = &admin_config;
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture.server), STOA_OK);
  for (uint32_t i = 0; i < 1000; i++) {
    snprintf(names[i], sizeof names[i], "Handler%u", i);
    const struct stoa_handler handler = {.name = names[i],
                                         .type = i,
                                         .message = &sample_v1_ask_request_type,
                                         .reply = &sample_v1_ask_reply_type,
                                         .invoke = invoke,
                                         .function = ignore};
    assert_int_equal(stoa_server_handle(fixture.server, &handler), STOA_OK);
  }
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  admin = stoa_server_address(fixture.server, 1);
  const struct stoa_worker_watch *watch = &fixture.server->workers[0].watch;
  uint64_t before = stoa_metric_cell_value(&watch->turns);
  assert_non_null(strstr(get("/metrics", NULL)->body, "stoa_build_info"));
  /* 2000 rows of at least 2 outcomes and 2 shards, in steps of 16384 cells; and four parts more. */
  assert_true(stoa_metric_cell_value(&watch->turns) - before >= 4);
  fixture_stop(&fixture);
}

static void test_the_configuration_is_what_the_program_gave(void **state) {
  struct stoa_buffer text;
  (void)state;
  start(1, NULL);
  const struct http_answer *got = get("/debug/config", NULL);
  assert_int_equal(got->status, 404);
  assert_non_null(strstr(got->body, "NO_CONFIGURATION"));
  for (int i = 0; i < 2; i++) {
    stoa_buffer_init(&text, 1024);
    assert_int_equal(stoa_buffer_append(&text, "a: b\n", 5), STOA_OK);
    stoa_admin_set_config(fixture.server, &text);
    assert_null(text.data);
    got = get("/debug/config", NULL);
    assert_int_equal(got->status, 200);
    assert_string_equal(got->body, "a: b\n");
  }
  fixture_stop(&fixture);
}

/* Copies "next" of the last page. */
static bool next_of(const char *body, char *out_cursor, size_t size) {
  const char *found = strstr(body, "\"next\":\"");
  assert_non_null(found);
  size_t len = strcspn(found + 8, "\"");
  assert_true(len < size);
  snprintf(out_cursor, size, "%.*s", (int)len, found + 8);
  return len > 0;
}

static unsigned count_of(const char *text, const char *what) {
  unsigned count = 0;
  for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
    count++;
  }
  return count;
}

static void test_each_session_is_on_one_page_of_at_most_100(void **state) {
  static struct client clients[SESSIONS];
  char cursor[32] = "";
  char target[96];
  unsigned total = 0;
  unsigned pages = 0;
  bool goes_on = true;
  (void)state;
  start(2, NULL);
  for (unsigned i = 0; i < SESSIONS; i++) {
    fixture_connect(&fixture, &clients[i], i % 2 == 0 ? "stoa.json" : "stoa.proto");
  }
  while (goes_on) {
    snprintf(target, sizeof target, "/debug/sessions?cursor=%s", cursor);
    const struct http_answer *got = get(target, NULL);
    assert_int_equal(got->status, 200);
    assert_string_equal(http_field("Content-Type"), "application/json");
    unsigned count = count_of(got->body, "\"id\":\"");
    assert_true(count <= 100);
    total += count;
    pages++;
    goes_on = next_of(got->body, cursor, sizeof cursor);
    assert_true(pages < 10);
  }
  assert_int_equal(total, SESSIONS);
  assert_true(pages >= 2);
  for (unsigned i = 0; i < SESSIONS; i++) {
    client_close(&clients[i]);
  }
  fixture_stop(&fixture);
}

static void test_a_session_is_described(void **state) {
  static const char *const parts[] = {
      "\"address\":\"127.0.0.1\"",
      "\"codec\":\"json\"",
      "\"user\":\"\"",
      "\"subject\":\"\"",
      "\"messages_in\":1,",
      "\"messages_out\":1",
      "\"queued_bytes\":0",
      "\"groups\":0",
      "\"worker\":0",
      "\"open_ms\":",
      "\"bytes_in\":",
      "\"tls\":\"\"",
  };
  struct client client;
  (void)state;
  start(1, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  const struct http_answer *got = get("/debug/sessions", NULL);
  assert_int_equal(count_of(got->body, "\"id\":\""), 1);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    assert_non_null(strstr(got->body, parts[i]));
  }
  static const char *const bad[] = {"x", "1.2.3", "0.", "7.1", "-1.2", "99999999999.1", "3"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char target[96];
    snprintf(target, sizeof target, "/debug/sessions?cursor=%s", bad[i]);
    assert_int_equal(get(target, NULL)->status, strcmp(bad[i], "0.") == 0 ? 200 : 400);
  }
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_loop_page_tells_of_each_worker(void **state) {
  static const char *const parts[] = {
      "\"worker\":0,\"turns\":",
      "\"worker\":1,\"turns\":",
      "\"turn\":{\"count\":",
      "\"lag\":{\"count\":",
      "\"p99\":",
      "\"steps\":{\"events\":",
      "\"fan_out\":",
      "\"ready_list\":",
      "\"handlers\":[{\"operation\":\"/sample.v1.Sample/Ask\",\"kind\":\"websocket\",\"sampled\":2,"};
  struct client client;
  (void)state;
  start(2, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  for (int i = 0; i < 62; i++) { /* every 31st request is measured */
    fixture_sync(&client);
  }
  const struct http_answer *got = get("/debug/loop", NULL);
  assert_int_equal(got->status, 200);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    assert_non_null(strstr(got->body, parts[i]));
  }
  client_close(&client);
  fixture_stop(&fixture);
}

/* Readiness. */

static struct counter blocked = COUNTER_INIT, released = COUNTER_INIT;

static void block(void *context, int status) {
  (void)context;
  assert_int_equal(status, STOA_OK);
  counter_up(&blocked);
  counter_wait(&released, 1);
}

/* A connection to that worker, which stays open. */
static void connect_to_worker(struct client *client, const char *index) {
  for (;;) {
    client_connect(client, admin);
    http_send(client, "GET /place HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (strcmp(http_read(client)->body, index) == 0) {
      return;
    }
    client_close(client);
  }
}

static const struct http_answer *ready(struct client *client) {
  http_send(client, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return http_read(client);
}

static void test_a_worker_that_does_not_turn_makes_the_server_not_ready(void **state) {
  struct client client;
  (void)state;
  blocked.value = 0;
  released.value = 0;
  start(2, NULL);
  connect_to_worker(&client, "0");
  assert_string_equal(ready(&client)->body, "server: ok\nworkers: ok\n");
  assert_int_equal(stoa_worker_run(fixture.server, 1, block, NULL), STOA_OK);
  counter_wait(&blocked, 1);
  assert_int_equal(ready(&client)->status, 200); /* its post waits from now on */
  ahead_ns += UINT64_C(4900000000);
  assert_int_equal(ready(&client)->status, 200);
  ahead_ns += UINT64_C(1200000000);
  const struct http_answer *got = ready(&client);
  assert_int_equal(got->status, 503);
  assert_string_equal(got->body, "server: ok\nworkers: worker 1 has not turned for 6 s\n");
  counter_up(&released);
  while (ready(&client)->status != 200) {
  }
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_readyz_tells_of_a_drain_until_its_end(void **state) {
  struct client client;
  struct client idle;
  (void)state;
  start(1, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  connect_to_worker(&idle, "0");
  assert_int_equal(get("/readyz", NULL)->status, 200);
  /* The session does not answer the close frame, so the drain goes on. */
  stoa_server_drain(fixture.server);
  assert_int_equal(client_read_close(&client), 4001);
  const struct http_answer *got = get("/readyz", NULL);
  assert_int_equal(got->status, 503);
  assert_string_equal(got->body, "server: draining\nworkers: ok\n");
  assert_true(got->is_closed);
  assert_int_equal(get("/healthz", NULL)->status, 200);
  assert_int_equal(get("/metrics", NULL)->status, 200);
  assert_int_equal(ready(&idle)->status, 503); /* a connection from before */
  client_close(&client);
  /* An operator's connection does not hold it up. */
  struct client last;
  client_connect(&last, admin);
  stoa_server_wait(fixture.server);
  client_close(&last);
  client_close(&idle);
  fixture_stop(&fixture);
}

/* To the end of the connection, whatever comes. */
static void ask_to_the_end(const char *target) {
  char request[128];
  char answer[4096];
  struct client client;
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target);
  client_connect(&client, admin);
  http_send(&client, request);
  while (recv(client.fd, answer, sizeof answer, 0) > 0) {
  }
  client_close(&client);
}

static void test_failing_memory_gives_a_page_or_none_and_leaks_nothing(void **state) {
  static const char *const pages[] = {"/", "/metrics", "/debug/config", "/debug/sessions", "/debug/loop"};
  struct client client;
  (void)state;
  start(1, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    bool is_hit = true;
    for (uint64_t n = 1; is_hit && n < 200; n++) {
      stoa_memory_fail_at(n, false);
      ask_to_the_end(pages[i]);
      is_hit = stoa_memory_fault_hits() > 0;
      stoa_memory_fail_at(0, false);
    }
    assert_false(is_hit);
    assert_int_equal(get(pages[i], NULL)->status, i == 2 ? 404 : 200);
  }
  client_close(&client);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_index_lists_all_routes_of_operators),
      cmocka_unit_test(test_pages_need_the_key_and_a_known_host_but_health_no_key),
      cmocka_unit_test(test_metrics_have_the_format_that_accept_prefers),
      cmocka_unit_test(test_a_scrape_of_many_handlers_takes_many_turns),
      cmocka_unit_test(test_the_configuration_is_what_the_program_gave),
      cmocka_unit_test(test_each_session_is_on_one_page_of_at_most_100),
      cmocka_unit_test(test_a_session_is_described),
      cmocka_unit_test(test_the_loop_page_tells_of_each_worker),
      cmocka_unit_test(test_a_worker_that_does_not_turn_makes_the_server_not_ready),
      cmocka_unit_test(test_readyz_tells_of_a_drain_until_its_end),
      cmocka_unit_test(test_failing_memory_gives_a_page_or_none_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
