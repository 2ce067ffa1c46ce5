#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stoa/buffer.h>

#include "base/memory.h"
#include "random.h"
#include "wire/ws_deflate.h"

#define LIMIT 65536

/* Inflate in pieces of `piece` bytes (0: all at once) into a fresh buffer of that cap. */
static int inflate_in(size_t piece, const void *data, size_t len, size_t cap, struct stoa_buffer *out) {
  struct stoa_inflater *inflater = stoa_inflater_create();
  const uint8_t *bytes = data;
  int status = STOA_OK;
  assert_non_null(inflater);
  stoa_buffer_init(out, cap);
  piece = piece == 0 || piece > len ? len : piece;
  for (size_t at = 0;;) {
    size_t part = piece < len - at ? piece : len - at;
    bool last = at + part == len;
    status = stoa_inflater_step(inflater, stoa_bytes_make(bytes + at, part), last, out);
    at += part;
    if (last || status != STOA_OK) {
      break;
    }
  }
  stoa_inflater_destroy(inflater);
  return status;
}

static struct stoa_buffer deflated(const void *data, size_t len, int window_bits) {
  struct stoa_buffer out;
  struct stoa_deflater *deflater = stoa_deflater_create(window_bits);
  assert_non_null(deflater);
  stoa_buffer_init(&out, (size_t)64 << 20);
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(data, len), &out), STOA_OK);
  stoa_deflater_destroy(deflater);
  return out;
}

static void assert_inflates(const void *data, size_t len, const char *expected) {
  for (size_t piece = 0; piece <= len; piece++) {
    struct stoa_buffer out;
    assert_int_equal(inflate_in(piece, data, len, LIMIT, &out), STOA_OK);
    assert_int_equal(out.len, strlen(expected));
    assert_true(out.len == 0 || memcmp(out.data, expected, out.len) == 0);
    stoa_buffer_fini(&out);
  }
}

static void assert_refused(const void *data, size_t len) {
  for (size_t piece = 0; piece <= len; piece++) {
    struct stoa_buffer out;
    assert_int_equal(inflate_in(piece, data, len, LIMIT, &out), STOA_E_SYNTAX);
    stoa_buffer_fini(&out);
  }
}

#define BYTES(literal) literal, sizeof(literal) - 1

/* RFC 7692 7.2.3.1 to 7.2.3.6. */
static void the_examples_of_the_rfc_are_inflated(void **state) {
  (void)state;
  assert_inflates(BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello");
  assert_inflates(BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello");
  assert_inflates(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello");
  assert_inflates(BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "Hello");
  assert_inflates(BYTES("\x00"), "");
}

static void blocks_after_a_last_one_are_part_of_the_message(void **state) {
  (void)state;
  /* "Hello" with BFINAL, then again with BFINAL, then without. */
  assert_inflates(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00"),
                  "HelloHelloHello");
  /* Without the byte that should follow a last block with BFINAL. */
  assert_inflates(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), "Hello");
}

static void what_is_not_deflate_is_refused(void **state) {
  (void)state;
  assert_refused(BYTES(""));
  assert_refused(BYTES("\xff"));
  assert_refused(BYTES("\xff\xff\xff\xff"));
  assert_refused(BYTES("\x06"));                             /* block type 3 */
  assert_refused(BYTES("\x00\x05\x00\xfb\xff\x48\x65\x6c")); /* LEN and NLEN disagree */
  assert_refused(BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c")); /* a stored block cut short */
  assert_refused(BYTES("\xf2\x48\xcd\xc9"));                 /* Huffman codes cut short */
  assert_refused(BYTES("\x02\x02\x00"));                     /* a distance to before the message */
  assert_refused(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xff")); /* rubbish after a last block */
  assert_refused(BYTES("Hello, this was never compressed"));
}

static void an_empty_message_is_one_zero_byte(void **state) {
  (void)state;
  struct stoa_buffer out = deflated("", 0, 15);
  assert_int_equal(out.len, 1);
  assert_int_equal(out.data[0], 0);
  stoa_buffer_fini(&out);
}

static void messages_come_back_as_they_were(void **state) {
  (void)state;
  static const size_t lens[] = {1, 2, 10, 100, 255, 256, 1000, 4096, 16384, 16385, 65535, 65536};
  uint64_t seed = 9;
  uint8_t *message = malloc(65536);
  assert_non_null(message);
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    for (unsigned kind = 0; kind < 3; kind++) {
      for (size_t at = 0; at < lens[i]; at++) {
        message[at] = kind == 0 ? 'a' : (uint8_t)random_below(&seed, kind == 1 ? 16 : 256);
      }
      for (int window_bits = 9; window_bits <= 15; window_bits += 3) {
        struct stoa_buffer compressed = deflated(message, lens[i], window_bits);
        for (size_t piece = 0; piece < 2000; piece = piece * 3 + 7) {
          struct stoa_buffer out;
          assert_int_equal(inflate_in(piece, compressed.data, compressed.len, LIMIT, &out), STOA_OK);
          assert_int_equal(out.len, lens[i]);
          assert_memory_equal(out.data, message, lens[i]);
          stoa_buffer_fini(&out);
        }
        stoa_buffer_fini(&compressed);
      }
    }
  }
  free(message);
}

static void the_same_message_is_the_same_bytes_whatever_came_before(void **state) {
  (void)state;
  static const char message[] = "the same words, the same words, the same words";
  struct stoa_buffer first, again;
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  assert_non_null(deflater);
  stoa_buffer_init(&first, LIMIT);
  stoa_buffer_init(&again, LIMIT);
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, sizeof message), &first), STOA_OK);
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, sizeof message), &again), STOA_OK);
  assert_int_equal(again.len, first.len);
  assert_memory_equal(again.data, first.data, first.len);
  /* Appended after what is there. */
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, sizeof message), &again), STOA_OK);
  assert_int_equal(again.len, 2 * first.len);
  assert_memory_equal(again.data + first.len, first.data, first.len);
  stoa_buffer_fini(&first);
  stoa_buffer_fini(&again);
  stoa_deflater_destroy(deflater);
}

