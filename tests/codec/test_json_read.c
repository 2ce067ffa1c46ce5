/* proto3 JSON into messages. */
#include <math.h>
#include <stdio.h>

#include "kit.h"

#define ARENA_BYTES_MAX (16u * 1024 * 1024)

static struct kit kit;
static struct sample_every m;

static int open_kit(void **state) {
  (void)state;
  kit_open(&kit, ARENA_BYTES_MAX);
  return 0;
}

static int close_kit(void **state) {
  (void)state;
  kit_close(&kit);
  return 0;
}

static void take(const char *json) {
  int status = kit_decode_json(&kit, &sample_every_type, json, &m);
  if (status != STOA_OK) {
    print_error("%s: %s\n", json, kit.error.text);
  }
  assert_int_equal(status, STOA_OK);
}

static void refuse(const char *json, int status) {
  int actual = kit_decode_json(&kit, &sample_every_type, json, &m);
  if (actual != status) {
    print_error("%s: %s\n", json, kit.error.text);
  }
  assert_int_equal(actual, status);
  assert_true(kit.error.text[0] != '\0');
}

static void refuse_each(const char *const *texts, size_t count, int status) {
  for (size_t i = 0; i < count; i++) {
    refuse(texts[i], status);
  }
}

#define REFUSE_EACH(status, ...)                                  \
  do {                                                            \
    static const char *const texts[] = {__VA_ARGS__};             \
    refuse_each(texts, sizeof texts / sizeof texts[0], (status)); \
  } while (0)

static void every_scalar_kind_is_read(void **state) {
  (void)state;
  take(
      "{\"aDouble\":1.5,\"aFloat\":-2,\"anInt64\":\"-1\",\"aUint64\":\"18446744073709551615\",\"anInt32\":-1,"
      "\"aFixed64\":\"1\",\"aFixed32\":2,\"aBool\":true,\"aString\":\"h\xc3\xa9\",\"aBytes\":\"AP8=\",\"aUint32\":150,"
      "\"aColor\":\"COLOR_BLUE\",\"aSfixed32\":-2,\"aSfixed64\":\"-3\",\"aSint32\":-64,"
      "\"aSint64\":\"-9223372036854775808\"}");
  assert_true(m.a_double == 1.5 && m.a_float == -2.0f);
  assert_true(m.an_int64 == -1 && m.a_uint64 == UINT64_MAX && m.an_int32 == -1);
  assert_true(m.a_fixed64 == 1 && m.a_fixed32 == 2 && m.a_bool);
  kit_expect_string(m.a_string, "h\xc3\xa9");
  assert_int_equal(m.a_bytes.len, 2);
  assert_memory_equal(m.a_bytes.data, "\x00\xff", 2);
  assert_true(m.a_uint32 == 150 && m.a_color == -2);
  assert_true(m.a_sfixed32 == -2 && m.a_sfixed64 == -3 && m.a_sint32 == -64 && m.a_sint64 == INT64_MIN);
}

static void members_come_in_any_order_under_both_names(void **state) {
  (void)state;
  take(" { \"Odd!\" : \"x\" , \"an_int32\" : 5 ,\r\n\t\"aUint32\":7} ");
  kit_expect_string(m.odd_name, "x");
  assert_true(m.an_int32 == 5 && m.a_uint32 == 7);
  take("{\"odd_name\":\"y\",\"\\u0061nInt32\":6}");
  kit_expect_string(m.odd_name, "y");
  assert_int_equal(m.an_int32, 6);
}

static void unknown_members_are_ignored_with_all_they_hold(void **state) {
  (void)state;
  take(
      "{\"x\":{\"a\":[1,-2.5e3,\"\\u00e9\",true,false,null,{},[],[[]],{\"b\":{}}]},\"an\":1,\"anInt32\":5,\"y\":\"\"}");
  assert_int_equal(m.an_int32, 5);
}

