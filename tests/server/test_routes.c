/* HTTP routes over real sockets: what handlers see and answer, at once, later and in pieces; what the library answers
 * for them; bodies and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/memory.h"
#include "routing.h"

static struct fixture fixture;

static struct stoa_limits_config *limits_of(struct stoa_server_config *config) {
  return (struct stoa_limits_config *)(uintptr_t)config->limits; /* of fixture_config() */
}

static int begin(void **state) {
  (void)state;
  routes_start(&fixture, fixture_config(1));
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_stop(&fixture);
  return 0;
}

static const struct http_answer *ask(const char *method, const char *target, const char *fields, const char *body) {
  return http_request(fixture.address, method, target, fields, body);
}

static struct stoa_http_counts counts(void) {
  struct stoa_http_counts counts;
  stoa_server_http_counts(fixture.server, &counts);
  return counts;
}

static void test_a_handler_sees_the_whole_request(void **state) {
  (void)state;
  const struct http_answer *got = ask("PUT", "/rooms/a%20b%2Fc?q=1&x&q=zwei%2B+drei", "X-Note: hi\r\n", "text");
  assert_int_equal(got->status, 200);
  assert_string_equal(got->body,
                      "PUT /rooms/a%20b%2Fc name=a b/c q=1,zwei+ drei note=hi from=127.0.0.1 tls=0 body=text");
  assert_string_equal(http_field("Content-Type"), "text/plain");
  assert_string_equal(http_field("X-Content-Type-Options"), "nosniff");
  assert_non_null(http_field("Date"));
}

static void test_json_bodies_are_decoded_and_answered(void **state) {
  (void)state;
  const struct http_answer *got = ask("POST", "/ask", "Content-Type: application/json\r\n", "{\"question\":\"why\"}");
  assert_int_equal(got->status, 200);
  assert_string_equal(got->body, "{\"answer\":\"why\"}");
  assert_string_equal(http_field("Content-Type"), "application/json");
  got = ask("POST", "/ask", "Content-Type: Application/JSON; charset=utf-8\r\n", "{}");
  assert_int_equal(got->status, 200);
}

static void test_other_types_of_bodies_are_refused_with_415(void **state) {
  (void)state;
  static const char *const types[] = {NULL, "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n",
                                      "Content-Type: application/json\r\nContent-Type: text/plain\r\n"};
  for (size_t i = 0; i < 4; i++) {
    const struct http_answer *got = ask("POST", "/ask", types[i], "{\"question\":\"why\"}");
    assert_int_equal(got->status, 415);
    assert_non_null(strstr(got->body, "\"reason\":\"UNSUPPORTED_MEDIA_TYPE\""));
    assert_true(got->is_closed);
  }
}

static void test_bodies_that_are_no_such_message_are_refused_with_400_and_the_reason(void **state) {
  (void)state;
  static const struct {
    const char *body, *reason;
  } cases[] = {
      {"{\"question\":", "BAD_REQUEST"},
      {"{\"question\":7}", "question"},
      {"{\"question\":\"longer than twenty characters\"}", "question"},
      {"", "BAD_REQUEST"},
  };
  for (size_t i = 0; i < 4; i++) {
    const struct http_answer *got = ask("POST", "/ask", "Content-Type: application/json\r\n", cases[i].body);
    assert_int_equal(got->status, 400);
    assert_non_null(strstr(got->body, cases[i].reason));
    assert_string_equal(http_field("Content-Type"), "application/json");
  }
  assert_int_equal(ask("GET", "/rooms/a?q=%zz", NULL, NULL)->status, 400);
  assert_int_equal(ask("GET", "/rooms/a?q=%00", NULL, NULL)->status, 400);
}

