/* google.protobuf's own messages in JSON, Any and its registry, and the options of JSON. */
#include "special.h"

#include <stdio.h>
#include <stdlib.h>
#include <stoa/json.h>
#include <stoa/types.h>

#include "base/memory.h"
#include "kit.h"

static struct kit kit;

static int open_kit(void **state) {
  (void)state;
  kit_open(&kit, (size_t)1024 * 1024);
  return 0;
}

static int close_kit(void **state) {
  (void)state;
  kit_close(&kit);
  return 0;
}

/* Members that are set only. */
static const struct stoa_json_options sparse = {.emit_unpopulated = false};

static int read_with(const struct stoa_json_options *options, const char *json, struct special *m) {
  memset(m, 0, sizeof *m);
  return stoa_json_decode_with(options, &special_type, kit_guard(&kit, json, strlen(json)), kit.arena, m, &kit.error);
}

static int write_with(const struct stoa_json_options *options, const struct special *m) {
  kit.out.len = 0;
  int status = stoa_json_encode_with(options, &special_type, m, &kit.out);
  assert_true(status == STOA_OK || kit.out.len == 0);
  return status;
}

static void expect_written(const struct stoa_json_options *options, const struct special *m, const char *json) {
  assert_int_equal(write_with(options, m), STOA_OK);
  assert_int_equal(stoa_buffer_append(&kit.out, "", 1), STOA_OK);
  assert_string_equal((const char *)kit.out.data, json);
}

/* The JSON reads as a message that is written as `expected`, through binary too. */
static void expect_becomes(const char *json, const char *expected) {
  struct special m;
  assert_int_equal(read_with(&sparse, json, &m), STOA_OK);
  expect_written(&sparse, &m, expected);
  kit.out.len = 0;
  assert_int_equal(stoa_codec_json.encode(&special_type, &m, &kit.out), STOA_OK);
  kit_expect_bound(&kit, &stoa_codec_json, &special_type, &m);
  kit.out.len = 0;
  assert_int_equal(stoa_codec_proto.encode(&special_type, &m, &kit.out), STOA_OK);
  kit_expect_bound(&kit, &stoa_codec_proto, &special_type, &m);
  struct special again;
  assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &special_type, kit.out.data, kit.out.len, &again), STOA_OK);
  expect_written(&sparse, &again, expected);
}

static void expect_same(const char *json) {
  expect_becomes(json, json);
}

static void refuse(const struct stoa_json_options *options, const char *json, int status, const char *text) {
  struct special m;
  assert_int_equal(read_with(options, json, &m), status);
  assert_string_equal(kit.error.text, text);
}

static void times_are_texts(void **state) {
  (void)state;
  expect_same("{\"timestamp\":\"2026-01-31T12:00:00Z\"}");
  expect_same("{\"timestamp\":\"0001-01-01T00:00:00Z\"}");
  expect_same("{\"timestamp\":\"9999-12-31T23:59:59.999999999Z\"}");
  expect_same("{\"timestamp\":\"2000-02-29T00:00:00.500Z\"}");
  expect_becomes("{\"timestamp\":\"1970-01-01T00:30:00.1200+01:00\"}", "{\"timestamp\":\"1969-12-31T23:30:00.120Z\"}");
  expect_same("{\"duration\":\"-0.000001s\"}");
  expect_same("{\"duration\":\"315576000000.999999999s\"}");
  expect_becomes("{\"duration\":\"1.10s\"}", "{\"duration\":\"1.100s\"}");
  expect_same("{\"timestamps\":[\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00.000001Z\"]}");
}

static void every_day_of_the_calendar_comes_back(void **state) {
  (void)state;
  for (int64_t seconds = -62135596800; seconds <= 253402300799; seconds += 86400 * 7 + 12345) {
    struct google_protobuf_timestamp time = {.seconds = seconds};
    struct special m = {.timestamp = &time};
    assert_int_equal(write_with(&sparse, &m), STOA_OK);
    struct special again;
    memset(&again, 0, sizeof again);
    struct stoa_bytes json = stoa_bytes_make(kit.out.data, kit.out.len);
    assert_int_equal(stoa_codec_json.decode(&special_type, json, kit.arena, &again, NULL), STOA_OK);
    assert_int_equal(again.timestamp->seconds, seconds);
    stoa_arena_reset(kit.arena);
  }
}

