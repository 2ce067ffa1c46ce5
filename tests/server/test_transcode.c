/* HTTP requests into messages, and replies as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/json.h>

#include "base/array.h"
#include "base/memory.h"
#include "server/http/transcode.h"
#include "transcode.stoa.h"

#define ARENA_BYTES_MAX ((size_t)1024 * 1024)
#define PAIRS_MAX 1024

static struct stoa_arena *arena;
static struct stoa_codec_error error;
static struct stoa_buffer out;
static struct transcode_every m;
static int64_t blocks_before;

static int begin(void **state) {
  (void)state;
  blocks_before = stoa_memory_live_blocks();
  arena = stoa_arena_create(ARENA_BYTES_MAX);
  assert_non_null(arena);
  stoa_buffer_init(&out, ARENA_BYTES_MAX);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
  assert_int_equal(stoa_memory_live_blocks(), blocks_before);
  return 0;
}

/* A request as the tests write it. The value of a variable is that of its place in `values`. */
struct asked {
  const char *path; /* the template; NULL: "/x" */
  const char *values[4];
  const char *query;
  const char *body_is; /* NULL, "*" or a field */
  const char *body;
};

static int read_asked(const struct asked *asked) {
  const struct stoa_http_binding binding = {
      .method = "POST", .path = asked->path == NULL ? "/x" : asked->path, .body = asked->body_is};
  struct stoa_http_template template;
  struct stoa_string values[STOA_COUNT_OF(asked->values)];
  struct stoa_http_query query = {0};
  size_t at;
  assert_int_equal(stoa_http_template_compile(stoa_string_of(binding.path), &template, &at), STOA_HTTP_TEMPLATE_OK);
  for (size_t i = 0; i < STOA_COUNT_OF(asked->values); i++) {
    values[i] = stoa_string_of(asked->values[i]);
  }
  stoa_arena_reset(arena);
  if (asked->query != NULL) {
    assert_int_equal(stoa_http_query_parse(stoa_string_of(asked->query), PAIRS_MAX, arena, &query), STOA_OK);
  }
  const struct stoa_transcode_request request = {
      .binding = &binding,
      .template = &template,
      .values = values,
      .query = query,
      .body = stoa_bytes_make(asked->body, asked->body == NULL ? 0 : strlen(asked->body))};
  memset(&m, 0, sizeof m);
  return stoa_transcode_read(&request, &transcode_every_type, arena, &m, &error);
}

