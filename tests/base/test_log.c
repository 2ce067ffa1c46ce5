#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stoa/log.h>

#include "base/log_clock.h"
#include "base/memory.h"
#include "base/sys.h"

#define NS_PER_SECOND 1000000000u
#define HEAD "time=2026-01-31T12:00:00.000Z level=info event=\"tried\" "
#define JSON_HEAD "{\"time\":\"2026-01-31T12:00:00.000Z\",\"level\":\"info\",\"event\":\"tried\","

/* What was written, instead of a descriptor. */
static struct {
  char text[64 * 1024];
  size_t len;
  int call_count;
  int fd;
  int interrupt_count; /* so many calls answer EINTR first */
  int fail_errno;      /* then all fail with this, when not 0 */
} sink;

static struct stoa_clock_fake fake;
static struct stoa_clock fake_clock;

static ssize_t write_to_sink(int fd, const void *data, size_t len) {
  sink.call_count++;
  sink.fd = fd;
  if (sink.interrupt_count > 0) {
    sink.interrupt_count--;
    errno = EINTR;
    return -1;
  }
  if (sink.fail_errno != 0) {
    errno = sink.fail_errno;
    return -1;
  }
  assert_true(len < sizeof sink.text - sink.len);
  memcpy(sink.text + sink.len, data, len);
  sink.len += len;
  sink.text[sink.len] = '\0';
  return (ssize_t)len;
}

static int always_ready(struct pollfd *fds, nfds_t count, int timeout_ms) {
  (void)timeout_ms;
  assert_int_equal(count, 1);
  fds[0].revents = POLLOUT;
  return 1;
}

static int begin_sink(void **state) {
  (void)state;
  memset(&sink, 0, sizeof sink);
  fake = (struct stoa_clock_fake){.monotonic_ns = 1000 * (uint64_t)NS_PER_SECOND, .wall_us = 1769860800000000};
  fake_clock = stoa_clock_fake_init(&fake);
  stoa_log_use_clock(&fake_clock);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_sys.write = write_to_sink;
  stoa_sys.poll = always_ready;
  return 0;
}

static int end_sink(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_log_use_clock(NULL);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  return 0;
}

static void log_text(struct stoa_string value) {
  const struct stoa_log_field field = STOA_F_TEXT("key", value);
  stoa_log_write(NULL, STOA_LOG_INFO, "tried", &field, 1);
}

static void assert_value(enum stoa_log_format format, struct stoa_string value, const char *expected) {
  char line[8192];
  bool is_json = format == STOA_LOG_JSON;
  snprintf(line, sizeof line, "%s%s%s", is_json ? JSON_HEAD "\"key\":" : HEAD "key=", expected, is_json ? "}\n" : "\n");
  sink.len = 0;
  stoa_log_setup(2, STOA_LOG_INFO, format);
  log_text(value);
  assert_string_equal(sink.text, line);
}

static void a_logfmt_line_has_time_level_event_and_fields(void **state) {
  (void)state;
  stoa_log(STOA_LOG_WARN, "listening", STOA_F_STR("address", "0.0.0.0:7700"), STOA_F_INT("workers", 2));
  assert_string_equal(sink.text,
                      "time=2026-01-31T12:00:00.000Z level=warn event=\"listening\" address=0.0.0.0:7700 workers=2\n");
  assert_int_equal(sink.call_count, 1);
  assert_int_equal(sink.fd, 2);
}

static void a_json_line_is_one_object(void **state) {
  (void)state;
  stoa_log_setup(7, STOA_LOG_DEBUG, STOA_LOG_JSON);
  stoa_log(STOA_LOG_DEBUG, "listening", STOA_F_STR("address", "0.0.0.0:7700"), STOA_F_INT("workers", 2));
  assert_string_equal(sink.text,
                      "{\"time\":\"2026-01-31T12:00:00.000Z\",\"level\":\"debug\",\"event\":\"listening\","
                      "\"address\":\"0.0.0.0:7700\",\"workers\":2}\n");
  assert_int_equal(sink.fd, 7);
}

static void the_smallest_and_the_largest_numbers_are_written_in_full(void **state) {
  (void)state;
  stoa_log(STOA_LOG_INFO, "tried", STOA_F_INT("a", INT64_MIN), STOA_F_INT("b", INT64_MAX), STOA_F_INT("c", 0));
  assert_string_equal(sink.text, HEAD "a=-9223372036854775808 b=9223372036854775807 c=0\n");
}

