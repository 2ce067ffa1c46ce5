/* What is compressed comes back in every client's inflater: no block ends the stream, no reference reaches before the
 * window, nothing is written outside of the output buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/buffer.h>

#include "base/memory.h"
#include "random.h"
#include "wire/ws_deflate.h"
#include "wire/ws_deflate_reopen.h"
#include "wire/zlib_memory.h"

#include <libdeflate.h>

#define MESSAGE_LEN_MAX ((size_t)100 * 1024)
#define ROOM_TO_SPARE 32 /* what stoa_deflater_message() asks for beside the result */

/* Text of few words, letters, noise, one byte over and over: deflate treats each in another way. */
enum kind { KIND_WORDS, KIND_LETTERS, KIND_NOISE, KIND_SAME, KIND_COUNT };

static uint8_t message[MESSAGE_LEN_MAX];

static void fill_words(uint64_t *seed) {
  static const char *const words[] = {"room ", "people ", "{\"message\":\"", "noon ", "and ", "why ", "\",", "0x4f "};
  for (size_t at = 0; at < MESSAGE_LEN_MAX;) {
    const char *word = words[random_below(seed, sizeof words / sizeof words[0])];
    for (; *word != '\0' && at < MESSAGE_LEN_MAX; word++) {
      message[at++] = (uint8_t)*word;
    }
  }
}

static void fill(enum kind kind, uint64_t *seed) {
  if (kind == KIND_WORDS) {
    fill_words(seed);
    return;
  }
  for (size_t at = 0; at < MESSAGE_LEN_MAX; at++) {
    message[at] = kind == KIND_SAME ? 'a' : (uint8_t)random_below(seed, kind == KIND_LETTERS ? 12 : 256);
  }
}

/* zlib as a client uses it: told of the window, with the tail put back, and with no patience for a stream that ends. */
static void assert_client_reads(const struct stoa_buffer *compressed, size_t len, int window_bits) {
  static uint8_t out[MESSAGE_LEN_MAX + 1];
  static uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
  z_stream stream = stoa_zlib_stream();
  assert_int_equal(inflateInit2(&stream, -window_bits), Z_OK);
  stream.next_in = compressed->data;
  stream.avail_in = (uInt)compressed->len;
  stream.next_out = out;
  stream.avail_out = sizeof out;
  assert_int_equal(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
  assert_int_equal(stream.avail_in, 0);
  stream.next_in = tail;
  stream.avail_in = sizeof tail;
  int result = inflate(&stream, Z_SYNC_FLUSH);
  assert_true(result == Z_OK || result == Z_BUF_ERROR);
  assert_int_equal(stream.avail_in, 0);
  assert_int_equal(sizeof out - stream.avail_out, len);
  assert_memory_equal(out, message, len);
  assert_int_equal(stream.data_type & (128 | 31), 128); /* between two blocks, on a byte's edge */
  inflateEnd(&stream);
}

static void assert_comes_back(struct stoa_deflater *deflater, size_t len, int window_bits) {
  struct stoa_buffer compressed;
  stoa_buffer_init(&compressed, 2 * MESSAGE_LEN_MAX);
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, len), &compressed), STOA_OK);
  assert_client_reads(&compressed, len, window_bits);
  stoa_buffer_fini(&compressed);
}

static void messages_of_all_lengths_and_kinds_are_read_by_a_client(void **state) {
  (void)state;
  uint64_t seed = 31;
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  assert_non_null(deflater);
  for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
    fill(kind, &seed);
    for (size_t len = 1; len < 1500; len++) {
      assert_comes_back(deflater, len, 15);
    }
    for (size_t len = 1500; len <= MESSAGE_LEN_MAX; len += 1 + len / 3) {
      assert_comes_back(deflater, len, 15);
    }
  }
  stoa_deflater_destroy(deflater);
}

static void messages_around_the_length_of_a_piece_are_read_by_a_client(void **state) {
  (void)state;
  uint64_t seed = 32;
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  assert_non_null(deflater);
  for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
    fill(kind, &seed);
    for (size_t pieces = 1; pieces <= 3; pieces++) {
      for (size_t len = pieces * 32768 - 2; len <= pieces * 32768 + 2; len++) {
        assert_comes_back(deflater, len, 15);
      }
    }
  }
  stoa_deflater_destroy(deflater);
}