/* The message, with what is set only. */
static void expect(const char *json) {
  static const struct stoa_json_options only_set = {0};
  out.len = 0;
  assert_int_equal(stoa_json_encode_with(&only_set, &transcode_every_type, &m, &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data, json);
}

static void take(const struct asked *asked, const char *json) {
  int status = read_asked(asked);
  if (status != STOA_OK) {
    print_error("%s\n", error.text);
  }
  assert_int_equal(status, STOA_OK);
  assert_string_equal(error.text, "");
  expect(json);
}

static void refuse(const struct asked *asked, int status, const char *text) {
  int actual = read_asked(asked);
  assert_string_equal(error.text, text);
  assert_int_equal(actual, status);
}

static void take_query(const char *query, const char *json) {
  take(&(struct asked){.query = query}, json);
}

static void refuse_query(const char *query, int status, const char *text) {
  refuse(&(struct asked){.query = query}, status, text);
}

static void a_request_without_parts_is_the_empty_message(void **state) {
  (void)state;
  take(&(struct asked){0}, "{}");
  take(&(struct asked){.query = ""}, "{}");
  take(&(struct asked){.body_is = "*", .body = ""}, "{}");
  take(&(struct asked){.body_is = "inner", .body = ""}, "{}");
}

static void every_kind_is_read_from_the_query(void **state) {
  (void)state;
  take_query("a_double=1.5&a_float=-2&an_int64=-9223372036854775808&a_uint64=18446744073709551615&an_int32=-2147483648",
             "{\"aDouble\":1.5,\"aFloat\":-2,\"anInt64\":\"-9223372036854775808\","
             "\"aUint64\":\"18446744073709551615\",\"anInt32\":-2147483648}");
  take_query("a_fixed64=1&a_fixed32=4294967295&a_bool=true&a_string=h%C3%A9+%22%5C%0A",
             "{\"aFixed64\":\"1\",\"aFixed32\":4294967295,\"aBool\":true,\"aString\":\"h\xc3\xa9 \\\"\\\\\\n\"}");
  take_query("some_bytes=AP8%3D&a_uint32=1e2&a_color=COLOR_RED&an_sfixed32=-1&an_sfixed64=-2&an_sint32=-3&an_sint64=-4",
             "{\"someBytes\":\"AP8=\",\"aUint32\":100,\"aColor\":\"COLOR_RED\",\"anSfixed32\":-1,"
             "\"anSfixed64\":\"-2\",\"anSint32\":-3,\"anSint64\":\"-4\"}");
}

static void the_other_forms_of_values_are_taken(void **state) {
  (void)state;
  take_query("aDouble=NaN&aFloat=-Infinity", "{\"aDouble\":\"NaN\",\"aFloat\":\"-Infinity\"}");
  take_query("a_color=-2", "{\"aColor\":\"COLOR_BLUE\"}");
  take_query("a_color=77", "{\"aColor\":77}");
  take_query("some_bytes=-_-_", "{\"someBytes\":\"+/+/\"}");
  take_query("a_bool=false&a_string=", "{}");
  take_query("null=NULL_VALUE", "{}");
  take_query("maybe=0&maybe_text=", "{\"maybe\":0,\"maybeText\":\"\"}");
}

static void repeated_fields_are_repeated_parameters(void **state) {
  (void)state;
  take_query("strings=a&int64s=1&strings=&int64s=-2&strings=c",
             "{\"int64s\":[\"1\",\"-2\"],\"strings\":[\"a\",\"\",\"c\"]}");
  take_query("doubles=0.5&doubles=2&uint32s=7&bools=true&bools=false&byteses=AA&colors=1&colors=COLOR_BLUE",
             "{\"doubles\":[0.5,2],\"uint32s\":[7],\"bools\":[true,false],\"byteses\":[\"AA==\"],"
             "\"colors\":[\"COLOR_RED\",\"COLOR_BLUE\"]}");
  take_query("times=1970-01-01T00:00:01Z&times=1970-01-01T00:00:02Z&boxed_uint32s=3&boxedUint32s=4",
             "{\"times\":[\"1970-01-01T00:00:01Z\",\"1970-01-01T00:00:02Z\"],\"boxedUint32s\":[3,4]}");
}

static void a_hundred_items_keep_their_order(void **state) {
  (void)state;
  char query[4096] = "";
  for (int i = 0; i < 100; i++) {
    size_t len = strlen(query);
    snprintf(query + len, sizeof query - len, "&uint32s=%d&strings=%d", i, i);
  }
  assert_int_equal(read_asked(&(struct asked){.query = query}), STOA_OK);
  assert_int_equal(m.uint32s.count, 100);
  assert_int_equal(m.strings.count, 100);
  for (uint32_t i = 0; i < 100; i++) {
    assert_int_equal(m.uint32s.items[i], i);
  }
}

static void fields_inside_of_messages_are_named_with_dots(void **state) {
  (void)state;
  take_query("inner.size=3&inner.tags=a&inner.tags=b&inner.inner.size=4",
             "{\"inner\":{\"size\":3,\"tags\":[\"a\",\"b\"],\"inner\":{\"size\":4}}}");
  take_query("other.size=3&other.tags=x", "{\"other\":{\"size\":3,\"tags\":[\"x\"]}}");
}

static void messages_with_a_text_of_their_own_are_values(void **state) {
  (void)state;
  take_query("time=2026-01-31T12:00:00%2B01:00&span=-1.5s&mask=a,fooBar",
             "{\"time\":\"2026-01-31T11:00:00Z\",\"span\":\"-1.500s\",\"mask\":\"a,fooBar\"}");
  take_query("boxed_int64=-5&boxed_text=%22x&boxed_bool=true&boxed_bytes=AA&boxed_double=1e300",
             "{\"boxedInt64\":\"-5\",\"boxedText\":\"\\\"x\",\"boxedBool\":true,\"boxedBytes\":\"AA==\","
             "\"boxedDouble\":1e+300}");
  take_query("boxed_int64=0&boxed_text=", "{\"boxedInt64\":\"0\",\"boxedText\":\"\"}");
}

static void a_parameter_that_no_field_takes_is_refused_by_its_name(void **state) {
  (void)state;
  refuse_query("a_bool=true&nothing=1", STOA_E_TYPE, "query parameter \"nothing\": no field has this name");
  refuse_query("=1", STOA_E_TYPE, "query parameter \"\": no field has this name");
  refuse_query("inner.=1", STOA_E_TYPE, "query parameter \"inner.\": no field has this name");
  refuse_query(".inner=1", STOA_E_TYPE, "query parameter \".inner\": no field has this name");
  refuse_query("inner..size=1", STOA_E_TYPE, "query parameter \"inner..size\": no field has this name");
  refuse_query("a_bool.x=1", STOA_E_TYPE, "query parameter \"a_bool.x\": no field has this name");
  refuse_query("inners.size=1", STOA_E_TYPE, "query parameter \"inners.size\": no field has this name");
  refuse_query("time.seconds=1", STOA_E_TYPE, "query parameter \"time.seconds\": no field has this name");
  refuse_query("boxed_int64.value=1", STOA_E_TYPE, "query parameter \"boxed_int64.value\": no field has this name");
  refuse_query("labels.a=1", STOA_E_TYPE, "query parameter \"labels.a\": no field has this name");
  refuse_query("%1Ba=1", STOA_E_TYPE, "query parameter \"\\x1ba\": no field has this name");
}

static void fields_without_a_text_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"inner", "inners", "labels", "open", "value", "any", "empty"};
  for (size_t i = 0; i < STOA_COUNT_OF(names); i++) {
    char query[64];
    char text[128];
    snprintf(query, sizeof query, "%s=x", names[i]);
    snprintf(text, sizeof text, "query parameter \"%s\": the field is not a value that text can give", names[i]);
    refuse_query(query, STOA_E_TYPE, text);
  }
}

