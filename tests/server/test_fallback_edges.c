/* The HTTP fallback at its edges: requests that lie about themselves, forms of other pages, connections that are
 * shared, and a server that drains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events.h"
#include "fixture.h"

enum { CROWD = 1500 };

static struct fixture fixture;
static struct events ann, bob;

static void start(uint32_t workers) {
  struct stoa_server_config *config = fixture_config(workers);
  config->http_fallback = true;
  config->drain_ms = 60000;
  fixture_start(&fixture, config, NULL);
}

static void open_one(struct events *events) {
  assert_int_equal(events_open(events, fixture.address, "stoa.json", NULL), 200);
}

static void expect_error(const struct http_answer *answer, int status, const char *reason) {
  assert_int_equal(answer->status, status);
  assert_non_null(strstr(answer->body, reason));
}

/* Numbers and fields. */

static void a_number_that_is_repeated_with_another_body_is_refused(void **state) {
  (void)state;
  uint8_t body[128];
  start(2);
  open_one(&ann);
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, "{\"number\":1}");
  assert_int_equal(events_post(&ann, 1, body, len)->status, 204);
  events_read_message(&ann);
  size_t other_len = events_pack_typed(body, 0, FIXTURE_LINE, "{\"number\":2}");
  assert_int_equal(other_len, len);
  expect_error(events_post(&ann, 1, body, len), 409, "OUT_OF_ORDER");
  expect_error(events_post(&ann, 1, NULL, 0), 409, "OUT_OF_ORDER");
  ann.number = 1;
  events_sync(&ann); /* its reply is the next message: nothing of the others was handled */
  events_close(&ann);
  fixture_stop(&fixture);
}

static void post_fields(const struct events *events, const char *fields, int status) {
  char all[1024];
  snprintf(all, sizeof all, "Stoa-Session: %s\r\n%s", events->key, fields);
  assert_int_equal(http_request(fixture.address, "POST", "/", all, NULL)->status, status);
}

