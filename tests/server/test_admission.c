/* Who is let in, at once or later; that the program is told of each session's end once and in order; and when its input
 * and output wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stoa/log.h>
#include <stoa/worker.h>
#include <sys/socket.h>
#include <time.h>

#include "base/memory.h"
#include "fixture.h"

#define DEADLINE_S 60
#define CROWD 800
#define NOTE_BYTES 4096u
#define LIVES_MAX (CROWD + 16)
#define LATER_MS 1500u

/* What the program was told of one session, by its number in the order of on_connect. */
struct life {
  struct stoa_uuid id;
  atomic_uint connects, closings, disconnects, drains;
  atomic_uint wrong; /* out of order, or without memory in the arena */
  atomic_uint closing_code, disconnect_code;
};

enum in_connect { NOTHING, CLOSE_IT, DECIDE_AT_ONCE, JOIN, WAIT_FOR_TEST };

/* What the program does in its callbacks. Set while nobody is connecting. */
static struct {
  struct life lives[LIVES_MAX];
  atomic_uint count;
  enum stoa_admission decision;
  struct stoa_refusal refusal;
  enum in_connect in_connect;
  size_t arena_bytes; /* taken in each callback */
  struct counter release;
} door;

static struct fixture fixture;

static void take_from_arena(struct stoa_session *session, struct life *life) {
  void *note = door.arena_bytes == 0 ? life : stoa_arena_alloc(stoa_session_arena(session), door.arena_bytes);
  life->wrong += note == NULL;
  if (note != NULL && note != life) {
    memset(note, 'x', door.arena_bytes);
  }
}

static void act_in_connect(struct stoa_session *session) {
  switch (door.in_connect) {
    case NOTHING:
      break;
    case CLOSE_IT:
      stoa_session_close(session, 4503, "closed in on_connect");
      break;
    case DECIDE_AT_ONCE:
      stoa_server_admit(stoa_session_server(session), stoa_session_id(session));
      break;
    case JOIN:
      stoa_session_join(session, stoa_string_of("g"));
      break;
    case WAIT_FOR_TEST:
      counter_wait(&door.release, 1);
      break;
  }
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  struct life *life = &door.lives[atomic_load(&door.count)];
  life->id = *stoa_session_id(session);
  stoa_session_set_user(session, life);
  take_from_arena(session, life);
  act_in_connect(session);
  *out_refusal = door.refusal;
  atomic_fetch_add(&life->connects, 1);
  atomic_fetch_add(&door.count, 1);
  return door.decision;
}

static void on_closing(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)reason;
  struct life *life = stoa_session_user(session);
  take_from_arena(session, life);
  life->wrong += life->connects != 1 || life->disconnects != 0;
  life->wrong += stoa_session_join(session, stoa_string_of("too late")) != STOA_E_CLOSED;
  atomic_store(&life->closing_code, code);
  atomic_fetch_add(&life->closings, 1);
}

static void on_drained(void *user, struct stoa_session *session) {
  (void)user;
  struct life *life = stoa_session_user(session);
  take_from_arena(session, life);
  life->wrong += life->closings != 0;
  atomic_fetch_add(&life->drains, 1);
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)reason;
  struct life *life = stoa_session_user(session);
  take_from_arena(session, life);
  life->wrong += life->closings != 1;
  atomic_store(&life->disconnect_code, code);
  atomic_fetch_add(&life->disconnects, 1);
}

static const struct stoa_callbacks callbacks = {
    .on_connect = on_connect, .on_closing = on_closing, .on_drained = on_drained, .on_closed = on_closed};

static struct stoa_server_config *begin(enum stoa_admission decision) {
  memset(door.lives, 0, sizeof door.lives);
  atomic_store(&door.count, 0);
  door.decision = decision;
  door.refusal = (struct stoa_refusal){.close_code = 4507, .reason = "not you"};
  door.in_connect = NOTHING;
  door.arena_bytes = 0;
  door.release = (struct counter)COUNTER_INIT;
  return fixture_config(1);
}