static void a_value_that_does_not_fit_is_refused_with_its_parameter(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"an_int32", "2147483648", "int32"},
      {"an_int32", "1.5", "int32"},
      {"an_int32", "", "int32"},
      {"an_int32", " 1", "int32"},
      {"an_int32", "+1", "int32"},
      {"an_int32", "0x10", "int32"},
      {"an_int32", "true", "int32"},
      {"a_uint32", "-1", "uint32"},
      {"uint32s", "4294967296", "uint32"},
      {"an_int64", "9223372036854775808", "int64"},
      {"a_double", "1e400", "double"},
      {"a_double", "nan", "double"},
      {"a_float", "1e39", "float"},
      {"a_bool", "1", "true or false"},
      {"a_bool", "TRUE", "true or false"},
      {"a_bool", "", "true or false"},
      {"a_color", "COLOR_GREEN", "an enum value"},
      {"a_color", "", "an enum value"},
      {"some_bytes", "A", "base64 text"},
      {"some_bytes", "****", "base64 text"},
      {"inner.size", "x", "int32"},
      {"boxed_int64", "x", "int64"},
      {"boxed_bool", "x", "true or false"},
      {"time", "yesterday", "a time like \"2026-01-31T12:00:00Z\""},
      {"times", "", "a time like \"2026-01-31T12:00:00Z\""},
      {"span", "1", "a duration like \"1.5s\""},
      {"mask", "a_b", "paths like \"user.displayName,photo\""},
      {"null", "1", "an enum value"},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(cases); i++) {
    char query[64];
    char text[192];
    /* A blank and a plus are written as they are decoded. */
    const char *plus = strchr(cases[i][1], '+');
    snprintf(query, sizeof query, "%s=%s%s", cases[i][0], plus != NULL ? "%2B" : "", cases[i][1] + (plus != NULL));
    snprintf(text, sizeof text, "query parameter \"%s\": expected %s, got \"%s\"", cases[i][0], cases[i][2],
             cases[i][1]);
    refuse_query(query, STOA_E_TYPE, text);
  }
}

static void bytes_that_json_escapes_are_no_number(void **state) {
  (void)state;
  refuse_query("an_int32=%221%22", STOA_E_TYPE, "query parameter \"an_int32\": expected int32, got \"\"1\"\"");
  refuse_query("an_int32=1%0A", STOA_E_TYPE, "query parameter \"an_int32\": expected int32, got \"1\\x0a\"");
  refuse_query("a_color=%5Cu0031", STOA_E_TYPE, "query parameter \"a_color\": expected an enum value, got \"\\u0031\"");
  refuse_query("time=%22", STOA_E_TYPE,
               "query parameter \"time\": expected a time like \"2026-01-31T12:00:00Z\", got \"\"\"");
}