static void null_is_the_same_as_leaving_a_member_out(void **state) {
  (void)state;
  take(
      "{\"anInt32\":null,\"aString\":null,\"aChat\":null,\"allInt32\":null,\"counts\":null,\"maybeInt\":null,"
      "\"choiceText\":null,\"choiceInt\":4}");
  assert_null(m.a_chat);
  assert_false(m.has_maybe_int);
  assert_int_equal(m.choice_case, 50);
  REFUSE_EACH(STOA_E_TYPE, "{\"allInt32\":[null]}", "{\"allChat\":[null]}", "{\"allString\":[null]}",
              "{\"counts\":{\"a\":null}}", "{\"chats\":{\"1\":null}}", "null");
}

static void nested_messages_lists_and_maps_are_read(void **state) {
  (void)state;
  take(
      "{\"aChat\":{\"sender\":\"s\"},\"anEvery\":{\"anEvery\":{\"anInt32\":3}},\"allInt32\":[1, 2 ,3],"
      "\"allChat\":[{\"message\":\"a\"},{}],\"counts\":{\"a\":1,\"\":2},\"chats\":{\"-1\":{\"sender\":\"b\"}},"
      "\"flags\":{\"true\":\"t\",\"false\":\"f\"},\"colors\":{\"18446744073709551615\":\"COLOR_RED\"}}");
  kit_expect_string(m.a_chat->sender, "s");
  assert_int_equal(m.an_every->an_every->an_int32, 3);
  assert_int_equal(m.all_int32.count, 3);
  assert_int_equal(m.all_int32.items[2], 3);
  assert_int_equal(m.all_chat.count, 2);
  assert_int_equal(m.counts.count, 2);
  assert_int_equal(m.counts.items[1].value, 2);
  assert_int_equal(m.chats.items[0].key, -1);
  kit_expect_string(m.chats.items[0].value->sender, "b");
  assert_true(m.flags.items[0].key && !m.flags.items[1].key);
  assert_true(m.colors.items[0].key == UINT64_MAX && m.colors.items[0].value == 1);
}

static void empty_lists_and_maps_are_read(void **state) {
  (void)state;
  take("{\"allInt32\":[],\"counts\":{},\"allChat\":[ ],\"chats\":{ }}");
  assert_int_equal(m.all_int32.count, 0);
  assert_int_equal(m.chats.count, 0);
}

static void optional_and_oneof_members_are_marked(void **state) {
  (void)state;
  take("{\"maybeInt\":0,\"maybeText\":\"\",\"choiceChat\":{}}");
  assert_true(m.has_maybe_int && m.has_maybe_text);
  assert_int_equal(m.choice_case, 52);
  assert_non_null(m.choice.choice_chat);
}

static void a_member_that_comes_twice_is_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_SYNTAX, "{\"anInt32\":1,\"anInt32\":1}", "{\"anInt32\":1,\"an_int32\":1}",
              "{\"anInt32\":null,\"anInt32\":1}", "{\"allInt32\":[1],\"allInt32\":[2]}", "{\"aChat\":{},\"aChat\":{}}");
}

static void a_member_that_comes_twice_is_refused_in_a_type_of_many_fields(void **state) {
  (void)state;
  struct sample_wide wide;
  assert_int_equal(kit_decode_json(&kit, &sample_wide_type, "{\"f70\":true,\"f6\":true}", &wide), STOA_OK);
  assert_true(wide.fields[69] && wide.fields[5] && !wide.fields[0]);
  assert_int_equal(kit_decode_json(&kit, &sample_wide_type, "{\"f70\":true,\"f70\":true}", &wide), STOA_E_SYNTAX);
  assert_string_equal(kit.error.text, "f70: a duplicate member");
}

static void two_members_of_one_oneof_are_refused(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"choiceInt\":1,\"choiceText\":\"x\"}", STOA_E_SYNTAX,
                  "choice_text: another member of its oneof is set too");
}

