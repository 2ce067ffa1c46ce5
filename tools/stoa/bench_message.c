#include "bench_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, FIN = 0x80, MASKED = 0x80 };

/* The text around the marker and its padding. A typed JSON server decodes and encodes the message, so the text must be
 * exactly what it writes: compact, in the order of the field numbers, without empty members. */
struct around {
  const char *before;
  const char *after;
};

static const struct around raw_around = {"", ""};
static const struct around json_around = {"{\"message\":\"",
                                          "\",\"sender\":\"bench\",\"timestamp\":\"2026-01-01T00:00:00.000Z\"}"};
/* For sizes that have no room for a real timestamp. */
static const struct around json_short_around = {"{\"message\":\"", "\",\"sender\":\"b\",\"timestamp\":\"t\"}"};

static size_t around_len(const struct around *around) {
  return strlen(around->before) + BENCH_MARKER_LEN + strlen(around->after);
}

static const struct around *choose_around(const struct bench_options *options) {
  if (options->template == BENCH_TEMPLATE_RAW) {
    return &raw_around;
  }
  return options->prefix_len + around_len(&json_around) <= options->size ? &json_around : &json_short_around;
}

/* RFC 6455 5.2. */
size_t bench_head_write(unsigned first, uint8_t masked, size_t payload_len, uint8_t *out) {
  out[0] = (uint8_t)first;
  size_t extra = payload_len > 65535 ? 8 : payload_len > 125 ? 2 : 0;
  out[1] = (uint8_t)(masked | (extra == 8 ? 127 : extra == 2 ? 126 : payload_len));
  for (size_t i = 0; i < extra; i++) {
    out[2 + i] = (uint8_t)(payload_len >> (8 * (extra - 1 - i)));
  }
  return 2 + extra;
}

size_t bench_head_read(const uint8_t *data, size_t len, uint64_t *out_payload_len) {
  if (len < 2) {
    return 0;
  }
  size_t extra = (data[1] & 0x7f) == 127 ? 8 : (data[1] & 0x7f) == 126 ? 2 : 0;
  if (len < 2 + extra) {
    return 0;
  }
  uint64_t value = extra == 0 ? data[1] & 0x7f : 0;
  for (size_t i = 0; i < extra; i++) {
    value = value << 8 | data[2 + i];
  }
  *out_payload_len = value;
  return 2 + extra;
}

/* A period of 23 letters: a shift by a power of two, as a wrong copy causes it, is detected. */
static void write_letters(uint8_t *out, size_t len) {
  for (size_t i = 0; i < len; i++) {
    out[i] = (uint8_t)('a' + i % 23);
  }
}

/* Letters in sequence would compress to almost nothing. Random words compress about as well as chat texts, and are the
 * same in every run. */
static void write_words(uint8_t *out, size_t len) {
  static const char *const words[] = {
      "the ",      "people ", "in ",     "this ", "room ",    "think ",  "that ",   "we ",
      "should ",   "meet ",   "at ",     "noon ", "because ", "it ",     "went ",   "well ",
      "and ",      "coffee ", "is ",     "not ",  "what ",    "I ",      "expect ", "from ",
      "messages ", "you ",    "please ", "look ", "again ",   "thanks ", "later ",  "maybe ",
  };
  uint64_t seed = 88172645463325252u; /* xorshift64 */
  for (size_t at = 0; at < len;) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    for (const char *word = words[seed >> 32 & 31]; *word != '\0' && at < len; word++) {
      out[at++] = (uint8_t)*word;
    }
  }
}

static void write_payload(const struct bench_options *options, const struct around *around, uint8_t *out) {
  size_t before_len = strlen(around->before);
  size_t after_len = strlen(around->after);
  uint8_t *at = out;
  memcpy(at, options->prefix, options->prefix_len);
  at += options->prefix_len;
  memcpy(at, around->before, before_len);
  at += before_len;
  memset(at, '0', BENCH_MARKER_LEN);
  at += BENCH_MARKER_LEN;
  size_t padding_len = options->size - options->prefix_len - around_len(around);
  if (options->deflate) {
    write_words(at, padding_len);
  } else {
    write_letters(at, padding_len);
  }
  memcpy(at + padding_len, around->after, after_len);
}

/* RFC 6455 5.3 requires a new unpredictable key for each frame, against scripts that choose bytes which a proxy takes
 * for HTTP. The bytes here are our own, and masking each frame would cost the generator more than the server pays to
 * unmask it. So one random key is used for a run, and frames are masked once. */
static bool build_masked(struct bench_message *message, unsigned first, const uint8_t *payload, size_t len) {
  if (getrandom(message->key, sizeof message->key, 0) != sizeof message->key) {
    perror("stoa bench: getrandom");
    return false;
  }
  size_t head_len = bench_head_write(first, MASKED, len, message->masked);
  memcpy(message->masked + head_len, message->key, BENCH_KEY_LEN);
  uint8_t *out = message->masked + head_len + BENCH_KEY_LEN;
  for (size_t i = 0; i < len; i++) {
    out[i] = payload[i] ^ message->key[i % BENCH_KEY_LEN];
  }
  message->masked_len = head_len + BENCH_KEY_LEN + len;
  message->masked_marker_at = head_len + BENCH_KEY_LEN + message->marker_at - message->head_len;
  message->marker_key_at = (message->marker_at - message->head_len) % BENCH_KEY_LEN;
  return true;
}