static void a_field_of_one_value_is_given_once(void **state) {
  (void)state;
  refuse_query("a_bool=true&a_bool=true", STOA_E_SYNTAX,
               "query parameter \"a_bool\": it is given twice, and takes one value");
  refuse_query("an_int32=1&anInt32=1", STOA_E_SYNTAX,
               "query parameter \"anInt32\": it is given twice, and takes one value");
  refuse_query("inner.size=1&inner.size=2", STOA_E_SYNTAX,
               "query parameter \"inner.size\": it is given twice, and takes one value");
  refuse_query("time=1970-01-01T00:00:01Z&time=1970-01-01T00:00:01Z", STOA_E_SYNTAX,
               "query parameter \"time\": it is given twice, and takes one value");
}

static void one_member_of_a_oneof_is_given(void **state) {
  (void)state;
  refuse_query("one=a&third=1", STOA_E_SYNTAX, "query parameter \"third\": another member of its oneof is set too");
  refuse_query("one=a&other.size=1", STOA_E_SYNTAX,
               "query parameter \"other.size\": another member of its oneof is set too");
  refuse_query("other.size=1&one=a", STOA_E_SYNTAX, "query parameter \"one\": another member of its oneof is set too");
  refuse_query("one=a&one=b", STOA_E_SYNTAX, "query parameter \"one\": it is given twice, and takes one value");
}

static void the_body_is_the_whole_request(void **state) {
  (void)state;
  take(&(struct asked){.body_is = "*", .body = " {\"inner\":{\"size\":1},\"anInt32\":5,\"unknown\":[]} "},
       "{\"anInt32\":5,\"inner\":{\"size\":1}}");
  refuse(&(struct asked){.body_is = "*", .body = "{\"anInt32\":\"x\"}"}, STOA_E_TYPE,
         "an_int32: expected int32, got \"x\"");
  refuse(&(struct asked){.body_is = "*", .body = "{"}, STOA_E_SYNTAX,
         "at byte 1 (the end of the input): expected a member's name");
  refuse(&(struct asked){.body_is = "*", .body = "{\"aString\":\"\xff\"}"}, STOA_E_UTF8,
         "a_string: a string that is not UTF-8");
  refuse(&(struct asked){.body_is = "*", .body = "{}", .query = "an_int32=1"}, STOA_E_TYPE,
         "query parameter \"an_int32\": it belongs into the body");
}

static void the_body_is_one_field(void **state) {
  (void)state;
  take(&(struct asked){.body_is = "inner", .body = "{\"size\":1}", .query = "an_int32=2"},
       "{\"anInt32\":2,\"inner\":{\"size\":1}}");
  take(&(struct asked){.body_is = "inners", .body = "[{\"size\":1},{}]"}, "{\"inners\":[{\"size\":1},{}]}");
  take(&(struct asked){.body_is = "labels", .body = "{\"a\":\"b\"}"}, "{\"labels\":{\"a\":\"b\"}}");
  take(&(struct asked){.body_is = "anInt32", .body = "7"}, "{\"anInt32\":7}");
  take(&(struct asked){.body_is = "one", .body = "\"x\""}, "{\"one\":\"x\"}");
  take(&(struct asked){.body_is = "time", .body = "\"1970-01-01T00:00:01Z\""}, "{\"time\":\"1970-01-01T00:00:01Z\"}");
  take(&(struct asked){.body_is = "inner", .body = "null"}, "{}");
  take(&(struct asked){.body_is = "value", .body = "null"}, "{\"value\":null}");
  take(&(struct asked){.body_is = "maybe", .body = " 0 "}, "{\"maybe\":0}");
  refuse(&(struct asked){.body_is = "inner", .body = "{\"size\":true}"}, STOA_E_TYPE,
         "inner.size: expected int32, got true");
  refuse(&(struct asked){.body_is = "inners", .body = "{}"}, STOA_E_TYPE, "inners: expected an array, got an object");
  refuse(&(struct asked){.body_is = "inner", .body = "{} {}"}, STOA_E_SYNTAX,
         "inner: at byte 3: expected the end of the input");
  refuse(&(struct asked){.body_is = "inner", .body = "{}", .query = "inner.size=1"}, STOA_E_TYPE,
         "query parameter \"inner.size\": it belongs into the body");
  refuse(&(struct asked){.body_is = "an_int32", .body = "1", .query = "anInt32=1"}, STOA_E_TYPE,
         "query parameter \"anInt32\": it belongs into the body");
}

