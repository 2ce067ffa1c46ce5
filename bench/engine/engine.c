/* bench/engine: how many messages a second the local engine stores, beside bare SQLite and the disk's own syncs.
 *
 *   bench-engine FOLDER [SECONDS]
 *
 * At batches of 1, 32 and 512 messages: bare SQLite with the same table and indexes and the same transactions, then the
 * engine with as many messages in flight. The two take turns, because a disk's sync rate changes within minutes, and
 * the rate of syncs alone is printed beside them.
 */
#include "base/clock.h"
#include "engine/bare.h"
#include "engine/local/local.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOMS 16

static const char *folder;
static double seconds = 2;

/* The engine. */

static unsigned in_flight;

static void on_done(void *context, const struct stoa_engine_answer *answer) {
  (void)context;
  bare_must(answer->status == STOA_ENGINE_OK, stoa_engine_status_text(answer->status));
  in_flight--;
}

static void publish(struct stoa_engine_port *port, unsigned count) {
  static const uint8_t body[BARE_BODY_LEN];
  char id[32];
  char room[16];
  snprintf(id, sizeof id, "client-%u", count);
  snprintf(room, sizeof room, "room-%u", count % ROOMS);
  const struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT,
                                          .sender = STOA_STR("ann"),
                                          .client_msg_id = stoa_string_of(id),
                                          .body = stoa_bytes_make(body, sizeof body)};
  bare_must(stoa_engine_publish(port, stoa_string_of(room), &draft, on_done, NULL) == STOA_OK, "publish");
  in_flight++;
}

static double measure_engine(bool is_full, unsigned batch) {
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  struct stoa_loop *loop;
  struct stoa_engine *engine;
  struct stoa_engine_port *port;
  const struct stoa_engine_sink sink = {.context = NULL};
  bare_remove(folder);
  const struct stoa_local_engine_options options = {.path = bare_path(folder, "bench.db"),
                                                    .clock = &stoa_clock_system,
                                                    .durability = is_full ? STOA_LOCAL_FULL : STOA_LOCAL_NORMAL};
  bare_must(stoa_loop_create(&stoa_clock_system, &loop) == STOA_OK, "loop");
  bare_must(stoa_local_engine_open(&options, &engine, reason) == STOA_OK, reason);
  bare_must(stoa_engine_attach(engine, loop, &sink, &port) == STOA_OK, "attach");
  double start = bare_now();
  unsigned count = 0;
  while (bare_now() - start < seconds) {
    while (in_flight < batch) {
      publish(port, count++);
    }
    stoa_loop_turn(loop, -1);
  }
  double rate = (count - in_flight) / (bare_now() - start);
  stoa_engine_close(engine);
  stoa_loop_destroy(loop);
  stoa_engine_destroy(engine);
  return rate;
}

int main(int argc, char **argv) {
  static const unsigned batches[] = {1, 32, 512, 1024};
  if (argc < 2) {
    fprintf(stderr, "usage: bench-engine FOLDER [SECONDS]\n");
    return 2;
  }
  folder = argv[1];
  seconds = argc > 2 ? strtod(argv[2], NULL) : seconds;
  printf("%-8s %9s %12s %12s %7s %12s\n", "", "in flight", "SQLite /s", "engine /s", "share", "syncs /s");
  for (int is_full = 1; is_full >= 0; is_full--) {
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
      double syncs = bare_syncs(folder, seconds / 4);
      double bare = bare_measure(folder, is_full, batches[i], ROOMS, seconds).per_s;
      double engine = measure_engine(is_full, batches[i]);
      printf("%-8s %9u %12.0f %12.0f %7.2f %12.0f\n", is_full ? "full" : "normal", batches[i], bare, engine,
             engine / bare, syncs);
      fflush(stdout);
    }
  }
  bare_remove(folder);
  return 0;
}
