#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard.h"
#include "streams.h"
#include "transcript.h"

#define LIMIT 65536

static struct stoa_ws_event read_once(struct stoa_ws_reader *reader, uint8_t *data, size_t len, size_t *used) {
  struct stoa_ws_event event;
  stoa_ws_read(reader, LIMIT, data, len, used, &event);
  return event;
}

static struct stoa_buffer framed(uint8_t first, const void *payload, size_t len) {
  struct stoa_buffer bytes;
  stoa_buffer_init(&bytes, (size_t)1 << 24);
  frame_put(&bytes, first, payload, len);
  return bytes;
}

static void every_stream_gives_the_events_that_the_rfc_asks_for(void **state) {
  (void)state;
  for (size_t i = 0; i < stream_count; i++) {
    struct stoa_buffer bytes;
    struct transcript transcript;
    stoa_buffer_init(&bytes, LIMIT);
    stream_bytes(&streams[i], &bytes);
    transcript_init(&transcript, true, streams[i].compression, STREAM_MESSAGE_LEN_MAX);
    transcript_feed(&transcript, bytes.data, bytes.len);
    if (strcmp(transcript_text(&transcript), streams[i].expected) != 0) {
      fail_msg("%s: got [%s], expected [%s]", streams[i].name, transcript_text(&transcript), streams[i].expected);
    }
    transcript_fini(&transcript);
    stoa_buffer_fini(&bytes);
  }
}

static void a_small_message_in_one_piece_is_one_event(void **state) {
  (void)state;
  struct stoa_ws_reader reader;
  struct stoa_buffer bytes = framed(0x81, "Hello", 5);
  size_t used;
  stoa_ws_reader_init(&reader, true, false);
  struct stoa_ws_event event = read_once(&reader, bytes.data, bytes.len, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_PAYLOAD);
  assert_true(event.first);
  assert_true(event.last);
  assert_false(event.compressed);
  assert_int_equal(event.opcode, STOA_WS_TEXT);
  assert_int_equal(event.len, 5);
  assert_memory_equal(event.data, "Hello", 5);
  assert_ptr_equal(event.data, bytes.data + 6);
  assert_int_equal(used, bytes.len);
  assert_true(stoa_ws_reader_idle(&reader));
  stoa_buffer_fini(&bytes);
}

static void pieces_say_where_the_message_starts_and_ends(void **state) {
  (void)state;
  struct stoa_ws_reader reader;
  struct stoa_buffer bytes = framed(0x82, "abcdef", 6);
  size_t used;
  stoa_ws_reader_init(&reader, true, false);
  struct stoa_ws_event event = read_once(&reader, bytes.data, 6, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_NONE);
  assert_int_equal(used, 6);
  assert_false(stoa_ws_reader_idle(&reader));
  event = read_once(&reader, bytes.data + 6, 2, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_PAYLOAD);
  assert_true(event.first && !event.last && event.len == 2);
  event = read_once(&reader, bytes.data + 8, 3, &used);
  assert_true(!event.first && !event.last && event.len == 3);
  event = read_once(&reader, bytes.data + 11, 1, &used);
  assert_true(!event.first && event.last && event.len == 1);
  assert_memory_equal(bytes.data + 6, "abcdef", 6);
  assert_true(stoa_ws_reader_idle(&reader));
  stoa_buffer_fini(&bytes);
}

static void an_invalid_byte_of_text_is_an_error_before_its_frame_is_complete(void **state) {
  (void)state;
  struct stoa_ws_reader reader;
  struct stoa_buffer bytes = framed(0x81, "0123456789\xff-and-much-more-to-come", 30);
  size_t used;
  stoa_ws_reader_init(&reader, true, false);
  struct stoa_ws_event event = read_once(&reader, bytes.data, 6 + 10, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_PAYLOAD);
  event = read_once(&reader, bytes.data + used, 1, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_ERROR);
  assert_int_equal(event.code, 1007);
  stoa_buffer_fini(&bytes);
}

static void the_valid_bytes_before_an_invalid_one_are_not_delivered(void **state) {
  (void)state;
  struct stoa_ws_reader reader;
  struct stoa_buffer bytes = framed(0x81, "good\xff", 5);
  size_t used;
  stoa_ws_reader_init(&reader, true, false);
  struct stoa_ws_event event = read_once(&reader, bytes.data, bytes.len, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_ERROR);
  assert_int_equal(event.len, 0);
  stoa_buffer_fini(&bytes);
}