static void a_body_without_a_place_is_refused(void **state) {
  (void)state;
  refuse(&(struct asked){.body = "{}"}, STOA_E_LIMIT, "this request has no body");
}

static void variables_of_the_path_set_fields(void **state) {
  (void)state;
  take(&(struct asked){.path = "/{a_string}/{inner.inner.size}/{a_color}", .values = {"x y", "5", "COLOR_RED"}},
       "{\"aString\":\"x y\",\"aColor\":\"COLOR_RED\",\"inner\":{\"inner\":{\"size\":5}}}");
  refuse(&(struct asked){.path = "/{an_int32}", .values = {"five"}}, STOA_E_TYPE,
         "path variable \"an_int32\": expected int32, got \"five\"");
  refuse(&(struct asked){.path = "/{an_int32}", .values = {"5"}, .query = "anInt32=6"}, STOA_E_TYPE,
         "query parameter \"anInt32\": it is in the path");
}

static void the_path_wins_over_the_body(void **state) {
  (void)state;
  take(
      &(struct asked){.path = "/{an_int32}", .values = {"5"}, .body_is = "*", .body = "{\"anInt32\":6,\"aBool\":true}"},
      "{\"anInt32\":5,\"aBool\":true}");
  take(&(struct asked){.path = "/{inner.size}",
                       .values = {"5"},
                       .body_is = "inner",
                       .body = "{\"size\":6,\"tags\":[\"a\"],\"inner\":{}}"},
       "{\"inner\":{\"size\":5,\"tags\":[\"a\"],\"inner\":{}}}");
  take(&(struct asked){.path = "/{one}", .values = {"x"}, .body_is = "*", .body = "{\"other\":{\"size\":6}}"},
       "{\"one\":\"x\"}");
  take(&(struct asked){.path = "/{other.size}", .values = {"1"}, .body_is = "*", .body = "{\"third\":\"6\"}"},
       "{\"other\":{\"size\":1}}");
  refuse(&(struct asked){.path = "/{one}", .values = {"x"}, .query = "third=1"}, STOA_E_SYNTAX,
         "query parameter \"third\": another member of its oneof is set too");
}

static void a_path_of_names_is_as_deep_as_json_may_be(void **state) {
  (void)state;
  char query[512] = "";
  for (int i = 0; i < STOA_CODEC_DEPTH_MAX - 1; i++) {
    strcat(query, "inner.");
  }
  strcat(query, "size=1");
  assert_int_equal(read_asked(&(struct asked){.query = query}), STOA_OK);
  memmove(query + 6, query, strlen(query) + 1);
  refuse_query(query, STOA_E_TYPE, "query parameter \"inner.inner.inner.inner....\": no field has this name");
}

static void too_many_parameters_are_refused(void **state) {
  (void)state;
  char query[STOA_TRANSCODE_PARAMETERS_MAX * 10 + 16] = "";
  for (int i = 0; i < STOA_TRANSCODE_PARAMETERS_MAX; i++) {
    strcat(query, "&strings=");
  }
  assert_int_equal(read_asked(&(struct asked){.query = query}), STOA_OK);
  strcat(query, "&strings=");
  refuse_query(query, STOA_E_LIMIT, "too many query parameters");
}

