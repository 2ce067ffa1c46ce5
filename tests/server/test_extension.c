/* A library on top of the server is told of workers and of sessions that close. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stoa/worker.h>

#include "base/memory.h"
#include "fixture.h"
#include "server/extension.h"

#define WORKERS 3

static struct {
  struct fixture fixture;
  char calls[256]; /* of starts and stops, on one thread */
  struct counter closing;
  atomic_bool was_in_group;
  atomic_uint after_program; /* on_closing calls that came after the program's */
  int refuse_worker;         /* whose start fails; -1: none */
} world = {.closing = COUNTER_INIT};

static void note(char who, char what, uint32_t worker) {
  size_t len = strlen(world.calls);
  snprintf(world.calls + len, sizeof world.calls - len, "%c%c%u ", who, what, worker);
}

static int on_start(void *user, struct stoa_server *server, uint32_t worker) {
  assert_int_equal(stoa_worker_index(server), worker);
  note(*(const char *)user, '+', worker);
  return *(const char *)user == 'a' && (int)worker == world.refuse_worker ? STOA_E_DENIED : STOA_OK;
}

static void on_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)server;
  note(*(const char *)user, '-', worker);
}

static int program_start(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  note('p', '+', worker);
  return STOA_OK;
}

static void program_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  note('p', '-', worker);
}

static void visit(void *user, struct stoa_session *session) {
  (void)user;
  if (stoa_session_leave(session, stoa_string_of("g")) == STOA_OK) {
    world.was_in_group = true;
  }
  assert_int_equal(stoa_session_send_raw(session, stoa_bytes_make("x", 1), true), STOA_E_CLOSED);
  counter_up(&world.closing);
}

static void program_closing(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)session;
  (void)code;
  (void)reason;
  atomic_fetch_add(&world.after_program, 1);
}

static void ignore_closing(void *user, struct stoa_session *session) {
  (void)user;
  (void)session;
}

static struct stoa_extension extension_of(const char *name, void (*on_closing)(void *, struct stoa_session *)) {
  return (struct stoa_extension){.on_worker_start = on_start,
                                 .on_closing = on_closing,
                                 .on_worker_stop = on_stop,
                                 .user = (void *)(uintptr_t)name};
}

static int start(uint32_t workers, size_t count) {
  static const struct stoa_callbacks callbacks = {
      .on_worker_start = program_start, .on_worker_stop = program_stop, .on_closing = program_closing};
  static const char *const names[] = {"a", "b"};
  world.calls[0] = '\0';
  world.closing.value = 0;
  world.was_in_group = false;
  world.after_program = 0;
  world.fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(workers), &world.fixture.server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(world.fixture.server, fixture_handlers(), NULL), STOA_OK);
  stoa_server_set_callbacks(world.fixture.server, &callbacks);
  for (size_t i = 0; i < count; i++) {
    const struct stoa_extension extension = extension_of(names[i], i == 0 ? visit : ignore_closing);
    assert_int_equal(stoa_server_extend(world.fixture.server, &extension), STOA_OK);
  }
  int status = stoa_server_start(world.fixture.server);
  world.fixture.address = status == STOA_OK ? stoa_server_address(world.fixture.server, 0) : NULL;
  return status;
}

static void test_extensions_start_before_the_program_and_stop_after_it(void **state) {
  (void)state;
  world.refuse_worker = -1;
  assert_int_equal(start(2, 2), STOA_OK);
  fixture_stop(&world.fixture);
  assert_string_equal(world.calls, "a+0 b+0 p+0 a+1 b+1 p+1 p-0 b-0 a-0 p-1 b-1 a-1 ");
}

static void test_an_extension_that_does_not_start_ends_the_start(void **state) {
  (void)state;
  world.refuse_worker = 1;
  assert_int_equal(start(2, 2), STOA_E_DENIED);
  /* Only those that have started are stopped. */
  assert_string_equal(world.calls, "a+0 b+0 p+0 a+1 p-0 b-0 a-0 ");
  fixture_stop(&world.fixture);
}

static void test_an_extension_is_told_of_each_session_that_closes(void **state) {
  struct client clients[4];
  (void)state;
  world.refuse_worker = -1;
  assert_int_equal(start(WORKERS, 1), STOA_OK);
  for (size_t i = 0; i < 4; i++) {
    fixture_connect(&world.fixture, &clients[i], "stoa.json");
    fixture_send_group(&clients[i], "join", "g", "");
    fixture_sync(&clients[i]);
  }
  client_close(&clients[0]);
  client_close(&clients[1]);
  counter_wait(&world.closing, 2);
  stoa_server_abort(world.fixture.server);
  stoa_server_wait(world.fixture.server);
  fixture_stop(&world.fixture); /* the others close here */
  assert_int_equal(world.closing.value, 4);
  assert_int_equal(world.after_program, 4);
  assert_false(world.was_in_group);
  client_close(&clients[2]);
  client_close(&clients[3]);
}

static void test_a_server_has_a_bounded_number_of_extensions(void **state) {
  struct stoa_server *server;
  const struct stoa_extension extension = extension_of("a", ignore_closing);
  (void)state;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  for (uint32_t i = 0; i < STOA_EXTENSIONS_MAX; i++) {
    assert_int_equal(stoa_server_extend(server, &extension), STOA_OK);
  }
  assert_int_equal(stoa_server_extend(server, &extension), STOA_E_LIMIT);
  stoa_server_destroy(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_extensions_start_before_the_program_and_stop_after_it),
      cmocka_unit_test(test_an_extension_that_does_not_start_ends_the_start),
      cmocka_unit_test(test_an_extension_is_told_of_each_session_that_closes),
      cmocka_unit_test(test_a_server_has_a_bounded_number_of_extensions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
