#include "chat_world_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log_writer.h"
#include "engine/local/local.h"
#include "engine/vfs/vfs.h"
#include "presence.h"
#include "room/create.h"
#include "room/rooms.h"
#include "server/worker/stepping.h"
#include "simulation/frame.h"
#include "simulation/net.h"
#include "simulation/sockets.h"
#include "stamps.h"

#include <chatroom/v1/claims.stoa.h>
#include <stoa/log.h>
#include <stoa/token.h>

#define IDLE_NS_MAX (1000 * NS_PER_MS)
#define DRAIN_TURNS_MAX 20000u
#define SECRET "a secret that the simulation signs with"
#define GUEST_KEY "guest.key"

/* The server. */

static struct stoa_engine *open_engine(struct world *world) {
  struct stoa_engine *engine;
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1] = "";
  char boot_id[24];
  snprintf(boot_id, sizeof boot_id, "boot-%u", world->boots);
  const struct stoa_local_engine_options local = {.path = "chatroom.db",
                                                  .durability = STOA_LOCAL_FULL,
                                                  .clock = &world->clock,
                                                  .is_stepped = true,
                                                  .vfs = VFS_NAME,
                                                  .boot_id = boot_id};
  int status = stoa_local_engine_open(&local, &engine, reason);
  if (status != STOA_OK) {
    trace_fail(world->trace, "the engine does not open: %s", reason);
  }
  assert(status == STOA_OK);
  return engine;
}

/* As apps/chatroom/storage.c does it, but on an engine that takes steps. */
static int open_storage(struct world *world) {
  const struct stoa_rooms_config rooms = {.presence_bytes_max =
                                              presence_bytes_max(stoa_server_message_bytes_max(world->server))};
  const struct stoa_rooms_callbacks callbacks = {.on_presence = presence_on_diff, .user = &world->chatroom};
  world->chatroom.data_dir = world->data_dir;
  int status = stoa_rooms_create_on(world->server, open_engine(world), &rooms, &callbacks, &world->chatroom.rooms);
  return status == STOA_OK ? stamps_add_types(world->chatroom.rooms) : status;
}

static void open_server(struct world *world) {
  vfs_fail(VFS_NO_FAULT, 0, 0); /* the storage of a disk that fails does not open, and no server begins */
  static const struct stoa_string addresses[] = {STOA_STR("10.0.0.1:7700")};
  static const struct stoa_auth_config auth = {.secret = STOA_STR(SECRET)};
  static struct stoa_server_config config;
  static struct chatroom_v1_chat_config chat;
  config = (struct stoa_server_config){
      .addresses = {addresses, 1}, .workers = WORKERS, .io_uring = STOA_IO_URING_OFF, .drain_ms = 5000, .auth = &auth};
  chat = (struct chatroom_v1_chat_config){.edit_window_s = world->edit_window_s};
  world->config = (struct chatroom_v1_config){.server = &config, .chat = &chat};
  memset(&world->chatroom, 0, sizeof world->chatroom);
  int status = stoa_server_create(&config, &world->server);
  assert(status == STOA_OK);
  stoa_server_use_clock(world->server, &world->clock);
  status = open_storage(world);
  assert(status == STOA_OK);
  status = chatroom_setup(world->server, &world->chatroom, &world->config);
  assert(status == STOA_OK);
  status = stoa_server_bind(world->server);
  assert(status == STOA_OK);
  status = stoa_server_begin_stepped(world->server);
  assert(status == STOA_OK);
}

/* In the order of main(). */
static void close_server(struct world *world) {
  stoa_server_destroy(world->server);
  stoa_rooms_destroy(world->chatroom.rooms);
  chatroom_fini(&world->chatroom);
}

static void excuse_all(struct world *world) {
  for (unsigned i = 0; i < GUESTS; i++) {
    world->guests[i].is_excused = true;
  }
}

/* What was read is stored some time later. */
static void lose_marks(struct world *world) {
  world->lives++;
  for (uint32_t room = 0; room < ROOMS; room++) {
    for (unsigned user = 0; user < USERS; user++) {
      world->marks[room][user].low = world->marks[room][user].durable;
    }
  }
}

