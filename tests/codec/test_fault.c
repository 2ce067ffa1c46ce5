/* The texts of decoding errors: the path, what was expected, what was found. */
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

static void the_path_names_fields_indexes_and_keys(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"aUint32\":\"x\"}", STOA_E_TYPE, "a_uint32: expected uint32, got \"x\"");
  kit_refuse_json(&kit, "{\"allChat\":[{},{},{},{\"sender\":5}]}", STOA_E_TYPE,
                  "all_chat[3].sender: expected string, got 5");
  kit_refuse_json(&kit, "{\"counts\":{\"\xf0\x9f\x91\x8d\":\"x\"}}", STOA_E_TYPE,
                  "counts[\"\xf0\x9f\x91\x8d\"]: expected int32, got \"x\"");
  kit_refuse_json(&kit, "{\"chats\":{\"7\":{\"sender\":[]}}}", STOA_E_TYPE,
                  "chats[\"7\"].sender: expected string, got an array");
  kit_refuse_json(&kit, "{\"anEvery\":{\"allEvery\":[{\"allInt32\":[1,true]}]}}", STOA_E_TYPE,
                  "an_every.all_every[0].all_int32[1]: expected int32, got true");
  kit_refuse_json(&kit, "{\"chats\":{\"x\":{}}}", STOA_E_TYPE, "chats[\"x\"]: expected int32, got \"x\"");
}

static void the_path_of_binary_input_names_fields_and_indexes(void **state) {
  (void)state;
  kit_refuse_hex(&kit, "92 01 08 fa 02 00 fa 02 02 0a 05", STOA_E_SYNTAX,
                 "an_every.all_chat[1].message: a length passes the end of the input");
}

static void the_error_names_the_kind_of_value_that_was_found(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"aBool\":{}}", STOA_E_TYPE, "a_bool: expected bool, got an object");
  kit_refuse_json(&kit, "{\"aColor\":\"PINK\"}", STOA_E_TYPE, "a_color: expected an enum value, got \"PINK\"");
  kit_refuse_json(&kit, "{\"aBytes\":\"!\"}", STOA_E_TYPE, "a_bytes: expected base64 text, got \"!\"");
  kit_refuse_json(&kit, "{\"aChat\":1e5}", STOA_E_TYPE, "a_chat: expected an object, got 1e5");
  kit_refuse_json(&kit, "{\"allInt32\":null ,\"counts\":[]}", STOA_E_TYPE, "counts: expected an object, got an array");
  kit_refuse_json(&kit, "{\"allInt32\":5}", STOA_E_TYPE, "all_int32: expected an array, got 5");
  kit_refuse_json(&kit, "{\"allFloat\":[null]}", STOA_E_TYPE, "all_float[0]: expected float, got null");
}

static void broken_json_is_reported_with_its_position(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"anInt32\" 5}", STOA_E_SYNTAX, "at byte 11: expected ':'");
  kit_refuse_json(&kit, "{\"anInt32\":5", STOA_E_SYNTAX, "at byte 12 (the end of the input): expected ',' or '}'");
  kit_refuse_json(&kit, "{\"aChat\":{\"sender\":\"x", STOA_E_SYNTAX,
                  "a_chat.sender: at byte 21 (the end of the input): expected the rest of a string");
  kit_refuse_json(&kit, "{} x", STOA_E_SYNTAX, "at byte 3: expected the end of the input");
  kit_refuse_json(&kit, "{\"x\":[1,}", STOA_E_SYNTAX, "at byte 8: expected a value");
}

static void control_bytes_of_the_input_are_escaped(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"anInt32\":\"a\x7f\"}", STOA_E_TYPE, "an_int32: expected int32, got \"a\\x7f\"");
  kit_refuse_json(&kit, "{\"anInt32\":\"\\u0001\x01\"}", STOA_E_SYNTAX,
                  "an_int32: at byte 18: expected the rest of a string");
  kit_refuse_json(&kit, "{\"counts\":{\"a\\nb\":true}}", STOA_E_TYPE, "counts[\"a\\x0ab\"]: expected int32, got true");
}

static void long_input_is_cut_between_characters(void **state) {
  (void)state;
  kit_refuse_json(&kit, "{\"anInt32\":\"0123456789012345678901234567890\"}", STOA_E_TYPE,
                  "an_int32: expected int32, got \"012345678901234567890123...\"");
  kit_refuse_json(&kit, "{\"anInt32\":\"0123456789012345678901\xe2\x82\xac\xe2\x82\xac\"}", STOA_E_TYPE,
                  "an_int32: expected int32, got \"0123456789012345678901...\"");
}

static void a_path_that_is_too_long_loses_its_front(void **state) {
  (void)state;
  char json[1024];
  char *at = json;
  for (int i = 0; i < 30; i++) {
    at = stpcpy(at, "{\"anEvery\":");
  }
  at = stpcpy(at, "{\"anInt32\":\"x\"}");
  memset(at, '}', 30);
  at[30] = '\0';
  struct sample_every m;
  assert_int_equal(kit_decode_json(&kit, &sample_every_type, json, &m), STOA_E_TYPE);
  assert_memory_equal(kit.error.text, "...an_every.", 12);
  assert_non_null(strstr(kit.error.text, ".an_every.an_int32: expected int32, got \"x\""));
}

static void a_good_message_leaves_no_text(void **state) {
  (void)state;
  struct sample_every m;
  assert_int_equal(kit_decode_json(&kit, &sample_every_type, "{\"anInt32\":\"x\"}", &m), STOA_E_TYPE);
  assert_int_equal(kit_decode_json(&kit, &sample_every_type, "{\"anInt32\":1}", &m), STOA_OK);
  assert_string_equal(kit.error.text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_path_names_fields_indexes_and_keys),           TEST(the_path_of_binary_input_names_fields_and_indexes),
      TEST(the_error_names_the_kind_of_value_that_was_found), TEST(broken_json_is_reported_with_its_position),
      TEST(control_bytes_of_the_input_are_escaped),           TEST(long_input_is_cut_between_characters),
      TEST(a_path_that_is_too_long_loses_its_front),          TEST(a_good_message_leaves_no_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
