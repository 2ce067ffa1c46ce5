#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* The slow reference knows code points only, and no table of bytes: the bytes of an unfinished character stand for the
 * range of code points that they may become, and they may stand when the range holds one that is allowed. */
struct piece {
  uint32_t lowest, highest; /* what the character may become */
  uint32_t lead_min;        /* the least code point that needs this many bytes */
  int missing;              /* continuation bytes to come */
};

static bool begin_character(struct piece *piece, uint8_t byte) {
  static const struct {
    uint8_t mask, bits;
    uint32_t lead_min;
  } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (int missing = 0; missing < 4; missing++) {
    if ((byte & forms[missing].mask) == forms[missing].bits) {
      uint32_t bits = byte & (uint8_t)~forms[missing].mask;
      piece->lowest = bits << 6 * missing;
      piece->highest = piece->lowest + (1u << 6 * missing) - 1;
      piece->lead_min = forms[missing].lead_min;
      piece->missing = missing;
      return true;
    }
  }
  return false;
}

static bool continue_character(struct piece *piece, uint8_t byte) {
  if ((byte & 0xc0) != 0x80) {
    return false;
  }
  piece->missing--;
  piece->lowest += (uint32_t)(byte & 0x3f) << 6 * piece->missing;
  piece->highest = piece->lowest + (1u << 6 * piece->missing) - 1;
  return true;
}

static bool may_become_a_character(const struct piece *piece) {
  bool is_all_overlong = piece->highest < piece->lead_min;
  bool is_all_surrogate = piece->lowest >= 0xd800 && piece->highest <= 0xdfff;
  bool is_all_above = piece->lowest > 0x10ffff;
  return !is_all_overlong && !is_all_surrogate && !is_all_above;
}

/* The place of the first bad byte, or len. */
static size_t check_slowly(const uint8_t *data, size_t len, bool *out_is_whole) {
  struct piece piece = {.missing = 0};
  for (size_t i = 0; i < len; i++) {
    bool fits = piece.missing == 0 ? begin_character(&piece, data[i]) : continue_character(&piece, data[i]);
    if (!fits || !may_become_a_character(&piece)) {
      *out_is_whole = false;
      return i;
    }
  }
  *out_is_whole = piece.missing == 0;
  return len;
}

/* The same text in two pieces, cut at `cut`. */
static void assert_split_agrees(const uint8_t *data, size_t len, size_t cut, size_t expected, bool is_whole) {
  uint32_t state = STOA_UTF8_START;
  size_t stands = stoa_utf8_check(&state, data, cut);
  if (stands == cut) {
    stands += stoa_utf8_check(&state, data + cut, len - cut);
  }
  assert_int_equal(stands, expected);
  if (stands == len) {
    assert_int_equal(state == STOA_UTF8_START, is_whole);
  }
}

static void assert_agrees(const uint8_t *data, size_t len) {
  bool is_whole;
  size_t expected = check_slowly(data, len, &is_whole);
  for (size_t cut = 0; cut <= len; cut++) {
    assert_split_agrees(data, len, cut, expected, is_whole);
  }
  assert_int_equal(stoa_utf8_valid(data, len), is_whole);
}

static void every_sequence_of_one_and_two_bytes_agrees_with_the_reference(void **state) {
  (void)state;
  for (unsigned first = 0; first < 256; first++) {
    uint8_t data[2] = {(uint8_t)first};
    assert_agrees(data, 1);
    for (unsigned second = 0; second < 256; second++) {
      data[1] = (uint8_t)second;
      assert_agrees(data, 2);
    }
  }
}

