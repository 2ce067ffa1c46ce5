#include "room_world_private.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_writer.h"
#include "base/memory.h"
#include "engine/local/local.h"
#include "engine/memory/memory.h"
#include "engine/vfs/vfs.h"
#include "program.h"
#include "room/rooms.h"
#include "server/worker/stepping.h"
#include "simulation/frame.h"
#include "simulation/net.h"

#include <stoa/log.h>

#define IDLE_NS_MAX (300 * NS_PER_MS)
/* Time for everybody to come back and read to the end. */
#define END_TURNS_MAX 200000u
#define RETENTION_MESSAGES 20u

/* The server. */

/* A restart of the disk, which is dead. The next process may die at once too. */
static void lose_life(struct world *world) {
  bool is_cut = one_in(world, 2);
  trace_line(world->trace, is_cut ? "the power is cut" : "the server is killed");
  world->counts->cuts += is_cut;
  world->counts->kills += !is_cut;
  world->losses += !world->is_local || (is_cut && world->is_normal);
  vfs_restart(is_cut);
  world->boots += is_cut;
  if (one_in(world, 4)) {
    vfs_fail(VFS_DIES, 1 + (uint32_t)below(world, 12), 1);
  }
}

static struct stoa_engine *open_engine(struct world *world) {
  struct stoa_engine *engine;
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1] = "";
  char boot_id[24];
  snprintf(boot_id, sizeof boot_id, "boot-%u", world->boots);
  const struct stoa_engine_retention some = {.messages = RETENTION_MESSAGES, .age_ms = 150000};
  const struct stoa_engine_retention retention = world->has_jumps ? some : (struct stoa_engine_retention){0};
  const struct stoa_memory_engine_options memory = {.clock = &world->clock, .retention = retention};
  const struct stoa_local_engine_options local = {.path = "rooms.db",
                                                  .durability = world->is_normal ? STOA_LOCAL_NORMAL : STOA_LOCAL_FULL,
                                                  .clock = &world->clock,
                                                  .is_stepped = true,
                                                  .vfs = VFS_NAME,
                                                  .boot_id = boot_id,
                                                  .retention = retention};
  int status =
      world->is_local ? stoa_local_engine_open(&local, &engine, reason) : stoa_memory_engine_open(&memory, &engine);
  while (status != STOA_OK && vfs_is_dead()) { /* killed again while it opened */
    lose_life(world);
    snprintf(boot_id, sizeof boot_id, "boot-%u", world->boots);
    status = stoa_local_engine_open(&local, &engine, reason);
  }
  if (status != STOA_OK) {
    trace_fail(world->trace, "the engine does not open: %s", reason);
  }
  assert(status == STOA_OK);
  return engine;
}

static void open_server(struct world *world) {
  static const struct stoa_string addresses[] = {STOA_STR("10.0.0.1:7700")};
  const struct stoa_limits_config limits = {.call_timeout_ms = 20000};
  const struct stoa_server_config config = {.addresses = {addresses, 1},
                                            .workers = WORKERS,
                                            .io_uring = STOA_IO_URING_OFF,
                                            .ping_interval_ms = 2000,
                                            .drain_ms = 5000,
                                            .linger_ms = world->ring_messages == 2 ? 2 : 0,
                                            .limits = &limits};
  const struct stoa_rooms_config rooms = {.session_publishes_max = world->session_publishes_max,
                                          .pending_bytes_max = world->pending_bytes_max,
                                          .ring_messages = world->ring_messages,
                                          .presence_leave_ms = PRESENCE_GUEST_LEAVE_MS,
                                          .presence_interval_ms = PRESENCE_GUEST_INTERVAL_MS,
                                          .presence_members_max = world->ring_messages == 1 ? 2 : 0};
  const struct stoa_rooms_callbacks callbacks = {
      .on_member = program_on_member, .on_presence = program_on_presence, .user = &world->board};
  memset(&world->board, 0, sizeof world->board);
  world->board.lanes = world->lanes;
  int status = stoa_server_create(&config, &world->board.server);
  assert(status == STOA_OK);
  stoa_server_use_clock(world->board.server, &world->clock);
  status = stoa_rooms_create_on(world->board.server, open_engine(world), &rooms, &callbacks, &world->board.rooms);
  assert(status == STOA_OK);
  program_register(&world->board);
  status = stoa_server_bind(world->board.server);
  assert(status == STOA_OK);
  status = stoa_server_begin_stepped(world->board.server);
  assert(status == STOA_OK);
}

