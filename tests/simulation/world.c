#include "world.h"

#include "../wire/random.h"
#include "base/log_clock.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "sample.stoa.h"
#include "server/worker/stepping.h"
#include "visitor.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/call.h>
#include <stoa/log.h>
#include <stoa/middleware.h>
#include <stoa/worker.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u
#define NEVER_NS UINT64_MAX
#define ACTORS (WORLD_WORKERS + WORLD_CLIENTS)
/* The end of a server may take its drain_ms, and no more turns than this. */
#define END_TURNS_MAX 200000u
#define IDLE_NS_MAX (UINT64_C(300) * NS_PER_MS)

size_t world_below(struct world *world, size_t count) {
  return random_below(&world->random, count);
}

bool world_one_in(struct world *world, size_t count) {
  return world_below(world, count) == 0;
}

/* The server's program. */

struct later {
  struct stoa_worker_timer timer;
  struct stoa_call *call;
  char question[24];
};

static const struct stoa_error *checked(struct world *world, const char *what, int status) {
  /* A session may be lost already while what it has sent before is handled. */
  if (status != STOA_OK && status != STOA_E_CLOSED) {
    trace_fail(&world->trace, "%s: %s", what, stoa_status_text(status));
  }
  return NULL;
}

static const struct stoa_error *on_line(void *user, struct stoa_session *session,
                                        const struct sample_v1_line_message *line) {
  return checked(user, "broadcast", sample_v1_line_broadcast(stoa_session_server(session), line));
}

static int tell(struct stoa_session *session, const char *what, struct stoa_string group) {
  const struct sample_v1_line_message line = {.from = stoa_string_of(what), .text = group};
  return sample_v1_line_push(session, &line);
}

static const struct stoa_error *on_group(void *user, struct stoa_session *session,
                                         const struct sample_v1_group_message *message) {
  if (message->action.data[0] == 'p') {
    const struct sample_v1_line_message line = {.text = message->text};
    return checked(user, "publish", sample_v1_line_publish(stoa_session_server(session), message->group, &line));
  }
  if (message->action.data[0] == 'j') {
    int status = tell(session, "joined", message->group);
    return checked(user, "join", status == STOA_OK ? stoa_session_join(session, message->group) : status);
  }
  int status = stoa_session_leave(session, message->group);
  return checked(user, "leave", status == STOA_OK ? tell(session, "left", message->group) : status);
}

static void on_later(struct stoa_worker_timer *timer, int status) {
  struct later *later = timer->context;
  const struct sample_v1_ask_reply reply = {.answer = stoa_string_of(later->question)};
  if (status == STOA_OK) {
    /* Its session may have gone. */
    int ignored = sample_v1_sample_ask_reply(later->call, &reply);
    (void)ignored;
  } else {
    stoa_call_drop(later->call);
  }
  free(later);
}

static const struct stoa_error *on_ask(void *user, struct stoa_session *session,
                                       const struct sample_v1_ask_request *request, struct sample_v1_ask_reply *reply) {
  struct world *world = user;
  if (request->question.data[0] != 'l') {
    reply->answer = request->question;
    return NULL;
  }
  struct later *later = calloc(1, sizeof *later);
  assert(later != NULL);
  memcpy(later->question, request->question.data, request->question.len);
  later->timer.on_due = on_later;
  later->timer.context = later;
  int status = stoa_call_take(session, &later->call);
  assert(status == STOA_OK);
  status = stoa_worker_timer_start(stoa_session_server(session), &later->timer, world_below(world, 500));
  assert(status == STOA_OK);
  return STOA_LATER;
}

/* A middleware that lets some messages wait: lines and groups for a moment, because all of them must be heard, calls
 * now and then for too long, and some of them are refused in the end. */

struct decision {
  struct stoa_worker_timer timer;
  struct stoa_wait *wait;
  bool refused;
};

