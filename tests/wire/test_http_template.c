#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "guard.h"
#include "wire/http_template.h"

/* The template's parts, one after the other: literals as they are, then the variables with their segments, the verb. */
static void template_write(const struct stoa_http_template *template, char *out, size_t out_size) {
  static const char *const kinds[] = {"", "*", "**"};
  size_t len = 0;
  out[0] = 0;
  for (size_t i = 0; i < template->segment_count; i++) {
    const struct stoa_http_segment *segment = &template->segments[i];
    len += (size_t)snprintf(out + len, out_size - len, "/%s%.*s", kinds[segment->kind], (int)segment->literal.len,
                            segment->literal.data);
  }
  for (size_t i = 0; i < template->variable_count; i++) {
    const struct stoa_http_variable *variable = &template->variables[i];
    len += (size_t)snprintf(out + len, out_size - len, " %.*s:%d+%d%s", (int)variable->name.len, variable->name.data,
                            variable->first, variable->count,
                            stoa_http_template_is_path(template, variable) ? " path" : "");
  }
  snprintf(out + len, out_size - len, "%s%.*s", template->verb.len > 0 ? " verb " : "", (int)template->verb.len,
           template->verb.data);
}

static void templates_are_compiled(void **state) {
  static const char *const cases[][2] = {
      {"/", ""},
      {"/v1/rooms", "/v1/rooms"},
      {"/v1/rooms/{room}/messages/{id=*}", "/v1/rooms/*/messages/* room:2+1 id:4+1"},
      {"/v1/{name=rooms/*}", "/v1/rooms/* name:1+2 path"},
      {"/v1/{name=rooms/*/messages/*}:move", "/v1/rooms/*/messages/* name:1+4 path verb move"},
      {"/v1/{a.b_1._c=x}", "/v1/x a.b_1._c:1+1"},
      {"/v1/*/{rest=**}", "/v1/*/** rest:2+1 path"},
      {"/{a=b/**}:c", "/b/** a:0+2 path verb c"},
      {"/**", "/**"},
      {"/{a}:b", "/* a:0+1 verb b"},
      {"/a:b", "/a verb b"},
      {"/-._~!$&'()+,;=@", "/-._~!$&'()+,;=@"},
      {"/...", "/..."},
  };
  (void)state;
  struct guard guard = guard_make(256);
  for (size_t i = 0; i < STOA_COUNT_OF(cases); i++) {
    struct stoa_http_template template;
    char text[256];
    size_t at = 99;
    size_t len = strlen(cases[i][0]);
    struct stoa_string given = stoa_string_make((char *)guard_copy(&guard, cases[i][0], len), len);
    assert_int_equal(stoa_http_template_compile(given, &template, &at), STOA_HTTP_TEMPLATE_OK);
    template_write(&template, text, sizeof text);
    assert_string_equal(text, cases[i][1]);
    assert_int_equal(at, 99);
  }
  guard_free(&guard);
}