static void close_server(struct world *world) {
  stoa_server_destroy(world->board.server);
  stoa_rooms_destroy(world->board.rooms);
  if (atomic_load(&world->board.asked) != atomic_load(&world->board.answered)) {
    trace_fail(world->trace, "%u of %u requests have no answer",
               atomic_load(&world->board.asked) - atomic_load(&world->board.answered),
               atomic_load(&world->board.asked));
  }
  if (world->board.disorders > 0) {
    trace_fail(world->trace, "%u publishes were stored though one before them had failed", world->board.disorders);
  }
  if (atomic_load(&world->board.members_in) != atomic_load(&world->board.members_out)) {
    trace_fail(world->trace, "the program was not told of each member that left");
  }
}

/* The process is killed, or the power is cut: first the disk and the sockets, then the rest of the memory. */
static void crash(struct world *world) {
  vfs_kill();
  close_server(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    world->guests[i].is_excused = true;
  }
  lose_life(world);
  open_server(world);
}

static void harm_disk(struct world *world) {
  static const enum vfs_fault faults[] = {VFS_FULL, VFS_WRITE_FAILS, VFS_SYNC_FAILS, VFS_DIES};
  size_t fault = below(world, 4);
  if (one_in(world, 2)) { /* more is on its way when it fails */
    world->engine_idle_ns = world->time.monotonic_ns + below(world, 150) * NS_PER_MS;
  }
  trace_line(world->trace, "the disk will %s",
             fault == 0   ? "be full"
             : fault == 1 ? "fail to write"
             : fault == 2 ? "fail to sync"
                          : "lose its process");
  vfs_fail(faults[fault], 1 + (uint32_t)below(world, 8), 1 + (uint32_t)below(world, 3));
}

/* Who takes turns. */

static int resolve(void *context, const char *host, uint16_t port,
                   struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX], size_t *out_count) {
  (void)context;
  (void)host;
  bool is_known = stoa_dial_literal("10.0.0.1", port, &out_addresses[0]);
  assert(is_known);
  (void)is_known;
  *out_count = 1;
  return STOA_OK;
}

#define ACTORS (WORKERS + GUESTS)

static uint64_t due_ns_of(const struct world *world, size_t actor) {
  return actor < WORKERS ? stoa_worker_due_ns(stoa_server_worker(world->board.server, (uint32_t)actor))
                         : stoa_loop_due_ns(world->guests[actor - WORKERS].client->loop);
}

static int fd_of(const struct world *world, size_t actor) {
  return actor < WORKERS ? stoa_worker_fd(stoa_server_worker(world->board.server, (uint32_t)actor))
                         : stoa_client_fd(world->guests[actor - WORKERS].client);
}

/* Of the server's: an allocation fails. */
static void take_server_turn(struct world *world, uint32_t worker) {
  bool has_fault = world->has_memory_faults && !world->is_settling && one_in(world, 8);
  stoa_memory_fail_at(has_fault ? 1 + below(world, 40) : 0, false);
  stoa_worker_turn(stoa_server_worker(world->board.server, worker), 0);
  stoa_memory_fail_at(0, false);
  world->counts->memory_faults += has_fault && stoa_memory_fault_hits() > 0;
}

static void take_turn(struct world *world, size_t actor) {
  world->counts->turns++;
  trace_line(world->trace, "turn %u: %zu at %llu", world->counts->turns, actor,
             (unsigned long long)world->time.monotonic_ns);
  if (actor < WORKERS) {
    take_server_turn(world, (uint32_t)actor);
  } else {
    stoa_client_step(world->guests[actor - WORKERS].client, 0);
  }
}