static void test_head_is_answered_like_get_without_content(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  static const char *const targets[] = {"/rooms/a", "/pieces", "/many?bytes=200000", "/conflict", "/nothing"};
  for (size_t i = 0; i < 5; i++) {
    char request[256];
    snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
    http_send(&client, request);
    assert_int_not_equal(http_read_head(&client)->status, 0);
    http_send(&client, "GET /both HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_string_equal(http_read(&client)->body, "both");
  }
  client_close(&client);
}

static void test_other_methods_get_405_and_options_204_with_allow(void **state) {
  (void)state;
  const struct http_answer *got = ask("DELETE", "/rooms/a", NULL, NULL);
  assert_int_equal(got->status, 405);
  assert_string_equal(http_field("Allow"), "HEAD, GET, PUT");
  assert_non_null(strstr(got->body, "METHOD_NOT_ALLOWED"));
  assert_false(got->is_closed);
  assert_int_equal(ask("PROPFIND", "/rooms/a", NULL, NULL)->status, 501);
  assert_int_equal(ask("OPTIONS", "/rooms/a", NULL, NULL)->status, 204);
  assert_string_equal(http_field("Allow"), "HEAD, GET, PUT, OPTIONS");
}

static void test_paths_without_a_route_are_answered_as_before(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/none", NULL, NULL)->status, 404);
  assert_int_equal(ask("GET", "/", NULL, NULL)->status, 426);
  assert_int_equal(ask("POST", "/none", NULL, "body")->status, 405);
  assert_int_equal(ask("GET", "/rooms", NULL, NULL)->status, 404);
  assert_int_equal(ask("GET", "/operators", NULL, NULL)->status, 404);
}

static void test_an_upgrade_goes_to_the_endpoint_and_never_to_a_route(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/rooms/a", NULL, NULL), 404);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/rooms/a", NULL, "Content-Length: 4\r\n"), 413);
  client_close(&client);
}

static void test_requests_on_one_connection_are_answered_in_order(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client,
            "POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\noneGET /both HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /pieces HTTP/1.1\r\nHost: x\r\n\r\nPOST /bytes HTTP/1.1\r\nHost: x\r\n"
            "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\ntwo\r\n5\r\nthree\r\n0\r\nX-T: y\r\n\r\n"
            "GET /empty HTTP/1.1\r\nHost: x\r\n\r\nGET /both HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert_string_equal(http_read(&client)->body, "one");
  assert_string_equal(http_read(&client)->body, "both");
  assert_string_equal(http_read(&client)->body, "onetwothree");
  assert_string_equal(http_read(&client)->body, "twothree");
  assert_int_equal(http_read(&client)->status, 204);
  assert_string_equal(http_field("X-Left"), "yes");
  assert_null(http_field("Content-Length"));
  const struct http_answer *last = http_read(&client);
  assert_string_equal(last->body, "both");
  assert_true(last->is_closed);
  assert_true(http_is_ended(&client));
  client_close(&client);
}

static void test_a_body_may_come_byte_by_byte(void **state) {
  (void)state;
  static const char request[] =
      "POST /bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
  struct client client;
  client_connect(&client, fixture.address);
  for (size_t i = 0; i < sizeof request - 1; i++) {
    assert_true(client_write(&client, request + i, 1));
  }
  assert_string_equal(http_read(&client)->body, "ab");
  client_close(&client);
}