static void the_cap_of_the_arena_is_a_limit(void **state) {
  (void)state;
  struct stoa_arena *whole = arena;
  for (size_t bytes = 0; bytes < 4096; bytes += 16) {
    arena = stoa_arena_create(bytes);
    assert_non_null(arena);
    static const struct stoa_http_query_pair pairs[] = {
        {STOA_STR("inner.size"), STOA_STR("1")},
        {STOA_STR("strings"), STOA_STR("x")},
        {STOA_STR("boxed_int64"), STOA_STR("1")},
        {STOA_STR("times"), STOA_STR("1970-01-01T00:00:01Z")},
    };
    static const struct stoa_http_binding binding = {.method = "GET", .path = "/"};
    static const struct stoa_http_template template;
    const struct stoa_transcode_request request = {
        .binding = &binding, .template = &template, .query = {pairs, STOA_COUNT_OF(pairs)}};
    memset(&m, 0, sizeof m);
    int status = stoa_transcode_read(&request, &transcode_every_type, arena, &m, &error);
    assert_true(status == STOA_OK || status == STOA_E_LIMIT);
    assert_true(bytes > 0 || status == STOA_E_LIMIT);
    assert_true(bytes < 4080 || status == STOA_OK);
    stoa_arena_destroy(arena);
  }
  arena = whole;
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  struct stoa_arena *whole = arena;
  int status = STOA_E_MEMORY;
  for (uint64_t n = 1; status != STOA_OK; n++) {
    assert_true(n < 100);
    arena = stoa_arena_create(ARENA_BYTES_MAX);
    static const struct stoa_http_query_pair pair = {STOA_STR("inner.size"), STOA_STR("1")};
    static const struct stoa_http_binding binding = {.method = "GET", .path = "/"};
    static const struct stoa_http_template template;
    const struct stoa_transcode_request request = {.binding = &binding, .template = &template, .query = {&pair, 1}};
    memset(&m, 0, sizeof m);
    stoa_memory_fail_at(n, false);
    status = stoa_transcode_read(&request, &transcode_every_type, arena, &m, &error);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
    assert_true(status == STOA_OK || n == 1);
    stoa_arena_destroy(arena);
  }
  arena = whole;
}

static void the_text_of_an_error_is_not_needed(void **state) {
  (void)state;
  static const struct stoa_http_query_pair pair = {STOA_STR("nothing"), STOA_STR("1")};
  static const struct stoa_http_binding binding = {.method = "GET", .path = "/"};
  static const struct stoa_http_template template;
  const struct stoa_transcode_request request = {.binding = &binding, .template = &template, .query = {&pair, 1}};
  assert_int_equal(stoa_transcode_read(&request, &transcode_every_type, arena, &m, NULL), STOA_E_TYPE);
}

