#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stoa/status.h>
#include <string.h>

#include "base/sys.h"

/* A getrandom(2) that follows a script and counts upwards instead of being random. */
static struct {
  int call_count;
  int fail_from_call; /* 1 is the first; 0 for never */
  int fail_errno;
  bool interrupt_every_second;
  size_t piece_len; /* at most so many bytes a call; 0 for all */
  uint8_t next;
} script;

static ssize_t scripted_getrandom(void *data, size_t len, unsigned flags) {
  assert_int_equal(flags, 0);
  script.call_count++;
  if (script.fail_from_call != 0 && script.call_count >= script.fail_from_call) {
    /* An answer of 0 leaves errno as some earlier call set it. */
    errno = script.fail_errno == 0 ? EINTR : script.fail_errno;
    return script.fail_errno == 0 ? 0 : -1;
  }
  if (script.interrupt_every_second && script.call_count % 2 == 1) {
    errno = EINTR;
    return -1;
  }
  size_t given = script.piece_len != 0 && script.piece_len < len ? script.piece_len : len;
  for (size_t i = 0; i < given; i++) {
    ((uint8_t *)data)[i] = script.next++;
  }
  return (ssize_t)given;
}

static int begin_script(void **state) {
  (void)state;
  memset(&script, 0, sizeof script);
  stoa_sys.getrandom = scripted_getrandom;
  return 0;
}

static int end_script(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  return 0;
}

static void assert_counts_up(const uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    assert_int_equal(data[i], (uint8_t)i);
  }
}

static void random_bytes_are_complete_after_interrupted_and_short_calls(void **state) {
  (void)state;
  uint8_t data[100];
  script.interrupt_every_second = true;
  script.piece_len = 7;
  assert_int_equal(stoa_random(data, sizeof data), STOA_OK);
  assert_counts_up(data, sizeof data);
  assert_int_equal(script.call_count, 2 * 15);
}

static void a_kernel_without_random_bytes_is_an_error(void **state) {
  (void)state;
  uint8_t data[100];
  script.piece_len = 30;
  script.fail_from_call = 2;
  script.fail_errno = ENOSYS;
  assert_int_equal(stoa_random(data, sizeof data), STOA_E_SYSTEM);
  assert_int_equal(errno, ENOSYS);
  script.fail_errno = 0;
  assert_int_equal(stoa_random(data, sizeof data), STOA_E_SYSTEM);
}

static void no_bytes_need_no_call(void **state) {
  (void)state;
  assert_int_equal(stoa_random(NULL, 0), STOA_OK);
  assert_int_equal(script.call_count, 0);
}

static void *use_a_pool(void *context) {
  (void)context;
  uint8_t seen[1024];
  for (size_t at = 0; at < sizeof seen; at += 16) {
    assert_int_equal(stoa_random_pooled(seen + at, 16), STOA_OK);
  }
  /* All of it was given out once and in order: nothing twice, nothing left out. */
  assert_counts_up(seen, sizeof seen);
  assert_true(script.call_count <= 4);
  return NULL;
}

/* In a thread of its own, whose pool is empty. */
static void run_in_new_thread(void *(*run)(void *)) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

static void the_pool_gives_every_byte_once_for_few_calls(void **state) {
  (void)state;
  run_in_new_thread(use_a_pool);
}

static void *break_a_pool(void *context) {
  (void)context;
  uint8_t data[16];
  assert_int_equal(stoa_random_pooled(data, 16), STOA_OK);
  script.fail_from_call = script.call_count + 1;
  script.fail_errno = EAGAIN;
  int status = STOA_OK;
  for (int i = 0; i < 1000 && status == STOA_OK; i++) {
    status = stoa_random_pooled(data, 16);
  }
  assert_int_equal(status, STOA_E_SYSTEM);
  assert_int_equal(stoa_random_pooled(data, 1), STOA_E_SYSTEM);
  script.fail_from_call = 0;
  assert_int_equal(stoa_random_pooled(data, 1), STOA_OK);
  return NULL;
}

static void a_pool_that_cannot_be_refilled_is_an_error_until_it_can(void **state) {
  (void)state;
  run_in_new_thread(break_a_pool);
}

static void *ask_for_more_than_a_pool(void *context) {
  (void)context;
  uint8_t data[5000];
  assert_int_equal(stoa_random_pooled(data, sizeof data), STOA_OK);
  assert_counts_up(data, sizeof data);
  return NULL;
}

static void more_than_a_pool_holds_comes_straight_from_the_kernel(void **state) {
  (void)state;
  run_in_new_thread(ask_for_more_than_a_pool);
  assert_int_equal(script.call_count, 1);
}

static void *reset_a_pool(void *context) {
  (void)context;
  uint8_t first[100];
  uint8_t again[100];
  assert_int_equal(stoa_random_pooled(first, sizeof first), STOA_OK);
  script.next = 0; /* the same seed once more */
  stoa_random_reset();
  assert_int_equal(stoa_random_pooled(again, sizeof again), STOA_OK);
  assert_memory_equal(first, again, sizeof first);
  assert_int_equal(script.call_count, 2);
  return NULL;
}

static void a_pool_that_is_reset_is_filled_again(void **state) {
  (void)state;
  run_in_new_thread(reset_a_pool);
}

static void no_entry_of_the_table_is_empty(void **state) {
  (void)state;
  void *entries[sizeof stoa_sys_real / sizeof(void *)];
  memcpy(entries, &stoa_sys_real, sizeof entries);
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    assert_non_null(entries[i]);
  }
}

static void the_table_reaches_the_kernel(void **state) {
  (void)state;
  uint8_t data[8] = {1};
  int fd = stoa_sys.open("/dev/zero", O_RDONLY | O_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(stoa_sys.read(fd, data, sizeof data), sizeof data);
  assert_int_equal(data[0], 0);
  assert_int_equal(stoa_sys.close(fd), 0);
  assert_int_equal(stoa_sys.write(fd, data, sizeof data), -1);
  assert_int_equal(errno, EBADF);
  assert_memory_equal(&stoa_sys, &stoa_sys_real, sizeof stoa_sys);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(random_bytes_are_complete_after_interrupted_and_short_calls, begin_script,
                                      end_script),
      cmocka_unit_test_setup_teardown(a_kernel_without_random_bytes_is_an_error, begin_script, end_script),
      cmocka_unit_test_setup_teardown(no_bytes_need_no_call, begin_script, end_script),
      cmocka_unit_test_setup_teardown(the_pool_gives_every_byte_once_for_few_calls, begin_script, end_script),
      cmocka_unit_test_setup_teardown(a_pool_that_cannot_be_refilled_is_an_error_until_it_can, begin_script,
                                      end_script),
      cmocka_unit_test_setup_teardown(more_than_a_pool_holds_comes_straight_from_the_kernel, begin_script, end_script),
      cmocka_unit_test_setup_teardown(a_pool_that_is_reset_is_filled_again, begin_script, end_script),
      cmocka_unit_test(no_entry_of_the_table_is_empty),
      cmocka_unit_test(the_table_reaches_the_kernel),
  };
  return cmocka_run_group_tests_name("sys", tests, NULL, NULL);
}
