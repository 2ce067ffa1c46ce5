/* What the log keeps of the path of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/path_text.h"

static void expect(const char *path, const char *expected) {
  char text[STOA_PATH_TEXT_SIZE];
  stoa_path_text_write(stoa_string_of(path), text);
  assert_string_equal(text, expected);
}

static void a_path_of_words_is_written_as_it_is(void **state) {
  (void)state;
  expect("/", "/");
  expect("", "");
  expect("*", "***");
  expect("/chat", "/chat");
  expect("/api/v1/ws_test/stoa.json", "/api/v1/ws_test/stoa.json");
  expect("//a//", "//a//");
  expect("/abcdefghijkl/v12", "/abcdefghijkl/v12");
}

static void what_may_be_a_token_is_hidden(void **state) {
  (void)state;
  expect("/ws/eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "/ws/***");
  expect("/ws/eyJhbGciOiJIUzI1NiJ9.e30.c2ln/more", "/ws/***/more");
  expect("/0123", "/***");
  expect("/a1b2c3", "/***");
  expect("/abcdefghijklm", "/***");
  expect("/a%20b", "/***");
  expect("/a=b", "/***");
  expect("/ann@example.org", "/***");
  expect("abc/d", "abc/d");
  expect("/\r\nlevel", "/***");
  expect("/\xc3\xa9", "/***");
}

static void a_long_path_is_cut_at_a_slash(void **state) {
  (void)state;
  expect("/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefg",
         "/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefghijkl/...");
  expect("/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdef",
         "/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdef");
  expect("/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdef/",
         "/abcdefghijkl/abcdefghijkl/abcdefghijkl/abcdefghijkl/...");
  expect("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a",
         "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/...");
  expect("//////////////////////////////////////////////////////////////////////////",
         "///////////////////////////////////////////////////////////...");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_of_words_is_written_as_it_is),
      cmocka_unit_test(what_may_be_a_token_is_hidden),
      cmocka_unit_test(a_long_path_is_cut_at_a_slash),
  };
  return cmocka_run_group_tests_name("path text", tests, NULL, NULL);
}
