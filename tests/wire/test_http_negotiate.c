#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "requests.h"
#include "wire/http_negotiate.h"

#define NOW_S 1769860800 /* 2026-01-31T12:00:00Z */
#define MODIFIED_S 784111777
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"

static void tags_are_compared_weakly_in_lists_of_them(void **state) {
  (void)state;
  static const struct {
    bool matches;
    const char *value, *etag;
  } pairs[] = {
      {true, "\"a\"", "\"a\""},
      {true, "W/\"a\"", "\"a\""},
      {true, "\"a\"", "W/\"a\""},
      {true, "W/\"a\"", "W/\"a\""},
      {true, "\"b\", \"a\"", "\"a\""},
      {true, "\"b\",\t W/\"a\" ", "\"a\""},
      {true, ",, \"b\" ,, \"a\"", "\"a\""},
      {true, "\"a,b\", \"c\"", "\"a,b\""},
      {true, "*", "\"a\""},
      {true, " * ", "\"a\""},
      {true, "\"\"", "\"\""},
      {true, "\"\xc3\xa4\"", "\"\xc3\xa4\""},
      {true, "\"a\" junk", "\"a\""},
      {false, "\"a\"", "\"b\""},
      {false, "\"A\"", "\"a\""},
      {false, "w/\"a\"", "\"a\""},
      {false, "\"a,b\"", "\"b\""},
      {false, "\"a b\"", "\"a b\""},
      {false, "\"b\" \"a\"", "\"a\""},
      {false, "b, \"a\"", "\"a\""},
      {false, "\"b, \"a\"", "\"a\""},
      {false, "a", "\"a\""},
      {false, "\"a", "\"a\""},
      {false, "", "\"a\""},
      {false, ",", "\"a\""},
      {false, "W/", "\"a\""},
      {false, "**", "\"a\""},
      {false, "\"b\", *", "\"a\""},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    if (stoa_http_etag_matches(stoa_string_of(pairs[i].value), stoa_string_of(pairs[i].etag)) != pairs[i].matches) {
      fail_msg("[%s] and [%s]: %s expected", pairs[i].value, pairs[i].etag, pairs[i].matches ? "a match" : "none");
    }
  }
}

/* A good request with these field lines. */
static const char *with(const char *lines) {
  static char text[4096];
  snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
  return text;
}

static bool not_modified(const char *lines) {
  const struct stoa_http_version version = {STOA_STR("\"a\""), MODIFIED_S, NOW_S};
  const char *text = with(lines);
  struct stoa_http_head head = head_of(text);
  assert_int_equal(head.verdict, 200);
  return stoa_http_not_modified(&head, (const uint8_t *)text, &version);
}

static void several_fields_of_tags_are_one_list(void **state) {
  (void)state;
  assert_false(not_modified(""));
  assert_true(not_modified("If-None-Match: \"a\"\r\n"));
  assert_true(not_modified("If-None-Match: \"b\"\r\nX: y\r\nif-none-match: W/\"a\"\r\n"));
  assert_false(not_modified("If-None-Match: \"b\"\r\nIf-None-Match: \"c\"\r\n"));
}