static void a_map_key_that_comes_twice_is_refused(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"counts\":{\"a\":1,\"b\":1,\"\\u0061\":2}}", STOA_E_SYNTAX, "counts: a duplicate key");
  refuse("{\"chats\":{\"1\":{},\"1\":{}}}", STOA_E_SYNTAX);
  refuse("{\"flags\":{\"true\":\"\",\"true\":\"\"}}", STOA_E_SYNTAX);
}

static void map_keys_of_the_wrong_kind_are_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_TYPE, "{\"chats\":{\"x\":{}}}", "{\"chats\":{\"\":{}}}", "{\"chats\":{\"1 \":{}}}",
              "{\"chats\":{\"2147483648\":{}}}", "{\"flags\":{\"True\":\"\"}}", "{\"flags\":{\"1\":\"\"}}",
              "{\"colors\":{\"-1\":0}}");
}

static void whole_numbers_come_bare_or_quoted_in_any_notation(void **state) {
  (void)state;
  take(
      "{\"anInt32\":1e3,\"aUint32\":\"4294967295\",\"anInt64\":-9223372036854775808,\"aUint64\":18446744073709551615,"
      "\"aSint32\":100.0,\"aSint64\":\"-5\",\"aFixed32\":1.5e1,\"aFixed64\":-0,\"aSfixed32\":-2147483648,"
      "\"aSfixed64\":100000000000000000000000e-23}");
  assert_true(m.an_int32 == 1000 && m.a_uint32 == UINT32_MAX);
  assert_true(m.an_int64 == INT64_MIN && m.a_uint64 == UINT64_MAX);
  assert_true(m.a_sint32 == 100 && m.a_sint64 == -5 && m.a_fixed32 == 15 && m.a_fixed64 == 0);
  assert_true(m.a_sfixed32 == INT32_MIN && m.a_sfixed64 == 1);
}

static void whole_numbers_out_of_range_are_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_TYPE, "{\"anInt32\":2147483648}", "{\"anInt32\":-2147483649}", "{\"aUint32\":4294967296}",
              "{\"aUint32\":-1}", "{\"anInt64\":9223372036854775808}", "{\"anInt64\":-9223372036854775809}",
              "{\"aUint64\":18446744073709551616}", "{\"aUint64\":-1}", "{\"anInt32\":1e999999999}",
              "{\"anInt32\":1e99999999999999999999}", "{\"aFixed32\":1.5}", "{\"anInt64\":1e-1}",
              "{\"anInt64\":0.99999999999999999999999999}", "{\"anInt64\":123456789012345678901234}",
              "{\"aColor\":2147483648}");
}

static void what_is_no_number_is_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_TYPE, "{\"anInt32\":\"\"}", "{\"anInt32\":\"1 \"}", "{\"anInt32\":\" 1\"}", "{\"anInt32\":\"x\"}",
              "{\"anInt32\":true}", "{\"anInt32\":{}}", "{\"anInt32\":[1]}", "{\"anInt32\":\"0x1\"}",
              "{\"aDouble\":\"\"}", "{\"aDouble\":\"nan\"}", "{\"aDouble\":\"1,5\"}", "{\"anInt32\":\"NaN\"}");
  REFUSE_EACH(STOA_E_SYNTAX, "{\"anInt32\":+1}", "{\"aDouble\":NaN}", "{\"aDouble\":.5}", "{\"aDouble\":1.}",
              "{\"anInt32\":-}", "{\"aDouble\":1e}", "{\"aDouble\":1e+}");
  REFUSE_EACH(STOA_E_SYNTAX, "{\"anInt32\":01}", "{\"anInt32\":0x1}", "{\"anInt32\":1_0}", "{\"aDouble\":1.5.5}",
              "{\"anInt32\":-01}", "{\"x\":01}", "{\"x\":+1}", "{\"x\":.5}", "{\"x\":1.}", "{\"x\":-}", "{\"x\":NaN}");
}