static void bad_templates_are_refused_with_their_error_and_place(void **state) {
  static const struct {
    enum stoa_http_template_error error;
    size_t at;
    const char *text;
  } cases[] = {
      {STOA_HTTP_TEMPLATE_NO_SLASH, 0, ""},
      {STOA_HTTP_TEMPLATE_NO_SLASH, 0, "v1/a"},
      {STOA_HTTP_TEMPLATE_NO_SLASH, 0, "{a}"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 1, "//a"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 3, "/a//b"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 3, "/a/"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 1, "/:verb"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 4, "/{a=}"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 6, "/{a=b/}"},
      {STOA_HTTP_TEMPLATE_EMPTY_SEGMENT, 4, "/{a="},
      {STOA_HTTP_TEMPLATE_DOT_SEGMENT, 3, "/a/."},
      {STOA_HTTP_TEMPLATE_DOT_SEGMENT, 4, "/{a=../b}"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 2, "/a b"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 2, "/a%20"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 1, "/\xc3\xa4"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 1, "/?a"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 2, "/a}"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 2, "/a{b}"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 4, "/{a}b"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 4, "/{a}{b}"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 5, "/{a=b:c}"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 4, "/a:b:c"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 4, "/a:b/c"},
      {STOA_HTTP_TEMPLATE_BAD_BYTE, 3, "/a:*"},
      {STOA_HTTP_TEMPLATE_BAD_WILDCARD, 2, "/a*"},
      {STOA_HTTP_TEMPLATE_BAD_WILDCARD, 2, "/*a"},
      {STOA_HTTP_TEMPLATE_BAD_WILDCARD, 3, "/***"},
      {STOA_HTTP_TEMPLATE_BAD_WILDCARD, 6, "/{a=**b}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 2, "/{}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 2, "/{=*}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 2, "/{1a}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 2, "/{.a}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 4, "/{a.}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 4, "/{a..b}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 4, "/{a.1}"},
      {STOA_HTTP_TEMPLATE_BAD_NAME, 3, "/{a-b}"},
      {STOA_HTTP_TEMPLATE_SAME_NAME, 6, "/{a}/{a}"},
      {STOA_HTTP_TEMPLATE_NESTED, 4, "/{a={b}}"},
      {STOA_HTTP_TEMPLATE_NESTED, 6, "/{a=x/{b}}"},
      {STOA_HTTP_TEMPLATE_OPEN, 3, "/{a"},
      {STOA_HTTP_TEMPLATE_OPEN, 2, "/{"},
      {STOA_HTTP_TEMPLATE_OPEN, 5, "/{a=*"},
      {STOA_HTTP_TEMPLATE_REST_NOT_LAST, 4, "/**/a"},
      {STOA_HTTP_TEMPLATE_REST_NOT_LAST, 7, "/{a=**/b}"},
      {STOA_HTTP_TEMPLATE_REST_NOT_LAST, 6, "/**/{a}"},
      {STOA_HTTP_TEMPLATE_EMPTY_VERB, 3, "/a:"},
  };
  (void)state;
  for (size_t i = 0; i < STOA_COUNT_OF(cases); i++) {
    struct stoa_http_template template = {.segment_count = 99};
    size_t at = 99;
    enum stoa_http_template_error error = stoa_http_template_compile(stoa_string_of(cases[i].text), &template, &at);
    if (error != cases[i].error || at != cases[i].at) {
      fail_msg("%s: %s at %zu", cases[i].text, stoa_http_template_error_text(error), at);
    }
    assert_int_equal(template.segment_count, 99);
  }
}

static enum stoa_http_template_error error_of(const char *text, size_t len) {
  struct stoa_http_template template;
  size_t at;
  return stoa_http_template_compile(stoa_string_make(text, len), &template, &at);
}

static void a_nul_is_a_bad_byte(void **state) {
  (void)state;
  assert_int_equal(error_of("/a\0", 3), STOA_HTTP_TEMPLATE_BAD_BYTE);
  assert_int_equal(error_of("/\0", 2), STOA_HTTP_TEMPLATE_BAD_BYTE);
  assert_int_equal(error_of("/a:\0", 4), STOA_HTTP_TEMPLATE_BAD_BYTE);
  assert_int_equal(error_of("/{a=*\0}", 7), STOA_HTTP_TEMPLATE_BAD_BYTE);
}

static void templates_end_within_their_limits(void **state) {
  char text[STOA_HTTP_TEMPLATE_BYTES_MAX + 1];
  size_t len = 0;
  (void)state;
  memset(text, 'a', sizeof text);
  text[0] = '/';
  assert_int_equal(error_of(text, STOA_HTTP_TEMPLATE_BYTES_MAX), STOA_HTTP_TEMPLATE_OK);
  assert_int_equal(error_of(text, STOA_HTTP_TEMPLATE_BYTES_MAX + 1), STOA_HTTP_TEMPLATE_LONG);
  for (size_t i = 0; i <= STOA_HTTP_TEMPLATE_SEGMENTS_MAX; i++) {
    memcpy(text + 2 * i, "/a", 2);
  }
  assert_int_equal(error_of(text, (size_t)2 * STOA_HTTP_TEMPLATE_SEGMENTS_MAX), STOA_HTTP_TEMPLATE_OK);
  assert_int_equal(error_of(text, (size_t)2 * STOA_HTTP_TEMPLATE_SEGMENTS_MAX + 2), STOA_HTTP_TEMPLATE_SEGMENTS);
  for (size_t i = 0; i <= STOA_HTTP_TEMPLATE_VARIABLES_MAX; i++) {
    len += (size_t)sprintf(text + len, "/{a%02zu}", i);
  }
  assert_int_equal(error_of(text, len), STOA_HTTP_TEMPLATE_VARIABLES);
  assert_int_equal(error_of(text, len - strlen("/{a00}")), STOA_HTTP_TEMPLATE_OK);
}

static void every_error_has_a_text(void **state) {
  (void)state;
  for (int error = 0; error < STOA_HTTP_TEMPLATE_ERROR_COUNT; error++) {
    assert_true(strlen(stoa_http_template_error_text((enum stoa_http_template_error)error)) > 0);
  }
}

static struct stoa_http_template template_of(const char *text) {
  struct stoa_http_template template;
  size_t at;
  assert_int_equal(stoa_http_template_compile(stoa_string_of(text), &template, &at), STOA_HTTP_TEMPLATE_OK);
  return template;
}

static void precedence_is_a_total_order(void **state) {
  static const char *const sorted[] = {
      "/a:x", "/a/{b}:x", "/{a}:x", "/{a}:y", "/**:x", "/",  "/a",   "/a/b", "/a/b/**",
      "/a/*", "/a/*/b",   "/a/**",  "/b",     "/aa",   "/*", "/*/b", "/*/*", "/**",
  };
  (void)state;
  for (size_t i = 0; i < STOA_COUNT_OF(sorted); i++) {
    for (size_t j = 0; j < STOA_COUNT_OF(sorted); j++) {
      struct stoa_http_template a = template_of(sorted[i]);
      struct stoa_http_template b = template_of(sorted[j]);
      int order = stoa_http_template_compare(&a, &b);
      if ((order < 0) != (i < j) || (order > 0) != (i > j)) {
        fail_msg("%s and %s: %d", sorted[i], sorted[j], order);
      }
    }
  }
}

static void names_of_variables_do_not_count(void **state) {
  struct stoa_http_template a = template_of("/v1/{name=rooms/*}/{id}");
  struct stoa_http_template b = template_of("/v1/rooms/{room}/*");
  struct stoa_http_template c = template_of("/v1/rooms/x/*");
  (void)state;
  assert_int_equal(stoa_http_template_compare(&a, &b), 0);
  assert_int_equal(stoa_http_template_shared(&a, &b), 4);
  assert_int_equal(stoa_http_template_shared(&a, &c), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(templates_are_compiled),
      cmocka_unit_test(bad_templates_are_refused_with_their_error_and_place),
      cmocka_unit_test(a_nul_is_a_bad_byte),
      cmocka_unit_test(templates_end_within_their_limits),
      cmocka_unit_test(every_error_has_a_text),
      cmocka_unit_test(precedence_is_a_total_order),
      cmocka_unit_test(names_of_variables_do_not_count),
  };
  return cmocka_run_group_tests_name("HTTP templates", tests, NULL, NULL);
}