static void await(const atomic_uint *count, unsigned value) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (atomic_load(count) < value) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true(now.tv_sec - start.tv_sec < DEADLINE_S);
    sched_yield();
  }
}

/* A session by its number, once the program has been asked about it. */
static struct life *life_of(unsigned number) {
  await(&door.count, number + 1);
  return &door.lives[number];
}

static struct life *enter(struct client *client, const char *protocol) {
  unsigned number = atomic_load(&door.count);
  fixture_connect(&fixture, client, protocol);
  return life_of(number);
}

static void expect_end(struct life *life, uint16_t code) {
  await(&life->disconnects, 1);
  assert_int_equal(life->connects, 1);
  assert_int_equal(life->closings, 1);
  assert_int_equal(life->wrong, 0);
  assert_int_equal(life->closing_code, code);
  assert_int_equal(life->disconnect_code, code);
}

/* After the server has ended: nobody is told twice, nor of a session that was refused. */
static void expect_all_told_once(void) {
  for (unsigned i = 0; i < LIVES_MAX; i++) {
    const struct life *life = &door.lives[i];
    unsigned expected = i < atomic_load(&door.count) && door.decision != STOA_REFUSE;
    assert_int_equal(life->closings, expected);
    assert_int_equal(life->disconnects, expected);
    assert_int_equal(life->wrong, 0);
  }
}

static void stop_fixture(void) {
  fixture_stop(&fixture);
  expect_all_told_once();
}

/* A member whose next message, the answer to its question, shows that it was sent nothing else. */
static void expect_nothing_for(struct client *client) {
  fixture_sync(client);
}

/* Later. */

static void test_one_that_waits_is_in_no_group_and_not_read_until_it_is_let_in(void **state) {
  (void)state;
  struct client member, observer;
  fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
  enter(&member, "stoa.json");
  fixture_sync(&member);
  door.decision = STOA_ADMIT_LATER;
  door.in_connect = JOIN;
  struct life *life = enter(&observer, "stoa.json");
  fixture_send_line(&observer, "observer", 1);
  struct sample_v1_line_message line = {.text = STOA_STR("for members")};
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
  assert_int_equal(sample_v1_line_publish(fixture.server, stoa_string_of("g"), &line), STOA_OK);
  fixture_expect_line(&member, "for members");
  expect_nothing_for(&member); /* the observer's line came before its question */
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  assert_int_equal(fixture_read_line(&member).number, 1);
  assert_int_equal(fixture_read_line(&observer).number, 1);
  assert_int_equal(sample_v1_line_publish(fixture.server, stoa_string_of("g"), &line), STOA_OK);
  expect_nothing_for(&observer);
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
  fixture_expect_line(&observer, "for members");
  client_close(&observer);
  client_close(&member);
  stop_fixture();
}

static void try_to_join(void *context, struct stoa_session *session, int status) {
  atomic_int *out = context;
  atomic_store(out, status == STOA_OK ? stoa_session_join(session, stoa_string_of("g")) : status);
}

static void test_one_that_waits_cannot_be_put_into_a_group(void **state) {
  (void)state;
  struct client observer;
  atomic_int status = -1;
  fixture_start(&fixture, begin(STOA_ADMIT_LATER), &callbacks);
  struct life *life = enter(&observer, "stoa.json");
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, try_to_join, &status), STOA_OK);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  fixture_sync(&observer);
  assert_int_equal(status, STOA_E_CLOSED);
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, try_to_join, &status), STOA_OK);
  fixture_sync(&observer);
  assert_int_equal(status, STOA_OK);
  client_close(&observer);
  stop_fixture();
}

static void test_a_decision_may_be_made_while_the_program_is_asked(void **state) {
  (void)state;
  struct client observer;
  fixture_start(&fixture, begin(STOA_ADMIT_LATER), &callbacks);
  door.in_connect = DECIDE_AT_ONCE;
  enter(&observer, "stoa.json");
  fixture_sync(&observer);
  client_close(&observer);
  stop_fixture();
}