static void an_invalid_time_is_refused_with_an_example(void **state) {
  (void)state;
  refuse(&sparse, "{\"timestamp\":\"2026-02-29T12:00:00Z\"}", STOA_E_TYPE,
         "timestamp: expected a time like \"2026-01-31T12:00:00Z\", got \"2026-02-29T12:00:00Z\"");
  refuse(&sparse, "{\"timestamps\":[\"\"]}", STOA_E_TYPE,
         "timestamps[0]: expected a time like \"2026-01-31T12:00:00Z\", got \"\"");
  refuse(&sparse, "{\"duration\":1}", STOA_E_TYPE, "duration: expected a duration like \"1.5s\", got 1");
  refuse(&sparse, "{\"duration\":\"1\"}", STOA_E_TYPE, "duration: expected a duration like \"1.5s\", got \"1\"");
}

static void masks_are_one_text_in_camel_case(void **state) {
  (void)state;
  expect_same("{\"mask\":\"user.displayName,photo\"}");
  expect_same("{\"masks\":[\"\",\"aB,c\"]}");
  refuse(&sparse, "{\"mask\":\"a_b\"}", STOA_E_TYPE,
         "mask: expected paths like \"user.displayName,photo\", got \"a_b\"");
  refuse(&sparse, "{\"mask\":\"a,\"}", STOA_E_TYPE, "mask: expected paths like \"user.displayName,photo\", got \"a,\"");
}

static void values_are_any_json(void **state) {
  (void)state;
  expect_same("{\"value\":null}");
  expect_same("{\"value\":\"NaN\"}");
  expect_same("{\"value\":{\"a\":[1.5,true,null,{}],\"\":\"x\"}}");
  expect_same("{\"object\":{\"a\":{\"b\":[]}},\"list\":[[],{},1]}");
  expect_same("{\"values\":[null,0,\"\",false,[],{}]}");
  expect_same("{\"by_name\":{\"a\":null,\"b\":1}}");
  expect_same("{\"choice_value\":null}");
  refuse(&sparse, "{\"value\":{\"a\":1,\"a\":2}}", STOA_E_SYNTAX, "value: a duplicate key");
}

static void a_null_value_is_null(void **state) {
  (void)state;
  expect_same("{\"nulls\":[null,null]}");
  expect_same("{\"choice_null\":null}");
  expect_same("{\"maybe_null\":null}");
  expect_becomes("{\"null\":null}", "{}");
  expect_becomes("{\"choice_null\":\"NULL_VALUE\"}", "{\"choice_null\":null}");
  expect_becomes("{\"choice_null\":0}", "{\"choice_null\":null}");
  refuse(&sparse, "{\"null\":-5}", STOA_E_TYPE, "null: expected null, got -5");
  refuse(&sparse, "{\"nulls\":[null,\"5\"]}", STOA_E_TYPE, "nulls[1]: expected null, got \"5\"");
}

static void wrappers_are_what_they_hold(void **state) {
  (void)state;
  expect_same("{\"a_bool\":false,\"an_int64\":\"0\",\"a_double\":\"NaN\",\"a_string\":\"\",\"a_bytes\":\"AQI=\"}");
  expect_same("{\"int32s\":[0,-1]}");
  expect_becomes("{\"a_bool\":null,\"int32s\":null}", "{}");
  refuse(&sparse, "{\"int32s\":[null]}", STOA_E_TYPE, "int32s[0]: expected int32, got null");
  refuse(&sparse, "{\"a_bool\":{\"value\":true}}", STOA_E_TYPE, "a_bool: expected bool, got an object");
}

static void a_type_is_added_once_and_found_by_name(void **state) {
  (void)state;
  assert_null(stoa_types_find(stoa_string_of("special.Nothing")));
  assert_ptr_equal(stoa_types_find(stoa_string_of("special.Special")), &special_type);
  assert_int_equal(stoa_types_add(&special_type), STOA_OK);
  static const struct stoa_message_type other = {.full_name = "special.Special"};
  static const struct stoa_message_type nameless = {.full_name = ""};
  assert_int_equal(stoa_types_add(&other), STOA_E_EXISTS);
  assert_int_equal(stoa_types_add(&nameless), STOA_E_ARGUMENT);
  assert_int_equal(stoa_types_add(NULL), STOA_E_ARGUMENT);
}