static void reals_are_read_to_the_nearest_value(void **state) {
  (void)state;
  take(
      "{\"allDouble\":[0.1,1e23,5e-324,1.7976931348623157e308,123456789012345678,-0.0,\"2.5\",2.2250738585072014e-308,"
      "0.30000000000000000000000000000000000004,1e-999999999,9007199254740993]}");
  const double *d = m.all_double.items;
  assert_true(d[0] == 0.1 && d[1] == 1e23 && d[2] == 5e-324 && d[3] == 1.7976931348623157e308);
  assert_true(d[4] == 123456789012345678.0 && d[5] == 0 && signbit(d[5]) && d[6] == 2.5);
  assert_true(d[7] == 2.2250738585072014e-308 && d[8] == 0.3 && d[9] == 0 && d[10] == 9007199254740992.0);
  take("{\"allFloat\":[0.1,3.4028234e38,1e-45,16777217,1.00000017881393432617187499]}");
  const float *f = m.all_float.items;
  assert_true(f[0] == 0.1f && f[1] == 3.4028234e38f && f[2] == 1e-45f && f[3] == 16777216.0f && f[4] == 0x1.000002p0f);
}

static void not_a_number_and_infinities_have_names(void **state) {
  (void)state;
  take("{\"allDouble\":[\"NaN\",\"Infinity\",\"-Infinity\"],\"allFloat\":[\"NaN\",\"Infinity\",\"-Infinity\"]}");
  assert_true(isnan(m.all_double.items[0]) && m.all_double.items[1] > 1e308 && m.all_double.items[2] < -1e308);
  assert_true(isnan(m.all_float.items[0]) && isinf(m.all_float.items[1]) && isinf(m.all_float.items[2]));
}

static void reals_that_are_too_large_are_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_TYPE, "{\"aDouble\":1e309}", "{\"aDouble\":-1e999999999}", "{\"aFloat\":3.5e38}",
              "{\"aFloat\":1e39}", "{\"aDouble\":1.8e308}");
}

/* A number of 100,000 digits costs its own length and is no overflow of anything. */
static void very_long_numbers_are_read_to_their_end(void **state) {
  (void)state;
  enum { DIGITS = 100000 };
  static char json[DIGITS + 64];
  int start = snprintf(json, sizeof json, "{\"anInt64\":");
  memset(json + start, '9', DIGITS);
  json[start + DIGITS] = '}';
  json[start + DIGITS + 1] = '\0';
  refuse(json, STOA_E_TYPE);
  start = snprintf(json, sizeof json, "{\"aDouble\":0.");
  memset(json + start, '0', DIGITS);
  (void)snprintf(json + start + DIGITS, 8, "1}");
  take(json);
  assert_true(m.a_double == 0);
  start = snprintf(json, sizeof json, "{\"aDouble\":1.");
  memset(json + start, '0', DIGITS);
  (void)snprintf(json + start + DIGITS, 8, "1}");
  take(json);
  assert_true(m.a_double == 1);
}

static void bools_are_true_and_false_only(void **state) {
  (void)state;
  take("{\"allBool\":[true,false]}");
  assert_true(m.all_bool.items[0] && !m.all_bool.items[1]);
  REFUSE_EACH(STOA_E_TYPE, "{\"aBool\":1}", "{\"aBool\":\"true\"}");
  REFUSE_EACH(STOA_E_SYNTAX, "{\"aBool\":TRUE}", "{\"aBool\":tru}");
  refuse("{\"aBool\":truex}", STOA_E_SYNTAX);
}

static void enums_come_by_name_or_number(void **state) {
  (void)state;
  take("{\"allColor\":[\"COLOR_ROUGE\",1,-2,77,\"5\"]}");
  const int32_t *c = m.all_color.items;
  assert_true(c[0] == 1 && c[1] == 1 && c[2] == -2 && c[3] == 77 && c[4] == 5);
  REFUSE_EACH(STOA_E_TYPE, "{\"aColor\":\"COLOR_PINK\"}", "{\"aColor\":\"\"}", "{\"aColor\":1.5}", "{\"aColor\":true}",
              "{\"aColor\":\"color_red\"}");
}