static void test_one_that_is_refused_later_is_told_why_and_when_to_come_back(void **state) {
  (void)state;
  struct client observer, plain;
  fixture_start(&fixture, begin(STOA_ADMIT_LATER), &callbacks);
  struct life *life = enter(&observer, "stoa.json");
  char reason[] = "the token service is down";
  const struct stoa_refusal refusal = {.close_code = 4004, .reason = reason, .retry_ms = 2500};
  assert_int_equal(stoa_server_refuse(fixture.server, &life->id, &refusal), STOA_OK);
  memset(reason, 'x', sizeof reason - 1); /* it was copied */
  struct client_frame frame = client_read_message(&observer);
  assert_non_null(memmem(frame.data, frame.len, "the token service is down", 25));
  assert_non_null(memmem(frame.data, frame.len, "2500", 4));
  assert_int_equal(client_read_close(&observer), 4004);
  client_close(&observer);
  expect_end(life, 4004);
  life = enter(&plain, NULL);
  assert_int_equal(stoa_server_refuse(fixture.server, &life->id, &refusal), STOA_OK);
  assert_int_equal(client_read(&plain).code, 4004); /* and no frame before it that it does not know */
  client_close(&plain);
  stop_fixture();
}

static void test_one_that_nobody_decides_on_is_closed_with_4004_in_time(void **state) {
  (void)state;
  struct client observer;
  struct stoa_limits_config limits = {.handshake_timeout_ms = LATER_MS};
  struct stoa_server_config *config = begin(STOA_ADMIT_LATER);
  config->limits = &limits;
  /* Pings go on meanwhile, and do not put the end off. */
  config->ping_interval_ms = LATER_MS / 10;
  config->pong_timeout_ms = 60000;
  fixture_start(&fixture, config, &callbacks);
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  struct life *life = enter(&observer, "stoa.json");
  assert_int_equal(client_read_close(&observer), STOA_CLOSE_INTERNAL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  int64_t passed_ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
  assert_true(passed_ms >= LATER_MS - 50);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK); /* too late, and no harm */
  client_close(&observer);
  expect_end(life, STOA_CLOSE_INTERNAL);
  stop_fixture();
}

static void test_only_the_first_decision_counts(void **state) {
  (void)state;
  struct client first, second;
  const struct stoa_refusal refusal = {.close_code = 4507, .reason = "no"};
  fixture_start(&fixture, begin(STOA_ADMIT_LATER), &callbacks);
  struct life *life = enter(&first, "stoa.json");
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  assert_int_equal(stoa_server_refuse(fixture.server, &life->id, &refusal), STOA_OK);
  fixture_sync(&first);
  fixture_sync(&first);
  life = enter(&second, "stoa.json");
  assert_int_equal(stoa_server_refuse(fixture.server, &life->id, &refusal), STOA_OK);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  assert_int_equal(client_read_close(&second), 4507);
  /* One that was let in at once is not decided on again either. */
  client_close(&second);
  expect_end(life, 4507);
  client_close(&first);
  stop_fixture();
}

static void test_a_decision_on_a_session_that_has_gone_is_left_alone(void **state) {
  (void)state;
  struct client observer;
  const struct stoa_uuid nobody = {{1, 2, 3}};
  const struct stoa_refusal refusal = {.close_code = 4507, .reason = NULL};
  fixture_start(&fixture, begin(STOA_ADMIT_LATER), &callbacks);
  struct life *life = enter(&observer, "stoa.json");
  client_close(&observer);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  expect_end(life, 1006);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  assert_int_equal(stoa_server_refuse(fixture.server, &life->id, &refusal), STOA_OK);
  assert_int_equal(stoa_server_admit(fixture.server, &nobody), STOA_OK);
  stop_fixture();
}

static void test_one_that_is_disconnected_while_it_waits_is_told_so(void **state) {
  (void)state;
  struct client observer;
  fixture_start(&fixture, begin(STOA_ADMIT_LATER), &callbacks);
  struct life *life = enter(&observer, "stoa.json");
  assert_int_equal(stoa_server_close_session(fixture.server, &life->id, 4503, "out"), STOA_OK);
  assert_int_equal(client_read_close(&observer), 4503);
  client_close(&observer);
  expect_end(life, 4503);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  stop_fixture();
}

