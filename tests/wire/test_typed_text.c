#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stoa/buffer.h>

#include "base/memory.h"
#include "guard.h"
#include "wire/typed.h"

#define LIMIT 65536

static struct guard guard;

static int guard_open(void **state) {
  (void)state;
  guard = guard_make((size_t)1 << 20);
  return 0;
}

static int guard_close(void **state) {
  (void)state;
  guard_free(&guard);
  return 0;
}

/* Read text that ends at the edge of memory. */
static int read_bytes(const void *text, size_t len, bool quoted, struct stoa_buffer *scratch,
                      struct stoa_typed *typed) {
  return stoa_typed_text_read(stoa_bytes_make(guard_copy(&guard, text, len), len), quoted, scratch, typed);
}

/* "type T call ID error: payload", or the number of the error. */
static const char *reading_of(const char *text, size_t len, bool quoted) {
  static char reading[256];
  struct stoa_buffer scratch;
  struct stoa_typed typed;
  stoa_buffer_init(&scratch, LIMIT);
  int status = read_bytes(text, len, quoted, &scratch, &typed);
  if (status == STOA_OK) {
    char call[32] = "";
    snprintf(call, sizeof call, " call %u", typed.id);
    snprintf(reading, sizeof reading, "%u%s%s: %.*s", typed.type, typed.is_call ? call : "",
             typed.is_error ? " error" : "", (int)typed.payload.len, (const char *)typed.payload.data);
  } else {
    snprintf(reading, sizeof reading, "%s", stoa_status_text(status));
  }
  stoa_buffer_fini(&scratch);
  return reading;
}

static void assert_reading(bool quoted, const char *text, const char *expected) {
  const char *reading = reading_of(text, strlen(text), quoted);
  if (strcmp(reading, expected) != 0) {
    fail_msg("%s: got [%s], expected [%s]", text, reading, expected);
  }
}

static void assert_status(bool quoted, const char *text, int status) {
  assert_reading(quoted, text, stoa_status_text(status));
}

static void packets_are_parsed(void **state) {
  (void)state;
  assert_reading(false, "{\"type\":0,\"payload\":{}}", "0: {}");
  assert_reading(false, "{\"type\":5,\"id\":7,\"payload\":{\"a\":[1,{\"b\":\"}\"}]}}",
                 "5 call 7: {\"a\":[1,{\"b\":\"}\"}]}");
  assert_reading(false, "{\"type\":5,\"id\":0,\"error\":{\"code\":3}}", "5 call 0 error: {\"code\":3}");
  assert_reading(false, "{\"type\":5,\"error\":{}}", "5 error: {}");
  assert_reading(false, "{\"payload\":[],\"id\":4294967295,\"type\":1073741823}", "1073741823 call 4294967295: []");
  assert_reading(false, " { \"type\" : 1 ,\r\n\t\"payload\" : null } ", "1: null");
  assert_reading(false, "{\"type\":1,\"payload\":\"\\\"\\\\\"}", "1: \"\\\"\\\\\"");
  assert_reading(false, "{\"type\":1,\"payload\":-1.5e+3}", "1: -1.5e+3");
  assert_reading(false, "{\"\\u0074ype\":1,\"pa\\u0079load\":true}", "1: true");
}

static void unknown_members_are_skipped(void **state) {
  (void)state;
  assert_reading(false, "{\"x\":1,\"type\":1,\"y\":{\"type\":2,\"payload\":3},\"payload\":4,\"z\":[[]]}", "1: 4");
  assert_reading(false, "{\"x\":1,\"x\":2,\"type\":1,\"payload\":0}", "1: 0");
  assert_reading(false, "{\"typ\":9,\"types\":9,\"\":9,\"Type\":9,\"type\":1,\"payload\":0}", "1: 0");
  assert_reading(false, "{\"\\ud800\":9,\"type\":1,\"payload\":0}", "1: 0");
  assert_reading(true, "{\"id\":{},\"error\":1,\"type\":1,\"payload\":\"x\"}", "1: x");
}

static void quoted_payloads_are_unescaped(void **state) {
  (void)state;
  assert_reading(true, "{\"type\":1,\"payload\":\"plain\"}", "1: plain");
  assert_reading(true, "{\"type\":1,\"payload\":\"\"}", "1: ");
  assert_reading(true, "{\"type\":1,\"payload\":\"{\\\"a\\\":\\\"b\\\\n\\\"}\"}", "1: {\"a\":\"b\\n\"}");
  assert_reading(true, "{\"type\":1,\"payload\":\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"}", "1: /\b\f\n\r\t\\\"");
  assert_reading(true, "{\"type\":1,\"payload\":\"\\u0041\\u00e4\\u20aC\\ud83d\\ude00\"}",
                 "1: A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  assert_reading(true, "{\"type\":1,\"payload\":\"\xc3\xa4\\n\"}", "1: \xc3\xa4\n");
  assert_reading(true, "{\"type\":1,\"payload\":\"\\u003cb\\u003e\"}", "1: <b>");
}