/* How many bytes of a header are needed until the verdict is there, and which verdict it is. */
static void a_header_is_refused_at_its_first_bad_byte(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t enough;
    uint16_t code;
  } heads[] = {
      {"\xa1\x80\0\0\0\0", 1, 1002},                               /* RSV2 */
      {"\x83\x80\0\0\0\0", 1, 1002},                               /* opcode 3 */
      {"\x80\x80\0\0\0\0", 1, 1002},                               /* continuation of nothing */
      {"\x81\x05Hello", 2, 1002},                                  /* no mask */
      {"\x89\xfe\x00\x7e\0\0\0\0", 2, 1002},                       /* long ping */
      {"\x82\xfe\x00\x05\0\0\0\0", 4, 1002},                       /* not minimal */
      {"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 10, 1002},            /* top bit */
      {"\x82\xff\0\0\0\0\x00\x01\x00\x01\0\0\0\0", 10, 1009},      /* the limit and one */
      {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0", 10, 1009} /* as long as a length can be */
  };
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    for (size_t len = 0; len <= heads[i].enough; len++) {
      struct stoa_ws_reader reader;
      uint8_t bytes[16];
      size_t used;
      stoa_ws_reader_init(&reader, true, false);
      memcpy(bytes, heads[i].bytes, len);
      struct stoa_ws_event event = read_once(&reader, bytes, len, &used);
      bool enough = len == heads[i].enough;
      assert_int_equal(event.kind, enough ? STOA_WS_EVENT_ERROR : STOA_WS_EVENT_NONE);
      assert_int_equal(event.code, enough ? heads[i].code : 0);
      assert_int_equal(used, enough ? len : 0);
    }
  }
}

static void nothing_is_read_after_an_error_or_a_close(void **state) {
  (void)state;
  static const uint8_t endings[] = {0xa1, 0x88};
  for (size_t i = 0; i < sizeof endings; i++) {
    struct stoa_ws_reader reader;
    struct stoa_buffer bytes = framed(endings[i], "", 0);
    frame_put(&bytes, 0x81, "late", 4);
    size_t used;
    stoa_ws_reader_init(&reader, true, false);
    struct stoa_ws_event event = read_once(&reader, bytes.data, bytes.len, &used);
    assert_int_not_equal(event.kind, STOA_WS_EVENT_NONE);
    assert_int_equal(used, bytes.len);
    event = read_once(&reader, bytes.data, bytes.len, &used);
    assert_int_equal(event.kind, STOA_WS_EVENT_NONE);
    assert_int_equal(used, bytes.len);
    assert_false(stoa_ws_reader_idle(&reader));
    stoa_buffer_fini(&bytes);
  }
}

static void a_client_takes_unmasked_frames_only(void **state) {
  (void)state;
  struct transcript transcript;
  transcript_init(&transcript, false, false, LIMIT);
  transcript_feed(&transcript, (const uint8_t *)"\x81\x05Hello\x8a\x00\x01\x01" "a", 12);
  transcript_feed(&transcript, (const uint8_t *)"\x80\x81\0\0\0\0b", 7);
  assert_string_equal(transcript_text(&transcript), "text \"Hello\"; pong \"\"; error 1002; ");
  transcript_fini(&transcript);
}

static void a_million_empty_fragments_are_no_event_and_take_no_room(void **state) {
  (void)state;
  struct stoa_ws_reader reader;
  struct stoa_buffer bytes = framed(0x02, "a", 1);
  size_t used;
  for (size_t i = 0; i < 1000000; i++) {
    frame_put(&bytes, 0x00, "", 0);
  }
  stoa_ws_reader_init(&reader, true, false);
  struct stoa_ws_event event = read_once(&reader, bytes.data, bytes.len, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_PAYLOAD);
  size_t rest = bytes.len - used;
  event = read_once(&reader, bytes.data + used, rest, &used);
  assert_int_equal(event.kind, STOA_WS_EVENT_NONE);
  assert_int_equal(used, rest);
  assert_int_equal(reader.message_len, 1);
  stoa_buffer_fini(&bytes);
}