static void test_a_decision_that_cannot_be_sent_is_an_error(void **state) {
  (void)state;
  struct client waiting, blocker;
  struct stoa_server *server;
  struct stoa_server_config *config = begin(STOA_ADMIT_LATER);
  assert_int_equal(stoa_server_create(config, &server), STOA_OK);
  assert_int_equal(stoa_server_admit(server, &door.lives[0].id), STOA_E_CLOSED);
  assert_int_equal(stoa_server_refuse(server, &door.lives[0].id, &door.refusal), STOA_E_CLOSED);
  stoa_server_destroy(server);
  struct stoa_limits_config limits = {.mailbox_bytes_max = 65536 + 4096, .message_bytes_max = 65536};
  config->limits = &limits;
  fixture_start(&fixture, config, &callbacks);
  struct life *life = enter(&waiting, "stoa.json");
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  door.in_connect = WAIT_FOR_TEST;
  client_connect(&blocker, fixture.address);
  assert_true(client_ask_upgrade(&blocker, "/", "stoa.json", NULL));
  int status = STOA_OK;
  for (unsigned i = 0; status == STOA_OK && i < 1000000; i++) {
    status = stoa_server_admit(fixture.server, &life->id);
  }
  counter_up(&door.release);
  assert_int_equal(status, STOA_E_LIMIT);
  fixture_sync(&waiting);
  assert_int_equal(client_read_status(&blocker), 101);
  client_close(&blocker);
  client_close(&waiting);
  stop_fixture();
}

/* The end. */

static void test_an_end_by_the_client_is_told_once(void **state) {
  (void)state;
  struct client client;
  fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
  struct life *life = enter(&client, "stoa.json");
  assert_true(client_send(&client, 0x88, "\x03\xe8", 2));
  assert_int_equal(client_read_close(&client), 1000);
  client_close(&client);
  expect_end(life, 1000);
  life = enter(&client, "stoa.json");
  client_close(&client);
  expect_end(life, 1006);
  life = enter(&client, "stoa.json");
  const struct linger reset = {1, 0};
  setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client_close(&client);
  expect_end(life, 1006);
  life = enter(&client, "stoa.json");
  assert_true(client_send(&client, 0x83, "?", 1)); /* no such opcode */
  assert_int_equal(client_read_close(&client), 1002);
  client_close(&client);
  expect_end(life, 1002);
  stop_fixture();
}

static void test_the_closing_is_told_before_the_client_has_answered(void **state) {
  (void)state;
  struct client client;
  fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
  struct life *life = enter(&client, "stoa.json");
  assert_int_equal(stoa_server_close_session(fixture.server, &life->id, 4503, "out"), STOA_OK);
  await(&life->closings, 1);
  assert_int_equal(life->disconnects, 0);
  /* Closing again, or sending, changes nothing any more. */
  struct sample_v1_line_message line = {.text = STOA_STR("too late")};
  stoa_server_close_session(fixture.server, &life->id, 4999, "again");
  sample_v1_line_send(fixture.server, &life->id, &line);
  assert_int_equal(client_read_close(&client), 4503);
  client_close(&client);
  expect_end(life, 4503);
  stop_fixture();
}

static void test_one_that_is_closed_while_the_program_is_asked_is_told_of_when_it_is_known(void **state) {
  (void)state;
  static const enum stoa_admission decisions[] = {STOA_ADMIT, STOA_ADMIT_LATER, STOA_REFUSE};
  for (size_t i = 0; i < 3; i++) {
    struct client client;
    fixture_start(&fixture, begin(decisions[i]), &callbacks);
    door.in_connect = CLOSE_IT;
    struct life *life = enter(&client, "stoa.json");
    assert_int_equal(client_read_close(&client), 4503);
    client_close(&client);
    if (decisions[i] != STOA_REFUSE) {
      expect_end(life, 4503);
    }
    struct sample_v1_line_message line = {.text = STOA_STR("nobody is there")};
    assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
    stop_fixture();
  }
}

