#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/metric.h"

#define THREADS 4
#define BUMPS 20000

enum { BYTES, SESSIONS, TIMES, CODES, METRICS };

static const struct stoa_metric_row direction_rows[] = {{{"in"}}, {{"out"}}};
static struct stoa_metric_labels directions = STOA_METRIC_LABELS("direction", direction_rows);
static struct stoa_metric_labels codes; /* code and reason */
static const uint64_t bounds[] = {10, 100};

static struct stoa_metric table[METRICS] = {
    {.family = {"bytes", "Bytes.", "bytes", STOA_METRIC_COUNTER, 0}, .labels = {&directions}},
    {.family = {"sessions", "Sessions.", NULL, STOA_METRIC_GAUGE, 0}},
    {.family = {"times_seconds", "Times.", "seconds", STOA_METRIC_HISTOGRAM, 3},
     .labels = {&directions},
     .bounds = bounds,
     .bound_count = 2},
    {.family = {"codes", "Codes.", NULL, STOA_METRIC_COUNTER, 0}, .labels = {&directions, &codes}, .is_sparse = true},
};

static uint32_t add_code(const char *code, const char *reason) {
  uint32_t row;
  assert_int_equal(stoa_metric_labels_add(&codes, stoa_string_of(code), stoa_string_of(reason), &row), STOA_OK);
  return row;
}

static int set_up(void **state) {
  static const char *const names[] = {"code", "reason"};
  (void)state;
  return stoa_metric_labels_init(&codes, names, 3);
}

static int tear_down(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  stoa_metric_labels_fini(&codes);
  return stoa_memory_live_blocks() == 0 ? 0 : -1;
}

static struct stoa_metrics *create(uint32_t workers) {
  struct stoa_metrics *metrics;
  assert_int_equal(stoa_metrics_create(table, METRICS, workers, &metrics), STOA_OK);
  return metrics;
}

static void expect_text(const struct stoa_metrics *metrics, const char *wanted) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, 65536);
  struct stoa_metric_text text = stoa_metric_text_begin(STOA_METRIC_PROMETHEUS, &out);
  stoa_metrics_write(metrics, &text);
  assert_int_equal(stoa_metric_text_end(&text), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data, wanted);
  stoa_buffer_fini(&out);
}

static void a_scrape_sums_all_shards(void **state) {
  (void)state;
  struct stoa_metrics *metrics = create(2);
  struct stoa_metric_shard *shards[] = {stoa_metrics_shard(metrics, 0), stoa_metrics_shard(metrics, 1),
                                        stoa_metrics_shared_shard(metrics)};
  uint32_t ok = add_code("200", "");
  uint32_t full = add_code("106", "FULL");
  for (size_t i = 0; i < 3; i++) {
    stoa_metric_add(shards[i], BYTES, 1, 100);
    stoa_metric_observe(shards[i], TIMES, 0, i == 0 ? 10 : 11);
    stoa_metric_observe(shards[i], TIMES, 0, 1000);
    stoa_metric_add(shards[i], CODES, stoa_metric_series(&table[CODES], 1, full), 2);
  }
  stoa_metric_add(shards[0], SESSIONS, 0, 1);
  stoa_metric_add(shards[0], SESSIONS, 0, 1);
  stoa_metric_add(shards[1], SESSIONS, 0, (uint64_t)-1);
  stoa_metric_add(shards[1], CODES, stoa_metric_series(&table[CODES], 0, ok), 1);
  assert_int_equal(stoa_metrics_value(metrics, BYTES, 1), 300);
  assert_int_equal(stoa_metrics_value(metrics, SESSIONS, 0), 1);
  expect_text(metrics,
              "# HELP bytes_total Bytes.\n"
              "# TYPE bytes_total counter\n"
              "bytes_total{direction=\"in\"} 0\n"
              "bytes_total{direction=\"out\"} 300\n"
              "# HELP sessions Sessions.\n"
              "# TYPE sessions gauge\n"
              "sessions 1\n"
              "# HELP times_seconds Times.\n"
              "# TYPE times_seconds histogram\n"
              "times_seconds_bucket{direction=\"in\",le=\"0.01\"} 1\n"
              "times_seconds_bucket{direction=\"in\",le=\"0.1\"} 3\n"
              "times_seconds_bucket{direction=\"in\",le=\"+Inf\"} 6\n"
              "times_seconds_sum{direction=\"in\"} 3.032\n"
              "times_seconds_count{direction=\"in\"} 6\n"
              "times_seconds_bucket{direction=\"out\",le=\"0.01\"} 0\n"
              "times_seconds_bucket{direction=\"out\",le=\"0.1\"} 0\n"
              "times_seconds_bucket{direction=\"out\",le=\"+Inf\"} 0\n"
              "times_seconds_sum{direction=\"out\"} 0\n"
              "times_seconds_count{direction=\"out\"} 0\n"
              "# HELP codes_total Codes.\n"
              "# TYPE codes_total counter\n"
              "codes_total{direction=\"in\",code=\"200\",reason=\"\"} 1\n"
              "codes_total{direction=\"out\",code=\"106\",reason=\"FULL\"} 6\n");
  stoa_metrics_destroy(metrics);
}

static void two_sets_do_not_mix(void **state) {
  (void)state;
  struct stoa_metrics *one = create(1);
  struct stoa_metrics *other = create(1);
  stoa_metric_add(stoa_metrics_shard(one, 0), BYTES, 0, 7);
  assert_int_equal(stoa_metrics_value(one, BYTES, 0), 7);
  assert_int_equal(stoa_metrics_value(other, BYTES, 0), 0);
  stoa_metrics_destroy(one);
  stoa_metrics_destroy(other);
}