static void an_any_shows_its_content(void **state) {
  (void)state;
  expect_same("{\"any\":{}}");
  expect_same("{\"any\":{\"@type\":\"x/special.Special\",\"value\":1,\"an_int64\":\"5\"}}");
  expect_same("{\"any\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"1s\"}}");
  expect_same("{\"any\":{\"@type\":\"x/google.protobuf.Value\",\"value\":null}}");
  expect_same("{\"any\":{\"@type\":\"x/google.protobuf.Empty\"}}");
  expect_same(
      "{\"anys\":[{},{\"@type\":\"a/google.protobuf.Any\",\"value\":{\"@type\":\"/google.protobuf.Any\","
      "\"value\":{}}}]}");
  expect_becomes("{\"any\":{\"duration\":\"1s\",\"@type\":\"x/special.Special\"}}",
                 "{\"any\":{\"@type\":\"x/special.Special\",\"duration\":\"1s\"}}");
  expect_becomes("{\"any\":{\"@type\":\"x/sample.Every\",\"allDouble\":[1,2,3,4,5,6,7,8,9,10,11,12]}}",
                 "{\"any\":{\"@type\":\"x/sample.Every\",\"allDouble\":[1,2,3,4,5,6,7,8,9,10,11,12]}}");
}

static void an_invalid_any_is_refused(void **state) {
  (void)state;
  refuse(&sparse, "{\"any\":{\"@type\":\"x/no.Such\"}}", STOA_E_TYPE,
         "any.@type: expected the URL of a known message type, got \"x/no.Such\"");
  refuse(&sparse, "{\"any\":{\"@type\":\"special.Special\"}}", STOA_E_TYPE,
         "any.@type: expected the URL of a known message type, got \"special.Special\"");
  refuse(&sparse, "{\"any\":{\"@type\":1}}", STOA_E_TYPE, "any.@type: expected string, got 1");
  refuse(&sparse, "{\"any\":{\"value\":1}}", STOA_E_TYPE, "any: @type: missing");
  refuse(&sparse, "{\"any\":{\"@type\":\"x/google.protobuf.Duration\"}}", STOA_E_TYPE, "any: value: missing");
  refuse(&sparse, "{\"any\":{\"@type\":\"x/a\",\"@type\":\"x/a\"}}", STOA_E_SYNTAX, "any: @type: a duplicate member");
  refuse(&sparse, "{\"any\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":1,\"value\":1}}", STOA_E_SYNTAX,
         "any: value: a duplicate member");
  refuse(&sparse, "{\"any\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":1}}", STOA_E_TYPE,
         "any.value: expected a duration like \"1.5s\", got 1");
  refuse(&sparse, "{\"any\":{\"@type\":\"x/special.Special\",\"a_bool\":1}}", STOA_E_TYPE,
         "any.a_bool: expected bool, got 1");
  refuse(&sparse, "{\"any\":[]}", STOA_E_TYPE, "any: expected an object, got an array");
}

/* {"any":{"@type":...,"value":{"@type":...,"value":...: each is a level. */
static void nested_any(char *json, int levels) {
  char *at = stpcpy(json, "{\"any\":");
  for (int i = 0; i < levels; i++) {
    at = stpcpy(at, "{\"@type\":\"x/google.protobuf.Any\",\"value\":");
  }
  at = stpcpy(at, "{}");
  memset(at, '}', (size_t)levels + 1);
  at[levels + 1] = '\0';
}

static void values_and_anys_are_nested_to_the_limit_only(void **state) {
  (void)state;
  char json[4096];
  nested_any(json, STOA_CODEC_DEPTH_MAX - 2);
  struct special m;
  assert_int_equal(read_with(&sparse, json, &m), STOA_OK);
  expect_written(&sparse, &m, json);
  nested_any(json, STOA_CODEC_DEPTH_MAX - 1);
  assert_int_equal(read_with(&sparse, json, &m), STOA_E_LIMIT);
  for (int levels = STOA_CODEC_DEPTH_MAX - 1; levels <= STOA_CODEC_DEPTH_MAX; levels++) {
    char *at = stpcpy(json, "{\"value\":");
    memset(at, '[', (size_t)levels);
    memset(at + levels, ']', (size_t)levels);
    (void)stpcpy(at + 2 * levels, "}");
    assert_int_equal(read_with(&sparse, json, &m), levels < STOA_CODEC_DEPTH_MAX ? STOA_OK : STOA_E_LIMIT);
    if (levels < STOA_CODEC_DEPTH_MAX) {
      expect_written(&sparse, &m, json);
    }
  }
}

