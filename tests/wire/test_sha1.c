#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/sha1.h"

struct vector {
  const char *text;
  size_t repeat;
  uint8_t digest[STOA_SHA1_LEN];
};

/* RFC 3174 7.3. */
static const struct vector vectors[] = {
    {"abc", 1, {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d}},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, {0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2,
                                                                     0x6e, 0xba, 0xae, 0x4a, 0xa1, 0xf9, 0x51,
                                                                     0x29, 0xe5, 0xe5, 0x46, 0x70, 0xf1}},
    {"a", 1000000, {0x34, 0xaa, 0x97, 0x3c, 0xd4, 0xc4, 0xda, 0xa4, 0xf6, 0x1e,
                    0xeb, 0x2b, 0xdb, 0xad, 0x27, 0x31, 0x65, 0x34, 0x01, 0x6f}},
    {"0123456701234567012345670123456701234567012345670123456701234567", 10, {0xde, 0xa3, 0x56, 0xa2, 0xcd, 0xdd, 0x90,
                                                                              0xc7, 0xa7, 0xec, 0xed, 0xc5, 0xeb, 0xb5,
                                                                              0x63, 0x93, 0x4f, 0x46, 0x04, 0x52}},
    {"", 1, {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
             0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09}},
};

static void digests_are_those_of_rfc_3174(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    size_t text_len = strlen(vectors[i].text);
    size_t len = text_len * vectors[i].repeat;
    uint8_t *message = malloc(len + 1);
    assert_non_null(message);
    for (size_t at = 0; at < len; at += text_len) {
      memcpy(message + at, vectors[i].text, text_len);
    }
    uint8_t digest[STOA_SHA1_LEN];
    stoa_sha1(stoa_bytes_make(message, len), digest);
    assert_memory_equal(digest, vectors[i].digest, sizeof digest);
    free(message);
  }
}

/* Lengths around the block's edge, where the padding takes one block or two; the digests of runs of 'x' were made
 * with sha1sum. */
static void padding_is_right_around_a_block(void **state) {
  (void)state;
  static const struct {
    size_t len;
    uint8_t digest[4];
  } runs[] = {{55, {0xce, 0xf7, 0x34, 0xba}},  {56, {0x90, 0x13, 0x05, 0x36}},  {57, {0x02, 0x5e, 0xcb, 0xd5}},
              {63, {0x0d, 0xdc, 0x4e, 0x0c}},  {64, {0xbb, 0x2f, 0xa3, 0xee}},  {65, {0x78, 0xc7, 0x41, 0xdd}},
              {119, {0x43, 0x00, 0x32, 0x03}}, {120, {0xce, 0xb2, 0x82, 0x16}}, {128, {0x15, 0x0f, 0xa3, 0xfb}}};
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
    uint8_t message[130];
    uint8_t digest[STOA_SHA1_LEN];
    memset(message, 'x', sizeof message);
    stoa_sha1(stoa_bytes_make(message, runs[i].len), digest);
    assert_memory_equal(digest, runs[i].digest, 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digests_are_those_of_rfc_3174),
      cmocka_unit_test(padding_is_right_around_a_block),
  };
  return cmocka_run_group_tests_name("sha1", tests, NULL, NULL);
}