static void a_payload_without_escapes_is_a_view_of_the_message(void **state) {
  (void)state;
  static const char text[] = "{\"type\":1,\"payload\":\"plain\"}";
  struct stoa_buffer scratch;
  struct stoa_typed typed;
  stoa_buffer_init(&scratch, 0);
  assert_int_equal(read_bytes(text, strlen(text), true, &scratch, &typed), STOA_OK);
  assert_ptr_equal(typed.payload.data, guard.end - strlen("plain\"}"));
  assert_null(scratch.data);
}

static void scratch_memory_is_reused(void **state) {
  (void)state;
  static const char text[] = "{\"type\":1,\"payload\":\"\\n\"}";
  struct stoa_buffer scratch;
  struct stoa_typed typed;
  stoa_buffer_init(&scratch, LIMIT);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(read_bytes(text, strlen(text), true, &scratch, &typed), STOA_OK);
    assert_int_equal(typed.payload.len, 1);
    assert_int_equal(typed.payload.data[0], '\n');
  }
  stoa_buffer_fini(&scratch);
}

static void what_is_not_a_packet_is_a_syntax_error(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      " ",
      "1",
      "null",
      "[]",
      "{}",
      "{",
      "}",
      "{\"type\":1}",
      "{\"payload\":1}",
      "{\"type\":1,\"payload\":1",
      "{\"type\":1,\"payload\":1,}",
      "{,\"type\":1,\"payload\":1}",
      "{\"type\":1 \"payload\":1}",
      "{\"type\" 1,\"payload\":1}",
      "{type:1,\"payload\":1}",
      "{'type':1,\"payload\":1}",
      "{\"type\":1,\"payload\":}",
      "{\"type\":1,\"payload\":1}x",
      "{\"type\":1,\"payload\":1}{}",
      "{\"type\":1,\"payload\":1}}",
      "{\"type\":1,\"type\":1,\"payload\":1}",
      "{\"type\":1,\"payload\":1,\"payload\":1}",
      "{\"type\":1,\"id\":1,\"id\":1,\"payload\":1}",
      "{\"type\":1,\"payload\":1,\"error\":1}",
      "{\"type\":1,\"\\u0074ype\":1,\"payload\":1}",
      "{\"type\":1,\"payload\":[}}",
      "{\"type\":1,\"payload\":{]}",
      "{\"type\":1,\"payload\":[1}",
      "{\"type\":1,\"payload\":\"open}",
      "{\"type\":1,\"payload\":\"open\\\"}",
      "{\"type\":1,\"payload\":\"open\\",
      "{\"type\":1,\"payload\":\"a\nb\"}",
      "{\"type\":1,\"payload\":[\"a\tb\"]}",
      "{\"type\":1,\"payload\":[\x01]}",
      "\xef\xbb\xbf{\"type\":1,\"payload\":1}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_status(false, texts[i], STOA_E_SYNTAX);
  }
  assert_string_equal(reading_of("{\"type\":1,\"payload\":\"\0\"}", 24, false), stoa_status_text(STOA_E_SYNTAX));
  assert_string_equal(reading_of("{\"type\":1,\"payload\":1}\0", 23, false), stoa_status_text(STOA_E_SYNTAX));
  assert_string_equal(reading_of("{\"type\":1,\"payload\":[\0]}", 24, false), stoa_status_text(STOA_E_SYNTAX));
}

static void bad_escapes_in_a_quoted_payload_are_syntax_errors(void **state) {
  (void)state;
  static const char *const payloads[] = {"\\x",
                                         "\\u",
                                         "\\u12",
                                         "\\u123g",
                                         "\\ud800",
                                         "\\ud800x",
                                         "\\ud800\\n",
                                         "\\ud800\\u",
                                         "\\ud800\\u0041",
                                         "\\udc00",
                                         "\\ud800\\ud800",
                                         "\\udfff\\ud800",
                                         "\\U0041",
                                         "\\0",
                                         "a\\ "};
  for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"type\":1,\"payload\":\"%s\"}", payloads[i]);
    assert_status(true, text, STOA_E_SYNTAX);
  }
}

