#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stoa/status.h>

static void every_status_has_a_text_of_its_own(void **state) {
  (void)state;
  for (int status = 0; status < STOA_STATUS_COUNT; status++) {
    const char *name = stoa_status_text(status);
    assert_non_null(name);
    assert_string_not_equal(name, "unknown status");
    for (int other = 0; other < status; other++) {
      assert_string_not_equal(name, stoa_status_text(other));
    }
  }
  assert_string_equal(stoa_status_text(STOA_E_LIMIT), "limit reached");
}

#define NAMED(status) [status] = #status

static void the_name_of_a_status_is_that_of_its_constant(void **state) {
  static const char *const names[STOA_STATUS_COUNT] = {NAMED(STOA_OK),
                                                       NAMED(STOA_E_MEMORY),
                                                       NAMED(STOA_E_ARGUMENT),
                                                       NAMED(STOA_E_LIMIT),
                                                       NAMED(STOA_E_CLOSED),
                                                       NAMED(STOA_E_EXISTS),
                                                       NAMED(STOA_E_NOT_FOUND),
                                                       NAMED(STOA_E_SYSTEM),
                                                       NAMED(STOA_E_SYNTAX),
                                                       NAMED(STOA_E_TYPE),
                                                       NAMED(STOA_E_UTF8),
                                                       NAMED(STOA_E_AGAIN),
                                                       NAMED(STOA_E_UNSUPPORTED),
                                                       NAMED(STOA_E_DENIED),
                                                       NAMED(STOA_E_TIMEOUT),
                                                       NAMED(STOA_E_TLS)};
  (void)state;
  for (int status = 0; status < STOA_STATUS_COUNT; status++) {
    assert_non_null(names[status]);
    assert_string_equal(stoa_status_name(status), names[status]);
  }
}

static void a_number_outside_the_table_is_an_unknown_status(void **state) {
  (void)state;
  assert_string_equal(stoa_status_text(-1), "unknown status");
  assert_string_equal(stoa_status_text(STOA_STATUS_COUNT), "unknown status");
  assert_string_equal(stoa_status_text(INT32_MAX), "unknown status");
  assert_string_equal(stoa_status_name(-1), "unknown status");
  assert_string_equal(stoa_status_name(STOA_STATUS_COUNT), "unknown status");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_a_text_of_its_own),
      cmocka_unit_test(the_name_of_a_status_is_that_of_its_constant),
      cmocka_unit_test(a_number_outside_the_table_is_an_unknown_status),
  };
  return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
