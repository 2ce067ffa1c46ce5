#include "bench_unpack.h"

#include <stdlib.h>
#include <string.h>

#include "bench_deflate.h"

/* RFC 6455 5.2: opcodes with this bit are control frames, which are never compressed (RFC 7692 6.1). */
enum { OPCODE_CONTROL = 8 };

enum { SLOTS_MAX = 4096, SLOTS_BYTES_MAX = 16 * 1024 * 1024 };

/* In fan-out all connections get the same bytes. A message that was inflated before is found by its compressed bytes,
 * which are all compared: this checks as much and costs a fraction. */
struct slot {
  size_t packed_len; /* 0: empty */
  size_t frame_len;
  uint8_t *packed;
  uint8_t *inflated; /* there is room for a head before it */
  uint8_t *frame;    /* where the head starts */
};

struct bench_unpack {
  struct bench_check *check;
  struct bench_inflater *inflater;
  size_t inflated_max; /* a longer message is damaged in any case */
  size_t payload_max;  /* a longer payload is not kept */
  uint64_t count;
  size_t slot_count; /* a power of two */
  struct slot *slots;
  uint8_t *memory; /* of all slots */
};

/* One frame as received. */
struct raw_frame {
  uint8_t first;
  size_t head_len;
  uint64_t payload_len;
};

static bool open_slots(struct bench_unpack *unpack) {
  size_t slot_len = unpack->payload_max + BENCH_HEAD_MAX + unpack->inflated_max + 1;
  unpack->slot_count = 1;
  while (unpack->slot_count < SLOTS_MAX && unpack->slot_count * 2 * slot_len <= SLOTS_BYTES_MAX) {
    unpack->slot_count *= 2;
  }
  unpack->slots = calloc(unpack->slot_count, sizeof *unpack->slots);
  unpack->memory = malloc(unpack->slot_count * slot_len);
  if (unpack->slots == NULL || unpack->memory == NULL) {
    return false;
  }
  for (size_t i = 0; i < unpack->slot_count; i++) {
    unpack->slots[i].packed = unpack->memory + i * slot_len;
    unpack->slots[i].inflated = unpack->slots[i].packed + unpack->payload_max + BENCH_HEAD_MAX;
  }
  return true;
}

struct bench_unpack *bench_unpack_create(struct bench_check *check, const struct bench_message *message) {
  struct bench_unpack *unpack = calloc(1, sizeof *unpack);
  if (unpack == NULL) {
    return NULL;
  }
  unpack->check = check;
  unpack->inflated_max = message->plain_len - message->head_len;
  unpack->payload_max = bench_deflate_bound(unpack->inflated_max);
  unpack->inflater = bench_inflater_create();
  if (unpack->inflater == NULL || !open_slots(unpack)) {
    bench_unpack_destroy(unpack);
    return NULL;
  }
  return unpack;
}

void bench_unpack_destroy(struct bench_unpack *unpack) {
  if (unpack != NULL) {
    bench_inflater_destroy(unpack->inflater);
    free(unpack->slots);
    free(unpack->memory);
    free(unpack);
  }
}

/* Combine the news of several feeds: the last ping and the last close count, as in the check itself. */
static void add_news(struct bench_news *all, const struct bench_news *news) {
  uint32_t own = all->own + news->own;
  if (news->pinged || news->closed) {
    *all = *news;
  }
  all->own = own;
}

static size_t feed(struct bench_unpack *unpack, struct bench_stream *stream, const uint8_t *data, size_t len,
                   int64_t now_ns, struct bench_news *all) {
  struct bench_news news;
  size_t used = bench_check_feed(unpack->check, stream, data, len, now_ns, &news);
  add_news(all, &news);
  return used;
}

static struct slot *find_slot(const struct bench_unpack *unpack, const uint8_t *payload, size_t len) {
  uint64_t hash = len;
  for (size_t at = 0; at < len; at += sizeof hash) {
    uint64_t word = 0;
    memcpy(&word, payload + at, len - at < sizeof word ? len - at : sizeof word);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return &unpack->slots[hash & (unpack->slot_count - 1)];
}

/* Put the inflated message after the head of its frame. Returns false when it cannot be inflated. */
static bool fill_slot(struct bench_unpack *unpack, struct slot *slot, const struct raw_frame *raw,
                      const uint8_t *payload) {
  size_t payload_len = (size_t)raw->payload_len;
  size_t len = 0;
  slot->packed_len = 0;
  if (!bench_inflater_message(unpack->inflater, payload, payload_len, slot->inflated, unpack->inflated_max, &len)) {
    return false;
  }
  uint8_t head[BENCH_HEAD_MAX];
  size_t head_len = bench_head_write(0, 0, len, head);
  memcpy(slot->inflated - head_len, head, head_len);
  memcpy(slot->packed, payload, payload_len);
  slot->packed_len = payload_len;
  slot->frame = slot->inflated - head_len;
  slot->frame_len = head_len + len;
  return true;
}

/* The uncompressed frame for a compressed one, NULL when it cannot be inflated. */
static const uint8_t *unpack_frame(struct bench_unpack *unpack, const struct raw_frame *raw, const uint8_t *payload,
                                   size_t *out_len) {
  size_t payload_len = (size_t)raw->payload_len;
  struct slot *slot = find_slot(unpack, payload, payload_len);
  bool known = payload_len > 0 && slot->packed_len == payload_len && memcmp(slot->packed, payload, payload_len) == 0;
  if (!known && !fill_slot(unpack, slot, raw, payload)) {
    return NULL;
  }
  slot->frame[0] = raw->first & (uint8_t)~BENCH_COMPRESSED;
  *out_len = slot->frame_len;
  unpack->count++;
  return slot->frame;
}

/* Take one frame, or a part of one that is not kept. Returns the bytes used, 0 while it is incomplete. */
static size_t take_frame(struct bench_unpack *unpack, struct bench_stream *stream, const uint8_t *data, size_t len,
                         int64_t now_ns, struct bench_news *all) {
  if (stream->skip > 0) {
    return feed(unpack, stream, data, stream->skip < len ? (size_t)stream->skip : len, now_ns, all);
  }
  struct raw_frame raw = {.first = data[0]};
  raw.head_len = bench_head_read(data, len, &raw.payload_len);
  if (raw.head_len == 0) {
    return 0;
  }
  if (raw.payload_len > unpack->payload_max) {
    return feed(unpack, stream, data, raw.head_len, now_ns, all);
  }
  size_t frame_len = raw.head_len + (size_t)raw.payload_len;
  if (len < frame_len) {
    return 0;
  }
  size_t made_len = 0;
  const uint8_t *made = NULL;
  if ((raw.first & BENCH_COMPRESSED) != 0 && (raw.first & OPCODE_CONTROL) == 0) {
    made = unpack_frame(unpack, &raw, data + raw.head_len, &made_len);
  }
  if (made == NULL) {
    feed(unpack, stream, data, frame_len, now_ns, all);
  } else {
    feed(unpack, stream, made, made_len, now_ns, all);
  }
  return frame_len;
}

size_t bench_unpack_feed(struct bench_unpack *unpack, struct bench_stream *stream, const uint8_t *data, size_t len,
                         int64_t now_ns, struct bench_news *out_news) {
  size_t used = 0;
  *out_news = (struct bench_news){0};
  while (used < len && !out_news->closed) {
    size_t taken = take_frame(unpack, stream, data + used, len - used, now_ns, out_news);
    if (taken == 0) {
      break;
    }
    used += taken;
  }
  return used;
}

uint64_t bench_unpack_count(const struct bench_unpack *unpack) {
  return unpack->count;
}