static void refuse_writing(const struct special *m) {
  assert_int_equal(write_with(&sparse, m), STOA_E_TYPE);
}

static void times_out_of_range_are_not_written(void **state) {
  (void)state;
  static const struct google_protobuf_timestamp times[] = {
      {.seconds = -62135596801}, {.seconds = 253402300800}, {.nanos = -1}, {.nanos = 1000000000}};
  static const struct google_protobuf_duration durations[] = {{.seconds = 315576000001},   {.seconds = -315576000001},
                                                              {.seconds = 1, .nanos = -1}, {.seconds = -1, .nanos = 1},
                                                              {.nanos = 1000000000},       {.nanos = -1000000000}};
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    refuse_writing(&(struct special){.timestamp = &times[i]});
  }
  for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
    refuse_writing(&(struct special){.duration = &durations[i]});
  }
}

static void paths_that_would_not_come_back_are_not_written(void **state) {
  (void)state;
  static const char *const paths[] = {"fooBar", "a__b", "a_3", "a_", "a,b", ""};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    struct stoa_string path = stoa_string_of(paths[i]);
    struct google_protobuf_field_mask mask = {.paths = {&path, 1}};
    refuse_writing(&(struct special){.mask = &mask});
  }
}

/* NaN and infinities have names in JSON, but in a Value these would be strings. */
static void values_without_a_form_are_not_written(void **state) {
  (void)state;
  const struct google_protobuf_value none = {0};
  refuse_writing(&(struct special){.value = &none});
  struct google_protobuf_value number = {.kind_case = 2};
  number.kind.number_value = __builtin_nan("");
  refuse_writing(&(struct special){.value = &number});
  number.kind.number_value = __builtin_inf();
  refuse_writing(&(struct special){.value = &number});
}

static void anys_without_a_form_are_not_written(void **state) {
  (void)state;
  static const struct google_protobuf_any anys[] = {
      {.type_url = STOA_STR("x/no.Such")},
      {.type_url = STOA_STR("special.Special")},
      {.value = {(const uint8_t *)"x", 1}},
      {.type_url = STOA_STR("x/special.Special"), .value = {(const uint8_t *)"\xff", 1}},
  };
  for (size_t i = 0; i < sizeof anys / sizeof anys[0]; i++) {
    refuse_writing(&(struct special){.any = &anys[i]});
  }
}

static void names_may_be_those_of_the_proto(void **state) {
  (void)state;
  struct sample_every every = {.has_maybe_int = true, .maybe_int = 5};
  struct stoa_json_options options = {.proto_names = true};
  kit.out.len = 0;
  assert_int_equal(stoa_json_encode_with(&options, &sample_every_type, &every, &kit.out), STOA_OK);
  assert_int_equal(kit.out.len, strlen("{\"maybe_int\":5}"));
  assert_memory_equal(kit.out.data, "{\"maybe_int\":5}", kit.out.len);
}

static void enums_may_be_numbers(void **state) {
  (void)state;
  struct special m;
  struct stoa_json_options options = {.enums_as_numbers = true};
  assert_int_equal(read_with(&options, "{\"choice_shade\":\"DARK\"}", &m), STOA_OK);
  expect_written(&options, &m, "{\"choice_shade\":1}");
  expect_written(&sparse, &m, "{\"choice_shade\":\"DARK\"}");
  assert_int_equal(read_with(&options, "{\"nulls\":[null]}", &m), STOA_OK);
  expect_written(&options, &m, "{\"nulls\":[null]}");
}

static void all_without_presence_is_written_by_default(void **state) {
  (void)state;
  struct stoa_json_options defaults = STOA_JSON_DEFAULTS;
  struct special m = {0};
  expect_written(&defaults, &m,
                 "{\"null\":null,\"anys\":[],\"timestamps\":[],\"masks\":[],\"values\":[],\"nulls\":[],\"int32s\":[],"
                 "\"by_name\":{}}");
  expect_written(&sparse, &m, "{}");
}