static void levels_below_the_one_asked_for_are_silent(void **state) {
  (void)state;
  stoa_log_setup(2, STOA_LOG_WARN, STOA_LOG_LOGFMT);
  assert_false(stoa_log_enabled(STOA_LOG_INFO));
  assert_true(stoa_log_enabled(STOA_LOG_WARN));
  stoa_log(STOA_LOG_INFO, "tried", STOA_F_INT("a", 1));
  log_text(stoa_string_of("x"));
  assert_int_equal(sink.call_count, 0);
  stoa_log(STOA_LOG_ERROR, "tried", STOA_F_INT("a", 1));
  assert_int_equal(sink.call_count, 1);
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  assert_false(stoa_log_enabled(STOA_LOG_ERROR));
  assert_false(stoa_log_enabled(STOA_LOG_OFF));
}

static void logfmt_quotes_a_value_only_when_it_needs_to(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"plain", "plain"},
      {"a:b/c-d_e.f,g", "a:b/c-d_e.f,g"},
      {"", "\"\""},
      {"two words", "\"two words\""},
      {"a=b", "\"a=b\""},
      {"say \"hi\"", "\"say \\\"hi\\\"\""},
      {"back\\slash", "\"back\\\\slash\""},
      {"\xe4\xbd\xa0\xe5\xa5\xbd", "\"\xe4\xbd\xa0\xe5\xa5\xbd\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_value(STOA_LOG_LOGFMT, stoa_string_of(cases[i][0]), cases[i][1]);
  }
  assert_value(STOA_LOG_LOGFMT, stoa_string_of(NULL), "\"\"");
}

static void logfmt_escapes_control_bytes_and_bytes_that_are_not_utf_8(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"a\nb\tc", "\"a\\nb\\tc\""},
      {"a\r\x1b[31m", "\"a\\x0d\\x1b[31m\""},
      {"\x7f", "\"\\x7f\""},
      {"\xc2\x80\xc2\x9f\xc2\xa0", "\"\\xc2\\x80\\xc2\\x9f\xc2\xa0\""},
      {"a\x80"
       "b\xff",
       "\"a\\x80b\\xff\""},
      {"\xe4\xbd", "\"\\xe4\\xbd\""},
      {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
      {"%n%s", "%n%s"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_value(STOA_LOG_LOGFMT, stoa_string_of(cases[i][0]), cases[i][1]);
  }
  assert_value(STOA_LOG_LOGFMT, stoa_string_make("a\0b", 3), "\"a\\x00b\"");
}

static void json_escapes_control_bytes_and_bytes_that_are_not_utf_8(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"plain", "\"plain\""},
      {"", "\"\""},
      {"say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""},
      {"a\nb\tc", "\"a\\nb\\tc\""},
      {"a\r\x1b", "\"a\\u000d\\u001b\""},
      {"\x7f", "\"\\u007f\""},
      {"\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\""},
      {"a\x80"
       "b\xff",
       "\"a\\u0080b\\u00ff\""},
      {"\xe4\xbd", "\"\\u00e4\\u00bd\""},
      {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_value(STOA_LOG_JSON, stoa_string_of(cases[i][0]), cases[i][1]);
  }
  assert_value(STOA_LOG_JSON, stoa_string_make("a\0b", 3), "\"a\\u0000b\"");
}

static void no_byte_in_a_value_or_an_event_begins_a_second_line(void **state) {
  (void)state;
  char all[256];
  for (int i = 0; i < 256; i++) {
    all[i] = (char)i;
  }
  for (int format = STOA_LOG_LOGFMT; format <= STOA_LOG_JSON; format++) {
    sink.len = 0;
    stoa_log_setup(2, STOA_LOG_INFO, (enum stoa_log_format)format);
    const struct stoa_log_field field = STOA_F_TEXT("key", stoa_string_make(all, sizeof all));
    stoa_log_write(NULL, STOA_LOG_INFO, "a\nlevel=error event=\"forged", &field, 1);
    for (size_t i = 0; i + 1 < sink.len; i++) {
      unsigned char byte = (unsigned char)sink.text[i];
      assert_true(byte >= 0x20 && byte != 0x7f);
    }
    assert_int_equal(sink.text[sink.len - 1], '\n');
  }
}

static void a_value_is_cut_at_1_kib(void **state) {
  (void)state;
  static char value[100 * 1024];
  char expected[2048];
  memset(value, 'x', sizeof value);
  memset(expected, 'x', sizeof expected);
  expected[1024] = '\0';
  assert_value(STOA_LOG_LOGFMT, stoa_string_make(value, 1024), expected);
  expected[0] = '"';
  memset(expected + 1, 'x', 1024);
  memcpy(expected + 1025, "\"", 2);
  assert_value(STOA_LOG_LOGFMT, stoa_string_make(value, 1025), expected);
  assert_value(STOA_LOG_LOGFMT, stoa_string_make(value, sizeof value), expected);
  assert_value(STOA_LOG_JSON, stoa_string_make(value, sizeof value), expected);
}

