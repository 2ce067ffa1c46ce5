/* Several messages in one body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/packed.h"

static int check(const char *body, size_t len, size_t max) {
  return stoa_packed_check(stoa_bytes_make(body, len), max);
}

static void test_messages_come_one_after_the_other(void **state) {
  (void)state;
  const struct stoa_bytes body = {(const uint8_t *)"\0\0\0\2ab\0\0\0\0\x80\0\0\1c", 15};
  struct stoa_bytes message;
  size_t at = 0;
  bool is_text;
  assert_int_equal(stoa_packed_check(body, 2), STOA_OK);
  assert_true(stoa_packed_next(body, &at, &message, &is_text));
  assert_int_equal(message.len, 2);
  assert_memory_equal(message.data, "ab", 2);
  assert_false(is_text);
  assert_true(stoa_packed_next(body, &at, &message, &is_text));
  assert_int_equal(message.len, 0);
  assert_true(stoa_packed_next(body, &at, &message, &is_text));
  assert_int_equal(message.data[0], 'c');
  assert_true(is_text);
  assert_false(stoa_packed_next(body, &at, &message, &is_text));
  assert_int_equal(at, body.len);
}

static void test_a_body_that_ends_anywhere_else_is_no_body(void **state) {
  (void)state;
  static const char body[] = "\0\0\0\2ab\0\0\0\3cde";
  for (size_t len = 0; len <= 13; len++) {
    int expected = len == 0 || len == 6 || len == 13 ? STOA_OK : STOA_E_SYNTAX;
    assert_int_equal(check(body, len, 100), expected);
  }
}

static void test_a_long_message_is_refused_by_its_header(void **state) {
  (void)state;
  assert_int_equal(check("\0\0\0\3", 4, 2), STOA_E_LIMIT);
  assert_int_equal(check("\x7f\xff\xff\xff", 4, 1024), STOA_E_LIMIT);
  assert_int_equal(check("\xff\xff\xff\xff", 4, 1024), STOA_E_LIMIT);
  assert_int_equal(check("\0\0\0\2ab", 6, 2), STOA_OK);
}

static void test_text_must_be_utf8_and_complete(void **state) {
  (void)state;
  assert_int_equal(check("\x80\0\0\2\xc3\xa4", 6, 10), STOA_OK);
  assert_int_equal(check("\x80\0\0\1\xc3", 5, 10), STOA_E_UTF8);
  assert_int_equal(check("\x80\0\0\1\xff", 5, 10), STOA_E_UTF8);
  assert_int_equal(check("\0\0\0\1\xff", 5, 10), STOA_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_messages_come_one_after_the_other),
      cmocka_unit_test(test_a_body_that_ends_anywhere_else_is_no_body),
      cmocka_unit_test(test_a_long_message_is_refused_by_its_header),
      cmocka_unit_test(test_text_must_be_utf8_and_complete),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
