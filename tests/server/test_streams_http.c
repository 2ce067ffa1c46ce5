/* Streams over HTTP, as Server-Sent Events: every way to end, slow readers, a million items, clients that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <stoa/log.h>

#include "asking.h"
#include "base/memory.h"
#include "server/worker/stepping.h"
#include "streaming.h"

#define MILLION 1000000u
#define FAULTS_MAX 80u

static struct fixture fixture;

static void start(void) {
  streaming_start(&fixture, fixture_config(1), NULL);
}

/* By HTTP/1.0 the answer is not cut into chunks. */
static void ask_for(struct client *client, const char *how, uint64_t count) {
  char request[200];
  char line[300];
  snprintf(request, sizeof request, "GET /v1/count/%s?count=%" PRIu64 " HTTP/1.0\r\n\r\n", how, count);
  client_connect(client, fixture.address);
  http_send(client, request);
  do {
    assert_true(http_read_line(client, line, sizeof line));
  } while (strcmp(line, "\r\n") != 0);
}

static void read_line(struct client *client, char line[300]) {
  assert_true(http_read_line(client, line, 300));
  line[strcspn(line, "\n")] = '\0';
}

static void expect_line(struct client *client, const char *text) {
  char line[300];
  read_line(client, line);
  assert_string_equal(line, text);
}

static void expect_item(struct client *client, uint64_t number) {
  char text[100];
  char line[300];
  snprintf(text, sizeof text, "data: {\"number\":\"%" PRIu64 "\",\"text\":\"a number\"}", number);
  read_line(client, line);
  while (strcmp(line, ":") == 0) { /* on a machine that is slow enough */
    expect_line(client, "");
    read_line(client, line);
  }
  assert_string_equal(line, text);
  expect_line(client, "");
}

static void expect_end(struct client *client) {
  char line[16];
  expect_line(client, "event: end");
  expect_line(client, "data: {}");
  expect_line(client, "");
  assert_false(http_read_line(client, line, sizeof line));
}

static void expect_error(struct client *client, const char *reason) {
  char line[300];
  expect_line(client, "event: error");
  assert_true(http_read_line(client, line, sizeof line));
  assert_memory_equal(line, "data: {\"code\":", 14);
  assert_non_null(strstr(line, reason));
  expect_line(client, "");
  assert_false(http_read_line(client, line, sizeof line));
}

/* A reset: an end of the client's side alone would leave it the answer. */
static void reset(struct client *client) {
  static const struct linger at_once = {1, 0};
  assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  client_close(client);
}