static void fragments_of_one_byte_end_at_the_limit(void **state) {
  (void)state;
  struct transcript transcript;
  struct stoa_buffer bytes = framed(0x02, "a", 1);
  transcript_init(&transcript, true, false, 1000);
  for (size_t i = 0; i < 1000; i++) {
    frame_put(&bytes, 0x00, "a", 1);
  }
  transcript_feed(&transcript, bytes.data, 1000 * 7);
  assert_string_equal(transcript_text(&transcript), "");
  transcript_feed(&transcript, bytes.data + 1000 * 7, 2);
  assert_string_equal(transcript_text(&transcript), "error 1009; ");
  stoa_buffer_fini(&bytes);
  transcript_fini(&transcript);
}

/* Nine bits a byte is what fixed Huffman codes cost at worst. */
static void a_compressed_message_may_be_an_eighth_longer_than_the_limit(void **state) {
  (void)state;
  for (size_t over = 0; over < 2; over++) {
    struct transcript transcript;
    uint8_t payload[1000 + 125 + 64 + 1] = {0};
    struct stoa_buffer bytes = framed(0xc2, payload, sizeof payload - 1 + over);
    transcript_init(&transcript, true, true, 1000);
    transcript_feed(&transcript, bytes.data, bytes.len);
    assert_int_equal(strcmp(transcript_text(&transcript), "error 1009; ") == 0, over == 1);
    assert_true(transcript.log.len > 0);
    stoa_buffer_fini(&bytes);
    transcript_fini(&transcript);
  }
}

static void without_a_limit_the_limit_is_one_gibibyte(void **state) {
  (void)state;
  struct stoa_ws_reader reader;
  uint8_t longest[] = {0xc2, 0xff, 0, 0, 0, 0, 0x48, 0, 0, 0x40, 0, 0, 0, 0, 'x'};
  uint8_t bytes[] = {0xc2, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 'x'};
  struct stoa_ws_event event;
  size_t used;
  stoa_ws_reader_init(&reader, true, true);
  stoa_ws_read(&reader, UINT64_MAX, longest, sizeof longest, &used, &event);
  assert_int_equal(event.kind, STOA_WS_EVENT_PAYLOAD);
  assert_int_equal(event.len, 1);
  assert_false(event.last);
  stoa_ws_reader_init(&reader, true, true);
  longest[9]++;
  stoa_ws_read(&reader, UINT64_MAX, longest, sizeof longest, &used, &event);
  assert_int_equal(event.code, STOA_WS_CLOSE_TOO_BIG);
  stoa_ws_reader_init(&reader, true, true);
  stoa_ws_read(&reader, UINT64_MAX, bytes, sizeof bytes, &used, &event);
  assert_int_equal(event.code, STOA_WS_CLOSE_TOO_BIG);
}

static void no_byte_after_the_end_is_read(void **state) {
  (void)state;
  struct guard guard = guard_make(LIMIT);
  for (size_t i = 0; i < stream_count; i++) {
    struct stoa_buffer bytes;
    stoa_buffer_init(&bytes, LIMIT);
    stream_bytes(&streams[i], &bytes);
    for (size_t len = 0; len <= bytes.len; len++) {
      struct stoa_ws_reader reader;
      struct stoa_ws_event event;
      stoa_ws_reader_init(&reader, true, streams[i].compression);
      uint8_t *at = guard_copy(&guard, bytes.data, len);
      do {
        size_t used;
        event = read_once(&reader, at, (size_t)(guard.end - at), &used);
        at += used;
      } while (event.kind != STOA_WS_EVENT_NONE);
    }
    stoa_buffer_fini(&bytes);
  }
  guard_free(&guard);
}

static void the_mask_is_undone_for_every_length_and_alignment(void **state) {
  (void)state;
  static const uint8_t key[4] = {0x01, 0x23, 0x45, 0x67};
  for (size_t offset = 0; offset < 17; offset++) {
    for (size_t len = 0; len < 200; len++) {
      uint8_t bytes[256];
      uint32_t mask, turned;
      memcpy(&mask, key, sizeof mask);
      for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
      }
      turned = stoa_ws_mask(mask, bytes + offset, len);
      for (size_t i = 0; i < sizeof bytes; i++) {
        bool inside = i >= offset && i < offset + len;
        assert_int_equal(bytes[i], (uint8_t)(i * 7) ^ (inside ? key[(i - offset) % 4] : 0));
      }
      uint8_t turned_key[4];
      memcpy(turned_key, &turned, sizeof turned);
      for (size_t i = 0; i < 4; i++) {
        assert_int_equal(turned_key[i], key[(len + i) % 4]);
      }
    }
  }
}

