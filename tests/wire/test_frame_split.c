/* Any split of a peer's bytes gives the same messages, controls and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random.h"
#include "streams.h"
#include "transcript.h"

/* Feed the bytes in pieces that end at the given places, and compare with what is expected. */
static void check_split(const struct stream *stream, const struct stoa_buffer *bytes, const size_t *ends,
                        size_t end_count) {
  struct transcript transcript;
  size_t at = 0;
  transcript_init(&transcript, true, stream->compression, STREAM_MESSAGE_LEN_MAX);
  for (size_t i = 0; i < end_count; i++) {
    transcript_feed(&transcript, bytes->data + at, ends[i] - at);
    at = ends[i];
  }
  transcript_feed(&transcript, bytes->data + at, bytes->len - at);
  if (strcmp(transcript_text(&transcript), stream->expected) != 0) {
    fail_msg("%s: got [%s], expected [%s], first piece %zu", stream->name, transcript_text(&transcript),
             stream->expected, end_count > 0 ? ends[0] : bytes->len);
  }
  transcript_fini(&transcript);
}

static void for_each_stream(void (*check)(const struct stream *stream, const struct stoa_buffer *bytes)) {
  for (size_t i = 0; i < stream_count; i++) {
    struct stoa_buffer bytes;
    stoa_buffer_init(&bytes, 65536);
    stream_bytes(&streams[i], &bytes);
    check(&streams[i], &bytes);
    stoa_buffer_fini(&bytes);
  }
}

static void check_two_pieces(const struct stream *stream, const struct stoa_buffer *bytes) {
  for (size_t end = 0; end <= bytes->len; end++) {
    check_split(stream, bytes, &end, 1);
  }
}

static void two_pieces_give_the_same_events_wherever_the_cut_is(void **state) {
  (void)state;
  for_each_stream(check_two_pieces);
}

static void check_single_bytes(const struct stream *stream, const struct stoa_buffer *bytes) {
  size_t *ends = calloc(bytes->len, sizeof *ends);
  assert_non_null(ends);
  for (size_t i = 0; i < bytes->len; i++) {
    ends[i] = i + 1;
  }
  check_split(stream, bytes, ends, bytes->len);
  free(ends);
}

static void single_bytes_give_the_same_events(void **state) {
  (void)state;
  for_each_stream(check_single_bytes);
}

static void check_random_pieces(const struct stream *stream, const struct stoa_buffer *bytes) {
  uint64_t seed = 1;
  for (size_t round = 0; round < 50; round++) {
    size_t ends[16];
    size_t count = 0;
    size_t at = 0;
    while (count < 16 && at < bytes->len) {
      at += random_below(&seed, bytes->len - at + 1);
      ends[count++] = at;
    }
    check_split(stream, bytes, ends, count);
  }
}

static void random_pieces_give_the_same_events(void **state) {
  (void)state;
  for_each_stream(check_random_pieces);
}

/* Long enough for 64-bit lengths and for the wide loops. */
static void long_messages_survive_any_pieces(void **state) {
  (void)state;
  size_t len = 100000;
  struct stoa_buffer bytes;
  struct transcript whole;
  uint64_t seed = 7;
  uint8_t *payload = malloc(len);
  assert_non_null(payload);
  for (size_t i = 0; i < len; i++) {
    payload[i] = (uint8_t)(i % 95 + 32);
  }
  stoa_buffer_init(&bytes, (size_t)1 << 20);
  frame_put(&bytes, 0x81, payload, len);
  frame_put(&bytes, 0x02, payload, len / 2);
  frame_put(&bytes, 0x89, "p", 1);
  frame_put(&bytes, 0x80, payload, len / 2);
  transcript_init(&whole, true, false, len);
  transcript_feed(&whole, bytes.data, bytes.len);
  for (size_t round = 0; round < 50; round++) {
    struct transcript transcript;
    transcript_init(&transcript, true, false, len);
    for (size_t at = 0; at < bytes.len;) {
      size_t piece = 1 + random_below(&seed, round < 25 ? 30000 : 300);
      piece = piece < bytes.len - at ? piece : bytes.len - at;
      transcript_feed(&transcript, bytes.data + at, piece);
      at += piece;
    }
    assert_string_equal(transcript_text(&transcript), transcript_text(&whole));
    transcript_fini(&transcript);
  }
  transcript_fini(&whole);
  stoa_buffer_fini(&bytes);
  free(payload);
}

/* What nobody wrote a case for: noise, and good streams with a byte changed. */
static void changed_bytes_give_the_same_events_whole_and_in_single_bytes(void **state) {
  (void)state;
  uint64_t seed = 11;
  for (size_t i = 0; i < stream_count; i++) {
    struct stoa_buffer bytes;
    stoa_buffer_init(&bytes, 65536);
    stream_bytes(&streams[i], &bytes);
    for (size_t round = 0; round < 40; round++) {
      struct transcript whole, single;
      size_t place = random_below(&seed, bytes.len < 32 ? bytes.len : 32);
      bytes.data[place] ^= (uint8_t)(1 + random_below(&seed, 255));
      transcript_init(&whole, true, streams[i].compression, STREAM_MESSAGE_LEN_MAX);
      transcript_init(&single, true, streams[i].compression, STREAM_MESSAGE_LEN_MAX);
      transcript_feed(&whole, bytes.data, bytes.len);
      for (size_t at = 0; at < bytes.len; at++) {
        transcript_feed(&single, bytes.data + at, 1);
      }
      assert_string_equal(transcript_text(&single), transcript_text(&whole));
      transcript_fini(&whole);
      transcript_fini(&single);
    }
    stoa_buffer_fini(&bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_pieces_give_the_same_events_wherever_the_cut_is),
      cmocka_unit_test(single_bytes_give_the_same_events),
      cmocka_unit_test(random_pieces_give_the_same_events),
      cmocka_unit_test(long_messages_survive_any_pieces),
      cmocka_unit_test(changed_bytes_give_the_same_events_whole_and_in_single_bytes),
  };
  return cmocka_run_group_tests_name("frames in pieces", tests, NULL, NULL);
}