static bool run_engine(struct world *world) {
  bool has_run = world->time.monotonic_ns >= world->engine_idle_ns && stoa_engine_run_one(world->board.rooms->engine);
  if (world->is_local && vfs_is_dead()) {
    crash(world);
    return true;
  }
  return has_run;
}

static void let_time_pass(struct world *world) {
  uint64_t to_ns = world->time.monotonic_ns + IDLE_NS_MAX;
  uint64_t due_ns = net_due_ns();
  to_ns = due_ns < to_ns ? due_ns : to_ns;
  due_ns = stoa_engine_due_ns(world->board.rooms->engine);
  due_ns = due_ns < world->engine_idle_ns ? world->engine_idle_ns : due_ns;
  to_ns = due_ns > 0 && due_ns < to_ns ? due_ns : to_ns;
  for (size_t i = 0; i < ACTORS; i++) {
    due_ns = due_ns_of(world, i);
    to_ns = due_ns < to_ns ? due_ns : to_ns;
  }
  net_move_clock(&world->time, to_ns > world->time.monotonic_ns ? to_ns : world->time.monotonic_ns + NS_PER_US);
}

void world_step(struct world *world) {
  size_t runnable[ACTORS];
  size_t count = 0;
  for (size_t i = 0; i < ACTORS; i++) {
    if (due_ns_of(world, i) <= world->time.monotonic_ns || net_is_ready(fd_of(world, i))) {
      runnable[count++] = i;
    }
  }
  bool ignored = stoa_resolver_run_one(&world->resolver);
  enum stoa_log_step logged = stoa_log_writer_run_one(0);
  bool has_run = one_in(world, 2) && run_engine(world);
  (void)ignored;
  (void)logged;
  if (count > 0) {
    take_turn(world, runnable[below(world, count)]);
    net_move_clock(&world->time, world->time.monotonic_ns + below(world, 200) * NS_PER_US);
  } else if (!has_run && !run_engine(world)) {
    let_time_pass(world);
  }
}

static void on_log(void *context, const char *text, size_t len) {
  struct world *world = context;
  trace_line(world->trace, "log: %.*s", (int)(len > 0 && text[len - 1] == '\n' ? len - 1 : len), text);
}

/* The end. */

bool world_is_settled(const struct world *world) {
  bool is_settled = true;
  for (unsigned i = 0; i < GUESTS; i++) {
    is_settled = is_settled && guest_is_settled(&world->guests[i]);
  }
  return is_settled;
}

/* Sessions whose clients have gone are members until the server knows. Whether a first client has become one is not
 * told to it. */
static bool are_members_right(struct world *world) {
  for (uint32_t room = 0; room < ROOMS; room++) {
    size_t count = stoa_room_member_count(world->board.rooms, stoa_string_of(room_names[room]));
    if (count < FIRST_PLAIN || count > (room == 0 ? GUESTS : FIRST_PLAIN)) {
      return false;
    }
  }
  return true;
}

/* Who comes back late, because its connection had ended without its knowledge, joins again. */
void world_settle_step(struct world *world) {
  world_step(world);
  guest_act(&world->guests[below(world, GUESTS)]);
}

static bool may_go_on(const struct world *world, unsigned turns_max) {
  return world->counts->turns < turns_max && world->trace->failure[0] == '\0';
}

/* Who does not know yet that its connection is dead looks settled. */
static void end_stalls(struct world *world) {
  for (unsigned i = 0; i < GUESTS; i++) {
    struct guest *guest = &world->guests[i];
    if (guest->is_stalled && guest->client->conn.io.fd >= 0) {
      net_reset(guest->client->conn.io.fd);
    }
  }
}

static void settle(struct world *world) {
  unsigned turns_max = world->counts->turns + END_TURNS_MAX;
  world->is_settling = true;
  end_stalls(world);
  vfs_fail(VFS_NO_FAULT, 0, 0);
  while (!(world_is_settled(world) && are_members_right(world)) && may_go_on(world, turns_max)) {
    world_settle_step(world);
  }
  if (world->counts->turns >= turns_max) {
    trace_fail(world->trace, "not everybody comes back: settled %d, members %zu and %zu", world_is_settled(world),
               stoa_room_member_count(world->board.rooms, stoa_string_of(room_names[0])),
               stoa_room_member_count(world->board.rooms, stoa_string_of(room_names[1])));
  }
  world_check_end(world, turns_max);
}