static void test_one_that_is_refused_is_not_told_of_again(void **state) {
  (void)state;
  struct client client;
  struct stoa_limits_config limits = {.sessions_max = 1};
  struct stoa_server_config *config = begin(STOA_REFUSE);
  fixture_start(&fixture, config, &callbacks);
  enter(&client, "stoa.json");
  assert_int_equal(client_read_close(&client), 4507);
  client_close(&client);
  stop_fixture();
  /* Nor is the program asked about one for whom there is no room. */
  struct client refused;
  config = begin(STOA_ADMIT);
  config->limits = &limits;
  fixture_start(&fixture, config, &callbacks);
  enter(&client, "stoa.json");
  fixture_connect(&fixture, &refused, "stoa.json");
  assert_int_equal(client_read_close(&refused), STOA_CLOSE_FULL);
  client_close(&refused);
  fixture_sync(&client);
  assert_int_equal(atomic_load(&door.count), 1);
  client_close(&client);
  stop_fixture();
}

static void test_every_session_is_told_of_when_the_server_ends(void **state) {
  (void)state;
  for (int way = 0; way < 2; way++) {
    struct client clients[6];
    fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
    for (size_t i = 0; i < 6; i++) {
      door.decision = i < 3 ? STOA_ADMIT : STOA_ADMIT_LATER;
      enter(&clients[i], i % 2 == 0 ? "stoa.json" : NULL);
    }
    if (way == 0) {
      stoa_server_drain(fixture.server);
      for (size_t i = 0; i < 6; i++) {
        assert_int_equal(client_read_close(&clients[i]), STOA_CLOSE_DRAINING);
        client_close(&clients[i]);
      }
      stoa_server_wait(fixture.server);
    }
    stop_fixture();
    for (size_t i = 0; way == 1 && i < 6; i++) {
      client_close(&clients[i]);
    }
  }
}

/* Input and output that wait. */

static void pause_it(void *context, struct stoa_session *session, int status) {
  assert(status == STOA_OK);
  stoa_session_pause(session);
  stoa_session_pause(session);
  counter_up(context);
}

static void resume_it(void *context, struct stoa_session *session, int status) {
  assert(status == STOA_OK);
  stoa_session_resume(session);
  counter_up(context);
}

static void test_a_session_that_is_paused_is_read_when_it_is_resumed(void **state) {
  (void)state;
  struct client member, observer;
  struct counter done = COUNTER_INIT;
  fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
  struct life *life = enter(&observer, "stoa.json");
  enter(&member, "stoa.json");
  fixture_sync(&member);
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, pause_it, &done), STOA_OK);
  counter_wait(&done, 1);
  for (uint32_t i = 1; i <= 100; i++) {
    fixture_send_line(&observer, "observer", i);
  }
  expect_nothing_for(&member);
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, resume_it, &done), STOA_OK);
  for (uint32_t i = 1; i <= 100; i++) {
    assert_int_equal(fixture_read_line(&member).number, i);
    assert_int_equal(fixture_read_line(&observer).number, i);
  }
  client_close(&observer);
  client_close(&member);
  stop_fixture();
}

static void test_one_that_is_let_in_is_still_paused_when_the_program_wants_it(void **state) {
  (void)state;
  struct client observer, member;
  struct counter done = COUNTER_INIT;
  fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
  enter(&member, "stoa.json");
  fixture_sync(&member);
  door.decision = STOA_ADMIT_LATER;
  struct life *life = enter(&observer, "stoa.json");
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, pause_it, &done), STOA_OK);
  fixture_send_line(&observer, "observer", 1);
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, resume_it, &done), STOA_OK);
  counter_wait(&done, 2);
  expect_nothing_for(&member); /* resumed, but not let in */
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, pause_it, &done), STOA_OK);
  assert_int_equal(stoa_server_admit(fixture.server, &life->id), STOA_OK);
  counter_wait(&done, 3);
  expect_nothing_for(&member); /* let in, but paused */
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, resume_it, &done), STOA_OK);
  assert_int_equal(fixture_read_line(&member).number, 1);
  client_close(&observer);
  client_close(&member);
  stop_fixture();
}

/* More than the sockets' buffers hold: large messages are written at once while nothing waits. */
#define PIECE_BYTES (60u * 1024)
#define PIECES 400u

