/* The program is told of the end of each session once and in order; input and output that wait; the arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assert.h>
#include <stoa/log.h>
#include <stoa/worker.h>
#include <sys/socket.h>

#include "admission.h"
#include "base/memory.h"

#define SESSIONS 800
#define NOTE_BYTES 4096u

/* The end. */

static void test_an_end_by_the_client_is_reported_once(void **state) {
  (void)state;
  struct client client;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
  struct life *life = admission_enter(&client, "stoa.json");
  assert_true(client_send(&client, 0x88, "\x03\xe8", 2));
  assert_int_equal(client_read_close(&client), 1000);
  client_close(&client);
  admission_expect_end(life, 1000);
  life = admission_enter(&client, "stoa.json");
  client_close(&client);
  admission_expect_end(life, 1006);
  life = admission_enter(&client, "stoa.json");
  const struct linger reset = {1, 0};
  setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client_close(&client);
  admission_expect_end(life, 1006);
  life = admission_enter(&client, "stoa.json");
  assert_true(client_send(&client, 0x83, "?", 1)); /* no such opcode */
  assert_int_equal(client_read_close(&client), 1002);
  client_close(&client);
  admission_expect_end(life, 1002);
  admission_stop();
}

static void test_on_closing_is_called_before_the_client_has_answered(void **state) {
  (void)state;
  struct client client;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
  struct life *life = admission_enter(&client, "stoa.json");
  assert_int_equal(stoa_server_close_session(admission.fixture.server, &life->id, 4503, "out"), STOA_OK);
  admission_await(&life->closings, 1);
  assert_int_equal(life->disconnects, 0);
  /* Closing again, or sending, changes nothing any more. */
  struct sample_v1_line_message line = {.text = STOA_STR("too late")};
  stoa_server_close_session(admission.fixture.server, &life->id, 4999, "again");
  sample_v1_line_send(admission.fixture.server, &life->id, &line);
  assert_int_equal(client_read_close(&client), 4503);
  client_close(&client);
  admission_expect_end(life, 4503);
  admission_stop();
}

static void test_a_session_that_is_closed_in_on_connect_is_reported_unless_it_is_refused(void **state) {
  (void)state;
  static const enum stoa_admission decisions[] = {STOA_ADMIT, STOA_ADMIT_LATER, STOA_REFUSE};
  for (size_t i = 0; i < 3; i++) {
    struct client client;
    fixture_start(&admission.fixture, admission_begin(decisions[i]), &admission_callbacks);
    admission.in_connect = CLOSE_IT;
    struct life *life = admission_enter(&client, "stoa.json");
    assert_int_equal(client_read_close(&client), 4503);
    client_close(&client);
    if (decisions[i] != STOA_REFUSE) {
      admission_expect_end(life, 4503);
    }
    struct sample_v1_line_message line = {.text = STOA_STR("nobody is there")};
    assert_int_equal(sample_v1_line_broadcast(admission.fixture.server, &line), STOA_OK);
    admission_stop();
  }
}

static void test_a_refused_session_is_not_reported_again(void **state) {
  (void)state;
  struct client client;
  struct stoa_limits_config limits = {.sessions_max = 1};
  struct stoa_server_config *config = admission_begin(STOA_REFUSE);
  fixture_start(&admission.fixture, config, &admission_callbacks);
  admission_enter(&client, "stoa.json");
  assert_int_equal(client_read_close(&client), 4507);
  client_close(&client);
  admission_stop();
  /* Nor is the program asked about one for whom there is no room. */
  struct client refused;
  config = admission_begin(STOA_ADMIT);
  config->limits = &limits;
  fixture_start(&admission.fixture, config, &admission_callbacks);
  admission_enter(&client, "stoa.json");
  fixture_connect(&admission.fixture, &refused, "stoa.json");
  assert_int_equal(client_read_close(&refused), STOA_CLOSE_FULL);
  client_close(&refused);
  fixture_sync(&client);
  assert_int_equal(atomic_load(&admission.count), 1);
  client_close(&client);
  admission_stop();
}

