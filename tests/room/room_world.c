#include "room_world.h"

#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log_clock.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "base/sys.h"
#include "board.client.stoa.h"
#include "board.h"
#include "client/client_private.h"
#include "engine/local/local.h"
#include "engine/memory/memory.h"
#include "engine/vfs/vfs.h"
#include "program.h"
#include "room/rooms.h"
#include "room_log.h"
#include "server/stepping.h"
#include "simulate_presence.h"
#include "simulation/net.h"
#include "wire/random.h"

#include <stoa/log.h>

#define WORKERS 2u
#define GUESTS 6u
#define ROOMS 2u
#define OWN_MAX 200u
#define PAGE 10u
#define NS_PER_US 1000u
#define NS_PER_MS UINT64_C(1000000)
#define IDLE_NS_MAX (300 * NS_PER_MS)
/* Time for everybody to come back and read to the end. */
#define END_TURNS_MAX 60000u

static const char *const room_names[ROOMS] = {"hall", "yard"};

/* A message that a client wants to have stored. */
struct own {
  struct guest *guest;
  uint32_t room;
  char id[16];
  enum { OWN_NEW, OWN_SENT, OWN_STORED } state;
  uint64_t offset;
};

/* What a client has of a room. */
struct view {
  struct guest *guest;
  bool is_joining, is_leaving, is_member;
  bool is_recovering; /* it joins with its position */
  uint64_t epoch;
  uint64_t from, position; /* it has all messages above `from` up to `position` */
  uint64_t seen[OFFSETS_MAX];
  uint32_t seen_count;
  struct own own[OWN_MAX];
  uint32_t own_count;
  struct presence_guest presence;
};

struct guest {
  struct world *world;
  unsigned index;
  struct stoa_client *client;
  enum stoa_client_state state;
  bool is_stalled;   /* this connection was once */
  bool has_given_up; /* on this connection, which is ending: it looks at nothing more */
  struct view views[ROOMS];
};

struct world {
  struct trace *trace;
  struct room_world_counts *counts;
  bool is_local, is_settling;
  uint64_t random, presence_random;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct board board;
  struct board_lane lanes[BOARD_LANES_MAX];
  unsigned boots;
  uint32_t session_publishes_max, pending_bytes_max, ring_messages, retry_max_ms;
  struct stoa_resolver resolver;
  struct guest guests[GUESTS];
  struct room_log shown[ROOMS];
  struct room_log stored[ROOMS]; /* what a fresh client finds */
  bool is_reading;
  struct presence_guest fresh[ROOMS]; /* who is there at the end */
};

static size_t below(struct world *world, size_t count) {
  return random_below(&world->random, count);
}

static bool one_in(struct world *world, size_t count) {
  return below(world, count) == 0;
}

/* The oracle. */

static void check_view(struct world *world, const struct guest *guest, uint32_t room) {
  const struct view *view = &guest->views[room];
  const struct room_log *stored = &world->stored[room];
  uint32_t at = 0;
  for (uint64_t offset = view->from + 1; offset < OFFSETS_MAX; offset++) {
    if (stored->ids[offset][0] == '\0') {
      continue;
    }
    if (at == view->seen_count || view->seen[at] != offset) {
      trace_fail(world->trace, "c%u has not seen %llu of room %s", guest->index, (unsigned long long)offset,
                 room_names[room]);
      return;
    }
    at++;
  }
  if (at != view->seen_count) {
    trace_fail(world->trace, "c%u has seen what is not in room %s", guest->index, room_names[room]);
  }
  for (uint32_t i = 0; i < view->own_count; i++) {
    const struct own *own = &view->own[i];
    if (own->state == OWN_STORED && strcmp(stored->ids[own->offset], own->id) != 0) {
      trace_fail(world->trace, "%s was acknowledged at %llu of room %s and is not there", own->id,
                 (unsigned long long)own->offset, room_names[room]);
    }
  }
}

/* Clients. */

static uint32_t room_of(struct stoa_string name) {
  return board_text_is(name, room_names[0]) ? 0 : 1;
}