/* The same, compressed: everything up to the marker's end is stored, so it can be found again. */
static bool build_packed(struct bench_message *message, unsigned first) {
  const uint8_t *payload = message->plain + message->head_len;
  size_t payload_len = message->plain_len - message->head_len;
  size_t stored_len = message->marker_at - message->head_len + BENCH_MARKER_LEN;
  uint8_t *packed = malloc(bench_deflate_bound(payload_len));
  size_t packed_len = packed == NULL ? 0 : bench_deflate_pack(payload, payload_len, stored_len, packed);
  if (packed_len == 0) {
    fprintf(stderr, "stoa bench: out of memory\n");
  }
  bool built = packed_len > 0 && build_masked(message, first | BENCH_COMPRESSED, packed, packed_len);
  free(packed);
  message->masked_marker_at += BENCH_STORED_HEAD;
  message->marker_key_at = (message->marker_key_at + BENCH_STORED_HEAD) % BENCH_KEY_LEN;
  return built;
}

static bool build(struct bench_message *message, const struct bench_options *options, const struct around *around) {
  unsigned first = FIN | (options->text ? OPCODE_TEXT : OPCODE_BINARY);
  message->head_len = bench_head_write(first, 0, options->size, message->plain);
  uint8_t *payload = message->plain + message->head_len;
  write_payload(options, around, payload);
  message->plain_len = message->head_len + options->size;
  message->marker_at = message->head_len + options->prefix_len + strlen(around->before);
  size_t after_len = strlen(around->after);
  message->text_len = after_len == 0 ? 0 : options->size - after_len + 1;
  return options->deflate ? build_packed(message, first) : build_masked(message, first, payload, options->size);
}

bool bench_message_init(struct bench_message *message, const struct bench_options *options) {
  *message = (struct bench_message){.prefix_len = options->prefix_len};
  const struct around *around = choose_around(options);
  if (options->prefix_len + around_len(around) > options->size) {
    fprintf(stderr, "stoa bench: --size %zu: these messages have at least %zu bytes\n", options->size,
            options->prefix_len + around_len(around));
    return false;
  }
  message->plain = malloc(BENCH_HEAD_MAX + options->size);
  message->masked = malloc(BENCH_HEAD_MAX + BENCH_KEY_LEN + bench_deflate_bound(options->size));
  if (message->plain == NULL || message->masked == NULL) {
    perror("stoa bench");
    bench_message_fini(message);
    return false;
  }
  if (!build(message, options, around)) {
    bench_message_fini(message);
    return false;
  }
  return true;
}

void bench_message_fini(struct bench_message *message) {
  free(message->plain);
  free(message->masked);
  *message = (struct bench_message){0};
}

static void write_digits(uint32_t value, unsigned count, uint8_t *out) {
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < count; i++) {
    out[i] = (uint8_t)digits[value >> (4 * (count - 1 - i)) & 15];
  }
}

static void write_marker(const struct bench_message *message, uint32_t sender, uint32_t seq, uint8_t *out) {
  uint8_t marker[BENCH_MARKER_LEN];
  write_digits(sender, 4, marker);
  write_digits(seq, 8, marker + 4);
  for (unsigned i = 0; i < BENCH_MARKER_LEN; i++) {
    out[i] = marker[i] ^ message->key[(message->marker_key_at + i) % BENCH_KEY_LEN];
  }
}

void bench_message_write(const struct bench_message *message, uint32_t sender, uint32_t seq, uint8_t *out) {
  memcpy(out, message->masked, message->masked_len);
  write_marker(message, sender, seq, out + message->masked_marker_at);
}

void bench_message_write_lead(const struct bench_message *message, uint32_t sender, uint32_t seq, uint8_t *out) {
  memcpy(out, message->masked, message->masked_marker_at);
  write_marker(message, sender, seq, out + message->masked_marker_at);
}

static bool read_digits(const uint8_t *text, unsigned count, uint32_t *out_value) {
  uint32_t value = 0;
  for (unsigned i = 0; i < count; i++) {
    uint8_t c = text[i];
    if (c >= '0' && c <= '9') {
      value = value << 4 | (uint32_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value << 4 | (uint32_t)(c - 'a' + 10);
    } else {
      return false;
    }
  }
  *out_value = value;
  return true;
}

bool bench_message_marker(const struct bench_message *message, const uint8_t *frame, uint32_t *out_sender,
                          uint32_t *out_seq) {
  const uint8_t *marker = frame + message->marker_at;
  return read_digits(marker, 4, out_sender) && read_digits(marker + 4, 8, out_seq);
}

bool bench_message_matches(const struct bench_message *message, const uint8_t *frame) {
  size_t after = message->marker_at + BENCH_MARKER_LEN;
  return memcmp(frame, message->plain, message->marker_at) == 0 &&
         memcmp(frame + after, message->plain + after, message->plain_len - after) == 0;
}

bool bench_message_text(const struct bench_message *message, const uint8_t *payload, uint32_t *out_sender,
                        uint32_t *out_seq) {
  const uint8_t *plain = message->plain + message->head_len;
  size_t marker_at = message->marker_at - message->head_len;
  size_t after = marker_at + BENCH_MARKER_LEN;
  return memcmp(payload, plain, marker_at) == 0 &&
         memcmp(payload + after, plain + after, message->text_len - after) == 0 &&
         read_digits(payload + marker_at, 4, out_sender) && read_digits(payload + marker_at + 4, 8, out_seq);
}

size_t bench_control_write(const struct bench_message *message, unsigned opcode, const uint8_t *payload,
                           size_t payload_len, uint8_t *out) {
  size_t head_len = bench_head_write(FIN | opcode, MASKED, payload_len, out);
  memcpy(out + head_len, message->key, BENCH_KEY_LEN);
  for (size_t i = 0; i < payload_len; i++) {
    out[head_len + BENCH_KEY_LEN + i] = payload[i] ^ message->key[i % BENCH_KEY_LEN];
  }
  return head_len + BENCH_KEY_LEN + payload_len;
}
