/* Sessions of the HTTP fallback: events down, POST up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events.h"
#include "fixture.h"

static struct fixture fixture;
static struct events ann, bob;

static struct stoa_server_config *config_of(uint32_t workers) {
  struct stoa_server_config *config = fixture_config(workers);
  config->http_fallback = true;
  return config;
}

static void start(uint32_t workers) {
  fixture_start(&fixture, config_of(workers), NULL);
}

static void open_one(struct events *events) {
  assert_int_equal(events_open(events, fixture.address, "stoa.json", NULL), 200);
}

static void expect_error(const struct http_answer *answer, int status, const char *reason) {
  assert_int_equal(answer->status, status);
  assert_non_null(strstr(answer->body, reason));
}

/* Messages. */

static void test_a_call_that_is_posted_is_answered_by_an_event(void **state) {
  (void)state;
  start(1);
  open_one(&ann);
  events_sync(&ann);
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_sessions_of_websocket_and_of_the_fallback_share_groups_in_one_order(void **state) {
  (void)state;
  struct client wanda;
  start(2);
  open_one(&ann);
  events_sync(&ann);
  fixture_connect(&fixture, &wanda, "stoa.json");
  fixture_sync(&wanda);
  for (uint32_t i = 0; i < 100; i++) {
    char line[64];
    snprintf(line, sizeof line, "{\"from\":\"x\",\"number\":%u}", i);
    if (i % 2 == 0) {
      fixture_send_line(&wanda, "x", i);
    } else {
      events_say(&ann, FIXTURE_LINE, line);
    }
    struct event event = events_read_message(&ann);
    struct client_frame frame = client_read_message(&wanda);
    assert_int_equal(event.len, frame.len);
    assert_memory_equal(event.data, frame.data, frame.len);
  }
  client_close(&wanda);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_protobuf_and_text_have_their_own_events(void **state) {
  (void)state;
  struct client wanda;
  start(1);
  assert_int_equal(events_open(&ann, fixture.address, "stoa.proto", NULL), 200);
  assert_int_equal(events_open(&bob, fixture.address, "stoa.text", NULL), 200);
  fixture_connect(&fixture, &wanda, "stoa.json");
  fixture_sync(&wanda);
  for (uint32_t i = 0; i < 40; i++) { /* of every length modulo 3 */
    char text[48];
    struct event event;
    memset(text, 'a', sizeof text);
    text[i] = '\0';
    char payload[128];
    snprintf(payload, sizeof payload, "{\"text\":\"%s\"}", text);
    client_send_typed(&wanda, FIXTURE_LINE, payload);
    event = events_read_message(&ann);
    assert_int_equal(event.kind, EVENT_MESSAGE);
    assert_int_equal(event.len, i == 0 ? 4 : 6 + i);
    assert_memory_equal(event.data, "\0\0\0\0", 4);
    assert_memory_equal(event.data + event.len - i, text, i);
    event = events_read_message(&bob);
    assert_int_equal(event.kind, EVENT_TEXT);
    assert_non_null(memmem(event.data, event.len, text, i));
    assert_int_equal(strncmp((const char *)event.data, "{\"type\":0,\"payload\":{", 21), 0);
  }
  client_close(&wanda);
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

static void test_text_is_posted_as_one_message_by_its_content_type(void **state) {
  (void)state;
  char request[512];
  start(2);
  assert_int_equal(events_open(&ann, fixture.address, "stoa.text", NULL), 200);
  static const char call[] = "{\"type\":5,\"id\":9,\"payload\":{\"question\":\"why\"}}";
  snprintf(request, sizeof request, "Stoa-Session: %s\r\nStoa-Sequence: 1\r\nContent-Type: application/json\r\n",
           ann.key);
  assert_int_equal(http_request(fixture.address, "POST", "/", request, call)->status, 204);
  struct event event = events_read_message(&ann);
  assert_non_null(memmem(event.data, event.len, "\"id\":9", 6));
  assert_non_null(memmem(event.data, event.len, "why", 3));
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_posts_reach_their_session_from_whatever_worker_reads_them(void **state) {
  (void)state;
  start(4);
  open_one(&ann);
  for (int i = 0; i < 24; i++) { /* a connection each, which the workers take in turn */
    events_sync(&ann);
    client_close(&ann.up);
    ann.has_up = false;
  }
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_many_messages_of_one_post_are_handled_in_order(void **state) {
  (void)state;
  static uint8_t body[64 * 1024];
  size_t len = 0;
  start(2);
  open_one(&ann);
  for (uint32_t i = 0; i < 1000; i++) {
    char line[64];
    snprintf(line, sizeof line, "{\"number\":%u}", i);
    len = events_pack_typed(body, len, FIXTURE_LINE, line);
  }
  assert_int_equal(events_post(&ann, 1, body, len)->status, 204);
  for (uint32_t i = 0; i < 1000; i++) {
    char number[16];
    snprintf(number, sizeof number, ":%u,", i);
    struct event event = events_read_message(&ann);
    const char *text = (const char *)event.data + 4;
    const char *found = strstr(text, "\"number\":");
    assert_int_equal(found == NULL ? 0 : strtoul(found + 9, NULL, 10), i);
  }
  events_close(&ann);
  fixture_stop(&fixture);
}

/* Numbers. */

static void test_a_post_that_is_sent_twice_is_applied_once(void **state) {
  (void)state;
  uint8_t body[128];
  start(2);
  open_one(&ann);
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, "{\"number\":1}");
  assert_int_equal(events_post(&ann, 1, body, len)->status, 204);
  assert_int_equal(events_post(&ann, 1, body, len)->status, 204);
  ann.number = 1;
  events_read_message(&ann);
  events_sync(&ann); /* its reply is the next message */
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_numbers_that_are_old_or_leave_a_gap_are_refused(void **state) {
  (void)state;
  start(2);
  open_one(&ann);
  events_sync(&ann);
  events_sync(&ann);
  uint8_t body[128];
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, "{\"number\":1}");
  expect_error(events_post(&ann, 1, body, len), 409, "OUT_OF_ORDER");
  expect_error(events_post(&ann, 4, body, len), 409, "OUT_OF_ORDER");
  expect_error(events_post(&ann, 9007199254740991, body, len), 409, "OUT_OF_ORDER");
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void post_with(const char *fields, const char *body, int status, const char *reason) {
  char all[1024];
  snprintf(all, sizeof all, "Stoa-Session: %s\r\n%s", ann.key, fields);
  expect_error(http_request(fixture.address, "POST", "/", all, body), status, reason);
}

static void test_posts_that_are_not_what_they_should_be_are_refused_with_a_reason(void **state) {
  (void)state;
  start(2);
  open_one(&ann);
  post_with("", "x", 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: 0\r\n", NULL, 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: -1\r\n", NULL, 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: 1a\r\n", NULL, 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: \r\n", NULL, 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: 9007199254740992\r\n", NULL, 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: 99999999999999999999\r\n", NULL, 400, "Stoa-Sequence");
  post_with("Stoa-Sequence: 1\r\n", "abc", 415, "Content-Type");
  post_with("Stoa-Sequence: 1\r\nContent-Type: image/png\r\n", "abc", 415, "Content-Type");
  post_with("Content-Length: 200000\r\nStoa-Sequence: 1\r\n", NULL, 413, "CONTENT_TOO_LARGE");
  char fields[256];
  snprintf(fields, sizeof fields, "Stoa-Session: %s\r\n", ann.key);
  assert_int_equal(http_request(fixture.address, "GET", "/", fields, NULL)->status, 405);
  assert_string_equal(http_field("Allow"), "POST");
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

/* Keys. */

static void post_key(const char *key) {
  char fields[256];
  snprintf(fields, sizeof fields, "Stoa-Session: %s\r\nStoa-Sequence: 1\r\nContent-Type: application/octet-stream\r\n",
           key);
  expect_error(http_request(fixture.address, "POST", "/", fields, NULL), 404, "SESSION_GONE");
}

static void test_a_wrong_key_finds_no_session(void **state) {
  (void)state;
  char key[300];
  start(2);
  open_one(&ann);
  open_one(&bob);
  post_key("");
  post_key("x");
  for (size_t i = 0; i < strlen(ann.key); i += 5) { /* one character is another one */
    snprintf(key, sizeof key, "%s", ann.key);
    key[i] = key[i] == '0' ? '1' : '0';
    post_key(key);
  }
  snprintf(key, sizeof key, "%.36s%s", ann.key, bob.key + 36); /* the secret of another session */
  post_key(key);
  snprintf(key, sizeof key, "%s0", ann.key);
  post_key(key);
  events_sync(&ann);
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

static void test_a_websocket_session_takes_no_posts(void **state) {
  (void)state;
  start(1);
  struct client wanda;
  fixture_connect(&fixture, &wanda, "stoa.json");
  fixture_sync(&wanda);
  open_one(&ann);
  char key[128];
  /* Nobody is told the id of a session; even with it there is no secret that fits. */
  snprintf(key, sizeof key, "%.36s.%048d", "00000000-0000-4000-8000-000000000000", 0);
  post_key(key);
  client_close(&wanda);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_after_the_end_of_a_session_its_key_finds_nothing(void **state) {
  (void)state;
  start(2);
  open_one(&ann);
  events_sync(&ann);
  client_close(&ann.down);
  uint8_t body[128];
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, "{}");
  const struct http_answer *answer;
  do { /* until the server has seen the end */
    answer = events_post(&ann, ++ann.number, body, len);
  } while (answer->status == 204);
  assert_true(answer->status == 404 || answer->status == 410);
  assert_non_null(strstr(answer->body, "SESSION_GONE"));
  if (ann.has_up) {
    client_close(&ann.up);
  }
  fixture_stop(&fixture);
}

/* Malformed bodies end the session, as malformed frames do. */

static void expect_fatal(const void *body, size_t len, int status, int close_code) {
  open_one(&ann);
  events_sync(&ann);
  assert_int_equal(events_post(&ann, 2, body, len)->status, status);
  assert_int_equal(events_read_close(&ann), close_code);
  events_close(&ann);
}

static void test_a_body_that_is_not_packed_messages_ends_the_session(void **state) {
  (void)state;
  static uint8_t big[70 * 1024];
  static const uint8_t long_message[65537];
  start(2);
  for (size_t len = 1; len < 4; len++) {
    expect_fatal("\0\0\0\0", len, 400, 1002);
  }
  expect_fatal("\0\0\0\5abcd", 8, 400, 1002);
  expect_fatal("\0\0\0\1a\0\0\0\2b", 10, 400, 1002);
  expect_fatal("\x7f\xff\xff\xff", 4, 413, 1009);
  expect_fatal("\xff\xff\xff\xff", 4, 413, 1009);
  expect_fatal("\0\1\0\1", 4, 413, 1009);
  expect_fatal("\x80\0\0\2\xc3\x28", 6, 400, 1007);
  expect_fatal("\x80\0\0\1\xc3", 5, 400, 1007);
  size_t len = events_pack(big, 0, long_message, sizeof long_message);
  expect_fatal(big, len, 413, 1009);
  fixture_stop(&fixture);
}

static void test_mistakes_count_as_those_of_frames(void **state) {
  (void)state;
  static uint8_t body[8192];
  struct stoa_server_config *config = config_of(1);
  struct stoa_limits_config limits = {.session_errors_max = 10};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  open_one(&ann);
  size_t len = 0;
  for (int i = 0; i < 20; i++) {
    len = events_pack_typed(body, len, 999, "{}");
  }
  expect_error(events_post(&ann, 1, body, len), 410, "SESSION_GONE");
  assert_int_equal(events_read_close(&ann), 4509);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_the_rate_limit_closes_with_4013(void **state) {
  (void)state;
  static uint8_t body[8192];
  struct stoa_server_config *config = config_of(1);
  struct stoa_rate_config rate = {.messages_per_s = 1, .messages_burst = 5, .excess_max = 10};
  struct stoa_limits_config limits = {.rate = &rate};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  open_one(&ann);
  size_t len = 0;
  for (int i = 0; i < 40; i++) {
    len = events_pack_typed(body, len, FIXTURE_LINE, "{}");
  }
  assert_int_equal(events_post(&ann, 1, body, len)->status, 410);
  assert_int_equal(events_read_close(&ann), 4013);
  events_close(&ann);
  fixture_stop(&fixture);
}

/* Opening. */

static int open_with(const char *protocol, const char *extra) {
  int status = events_open(&ann, fixture.address, protocol, extra);
  events_close(&ann);
  return status;
}

static void test_opening_has_the_rules_of_an_upgrade(void **state) {
  (void)state;
  struct stoa_string origins[] = {STOA_STR("https://chat.example.org")};
  struct stoa_server_config *config = config_of(1);
  config->allowed_origins.items = origins;
  config->allowed_origins.count = 1;
  fixture_start(&fixture, config, NULL);
  assert_int_equal(open_with("stoa.json", "Origin: https://chat.example.org\r\n"), 200);
  assert_int_equal(open_with("stoa.json", "Origin: https://evil.example\r\n"), 403);
  assert_int_equal(open_with("stoa.json", "Origin: null\r\n"), 403);
  assert_int_equal(open_with("stoa.json", "Origin: https://chat.example.org\r\nOrigin: https://evil.example\r\n"), 400);
  assert_int_equal(open_with("stoa.json", NULL), 200); /* no browser */
  assert_int_equal(open_with("stoa.other", NULL), 400);
  assert_int_equal(open_with("", NULL), 400);
  char fields[256];
  open_one(&bob);
  snprintf(fields, sizeof fields, "Stoa-Session: %s\r\nOrigin: https://evil.example\r\n", bob.key);
  assert_int_equal(http_request(fixture.address, "POST", "/", fields, NULL)->status, 403);
  snprintf(fields, sizeof fields, "Stoa-Session: %s\r\nOrigin: https://chat.example.org\r\n", bob.key);
  assert_int_equal(http_request(fixture.address, "POST", "/", fields, NULL)->status, 204);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "https://chat.example.org");
  assert_string_equal(http_field("Access-Control-Allow-Credentials"), "true");
  assert_string_equal(http_field("Vary"), "Origin");
  events_close(&bob);
  fixture_stop(&fixture);
}

static int open_from(const char *fields) {
  char request[512];
  snprintf(request, sizeof request, "POST / HTTP/1.1\r\nContent-Length: 0\r\nStoa-Protocol: stoa.json\r\n%s\r\n",
           fields);
  client_connect(&ann.down, fixture.address);
  http_send(&ann.down, request);
  int status = client_read_status(&ann.down);
  client_close(&ann.down);
  return status;
}

static void test_a_rebound_page_does_not_get_in_with_the_fields_of_a_proxy(void **state) {
  (void)state;
  static const char page[] = "Host: evil.example\r\nOrigin: http://evil.example\r\n";
  static const char pretending[] =
      "Host: evil.example\r\nOrigin: http://evil.example\r\nX-Forwarded-For: 192.0.2.1\r\n";
  struct stoa_string trusted[] = {STOA_STR("127.0.0.0/8")};
  start(1);
  assert_int_equal(open_from("Host: localhost\r\nOrigin: http://localhost\r\n"), 200);
  assert_int_equal(open_from("Host: evil.example\r\n"), 200); /* no browser: it would send Origin with a POST */
  assert_int_equal(open_from(page), 403);
  assert_int_equal(open_from(pretending), 403);
  fixture_stop(&fixture);
  struct stoa_server_config *config = config_of(1);
  config->trusted_proxies.items = trusted;
  config->trusted_proxies.count = 1;
  fixture_start(&fixture, config, NULL);
  assert_int_equal(open_from(pretending), 200); /* the proxy has written them */
  fixture_stop(&fixture);
}

static void test_preflights_are_answered_for_allowed_pages_only(void **state) {
  (void)state;
  static const char asks[] =
      "Access-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: content-type,stoa-sequence,stoa-session\r\n";
  char fields[512];
  struct stoa_string origins[] = {STOA_STR("https://chat.example.org")};
  struct stoa_server_config *config = config_of(1);
  config->allowed_origins.items = origins;
  config->allowed_origins.count = 1;
  fixture_start(&fixture, config, NULL);
  snprintf(fields, sizeof fields, "Origin: https://chat.example.org\r\n%s", asks);
  assert_int_equal(http_request(fixture.address, "OPTIONS", "/", fields, NULL)->status, 204);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "https://chat.example.org");
  assert_string_equal(http_field("Access-Control-Allow-Methods"), "POST");
  assert_non_null(strstr(http_field("Access-Control-Allow-Headers"), "Stoa-Session"));
  snprintf(fields, sizeof fields, "Origin: https://evil.example\r\n%s", asks);
  assert_int_equal(http_request(fixture.address, "OPTIONS", "/", fields, NULL)->status, 403);
  assert_null(http_field("Access-Control-Allow-Origin"));
  fixture_stop(&fixture);
}

static void test_the_response_asks_proxies_not_to_hold_it_back(void **state) {
  (void)state;
  char head[4096] = "";
  start(1);
  client_connect(&ann.down, fixture.address);
  http_send(&ann.down, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nStoa-Protocol: stoa.json\r\n\r\n");
  for (size_t len = 0; strstr(head, "\r\n\r\n") == NULL;) {
    struct pollfd waiting = {ann.down.fd, POLLIN, 0};
    assert_int_equal(poll(&waiting, 1, 60000), 1);
    ssize_t got = recv(ann.down.fd, head + len, sizeof head - 1 - len, 0);
    assert_true(got > 0);
    len += (size_t)got;
  }
  assert_non_null(strstr(head, "HTTP/1.1 200 OK\r\n"));
  assert_non_null(strstr(head, "\r\nContent-Type: text/event-stream\r\n"));
  assert_non_null(strstr(head, "\r\nTransfer-Encoding: chunked\r\n"));
  assert_non_null(strstr(head, "\r\nX-Accel-Buffering: no\r\n"));
  assert_non_null(strstr(head, "\r\nCache-Control: no-store, no-transform\r\n"));
  client_close(&ann.down);
  fixture_stop(&fixture);
}

static void expect_status(const char *request, int status) {
  assert_int_equal(http_ask(fixture.address, request)->status, status);
}

static void test_requests_that_cannot_be_opened_are_refused(void **state) {
  (void)state;
  start(1);
  expect_status("POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\nStoa-Protocol: stoa.json\r\n\r\n", 400);
  expect_status("GET / HTTP/1.1\r\nHost: localhost\r\nStoa-Protocol: stoa.json\r\n\r\n", 405);
  assert_string_equal(http_field("Allow"), "POST");
  expect_status("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nStoa-Protocol: stoa.json\r\n\r\nx", 413);
  expect_status(
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nStoa-Protocol: stoa.json\r\n\r\n"
      "0\r\n\r\n",
      413);
  expect_status("POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nStoa-Protocol: stoa.json\r\n\r\n",
                405);
  fixture_stop(&fixture);
  fixture_start(&fixture, fixture_config(1), NULL); /* it is off by default */
  expect_status("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nStoa-Protocol: stoa.json\r\n\r\n", 405);
  fixture_stop(&fixture);
}

static void test_a_full_server_says_so_with_4014(void **state) {
  (void)state;
  struct stoa_server_config *config = config_of(1);
  struct stoa_limits_config limits = {.sessions_max = 1};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  open_one(&ann);
  events_sync(&ann);
  open_one(&bob);
  struct event event = events_read_message(&bob);
  assert_int_equal(event.data[0], 0x40);
  assert_non_null(memmem(event.data, event.len, "FULL", 4));
  assert_int_equal(events_read_close(&bob), 4014);
  events_close(&bob);
  events_close(&ann);
  fixture_stop(&fixture);
}

/* Ends. */

static void test_bytes_after_the_request_end_the_session(void **state) {
  (void)state;
  start(1);
  open_one(&ann);
  http_send(&ann.down, "POST / HTTP/1.1\r\n");
  assert_int_equal(events_read_close(&ann), 1002);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_a_drain_closes_with_4001_and_ends_the_response(void **state) {
  (void)state;
  start(2);
  open_one(&ann);
  open_one(&bob);
  events_sync(&ann);
  stoa_server_drain(fixture.server);
  assert_int_equal(events_read_close(&ann), 4001);
  assert_int_equal(events_read_close(&bob), 4001);
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

static void test_a_post_in_pieces_of_one_byte_is_read(void **state) {
  (void)state;
  char request[1024];
  uint8_t body[128];
  start(2);
  open_one(&ann);
  size_t body_len = events_pack_call(body, 0, FIXTURE_ASK, 1, "{\"question\":\"slow\"}");
  int len = snprintf(request, sizeof request,
                     "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                     "Content-Length: %zu\r\nStoa-Session: %s\r\nStoa-Sequence: 1\r\n\r\n",
                     body_len, ann.key);
  memcpy(request + len, body, body_len);
  client_connect(&ann.up, fixture.address);
  ann.has_up = true;
  for (size_t i = 0; i < (size_t)len + body_len; i++) {
    assert_true(client_write(&ann.up, request + i, 1));
  }
  assert_int_equal(events_read_answer(&ann)->status, 204);
  struct event event = events_read_message(&ann);
  assert_non_null(memmem(event.data, event.len, "slow", 4));
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_a_post_that_ends_in_the_middle_changes_nothing(void **state) {
  (void)state;
  uint8_t body[128];
  start(2);
  open_one(&ann);
  char head[512];
  snprintf(head, sizeof head,
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 100\r\n"
           "Stoa-Session: %s\r\nStoa-Sequence: 1\r\n\r\nabc",
           ann.key);
  struct client half;
  client_connect(&half, fixture.address);
  http_send(&half, head);
  client_close(&half);
  (void)body;
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_an_idle_connection_of_posts_is_closed_without_an_answer_to_nothing(void **state) {
  (void)state;
  struct stoa_server_config *config = config_of(2);
  struct stoa_limits_config limits = {.handshake_timeout_ms = 300};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  open_one(&ann);
  events_sync(&ann);
  assert_true(http_is_ended(&ann.up));
  client_close(&ann.up);
  ann.has_up = false;
  events_sync(&ann); /* another one */
  events_close(&ann);
  fixture_stop(&fixture);
}

static void test_a_flood_of_posts_harms_nobody(void **state) {
  (void)state;
  enum { FLOOD = 300 };
  static uint8_t body[2048];
  struct client others[8];
  start(2);
  open_one(&ann);
  open_one(&bob);
  size_t len = events_pack_typed(body, 0, 5000, "{}");
  char request[4096];
  int head_len = snprintf(request, sizeof request,
                          "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                          "Content-Length: %zu\r\nStoa-Session: %s\r\nStoa-Sequence: 9\r\n\r\n",
                          len, bob.key);
  memcpy(request + head_len, body, len);
  for (size_t i = 0; i < 8; i++) {
    client_connect(&others[i], fixture.address);
  }
  for (int i = 0; i < FLOOD; i++) {
    for (size_t at = 0; at < 8; at++) {
      client_write(&others[at], request, (size_t)head_len + len);
    }
    if (i % 10 == 0) {
      events_sync(&ann);
    }
  }
  for (size_t i = 0; i < 8; i++) {
    for (int k = 0; k < FLOOD; k++) {
      assert_int_equal(http_read(&others[i])->status, 409);
    }
    client_close(&others[i]);
  }
  events_sync(&ann);
  events_sync(&bob);
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

static void test_a_server_that_ends_leaves_nothing_of_a_post(void **state) {
  (void)state;
  uint8_t body[128];
  start(2);
  open_one(&ann);
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, "{}");
  for (unsigned long i = 1; i < 50; i++) {
    events_send_post(&ann, i, body, len);
  }
  fixture_stop(&fixture);
  events_close(&ann);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_call_that_is_posted_is_answered_by_an_event),
      cmocka_unit_test(test_sessions_of_websocket_and_of_the_fallback_share_groups_in_one_order),
      cmocka_unit_test(test_protobuf_and_text_have_their_own_events),
      cmocka_unit_test(test_text_is_posted_as_one_message_by_its_content_type),
      cmocka_unit_test(test_posts_reach_their_session_from_whatever_worker_reads_them),
      cmocka_unit_test(test_many_messages_of_one_post_are_handled_in_order),
      cmocka_unit_test(test_a_post_that_is_sent_twice_is_applied_once),
      cmocka_unit_test(test_numbers_that_are_old_or_leave_a_gap_are_refused),
      cmocka_unit_test(test_posts_that_are_not_what_they_should_be_are_refused_with_a_reason),
      cmocka_unit_test(test_a_wrong_key_finds_no_session),
      cmocka_unit_test(test_a_websocket_session_takes_no_posts),
      cmocka_unit_test(test_after_the_end_of_a_session_its_key_finds_nothing),
      cmocka_unit_test(test_a_body_that_is_not_packed_messages_ends_the_session),
      cmocka_unit_test(test_mistakes_count_as_those_of_frames),
      cmocka_unit_test(test_the_rate_limit_closes_with_4013),
      cmocka_unit_test(test_opening_has_the_rules_of_an_upgrade),
      cmocka_unit_test(test_a_rebound_page_does_not_get_in_with_the_fields_of_a_proxy),
      cmocka_unit_test(test_preflights_are_answered_for_allowed_pages_only),
      cmocka_unit_test(test_the_response_asks_proxies_not_to_hold_it_back),
      cmocka_unit_test(test_requests_that_cannot_be_opened_are_refused),
      cmocka_unit_test(test_a_full_server_says_so_with_4014),
      cmocka_unit_test(test_bytes_after_the_request_end_the_session),
      cmocka_unit_test(test_a_drain_closes_with_4001_and_ends_the_response),
      cmocka_unit_test(test_a_post_in_pieces_of_one_byte_is_read),
      cmocka_unit_test(test_a_post_that_ends_in_the_middle_changes_nothing),
      cmocka_unit_test(test_an_idle_connection_of_posts_is_closed_without_an_answer_to_nothing),
      cmocka_unit_test(test_a_flood_of_posts_harms_nobody),
      cmocka_unit_test(test_a_server_that_ends_leaves_nothing_of_a_post),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