static void base64_comes_in_both_alphabets_with_or_without_padding(void **state) {
  (void)state;
  take("{\"allBytes\":[\"\",\"AA==\",\"AA\",\"-_8\",\"+/8=\",\"\\u002bv8=\",\"AQID\"]}");
  assert_int_equal(m.all_bytes.items[0].len, 0);
  assert_int_equal(m.all_bytes.items[1].len, 1);
  assert_int_equal(m.all_bytes.items[2].len, 1);
  assert_true(stoa_bytes_equal(m.all_bytes.items[3], stoa_bytes_make("\xfb\xff", 2)));
  assert_true(stoa_bytes_equal(m.all_bytes.items[4], stoa_bytes_make("\xfb\xff", 2)));
  assert_true(stoa_bytes_equal(m.all_bytes.items[5], stoa_bytes_make("\xfa\xff", 2)));
  assert_true(stoa_bytes_equal(m.all_bytes.items[6], stoa_bytes_make("\x01\x02\x03", 3)));
}

static void what_is_no_base64_is_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_TYPE, "{\"aBytes\":\"A\"}", "{\"aBytes\":\"AAAAA\"}", "{\"aBytes\":\"A===\"}",
              "{\"aBytes\":\"AA=\"}", "{\"aBytes\":\"=\"}", "{\"aBytes\":\"A A=\"}", "{\"aBytes\":\"AA==AA==\"}",
              "{\"aBytes\":\"\xc3\xa9\"}", "{\"aBytes\":5}");
}

static void strings_without_escapes_point_into_the_input(void **state) {
  (void)state;
  static const char json[] = "{\"aString\":\"h\xc3\xa9llo\"}";
  memset(&m, 0, sizeof m);
  struct stoa_bytes input = stoa_bytes_make(json, strlen(json));
  assert_int_equal(stoa_codec_json.decode(&sample_every_type, input, kit.arena, &m, &kit.error), STOA_OK);
  assert_ptr_equal(m.a_string.data, json + 12);
  assert_int_equal(stoa_arena_used(kit.arena), 0);
}

static void all_escapes_are_understood(void **state) {
  (void)state;
  take("{\"aString\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\uDBFF\\uDFFF z\"}");
  kit_expect_string(m.a_string, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf z");
}

static void a_nul_comes_as_an_escape_only(void **state) {
  (void)state;
  take("{\"aString\":\"a\\u0000b\"}");
  assert_int_equal(m.a_string.len, 3);
  assert_memory_equal(m.a_string.data, "a\0b", 3);
  assert_int_equal(kit_decode(&kit, &stoa_codec_json, &sample_every_type, "{\"aString\":\"a\0b\"}", 17, &m),
                   STOA_E_SYNTAX);
  assert_int_equal(kit_decode(&kit, &stoa_codec_json, &sample_every_type, "{}\0", 3, &m), STOA_E_SYNTAX);
}

static void bad_escapes_are_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_SYNTAX, "{\"aString\":\"\\x\"}", "{\"aString\":\"\\u12\"}", "{\"aString\":\"\\u12g4\"}",
              "{\"aString\":\"\\U0041\"}", "{\"aString\":\"\\", "{\"aString\":\"\\\"}", "{\"aString\":\"\\u\"}",
              "{\"aString\":\"\\u00", "{\"x\":\"\\q\"}", "{\"aString\":\"\\ud83d\\uZZZZ\"}");
}