static void on_post(void *user, struct stoa_client *client, const struct board_v1_post_message *post) {
  struct guest *guest = user;
  struct world *world = guest->world;
  uint32_t room = room_of(post->room);
  struct view *view = &guest->views[room];
  (void)client;
  if (guest->has_given_up) {
    return;
  }
  world->counts->posts++;
  trace_line(world->trace, "c%u gets %.*s %llu", guest->index, (int)post->room.len, post->room.data,
             (unsigned long long)post->offset);
  room_log_note(&world->shown[room], room_names[room], world->trace, post->epoch, post->offset, post->client_msg_id);
  if (!view->is_member) {
    trace_fail(world->trace, "c%u is no member of %s", guest->index, room_names[room]);
    return;
  }
  if (post->offset <= view->position) {
    trace_fail(world->trace, "c%u gets %llu after %llu", guest->index, (unsigned long long)post->offset,
               (unsigned long long)view->position);
  }
  view->epoch = post->epoch;
  view->position = post->offset;
  view->seen[view->seen_count++] = post->offset;
}

/* No answer in time: whether it is a member is not known, so it begins again with another connection. */
static void give_up(struct guest *guest, const struct stoa_call_end *end) {
  if (end->result != STOA_CALL_LOST && guest->client->conn.io.fd >= 0) {
    net_reset(guest->client->conn.io.fd);
    guest->has_given_up = true;
    trace_line(guest->world->trace, "c%u gives up", guest->index);
  }
}

static void take_page(struct world *world, struct view *view, uint32_t room, const struct board_v1_join_reply *reply) {
  world->counts->pages++;
  view->seen_count = 0;
  for (size_t i = 0; i < reply->items.count; i++) {
    const struct board_v1_post_message *post = &reply->items.items[i];
    room_log_note(&world->shown[room], room_names[room], world->trace, post->epoch, post->offset, post->client_msg_id);
    view->seen[view->seen_count++] = post->offset;
  }
  view->from = reply->items.count == 0 ? reply->top : view->seen[0] - 1;
  view->position = reply->top;
  view->epoch = reply->epoch;
}

static void on_joined(void *user, struct stoa_client *client, const struct board_v1_join_reply *reply,
                      const struct stoa_call_end *end) {
  struct view *view = user;
  struct guest *guest = view->guest;
  struct world *world = guest->world;
  uint32_t room = (uint32_t)(view - guest->views);
  (void)client;
  if (end->result != STOA_CALL_REPLY || guest->has_given_up) {
    give_up(guest, end);
    return;
  }
  view->is_joining = false;
  trace_line(world->trace, "c%u join %s: %.*s recovered %d top %llu", guest->index, room_names[room],
             (int)reply->status.len, reply->status.data, reply->recovered, (unsigned long long)reply->top);
  if (!board_text_is(reply->status, "OK")) {
    return;
  }
  world->counts->joins++;
  view->is_member = true;
  presence_guest_on_joined(&view->presence, reply);
  if (!reply->recovered) {
    take_page(world, view, room, reply);
    return;
  }
  world->counts->recoveries++;
  if (!view->is_recovering || reply->epoch != view->epoch || reply->top < view->position) {
    trace_fail(world->trace, "c%u recovers what it has not asked for", guest->index);
  }
}

static void on_left(void *user, struct stoa_client *client, const struct board_v1_leave_reply *reply,
                    const struct stoa_call_end *end) {
  struct view *view = user;
  (void)client;
  (void)reply;
  if (end->result != STOA_CALL_REPLY) {
    give_up(view->guest, end);
    return;
  }
  view->is_leaving = false;
  view->is_member = false;
  view->presence.view.has_list = false;
}

static void on_answer(void *user, struct stoa_client *client, const struct board_v1_send_reply *reply,
                      const struct stoa_call_end *end) {
  struct own *own = user;
  struct world *world = own->guest->world;
  (void)client;
  own->state = OWN_NEW;
  if (end->result != STOA_CALL_REPLY) {
    return;
  }
  trace_line(world->trace, "c%u %s: %.*s %llu", own->guest->index, own->id, (int)reply->status.len, reply->status.data,
             (unsigned long long)reply->offset);
  bool is_repeated = board_text_is(reply->status, "DUPLICATE");
  if (!is_repeated && !board_text_is(reply->status, "OK")) {
    world->counts->failed++;
    return;
  }
  world->counts->acknowledged++;
  world->counts->repeated += is_repeated;
  own->state = OWN_STORED;
  own->offset = reply->offset;
  room_log_note(&world->shown[own->room], room_names[own->room], world->trace, reply->epoch, reply->offset,
                stoa_string_of(own->id));
  const struct view *view = &own->guest->views[own->room];
  /* It gets its own message before the answer. */
  if (view->is_member && !view->is_leaving && !own->guest->has_given_up && view->position < reply->offset) {
    trace_fail(world->trace, "c%u: the answer to %s came before the message", own->guest->index, own->id);
  }
}