static void a_byte_that_is_escaped_stands_between_plain_ones(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    char text[] = {'a', ' ', 'b', (char)byte, 'c', 'd'};
    const char *expected_start = HEAD "key=\"a b";
    sink.len = 0;
    stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
    log_text(stoa_string_make(text, sizeof text));
    size_t len = sink.len - strlen(expected_start) - strlen("cd\"\n");
    const char *written = sink.text + strlen(expected_start);
    bool is_plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
    assert_memory_equal(sink.text, expected_start, strlen(expected_start));
    assert_string_equal(written + len, "cd\"\n");
    assert_true(is_plain ? len == 1 && written[0] == (char)byte : len > 1 && written[0] == '\\');
  }
}

static void a_cut_falls_between_characters_and_between_escapes(void **state) {
  (void)state;
  char value[2048];
  char expected[2048];
  /* 1023 bytes, then a character of three, which no longer fits. */
  memset(value, 'x', 1023);
  memcpy(value + 1023, "\xe4\xbd\xa0", 3);
  snprintf(expected, sizeof expected, "\"%.1023s\"", value);
  assert_value(STOA_LOG_LOGFMT, stoa_string_make(value, 1026), expected);
  /* Then an escape of two, although a plain byte after it would fit. */
  memcpy(value + 1023, "\ny", 2);
  assert_value(STOA_LOG_LOGFMT, stoa_string_make(value, 1025), expected);
}

static void fields_that_do_not_fit_the_line_are_counted_as_left_out(void **state) {
  (void)state;
  static char value[1024];
  memset(value, '\n', sizeof value);
  struct stoa_log_field fields[20];
  for (int i = 0; i < 20; i++) {
    fields[i] = STOA_F_TEXT("key", stoa_string_make(value, sizeof value));
  }
  for (int format = STOA_LOG_LOGFMT; format <= STOA_LOG_JSON; format++) {
    sink.len = 0;
    stoa_log_setup(2, STOA_LOG_INFO, (enum stoa_log_format)format);
    stoa_log_write(NULL, STOA_LOG_INFO, "tried", fields, 20);
    assert_true(sink.len <= 8192);
    const char *tail = format == STOA_LOG_JSON ? "\",\"left_out\":13}\n" : "\" left_out=13\n";
    assert_string_equal(sink.text + sink.len - strlen(tail), tail);
  }
}

static void log_at_one_site(int times) {
  for (int i = 0; i < times; i++) {
    stoa_log(STOA_LOG_INFO, "tried", STOA_F_INT("a", 1));
  }
}

static void a_call_site_writes_ten_lines_a_second_and_counts_the_suppressed(void **state) {
  (void)state;
  log_at_one_site(10);
  assert_int_equal(sink.call_count, 10);
  log_at_one_site(25);
  assert_int_equal(sink.call_count, 10);
  fake.monotonic_ns += NS_PER_SECOND;
  sink.len = 0;
  log_at_one_site(1);
  assert_string_equal(sink.text, HEAD "a=1 suppressed=25\n");
  sink.len = 0;
  log_at_one_site(1);
  assert_string_equal(sink.text, HEAD "a=1\n");
  assert_int_equal(sink.call_count, 12);
}

static void the_count_of_suppressed_lines_is_logged_in_json_and_after_a_long_silence(void **state) {
  (void)state;
  struct stoa_log_site site = {0};
  const struct stoa_log_field field = STOA_F_INT("a", 1);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_JSON);
  for (int i = 0; i < 11; i++) {
    stoa_log_write(&site, STOA_LOG_INFO, "tried", &field, 1);
  }
  fake.monotonic_ns += 100000 * (uint64_t)NS_PER_SECOND;
  sink.len = 0;
  stoa_log_write(&site, STOA_LOG_INFO, "tried", &field, 1);
  assert_string_equal(sink.text, JSON_HEAD "\"a\":1,\"suppressed\":1}\n");
}