static void one_inflater_serves_many_messages(void **state) {
  (void)state;
  struct stoa_inflater *inflater = stoa_inflater_create();
  struct stoa_buffer out;
  static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00";
  assert_non_null(inflater);
  stoa_buffer_init(&out, LIMIT);
  for (size_t i = 0; i < 3; i++) {
    out.len = 0;
    assert_int_equal(stoa_inflater_step(inflater, stoa_bytes_make(BYTES(hello)), true, &out), STOA_OK);
    assert_memory_equal(out.data, "Hello", 5);
    stoa_inflater_reset(inflater);
    /* After a message that failed, too. */
    assert_int_equal(stoa_inflater_step(inflater, stoa_bytes_make("\xff", 1), true, &out), STOA_E_SYNTAX);
    stoa_inflater_reset(inflater);
  }
  stoa_buffer_fini(&out);
  stoa_inflater_destroy(inflater);
}

static void a_message_at_the_limit_passes_and_one_byte_more_does_not(void **state) {
  (void)state;
  static uint8_t message[1001];
  for (size_t len = 999; len <= 1001; len++) {
    struct stoa_buffer compressed = deflated(message, len, 15);
    for (size_t piece = 0; piece <= compressed.len; piece++) {
      struct stoa_buffer out;
      int status = inflate_in(piece, compressed.data, compressed.len, 1000, &out);
      assert_int_equal(status, len <= 1000 ? STOA_OK : STOA_E_LIMIT);
      assert_true(out.len <= 1000);
      assert_true(out.cap <= 1000);
      stoa_buffer_fini(&out);
    }
    stoa_buffer_fini(&compressed);
  }
}

/* What stands after the byte that is too much must not count, or the answer would hang on the pieces. */
static void an_error_after_the_limit_is_reported_as_the_limit(void **state) {
  (void)state;
  static uint8_t message[1001];
  struct stoa_buffer bytes = deflated(message, sizeof message, 15);
  assert_int_equal(stoa_buffer_append(&bytes, "\xff\xff\xff\xff", 4), STOA_OK);
  for (size_t piece = 0; piece <= bytes.len; piece++) {
    struct stoa_buffer out;
    assert_int_equal(inflate_in(piece, bytes.data, bytes.len, 1000, &out), STOA_E_LIMIT);
    stoa_buffer_fini(&out);
    assert_int_equal(inflate_in(piece, bytes.data, bytes.len, 1001, &out), STOA_E_SYNTAX);
    stoa_buffer_fini(&out);
  }
  stoa_buffer_fini(&bytes);
}

static void a_limit_of_zero_accepts_only_the_empty_message(void **state) {
  (void)state;
  struct stoa_buffer out;
  assert_int_equal(inflate_in(0, BYTES("\x00"), 0, &out), STOA_OK);
  assert_int_equal(inflate_in(0, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), 0, &out), STOA_E_LIMIT);
}