static void unknown_members_may_be_refused(void **state) {
  (void)state;
  struct stoa_json_options strict = {.reject_unknown = true};
  refuse(&strict, "{\"nobody\":1}", STOA_E_TYPE, "[\"nobody\"]: no field has this name");
  refuse(&strict, "{\"every\":{\"nobody\":{}}}", STOA_E_TYPE, "every[\"nobody\"]: no field has this name");
  refuse(&strict, "{\"any\":{\"@type\":\"x/google.protobuf.Empty\",\"nobody\":1}}", STOA_E_TYPE,
         "any[\"nobody\"]: no field has this name");
  refuse(&strict, "{\"any\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"1s\",\"nobody\":1}}", STOA_E_TYPE,
         "any[\"nobody\"]: no field has this name");
  refuse(&strict, "{\"@type\":\"x/special.Special\"}", STOA_E_TYPE, "[\"@type\"]: no field has this name");
  struct special m;
  assert_int_equal(read_with(&strict, "{\"any\":{\"@type\":\"x/special.Special\"}}", &m), STOA_OK);
  assert_int_equal(read_with(&sparse, "{\"nobody\":[{\"a\":null}]}", &m), STOA_OK);
}

static void unknown_names_of_enums_may_be_left_out(void **state) {
  (void)state;
  struct stoa_json_options lenient = {.ignore_unknown_enums = true};
  struct special m;
  assert_int_equal(read_with(&lenient, "{\"choice_shade\":\"PINK\",\"choice_null\":null}", &m), STOA_OK);
  expect_written(&sparse, &m, "{\"choice_null\":null}");
  assert_int_equal(read_with(&lenient,
                             "{\"every\":{\"aColor\":\"PINK\",\"allColor\":[\"PINK\",\"COLOR_RED\",\"PINK\",5,\"6\"],"
                             "\"colors\":{\"1\":\"PINK\",\"2\":\"COLOR_RED\",\"3\":\"PINK\"}}}",
                             &m),
                   STOA_OK);
  expect_written(&sparse, &m, "{\"every\":{\"allColor\":[\"COLOR_RED\",5,6],\"colors\":{\"2\":\"COLOR_RED\"}}}");
  refuse(&sparse, "{\"choice_shade\":\"PINK\"}", STOA_E_TYPE, "choice_shade: expected an enum value, got \"PINK\"");
  refuse(&lenient, "{\"choice_shade\":true}", STOA_E_TYPE, "choice_shade: expected an enum value, got true");
  refuse(&lenient, "{\"choice_shade\":\"\\ud800\"}", STOA_E_UTF8, "choice_shade: a surrogate without its other half");
}

static void a_place_in_a_list_is_that_of_the_text(void **state) {
  (void)state;
  struct stoa_json_options lenient = {.ignore_unknown_enums = true};
  refuse(&lenient, "{\"every\":{\"allColor\":[\"PINK\",\"PINK\",true]}}", STOA_E_TYPE,
         "every.all_color[2]: expected an enum value, got true");
  refuse(&lenient, "{\"every\":{\"allColor\":[\"COLOR_RED\",\"\\ud800\"]}}", STOA_E_UTF8,
         "every.all_color[1]: a surrogate without its other half");
  refuse(&lenient, "{\"every\":{\"colors\":{\"1\":\"\\ud800\"}}}", STOA_E_UTF8,
         "every.colors[\"1\"]: a surrogate without its other half");
  refuse(&lenient, "{\"every\":{\"colors\":{\"x\":\"PINK\"}}}", STOA_E_TYPE,
         "every.colors[\"x\"]: expected uint64, got \"x\"");
}

/* Four entries fill their list; what is left out after them must not make it grow each time. */
static void entries_that_are_left_out_take_no_memory(void **state) {
  (void)state;
  struct stoa_json_options lenient = {.ignore_unknown_enums = true};
  char json[16 * 1024];
  char *at = stpcpy(json, "{\"every\":{\"colors\":{\"1\":0,\"2\":0,\"3\":0,\"4\":0");
  for (int i = 5; i < 505; i++) {
    at += sprintf(at, ",\"%d\":\"PINK\"", i);
  }
  (void)stpcpy(at, ",\"5000\":0}}}");
  struct special m = {0};
  stoa_arena_reset(kit.arena);
  struct stoa_bytes input = stoa_bytes_make(json, strlen(json));
  assert_int_equal(stoa_json_decode_with(&lenient, &special_type, input, kit.arena, &m, &kit.error), STOA_OK);
  assert_int_equal(m.every->colors.count, 5);
  assert_int_equal(m.every->colors.items[4].key, 5000);
  assert_true(stoa_arena_used(kit.arena) < sizeof *m.every + 512);
}

