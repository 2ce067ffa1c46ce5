#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/ws_origin.h"

static bool is_of(const char *text, const char *host) {
  struct stoa_ws_origin origin;
  return stoa_ws_origin_parse(stoa_string_of(text), &origin) && stoa_ws_origin_is_of(&origin, stoa_string_of(host));
}

static void origins_are_compared_by_scheme_host_and_port(void **state) {
  (void)state;
  static const struct {
    bool expected;
    const char *origin, *host;
  } pairs[] = {
      {true, "http://example.com", "example.com"},
      {true, "https://example.com", "example.com"},
      {true, "HTTP://Example.COM", "eXample.com"},
      {true, "http://example.com:80", "example.com"},
      {true, "http://example.com", "example.com:80"},
      {true, "https://example.com:443", "example.com"},
      {true, "http://localhost:7700", "localhost:7700"},
      {true, "http://[::1]:7700", "[::1]:7700"},
      {false, "http://example.com:8080", "example.com"},
      {false, "http://example.com", "example.com:8080"},
      {false, "https://example.com", "example.com:80"},
      {false, "http://example.com:443", "example.com"},
      {false, "http://evil.example", "good.example"},
      {false, "http://good.example.evil.example", "good.example"},
      {false, "http://evil.good.example", "good.example"},
      {false, "http://good.example@evil.example", "good.example"},
      {false, "http://evil.example#good.example", "good.example"},
      {false, "http://good.example/", "good.example"},
      {false, "http://good.example\\.evil", "good.example"},
      {false, "http://good.example:80:80", "good.example"},
      {false, "http://good.example:x", "good.example"},
      {false, "http://", "good.example"},
      {false, "://good.example", "good.example"},
      {false, "good.example", "good.example"},
      {false, "1http://good.example", "good.example"},
      {false, "app://good.example", "good.example"},
      {false, "null", "null"},
      {false, "", "good.example"},
      {false, "http:/good.example", "good.example"},
      {false, "http://good.example http://good.example", "good.example"},
      {false, "http://good.example", ""},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    if (is_of(pairs[i].origin, pairs[i].host) != pairs[i].expected) {
      fail_msg("[%s] is%s of [%s]", pairs[i].origin, pairs[i].expected ? " not" : "", pairs[i].host);
    }
  }
}

static bool listed(const char *origin, const char *entry) {
  const struct stoa_string entries[] = {stoa_string_of("http://other.example"), stoa_string_of(entry)};
  return stoa_ws_origin_is_listed(stoa_string_of(origin), entries, 2);
}

static void a_list_names_origins_exactly(void **state) {
  (void)state;
  assert_true(listed("http://page.example:8000", "http://page.example:8000"));
  assert_true(listed("HTTP://PAGE.example", "http://page.EXAMPLE:80"));
  assert_true(listed("http://other.example", "x"));
  assert_true(listed("capacitor://localhost", "Capacitor://localhost"));
  assert_false(listed("http://page.example", "https://page.example"));
  assert_false(listed("http://page.example:8000", "http://page.example"));
  assert_false(listed("http://evil.page.example", "http://page.example"));
  assert_false(listed("http://good.example", "http://page.example"));
  assert_false(listed("http://page.example", "http://page.example/"));
  assert_false(listed("http://page.example", "page.example"));
}

static void origins_without_a_host_are_allowed_where_the_list_names_them(void **state) {
  (void)state;
  assert_true(listed("null", "null"));
  assert_true(listed("file://", "file://"));
  assert_false(listed("NULL", "null"));
  assert_false(listed("http://null", "null"));
  assert_false(listed("file://", "null"));
  assert_false(listed("file://", "file://host"));
  assert_false(listed("", "null"));
}

static void a_star_allows_every_origin(void **state) {
  (void)state;
  static const char *const origins[] = {"http://anything.example",
                                        "https://[::1]:1",
                                        "null",
                                        "file://",
                                        "capacitor://localhost",
                                        "rubbish",
                                        "http://u@h",
                                        "*",
                                        ""};
  for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
    assert_true(listed(origins[i], "*"));
  }
}

static void origins_without_a_host_are_told_apart_from_invalid_text(void **state) {
  (void)state;
  assert_true(stoa_ws_origin_is_opaque(stoa_string_of("null")));
  assert_true(stoa_ws_origin_is_opaque(stoa_string_of("file://")));
  assert_true(stoa_ws_origin_is_opaque(stoa_string_of("x+y.z://")));
  static const char *const others[] = {"", "Null", "file:", "file:///", "http://a", "://", "<b>://", "null "};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_false(stoa_ws_origin_is_opaque(stoa_string_of(others[i])));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(origins_are_compared_by_scheme_host_and_port),
      cmocka_unit_test(a_list_names_origins_exactly),
      cmocka_unit_test(origins_without_a_host_are_allowed_where_the_list_names_them),
      cmocka_unit_test(a_star_allows_every_origin),
      cmocka_unit_test(origins_without_a_host_are_told_apart_from_invalid_text),
  };
  return cmocka_run_group_tests_name("origins", tests, NULL, NULL);
}