static void test_http_1_0_gets_pieces_up_to_the_end_of_the_connection(void **state) {
  (void)state;
  const struct http_answer *got = http_ask(fixture.address, "GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assert_string_equal(got->body, "onetwothree");
  assert_null(http_field("Transfer-Encoding"));
  assert_true(got->is_closed);
}

static void test_a_client_that_expects_100_gets_it_before_it_sends_the_body(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  assert_int_equal(http_read_head(&client)->status, 100);
  http_send(&client, "data");
  assert_string_equal(http_read(&client)->body, "data");
  /* A body that will not be read is not asked for. */
  http_send(&client, "POST /short HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 413);
  assert_true(http_is_ended(&client));
  client_close(&client);
}

static void test_bodies_above_the_limit_are_refused_with_413_and_the_connection_ends(void **state) {
  (void)state;
  assert_int_equal(ask("POST", "/short", NULL, "0123456789")->status, 200);
  const struct http_answer *got = ask("POST", "/short", NULL, "0123456789a");
  assert_int_equal(got->status, 413);
  assert_non_null(strstr(got->body, "CONTENT_TOO_LARGE"));
  assert_true(got->is_closed);
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "POST /short HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n");
  assert_int_equal(http_read(&client)->status, 413);
  assert_true(http_is_ended(&client));
  client_close(&client);
}

static void test_broken_framing_is_refused_and_the_connection_ends(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
      "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
      "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
      "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
      "Content-Length: +4\r\n\r\nabcd",
      "Content-Length: 4, 4\r\n\r\nabcd",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    char request[512];
    struct client client;
    client_connect(&client, fixture.address);
    snprintf(request, sizeof request, "POST /bytes HTTP/1.1\r\nHost: x\r\n%s", bodies[i]);
    http_send(&client, request);
    assert_int_equal(http_read(&client)->status, 400);
    assert_true(http_is_ended(&client));
    client_close(&client);
  }
  assert_int_equal(ask("POST", "/bytes", "Transfer-Encoding: gzip, chunked\r\n", NULL)->status, 501);
}

static void test_another_thread_answers_later(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /both HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_http_exchange *exchange = routes_take();
  assert_true(stoa_http_waits(exchange));
  assert_int_equal(counts().outstanding, 1);
  assert_int_equal(stoa_http_take(exchange), STOA_E_ARGUMENT);
  assert_int_equal(routes_reply(exchange, "later"), STOA_OK);
  assert_string_equal(http_read(&client)->body, "later");
  assert_string_equal(http_read(&client)->body, "both");
  client_close(&client);
  assert_int_equal(counts().answered, 2);
}

