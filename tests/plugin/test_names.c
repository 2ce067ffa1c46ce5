#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"
#include "pool.h"
#include "problem.h"
#include "text.h"

static void names_become_snake_case_word_by_word(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"ChatMessage", "chat_message"},
      {"chatMessage", "chat_message"},
      {"chat_message", "chat_message"},
      {"CHAT_MESSAGE", "chat_message"},
      {"Chat_Message", "chat_message"},
      {"HTTPServerConfig", "http_server_config"},
      {"UserID", "user_id"},
      {"ID", "id"},
      {"Sha256Sum", "sha256_sum"},
      {"Layer2ID", "layer2_id"},
      {"V2Message", "v2_message"},
      {"STATE_2ND", "state_2nd"},
      {"X509", "x509"},
      {"A", "a"},
      {"_Private", "_private"},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    assert_string_equal(names_snake(pairs[i][0]), pairs[i][1]);
  }
}

static void reserved_words_get_an_underscore(void **state) {
  (void)state;
  static const char *const kept[] = {"int",      "class", "register", "bool",    "typeof",   "errno",    "linux",
                                     "NULL",     "xor",   "_Bool",    "_Atomic", "__int128", "__FILE__", "INT32_MAX",
                                     "STOA_API", "E",     "size_t",   "si_pid",  "co_await"};
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    assert_string_equal(names_safe(kept[i]), text_format("%s_", kept[i]));
  }
  assert_string_equal(names_safe("nick"), "nick");
  assert_string_equal(names_safe("Int"), "Int");
  assert_string_equal(names_safe("_nick"), "_nick");
  assert_string_equal(names_safe("_"), "_");
}

static void names_without_a_prefix_can_be_those_of_headers(void **state) {
  (void)state;
  assert_string_equal(names_safe_tag("stat", ""), "stat_");
  assert_string_equal(names_safe_tag("stoa_string", ""), "stoa_string_");
  assert_string_equal(names_safe_tag("struct", ""), "struct_");
  assert_string_equal(names_safe_tag("room", ""), "room");
  assert_string_equal(names_safe_tag("stoa_error", "stoa"), "stoa_error");
  assert_string_equal(names_safe_constant("INT32_MAX", ""), "INT32_MAX_");
  assert_string_equal(names_safe_constant("STOA_API", ""), "STOA_API_");
  assert_string_equal(names_safe_constant("__FILE__", ""), "__FILE___");
  assert_string_equal(names_safe_constant("COLOUR_RED", ""), "COLOUR_RED");
  assert_string_equal(names_safe_constant("STOA_BYTE_ORDER_BIG", "stoa"), "STOA_BYTE_ORDER_BIG");
}

static void prefixes_and_suffixes_go_only_when_something_is_left(void **state) {
  (void)state;
  assert_string_equal(names_without_suffix("chat_message", "_message"), "chat");
  assert_string_equal(names_without_suffix("_message", "_message"), "_message");
  assert_string_equal(names_without_suffix("message", "_message"), "message");
  assert_string_equal(names_without_prefix("COLOUR_RED", "COLOUR_"), "RED");
  assert_string_equal(names_without_prefix("COLOUR_", "COLOUR_"), "COLOUR_");
  assert_string_equal(names_without_prefix("RED", "COLOUR_"), "RED");
}

static void names_are_joined_and_made_identifiers(void **state) {
  (void)state;
  assert_string_equal(names_join("chat_v1", "line"), "chat_v1_line");
  assert_string_equal(names_join("", "line"), "line");
  assert_string_equal(names_join("line", ""), "line");
  assert_string_equal(names_undotted("chat.v1"), "chat_v1");
  assert_string_equal(names_undotted("a-b.c"), "a-b_c");
  assert_string_equal(names_identifier("chatroom.v1"), "chatroom_v1");
  assert_string_equal(names_identifier("1st-chat"), "_1st_chat");
  assert_string_equal(names_upper("chat_v1"), "CHAT_V1");
  assert_true(names_is_identifier("chat_v1"));
  assert_false(names_is_identifier("1chat"));
  assert_false(names_is_identifier("my-chat"));
  assert_false(names_is_identifier(""));
}

static void a_comment_cannot_end_early(void **state) {
  (void)state;
  struct text text = {0};
  text_add_comment(&text, "  ", " one */ two /* three\n\n   indented */*\n\n");
  assert_string_equal(text.data, "  /* one * / two / * three\n   *\n   *   indented * / * */\n");
}

static void a_comment_without_text_is_nothing(void **state) {
  (void)state;
  struct text text = {0};
  text_add_comment(&text, "", NULL);
  text_add_comment(&text, "", "");
  text_add_comment(&text, "", " \n\t\n ");
  assert_int_equal(text.len, 0);
}

static void a_literal_is_plain_ascii_without_trigraphs(void **state) {
  (void)state;
  struct text text = {0};
  text_add_literal(&text,
                   "a\"b\\c?"
                   "?/\n\xc3\xb6"
                   "1");
  assert_string_equal(text.data, "\"a\\\"b\\\\c\\?\\?/\\012\\303\\2661\"");
}

