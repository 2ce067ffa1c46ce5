/* tests/bench/bench_world.h: a checker with its streams, and frames as a server would send them. */
#ifndef TESTS_BENCH_WORLD_H
#define TESTS_BENCH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bench_check.h"

enum { WORLD_STREAMS = 3, WORLD_SENDERS = 2, WORLD_BYTES_MAX = 1 << 16 };

struct world {
  struct bench_options options;
  struct bench_message message;
  struct bench_stream streams[WORLD_STREAMS];
  uint32_t sent[WORLD_STREAMS];
  uint64_t sent_total;
  struct bench_check *check;
};

/* Bytes on their way to one stream. */
struct script {
  uint8_t bytes[WORLD_BYTES_MAX];
  size_t len;
};

/* `sent` messages of each sender count as sent. */
void world_open(struct world *world, const struct bench_options *options, uint32_t sent);
void world_close(struct world *world);

void script_message(struct script *script, const struct world *world, uint32_t sender, uint32_t seq);
void script_bytes(struct script *script, const void *bytes, size_t len);

/* Feed it all in pieces of `piece` bytes, keeping what is not used up, as the load does. */
struct bench_news world_feed(struct world *world, uint32_t stream, const struct script *script, size_t piece);

struct bench_faults world_finish(struct world *world);

#endif