static void begin(struct world *world, uint64_t seed) {
  world->random = seed * 2 + 1;
  world->presence_random = seed * 2 + 1;
  world->resolver = (struct stoa_resolver){.mutex = PTHREAD_MUTEX_INITIALIZER, .resolve = resolve};
  for (int i = 0; i < 10; i++) {
    below(world, 2); /* small seeds are alike at first */
  }
  world->session_publishes_max = one_in(world, 2) ? 2 : 0;
  static const uint32_t pending[] = {600, 2500, 0, 0};
  world->pending_bytes_max = pending[below(world, 4)];
  static const uint32_t rings[] = {1, 2, 0};
  world->ring_messages = rings[below(world, 3)];
  world->is_normal = world->is_local && one_in(world, 4);
  world->has_jumps = one_in(world, 3);
  world->has_big_texts = one_in(world, 8);
  world->has_memory_faults = one_in(world, 5);
  world->page = world->has_big_texts ? 1 : 10;
  world->read_limit = world->has_big_texts ? 1 : world->pending_bytes_max > 0 ? 10 : 100;
  vfs_begin(seed);
  machine_start(seed, &world->time, &world->clock, on_log, world);
  open_server(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    world->guests[i].world = world;
    world->guests[i].index = i;
    world->guests[i].is_plain = i >= FIRST_PLAIN;
    world->guests[i].is_careful = i % 2 == 0;
    for (uint32_t room = 0; room < ROOMS; room++) {
      world->guests[i].stays[room].guest = &world->guests[i];
    }
    guest_enter(&world->guests[i]);
  }
}

static void end(struct world *world) {
  close_server(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    stoa_client_destroy(world->guests[i].client);
  }
  machine_stop(world->trace);
  vfs_count(&world->counts->full, &world->counts->write_faults, &world->counts->sync_faults, &world->counts->deaths);
  for (uint32_t room = 0; room < ROOMS; room++) {
    oracle_release(&world->shown[room]);
    oracle_release(&world->stored[room]);
  }
  vfs_end();
}

/* The machine sleeps, or a clock is set. */
static void jump(struct world *world) {
  uint64_t ns = (1 + below(world, 400)) * 1000 * NS_PER_MS;
  trace_line(world->trace, "%llu s pass", (unsigned long long)(ns / 1000 / NS_PER_MS));
  world->counts->jumps++;
  for (unsigned i = 0; i < GUESTS; i++) {
    world->guests[i].is_excused = true;
  }
  net_move_clock(&world->time, world->time.monotonic_ns + ns);
}

static void strike(struct world *world) {
  if (world->is_local && one_in(world, 150)) {
    harm_disk(world);
  }
  if (one_in(world, world->is_local ? 400 : 1200)) {
    crash(world);
  }
  if (world->has_jumps && one_in(world, 250)) {
    jump(world);
  }
  if (one_in(world, 100)) {
    world->engine_idle_ns = world->time.monotonic_ns + below(world, 40) * NS_PER_MS;
  }
}

static void run(struct world *world, uint64_t seed, unsigned turns) {
  begin(world, seed);
  while (world->counts->turns < turns && world->trace->failure[0] == '\0') {
    world_step(world);
    if (one_in(world, 3)) {
      guest_act(&world->guests[below(world, GUESTS)]);
    }
    strike(world);
  }
  if (world->trace->failure[0] == '\0') {
    settle(world);
  }
  end(world);
}

void room_world_run(bool is_local, uint64_t seed, unsigned turns, struct trace *out_trace,
                    struct room_world_counts *out_counts) {
  struct world *world = calloc(1, sizeof *world);
  struct frame frame;
  assert(world != NULL);
  memset(out_counts, 0, sizeof *out_counts);
  world->trace = out_trace;
  world->counts = out_counts;
  world->is_local = is_local;
  frame_open(&frame, is_local ? "rooms-local" : "rooms", seed, turns, out_trace);
  run(world, seed, turns);
  frame_close(&frame);
  free(world);
}