static void test_items_are_events_and_the_connection_goes_on(void **state) {
  struct client client;
  (void)state;
  start();
  client_connect(&client, fixture.address);
  http_send(&client, "GET /v1/count/now?count=2 HTTP/1.1\r\nHost: x\r\n\r\n");
  const struct http_answer *answer = http_read(&client);
  assert_int_equal(answer->status, 200);
  assert_string_equal(http_field("Content-Type"), "text/event-stream");
  assert_string_equal(http_field("Cache-Control"), "no-cache");
  assert_string_equal(http_field("X-Accel-Buffering"), "no");
  assert_string_equal(answer->body,
                      "data: {\"number\":\"0\",\"text\":\"a number\"}\n\n"
                      "data: {\"number\":\"1\",\"text\":\"a number\"}\n\n"
                      "event: end\ndata: {}\n\n");
  http_send(&client, "GET /v1/count/end%20here HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_non_null(strstr(http_read(&client)->body, "event: end\n"));
  http_send(&client, "HEAD /v1/count/keep HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(http_read_head(&client)->status, 200);
  assert_string_equal(http_field("Content-Type"), "text/event-stream");
  http_send(&client, "GET /v1/sync?count=3 HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_string_equal(http_read(&client)->body, "{\"number\":\"3\",\"text\":\"\"}");
  assert_int_equal(streaming_counts(&fixture).ended, 2);
  assert_int_equal(streaming_counts(&fixture).items, 3);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_an_error_before_the_first_item_is_the_answer(void **state) {
  static const char *const ways[] = {"refuse", "fail%20here", "fail"};
  (void)state;
  start();
  for (size_t i = 0; i < 3; i++) {
    char target[64];
    snprintf(target, sizeof target, "/v1/count/%s", ways[i]);
    const struct http_answer *answer = http_request(fixture.address, "GET", target, NULL, NULL);
    assert_int_equal(answer->status, 400);
    assert_string_equal(http_field("Content-Type"), "application/json");
    assert_non_null(strstr(answer->body, "\"reason\":\"BUSY\""));
  }
  assert_int_equal(http_request(fixture.address, "GET", "/v1/count/drop%20here", NULL, NULL)->status, 500);
  assert_int_equal(http_request(fixture.address, "GET", "/v1/count/now?count=x", NULL, NULL)->status, 400);
  assert_int_equal(streaming_counts(&fixture).failed, 3);
  fixture_stop(&fixture);
}

static void test_an_error_after_items_is_the_last_event(void **state) {
  struct client client;
  (void)state;
  start();
  ask_for(&client, "fail", 1);
  expect_item(&client, 0);
  expect_error(&client, "BUSY");
  client_close(&client);
  ask_for(&client, "broken", 0);
  expect_item(&client, 1);
  expect_end(&client);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_another_thread_sends_events(void **state) {
  static const struct stoa_error bad = {.code = 1, .reason = STOA_STR("\xff")};
  struct client client;
  (void)state;
  start();
  ask_for(&client, "keep", 0); /* the head comes before the first item */
  struct streaming_kept *kept = streaming_take();
  assert_int_equal(streaming_send(kept->stream, 5), STOA_OK);
  expect_item(&client, 5);
  assert_int_equal(stream_v1_streams_count_end(kept->stream), STOA_OK);
  expect_end(&client);
  counter_wait(&kept->closed, 1);
  assert_true(kept->was_consumed);
  client_close(&client);
  ask_for(&client, "keep", 0);
  kept = streaming_take();
  assert_int_equal(stream_v1_streams_count_fail(kept->stream, &bad), STOA_E_UTF8);
  expect_error(&client, "INTERNAL");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_million_items_go_to_a_slow_reader_in_bounded_memory(void **state) {
  struct client client;
  (void)state;
  start();
  ask_for(&client, "worker", MILLION);
  counter_wait(&streaming_full, 1);
  for (uint64_t i = 0; i < MILLION; i++) {
    expect_item(&client, i);
  }
  expect_end(&client);
  counter_wait(&streaming_closed, 1);
  /* Of what the exchange holds at most a piece is in the queue of the connection. */
  assert_true(atomic_load(&streaming_queued_max) <= 2 * 64 * 1024);
  assert_int_equal(streaming_counts(&fixture).items, MILLION);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_client_that_is_gone_cancels_a_million_items_in_the_middle(void **state) {
  struct client client;
  (void)state;
  start();
  ask_for(&client, "worker", MILLION);
  for (uint64_t i = 0; i < MILLION / 2; i++) {
    expect_item(&client, i);
  }
  reset(&client);
  counter_wait(&streaming_closed, 1);
  assert_int_equal(streaming_counts(&fixture).cancelled, 1);
  assert_true(streaming_counts(&fixture).items < MILLION);
  fixture_stop(&fixture);
}

static void test_the_server_fails_a_million_items_in_the_middle(void **state) {
  struct client client;
  (void)state;
  start();
  ask_for(&client, "half", MILLION);
  for (uint64_t i = 0; i < MILLION / 2; i++) {
    expect_item(&client, i);
  }
  expect_error(&client, "BUSY");
  counter_wait(&streaming_closed, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* A thread that sends until there is no more room, and waits for the event then. */
struct sender {
  struct streaming_kept *kept;
  uint64_t count;
  unsigned waits;
};

static void *send_many(void *context) {
  struct sender *sender = context;
  for (uint64_t i = 0; i < sender->count;) {
    int status = streaming_send(sender->kept->stream, i);
    if (status == STOA_OK) {
      i++;
    } else {
      assert_int_equal(status, STOA_E_AGAIN);
      counter_up(&streaming_full);
      counter_wait(&sender->kept->ready, ++sender->waits);
    }
  }
  assert_int_equal(stream_v1_streams_count_end(sender->kept->stream), STOA_OK);
  return NULL;
}

static void test_another_thread_sends_many_to_a_slow_reader(void **state) {
  struct client client;
  pthread_t thread;
  (void)state;
  start();
  ask_for(&client, "keep", 0);
  struct sender sender = {.kept = streaming_take(), .count = MILLION / 5};
  assert_int_equal(pthread_create(&thread, NULL, send_many, &sender), 0);
  counter_wait(&streaming_full, 1); /* nothing is read until the sender has had to wait */
  for (uint64_t i = 0; i < sender.count; i++) {
    expect_item(&client, i);
  }
  expect_end(&client);
  pthread_join(thread, NULL);
  assert_true(sender.waits > 0);
  counter_wait(&sender.kept->closed, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_server_that_drains_ends_event_streams(void **state) {
  struct client client;
  (void)state;
  start();
  ask_for(&client, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  stoa_server_drain(fixture.server);
  expect_error(&client, "DRAINING");
  client_close(&client);
  stoa_server_wait(fixture.server);
  counter_wait(&kept->closed, 1);
  assert_int_equal(streaming_send(kept->stream, 1), STOA_E_CLOSED);
  stoa_call_stream_drop(kept->stream);
  fixture_stop(&fixture);
}

static void test_a_comment_is_sent_when_no_item_comes(void **state) {
  struct client client;
  struct stoa_clock_fake time = {0};
  (void)state;
  struct stoa_clock clock = stoa_clock_fake_init(&time);
  time.monotonic_ns = UINT64_C(1000000000000);
  struct stoa_server_config *config = fixture_config(1);
  config->io_uring = STOA_IO_URING_OFF;
  streaming_create(&fixture, config, NULL);
  stoa_server_use_clock(fixture.server, &clock);
  assert_int_equal(stoa_server_bind(fixture.server), STOA_OK);
  assert_int_equal(stoa_server_begin_stepped(fixture.server), STOA_OK);
  client_connect(&client, stoa_server_address(fixture.server, 0));
  http_send(&client, "GET /v1/count/keep HTTP/1.0\r\n\r\n");
  struct stoa_worker *worker = stoa_server_worker(fixture.server, 0);
  while (streaming_counts(&fixture).begun == 0) {
    stoa_worker_turn(worker, 10);
  }
  struct streaming_kept *kept = streaming_take();
  char line[300];
  do {
    assert_true(http_read_line(&client, line, sizeof line));
  } while (strcmp(line, "\r\n") != 0);
  for (unsigned i = 0; i < 2; i++) {
    time.monotonic_ns += UINT64_C(15100000000);
    stoa_worker_turn(worker, 0);
    stoa_worker_turn(worker, 0);
    expect_line(&client, ":");
    expect_line(&client, "");
  }
  client_close(&client);
  stoa_server_abort(fixture.server);
  stoa_server_wait(fixture.server);
  stoa_call_stream_drop(kept->stream);
  fixture_stop(&fixture);
}

static void test_every_allocation_of_an_event_stream_may_fail(void **state) {
  (void)state;
  for (uint64_t n = 1; n <= FAULTS_MAX; n++) {
    struct client clients[2];
    start();
    stoa_memory_fail_at(n, false);
    for (size_t i = 0; i < 2; i++) {
      client_connect(&clients[i], fixture.address);
      http_send(&clients[i],
                i == 0 ? "GET /v1/count/now?count=3 HTTP/1.0\r\n\r\n" : "GET /v1/count/fail?count=2 HTTP/1.0\r\n\r\n");
      char line[300];
      while (http_read_line(&clients[i], line, sizeof line)) {
      }
      client_close(&clients[i]);
    }
    stoa_memory_fail_at(0, false);
    fixture_stop(&fixture);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_items_are_events_and_the_connection_goes_on),
      cmocka_unit_test(test_an_error_before_the_first_item_is_the_answer),
      cmocka_unit_test(test_an_error_after_items_is_the_last_event),
      cmocka_unit_test(test_another_thread_sends_events),
      cmocka_unit_test(test_a_million_items_go_to_a_slow_reader_in_bounded_memory),
      cmocka_unit_test(test_a_client_that_is_gone_cancels_a_million_items_in_the_middle),
      cmocka_unit_test(test_the_server_fails_a_million_items_in_the_middle),
      cmocka_unit_test(test_another_thread_sends_many_to_a_slow_reader),
      cmocka_unit_test(test_a_server_that_drains_ends_event_streams),
      cmocka_unit_test(test_a_comment_is_sent_when_no_item_comes),
      cmocka_unit_test(test_every_allocation_of_an_event_stream_may_fail),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("streams over HTTP", tests, NULL, NULL);
}
