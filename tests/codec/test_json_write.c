/* Messages as proto3 JSON. */
#include <math.h>
#include <stdio.h>

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

/* The member of that name in the JSON of `m`, up to the next member. */
static void expect_member(const struct sample_every *m, const char *member) {
  kit.out.len = 0;
  assert_int_equal(stoa_codec_json.encode(&sample_every_type, m, &kit.out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&kit.out, "", 1), STOA_OK);
  if (strstr((const char *)kit.out.data, member) == NULL) {
    print_error("no %s in %s\n", member, (const char *)kit.out.data);
    fail();
  }
}

static void text_fields_are_written_in_order_and_also_when_empty(void **state) {
  (void)state;
  struct sample_chat chat = {.message = STOA_STR("hello"), .timestamp = STOA_STR("now")};
  kit_expect_json(&kit, &sample_chat_type, &chat, "{\"message\":\"hello\",\"sender\":\"\",\"timestamp\":\"now\"}");
}

static void all_without_presence_is_written_and_nothing_that_is_unset(void **state) {
  (void)state;
  struct sample_every m = {0};
  kit_expect_json(
      &kit, &sample_every_type, &m,
      "{\"aDouble\":0,\"aFloat\":0,\"anInt64\":\"0\",\"aUint64\":\"0\",\"anInt32\":0,\"aFixed64\":\"0\",\"aFixed32\":0,"
      "\"aBool\":false,\"aString\":\"\",\"aBytes\":\"\",\"aUint32\":0,\"aColor\":\"COLOR_NONE\",\"aSfixed32\":0,"
      "\"aSfixed64\":\"0\",\"aSint32\":0,\"aSint64\":\"0\",\"allDouble\":[],\"allFloat\":[],\"allInt64\":[],"
      "\"allUint64\":[],\"allInt32\":[],\"allFixed64\":[],\"allFixed32\":[],\"allBool\":[],\"allString\":[],"
      "\"allBytes\":[],\"allUint32\":[],\"allColor\":[],\"allSfixed32\":[],\"allSfixed64\":[],\"allSint32\":[],"
      "\"allSint64\":[],\"allChat\":[],\"allEvery\":[],\"looseInt32\":[],\"counts\":{},\"chats\":{},\"flags\":{},"
      "\"colors\":{},\"Odd!\":\"\"}");
}

static void every_scalar_kind_is_written(void **state) {
  (void)state;
  struct sample_every m = {.a_double = 1.5,
                           .a_float = 0.1f,
                           .an_int64 = INT64_MIN,
                           .a_uint64 = UINT64_MAX,
                           .an_int32 = INT32_MIN,
                           .a_fixed64 = 10,
                           .a_fixed32 = UINT32_MAX,
                           .a_bool = true,
                           .a_string = STOA_STR("h\xc3\xa9"),
                           .a_bytes = {(const uint8_t *)"\xfb\xff", 2},
                           .a_color = 1};
  expect_member(&m,
                "\"aDouble\":1.5,\"aFloat\":0.1,\"anInt64\":\"-9223372036854775808\","
                "\"aUint64\":\"18446744073709551615\",\"anInt32\":-2147483648,\"aFixed64\":\"10\","
                "\"aFixed32\":4294967295,\"aBool\":true,\"aString\":\"h\xc3\xa9\",\"aBytes\":\"+/8=\","
                "\"aUint32\":0,\"aColor\":\"COLOR_RED\"");
}

static void presence_decides_for_optional_oneof_and_messages(void **state) {
  (void)state;
  struct sample_chat chat = {.sender = STOA_STR("s")};
  struct sample_every m = {.has_maybe_int = true, .a_chat = &chat, .choice_case = 51};
  expect_member(&m, "\"aChat\":{\"message\":\"\",\"sender\":\"s\",\"timestamp\":\"\"},\"maybeInt\":0,");
  expect_member(&m, "\"choiceText\":\"\"");
}

static void lists_and_maps_are_written(void **state) {
  (void)state;
  int32_t numbers[] = {1, -2, 3};
  struct stoa_string strings[] = {STOA_STR("a"), STOA_STR("")};
  struct sample_chat chats[2] = {{.message = STOA_STR("m")}};
  struct sample_counts_entry counts[] = {{STOA_STR("a\"b"), 1}, {STOA_STR(""), -1}};
  struct sample_chats_entry chat_entries[] = {{-5, NULL}};
  struct sample_flags_entry flags[] = {{true, STOA_STR("t")}, {false, STOA_STR("f")}};
  struct sample_colors_entry colors[] = {{UINT64_MAX, 77}};
  struct sample_every m = {.all_int32 = {numbers, 3},
                           .all_string = {strings, 2},
                           .all_chat = {chats, 2},
                           .counts = {counts, 2},
                           .chats = {chat_entries, 1},
                           .flags = {flags, 2},
                           .colors = {colors, 1}};
  expect_member(&m, "\"allInt32\":[1,-2,3]");
  expect_member(&m, "\"allString\":[\"a\",\"\"]");
  expect_member(&m, "\"allChat\":[{\"message\":\"m\",\"sender\":\"\",\"timestamp\":\"\"},{\"message\":\"\",");
  expect_member(&m,
                "\"counts\":{\"a\\\"b\":1,\"\":-1},\"chats\":{\"-5\":{}},\"flags\":{\"true\":\"t\",\"false\":\"f\"},"
                "\"colors\":{\"18446744073709551615\":77}");
}

