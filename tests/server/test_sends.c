/* The two ways to send: what is chosen at start, and what happens when io_uring goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "loop/rings.h"
#include "loop/send_ring.h"

static void exchange(struct fixture *fixture) {
  struct client ann;
  struct client bob;
  fixture_connect(fixture, &ann, "stoa.json");
  fixture_sync(&ann);
  fixture_connect(fixture, &bob, "stoa.json");
  fixture_sync(&bob);
  for (uint32_t i = 0; i < 50; i++) {
    fixture_send_line(&ann, "ann", i);
  }
  for (uint32_t i = 0; i < 50; i++) {
    assert_int_equal(fixture_read_line(&ann).number, i);
    assert_int_equal(fixture_read_line(&bob).number, i);
  }
  client_close(&ann);
  client_close(&bob);
}

/* In a process of its own, since what seccomp forbids stays forbidden. */
static void in_child(void (*body)(void)) {
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    body();
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void serve_without(void) {
  assert_true(rings_forbid());
  struct fixture fixture;
  struct stoa_server_config *config = fixture_config(2);
  config->io_uring = STOA_IO_URING_AUTO;
  fixture_start(&fixture, config, NULL);
  exchange(&fixture);
  fixture_stop(&fixture);
}

static void test_where_io_uring_is_forbidden_messages_go_by_send(void **state) {
  (void)state;
  in_child(serve_without);
}

static void insist_without(void) {
  assert_true(rings_forbid());
  struct fixture fixture;
  struct stoa_server_config *config = fixture_config(1);
  config->io_uring = STOA_IO_URING_ON;
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_UNSUPPORTED);
}

static void test_a_server_that_requires_io_uring_does_not_start_without_it(void **state) {
  (void)state;
  in_child(insist_without);
}

static void test_off_and_on_are_kept(void **state) {
  (void)state;
  bool here = stoa_send_ring_probe() == STOA_OK;
  for (int32_t wanted = STOA_IO_URING_AUTO; wanted <= STOA_IO_URING_OFF; wanted++) {
    struct fixture fixture;
    struct stoa_server_config *config = fixture_config(1);
    config->io_uring = wanted;
    if (wanted == STOA_IO_URING_ON && !here) {
      assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_UNSUPPORTED);
      continue;
    }
    fixture_start(&fixture, config, NULL);
    exchange(&fixture);
    fixture_stop(&fixture);
  }
}

static void test_a_server_whose_rings_break_goes_on_without_losing_a_message(void **state) {
  (void)state;
  if (stoa_send_ring_probe() != STOA_OK) {
    skip();
  }
  struct fixture fixture;
  struct client ann;
  struct stoa_server_config *config = fixture_config(2);
  config->io_uring = STOA_IO_URING_ON;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_sync(&ann);
  for (uint32_t i = 0; i < 100; i++) {
    fixture_send_line(&ann, "ann", i);
    if (i == 50) {
      assert_int_equal(rings_break(), 2);
    }
  }
  for (uint32_t i = 0; i < 100; i++) {
    assert_int_equal(fixture_read_line(&ann).number, i);
  }
  exchange(&fixture);
  client_close(&ann);
  fixture_stop(&fixture);
}

static void test_linger_ms_has_an_upper_bound(void **state) {
  (void)state;
  struct fixture fixture;
  struct stoa_server_config *config = fixture_config(1);
  config->linger_ms = 11;
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
}

/* More than is ever held: it goes out before its time, and all of it. */
static void test_a_held_batch_arrives_complete_and_in_order(void **state) {
  (void)state;
  struct fixture fixture;
  struct client ann;
  struct client bob;
  struct stoa_server_config *config = fixture_config(1);
  config->linger_ms = 10;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_connect(&fixture, &bob, "stoa.json");
  fixture_sync(&bob);
  for (uint32_t i = 0; i < 3000; i++) {
    fixture_send_line(&ann, "ann", i);
  }
  for (uint32_t i = 0; i < 3000; i++) {
    assert_int_equal(fixture_read_line(&bob).number, i);
  }
  client_close(&ann);
  client_close(&bob);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_where_io_uring_is_forbidden_messages_go_by_send),
      cmocka_unit_test(test_a_server_that_requires_io_uring_does_not_start_without_it),
      cmocka_unit_test(test_off_and_on_are_kept),
      cmocka_unit_test(test_a_server_whose_rings_break_goes_on_without_losing_a_message),
      cmocka_unit_test(test_linger_ms_has_an_upper_bound),
      cmocka_unit_test(test_a_held_batch_arrives_complete_and_in_order),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("ways to send", tests, NULL, NULL);
}