/* 64 MiB of zeros in 120 kB. */
static void a_decompression_bomb_ends_at_the_limit(void **state) {
  (void)state;
  size_t len = (size_t)64 << 20;
  uint8_t *zeros = calloc(1, len);
  assert_non_null(zeros);
  struct stoa_buffer bomb = deflated(zeros, len, 15);
  free(zeros);
  assert_true(bomb.len < len / 500);
  for (size_t piece = 0; piece < 3; piece++) {
    struct stoa_buffer out;
    assert_int_equal(inflate_in(piece * 100, bomb.data, bomb.len, LIMIT, &out), STOA_E_LIMIT);
    assert_true(out.cap <= LIMIT);
    stoa_buffer_fini(&out);
  }
  stoa_buffer_fini(&bomb);
}

static void a_bomb_is_not_inflated_past_the_limit_when_it_is_asked_again(void **state) {
  (void)state;
  static uint8_t zeros[100000];
  struct stoa_buffer bomb = deflated(zeros, sizeof zeros, 15);
  struct stoa_inflater *inflater = stoa_inflater_create();
  struct stoa_buffer out;
  assert_non_null(inflater);
  stoa_buffer_init(&out, 1000);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(stoa_inflater_step(inflater, stoa_bytes_make(bomb.data, bomb.len), true, &out), STOA_E_LIMIT);
    assert_true(out.len <= 1000);
    stoa_inflater_reset(inflater);
  }
  stoa_inflater_destroy(inflater);
  stoa_buffer_fini(&out);
  stoa_buffer_fini(&bomb);
}

/* Make the n-th allocation fail for every n until none is left to fail: each time a clean error, and nothing lost. */
static void every_failed_allocation_is_reported_and_nothing_is_lost(void **state) {
  (void)state;
  static uint8_t message[40000];
  struct stoa_buffer compressed = deflated(message, sizeof message, 15);
  int64_t before = stoa_memory_live_blocks();
  for (uint64_t n = 1;; n++) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, LIMIT);
    stoa_memory_fail_at(n, false);
    struct stoa_inflater *inflater = stoa_inflater_create();
    int status = STOA_E_MEMORY;
    if (inflater != NULL) {
      status = stoa_inflater_step(inflater, stoa_bytes_make(compressed.data, compressed.len), true, &out);
    }
    bool hit = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    stoa_inflater_destroy(inflater);
    stoa_buffer_fini(&out);
    assert_int_equal(stoa_memory_live_blocks(), before);
    assert_int_equal(status, hit ? STOA_E_MEMORY : STOA_OK);
    if (!hit) {
      assert_true(n > 4);
      break;
    }
  }
  stoa_buffer_fini(&compressed);
}

static void every_allocation_of_the_deflater_may_fail(void **state) {
  (void)state;
  int64_t before = stoa_memory_live_blocks();
  for (uint64_t n = 1;; n++) {
    struct stoa_buffer out;
    stoa_buffer_init(&out, LIMIT);
    stoa_memory_fail_at(n, false);
    struct stoa_deflater *deflater = stoa_deflater_create(15);
    int status = STOA_E_MEMORY;
    if (deflater != NULL) {
      status = stoa_deflater_message(deflater, stoa_bytes_make("Hello", 5), &out);
    }
    bool hit = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    stoa_deflater_destroy(deflater);
    stoa_buffer_fini(&out);
    assert_int_equal(stoa_memory_live_blocks(), before);
    assert_int_equal(status, hit ? STOA_E_MEMORY : STOA_OK);
    if (!hit) {
      assert_true(n > 3);
      break;
    }
  }
}

static void destroying_null_is_allowed(void **state) {
  (void)state;
  stoa_inflater_destroy(NULL);
  stoa_deflater_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_rfc_are_inflated),
      cmocka_unit_test(blocks_after_a_last_one_are_part_of_the_message),
      cmocka_unit_test(what_is_not_deflate_is_refused),
      cmocka_unit_test(an_empty_message_is_one_zero_byte),
      cmocka_unit_test(messages_come_back_as_they_were),
      cmocka_unit_test(the_same_message_is_the_same_bytes_whatever_came_before),
      cmocka_unit_test(one_inflater_serves_many_messages),
      cmocka_unit_test(a_message_at_the_limit_passes_and_one_byte_more_does_not),
      cmocka_unit_test(an_error_after_the_limit_is_reported_as_the_limit),
      cmocka_unit_test(a_limit_of_zero_accepts_only_the_empty_message),
      cmocka_unit_test(a_decompression_bomb_ends_at_the_limit),
      cmocka_unit_test(a_bomb_is_not_inflated_past_the_limit_when_it_is_asked_again),
      cmocka_unit_test(every_failed_allocation_is_reported_and_nothing_is_lost),
      cmocka_unit_test(every_allocation_of_the_deflater_may_fail),
      cmocka_unit_test(destroying_null_is_allowed),
  };
  return cmocka_run_group_tests_name("compression", tests, NULL, NULL);
}
