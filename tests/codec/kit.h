/* What the codec's tests share: input that ends at an unmapped page, an arena, and texts to compare with. */
#ifndef STOA_TESTS_CODEC_KIT_H
#define STOA_TESTS_CODEC_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stoa/codec.h>

/* cmocka's header wants the ones above before it. */
#include <cmocka.h>

#include "sample.h"

struct kit {
  struct stoa_arena *arena;
  struct stoa_codec_error error; /* of the last decoding */
  struct stoa_buffer out;        /* of the last encoding */
  uint8_t *pages;                /* the last one cannot be read */
  size_t pages_len;
};

void kit_open(struct kit *kit, size_t arena_bytes_max);
void kit_close(struct kit *kit);

/* A copy of the input whose last byte is the last one before an unmapped page. Valid until the next call. */
struct stoa_bytes kit_guard(struct kit *kit, const void *data, size_t len);

/* Decode into a cleared struct at `message`, from a guarded copy. */
int kit_decode(struct kit *kit, const struct stoa_codec *codec, const struct stoa_message_type *type, const void *data,
               size_t len, void *message);
int kit_decode_json(struct kit *kit, const struct stoa_message_type *type, const char *json, void *message);
/* From "0a 01 78"; blanks are free. */
int kit_decode_hex(struct kit *kit, const struct stoa_message_type *type, const char *hex, void *message);

/* Encode, and compare with the JSON or with the hex digits. */
void kit_expect_json(struct kit *kit, const struct stoa_message_type *type, const void *message, const char *json);
void kit_expect_hex(struct kit *kit, const struct stoa_message_type *type, const void *message, const char *hex);

/* What was encoded last, of this message, is not longer than codec/bound.h tells. The two above see to it too. */
void kit_expect_bound(const struct kit *kit, const struct stoa_codec *codec, const struct stoa_message_type *type,
                      const void *message);

/* The bytes that hex digits stand for; returns how many. */
size_t kit_unhex(const char *hex, uint8_t *out_bytes, size_t bytes_max);

/* Decoding fails with this status and this text. */
void kit_refuse_json(struct kit *kit, const char *json, int status, const char *text);
void kit_refuse_hex(struct kit *kit, const char *hex, int status, const char *text);

void kit_expect_string(struct stoa_string actual, const char *expected);

#endif