/* A simulation begins each run at the same time. */
static void setting_another_clock_resets_the_counts(void **state) {
  (void)state;
  struct stoa_log_site site = {0};
  const struct stoa_log_field field = STOA_F_INT("a", 1);
  for (int run = 0; run < 2; run++) {
    begin_sink(NULL);
    for (int i = 0; i < 15; i++) {
      stoa_log_write(&site, STOA_LOG_INFO, "tried", &field, 1);
    }
    assert_int_equal(sink.call_count, 10);
    assert_null(strstr(sink.text, "suppressed"));
    fake.monotonic_ns += NS_PER_SECOND;
    sink.len = 0;
    stoa_log_write(&site, STOA_LOG_INFO, "tried", &field, 1);
    assert_string_equal(sink.text, HEAD "a=1 suppressed=5\n");
  }
}

static void each_call_site_has_its_own_limit(void **state) {
  (void)state;
  log_at_one_site(100);
  int before = sink.call_count;
  stoa_log(STOA_LOG_INFO, "other", STOA_F_INT("a", 1));
  assert_int_equal(sink.call_count, before + 1);
}

static struct stoa_log_site shared_site;
static int shared_line_count;

static ssize_t count_lines(int fd, const void *data, size_t len) {
  (void)fd;
  (void)data;
  __atomic_add_fetch(&shared_line_count, 1, __ATOMIC_RELAXED);
  return (ssize_t)len;
}

static void *log_from_a_thread(void *context) {
  (void)context;
  const struct stoa_log_field field = STOA_F_INT("a", 1);
  for (int i = 0; i < 500; i++) {
    stoa_log_write(&shared_site, STOA_LOG_INFO, "tried", &field, 1);
  }
  return NULL;
}

static void threads_at_one_call_site_share_its_ten_lines(void **state) {
  (void)state;
  pthread_t threads[4];
  stoa_sys.write = count_lines;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, log_from_a_thread, NULL), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(shared_line_count, 10);
}

static void an_interrupted_write_is_tried_again(void **state) {
  (void)state;
  sink.interrupt_count = 3;
  log_text(stoa_string_of("x"));
  assert_string_equal(sink.text, HEAD "key=x\n");
  assert_int_equal(sink.call_count, 4);
}

static void a_line_that_cannot_be_written_is_lost_and_errno_is_kept(void **state) {
  (void)state;
  uint64_t dropped_before = stoa_log_dropped();
  sink.fail_errno = ENOSPC;
  errno = ENOENT;
  log_text(stoa_string_of("x"));
  assert_int_equal(errno, ENOENT);
  assert_int_equal(sink.call_count, 1);
  assert_int_equal(stoa_log_dropped(), dropped_before + 1);
  sink.fail_errno = 0;
  log_text(stoa_string_of("y"));
  assert_string_equal(sink.text,
                      "time=2026-01-31T12:00:00.000Z level=warn event=\"log lines dropped\" count=1\n" HEAD "key=y\n");
}

static void a_line_needs_no_memory(void **state) {
  (void)state;
  stoa_memory_fail_at(1, true);
  log_text(stoa_string_of("two words"));
  assert_int_equal(stoa_memory_fault_hits(), 0);
  stoa_memory_fail_at(0, false);
  assert_string_equal(sink.text, HEAD "key=\"two words\"\n");
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, begin_sink, end_sink)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_SINK(a_logfmt_line_has_time_level_event_and_fields),
      WITH_SINK(a_json_line_is_one_object),
      WITH_SINK(the_smallest_and_the_largest_numbers_are_written_in_full),
      WITH_SINK(levels_below_the_one_asked_for_are_silent),
      WITH_SINK(logfmt_quotes_a_value_only_when_it_needs_to),
      WITH_SINK(logfmt_escapes_control_bytes_and_bytes_that_are_not_utf_8),
      WITH_SINK(json_escapes_control_bytes_and_bytes_that_are_not_utf_8),
      WITH_SINK(no_byte_in_a_value_or_an_event_begins_a_second_line),
      WITH_SINK(a_value_is_cut_at_1_kib),
      WITH_SINK(a_byte_that_is_escaped_stands_between_plain_ones),
      WITH_SINK(a_cut_falls_between_characters_and_between_escapes),
      WITH_SINK(fields_that_do_not_fit_the_line_are_counted_as_left_out),
      WITH_SINK(a_call_site_writes_ten_lines_a_second_and_counts_the_suppressed),
      WITH_SINK(setting_another_clock_resets_the_counts),
      WITH_SINK(the_count_of_suppressed_lines_is_logged_in_json_and_after_a_long_silence),
      WITH_SINK(each_call_site_has_its_own_limit),
      WITH_SINK(threads_at_one_call_site_share_its_ten_lines),
      WITH_SINK(an_interrupted_write_is_tried_again),
      WITH_SINK(a_line_that_cannot_be_written_is_lost_and_errno_is_kept),
      WITH_SINK(a_line_needs_no_memory),
  };
  return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
