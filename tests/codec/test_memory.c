/* Every allocation of a decoding and an encoding fails once: the result is STOA_E_MEMORY and nothing leaks. And how
 * much memory a message takes. */
#include "base/memory.h"
#include "kit.h"

#define ATTEMPTS_MAX 1000

/* 600 strings, so that lists and blocks grow more than once. */
static const char *long_json(void) {
  static char json[64 * 1024];
  if (json[0] == '\0') {
    char *at = stpcpy(json,
                      "{\"anEvery\":{\"counts\":{\"a\":1,\"b\":2},\"aDouble\":123456789012345678e20,"
                      "\"aBytes\":\"AAAA\",\"choiceChat\":{}},\"allChat\":[");
    for (int i = 0; i < 600; i++) {
      at = stpcpy(at, i == 0 ? "" : ",");
      at = stpcpy(at, "{\"message\":\"a text with an escape\\n\",\"sender\":\"\\u00e9\"}");
    }
    (void)stpcpy(at, "]}");
  }
  return json;
}

/* Decode and encode once with an arena and a buffer of their own. */
static int convert(const struct stoa_codec *codec, struct stoa_bytes input) {
  struct stoa_arena *arena = stoa_arena_create(1024 * 1024);
  if (arena == NULL) {
    return STOA_E_MEMORY;
  }
  struct sample_every m = {0};
  struct stoa_codec_error error;
  struct stoa_buffer out;
  stoa_buffer_init(&out, 1024 * 1024);
  int status = codec->decode(&sample_every_type, input, arena, &m, &error);
  assert_true((status == STOA_E_MEMORY) == (strstr(error.text, "out of memory") != NULL));
  if (status == STOA_OK) {
    status = codec->encode(&sample_every_type, &m, &out);
    assert_true(status == STOA_OK || out.len == 0);
  }
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
  return status;
}

static void fail_each_allocation(const struct stoa_codec *codec, struct stoa_bytes input) {
  int64_t live_before = stoa_memory_live_blocks();
  uint64_t n = 1;
  for (; n < ATTEMPTS_MAX; n++) {
    stoa_memory_fail_at(n, false);
    int status = convert(codec, input);
    uint64_t hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    assert_int_equal(stoa_memory_live_blocks(), live_before);
    if (hits == 0) {
      assert_int_equal(status, STOA_OK);
      break;
    }
    assert_int_equal(status, STOA_E_MEMORY);
  }
  assert_true(n > 4 && n < ATTEMPTS_MAX);
}

static void each_allocation_of_the_json_codec_may_fail(void **state) {
  (void)state;
  fail_each_allocation(&stoa_codec_json, stoa_bytes_make(long_json(), strlen(long_json())));
}

static void each_allocation_of_the_proto_codec_may_fail(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit, 1024 * 1024);
  struct sample_every m;
  assert_int_equal(kit_decode_json(&kit, &sample_every_type, long_json(), &m), STOA_OK);
  assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &m, &kit.out), STOA_OK);
  fail_each_allocation(&stoa_codec_proto, stoa_bytes_make(kit.out.data, kit.out.len));
  kit_close(&kit);
}

/* One kind of item, as many as fit into a message. */
struct flood {
  const char *head, *item, *tail;
};

static size_t fill(char *json, size_t len_max, const struct flood *flood) {
  size_t item_len = strlen(flood->item);
  char *at = stpcpy(json, flood->head);
  char *end = json + len_max - strlen(flood->tail) - item_len - 1;
  at = stpcpy(at, flood->item);
  while (at < end) {
    *at++ = ',';
    at = stpcpy(at, flood->item);
  }
  return (size_t)(stpcpy(at, flood->tail) - json);
}

/* A server gives a message 16 bytes for each byte that it may have, and some for small ones. What people write must fit
 * at every length, before and after the points where lists double. */
static void messages_of_many_short_items_fit_into_sixteen_times_their_length(void **state) {
  static const struct flood floods[] = {
      {"{\"allString\":[", "\"\"", "]}"},
      {"{\"allString\":[", "\"\\n\"", "]}"},
      {"{\"allInt32\":[", "0", "]}"},
      {"{\"allDouble\":[", "1", "]}"},
      {"{\"allBool\":[", "true", "]}"},
      {"{\"allColor\":[", "\"COLOR_RED\"", "]}"},
      {"{\"allBytes\":[", "\"\"", "]}"},
      {"{\"allBytes\":[", "\"AA==\"", "]}"},
      {"{\"allChat\":[", "{\"message\":\"a\",\"sender\":\"b\"}", "]}"},
  };
  enum { LEN_MAX = 1024 * 1024, ROOM = 32 * 1024 };
  static char json[LEN_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
    for (size_t len = LEN_MAX / 64; len <= LEN_MAX; len += len / 5) {
      struct kit kit;
      struct sample_every m = {0};
      kit_open(&kit, (size_t)64 * LEN_MAX);
      size_t json_len = fill(json, len, &floods[i]);
      assert_int_equal(kit_decode(&kit, &stoa_codec_json, &sample_every_type, json, json_len, &m), STOA_OK);
      if (stoa_arena_used(kit.arena) > 16 * json_len + ROOM) {
        fail_msg("%s of %zu bytes takes %zu", floods[i].head, json_len, stoa_arena_used(kit.arena));
      }
      assert_int_equal(stoa_codec_proto.encode(&sample_every_type, &m, &kit.out), STOA_OK);
      size_t used = stoa_arena_used(kit.arena);
      assert_int_equal(kit_decode(&kit, &stoa_codec_proto, &sample_every_type, kit.out.data, kit.out.len, &m), STOA_OK);
      if (stoa_arena_used(kit.arena) - used > 16 * kit.out.len + ROOM) {
        fail_msg("%s of %zu binary bytes takes %zu", floods[i].head, kit.out.len, stoa_arena_used(kit.arena) - used);
      }
      kit_close(&kit);
    }
  }
}

#define TEST(name) cmocka_unit_test(name)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_allocation_of_the_json_codec_may_fail),
      TEST(each_allocation_of_the_proto_codec_may_fail),
      TEST(messages_of_many_short_items_fit_into_sixteen_times_their_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
