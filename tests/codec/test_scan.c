/* Scanning for the end of plain text: every length, every place, never after the end. */
#include "codec/scan/bytes.h"
#include "kit.h"
#include "scan.h"

enum { LEN_MAX = 70 };

static struct kit kit;

/* A run of 'x' of that length that ends where memory ends. */
static uint8_t *run(size_t len) {
  uint8_t text[LEN_MAX];
  memset(text, 'x', sizeof text);
  return (uint8_t *)(uintptr_t)kit_guard(&kit, text, len).data;
}

static void plain_text_is_scanned_to_its_end(void **state) {
  (void)state;
  kit_open(&kit, 16);
  for (size_t len = 0; len < LEN_MAX; len++) {
    uint8_t *text = run(len);
    bool has_high = true;
    assert_ptr_equal(stoa_scan_text(text, text + len, &has_high), text + len);
    assert_false(has_high);
    assert_true(stoa_scan_is_ascii(text, len));
  }
  kit_close(&kit);
}

static bool is_stop(unsigned byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}

static void only_the_listed_bytes_stop_the_scan(void **state) {
  (void)state;
  kit_open(&kit, 16);
  uint8_t *text = run(LEN_MAX);
  for (unsigned byte = 0; byte < 256; byte++) {
    for (size_t place = 0; place < LEN_MAX; place++) {
      text[place] = (uint8_t)byte;
      bool has_high;
      const uint8_t *stop = stoa_scan_text(text, text + LEN_MAX, &has_high);
      assert_ptr_equal(stop, is_stop(byte) ? text + place : text + LEN_MAX);
      assert_int_equal(has_high, byte >= 0x80);
      assert_int_equal(stoa_scan_is_ascii(text, LEN_MAX), byte < 0x80);
      text[place] = 'x';
    }
  }
  kit_close(&kit);
}

static void a_high_byte_after_the_stop_does_not_count(void **state) {
  (void)state;
  kit_open(&kit, 16);
  for (size_t len = 2; len < LEN_MAX; len++) {
    for (size_t place = 0; place + 1 < len; place++) {
      uint8_t *text = run(len);
      text[place] = '"';
      text[place + 1] = 0xff;
      bool has_high = true;
      assert_ptr_equal(stoa_scan_text(text, text + len, &has_high), text + place);
      assert_false(has_high);
      assert_false(stoa_scan_is_ascii(text, len));
    }
  }
  kit_close(&kit);
}

static void text_is_copied_and_scanned_at_once(void **state) {
  (void)state;
  enum { LONGEST = 700 };
  uint8_t text[LONGEST];
  for (size_t i = 0; i < LONGEST; i++) {
    text[i] = (uint8_t)(i * 31 % 128);
  }
  for (size_t len = 0; len <= LONGEST; len += len < 300 ? 1 : 37) {
    kit_open(&kit, 16);
    uint8_t *copy = (uint8_t *)(uintptr_t)kit_guard(&kit, text, len).data;
    memset(copy, 0, len);
    assert_true(stoa_scan_copy_ascii(copy, text, len));
    assert_true(len == 0 || memcmp(copy, text, len) == 0);
    for (size_t place = 0; place < len; place += len < 40 ? 1 : 13) {
      text[place] |= 0x80;
      assert_false(stoa_scan_copy_ascii(copy, text, len));
      assert_memory_equal(copy, text, len);
      text[place] &= 0x7f;
    }
    kit_close(&kit);
  }
}

static void names_are_compared_and_copied_at_every_length(void **state) {
  (void)state;
  kit_open(&kit, 16);
  char name[LEN_MAX];
  for (size_t i = 0; i < LEN_MAX; i++) {
    name[i] = (char)('A' + i % 50);
  }
  for (size_t len = 0; len < LEN_MAX; len++) {
    uint8_t *copy = run(len);
    stoa_scan_copy(copy, name, len);
    assert_true(stoa_scan_same(copy, name, len));
    for (size_t i = 0; i < len; i++) {
      assert_int_equal(copy[i], name[i]);
      copy[i] ^= 1;
      assert_false(stoa_scan_same(copy, name, len));
      copy[i] ^= 1;
    }
  }
  kit_close(&kit);
}

#define TEST(name) cmocka_unit_test(name)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(plain_text_is_scanned_to_its_end),
      TEST(only_the_listed_bytes_stop_the_scan),
      TEST(a_high_byte_after_the_stop_does_not_count),
      TEST(text_is_copied_and_scanned_at_once),
      TEST(names_are_compared_and_copied_at_every_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