static void no_two_shards_share_a_cache_line(void **state) {
  (void)state;
  struct stoa_metrics *metrics = create(3);
  for (uint32_t i = 0; i < 3; i++) {
    const struct stoa_metric_shard *shard = stoa_metrics_shard(metrics, i);
    const struct stoa_metric_shard *next =
        i == 2 ? stoa_metrics_shared_shard(metrics) : stoa_metrics_shard(metrics, i + 1);
    assert_int_equal((uintptr_t)shard->cells % 64, 0);
    assert_true((uintptr_t)&shard->cells[shard->starts[METRICS] - 1] / 64 < (uintptr_t)next->cells / 64);
  }
  stoa_metrics_destroy(metrics);
}

struct bumper {
  pthread_t thread;
  struct stoa_metric_shard *own, *shared;
};

static void *bump(void *context) {
  const struct bumper *bumper = context;
  for (int i = 0; i < BUMPS; i++) {
    stoa_metric_add(bumper->own, BYTES, 0, 1);
    stoa_metric_add(bumper->shared, BYTES, 1, 1);
  }
  return NULL;
}

static void no_bump_of_any_thread_is_lost(void **state) {
  (void)state;
  struct stoa_metrics *metrics = create(THREADS);
  struct bumper bumpers[THREADS];
  for (uint32_t i = 0; i < THREADS; i++) {
    bumpers[i].own = stoa_metrics_shard(metrics, i);
    bumpers[i].shared = stoa_metrics_shared_shard(metrics);
    assert_int_equal(pthread_create(&bumpers[i].thread, NULL, bump, &bumpers[i]), 0);
  }
  uint64_t before = 0;
  for (int i = 0; i < 100; i++) {
    uint64_t now = stoa_metrics_value(metrics, BYTES, 0);
    assert_true(now >= before);
    before = now;
  }
  for (uint32_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(bumpers[i].thread, NULL), 0);
  }
  assert_int_equal(stoa_metrics_value(metrics, BYTES, 0), THREADS * BUMPS);
  assert_int_equal(stoa_metrics_value(metrics, BYTES, 1), THREADS * BUMPS);
  stoa_metrics_destroy(metrics);
}

static void a_row_is_added_once(void **state) {
  (void)state;
  assert_int_equal(add_code("1", "A"), 0);
  assert_int_equal(add_code("1", "B"), 1);
  assert_int_equal(add_code("1", "A"), 0);
  assert_int_equal(stoa_metric_labels_count(&codes), 2);
}

static void a_value_that_is_no_label_is_refused(void **state) {
  (void)state;
  static const char longest[STOA_METRIC_VALUE_LEN_MAX + 1];
  uint32_t row = 99;
  const struct stoa_string one = STOA_STR("1");
  const struct stoa_string bad = STOA_STR("\xff");
  const struct stoa_string nul = STOA_STR("a\0b");
  assert_int_equal(stoa_metric_labels_add(&codes, one, bad, &row), STOA_E_UTF8);
  assert_int_equal(stoa_metric_labels_add(&codes, nul, one, &row), STOA_E_UTF8);
  assert_int_equal(stoa_metric_labels_add(&codes, stoa_string_make(longest, sizeof longest), one, &row), STOA_E_LIMIT);
  assert_int_equal(row, 99);
  assert_int_equal(stoa_metric_labels_count(&codes), 0);
}

static void rows_beyond_the_bound_are_refused(void **state) {
  (void)state;
  uint32_t row = 99;
  add_code("1", "");
  add_code("2", "");
  add_code("3", "");
  const struct stoa_string four = STOA_STR("4");
  assert_int_equal(stoa_metric_labels_add(&codes, four, four, &row), STOA_E_LIMIT);
  assert_int_equal(row, 99);
  assert_int_equal(add_code("2", ""), 1);
}

static void more_cells_than_there_may_be_are_refused(void **state) {
  (void)state;
  struct stoa_metric_labels many = {.names = {"a"}, .row_max = STOA_METRIC_CELLS_MAX / 2 + 1};
  const struct stoa_metric large = {.family = {"large", "Large.", NULL, STOA_METRIC_COUNTER, 0},
                                    .labels = {&directions, &many}};
  struct stoa_metrics *metrics = NULL;
  assert_int_equal(stoa_metrics_create(&large, 1, 1, &metrics), STOA_E_LIMIT);
  assert_null(metrics);
}

static void every_allocation_may_fail_once(void **state) {
  (void)state;
  static const char *const names[] = {"code", "reason"};
  struct stoa_metric_labels labels;
  struct stoa_metrics *metrics = NULL;
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_metric_labels_init(&labels, names, 3), STOA_E_MEMORY);
  stoa_metric_labels_fini(&labels);
  for (uint64_t n = 1; n <= 2; n++) {
    uint32_t row = 99;
    const struct stoa_string one = STOA_STR("1");
    stoa_memory_fail_at(n, false);
    assert_int_equal(stoa_metric_labels_add(&codes, one, one, &row), STOA_E_MEMORY);
    assert_int_equal(row, 99);
  }
  for (uint64_t n = 1; n <= 4; n++) {
    stoa_memory_fail_at(n, false);
    assert_int_equal(stoa_metrics_create(table, METRICS, 1, &metrics), STOA_E_MEMORY);
  }
  assert_null(metrics);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_scrape_sums_all_shards, set_up, tear_down),
      cmocka_unit_test_setup_teardown(two_sets_do_not_mix, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_two_shards_share_a_cache_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_bump_of_any_thread_is_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_row_is_added_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_value_that_is_no_label_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(rows_beyond_the_bound_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(more_cells_than_there_may_be_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_allocation_may_fail_once, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
