/* Calls that are answered later: before the handler returns, by another thread, too late, and never; at the cap; when
 * the session or the server has gone; and memory that stays flat. Answers by a timer are in test_work.c. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <stoa/log.h>

#include "base/memory.h"
#include "lib/self_signed.h"
#include "waiting.h"

#define CALLS_MAX 4u
/* A run under sanitizers; STOA_TEST_CALLS=1000000 is the figure of the issue. */
#define CALLS_OF_A_FORMAT 6000u
#define FAULTS_MAX 40u

static const char *const protocols[] = {"stoa.json", "stoa.proto", "stoa.text"};

static struct fixture fixture;

static struct stoa_call_counts counts(void) {
  struct stoa_call_counts counts;
  stoa_server_call_counts(fixture.server, &counts);
  return counts;
}

static struct stoa_server_config *with_limits(uint32_t workers, uint32_t calls_max, uint32_t timeout_ms) {
  static struct stoa_limits_config limits;
  struct stoa_server_config *config = fixture_config(workers);
  memset(&limits, 0, sizeof limits);
  limits.session_calls_max = calls_max;
  limits.call_timeout_ms = timeout_ms;
  config->limits = &limits;
  return config;
}

static void start(void) {
  waiting_start(&fixture, with_limits(1, CALLS_MAX, 0), NULL);
}

/* "after" calls on_closed, wait until so many sessions have ended. */
static struct counter ended;

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)session;
  (void)code;
  (void)reason;
  counter_up(&ended);
}

static void start_counting_ends(struct stoa_server_config *config) {
  static const struct stoa_callbacks callbacks = {.on_closed = on_closed};
  ended = (struct counter)COUNTER_INIT;
  waiting_start(&fixture, config, &callbacks);
}

/* The server has come as far as this question. */
static void sync(struct client *client, uint32_t number) {
  waiting_ask(client, "stoa.json", "sync", number);
  waiting_expect(client, "stoa.json", number, "sync");
}

static void test_another_thread_answers_in_every_format(void **state) {
  (void)state;
  start();
  for (size_t i = 0; i < 3; i++) {
    struct client client;
    fixture_connect(&fixture, &client, protocols[i]);
    waiting_ask(&client, protocols[i], "keep", 300);
    struct waiting_call kept = waiting_take();
    assert_true(stoa_call_waits(kept.call));
    /* Others are served meanwhile. */
    waiting_ask(&client, protocols[i], "sync", 301);
    waiting_expect(&client, protocols[i], 301, "sync");
    assert_int_equal(waiting_reply(&kept, "later"), STOA_OK);
    waiting_expect(&client, protocols[i], 300, "later");
    client_close(&client);
  }
  assert_int_equal(counts().taken, 3);
  assert_int_equal(counts().replied, 3);
  assert_int_equal(counts().outstanding, 0);
  fixture_stop(&fixture);
}

static void test_a_call_may_be_answered_before_its_handler_returns(void **state) {
  (void)state;
  start();
  for (size_t i = 0; i < 3; i++) {
    struct client client;
    fixture_connect(&fixture, &client, protocols[i]);
    waiting_ask(&client, protocols[i], "now", 4);
    waiting_expect(&client, protocols[i], 4, "now");
    waiting_ask(&client, protocols[i], "twice", 5);
    waiting_expect(&client, protocols[i], 5, "twice");
    client_close(&client);
  }
  assert_int_equal(counts().replied, 6);
  fixture_stop(&fixture);
}