static void a_date_counts_where_no_tag_is_given(void **state) {
  (void)state;
  assert_true(not_modified("If-Modified-Since: " MODIFIED "\r\n"));
  assert_true(not_modified("If-Modified-Since: Sunday, 06-Nov-94 08:49:38 GMT\r\n"));
  assert_false(not_modified("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
  assert_false(not_modified("If-Modified-Since: yesterday\r\n"));
  assert_false(not_modified("If-Modified-Since: Sat, 31 Jan 2026 12:00:01 GMT\r\n"));
  assert_false(not_modified("If-Modified-Since: " MODIFIED "\r\nIf-Modified-Since: " MODIFIED "\r\n"));
  assert_false(not_modified("If-Modified-Since: " MODIFIED "\r\nIf-None-Match: \"b\"\r\n"));
  assert_false(not_modified("If-Modified-Since: " MODIFIED "\r\nIf-None-Match: broken\r\n"));
}

static void without_a_tag_only_a_star_names_the_version(void **state) {
  (void)state;
  const struct stoa_http_version version = {{NULL, 0}, MODIFIED_S, NOW_S};
  const char *text = with("If-None-Match: \"\", \"a\"\r\n");
  struct stoa_http_head head = head_of(text);
  assert_false(stoa_http_not_modified(&head, (const uint8_t *)text, &version));
  text = with("If-None-Match: *\r\n");
  head = head_of(text);
  assert_true(stoa_http_not_modified(&head, (const uint8_t *)text, &version));
}

static void a_coding_is_used_only_where_it_is_accepted(void **state) {
  (void)state;
  static const struct {
    bool gzip, identity;
    const char *lines;
  } cases[] = {
      {false, true, ""},
      {false, true, "Accept-Encoding:\r\n"},
      {true, true, "Accept-Encoding: gzip\r\n"},
      {true, true, "Accept-Encoding: GZip\r\n"},
      {true, true, "Accept-Encoding: x-gzip\r\n"},
      {true, true, "Accept-Encoding: gzip, deflate, br, zstd\r\n"},
      {true, true, "Accept-Encoding: deflate\r\nX: y\r\naccept-encoding: gzip;q=0.001\r\n"},
      {true, true, "Accept-Encoding: *\r\n"},
      {true, true, "Accept-Encoding: gzip ;\tQ=1.000 , br\r\n"},
      {true, false, "Accept-Encoding: gzip, identity;q=0\r\n"},
      {true, false, "Accept-Encoding: gzip;q=0.5, *;q=0\r\n"},
      {true, true, "Accept-Encoding: gzip;q=0.5, identity;q=0.5\r\n"},
      {false, true, "Accept-Encoding: gzip;q=0.4, identity;q=0.5\r\n"},
      {false, true, "Accept-Encoding: gzip;q=0\r\n"},
      {false, true, "Accept-Encoding: gzip;q=0.000\r\n"},
      {false, true, "Accept-Encoding: gzip;q=0, *\r\n"},
      {false, true, "Accept-Encoding: gzip, gzip;q=0\r\n"},
      {false, false, "Accept-Encoding: *;q=0\r\n"},
      {false, true, "Accept-Encoding: *;q=0, identity\r\n"},
      {false, true, "Accept-Encoding: br, deflate\r\n"},
      {false, true, "Accept-Encoding: gzipped\r\n"},
      {false, true, "Accept-Encoding: gzip;q=2\r\n"},
      {false, true, "Accept-Encoding: gzip;q=1.001\r\n"},
      {false, true, "Accept-Encoding: gzip;q=0.0001\r\n"},
      {false, true, "Accept-Encoding: gzip;q=-1\r\n"},
      {false, true, "Accept-Encoding: gzip;q=\r\n"},
      {false, true, "Accept-Encoding: gzip;level=1\r\n"},
      {false, true, "Accept-Encoding: ;q=1\r\n"},
      {false, true, "Accept-Encoding: gzip;\r\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *text = with(cases[i].lines);
    struct stoa_http_head head = head_of(text);
    bool gzip = stoa_http_accepts(&head, (const uint8_t *)text, "gzip");
    bool identity = stoa_http_accepts(&head, (const uint8_t *)text, "identity");
    assert_int_equal(head.verdict, 200);
    if (gzip != cases[i].gzip || identity != cases[i].identity) {
      fail_msg("[%s]: gzip %d, identity %d", cases[i].lines, gzip, identity);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tags_are_compared_weakly_in_lists_of_them),
      cmocka_unit_test(several_fields_of_tags_are_one_list),
      cmocka_unit_test(a_date_counts_where_no_tag_is_given),
      cmocka_unit_test(without_a_tag_only_a_star_names_the_version),
      cmocka_unit_test(a_coding_is_used_only_where_it_is_accepted),
  };
  return cmocka_run_group_tests_name("what a client has and takes", tests, NULL, NULL);
}
