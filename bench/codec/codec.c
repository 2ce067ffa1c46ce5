/* How long one chat message takes to encode and to decode: Stoa's codecs compared with protobuf-c, cJSON and jansson.
 *
 * The contestants take turns within each round, and the fastest round counts, because other load on the machine can
 * only make a measurement longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <stoa/codec.h>
#include <time.h>

#include "contestant.h"

#define ROUNDS 25
#define REPEATS 20000

struct stoa_chat {
  struct stoa_string message;
  struct stoa_string sender;
  struct stoa_string timestamp;
};

#define TEXT_FIELD(field, num)                                                                                    \
  {                                                                                                               \
    .name = #field, .json_name = #field, .number = (num), .kind = STOA_KIND_STRING, .label = STOA_LABEL_SINGULAR, \
    .name_len = sizeof #field - 1, .json_name_len = sizeof #field - 1,                                            \
    .offset = (uint32_t)offsetof(struct stoa_chat, field)                                                         \
  }

static const struct stoa_field chat_fields[] = {TEXT_FIELD(message, 1), TEXT_FIELD(sender, 2),
                                                TEXT_FIELD(timestamp, 3)};
static const struct stoa_message_type chat_type = {.full_name = "bench.Chat",
                                                   .abi = STOA_DESCRIPTOR_ABI,
                                                   .size = sizeof(struct stoa_chat),
                                                   .fields = chat_fields,
                                                   .field_count = 3,
                                                   .unknown_offset = UINT32_MAX};

static struct stoa_arena *arena;
static struct stoa_buffer out;
static struct stoa_chat prepared;
static struct stoa_codec_error error;

/* Stoa's strings have their length, so it is not part of the measurement. */
static struct stoa_chat as_stoa(const struct chat *chat) {
  return (struct stoa_chat){.message = stoa_string_of(chat->message),
                            .sender = stoa_string_of(chat->sender),
                            .timestamp = stoa_string_of(chat->timestamp)};
}

static size_t stoa_encode(const struct stoa_codec *codec) {
  out.len = 0;
  return codec->encode(&chat_type, &prepared, &out) == STOA_OK ? out.len : 0;
}

static bool stoa_decode(const struct stoa_codec *codec) {
  struct stoa_chat message = {0};
  int status = codec->decode(&chat_type, stoa_bytes_make(out.data, out.len), arena, &message, &error);
  bool is_there = status == STOA_OK && message.timestamp.len > 0;
  stoa_arena_reset(arena);
  return is_there;
}

static size_t encode_proto(const struct chat *chat) {
  (void)chat;

  return stoa_encode(&stoa_codec_proto);
}
static bool decode_proto(void) {
  return stoa_decode(&stoa_codec_proto);
}
static size_t encode_json(const struct chat *chat) {
  (void)chat;

  return stoa_encode(&stoa_codec_json);
}
static bool decode_json(void) {
  return stoa_decode(&stoa_codec_json);
}

static const struct contestant stoa_proto = {.name = "Stoa binary", .encode = encode_proto, .decode = decode_proto};
static const struct contestant stoa_json = {.name = "Stoa JSON", .encode = encode_json, .decode = decode_json};

static double now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct result {
  size_t bytes;
  double encode_ns;
  double decode_ns;
};

static double encode_once(const struct contestant *contestant, const struct chat *chat, size_t *out_bytes) {
  double start = now_ns();
  for (int i = 0; i < REPEATS; i++) {
    *out_bytes = contestant->encode(chat);
  }
  return (now_ns() - start) / REPEATS;
}

static double decode_once(const struct contestant *contestant, bool *out_is_good) {
  double start = now_ns();
  for (int i = 0; i < REPEATS; i++) {
    *out_is_good = contestant->decode();
  }
  return (now_ns() - start) / REPEATS;
}

/* False when the contestant failed. */
static bool run_round(const struct contestant *contestant, const struct chat *chat, struct result *result) {
  bool is_good = false;
  double encode_ns = encode_once(contestant, chat, &result->bytes);
  double decode_ns = decode_once(contestant, &is_good);
  result->encode_ns = encode_ns < result->encode_ns ? encode_ns : result->encode_ns;
  result->decode_ns = decode_ns < result->decode_ns ? decode_ns : result->decode_ns;
  return is_good && result->bytes > 0;
}

static bool compare(const struct chat *chat) {
  const struct contestant *const contestants[] = {&stoa_proto, contestant_protobuf_c, &stoa_json, contestant_cjson,
                                                  contestant_jansson};
  enum { COUNT = sizeof contestants / sizeof contestants[0] };
  struct result results[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    results[i] = (struct result){.encode_ns = 1e18, .decode_ns = 1e18};
  }
  bool is_good = true;
  for (int round = 0; round < ROUNDS; round++) {
    for (size_t i = 0; i < COUNT; i++) {
      is_good = is_good && (contestants[i] == NULL || run_round(contestants[i], chat, &results[i]));
    }
  }
  for (size_t i = 0; i < COUNT; i++) {
    if (contestants[i] != NULL) {
      printf("| %-12s | %5zu | %7.1f | %7.1f |\n", contestants[i]->name, results[i].bytes, results[i].decode_ns,
             results[i].encode_ns);
    }
  }
  return is_good;
}

int main(void) {
  static char long_text[1001];
  memset(long_text, 'x', sizeof long_text - 1);
  const struct chat chats[] = {
      {"Good morning everyone, the build is green again", "alice.smith@example.org", "2026-01-31T12:00:00.000Z"},
      {long_text, "alice.smith@example.org", "2026-01-31T12:00:00.000Z"},
  };
  arena = stoa_arena_create((size_t)1024 * 1024);
  stoa_buffer_init(&out, (size_t)64 * 1024);
  bool is_good = arena != NULL;
  printf("| codec | bytes | decode, ns | encode, ns |\n| --- | ---: | ---: | ---: |\n");
  for (size_t i = 0; is_good && i < sizeof chats / sizeof chats[0]; i++) {
    prepared = as_stoa(&chats[i]);
    is_good = compare(&chats[i]);
  }
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
