#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stoa/traceparent.h>

#include "guard.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static int parse(const char *text, struct stoa_trace_context *out_context) {
  return stoa_traceparent_parse(stoa_string_of(text), out_context);
}

static void a_field_has_the_ids_and_the_flag(void **state) {
  static const uint8_t trace_id[16] = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
                                       0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36};
  static const uint8_t span_id[8] = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7};
  struct stoa_trace_context context;
  (void)state;
  assert_int_equal(parse("00-" TRACE "-" SPAN "-01", &context), STOA_OK);
  assert_memory_equal(context.trace_id, trace_id, sizeof trace_id);
  assert_memory_equal(context.span_id, span_id, sizeof span_id);
  assert_true(context.is_sampled);
  assert_true(stoa_trace_context_is_set(&context));
  assert_int_equal(parse("00-" TRACE "-" SPAN "-00", &context), STOA_OK);
  assert_false(context.is_sampled);
}

static void what_the_specification_allows_is_taken(void **state) {
  static const struct {
    const char *text;
    bool is_sampled;
  } cases[] = {
      {"00-" TRACE "-" SPAN "-ff", true},  /* flags of later versions are not looked at */
      {"00-" TRACE "-" SPAN "-02", false}, /* likewise */
      {"01-" TRACE "-" SPAN "-01", true},  /* a later version */
      {"cc-" TRACE "-" SPAN "-01", true},  /* likewise */
      {"cc-" TRACE "-" SPAN "-01-what-the", true} /* which has more parts */,
      {"00-12345678901234567890123456789012-1234567890123456-01", true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stoa_trace_context context;
    assert_int_equal(parse(cases[i].text, &context), STOA_OK);
    assert_int_equal(context.is_sampled, cases[i].is_sampled);
  }
}

static void what_the_specification_forbids_is_refused(void **state) {
  static const char *const texts[] = {
      "",
      "00",
      "00-" TRACE,
      "00-00000000000000000000000000000000-" SPAN "-01",
      "00-" TRACE "-0000000000000000-01",
      "ff-" TRACE "-" SPAN "-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
      "00-" TRACE "-00F067AA0BA902B7-01",
      "00-" TRACE "-" SPAN "-0A",
      "0A-" TRACE "-" SPAN "-01",
      "0x-" TRACE "-" SPAN "-01",
      "00-" TRACE "-" SPAN "-0",
      "00-" TRACE "-" SPAN "-1",
      "00-" TRACE "-" SPAN "-001",
      "00-" TRACE "-" SPAN "-01-",
      "00-" TRACE "-" SPAN "-01-what-the",
      "01-" TRACE "-" SPAN "-01what",
      "01-" TRACE "-" SPAN "-01.what",
      "00-" TRACE "-" SPAN ".01",
      "00-" TRACE "." SPAN "-01",
      "00." TRACE "-" SPAN "-01",
      "00-.bf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01",
      "00-" TRACE "-.0f067aa0ba902b7-01",
      " 00-" TRACE "-" SPAN "-01",
      "00-" TRACE "-" SPAN "-01 ",
      "00-" TRACE "-" SPAN "-01, 00-" TRACE "-" SPAN "-01",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct stoa_trace_context context = {.is_sampled = true};
    assert_int_equal(parse(texts[i], &context), STOA_E_SYNTAX);
    assert_true(context.is_sampled); /* untouched */
    assert_false(stoa_trace_context_is_set(&context));
  }
}

static void a_later_version_is_read_up_to_a_limit(void **state) {
  char text[STOA_TRACEPARENT_LEN_MAX + 2];
  struct stoa_trace_context context;
  (void)state;
  memset(text, 'x', sizeof text);
  memcpy(text, "01-" TRACE "-" SPAN "-01-", STOA_TRACEPARENT_LEN + 1);
  assert_int_equal(stoa_traceparent_parse(stoa_string_make(text, STOA_TRACEPARENT_LEN_MAX), &context), STOA_OK);
  assert_int_equal(stoa_traceparent_parse(stoa_string_make(text, STOA_TRACEPARENT_LEN_MAX + 1), &context),
                   STOA_E_SYNTAX);
}

static void no_byte_behind_a_field_is_read(void **state) {
  static const char whole[] = "01-" TRACE "-" SPAN "-01-x";
  struct guard guard = guard_make(sizeof whole);
  (void)state;
  for (size_t len = 0; len < sizeof whole; len++) {
    struct stoa_trace_context context;
    const uint8_t *bytes = guard_copy(&guard, whole, len);
    int status = stoa_traceparent_parse(stoa_string_make((const char *)bytes, len), &context);
    bool is_good = len == STOA_TRACEPARENT_LEN || (len > STOA_TRACEPARENT_LEN && len < sizeof whole);
    assert_int_equal(status, is_good ? STOA_OK : STOA_E_SYNTAX);
  }
  guard_free(&guard);
}

static void what_is_written_is_read_back(void **state) {
  static const char *const texts[] = {"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-00"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct stoa_trace_context context;
    char text[STOA_TRACEPARENT_LEN + 1];
    assert_int_equal(parse(texts[i], &context), STOA_OK);
    stoa_traceparent_format(&context, text);
    assert_string_equal(text, texts[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_field_has_the_ids_and_the_flag),
      cmocka_unit_test(what_the_specification_allows_is_taken),
      cmocka_unit_test(what_the_specification_forbids_is_refused),
      cmocka_unit_test(a_later_version_is_read_up_to_a_limit),
      cmocka_unit_test(no_byte_behind_a_field_is_read),
      cmocka_unit_test(what_is_written_is_read_back),
  };
  return cmocka_run_group_tests_name("traceparent", tests, NULL, NULL);
}