static void headers_are_written_in_the_fewest_bytes(void **state) {
  (void)state;
  static const struct {
    uint64_t payload_len;
    size_t len;
    uint8_t bytes[10];
  } heads[] = {
      {0, 2, {0x82, 0}},
      {125, 2, {0x82, 125}},
      {126, 4, {0x82, 126, 0, 126}},
      {65535, 4, {0x82, 126, 0xff, 0xff}},
      {65536, 10, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
      {(uint64_t)1 << 40, 10, {0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0}},
  };
  uint8_t out[10];
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    assert_int_equal(stoa_ws_header_write(out, STOA_WS_BINARY, false, heads[i].payload_len), heads[i].len);
    assert_memory_equal(out, heads[i].bytes, heads[i].len);
  }
  assert_int_equal(stoa_ws_header_write(out, STOA_WS_TEXT, true, 1), 2);
  assert_int_equal(out[0], 0xc1);
}

static void a_peer_may_send_only_the_close_codes_of_the_rfc(void **state) {
  (void)state;
  for (uint32_t code = 0; code <= UINT16_MAX; code++) {
    bool may =
        (code >= 3000 && code < 5000) || (code >= 1000 && code < 1015 && code != 1004 && code != 1005 && code != 1006);
    assert_int_equal(stoa_ws_close_code_valid((uint16_t)code), may);
  }
}

static void a_close_frame_is_written_and_its_reason_cut_at_a_character(void **state) {
  (void)state;
  uint8_t out[127];
  char reason[256];
  assert_int_equal(stoa_ws_close_write(out, 1000, "bye"), 7);
  assert_memory_equal(out,
                      "\x88\x05\x03\xe8"
                      "bye",
                      7);
  assert_int_equal(stoa_ws_close_write(out, 4008, NULL), 4);
  assert_memory_equal(out, "\x88\x02\x0f\xa8", 4);
  assert_int_equal(stoa_ws_close_write(out, STOA_WS_CLOSE_NO_STATUS, "never sent"), 2);
  assert_memory_equal(out, "\x88\x00", 2);

  memset(reason, 'r', sizeof reason);
  reason[123] = 0;
  assert_int_equal(stoa_ws_close_write(out, 1000, reason), 127);
  reason[123] = 'r';
  reason[255] = 0;
  assert_int_equal(stoa_ws_close_write(out, 1000, reason), 127);
  assert_int_equal(out[1], 125);
  /* A character of four bytes that would end at byte 125. */
  memcpy(reason + 121, "\xf0\x9f\x98\x80", 4);
  assert_int_equal(stoa_ws_close_write(out, 1000, reason), 4 + 121);
  assert_int_equal(out[1], 2 + 121);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_stream_gives_the_events_that_the_rfc_asks_for),
      cmocka_unit_test(a_small_message_in_one_piece_is_one_event),
      cmocka_unit_test(pieces_say_where_the_message_starts_and_ends),
      cmocka_unit_test(an_invalid_byte_of_text_is_an_error_before_its_frame_is_complete),
      cmocka_unit_test(the_valid_bytes_before_an_invalid_one_are_not_delivered),
      cmocka_unit_test(a_header_is_refused_at_its_first_bad_byte),
      cmocka_unit_test(nothing_is_read_after_an_error_or_a_close),
      cmocka_unit_test(a_client_takes_unmasked_frames_only),
      cmocka_unit_test(a_million_empty_fragments_are_no_event_and_take_no_room),
      cmocka_unit_test(fragments_of_one_byte_end_at_the_limit),
      cmocka_unit_test(a_compressed_message_may_be_an_eighth_longer_than_the_limit),
      cmocka_unit_test(without_a_limit_the_limit_is_one_gibibyte),
      cmocka_unit_test(no_byte_after_the_end_is_read),
      cmocka_unit_test(the_mask_is_undone_for_every_length_and_alignment),
      cmocka_unit_test(headers_are_written_in_the_fewest_bytes),
      cmocka_unit_test(a_peer_may_send_only_the_close_codes_of_the_rfc),
      cmocka_unit_test(a_close_frame_is_written_and_its_reason_cut_at_a_character),
  };
  return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
