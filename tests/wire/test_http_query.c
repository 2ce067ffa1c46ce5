#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/memory.h"
#include "guard.h"
#include "wire/http_query.h"

#define PAIRS_MAX 4

static struct stoa_arena *arena;

static int arena_make(void **state) {
  (void)state;
  arena = stoa_arena_create(4096);
  return arena == NULL ? -1 : 0;
}

static int arena_free(void **state) {
  (void)state;
  stoa_arena_destroy(arena);
  return 0;
}

/* Pairs as "name=value|", one after the other. */
static void query_write(const struct stoa_http_query *query, char *out, size_t out_size) {
  size_t len = 0;
  out[0] = 0;
  for (size_t i = 0; i < query->count; i++) {
    const struct stoa_http_query_pair *pair = &query->pairs[i];
    len += (size_t)snprintf(out + len, out_size - len, "%.*s=%.*s|", (int)pair->name.len, pair->name.data,
                            (int)pair->value.len, pair->value.data);
  }
}

static void queries_are_decoded(void **state) {
  static const char *const cases[][2] = {
      {"", ""},
      {"a=b", "a=b|"},
      {"a=b&c=d", "a=b|c=d|"},
      {"a=b&a=c", "a=b|a=c|"},
      {"a", "a=|"},
      {"a=", "a=|"},
      {"=b", "=b|"},
      {"=", "=|"},
      {"a=b=c", "a=b=c|"},
      {"&&a=b&&&c=d&", "a=b|c=d|"},
      {"&", ""},
      {"a+b=c+d", "a b=c d|"},
      {"a%2Bb=%2b", "a+b=+|"},
      {"a%20b=%26%3D%25", "a b=&=%|"},
      {"a=%252B", "a=%2B|"},
      {"a=b;c=d", "a=b;c=d|"},
      {"room.id=5&%C3%A4=%e2%82%ac", "room.id=5|\xc3\xa4=\xe2\x82\xac|"},
      {"a=%0A%0d%09", "a=\n\r\t|"},
      {"a=1&b=2&c=3&d=4", "a=1|b=2|c=3|d=4|"},
  };
  (void)state;
  struct guard guard = guard_make(256);
  for (size_t i = 0; i < STOA_COUNT_OF(cases); i++) {
    char text[256];
    struct stoa_http_query query;
    size_t len = strlen(cases[i][0]);
    uint8_t *given = guard_copy(&guard, cases[i][0], len);
    assert_int_equal(stoa_http_query_parse(stoa_string_make((char *)given, len), PAIRS_MAX, arena, &query), STOA_OK);
    memset(given, '!', len);
    query_write(&query, text, sizeof text);
    assert_string_equal(text, cases[i][1]);
  }
  guard_free(&guard);
}

static void bad_queries_are_refused_and_nothing_is_written(void **state) {
  static const struct {
    int status;
    const char *text;
  } cases[] = {
      {STOA_E_SYNTAX, "a=%"},          {STOA_E_SYNTAX, "a=%2"},
      {STOA_E_SYNTAX, "a=%zz"},        {STOA_E_SYNTAX, "%2g=a"},
      {STOA_E_SYNTAX, "a=%2&b=0"},     {STOA_E_SYNTAX, "a=%00"},
      {STOA_E_SYNTAX, "%00=a"},        {STOA_E_UTF8, "a=%ff"},
      {STOA_E_UTF8, "%c3=%a4"},        {STOA_E_UTF8, "a=%c0%80"},
      {STOA_E_UTF8, "a=%ed%a0%80"},    {STOA_E_UTF8, "a=%e2%82"},
      {STOA_E_LIMIT, "a&b&c&d&e"},     {STOA_E_LIMIT, "a&b&c&d&e=%zz"},
      {STOA_E_UTF8, "a=%f4%90%80%80"}, {STOA_E_SYNTAX, "a=1&b=2&c=3&%="},
  };
  (void)state;
  for (size_t i = 0; i < STOA_COUNT_OF(cases); i++) {
    struct stoa_http_query query = {NULL, 99};
    int status = stoa_http_query_parse(stoa_string_of(cases[i].text), PAIRS_MAX, arena, &query);
    if (status != cases[i].status) {
      fail_msg("%s: got %s", cases[i].text, stoa_status_name(status));
    }
    assert_int_equal(query.count, 99);
  }
}

static void a_bare_nul_is_a_syntax_error(void **state) {
  struct stoa_http_query query;
  (void)state;
  assert_int_equal(stoa_http_query_parse(stoa_string_make("a=\0", 3), PAIRS_MAX, arena, &query), STOA_E_SYNTAX);
}

static void a_query_that_the_arena_does_not_hold_is_refused(void **state) {
  static const char text[] = "a=0123456789012345678901234567890123456789";
  struct stoa_http_query query;
  (void)state;
  struct stoa_arena *small = stoa_arena_create(64);
  assert_non_null(small);
  assert_int_equal(stoa_http_query_parse(stoa_string_of(text), PAIRS_MAX, small, &query), STOA_E_LIMIT);
  stoa_arena_destroy(small);
}

static void a_query_without_memory_is_refused(void **state) {
  struct stoa_http_query query;
  (void)state;
  struct stoa_arena *empty = stoa_arena_create(4096);
  assert_non_null(empty);
  stoa_memory_fail_at(1, true);
  int status = stoa_http_query_parse(stoa_string_of("a=b"), PAIRS_MAX, empty, &query);
  stoa_memory_fail_at(0, false);
  assert_int_equal(status, STOA_E_MEMORY);
  stoa_arena_destroy(empty);
}

static void values_are_found_by_name(void **state) {
  struct stoa_http_query query;
  size_t index = 0;
  (void)state;
  assert_int_equal(stoa_http_query_parse(stoa_string_of("a=1&b&a=2"), PAIRS_MAX, arena, &query), STOA_OK);
  struct stoa_string a = stoa_string_of("a");
  assert_true(stoa_string_equal(stoa_http_query_find(&query, a, NULL), stoa_string_of("1")));
  assert_true(stoa_string_equal(stoa_http_query_find(&query, a, &index), stoa_string_of("1")));
  assert_true(stoa_string_equal(stoa_http_query_find(&query, a, &index), stoa_string_of("2")));
  assert_null(stoa_http_query_find(&query, a, &index).data);
  assert_null(stoa_http_query_find(&query, a, &index).data);
  assert_non_null(stoa_http_query_find(&query, stoa_string_of("b"), NULL).data);
  assert_null(stoa_http_query_find(&query, stoa_string_of("A"), NULL).data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(queries_are_decoded),
      cmocka_unit_test(bad_queries_are_refused_and_nothing_is_written),
      cmocka_unit_test(a_bare_nul_is_a_syntax_error),
      cmocka_unit_test(a_query_that_the_arena_does_not_hold_is_refused),
      cmocka_unit_test(a_query_without_memory_is_refused),
      cmocka_unit_test(values_are_found_by_name),
  };
  return cmocka_run_group_tests_name("HTTP queries", tests, arena_make, arena_free);
}
