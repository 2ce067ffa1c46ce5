/* The queue of a local engine's threads: waiting for one request, and for as many as are expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/local/lane.h"

#define REQUESTS 4

static struct stoa_lane lane;
static struct stoa_engine_request requests[REQUESTS];

static int begin(void **state) {
  (void)state;
  memset(requests, 0, sizeof requests);
  memset(&lane, 0, sizeof lane);
  return stoa_lane_init(&lane);
}

static int end(void **state) {
  (void)state;
  while (stoa_lane_take(&lane) != NULL) {
  }
  stoa_lane_end(&lane);
  stoa_lane_fini(&lane);
  return 0;
}

static void put(int first, int count) {
  for (int i = first; i < first + count; i++) {
    stoa_lane_put(&lane, &requests[i]);
  }
}

static void test_a_lane_counts_what_waits(void **state) {
  (void)state;
  assert_true(stoa_lane_is_empty(&lane));
  put(0, 3);
  assert_int_equal(stoa_lane_count(&lane), 3);
  assert_ptr_equal(stoa_lane_take(&lane), &requests[0]);
  assert_int_equal(stoa_lane_count(&lane), 2);
}

static void test_gathering_ends_at_once_when_as_many_wait(void **state) {
  (void)state;
  put(0, 3);
  stoa_lane_gather(&lane, 3, UINT64_MAX);
  stoa_lane_gather(&lane, 2, UINT64_MAX);
  assert_int_equal(stoa_lane_count(&lane), 3);
}

static void test_gathering_ends_when_the_time_is_over(void **state) {
  (void)state;
  put(0, 1);
  stoa_lane_gather(&lane, 2, 1);
  assert_int_equal(stoa_lane_count(&lane), 1);
}

static void *gather_all(void *context) {
  (void)context;
  stoa_lane_gather(&lane, REQUESTS, UINT64_MAX);
  return NULL;
}

/* The last request wakes it, or finds it not waiting yet: it must return in both cases. */
static void test_the_last_expected_request_ends_gathering(void **state) {
  (void)state;
  put(0, 1);
  assert_int_equal(stoa_lane_start(&lane, gather_all, NULL), STOA_OK);
  put(1, REQUESTS - 1);
  pthread_join(lane.threads[0], NULL);
  lane.thread_count = 0;
  assert_int_equal(stoa_lane_count(&lane), REQUESTS);
}

static void test_a_lane_that_ends_ends_gathering(void **state) {
  (void)state;
  assert_int_equal(stoa_lane_start(&lane, gather_all, NULL), STOA_OK);
  stoa_lane_end(&lane);
  assert_int_equal(lane.thread_count, 0);
}

/* After gathering, one request is again enough to wake the thread. */
static void *gather_then_wait(void *context) {
  (void)context;
  stoa_lane_gather(&lane, REQUESTS, 1);
  assert_true(stoa_lane_wait(&lane, UINT64_MAX));
  return NULL;
}

static void test_after_gathering_one_request_is_enough(void **state) {
  (void)state;
  assert_int_equal(stoa_lane_start(&lane, gather_then_wait, NULL), STOA_OK);
  put(0, 1);
  pthread_join(lane.threads[0], NULL);
  lane.thread_count = 0;
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      TEST(test_a_lane_counts_what_waits),
      TEST(test_gathering_ends_at_once_when_as_many_wait),
      TEST(test_gathering_ends_when_the_time_is_over),
      TEST(test_the_last_expected_request_ends_gathering),
      TEST(test_a_lane_that_ends_ends_gathering),
      TEST(test_after_gathering_one_request_is_enough),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