static void join(struct guest *guest, uint32_t room) {
  struct world *world = guest->world;
  struct view *view = &guest->views[room];
  struct board_v1_join_request request = {
      .room = stoa_string_of(room_names[room]), .epoch = view->epoch, .offset = view->position, .history = PAGE};
  presence_guest_join(&view->presence, guest->index, &world->presence_random, &request);
  if (board_v1_board_client_call_join(guest->client, &request, 0, on_joined, view, NULL) == STOA_OK) {
    view->is_joining = true;
    view->is_recovering = view->epoch != 0;
    trace_line(world->trace, "c%u joins %s from %llu", guest->index, room_names[room],
               (unsigned long long)view->position);
  }
}

static void leave(struct guest *guest, uint32_t room) {
  struct view *view = &guest->views[room];
  const struct board_v1_leave_request request = {.room = stoa_string_of(room_names[room])};
  if (board_v1_board_client_call_leave(guest->client, &request, 0, on_left, view, NULL) == STOA_OK) {
    view->is_leaving = true;
    trace_line(guest->world->trace, "c%u leaves %s", guest->index, room_names[room]);
  }
}

/* The first that is not stored, unless others wait for their answer; or, now and then, one that is stored. */
static struct own *choose_own(struct guest *guest, uint32_t room) {
  struct world *world = guest->world;
  struct view *view = &guest->views[room];
  for (uint32_t i = 0; i < view->own_count; i++) {
    if (view->own[i].state == OWN_NEW) {
      return &view->own[i];
    }
  }
  if (world->is_settling || view->own_count == OWN_MAX) {
    return NULL;
  }
  struct own *own = &view->own[view->own_count++];
  *own = (struct own){.guest = guest, .room = room, .state = OWN_NEW};
  snprintf(own->id, sizeof own->id, "c%u-%u", guest->index, view->own_count);
  return own;
}

static void publish(struct guest *guest, uint32_t room) {
  struct own *own = choose_own(guest, room);
  if (own == NULL) {
    return;
  }
  const struct board_v1_send_request request = {.room = stoa_string_of(room_names[room]),
                                                .text = stoa_string_of(own->id),
                                                .sender = STOA_STR("someone"),
                                                .client_msg_id = stoa_string_of(own->id)};
  if (board_v1_board_client_call_send(guest->client, &request, 0, on_answer, own, NULL) == STOA_OK) {
    own->state = OWN_SENT;
    trace_line(guest->world->trace, "c%u sends %s", guest->index, own->id);
  }
}

static void on_changes(void *user, struct stoa_client *client, const struct board_v1_changes_message *changes) {
  struct guest *guest = user;
  const struct view *view = &guest->views[room_of(changes->room)];
  (void)client;
  if (!guest->has_given_up && !view->is_leaving) {
    presence_guest_on_changes(&guest->views[room_of(changes->room)].presence, view->is_member, changes,
                              guest->world->trace);
  }
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct guest *guest = user;
  (void)client;
  guest->state = change->state;
  trace_line(guest->world->trace, "c%u state %d code %u", guest->index, change->state, change->close_code);
  if (change->state == STOA_CLIENT_WAITING || change->state == STOA_CLIENT_ENDED) {
    guest->has_given_up = false;
    guest->is_stalled = false;
    for (uint32_t room = 0; room < ROOMS; room++) {
      guest->views[room].is_member = false;
      guest->views[room].is_joining = false;
      guest->views[room].is_leaving = false;
      guest->views[room].presence.view.has_list = false;
    }
  }
}

static void enter(struct guest *guest) {
  struct world *world = guest->world;
  const struct stoa_client_options options = {.url = "ws://server.simulated:7700/",
                                              .codec = guest->index % 2 == 0 ? &stoa_codec_json : &stoa_codec_proto,
                                              .retry_min_ms = 20,
                                              .retry_max_ms = 500};
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .user = guest};
  const struct board_v1_board_client_handlers handlers = {.post = on_post, .changes = on_changes};
  int status = stoa_client_create_with(&options, &callbacks, &world->clock, &guest->client);
  assert(status == STOA_OK);
  stoa_client_set_resolver(guest->client, &world->resolver);
  status = board_v1_board_client_register(guest->client, &handlers, guest);
  assert(status == STOA_OK);
  status = stoa_client_open(guest->client);
  assert(status == STOA_OK);
}