/* An inflater with the small window fails when something refers to what lies after it. */
static void no_back_reference_is_longer_than_a_small_window(void **state) {
  (void)state;
  uint64_t seed = 33;
  for (int window_bits = 9; window_bits <= 15; window_bits++) {
    size_t window = (size_t)1 << window_bits;
    struct stoa_deflater *deflater = stoa_deflater_create(window_bits);
    assert_non_null(deflater);
    fill(KIND_WORDS, &seed);
    for (size_t len = window / 2; len <= 3 * window && len <= MESSAGE_LEN_MAX; len += window / 4) {
      /* What repeats does so from one end of the window to the other, and further. */
      memcpy(message + len - 100, message, 100);
      assert_comes_back(deflater, len - 1, window_bits);
      assert_comes_back(deflater, len, window_bits);
    }
    stoa_deflater_destroy(deflater);
  }
}

static void text_becomes_shorter_and_random_bytes_hardly_longer(void **state) {
  (void)state;
  uint64_t seed = 34;
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  assert_non_null(deflater);
  for (size_t len = 128; len <= 65536; len *= 2) {
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
      struct stoa_buffer out;
      stoa_buffer_init(&out, 2 * MESSAGE_LEN_MAX);
      fill(kind, &seed);
      assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, len), &out), STOA_OK);
      assert_true(kind == KIND_NOISE ? out.len <= len + 16 : out.len < len);
      stoa_buffer_fini(&out);
    }
  }
  stoa_deflater_destroy(deflater);
}

/* The sanitizer watches the end of each buffer; what comes back is the whole message or the limit. */
static void no_byte_is_written_outside_of_the_output_buffer(void **state) {
  (void)state;
  static const size_t lens[] = {20, 200, 700};
  uint64_t seed = 35;
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  assert_non_null(deflater);
  for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
    fill(kind, &seed);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
      struct stoa_buffer whole;
      stoa_buffer_init(&whole, MESSAGE_LEN_MAX);
      assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, lens[i]), &whole), STOA_OK);
      for (size_t cap = 0; cap < lens[i] + 40; cap++) {
        struct stoa_buffer out;
        stoa_buffer_init(&out, 3 + cap);
        assert_int_equal(stoa_buffer_append(&out, "abc", 3), STOA_OK);
        int status = stoa_deflater_message(deflater, stoa_bytes_make(message, lens[i]), &out);
        assert_true(status == STOA_OK || (status == STOA_E_LIMIT && cap < whole.len + ROOM_TO_SPARE));
        assert_int_equal(out.len, status == STOA_OK ? 3 + whole.len : 3);
        assert_memory_equal(out.data, "abc", 3);
        assert_memory_equal(out.data + 3, whole.data, out.len - 3);
        stoa_buffer_fini(&out);
      }
      stoa_buffer_fini(&whole);
    }
  }
  stoa_deflater_destroy(deflater);
}

static void more_than_two_gibibytes_are_refused_unread(void **state) {
  (void)state;
  struct stoa_buffer out;
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  assert_non_null(deflater);
  stoa_buffer_init(&out, 1000);
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, (size_t)1 << 31), &out), STOA_E_LIMIT);
  assert_int_equal(out.len, 0);
  stoa_deflater_destroy(deflater);
}

/* A message longer than a small window is left to zlib, whose memory is asked for then. */
static void running_out_of_memory_for_zlib_is_an_error_and_keeps_the_output(void **state) {
  (void)state;
  uint64_t seed = 36;
  int64_t before = stoa_memory_live_blocks();
  fill(KIND_WORDS, &seed);
  for (uint64_t n = 1;; n++) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, MESSAGE_LEN_MAX);
    struct stoa_deflater *deflater = stoa_deflater_create(9);
    assert_non_null(deflater);
    stoa_memory_fail_at(n, false);
    int status = stoa_deflater_message(deflater, stoa_bytes_make(message, 1000), &out);
    bool hit = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    assert_int_equal(status, hit ? STOA_E_MEMORY : STOA_OK);
    assert_int_equal(out.len > 0, !hit);
    /* The next one is none the worse for it. */
    out.len = 0;
    assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, 1000), &out), STOA_OK);
    assert_client_reads(&out, 1000, 9);
    stoa_deflater_destroy(deflater);
    stoa_buffer_fini(&out);
    assert_int_equal(stoa_memory_live_blocks(), before);
    if (!hit) {
      assert_true(n > 4);
      break;
    }
  }
}