static void a_long_call_is_broken_after_a_comma(void **state) {
  (void)state;
  static const char *const arguments[] = {"const struct chatroom_v1_chat_message *message", "size_t count"};
  struct text text = {0};
  text_add_call(&text, "int f", arguments, 2, ";\n");
  assert_string_equal(text.data, "int f(const struct chatroom_v1_chat_message *message, size_t count);\n");

  struct text broken = {0};
  text_add_call(&broken, "int a_function_with_a_name_so_long_that_its_arguments_do_not_fit", arguments, 2, ";\n");
  assert_string_equal(broken.data,
                      "int a_function_with_a_name_so_long_that_its_arguments_do_not_fit("
                      "const struct chatroom_v1_chat_message *message,\n"
                      "                                                                 size_t count);\n");
}

static void a_text_grows_past_any_block(void **state) {
  (void)state;
  struct text text = {0};
  for (int i = 0; i < 20000; i++) {
    text_addf(&text, "%09d\n", i);
  }
  assert_int_equal(text.len, 200000);
  assert_memory_equal(text.data + 199990, "000019999\n", 11);
}

static void bytes_are_appended_unchanged(void **state) {
  (void)state;
  struct text text = {0};
  text_add_bytes(&text, NULL, 0);
  assert_string_equal(text.data, "");
  text_add_bytes(&text, "a\0b", 3);
  assert_int_equal(text.len, 3);
  assert_memory_equal(text.data, "a\0b", 4);
}

static void a_number_is_as_short_as_reads_back(void **state) {
  (void)state;
  assert_string_equal(text_real(0.1), "0.1");
  assert_string_equal(text_real(-3), "-3");
  assert_string_equal(text_real(1e300), "1e+300");
  assert_string_equal(text_real(9007199254740992.0), "9007199254740992");
  assert_string_equal(text_real(0.1 + 0.2), "0.30000000000000004");
}

static void an_emptied_pool_can_be_used_again(void **state) {
  (void)state;
  pool_take(100000);
  pool_empty();
  pool_empty();
  assert_string_equal(pool_copy("again", 5), "again");
}

static void pool_memory_is_zeroed_and_never_null(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 15, 16, 17, 65535, 65536, 65537, 1000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    unsigned char *bytes = pool_array(sizes[i], 1);
    assert_non_null(bytes);
    assert_int_equal((uintptr_t)bytes % sizeof(void *), 0);
    for (size_t at = 0; at < sizes[i]; at++) {
      assert_int_equal(bytes[at], 0);
    }
    memset(bytes, 0xff, sizes[i]);
  }
}

static void problems_are_counted_and_name_their_place(void **state) {
  (void)state;
  struct problems problems = {0};
  assert_null(problem_summary(&problems));
  const struct place place = {.file = "a.proto", .line = 3, .column = 5};
  problem_add(&problems, &place, "%s is wrong", "this");
  assert_string_equal(problem_summary(&problems), "1 error\na.proto:3:5: this is wrong");
  const struct place start = {.file = "b.proto", .line = 1, .column = 1};
  problem_add(&problems, &start, "that too");
  assert_string_equal(problem_summary(&problems), "2 errors\na.proto:3:5: this is wrong\nb.proto:1:1: that too");
}

static void what_is_deprecated_says_so_after_its_comment(void **state) {
  (void)state;
  struct place place = {.file = "a.proto", .line = 1, .column = 1};
  assert_null(problem_comment(&place, " Old."));
  place.comment = " It is.";
  assert_string_equal(problem_comment(&place, " Old."), " It is.");
  place.is_deprecated = true;
  assert_string_equal(problem_comment(&place, " Old."), " It is.\n Old.");
  place.comment = NULL;
  assert_string_equal(problem_comment(&place, " Old."), " Old.");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_deprecated_says_so_after_its_comment),
      cmocka_unit_test(names_become_snake_case_word_by_word),
      cmocka_unit_test(reserved_words_get_an_underscore),
      cmocka_unit_test(names_without_a_prefix_can_be_those_of_headers),
      cmocka_unit_test(prefixes_and_suffixes_go_only_when_something_is_left),
      cmocka_unit_test(names_are_joined_and_made_identifiers),
      cmocka_unit_test(a_comment_cannot_end_early),
      cmocka_unit_test(a_comment_without_text_is_nothing),
      cmocka_unit_test(a_literal_is_plain_ascii_without_trigraphs),
      cmocka_unit_test(a_long_call_is_broken_after_a_comma),
      cmocka_unit_test(a_text_grows_past_any_block),
      cmocka_unit_test(bytes_are_appended_unchanged),
      cmocka_unit_test(a_number_is_as_short_as_reads_back),
      cmocka_unit_test(pool_memory_is_zeroed_and_never_null),
      cmocka_unit_test(an_emptied_pool_can_be_used_again),
      cmocka_unit_test(problems_are_counted_and_name_their_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
