#include "fallback_private.h"

#include "../wire/random.h"
#include "base/log_writer.h"
#include "base/sys.h"
#include "server/worker/stepping.h"
#include "simulation/frame.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_US 1000u
#define WORKERS 2u
#define CAST WORKERS /* the actor behind the workers */
#define IDLE_NS_MAX UINT64_C(300000000)
#define SETTLE_TURNS_MAX 200000u

size_t below(struct world *world, size_t count) {
  return random_below(&world->random, count);
}

bool one_in(struct world *world, size_t count) {
  return below(world, count) == 0;
}

static bool is_well(const struct world *world) {
  return world->trace->failure[0] == '\0';
}

/* Turns. */

static void poll_cast(struct world *world) {
  size_t first = below(world, GUESTS + LINES);
  for (size_t i = 0; i < GUESTS + LINES && is_well(world); i++) {
    size_t at = (first + i) % (GUESTS + LINES);
    if (at < GUESTS) {
      guest_poll(&world->guests[at]);
    } else {
      lines_poll(world, &world->lines[at - GUESTS]);
    }
  }
}

static bool is_runnable(const struct world *world, size_t actor) {
  if (actor == CAST) {
    return net_is_ready(world->epoll);
  }
  struct stoa_worker *worker = stoa_server_worker(world->server, (uint32_t)actor);
  return stoa_worker_due_ns(worker) <= world->time.monotonic_ns || net_is_ready(stoa_worker_fd(worker));
}

static void take_turn(struct world *world, size_t actor) {
  world->counts->turns++;
  trace_line(world->trace, "turn %u: %zu at %llu", world->counts->turns, actor,
             (unsigned long long)world->time.monotonic_ns);
  if (actor == CAST) {
    poll_cast(world);
  } else {
    stoa_worker_turn(stoa_server_worker(world->server, (uint32_t)actor), 0);
  }
}

static void let_time_pass(struct world *world) {
  uint64_t to_ns = world->time.monotonic_ns + IDLE_NS_MAX;
  uint64_t due_ns = net_due_ns();
  to_ns = due_ns < to_ns ? due_ns : to_ns;
  for (uint32_t i = 0; i < WORKERS; i++) {
    due_ns = stoa_worker_due_ns(stoa_server_worker(world->server, i));
    to_ns = due_ns < to_ns ? due_ns : to_ns;
  }
  net_move_clock(&world->time, to_ns > world->time.monotonic_ns ? to_ns : world->time.monotonic_ns);
}

static void step(struct world *world) {
  size_t runnable[WORKERS + 1];
  size_t count = 0;
  for (size_t i = 0; i <= CAST; i++) {
    if (is_runnable(world, i)) {
      runnable[count++] = i;
    }
  }
  enum stoa_log_step ignored = stoa_log_writer_run_one(0);
  (void)ignored;
  if (count == 0) {
    let_time_pass(world);
  }
  /* A turn that finds nothing to do must do no harm. */
  size_t next = count == 0 ? CAST : runnable[below(world, count)];
  take_turn(world, one_in(world, 8) ? below(world, CAST + 1) : next);
  net_move_clock(&world->time, world->time.monotonic_ns + below(world, 2000) * NS_PER_US);
  if (is_well(world) && one_in(world, 2)) {
    guest_act(&world->guests[below(world, GUESTS)]);
  }
  if (is_well(world) && !world->is_ending && !world->is_calm && one_in(world, 30)) {
    program_broadcasts(world);
  }
}

/* From the beginning to the end. */

static bool all_are_settled(const struct world *world) {
  for (size_t i = 0; i < GUESTS; i++) {
    if (!guest_is_settled(&world->guests[i])) {
      return false;
    }
  }
  return true;
}

/* Nothing happens to anybody any more: all that was said is heard. */
static void settle(struct world *world) {
  unsigned turns_max = world->counts->turns + SETTLE_TURNS_MAX;
  world->is_calm = true;
  trace_line(world->trace, "nothing happens to anybody any more");
  while (is_well(world) && !all_are_settled(world)) {
    step(world);
    if (world->counts->turns > turns_max) {
      trace_fail(world->trace, "what was posted, or sent, does not come");
    }
  }
}

static bool is_over(const struct world *world) {
  for (uint32_t i = 0; i < WORKERS; i++) {
    if (stoa_worker_turn(stoa_server_worker(world->server, i), 0)) {
      return false;
    }
  }
  return true;
}

static void drain(struct world *world) {
  unsigned turns_max = world->counts->turns + SETTLE_TURNS_MAX;
  world->is_draining = true;
  world->counts->drains++;
  trace_line(world->trace, "the server drains");
  stoa_server_drain(world->server);
  while (is_well(world) && !is_over(world)) {
    step(world);
    if (world->counts->turns > turns_max) {
      trace_fail(world->trace, "the server does not end");
    }
  }
  stoa_server_wait(world->server);
}

static void close_all(struct world *world) {
  world->is_ending = true;
  if (is_well(world) && one_in(world, 2)) {
    drain(world);
  }
  stoa_server_destroy(world->server);
  for (size_t i = 0; i < LINES; i++) {
    lines_close(world, &world->lines[i]);
  }
  for (size_t i = 0; i < GUESTS; i++) {
    guest_leave(&world->guests[i]);
  }
  stoa_sys.close(world->epoll);
}

static void on_log(void *context, const char *text, size_t len) {
  struct world *world = context;
  trace_line(world->trace, "log: %.*s", (int)(len > 0 && text[len - 1] == '\n' ? len - 1 : len), text);
}

static void begin(struct world *world, uint64_t seed) {
  world->seed = seed;
  world->random = seed * 2 + 1;
  machine_start(seed, &world->time, &world->clock, on_log, world);
  world->epoll = stoa_sys.epoll_create1(0);
  world->arena = stoa_arena_create(1048576);
  assert(world->epoll >= 0);
  assert(world->arena != NULL);
  program_open(world);
  stoa_server_use_clock(world->server, &world->clock);
  int status = stoa_server_bind(world->server);
  assert(status == STOA_OK);
  status = stoa_server_begin_stepped(world->server);
  assert(status == STOA_OK);
  for (unsigned i = 0; i < LINES; i++) {
    world->lines[i].fd = -1;
  }
  for (unsigned i = 0; i < GUESTS; i++) {
    world->guests[i] = (struct guest){.world = world, .index = i, .fd = -1};
  }
}

static void end(struct world *world) {
  close_all(world);
  stoa_arena_destroy(world->arena);
  machine_stop(world->trace);
}

static void run(struct world *world, uint64_t seed, unsigned turns) {
  begin(world, seed);
  while (is_well(world) && world->counts->turns < turns) {
    step(world);
  }
  if (is_well(world) && one_in(world, 2)) {
    settle(world);
    world->is_calm = false;
  }
  end(world);
}

void fallback_world_run(uint64_t seed, unsigned turns, struct trace *out_trace,
                        struct fallback_world_counts *out_counts) {
  struct world *world = calloc(1, sizeof *world);
  struct frame frame;
  assert(world != NULL);
  memset(out_counts, 0, sizeof *out_counts);
  world->trace = out_trace;
  world->counts = out_counts;
  frame_open(&frame, "fallback", seed, turns, out_trace);
  run(world, seed, turns);
  frame_close(&frame);
  free(world);
}
