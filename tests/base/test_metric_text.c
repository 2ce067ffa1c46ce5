#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/metric_text.h"

static const uint64_t bounds[] = {5000000, 1000000000, 2500000000};
static const uint64_t counts[] = {2, 0, 3, 1};
static const struct stoa_metric_histogram histogram = {bounds, counts, 3, 12345678900};

static const struct stoa_metric_family requests = {"requests", "Requests.", NULL, STOA_METRIC_COUNTER, 0};
static const struct stoa_metric_family backlog = {"backlog_bytes", "What waits.", "bytes", STOA_METRIC_GAUGE, 0};
static const struct stoa_metric_family turns = {"turn_seconds", "Turns.", "seconds", STOA_METRIC_HISTOGRAM, 9};
static const struct stoa_metric_family build = {"build", "The build.", NULL, STOA_METRIC_INFO, 0};
static const struct stoa_metric_family odd = {"odd", "A \"back\\slash\"\nand a line.", NULL, STOA_METRIC_GAUGE, 3};

static void write_all(struct stoa_metric_text *text) {
  const struct stoa_metric_label labels[] = {{"operation", "Chat"}, {"code", "200"}};
  const struct stoa_metric_label version = {"version", "0.1.0"};
  const struct stoa_metric_label escaped = {"name", "a\"b\\c\nd\xc3\xa9"};
  stoa_metric_text_family(text, &requests);
  stoa_metric_text_value(text, labels, 2, 18446744073709551615u);
  stoa_metric_text_value(text, labels, 1, 0);
  stoa_metric_text_family(text, &backlog);
  stoa_metric_text_value(text, NULL, 0, 70);
  stoa_metric_text_family(text, &turns);
  stoa_metric_text_histogram(text, NULL, 0, &histogram);
  stoa_metric_text_histogram(text, labels, 1, &histogram);
  stoa_metric_text_family(text, &build);
  stoa_metric_text_value(text, &version, 1, 1);
  stoa_metric_text_family(text, &odd);
  stoa_metric_text_value(text, &escaped, 1, (uint64_t)-1500);
  stoa_metric_text_value(text, NULL, 0, 1010);
}

static void expect(enum stoa_metric_format format, const char *wanted) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, 65536);
  struct stoa_metric_text text = stoa_metric_text_begin(format, &out);
  write_all(&text);
  assert_int_equal(stoa_metric_text_end(&text), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data, wanted);
  stoa_buffer_fini(&out);
}

static void prometheus_text_is_exactly_so(void **state) {
  (void)state;
  expect(STOA_METRIC_PROMETHEUS,
         "# HELP requests_total Requests.\n"
         "# TYPE requests_total counter\n"
         "requests_total{operation=\"Chat\",code=\"200\"} 18446744073709551615\n"
         "requests_total{operation=\"Chat\"} 0\n"
         "# HELP backlog_bytes What waits.\n"
         "# TYPE backlog_bytes gauge\n"
         "backlog_bytes 70\n"
         "# HELP turn_seconds Turns.\n"
         "# TYPE turn_seconds histogram\n"
         "turn_seconds_bucket{le=\"0.005\"} 2\n"
         "turn_seconds_bucket{le=\"1\"} 2\n"
         "turn_seconds_bucket{le=\"2.5\"} 5\n"
         "turn_seconds_bucket{le=\"+Inf\"} 6\n"
         "turn_seconds_sum 12.3456789\n"
         "turn_seconds_count 6\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"0.005\"} 2\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"1\"} 2\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"2.5\"} 5\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"+Inf\"} 6\n"
         "turn_seconds_sum{operation=\"Chat\"} 12.3456789\n"
         "turn_seconds_count{operation=\"Chat\"} 6\n"
         "# HELP build_info The build.\n"
         "# TYPE build_info gauge\n"
         "build_info{version=\"0.1.0\"} 1\n"
         "# HELP odd A \"back\\\\slash\"\\nand a line.\n"
         "# TYPE odd gauge\n"
         "odd{name=\"a\\\"b\\\\c\\nd\xc3\xa9\"} -1.5\n"
         "odd 1.01\n");
}

static void openmetrics_text_is_exactly_so(void **state) {
  (void)state;
  expect(STOA_METRIC_OPENMETRICS,
         "# HELP requests Requests.\n"
         "# TYPE requests counter\n"
         "requests_total{operation=\"Chat\",code=\"200\"} 18446744073709551615\n"
         "requests_total{operation=\"Chat\"} 0\n"
         "# HELP backlog_bytes What waits.\n"
         "# TYPE backlog_bytes gauge\n"
         "# UNIT backlog_bytes bytes\n"
         "backlog_bytes 70\n"
         "# HELP turn_seconds Turns.\n"
         "# TYPE turn_seconds histogram\n"
         "# UNIT turn_seconds seconds\n"
         "turn_seconds_bucket{le=\"0.005\"} 2\n"
         "turn_seconds_bucket{le=\"1.0\"} 2\n"
         "turn_seconds_bucket{le=\"2.5\"} 5\n"
         "turn_seconds_bucket{le=\"+Inf\"} 6\n"
         "turn_seconds_sum 12.3456789\n"
         "turn_seconds_count 6\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"0.005\"} 2\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"1.0\"} 2\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"2.5\"} 5\n"
         "turn_seconds_bucket{operation=\"Chat\",le=\"+Inf\"} 6\n"
         "turn_seconds_sum{operation=\"Chat\"} 12.3456789\n"
         "turn_seconds_count{operation=\"Chat\"} 6\n"
         "# HELP build The build.\n"
         "# TYPE build info\n"
         "build_info{version=\"0.1.0\"} 1\n"
         "# HELP odd A \\\"back\\\\slash\\\"\\nand a line.\n"
         "# TYPE odd gauge\n"
         "odd{name=\"a\\\"b\\\\c\\nd\xc3\xa9\"} -1.5\n"
         "odd 1.01\n"
         "# EOF\n");
}

static void a_buffer_that_is_too_small_is_a_limit(void **state) {
  (void)state;
  struct stoa_buffer out;
  stoa_buffer_init(&out, 100);
  struct stoa_metric_text text = stoa_metric_text_begin(STOA_METRIC_PROMETHEUS, &out);
  write_all(&text);
  assert_int_equal(stoa_metric_text_end(&text), STOA_E_LIMIT);
  stoa_buffer_fini(&out);
}

static void without_memory_the_end_tells_so(void **state) {
  (void)state;
  struct stoa_buffer out;
  stoa_buffer_init(&out, 65536);
  struct stoa_metric_text text = stoa_metric_text_begin(STOA_METRIC_OPENMETRICS, &out);
  stoa_memory_fail_at(1, true);
  write_all(&text);
  stoa_memory_fail_at(0, false);
  assert_int_equal(stoa_metric_text_end(&text), STOA_E_MEMORY);
  stoa_buffer_fini(&out);
}

static void each_format_has_its_content_type(void **state) {
  (void)state;
  assert_string_equal(stoa_metric_content_type(STOA_METRIC_PROMETHEUS), "text/plain; version=0.0.4; charset=utf-8");
  assert_string_equal(stoa_metric_content_type(STOA_METRIC_OPENMETRICS),
                      "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prometheus_text_is_exactly_so),         cmocka_unit_test(openmetrics_text_is_exactly_so),
      cmocka_unit_test(a_buffer_that_is_too_small_is_a_limit), cmocka_unit_test(without_memory_the_end_tells_so),
      cmocka_unit_test(each_format_has_its_content_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