/* Reopening. */

static size_t finished(int level, size_t len, uint8_t *out, size_t out_size) {
  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
  assert_non_null(compressor);
  size_t out_len = libdeflate_deflate_compress(compressor, message, len, out, out_size);
  libdeflate_free_compressor(compressor);
  assert_true(out_len > 0);
  return out_len;
}

static void a_stream_of_several_blocks_is_left_alone(void **state) {
  (void)state;
  static uint8_t stream[2 * MESSAGE_LEN_MAX], again[2 * MESSAGE_LEN_MAX];
  uint64_t seed = 37;
  fill(KIND_NOISE, &seed);
  memset(message, 'a', MESSAGE_LEN_MAX / 2);
  size_t len = finished(6, MESSAGE_LEN_MAX, stream, sizeof stream);
  assert_int_equal(stream[0] & 1, 0);
  memcpy(again, stream, len + 1);
  assert_int_equal(stoa_ws_deflate_reopen(stream, len), 0);
  assert_memory_equal(stream, again, len + 1);
}

/* RFC 7692 7.2.3.4's "Hello". */
static void a_block_of_fixed_codes_is_left_alone(void **state) {
  (void)state;
  uint8_t stream[] = {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x55};
  static const uint8_t same[] = {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x55};
  assert_int_equal(stoa_ws_deflate_reopen(stream, 7), 0);
  assert_memory_equal(stream, same, sizeof same);
}

/* RFC 7692 7.2.3.3's "Hello", as a stream that ends. */
static void a_stored_block_goes_on_with_a_byte_of_zeros(void **state) {
  (void)state;
  uint8_t stream[] = {0x01, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x55};
  static const uint8_t open[] = {0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00};
  assert_int_equal(stoa_ws_deflate_reopen(stream, 10), 11);
  assert_memory_equal(stream, open, sizeof open);
}

/* Whatever the bits are: each read stays inside, and no more than the mark and one byte is written. */
static void broken_streams_touch_nothing_outside(void **state) {
  (void)state;
  static uint8_t whole[4096];
  uint64_t seed = 38;
  fill(KIND_WORDS, &seed);
  size_t whole_len = finished(1, 1000, whole, sizeof whole);
  for (size_t round = 0; round < 20000; round++) {
    size_t len = 1 + random_below(&seed, whole_len);
    uint8_t *stream = malloc(len + 1);
    assert_non_null(stream);
    memcpy(stream, whole, len);
    for (size_t i = random_below(&seed, 4); i > 0; i--) {
      stream[random_below(&seed, len < 80 ? len : 80)] = (uint8_t)random_next(&seed);
    }
    size_t reopened = stoa_ws_deflate_reopen(stream, len);
    assert_true(reopened == 0 || reopened == len || reopened == len + 1);
    assert_true(reopened == 0 || (stream[0] & 1) == 0);
    free(stream);
  }
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_of_all_lengths_and_kinds_are_read_by_a_client),
      cmocka_unit_test(messages_around_the_length_of_a_piece_are_read_by_a_client),
      cmocka_unit_test(no_back_reference_is_longer_than_a_small_window),
      cmocka_unit_test(text_becomes_shorter_and_random_bytes_hardly_longer),
      cmocka_unit_test(no_byte_is_written_outside_of_the_output_buffer),
      cmocka_unit_test(more_than_two_gibibytes_are_refused_unread),
      cmocka_unit_test(running_out_of_memory_for_zlib_is_an_error_and_keeps_the_output),
      cmocka_unit_test(a_stream_of_several_blocks_is_left_alone),
      cmocka_unit_test(a_block_of_fixed_codes_is_left_alone),
      cmocka_unit_test(a_stored_block_goes_on_with_a_byte_of_zeros),
      cmocka_unit_test(broken_streams_touch_nothing_outside),
  };
  return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