static void on_decision(struct stoa_worker_timer *timer, int status) {
  static const struct stoa_error refusal = {.code = 1403, .reason = STOA_STR("REFUSED")};
  struct decision *decision = timer->context;
  int resumed = stoa_invocation_resume(decision->wait, decision->refused ? &refusal : NULL);
  assert(status == STOA_OK || resumed == STOA_E_CLOSED || resumed == STOA_E_TIMEOUT);
  (void)resumed;
  free(decision);
}

static const struct stoa_error *before(void *user, struct stoa_invocation *invocation) {
  struct world *world = user;
  struct stoa_session *session = stoa_invocation_session(invocation);
  bool is_call = stoa_invocation_is_call(invocation);
  if (!world_one_in(world, 4)) {
    return NULL;
  }
  struct decision *decision = calloc(1, sizeof *decision);
  assert(decision != NULL);
  decision->timer.on_due = on_decision;
  decision->timer.context = decision;
  decision->refused = is_call && world_one_in(world, 3);
  int status = stoa_invocation_wait(invocation, &decision->wait);
  assert(status == STOA_OK);
  world->counts.waits++;
  status =
      stoa_worker_timer_start(stoa_session_server(session), &decision->timer, world_below(world, is_call ? 500 : 100));
  assert(status == STOA_OK);
  return STOA_LATER;
}

/* Around the other one: each message that begins must end once. */
static const struct stoa_error *count_begin(void *user, struct stoa_invocation *invocation) {
  struct world *world = user;
  *stoa_invocation_slot(invocation) = 1;
  world->invocations++;
  return NULL;
}

static void count_end(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  struct world *world = user;
  (void)error;
  if (*stoa_invocation_slot(invocation) != 1) {
    trace_fail(&world->trace, "an invocation has lost its slot");
  }
  world->invocations--;
}

static void use_middlewares(struct world *world) {
  const struct stoa_middleware counting = {.name = "count", .before = count_begin, .after = count_end, .user = world};
  const struct stoa_middleware waiting = {.name = "wait", .before = before, .user = world};
  int status = stoa_server_use(world->server, NULL, &counting);
  assert(status == STOA_OK);
  status = stoa_server_use(world->server, NULL, &waiting);
  assert(status == STOA_OK);
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  struct world *world = user;
  char id[STOA_UUID_TEXT_LEN + 1];
  (void)out_refusal;
  stoa_uuid_format(stoa_session_id(session), id);
  trace_line(&world->trace, "w%u session %s from %s by %s", stoa_worker_index(world->server), id, request->address,
             stoa_session_codec(session));
  return STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  struct world *world = user;
  char id[STOA_UUID_TEXT_LEN + 1];
  stoa_uuid_format(stoa_session_id(session), id);
  trace_line(&world->trace, "w%u session %s ends: %u %s", stoa_worker_index(world->server), id, code, reason);
}

/* Who takes turns. */

struct cast {
  struct visitor visitors[WORLD_CLIENTS];
  struct stoa_resolver resolver;
};

static int resolve(void *context, const char *host, uint16_t port,
                   struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX], size_t *out_count) {
  (void)context;
  (void)host;
  bool known = stoa_dial_literal("10.0.0.1", port, &out_addresses[0]);
  assert(known);
  *out_count = 1;
  return STOA_OK;
}

static uint64_t due_ns_of(const struct world *world, const struct cast *cast, size_t actor) {
  return actor < WORLD_WORKERS ? stoa_worker_due_ns(stoa_server_worker(world->server, (uint32_t)actor))
                               : stoa_loop_due_ns(cast->visitors[actor - WORLD_WORKERS].client->loop);
}

static int fd_of(const struct world *world, const struct cast *cast, size_t actor) {
  return actor < WORLD_WORKERS ? stoa_worker_fd(stoa_server_worker(world->server, (uint32_t)actor))
                               : stoa_client_fd(cast->visitors[actor - WORLD_WORKERS].client);
}

static bool is_runnable(const struct world *world, const struct cast *cast, size_t actor) {
  return due_ns_of(world, cast, actor) <= world->time.monotonic_ns || net_is_ready(fd_of(world, cast, actor));
}

