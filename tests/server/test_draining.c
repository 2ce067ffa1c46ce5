/* What a program is told of a drain before its sessions are closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stoa/worker.h>

#include "base/memory.h"
#include "fixture.h"

enum { GUESTS = 30, LATER = 3 };

static struct {
  struct fixture fixture;
  atomic_uint told, told_late; /* how often, and after on_closing */
  atomic_uint closings, delay_max_ms;
  bool admits, closes;
} stage;

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user, (void)session, (void)request, (void)out_refusal;
  return stage.admits ? STOA_ADMIT : STOA_ADMIT_LATER;
}

static void on_draining(void *user, struct stoa_session *session, uint32_t delay_ms) {
  const struct sample_v1_line_message line = {
      .from = STOA_STR("server"), .text = STOA_STR("going"), .number = delay_ms};
  (void)user;
  atomic_fetch_add(&stage.told, 1);
  atomic_fetch_add(&stage.told_late, atomic_load(&stage.closings) > 0);
  if (delay_ms > atomic_load(&stage.delay_max_ms)) {
    atomic_store(&stage.delay_max_ms, delay_ms);
  }
  assert_int_equal(stoa_session_send(session, FIXTURE_LINE, &sample_v1_line_message_type, &line), STOA_OK);
  if (stage.closes) {
    stoa_session_close(session, 4999, "now");
  }
}

static void on_closing(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user, (void)session, (void)code, (void)reason;
  atomic_fetch_add(&stage.closings, 1);
}

static const struct stoa_callbacks callbacks = {
    .on_connect = on_connect, .on_draining = on_draining, .on_closing = on_closing};

static void begin(uint32_t workers) {
  atomic_store(&stage.told, 0);
  atomic_store(&stage.told_late, 0);
  atomic_store(&stage.closings, 0);
  atomic_store(&stage.delay_max_ms, 0);
  stage.admits = true;
  stage.closes = false;
  fixture_start(&stage.fixture, fixture_config(workers), &callbacks);
}

static void enter(struct client *guests) {
  for (unsigned i = 0; i < GUESTS; i++) {
    fixture_connect(&stage.fixture, &guests[i], "stoa.json");
    fixture_sync(&guests[i]);
  }
}

static void expect_close(struct client *client, int code) {
  assert_int_equal(client_read_close(client), code);
  client_close(client);
}

static void every_admitted_session_is_told_once_and_gets_what_is_sent_to_it(void **state) {
  (void)state;
  struct client guests[GUESTS];
  struct client later[LATER];
  struct client silent;
  begin(1);
  enter(guests);
  stage.admits = false;
  for (unsigned i = 0; i < LATER; i++) {
    fixture_connect(&stage.fixture, &later[i], "stoa.json");
  }
  client_connect(&silent, stage.fixture.address); /* has not asked for anything */
  stoa_server_drain(stage.fixture.server);
  stoa_server_drain(stage.fixture.server);
  for (unsigned i = 0; i < GUESTS; i++) {
    const struct fixture_line line = fixture_read_line(&guests[i]);
    assert_string_equal(line.text, "going");
    assert_true(line.number <= GUESTS + LATER + 1);
    expect_close(&guests[i], 4001);
  }
  for (unsigned i = 0; i < LATER; i++) {
    expect_close(&later[i], 4001);
  }
  client_close(&silent);
  stoa_server_wait(stage.fixture.server);
  assert_int_equal(atomic_load(&stage.told), GUESTS);
  assert_int_equal(atomic_load(&stage.told_late), 0);
  assert_true(atomic_load(&stage.delay_max_ms) > 0);
  fixture_stop(&stage.fixture);
}

static void the_program_may_close_a_session_when_it_is_told(void **state) {
  (void)state;
  struct client guests[GUESTS];
  begin(2);
  enter(guests);
  stage.closes = true;
  stoa_server_drain(stage.fixture.server);
  for (unsigned i = 0; i < GUESTS; i++) {
    expect_close(&guests[i], 4999);
  }
  stoa_server_wait(stage.fixture.server);
  assert_int_equal(atomic_load(&stage.told), GUESTS);
  fixture_stop(&stage.fixture);
}

/* The drain of this worker comes next, and needs no memory before it tells. */
static void drain_without_memory(void *context, int status) {
  (void)context;
  assert_int_equal(status, STOA_OK);
  stoa_memory_fail_at(1, false);
  stoa_server_drain(stage.fixture.server);
}

static void without_memory_sessions_are_closed_without_being_told(void **state) {
  (void)state;
  struct client guests[GUESTS];
  begin(1);
  enter(guests);
  assert_int_equal(stoa_worker_run(stage.fixture.server, 0, drain_without_memory, NULL), STOA_OK);
  for (unsigned i = 0; i < GUESTS; i++) {
    expect_close(&guests[i], 4001);
  }
  stoa_memory_fail_at(0, false);
  stoa_server_wait(stage.fixture.server);
  assert_int_equal(atomic_load(&stage.told), 0);
  fixture_stop(&stage.fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_admitted_session_is_told_once_and_gets_what_is_sent_to_it),
      cmocka_unit_test(the_program_may_close_a_session_when_it_is_told),
      cmocka_unit_test(without_memory_sessions_are_closed_without_being_told),
  };
  return cmocka_run_group_tests_name("server: draining", tests, NULL, NULL);
}
