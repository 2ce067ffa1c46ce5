#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/session.h>

#define UNKNOWN "unknown close code"

/* A code without a line in this switch is an error of the compiler's. */
static bool is_ours(enum stoa_close_code code) {
  switch (code) {
    case STOA_CLOSE_DRAINING:
    case STOA_CLOSE_INTERNAL:
    case STOA_CLOSE_TOKEN_EXPIRED:
    case STOA_CLOSE_SLOW:
    case STOA_CLOSE_POSITION_LOST:
    case STOA_CLOSE_NO_PONG:
    case STOA_CLOSE_RATE:
    case STOA_CLOSE_FULL:
    case STOA_CLOSE_BAD_TOKEN:
    case STOA_CLOSE_PROTOCOL:
    case STOA_CLOSE_NO_HELLO:
    case STOA_CLOSE_KICKED:
    case STOA_CLOSE_FORBIDDEN:
    case STOA_CLOSE_TOO_MANY_ERRORS:
      return true;
  }
  return false;
}

/* RFC 6455 7.4.1, and what was registered later; 1004 never got a meaning. */
static bool is_registered(unsigned code) {
  return code >= 1000 && code <= 1015 && code != 1004;
}

static void codes_of_the_enum_and_of_the_registry_have_texts_and_no_other_has(void **state) {
  (void)state;
  for (unsigned code = 0; code <= UINT16_MAX; code++) {
    const char *text = stoa_close_code_text((uint16_t)code);
    assert_non_null(text);
    assert_int_equal(strcmp(text, UNKNOWN) != 0, is_ours((enum stoa_close_code)code) || is_registered(code));
  }
}

static void each_text_tells_one_code(void **state) {
  (void)state;
  for (uint16_t code = 1000; code < 5000; code++) {
    const char *text = stoa_close_code_text(code);
    for (uint16_t other = 1000; other < code && strcmp(text, UNKNOWN) != 0; other++) {
      assert_string_not_equal(text, stoa_close_code_text(other));
    }
  }
  assert_string_equal(stoa_close_code_text(STOA_CLOSE_SLOW), "reads too slowly");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_of_the_enum_and_of_the_registry_have_texts_and_no_other_has),
      cmocka_unit_test(each_text_tells_one_code),
  };
  return cmocka_run_group_tests_name("close codes", tests, NULL, NULL);
}