static void harm(struct guest *guest) {
  struct world *world = guest->world;
  int fd = guest->client->conn.io.fd;
  if (fd < 0) {
    return;
  }
  world->counts->resets++;
  if (one_in(world, 3)) {
    net_stall(fd, (1 + below(world, 12000)) * NS_PER_MS);
    guest->is_stalled = true;
  } else {
    net_reset(fd);
  }
  trace_line(world->trace, "c%u is harmed", guest->index);
}

static void act(struct guest *guest) {
  struct world *world = guest->world;
  size_t roll = below(world, 100);
  uint32_t room = (uint32_t)below(world, ROOMS);
  struct view *view = &guest->views[room];
  if (guest->state != STOA_CLIENT_OPEN || guest->has_given_up || view->is_joining || view->is_leaving) {
    return;
  }
  if (!world->is_settling) {
    presence_guest_act(&view->presence, guest->client, room_names[room], &world->presence_random);
  }
  if (!view->is_member && (roll < 50 || world->is_settling)) {
    join(guest, room);
  } else if (roll < 88 || world->is_settling) {
    publish(guest, room);
  } else if (roll < 94) {
    leave(guest, room);
  } else {
    harm(guest);
  }
}

/* The server. */

static struct stoa_engine *open_engine(struct world *world) {
  struct stoa_engine *engine;
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1] = "";
  char boot_id[24];
  snprintf(boot_id, sizeof boot_id, "boot-%u", world->boots);
  const struct stoa_memory_engine_options memory = {.clock = &world->clock};
  const struct stoa_local_engine_options local = {.path = "rooms.db",
                                                  .durability = STOA_LOCAL_FULL,
                                                  .clock = &world->clock,
                                                  .is_stepped = true,
                                                  .vfs = VFS_NAME,
                                                  .boot_id = boot_id};
  int status =
      world->is_local ? stoa_local_engine_open(&local, &engine, reason) : stoa_memory_engine_open(&memory, &engine);
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
  bool is_cut = one_in(world, 2);
  trace_line(world->trace, is_cut ? "the power is cut" : "the server is killed");
  world->counts->cuts += is_cut;
  world->counts->kills += !is_cut;
  vfs_kill();
  close_server(world);
  vfs_restart(is_cut);
  world->boots += is_cut;
  open_server(world);
}