static void take_turn(struct world *world, struct cast *cast, size_t actor) {
  world->counts.turns++;
  trace_line(&world->trace, "turn %u: %c%zu at %llu ns", world->counts.turns, actor < WORLD_WORKERS ? 'w' : 'c',
             actor < WORLD_WORKERS ? actor : actor - WORLD_WORKERS, (unsigned long long)world->time.monotonic_ns);
  if (actor < WORLD_WORKERS) {
    stoa_worker_turn(stoa_server_worker(world->server, (uint32_t)actor), 0);
  } else {
    stoa_client_step(cast->visitors[actor - WORLD_WORKERS].client, 0);
  }
}

/* Nobody has anything to do: to the next moment when somebody may have. */
static void let_time_pass(struct world *world, const struct cast *cast) {
  uint64_t to_ns = world->time.monotonic_ns + IDLE_NS_MAX;
  uint64_t due_ns = net_due_ns();
  to_ns = due_ns < to_ns ? due_ns : to_ns;
  for (size_t i = 0; i < ACTORS; i++) {
    due_ns = due_ns_of(world, cast, i);
    to_ns = due_ns < to_ns ? due_ns : to_ns;
  }
  net_move_clock(&world->time, to_ns);
}

static void on_log(void *context, const char *text, size_t len) {
  struct world *world = context;
  trace_line(&world->trace, "log: %.*s", (int)(len > 0 && text[len - 1] == '\n' ? len - 1 : len), text);
}

/* What happens on threads of their own elsewhere, a piece at a time. */
static void run_one(struct world *world, struct cast *cast) {
  if (stoa_resolver_run_one(&cast->resolver)) {
    trace_line(&world->trace, "a name is looked up");
  }
  enum stoa_log_step ignored = stoa_log_writer_run_one(0);
  (void)ignored;
}

static void step(struct world *world, struct cast *cast) {
  size_t runnable[ACTORS];
  size_t count = 0;
  for (size_t i = 0; i < ACTORS; i++) {
    if (is_runnable(world, cast, i)) {
      runnable[count++] = i;
    }
  }
  run_one(world, cast);
  if (count == 0) {
    let_time_pass(world, cast);
  } else {
    /* A turn that finds nothing to do must do no harm. */
    take_turn(world, cast, world_one_in(world, 16) ? world_below(world, ACTORS) : runnable[world_below(world, count)]);
    net_move_clock(&world->time, world->time.monotonic_ns + world_below(world, 200) * NS_PER_US);
  }
}

/* A thread that is no worker publishes too. */
static void program_acts(struct world *world) {
  size_t group = world_below(world, WORLD_GROUPS + 1);
  char name[2] = {(char)(group == WORLD_GROUPS ? '*' : 'a' + (int)group), '\0'};
  char text[32];
  snprintf(text, sizeof text, "%s 0 %u", name, ++world->published[group]);
  const struct sample_v1_line_message line = {.text = stoa_string_of(text)};
  int status = group == WORLD_GROUPS ? sample_v1_line_broadcast(world->server, &line)
                                     : sample_v1_line_publish(world->server, stoa_string_of(name), &line);
  trace_line(&world->trace, "the program publishes %s: %s", text, stoa_status_text(status));
  checked(world, "publish", status);
}

static void act(struct world *world, struct cast *cast) {
  size_t who = world_below(world, WORLD_CLIENTS * 3);
  if (who < WORLD_CLIENTS) {
    visitor_act(&cast->visitors[who]);
  } else if (who == WORLD_CLIENTS) {
    program_acts(world);
  }
}

/* From the beginning to the end. */

