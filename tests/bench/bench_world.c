#include "bench_world.h"

#include <string.h>

static int64_t sent_ns(void *context, uint32_t sender, uint32_t seq) {
  (void)context;
  (void)sender;
  (void)seq;
  return 0;
}

void world_open(struct world *world, const struct bench_options *options, uint32_t sent) {
  memset(world, 0, sizeof *world);
  world->options = *options;
  world->options.connections = WORLD_STREAMS;
  world->options.senders = options->mode == BENCH_ECHO ? WORLD_STREAMS : WORLD_SENDERS;
  assert_true(bench_message_init(&world->message, &world->options));
  for (uint32_t i = 0; i < WORLD_STREAMS; i++) {
    world->streams[i].id = i;
  }
  for (uint32_t i = 0; i < world->options.senders; i++) {
    world->sent[i] = sent;
    world->sent_total += sent;
  }
  struct bench_check_config config = {.message = &world->message,
                                      .options = &world->options,
                                      .streams = world->streams,
                                      .stride = sizeof world->streams[0],
                                      .sent = world->sent,
                                      .sent_total = &world->sent_total,
                                      .sent_ns = sent_ns,
                                      .log_bytes = 1};
  world->check = bench_check_create(&config);
  assert_non_null(world->check);
  bench_check_measure(world->check, true);
}

void world_close(struct world *world) {
  for (uint32_t i = 0; i < WORLD_STREAMS; i++) {
    bench_stream_fini(&world->streams[i]);
  }
  bench_check_destroy(world->check);
  bench_message_fini(&world->message);
}

void script_bytes(struct script *script, const void *bytes, size_t len) {
  assert_true(script->len + len <= WORLD_BYTES_MAX);
  memcpy(script->bytes + script->len, bytes, len);
  script->len += len;
}

void script_message(struct script *script, const struct world *world, uint32_t sender, uint32_t seq) {
  size_t at = script->len;
  script_bytes(script, world->message.plain, world->message.plain_len);
  char marker[BENCH_MARKER_LEN + 1];
  snprintf(marker, sizeof marker, "%04x%08x", sender & 0xffff, seq);
  memcpy(script->bytes + at + world->message.marker_at, marker, BENCH_MARKER_LEN);
}

struct bench_news world_feed(struct world *world, uint32_t stream, const struct script *script, size_t piece) {
  static uint8_t waiting[WORLD_BYTES_MAX];
  size_t waiting_len = 0;
  struct bench_news all = {0};
  for (size_t at = 0; at < script->len; at += piece) {
    size_t len = script->len - at < piece ? script->len - at : piece;
    memcpy(waiting + waiting_len, script->bytes + at, len);
    waiting_len += len;
    struct bench_news news;
    size_t used = bench_check_feed(world->check, &world->streams[stream], waiting, waiting_len, 1000, &news);
    assert_true(used <= waiting_len);
    waiting_len -= used;
    memmove(waiting, waiting + used, waiting_len);
    uint32_t own = all.own + news.own;
    all = news.pinged || news.closed ? news : all;
    all.own = own;
  }
  return all;
}

struct bench_faults world_finish(struct world *world) {
  struct bench_faults faults;
  bench_check_finish(world->check, &faults);
  return faults;
}
