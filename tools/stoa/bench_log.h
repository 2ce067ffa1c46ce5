/* tools/stoa/bench_log.h: the order of the messages, as received by the connection that got each of them first.
 *
 * A ring of whole frames with their data. It has only the newest ones.
 */
#ifndef STOA_TOOL_BENCH_LOG_H
#define STOA_TOOL_BENCH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_log_entry {
  uint64_t hash_before; /* hash of the order of all earlier ones */
  int64_t sent_ns;      /* negative: not known */
  uint32_t sender;
};

struct bench_log {
  size_t frame_len;
  uint64_t slots; /* a power of two */
  uint64_t count; /* all messages that were appended */
  uint64_t kept_from;
  uint64_t hash;
  uint8_t *frames;
  struct bench_log_entry *entries;
  uint32_t *next; /* by sender: the next sequence number */
  uint32_t senders;
};

/* The ring has as many slots as fit into `bytes`, but at least 64. Returns false when memory is out. */
bool bench_log_init(struct bench_log *log, size_t frame_len, uint32_t senders, size_t bytes);
void bench_log_fini(struct bench_log *log);

/* Is the log full? Then it must be cut, to bench_log_cut(), before the next append. */
static inline bool bench_log_full(const struct bench_log *log) {
  return log->count - log->kept_from == log->slots;
}
/* Remove the older half. Streams before `kept_from` have lost their position afterwards: check before. */
static inline uint64_t bench_log_cut_at(const struct bench_log *log) {
  return log->count - log->slots / 2;
}
static inline void bench_log_cut(struct bench_log *log) {
  log->kept_from = bench_log_cut_at(log);
}

/* Append the next message of `sender`. The log is not full. */
void bench_log_append(struct bench_log *log, const uint8_t *frame, uint32_t sender, int64_t sent_ns);

/* How many of the `frame_count` frames at `data` are equal to those at `position` and after? */
uint64_t bench_log_match(const struct bench_log *log, uint64_t position, const uint8_t *data, uint64_t frame_count);

static inline const struct bench_log_entry *bench_log_at(const struct bench_log *log, uint64_t position) {
  return &log->entries[position & (log->slots - 1)];
}

/* The hash of the order up to `position`; `out_next` gets the next sequence numbers there. */
uint64_t bench_log_place(const struct bench_log *log, uint64_t position, uint32_t *out_next);

/* Add a message to the hash of an order. */
static inline uint64_t bench_log_hash(uint64_t hash, uint32_t sender, uint32_t seq) {
  return (hash ^ ((uint64_t)sender << 32 | seq)) * 0x9e3779b97f4a7c15u + 1;
}

#endif