static void a_full_arena_is_reported(void **state) {
  (void)state;
  static const char *const documents[] = {"{\"any\":{\"@type\":\"x/special.Special\",\"list\":[1,2,3]}}",
                                          "{\"mask\":\"aB,cD\"}", "{\"value\":{\"a\":[1,{}]}}",
                                          "{\"any\":{\"@type\":\"x/sample.Every\",\"allDouble\":[1,2,3,4,5,6,7,8,9]}}"};
  for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
    size_t bytes = 0;
    int status = STOA_E_LIMIT;
    for (; status == STOA_E_LIMIT; bytes += 16) {
      struct stoa_arena *arena = stoa_arena_create(bytes);
      struct special m = {0};
      struct stoa_bytes input = stoa_bytes_make(documents[i], strlen(documents[i]));
      status = stoa_codec_json.decode(&special_type, input, arena, &m, &kit.error);
      const char *why = status == STOA_OK ? "" : "too large after decoding";
      assert_string_equal(kit.error.text + strlen(kit.error.text) - strlen(why), why);
      stoa_arena_destroy(arena);
    }
    assert_int_equal(status, STOA_OK);
    assert_true(bytes > 32);
  }
}

/* Writing an Any takes memory of its own, for what it holds. */
static void each_allocation_of_writing_an_any_may_fail(void **state) {
  (void)state;
  static const char json[] =
      "{\"any\":{\"@type\":\"x/google.protobuf.Any\",\"value\":{\"@type\":\"x/special.Special\"}}}";
  struct special m;
  assert_int_equal(read_with(&sparse, json, &m), STOA_OK);
  int64_t live_before = stoa_memory_live_blocks();
  uint64_t hits = 1;
  uint64_t n = 0;
  while (hits > 0) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, 4096);
    stoa_memory_fail_at(++n, false);
    int status = stoa_json_encode_with(&sparse, &special_type, &m, &out);
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    assert_int_equal(status, hits > 0 ? STOA_E_MEMORY : STOA_OK);
    stoa_buffer_fini(&out);
    assert_int_equal(stoa_memory_live_blocks(), live_before);
  }
  assert_true(n > 4);
}

/* The last test: nothing takes types away again. */
static void a_full_registry_takes_no_more_types(void **state) {
  (void)state;
  static struct stoa_message_type types[STOA_TYPES_MAX + 1];
  static char names[STOA_TYPES_MAX + 1][16];
  int status = STOA_OK;
  size_t count = 0;
  for (; count <= STOA_TYPES_MAX && status == STOA_OK; count++) {
    (void)snprintf(names[count], sizeof names[count], "t%zu", count * 7919 % (STOA_TYPES_MAX + 1));
    types[count].full_name = names[count];
    status = stoa_types_add(&types[count]);
  }
  assert_int_equal(status, STOA_E_LIMIT);
  for (size_t i = 0; i + 1 < count; i++) {
    assert_ptr_equal(stoa_types_find(stoa_string_of(names[i])), &types[i]);
  }
  assert_int_equal(stoa_types_add(&special_type), STOA_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(times_are_texts),
      TEST(every_day_of_the_calendar_comes_back),
      TEST(an_invalid_time_is_refused_with_an_example),
      TEST(masks_are_one_text_in_camel_case),
      TEST(values_are_any_json),
      TEST(a_null_value_is_null),
      TEST(wrappers_are_what_they_hold),
      TEST(a_type_is_added_once_and_found_by_name),
      TEST(an_any_shows_its_content),
      TEST(an_invalid_any_is_refused),
      TEST(values_and_anys_are_nested_to_the_limit_only),
      TEST(times_out_of_range_are_not_written),
      TEST(paths_that_would_not_come_back_are_not_written),
      TEST(values_without_a_form_are_not_written),
      TEST(anys_without_a_form_are_not_written),
      TEST(names_may_be_those_of_the_proto),
      TEST(enums_may_be_numbers),
      TEST(all_without_presence_is_written_by_default),
      TEST(unknown_members_may_be_refused),
      TEST(unknown_names_of_enums_may_be_left_out),
      TEST(a_place_in_a_list_is_that_of_the_text),
      TEST(entries_that_are_left_out_take_no_memory),
      TEST(a_full_arena_is_reported),
      TEST(each_allocation_of_writing_an_any_may_fail),
      TEST(a_full_registry_takes_no_more_types),
  };
  if (!special_add_types()) {
    return EXIT_FAILURE;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
