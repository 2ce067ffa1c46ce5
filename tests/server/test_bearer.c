/* Where a request carries its token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/bearer.h"

static void expect(const char *authorization, const char *query, const char *token) {
  struct stoa_string found = stoa_bearer_find(stoa_string_of(authorization), stoa_string_of(query));
  assert_true((found.data == NULL) == (token == NULL));
  assert_true(stoa_string_equal(found, stoa_string_of(token)));
}

static void the_field_authorization_carries_a_bearer_token(void **state) {
  (void)state;
  expect("Bearer a.b.c", "", "a.b.c");
  expect("bearer   a.b.c", "", "a.b.c");
  expect("Bearer ", "", NULL);
  expect("Bearer   ", "", NULL);
  expect("Bearera.b.c", "", NULL);
  expect("Basic a.b.c", "", NULL);
  expect("", "", NULL);
}

static void the_query_carries_one_as_access_token(void **state) {
  (void)state;
  expect(NULL, "access_token=a.b.c", "a.b.c");
  expect(NULL, "room=x&access_token=a.b.c&y", "a.b.c");
  expect(NULL, "&&access_token=a.b.c", "a.b.c");
  expect(NULL, "access_token=", NULL);
  expect(NULL, "access_token", NULL);
  expect(NULL, "xaccess_token=a", NULL);
  expect(NULL, "ACCESS_TOKEN=a", NULL);
  expect(NULL, "", NULL);
}

static void of_two_in_a_query_none_is_taken(void **state) {
  (void)state;
  expect(NULL, "access_token=a&access_token=b", NULL);
}

static void the_field_comes_before_the_query(void **state) {
  (void)state;
  expect("Bearer a", "access_token=b", "a");
  expect("Basic a", "access_token=b", NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_field_authorization_carries_a_bearer_token),
      cmocka_unit_test(the_query_carries_one_as_access_token),
      cmocka_unit_test(of_two_in_a_query_none_is_taken),
      cmocka_unit_test(the_field_comes_before_the_query),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