struct flood {
  struct counter done;
  size_t queued_before, queued_bytes;
  bool closes;
};

static void flood_it(void *context, struct stoa_session *session, int status) {
  static const uint8_t piece[PIECE_BYTES];
  struct flood *flood = context;
  assert(status == STOA_OK);
  flood->queued_before = stoa_session_queued_bytes(session);
  for (unsigned i = 0; i < PIECES; i++) {
    status = stoa_session_send_raw(session, stoa_bytes_make(piece, sizeof piece), false);
    assert(status == STOA_OK);
  }
  stoa_session_notify_drained(session);
  flood->queued_bytes = stoa_session_queued_bytes(session);
  if (flood->closes) {
    stoa_session_close(session, 4503, "enough");
  }
  counter_up(&flood->done);
}

static void read_flood(struct client *client) {
  for (unsigned i = 0; i < PIECES; i++) {
    struct client_frame frame = client_read_message(client);
    assert_int_equal(frame.len, PIECE_BYTES);
  }
}

static struct stoa_server_config *begin_with_a_long_queue(struct stoa_limits_config *limits) {
  struct stoa_server_config *config = begin(STOA_ADMIT);
  limits->send_queue_bytes_max = 2 * PIECES * PIECE_BYTES;
  config->limits = limits;
  return config;
}

static void test_the_program_is_told_once_when_nothing_waits_any_more(void **state) {
  (void)state;
  struct client reader;
  struct flood flood = {.done = COUNTER_INIT};
  struct stoa_limits_config limits = {0};
  fixture_start(&fixture, begin_with_a_long_queue(&limits), &callbacks);
  struct life *life = enter(&reader, "stoa.json");
  for (unsigned round = 1; round <= 2; round++) {
    assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, flood_it, &flood), STOA_OK);
    counter_wait(&flood.done, round);
    assert_int_equal(flood.queued_before, 0);
    assert_true(flood.queued_bytes > 0);
    assert_int_equal(life->drains, round - 1);
    read_flood(&reader);
    await(&life->drains, round);
    fixture_sync(&reader);
    assert_int_equal(life->drains, round);
  }
  client_close(&reader);
  expect_end(life, 1006);
  stop_fixture();
}

static void ask_to_be_told(void *context, struct stoa_session *session, int status) {
  (void)context;
  assert(status == STOA_OK);
  stoa_session_notify_drained(session);
  stoa_session_notify_drained(session);
}

static void test_the_program_is_told_also_when_nothing_waited(void **state) {
  (void)state;
  struct client client;
  fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
  struct life *life = enter(&client, "stoa.json");
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, ask_to_be_told, NULL), STOA_OK);
  await(&life->drains, 1);
  fixture_sync(&client);
  assert_int_equal(life->drains, 1);
  client_close(&client);
  stop_fixture();
}

static void test_one_that_is_closed_before_is_not_told_of_as_drained(void **state) {
  (void)state;
  struct client reader;
  struct flood flood = {.done = COUNTER_INIT, .closes = true};
  struct stoa_limits_config limits = {0};
  fixture_start(&fixture, begin_with_a_long_queue(&limits), &callbacks);
  struct life *life = enter(&reader, "stoa.json");
  assert_int_equal(stoa_worker_run_for(fixture.server, &life->id, flood_it, &flood), STOA_OK);
  counter_wait(&flood.done, 1);
  read_flood(&reader);
  assert_int_equal(client_read_close(&reader), 4503);
  client_close(&reader);
  expect_end(life, 4503);
  assert_int_equal(life->drains, 0);
  stop_fixture();
}

/* The arena. */

