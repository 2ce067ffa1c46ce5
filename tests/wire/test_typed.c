#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/typed.h"

static const struct {
  const char *name;
  const char *bytes; /* big-endian header, then "pay" */
  size_t header_len;
  struct stoa_typed typed;
} frames[] = {
    {"type 0", "\x00\x00\x00\x00pay", 4, {.type = 0}},
    {"a plain frame", "\x01\x02\x03\x04pay", 4, {.type = 0x01020304}},
    {"the highest type", "\x3f\xff\xff\xffpay", 4, {.type = STOA_TYPE_MAX}},
    {"a call", "\x80\x00\x00\x10\x0a\x0b\x0c\x0dpay", 8, {.type = 16, .is_call = true, .id = 0x0a0b0c0d}},
    {"an error", "\x40\x00\x00\x10pay", 4, {.type = 16, .is_error = true}},
    {"a call's error",
     "\xc0\x00\x00\x10\x00\x00\x00\x01pay",
     8,
     {.type = 16, .is_call = true, .is_error = true, .id = 1}},
};

/* The same header in the other byte order. */
static void swap_words(uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len; at += 4) {
    uint8_t word[4] = {bytes[at + 3], bytes[at + 2], bytes[at + 1], bytes[at]};
    memcpy(bytes + at, word, 4);
  }
}

static void check_frame(size_t index, enum stoa_typed_order order) {
  uint8_t bytes[16];
  uint8_t written[STOA_TYPED_HEADER_LEN_MAX];
  size_t header_len = frames[index].header_len;
  struct stoa_typed typed;
  memcpy(bytes, frames[index].bytes, header_len + 3);
  if (order == STOA_TYPED_LITTLE_ENDIAN) {
    swap_words(bytes, header_len);
  }
  assert_int_equal(stoa_typed_read(stoa_bytes_make(bytes, header_len + 3), order, &typed), STOA_OK);
  assert_int_equal(typed.type, frames[index].typed.type);
  assert_int_equal(typed.is_call, frames[index].typed.is_call);
  assert_int_equal(typed.is_error, frames[index].typed.is_error);
  assert_int_equal(typed.id, frames[index].typed.id);
  assert_int_equal(typed.payload.len, 3);
  assert_memory_equal(typed.payload.data, "pay", 3);
  assert_int_equal(stoa_typed_write(written, order, &typed), header_len);
  assert_memory_equal(written, bytes, header_len);
}

static void frames_are_read_and_written_in_both_byte_orders(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
    check_frame(i, STOA_TYPED_BIG_ENDIAN);
    check_frame(i, STOA_TYPED_LITTLE_ENDIAN);
  }
}

static void a_frame_without_payload_is_a_frame(void **state) {
  (void)state;
  struct stoa_typed typed;
  assert_int_equal(stoa_typed_read(stoa_bytes_make("\0\0\0\1", 4), STOA_TYPED_BIG_ENDIAN, &typed), STOA_OK);
  assert_int_equal(typed.payload.len, 0);
  assert_int_equal(stoa_typed_read(stoa_bytes_make("\x80\0\0\1\0\0\0\2", 8), STOA_TYPED_BIG_ENDIAN, &typed), STOA_OK);
  assert_int_equal(typed.payload.len, 0);
}

static void a_message_shorter_than_its_header_is_a_syntax_error(void **state) {
  (void)state;
  static const uint8_t plain[4] = {0};
  static const uint8_t call[8] = {0x80};
  struct stoa_typed typed;
  for (size_t len = 0; len < 4; len++) {
    assert_int_equal(stoa_typed_read(stoa_bytes_make(plain, len), STOA_TYPED_BIG_ENDIAN, &typed), STOA_E_SYNTAX);
    assert_int_equal(stoa_typed_read(stoa_bytes_make(plain, len), STOA_TYPED_LITTLE_ENDIAN, &typed), STOA_E_SYNTAX);
  }
  for (size_t len = 4; len < 8; len++) {
    assert_int_equal(stoa_typed_read(stoa_bytes_make(call, len), STOA_TYPED_BIG_ENDIAN, &typed), STOA_E_SYNTAX);
  }
  assert_int_equal(stoa_typed_read(stoa_bytes_make("\xff\xff\xff\xff", 4), STOA_TYPED_BIG_ENDIAN, &typed),
                   STOA_E_SYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_are_read_and_written_in_both_byte_orders),
      cmocka_unit_test(a_frame_without_payload_is_a_frame),
      cmocka_unit_test(a_message_shorter_than_its_header_is_a_syntax_error),
  };
  return cmocka_run_group_tests_name("typed frames", tests, NULL, NULL);
}