static void numbers_and_strings_of_the_wrong_kind_are_type_errors(void **state) {
  (void)state;
  static const char *const numbers[] = {"-1",          "1.0",  "1e0",  "01",  "4294967296", "18446744073709551617",
                                        "\"1\"",       "true", "null", "[1]", "{}",         "+1",
                                        "1e999999999", "x",    "0x1"};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"type\":%s,\"payload\":1}", numbers[i]);
    assert_status(false, text, STOA_E_TYPE);
    snprintf(text, sizeof text, "{\"type\":1,\"id\":%s,\"payload\":1}", numbers[i]);
    assert_status(false, text, STOA_E_TYPE);
  }
  assert_status(false, "{\"type\":1073741824,\"payload\":1}", STOA_E_TYPE);
  assert_status(true, "{\"type\":1,\"payload\":{}}", STOA_E_TYPE);
  assert_status(true, "{\"type\":1,\"payload\":1}", STOA_E_TYPE);
  assert_status(true, "{\"type\":1,\"payload\":null}", STOA_E_TYPE);
  assert_status(true, "{\"type\":1,\"payload\":[}", STOA_E_SYNTAX);
}

/* `before`, `repeated` count times, `between`, `closing` count times, `after`. */
static int read_nested(const char *before, const char *repeated, const char *between, const char *closing,
                       const char *after, size_t count) {
  struct stoa_buffer text, scratch;
  struct stoa_typed typed;
  stoa_buffer_init(&text, (size_t)1 << 20);
  stoa_buffer_init(&scratch, LIMIT);
  assert_int_equal(stoa_buffer_append(&text, before, strlen(before)), STOA_OK);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(stoa_buffer_append(&text, repeated, strlen(repeated)), STOA_OK);
  }
  assert_int_equal(stoa_buffer_append(&text, between, strlen(between)), STOA_OK);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(stoa_buffer_append(&text, closing, strlen(closing)), STOA_OK);
  }
  assert_int_equal(stoa_buffer_append(&text, after, strlen(after)), STOA_OK);
  int status = read_bytes(text.data, text.len, false, &scratch, &typed);
  stoa_buffer_fini(&text);
  stoa_buffer_fini(&scratch);
  return status;
}

static void nesting_ends_at_64(void **state) {
  (void)state;
  static const char start[] = "{\"type\":1,\"payload\":";
  assert_int_equal(read_nested(start, "[", "", "]", "}", 64), STOA_OK);
  assert_int_equal(read_nested(start, "{\"a\":", "1", "}", "}", 64), STOA_OK);
  assert_int_equal(read_nested(start, "[", "", "]", "}", 65), STOA_E_LIMIT);
  assert_int_equal(read_nested(start, "{\"a\":", "1", "}", "}", 65), STOA_E_LIMIT);
  assert_int_equal(read_nested(start, "[", "", "", "", 100000), STOA_E_LIMIT);
  assert_int_equal(read_nested(start, "{\"a\":", "", "", "", 100000), STOA_E_LIMIT);
  assert_int_equal(read_nested("{\"x\":", "[", "", "]", ",\"type\":1,\"payload\":1}", 65), STOA_E_LIMIT);
  assert_int_equal(read_nested("", "[", "", "", "", 100000), STOA_E_SYNTAX);
}

static void long_values_of_every_kind_are_skipped(void **state) {
  (void)state;
  static const char start[] = "{\"type\":1,\"payload\":";
  assert_int_equal(read_nested(start, "9", "", "", "}", 100000), STOA_OK);
  assert_int_equal(read_nested(start, "[],", "1", "", "}", 100000), STOA_E_SYNTAX);
  assert_int_equal(read_nested("{\"type\":1,\"payload\":[", "[],", "1", "", "]}", 100000), STOA_OK);
  assert_int_equal(read_nested("{\"type\":", "1", "", "", ",\"payload\":1}", 100000), STOA_E_TYPE);
  assert_int_equal(read_nested("{", "\"x\":1,", "\"type\":1,\"payload\":1}", "", "", 100000), STOA_OK);
}

static void a_payload_over_the_scratch_cap_is_a_limit(void **state) {
  (void)state;
  static const char text[] = "{\"type\":1,\"payload\":\"\\n12345\"}";
  struct stoa_typed typed;
  for (size_t cap = 0; cap < 10; cap++) {
    struct stoa_buffer scratch;
    stoa_buffer_init(&scratch, cap);
    int status = read_bytes(text, strlen(text), true, &scratch, &typed);
    assert_int_equal(status, cap < strlen("\\n12345") ? STOA_E_LIMIT : STOA_OK);
    stoa_buffer_fini(&scratch);
  }
}

static void a_failed_allocation_is_reported(void **state) {
  (void)state;
  static const char text[] = "{\"type\":1,\"payload\":\"\\n12345\"}";
  struct stoa_typed typed = {.type = 1, .payload = stoa_bytes_make("1", 1)};
  struct stoa_buffer scratch;
  stoa_buffer_init(&scratch, LIMIT);
  stoa_memory_fail_at(1, false);
  int read_status = read_bytes(text, strlen(text), true, &scratch, &typed);
  stoa_memory_fail_at(1, false);
  int write_status = stoa_typed_text_write(&typed, true, &scratch);
  stoa_memory_fail_at(0, false);
  assert_int_equal(read_status, STOA_E_MEMORY);
  assert_int_equal(write_status, STOA_E_MEMORY);
  assert_int_equal(scratch.len, 0);
  stoa_buffer_fini(&scratch);
}