static void open_server(struct world *world) {
  static const struct stoa_string addresses[] = {STOA_STR("10.0.0.1:7700")};
  struct stoa_limits_config limits = {.call_timeout_ms = 400};
  const struct stoa_server_config config = {.addresses = {addresses, 1},
                                            .workers = WORLD_WORKERS,
                                            .io_uring = STOA_IO_URING_OFF,
                                            .compression = true,
                                            .ping_interval_ms = 2000,
                                            .drain_ms = 5000,
                                            .linger_ms = world_one_in(world, 3) ? 2 : 0,
                                            .linger_adaptive = world_one_in(world, 2),
                                            .limits = &limits};
  const struct sample_v1_sample_handlers handlers = {.line = on_line, .ask = on_ask, .group = on_group};
  const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = world};
  int status = stoa_server_create(&config, &world->server);
  assert(status == STOA_OK);
  status = sample_v1_sample_register(world->server, &handlers, world);
  assert(status == STOA_OK);
  if (world->seed % 2 == 0) {
    use_middlewares(world);
  }
  stoa_server_set_callbacks(world->server, &callbacks);
  stoa_server_use_clock(world->server, &world->clock);
  status = stoa_server_bind(world->server);
  assert(status == STOA_OK);
  status = stoa_server_begin_stepped(world->server);
  assert(status == STOA_OK);
}

static void enter_all(struct world *world, struct cast *cast) {
  for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
    cast->visitors[i] = (struct visitor){.world = world, .index = i, .resolver = &cast->resolver};
    visitor_enter(&cast->visitors[i]);
  }
}

static bool is_over(const struct world *world) {
  for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
    if (stoa_worker_turn(stoa_server_worker(world->server, i), 0)) {
      return false;
    }
  }
  return true;
}

/* Some servers drain, with their clients there, and others are destroyed as they stand. */
static void close_server(struct world *world, struct cast *cast) {
  world->ending = true;
  if (world_one_in(world, 2)) {
    trace_line(&world->trace, "the server drains");
    stoa_server_drain(world->server);
    unsigned turns_max = world->counts.turns + END_TURNS_MAX;
    while (!is_over(world) && world->counts.turns < turns_max) {
      step(world, cast);
    }
    if (!is_over(world)) {
      trace_fail(&world->trace, "the server does not end");
    }
    stoa_server_wait(world->server);
    if (stoa_server_connection_count(world->server) > 0) {
      trace_line(&world->trace, "%zu connections were cut", stoa_server_connection_count(world->server));
    }
  }
  stoa_server_destroy(world->server);
  world->server = NULL;
  if (world->invocations != 0) {
    trace_fail(&world->trace, "%d messages have not ended", world->invocations);
  }
}

static void look_at_rest(struct world *world, int64_t blocks_before) {
  oracle_check(&world->oracle);
  size_t open = net_stop();
  if (open > 0) {
    trace_fail(&world->trace, "%zu descriptors are still open", open);
  }
  if (stoa_memory_live_blocks() != blocks_before) {
    trace_fail(&world->trace, "%lld blocks of memory are left", (long long)(stoa_memory_live_blocks() - blocks_before));
  }
}

void world_run(struct world *world, uint64_t seed, unsigned turns) {
  struct cast cast = {.resolver = {.mutex = PTHREAD_MUTEX_INITIALIZER, .resolve = resolve}};
  int64_t blocks_before = stoa_memory_live_blocks();
  memset(world, 0, sizeof *world);
  world->seed = seed;
  world->random = seed * 2 + 1;
  world->time = (struct stoa_clock_fake){.monotonic_ns = UINT64_C(1000000000), .wall_us = INT64_C(1800000000000000)};
  world->clock = stoa_clock_fake_init(&world->time);
  world->oracle.trace = &world->trace;
  net_start(seed, &world->time);
  net_log_to(on_log, world);
  stoa_log_setup(NET_FD_LOG, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_use_clock(&world->clock);
  stoa_log_writer_hold(true);
  open_server(world);
  enter_all(world, &cast);
  while (world->counts.turns < turns && world->trace.failure[0] == '\0') {
    step(world, &cast);
    act(world, &cast);
  }
  close_server(world, &cast);
  for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
    visitor_leave(&cast.visitors[i]);
  }
  stoa_log_writer_hold(false);
  stoa_log_setup(STDERR_FILENO, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_use_clock(NULL);
  look_at_rest(world, blocks_before);
}

void world_release(struct world *world) {
  oracle_release(&world->oracle);
  trace_release(&world->trace);
}