static void fields_that_are_there_twice_are_refused(void **state) {
  (void)state;
  char twice[256];
  start(2);
  open_one(&ann);
  open_one(&bob);
  snprintf(twice, sizeof twice, "Stoa-Session: %s\r\n", bob.key);
  post_fields(&ann, twice, 400);
  snprintf(twice, sizeof twice, "Stoa-Session: %s\r\n", ann.key); /* also when they are equal */
  post_fields(&ann, twice, 400);
  post_fields(&ann, "Stoa-Sequence: 1\r\nStoa-Sequence: 2\r\nContent-Type: text/plain\r\n", 400);
  post_fields(&ann, "Stoa-Sequence: 1\r\nContent-Type: text/plain\r\nContent-Type: application/octet-stream\r\n", 400);
  static const char open[] = "Stoa-Protocol: stoa.json\r\nStoa-Protocol: stoa.proto\r\n";
  assert_int_equal(http_request(fixture.address, "POST", "/", open, NULL)->status, 400);
  events_sync(&ann);
  events_sync(&bob);
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

static void a_request_that_opens_and_posts_is_a_post_and_gives_no_second_stream(void **state) {
  (void)state;
  start(1);
  open_one(&ann);
  post_fields(&ann, "Stoa-Protocol: stoa.json\r\n", 204);
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

/* Bodies. */

static void send_head(struct client *client, const struct events *events, unsigned long number, const char *fields) {
  char head[1024];
  snprintf(head, sizeof head,
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nStoa-Session: %s\r\n"
           "Stoa-Sequence: %lu\r\n%s\r\n",
           events->key, number, fields);
  http_send(client, head);
}

static void send_post(struct client *client, const struct events *events, unsigned long number, const char *payload) {
  uint8_t body[512];
  char fields[64];
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, payload);
  snprintf(fields, sizeof fields, "Content-Length: %zu\r\n", len);
  send_head(client, events, number, fields);
  assert_true(client_write(client, body, len));
}

static void a_body_in_chunks_is_read_and_one_that_breaks_off_changes_nothing(void **state) {
  (void)state;
  struct client client;
  uint8_t body[256];
  char size[16];
  start(2);
  open_one(&ann);
  size_t len = events_pack_call(body, 0, FIXTURE_ASK, 1, "{\"question\":\"in chunks\"}");
  for (int whole = 0; whole < 2; whole++) {
    client_connect(&client, fixture.address);
    send_head(&client, &ann, 1, "Transfer-Encoding: chunked\r\n");
    for (size_t i = 0; i < len - (whole == 0); i++) {
      snprintf(size, sizeof size, "1;x=y\r\n%c\r\n", '-');
      size[7] = (char)body[i];
      assert_true(client_write(&client, size, 10));
    }
    if (whole == 1) {
      http_send(&client, "0\r\n\r\n");
      assert_int_equal(http_read(&client)->status, 204);
    }
    client_close(&client);
  }
  assert_non_null(memmem(events_read_message(&ann).data, 30, "in chunks", 9));
  ann.number = 1;
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void chunks_that_are_too_many_or_malformed_are_refused_before_a_message_is_handled(void **state) {
  (void)state;
  static char big[140 * 1024];
  struct client client;
  char size[32];
  start(1);
  open_one(&ann);
  client_connect(&client, fixture.address);
  send_head(&client, &ann, 1, "Transfer-Encoding: chunked\r\n");
  snprintf(size, sizeof size, "%zx\r\n", sizeof big);
  http_send(&client, size);
  client_write(&client, big, sizeof big);
  assert_int_equal(http_read(&client)->status, 413);
  client_close(&client);
  client_connect(&client, fixture.address);
  send_head(&client, &ann, 1, "Transfer-Encoding: chunked\r\n");
  http_send(&client, "5\r\n\1\1\1\1\1xx");
  assert_int_equal(http_read(&client)->status, 400);
  client_close(&client);
  client_connect(&client, fixture.address);
  send_head(&client, &ann, 1, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n");
  assert_int_equal(http_read(&client)->status, 400);
  client_close(&client);
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void who_waits_for_100_is_told_to_go_on_and_a_refused_one_is_not(void **state) {
  (void)state;
  struct client client;
  uint8_t body[128];
  char fields[128];
  start(2);
  open_one(&ann);
  size_t len = events_pack_call(body, 0, FIXTURE_ASK, 1, "{\"question\":\"may I\"}");
  snprintf(fields, sizeof fields, "Expect: 100-continue\r\nContent-Length: %zu\r\n", len);
  client_connect(&client, fixture.address);
  send_head(&client, &ann, 1, fields);
  assert_int_equal(http_read(&client)->status, 100);
  assert_true(client_write(&client, body, len));
  assert_int_equal(http_read(&client)->status, 204);
  client_close(&client);
  events_read_message(&ann);
  client_connect(&client, fixture.address);
  send_head(&client, &ann, 2, "Expect: 100-continue\r\nContent-Length: 1000000000\r\n");
  assert_int_equal(http_read(&client)->status, 413);
  client_close(&client);
  ann.number = 1;
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

static void a_content_length_that_is_too_short_ends_the_connection_and_not_the_session_of_others(void **state) {
  (void)state;
  struct client client;
  start(1);
  open_one(&ann);
  open_one(&bob);
  client_connect(&client, fixture.address);
  send_head(&client, &ann, 1, "Content-Length: 4\r\n");
  assert_true(client_write(&client, "\0\0\0\4abcd\r\n\r\n", 12)); /* the message would end after the body */
  assert_int_equal(http_read(&client)->status, 400);
  client_close(&client);
  assert_int_equal(events_read_close(&ann), 1002);
  events_sync(&bob);
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

/* Pages. */

static void a_form_of_another_page_neither_opens_nor_posts(void **state) {
  (void)state;
  static const char *const types[] = {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                      "text/plain", "application/octet-stream"};
  char fields[512];
  start(1);
  open_one(&ann);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    /* A form has no fields of its own; what it could say, it says in the body and in the query. */
    snprintf(fields, sizeof fields, "Content-Type: %s\r\nOrigin: https://evil.example\r\n", types[i]);
    char target[256];
    snprintf(target, sizeof target, "/?stoa-protocol=stoa.json&stoa-session=%s&stoa-sequence=1", ann.key);
    const struct http_answer *answer =
        http_request(fixture.address, "POST", target, fields, "Stoa-Protocol=stoa.json\r\nStoa-Sequence: 1");
    assert_int_equal(answer->status, 405);
    assert_null(http_field("Access-Control-Allow-Origin"));
  }
  assert_int_equal(http_request(fixture.address, "HEAD", "/", "Stoa-Protocol: stoa.json\r\n", NULL)->status, 426);
  assert_int_equal(http_request(fixture.address, "PUT", "/", "Stoa-Protocol: stoa.json\r\n", NULL)->status, 405);
  assert_int_equal(http_request(fixture.address, "OPTIONS", "/", "Stoa-Protocol: stoa.json\r\n", NULL)->status, 405);
  events_sync(&ann);
  events_close(&ann);
  fixture_stop(&fixture);
}

/* Connections. */

static void posts_of_several_sessions_may_be_pipelined_on_one_connection(void **state) {
  (void)state;
  enum { ROUNDS = 50 };
  struct client client;
  start(4);
  open_one(&ann);
  open_one(&bob);
  client_connect(&client, fixture.address);
  for (unsigned long i = 1; i <= ROUNDS; i++) {
    send_post(&client, &ann, i, "{\"from\":\"ann\"}");
    send_post(&client, &bob, i, "{\"from\":\"bob\"}");
  }
  for (unsigned i = 0; i < 2 * ROUNDS; i++) {
    assert_int_equal(http_read(&client)->status, 204);
  }
  client_close(&client);
  for (unsigned i = 0; i < 2 * ROUNDS; i++) { /* each was answered before the next one was read */
    struct event event = events_read_message(&ann);
    assert_non_null(memmem(event.data, event.len, i % 2 == 0 ? "ann" : "bob", 3));
  }
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

static void the_rate_of_an_address_counts_sessions_of_the_fallback(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.limit_loopback = true, .address_sessions_max = 2};
  config->http_fallback = true;
  config->limits = &limits;
  struct events third;
  fixture_start(&fixture, config, NULL);
  open_one(&ann);
  open_one(&bob);
  events_sync(&ann);
  events_sync(&bob);
  open_one(&third);
  assert_int_equal(events_read_close(&third), 4014);
  events_close(&third);
  events_sync(&ann); /* connections for posts are left */
  events_close(&ann);
  events_close(&bob);
  fixture_stop(&fixture);
}

/* Drains. */

/* A post on a connection of its own. Returns its status; 0: nobody listens any more, or the connection was ended. */
static int post_anew(struct events *events, unsigned long number) {
  char line[64];
  uint8_t body[128];
  struct client client;
  snprintf(line, sizeof line, "{\"from\":\"x\",\"number\":%lu}", number);
  size_t len = events_pack_typed(body, 0, FIXTURE_LINE, line);
  char fields[64];
  snprintf(fields, sizeof fields, "Content-Length: %zu\r\n", len);
  if (!client_try_connect(&client, fixture.address)) {
    return 0;
  }
  char head[1024];
  int head_len = snprintf(head, sizeof head,
                          "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                          "Stoa-Session: %s\r\nStoa-Sequence: %lu\r\nContent-Length: %zu\r\n\r\n",
                          events->key, number, len);
  bool is_sent = client_write(&client, head, (size_t)head_len) && client_write(&client, body, len);
  int status = is_sent ? http_read(&client)->status : 0;
  client_close(&client);
  return status;
}

/* Read the rest of its events. Returns how many messages of its own came, each once and in order. */
static unsigned long read_own(struct events *events, int *out_code) {
  unsigned long last = 0;
  *out_code = 1006;
  for (;;) {
    struct event event = events_read(events);
    if (event.kind == EVENT_CLOSE) {
      *out_code = event.code;
    } else if (event.kind == EVENT_END || event.kind == EVENT_BROKEN) {
      return last;
    } else if (event.kind == EVENT_MESSAGE) {
      const char *number = memmem(event.data, event.len, "\"number\":", 9);
      assert_non_null(number);
      assert_int_equal(strtoul(number + 9, NULL, 10), last + 1);
      last++;
    }
  }
}

/* So many connections that closes are spread over a second and more. */
static void gather_crowd(struct client *crowd) {
  for (unsigned i = 0; i < CROWD; i++) {
    fixture_connect(&fixture, &crowd[i], "stoa.proto");
  }
}

static void expect_new_ones_refused(void) {
  struct client client;
  assert_true(client_try_connect(&client, fixture.address));
  http_send(&client, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nStoa-Protocol: stoa.json\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 503);
  assert_string_equal(http_field("Retry-After"), "1");
  assert_non_null(strstr(http_field("Content-Type"), "json"));
  client_close(&client);
  assert_true(client_try_connect(&client, fixture.address));
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 503);
  client_close(&client);
  assert_int_equal(http_ask(fixture.address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")->status, 503);
  assert_true(http_field("Connection") != NULL && strcmp(http_field("Connection"), "close") == 0);
}

static void a_draining_server_serves_posts_until_the_session_is_closed_and_nothing_else(void **state) {
  (void)state;
  static struct client crowd[CROWD];
  unsigned long answered = 0;
  start(1);
  gather_crowd(crowd);
  open_one(&ann);
  open_one(&bob);
  events_sync(&bob);
  int status = post_anew(&ann, 1);
  assert_int_equal(status, 204);
  stoa_server_drain(fixture.server);
  while (status == 204) {
    answered++;
    if (answered == 2) {
      expect_new_ones_refused();
    }
    status = post_anew(&ann, answered + 1);
  }
  int code;
  unsigned long heard = read_own(&ann, &code);
  assert_int_equal(code, 4001); /* only then are posts not answered with 204 */
  assert_true(status == 404 || status == 410 || status == 0);
  assert_int_equal(heard, answered);
  assert_true(answered > 2);
  assert_int_equal(events_read_close(&bob), 4001);
  events_close(&ann);
  events_close(&bob);
  for (unsigned i = 0; i < CROWD; i++) {
    client_close(&crowd[i]);
  }
  stoa_server_wait(fixture.server);
  fixture_stop(&fixture);
}

static void a_connection_of_posts_is_kept_while_the_server_drains(void **state) {
  (void)state;
  static struct client crowd[CROWD];
  start(2);
  gather_crowd(crowd);
  open_one(&ann);
  events_sync(&ann);
  int fd = ann.up.fd;
  stoa_server_drain(fixture.server);
  const struct http_answer *answer = events_post(&ann, 0, NULL, 0);
  assert_true(answer->status == 204 || answer->status == 404);
  assert_true(answer->status == 404 || (ann.has_up && ann.up.fd == fd));
  assert_int_equal(events_read_close(&ann), 4001);
  events_close(&ann);
  for (unsigned i = 0; i < CROWD; i++) {
    client_close(&crowd[i]);
  }
  stoa_server_wait(fixture.server);
  fixture_stop(&fixture);
}

static void idle_connections_do_not_delay_the_end_of_a_drain(void **state) {
  (void)state;
  struct client idle[8];
  struct client half;
  start(2);
  open_one(&ann);
  events_sync(&ann);
  for (unsigned i = 0; i < 8; i++) {
    client_connect(&idle[i], fixture.address);
  }
  client_connect(&half, fixture.address);
  send_head(&half, &ann, 9, "Content-Length: 0\r\n");
  assert_int_equal(http_read(&half)->status, 409);
  stoa_server_drain(fixture.server);
  assert_int_equal(events_read_close(&ann), 4001);
  events_close(&ann);
  for (unsigned i = 0; i < 8; i++) {
    assert_true(http_is_ended(&idle[i]));
    client_close(&idle[i]);
  }
  assert_true(http_is_ended(&half));
  client_close(&half);
  stoa_server_wait(fixture.server);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_number_that_is_repeated_with_another_body_is_refused),
      cmocka_unit_test(fields_that_are_there_twice_are_refused),
      cmocka_unit_test(a_request_that_opens_and_posts_is_a_post_and_gives_no_second_stream),
      cmocka_unit_test(a_body_in_chunks_is_read_and_one_that_breaks_off_changes_nothing),
      cmocka_unit_test(chunks_that_are_too_many_or_malformed_are_refused_before_a_message_is_handled),
      cmocka_unit_test(who_waits_for_100_is_told_to_go_on_and_a_refused_one_is_not),
      cmocka_unit_test(a_content_length_that_is_too_short_ends_the_connection_and_not_the_session_of_others),
      cmocka_unit_test(a_form_of_another_page_neither_opens_nor_posts),
      cmocka_unit_test(posts_of_several_sessions_may_be_pipelined_on_one_connection),
      cmocka_unit_test(the_rate_of_an_address_counts_sessions_of_the_fallback),
      cmocka_unit_test(a_draining_server_serves_posts_until_the_session_is_closed_and_nothing_else),
      cmocka_unit_test(a_connection_of_posts_is_kept_while_the_server_drains),
      cmocka_unit_test(idle_connections_do_not_delay_the_end_of_a_drain),
  };
  return cmocka_run_group_tests_name("server: the HTTP fallback at its edges", tests, NULL, NULL);
}