static void assert_written(struct stoa_typed typed, bool quoted, const char *payload, size_t len,
                           const char *expected) {
  struct stoa_buffer out;
  typed.payload = stoa_bytes_make(payload, len);
  stoa_buffer_init(&out, LIMIT);
  assert_int_equal(stoa_typed_text_write(&typed, quoted, &out), STOA_OK);
  assert_int_equal(out.len, strlen(expected));
  assert_memory_equal(out.data, expected, out.len);
  stoa_buffer_fini(&out);
}

static void packets_are_written(void **state) {
  (void)state;
  assert_written((struct stoa_typed){.type = 3}, false, "{}", 2, "{\"type\":3,\"payload\":{}}");
  assert_written((struct stoa_typed){.type = STOA_TYPE_MAX, .is_call = true, .id = UINT32_MAX}, false, "[1]", 3,
                 "{\"type\":1073741823,\"id\":4294967295,\"payload\":[1]}");
  assert_written((struct stoa_typed){.type = 3, .is_error = true}, false, "{}", 2, "{\"type\":3,\"error\":{}}");
  assert_written((struct stoa_typed){.type = 3}, true, "{\"a\":\"b\\n\"}", 11,
                 "{\"type\":3,\"payload\":\"{\\\"a\\\":\\\"b\\\\n\\\"}\"}");
  assert_written((struct stoa_typed){.type = 3}, true, "\0\x1f\n\x7f\xc3\xa4", 6,
                 "{\"type\":3,\"payload\":\"\\u0000\\u001f\\u000a\x7f\xc3\xa4\"}");
  assert_written((struct stoa_typed){.type = 3}, true, "", 0, "{\"type\":3,\"payload\":\"\"}");
}

static void what_is_written_quoted_is_read_back(void **state) {
  (void)state;
  struct stoa_buffer packet, scratch;
  uint8_t payload[128];
  struct stoa_typed typed = {.type = 42, .payload = stoa_bytes_make(payload, sizeof payload)};
  struct stoa_typed again;
  for (size_t i = 0; i < sizeof payload; i++) {
    payload[i] = (uint8_t)i;
  }
  stoa_buffer_init(&packet, LIMIT);
  stoa_buffer_init(&scratch, LIMIT);
  assert_int_equal(stoa_typed_text_write(&typed, true, &packet), STOA_OK);
  assert_int_equal(read_bytes(packet.data, packet.len, true, &scratch, &again), STOA_OK);
  assert_int_equal(again.type, 42);
  assert_true(stoa_bytes_equal(again.payload, typed.payload));
  stoa_buffer_fini(&packet);
  stoa_buffer_fini(&scratch);
}

static void a_packet_that_does_not_fit_is_not_begun(void **state) {
  (void)state;
  struct stoa_typed typed = {.type = 3, .payload = stoa_bytes_make("\"", 1)};
  static const char expected[] = "{\"type\":3,\"payload\":\"\\\"\"}";
  for (size_t cap = 0; cap <= strlen(expected); cap++) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, cap);
    bool fits = cap == strlen(expected);
    assert_int_equal(stoa_typed_text_write(&typed, true, &out), fits ? STOA_OK : STOA_E_LIMIT);
    assert_int_equal(out.len, fits ? strlen(expected) : 0);
    stoa_buffer_fini(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_are_parsed),
      cmocka_unit_test(unknown_members_are_skipped),
      cmocka_unit_test(quoted_payloads_are_unescaped),
      cmocka_unit_test(a_payload_without_escapes_is_a_view_of_the_message),
      cmocka_unit_test(scratch_memory_is_reused),
      cmocka_unit_test(what_is_not_a_packet_is_a_syntax_error),
      cmocka_unit_test(bad_escapes_in_a_quoted_payload_are_syntax_errors),
      cmocka_unit_test(numbers_and_strings_of_the_wrong_kind_are_type_errors),
      cmocka_unit_test(nesting_ends_at_64),
      cmocka_unit_test(long_values_of_every_kind_are_skipped),
      cmocka_unit_test(a_payload_over_the_scratch_cap_is_a_limit),
      cmocka_unit_test(a_failed_allocation_is_reported),
      cmocka_unit_test(packets_are_written),
      cmocka_unit_test(what_is_written_quoted_is_read_back),
      cmocka_unit_test(a_packet_that_does_not_fit_is_not_begun),
  };
  return cmocka_run_group_tests_name("text packets", tests, guard_open, guard_close);
}