static void an_enum_is_written_by_its_first_name_or_by_number(void **state) {
  (void)state;
  int32_t colors[] = {0, 1, -2, 99, INT32_MIN};
  struct sample_every m = {.all_color = {colors, 5}};
  expect_member(&m, "\"allColor\":[\"COLOR_NONE\",\"COLOR_RED\",\"COLOR_BLUE\",99,-2147483648]");
}

static void reals_are_written_in_the_shortest_text_that_reads_back(void **state) {
  (void)state;
  double doubles[] = {0.1, 1e21, 5e-324, 1.7976931348623157e308, 0.30000000000000004, -0.0, 123456789, 1e-7, 100};
  float floats[] = {0.1f, 16777216, 3.4028235e38f, 1e-45f, 0.33333334f};
  struct sample_every m = {.all_double = {doubles, 9}, .all_float = {floats, 5}};
  expect_member(
      &m, "\"allDouble\":[0.1,1e+21,5e-324,1.7976931348623157e+308,0.30000000000000004,-0.0,123456789,1e-07,100]");
  expect_member(&m, "\"allFloat\":[0.1,16777216,3.4028235e+38,1e-45,0.33333334]");
}

static void expect_number(uint64_t number) {
  struct sample_every m = {.a_uint64 = number, .an_int64 = (int64_t)(0 - number)};
  char member[64];
  snprintf(member, sizeof member, "\"aUint64\":\"%llu\",", (unsigned long long)number);
  expect_member(&m, member);
  snprintf(member, sizeof member, "\"anInt64\":\"%lld\",", (long long)m.an_int64);
  expect_member(&m, member);
}

/* About every power of ten, and with every last digit; then random ones of every length. */
static void whole_numbers_are_written_as_printf_writes_them(void **state) {
  (void)state;
  uint64_t power = 1;
  for (int digits = 1; digits <= 20; digits++, power *= 10) {
    for (uint64_t i = 0; i < 12; i++) {
      expect_number(power - 1 + i);
      expect_number(power * 9 + i);
    }
  }
  expect_number(0);
  expect_number(UINT64_MAX);
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 5000; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    expect_number(random >> (i % 64));
  }
}

static void not_a_number_and_infinities_are_written_by_name(void **state) {
  (void)state;
  double doubles[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
  float floats[] = {NAN, INFINITY, -INFINITY};
  struct sample_every m = {.all_double = {doubles, 3}, .all_float = {floats, 3}};
  expect_member(&m,
                "\"allDouble\":[\"NaN\",\"Infinity\",\"-Infinity\"],\"allFloat\":[\"NaN\",\"Infinity\",\"-Infinity\"]");
}

static void strings_are_escaped_where_they_must_be(void **state) {
  (void)state;
  struct sample_chat chat = {.message = STOA_STR("\"\\\b\f\n\r\t\x01\x1f\x7f/<\xe2\x80\xa8"),
                             .sender = STOA_STR("a long run without escapes, then one\n and a tail"),
                             .timestamp = {"a\0b", 3}};
  kit_expect_json(&kit, &sample_chat_type, &chat,
                  "{\"message\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/<\xe2\x80\xa8\","
                  "\"sender\":\"a long run without escapes, then one\\n and a tail\",\"timestamp\":\"a\\u0000b\"}");
}

static void an_escape_is_found_at_every_place_of_a_string(void **state) {
  (void)state;
  char text[48];
  for (size_t len = 1; len < sizeof text; len++) {
    for (size_t place = 0; place < len; place++) {
      memset(text, 'x', sizeof text);
      text[place] = '"';
      struct sample_chat chat = {.message = {text, len}};
      char json[128];
      (void)snprintf(json, sizeof json, "{\"message\":\"%.*s\\\"%.*s\",\"sender\":\"\",\"timestamp\":\"\"}", (int)place,
                     text, (int)(len - place - 1), text + place + 1);
      kit_expect_json(&kit, &sample_chat_type, &chat, json);
    }
  }
}

static void strings_that_are_not_utf8_are_refused_and_nothing_is_written(void **state) {
  (void)state;
  static const struct stoa_string texts[] = {STOA_STR("\xff"), STOA_STR("\n\xff"),
                                             STOA_STR("0123456789abcdefgh\xe2\x82")};
  kit.out.len = 0;
  assert_int_equal(stoa_buffer_append(&kit.out, "before", 6), STOA_OK);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct sample_chat chat = {.message = STOA_STR("good"), .sender = texts[i]};
    assert_int_equal(stoa_codec_json.encode(&sample_chat_type, &chat, &kit.out), STOA_E_UTF8);
    assert_int_equal(kit.out.len, 6);
    assert_memory_equal(kit.out.data, "before", 6);
  }
}

