/* The line in which a person types. */
#include "terminal_test.h"

#include <stdlib.h>
#include <string.h>

#include "chat/line.h"

static void put(struct chat_line *line, const char *text) {
  assert_true(chat_line_insert(line, stoa_string_of(text)));
}

/* The text, with a | where the cursor is. */
static void expect_line(const struct chat_line *line, const char *wanted) {
  char shown[256];
  struct stoa_string text = chat_line_text(line);
  assert_true(text.len + 2 < sizeof shown);
  size_t at = line->cursor;
  memcpy(shown, text.data, at);
  shown[at] = '|';
  memcpy(shown + at + 1, text.data + at, text.len - at);
  shown[text.len + 1] = '\0';
  assert_string_equal(shown, wanted);
}

static void text_is_put_at_the_cursor(void **state) {
  struct chat_line line;
  (void)state;
  chat_line_init(&line, 100);
  put(&line, "held");
  chat_line_left(&line);
  put(&line, "lo wor");
  expect_line(&line, "hello wor|d");
  chat_line_home(&line);
  put(&line, "好");
  expect_line(&line, "好|hello word");
  chat_line_end(&line);
  expect_line(&line, "好hello word|");
  chat_line_fini(&line);
}

static void a_character_is_removed_with_its_marks(void **state) {
  struct chat_line line;
  (void)state;
  chat_line_init(&line, 100);
  put(&line, "ae\xcc\x81好");
  chat_line_backspace(&line);
  chat_line_backspace(&line);
  expect_line(&line, "a|");
  chat_line_home(&line);
  chat_line_backspace(&line);
  expect_line(&line, "|a");
  chat_line_delete(&line);
  chat_line_delete(&line);
  expect_line(&line, "|");
  chat_line_fini(&line);
}

static void words_are_passed_and_removed(void **state) {
  struct chat_line line;
  (void)state;
  chat_line_init(&line, 100);
  put(&line, "one two  three");
  chat_line_word_left(&line);
  expect_line(&line, "one two  |three");
  chat_line_delete_word(&line);
  expect_line(&line, "one |three");
  chat_line_word_right(&line);
  expect_line(&line, "one three|");
  chat_line_word_left(&line);
  chat_line_delete_to_end(&line);
  expect_line(&line, "one |");
  chat_line_delete_to_start(&line);
  expect_line(&line, "|");
  chat_line_fini(&line);
}

static void a_word_is_replaced_by_a_completion(void **state) {
  struct chat_line line;
  (void)state;
  chat_line_init(&line, 100);
  put(&line, "hi ad there");
  line.cursor = 5;
  assert_true(stoa_string_equal(chat_line_word(&line), (struct stoa_string)STOA_STR("ad")));
  assert_true(chat_line_replace_word(&line, (struct stoa_string)STOA_STR("Ada")));
  expect_line(&line, "hi Ada| there");
  chat_line_fini(&line);
}

static void what_is_too_long_changes_nothing(void **state) {
  struct chat_line line;
  (void)state;
  chat_line_init(&line, 5);
  put(&line, "abcde");
  assert_false(chat_line_insert(&line, (struct stoa_string)STOA_STR("f")));
  assert_false(chat_line_set(&line, (struct stoa_string)STOA_STR("abcdef")));
  assert_false(chat_line_replace_word(&line, (struct stoa_string)STOA_STR("abcdef")));
  expect_line(&line, "abcde|");
  assert_true(chat_line_set(&line, (struct stoa_string)STOA_STR("xy")));
  expect_line(&line, "xy|");
  chat_line_fini(&line);
}

static void the_cursor_is_always_in_view(void **state) {
  struct chat_line line;
  size_t first;
  int column;
  (void)state;
  chat_line_init(&line, 100);
  put(&line, "0123456789");
  chat_line_view(&line, 20, &first, &column);
  assert_int_equal(first, 0);
  assert_int_equal(column, 10);
  chat_line_view(&line, 5, &first, &column);
  assert_int_equal(first, 6);
  assert_int_equal(column, 4);
  chat_line_clear(&line);
  put(&line, "好好好");
  chat_line_view(&line, 4, &first, &column); /* one wide character and the cursor */
  assert_int_equal(first, 6);
  assert_int_equal(column, 2);
  chat_line_fini(&line);
}

static void any_sequence_of_keys_leaves_whole_characters(void **state) {
  static const char *const texts[] = {"a", "好", "👍", "e\xcc\x81", " ", "\n"};
  struct chat_line line;
  (void)state;
  srand(3);
  chat_line_init(&line, 200);
  for (int i = 0; i < 20000; i++) {
    void (*const moves[])(struct chat_line *) = {
        chat_line_left, chat_line_right,  chat_line_word_left, chat_line_word_right,  chat_line_home,
        chat_line_end,  chat_line_delete, chat_line_backspace, chat_line_delete_word, chat_line_backspace};
    if (rand() % 2 == 0) {
      bool ignored = chat_line_insert(&line, stoa_string_of(texts[rand() % 6]));
      (void)ignored;
    } else {
      moves[rand() % 10](&line);
    }
    size_t first;
    int column;
    chat_line_view(&line, 10, &first, &column);
    assert_true(line.cursor <= line.text.len && first <= line.cursor && column >= 0 && column < 10);
    assert_true(line.cursor == line.text.len || (line.text.data[line.cursor] & 0xc0) != 0x80);
    assert_true(line.text.len == 0 || (line.text.data[0] & 0xc0) != 0x80);
  }
  chat_line_fini(&line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_is_put_at_the_cursor),
      cmocka_unit_test(a_character_is_removed_with_its_marks),
      cmocka_unit_test(words_are_passed_and_removed),
      cmocka_unit_test(a_word_is_replaced_by_a_completion),
      cmocka_unit_test(what_is_too_long_changes_nothing),
      cmocka_unit_test(the_cursor_is_always_in_view),
      cmocka_unit_test(any_sequence_of_keys_leaves_whole_characters),
  };
  return cmocka_run_group_tests(tests, use_utf8, NULL);
}