static void harm_disk(struct world *world) {
  static const enum vfs_fault faults[] = {VFS_FULL, VFS_WRITE_FAILS, VFS_SYNC_FAILS};
  trace_line(world->trace, "the disk fails");
  vfs_fail(faults[below(world, 3)], 1 + (uint32_t)below(world, 8), 1 + (uint32_t)below(world, 3));
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

static void take_turn(struct world *world, size_t actor) {
  world->counts->turns++;
  trace_line(world->trace, "turn %u: %zu at %llu", world->counts->turns, actor,
             (unsigned long long)world->time.monotonic_ns);
  if (actor < WORKERS) {
    stoa_worker_turn(stoa_server_worker(world->board.server, (uint32_t)actor), 0);
  } else {
    stoa_client_step(world->guests[actor - WORKERS].client, 0);
  }
}

static void let_time_pass(struct world *world) {
  uint64_t to_ns = world->time.monotonic_ns + IDLE_NS_MAX;
  uint64_t due_ns = net_due_ns();
  to_ns = due_ns < to_ns ? due_ns : to_ns;
  due_ns = stoa_engine_due_ns(world->board.rooms->engine);
  to_ns = due_ns > 0 && due_ns < to_ns ? due_ns : to_ns;
  for (size_t i = 0; i < ACTORS; i++) {
    due_ns = due_ns_of(world, i);
    to_ns = due_ns < to_ns ? due_ns : to_ns;
  }
  net_move_clock(&world->time, to_ns > world->time.monotonic_ns ? to_ns : world->time.monotonic_ns + NS_PER_US);
}

static void step(struct world *world) {
  size_t runnable[ACTORS];
  size_t count = 0;
  for (size_t i = 0; i < ACTORS; i++) {
    if (due_ns_of(world, i) <= world->time.monotonic_ns || net_is_ready(fd_of(world, i))) {
      runnable[count++] = i;
    }
  }
  bool ignored = stoa_resolver_run_one(&world->resolver);
  enum stoa_log_step logged = stoa_log_writer_run_one(0);
  bool has_run = one_in(world, 2) && stoa_engine_run_one(world->board.rooms->engine);
  (void)ignored;
  (void)logged;
  if (count > 0) {
    take_turn(world, runnable[below(world, count)]);
    net_move_clock(&world->time, world->time.monotonic_ns + below(world, 200) * NS_PER_US);
  } else if (!has_run && !stoa_engine_run_one(world->board.rooms->engine)) {
    let_time_pass(world);
  }
}

static void on_log(void *context, const char *text, size_t len) {
  struct world *world = context;
  trace_line(world->trace, "log: %.*s", (int)(len > 0 && text[len - 1] == '\n' ? len - 1 : len), text);
}

/* The end: what a fresh client finds. */

static void on_read(void *user, struct stoa_client *client, const struct board_v1_read_reply *reply,
                    const struct stoa_call_end *end) {
  struct world *world = user;
  (void)client;
  world->is_reading = false;
  if (end->result != STOA_CALL_REPLY || !board_text_is(reply->status, "OK")) {
    return;
  }
  for (size_t i = 0; i < reply->items.count; i++) {
    const struct board_v1_post_message *post = &reply->items.items[i];
    uint32_t room = room_of(post->room);
    room_log_note(&world->stored[room], room_names[room], world->trace, post->epoch, post->offset, post->client_msg_id);
    if (post->offset <= world->stored[room].top) {
      trace_fail(world->trace, "offsets do not increase");
    }
    world->stored[room].top = post->offset;
  }
}

/* What a fresh list says of who is where. */
static void read_presence(struct world *world, unsigned turns_max) {
  for (uint32_t room = 0; room < ROOMS; room++) {
    struct presence_guest *fresh = &world->fresh[room];
    while (!fresh->view.has_list && world->counts->turns < turns_max) {
      if (world->guests[0].state == STOA_CLIENT_OPEN) {
        presence_guest_list(fresh, world->guests[0].client, room_names[room]);
      }
      step(world);
    }
  }
}

/* True: a page was asked for, or one is under way. */
static bool read_on(struct world *world, uint32_t room, uint64_t *asked) {
  struct guest *guest = &world->guests[0];
  if (world->is_reading) {
    return true;
  }
  if (*asked == world->stored[room].top + 1) {
    return false; /* nothing came above it */
  }
  const struct board_v1_read_request request = {
      .room = stoa_string_of(room_names[room]), .after = world->stored[room].top, .before = 0, .limit = 100};
  struct board_v1_read_request first = request;
  if (request.after == 0) {
    first.before = 100; /* the oldest page: offsets begin at 1 and have few gaps */
  }
  if (guest->state == STOA_CLIENT_OPEN &&
      board_v1_board_client_call_read(guest->client, &first, 0, on_read, world, NULL) == STOA_OK) {
    *asked = world->stored[room].top + 1;
    world->is_reading = true;
  }
  return true;
}

static bool is_settled(const struct world *world) {
  for (unsigned i = 0; i < GUESTS; i++) {
    for (uint32_t room = 0; room < ROOMS; room++) {
      const struct view *view = &world->guests[i].views[room];
      if (!view->is_member || view->is_leaving) {
        return false;
      }
      for (uint32_t at = 0; at < view->own_count; at++) {
        if (view->own[at].state != OWN_STORED) {
          return false;
        }
      }
    }
  }
  return true;
}

static void settle(struct world *world) {
  unsigned turns_max = world->counts->turns + END_TURNS_MAX;
  uint64_t asked[ROOMS] = {0};
  world->is_settling = true;
  for (unsigned i = 0; i < GUESTS; i++) { /* who does not know yet that its connection is dead looks settled */
    if (world->guests[i].is_stalled && world->guests[i].client->conn.io.fd >= 0) {
      net_reset(world->guests[i].client->conn.io.fd);
    }
  }
  vfs_fail(VFS_NO_FAULT, 0, 0);
  while (!is_settled(world) && world->counts->turns < turns_max && world->trace->failure[0] == '\0') {
    step(world);
    act(&world->guests[below(world, GUESTS)]);
  }
  for (uint32_t room = 0; room < ROOMS; room++) {
    while (read_on(world, room, &asked[room]) && world->counts->turns < turns_max) {
      step(world);
    }
  }
  for (int i = 0; i < 2000; i++) { /* what is still on its way */
    step(world);
  }
  uint64_t until_ns = world->time.monotonic_ns + PRESENCE_GUEST_SETTLE_MS * NS_PER_MS;
  while (world->time.monotonic_ns < until_ns && world->counts->turns < turns_max) {
    step(world);
  }
  read_presence(world, turns_max);
  if (world->counts->turns >= turns_max) {
    trace_fail(world->trace, "not everybody comes back");
  }
}

static void check(struct world *world) {
  for (uint32_t room = 0; room < ROOMS && world->trace->failure[0] == '\0'; room++) {
    room_log_check(&world->shown[room], &world->stored[room], room_names[room], world->trace);
    for (unsigned i = 0; i < GUESTS; i++) {
      check_view(world, &world->guests[i], room);
      presence_guest_check(&world->guests[i].views[room].presence, i, room_names[room], &world->fresh[room],
                           world->trace);
    }
  }
}

static void begin(struct world *world, uint64_t seed) {
  world->random = seed * 2 + 1;
  world->presence_random = seed * 2 + 1;
  world->time = (struct stoa_clock_fake){.monotonic_ns = UINT64_C(1000000000), .wall_us = INT64_C(1800000000000000)};
  world->clock = stoa_clock_fake_init(&world->time);
  world->resolver = (struct stoa_resolver){.mutex = PTHREAD_MUTEX_INITIALIZER, .resolve = resolve};
  for (int i = 0; i < 10; i++) {
    below(world, 2); /* small seeds are alike at first */
  }
  world->session_publishes_max = one_in(world, 2) ? 2 : 0;
  world->pending_bytes_max = one_in(world, 3) ? 600 : 0;
  static const uint32_t rings[] = {1, 2, 0};
  world->ring_messages = rings[below(world, 3)];
  vfs_begin(seed);
  net_start(seed, &world->time);
  net_log_to(on_log, world);
  stoa_log_setup(NET_FD_LOG, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_use_clock(&world->clock);
  stoa_log_writer_hold(true);
  open_server(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    world->guests[i].world = world;
    world->guests[i].index = i;
    for (uint32_t room = 0; room < ROOMS; room++) {
      world->guests[i].views[room].guest = &world->guests[i];
    }
    enter(&world->guests[i]);
  }
}

static void end(struct world *world) {
  close_server(world);
  for (unsigned i = 0; i < GUESTS; i++) {
    stoa_client_destroy(world->guests[i].client);
  }
  stoa_log_writer_hold(false);
  stoa_log_setup(STDERR_FILENO, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_use_clock(NULL);
  size_t open = net_stop();
  if (open > 0) {
    trace_fail(world->trace, "%zu descriptors are still open", open);
  }
  world->counts->faults = vfs_faults();
  vfs_end();
}

static char command[128];

static void on_abort(int signal_number) {
  ssize_t ignored = write(STDERR_FILENO, command, strlen(command));
  (void)ignored;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void run(struct world *world, uint64_t seed, unsigned turns) {
  begin(world, seed);
  while (world->counts->turns < turns && world->trace->failure[0] == '\0') {
    step(world);
    if (one_in(world, 3)) {
      act(&world->guests[below(world, GUESTS)]);
    }
    if (world->is_local && one_in(world, 150)) {
      harm_disk(world);
    }
    if (world->is_local && one_in(world, 400)) {
      crash(world);
    }
  }
  if (world->trace->failure[0] == '\0') {
    settle(world);
    check(world);
  }
  end(world);
}

void room_world_run(bool is_local, uint64_t seed, unsigned turns, struct trace *out_trace,
                    struct room_world_counts *out_counts) {
  int64_t blocks_before = stoa_memory_live_blocks();
  struct world *world = calloc(1, sizeof *world);
  assert(world != NULL);
  memset(out_trace, 0, sizeof *out_trace);
  memset(out_counts, 0, sizeof *out_counts);
  world->trace = out_trace;
  world->counts = out_counts;
  world->is_local = is_local;
  snprintf(command, sizeof command, "# to repeat: ./dev simulate rooms%s %llu %u\n", is_local ? "-local" : "",
           (unsigned long long)seed, turns);
  signal(SIGABRT, on_abort);
  run(world, seed, turns);
  signal(SIGABRT, SIG_DFL);
  if (stoa_memory_live_blocks() != blocks_before) {
    trace_fail(out_trace, "%lld blocks of memory are left", (long long)(stoa_memory_live_blocks() - blocks_before));
  }
  free(world);
}
