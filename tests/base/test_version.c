#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stoa/version.h>

static void the_text_and_the_number_say_the_same(void **state) {
  char text[32];
  (void)state;
  snprintf(text, sizeof text, "%d.%d.%d", STOA_VERSION_MAJOR, STOA_VERSION_MINOR, STOA_VERSION_PATCH);
  assert_string_equal(STOA_VERSION, text);
  assert_int_equal(STOA_VERSION_NUMBER, STOA_VERSION_MAJOR * 65536 + STOA_VERSION_MINOR * 256 + STOA_VERSION_PATCH);
}

static void the_build_has_the_version_of_the_header(void **state) {
  (void)state;
  assert_string_equal(STOA_VERSION, BUILD_VERSION);
}

static void the_library_is_of_the_version_of_its_headers(void **state) {
  (void)state;
  assert_string_equal(stoa_version(), STOA_VERSION);
  assert_int_equal(stoa_version_number(), STOA_VERSION_NUMBER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_text_and_the_number_say_the_same),
      cmocka_unit_test(the_build_has_the_version_of_the_header),
      cmocka_unit_test(the_library_is_of_the_version_of_its_headers),
  };
  return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