static void test_every_session_is_reported_when_the_server_ends(void **state) {
  (void)state;
  for (int way = 0; way < 2; way++) {
    struct client clients[6];
    fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
    for (size_t i = 0; i < 6; i++) {
      admission.decision = i < 3 ? STOA_ADMIT : STOA_ADMIT_LATER;
      admission_enter(&clients[i], i % 2 == 0 ? "stoa.json" : NULL);
    }
    if (way == 0) {
      stoa_server_drain(admission.fixture.server);
      for (size_t i = 0; i < 6; i++) {
        assert_int_equal(client_read_close(&clients[i]), STOA_CLOSE_DRAINING);
        client_close(&clients[i]);
      }
      stoa_server_wait(admission.fixture.server);
    }
    admission_stop();
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
  struct client member, pending;
  struct counter done = COUNTER_INIT;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
  struct life *life = admission_enter(&pending, "stoa.json");
  admission_enter(&member, "stoa.json");
  fixture_sync(&member);
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, pause_it, &done), STOA_OK);
  counter_wait(&done, 1);
  for (uint32_t i = 1; i <= 100; i++) {
    fixture_send_line(&pending, "pending", i);
  }
  fixture_sync(&member);
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, resume_it, &done), STOA_OK);
  for (uint32_t i = 1; i <= 100; i++) {
    assert_int_equal(fixture_read_line(&member).number, i);
    assert_int_equal(fixture_read_line(&pending).number, i);
  }
  client_close(&pending);
  client_close(&member);
  admission_stop();
}

static void test_an_admitted_session_stays_paused_when_the_program_paused_it(void **state) {
  (void)state;
  struct client pending, member;
  struct counter done = COUNTER_INIT;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
  admission_enter(&member, "stoa.json");
  fixture_sync(&member);
  admission.decision = STOA_ADMIT_LATER;
  struct life *life = admission_enter(&pending, "stoa.json");
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, pause_it, &done), STOA_OK);
  fixture_send_line(&pending, "pending", 1);
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, resume_it, &done), STOA_OK);
  counter_wait(&done, 2);
  fixture_sync(&member); /* resumed, but not let in */
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, pause_it, &done), STOA_OK);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  counter_wait(&done, 3);
  fixture_sync(&member); /* let in, but paused */
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, resume_it, &done), STOA_OK);
  assert_int_equal(fixture_read_line(&member).number, 1);
  client_close(&pending);
  client_close(&member);
  admission_stop();
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
  struct stoa_server_config *config = admission_begin(STOA_ADMIT);
  limits->send_queue_bytes_max = 2 * PIECES * PIECE_BYTES;
  config->limits = limits;
  return config;
}

static void test_on_drained_is_called_once_when_nothing_is_queued_any_more(void **state) {
  (void)state;
  struct client reader;
  struct flood flood = {.done = COUNTER_INIT};
  struct stoa_limits_config limits = {0};
  fixture_start(&admission.fixture, begin_with_a_long_queue(&limits), &admission_callbacks);
  struct life *life = admission_enter(&reader, "stoa.json");
  for (unsigned round = 1; round <= 2; round++) {
    assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, flood_it, &flood), STOA_OK);
    counter_wait(&flood.done, round);
    assert_int_equal(flood.queued_before, 0);
    assert_true(flood.queued_bytes > 0);
    assert_int_equal(life->drains, round - 1);
    read_flood(&reader);
    admission_await(&life->drains, round);
    fixture_sync(&reader);
    assert_int_equal(life->drains, round);
  }
  client_close(&reader);
  admission_expect_end(life, 1006);
  admission_stop();
}

static void ask_to_be_told(void *context, struct stoa_session *session, int status) {
  (void)context;
  assert(status == STOA_OK);
  stoa_session_notify_drained(session);
  stoa_session_notify_drained(session);
}

static void test_on_drained_is_called_also_when_nothing_was_queued(void **state) {
  (void)state;
  struct client client;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
  struct life *life = admission_enter(&client, "stoa.json");
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, ask_to_be_told, NULL), STOA_OK);
  admission_await(&life->drains, 1);
  fixture_sync(&client);
  assert_int_equal(life->drains, 1);
  client_close(&client);
  admission_stop();
}