static void test_every_way_to_end_a_taken_exchange_answers_the_client(void **state) {
  (void)state;
  static const struct stoa_error error = {.code = 1002, .reason = STOA_STR("NO"), .message = STOA_STR("\xff")};
  static const struct stoa_http_field fields[] = {
      {"X", STOA_STR("a\nb")}, {"Content-length", STOA_STR("4")}, {"X Y", STOA_STR("a")}, {"", STOA_STR("a")}};
  static const struct stoa_http_answer bad[] = {
      {.status = 99, .body = {NULL, 0}},
      {.status = 600, .body = {NULL, 0}},
      {.status = 200, .content_type = "a\r\nb", .body = {NULL, 0}},
      {.status = 200, .fields = &fields[0], .field_count = 1},
      {.status = 200, .fields = &fields[1], .field_count = 1},
      {.status = 200, .fields = &fields[2], .field_count = 1},
      {.status = 200, .fields = &fields[3], .field_count = 1},
  };
  struct client client;
  client_connect(&client, fixture.address);
  for (size_t i = 0; i < 10; i++) {
    http_send(&client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    struct stoa_http_exchange *exchange = routes_take();
    if (i < 7) {
      assert_int_equal(stoa_http_reply(exchange, &bad[i]), STOA_E_ARGUMENT);
    } else if (i == 7) {
      stoa_http_drop(exchange);
    } else if (i == 8) {
      assert_int_equal(stoa_http_end(exchange), STOA_E_ARGUMENT);
    } else {
      assert_int_equal(stoa_http_fail(exchange, 400, &error), STOA_E_UTF8);
    }
    const struct http_answer *got = http_read(&client);
    assert_int_equal(got->status, 500);
    assert_non_null(strstr(got->body, "\"reason\":\"INTERNAL\""));
    assert_false(got->is_closed);
  }
  stoa_http_drop(NULL);
  client_close(&client);
  assert_int_equal(counts().dropped, 10);
}

static void test_an_error_is_json_with_retry_after(void **state) {
  (void)state;
  const struct http_answer *got = ask("GET", "/conflict", NULL, NULL);
  assert_int_equal(got->status, 409);
  assert_string_equal(http_field("Retry-After"), "2");
  assert_non_null(strstr(got->body, "{\"code\":1001,\"reason\":\"BUSY\",\"message\":\"try again\",\"metadata\":{}"));
}

static void test_a_handler_that_does_nothing_is_answered_for(void **state) {
  (void)state;
  struct client client;
  assert_int_equal(ask("GET", "/nothing", NULL, NULL)->status, 500);
  client_connect(&client, fixture.address);
  http_send(&client, "GET /begun HTTP/1.1\r\nHost: x\r\n\r\n");
  /* The answer is cut off, so that it does not look complete. */
  while (!http_is_ended(&client)) {
  }
  client_close(&client);
  assert_int_equal(counts().dropped, 2);
}

static void test_the_second_answer_of_a_handler_is_an_error(void **state) {
  (void)state;
  assert_string_equal(ask("GET", "/twice", NULL, NULL)->body, "once");
}

static void test_long_answers_come_whole(void **state) {
  (void)state;
  static const char *const targets[] = {"/many?bytes=0", "/many?bytes=65536", "/many?bytes=65537",
                                        "/many?bytes=3000000"};
  struct client client;
  client_connect(&client, fixture.address);
  for (size_t i = 0; i < 4; i++) {
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
    http_send(&client, request);
    const struct http_answer *got = http_read(&client);
    assert_int_equal(got->len, strtoul(strchr(targets[i], '=') + 1, NULL, 10));
    assert_int_equal(strspn(got->body, "x"), got->len);
  }
  client_close(&client);
}

static void test_pieces_of_another_thread_come_in_order_with_events(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /feed HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_http_exchange *exchange = routes_take();
  counter_wait(&routes_drained, 1);
  for (int i = 0; i < 100; i++) {
    char piece[32];
    int len = snprintf(piece, sizeof piece, "data: %d\n\n", i);
    assert_int_equal(stoa_http_write(exchange, stoa_bytes_make(piece, (size_t)len)), STOA_OK);
  }
  counter_wait(&routes_drained, 2);
  assert_int_equal(stoa_http_end(exchange), STOA_OK);
  const struct http_answer *got = http_read(&client);
  assert_string_equal(http_field("Content-Type"), "text/event-stream");
  const char *at = got->body;
  for (int i = 0; i < 100; i++) {
    char piece[32];
    snprintf(piece, sizeof piece, "data: %d\n\n", i);
    at = strstr(at, piece);
    assert_non_null(at);
  }
  counter_wait(&routes_closed, 1);
  client_close(&client);
}

static void test_what_a_client_does_not_take_is_bounded(void **state) {
  (void)state;
  static char piece[100000];
  struct client client;
  size_t written = 0;
  int status;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /feed HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_http_exchange *exchange = routes_take();
  memset(piece, 'p', sizeof piece);
  /* The kernel takes some megabytes; then the pieces wait here, up to send_queue_bytes_max. */
  unsigned refused = 0;
  while (refused < 1 && written < 200u * 1024 * 1024) {
    status = stoa_http_write(exchange, stoa_bytes_make(piece, sizeof piece));
    written += status == STOA_OK ? sizeof piece : 0;
    refused += status == STOA_E_LIMIT;
  }
  assert_int_equal(refused, 1);
  client_close(&client);
  counter_wait(&routes_closed, 1);
  assert_false(stoa_http_waits(exchange));
  assert_int_equal(stoa_http_write(exchange, stoa_bytes_make("x", 1)), STOA_E_CLOSED);
  assert_int_equal(stoa_http_end(exchange), STOA_E_CLOSED);
  assert_int_equal(counts().gone, 1);
  assert_int_equal(counts().late, 1);
}

static void test_a_client_that_has_gone_ends_its_exchange(void **state) {
  (void)state;
  struct client client;
  const struct linger reset = {1, 0};
  client_connect(&client, fixture.address);
  http_send(&client, "GET /feed HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_http_exchange *feed = routes_take();
  setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client_close(&client);
  counter_wait(&routes_closed, 1);
  assert_int_equal(stoa_http_end(feed), STOA_E_CLOSED);
  assert_int_equal(counts().gone, 1);
}

static void test_an_exchange_outlives_its_server(void **state) {
  (void)state;
  struct client client[2];
  for (int i = 0; i < 2; i++) {
    client_connect(&client[i], fixture.address);
    http_send(&client[i], i == 0 ? "GET /later HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /feed HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  struct stoa_http_exchange *first = routes_take();
  struct stoa_http_exchange *second = routes_take();
  stoa_server_destroy(fixture.server);
  fixture.server = NULL;
  assert_false(stoa_http_waits(first));
  assert_int_equal(routes_closed.value, 1);
  assert_int_equal(routes_reply(first, "late"), STOA_E_CLOSED);
  assert_int_equal(stoa_http_end(second), STOA_E_CLOSED);
  assert_int_equal(stoa_memory_live_blocks(), fixture.blocks_before);
  client_close(&client[0]);
  client_close(&client[1]);
  routes_start(&fixture, fixture_config(1)); /* for the teardown */
}

static void test_a_draining_server_answers_what_it_has_read(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_http_exchange *exchange = routes_take();
  stoa_server_drain(fixture.server);
  assert_int_equal(routes_reply(exchange, "still"), STOA_OK);
  assert_string_equal(http_read(&client)->body, "still");
  assert_true(http_is_ended(&client));
  client_close(&client);
}

static void test_a_request_that_is_not_answered_in_time_gets_504(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(1);
  limits_of(config)->call_timeout_ms = 20;
  routes_start(&fixture, config);
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_http_exchange *exchange = routes_take();
  const struct http_answer *got = http_read(&client);
  assert_int_equal(got->status, 504);
  assert_non_null(strstr(got->body, "no answer in time"));
  assert_int_equal(routes_reply(exchange, "late"), STOA_E_TIMEOUT);
  http_send(&client, "GET /both HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_string_equal(http_read(&client)->body, "both");
  client_close(&client);
  assert_int_equal(counts().timed_out, 1);
  assert_int_equal(counts().late, 1);
  fixture_stop(&fixture);
}

static void test_a_slow_body_gets_408(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(1);
  limits_of(config)->body_timeout_ms = 50;
  routes_start(&fixture, config);
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  const struct http_answer *got = http_read(&client);
  assert_int_equal(got->status, 408);
  assert_non_null(strstr(got->body, "REQUEST_TIMEOUT"));
  assert_true(http_is_ended(&client));
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_all_bodies_together_are_bounded(void **state) {
  (void)state;
  static char body[30001];
  struct client clients[4];
  unsigned refused = 0;
  struct stoa_server_config *config = fixture_config(1);
  limits_of(config)->bodies_bytes_max = 100000;
  routes_start(&fixture, config);
  memset(body, 'b', sizeof body - 1);
  for (int i = 0; i < 4; i++) {
    client_connect(&clients[i], fixture.address);
    http_send(&clients[i], "POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n");
    http_send(&clients[i], body);
    fixture.address = stoa_server_address(fixture.server, 0);
    assert_string_equal(ask("GET", "/both", NULL, NULL)->body, "both"); /* the worker has come so far */
  }
  for (int i = 0; i < 4; i++) {
    char byte;
    if (recv(clients[i].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
      assert_int_equal(http_read(&clients[i])->status, 503);
      refused++;
    }
    client_close(&clients[i]);
  }
  assert_in_range(refused, 1, 3);
  /* What they held is free again. */
  assert_int_equal(ask("POST", "/bytes", NULL, body)->status, 200);
  fixture_stop(&fixture);
}

static void test_a_large_json_body_is_decoded_or_refused_whole(void **state) {
  (void)state;
  size_t len = 900u * 1024;
  char *body = malloc(len + 64);
  assert_non_null(body);
  memset(body, '[', len);
  body[len] = '\0';
  assert_int_equal(ask("POST", "/ask", "Content-Type: application/json\r\n", body)->status, 400);
  size_t at = (size_t)sprintf(body, "{\"unknown\":\"");
  memset(body + at, 'u', len - at);
  strcpy(body + len, "\",\"question\":\"yes\"}");
  const struct http_answer *got = ask("POST", "/ask", "Content-Type: application/json\r\n", body);
  assert_string_equal(got->body, "{\"answer\":\"yes\"}");
  free(body);
}

static void test_a_route_with_a_key_needs_it(void **state) {
  (void)state;
  static const char *const wrong[] = {
      NULL,
      "Authorization: Bearer\r\n",
      "Authorization: Bearer 0123456789abcdef0123456789abcdeg\r\n",
      "Authorization: Bearer 0123456789abcdef0123456789abcde\r\n",
      "Authorization: Basic " ROUTES_KEY "\r\n",
      "Authorization: " ROUTES_KEY "\r\n",
      "Authorization: Bearer " ROUTES_KEY "\r\nAuthorization: Bearer " ROUTES_KEY "\r\n",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    const struct http_answer *got = ask("GET", "/closed", wrong[i], NULL);
    assert_int_equal(got->status, 401);
    assert_int_equal(strncmp(http_field("WWW-Authenticate"), "Bearer", 6), 0);
    assert_null(strstr(got->body, ROUTES_KEY));
  }
  assert_int_equal(ask("GET", "/closed?access_token=" ROUTES_KEY, NULL, NULL)->status, 401);
  assert_string_equal(ask("GET", "/closed", "Authorization: bearer " ROUTES_KEY "\r\n", NULL)->body, "open");
}

/* A request loses its answer, or its connection, but nothing else is lost. */
static void test_each_failing_allocation_costs_one_request_at_most(void **state) {
  (void)state;
  static const char *const requests[] = {
      ("POST /ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
       "18\r\n\r\n{\"question\":\"why\"}"),
      "GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /rooms/a?q=1 HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /conflict HTTP/1.1\r\nHost: x\r\n\r\n",
      "DELETE /rooms/a HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (uint64_t n = 1; n < 40; n++) {
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
      struct client client;
      client_connect(&client, fixture.address);
      stoa_memory_fail_at(n, false);
      bool ignored = client_write(&client, requests[i], strlen(requests[i]));
      (void)ignored;
      int status = http_read_head(&client)->status;
      stoa_memory_fail_at(0, false);
      assert_true(status == 0 || status == 200 || status == 409 || status == 405 || status == 500 || status == 503 ||
                  status == 400);
      client_close(&client);
      assert_string_equal(ask("GET", "/both", NULL, NULL)->body, "both");
    }
  }
}

static void on_none(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  (void)exchange;
  (void)request;
}

static void test_routes_that_cannot_be_added_are_refused_by_name(void **state) {
  (void)state;
  struct stoa_server *server;
  int64_t before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  const struct stoa_route good = {.method = "GET", .path = "/a/{b}", .handler = on_none};
  assert_int_equal(stoa_server_add_route(server, &good), STOA_OK);
  const struct {
    struct stoa_route route;
    int status;
  } cases[] = {
      {{.method = "GET", .path = "/a/{c}", .handler = on_none}, STOA_E_EXISTS},
      {{.method = "GET", .path = "/a/{c}", .handler = on_none, .roles = 3}, STOA_E_EXISTS},
      {{.method = "GET", .path = "/healthz", .handler = on_none, .roles = 3}, STOA_E_EXISTS},
      {{.method = "GET", .path = "a", .handler = on_none}, STOA_E_SYNTAX},
      {{.method = "GET", .path = "/a//b", .handler = on_none}, STOA_E_SYNTAX},
      {{.method = "get", .path = "/b", .handler = on_none}, STOA_E_ARGUMENT},
      {{.method = "CONNECT", .path = "/b", .handler = on_none}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = "/b", .handler = NULL}, STOA_E_ARGUMENT},
      {{.method = NULL, .path = "/b", .handler = on_none}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = NULL, .handler = on_none}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = "/b", .handler = on_none, .roles = 4}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = "/b", .handler = on_none, .bearer_key = STOA_STR("short")}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = "/b", .handler = on_none, .bearer_key = STOA_STR(ROUTES_KEY " ")}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = "/b", .handler = on_none, .body_bytes_max = 64 * 1024 * 1024 + 1}, STOA_E_ARGUMENT},
      {{.method = "GET", .path = "/b", .handler = on_none, .message = &(struct stoa_message_type){.abi = 1}},
       STOA_E_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(stoa_server_add_route(server, &cases[i].route), cases[i].status);
  }
  /* What was refused on one listener is on none. */
  assert_int_equal(
      stoa_server_add_route(server, &(struct stoa_route){.method = "GET", .path = "/healthz", .handler = on_none}),
      STOA_OK);
  int status = STOA_OK;
  for (unsigned i = 0; i < 2000 && status == STOA_OK; i++) {
    char path[32];
    snprintf(path, sizeof path, "/n/%u", i);
    status = stoa_server_add_route(server, &(struct stoa_route){.method = "*", .path = path, .handler = on_none});
  }
  assert_int_equal(status, STOA_E_LIMIT);
  stoa_server_destroy(server);
  assert_int_equal(stoa_memory_live_blocks(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_handler_sees_the_whole_request),
      TEST(test_json_bodies_are_decoded_and_answered),
      TEST(test_other_types_of_bodies_are_refused_with_415),
      TEST(test_bodies_that_are_no_such_message_are_refused_with_400_and_the_reason),
      TEST(test_head_is_answered_like_get_without_content),
      TEST(test_other_methods_get_405_and_options_204_with_allow),
      TEST(test_paths_without_a_route_are_answered_as_before),
      TEST(test_an_upgrade_goes_to_the_endpoint_and_never_to_a_route),
      TEST(test_requests_on_one_connection_are_answered_in_order),
      TEST(test_a_body_may_come_byte_by_byte),
      TEST(test_http_1_0_gets_pieces_up_to_the_end_of_the_connection),
      TEST(test_a_client_that_expects_100_gets_it_before_it_sends_the_body),
      TEST(test_bodies_above_the_limit_are_refused_with_413_and_the_connection_ends),
      TEST(test_broken_framing_is_refused_and_the_connection_ends),
      TEST(test_another_thread_answers_later),
      TEST(test_every_way_to_end_a_taken_exchange_answers_the_client),
      TEST(test_an_error_is_json_with_retry_after),
      TEST(test_a_handler_that_does_nothing_is_answered_for),
      TEST(test_the_second_answer_of_a_handler_is_an_error),
      TEST(test_long_answers_come_whole),
      TEST(test_pieces_of_another_thread_come_in_order_with_events),
      TEST(test_what_a_client_does_not_take_is_bounded),
      TEST(test_a_client_that_has_gone_ends_its_exchange),
      TEST(test_an_exchange_outlives_its_server),
      TEST(test_a_draining_server_answers_what_it_has_read),
      TEST(test_a_large_json_body_is_decoded_or_refused_whole),
      TEST(test_a_route_with_a_key_needs_it),
      TEST(test_each_failing_allocation_costs_one_request_at_most),
      cmocka_unit_test(test_a_request_that_is_not_answered_in_time_gets_504),
      cmocka_unit_test(test_a_slow_body_gets_408),
      cmocka_unit_test(test_all_bodies_together_are_bounded),
      cmocka_unit_test(test_routes_that_cannot_be_added_are_refused_by_name),
  };
  return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