static void lone_surrogates_are_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_UTF8, "{\"aString\":\"\\ud83d\"}", "{\"aString\":\"\\ude00\"}", "{\"aString\":\"\\ud83dx\"}",
              "{\"aString\":\"\\ud83d\\n\"}", "{\"aString\":\"\\ud83d\\ud83d\"}", "{\"aString\":\"\\ud83d\\u0041\"}",
              "{\"aString\":\"\\ude00\\ud83d\"}", "{\"x\":\"\\ud800\"}", "{\"\\ud800\":1}");
}

static void strings_that_are_not_utf8_are_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_UTF8, "{\"aString\":\"\x80\"}", "{\"aString\":\"\xc0\x80\"}", "{\"aString\":\"\xed\xa0\x80\"}",
              "{\"aString\":\"\xf4\x90\x80\x80\"}", "{\"aString\":\"long enough to fill a block \xe2\x82\"}",
              "{\"aString\":\"\\n\xff\"}", "{\"x\":\"\xff\"}", "{\"\xff\":1}", "{\"counts\":{\"\xff\":1}}");
}

static void raw_control_bytes_are_refused_at_every_place_of_a_string(void **state) {
  (void)state;
  for (char byte = 1; byte < 0x20; byte++) {
    char json[] = "{\"aString\":\"0123456789012345678901234567890123456789\"}";
    for (size_t i = 12; i < sizeof json - 3; i++) {
      char before = json[i];
      json[i] = byte;
      refuse(json, STOA_E_SYNTAX);
      json[i] = before;
    }
  }
}

static void a_string_of_every_length_is_read(void **state) {
  (void)state;
  char json[128];
  for (int len = 0; len < 80; len++) {
    char text[81];
    memset(text, 'x', sizeof text);
    text[len] = '\0';
    (void)snprintf(json, sizeof json, "{\"aString\":\"%s\"}", text);
    take(json);
    kit_expect_string(m.a_string, text);
    (void)snprintf(json, sizeof json, "{\"aString\":\"%s\\n\xc3\xa9\"}", text);
    take(json);
    assert_int_equal(m.a_string.len, len + 3);
  }
}

static void what_is_not_json_is_refused(void **state) {
  (void)state;
  REFUSE_EACH(STOA_E_SYNTAX, "", " ", "{", "{\"", "{\"anInt32", "{\"anInt32\"", "{\"anInt32\":", "{\"anInt32\":1",
              "{\"anInt32\":1,", "{\"anInt32\":1,}", "{,}", "{\"anInt32\" 1}", "{anInt32:1}", "{'anInt32':1}", "{}}",
              "{} {}", "{}x", "{\"allInt32\":[1", "{\"allInt32\":[1 2]}", "{\"allInt32\":[1,,2]}",
              "{\"anInt32\":1 \"aBool\":true}", "{\"x\":}", "{\"x\":[1,]}", "{\"x\":[,]}", "{\"x\":{\"a\"}}",
              "{\"x\":{\"a\":1,}}", "{\"x\":{a:1}}", "{\"x\":[1}}", "{\"x\":{\"a\":1]}", "{\"x\":tru}", "{\"x\":[",
              "{\"x\":{", "{\"x\":\"", "{\"x\":nul", "{\"counts\":{\"a\"}}", "{\"counts\":{\"a\":1,}}",
              "{\"counts\":{a:1}}", "{\"counts\":{\"a\":1", "{/**/}", "{\"x\":1}//", "{\"aString\":\"x",
              "\xef\xbb\xbf{}", "{\"allInt32\":[1,]}", "x", "{\"aBool\":", "{\"aChat\":{\"sender\":\"s\"}");
  REFUSE_EACH(STOA_E_TYPE, "[]", "1", "\"x\"", "true", "{\"allInt32\":1}", "{\"allInt32\":{}}", "{\"counts\":[]}",
              "{\"aChat\":\"x\"}", "{\"aString\":1}", "{\"allChat\":[1]}");
}