void world_crash(struct world *world) {
  bool is_cut = one_in(world, 2);
  trace_line(world->trace, is_cut ? "the power is cut" : "the server is killed");
  world->counts->cuts += is_cut;
  world->counts->kills += !is_cut;
  vfs_kill();
  close_server(world);
  excuse_all(world);
  vfs_restart(is_cut);
  world->boots += is_cut;
  world->engine_idle_ns = 0;
  lose_marks(world);
  open_server(world);
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

static bool is_there(const struct world *world, size_t actor) {
  return actor < WORKERS || world->guests[actor - WORKERS].client != NULL;
}

static uint64_t due_ns_of(const struct world *world, size_t actor) {
  return actor < WORKERS ? stoa_worker_due_ns(stoa_server_worker(world->server, (uint32_t)actor))
                         : stoa_loop_due_ns(world->guests[actor - WORKERS].client->loop);
}

static int fd_of(const struct world *world, size_t actor) {
  return actor < WORKERS ? stoa_worker_fd(stoa_server_worker(world->server, (uint32_t)actor))
                         : stoa_client_fd(world->guests[actor - WORKERS].client);
}

/* Each at its own address; the stranger is at that of the first guest. */
static void take_client_turn(struct guest *guest) {
  char address[24];
  unsigned at = guest->index == STRANGER     ? NEIGHBOUR
                : guest->index < FRESH_FIRST ? guest->index
                                             : guest->index - FRESH_FIRST;
  snprintf(address, sizeof address, "10.0.1.%u", at + 1);
  sockets_connect_from(address);
  stoa_client_step(guest->client, 0);
  sockets_connect_from(NULL);
}

static void take_turn(struct world *world, size_t actor) {
  world->counts->turns++;
  trace_line(world->trace, "turn %u: %zu at %llu", world->counts->turns, actor,
             (unsigned long long)world->time.monotonic_ns);
  if (actor < WORKERS) {
    stoa_worker_turn(stoa_server_worker(world->server, (uint32_t)actor), 0);
  } else {
    take_client_turn(&world->guests[actor - WORKERS]);
  }
}

static bool run_engine(struct world *world) {
  return world->time.monotonic_ns >= world->engine_idle_ns && stoa_engine_run_one(world->chatroom.rooms->engine);
}

static void let_time_pass(struct world *world) {
  uint64_t to_ns = world->time.monotonic_ns + IDLE_NS_MAX;
  uint64_t due_ns = net_due_ns();
  to_ns = due_ns < to_ns ? due_ns : to_ns;
  due_ns = stoa_engine_due_ns(world->chatroom.rooms->engine);
  due_ns = due_ns < world->engine_idle_ns ? world->engine_idle_ns : due_ns;
  to_ns = due_ns > 0 && due_ns < to_ns ? due_ns : to_ns;
  for (size_t i = 0; i < ACTORS; i++) {
    due_ns = is_there(world, i) ? due_ns_of(world, i) : UINT64_MAX;
    to_ns = due_ns < to_ns ? due_ns : to_ns;
  }
  net_move_clock(&world->time, to_ns > world->time.monotonic_ns ? to_ns : world->time.monotonic_ns + NS_PER_US);
}

static void reload_pages(struct world *world) {
  for (unsigned i = 0; i < GUESTS; i++) {
    if (world->guests[i].client != NULL && world->guests[i].state == STOA_CLIENT_ENDED) {
      guest_enter(&world->guests[i]);
    }
  }
}

void world_step(struct world *world) {
  size_t runnable[ACTORS];
  size_t count = 0;
  reload_pages(world);
  for (size_t i = 0; i < ACTORS; i++) {
    if (is_there(world, i) && (due_ns_of(world, i) <= world->time.monotonic_ns || net_is_ready(fd_of(world, i)))) {
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

void world_settle_step(struct world *world) {
  world_step(world);
  guest_act(&world->guests[below(world, DAY_GUESTS)]);
}

static void on_log(void *context, const char *text, size_t len) {
  struct world *world = context;
  trace_line(world->trace, "log: %.*s", (int)(len > 0 && text[len - 1] == '\n' ? len - 1 : len), text);
}

/* What happens to them. */

/* As at SIGTERM: clients are told to come back, and the next process begins when this one has ended. */
static void restart(struct world *world) {
  trace_line(world->trace, "the server is restarted");
  world->counts->restarts++;
  world->is_draining = true;
  stoa_server_drain(world->server);
  unsigned turns_max = world->counts->turns + DRAIN_TURNS_MAX;
  bool is_over = false;
  while (!is_over && world->counts->turns < turns_max) {
    world_step(world);
    is_over = true;
    for (uint32_t i = 0; i < WORKERS; i++) {
      is_over = !stoa_worker_turn(stoa_server_worker(world->server, i), 0) && is_over;
    }
  }
  if (!is_over) {
    trace_fail(world->trace, "the server does not end");
  }
  excuse_all(world);
  world->is_draining = false;
  close_server(world);
  if (world->has_disk_faults) {
    lose_marks(world);
  }
  open_server(world);
}

/* The machine sleeps, or nobody comes for hours. */
static void jump(struct world *world) {
  static const uint64_t lengths_s[] = {30, 400, 3600, 4 * 3600};
  uint64_t ns = (1 + below(world, lengths_s[below(world, 4)])) * 1000 * NS_PER_MS;
  trace_line(world->trace, "%llu s pass", (unsigned long long)(ns / 1000 / NS_PER_MS));
  world->counts->jumps++;
  excuse_all(world);
  net_move_clock(&world->time, world->time.monotonic_ns + ns);
}

static void harm_disk(struct world *world) {
  static const enum vfs_fault faults[] = {VFS_FULL, VFS_WRITE_FAILS};
  trace_line(world->trace, "the disk will fail");
  world->counts->disk_faults++;
  vfs_fail(faults[below(world, 2)], 1 + (uint32_t)below(world, 8), 1 + (uint32_t)below(world, 3));
}

static void harm_connection(struct world *world) {
  struct guest *guest = &world->guests[below(world, DAY_GUESTS)];
  if (guest->client == NULL || guest->client->conn.io.fd < 0) {
    return;
  }
  if (one_in(world, 3)) {
    guest->is_stalled = guest->is_excused = true;
    world->counts->stalls++;
    trace_line(world->trace, "%s stalls", guest->name);
    net_stall(guest->client->conn.io.fd, below(world, 12000) * NS_PER_MS);
  } else {
    guest->is_excused = true;
    world->counts->resets++;
    trace_line(world->trace, "%s is reset", guest->name);
    net_reset(guest->client->conn.io.fd);
  }
}

static void strike(struct world *world) {
  if (one_in(world, 150)) {
    harm_connection(world);
  }
  if (one_in(world, 1500)) {
    world_crash(world);
  } else if (one_in(world, 1500)) {
    restart(world);
  }
  if (world->has_jumps && one_in(world, 400)) {
    jump(world);
  }
  if (world->has_disk_faults && one_in(world, 200)) {
    harm_disk(world);
  }
  if (one_in(world, 100)) {
    world->engine_idle_ns = world->time.monotonic_ns + below(world, 40) * NS_PER_MS;
  }
}

/* The beginning and the end. */

static void sign(struct world *world, struct user *user, const char *id, const char *role) {
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET,
                                               .content = stoa_bytes_make(SECRET, strlen(SECRET))};
  struct stoa_token_claims claims = {.subject = stoa_string_of(id)};
  struct chatroom_v1_user_claims own = {.role = stoa_string_of(role)};
  struct stoa_token_signer *signer;
  struct stoa_token_key_error error;
  struct stoa_buffer json, token;
  claims.has_expires = true;
  claims.expires_us = world->time.wall_us + INT64_C(365) * 24 * 3600 * 1000000;
  stoa_buffer_init(&json, STOA_TOKEN_LEN_MAX);
  stoa_buffer_init(&token, STOA_TOKEN_LEN_MAX);
  int status = stoa_token_signer_create(&source, &signer, &error);
  assert(status == STOA_OK);
  status = stoa_token_write_claims(&claims, &chatroom_v1_user_claims_type, &own, &json);
  assert(status == STOA_OK);
  status = stoa_token_sign(signer, stoa_string_make((const char *)json.data, json.len), &token);
  assert(status == STOA_OK);
  view_copy(user->token, sizeof user->token, stoa_string_make((const char *)token.data, token.len));
  stoa_buffer_fini(&json);
  stoa_buffer_fini(&token);
  stoa_token_signer_destroy(signer);
}

static void make_users(struct world *world) {
  static const char *const nicks[USERS] = {"Mona", "Ada", "Bob", "Gast", "Ghost"};
  for (unsigned i = 0; i < USERS; i++) {
    world->users[i].nick = nicks[i];
    world->users[i].is_guest = i >= 3;
  }
  sign(world, &world->users[USER_MODERATOR], "mona", "moderator");
  sign(world, &world->users[1], "ada", "user");
  sign(world, &world->users[2], "bob", "user");
}

static void make_data_dir(struct world *world) {
  snprintf(world->data_dir, sizeof world->data_dir, "/tmp/stoa-simulation-XXXXXX");
  char *made = mkdtemp(world->data_dir);
  assert(made != NULL);
  (void)made;
}

static void remove_data_dir(const struct world *world) {
  char path[96];
  snprintf(path, sizeof path, "%s/" GUEST_KEY, world->data_dir);
  unlink(path);
  rmdir(world->data_dir);
}

static void begin(struct world *world, uint64_t seed) {
  static const uint32_t windows_s[] = {120, 1800, 0};
  world->random = seed * 2 + 1;
  world->time = (struct stoa_clock_fake){.monotonic_ns = UINT64_C(1000000000), .wall_us = INT64_C(1800000000000000)};
  world->resolver = (struct stoa_resolver){.mutex = PTHREAD_MUTEX_INITIALIZER, .resolve = resolve};
  for (int i = 0; i < 10; i++) {
    below(world, 2); /* small seeds are alike at first */
  }
  world->edit_window_s = windows_s[below(world, 3)];
  world->has_jumps = one_in(world, 2);
  world->has_disk_faults = one_in(world, 4);
  make_data_dir(world);
  make_users(world);
  vfs_begin(seed);
  machine_start(seed, &world->time, &world->clock, on_log, world);
  open_server(world);
  world->edit_window_s = world->edit_window_s == 0 ? 24u * 3600 : world->edit_window_s;
  for (unsigned i = 0; i < GUESTS; i++) {
    guest_init(&world->guests[i], world, i);
  }
  for (unsigned i = 0; i < DAY_GUESTS; i++) {
    guest_enter(&world->guests[i]);
  }
}

static void end(struct world *world) {
  close_server(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    stoa_client_destroy(world->guests[i].client);
  }
  machine_stop(world->trace);
  vfs_end();
  remove_data_dir(world);
}

/* The day has three parts; a check ends each. */
static void run(struct world *world, uint64_t seed, unsigned turns) {
  begin(world, seed);
  for (unsigned part = 0; part < 3 && world->trace->failure[0] == '\0'; part++) {
    unsigned until = world->counts->turns + turns / 3;
    while (world->counts->turns < until && world->trace->failure[0] == '\0') {
      world_step(world);
      if (one_in(world, 3)) {
        guest_act(&world->guests[below(world, DAY_GUESTS)]);
      }
      strike(world);
    }
    if (world->trace->failure[0] == '\0') {
      world_check(world);
    }
  }
  end(world);
}

void chat_world_run(uint64_t seed, unsigned turns, struct trace *out_trace, struct chat_world_counts *out_counts) {
  struct world *world = calloc(1, sizeof *world);
  struct frame frame;
  assert(world != NULL);
  memset(out_counts, 0, sizeof *out_counts);
  world->trace = out_trace;
  world->counts = out_counts;
  frame_open(&frame, "chat", seed, turns, out_trace);
  run(world, seed, turns);
  frame_close(&frame);
  free(world);
}
