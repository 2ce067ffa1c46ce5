#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/bound.h"

#define OUT_BYTES_MAX (4u * 1024 * 1024)
#define HEX_BYTES_MAX 4096

void kit_open(struct kit *kit, size_t arena_bytes_max) {
  *kit = (struct kit){.arena = stoa_arena_create(arena_bytes_max)};
  assert_non_null(kit->arena);
  stoa_buffer_init(&kit->out, OUT_BYTES_MAX);
}

static void unmap(struct kit *kit) {
  if (kit->pages != NULL) {
    assert_int_equal(munmap(kit->pages, kit->pages_len), 0);
    kit->pages = NULL;
  }
}

void kit_close(struct kit *kit) {
  unmap(kit);
  stoa_buffer_fini(&kit->out);
  stoa_arena_destroy(kit->arena);
}

struct stoa_bytes kit_guard(struct kit *kit, const void *data, size_t len) {
  unmap(kit);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t readable = (len + page) / page * page;
  kit->pages_len = readable + page;
  kit->pages = mmap(NULL, kit->pages_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(kit->pages, MAP_FAILED);
  assert_int_equal(mprotect(kit->pages + readable, page, PROT_NONE), 0);
  uint8_t *copy = kit->pages + readable - len;
  memcpy(copy, data, len);
  return stoa_bytes_make(copy, len);
}

int kit_decode(struct kit *kit, const struct stoa_codec *codec, const struct stoa_message_type *type, const void *data,
               size_t len, void *message) {
  memset(message, 0, type->size);
  return codec->decode(type, kit_guard(kit, data, len), kit->arena, message, &kit->error);
}

int kit_decode_json(struct kit *kit, const struct stoa_message_type *type, const char *json, void *message) {
  return kit_decode(kit, &stoa_codec_json, type, json, strlen(json), message);
}

size_t kit_unhex(const char *hex, uint8_t *out_bytes, size_t bytes_max) {
  size_t len = 0;
  for (char *next = NULL; *hex != '\0'; hex = next) {
    if (*hex == ' ') {
      next = (char *)(uintptr_t)hex + 1;
      continue;
    }
    assert_true(len < bytes_max);
    char digits[3] = {hex[0], hex[1], '\0'};
    out_bytes[len++] = (uint8_t)strtoul(digits, &next, 16);
    assert_ptr_equal(next, digits + 2);
    next = (char *)(uintptr_t)hex + 2;
  }
  return len;
}

int kit_decode_hex(struct kit *kit, const struct stoa_message_type *type, const char *hex, void *message) {
  uint8_t bytes[HEX_BYTES_MAX];
  return kit_decode(kit, &stoa_codec_proto, type, bytes, kit_unhex(hex, bytes, sizeof bytes), message);
}

static void encode(struct kit *kit, const struct stoa_codec *codec, const struct stoa_message_type *type,
                   const void *message) {
  kit->out.len = 0;
  assert_int_equal(codec->encode(type, message, &kit->out), STOA_OK);
  kit_expect_bound(kit, codec, type, message);
}

void kit_expect_bound(const struct kit *kit, const struct stoa_codec *codec, const struct stoa_message_type *type,
                      const void *message) {
  struct stoa_codec_bound bound = stoa_codec_bound_of(type, message);
  assert_true(kit->out.len <= (codec == &stoa_codec_json ? bound.json : bound.proto));
}

void kit_expect_json(struct kit *kit, const struct stoa_message_type *type, const void *message, const char *json) {
  encode(kit, &stoa_codec_json, type, message);
  assert_int_equal(stoa_buffer_append(&kit->out, "", 1), STOA_OK);
  assert_string_equal((const char *)kit->out.data, json);
}

void kit_expect_hex(struct kit *kit, const struct stoa_message_type *type, const void *message, const char *hex) {
  uint8_t bytes[HEX_BYTES_MAX];
  size_t len = kit_unhex(hex, bytes, sizeof bytes);
  encode(kit, &stoa_codec_proto, type, message);
  assert_int_equal(kit->out.len, len);
  if (len > 0) {
    assert_memory_equal(kit->out.data, bytes, len);
  }
}

void kit_refuse_json(struct kit *kit, const char *json, int status, const char *text) {
  struct sample_every message;
  assert_int_equal(kit_decode_json(kit, &sample_every_type, json, &message), status);
  assert_string_equal(kit->error.text, text);
}

void kit_refuse_hex(struct kit *kit, const char *hex, int status, const char *text) {
  struct sample_every message;
  assert_int_equal(kit_decode_hex(kit, &sample_every_type, hex, &message), status);
  assert_string_equal(kit->error.text, text);
}

void kit_expect_string(struct stoa_string actual, const char *expected) {
  assert_int_equal(actual.len, strlen(expected));
  assert_memory_equal(actual.data, expected, actual.len);
}