/* `prefix` count times, a middle, `suffix` count times. */
static char *tower(const char *head, const char *prefix, const char *middle, const char *suffix, size_t count) {
  size_t len = strlen(head) + (strlen(prefix) + strlen(suffix)) * count + strlen(middle) + 2;
  char *json = test_malloc(len);
  char *at = stpcpy(json, head);
  for (size_t i = 0; i < count; i++) {
    at = stpcpy(at, prefix);
  }
  at = stpcpy(at, middle);
  for (size_t i = 0; i < count; i++) {
    at = stpcpy(at, suffix);
  }
  (void)stpcpy(at, head[0] == '\0' ? "" : "}");
  return json;
}

static void expect_tower(const char *head, const char *prefix, const char *middle, const char *suffix, size_t count,
                         int status) {
  char *json = tower(head, prefix, middle, suffix, count);
  assert_int_equal(kit_decode_json(&kit, &sample_every_type, json, &m), status);
  test_free(json);
}

static void values_are_read_down_to_the_depth_cap(void **state) {
  (void)state;
  size_t most = STOA_CODEC_DEPTH_MAX - 1;
  expect_tower("", "{\"anEvery\":", "{}", "}", most, STOA_OK);
  expect_tower("", "{\"anEvery\":", "{}", "}", most + 1, STOA_E_LIMIT);
  expect_tower("", "{\"anEvery\":", "{}", "}", 100000, STOA_E_LIMIT);
  expect_tower("", "{\"allEvery\":[", "", "]}", STOA_CODEC_DEPTH_MAX / 2, STOA_OK);
  expect_tower("", "{\"allEvery\":[", "", "]}", STOA_CODEC_DEPTH_MAX / 2 + 1, STOA_E_LIMIT);
}

static void skipped_values_are_read_down_to_the_depth_cap(void **state) {
  (void)state;
  size_t most = STOA_CODEC_DEPTH_MAX - 1;
  expect_tower("{\"x\":", "[", "", "]", most, STOA_OK);
  expect_tower("{\"x\":", "[", "", "]", most + 1, STOA_E_LIMIT);
  expect_tower("{\"x\":", "{\"a\":", "1", "}", most, STOA_OK);
  expect_tower("{\"x\":", "{\"a\":", "1", "}", most + 1, STOA_E_LIMIT);
  expect_tower("{\"x\":", "[", "", "", 100000, STOA_E_LIMIT);
  expect_tower("{\"x\":", "{\"a\":", "", "", 100000, STOA_E_LIMIT);
  expect_tower("", "[", "", "", 100000, STOA_E_TYPE);
}

static void truncated_input_is_refused_and_never_read_after_its_end(void **state) {
  (void)state;
  static const char json[] =
      "{\"aDouble\":-1.5e3,\"anInt64\":\"-1\",\"aBool\":true,\"aString\":\"h\xc3\xa9\\ud83d\\ude00\",\"aBytes\":\"AP8="
      "\","
      "\"aColor\":\"COLOR_BLUE\",\"aChat\":{\"sender\":null},\"allInt32\":[1,2],\"counts\":{\"a\":1},\"x\":[{\"y\":1}]"
      "}";
  for (size_t cut = 0; cut < sizeof json - 1; cut++) {
    int status = kit_decode(&kit, &stoa_codec_json, &sample_every_type, json, cut, &m);
    assert_true(status == STOA_E_SYNTAX || status == STOA_E_TYPE);
  }
  take(json);
}

static void many_unknown_members_and_map_keys_are_read(void **state) {
  (void)state;
  enum { COUNT = 20000, MEMBER_LEN = 16 };
  char *json = test_malloc((COUNT + 2) * MEMBER_LEN);
  char *at = stpcpy(json, "{\"counts\":{");
  for (int i = 0; i < COUNT; i++) {
    at += sprintf(at, "%s\"k%d\":%d", i == 0 ? "" : ",", i, i % 10);
  }
  (void)stpcpy(at, "}}");
  take(json);
  assert_int_equal(m.counts.count, COUNT);
  memcpy(json, " { \"un\" : {", 11);
  take(json);
  assert_int_equal(m.counts.count, 0);
  test_free(json);
}

