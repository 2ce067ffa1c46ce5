/* Messages as Server-Sent Events in chunks, and how such output is counted and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/event.h"
#include "wire/sent.h"

static struct stoa_buffer out;

static int begin(void **state) {
  (void)state;
  stoa_buffer_init(&out, 1024 * 1024);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_buffer_fini(&out);
  return 0;
}

static void expect(const char *expected) {
  assert_int_equal(out.len, strlen(expected));
  assert_memory_equal(out.data, expected, out.len);
  assert_int_equal(stoa_sent_len(out.data), out.len);
  out.len = 0;
}

static void test_a_frame_of_text_is_its_header_in_digits_and_the_payload(void **state) {
  (void)state;
  assert_int_equal(stoa_event_append_frame(&out, stoa_bytes_make("\0\0\0\x1a", 4), stoa_bytes_make("{}", 2), true),
                   STOA_OK);
  expect("12\r\ndata:f0000001a{}\n\n\r\n");
  assert_int_equal(
      stoa_event_append_frame(&out, stoa_bytes_make("\x80\0\0\5\0\0\1\2", 8), stoa_bytes_make("", 0), true), STOA_OK);
  expect("18\r\ndata:c8000000500000102\n\n\r\n");
}

static void test_a_payload_with_a_line_break_is_base64(void **state) {
  (void)state;
  static const char *const payloads[] = {"a\nb", "a\rb"};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(
        stoa_event_append_frame(&out, stoa_bytes_make("\0\0\0\1", 4), stoa_bytes_make(payloads[i], 3), true), STOA_OK);
    expect(i == 0 ? "14\r\ndata:bAAAAAWEKYg==\n\n\r\n" : "14\r\ndata:bAAAAAWENYg==\n\n\r\n");
  }
}

static void test_texts_have_a_form_with_and_without_line_breaks(void **state) {
  (void)state;
  assert_int_equal(stoa_event_append_message(&out, stoa_bytes_make("x", 1), true), STOA_OK);
  expect("9\r\ndata:tx\n\n\r\n");
  assert_int_equal(stoa_event_append_message(&out, stoa_bytes_make("", 0), true), STOA_OK);
  expect("8\r\ndata:t\n\n\r\n");
  assert_int_equal(stoa_event_append_message(&out, stoa_bytes_make("\r\n", 2), true), STOA_OK);
  expect("c\r\ndata:uDQo=\n\n\r\n");
  assert_int_equal(stoa_event_append_message(&out, stoa_bytes_make("\r\n", 2), false), STOA_OK);
  expect("c\r\ndata:bDQo=\n\n\r\n");
}

static void test_the_last_event_ends_the_response_and_has_one_line(void **state) {
  (void)state;
  static const char last[] = "0\r\n\r\n";
  assert_int_equal(stoa_event_append_close(&out, 4001, "a\nb"), STOA_OK);
  assert_memory_equal(out.data + out.len - 5, last, 5);
  out.len -= 5;
  expect("1b\r\nevent:close\ndata:4001 a b\n\n\r\n");
  assert_int_equal(stoa_event_append_close(&out, 1000, NULL), STOA_OK);
  out.len -= 5;
  expect("18\r\nevent:close\ndata:1000 \n\n\r\n");
  /* A long reason is cut between two characters. */
  char reason[200];
  memset(reason, 'r', sizeof reason);
  memcpy(reason + 122, "\xc3\xa4", 2);
  reason[199] = '\0';
  assert_int_equal(stoa_event_append_close(&out, 1000, reason), STOA_OK);
  out.len -= 5;
  assert_int_equal(out.data[stoa_sent_len(out.data) - 5], 'r');
  assert_int_equal(stoa_sent_len(out.data), out.len);
  assert_int_equal(out.len, 4 + 17 + 5 + 122 + 2 + 2);
}

static void test_nothing_is_written_without_room(void **state) {
  (void)state;
  for (size_t room = 0; room < 64; room++) {
    struct stoa_buffer small;
    stoa_buffer_init(&small, room);
    int status = stoa_event_append_message(&small, stoa_bytes_make("0123456789012345678901234567890", 30), false);
    assert_int_equal(status, STOA_E_LIMIT);
    assert_int_equal(small.len, 0);
    stoa_buffer_fini(&small);
  }
}

static void test_chunks_of_every_length_are_measured(void **state) {
  (void)state;
  for (size_t len = 1; len < 1u << 24; len = len < 300 ? len + 1 : len * 3) {
    uint8_t start[STOA_CHUNK_START_LEN_MAX];
    size_t start_len = stoa_chunk_start_write(start, len);
    assert_int_equal(stoa_chunk_sent_len(start), start_len + len + 2);
    assert_true(start[0] != '0');
  }
}

static void test_frames_and_chunks_are_counted(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 20; i++) {
    assert_int_equal(stoa_event_append_ping(&out), STOA_OK);
  }
  assert_int_equal(stoa_sent_count(out.data, 0, out.len), 20);
  assert_int_equal(stoa_sent_count(out.data, out.len, out.len), 0);
  assert_int_equal(stoa_sent_count((const uint8_t *)"\x82\1a\x82\0", 0, 5), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_frame_of_text_is_its_header_in_digits_and_the_payload),
      TEST(test_a_payload_with_a_line_break_is_base64),
      TEST(test_texts_have_a_form_with_and_without_line_breaks),
      TEST(test_the_last_event_ends_the_response_and_has_one_line),
      TEST(test_nothing_is_written_without_room),
      TEST(test_chunks_of_every_length_are_measured),
      TEST(test_frames_and_chunks_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
