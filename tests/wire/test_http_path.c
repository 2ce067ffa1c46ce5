#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http.h"

static void good_paths_are_decoded_once(void **state) {
  (void)state;
  static const char *const paths[][2] = {
      {"/", "/"},
      {"/a/b.html", "/a/b.html"},
      {"/a%20b", "/a b"},
      {"/%c3%A4", "/\xc3\xa4"},
      {"/%252e%252e/x", "/%2e%2e/x"},
      {"/%25", "/%"},
      {"/...", "/..."},
      {"/..a/a../.b/.", "/..a/a../.b/."},
      {"//x", "//x"},
      {"/a;b=1", "/a;b=1"},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    char out[64];
    size_t len = 99;
    assert_int_equal(stoa_http_path_decode(stoa_string_of(paths[i][0]), out, &len), STOA_OK);
    assert_int_equal(len, strlen(paths[i][1]));
    assert_memory_equal(out, paths[i][1], len);
  }
}

static void paths_that_could_lead_astray_are_syntax_errors(void **state) {
  (void)state;
  static const char *const paths[] = {
      "/..",        "/../x",         "/a/..", "/a/../b",     "..",      "/%2e%2e/x",  "/.%2e",      "/%2E.", "/a%2f..",
      "/..%2fx",    "/a%2f..%2fx",   "/\\..", "/a%5c..%5cx", "/%00",    "/x%00.html", "/%0d%0aX:",  "/%1b",  "/%7f",
      "/%",         "/%2",           "/%zz",  "/%2g",        "/%c0%ae", "/%c0%af",    "/%e0%80%af", "/%ff",  "/%c3",
      "/%ed%a0%80", "/%f4%90%80%80",
  };
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    char out[64];
    size_t len = 99;
    if (stoa_http_path_decode(stoa_string_of(paths[i]), out, &len) != STOA_E_SYNTAX) {
      fail_msg("%s is taken", paths[i]);
    }
    assert_int_equal(len, 99);
  }
}

static void a_bare_nul_is_a_syntax_error(void **state) {
  (void)state;
  char out[4];
  size_t len;
  assert_int_equal(stoa_http_path_decode(stoa_string_make("/\0x", 3), out, &len), STOA_E_SYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_paths_are_decoded_once),
      cmocka_unit_test(paths_that_could_lead_astray_are_syntax_errors),
      cmocka_unit_test(a_bare_nul_is_a_syntax_error),
  };
  return cmocka_run_group_tests_name("HTTP paths", tests, NULL, NULL);
}
