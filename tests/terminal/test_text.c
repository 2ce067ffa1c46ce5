/* Texts of other people are harmless in a terminal, and their columns are counted. */
#include "terminal_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/text.h"

static void expect_clean(const char *text, const char *wanted) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, 64 * 1024);
  assert_int_equal(chat_text_append(&out, stoa_string_of(text), CHAT_TEXT_ONE_LINE), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  assert_string_equal(out.data, wanted);
  stoa_buffer_fini(&out);
}

static void text_stays_as_it_is(void **state) {
  (void)state;
  expect_clean("", "");
  expect_clean("Hello, world!", "Hello, world!");
  expect_clean("你好 ünïcode 👍", "你好 ünïcode 👍");
  expect_clean("שלום", "שלום");
}

static void what_a_terminal_would_obey_is_shown_instead(void **state) {
  (void)state;
  expect_clean("\x1b[2J", "\\x1b[2J");
  expect_clean("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07");
  expect_clean(
      "a\x7f"
      "b\x08"
      "c\r",
      "a\\x7fb\\x08c\\x0d");
  expect_clean(
      "\xc2\x9b"
      "31m",
      "\\x9b31m"); /* C1, a CSI of one character */
  expect_clean(
      "x\xe2\x80\xae"
      "cod.exe",
      "x\\u202ecod.exe");
  expect_clean("x\xe2\x80\x8by", "x\\u200by");
  expect_clean("\xf3\xa0\x81\x81", "\\ue0041"); /* a tag character */
}

static void tabs_and_line_feeds_become_blanks_in_one_line(void **state) {
  (void)state;
  expect_clean("a\tb\nc", "a b c");
}

static void line_feeds_stay_when_lines_are_kept(void **state) {
  struct stoa_buffer out;
  (void)state;
  stoa_buffer_init(&out, 100);
  assert_int_equal(chat_text_append(&out, stoa_string_of("a\nb"), CHAT_TEXT_KEEP_LINES), STOA_OK);
  assert_memory_equal(out.data, "a\nb", 3);
  stoa_buffer_fini(&out);
}

static void bytes_that_are_not_utf8_are_replaced_one_by_one(void **state) {
  (void)state;
  expect_clean(
      "a\xff"
      "b",
      "a\xef\xbf\xbd"
      "b");
  expect_clean("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
  expect_clean("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
  expect_clean("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");                 /* overlong */
}

static void joiners_and_selectors_are_left_out(void **state) {
  (void)state;
  expect_clean("\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4");
  expect_clean("👩\xe2\x80\x8d💻", "👩💻");
}

static void a_tower_of_marks_is_cut(void **state) {
  char tower[2 + 2 * 100] = "a";
  char wanted[2 + 2 * 3] = "a";
  (void)state;
  for (int i = 0; i < 100; i++) {
    memcpy(tower + 1 + 2 * i, "\xcc\x81", 2);
  }
  tower[201] = '\0';
  memcpy(wanted + 1, "\xcc\x81\xcc\x81\xcc\x81", 7);
  expect_clean(tower, wanted);
}

static void columns_are_counted_by_what_is_drawn(void **state) {
  (void)state;
  assert_int_equal(chat_text_columns(stoa_string_of("abc")), 3);
  assert_int_equal(chat_text_columns(stoa_string_of("你好")), 4);
  assert_int_equal(chat_text_columns(stoa_string_of("e\xcc\x81")), 1);
  assert_int_equal(chat_text_columns(stoa_string_of("")), 0);
}

/* The rows of a text, each followed by '/'. */
static void expect_rows(const char *text, int columns, const char *wanted) {
  char rows[512] = "";
  struct stoa_string all = stoa_string_of(text);
  for (size_t at = 0; at < all.len;) {
    size_t next;
    size_t end = chat_text_row(all, at, columns, &next);
    assert_true(next > at && end >= at && next <= all.len);
    snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%.*s/", (int)(end - at), text + at);
    at = next;
  }
  assert_string_equal(rows, wanted);
}

static void rows_are_wrapped_at_blanks(void **state) {
  (void)state;
  expect_rows("one two three", 8, "one two /three/");
  expect_rows("abcdefghij", 4, "abcd/efgh/ij/");
  expect_rows("你好世界", 5, "你好/世界/");
  expect_rows("a\n\nb", 5, "a//b/");
  expect_rows("宽", 1, "宽/"); /* wider than the row: shown alone, never for ever */
}

static void rows_hold_every_byte_of_any_text(void **state) {
  (void)state;
  srand(7);
  for (int round = 0; round < 2000; round++) {
    static const char *const parts[] = {"a", " ", "好", "\n", "e\xcc\x81", "long-word", "👍"};
    char text[256] = "";
    int count = rand() % 20;
    for (int i = 0; i < count; i++) {
      strcat(text, parts[rand() % 7]);
    }
    struct stoa_string all = stoa_string_of(text);
    size_t at = 0;
    while (at < all.len) {
      size_t next;
      size_t end = chat_text_row(all, at, 1 + rand() % 12, &next);
      assert_true(next > at);
      assert_true(next == end || (next == end + 1 && text[end] == '\n'));
      at = next;
    }
    assert_int_equal(at, all.len);
  }
}

static void characters_are_walked_forth_and_back_alike(void **state) {
  struct stoa_string text = STOA_STR("ae\xcc\x81好👍z");
  size_t places[8];
  size_t count = 0;
  (void)state;
  for (size_t at = 0; at < text.len; at = chat_text_next(text, at, NULL)) {
    places[count++] = at;
  }
  assert_int_equal(count, 5);
  for (size_t at = text.len; at > 0;) {
    at = chat_text_previous(text, at);
    assert_int_equal(at, places[--count]);
  }
  assert_int_equal(count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_stays_as_it_is),
      cmocka_unit_test(what_a_terminal_would_obey_is_shown_instead),
      cmocka_unit_test(tabs_and_line_feeds_become_blanks_in_one_line),
      cmocka_unit_test(line_feeds_stay_when_lines_are_kept),
      cmocka_unit_test(bytes_that_are_not_utf8_are_replaced_one_by_one),
      cmocka_unit_test(joiners_and_selectors_are_left_out),
      cmocka_unit_test(a_tower_of_marks_is_cut),
      cmocka_unit_test(columns_are_counted_by_what_is_drawn),
      cmocka_unit_test(rows_are_wrapped_at_blanks),
      cmocka_unit_test(rows_hold_every_byte_of_any_text),
      cmocka_unit_test(characters_are_walked_forth_and_back_alike),
  };
  return cmocka_run_group_tests(tests, use_utf8, NULL);
}