static void expect_reply(const char *response_body, const char *json) {
  const struct stoa_http_binding binding = {.method = "GET", .path = "/", .response_body = response_body};
  out.len = 0;
  assert_int_equal(stoa_transcode_write(&binding, &transcode_every_type, &m, &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal((const char *)out.data, json);
}

static void a_reply_is_written_whole_or_as_one_field(void **state) {
  (void)state;
  assert_int_equal(read_asked(&(struct asked){.query = "inner.size=1&strings=a&maybe=3&an_int64=4&one=x"}), STOA_OK);
  expect_reply("inner", "{\"size\":1,\"tags\":[]}");
  expect_reply("strings", "[\"a\"]");
  expect_reply("maybe", "3");
  expect_reply("an_int64", "\"4\"");
  expect_reply("anInt64", "\"4\"");
  expect_reply("one", "\"x\"");
  expect_reply("third", "null");
  expect_reply("maybe_text", "null");
  expect_reply("time", "null");
  expect_reply("labels", "{}");
  expect_reply("a_bool", "false");
  struct stoa_buffer whole;
  stoa_buffer_init(&whole, ARENA_BYTES_MAX);
  assert_int_equal(stoa_codec_json.encode(&transcode_every_type, &m, &whole), STOA_OK);
  assert_int_equal(stoa_buffer_append(&whole, "", 1), STOA_OK);
  expect_reply(NULL, (const char *)whole.data);
  stoa_buffer_fini(&whole);
}

static void a_reply_that_cannot_be_written_leaves_the_output_unchanged(void **state) {
  (void)state;
  memset(&m, 0, sizeof m);
  m.a_string = stoa_string_make("\xff", 1);
  const struct stoa_http_binding binding = {.method = "GET", .path = "/", .response_body = "a_string"};
  out.len = 0;
  assert_int_equal(stoa_buffer_append(&out, "kept", 4), STOA_OK);
  assert_int_equal(stoa_transcode_write(&binding, &transcode_every_type, &m, &out), STOA_E_UTF8);
  assert_int_equal(out.len, 4);
}

static int check(const char *method, const char *path, const char *body, const char *response_body,
                 struct stoa_transcode_problem *out_problem) {
  const struct stoa_http_binding binding = {method, path, body, response_body};
  struct stoa_http_template template;
  size_t at;
  assert_int_equal(stoa_http_template_compile(stoa_string_of(path), &template, &at), STOA_HTTP_TEMPLATE_OK);
  return stoa_transcode_check(&binding, &template, &transcode_every_type, &transcode_inner_type, out_problem);
}

static void a_binding_is_checked_against_its_messages(void **state) {
  (void)state;
  static const struct {
    const char *method, *path, *body, *response_body, *text, *detail;
  } bad[] = {
      {"GET", "/{nothing}", NULL, NULL, "a variable of the path is no field of the request", "nothing"},
      {"GET", "/{strings}", NULL, NULL, "a variable of the path is a field without one value", "strings"},
      {"GET", "/{labels}", NULL, NULL, "a variable of the path is a field without one value", "labels"},
      {"GET", "/{inner}", NULL, NULL, "a variable of the path is a field without one value", "inner"},
      {"GET", "/{time}", NULL, NULL, "a variable of the path is a field without one value", "time"},
      {"GET", "/", "*", NULL, "a request with this method has no body", "*"},
      {"HEAD", "/", "inner", NULL, "a request with this method has no body", "inner"},
      {"POST", "/", "nothing", NULL, "the body is no field of the request", "nothing"},
      {"POST", "/", "inner.size", NULL, "the body is no field of the request", "inner.size"},
      {"POST", "/", NULL, "a_bool", "the response_body is no field of the reply", "a_bool"},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(bad); i++) {
    struct stoa_transcode_problem problem = {0};
    assert_int_equal(check(bad[i].method, bad[i].path, bad[i].body, bad[i].response_body, &problem), STOA_E_SYNTAX);
    assert_string_equal(problem.text, bad[i].text);
    assert_true(stoa_string_equal(problem.detail, stoa_string_of(bad[i].detail)));
  }
  struct stoa_transcode_problem unused;
  assert_int_equal(check("GET", "/{a_string=a/*}/{inner.inner.size}/{one}", NULL, "size", &unused), STOA_OK);
  assert_int_equal(check("DELETE", "/", "*", "tags", &unused), STOA_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_request_without_parts_is_the_empty_message, begin, end),
      cmocka_unit_test_setup_teardown(every_kind_is_read_from_the_query, begin, end),
      cmocka_unit_test_setup_teardown(the_other_forms_of_values_are_taken, begin, end),
      cmocka_unit_test_setup_teardown(repeated_fields_are_repeated_parameters, begin, end),
      cmocka_unit_test_setup_teardown(a_hundred_items_keep_their_order, begin, end),
      cmocka_unit_test_setup_teardown(fields_inside_of_messages_are_named_with_dots, begin, end),
      cmocka_unit_test_setup_teardown(messages_with_a_text_of_their_own_are_values, begin, end),
      cmocka_unit_test_setup_teardown(a_parameter_that_no_field_takes_is_refused_by_its_name, begin, end),
      cmocka_unit_test_setup_teardown(fields_without_a_text_are_refused, begin, end),
      cmocka_unit_test_setup_teardown(a_value_that_does_not_fit_is_refused_with_its_parameter, begin, end),
      cmocka_unit_test_setup_teardown(bytes_that_json_escapes_are_no_number, begin, end),
      cmocka_unit_test_setup_teardown(a_field_of_one_value_is_given_once, begin, end),
      cmocka_unit_test_setup_teardown(one_member_of_a_oneof_is_given, begin, end),
      cmocka_unit_test_setup_teardown(the_body_is_the_whole_request, begin, end),
      cmocka_unit_test_setup_teardown(the_body_is_one_field, begin, end),
      cmocka_unit_test_setup_teardown(a_body_without_a_place_is_refused, begin, end),
      cmocka_unit_test_setup_teardown(variables_of_the_path_set_fields, begin, end),
      cmocka_unit_test_setup_teardown(the_path_wins_over_the_body, begin, end),
      cmocka_unit_test_setup_teardown(a_path_of_names_is_as_deep_as_json_may_be, begin, end),
      cmocka_unit_test_setup_teardown(too_many_parameters_are_refused, begin, end),
      cmocka_unit_test_setup_teardown(the_cap_of_the_arena_is_a_limit, begin, end),
      cmocka_unit_test_setup_teardown(every_allocation_fails_once, begin, end),
      cmocka_unit_test_setup_teardown(the_text_of_an_error_is_not_needed, begin, end),
      cmocka_unit_test_setup_teardown(a_reply_is_written_whole_or_as_one_field, begin, end),
      cmocka_unit_test_setup_teardown(a_reply_that_cannot_be_written_leaves_the_output_unchanged, begin, end),
      cmocka_unit_test_setup_teardown(a_binding_is_checked_against_its_messages, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
