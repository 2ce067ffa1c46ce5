/* For how many messages a commit waits: of all publishers, or of half of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "engine/local/pace.h"

#define US ((uint64_t)1000)
#define ROWS_MAX 512
/* More than an average needs to follow. */
#define BATCHES 60

/* A load: what a batch of all publishers takes, and when they come back. */
struct load {
  uint32_t publishers;
  uint64_t commit_ns, row_ns, return_ns, turn_ns;
};

static const struct load fast_disk = {32, 400 * US, 10 * US, 900 * US, 120 * US};

static struct stoa_pace pace;
static uint64_t now_ns;

static int begin(void **state) {
  (void)state;
  memset(&pace, 0, sizeof pace);
  now_ns = STOA_NS_PER_S;
  return 0;
}

/* One batch, its answers, and the plan of the next one when the messages are there. */
static struct stoa_pace_plan step(const struct load *load) {
  uint32_t groups = pace.overlaps ? 2 : 1;
  uint32_t count = load->publishers / groups;
  uint64_t duration_ns = load->commit_ns + count * load->row_ns;
  uint64_t arrived_ns;
  now_ns += duration_ns;
  stoa_pace_note_batch(&pace, &(struct stoa_pace_batch){count, load->publishers - count, duration_ns, load->commit_ns});
  stoa_pace_note_sent(&pace, now_ns);
  arrived_ns = (groups == 1 ? now_ns : pace.sent_ns[1]) + load->return_ns / groups;
  now_ns = now_ns > arrived_ns ? now_ns : arrived_ns;
  return stoa_pace_next(&pace, arrived_ns, load->turn_ns, ROWS_MAX);
}

static struct stoa_pace_plan run(const struct load *load) {
  struct stoa_pace_plan plan = {0};
  for (int i = 0; i < BATCHES; i++) {
    plan = step(load);
  }
  return plan;
}

static void test_nothing_is_waited_for_before_the_first_batch(void **state) {
  (void)state;
  struct stoa_pace_plan plan = stoa_pace_next(&pace, now_ns, 100 * US, ROWS_MAX);
  assert_int_equal(plan.count, 0);
  assert_int_equal(plan.rows_max, ROWS_MAX);
}

static void test_one_publisher_is_not_waited_for(void **state) {
  (void)state;
  struct stoa_pace_plan plan = run(&(struct load){1, 400 * US, 10 * US, 200 * US, 50 * US});
  assert_int_equal(plan.count, 0);
}

static void test_what_is_known_of_publishers_is_used_once(void **state) {
  (void)state;
  assert_int_not_equal(run(&fast_disk).count, 0);
  assert_int_equal(stoa_pace_next(&pace, now_ns, 0, ROWS_MAX).count, 0);
}

static void test_half_of_the_publishers_overlap_when_commits_are_short(void **state) {
  (void)state;
  struct stoa_pace_plan plan = run(&fast_disk);
  assert_int_equal(plan.count, 16);
  assert_int_equal(plan.rows_max, 16);
}

static void test_all_publishers_wait_for_a_slow_disk(void **state) {
  (void)state;
  struct load slow_disk = fast_disk;
  slow_disk.commit_ns = 2000 * US;
  struct stoa_pace_plan plan = run(&slow_disk);
  assert_int_equal(plan.count, 32);
  assert_int_equal(plan.rows_max, ROWS_MAX);
}

static void test_all_publishers_wait_while_many_members_get_each_batch(void **state) {
  (void)state;
  assert_int_equal(run(&(struct load){32, 400 * US, 10 * US, 12000 * US, 10000 * US}).count, 32);
}

/* As with durability normal: more commits would only make more pages for the checkpoint. */
static void test_all_publishers_share_a_commit_that_does_not_wait_for_the_disk(void **state) {
  (void)state;
  struct load unsynced = fast_disk;
  unsynced.commit_ns = 80 * US;
  assert_int_equal(run(&unsynced).count, 32);
}

static void test_few_publishers_share_one_commit(void **state) {
  (void)state;
  assert_int_equal(run(&(struct load){15, 300 * US, 10 * US, 900 * US, 50 * US}).count, 15);
  assert_int_equal(run(&(struct load){16, 300 * US, 10 * US, 900 * US, 50 * US}).count, 8);
}

static void test_the_way_follows_the_disk_and_comes_back(void **state) {
  (void)state;
  struct load slow_disk = fast_disk;
  slow_disk.commit_ns = 2000 * US;
  assert_int_equal(run(&fast_disk).count, 16);
  assert_int_equal(run(&slow_disk).count, 32);
  assert_int_equal(run(&fast_disk).count, 16);
}

static void test_an_odd_publisher_is_in_the_larger_half(void **state) {
  (void)state;
  struct load odd = fast_disk;
  odd.publishers = 33;
  assert_int_equal(run(&odd).count, 17);
}

static void test_a_batch_takes_no_more_than_its_most_rows(void **state) {
  (void)state;
  struct load crowd = {1200, 800 * US, 1 * US, 24000 * US, 100 * US};
  struct stoa_pace_plan plan = run(&crowd);
  assert_int_equal(plan.count, 600);
  assert_int_equal(plan.rows_max, ROWS_MAX);
}

static void test_the_wait_follows_turns_and_commits_up_to_its_limit(void **state) {
  (void)state;
  assert_int_equal(run(&fast_disk).wait_ns, 200 * US);
  assert_int_equal(run(&(struct load){32, 400 * US, 10 * US, 900 * US, 400 * US}).wait_ns, 500 * US);
  assert_int_equal(run(&(struct load){32, 400 * US, 10 * US, 900 * US, STOA_NS_PER_S}).wait_ns, STOA_PACE_WAIT_NS_MAX);
}

/* Somebody who publishes once in a while was not waiting for the last answer. */
static void test_a_pause_says_nothing_about_how_fast_publishers_come_back(void **state) {
  (void)state;
  struct load few_ms = {32, 800 * US, 10 * US, 700 * US, 120 * US};
  assert_int_equal(run(&few_ms).count, 32);
  uint64_t before_ns = pace.return_ns;
  few_ms.return_ns = STOA_NS_PER_S;
  assert_int_equal(step(&few_ms).count, 32);
  assert_int_equal(pace.return_ns, before_ns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_nothing_is_waited_for_before_the_first_batch, begin),
      cmocka_unit_test_setup(test_one_publisher_is_not_waited_for, begin),
      cmocka_unit_test_setup(test_what_is_known_of_publishers_is_used_once, begin),
      cmocka_unit_test_setup(test_half_of_the_publishers_overlap_when_commits_are_short, begin),
      cmocka_unit_test_setup(test_all_publishers_wait_for_a_slow_disk, begin),
      cmocka_unit_test_setup(test_all_publishers_wait_while_many_members_get_each_batch, begin),
      cmocka_unit_test_setup(test_all_publishers_share_a_commit_that_does_not_wait_for_the_disk, begin),
      cmocka_unit_test_setup(test_few_publishers_share_one_commit, begin),
      cmocka_unit_test_setup(test_the_way_follows_the_disk_and_comes_back, begin),
      cmocka_unit_test_setup(test_an_odd_publisher_is_in_the_larger_half, begin),
      cmocka_unit_test_setup(test_a_batch_takes_no_more_than_its_most_rows, begin),
      cmocka_unit_test_setup(test_the_wait_follows_turns_and_commits_up_to_its_limit, begin),
      cmocka_unit_test_setup(test_a_pause_says_nothing_about_how_fast_publishers_come_back, begin),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