/* cmocka's assertions are too slow for the 16 million sequences, so they are asked only on a difference. */
static void every_sequence_of_three_bytes_agrees_with_the_reference(void **state) {
  (void)state;
  for (uint32_t number = 0; number < 1u << 24; number++) {
    const uint8_t data[3] = {(uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    bool is_whole;
    uint32_t end = STOA_UTF8_START;
    size_t stands = stoa_utf8_check(&end, data, 3);
    if (stands != check_slowly(data, 3, &is_whole) || (stands == 3 && (end == STOA_UTF8_START) != is_whole)) {
      assert_agrees(data, 3);
      fail();
    }
  }
}

/* The bytes next to every border in the grammar, and some from within. */
static const uint8_t telling_bytes[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
                                        0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
#define TELLING_COUNT (sizeof telling_bytes)

static void sequences_of_four_bytes_at_every_border_agree_with_the_reference(void **state) {
  (void)state;
  uint8_t data[4];
  for (size_t i = 0; i < TELLING_COUNT * TELLING_COUNT * TELLING_COUNT * TELLING_COUNT; i++) {
    size_t rest = i;
    for (size_t k = 0; k < 4; k++) {
      data[k] = telling_bytes[rest % TELLING_COUNT];
      rest /= TELLING_COUNT;
    }
    bool is_whole;
    uint32_t end = STOA_UTF8_START;
    size_t stands = stoa_utf8_check(&end, data, 4);
    if (data[0] >= 0xf0 || stands != check_slowly(data, 4, &is_whole)) {
      assert_agrees(data, 4);
    }
  }
}

/* Long enough for the fast path, the automaton's steps and the tails between them, in every order. */
static const char long_text[] =
    "plain text that is long enough to be taken in wide words, twice over 0123456789 "
    "\xc3\xa9\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"
    "\xed\x9f\xbf\xee\x80\x80 and then plain again, until the very end of it, and a bit more...\xf0\x90\x80\x80";

static void a_valid_text_passes_in_every_split_and_from_every_start(void **state) {
  (void)state;
  const uint8_t *data = (const uint8_t *)long_text;
  size_t len = sizeof long_text - 1;
  for (size_t begin = 0; begin < len; begin++) {
    assert_agrees(data + begin, len - begin);
  }
  assert_true(stoa_utf8_valid(data, len));
}

static void one_bad_byte_is_found_wherever_it_stands_in_every_split(void **state) {
  (void)state;
  static const uint8_t bad_bytes[] = {0x80, 0xbf, 0xc0, 0xe0, 0xed, 0xf4, 0xff, 0x41};
  size_t len = sizeof long_text - 1;
  uint8_t data[sizeof long_text];
  for (size_t at = 0; at < len; at++) {
    for (size_t i = 0; i < sizeof bad_bytes; i++) {
      memcpy(data, long_text, len);
      data[at] = bad_bytes[i];
      assert_agrees(data, len);
    }
  }
}

static void a_text_in_pieces_of_any_size_gives_the_result_of_the_whole(void **state) {
  (void)state;
  const uint8_t *data = (const uint8_t *)long_text;
  size_t len = sizeof long_text - 1;
  for (size_t piece_len = 1; piece_len <= 40; piece_len++) {
    uint32_t now = STOA_UTF8_START;
    for (size_t at = 0; at < len; at += piece_len) {
      size_t take = len - at < piece_len ? len - at : piece_len;
      assert_int_equal(stoa_utf8_check(&now, data + at, take), take);
    }
    assert_int_equal(now, STOA_UTF8_START);
  }
}

static void the_first_bad_byte_is_the_first_that_cannot_continue_a_valid_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t stands;
  } cases[] = {
      {"\xc0\x80", 0},         /* overlong */
      {"\xe0\x80\x80", 1},     /* overlong */
      {"\xf0\x8f\xbf\xbf", 1}, /* overlong */
      {"\xed\xa0\x80", 1},     /* a surrogate */
      {"\xf4\x90\x80\x80", 1}, /* above U+10FFFF */
      {"\xf5\x80\x80\x80", 0}, /* above U+10FFFF */
      {"ab\x80", 2},           /* stray */
      {"\xe4\xbd"
       "a",
       2}, /* cut short by the next character */
      {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80\x65", 12},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t now = STOA_UTF8_START;
    size_t stands = stoa_utf8_check(&now, (const uint8_t *)cases[i].text, strlen(cases[i].text));
    assert_int_equal(stands, cases[i].stands);
  }
}

/* In a block of exactly its length, around which the sanitizer watches. */
static void no_byte_outside_of_the_text_is_read(void **state) {
  (void)state;
  for (size_t len = 1; len < sizeof long_text; len++) {
    uint8_t *front = stoa_alloc(len);
    memcpy(front, long_text, len);
    assert_agrees(front, len);
    memset(front, 'a', len);
    assert_true(stoa_utf8_valid(front, len));
    front[len - 1] = 0xff;
    assert_agrees(front, len);
    stoa_free(front);
  }
}

static void an_empty_piece_changes_nothing(void **state) {
  (void)state;
  uint32_t now = STOA_UTF8_START;
  assert_int_equal(stoa_utf8_check(&now, NULL, 0), 0);
  assert_int_equal(now, STOA_UTF8_START);
  assert_int_equal(stoa_utf8_check(&now, (const uint8_t *)"\xe4", 1), 1);
  uint32_t before = now;
  assert_int_equal(stoa_utf8_check(&now, NULL, 0), 0);
  assert_int_equal(now, before);
  assert_true(stoa_utf8_valid(NULL, 0));
}

static void a_text_cut_short_is_not_valid(void **state) {
  (void)state;
  assert_false(stoa_utf8_valid("\xe4\xbd", 2));
  assert_false(stoa_utf8_valid("a\xf0\x9f\x98", 4));
  assert_true(stoa_utf8_valid("\xe4\xbd\xa0", 3));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sequence_of_one_and_two_bytes_agrees_with_the_reference),
      cmocka_unit_test(every_sequence_of_three_bytes_agrees_with_the_reference),
      cmocka_unit_test(sequences_of_four_bytes_at_every_border_agree_with_the_reference),
      cmocka_unit_test(a_valid_text_passes_in_every_split_and_from_every_start),
      cmocka_unit_test(one_bad_byte_is_found_wherever_it_stands_in_every_split),
      cmocka_unit_test(a_text_in_pieces_of_any_size_gives_the_result_of_the_whole),
      cmocka_unit_test(the_first_bad_byte_is_the_first_that_cannot_continue_a_valid_text),
      cmocka_unit_test(no_byte_outside_of_the_text_is_read),
      cmocka_unit_test(an_empty_piece_changes_nothing),
      cmocka_unit_test(a_text_cut_short_is_not_valid),
  };
  return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