static void test_each_callback_has_the_whole_arena(void **state) {
  (void)state;
  static struct client clients[CROWD];
  for (int way = 0; way < 2; way++) {
    fixture_start(&fixture, begin(STOA_ADMIT), &callbacks);
    door.arena_bytes = NOTE_BYTES;
    for (size_t i = 0; i < CROWD; i++) {
      enter(&clients[i], "stoa.json");
      assert_int_equal(stoa_worker_run_for(fixture.server, &door.lives[i].id, ask_to_be_told, NULL), STOA_OK);
    }
    for (size_t i = 0; i < CROWD; i++) {
      await(&door.lives[i].drains, 1);
    }
    for (size_t i = 0; way == 0 && i < CROWD; i++) {
      client_close(&clients[i]); /* one after the other, else all in one turn */
    }
    for (size_t i = 0; way == 0 && i < CROWD; i++) {
      await(&door.lives[i].disconnects, 1);
    }
    stop_fixture();
    for (size_t i = 0; way == 1 && i < CROWD; i++) {
      client_close(&clients[i]);
    }
  }
}

static const struct stoa_error *on_ask_and_close(void *user, struct stoa_session *session,
                                                 const struct sample_v1_ask_request *request,
                                                 struct sample_v1_ask_reply *reply) {
  (void)user;
  char *copy = stoa_arena_calloc(stoa_session_arena(session), NOTE_BYTES);
  memset(copy, 'c', NOTE_BYTES - 1);
  stoa_session_close(session, 4503, "in the midst of a call");
  /* What lies in the arena is still there: the request, the reply, and what the handler made. */
  struct life *life = stoa_session_user(session);
  life->wrong += strlen(copy) != NOTE_BYTES - 1 || !stoa_string_equal(request->question, stoa_string_of("there?"));
  reply->answer = stoa_string_of(copy);
  return NULL;
}

static void test_a_handler_that_closes_its_session_keeps_what_lies_in_the_arena(void **state) {
  (void)state;
  static const struct sample_v1_sample_handlers closing = {.ask = on_ask_and_close};
  struct client client;
  begin(STOA_ADMIT);
  door.arena_bytes = NOTE_BYTES;
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &fixture.server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(fixture.server, &closing, NULL), STOA_OK);
  stoa_server_set_callbacks(fixture.server, &callbacks);
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
  struct life *life = enter(&client, "stoa.proto");
  assert_true(client_send_call(&client, FIXTURE_ASK, 1, "\x0a\x06there?"));
  assert_int_equal(client_read_close(&client), 4503);
  client_close(&client);
  expect_end(life, 4503);
  stop_fixture();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_that_waits_is_in_no_group_and_not_read_until_it_is_let_in),
      cmocka_unit_test(test_one_that_waits_cannot_be_put_into_a_group),
      cmocka_unit_test(test_a_decision_may_be_made_while_the_program_is_asked),
      cmocka_unit_test(test_one_that_is_refused_later_is_told_why_and_when_to_come_back),
      cmocka_unit_test(test_one_that_nobody_decides_on_is_closed_with_4004_in_time),
      cmocka_unit_test(test_only_the_first_decision_counts),
      cmocka_unit_test(test_a_decision_on_a_session_that_has_gone_is_left_alone),
      cmocka_unit_test(test_one_that_is_disconnected_while_it_waits_is_told_so),
      cmocka_unit_test(test_a_decision_that_cannot_be_sent_is_an_error),
      cmocka_unit_test(test_an_end_by_the_client_is_told_once),
      cmocka_unit_test(test_the_closing_is_told_before_the_client_has_answered),
      cmocka_unit_test(test_one_that_is_closed_while_the_program_is_asked_is_told_of_when_it_is_known),
      cmocka_unit_test(test_one_that_is_refused_is_not_told_of_again),
      cmocka_unit_test(test_every_session_is_told_of_when_the_server_ends),
      cmocka_unit_test(test_a_session_that_is_paused_is_read_when_it_is_resumed),
      cmocka_unit_test(test_one_that_is_let_in_is_still_paused_when_the_program_wants_it),
      cmocka_unit_test(test_the_program_is_told_once_when_nothing_waits_any_more),
      cmocka_unit_test(test_the_program_is_told_also_when_nothing_waited),
      cmocka_unit_test(test_one_that_is_closed_before_is_not_told_of_as_drained),
      cmocka_unit_test(test_each_callback_has_the_whole_arena),
      cmocka_unit_test(test_a_handler_that_closes_its_session_keeps_what_lies_in_the_arena),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