static void test_on_drained_is_not_called_for_a_closed_session(void **state) {
  (void)state;
  struct client reader;
  struct flood flood = {.done = COUNTER_INIT, .closes = true};
  struct stoa_limits_config limits = {0};
  fixture_start(&admission.fixture, begin_with_a_long_queue(&limits), &admission_callbacks);
  struct life *life = admission_enter(&reader, "stoa.json");
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, flood_it, &flood), STOA_OK);
  counter_wait(&flood.done, 1);
  read_flood(&reader);
  assert_int_equal(client_read_close(&reader), 4503);
  client_close(&reader);
  admission_expect_end(life, 4503);
  assert_int_equal(life->drains, 0);
  admission_stop();
}

/* The arena. */

static void test_each_callback_has_the_whole_arena(void **state) {
  (void)state;
  static struct client clients[SESSIONS];
  for (int way = 0; way < 2; way++) {
    fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
    admission.arena_bytes = NOTE_BYTES;
    for (size_t i = 0; i < SESSIONS; i++) {
      admission_enter(&clients[i], "stoa.json");
      assert_int_equal(stoa_worker_run_for(admission.fixture.server, &admission.lives[i].id, ask_to_be_told, NULL),
                       STOA_OK);
    }
    for (size_t i = 0; i < SESSIONS; i++) {
      admission_await(&admission.lives[i].drains, 1);
    }
    for (size_t i = 0; way == 0 && i < SESSIONS; i++) {
      client_close(&clients[i]); /* one after the other, else all in one turn */
    }
    for (size_t i = 0; way == 0 && i < SESSIONS; i++) {
      admission_await(&admission.lives[i].disconnects, 1);
    }
    admission_stop();
    for (size_t i = 0; way == 1 && i < SESSIONS; i++) {
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

static void test_a_handler_that_closes_its_session_keeps_its_memory_in_the_arena(void **state) {
  (void)state;
  static const struct sample_v1_sample_handlers closing = {.ask = on_ask_and_close};
  struct client client;
  admission_begin(STOA_ADMIT);
  admission.arena_bytes = NOTE_BYTES;
  admission.fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &admission.fixture.server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(admission.fixture.server, &closing, NULL), STOA_OK);
  stoa_server_set_callbacks(admission.fixture.server, &admission_callbacks);
  assert_int_equal(stoa_server_start(admission.fixture.server), STOA_OK);
  admission.fixture.address = stoa_server_address(admission.fixture.server, 0);
  struct life *life = admission_enter(&client, "stoa.proto");
  assert_true(client_send_call(&client, FIXTURE_ASK, 1, "\x0a\x06there?"));
  assert_int_equal(client_read_close(&client), 4503);
  client_close(&client);
  admission_expect_end(life, 4503);
  admission_stop();
}
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_end_by_the_client_is_reported_once),
      cmocka_unit_test(test_on_closing_is_called_before_the_client_has_answered),
      cmocka_unit_test(test_a_session_that_is_closed_in_on_connect_is_reported_unless_it_is_refused),
      cmocka_unit_test(test_a_refused_session_is_not_reported_again),
      cmocka_unit_test(test_every_session_is_reported_when_the_server_ends),
      cmocka_unit_test(test_a_session_that_is_paused_is_read_when_it_is_resumed),
      cmocka_unit_test(test_an_admitted_session_stays_paused_when_the_program_paused_it),
      cmocka_unit_test(test_on_drained_is_called_once_when_nothing_is_queued_any_more),
      cmocka_unit_test(test_on_drained_is_called_also_when_nothing_was_queued),
      cmocka_unit_test(test_on_drained_is_not_called_for_a_closed_session),
      cmocka_unit_test(test_each_callback_has_the_whole_arena),
      cmocka_unit_test(test_a_handler_that_closes_its_session_keeps_its_memory_in_the_arena),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
