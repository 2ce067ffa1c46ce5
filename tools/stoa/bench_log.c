#include "bench_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_SLOTS_MIN = 64 };

bool bench_log_init(struct bench_log *log, size_t frame_len, uint32_t senders, size_t bytes) {
  *log = (struct bench_log){.frame_len = frame_len, .slots = LOG_SLOTS_MIN, .senders = senders};
  while (log->slots * 2 * frame_len <= bytes) {
    log->slots *= 2;
  }
  log->frames = malloc(log->slots * frame_len);
  log->entries = calloc(log->slots, sizeof *log->entries);
  log->next = calloc(senders, sizeof *log->next);
  if (log->frames == NULL || log->entries == NULL || log->next == NULL) {
    bench_log_fini(log);
    return false;
  }
  return true;
}

void bench_log_fini(struct bench_log *log) {
  free(log->frames);
  free(log->entries);
  free(log->next);
  *log = (struct bench_log){0};
}

static uint8_t *frame_at(const struct bench_log *log, uint64_t position) {
  return log->frames + (position & (log->slots - 1)) * log->frame_len;
}

void bench_log_append(struct bench_log *log, const uint8_t *frame, uint32_t sender, int64_t sent_ns) {
  assert(!bench_log_full(log));
  assert(sender < log->senders);
  memcpy(frame_at(log, log->count), frame, log->frame_len);
  log->entries[log->count & (log->slots - 1)] =
      (struct bench_log_entry){.hash_before = log->hash, .sent_ns = sent_ns, .sender = sender};
  log->hash = bench_log_hash(log->hash, sender, log->next[sender]);
  log->next[sender]++;
  log->count++;
}

uint64_t bench_log_match(const struct bench_log *log, uint64_t position, const uint8_t *data, uint64_t frame_count) {
  uint64_t till_wrap = log->slots - (position & (log->slots - 1));
  uint64_t count = frame_count < log->count - position ? frame_count : log->count - position;
  count = count < till_wrap ? count : till_wrap;
  const uint8_t *kept = frame_at(log, position);
  if (memcmp(data, kept, count * log->frame_len) == 0) {
    return count;
  }
  uint64_t same = 0;
  while (memcmp(data + same * log->frame_len, kept + same * log->frame_len, log->frame_len) == 0) {
    same++;
  }
  return same;
}

uint64_t bench_log_place(const struct bench_log *log, uint64_t position, uint32_t *out_next) {
  assert(position >= log->kept_from);
  memcpy(out_next, log->next, log->senders * sizeof *out_next);
  for (uint64_t i = position; i < log->count; i++) {
    out_next[bench_log_at(log, i)->sender]--;
  }
  return position == log->count ? log->hash : bench_log_at(log, position)->hash_before;
}