static void input_that_needs_more_than_the_arenas_cap_is_too_large(void **state) {
  (void)state;
  kit_close(&kit);
  kit_open(&kit, 16);
  kit_refuse_json(&kit, "{\"aString\":\"0123456789abcdef\\n\"}", STOA_E_LIMIT, "a_string: too large after decoding");
  kit_refuse_json(&kit, "{\"anEvery\":{}}", STOA_E_LIMIT, "an_every: too large after decoding");
  kit_refuse_json(&kit, "{\"allString\":[\"\"]}", STOA_E_LIMIT, "all_string[0]: too large after decoding");
  kit_refuse_json(&kit, "{\"counts\":{\"\":1}}", STOA_E_LIMIT, "counts[\"\"]: too large after decoding");
  kit_refuse_json(&kit, "{\"aDouble\":12345678901234567890e1}", STOA_E_LIMIT, "a_double: too large after decoding");
  kit_refuse_json(&kit, "{\"aFloat\":12345678901234567890e1}", STOA_E_LIMIT, "a_float: too large after decoding");
  kit_refuse_json(&kit, "{\"aBytes\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", STOA_E_LIMIT,
                  "a_bytes: too large after decoding");
}

static void the_error_may_be_left_out(void **state) {
  (void)state;
  memset(&m, 0, sizeof m);
  struct stoa_bytes input = stoa_bytes_make("{\"aChat\":{\"sender\":1}}", 22);
  assert_int_equal(stoa_codec_json.decode(&sample_every_type, input, kit.arena, &m, NULL), STOA_E_TYPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_scalar_kind_is_read),
      TEST(members_come_in_any_order_under_both_names),
      TEST(unknown_members_are_ignored_with_all_they_hold),
      TEST(null_is_the_same_as_leaving_a_member_out),
      TEST(nested_messages_lists_and_maps_are_read),
      TEST(empty_lists_and_maps_are_read),
      TEST(optional_and_oneof_members_are_marked),
      TEST(a_member_that_comes_twice_is_refused),
      TEST(a_member_that_comes_twice_is_refused_in_a_type_of_many_fields),
      TEST(two_members_of_one_oneof_are_refused),
      TEST(a_map_key_that_comes_twice_is_refused),
      TEST(map_keys_of_the_wrong_kind_are_refused),
      TEST(whole_numbers_come_bare_or_quoted_in_any_notation),
      TEST(whole_numbers_out_of_range_are_refused),
      TEST(what_is_no_number_is_refused),
      TEST(reals_are_read_to_the_nearest_value),
      TEST(not_a_number_and_infinities_have_names),
      TEST(reals_that_are_too_large_are_refused),
      TEST(very_long_numbers_are_read_to_their_end),
      TEST(bools_are_true_and_false_only),
      TEST(enums_come_by_name_or_number),
      TEST(base64_comes_in_both_alphabets_with_or_without_padding),
      TEST(what_is_no_base64_is_refused),
      TEST(strings_without_escapes_point_into_the_input),
      TEST(all_escapes_are_understood),
      TEST(a_nul_comes_as_an_escape_only),
      TEST(bad_escapes_are_refused),
      TEST(lone_surrogates_are_refused),
      TEST(strings_that_are_not_utf8_are_refused),
      TEST(raw_control_bytes_are_refused_at_every_place_of_a_string),
      TEST(a_string_of_every_length_is_read),
      TEST(what_is_not_json_is_refused),
      TEST(values_are_read_down_to_the_depth_cap),
      TEST(skipped_values_are_read_down_to_the_depth_cap),
      TEST(truncated_input_is_refused_and_never_read_after_its_end),
      TEST(many_unknown_members_and_map_keys_are_read),
      TEST(input_that_needs_more_than_the_arenas_cap_is_too_large),
      TEST(the_error_may_be_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