static void test_errors_and_dropped_calls_are_answered_and_are_no_mistakes_of_the_session(void **state) {
  (void)state;
  static const struct stoa_error busy = {
      .code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("try again later")};
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.session_errors_max = 1};
  config->limits = &limits;
  waiting_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "keep", 2);
  struct waiting_call kept = waiting_take();
  assert_int_equal(later_v1_later_wait_fail(kept.call, &busy), STOA_OK);
  waiting_expect_error(&client, 1, "{\"code\":1001,\"reason\":\"BUSY\",\"message\":\"try again later\"");
  kept = waiting_take();
  stoa_call_drop(kept.call);
  waiting_expect_error(&client, 2, "\"code\":100,\"reason\":\"INTERNAL\"");
  waiting_ask(&client, "stoa.json", "fail now", 3);
  waiting_expect_error(&client, 3, "\"code\":1001,\"reason\":\"BUSY\"");
  waiting_ask(&client, "stoa.json", "drop now", 4);
  waiting_expect_error(&client, 4, "\"code\":100,\"reason\":\"INTERNAL\"");
  stoa_call_drop(NULL);
  sync(&client, 5);
  assert_int_equal(counts().failed, 2);
  assert_int_equal(counts().dropped, 2);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_client_without_a_subprotocol_gets_replies_and_no_errors(void **state) {
  (void)state;
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY")};
  struct client client;
  start();
  fixture_connect(&fixture, &client, NULL);
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "keep", 2);
  waiting_ask(&client, "stoa.json", "fail now", 3);
  struct waiting_call kept = waiting_take();
  assert_int_equal(later_v1_later_wait_fail(kept.call, &busy), STOA_OK);
  kept = waiting_take();
  assert_int_equal(waiting_reply(&kept, "keep"), STOA_OK);
  waiting_expect(&client, "stoa.json", 2, "keep");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_reply_that_cannot_be_encoded_is_reported_to_both_sides(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  struct waiting_call kept = waiting_take();
  assert_int_equal(waiting_reply(&kept, "\xff"), STOA_E_UTF8);
  waiting_expect_error(&client, 1, "\"code\":100,\"reason\":\"INTERNAL\"");
  waiting_ask(&client, "stoa.json", "broken now", 2);
  waiting_expect_error(&client, 2, "\"code\":100,\"reason\":\"INTERNAL\"");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_only_the_handler_of_a_call_may_take_one(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  assert_true(client_send_typed(&client, WAITING_NOTE, "{}"));
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "argument", 8));
  waiting_ask(&client, "stoa.json", "closed before", 1);
  assert_int_equal(client_read_close(&client), 4999);
  assert_int_equal(counts().taken, 0);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_call_without_an_answer_times_out_and_its_late_reply_is_dropped(void **state) {
  (void)state;
  struct client client;
  waiting_start(&fixture, with_limits(1, CALLS_MAX, 50), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "keep", 2);
  struct waiting_call first = waiting_take();
  struct waiting_call second = waiting_take();
  waiting_expect_error(&client, 1, "\"code\":108,\"reason\":\"TIMEOUT\"");
  waiting_expect_error(&client, 2, "\"temporary\":true");
  assert_false(stoa_call_waits(first.call));
  assert_int_equal(waiting_reply(&first, "too late"), STOA_E_TIMEOUT);
  stoa_call_drop(second.call);
  waiting_ask(&client, "stoa.json", "now", 3);
  waiting_expect(&client, "stoa.json", 3, "now");
  assert_int_equal(counts().timed_out, 2);
  assert_int_equal(counts().late, 2);
  assert_int_equal(counts().outstanding, 0);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_each_call_has_its_own_time(void **state) {
  (void)state;
  struct client client;
  waiting_start(&fixture, with_limits(1, CALLS_MAX, 80), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  struct waiting_call first = waiting_take();
  waiting_ask(&client, "stoa.json", "keep", 2);
  struct waiting_call second = waiting_take();
  /* The oldest goes: the clock must find the next one. */
  assert_int_equal(waiting_reply(&first, "one"), STOA_OK);
  waiting_expect(&client, "stoa.json", 1, "one");
  waiting_expect_error(&client, 2, "TIMEOUT");
  waiting_ask(&client, "stoa.json", "keep", 3);
  struct waiting_call third = waiting_take();
  waiting_expect_error(&client, 3, "TIMEOUT");
  stoa_call_drop(second.call);
  stoa_call_drop(third.call);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_call_outlives_its_session(void **state) {
  (void)state;
  struct client client;
  start_counting_ends(with_limits(1, CALLS_MAX, 0));
  fixture_connect(&fixture, &client, "stoa.json");
  for (uint32_t i = 0; i < 3; i++) {
    waiting_ask(&client, "stoa.json", "keep", i);
  }
  struct waiting_call first = waiting_take();
  struct waiting_call second = waiting_take();
  struct waiting_call third = waiting_take();
  client_close(&client);
  counter_wait(&ended, 1);
  assert_false(stoa_call_waits(first.call));
  assert_int_equal(waiting_reply(&first, "-"), STOA_E_CLOSED);
  assert_int_equal(later_v1_later_wait_fail(second.call, &(struct stoa_error){.code = 1}), STOA_E_CLOSED);
  stoa_call_drop(third.call);
  assert_int_equal(counts().abandoned, 3);
  assert_int_equal(counts().late, 3);
  assert_int_equal(counts().outstanding, 0);
  fixture_stop(&fixture);
}

static void test_a_handler_may_close_the_session_of_its_call(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "close", 2);
  assert_int_equal(client_read_close(&client), 4999);
  struct waiting_call kept = waiting_take();
  assert_int_equal(waiting_reply(&kept, "-"), STOA_E_CLOSED);
  assert_int_equal(counts().abandoned, 2);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_call_outlives_the_server(void **state) {
  (void)state;
  struct client client;
  int64_t blocks_before = stoa_memory_live_blocks();
  start();
  fixture_connect(&fixture, &client, "stoa.proto");
  waiting_ask(&client, "stoa.proto", "keep", 1);
  struct waiting_call kept = waiting_take();
  stoa_server_destroy(fixture.server);
  assert_false(stoa_call_waits(kept.call));
  assert_int_equal(waiting_reply(&kept, "-"), STOA_E_CLOSED);
  assert_int_equal(stoa_memory_live_blocks(), blocks_before);
  client_close(&client);
}

static void ask_many(struct client *client, uint32_t count) {
  for (uint32_t i = 1; i <= count; i++) {
    waiting_ask(client, "stoa.json", "keep", i);
  }
}

/* `more` calls than fit come to the handler in their order, never more of them at once. */
static void check_cap(struct client *client, uint32_t more) {
  uint32_t last = CALLS_MAX + more;
  ask_many(client, last);
  for (uint32_t i = 1; i <= last; i++) {
    struct waiting_call kept = waiting_take();
    assert_int_equal(kept.number, i);
    assert_true(counts().outstanding <= CALLS_MAX);
    assert_int_equal(waiting_reply(&kept, "keep"), STOA_OK);
  }
  for (uint32_t i = 1; i <= last; i++) {
    waiting_expect(client, "stoa.json", i, "keep");
  }
  sync(client, 99999);
}

static void test_at_the_cap_a_session_is_not_read_until_a_call_is_answered(void **state) {
  (void)state;
  struct client client;
  struct client other;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_connect(&fixture, &other, "stoa.json");
  ask_many(&client, CALLS_MAX + 2);
  waiting_ask(&client, "stoa.json", "sync", 50);
  struct waiting_call kept[CALLS_MAX];
  for (size_t i = 0; i < CALLS_MAX; i++) {
    kept[i] = waiting_take();
  }
  /* Turns go by: another session is served, this one is not. */
  for (uint32_t i = 0; i < 20; i++) {
    sync(&other, i);
  }
  assert_int_equal(waiting_kept(), 0);
  assert_int_equal(counts().taken, CALLS_MAX);
  assert_int_equal(waiting_reply(&kept[2], "third"), STOA_OK);
  waiting_expect(&client, "stoa.json", 3, "third");
  struct waiting_call next = waiting_take();
  assert_int_equal(next.number, CALLS_MAX + 1);
  sync(&other, 21);
  assert_int_equal(counts().taken, CALLS_MAX + 1);
  stoa_call_drop(next.call);
  waiting_expect_error(&client, CALLS_MAX + 1, "INTERNAL");
  next = waiting_take();
  assert_int_equal(next.number, CALLS_MAX + 2);
  sync(&other, 22);
  assert_int_equal(waiting_reply(&next, "-"), STOA_OK);
  waiting_expect(&client, "stoa.json", CALLS_MAX + 2, "-");
  waiting_expect(&client, "stoa.json", 50, "sync");
  stoa_call_drop(kept[0].call);
  stoa_call_drop(kept[1].call);
  stoa_call_drop(kept[3].call);
  client_close(&client);
  client_close(&other);
  fixture_stop(&fixture);
}

static void test_more_calls_than_one_read_takes_come_in_order(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  check_cap(&client, 2500);
  client_close(&client);
  fixture_stop(&fixture);
}

static void call_through_tls(const struct self_signed *files) {
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  struct client client;
  struct stoa_tls_config tls = {.certificate = stoa_string_of(files->certificate), .key = stoa_string_of(files->key)};
  struct stoa_server_config *config = with_limits(1, CALLS_MAX, 0);
  config->addresses.items = addresses;
  config->tls = &tls;
  waiting_start(&fixture, config, NULL);
  client_connect_tls(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  check_cap(&client, 600);
  client_close(&client);
}

static void test_what_tls_has_decrypted_goes_on_after_the_cap(void **state) {
  (void)state;
  struct self_signed files;
  self_signed_write(&files, "calls");
  call_through_tls(&files); /* OpenSSL keeps what it makes for the first one */
  stoa_server_destroy(fixture.server);
  call_through_tls(&files);
  fixture_stop(&fixture);
  self_signed_remove(&files);
}

static void test_a_session_at_the_cap_is_not_closed_as_silent(void **state) {
  (void)state;
  struct client client;
  struct client other;
  struct stoa_server_config *config = with_limits(1, 1, 0);
  config->ping_interval_ms = 30;
  config->pong_timeout_ms = 30;
  waiting_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_connect(&fixture, &other, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "sync", 2);
  struct waiting_call kept = waiting_take();
  /* One that is read and does not answer its ping is closed, long after the first would have been. */
  assert_int_equal(client_read_close(&other), 4012);
  assert_true(stoa_call_waits(kept.call));
  assert_int_equal(waiting_reply(&kept, "keep"), STOA_OK);
  waiting_expect(&client, "stoa.json", 1, "keep");
  waiting_expect(&client, "stoa.json", 2, "sync");
  client_close(&client);
  client_close(&other);
  fixture_stop(&fixture);
}

static void test_a_timeout_lets_a_session_at_the_cap_go_on(void **state) {
  (void)state;
  struct client client;
  waiting_start(&fixture, with_limits(1, 1, 30), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "sync", 2);
  waiting_expect_error(&client, 1, "TIMEOUT");
  waiting_expect(&client, "stoa.json", 2, "sync");
  struct waiting_call kept = waiting_take();
  stoa_call_drop(kept.call);
  client_close(&client);
  fixture_stop(&fixture);
}

/* A reset is told at once, also by a descriptor that is not read. */
static void test_a_session_at_the_cap_whose_connection_breaks_ends(void **state) {
  (void)state;
  struct client client;
  start_counting_ends(with_limits(1, 1, 0));
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  waiting_ask(&client, "stoa.json", "sync", 2);
  struct waiting_call kept = waiting_take();
  const struct linger reset = {1, 0};
  assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  client_close(&client);
  counter_wait(&ended, 1);
  assert_int_equal(waiting_reply(&kept, "-"), STOA_E_CLOSED);
  fixture_stop(&fixture);
}

static void test_a_handler_may_answer_other_calls_of_its_session(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  ask_many(&client, CALLS_MAX - 1);
  waiting_ask(&client, "stoa.json", "answer the others", 10);
  waiting_ask(&client, "stoa.json", "sync", 11);
  for (uint32_t i = 1; i < CALLS_MAX; i++) {
    waiting_expect(&client, "stoa.json", i, "keep");
  }
  waiting_expect(&client, "stoa.json", 10, "answer the others");
  waiting_expect(&client, "stoa.json", 11, "sync");
  client_close(&client);
  fixture_stop(&fixture);
}

/* One call without memory at its n-th allocation: it ends, by a reply, an error, or with the connection. */
static bool ask_with_fault(uint64_t n) {
  struct client client;
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  client_read_message(&client);
  stoa_memory_fail_at(n, false);
  waiting_ask(&client, "stoa.json", "keep", 2);
  /* It is kept, or refused, or the session goes. */
  struct pollfd readable = {client.fd, POLLIN, 0};
  while (waiting_kept() == 0 && poll(&readable, 1, 1) == 0) {
  }
  if (waiting_kept() > 0) {
    struct waiting_call kept = waiting_take();
    int ignored = waiting_reply(&kept, "a reply of a few more bytes than nothing");
    (void)ignored;
  }
  struct client_frame frame = client_read(&client);
  assert_true(frame.opcode == 2 || frame.opcode == 8 || frame.opcode == CLIENT_CLOSED);
  bool hit = stoa_memory_fault_hits() > 0;
  stoa_memory_fail_at(0, false);
  client_close(&client);
  return hit;
}

static void test_every_allocation_of_a_call_may_fail(void **state) {
  (void)state;
  start();
  uint64_t n = 1;
  while (n < FAULTS_MAX && ask_with_fault(n)) {
    n++;
  }
  assert_true(n > 2);
  assert_true(n < FAULTS_MAX);
  assert_int_equal(counts().outstanding, 0);
  fixture_stop(&fixture);
}

static size_t resident_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  char line[128];
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  fclose(file);
  const char *resident = strchr(line, ' ');
  assert_non_null(resident);
  return strtoul(resident, NULL, 10) * 4096;
}

struct answerer {
  pthread_t thread;
  unsigned count, answered;
};

static void *answer(void *context) {
  struct answerer *answerer = context;
  for (unsigned i = 0; i < answerer->count; i++) {
    struct waiting_call kept = waiting_take();
    if (waiting_reply(&kept, "keep") != STOA_OK) {
      break;
    }
    answerer->answered++;
  }
  return NULL;
}

/* Calls of one format, CALLS_MAX at a time, answered by a thread of their own. */
static void call_many(const char *protocol, unsigned count) {
  struct client client;
  struct answerer answerer = {.count = count};
  fixture_connect(&fixture, &client, protocol);
  assert_int_equal(pthread_create(&answerer.thread, NULL, answer, &answerer), 0);
  for (uint32_t sent = 0, done = 0; done < count; done++) {
    while (sent < count && sent - done < CALLS_MAX) {
      waiting_ask(&client, protocol, "keep", sent++);
    }
    waiting_expect(&client, protocol, done, "keep");
  }
  pthread_join(answerer.thread, NULL);
  assert_int_equal(answerer.answered, count);
  client_close(&client);
}

static void test_many_calls_leak_no_memory(void **state) {
  (void)state;
  const char *wanted = getenv("STOA_TEST_CALLS");
  unsigned count = wanted == NULL ? CALLS_OF_A_FORMAT : (unsigned)strtoul(wanted, NULL, 10);
  waiting_start(&fixture, with_limits(2, CALLS_MAX, 0), NULL);
  int64_t blocks[3];
  size_t resident[3];
  for (size_t i = 0; i < 3; i++) {
    /* The first calls leave scratch memory warm. */
    call_many(protocols[i], 200);
    int64_t blocks_before = stoa_memory_live_blocks();
    size_t resident_before = resident_bytes();
    call_many(protocols[i], count);
    blocks[i] = stoa_memory_live_blocks() - blocks_before;
    resident[i] = resident_bytes() > resident_before ? resident_bytes() - resident_before : 0;
    print_message("# %s: %u calls, %lld blocks and %zu KiB more\n", protocols[i], count, (long long)blocks[i],
                  resident[i] / 1024);
    assert_true(blocks[i] < 64); /* the client before may still be leaving */
  }
  assert_int_equal(counts().replied, 3 * (200 + count));
  assert_int_equal(counts().outstanding, 0);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_another_thread_answers_in_every_format),
      cmocka_unit_test(test_a_call_may_be_answered_before_its_handler_returns),
      cmocka_unit_test(test_errors_and_dropped_calls_are_answered_and_are_no_mistakes_of_the_session),
      cmocka_unit_test(test_a_client_without_a_subprotocol_gets_replies_and_no_errors),
      cmocka_unit_test(test_a_reply_that_cannot_be_encoded_is_reported_to_both_sides),
      cmocka_unit_test(test_only_the_handler_of_a_call_may_take_one),
      cmocka_unit_test(test_a_call_without_an_answer_times_out_and_its_late_reply_is_dropped),
      cmocka_unit_test(test_each_call_has_its_own_time),
      cmocka_unit_test(test_a_call_outlives_its_session),
      cmocka_unit_test(test_a_handler_may_close_the_session_of_its_call),
      cmocka_unit_test(test_a_call_outlives_the_server),
      cmocka_unit_test(test_at_the_cap_a_session_is_not_read_until_a_call_is_answered),
      cmocka_unit_test(test_more_calls_than_one_read_takes_come_in_order),
      cmocka_unit_test(test_what_tls_has_decrypted_goes_on_after_the_cap),
      cmocka_unit_test(test_a_session_at_the_cap_is_not_closed_as_silent),
      cmocka_unit_test(test_a_timeout_lets_a_session_at_the_cap_go_on),
      cmocka_unit_test(test_a_session_at_the_cap_whose_connection_breaks_ends),
      cmocka_unit_test(test_a_handler_may_answer_other_calls_of_its_session),
      cmocka_unit_test(test_every_allocation_of_a_call_may_fail),
      cmocka_unit_test(test_many_calls_leak_no_memory),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