static void values_are_written_down_to_the_depth_cap(void **state) {
  (void)state;
  struct sample_chat chat = {0};
  struct sample_every *levels = test_calloc(STOA_CODEC_DEPTH_MAX, sizeof *levels);
  for (size_t i = 0; i + 1 < STOA_CODEC_DEPTH_MAX; i++) {
    levels[i].an_every = &levels[i + 1];
  }
  kit.out.len = 0;
  /* The innermost message holds empty lists, which are one level more. */
  assert_int_equal(stoa_codec_json.encode(&sample_every_type, &levels[0], &kit.out), STOA_E_LIMIT);
  assert_int_equal(kit.out.len, 0);
  assert_int_equal(stoa_codec_json.encode(&sample_every_type, &levels[1], &kit.out), STOA_OK);
  levels[STOA_CODEC_DEPTH_MAX - 1].all_chat.items = &chat;
  levels[STOA_CODEC_DEPTH_MAX - 1].all_chat.count = 1;
  assert_int_equal(stoa_codec_json.encode(&sample_every_type, &levels[1], &kit.out), STOA_E_LIMIT);
  test_free(levels);
}

static void a_buffers_cap_is_used_to_the_last_byte(void **state) {
  (void)state;
  struct sample_counts_entry counts[] = {{STOA_STR("k\n"), 1}, {STOA_STR("l"), -1}};
  double doubles[] = {(double)NAN, 0.5};
  struct sample_every m = {.a_string = STOA_STR("a\x01\"\xc3\xa9"),
                           .a_bytes = {(const uint8_t *)"xyz", 3},
                           .all_double = {doubles, 2},
                           .counts = {counts, 2},
                           .an_int64 = -77};
  kit.out.len = 0;
  assert_int_equal(stoa_codec_json.encode(&sample_every_type, &m, &kit.out), STOA_OK);
  size_t need = kit.out.len;
  for (size_t cap = 0; cap <= need; cap++) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, cap);
    assert_int_equal(stoa_codec_json.encode(&sample_every_type, &m, &out), cap < need ? STOA_E_LIMIT : STOA_OK);
    assert_int_equal(out.len, cap < need ? 0 : need);
    stoa_buffer_fini(&out);
  }
}

static void what_is_written_reads_back_the_same(void **state) {
  (void)state;
  static const char hex[] =
      "09 00 00 00 00 00 00 f8 3f 15 00 00 00 c0 18 ff ff ff ff ff ff ff ff ff 01 4a 03 68 c3 a9 "
      "52 02 00 ff 60 fe ff ff ff ff ff ff ff ff 01 8a 01 00 a0 01 00 9a 02 06 03 8e 02 9e a7 05 "
      "ba 02 01 61 ba 02 00 82 03 02 28 01 a2 03 03 0a 01 78 e2 03 05 0a 01 61 10 00";
  struct sample_every m;
  assert_int_equal(kit_decode_hex(&kit, &sample_every_type, hex, &m), STOA_OK);
  kit.out.len = 0;
  assert_int_equal(stoa_codec_json.encode(&sample_every_type, &m, &kit.out), STOA_OK);
  struct sample_every back;
  assert_int_equal(kit_decode(&kit, &stoa_codec_json, &sample_every_type, kit.out.data, kit.out.len, &back), STOA_OK);
  kit_expect_hex(&kit, &sample_every_type, &back, hex);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(text_fields_are_written_in_order_and_also_when_empty),
      TEST(all_without_presence_is_written_and_nothing_that_is_unset),
      TEST(every_scalar_kind_is_written),
      TEST(presence_decides_for_optional_oneof_and_messages),
      TEST(lists_and_maps_are_written),
      TEST(an_enum_is_written_by_its_first_name_or_by_number),
      TEST(reals_are_written_in_the_shortest_text_that_reads_back),
      TEST(whole_numbers_are_written_as_printf_writes_them),
      TEST(not_a_number_and_infinities_are_written_by_name),
      TEST(strings_are_escaped_where_they_must_be),
      TEST(an_escape_is_found_at_every_place_of_a_string),
      TEST(strings_that_are_not_utf8_are_refused_and_nothing_is_written),
      TEST(values_are_written_down_to_the_depth_cap),
      TEST(a_buffers_cap_is_used_to_the_last_byte),
      TEST(what_is_written_reads_back_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
