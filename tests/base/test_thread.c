#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stoa/status.h>

#include "base/sys.h"
#include "base/thread.h"

static sem_t has_run;
static bool blocks_all;

/* SIGKILL and SIGSTOP cannot be blocked. */
static void *look(void *argument) {
  sigset_t mask;
  assert_ptr_equal(argument, &has_run);
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  blocks_all = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 1 && sigismember(&mask, SIGUSR1) == 1;
  sem_post(&has_run);
  return &blocks_all;
}

static bool is_blocked_here(int signal_number) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  return sigismember(&mask, signal_number) == 1;
}

static int begin(void **state) {
  (void)state;
  blocks_all = false;
  return sem_init(&has_run, 0, 0);
}

static int end(void **state) {
  (void)state;
  return sem_destroy(&has_run);
}

static void test_a_thread_blocks_signals_and_its_creator_does_not(void **state) {
  (void)state;
  pthread_t thread;
  void *result;
  assert_int_equal(stoa_thread_start(look, &has_run, &thread), STOA_OK);
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_ptr_equal(result, &blocks_all);
  assert_true(blocks_all);
  assert_false(is_blocked_here(SIGTERM));
}

static void test_a_detached_thread_runs_too(void **state) {
  (void)state;
  assert_int_equal(stoa_thread_start_detached(look, &has_run), STOA_OK);
  assert_int_equal(sem_wait(&has_run), 0);
  assert_true(blocks_all);
  assert_false(is_blocked_here(SIGTERM));
}

static bool was_detached;

static int refuse(pthread_t *out_thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  int detach_state = PTHREAD_CREATE_JOINABLE;
  (void)out_thread;
  (void)run;
  (void)context;
  if (attributes != NULL) {
    pthread_attr_getdetachstate(attributes, &detach_state);
  }
  was_detached = detach_state == PTHREAD_CREATE_DETACHED;
  return EAGAIN;
}

static void test_a_refused_thread_is_an_error_and_leaves_the_mask(void **state) {
  (void)state;
  pthread_t thread;
  int (*before)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = stoa_sys.pthread_create;
  stoa_sys.pthread_create = refuse;
  int status = stoa_thread_start(look, &has_run, &thread);
  int error = errno;
  bool is_first_detached = was_detached;
  errno = 0;
  int detached_status = stoa_thread_start_detached(look, &has_run);
  stoa_sys.pthread_create = before;
  assert_int_equal(status, STOA_E_SYSTEM);
  assert_int_equal(error, EAGAIN);
  assert_false(is_first_detached);
  assert_int_equal(detached_status, STOA_E_SYSTEM);
  assert_int_equal(errno, EAGAIN);
  assert_true(was_detached);
  assert_false(is_blocked_here(SIGTERM));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_thread_blocks_signals_and_its_creator_does_not, begin, end),
      cmocka_unit_test_setup_teardown(test_a_detached_thread_runs_too, begin, end),
      cmocka_unit_test_setup_teardown(test_a_refused_thread_is_an_error_and_leaves_the_mask, begin, end),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
